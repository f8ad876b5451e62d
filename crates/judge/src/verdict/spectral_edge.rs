//! No singular value lies outside the law's edges.

use serde::Deserialize;

use super::figure::{chance, counted, figure};
use super::{Level, Ruling};
use randomlike_core::audit::{Cause, LayerFacts, Section, Spectrum};

/// Level and limits of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectralEdge {
    /// What a failure means for the gate.
    pub level: Level,
    /// Singular values that may lie above the law's upper edge.
    pub max_above: usize,
    /// Singular values that may lie below the law's lower edge.
    pub max_below: usize,
}

impl SpectralEdge {
    pub(super) fn judge(&self, layer: &LayerFacts) -> Ruling {
        let limit = format!(
            "at most {} above the law's edges and {} below",
            self.max_above, self.max_below
        );
        match &layer.spectrum {
            Section::Skipped { reason } => {
                Ruling::unmeasured(reason, limit, "Nothing is known about the singular values.")
            }
            Section::Measured(spectrum) => {
                let holds = spectrum.outliers_above <= self.max_above
                    && spectrum.outliers_below <= self.max_below;
                let cause = layer.controls.measured().and_then(|c| c.trap.as_ref());
                let meaning = meaning(spectrum, cause.map(|trap| trap.cause));
                Ruling::new(holds, describe(spectrum), limit, meaning)
            }
        }
    }
}

fn describe(spectrum: &Spectrum) -> String {
    let nulls = spectrum.nulls.measured();
    let by_chance = nulls.map_or_else(String::new, |nulls| {
        let smallest = nulls.smallest.as_ref();
        let smallest =
            smallest.map_or_else(String::new, |fact| format!(", smallest {}", chance(fact)));
        format!(
            "; as far by chance: largest {}{smallest}",
            chance(&nulls.largest)
        )
    });
    format!(
        "{} above {}, {} below {}; largest {}{by_chance}",
        spectrum.outliers_above,
        figure(spectrum.outlier_threshold_above),
        spectrum.outliers_below,
        figure(spectrum.outlier_threshold_below),
        figure(spectrum.spectral_norm)
    )
}

/// `trap` is why one of them survives shuffling.
fn meaning(spectrum: &Spectrum, trap: Option<Cause>) -> String {
    let above = spectrum.outliers_above;
    let outside = above.saturating_add(spectrum.outliers_below) as u64;
    if outside == 0 {
        return "No direction is stretched or squeezed more than chance would.".to_owned();
    }
    // THEORY's mean trap: it survives shuffling, so it is no sign of learned structure.
    let mean_alone = above > 0
        && spectrum
            .mean_visibility
            .is_some_and(|visible| visible > 1.0);
    let alone = match trap {
        Some(Cause::SingleEntries) => "; one is made by single weights alone",
        Some(Cause::MeanAndSingleEntries) => "; one is made by the entry mean and single weights",
        _ if mean_alone => "; one may be made by the entry mean alone",
        _ => "",
    };
    format!(
        "It stretches or squeezes {} more than chance would{alone}.",
        counted(outside, "direction")
    )
}
