//! Means with their Monte-Carlo error.

use serde::{Deserialize, Serialize};

use super::ShadowError;

/// A mean over draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error: the standard deviation of the draws over √draws.
    pub error: f64,
}

impl Estimate {
    /// Mean and standard error; nothing below two draws.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let square = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        Some(Self {
            mean,
            error: (square / (count - 1.0) / count).sqrt(),
        })
    }

    /// The same, or why there is none.
    pub(super) fn among(values: &[f64]) -> Result<Self, ShadowError> {
        Self::of(values).ok_or(ShadowError::NotApplicable("fewer than two draws to score"))
    }

    /// The ratio of the means of paired draws, its error by the delta method: that of
    /// (a − r·b)/mean(b).
    pub fn ratio(above: &[f64], below: &[f64]) -> Option<Self> {
        let ratio = Self::of(above)?.mean / Self::of(below)?.mean;
        let rest: Vec<f64> = above
            .iter()
            .zip(below)
            .map(|(a, b)| a - ratio * b)
            .collect();
        let error = Self::of(&rest)?.error / Self::of(below)?.mean;
        (ratio.is_finite() && error.is_finite()).then_some(Self { mean: ratio, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 1, 2, 3, 6: mean 3, variance 14/3, standard error √(14/12).
    #[test]
    fn four_numbers_by_hand() {
        let e = Estimate::of(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert!((e.mean - 3.0).abs() < 1e-15 && (e.error - (14.0_f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(Estimate::of(&[1.0]), None);
    }

    // Twice the same numbers: the ratio is certain.
    #[test]
    fn paired_draws_cancel() {
        let below = [1.0, 2.0, 3.0, 6.0];
        let above = below.map(|b| 2.0 * b);
        let e = Estimate::ratio(&above, &below).unwrap();
        assert!((e.mean - 2.0).abs() < 1e-15 && e.error < 1e-15);
        assert_eq!(Estimate::ratio(&above, &[0.0; 4]), None);
    }
}
