//! `layers`: what would be measured, what not, and why, from the headers alone.

use std::collections::BTreeSet;

use randomlike::audit::{Ledger, Orientation, OrientationFrom, Skipped, TensorFacts};
use randomlike::layers::{self, Layer};
use randomlike::report::fact_sentences;
use randomlike::report::ledger_sentences::TotalsOf;
use serde::Serialize;

use super::{Done, HOLDS};
use crate::args::Layers;
use crate::terminal;

/// Runs the command.
pub fn run(args: &Layers) -> Done {
    let checkpoint = super::open(&args.source, args.fetching)?;
    let found = layers::of(&checkpoint, &args.selecting.selection())?;
    let page = if args.json {
        object(&found, checkpoint.imports())?
    } else {
        page(&found, fact_sentences::imports(checkpoint.imports()))
    };
    terminal::print(page.as_bytes())?;
    Ok(HOLDS)
}

fn page(found: &layers::Layers, imports: Option<String>) -> String {
    let mut page = super::ledger(&found.ledger, TotalsOf::Headers);
    let skipped = found.ledger.skipped();
    page.push('\n');
    if !found.layers.is_empty() {
        let rows = found.layers.iter().map(layer_row).collect();
        page += &terminal::table(
            &["layer", "in→out", "dtype", "bias", "stored", "known from"],
            rows,
            &[],
        );
        page.push('\n');
    }
    if !skipped.is_empty() {
        let rows = skipped.iter().map(skipped_row).collect();
        page += &terminal::table(&["skipped", "shape", "dtype", "reason"], rows, &[]);
        page.push('\n');
    }
    page + &format!(
        "{}, {} skipped\n{}",
        terminal::counted(found.layers.len() as u64, "layer"),
        terminal::counted(skipped.len() as u64, "tensor"),
        imports.map_or_else(String::new, |words| terminal::wrap(&words, 0))
    )
}

fn layer_row(layer: &Layer) -> Vec<String> {
    vec![
        terminal::cut(&layer.name, 30),
        format!("{}→{}", layer.fan_in, layer.fan_out),
        terminal::cut(layer.weight.dtype.name(), 8),
        if layer.bias.is_some() { "yes" } else { "none" }.to_owned(),
        match layer.orientation {
            Orientation::OutIn => "out,in",
            Orientation::InOut => "in,out",
        }
        .to_owned(),
        match layer.orientation_from {
            OrientationFrom::BiasLength => "bias length",
            OrientationFrom::Naming => "naming",
            OrientationFrom::Neighbours => "neighbours",
            OrientationFrom::Assumption => "assumed",
        }
        .to_owned(),
    ]
}

fn skipped_row(skipped: &Skipped) -> Vec<String> {
    let shape = skipped
        .tensor
        .shape
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("×");
    vec![
        terminal::cut(&skipped.tensor.tensor, 26),
        terminal::cut(&shape, 14),
        terminal::cut(skipped.tensor.dtype.name(), 8),
        terminal::harmless(&skipped.reason.to_string()),
    ]
}

#[derive(Serialize)]
struct Object<'a> {
    layers: Vec<LayerObject<'a>>,
    skipped: Vec<Skipped>,
    ledger: &'a Ledger,
    /// What its pickles would import beside what weights are made of.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    imports: BTreeSet<&'a str>,
}

/// A layer, under the names of `audit.json`.
#[derive(Serialize)]
struct LayerObject<'a> {
    name: &'a str,
    weight: &'a TensorFacts,
    slice: Option<usize>,
    bias: Option<&'a TensorFacts>,
    fan_in: usize,
    fan_out: usize,
    orientation: Orientation,
    orientation_from: OrientationFrom,
}

fn object(found: &layers::Layers, imports: BTreeSet<&str>) -> Result<String, serde_json::Error> {
    let layers = found.layers.iter().map(layer_object).collect();
    Ok(serde_json::to_string_pretty(&Object {
        layers,
        skipped: found.ledger.skipped(),
        ledger: &found.ledger,
        imports,
    })? + "\n")
}

fn layer_object(layer: &Layer) -> LayerObject<'_> {
    LayerObject {
        name: &layer.name,
        weight: &layer.weight,
        slice: layer.slice,
        bias: layer.bias.as_ref(),
        fan_in: layer.fan_in,
        fan_out: layer.fan_out,
        orientation: layer.orientation,
        orientation_from: layer.orientation_from,
    }
}
