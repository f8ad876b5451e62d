//! One file a command, and what they share: exit codes and the way from flags to an audit.

pub mod check;
pub mod inspect;
pub mod layers;
pub mod synth;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use randomlike::analysis;
use randomlike::audit::Audit;
use randomlike::checkpoint::Checkpoint;
use randomlike::policy::Policy;

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
    Ok(audit?)
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
