//! Audits as bytes, and the one place that writes files.

pub mod ci;
mod comparison;
mod error;
pub mod fact_sentences;
pub mod figures;
pub mod html;
pub mod json;
pub mod ledger_sentences;
pub mod sentences;
mod template;
pub mod write;

pub use error::{Error, Result};

use figures::{ComparisonFigures, Figures};
use randomlike_core::audit::Audit;
use randomlike_judge::compare::Comparison;
use randomlike_judge::verdict::Judgement;

/// Every file of a report, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bundle {
    /// Relative path and content.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    /// Renders the report of `audit`: facts, page and pictures.
    pub fn render(audit: &Audit, judgement: &Judgement) -> Result<Self> {
        let figures = Figures::draw(audit, judgement)?;
        let mut files = vec![
            ("audit.json".into(), json::audit(audit, &judgement.labels)?),
            (
                "report.html".into(),
                html::page(audit, judgement, &figures)?,
            ),
        ];
        files.extend(
            figures
                .iter()
                .map(|figure| (format!("figures/{}", figure.file), figure.png.clone())),
        );
        Ok(Self { files })
    }

    /// Renders a comparison of `a` and `b`: facts, page and pictures.
    pub fn of_comparison(comparison: &Comparison, a: &Audit, b: &Audit) -> Result<Self> {
        let figures = ComparisonFigures::draw(comparison, a, b)?;
        let mut files = vec![
            (json::COMPARISON.into(), json::comparison(comparison)?),
            (
                "report.html".into(),
                comparison::page(comparison, &figures)?,
            ),
        ];
        files.extend(
            figures
                .iter()
                .map(|figure| (format!("figures/{}", figure.file), figure.png.clone())),
        );
        Ok(Self { files })
    }
}
