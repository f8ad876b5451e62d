//! Are the singular values on the Marchenko–Pastur law? docs/theory.md §3.

use super::{Entry, stored_sides};
use crate::Result;
use crate::audit::{Law, Section, Spectrum, Weights};
use crate::layers::Layer;
use crate::linalg::{self, Engine, Matrix, SpectrumError};
use crate::stats::laws::edges;
use crate::stats::laws::marchenko_pastur::{MarchenkoPastur, NO_SCALE};
use crate::stats::{PowerLaw, level_ratio};

/// An extreme value is an outlier when a random matrix passes it this rarely.
pub(super) const OUTLIER_LEVEL: f64 = 0.01;

/// All singular values, or why this layer has none.
pub(super) fn values<T: Entry>(
    entries: &[T],
    layer: &Layer,
    engine: Engine,
) -> Result<std::result::Result<Vec<f64>, String>> {
    let (rows, cols) = stored_sides(layer);
    let Some(matrix) = Matrix::new(entries, rows, cols) else {
        return Ok(Err("the tensor does not have the layer's shape".into()));
    };
    match linalg::singular_values(matrix, engine) {
        // The engine is missing for every layer; the other faults are this layer's own.
        Err(fault @ SpectrumError::NotBuilt) => Err(fault.into()),
        other => Ok(other.map_err(|fault| fault.to_string())),
    }
}

/// What the values say; `epsilon` is that of the arithmetic the rank is judged in.
pub(super) fn measure(
    values: std::result::Result<Vec<f64>, String>,
    layer: &Layer,
    weights: Option<&Weights>,
    epsilon: f64,
) -> Section<Spectrum> {
    let skipped = |reason: &str| Section::Skipped {
        reason: reason.into(),
    };
    let values = match values {
        Ok(values) => values,
        Err(reason) => return skipped(&reason),
    };
    let (rows, cols) = stored_sides(layer);
    match values.first() {
        Some(&largest) if largest > 0.0 => facts(values, rows, cols, weights, epsilon).map_or_else(
            || skipped("more than half of the singular values are zero to rounding, which leaves the law no scale"),
            Section::Measured,
        ),
        Some(_) => skipped("all weights are zero"),
        None => skipped("the tensor is empty"),
    }
}

/// Nothing when the median singular value is zero: then the law has no scale.
fn facts(
    values: Vec<f64>,
    rows: usize,
    cols: usize,
    weights: Option<&Weights>,
    epsilon: f64,
) -> Option<Spectrum> {
    let (n, m) = (rows.max(cols), rows.min(cols));
    let aspect = m as f64 / n as f64;
    let law = MarchenkoPastur::new(aspect)?;
    let (largest, smallest) = (*values.first()?, *values.last()?);
    let total: f64 = values.iter().map(|s| s * s).sum();
    let root = (n as f64).sqrt();
    let sigma_rms = (total / (n as f64 * m as f64)).sqrt();
    let sigma_median = median(&values) / (root * law.median());
    // Zero to rounding is zero: on such a scale everything would be an outlier.
    if median(&values) <= NO_SCALE * largest {
        return None;
    }
    let scaled = |scale: f64| {
        values
            .iter()
            .map(|s| s / (scale * root))
            .collect::<Vec<f64>>()
    };
    let by_median = scaled(sigma_median);
    let above = edges::upper_threshold(n, m, sigma_median, OUTLIER_LEVEL);
    let below = edges::lower_threshold(n, m, sigma_median, OUTLIER_LEVEL);
    let bulk: Vec<f64> = values
        .iter()
        .copied()
        .filter(|&s| s <= above && s >= below)
        .collect();
    let matrix_rank = values
        .iter()
        .filter(|&&s| s > largest * n as f64 * epsilon)
        .count();
    let entropy = shannon(&values, total);
    let lambda: Vec<f64> = values.iter().map(|s| s * s).collect();
    let power_law = PowerLaw::fit(&lambda);
    let edge_upper = sigma_median * root * law.upper();
    Some(Spectrum {
        law: if law.is_square() {
            Law::QuarterCircle
        } else {
            Law::MarchenkoPastur
        },
        aspect,
        spectral_norm: largest,
        smallest,
        frobenius_norm: total.sqrt(),
        stable_rank: total / (largest * largest),
        effective_rank: entropy.exp(),
        entropy: (matrix_rank > 1).then(|| entropy / (matrix_rank as f64).ln()),
        matrix_rank,
        rank_loss: m - matrix_rank,
        sigma_rms,
        sigma_median,
        edge_lower: sigma_median * root * law.lower(),
        edge_upper,
        ks_rms: law.ks(&scaled(sigma_rms)),
        ks_median: law.ks(&by_median),
        ks_null_q99: law.ks_null_q99(m),
        wasserstein: law.wasserstein(&by_median),
        outlier_threshold_above: above,
        outlier_threshold_below: below,
        outliers_above: values.iter().filter(|&&s| s > above).count(),
        outliers_below: values.iter().filter(|&&s| s < below).count(),
        mean_visibility: weights
            .filter(|w| w.std > 0.0)
            .map(|w| w.mean.abs() / w.std * (n as f64 * m as f64).powf(0.25)),
        level_ratio: level_ratio(&bulk),
        power_law,
        alpha_weighted: power_law.map(|fit| fit.alpha * (largest * largest).log10()),
        log_alpha_norm: power_law.map(|fit| log_alpha_norm(&lambda, fit.alpha)),
        log_norm: Some(total.log10()),
        log_spectral_norm: Some((largest * largest).log10()),
        mp_softrank: (edge_upper / largest).powi(2),
        singular_values: values,
    })
}

