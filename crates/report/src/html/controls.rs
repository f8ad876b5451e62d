//! The rows of a layer's controls and singular vectors.

use super::number;
use crate::fact_sentences::carried;
use randomlike_core::audit::{
    ControlFacts, Controls, LayerFacts, Part, SpectrumMethod, VectorFacts, VectorNull,
};

pub(super) const CONTROLS: &str = "Matrices of the same shape that chance made, one seeded draw \
    each. What the layer has more than its own weights in random order is structure; what these \
    have more than a Gaussian matrix comes from tails and mean.";

pub(super) const VECTORS: &str = "A random unit vector has bell-shaped components and is carried \
    by no unit alone (Porter and Thomas). Each singular value has a vector over the inputs and \
    one over the outputs.";

/// Every figure of the controls.
pub(super) fn controls(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    layer.controls.measured().map_or_else(Vec::new, rows)
}

fn rows(c: &Controls) -> Vec<(&'static str, String)> {
    let method = match c.method {
        SpectrumMethod::Exact => "all singular values",
        SpectrumMethod::Lanczos => "Lanczos steps",
    };
    let mut rows = vec![
        ("computed by", method.to_owned()),
        ("largest, the layer", number(c.observed)),
        ("shuffled", control(&c.shuffled)),
        ("Gaussian", control(&c.gaussian)),
        (
            "99 % of random matrices stay below",
            number(c.shuffled.threshold_above),
        ),
        ("spread between draws of a Gaussian", number(c.spread)),
        ("structure: layer − shuffled", number(c.structure)),
        (
            "tails and mean: shuffled − Gaussian",
            number(c.tails_and_mean),
        ),
    ];
    if let Some(trap) = &c.trap {
        rows.push(("visibility of the mean", number(trap.mean_visibility)));
        rows.push((
            "visibility of the largest entry",
            number(trap.entry_visibility),
        ));
        rows.push(("shuffled, without the mean", number(trap.without_mean)));
        let without = |s: Option<f64>| s.map(number);
        rows.extend(
            without(trap.without_large_entries).map(|s| ("shuffled, without large entries", s)),
        );
        rows.extend(without(trap.without_both).map(|s| ("shuffled, without either", s)));
    }
    rows
}

fn control(facts: &ControlFacts) -> String {
    let above = facts.outliers_above;
    let parts = [
        Some(format!(
            "{} ± {}",
            number(facts.largest()),
            number(facts.error)
        )),
        (above > 0).then(|| format!("{above} above the edge")),
        facts.ks_median.map(|ks| format!("KS {}", number(ks))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

/// A row a vector.
pub(super) fn vectors(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    let Some(vectors) = layer.vectors.measured() else {
        return Vec::new();
    };
    let side = |units, facts: &VectorFacts, null: &VectorNull| {
        format!(
            "{}; √n·KS {}, Σv⁴ {} times a random vector's",
            carried(units, facts),
            number(facts.ks),
            number(facts.participation / null.participation)
        )
    };
    let rows = vectors.vectors.iter().map(|vector| {
        let name = match vector.part {
            Part::Top => "top",
            Part::Bulk => "bulk",
            Part::Bottom => "bottom",
        };
        let words = match &vector.sides {
            randomlike_core::audit::Section::Skipped { reason } => reason.to_string(),
            randomlike_core::audit::Section::Measured(sides) => format!(
                "{}. {}",
                side("inputs", &sides.inputs, &vectors.inputs),
                side("outputs", &sides.outputs, &vectors.outputs)
            ),
        };
        let number = number(vector.singular_value);
        (name, format!("{}: {number}: {words}", vector.index + 1))
    });
    rows.chain([("largest residual", number(vectors.residual))])
        .collect()
}
