//! The theorem on random nets: error against the share of sparsities that it speaks of.

use super::panel::{Axis, Mark, Panel, Role, Scale};
use randomlike_core::shadow::theory::{Case, Point, Series};

/// Against k_ℓ/k_{ℓ−1}, and against k₁/k₀.
pub(super) fn panels(series: &[Series]) -> [Panel; 2] {
    let errors = series
        .iter()
        .flat_map(|series| series.points.iter())
        .map(|point| place(point).1);
    let low = errors.clone().fold(f64::INFINITY, f64::min) - 0.1;
    let high = errors.fold(f64::NEG_INFINITY, f64::max) + 0.1;
    let is_below = |series: &&Series| series.case == Case::TwoLayersDenserBelow;
    let (below, above): (Vec<&Series>, Vec<&Series>) = series.iter().partition(is_below);
    [
        panel(
            &above,
            "k of the top over k of the level below",
            (low, high),
        ),
        panel(&below, "k1/k0, two layers with k2/k1 = 1/10", (low, high)),
    ]
}

fn panel(series: &[&Series], label: &str, (low, high): (f64, f64)) -> Panel {
    let shares = series
        .iter()
        .flat_map(|series| series.points.iter())
        .map(|point| place(point).0);
    let log = |from, to, label: &str| Axis {
        from,
        to,
        label: label.to_owned(),
        scale: Scale::Log10,
    };
    let x = log(
        shares.clone().fold(f64::INFINITY, f64::min) - 0.1,
        shares.fold(f64::NEG_INFINITY, f64::max) + 0.1,
        label,
    );
    let y = log(low, high, "squared error over τ², positive coordinates");
    let mut panel = Panel::new(x, y);
    for series in series {
        let points: Vec<(f64, f64)> = series.points.iter().map(place).collect();
        let (mark, role) = look(series.case);
        let name = name(series.case);
        panel = panel
            .named(mark(role, points.clone()), name)
            .bare(Mark::Dots(role, points));
    }
    // Through the first point of the first series.
    if let Some(&(x0, y0)) = series
        .first()
        .and_then(|first| first.points.first().map(place))
        .as_ref()
    {
        let line = vec![(x0, y0), (x0 + high - y0, high)];
        panel = panel.named(Mark::Dashes(Role::Reference, line), "in proportion");
    }
    panel
}

fn place(point: &Point) -> (f64, f64) {
    (point.share.log10(), point.per_positive_error.mean.log10())
}

type Look = (fn(Role, Vec<(f64, f64)>) -> Mark, Role);

fn look(case: Case) -> Look {
    match case {
        Case::TwoLayers | Case::TwoLayersDenserBelow => (Mark::Curve, Role::Measured),
        Case::TwoLayersBelowTheSquare => (Mark::Dashes, Role::Measured),
        Case::TwoLayersOutOfOrder => (Mark::Dashes, Role::Outlier),
        Case::ThreeLayers => (Mark::Curve, Role::Alternative),
        Case::ThreeLayersBeyond => (Mark::Dashes, Role::Alternative),
    }
}

fn name(case: Case) -> String {
    let layers = if case.layers() == 2 { "two" } else { "three" };
    match case.violates() {
        None => format!("{layers} layers, theorem met"),
        Some(condition) => format!("{layers}, not {condition}"),
    }
}
