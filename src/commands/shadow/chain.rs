//! Chains of layers: chosen, measured, and as tables and figures.

use std::error::Error;

use randomlike::audit::{Section, Unmeasured};
use randomlike::checkpoint::Checkpoint;
use randomlike::layers::{self, Layer};
use randomlike::report::figures::{self, Figure};
use randomlike::shadow::{
    self, ChainPlan, ChainRun, ChainShadow, Descent, LevelReturn, Recovery, ShadowError, inputs,
};

use crate::args::Shadow;
use crate::terminal::{self, Bar};

const KEY: &str = "level: of the way up. positive: coordinates of its code, mean. error: as \
    above, with constant biases chosen level by level; per i: (h̃ᵢ − hᵢ)²/τ², τ the mean of the \
    positive coordinates; none and own: error without biases and with the checkpoint's; half: \
    with a part of every level dropped; shuffled, Gauss: the controls' error.";

/// The chain asked for, or every chain that names and sizes show.
pub fn choose<'a>(
    args: &Shadow,
    found: &'a [Layer],
) -> Result<Vec<Vec<&'a Layer>>, Box<dyn Error>> {
    if args.layers.is_empty() {
        let chains = layers::chains(found).into_iter();
        return Ok(chains
            .map(|chain| chain.into_iter().map(|i| &found[i]).collect())
            .collect());
    }
    let chain = args.layers.iter().map(|name| named(found, name));
    Ok(vec![chain.collect::<Result<_, _>>()?])
}

/// The layer of this name, or the only one whose name holds it.
fn named<'a>(found: &'a [Layer], name: &str) -> Result<&'a Layer, String> {
    if let Some(layer) = found.iter().find(|layer| layer.name == name) {
        return Ok(layer);
    }
    let holding: Vec<&Layer> = found.iter().filter(|l| l.name.contains(name)).collect();
    let list = |layers: &[&Layer]| {
        let names: Vec<&str> = layers.iter().take(8).map(|l| l.name.as_str()).collect();
        names.join(", ")
    };
    match holding[..] {
        [layer] => Ok(layer),
        [] => Err(format!(
            "no layer is called `{name}`; there are {}",
            list(&found.iter().collect::<Vec<_>>())
        )),
        _ => Err(format!("`{name}` may be any of {}", list(&holding))),
    }
}

/// The inputs, and the only chain that can take them.
pub struct Inputs {
    /// Which of the chains.
    chain: usize,
    inputs: Vec<Vec<f32>>,
}

/// Reads what `--inputs` names.
pub fn read_inputs(
    args: &Shadow,
    chains: &[Vec<&Layer>],
) -> Result<Option<Inputs>, Box<dyn Error>> {
    let wide = |chain: &[&Layer]| chain.first().map_or(0, |layer| layer.fan_in);
    if let Some(shape) = args.image {
        let length = shape.length();
        if !chains.iter().any(|chain| Some(wide(chain)) == length) {
            return Err(format!(
                "`--image` has {}x{}x{} numbers, and no chain takes as many inputs; {}",
                shape.channels,
                shape.height,
                shape.width,
                known(chains)
            )
            .into());
        }
    }
    let Some(path) = &args.inputs else {
        return Ok(None);
    };
    let [chain] = chains else {
        return Err(format!(
            "`--inputs` needs one chain, and {}; choose one with `--layers`",
            known(chains)
        )
        .into());
    };
    let most = args.draws + args.draws.div_ceil(2);
    Ok(Some(Inputs {
        chain: 0,
        inputs: inputs::read(path, wide(chain), most)?,
    }))
}

fn known(chains: &[Vec<&Layer>]) -> String {
    if chains.is_empty() {
        return "names and sizes show no chain".into();
    }
    let each = chains.iter().take(5).map(|chain| {
        let wide = chain.first().map_or(0, |layer| layer.fan_in);
        format!("{} ({wide} inputs)", names(chain))
    });
    let each: Vec<String> = each.collect();
    format!("there are the chains {}", each.join("; "))
}

fn names(chain: &[&Layer]) -> String {
    let names: Vec<&str> = chain.iter().map(|layer| layer.name.as_str()).collect();
    names.join(" → ")
}

