//! The layer gives codes back as well as its own entries in random order do.

use serde::Deserialize;

use super::up_to_scales::{UpToScales, up_to_scales_policy};
use super::{
    Case, CheckDefinition, FindingValue, LimitRange, Rule, Ruling, SkipReason, Subject, Unit,
};
use randomlike_core::audit::{BalancedShadow, LayerFacts, LayerShadow};
use randomlike_core::shadow::Estimate;

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "shadow-reversible",
    description: "Run in reverse and forward again, the layer gives codes back as well as its own \
                  weights in random order do.",
    measures: "Sparse random codes are sent down through the layer and up again: the relative \
               error of what comes back, over that of the layer's own weights in random order on \
               the same codes. Independent entries have 1. The same with the scale of each unit \
               divided out of the weights and of the codes.",
    leaves_open: "That the net is bad: training leaves structure, and structure is in the way. Nor \
                  is a layer that passes good: an untrained one passes.",
    policy: concat!(
        r#"# It says random-like, not good: an untrained layer passes.
level = "deny"
# Relative error of the layer over that of its shuffled control, on the same codes.
# Independent entries have 1. A difference of a tenth is small beside those that training
# leaves: 1.26 to 1.52 in the nets of fixtures/.
max_ratio = 1.1
# A ratio that is above 1 by at most this many of its standard errors passes: they count
# the draws and, for layers with a side below 512, how far one shuffle is from the next. Of
# 1000 layers of independent entries at most 6 fail, at 512x32 (docs/decisions.md).
noise = 3.5
# Where the shuffled control itself returns next to nothing the ratio is near 1 whatever the
# layer is: skipped, never passed. More than 0.95 is refused.
max_control_error = 0.9
# Fewest inputs and outputs. Of independent layers of 512x8 35 in 1000 would fail.
min_side = 32
"#,
        up_to_scales_policy!()
    ),
    ranges: &[LimitRange {
        key: "max_control_error",
        range: 0.0..=0.95,
        wanted: "a relative error from 0 to 0.95, beyond which every layer would pass",
    }],
    subject: Subject::Shadow,
    measured: "relative error {error}, {ratio:.2} ± {ratio_error:.2} times the {control_error} of \
               its weights shuffled[; balanced {balanced_ratio:.2} ± {balanced_ratio_error:.2} times \
               {balanced_control_error}]",
    limit: "ratio at most {max_ratio}, or within {noise} standard errors of 1",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new(
    "unknown",
    "Whether the layer can be run in reverse is unknown.",
);
static CONTROL_TOO_HIGH: Case = Case::new(
    "control-too-high",
    "At this shape a random layer loses the codes too: the comparison says nothing.",
)
.measured("not judged: even the shuffled weights return next to nothing ({measured})");
static UP_TO_SCALES: Case = Case::new(
    "up-to-scales",
    "Once the scale of each unit is divided out, the layer gives codes back as well as its own \
     weights in random order do.",
);
static TOO_FEW: Case = Case::new(
    "too-few",
    "So small a layer is like no other of its kind, random or not.",
)
.measured("not judged: a side of {side} is too short to tell ({measured})");
static AS_SHUFFLED: Case = Case::new(
    "as-shuffled",
    "Run in reverse and forward again, it gives codes back as well as its own weights in random \
     order do.",
);
static WORSE: Case = Case::new(
    "worse-than-shuffled",
    "Run in reverse and forward again, it gives codes back worse than its own weights in random \
     order do: its structure is in the way.",
);

#[derive(Deserialize)]
struct Limits {
    /// Relative error of the layer over that of its shuffled control.
    max_ratio: f64,
    /// Distance of that ratio from 1 that is noise, in its standard errors.
    noise: f64,
    /// Relative error of the shuffled control from which on nothing is judged.
    max_control_error: f64,
    /// Fewest inputs and outputs of a layer that is judged.
    min_side: usize,
    /// Of which weights.
    up_to_scales: UpToScales,
}

impl Limits {
    fn judge(&self, layer: &LayerFacts, shadow: &LayerShadow) -> Ruling {
        let side = layer.fan_in.min(layer.fan_out);
        self.up_to_scales.choose(
            layer,
            self.stored(side, shadow),
            |balanced| &balanced.shadow,
            |shadow| self.balanced(side, shadow),
            &UP_TO_SCALES,
            &UNKNOWN,
        )
    }

    fn stored(&self, side: usize, shadow: &LayerShadow) -> Ruling {
        let control = shadow.controls.shuffled.calibrated.relative_error.mean;
        let ratio = shadow.ratio;
        self.ruling(side, ratio, control)
            .values([
                FindingValue::new("ratio", ratio.mean).at_most(self.max_ratio),
                FindingValue::new("ratio_error", ratio.error),
                FindingValue::new("error", shadow.layer.calibrated.relative_error.mean),
                FindingValue::new("control_error", control).at_most(self.max_control_error),
                FindingValue::count("side", side as u64).at_least(self.min_side as f64),
            ])
            .values((ratio.error > 0.0).then(|| {
                FindingValue::new("z", (ratio.mean - 1.0) / ratio.error)
                    .unit(Unit::StandardErrors)
                    .at_most(self.noise)
            }))
    }

    fn balanced(&self, side: usize, shadow: &BalancedShadow) -> Ruling {
        let control = shadow.shuffled.calibrated.relative_error.mean;
        let ratio = shadow.ratio;
        self.ruling(side, ratio, control).values([
            FindingValue::new("balanced_ratio", ratio.mean).at_most(self.max_ratio),
            FindingValue::new("balanced_ratio_error", ratio.error),
            FindingValue::new(
                "balanced_error",
                shadow.layer.calibrated.relative_error.mean,
            ),
            FindingValue::new("balanced_control_error", control),
        ])
    }

    fn ruling(&self, side: usize, ratio: Estimate, control: f64) -> Ruling {
        if control >= self.max_control_error {
            Ruling::skipped(SkipReason::ControlTooHigh, &CONTROL_TOO_HIGH)
        } else if side < self.min_side {
            let reason = SkipReason::TooFew {
                what: "inputs or outputs",
                count: side as u64,
                needed: Some(self.min_side as u64),
            };
            Ruling::skipped(reason, &TOO_FEW)
        } else {
            let within_noise = ratio.mean - 1.0 <= self.noise * ratio.error;
            let holds = ratio.mean <= self.max_ratio || within_noise;
            Ruling::judged(holds, if holds { &AS_SHUFFLED } else { &WORSE })
        }
    }
}
