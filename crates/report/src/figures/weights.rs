//! The histogram of a layer's weights, and its twin on a logarithmic scale for the tails.

use super::panel::{Axis, Bar, Mark, Panel, Role, Scale, steps, trace};
use randomlike_core::audit::{BalancedWeights, FamilyName, Histogram, Weights};
use randomlike_maths::stats::laws::normal;

/// Entries expected in the highest bar: fewer make a ragged outline of noise.
const FEWEST_AT_PEAK: f64 = 60.0;
/// Points of a curve.
const STEPS: usize = 240;

/// The histogram within 4 standard deviations, and the whole of it on a logarithmic scale; the
/// outline of the balanced weights over both.
pub(super) fn panels(weights: &Weights, balanced: Option<&BalancedWeights>) -> Option<[Panel; 2]> {
    let bars = bars(weights.histogram.as_ref()?, weights.count);
    let outline = outline(balanced);
    Some([
        linear(weights, &bars, &outline),
        logarithmic(weights, &bars, &outline),
    ])
}

/// The histogram alone, for the overview.
pub(super) fn thumbnail(weights: &Weights, balanced: Option<&BalancedWeights>) -> Option<Panel> {
    let bars = bars(weights.histogram.as_ref()?, weights.count);
    Some(linear(weights, &bars, &outline(balanced)))
}

/// Bars of the balanced weights; none where they were not measured.
fn outline(balanced: Option<&BalancedWeights>) -> Vec<Bar> {
    let histogram = balanced.and_then(|weights| Some((weights.histogram.as_ref()?, weights.count)));
    histogram.map_or_else(Vec::new, |(histogram, count)| bars(histogram, count))
}

/// Densities of the standardised weights; narrow bins are joined where they hold few.
fn bars(histogram: &Histogram, count: u64) -> Vec<Bar> {
    let bins = histogram.counts.len();
    let width = (histogram.upper - histogram.lower) / bins as f64;
    let expected = count as f64 * width * normal::density(0.0);
    let joined = [1, 2, 4, 8]
        .into_iter()
        .find(|&joined| expected * f64::from(joined) >= FEWEST_AT_PEAK)
        .unwrap_or(16) as usize;
    let bar = |(i, counts): (usize, &[u64])| {
        let from = histogram.lower + (i * joined) as f64 * width;
        let to = from + counts.len() as f64 * width;
        let held = counts.iter().sum::<u64>() as f64;
        Bar {
            from,
            to,
            height: held / (count as f64 * (to - from)),
        }
    };
    histogram
        .counts
        .chunks(joined)
        .enumerate()
        .map(bar)
        .collect()
}

fn linear(weights: &Weights, bars: &[Bar], outline: &[Bar]) -> Panel {
    let x = Axis::linear(-4.0, 4.0, "standard deviations from the mean");
    let heights = bars.iter().chain(outline).map(|bar| bar.height);
    let top = 1.08 * heights.fold(normal::density(0.0), f64::max);
    let panel = Panel::new(x, Axis::linear(0.0, top, "density"));
    let inside = outline
        .iter()
        .filter(|bar| bar.from >= -4.0 && bar.to <= 4.0);
    let inside: Vec<Bar> = inside.copied().collect();
    curves(panel, weights, (bars, &inside), |density| density)
}

fn logarithmic(weights: &Weights, bars: &[Bar], outline: &[Bar]) -> Panel {
    // Half of what a single weight in the narrowest bar stands for.
    let narrowest = bars.first().map_or(1.0, |bar| bar.to - bar.from);
    let floor = (0.5 / (weights.count as f64 * narrowest)).log10();
    let highest = bars.iter().map(|bar| bar.height).fold(0.4, f64::max);
    let (from, to) = (
        bars.first().map_or(-4.0, |bar| bar.from),
        bars.last().map_or(4.0, |bar| bar.to),
    );
    let y = Axis {
        from: floor,
        to: highest.log10() + 0.25,
        label: "density, logarithmic".to_owned(),
        scale: Scale::Log10,
    };
    let held = |bars: &[Bar]| -> Vec<Bar> {
        let held = bars.iter().filter(|bar| bar.height > 0.0);
        let held = held.map(|&bar| Bar {
            height: bar.height.log10(),
            ..bar
        });
        held.collect()
    };
    let panel = Panel::new(
        Axis::linear(from, to, "standard deviations from the mean"),
        y,
    );
    let shown = held(outline);
    let inside = shown.iter().filter(|bar| bar.from >= from && bar.to <= to);
    let inside: Vec<Bar> = inside.copied().collect();
    curves(panel, weights, (&held(bars), &inside), |density| {
        density.max(f64::MIN_POSITIVE).log10()
    })
}

/// The bars, the outline of the balanced ones, the fitted normal, and the family that fits better,
/// if one does.
fn curves(
    panel: Panel,
    weights: &Weights,
    (bars, outline): (&[Bar], &[Bar]),
    y: impl Fn(f64) -> f64,
) -> Panel {
    let (from, to, panel_floor) = (panel.x.from, panel.x.to, panel.y.from);
    let bell = trace(from, to, STEPS, |z| y(normal::density(z)));
    let panel = panel
        .named(
            Mark::Bars(Role::Measured, bars.to_vec()),
            "weights as stored",
        )
        .named(Mark::Curve(Role::Law, bell), "normal, same mean and sd");
    let panel = if outline.is_empty() {
        panel
    } else {
        panel.named(
            Mark::Curve(Role::Balanced, steps(outline, panel_floor)),
            "balanced",
        )
    };
    match weights.family.as_ref().map(|family| family.best) {
        Some(best) if best.name != FamilyName::Normal => {
            let density = |z: f64| {
                let w = weights.mean + weights.std * z;
                y(weights.std * best.density(w))
            };
            panel.named(
                Mark::Dashes(Role::Alternative, trace(from, to, STEPS, density)),
                format!("best fit: {best}"),
            )
        }
        _ => panel,
    }
}