/// Runs each chain. What cannot be run is skipped with its reason.
pub fn measure<'a>(
    args: &Shadow,
    checkpoint: &Checkpoint,
    chains: Vec<Vec<&'a Layer>>,
    inputs: Option<&Inputs>,
) -> randomlike::Result<Vec<(Vec<&'a Layer>, Section<ChainRun>)>> {
    let bar = Bar::new();
    let count = chains.len();
    let mut measured = Vec::with_capacity(count);
    for (index, chain) in chains.into_iter().enumerate() {
        let inputs = inputs.filter(|inputs| inputs.chain == index);
        let inputs = inputs.map(|inputs| inputs.inputs.as_slice());
        let progress = |layer: usize| bar.stand(&chain[layer].name, index, count, "chain");
        let plan = plan(args, &chain);
        let section = match shadow::of_chain(checkpoint, &chain, &plan, inputs, &progress) {
            Ok(run) => Section::Measured(run),
            Err(ShadowError::Read(error)) => return Err((*error).into()),
            Err(fault) => Section::Skipped {
                reason: Unmeasured::Fault(fault.to_string()),
            },
        };
        measured.push((chain, section));
    }
    bar.clear();
    Ok(measured)
}

fn plan(args: &Shadow, chain: &[&Layer]) -> ChainPlan {
    let below = chain.first().map(|layer| layer.fan_in);
    let sizes: Vec<usize> = below
        .into_iter()
        .chain(chain.iter().map(|layer| layer.fan_out))
        .collect();
    let plan = ChainPlan::for_sizes(&sizes, args.rho, args.seed);
    ChainPlan {
        k: if args.ks.is_empty() {
            plan.k
        } else {
            args.ks.clone()
        },
        keep: args.keep,
        trials: args.draws,
        calibration: args.draws.div_ceil(2),
        seed: args.seed,
    }
}

/// The errors along each chain, and its samples where its input is an image.
pub fn figures(
    args: &Shadow,
    chains: &[(Vec<&Layer>, Section<ChainRun>)],
) -> randomlike::Result<Vec<Figure>> {
    let mut drawn = Vec::new();
    for (index, (chain, section)) in chains.iter().enumerate() {
        let Some(run) = section.measured() else {
            continue;
        };
        let layers: Vec<String> = chain.iter().map(|layer| layer.name.clone()).collect();
        drawn.push(figures::chain_figure(index, &layers, &run.facts)?);
        let fits = |shape: &figures::ImageShape| shape.length() == run.facts.sizes.first().copied();
        if let Some(shape) = args.image.filter(fits) {
            drawn.push(figures::contact_sheet(index, &layers, run, shape)?);
        }
    }
    Ok(drawn)
}

/// A table for each chain and kind of code.
pub fn page(chains: &[(Vec<&Layer>, Section<ChainRun>)]) -> String {
    let mut page = String::new();
    for (chain, section) in chains {
        page += "\n";
        page += &terminal::headed(&names(chain));
        page += &match section {
            Section::Measured(run) => facts(&run.facts),
            Section::Skipped { reason } => terminal::wrap(&format!("skipped, {reason}"), 0),
        };
    }
    if chains.iter().any(|(_, s)| s.measured().is_some()) {
        page += "\n";
        page += &terminal::wrap(KEY, 0);
    }
    page
}

fn facts(chain: &ChainShadow) -> String {
    let list = |numbers: &[usize], between: &str| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        numbers.join(between)
    };
    let mut text = terminal::wrap(
        &format!(
            "{} units, k = {}. {}",
            list(&chain.sizes, " → "),
            list(&chain.k, ", "),
            chain.theorem.words()
        ),
        0,
    );
    text += "\n";
    text += &descent(&chain.random, "random codes");
    for real in &chain.real {
        text += "\n";
        text += &descent(real, "the net's own codes");
    }
    text
}

fn descent(descent: &Descent, codes: &str) -> String {
    let header = [
        "level", "positive", "error", "per i", "none", "own", "half", "shuffled", "Gauss",
    ];
    let controls = &descent.controls;
    let rows = descent.levels.iter().enumerate().map(|(at, level)| {
        let control = |levels: &[LevelReturn]| {
            levels
                .get(at)
                .map_or_else(|| "-".into(), |level| error(&level.calibrated))
        };
        vec![
            level.level.to_string(),
            format!("{:.0}", level.nonzeros),
            error(&level.calibrated),
            short(level.calibrated.per_coordinate_error.mean),
            error(&level.no_bias),
            level.own_bias.as_ref().map_or_else(|| "-".into(), error),
            error(&level.dropout.calibrated),
            control(&controls.shuffled),
            control(&controls.gaussian),
        ]
    });
    let (top, trials) = descent
        .top()
        .map_or((0, 0), |level| (level.level, level.trials));
    format!(
        "{codes} at level {top}, {}: ratio to the shuffled chain {}±{}\n",
        terminal::counted(trials as u64, "draw"),
        short(descent.ratio.mean),
        short(descent.ratio.error)
    ) + &terminal::table(&header, rows.collect(), &[0, 1, 2, 3, 4, 5, 6, 7, 8])
}

fn error(recovery: &Recovery) -> String {
    short(recovery.relative_error.mean)
}

/// In at most seven characters: what does not come back can be any number off.
fn short(value: f64) -> String {
    if value < 1000.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0e}")
    }
}
