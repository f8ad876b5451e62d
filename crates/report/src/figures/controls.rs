//! The largest singular values of a layer beside those of what chance makes of its weights.

use super::panel::{Axis, Mark, Panel, Role, Scale};
use randomlike_core::audit::{Controls, Spectrum};

/// The largest values of each; and the whole spectra, where they were taken.
pub(super) fn panels(controls: &Controls, spectrum: Option<&Spectrum>) -> Vec<Panel> {
    let whole = spectrum.and_then(|spectrum| by_rank(controls, spectrum));
    std::iter::once(largest(controls, spectrum))
        .chain(whole)
        .collect()
}

/// The controls from the bottom row up, and their names.
fn rows(controls: &Controls) -> [(&'static str, &[f64]); 2] {
    [
        ("Gaussian", &controls.gaussian.singular_values),
        ("shuffled", &controls.shuffled.singular_values),
    ]
}

/// Values of each that are drawn.
const SHOWN: usize = 16;

fn largest(controls: &Controls, spectrum: Option<&Spectrum>) -> Panel {
    let rows = rows(controls);
    let dots = |row: usize, values: &[f64]| {
        let shown = values.iter().take(SHOWN);
        shown.map(|&s| (s, row as f64)).collect::<Vec<_>>()
    };
    let own = spectrum.map_or(&[][..], |spectrum| spectrum.singular_values.as_slice());
    let outside = own
        .iter()
        .copied()
        .filter(|&s| s > controls.shuffled.threshold_above);
    let mut observed: Vec<f64> = outside.collect();
    if observed.is_empty() {
        observed.push(controls.observed);
    }
    let drawn: Vec<(f64, f64)> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, (_, values))| dots(row, values))
        .collect();
    let (from, to) = range(
        drawn
            .iter()
            .map(|dot| dot.0)
            .chain(dots(0, &observed).into_iter().map(|dot| dot.0)),
        controls.shuffled.threshold_above,
    );
    let names = rows.iter().map(|row| row.0).chain(["the layer"]);
    let y = Axis {
        from: -0.6,
        to: rows.len() as f64 + 0.6,
        label: String::new(),
        scale: Scale::Names(names.map(str::to_owned).collect()),
    };
    Panel::new(Axis::linear(from, to, "largest singular values"), y)
        .named(
            Mark::Dots(Role::Measured, dots(rows.len(), &observed)),
            "the layer",
        )
        .named(
            Mark::Dots(Role::Alternative, drawn),
            "what chance makes of it",
        )
        .named(
            Mark::Vertical(Role::Reference, controls.shuffled.threshold_above),
            "99 % of random matrices stay below",
        )
}

fn range(values: impl Iterator<Item = f64>, threshold: f64) -> (f64, f64) {
    let ends = |(low, high): (f64, f64), v: f64| (low.min(v), high.max(v));
    let (low, high) = values.fold((threshold, threshold), ends);
    let margin = (0.06 * (high - low)).max(0.01 * high);
    (low - margin, high + margin)
}

/// σ against the share of larger ones, where there are as many as the layer has.
fn by_rank(controls: &Controls, spectrum: &Spectrum) -> Option<Panel> {
    let count = spectrum.count();
    if count < 2
        || rows(controls)
            .iter()
            .any(|(_, values)| values.len() != count)
    {
        return None;
    }
    let curve = |values: &[f64]| -> Vec<(f64, f64)> {
        let step = count.div_ceil(400);
        let kept = values.iter().enumerate().step_by(step);
        kept.map(|(i, &s)| ((i as f64 + 0.5) / count as f64, s))
            .collect()
    };
    let top = rows(controls)
        .iter()
        .filter_map(|(_, values)| values.first())
        .fold(controls.observed, |most, &s| most.max(s));
    let x = Axis::linear(0.0, 1.0, "share of larger singular values");
    let panel = Panel::new(x, Axis::linear(0.0, 1.05 * top, "singular value"))
        .named(
            Mark::Curve(Role::Measured, curve(&spectrum.singular_values)),
            "the layer",
        )
        .named(
            Mark::Curve(Role::Alternative, curve(&controls.shuffled.singular_values)),
            "shuffled",
        );
    let gaussian = curve(&controls.gaussian.singular_values);
    Some(panel.named(Mark::Dashes(Role::Law, gaussian), "Gaussian"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

    #[test]
    fn whole_spectra_are_drawn_where_they_were_taken() {
        let layer = facts::layer("a");
        let spectrum = layer.spectrum.measured().unwrap();
        let mut controls = layer.controls.measured().unwrap().clone();
        assert_eq!(panels(&controls, Some(spectrum)).len(), 1);
        assert_eq!(panels(&controls, None).len(), 1);
        let all = [&mut controls.gaussian, &mut controls.shuffled];
        for control in all {
            control.singular_values = spectrum.singular_values.clone();
        }
        assert_eq!(panels(&controls, Some(spectrum)).len(), 2);
    }
}
