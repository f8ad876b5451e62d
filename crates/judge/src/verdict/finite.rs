//! No weight or bias is NaN or infinite.

use serde::Deserialize;

use super::{Level, Ruling};
use randomlike_core::audit::{LayerFacts, Section};

/// Level of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finite {
    /// What a failure means for the gate.
    pub level: Level,
}

impl Finite {
    pub(super) fn judge(layer: &LayerFacts) -> Ruling {
        let limit = "no NaN and no infinite entry".to_owned();
        let found = layer.non_finite;
        // Zero counts are a fact only when somebody read the weights.
        if let (0, Section::Skipped { reason }) = (found.total(), &layer.weights) {
            return Ruling::unmeasured(
                reason,
                limit,
                "Nobody looked whether every entry is a number.",
            );
        }
        let measured = format!(
            "weight: {} NaN, {} infinite; bias: {} NaN, {} infinite",
            found.weight_nan, found.weight_infinite, found.bias_nan, found.bias_infinite
        );
        let meaning = match found.total() {
            0 => "Every entry is an ordinary number.".to_owned(),
            broken => format!(
                "The layer is damaged (bad entries: {broken}): what passes through it will not be a number either."
            ),
        };
        Ruling::new(found.total() == 0, measured, limit, meaning)
    }
}
