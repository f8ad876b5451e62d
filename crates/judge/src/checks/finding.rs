//! What a check finds: an outcome and numbers. No sentence is in a finding; the report makes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::{Case, Check};
use randomlike_core::audit::NullFact;
use randomlike_core::number_format::{Chance, chance};
use randomlike_core::skip::Unmeasured;

/// What a failed check does to the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Reported only.
    Allow,
    /// Reported as a warning; the gate holds.
    Warn,
    /// The gate fails.
    Deny,
}

/// What became of one check on one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingOutcome {
    /// Within the limit.
    Pass,
    /// Beyond the limit.
    Fail,
    /// Not judged, for a [`SkipReason`]. Never a pass.
    Skipped,
}

/// Why a check did not judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SkipReason {
    /// The audit did not measure what the check needs.
    NotMeasured {
        /// The section of the layer in `audit.json`.
        section: &'static str,
        /// The audit's own reason.
        why: Unmeasured,
    },
    /// The layer has no bias.
    NoBias,
    /// The weights are all zero: nothing to hold the biases against.
    NoScale,
    /// Too few different singular values for a spacing.
    NoSpacing,
    /// Any law would look the same with so few.
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many are needed, where that is one number.
        #[serde(skip_serializing_if = "Option::is_none")]
        needed: Option<u64>,
    },
    /// The shuffled weights return next to nothing either.
    ControlTooHigh,
    /// The baseline has no such layer.
    NotInBaseline,
    /// Neither the baseline nor the audit has a number.
    NothingToCompare,
}

/// What a number of a finding counts or is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Unit {
    /// A ratio, or a distance between laws.
    #[serde(rename = "1")]
    One,
    /// A number of things.
    #[serde(rename = "count")]
    Count,
    /// Percent.
    #[serde(rename = "%")]
    Percent,
    /// Standard deviations of the weights.
    #[serde(rename = "sd")]
    StandardDeviations,
    /// Standard errors of the number before it.
    #[serde(rename = "standard error")]
    StandardErrors,
    /// What the weights are in.
    #[serde(rename = "weight")]
    Weight,
}

/// How a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// The value is at most the limit.
    AtMost,
    /// The value is at least the limit.
    AtLeast,
    /// The value without its sign is at most the limit.
    SizeAtMost,
}

/// One number of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FindingValue {
    /// What it is.
    pub name: &'static str,
    /// The number.
    #[serde(serialize_with = "whole_without_a_point")]
    pub value: f64,
    /// What it is in.
    pub unit: Unit,
    /// Whether the number is only an upper bound of what was measured.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub below: bool,
    /// What chance reaches; the limit counts from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// What it is held against, where it is.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "whole_or_none"
    )]
    pub limit: Option<f64>,
    /// How that limit holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_kind: Option<LimitKind>,
}

impl FindingValue {
    /// A ratio, or a distance between laws.
    #[must_use]
    pub const fn new(name: &'static str, value: f64) -> Self {
        Self {
            name,
            value,
            unit: Unit::One,
            below: false,
            floor: None,
            limit: None,
            limit_kind: None,
        }
    }

    /// A number of things.
    #[must_use]
    pub const fn count(name: &'static str, count: u64) -> Self {
        Self::new(name, count as f64).unit(Unit::Count)
    }

    /// How often chance goes as far as a fact.
    #[must_use]
    pub fn chance(name: &'static str, fact: &NullFact) -> Self {
        let (value, below) = match chance(fact) {
            Chance::Percent(percent) => (percent, false),
            Chance::Under(percent) => (percent, true),
        };
        Self {
            below,
            ..Self::new(name, value).unit(Unit::Percent)
        }
    }

    /// In this unit.
    #[must_use]
    pub const fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// With what chance reaches, from where its limit counts.
    #[must_use]
    pub const fn floor(self, floor: f64) -> Self {
        Self {
            floor: Some(floor),
            ..self
        }
    }

    /// Held against this limit.
    #[must_use]
    pub const fn limit(self, kind: LimitKind, limit: f64) -> Self {
        Self {
            limit: Some(limit),
            limit_kind: Some(kind),
            ..self
        }
    }

    /// At most this.
    #[must_use]
    pub const fn at_most(self, limit: f64) -> Self {
        self.limit(LimitKind::AtMost, limit)
    }

    /// At least this.
    #[must_use]
    pub const fn at_least(self, limit: f64) -> Self {
        self.limit(LimitKind::AtLeast, limit)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn whole_without_a_point<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Every whole number below 2⁵³ is one of the type.
    if value.fract() == 0.0 && value.abs() < 9e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn whole_or_none<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => whole_without_a_point(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// What a check says of one layer or checkpoint, before its level is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// The outcome.
    pub outcome: FindingOutcome,
    /// The level of a failure of this kind, where it is lower than that of the check.
    pub at_most: Severity,
    /// Why it was not judged, where it was not.
    pub skipped: Option<SkipReason>,
    /// Which of the check's cases.
    pub case: &'static Case,
    /// Which figure or section, where the check finds several things on a layer.
    pub figure: Option<String>,
    /// The numbers.
    pub values: Vec<FindingValue>,
    /// Names that are part of what was found: a law, a dtype, an initialiser.
    pub names: BTreeMap<&'static str, String>,
}

impl Ruling {
    /// A pass where the limit holds, a failure otherwise.
    #[must_use]
    pub const fn judged(holds: bool, case: &'static Case) -> Self {
        let outcome = if holds {
            FindingOutcome::Pass
        } else {
            FindingOutcome::Fail
        };
        Self::new(outcome, None, case)
    }

    /// Neither.
    #[must_use]
    pub const fn skipped(reason: SkipReason, case: &'static Case) -> Self {
        Self::new(FindingOutcome::Skipped, Some(reason), case)
    }

    const fn new(
        outcome: FindingOutcome,
        skipped: Option<SkipReason>,
        case: &'static Case,
    ) -> Self {
        Self {
            outcome,
            at_most: Severity::Deny,
            skipped,
            case,
            figure: None,
            values: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    /// With a level of its own where the check's is higher.
    #[must_use]
    pub fn at_most(self, level: Severity) -> Self {
        Self {
            at_most: level,
            ..self
        }
    }

    /// With these numbers.
    #[must_use]
    pub fn values(mut self, values: impl IntoIterator<Item = FindingValue>) -> Self {
        self.values.extend(values);
        self
    }

    /// With a name.
    #[must_use]
    pub fn named(mut self, what: &'static str, name: impl Into<String>) -> Self {
        self.names.insert(what, name.into());
        self
    }

    /// About this figure or section.
    #[must_use]
    pub fn figure(mut self, figure: impl Into<String>) -> Self {
        self.figure = Some(figure.into());
        self
    }
}

/// One check on one layer, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// The layer, or nothing for a check of the whole checkpoint.
    pub layer: Option<String>,
    /// What a failure means for the gate.
    pub level: Severity,
    /// The outcome.
    pub outcome: FindingOutcome,
    /// Why it was not judged, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// Which of the check's cases.
    pub case: &'static Case,
    /// Which figure or section, where the check finds several things on a layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<String>,
    /// The numbers.
    pub values: Vec<FindingValue>,
    /// Names that are part of what was found: a law, a dtype, an initialiser.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<&'static str, String>,
    /// The limits of the policy as they hold for the layer, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, f64>,
}

impl Finding {
    /// The number of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&FindingValue> {
        self.values.iter().find(|value| value.name == name)
    }
}
