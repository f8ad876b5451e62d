//! The weights no longer match a known initialiser.

use serde::Deserialize;

use super::figure::figure;
use super::{Level, Ruling};
use randomlike_core::audit::{Initializer, LayerFacts, Section};

/// Level and limit of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedFromInitialisation {
    /// What a failure means for the gate.
    pub level: Level,
    /// Fewest weights for which finding no initialiser says anything.
    pub min_weights: u64,
}

impl MovedFromInitialisation {
    pub(super) fn judge(&self, layer: &LayerFacts) -> Ruling {
        let limit = "the weights match no known initialiser".to_owned();
        match &layer.weights {
            Section::Skipped { reason } => Ruling::unmeasured(reason, limit, UNKNOWN),
            Section::Measured(weights) => match &weights.initializer {
                None if weights.count < self.min_weights => Ruling::skipped(
                    format!(
                        "not judged: {} weights are too few to tell initialisers apart",
                        weights.count
                    ),
                    limit,
                    UNKNOWN,
                ),
                None => Ruling::new(
                    true,
                    "no known initialiser has this law and scale".to_owned(),
                    limit,
                    "The weights match none of the sixteen initialisers looked for; another may have drawn them."
                        .to_owned(),
                ),
                Some(initializer) => {
                    Ruling::new(false, describe(initializer), limit, meaning(initializer))
                }
            },
        }
    }
}

fn describe(initializer: &Initializer) -> String {
    let aliases = match initializer.aliases.as_slice() {
        [] => String::new(),
        aliases => format!(" (the same here: {})", aliases.join(", ")),
    };
    format!(
        "{}{aliases}, std {}; KS to it {}, untouched layers stay below {}",
        initializer.name,
        figure(initializer.std),
        figure(initializer.ks),
        figure(initializer.ks_limit)
    )
}

fn meaning(initializer: &Initializer) -> String {
    format!(
        "Taken one by one, the weights cannot be told from fresh `{}` draws, so whatever looks random here may never have been trained.",
        initializer.name
    )
}

const UNKNOWN: &str = "Whether training moved the weights is unknown.";
