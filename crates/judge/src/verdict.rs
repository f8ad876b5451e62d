//! Judgement: a pure function of an audit and a policy.
//!
//! Each check is one file under `verdict/` that holds its limits and its rule. A new one is
//! listed in [`Check`], explained in `about.rs`, listed in `layer_rulings` or `whole_rulings` below, in
//! [`crate::policy::Rules`] and, with the reason for its limits, in `policy/default.toml`.

mod about;
mod baseline;
mod biases_constant;
mod covered;
pub mod figure;
mod finite;
mod level_spacing;
mod moved_from_initialisation;
mod quarter_circle;
mod shadow_reversible;
pub mod spectral_edge;
mod weights_gaussian;
mod weights_only;

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

pub use baseline::Baseline;
pub use biases_constant::BiasesConstant;
pub use covered::Covered;
pub use finite::Finite;
pub use level_spacing::LevelSpacing;
pub use moved_from_initialisation::MovedFromInitialisation;
pub use quarter_circle::QuarterCircle;
pub use shadow_reversible::ShadowReversible;
pub use spectral_edge::SpectralEdge;
pub use weights_gaussian::WeightsGaussian;
pub use weights_only::WeightsOnly;

use crate::compare::{self, Matching};
use crate::label::Labels;
use crate::policy::{Policy, Rules};
use crate::{Error, Result};
use randomlike_core::audit::{Audit, LayerFacts};

/// Everything that can be checked. One vocabulary in policies, JSON, reports and docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// No weight or bias is NaN or infinite.
    Finite,
    /// Enough of the checkpoint could be judged.
    Covered,
    /// Whoever loads the checkpoint imports nothing but what weights are made of.
    WeightsOnly,
    /// The weights follow a normal law.
    WeightsGaussian,
    /// The biases are one constant, or negligible.
    BiasesConstant,
    /// The singular values follow the quarter-circle (Marchenko–Pastur) law.
    QuarterCircle,
    /// No singular value lies outside the law's edges.
    SpectralEdge,
    /// Neighbouring singular values repel like those of a random matrix.
    LevelSpacing,
    /// The layer gives codes back as well as its own entries in random order do.
    ShadowReversible,
    /// The weights no longer match a known initialiser.
    MovedFromInitialisation,
    /// Nothing is worse than in the baseline; judged only beside an earlier audit.
    Baseline,
}

/// What a failed check does to the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Reported only.
    Allow,
    /// Reported as a warning; the gate holds.
    Warn,
    /// The gate fails.
    Deny,
}

/// What became of one check on one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Within the limit.
    Pass,
    /// Beyond the limit.
    Fail,
    /// The fact is missing; `measured` says why. Never a pass.
    Skipped,
}

/// One check on one layer, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// The layer, or nothing for a check of the whole checkpoint.
    pub layer: Option<String>,
    /// What a failure means for the gate.
    pub level: Level,
    /// The outcome.
    pub outcome: Outcome,
    /// What was measured, in words with figures: "KS .0021 (5.1 sampling floors), W₁/sd .0049".
    pub measured: String,
    /// The limit, in words with figures: "KS at most .02".
    pub limit: String,
    /// One plain sentence for a reader who knows no random-matrix theory.
    pub meaning: String,
}

/// Every finding on one audit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Checkpoint-wide findings first, then layer by layer in audit order, then those beside a
    /// baseline.
    pub findings: Vec<Finding>,
    /// What makes figures differ from the baseline's although no weight does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One word for each layer of the audit.
    pub labels: Labels,
}

impl Check {
    /// Every check of an audit by itself, in the order they are reported; `baseline` needs an
    /// earlier audit beside it and comes last.
    pub const ALL: [Self; 10] = [
        Self::WeightsOnly,
        Self::Covered,
        Self::Finite,
        Self::WeightsGaussian,
        Self::MovedFromInitialisation,
        Self::BiasesConstant,
        Self::QuarterCircle,
        Self::SpectralEdge,
        Self::LevelSpacing,
        Self::ShadowReversible,
    ];

    /// Those of the checkpoint as a whole: they have no place among the limits of a layer.
    pub const OF_THE_WHOLE: [Self; 2] = [Self::WeightsOnly, Self::Covered];

    /// Its name in policies, JSON, reports and docs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finite => "finite",
            Self::Covered => "covered",
            Self::WeightsOnly => "weights-only",
            Self::WeightsGaussian => "weights-gaussian",
            Self::BiasesConstant => "biases-constant",
            Self::QuarterCircle => "quarter-circle",
            Self::SpectralEdge => "spectral-edge",
            Self::LevelSpacing => "level-spacing",
            Self::ShadowReversible => "shadow-reversible",
            Self::MovedFromInitialisation => "moved-from-initialisation",
            Self::Baseline => "baseline",
        }
    }

    /// What holds when it passes, in one sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Finite => "No weight or bias is NaN or infinite.",
            Self::Covered => "Enough of the checkpoint could be judged.",
            Self::WeightsOnly => {
                "Whoever loads the checkpoint imports nothing but what weights are made of."
            }
            Self::WeightsGaussian => "The weights follow a normal law.",
            Self::BiasesConstant => "The biases are one constant, or negligible.",
            Self::QuarterCircle => {
                "The singular values follow the quarter-circle (Marchenko–Pastur) law."
            }
            Self::SpectralEdge => "No singular value lies outside the law's edges.",
            Self::LevelSpacing => {
                "Neighbouring singular values repel like those of a random matrix."
            }
            Self::ShadowReversible => {
                "Run in reverse and forward again, the layer gives codes back as well as its own \
                 weights in random order do."
            }
            Self::MovedFromInitialisation => "The weights no longer match a known initialiser.",
            Self::Baseline => "Nothing is worse than in the baseline, beyond its tolerance.",
        }
    }
}