/// KS distance to the law of n×m entries, n ≥ m, the scale from the median of the descending
/// `values`; nothing where that is zero to rounding.
pub(super) fn ks_median(values: &[f64], n: usize, m: usize) -> Option<f64> {
    let law = MarchenkoPastur::new(m as f64 / n as f64)?;
    let (largest, middle) = (*values.first()?, median(values));
    let unit = middle / law.median();
    let scaled = || values.iter().map(|s| s / unit).collect::<Vec<f64>>();
    (middle > NO_SCALE * largest).then(|| law.ks(&scaled()))
}

/// log₁₀ Σ λ^α, relative to the largest term, which may pass the range of f64 itself.
fn log_alpha_norm(lambda: &[f64], alpha: f64) -> f64 {
    let terms: Vec<f64> = lambda.iter().map(|l| alpha * l.log10()).collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rest: f64 = terms.iter().map(|t| 10_f64.powf(t - largest)).sum();
    largest + rest.log10()
}

/// −Σ p ln p with p = σ²/Σσ².
fn shannon(values: &[f64], total: f64) -> f64 {
    values
        .iter()
        .map(|s| s * s / total)
        .filter(|&p| p > 0.0)
        .map(|p| -p * p.ln())
        .sum()
}

/// Median of a descending list.
fn median(values: &[f64]) -> f64 {
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        0.5 * (values[half - 1] + values[half])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn of(entries: &[f64], rows: usize, cols: usize) -> Spectrum {
        let values =
            linalg::singular_values(Matrix::new(entries, rows, cols).unwrap(), Engine::Faer)
                .unwrap();
        facts(values, rows, cols, None, f64::EPSILON).unwrap()
    }

    fn normal(seed: u64, count: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect()
    }

    // The null must be passed about once in a hundred: at most 6 of 200 (chance 1.6 %).
    #[test]
    fn random_matrices_stay_below_the_null() {
        for (rows, cols) in [(128, 64), (80, 80)] {
            let beyond = (0..200)
                .filter(|&seed| {
                    let s = of(&normal(seed, rows * cols), rows, cols);
                    s.ks_median > s.ks_null_q99
                })
                .count();
            assert!(beyond <= 6, "{beyond} of 200 at {rows}x{cols}");
        }
    }

    #[test]
    fn planted_spikes_are_outliers_and_leave_the_bulk() {
        let mut entries = normal(1, 200 * 100);
        for (i, w) in entries.iter_mut().enumerate() {
            *w += 0.5 * f64::from(u8::from((i / 100) % 2 == 0)) - 0.25;
        }
        let s = of(&entries, 200, 100);
        assert_eq!((s.outliers_above, s.rank_loss), (1, 0));
        assert!(s.ks_median < 2.0 * s.ks_null_q99 + 0.01);
    }

    #[test]
    fn unequal_rows_leave_the_law() {
        let scale = normal(2, 200);
        let entries: Vec<f64> = normal(3, 200 * 100)
            .iter()
            .enumerate()
            .map(|(i, w)| w * (0.5 * scale[i / 100]).exp())
            .collect();
        let s = of(&entries, 200, 100);
        assert!(s.ks_rms > 2.0 * s.ks_null_q99 && s.ks_median > 1.5 * s.ks_null_q99);
    }

    // 10^(200) + 10^(600): the second alone passes f64.
    #[test]
    fn a_norm_beyond_the_range_of_numbers() {
        assert!((log_alpha_norm(&[1000.0, 10.0, 0.0], 200.0) - 600.0).abs() < 1e-9);
        assert!((log_alpha_norm(&[2.0, 3.0], 2.0) - 13.0_f64.log10()).abs() < 1e-12);
    }

    // diag(3, 4): p = 9/25 and 16/25.
    #[test]
    fn a_diagonal_by_hand() {
        let s = of(&[3.0, 0.0, 0.0, 4.0], 2, 2);
        assert_eq!(s.law, Law::QuarterCircle);
        assert!((s.spectral_norm - 4.0).abs() < 1e-12 && (s.frobenius_norm - 5.0).abs() < 1e-12);
        assert!((s.stable_rank - 25.0 / 16.0).abs() < 1e-12);
        assert!((s.effective_rank.ln() - 0.653_418_2).abs() < 1e-6);
    }
}
