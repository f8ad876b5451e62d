//! What a check's file holds.

use std::ops::RangeInclusive;

use serde::Serialize;
use toml::Table;

use super::Rule;

/// A check: what it says, its limits and how it judges.
#[derive(Debug)]
pub struct CheckDefinition {
    /// Its name in policies, JSON, reports and docs.
    pub name: &'static str,
    /// What holds when it passes, in one sentence.
    pub description: &'static str,
    /// What is measured, and against which limit or null.
    pub measures: &'static str,
    /// What a failure does not show.
    pub leaves_open: &'static str,
    /// Its table in the default policy: level and limits, with the reason above each.
    pub policy: &'static str,
    /// What its limits may be, where that is not every number from 0 on.
    pub ranges: &'static [LimitRange],
    /// What it is about, and so which part of an audit it needs.
    pub subject: Subject,
    /// What was measured: a template for the numbers of a finding.
    pub measured: &'static str,
    /// What was asked for: a template for the limits of the policy.
    pub limit: &'static str,
    /// Reads the limits from the check's table; the key of the one entry is the check's name.
    pub(crate) read: fn(Table) -> Result<Rule, toml::de::Error>,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The checkpoint as a whole: such a check has no place among the limits of a layer.
    Checkpoint,
    /// Every entry of a layer.
    Entries,
    /// The law of a layer's weights.
    Weights,
    /// A layer's biases.
    Biases,
    /// A layer's singular values.
    Spectrum,
    /// A layer in reverse and forward again.
    Shadow,
    /// A layer beside the same one in an earlier audit.
    Baseline,
}

/// What one limit may be.
#[derive(Debug)]
pub struct LimitRange {
    /// The limit's key.
    pub key: &'static str,
    /// Its range.
    pub range: RangeInclusive<f64>,
    /// The range and the reason for it, after "a value that is not".
    pub wanted: &'static str,
}

/// One of the things that a check may find, and what it means. The texts are templates: names in
/// braces stand for numbers and names of the finding. `sentences.rs` of the report fills them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Its name in JSON.
    pub name: &'static str,
    /// One plain sentence for a reader who knows no random-matrix theory.
    pub meaning: &'static str,
    /// What was measured, where the check's own template does not say it.
    pub measured: Option<&'static str>,
    /// What was asked for, where the check's own template does not say it.
    pub limit: Option<&'static str>,
}

impl Case {
    /// A case that the check's own templates tell.
    #[must_use]
    pub const fn new(name: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            meaning,
            measured: None,
            limit: None,
        }
    }

    /// With another template for what was measured.
    #[must_use]
    pub const fn measured(self, template: &'static str) -> Self {
        Self {
            measured: Some(template),
            ..self
        }
    }

    /// With another template for what was asked for.
    #[must_use]
    pub const fn limit(self, template: &'static str) -> Self {
        Self {
            limit: Some(template),
            ..self
        }
    }
}

impl Serialize for Case {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}