impl Judgement {
    /// Whether the gate fails: some check at level deny failed.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.count(Outcome::Fail, Level::Deny) > 0
    }

    /// Number of findings with this outcome at this level.
    #[must_use]
    pub fn count(&self, outcome: Outcome, level: Level) -> usize {
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
    if !baseline::tells_something(&comparison) {
        return Err(Error::EmptyBaseline {
            uri: baseline.source.uri.clone(),
        });
    }
    judgement.notes = compare::notes((baseline, audit), ("The baseline", "this audit"));
    let rules = |name: &str| Ok::<_, Error>(policy.for_layer(name)?.baseline);
    for pair in &comparison.layers {
        judgement.findings.extend(rules(&pair.b.name)?.judge(pair));
    }
    for layer in &comparison.only_in_a {
        judgement.findings.push(rules(&layer.name)?.gone(layer));
    }
    for layer in &comparison.only_in_b {
        judgement
            .findings
            .push(rules(&layer.name)?.new_layer(layer));
    }
    Ok(judgement)
}

fn judge_alone(audit: &Audit, policy: &Policy) -> Result<Judgement> {
    let by_layer = audit
        .layers
        .iter()
        .map(|layer| Ok(layer_findings(&policy.for_layer(&layer.name)?, layer)))
        .collect::<Result<Vec<_>>>()?;
    let mut told = by_layer.iter().flatten();
    if told.all(|finding| finding.outcome == Outcome::Skipped) {
        return Err(nothing_measured(audit));
    }
    let rules = policy.rules();
    let whole = whole_rulings(rules, audit, &by_layer);
    let whole = whole.map(|(check, ruling)| ruling.finding(check, None, rules.level(check)));
    let findings = whole.into_iter().chain(by_layer.into_iter().flatten());
    Ok(Judgement {
        findings: findings.collect(),
        notes: Vec::new(),
        labels: Labels::judge(audit, policy)?,
    })
}

/// Of [`Check::OF_THE_WHOLE`], in that order.
fn whole_rulings(rules: &Rules, audit: &Audit, by_layer: &[Vec<Finding>]) -> [(Check, Ruling); 2] {
    [
        (Check::WeightsOnly, WeightsOnly::judge(&audit.source)),
        (Check::Covered, rules.covered.judge(audit, by_layer)),
    ]
}

fn layer_findings(rules: &Rules, layer: &LayerFacts) -> Vec<Finding> {
    let rulings = layer_rulings(rules, layer).into_iter();
    rulings
        .map(|(check, ruling)| ruling.finding(check, Some(&layer.name), rules.level(check)))
        .collect()
}

fn layer_rulings(rules: &Rules, layer: &LayerFacts) -> [(Check, Ruling); 8] {
    [
        (Check::Finite, Finite::judge(layer)),
        (Check::WeightsGaussian, rules.weights_gaussian.judge(layer)),
        (
            Check::MovedFromInitialisation,
            rules.moved_from_initialisation.judge(layer),
        ),
        (Check::BiasesConstant, BiasesConstant::judge(layer)),
        (Check::QuarterCircle, rules.quarter_circle.judge(layer)),
        (Check::SpectralEdge, rules.spectral_edge.judge(layer)),
        (Check::LevelSpacing, rules.level_spacing.judge(layer)),
        (
            Check::ShadowReversible,
            rules.shadow_reversible.judge(layer),
        ),
    ]
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

/// What a check says of one layer or checkpoint, before its level is known.
#[derive(Debug)]
struct Ruling {
    outcome: Outcome,
    measured: String,
    limit: String,
    meaning: String,
}

impl Ruling {
    fn new(holds: bool, measured: String, limit: String, meaning: String) -> Self {
        let outcome = if holds { Outcome::Pass } else { Outcome::Fail };
        Self {
            outcome,
            measured,
            limit,
            meaning,
        }
    }

    fn skipped(measured: String, limit: String, meaning: &str) -> Self {
        Self {
            outcome: Outcome::Skipped,
            measured,
            limit,
            meaning: meaning.to_owned(),
        }
    }

    fn unmeasured(reason: impl Display, limit: String, meaning: &str) -> Self {
        Self::skipped(format!("not measured: {reason}"), limit, meaning)
    }

    fn finding(self, check: Check, layer: Option<&str>, level: Level) -> Finding {
        let Self {
            outcome,
            measured,
            limit,
            meaning,
        } = self;
        Finding {
            check,
            layer: layer.map(str::to_owned),
            level,
            outcome,
            measured,
            limit,
            meaning,
        }
    }
}

#[cfg(test)]
mod tests;
