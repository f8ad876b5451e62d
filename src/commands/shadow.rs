//! `shadow`: layers and chains in reverse and forward again.

mod chain;
mod layer;
mod theory;

use std::error::Error;
use std::path::Path;

use randomlike::audit::Section;
use randomlike::checkpoint::Checkpoint;
use randomlike::layers::{self, Layer};
use randomlike::report::write;
use randomlike::shadow::activation::{self, Activation};
use randomlike::shadow::{ChainFacts, ChainRun, LayerShadow};
use serde::Serialize;

use super::{Done, HOLDS};
use crate::args::{Shadow, limit_threads};
use crate::terminal;

/// Layout version of `shadow.json`.
const SCHEMA_VERSION: u32 = 1;
/// The file with the facts.
const FACTS: &str = "shadow.json";

const CAUTION: &str = "A ratio near 1 says that codes come back as well as from the same \
    entries in random order, trained or not; above 1, structure is in the way. Where the \
    shuffled error is near 1 nothing comes back from either, and the ratio says nothing.";

#[derive(Serialize)]
struct Facts<'a> {
    schema_version: u32,
    source: &'a str,
    seed: u64,
    activation: &'a str,
    layers: Vec<Entry<'a>>,
    chains: Vec<ChainFacts>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    fan_in: usize,
    fan_out: usize,
    shadow: &'a Section<LayerShadow>,
}

/// Everything that was measured.
struct ShadowRun<'a> {
    checkpoint: &'a Checkpoint,
    premise: String,
    layers: Vec<(&'a Layer, Section<LayerShadow>)>,
    chains: Vec<(Vec<&'a Layer>, Section<ChainRun>)>,
}

/// Runs the command.
pub fn run(args: &Shadow) -> Done {
    limit_threads(args.threads)?;
    let Some(source) = &args.source else {
        return theory::run(args);
    };
    let checkpoint = super::open(source, args.fetching)?;
    let premise = premise(args, source, &checkpoint)?;
    let found = layers::of(&checkpoint, &args.selecting.selection())?.layers;
    let chains = chain::choose(args, &found)?;
    let inputs = chain::read_inputs(args, &chains)?;
    let out = args.out.as_deref();
    let destination = out.map(|out| write::prepare(out, FACTS)).transpose()?;
    let chosen: Vec<&Layer> = match &chains[..] {
        [chain] if !args.layers.is_empty() => chain.clone(),
        _ => found.iter().collect(),
    };
    let measured = ShadowRun {
        checkpoint: &checkpoint,
        premise,
        layers: layer::measure(args, &checkpoint, &chosen)?,
        chains: chain::measure(args, &checkpoint, chains, inputs.as_ref())?,
    };
    measured.is_something(args)?;
    let facts = serde_json::to_string_pretty(&measured.facts(args))? + "\n";
    if let Some(destination) = destination {
        let mut files = vec![(FACTS.to_owned(), facts.clone().into_bytes())];
        let drawn = layer::figures(&measured.layers)?.into_iter();
        for figure in drawn.chain(chain::figures(args, &measured.chains)?) {
            files.push((format!("figures/{}", figure.file), figure.png));
        }
        destination.commit(&files)?;
    }
    if args.json {
        terminal::print(facts.as_bytes())?;
    } else {
        terminal::print(measured.page(args).as_bytes())?;
    }
    Ok(HOLDS)
}

/// What is taken for granted of the activation.
fn premise(
    args: &Shadow,
    source: &Path,
    checkpoint: &Checkpoint,
) -> Result<String, Box<dyn Error>> {
    match activation::find(checkpoint, source) {
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

impl ShadowRun<'_> {
    /// Nothing measured is an error, and so is a chain that was asked for.
    fn is_something(&self, args: &Shadow) -> Result<(), String> {
        let chains = self.chains.iter().map(|(_, section)| reason(section));
        let asked = !args.layers.is_empty() || args.inputs.is_some();
        if let Some(reason) = chains.flatten().next().filter(|_| asked) {
            return Err(format!("the chain has no shadow: {reason}"));
        }
        let layers = self.layers.iter().map(|(_, section)| reason(section));
        let reasons: Option<Vec<String>> = layers.collect();
        let (Some(reasons), Some(source)) = (reasons, &args.source) else {
            return Ok(());
        };
        Err(format!(
            "no layer of `{}` has a shadow: {}",
            source.display(),
            reasons.first().map_or(
                "it has no layer; `randomlike layers` says why",
                String::as_str
            )
        ))
    }

    fn facts(&self, args: &Shadow) -> Facts<'_> {
        Facts {
            schema_version: SCHEMA_VERSION,
            source: self.checkpoint.uri(),
            seed: args.seed,
            activation: &self.premise,
            layers: self
                .layers
                .iter()
                .map(|(layer, shadow)| Entry {
                    name: &layer.name,
                    fan_in: layer.fan_in,
                    fan_out: layer.fan_out,
                    shadow,
                })
                .collect(),
            chains: self
                .chains
                .iter()
                .map(|(chain, section)| {
                    let layers = chain.iter().map(|layer| layer.name.clone()).collect();
                    let shadow = match section {
                        Section::Measured(run) => Section::Measured(run.facts.clone()),
                        Section::Skipped { reason } => Section::Skipped {
                            reason: reason.clone(),
                        },
                    };
                    ChainFacts::new(layers, shadow)
                })
                .collect(),
        }
    }

    fn page(&self, args: &Shadow) -> String {
        let mut page = format!(
            "{}\n{}, ρ = {}, seed {}\n\n",
            terminal::heading(&terminal::cut(self.checkpoint.uri(), terminal::WIDTH)),
            terminal::counted(args.draws as u64, "draw"),
            args.rho,
            args.seed
        );
        page += &layer::page(&self.layers);
        page += &chain::page(&self.chains);
        page += "\n";
        page += &terminal::wrap(&format!("{} {CAUTION}", self.premise), 0);
        if let Some(out) = &args.out {
            page += &terminal::wrap(
                &format!(
                    "The pictures are in {}, every fact in {}.",
                    out.join("figures").display(),
                    out.join(FACTS).display()
                ),
                0,
            );
        }
        page
    }
}

/// Why a section was skipped; nothing when it was measured.
fn reason<T>(section: &Section<T>) -> Option<String> {
    match section {
        Section::Measured(_) => None,
        Section::Skipped { reason } => Some(reason.to_string()),
    }
}
