//! Judgement: a pure function of an audit and a policy.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::checks::{BesideBaseline, FigureBeside, FigureState, Rule, Subject, can_get_worse};
use crate::compare::{self, ComparedFigure, Comparison, FigureSides, Matching, Pair, Unmatched};
use crate::label::Labels;
use crate::policy::{CheckLimits, Policy, Rules};
use crate::{Error, Result};
use randomlike_core::audit::{Audit, LayerFacts};

pub use crate::checks::{Check, Finding, FindingOutcome, Ruling, Severity};

/// Every finding on one audit.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// Checkpoint-wide findings first, then layer by layer in audit order, then those beside a
    /// baseline.
    pub findings: Vec<Finding>,
    /// What makes figures differ from the baseline's although no weight does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One word for each layer of the audit.
    pub labels: Labels,
}

impl Judgement {
    /// Whether the gate fails: some check at level deny failed.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.count(FindingOutcome::Fail, Severity::Deny) > 0
    }

    /// Number of findings with this outcome at this level.
    #[must_use]
    pub fn count(&self, outcome: FindingOutcome, level: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.outcome == outcome && finding.level == level)
            .count()
    }

    /// The findings on one layer.
    pub fn for_layer(&self, name: &str) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.layer.as_deref() == Some(name))
    }

    /// The findings on the checkpoint as a whole.
    pub fn for_checkpoint(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.layer.is_none())
    }
}

/// Judges every layer by the limits that hold for it.
///
/// # Errors
/// When nothing was measured, or a pattern of the policy matches no layer.
pub fn judge(audit: &Audit, policy: &Policy) -> Result<Judgement> {
    policy.check_patterns(audit.layers.iter().map(|layer| layer.name.as_str()))?;
    judge_alone(audit, policy)
}

/// Judges every layer, and whether it is worse than in the earlier audit `baseline`. Layers
/// belong together by name: one that was renamed is gone.
///
/// # Errors
/// When nothing was measured in either, or a pattern of the policy matches no layer of either.
pub fn judge_beside(audit: &Audit, baseline: &Audit, policy: &Policy) -> Result<Judgement> {
    let layers = audit.layers.iter().chain(&baseline.layers);
    policy.check_patterns(layers.map(|layer| layer.name.as_str()))?;
    let mut judgement = judge_alone(audit, policy)?;
    let comparison = compare::audits(baseline, audit, Matching::ByName, policy)?;
    if !tells_something(&comparison) {
        return Err(Error::EmptyBaseline {
            uri: baseline.source.uri.clone(),
        });
    }
    judgement.notes = compare::notes((baseline, audit), ("The baseline", "this audit"));
    let both = comparison.layers.iter();
    let both = both.map(|pair| (&pair.b.name, in_both(pair)));
    let lost = comparison.only_in_a.iter();
    let lost = lost.map(|layer| (&layer.name, gone(layer)));
    let new = comparison.only_in_b.iter();
    let new = new.map(|layer| (&layer.name, BesideBaseline::New));
    for (layer, beside) in both.chain(lost).chain(new) {
        let rules = policy.for_layer(layer)?;
        judgement
            .findings
            .extend(beside_findings(&rules, layer, &beside));
    }
    Ok(judgement)
}

/// Whether anything in the comparison could get worse.
fn tells_something(comparison: &Comparison) -> bool {
    let figures = comparison.layers.iter().flat_map(|pair| &pair.figures);
    figures
        .filter_map(in_baseline)
        .any(|figure| can_get_worse(figure.name))
}

fn in_both(pair: &Pair) -> BesideBaseline<'_> {
    BesideBaseline::Both(pair.figures.iter().filter_map(in_baseline).collect())
}

fn gone(layer: &Unmatched) -> BesideBaseline<'_> {
    BesideBaseline::Gone {
        fan_in: layer.fan_in,
        fan_out: layer.fan_out,
    }
}

/// A figure of the baseline, which is A of the comparison.
fn in_baseline(figure: &ComparedFigure) -> Option<FigureBeside<'_>> {
    let state = match &figure.sides {
        FigureSides::Compared(change) => FigureState::Compared {
            before: change.a,
            now: change.b,
            unit: change.unit,
        },
        FigureSides::OnlyInA { reason, .. } => FigureState::NoLongerMeasured { why: reason },
        FigureSides::OnlyInB { .. } | FigureSides::Skipped { .. } => return None,
    };
    Some(FigureBeside {
        name: &figure.name,
        is_count: compare::is_count(&figure.name),
        state,
    })
}

