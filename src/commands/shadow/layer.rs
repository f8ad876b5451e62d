//! Layers one by one: measured, and as a table.

use randomlike::audit::Section;
use randomlike::checkpoint::Checkpoint;
use randomlike::layers::Layer;
use randomlike::report::figures::{self, Figure};
use randomlike::shadow::{self, Estimate, LayerShadow, ShadowPlan};

use crate::args::Shadow;
use crate::terminal::{self, Bar};

const KEY: &str = "k: positive coordinates of a code, * where k < ρn < k² does not hold. \
    error: of the code that came back, squared and relative, with the best constant bias; \
    theory: for a Gaussian matrix; shuffled: for the layer's entries in random order, the \
    same codes. ratio: error over shuffled, and its standard error. half: error with half of \
    the inputs dropped.";

/// Runs each layer.
pub fn measure<'a>(
    args: &Shadow,
    checkpoint: &Checkpoint,
    layers: &[&'a Layer],
) -> randomlike::Result<Vec<(&'a Layer, Section<LayerShadow>)>> {
    let bar = Bar::new();
    let each = layers.iter().enumerate().map(|(i, &layer)| {
        bar.stand(&layer.name, i, layers.len(), "shadow");
        Ok((
            layer,
            shadow::of_layer(checkpoint, layer, &plan(args, layer))?,
        ))
    });
    let measured = each.collect();
    bar.clear();
    measured
}

fn plan(args: &Shadow, layer: &Layer) -> ShadowPlan {
    let plan = ShadowPlan {
        rho: args.rho,
        keep: args.keep,
        trials: args.draws,
        calibration: args.draws.div_ceil(2),
        seed: args.seed,
        ..ShadowPlan::default()
    };
    ShadowPlan {
        k: args
            .k
            .unwrap_or_else(|| plan.sparsest(layer.fan_in, layer.fan_out)),
        ..plan
    }
}

/// The error against k, and what came back, of each layer that was measured.
pub fn figures(
    layers: &[(&Layer, Section<LayerShadow>)],
) -> randomlike::report::Result<Vec<Figure>> {
    layers
        .iter()
        .enumerate()
        .filter_map(|(index, (layer, section))| {
            let shadow = section.measured()?;
            Some(figures::shadow_figure(index, &layer.name, shadow))
        })
        .collect()
}

/// The table, its key, and why some layers are not in it.
pub fn page(layers: &[(&Layer, Section<LayerShadow>)]) -> String {
    let rows = layers
        .iter()
        .filter_map(|(layer, section)| Some(row(layer, section.measured()?)));
    let header = [
        "layer", "in→out", "k", "error", "theory", "shuffled", "ratio", "half",
    ];
    let mut page = terminal::table(&header, rows.collect(), &[2, 3, 4, 5, 6, 7]);
    page.push('\n');
    page += &terminal::wrap(KEY, 0);
    for (layer, section) in layers {
        if let Section::Skipped { reason } = section {
            page += &terminal::wrap(&format!("{}: skipped, {reason}", layer.name), 0);
        }
    }
    page
}

fn row(layer: &Layer, shadow: &LayerShadow) -> Vec<String> {
    let mean = |estimate: &Estimate| format!("{:.3}", estimate.mean);
    let error = &shadow.layer.calibrated.relative_error;
    vec![
        terminal::cut(&layer.name, 20),
        format!("{}→{}", layer.fan_in, layer.fan_out),
        format!(
            "{}{}",
            shadow.k,
            if shadow.meets_the_theorem { "" } else { "*" }
        ),
        mean(error),
        format!("{:.3}", shadow.predicted),
        mean(&shadow.controls.shuffled.calibrated.relative_error),
        format!("{:.2}±{:.2}", shadow.ratio.mean, shadow.ratio.error),
        mean(&shadow.layer.dropout.calibrated.relative_error),
    ]
}
