//! When weights are called normal, as stored and with the scales of units divided out.

use serde::Deserialize;

use randomlike_core::audit::{BalancedWeights, GaussianDistance};

/// The limits of the check `weights-gaussian`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[expect(clippy::struct_field_names, reason = "as in the policy")]
pub struct NormalLimits {
    /// Kolmogorov–Smirnov distance to the fitted normal.
    pub max_ks: f64,
    /// Wasserstein-1 distance to the fitted normal, in standard deviations.
    pub max_wasserstein: f64,
    /// Size of the excess kurtosis.
    pub max_excess_kurtosis: f64,
}

impl NormalLimits {
    /// Whether entries are normal, the distances beyond their sampling floors and the excess
    /// kurtosis beyond `floor`.
    pub(crate) fn hold(&self, facts: &GaussianDistance, floor: f64) -> bool {
        facts.ks <= self.max_ks + facts.ks_floor
            && facts.wasserstein <= self.max_wasserstein + facts.wasserstein_floor
            && facts.excess_kurtosis.abs() <= self.max_excess_kurtosis + floor
    }

    /// The same of balanced entries, whose excess kurtosis is below 0 where they are normal.
    pub(crate) fn hold_balanced(&self, weights: &BalancedWeights) -> bool {
        let facts = GaussianDistance {
            excess_kurtosis: weights.gaussian.excess_kurtosis - weights.kurtosis_median,
            ..weights.gaussian.clone()
        };
        self.hold(&facts, balanced_kurtosis_floor(weights))
    }
}

/// How far from its median chance takes the excess kurtosis of balanced normal entries.
pub(crate) fn balanced_kurtosis_floor(weights: &BalancedWeights) -> f64 {
    let low = weights.kurtosis_median - weights.kurtosis_low;
    low.max(weights.kurtosis_high - weights.kurtosis_median)
}
