//! Singular vectors: how far their components are from a bell curve, and how few carry them.

use super::panel::{Axis, Mark, Panel, Role, Scale};
use randomlike_core::audit::{VectorFacts, VectorNull, VectorSides, Vectors};

/// Distance to a bell curve, and participation over its null; nothing without a vector.
pub(super) fn panels(vectors: &Vectors) -> Option<[Panel; 2]> {
    let known: Vec<(f64, &VectorSides)> = vectors
        .vectors
        .iter()
        .filter_map(|v| Some((v.singular_value, v.sides.measured()?)))
        .collect();
    let largest = known.iter().map(|v| v.0).reduce(f64::max)?;
    let x = || Axis::linear(0.0, 1.05 * largest, "singular value");
    let dots = |f: &dyn Fn(&VectorFacts, &VectorNull) -> f64| {
        let inputs = known
            .iter()
            .map(|(s, v)| (*s, f(&v.inputs, &vectors.inputs)));
        let outputs = known
            .iter()
            .map(|(s, v)| (*s, f(&v.outputs, &vectors.outputs)));
        [inputs.collect(), outputs.collect()]
    };
    let ks = dots(&|facts, _| facts.ks);
    let participation = dots(&|facts, null| (facts.participation / null.participation).log10());
    let null = &vectors.inputs;
    let top = highest(&ks, 1.3 * null.ks_q99);
    let distance = sides(
        Panel::new(x(), Axis::linear(0.0, 1.08 * top, "√n·KS to a bell curve")),
        ks,
    )
    .named(
        Mark::Horizontal(Role::Reference, null.ks_q95),
        format!(
            "95 % and 99 % of random vectors: {}, {}",
            null.ks_q95, null.ks_q99
        ),
    )
    .bare(Mark::Horizontal(Role::Reference, null.ks_q99));
    let high = highest(&participation, 0.3) + 0.1;
    let low = participation
        .iter()
        .flatten()
        .fold(-0.3, |least: f64, dot| least.min(dot.1))
        - 0.1;
    let y = Axis {
        from: low,
        to: high,
        label: "Σv⁴ over that of a random vector".into(),
        scale: Scale::Log10,
    };
    let participation = sides(Panel::new(x(), y), participation)
        .named(Mark::Horizontal(Role::Law, 0.0), "a random vector");
    Some([distance, participation])
}

fn highest(sides: &[Vec<(f64, f64)>; 2], least: f64) -> f64 {
    sides
        .iter()
        .flatten()
        .fold(least, |most, dot| most.max(dot.1))
}

fn sides(panel: Panel, [inputs, outputs]: [Vec<(f64, f64)>; 2]) -> Panel {
    panel
        .named(Mark::Dots(Role::Measured, inputs), "over inputs")
        .named(Mark::Dots(Role::Outlier, outputs), "over outputs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::Section;
    use randomlike_core::audit::example as facts;

    #[test]
    fn what_could_not_be_told_apart_is_not_drawn() {
        let mut vectors = facts::vectors();
        let [distance, _] = panels(&vectors).unwrap();
        let dots = |panel: &Panel| match &panel.series[0].mark {
            Mark::Dots(_, dots) => dots.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(dots(&distance), 2);
        vectors.vectors[0].sides = Section::Skipped { reason: "x".into() };
        assert_eq!(dots(&panels(&vectors).unwrap()[1]), 1);
        vectors.vectors.clear();
        assert_eq!(panels(&vectors), None);
    }
}
