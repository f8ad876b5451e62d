//! `synth`: a checkpoint with planted truths.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

use randomlike::synth::{self, Kind, Options};

use super::{Done, HOLDS};
use crate::args::Synth;
use crate::terminal;

/// Runs the command.
pub fn run(args: &Synth) -> Done {
    let kind: Kind = parse("KIND", &args.kind)?;
    synth::write(kind, &options(args)?, &args.out)?;
    terminal::remark(&format!(
        "wrote {}: {}",
        args.out.display(),
        kind.description()
    ));
    Ok(HOLDS)
}

fn options(args: &Synth) -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    if let Some(seed) = args.seed {
        options.seed = seed;
    }
    if let Some(inputs) = args.inputs {
        options.inputs = inputs;
    }
    if let Some(outputs) = args.outputs {
        options.outputs = outputs;
    }
    if let Some(dtype) = &args.dtype {
        options.dtype = parse("--dtype", dtype)?;
    }
    if let Some(bias) = &args.bias {
        options.bias = parse("--bias", bias)?;
    }
    Ok(options)
}

fn parse<T: FromStr<Err: Display>>(what: &str, word: &str) -> Result<T, Box<dyn Error>> {
    word.parse()
        .map_err(|error| format!("{what} cannot be `{word}`: {error}").into())
}
