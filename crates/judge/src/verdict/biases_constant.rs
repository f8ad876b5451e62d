//! The biases are one constant, or negligible.

use serde::Deserialize;

use super::figure::figure;
use super::{Level, Ruling};
use randomlike_core::audit::{BiasKind, Biases, LayerFacts, Section};

/// Level of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasesConstant {
    /// What a failure means for the gate.
    pub level: Level,
}

impl BiasesConstant {
    pub(super) fn judge(layer: &LayerFacts) -> Ruling {
        let limit = "constant or negligible".to_owned();
        if layer.bias.is_none() {
            let meaning = "There are no biases, so nothing is said about them.";
            return Ruling::skipped(
                "not applicable: the layer has no bias".to_owned(),
                limit,
                meaning,
            );
        }
        let unknown = "Whether the biases are one constant is unknown.";
        match &layer.biases {
            Section::Skipped { reason } => Ruling::unmeasured(reason, limit, unknown),
            Section::Measured(biases) => match biases.kind {
                None => Ruling::unmeasured("the weights give the biases no scale", limit, unknown),
                Some(kind) => Ruling::new(
                    kind != BiasKind::Varied,
                    describe(biases, kind),
                    limit,
                    meaning(kind),
                ),
            },
        }
    }
}

fn describe(biases: &Biases, kind: BiasKind) -> String {
    let kind = match kind {
        BiasKind::Constant => "constant",
        BiasKind::Negligible => "negligible",
        BiasKind::Varied => "varied",
    };
    let spread = biases.spread_ratio.map_or_else(String::new, |ratio| {
        format!(", spread {} of a typical input sum", figure(ratio))
    });
    format!(
        "{kind}: mean {}, sd {}{spread}",
        figure(biases.mean),
        figure(biases.std)
    )
}

fn meaning(kind: BiasKind) -> String {
    match kind {
        BiasKind::Constant => "Every unit is shifted by the same amount, as the theory asks.",
        BiasKind::Negligible => {
            "The biases are so small beside what flows in that they hardly matter."
        }
        BiasKind::Varied => {
            "Units have thresholds of their own, from training or from the initialiser."
        }
    }
    .to_owned()
}
