//! Are the singular values on the Marchenko–Pastur law? docs/theory.md §3.

mod bulk;
mod nulls;

use super::{Entry, Options};
use crate::Result;
use crate::audit::{Law, Section, Spectrum, Unmeasured, Weights};
use randomlike_maths::linalg::{self, Engine, Matrix, SpectrumError};
use randomlike_maths::nulls::{
    Ensemble, Null, NullStatistic, Shape, largest_at, smallest_at, spectrum_statistics,
};
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;
use randomlike_maths::stats::{PowerLaw, level_ratio};

pub use bulk::FEWEST_IN_A_BULK;

/// An extreme value is an outlier when a random matrix passes it this rarely.
pub(super) const OUTLIER_LEVEL: f64 = 0.01;

/// What a spectrum depends on of the law of the entries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EntryLaw {
    pub excess_kurtosis: f64,
    /// |mean|/std; nothing for equal entries.
    pub mean: Option<f64>,
}

impl EntryLaw {
    pub fn from_weights(weights: &Weights) -> Self {
        Self {
            excess_kurtosis: weights.gaussian.as_ref().map_or(0.0, |g| g.excess_kurtosis),
            mean: (weights.std > 0.0).then(|| weights.mean.abs() / weights.std),
        }
    }
}

/// How the null of a layer's shape is found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NullPlan {
    /// Of which matrices.
    pub ensemble: Ensemble,
    /// So many matrices of the shape are drawn; without, tables are enough.
    pub simulate: Option<usize>,
    pub seed: u64,
}

impl NullPlan {
    pub const fn from_options(options: &Options) -> Self {
        Self {
            ensemble: Ensemble::Independent,
            simulate: options.simulate_null,
            seed: options.seed,
        }
    }
}

/// All singular values of rows and columns, descending, or why there are none.
pub(super) fn values<T: Entry>(
    entries: &[T],
    (rows, cols): (usize, usize),
    engine: Engine,
) -> Result<std::result::Result<Vec<f64>, Unmeasured>> {
    let Some(matrix) = Matrix::new(entries, rows, cols) else {
        return Ok(Err(Unmeasured::WrongShape));
    };
    match linalg::singular_values(matrix, engine) {
        // The engine is missing for every layer; the other faults are this layer's own.
        Err(fault @ SpectrumError::NotBuilt) => Err(fault.into()),
        other => Ok(other.map_err(|fault| Unmeasured::Fault(fault.to_string()))),
    }
}

/// What the values say; `epsilon` is that of the arithmetic the rank is judged in.
pub(super) fn measure(
    values: &std::result::Result<Vec<f64>, Unmeasured>,
    (rows, cols): (usize, usize),
    entries: EntryLaw,
    epsilon: f64,
    plan: NullPlan,
) -> Section<Spectrum> {
    let skipped = |reason| Section::Skipped { reason };
    let values = match values {
        Ok(values) => values,
        Err(reason) => return skipped(reason.clone()),
    };
    match values.first() {
        Some(&largest) if largest > 0.0 => {
            let seen = SpectrumPremises {
                shape: Shape {
                    n: rows.max(cols),
                    m: rows.min(cols),
                },
                entries,
                epsilon,
                plan,
            };
            seen.facts(values).map_or_else(skipped, Section::Measured)
        }
        Some(_) => skipped(Unmeasured::AllZero),
        None => skipped(Unmeasured::Empty),
    }
}

/// What the facts of a spectrum depend on beside its values.
struct SpectrumPremises {
    shape: Shape,
    entries: EntryLaw,
    epsilon: f64,
    plan: NullPlan,
}

