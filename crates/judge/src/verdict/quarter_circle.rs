//! The singular values follow the quarter-circle (Marchenko–Pastur) law.

use serde::Deserialize;

use super::figure::figure;
use super::{Level, Ruling};
use randomlike_core::audit::{Law, LayerFacts, Section, Spectrum};

/// Level and limits of the check.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuarterCircle {
    /// What a failure means for the gate.
    pub level: Level,
    /// KS distance to the law over the 99 % point of that distance for random entries.
    pub max_multiple: f64,
    /// Fewest singular values that can be passed.
    pub min_values: usize,
}

impl QuarterCircle {
    pub(super) fn judge(&self, layer: &LayerFacts) -> Ruling {
        let limit = format!(
            "KS at most {} times the null's 99 % point",
            self.max_multiple
        );
        match &layer.spectrum {
            Section::Skipped { reason } => {
                Ruling::unmeasured(reason, limit, "Nothing is known about the singular values.")
            }
            Section::Measured(spectrum) => self.rule(spectrum, limit),
        }
    }

    fn rule(&self, spectrum: &Spectrum, limit: String) -> Ruling {
        let law = match spectrum.law {
            Law::QuarterCircle => "the quarter circle",
            Law::MarchenkoPastur => "the Marchenko–Pastur law",
        };
        let measured = format!(
            "KS to {law} {}, {} times the null's 99 % point {}{}",
            figure(spectrum.ks_median),
            figure(spectrum.ks_median / spectrum.ks_null_q99),
            figure(spectrum.ks_null_q99),
            and_bulk(spectrum)
        );
        let holds = spectrum.ks_median <= self.max_multiple * spectrum.ks_null_q99;
        let values = spectrum.count();
        if holds && values < self.min_values {
            let reason =
                format!("not judged: {values} singular values are too few to tell ({measured})");
            return Ruling::skipped(
                reason,
                limit,
                "So few values fit the law whatever the matrix.",
            );
        }
        let meaning = if holds {
            "The bulk of the singular values is that of a matrix of independent random numbers."
        } else {
            "The layer stretches its inputs in ways that a matrix of independent random numbers does not."
        };
        Ruling::new(holds, measured, limit, meaning.to_owned())
    }
}

/// How much of the spectrum is on the law all the same.
fn and_bulk(spectrum: &Spectrum) -> String {
    match spectrum.bulk.measured() {
        Some(bulk) if bulk.above + bulk.below > 0 => format!(
            "; {} % of the values alone are on it",
            figure(100.0 * bulk.share)
        ),
        _ => String::new(),
    }
}
