//! One file a command, and what they share: exit codes and the way from flags to an audit.

pub mod check;
pub mod inspect;
pub mod layers;
pub mod synth;

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use randomlike::analysis;
use randomlike::audit::{Audit, LayerFacts};
use randomlike::checkpoint::Checkpoint;
use randomlike::policy::Policy;
use serde::Deserialize as _;

use crate::args::Measuring;
use crate::terminal::Bar;

/// What a command answers: an exit code, or why it could not do its work.
pub type Done = Result<ExitCode, Box<dyn Error>>;

/// Measured, and the gate holds where one was asked for.
pub const HOLDS: ExitCode = ExitCode::SUCCESS;
/// The gate failed; only `check` answers this.
pub const FAILED: u8 = 1;
/// The work could not be done.
pub const COULD_NOT_AUDIT: u8 = 2;

/// Opens and measures `source`, with progress on standard error.
fn measure(source: &Path, measuring: &Measuring) -> Result<Audit, Box<dyn Error>> {
    let engine = measuring.engine()?;
    measuring.limit_threads()?;
    let checkpoint = Checkpoint::open(source)?;
    let bar = Bar::new();
    let audit = analysis::measure(
        &checkpoint,
        &measuring.selecting.selection(),
        engine,
        &mut |progress| {
            bar.show(&progress);
        },
    );
    bar.clear();
    let audit = audit.map_err(|fault| match fault {
        // The engine knows numbers only.
        randomlike::Error::Spectrum(fault) => cannot_measure(source, &fault),
        other => other.into(),
    })?;
    match audit.layers.iter().find(|layer| !is_finite(layer)) {
        Some(layer) => {
            let fault = format!("a figure of the layer `{}` is not finite", layer.name);
            Err(cannot_measure(source, &fault))
        }
        None => Ok(audit),
    }
}

fn cannot_measure(source: &Path, fault: &dyn Display) -> Box<dyn Error> {
    format!("cannot measure `{}`: {fault}", source.display()).into()
}

/// Whether every figure can be written: JSON has no infinity, and null is not read back.
fn is_finite(layer: &LayerFacts) -> bool {
    serde_json::to_value(layer).is_ok_and(|json| LayerFacts::deserialize(json).is_ok())
}

fn read_policy(path: Option<&Path>) -> Result<Policy, Box<dyn Error>> {
    let Some(path) = path else {
        return Ok(Policy::default());
    };
    let read = |source| randomlike::Error::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    Ok(Policy::parse(
        &fs::read_to_string(path).map_err(read)?,
        path,
    )?)
}