impl SpectrumPremises {
    fn facts(&self, values: &[f64]) -> std::result::Result<Spectrum, Unmeasured> {
        let shape = self.shape;
        let (n, m) = (shape.n as f64, shape.m as f64);
        let law = MarchenkoPastur::new(m / n).ok_or(Unmeasured::NoScale)?;
        let figures = spectrum_statistics(values, shape).ok_or(Unmeasured::NoScale)?;
        let null = self.null()?;
        let sigma_median = figures.sigma_median;
        let (largest, smallest) = (values[0], values[values.len() - 1]);
        let (below, above) = outlier_thresholds(&null, shape, sigma_median);
        let lambda: Vec<f64> = values.iter().map(|s| s * s).collect();
        let total: f64 = lambda.iter().sum();
        let floor = largest * n * self.epsilon;
        let matrix_rank = values.iter().filter(|&&s| s > floor).count();
        let inside = values.iter().copied();
        let inside: Vec<f64> = inside.filter(|&s| s <= above && s >= below).collect();
        let level_ratio = level_ratio(&inside);
        let power_law = PowerLaw::fit(&lambda);
        let edge_upper = sigma_median * n.sqrt() * law.upper();
        let over_m = |figure: NullStatistic| figures.get(figure).unwrap_or(0.0) / m;
        let of_chance = nulls::facts(&figures, level_ratio, inside.len(), &null, shape);
        let bulk = bulk::largest(values, shape, self.plan.ensemble, null.excess_kurtosis);
        let entropy = shannon(values, total);
        Ok(Spectrum {
            law: if law.is_square() {
                Law::QuarterCircle
            } else {
                Law::MarchenkoPastur
            },
            aspect: m / n,
            spectral_norm: largest,
            smallest,
            frobenius_norm: total.sqrt(),
            stable_rank: total / (largest * largest),
            effective_rank: entropy.exp(),
            entropy: (matrix_rank > 1).then(|| entropy / (matrix_rank as f64).ln()),
            matrix_rank,
            rank_loss: shape.m - matrix_rank,
            sigma_rms: figures.sigma_rms,
            sigma_median,
            edge_lower: sigma_median * n.sqrt() * law.lower(),
            edge_upper,
            ks_rms: over_m(NullStatistic::KsRms),
            ks_median: over_m(NullStatistic::KsMedian),
            ks_null_q99: null.limits(NullStatistic::KsMedian).1.unwrap_or(m) / m,
            wasserstein: over_m(NullStatistic::Wasserstein),
            outlier_threshold_above: above,
            outlier_threshold_below: below,
            outliers_above: values.iter().filter(|&&s| s > above).count(),
            outliers_below: values.iter().filter(|&&s| s < below).count(),
            mean_visibility: self.entries.mean.map(|mean| mean * (n * m).powf(0.25)),
            level_ratio,
            power_law,
            alpha_weighted: power_law.map(|fit| fit.alpha * (largest * largest).log10()),
            log_alpha_norm: power_law.map(|fit| log_alpha_norm(&lambda, fit.alpha)),
            log_norm: Some(total.log10()),
            log_spectral_norm: Some((largest * largest).log10()),
            mp_softrank: (edge_upper / largest).powi(2),
            nulls: Section::measured_or(of_chance, Unmeasured::OneValue),
            bulk: bulk.map_or_else(|reason| Section::Skipped { reason }, Section::Measured),
            singular_values: values.to_vec(),
        })
    }

    /// Of independent entries with the excess kurtosis of the weights.
    fn null(&self) -> std::result::Result<Null, Unmeasured> {
        let kurtosis = self.entries.excess_kurtosis;
        let NullPlan {
            ensemble,
            simulate,
            seed,
        } = self.plan;
        let null = match simulate {
            None => Null::of(ensemble, self.shape, kurtosis),
            Some(draws) => Null::simulated(self.shape, kurtosis, draws, seed)
                .map_err(|fault| Unmeasured::Fault(fault.to_string()))?,
        };
        null.ok_or(Unmeasured::TooFewDraws)
    }
}

/// σ below and above which a value is an outlier, the scale from the median.
fn outlier_thresholds(null: &Null, shape: Shape, sigma_median: f64) -> (f64, f64) {
    let (bottom, _) = null.limits(NullStatistic::Bottom);
    let (_, top) = null.limits(NullStatistic::Top);
    (
        bottom.map_or(0.0, |bottom| smallest_at(shape, sigma_median, bottom)),
        top.map_or(f64::INFINITY, |top| largest_at(shape, sigma_median, top)),
    )
}

/// KS distance to the law of n×m entries, n ≥ m, the scale from the median of the descending
/// `values`; nothing where that is zero to rounding.
pub(super) fn ks_median(values: &[f64], n: usize, m: usize) -> Option<f64> {
    let (_, [ks, _, _]) = randomlike_maths::nulls::fit(values, Shape { n, m })?;
    Some(ks / m as f64)
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn spectrum_of(entries: &[f64], rows: usize, cols: usize) -> Spectrum {
        let values =
            linalg::singular_values(Matrix::new(entries, rows, cols).unwrap(), Engine::Faer)
                .unwrap();
        let seen = SpectrumPremises {
            shape: Shape::new(rows, cols).unwrap(),
            entries: EntryLaw::default(),
            epsilon: f64::EPSILON,
            plan: NullPlan::default(),
        };
        seen.facts(&values).unwrap()
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
                    let s = spectrum_of(&normal(seed, rows * cols), rows, cols);
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
        let s = spectrum_of(&entries, 200, 100);
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
        let s = spectrum_of(&entries, 200, 100);
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
        let s = spectrum_of(&[3.0, 0.0, 0.0, 4.0], 2, 2);
        assert_eq!(s.law, Law::QuarterCircle);
        assert!((s.spectral_norm - 4.0).abs() < 1e-12 && (s.frobenius_norm - 5.0).abs() < 1e-12);
        assert!((s.stable_rank - 25.0 / 16.0).abs() < 1e-12);
        assert!((s.effective_rank.ln() - 0.653_418_2).abs() < 1e-6);
    }
}
