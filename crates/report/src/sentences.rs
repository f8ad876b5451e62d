//! The sentences of findings, made of their numbers. Everything that shows a finding calls
//! [`finding_sentences`]; nothing reads a sentence back.
//!
//! A check's file has templates ([`CheckDefinition`] and [`Case`]). In them
//! - `{ks}` is a number or name of the finding, or a limit of the policy by its key;
//! - `{ks.limit}` and `{ks.floor}` belong to a number;
//! - `{measured}` is the check's own template for what was measured, filled;
//! - `[…]` is left out where a name directly inside of it has nothing to stand for.
//!
//! Numbers that were measured have three significant digits, counts all of theirs, and limits are
//! as in the policy. After a colon stands another way to write one: `:.2` with two decimals, `:−`
//! with a minus in place of a hyphen, `:%` times a hundred, and anything else is a noun, `3 layers`.
//!
//! [`CheckDefinition`]: randomlike_judge::checks::CheckDefinition
//! [`Case`]: randomlike_judge::checks::Case

use serde::Serialize;

use randomlike_core::number_format::{Chance, counted, figure};
use randomlike_judge::checks::{Finding, FindingValue, SkipReason, Unit};

/// A finding in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingSentences {
    /// What was measured: "KS .0021 (floor .0004), W₁/sd .0049".
    pub measured: String,
    /// The limit: "KS at most .02".
    pub limit: String,
    /// One plain sentence for a reader who knows no random-matrix theory.
    pub meaning: String,
}

/// The sentences of a finding.
#[must_use]
pub fn finding_sentences(finding: &Finding) -> FindingSentences {
    let limit = finding.check.definition().limit;
    FindingSentences {
        measured: filled(measured_template(finding), finding),
        limit: filled(finding.case.limit.unwrap_or(limit), finding),
        meaning: filled(finding.case.meaning, finding),
    }
}

/// The numbers of a finding, a short line each: `ks 0.0348 (limit 0.02)`.
#[must_use]
pub fn finding_numbers(finding: &Finding) -> Vec<String> {
    let limit = |limit: f64| format!(" (limit {limit})");
    let number = |value: &FindingValue| {
        let limit = value.limit.map_or_else(String::new, limit);
        let below = if value.below { "under " } else { "" };
        format!("{} {below}{}{limit}", value.name, value.value)
    };
    finding.values.iter().map(number).collect()
}

fn measured_template(finding: &Finding) -> &'static str {
    let own = match finding.skipped {
        Some(SkipReason::NotMeasured { .. }) => "not measured: {why}",
        _ => finding.check.definition().measured,
    };
    finding.case.measured.unwrap_or(own)
}

fn filled(template: &'static str, finding: &Finding) -> String {
    let mut rest = template;
    // A test fills every template of every check.
    fill(&mut rest, finding).unwrap_or_else(|| template.to_owned())
}

/// Writes up to the end of the template, or of the group that `rest` is in; nothing where a name
/// stands for nothing.
fn fill(rest: &mut &'static str, finding: &Finding) -> Option<String> {
    let mut text = String::new();
    let mut is_whole = true;
    while let Some(at) = rest.find(['{', '[', ']']) {
        let (before, sign) = rest.split_at(at);
        text += before;
        *rest = &sign[1..];
        match sign.as_bytes()[0] {
            b'{' => {
                let (name, after) = rest.split_once('}')?;
                *rest = after;
                match shown(name, finding) {
                    Some(shown) => text += &shown,
                    None => is_whole = false,
                }
            }
            b'[' => text += &fill(rest, finding).unwrap_or_default(),
            _ => return is_whole.then_some(text),
        }
    }
    text += rest;
    *rest = "";
    is_whole.then_some(text)
}

fn shown(placeholder: &'static str, finding: &Finding) -> Option<String> {
    let (name, format) = match placeholder.split_once(':') {
        Some((name, format)) => (name, Some(format)),
        None => (placeholder, None),
    };
    if let Some((name, part)) = name.split_once('.') {
        let value = finding.value(name)?;
        return match part {
            "limit" => value.limit.map(|limit| limit.to_string()),
            _ => value.floor.map(figure),
        };
    }
    if let Some(value) = finding.value(name) {
        return Some(number(value, format));
    }
    if let Some(limit) = finding.limits.get(name) {
        return Some(match format {
            Some("%") => (100.0 * limit).to_string(),
            Some(noun) => counted(*limit as u64, noun),
            None => limit.to_string(),
        });
    }
    text(name, finding)
}

fn number(value: &FindingValue, format: Option<&str>) -> String {
    let plain = |number: f64| match value.unit {
        Unit::Count => format!("{number:.0}"),
        _ => figure(number),
    };
    match format {
        None if value.below => Chance::Under(value.value).percent(),
        None => plain(value.value),
        Some("−") => plain(value.value).replace('-', "−"),
        Some(".1") => format!("{:.1}", value.value),
        Some(".2") => format!("{:.2}", value.value),
        Some(noun) => counted(value.value as u64, noun),
    }
}

fn text(name: &str, finding: &Finding) -> Option<String> {
    match (name, &finding.skipped) {
        ("why", Some(SkipReason::NotMeasured { why, .. })) => Some(why.to_string()),
        ("measured", _) => {
            let mut template = finding.check.definition().measured;
            fill(&mut template, finding)
        }
        ("figure", _) => finding.figure.clone(),
        _ => finding.names.get(name).cloned(),
    }
}

#[cfg(test)]
mod tests;
