//! Audits as bytes, and the one place that writes files.

pub mod json;
pub mod write;

use crate::Result;
use crate::audit::Audit;

/// Every file of a report, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Relative path and content.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    /// Renders the report of `audit`.
    pub fn render(audit: &Audit) -> Result<Self> {
        Ok(Self {
            files: vec![("audit.json".into(), json::audit(audit)?)],
        })
    }
}
