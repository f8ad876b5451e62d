//! One word for how far a layer is from the nearest known initialiser, docs/theory.md §10.

use serde::{Deserialize, Serialize};

use randomlike_core::audit::Start;

/// Up to where a layer has barely moved; the limits of `moved-from-initialisation`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct StartLimits {
    /// W₁ to the law, in its standard deviations.
    pub max_distance: f64,
    /// KS to the law.
    pub max_ks: f64,
    /// How far the scale may be from the law's, as a share of it.
    pub max_scale_change: f64,
    /// Share of the weights outside of a bounded law.
    pub max_outside: f64,
}

/// How far a layer is from the nearest known initialiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartWord {
    /// The weights cannot be told from draws of the law.
    Untouched,
    /// They can, and differ by little.
    BarelyMoved,
    /// By more, or another law drew them.
    Moved,
    /// Too few weights to tell laws apart.
    TooFew,
}

impl StartWord {
    /// Its name in `audit.json` and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::BarelyMoved => "barely-moved",
            Self::Moved => "moved",
            Self::TooFew => "too-few",
        }
    }
}

impl StartLimits {
    /// The word for a layer.
    pub fn word(&self, start: &Start) -> StartWord {
        if start.is_law_of_draws() {
            return StartWord::Untouched;
        }
        if let Some(spread) = start.singular_value_spread {
            return if spread <= self.max_distance {
                StartWord::BarelyMoved
            } else {
                StartWord::Moved
            };
        }
        if start.count < Start::FEWEST {
            return StartWord::TooFew;
        }
        // No less than what draws of the law reach: so much is told of few weights.
        let scale_floor = Start::ERRORS * start.scale_ratio_error;
        let barely = start.distance <= self.max_distance.max(start.distance_floor)
            && start.ks <= self.max_ks.max(start.ks_floor)
            && (start.scale_ratio - 1.0).abs() <= self.max_scale_change.max(scale_floor)
            && start.outside.is_none_or(|share| share <= self.max_outside);
        if barely {
            StartWord::BarelyMoved
        } else {
            StartWord::Moved
        }
    }
}
