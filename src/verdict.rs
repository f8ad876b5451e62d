//! Judgement: a pure function of an audit and a policy.

use serde::{Deserialize, Serialize};

/// Everything that can be checked. One vocabulary in policies, JSON, reports and docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// No weight or bias is NaN or infinite.
    Finite,
    /// Enough of the checkpoint's layers could be measured.
    Covered,
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
    /// The weights no longer match a known initialiser.
    MovedFromInitialisation,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Checkpoint-wide findings first, then layer by layer in audit order.
    pub findings: Vec<Finding>,
}
