//! The layer gives codes back as well as its own entries in random order do.

use serde::Deserialize;

use super::figure::figure;
use super::{Level, Ruling};
use randomlike_core::audit::{LayerFacts, LayerShadow, Section};

/// Level and limits of the check.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShadowReversible {
    /// What a failure means for the gate.
    pub level: Level,
    /// Relative error of the layer over that of its shuffled control.
    pub max_ratio: f64,
    /// Distance of that ratio from 1 that is noise, in its standard errors.
    pub noise: f64,
    /// Relative error of the shuffled control from which on nothing is judged.
    pub max_control_error: f64,
    /// Fewest inputs and outputs of a layer that is judged.
    pub min_side: usize,
}

impl ShadowReversible {
    pub(super) fn judge(&self, layer: &LayerFacts) -> Ruling {
        let limit = format!(
            "ratio at most {}, or within {} standard errors of 1",
            self.max_ratio, self.noise
        );
        match &layer.shadow {
            Section::Skipped { reason } => Ruling::unmeasured(
                reason,
                limit,
                "Whether the layer can be run in reverse is unknown.",
            ),
            Section::Measured(shadow) => self.rule(shadow, layer.fan_in.min(layer.fan_out), limit),
        }
    }

    fn rule(&self, shadow: &LayerShadow, side: usize, limit: String) -> Ruling {
        let control = shadow.controls.shuffled.calibrated.relative_error.mean;
        let ratio = shadow.ratio;
        let measured = format!(
            "relative error {}, {:.2} ± {:.2} times the {} of its weights shuffled",
            figure(shadow.layer.calibrated.relative_error.mean),
            ratio.mean,
            ratio.error,
            figure(control)
        );
        if control >= self.max_control_error {
            return Ruling::skipped(
                format!(
                    "not judged: even the shuffled weights return next to nothing ({measured})"
                ),
                limit,
                "At this shape a random layer loses the codes too: the comparison says nothing.",
            );
        }
        if side < self.min_side {
            return Ruling::skipped(
                format!("not judged: a side of {side} is too short to tell ({measured})"),
                limit,
                "So small a layer is like no other of its kind, random or not.",
            );
        }
        let holds = ratio.mean <= self.max_ratio || ratio.mean - 1.0 <= self.noise * ratio.error;
        let meaning = if holds {
            "Run in reverse and forward again, it gives codes back as well as its own weights in random order do."
        } else {
            "Run in reverse and forward again, it gives codes back worse than its own weights in random order do: its structure is in the way."
        };
        Ruling::new(holds, measured, limit, meaning.to_owned())
    }
}
