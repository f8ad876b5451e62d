//! Neighbouring singular values repel like those of a random matrix.

use serde::Deserialize;

use super::figure::{chance, figure};
use super::{Level, Ruling};
use randomlike_core::audit::{LayerFacts, Section, Spectrum};
use randomlike_maths::stats::GOE_RATIO;

/// Standard error of the mean ratio over M values is `RATIO_ERROR`/√M (derived in docs/theory.md).
const RATIO_ERROR: f64 = 0.30;

/// Level and limits of the check.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelSpacing {
    /// What a failure means for the gate.
    pub level: Level,
    /// Distance from a random matrix's ratio, in standard errors.
    pub max_z: f64,
    /// Fewest singular values that are judged.
    pub min_values: usize,
}

impl LevelSpacing {
    pub(super) fn judge(&self, layer: &LayerFacts) -> Ruling {
        let limit = format!("within {} standard errors of {GOE_RATIO}", self.max_z);
        match &layer.spectrum {
            Section::Skipped { reason } => Ruling::unmeasured(reason, limit, UNKNOWN),
            Section::Measured(spectrum) => self.rule(spectrum, limit),
        }
    }

    fn rule(&self, spectrum: &Spectrum, limit: String) -> Ruling {
        let values = spectrum.count();
        let Some(ratio) = spectrum.level_ratio else {
            let reason = "the bulk has too few different values";
            return Ruling::unmeasured(reason, limit, UNKNOWN);
        };
        if values < self.min_values {
            let reason = format!(
                "not judged: {values} singular values are fewer than {}",
                self.min_values
            );
            return Ruling::skipped(reason, limit, UNKNOWN);
        }
        let errors = (ratio - GOE_RATIO) / (RATIO_ERROR / (values as f64).sqrt());
        let holds = errors.abs() <= self.max_z;
        let meaning = match (holds, ratio < GOE_RATIO) {
            (true, _) => "Neighbouring singular values keep their distance, as in a random matrix.",
            (false, true) => {
                "Neighbouring singular values ignore each other, as if the layer fell into parts."
            }
            (false, false) => {
                "Neighbouring singular values are spaced more evenly than chance would."
            }
        };
        let fact = spectrum
            .nulls
            .measured()
            .and_then(|nulls| nulls.level_ratio.as_ref());
        let by_chance = fact.map_or_else(String::new, |fact| {
            format!("; as far by chance: {}", chance(fact))
        });
        let measured = format!(
            "mean ratio {}, {} standard errors off{by_chance}",
            figure(ratio),
            figure(errors)
        );
        Ruling::new(holds, measured, limit, meaning.to_owned())
    }
}

const UNKNOWN: &str = "How neighbouring singular values are spaced is unknown.";
