//! `check`: a pass or a fail for CI.

use std::fmt::Write as _;
use std::process::ExitCode;

use randomlike::audit::Audit;
use randomlike::policy::Policy;
use randomlike::verdict::{Finding, Judgement, Level, Outcome, judge};
use serde::Serialize;

use super::{Done, FAILED, HOLDS, audit, read_policy};
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
    let audit = audit(source, &args.measuring, Deeper::default())?;
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
