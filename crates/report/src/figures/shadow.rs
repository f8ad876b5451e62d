//! A layer in reverse and forward again: the error against k, and what came back of some
//! coordinates.

use super::panel::{Axis, Mark, Panel, Role, Scale};
use randomlike_core::shadow::{LayerShadow, Pairs, SweepPoint};

/// Part of the width of the second plot that the zeros are spread over, left of 0.
const STRIP: f64 = 0.09;
/// The golden ratio's share: its multiples fill a strip evenly, however many there are.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The error against k, and the coordinates; none of an error that is no number above 0.
pub(super) fn panels(shadow: &LayerShadow) -> Vec<Panel> {
    let against_k = against_k(shadow);
    against_k.into_iter().chain([coordinates(shadow)]).collect()
}

fn against_k(shadow: &LayerShadow) -> Option<Panel> {
    let shown = |point: &&SweepPoint| {
        let errors = [point.relative_error, point.q05, point.q95];
        point.k > 0 && errors.iter().all(|error| *error > 0.0)
    };
    let points: Vec<&SweepPoint> = shadow.sweep.iter().filter(shown).collect();
    let of = |error: fn(&SweepPoint) -> f64| -> Vec<(f64, f64)> {
        let each = points.iter().filter(|point| error(point) > 0.0);
        each.map(|point| (x(point.k), error(point).log10()))
            .collect()
    };
    let layer = of(|point| point.relative_error);
    let (first, last) = (layer.first()?.0, layer.last()?.0);
    let band: Vec<(f64, f64, f64)> = points
        .iter()
        .map(|point| (x(point.k), point.q05.log10(), point.q95.log10()))
        .collect();
    // Beyond 1 the closed form's premise, that h stands out of the noise, is gone.
    let mut theory = of(|point| point.predicted);
    theory.retain(|point| point.1 < 0.0);
    let (gaussian, shuffled) = (of(|point| point.gaussian), of(|point| point.shuffled));
    let edges = band.iter().flat_map(|&(_, low, high)| [low, high]);
    let others = [&theory, &gaussian, &shuffled].into_iter().flatten();
    let heights: Vec<f64> = edges.chain(others.map(|point| point.1)).collect();
    let low = heights.iter().copied().fold(f64::INFINITY, f64::min);
    let high = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let margin = 0.05 + 0.05 * (high - low);
    let axis = |from, to, label: &str, scale| Axis {
        from,
        to,
        label: label.to_owned(),
        scale,
    };
    let panel = Panel::new(
        axis(
            first - 0.25,
            last + 0.25,
            "k, positive coordinates of a code",
            Scale::Log2,
        ),
        axis(
            low - margin,
            high + margin,
            "relative error, squared",
            Scale::Log10,
        ),
    );
    let panel = panel.named(Mark::Band(Role::Measured, band), "5 to 95 % of the draws");
    let panel = if theory.is_empty() {
        panel
    } else {
        panel.named(Mark::Curve(Role::Law, theory), "theory, Gaussian matrix")
    };
    Some(
        panel
            .named(Mark::Dots(Role::Law, gaussian), "a Gaussian matrix")
            .named(Mark::Curve(Role::Measured, layer.clone()), "the layer")
            .bare(Mark::Dots(Role::Measured, layer))
            .named(
                Mark::Dashes(Role::Alternative, shuffled),
                "its weights shuffled",
            )
            .named(
                Mark::Vertical(Role::Reference, x(shadow.k)),
                format!("k = {}", shadow.k),
            ),
    )
}

fn x(k: usize) -> f64 {
    (k as f64).log2()
}

fn coordinates(shadow: &LayerShadow) -> Panel {
    let Pairs {
        draws,
        positive,
        zeros,
        ..
    } = &shadow.pairs;
    let widest = positive.iter().map(|pair| pair.0).fold(0.0, f64::max);
    let highest = positive
        .iter()
        .map(|pair| pair.1)
        .chain(zeros.iter().copied());
    let highest = highest.fold(widest, f64::max);
    let width = if widest > 0.0 { widest } else { 1.0 };
    let height = if highest > 0.0 { highest } else { 1.0 };
    let strip = |(i, &back): (usize, &f64)| {
        let share = (i as f64 * GOLDEN).fract();
        (-width * STRIP * (0.15 + 0.85 * share), back)
    };
    let spread: Vec<(f64, f64)> = zeros.iter().enumerate().map(strip).collect();
    let silent = zeros.iter().filter(|back| **back <= 0.0).count();
    let panel = Panel::new(
        Axis::linear(-1.15 * STRIP * width, 1.04 * width, "h sent down, ‖h‖ = 1"),
        Axis::linear(-0.02 * height, 1.05 * height, "h that came back"),
    );
    let end = 1.04 * width.min(height);
    panel
        .named(
            Mark::Curve(Role::Law, vec![(0.0, 0.0), (end, end)]),
            "as sent",
        )
        .named(
            Mark::Dots(Role::Outlier, spread),
            format!("{} zeros, left of 0; {silent} are 0 again", zeros.len()),
        )
        .named(
            Mark::Dots(Role::Measured, positive.clone()),
            format!("{} positive, of {draws} draws", positive.len()),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

    fn shadow() -> LayerShadow {
        facts::layer("a").shadow.measured().unwrap().clone()
    }

    fn curves(panel: &Panel, role: Role) -> Vec<&Vec<(f64, f64)>> {
        let marks = panel.series.iter().map(|series| &series.mark);
        marks
            .filter_map(|mark| match mark {
                Mark::Curve(of, points) if *of == role => Some(points),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn errors_and_their_axes_are_logarithms() {
        let shadow = shadow();
        let panels = panels(&shadow);
        let layer = curves(&panels[0], Role::Measured)[0];
        for (point, drawn) in shadow.sweep.iter().zip(layer) {
            assert!((2_f64.powf(drawn.0) - point.k as f64).abs() < 1e-9);
            assert!((10_f64.powf(drawn.1) - point.relative_error).abs() < 1e-9);
            assert!(panels[0].y.from < point.q05.log10() && panels[0].y.to > point.q95.log10());
        }
    }

    #[test]
    fn zeros_lie_apart_from_the_positive_ones() {
        let shadow = shadow();
        let panel = coordinates(&shadow);
        let Mark::Dots(Role::Outlier, zeros) = &panel.series[1].mark else {
            panic!("the second mark is the zeros");
        };
        assert_eq!(zeros.len(), shadow.pairs.zeros.len());
        assert!(
            zeros
                .iter()
                .all(|zero| zero.0 < 0.0 && zero.0 > panel.x.from)
        );
    }

    #[test]
    fn a_sweep_without_an_error_leaves_the_coordinates() {
        let mut shadow = shadow();
        shadow.sweep.clear();
        assert_eq!(panels(&shadow).len(), 1);
        shadow.pairs.positive.clear();
        shadow.pairs.zeros.clear();
        assert!(coordinates(&shadow).x.to > 0.0);
    }
}
