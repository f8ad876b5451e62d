//! `check`: a pass or a fail for CI.

mod step_summary;

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use randomlike::audit::Audit;
use randomlike::policy::Policy;
use randomlike::report::ci::{self, Gate, github, junit, sarif};
use randomlike::report::sentences::finding_sentences;
use randomlike::report::{fact_sentences, json};
use randomlike::verdict::{Finding, FindingOutcome, judge, judge_beside};
use serde::Serialize;

use super::{Done, FAILED, HOLDS, audit, is_audit, read_policy};
use crate::args::{Check, Deeper, Format};
use crate::terminal::{self, WIDTH};
use step_summary::StepSummary;

/// Layout version of `--format json`.
const SCHEMA_VERSION: u32 = 1;

/// Runs the command.
pub fn run(args: &Check) -> Done {
    let Some(source) = args.source.as_deref() else {
        terminal::print(Policy::default_text().as_bytes())?;
        return Ok(HOLDS);
    };
    let policy = read_policy(args.policy.as_deref())?;
    // A baseline that cannot be read, or a summary that cannot be written, is refused before the
    // long part.
    let baseline = args.baseline.as_deref().map(read_baseline).transpose()?;
    let step_summary = match args.format {
        Format::Github => StepSummary::open()?,
        Format::Human | Format::Json | Format::Junit | Format::Sarif => None,
    };
    let audit = audit(source, &args.measuring, Deeper::default())?;
    let judgement = match &baseline {
        Some(baseline) => judge_beside(&audit, baseline, &policy)?,
        None => judge(&audit, &policy)?,
    };
    let named = |path: &Path| path.display().to_string();
    let beside = args.baseline.as_deref().map(named);
    let by = args.policy.as_deref().map(named);
    let here = env::current_dir().unwrap_or_default();
    let gate = Gate {
        audit: &audit,
        judgement: &judgement,
        file: &ci::relative(&audit.source.uri, &here),
        baseline: beside.as_deref(),
        policy: by.as_deref(),
    };
    let page = match args.format {
        Format::Human => page(&gate),
        Format::Json => object(&gate)?,
        Format::Junit => junit::document(&gate)?,
        Format::Sarif => sarif::log(&gate),
        Format::Github => github::commands(&gate),
    };
    terminal::print(page.as_bytes())?;
    if let Some(step_summary) = step_summary {
        step_summary.append(&github::summary(&gate))?;
    }
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

fn page(gate: &Gate<'_>) -> String {
    let mut page = terminal::heading(&terminal::cut(&gate.audit.source.uri, WIDTH)) + "\n";
    if let Some(baseline) = gate.baseline {
        page += &(terminal::cut(&format!("baseline: {baseline}"), WIDTH) + "\n");
    }
    for group in gate.groups() {
        let findings = findings(group.findings.into_iter());
        match group.layer {
            None => page += &findings,
            Some(_) if findings.is_empty() => {}
            Some(name) => {
                let heading = terminal::heading(&terminal::cut(name, WIDTH));
                let _ = write!(page, "\n{heading}\n{findings}");
            }
        }
    }
    let _ = write!(
        page,
        "\n{}",
        terminal::wrap(&fact_sentences::gate(gate.judgement), 0)
    );
    page
}

/// What did not pass: failures with their figures, the rest in a line each.
fn findings<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut text = String::new();
    for finding in findings.filter(|finding| finding.outcome != FindingOutcome::Pass) {
        let _ = writeln!(
            text,
            "  {}  {}",
            terminal::mark(finding),
            finding.check.name()
        );
        let said = finding_sentences(finding);
        text += &terminal::wrap(&said.measured, 8);
        if finding.outcome == FindingOutcome::Fail {
            text += &terminal::wrap(&format!("limit: {}", said.limit), 8);
            text += &terminal::wrap(&said.meaning, 8);
        }
    }
    text
}

#[derive(Serialize)]
struct Object<'a> {
    schema_version: u32,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a str>,
    holds: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
    findings: Vec<json::FindingJson<'a>>,
}

fn object(gate: &Gate<'_>) -> Result<String, serde_json::Error> {
    let object = Object {
        schema_version: SCHEMA_VERSION,
        source: &gate.audit.source.uri,
        baseline: gate.baseline,
        holds: !gate.judgement.fails(),
        notes: &gate.judgement.notes,
        findings: gate.judgement.findings.iter().map(json::finding).collect(),
    };
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}
