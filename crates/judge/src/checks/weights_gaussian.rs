//! The weights follow a normal law.

use serde::Deserialize;

use super::up_to_scales::{UpToScales, up_to_scales_policy};
use super::{
    Case, CheckDefinition, FindingValue, LimitKind, Rule, Ruling, SkipReason, Subject, Unit,
};
use crate::normal_limits::{NormalLimits, balanced_kurtosis_floor};
use randomlike_core::audit::{BalancedWeights, GaussianDistance, LayerFacts, Weights};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "weights-gaussian",
    description: "The weights follow a normal law.",
    measures: "The Kolmogorov-Smirnov and Wasserstein-1 distances of the weights to the normal law \
               with their mean and standard deviation, and their excess kurtosis. Each is taken \
               beyond its sampling floor, which true normal entries of the same count reach by \
               chance. The same of the weights with the scale of each unit divided out, whose \
               floors are those of random matrices treated the same way.",
    leaves_open: "That the layer is bad: most trained layers are not Gaussian. Nor that its \
                  entries depend on each other.",
    policy: concat!(
        r#"level = "deny"
# Each distance is taken beyond its sampling floor, the distance that true normal
# entries of the same count reach in one case out of twenty. A layer so small that the
# floor itself is above the limit is skipped, unless it fails all the same.
#
# KS distance to the fitted normal. Student t with 20 degrees of freedom has .0074,
# t with 10 .0160, a normal cut at two standard deviations (the usual truncated
# initialiser) .0167: these pass. t with 5 has .0382, uniform .0572, Laplace .0620.
max_ks = 0.02
# Wasserstein-1 distance in standard deviations, which sees tails that KS misses.
# t20 has .020, t10 .044, the cut normal .051; t5 has .102, Laplace .145, uniform .154.
max_wasserstein = 0.06
# Size of the excess kurtosis. t20 has .375, the cut normal -.63, rows of unequal scale
# (lognormal, tau .2) .52; uniform has -1.2, Laplace 3, t5 6.
max_excess_kurtosis = 1.0
"#,
        up_to_scales_policy!()
    ),
    ranges: &[],
    subject: Subject::Weights,
    measured: "KS {ks} (floor {ks.floor}), W₁/sd {wasserstein} (floor {wasserstein.floor}), excess \
               kurtosis {excess_kurtosis}[; best fit {best_fit}][; balanced KS {balanced_ks} (floor \
               {balanced_ks.floor}), W₁/sd {balanced_wasserstein}, excess kurtosis \
               {balanced_excess_kurtosis}]",
    limit: "at most KS {max_ks}, W₁/sd {max_wasserstein}, |excess kurtosis| \
            {max_excess_kurtosis}, each beyond its sampling floor",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Nothing is known about the law of the weights.");
static CONSTANT: Case = Case::new("constant", "One value repeated is no bell curve.")
    .measured("all {weights} weights are equal");
static TOO_FEW: Case = Case::new(
    "too-few",
    "So small a sample looks like a bell curve whatever its law.",
)
.measured("not judged: {weights} weights are too few to tell ({measured})");
static BELL_CURVE: Case = Case::new(
    "bell-curve",
    "A histogram of the weights is a bell curve for all practical purposes.",
);
static ZEROS: Case = Case::new(
    "zeros",
    "The weights do not follow a bell curve: {zeros} % of them are exactly zero.",
);
static FEW_VALUES: Case = Case::new(
    "few-values",
    "The weights do not follow a bell curve: there are only {distinct} different ones.",
);
static UP_TO_SCALES: Case = Case::new(
    "up-to-scales",
    "A histogram of the weights is a bell curve once the scale of each input and output is divided \
     out.",
);
static SCALES: Case = Case::new(
    "scales",
    "The weights do not follow a bell curve: units are on scales of their own. Once these are \
     divided out, they do.",
);
static HEAVY_TAILS: Case = Case::new(
    "heavy-tails",
    "The weights do not follow a bell curve: too many are tiny or very large.",
);
static LIGHT_TAILS: Case = Case::new(
    "light-tails",
    "The weights do not follow a bell curve: they are spread too evenly, with too few large ones.",
);

/// Standard errors of the excess kurtosis, √(24/count), that chance is allowed: at 4 it
/// takes one normal layer in 16,000.
const KURTOSIS_ERRORS: f64 = 4.0;

/// Share of exact zeros from which they are the first thing to say: no continuous law has any.
const ZERO_SHARE: f64 = 0.01;

/// Each beyond the sampling floor of its figure.
#[derive(Deserialize)]
struct Limits {
    /// Kolmogorov–Smirnov distance to the fitted normal.
    max_ks: f64,
    /// Wasserstein-1 distance to the fitted normal, in standard deviations.
    max_wasserstein: f64,
    /// Size of the excess kurtosis.
    max_excess_kurtosis: f64,
    /// Of which weights.
    up_to_scales: UpToScales,
}

