//! `check`: a pass or a fail for CI.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use randomlike::audit::Audit;
use randomlike::policy::Policy;
use randomlike::report::json;
use randomlike::verdict::{Finding, Judgement, Level, Outcome, judge};
use serde::Serialize;
use serde::de::IgnoredAny;

use super::{Done, FAILED, HOLDS, measure, read_policy};
use crate::args::{Check, Format};
use crate::terminal::{self, WIDTH};

/// Layout version of `--format json`.
const SCHEMA_VERSION: u32 = 1;

/// Runs the command.
pub fn run(args: &Check) -> Done {
    let Some(source) = args.source.as_deref() else {
        terminal::print(Policy::default_text().as_bytes())?;
        return Ok(HOLDS);
    };
    let policy = read_policy(args.policy.as_deref())?;
    let audit = audit(source, args)?;
    let judgement = judge(&audit, &policy)?;
    let page = match args.format {
        Format::Human => page(&audit, &judgement),
        Format::Json => object(&audit, &judgement)?,
    };
    terminal::print(page.as_bytes())?;
    Ok(if judgement.fails() {
        ExitCode::from(FAILED)
    } else {
        HOLDS
    })
}

fn audit(source: &Path, args: &Check) -> Result<Audit, Box<dyn Error>> {
    if !is_audit(source)? {
        return measure(source, &args.measuring);
    }
    if args.measuring.is_given() {
        let source = source.display();
        let message = format!(
            "`{source}` is an audit: its layers and engine were chosen when it was measured, so `--conv`, \
             `--include`, `--exclude`, `--min-size` and `--engine` need the checkpoint itself"
        );
        return Err(message.into());
    }
    Ok(json::read_audit(source)?)
}

/// The two keys by which a JSON file says what it is.
#[derive(serde::Deserialize)]
struct Keys {
    schema_version: Option<IgnoredAny>,
    weight_map: Option<IgnoredAny>,
}

// An index is a checkpoint; every other kind of file is for the loader to know.
fn is_audit(source: &Path) -> Result<bool, Box<dyn Error>> {
    // What is no file is for the loader to name: opening a pipe would wait.
    if !source.is_file()
        || source
            .extension()
            .is_none_or(|extension| !extension.eq_ignore_ascii_case("json"))
    {
        return Ok(false);
    }
    let open = |source_error| randomlike::Error::Io {
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

fn page(audit: &Audit, judgement: &Judgement) -> String {
    let mut page = terminal::heading(&terminal::cut(&audit.source.uri, WIDTH)) + "\n";
    page += &findings(judgement.for_checkpoint());
    for layer in &audit.layers {
        let findings = findings(judgement.for_layer(&layer.name));
        if !findings.is_empty() {
            let _ = write!(
                page,
                "\n{}\n{findings}",
                terminal::heading(&terminal::cut(&layer.name, WIDTH))
            );
        }
    }
    let _ = write!(page, "\n{}", summary(judgement));
    page
}

/// What did not pass: failures with their figures, the rest in a line each.
fn findings<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut text = String::new();
    for finding in findings.filter(|finding| finding.outcome != Outcome::Pass) {
        let _ = writeln!(
            text,
            "  {}  {}",
            terminal::mark(finding),
            finding.check.name()
        );
        text += &terminal::wrap(&finding.measured, 8);
        if finding.outcome == Outcome::Fail {
            text += &terminal::wrap(&format!("limit: {}", finding.limit), 8);
            text += &terminal::wrap(&finding.meaning, 8);
        }
    }
    text
}

fn summary(judgement: &Judgement) -> String {
    let all = |outcome| {
        [Level::Allow, Level::Warn, Level::Deny].map(|level| judgement.count(outcome, level))
    };
    let [noted, warned, denied] = all(Outcome::Fail);
    let [passed, skipped] =
        [Outcome::Pass, Outcome::Skipped].map(|outcome| all(outcome).iter().sum::<usize>());
    let verdict = if judgement.fails() {
        "The gate fails"
    } else {
        "The gate holds"
    };
    let noted = if noted == 0 {
        String::new()
    } else {
        format!(", {noted} noted")
    };
    terminal::wrap(
        &format!(
            "{verdict}: {denied} failed, {warned} warned{noted}, {passed} passed, {skipped} skipped."
        ),
        0,
    )
}

#[derive(Serialize)]
struct Object<'a> {
    schema_version: u32,
    source: &'a str,
    holds: bool,
    findings: &'a [Finding],
}

fn object(audit: &Audit, judgement: &Judgement) -> Result<String, serde_json::Error> {
    let object = Object {
        schema_version: SCHEMA_VERSION,
        source: &audit.source.uri,
        holds: !judgement.fails(),
        findings: &judgement.findings,
    };
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}
