//! What was measured, or why it was not: below both the audit and what it is made of.

use serde::{Deserialize, Serialize};

use crate::skip::Unmeasured;

/// A section of a layer: measured, or skipped with the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Section<T> {
    /// The facts.
    Measured(T),
    /// Not measured.
    Skipped {
        /// Why.
        #[serde(flatten)]
        reason: Unmeasured,
    },
}

impl<T> Section<T> {
    /// The facts, or why there are none.
    pub(crate) fn measured_or(facts: Option<T>, reason: Unmeasured) -> Self {
        facts.map_or(Self::Skipped { reason }, Self::Measured)
    }

    /// The facts, when there are any.
    pub const fn measured(&self) -> Option<&T> {
        match self {
            Self::Measured(facts) => Some(facts),
            Self::Skipped { .. } => None,
        }
    }
}
