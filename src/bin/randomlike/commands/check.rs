//! `check`: a pass or a fail for CI.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use randomlike::audit::Audit;
use randomlike::policy::Policy;
use randomlike::report::json;
use randomlike::verdict::{Finding, Judgement, Level, Outcome, judge, judge_beside};
use serde::Serialize;

use super::{Done, FAILED, HOLDS, audit, is_audit, read_policy};
use crate::args::{Check, Deeper, Format};
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
    // A baseline that cannot be read is refused before the long part.
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    let audit = audit(source, &args.measuring, Deeper::default())?;
    let judgement = match &baseline {
        Some(baseline) => judge_beside(&audit, baseline, &policy)?,
        None => judge(&audit, &policy)?,
    };
    let beside = args.baseline.as_deref().map(Path::display);
    let beside = beside.map(|path| path.to_string());
    let page = match args.format {
        Format::Human => page(&audit, beside.as_deref(), &judgement),
        Format::Json => object(&audit, beside.as_deref(), &judgement)?,
    };
    terminal::print(page.as_bytes())?;
    Ok(if judgement.fails() {
        ExitCode::from(FAILED)
    } else {
        HOLDS
    })
}

/// Only facts of an earlier state make a baseline: weights would have to be measured first, and
/// a gate should not depend on a file that changes.
fn read_baseline(path: &Path) -> Result<Audit, Box<dyn Error>> {
    if is_audit(path)? {
        return Ok(json::read_audit(path)?);
    }
    // What is not there, or no file, has a better sentence of its own.
    randomlike::checkpoint::Checkpoint::open(path)?;
    let path = path.display();
    Err(format!(
        "the baseline `{path}` is a checkpoint; give the audit.json that `randomlike inspect {path} --out DIR` writes"
    )
    .into())
}

fn page(audit: &Audit, beside: Option<&str>, judgement: &Judgement) -> String {
    let mut page = terminal::heading(&terminal::cut(&audit.source.uri, WIDTH)) + "\n";
    if let Some(baseline) = beside {
        page += &(terminal::cut(&format!("baseline: {baseline}"), WIDTH) + "\n");
    }
    page += &findings(judgement.for_checkpoint());
    for name in names(audit, judgement) {
        let findings = findings(judgement.for_layer(name));
        if !findings.is_empty() {
            let _ = write!(
                page,
                "\n{}\n{findings}",
                terminal::heading(&terminal::cut(name, WIDTH))
            );
        }
    }
    let _ = write!(page, "\n{}", summary(judgement));
    page
}

/// The layers of the audit, and then those that only its baseline has.
fn names<'a>(audit: &'a Audit, judgement: &'a Judgement) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    let of_findings = judgement.findings.iter().filter_map(|f| f.layer.as_deref());
    let all = audit.layers.iter().map(|layer| layer.name.as_str());
    let mut known = BTreeSet::new();
    for name in all.chain(of_findings) {
        if known.insert(name) {
            names.push(name);
        }
    }
    names
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
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a str>,
    holds: bool,
    findings: &'a [Finding],
}

fn object(
    audit: &Audit,
    beside: Option<&str>,
    judgement: &Judgement,
) -> Result<String, serde_json::Error> {
    let object = Object {
        schema_version: SCHEMA_VERSION,
        source: &audit.source.uri,
        baseline: beside,
        holds: !judgement.fails(),
        findings: &judgement.findings,
    };
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}
