//! What comes back along a chain, level by level: random codes, and the net's own.

use super::panel::{Axis, Mark, Panel, Role, Scale};
use randomlike_core::shadow::{ChainShadow, Descent, LevelReturn};

/// Random codes, and the net's own from the top where inputs were given.
pub(super) fn panels(chain: &ChainShadow) -> Vec<Panel> {
    let top = chain.sizes.len().saturating_sub(1);
    let descents: Vec<&Descent> = std::iter::once(&chain.random)
        .chain(chain.real.iter().filter(|real| real.levels.len() == top))
        .collect();
    let range = range(&descents);
    let titles = ["random codes", "the net's own codes"];
    descents
        .iter()
        .zip(titles)
        .map(|(descent, title)| panel(descent, title, range))
        .collect()
}

/// Relative error of every way up, by level.
type Way = fn(&LevelReturn) -> Option<f64>;

/// A mark for these points.
type Stroke = fn(Role, Vec<(f64, f64)>) -> Mark;

/// Levels that neighbouring series stand apart, so that equal ones can be told.
const ASIDE: f64 = 0.03;

const CALIBRATED: Way = |level| Some(level.calibrated.relative_error.mean);
const NO_BIAS: Way = |level| Some(level.no_bias.relative_error.mean);
const OWN: Way = |level| Some(level.own_bias.as_ref()?.relative_error.mean);
const DROPPED: Way = |level| Some(level.dropout.calibrated.relative_error.mean);

fn panel(descent: &Descent, title: &str, (from, to): (f64, f64)) -> Panel {
    let highest = descent.levels.len() as f64;
    let x = Axis {
        from: 0.6,
        to: highest + 0.4,
        label: format!("level of the way up, {title} at {highest}"),
        scale: Scale::Whole,
    };
    let y = Axis {
        from,
        to,
        label: "relative error, squared".into(),
        scale: Scale::Log10,
    };
    let controls = &descent.controls;
    let keep = descent
        .levels
        .first()
        .map_or(0.5, |level| level.dropout.keep);
    let series: [(&[LevelReturn], Way, Stroke, Role, String); 6] = [
        (
            &descent.levels,
            CALIBRATED,
            Mark::Curve,
            Role::Measured,
            "chosen biases".into(),
        ),
        (
            &descent.levels,
            DROPPED,
            Mark::Dashes,
            Role::Measured,
            format!("{keep} kept on the way up"),
        ),
        (
            &descent.levels,
            NO_BIAS,
            Mark::Curve,
            Role::Outlier,
            "no biases".into(),
        ),
        (
            &descent.levels,
            OWN,
            Mark::Curve,
            Role::Alternative,
            "its own biases".into(),
        ),
        (
            &controls.shuffled,
            CALIBRATED,
            Mark::Dashes,
            Role::Reference,
            "entries shuffled".into(),
        ),
        (
            &controls.gaussian,
            CALIBRATED,
            Mark::Dashes,
            Role::Law,
            "Gaussian matrices".into(),
        ),
    ];
    let mut panel = Panel::new(x, y);
    let middle = 0.5 * (series.len() - 1) as f64;
    for (place, (levels, way, mark, role, name)) in series.into_iter().enumerate() {
        let mut points = points(levels, way);
        if points.is_empty() {
            continue;
        }
        let aside = ASIDE * (place as f64 - middle);
        for (level, _) in &mut points {
            *level += aside;
        }
        panel = panel
            .named(mark(role, points.clone()), name)
            .bare(Mark::Dots(role, points));
    }
    panel
}

/// Level and decimal logarithm of the error.
fn points(levels: &[LevelReturn], way: Way) -> Vec<(f64, f64)> {
    let errors = levels
        .iter()
        .filter_map(|l| Some((l.level as f64, way(l)?)));
    errors
        .filter(|(_, error)| *error > 0.0)
        .map(|(level, error)| (level, error.log10()))
        .collect()
}

/// One range for all panels, so that they can be compared.
fn range(descents: &[&Descent]) -> (f64, f64) {
    let levels = descents.iter().flat_map(|descent| {
        let controls = &descent.controls;
        [&descent.levels, &controls.shuffled, &controls.gaussian]
    });
    let errors: Vec<f64> = levels
        .flat_map(|levels| [CALIBRATED, NO_BIAS, OWN, DROPPED].map(|way| points(levels, way)))
        .flatten()
        .map(|(_, error)| error)
        .collect();
    let low = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let high = errors.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low - 0.1, (high + 0.1).max(low + 0.3))
}
