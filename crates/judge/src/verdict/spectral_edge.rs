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
                let (above, below) = (least_above(spectrum), spectrum.outliers_below);
                let fails = above > self.max_above || below.is_some_and(|b| b > self.max_below);
                let open = most_above(spectrum).is_none_or(|most| most > self.max_above)
                    || below.is_none();
                if !fails && open {
                    let reason = format!(
                        "not judged: the density route leaves it open ({})",
                        describe(spectrum)
                    );
                    return Ruling::skipped(reason, limit, OPEN);
                }
                let holds = !fails;
                let cause = layer.controls.measured().and_then(|c| c.trap.as_ref());
                let meaning = meaning(spectrum, cause.map(|trap| trap.cause));
                Ruling::new(holds, describe(spectrum), limit, meaning)
            }
        }
    }
}

const OPEN: &str = "The singular values were not all computed: whether one lies outside the \
                    edges `--method exact` would tell.";

/// Values above that there are for sure.
fn least_above(spectrum: &Spectrum) -> usize {
    let least = spectrum.density.as_ref().map(|d| d.outliers_above_least);
    spectrum.outliers_above.or(least).unwrap_or(0)
}

fn most_above(spectrum: &Spectrum) -> Option<usize> {
    let most = spectrum
        .density
        .as_ref()
        .and_then(|d| d.outliers_above_most);
    spectrum.outliers_above.or(most)
}

/// The number above, or what is known of it.
pub fn count_above(spectrum: &Spectrum) -> String {
    match (
        spectrum.outliers_above,
        least_above(spectrum),
        most_above(spectrum),
    ) {
        (Some(count), ..) => count.to_string(),
        (None, least, Some(most)) => format!("{least} to {most}"),
        (None, least, None) => format!("{least} or more"),
    }
}

/// The number below; an unknown one is a question mark.
pub fn count_below(spectrum: &Spectrum) -> String {
    let below = spectrum.outliers_below;
    below.map_or_else(|| "?".to_owned(), |count| count.to_string())
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
        count_above(spectrum),
        figure(spectrum.outlier_threshold_above),
        count_below(spectrum),
        figure(spectrum.outlier_threshold_below),
        figure(spectrum.spectral_norm)
    )
}

/// `trap` is why one of them survives shuffling.
fn meaning(spectrum: &Spectrum, trap: Option<Cause>) -> String {
    let above = least_above(spectrum);
    let outside = (above + spectrum.outliers_below.unwrap_or(0)) as u64;
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
