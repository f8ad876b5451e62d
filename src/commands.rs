//! One file a command, and what they share: exit codes and the way from flags to an audit.

pub mod check;
pub mod compare;
pub mod completions;
pub mod inspect;
pub mod layers;
pub mod man;
pub mod selftest;
pub mod shadow;
pub mod synth;
pub mod train;

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use randomlike::analysis;
use randomlike::audit::{Audit, Ledger};
use randomlike::checkpoint::{self, Checkpoint, Reading};
use randomlike::hub::{self, Hub};
use randomlike::policy::Policy;
use randomlike::report::json;
use randomlike::report::ledger_sentences::{self, TotalsOf};
use randomlike_checkpoint::FileError;
use serde::de::IgnoredAny;

use crate::args::{Deeper, Fetching, Measuring, limit_threads};
use crate::terminal;
use crate::terminal::{Bar, Download};

/// What a command answers: an exit code, or why it could not do its work.
pub type Done = Result<ExitCode, Box<dyn Error>>;

/// Measured, and the gate holds where one was asked for.
pub const HOLDS: ExitCode = ExitCode::SUCCESS;
/// The gate failed, or a planted truth did not come out: `check` and `selftest` answer this.
pub const FAILED: u8 = 1;
/// The work could not be done.
pub const COULD_NOT_AUDIT: u8 = 2;

/// Opens what `source` names: files, or a repository on the Hub, with progress on standard error.
fn open(source: &Path, fetching: Fetching) -> Result<Checkpoint, Box<dyn Error>> {
    let reading = Reading {
        void_is_bfloat16: fetching.v2_bfloat16,
    };
    let Some(spec) = hub::spec(source)? else {
        return Ok(Checkpoint::open_as(source, reading)?);
    };
    let hub = Hub::from_env(fetching.offline)?;
    let mut bar = Download::new();
    let opened = hub.open(&spec, reading, &mut |file, done, of| {
        bar.bytes(file, done, of);
    });
    bar.clear();
    Ok(opened?)
}

/// What is measured and what not, and what lies beside the source, as the first lines of a page.
fn ledger(ledger: &Ledger, of: TotalsOf) -> String {
    let mut text = terminal::wrap(&ledger_sentences::totals(ledger, of), 0);
    if let Some(beside) = ledger_sentences::beside(ledger) {
        text += &terminal::wrap(&beside, 0);
    }
    text
}

/// Opens and measures `source`, with progress on standard error.
fn measure(source: &Path, measuring: &Measuring, deeper: Deeper) -> Result<Audit, Box<dyn Error>> {
    limit_threads(measuring.threads)?;
    measure_opened(&open(source, measuring.fetching)?, measuring, deeper)
}

/// Measures what is open, with progress on standard error.
fn measure_opened(
    checkpoint: &Checkpoint,
    measuring: &Measuring,
    deeper: Deeper,
) -> Result<Audit, Box<dyn Error>> {
    let options = measuring.options(deeper)?;
    with_bar(|progress| analysis::measure(checkpoint, &options, progress))
}

/// The same for [`compare`], which takes the digests of the files itself.
fn measure_undigested(
    checkpoint: &Checkpoint,
    measuring: &Measuring,
) -> Result<Audit, Box<dyn Error>> {
    let options = measuring.options(Deeper::default())?;
    with_bar(|progress| analysis::measure_undigested(checkpoint, &options, progress))
}

fn with_bar(
    measure: impl FnOnce(&mut dyn FnMut(analysis::Progress<'_>)) -> randomlike_core::Result<Audit>,
) -> Result<Audit, Box<dyn Error>> {
    let bar = Bar::new();
    let audit = measure(&mut |progress| bar.show(&progress));
    bar.clear();
    Ok(audit?)
}

/// The facts in an `audit.json`, or those measured on a checkpoint.
fn audit(source: &Path, measuring: &Measuring, deeper: Deeper) -> Result<Audit, Box<dyn Error>> {
    if !is_audit(source)? {
        return measure(source, measuring, deeper);
    }
    if measuring.is_given() || deeper.is_given() {
        let source = source.display();
        let more = if deeper.is_given() {
            "`--full-controls`, `--vectors`, "
        } else {
            ""
        };
        let message = format!(
            "`{source}` is an audit: its layers, engine and draws were chosen when it was measured, so \
             `--conv`, `--include`, `--exclude`, `--min-size`, `--engine`, {more}`--seed` \
             and `--assume-relu` need the checkpoint itself"
        );
        return Err(message.into());
    }
    Ok(json::read_audit(source)?)
}

/// The two keys by which a JSON file says what it is.
#[derive(serde::Deserialize)]
#[serde(expecting = "an object with `schema_version` or `weight_map`")]
struct Keys {
    schema_version: Option<IgnoredAny>,
    weight_map: Option<IgnoredAny>,
}

// An index is a checkpoint; every other kind of file is for the loader to know.
fn is_audit(source: &Path) -> Result<bool, Box<dyn Error>> {
    // What is no file is for the loader to name: opening a pipe would wait.
    if !source.is_file()
        || checkpoint::is_index(&source.to_string_lossy())
        || source
            .extension()
            .is_none_or(|extension| !extension.eq_ignore_ascii_case("json"))
    {
        return Ok(false);
    }
    let open = |source_error| FileError::Io {
        action: "open",
        path: source.to_owned(),
        source: source_error,
    };
    let file = File::open(source).map_err(open)?;
    let keys: Keys = serde_json::from_reader(BufReader::new(file))
        .map_err(|error| format!("`{}` is no JSON object: {error}", source.display()))?;
    match (keys.schema_version, keys.weight_map) {
        (Some(_), _) => Ok(true),
        (None, Some(_)) => Ok(false),
        (None, None) => Err(format!(
            "`{}` is neither an audit (no `schema_version`) nor a checkpoint's index (no `weight_map`)",
            source.display()
        )
        .into()),
    }
}

/// Bytes of the longest policy that is read.
const LONGEST_POLICY: u64 = 10_000_000;

fn read_policy(path: Option<&Path>) -> Result<Policy, Box<dyn Error>> {
    let Some(path) = path else {
        return Ok(Policy::default());
    };
    let read = |source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let found = fs::metadata(path).map_err(read)?;
    if !found.is_file() || found.len() > LONGEST_POLICY {
        let path = path.display();
        return Err(format!(
            "`{path}` is no policy: give a TOML file of at most {LONGEST_POLICY} bytes"
        )
        .into());
    }
    Ok(Policy::parse(
        &fs::read_to_string(path).map_err(read)?,
        path,
    )?)
}
