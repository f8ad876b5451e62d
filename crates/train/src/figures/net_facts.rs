//! How the figures of the inspector move in training: a panel a figure, a line a method.

use crate::{NetLayerFacts, RunOutcome, TrainingMethod, UntrainedNet};
use randomlike_maths::stats::Spread;
use randomlike_report::figures::panel::{Axis, Mark, Panel, Role, Scale};

/// Colours of the layers, from the input up; further layers are not drawn.
const LAYERS: [Role; 4] = [Role::Measured, Role::Alternative, Role::Law, Role::Outlier];

/// One of the four.
struct LayerFigure {
    label: &'static str,
    of: fn(&NetLayerFacts) -> Option<f64>,
    /// What a random layer has.
    random: f64,
}

const QUANTITIES: [LayerFigure; 4] = [
    LayerFigure {
        label: "excess kurtosis of the weights",
        of: |layer| layer.excess_kurtosis,
        random: 0.0,
    },
    LayerFigure {
        label: "sd of the biases, in rms(W)·√inputs",
        of: |layer| layer.bias_spread,
        random: 0.0,
    },
    LayerFigure {
        label: "largest singular value over the law's edge",
        of: |layer| layer.edge_ratio,
        random: 1.0,
    },
    LayerFigure {
        label: "error in reverse over that of shuffled weights",
        of: |layer| layer.reversal_ratio,
        random: 1.0,
    },
];

/// The four panels; none where no run was looked into.
pub(super) fn panels(starts: &[UntrainedNet], outcomes: &[RunOutcome]) -> Vec<Panel> {
    let rows = rows(starts, outcomes);
    QUANTITIES
        .iter()
        .filter_map(|quantity| panel(&rows, quantity))
        .collect()
}

/// A name, and the nets behind it.
type Row<'a> = (String, Vec<&'a [NetLayerFacts]>);

/// From the top down: before training, then each method that was run.
fn rows<'a>(starts: &'a [UntrainedNet], outcomes: &'a [RunOutcome]) -> Vec<Row<'a>> {
    let before = starts.iter().map(|start| start.inside.as_slice());
    let mut rows = vec![("untrained".to_owned(), before.collect::<Vec<_>>())];
    for method in TrainingMethod::ALL {
        let of_method = outcomes.iter().filter(|outcome| outcome.method == method);
        let nets = of_method.map(|outcome| outcome.inside.as_slice());
        rows.push((method.name().to_owned(), nets.collect()));
    }
    rows.retain(|(_, nets)| !nets.is_empty());
    rows
}

fn panel(rows: &[Row<'_>], quantity: &LayerFigure) -> Option<Panel> {
    let layers = rows.first()?.1.first()?;
    let mut marks = Vec::new();
    let (mut low, mut high) = (quantity.random, quantity.random);
    for (layer, role) in LAYERS.into_iter().enumerate().take(layers.len()) {
        let mut dots = Vec::new();
        let mut bars = Vec::new();
        for (at, (_, nets)) in rows.iter().enumerate() {
            let values = nets.iter().filter_map(|net| (quantity.of)(net.get(layer)?));
            let values: Vec<f64> = values.collect();
            let Some((mean, std)) = mean_and_std(&values) else {
                continue;
            };
            // Layers of one net lie below each other, around the line of their method.
            let shift = 0.2 * (layer as f64 - (layers.len().min(LAYERS.len()) - 1) as f64 / 2.0);
            let y = (rows.len() - 1 - at) as f64 - shift;
            dots.push((mean, y));
            bars.push(vec![(mean - std, y), (mean + std, y)]);
            (low, high) = (low.min(mean - std), high.max(mean + std));
        }
        marks.push((layers[layer].layer.clone(), role, dots, bars));
    }
    let margin = 0.06 * (high - low).max(1e-3);
    let names = rows.iter().rev().map(|(name, _)| name.clone()).collect();
    let y = Axis {
        scale: Scale::Names(names),
        ..Axis::linear(-0.6, rows.len() as f64 - 0.4, "")
    };
    let x = Axis::linear(low - margin, high + margin, quantity.label);
    let mut panel = Panel::new(x, y).bare(Mark::Vertical(Role::Reference, quantity.random));
    for (name, role, dots, bars) in marks {
        for bar in bars {
            panel = panel.bare(Mark::Curve(role, bar));
        }
        panel = panel.named(Mark::Dots(role, dots), name);
    }
    Some(panel)
}

/// One run has no spread: its bar has no width.
fn mean_and_std(values: &[f64]) -> Option<(f64, f64)> {
    match Spread::of(values) {
        Some(spread) => Some((spread.mean, spread.std)),
        None => values.first().map(|&value| (value, 0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(kurtosis: Option<f64>) -> Vec<NetLayerFacts> {
        vec![NetLayerFacts {
            layer: "layers.0".into(),
            excess_kurtosis: kurtosis,
            bias_spread: Some(0.1),
            edge_ratio: Some(1.5),
            reversal_ratio: None,
        }]
    }

    // Kurtoses .2 and .4: a dot at .3, its bar ±.1414. Untrained nets stand on top.
    #[test]
    fn a_dot_is_the_mean_over_seeds() {
        let starts = [UntrainedNet {
            seed: 1,
            inside: net(Some(0.0)),
        }];
        let outcome = |seed, kurtosis| RunOutcome {
            method: TrainingMethod::Shadow,
            seed,
            test_error: 0.1,
            curve: Vec::new(),
            inside: net(Some(kurtosis)),
        };
        let panels = panels(&starts, &[outcome(1, 0.2), outcome(2, 0.4)]);
        assert_eq!(panels.len(), 4);
        let dots = |panel: &Panel| {
            let dots = panel.series.iter().find_map(|series| match &series.mark {
                Mark::Dots(_, dots) => Some(dots.clone()),
                _ => None,
            });
            dots.unwrap()
        };
        let found = dots(&panels[0]);
        assert_eq!(found[0], (0.0, 1.0));
        assert!((found[1].0 - 0.3).abs() < 1e-12 && found[1].1 == 0.0);
        let mut bar = panels[0]
            .series
            .iter()
            .filter_map(|series| match &series.mark {
                Mark::Curve(_, bar) => Some(bar[1].0 - bar[0].0),
                _ => None,
            });
        assert!((bar.next_back().unwrap() - 2.0 * 0.02_f64.sqrt()).abs() < 1e-12);
        // What was not measured has no dot.
        assert!(dots(&panels[3]).is_empty());
    }
}