impl Limits {
    const fn normal(&self) -> NormalLimits {
        NormalLimits {
            max_ks: self.max_ks,
            max_wasserstein: self.max_wasserstein,
            max_excess_kurtosis: self.max_excess_kurtosis,
        }
    }

    fn judge(&self, layer: &LayerFacts, weights: &Weights) -> Ruling {
        self.up_to_scales.choose(
            layer,
            self.stored(layer, weights),
            |balanced| &balanced.weights,
            |balanced| self.balanced(balanced),
            &UP_TO_SCALES,
            &UNKNOWN,
        )
    }

    fn stored(&self, layer: &LayerFacts, weights: &Weights) -> Ruling {
        let count = FindingValue::count("weights", weights.count);
        let Some(gaussian) = &weights.gaussian else {
            return Ruling::judged(false, &CONSTANT).values([count]);
        };
        let floor = kurtosis_floor(weights.count);
        let holds = self.normal().hold(gaussian, floor);
        let ruling = if holds && !self.can_fail(gaussian, floor) {
            Ruling::skipped(too_few(weights.count), &TOO_FEW)
        } else {
            Ruling::judged(holds, self.case(holds, layer, weights))
        };
        let ruling = ruling.values([
            FindingValue::new("ks", gaussian.ks)
                .floor(gaussian.ks_floor)
                .at_most(self.max_ks),
            FindingValue::new("wasserstein", gaussian.wasserstein)
                .unit(Unit::StandardDeviations)
                .floor(gaussian.wasserstein_floor)
                .at_most(self.max_wasserstein),
            FindingValue::new("excess_kurtosis", gaussian.excess_kurtosis)
                .floor(floor)
                .limit(LimitKind::SizeAtMost, self.max_excess_kurtosis),
            count,
            FindingValue::count("distinct", weights.distinct),
            FindingValue::new("zeros", 100.0 * weights.zero_fraction).unit(Unit::Percent),
        ]);
        match &weights.family {
            None => ruling,
            Some(family) => ruling.named("best_fit", family.best.to_string()),
        }
    }

    fn balanced(&self, weights: &BalancedWeights) -> Ruling {
        let gaussian = &weights.gaussian;
        let floor = balanced_kurtosis_floor(weights);
        let holds = self.normal().hold_balanced(weights);
        let ruling = if holds && !self.can_fail(gaussian, floor) {
            Ruling::skipped(too_few(weights.count), &TOO_FEW)
        } else {
            Ruling::judged(holds, if holds { &UP_TO_SCALES } else { &HEAVY_TAILS })
        };
        ruling.values([
            FindingValue::new("balanced_ks", gaussian.ks)
                .floor(gaussian.ks_floor)
                .at_most(self.max_ks),
            FindingValue::new("balanced_wasserstein", gaussian.wasserstein)
                .unit(Unit::StandardDeviations)
                .floor(gaussian.wasserstein_floor)
                .at_most(self.max_wasserstein),
            FindingValue::new("balanced_excess_kurtosis", gaussian.excess_kurtosis)
                .floor(floor)
                .limit(LimitKind::SizeAtMost, self.max_excess_kurtosis),
        ])
    }

    // A limit of 0 asks for nothing but the floor, so the floor cannot be too wide for it.
    fn can_fail(&self, facts: &GaussianDistance, kurtosis_floor: f64) -> bool {
        let tells = |limit: f64, floor: f64| limit == 0.0 || floor <= limit;
        tells(self.max_ks, facts.ks_floor)
            || tells(self.max_wasserstein, facts.wasserstein_floor)
            || tells(self.max_excess_kurtosis, kurtosis_floor)
    }

    fn case(&self, holds: bool, layer: &LayerFacts, weights: &Weights) -> &'static Case {
        let balanced = layer.balanced.measured();
        let balanced = balanced.and_then(|balanced| balanced.weights.measured());
        // Fewer values than a byte holds, each many times: quantised.
        let few = weights.distinct < 256 && weights.count > 20 * weights.distinct;
        let has_heavy_tails = |facts: &GaussianDistance| facts.excess_kurtosis > 0.0;
        if holds {
            &BELL_CURVE
        } else if weights.zero_fraction > ZERO_SHARE {
            &ZEROS
        } else if few {
            &FEW_VALUES
        } else if balanced.is_some_and(|weights| self.normal().hold_balanced(weights)) {
            &SCALES
        } else if weights.gaussian.as_ref().is_some_and(has_heavy_tails) {
            &HEAVY_TAILS
        } else {
            &LIGHT_TAILS
        }
    }
}

fn too_few(count: u64) -> SkipReason {
    SkipReason::TooFew {
        what: "weights",
        count,
        needed: None,
    }
}

fn kurtosis_floor(count: u64) -> f64 {
    KURTOSIS_ERRORS * (24.0 / count as f64).sqrt()
}
