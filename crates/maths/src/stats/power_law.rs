//! The tail of a spectrum as a power law.

use serde::{Deserialize, Serialize};

/// A power law fitted to the tail of λ (Clauset, Shalizi & Newman 2009).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// Exponent α of the density λ^−α.
    pub alpha: f64,
    /// Where the tail starts.
    pub xmin: f64,
    /// KS distance of the tail to the fit.
    pub ks: f64,
    /// Standard error of α.
    pub sigma: f64,
    /// Number of λ in the tail.
    pub tail: usize,
}

/// Values needed for a fit: two above the smallest cut.
const FEWEST: usize = 3;

impl PowerLaw {
    /// Fits the tail of `lambda`, in any order: every value but the largest is tried as
    /// xmin, α = 1 + c/Σ ln(λ/xmin) on the c values from xmin on, and the xmin with the
    /// smallest KS distance wins; σ = (α − 1)/√c (Clauset, Shalizi & Newman 2009, as the
    /// `powerlaw` package and `WeightWatcher` do it). Nothing for fewer than 3 values.
    pub fn fit(lambda: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = lambda.iter().copied().filter(|&l| l > 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        if sorted.len() < FEWEST {
            return None;
        }
        let ln: Vec<f64> = sorted.iter().map(|l| l.ln()).collect();
        (0..sorted.len() - 1)
            .filter(|&i| i == 0 || sorted[i] > sorted[i - 1])
            .filter_map(|i| Self::from_tail(&sorted[i..], &ln[i..]))
            .min_by(|a, b| a.ks.total_cmp(&b.ks))
    }

    fn from_tail(tail: &[f64], ln: &[f64]) -> Option<Self> {
        let count = tail.len() as f64;
        let total: f64 = ln.iter().map(|l| l - ln[0]).sum();
        if total <= 0.0 {
            return None;
        }
        let alpha = 1.0 + count / total;
        // The empirical law at a value is the share strictly below it.
        let distance = |(i, l): (usize, &f64)| {
            (i as f64 / count - 1.0 + ((1.0 - alpha) * (l - ln[0])).exp()).abs()
        };
        let ks = ln.iter().enumerate().map(distance).fold(0.0, f64::max);
        Some(Self {
            alpha,
            xmin: tail[0],
            ks,
            sigma: (alpha - 1.0) / count.sqrt(),
            tail: tail.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The quantiles of the law of density ∝ λ^−3 above 2: λ = 2·(1 − p)^−½.
    #[test]
    fn exact_quantiles_give_back_their_exponent() {
        let lambda: Vec<f64> = (0..2000)
            .map(|i| 2.0 * (1.0 - (f64::from(i) + 0.5) / 2000.0).powf(-0.5))
            .collect();
        let fit = PowerLaw::fit(&lambda).unwrap();
        assert!((fit.alpha - 3.0).abs() < 0.05 && fit.ks < 0.01, "{fit:?}");
        assert_eq!(PowerLaw::fit(&[1.0, 2.0]), None);
        assert_eq!(PowerLaw::fit(&[1.0; 40]), None);
    }
}
