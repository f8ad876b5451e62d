//! No singular value lies outside the law's edges.

use serde::Deserialize;

use super::{Case, CheckDefinition, FindingValue, Rule, Ruling, Subject, Unit};
use randomlike_core::audit::{Cause, LayerFacts, Spectrum};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "spectral-edge",
    description: "No singular value lies outside the law's edges.",
    measures: "The number of singular values above and below the edges of the law. Each edge is \
               tested at 1 % by random matrices of the layer's shape and excess kurtosis.",
    leaves_open: "That the layer is faulty: trained layers that work have such values. A mean that \
                  is not zero, or a few very large weights, make one without any learning.",
    policy: r#"# Trained layers that work have such values, and a random bulk with a few spikes is a
# finding rather than a fault. Each edge is tested at 1 % by random matrices of the layer's
# shape and excess kurtosis, the scale from the median as for the layer; measured, .3 to 3 %
# of independent matrices are beyond either (docs/calibration.md). So: warn, not deny.
level = "warn"
max_above = 0
max_below = 0
"#,
    ranges: &[],
    subject: Subject::Spectrum,
    measured: "{above} above {edge_above}, {below} below {edge_below}; largest {largest}[; as far \
               by chance: largest {chance_of_largest} %[, smallest {chance_of_smallest} %]]",
    limit: "at most {max_above} above the law's edges and {max_below} below",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Nothing is known about the singular values.");
static WITHIN: Case = Case::new(
    "within",
    "No direction is stretched or squeezed more than chance would.",
);
static OUTSIDE: Case = Case::new(
    "outside",
    "It stretches or squeezes {outside:direction} more than chance would.",
);
static ONE_BY_SINGLE_ENTRIES: Case = Case::new(
    "one-by-single-entries",
    "It stretches or squeezes {outside:direction} more than chance would; one is made by single \
     weights alone.",
);
static ONE_BY_MEAN_AND_ENTRIES: Case = Case::new(
    "one-by-mean-and-single-entries",
    "It stretches or squeezes {outside:direction} more than chance would; one is made by the entry \
     mean and single weights.",
);
static ONE_BY_MEAN: Case = Case::new(
    "one-maybe-by-mean",
    "It stretches or squeezes {outside:direction} more than chance would; one may be made by the \
     entry mean alone.",
);

#[derive(Deserialize)]
struct Limits {
    /// Singular values that may lie above the law's upper edge.
    max_above: usize,
    /// Singular values that may lie below the law's lower edge.
    max_below: usize,
}

impl Limits {
    fn judge(&self, layer: &LayerFacts, spectrum: &Spectrum) -> Ruling {
        let (above, below) = (spectrum.outliers_above, spectrum.outliers_below);
        let holds = above <= self.max_above && below <= self.max_below;
        let trap = layer.controls.measured().and_then(|c| c.trap.as_ref());
        let ruling = Ruling::judged(holds, case(spectrum, trap.map(|trap| trap.cause)));
        let nulls = spectrum.nulls.measured();
        let smallest = nulls.and_then(|nulls| nulls.smallest.as_ref());
        ruling
            .values([
                FindingValue::count("above", above as u64).at_most(self.max_above as f64),
                FindingValue::count("below", below as u64).at_most(self.max_below as f64),
                FindingValue::count("outside", above.saturating_add(below) as u64),
                FindingValue::new("edge_above", spectrum.outlier_threshold_above)
                    .unit(Unit::Weight),
                FindingValue::new("edge_below", spectrum.outlier_threshold_below)
                    .unit(Unit::Weight),
                FindingValue::new("largest", spectrum.spectral_norm).unit(Unit::Weight),
            ])
            .values(nulls.map(|nulls| FindingValue::chance("chance_of_largest", &nulls.largest)))
            .values(smallest.map(|fact| FindingValue::chance("chance_of_smallest", fact)))
    }
}

/// `trap` is why one of them survives shuffling.
fn case(spectrum: &Spectrum, trap: Option<Cause>) -> &'static Case {
    let above = spectrum.outliers_above;
    // docs/theory.md's mean trap: it survives shuffling, so it is no sign of learned structure.
    let is_mean = |visible: f64| above > 0 && visible > 1.0;
    match trap {
        _ if above.saturating_add(spectrum.outliers_below) == 0 => &WITHIN,
        Some(Cause::SingleEntries) => &ONE_BY_SINGLE_ENTRIES,
        Some(Cause::MeanAndSingleEntries) => &ONE_BY_MEAN_AND_ENTRIES,
        _ if spectrum.mean_visibility.is_some_and(is_mean) => &ONE_BY_MEAN,
        _ => &OUTSIDE,
    }
}
