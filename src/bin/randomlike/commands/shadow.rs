//! `shadow`: each layer in reverse and forward again.

use std::error::Error;

use randomlike::audit::Section;
use randomlike::checkpoint::Checkpoint;
use randomlike::layers::{self, Layer};
use randomlike::shadow::activation::{self, Activation};
use randomlike::shadow::{self, Estimate, LayerShadow, Plan};
use serde::Serialize;

use super::{Done, HOLDS};
use crate::args::{Shadow, limit_threads};
use crate::terminal::{self, Bar};

/// Layout version of `--json`.
const SCHEMA_VERSION: u32 = 1;

const KEY: &str = "k: positive coordinates of a code, * where k < ρn < k² does not hold. \
    error: of the code that came back, squared and relative, with the best constant bias; \
    theory: for a Gaussian matrix; shuffled: for the layer's entries in random order, the \
    same codes. ratio: error over shuffled, and its standard error. half: error with half of \
    the inputs dropped.";

#[derive(Serialize)]
struct Object<'a> {
    schema_version: u32,
    source: &'a str,
    seed: u64,
    layers: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    fan_in: usize,
    fan_out: usize,
    shadow: &'a Section<LayerShadow>,
}

/// Runs the command.
pub fn run(args: &Shadow) -> Done {
    limit_threads(args.threads)?;
    let checkpoint = Checkpoint::open(&args.source)?;
    let premise = premise(args, &checkpoint)?;
    let found = layers::find(checkpoint.tensors(), &args.selecting.selection())?.layers;
    let measured = measure(args, &checkpoint, &found)?;
    if !measured.iter().any(|s| matches!(s, Section::Measured(_))) {
        return Err(nothing(args, &measured).into());
    }
    let page = if args.json {
        object(args, &checkpoint, &found, &measured)?
    } else {
        page(args, &checkpoint, &found, &measured, &premise)
    };
    terminal::print(page.as_bytes())?;
    Ok(HOLDS)
}

/// What is taken for granted of the activation.
fn premise(args: &Shadow, checkpoint: &Checkpoint) -> Result<String, Box<dyn Error>> {
    match activation::find(checkpoint, &args.source) {
        Activation::Relu(place) => Ok(format!("ReLU, as {place} says.")),
        Activation::Unknown => Ok("Assumed: ReLU; nothing names the activation.".to_owned()),
        Activation::Other(name, place) if args.assume_relu => Ok(format!(
            "Assumed: ReLU, although {place} names `{name}`: the theory's premise does not hold."
        )),
        Activation::Other(name, place) => Err(format!(
            "the theory is about ReLU, and {place} names the activation `{name}`; \
             measure all the same with `--assume-relu`"
        )
        .into()),
    }
}

fn measure(
    args: &Shadow,
    checkpoint: &Checkpoint,
    found: &[Layer],
) -> randomlike::Result<Vec<Section<LayerShadow>>> {
    let bar = Bar::new();
    let each = found.iter().enumerate().map(|(i, layer)| {
        bar.stand(&layer.name, i, found.len(), "shadow");
        shadow::of_layer(checkpoint, layer, &plan(args, layer))
    });
    let measured = each.collect();
    bar.clear();
    measured
}

fn plan(args: &Shadow, layer: &Layer) -> Plan {
    let plan = Plan {
        rho: args.rho,
        keep: args.keep,
        trials: args.draws,
        calibration: args.draws.div_ceil(2),
        seed: args.seed,
        ..Plan::default()
    };
    Plan {
        k: args
            .k
            .unwrap_or_else(|| plan.sparsest(layer.fan_in, layer.fan_out)),
        ..plan
    }
}

fn nothing(args: &Shadow, measured: &[Section<LayerShadow>]) -> String {
    let reason = measured.iter().find_map(|section| match section {
        Section::Skipped { reason } => Some(reason.as_str()),
        Section::Measured(_) => None,
    });
    format!(
        "no layer of `{}` has a shadow: {}",
        args.source.display(),
        reason.unwrap_or("it has no layer; `randomlike layers` says why")
    )
}

fn object(
    args: &Shadow,
    checkpoint: &Checkpoint,
    found: &[Layer],
    measured: &[Section<LayerShadow>],
) -> Result<String, serde_json::Error> {
    let object = Object {
        schema_version: SCHEMA_VERSION,
        source: checkpoint.uri(),
        seed: args.seed,
        layers: found
            .iter()
            .zip(measured)
            .map(|(layer, shadow)| Entry {
                name: &layer.name,
                fan_in: layer.fan_in,
                fan_out: layer.fan_out,
                shadow,
            })
            .collect(),
    };
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}

fn page(
    args: &Shadow,
    checkpoint: &Checkpoint,
    found: &[Layer],
    measured: &[Section<LayerShadow>],
    premise: &str,
) -> String {
    let mut page = format!(
        "{}\n{}, ρ = {}, seed {}\n\n",
        terminal::heading(&terminal::cut(checkpoint.uri(), terminal::WIDTH)),
        terminal::counted(args.draws as u64, "draw"),
        args.rho,
        args.seed
    );
    let rows = found.iter().zip(measured).filter_map(|(layer, section)| {
        let shadow = section.measured()?;
        Some(row(layer, shadow))
    });
    let header = [
        "layer", "in→out", "k", "error", "theory", "shuffled", "ratio", "half",
    ];
    page += &terminal::table(&header, rows.collect(), &[2, 3, 4, 5, 6, 7]);
    page.push('\n');
    page += &terminal::wrap(KEY, 0);
    for (layer, section) in found.iter().zip(measured) {
        if let Section::Skipped { reason } = section {
            page += &terminal::wrap(&format!("{}: skipped, {reason}", layer.name), 0);
        }
    }
    page + "\n" + &terminal::wrap(&format!("{premise} {CAUTION}"), 0)
}

const CAUTION: &str = "A ratio near 1 says that the layer gives codes back as \
    well as its own entries in random order do, trained or not; above 1, its structure is in \
    the way.";

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
