//! What came back of the codes, over all draws.

use serde::{Deserialize, Serialize};

use super::run::Score;
use super::{Estimate, ShadowError};

/// What came back, with one bias mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recovery {
    /// ‖h̃ − h‖²/‖h‖².
    pub relative_error: Estimate,
    /// Cosine of h̃ and h.
    pub cosine: Estimate,
    /// (h̃ᵢ − hᵢ)²/τ², mean over the coordinates, τ the mean of the positive ones of h.
    pub per_coordinate_error: Estimate,
    /// The same, mean over the positive coordinates of h.
    pub per_positive_error: Estimate,
    /// Share of the positive coordinates of h among the k largest of h̃.
    pub support_recall: Estimate,
    /// Share of the zeros of h that came back as zeros; absent when h has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zeros_recovered: Option<Estimate>,
}

impl Recovery {
    /// Means over the draws that were scored.
    pub(super) fn of(scores: &[Score]) -> Result<Self, ShadowError> {
        let of = |f: fn(&Score) -> f64| Estimate::among(&scores.iter().map(f).collect::<Vec<_>>());
        let zeros: Vec<f64> = scores.iter().filter_map(|score| score.zeros).collect();
        Ok(Self {
            relative_error: of(|score| score.error)?,
            cosine: of(|score| score.cosine)?,
            per_coordinate_error: of(|score| score.per_coordinate)?,
            per_positive_error: of(|score| score.per_positive)?,
            support_recall: of(|score| score.support)?,
            zeros_recovered: Estimate::of(&zeros),
        })
    }
}
