//! Enough of the checkpoint's layers could be measured.

use serde::Deserialize;

use super::{Level, Ruling};
use crate::audit::{Audit, LayerFacts};

/// Level and limits of the check.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// What a failure means for the gate.
    pub level: Level,
    /// Layers that must have been measured.
    pub min_layers: usize,
    /// Share of the layers that must have been measured.
    pub min_share: f64,
}

impl Covered {
    pub(super) fn judge(&self, audit: &Audit) -> Ruling {
        let layers = audit.layers.len();
        let measured = audit
            .layers
            .iter()
            .filter(|layer| is_measured(layer))
            .count();
        let limit = format!(
            "at least {} measured, and at least {:.0} % of them",
            self.min_layers,
            100.0 * self.min_share
        );
        let holds =
            measured >= self.min_layers && measured as f64 >= self.min_share * layers as f64;
        let meaning = if holds {
            "The findings speak for the layers of this checkpoint."
        } else {
            "Too little of this checkpoint was seen for the findings to speak for it."
        };
        let measured = format!("{measured} of {layers} layers, weights and spectrum both");
        Ruling::new(holds, measured, limit, meaning.to_owned())
    }
}

const fn is_measured(layer: &LayerFacts) -> bool {
    layer.weights.measured().is_some() && layer.spectrum.measured().is_some()
}
