//! The histogram of a layer's weights, and its twin on a logarithmic scale for the tails.

use super::panel::{Axis, Bar, Mark, Panel, Role, Scale, trace};
use randomlike_core::audit::{FamilyName, Histogram, Weights};
use randomlike_maths::stats::laws::normal;

/// Entries expected in the highest bar: fewer make a ragged outline of noise.
const FEWEST_AT_PEAK: f64 = 60.0;
/// Points of a curve.
const STEPS: usize = 240;

/// The histogram within 4 standard deviations, and the whole of it on a logarithmic scale.
pub(super) fn panels(weights: &Weights) -> Option<[Panel; 2]> {
    let bars = bars(weights.histogram.as_ref()?, weights.count);
    Some([linear(weights, &bars), logarithmic(weights, &bars)])
}

/// The histogram alone, for the overview.
pub(super) fn thumbnail(weights: &Weights) -> Option<Panel> {
    let bars = bars(weights.histogram.as_ref()?, weights.count);
    Some(linear(weights, &bars))
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

fn linear(weights: &Weights, bars: &[Bar]) -> Panel {
    let x = Axis::linear(-4.0, 4.0, "standard deviations from the mean");
    let highest = bars.iter().map(|bar| bar.height).fold(0.0, f64::max);
    let top = 1.08 * highest.max(normal::density(0.0));
    let panel = Panel::new(x, Axis::linear(0.0, top, "density"));
    curves(panel, weights, bars, |density| density)
}

fn logarithmic(weights: &Weights, bars: &[Bar]) -> Panel {
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
    let held: Vec<Bar> = bars
        .iter()
        .filter(|bar| bar.height > 0.0)
        .map(|&bar| Bar {
            height: bar.height.log10(),
            ..bar
        })
        .collect();
    let panel = Panel::new(
        Axis::linear(from, to, "standard deviations from the mean"),
        y,
    );
    curves(panel, weights, &held, |density| {
        density.max(f64::MIN_POSITIVE).log10()
    })
}

/// The bars, the fitted normal, and the family that fits better, if one does.
fn curves(panel: Panel, weights: &Weights, bars: &[Bar], y: impl Fn(f64) -> f64) -> Panel {
    let (from, to) = (panel.x.from, panel.x.to);
    let bell = trace(from, to, STEPS, |z| y(normal::density(z)));
    let panel = panel
        .named(Mark::Bars(Role::Measured, bars.to_vec()), "weights")
        .named(Mark::Curve(Role::Law, bell), "normal, same mean and sd");
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