fn judge_alone(audit: &Audit, policy: &Policy) -> Result<Judgement> {
    let by_layer = audit
        .layers
        .iter()
        .map(|layer| Ok(layer_findings(&policy.for_layer(&layer.name)?, layer)))
        .collect::<Result<Vec<_>>>()?;
    let mut findings = checkpoint_findings(policy.rules(), audit, &by_layer);
    let mut told = by_layer.iter().flatten();
    let is_silent = told.all(|finding| finding.outcome == FindingOutcome::Skipped);
    // Without a layer, damage is told all the same.
    if is_silent && !findings.iter().any(is_damage) {
        return Err(nothing_measured(audit));
    }
    findings.extend(by_layer.into_iter().flatten());
    Ok(Judgement {
        findings,
        notes: Vec::new(),
        labels: policy.labels(audit)?,
    })
}

/// Whether entries of tensors that are no layer are NaN or infinite.
fn is_damage(finding: &Finding) -> bool {
    finding.check.subject() == Subject::Entries && finding.outcome == FindingOutcome::Fail
}

fn checkpoint_findings(rules: &Rules, audit: &Audit, by_layer: &[Vec<Finding>]) -> Vec<Finding> {
    let judged = rules.iter().filter_map(|(check, by)| {
        let ruling = match &by.rule {
            Rule::Checkpoint(judge) => Some(judge(audit, by_layer)),
            Rule::LayerAndOthers(_, judge) => judge(audit),
            Rule::Layer(_) | Rule::Baseline(_) => None,
        };
        Some(finding(check, None, by, ruling?))
    });
    judged.collect()
}

fn layer_findings(rules: &Rules, layer: &LayerFacts) -> Vec<Finding> {
    let judged = rules.iter().filter_map(|(check, by)| match &by.rule {
        Rule::Layer(judge) | Rule::LayerAndOthers(judge, _) => {
            Some(finding(check, Some(&layer.name), by, judge(layer)))
        }
        Rule::Checkpoint(_) | Rule::Baseline(_) => None,
    });
    judged.collect()
}

fn beside_findings(rules: &Rules, layer: &str, beside: &BesideBaseline<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (check, by) in rules.iter() {
        if let Rule::Baseline(judge) = &by.rule {
            let rulings = judge(beside).into_iter();
            findings.extend(rulings.map(|ruling| finding(check, Some(layer), by, ruling)));
        }
    }
    findings
}

fn finding(check: Check, layer: Option<&str>, by: &CheckLimits, ruling: Ruling) -> Finding {
    let Ruling {
        outcome,
        at_most,
        skipped,
        case,
        figure,
        values,
        names,
    } = ruling;
    Finding {
        check,
        layer: layer.map(str::to_owned),
        level: by.level.min(at_most),
        outcome,
        skipped,
        case,
        figure,
        values,
        names,
        limits: by.limits.clone(),
    }
}

fn nothing_measured(audit: &Audit) -> Error {
    Error::NothingMeasured {
        uri: audit.source.uri.clone(),
        reason: why_nothing(audit),
    }
}

fn why_nothing(audit: &Audit) -> String {
    if !audit.layers.is_empty() {
        return format!(
            "none of its {} layers has a section that was measured",
            audit.layers.len()
        );
    }
    let mut reasons = BTreeMap::<String, usize>::new();
    for skipped in &audit.skipped {
        *reasons.entry(skipped.reason.to_string()).or_default() += 1;
    }
    let tensors = audit.skipped.len();
    match reasons.into_iter().max_by_key(|&(_, count)| count) {
        None => "it holds no tensors".to_owned(),
        Some((reason, count)) if count == tensors => {
            format!("every tensor was skipped as: {reason}")
        }
        Some((reason, count)) => {
            format!("every tensor was skipped, {count} of {tensors} as: {reason}")
        }
    }
}

#[cfg(test)]
mod baseline_tests;
#[cfg(test)]
mod tests;
