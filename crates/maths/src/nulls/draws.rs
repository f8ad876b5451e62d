//! Spectra of Gaussian matrices without the matrices.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution};
use rayon::prelude::*;

use super::statistic::{self, NullStatistics};
use crate::linalg::{self, SpectrumError};

/// Sides of a matrix, M ≤ N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The larger.
    pub n: usize,
    /// The smaller, the number of singular values.
    pub m: usize,
}

impl Shape {
    /// From two sides in any order, neither of them zero.
    pub fn new(a: usize, b: usize) -> Option<Self> {
        (a.min(b) > 0).then_some(Self {
            n: a.max(b),
            m: a.min(b),
        })
    }

    /// With at most so many values, at the same aspect.
    pub(super) fn at_most(self, values: usize) -> Self {
        if self.m <= values {
            return self;
        }
        let gap = (self.n - self.m) as f64 * values as f64 / self.m as f64;
        Self {
            n: values + gap.round() as usize,
            m: values,
        }
    }
}

/// Singular values, descending, of an N×M matrix of independent standard normal entries.
///
/// Householder reflections take such a matrix to bidiagonal form with independent entries:
/// χ of N, N − 1, …, N − M + 1 degrees of freedom on the diagonal and of M − 1, …, 1 beside it
/// (Silverstein 1985; Dumitriu & Edelman 2002, "Matrix models for beta ensembles"). So a draw
/// costs 2M numbers and M² steps, whatever N.
pub(super) fn spectrum(shape: Shape, rng: &mut ChaCha8Rng) -> Result<Vec<f64>, SpectrumError> {
    let mut chi =
        |freedom: usize| ChiSquared::new(freedom as f64).map_or(0.0, |law| law.sample(rng).sqrt());
    let diagonal: Vec<f64> = (0..shape.m).map(|i| chi(shape.n - i)).collect();
    let beside: Vec<f64> = (1..shape.m).rev().map(chi).collect();
    linalg::bidiagonal_singular_values(&diagonal, &beside)
}

/// The figures of `draws` seeded matrices of one shape, each shape with a seed of its own; draw i
/// has the generator's stream i, so the result does not depend on the number of threads.
///
/// # Errors
/// When an iteration does not converge.
pub fn figures(
    shape: Shape,
    draws: usize,
    seed: u64,
) -> Result<Vec<NullStatistics>, SpectrumError> {
    let seed = of_shape(seed, shape);
    let draw = |stream: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        spectrum(shape, &mut rng).map(|values| statistic::spectrum_statistics(&values, shape))
    };
    let all: Vec<_> = (0..draws)
        .into_par_iter()
        .map(draw)
        .collect::<Result<_, _>>()?;
    Ok(all.into_iter().flatten().collect())
}

/// Another seed for each shape, so that neighbours in a table are independent.
pub(super) const fn of_shape(seed: u64, shape: Shape) -> u64 {
    seed ^ ((shape.n as u64) << 40) ^ ((shape.m as u64) << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    // E Σσ² = NM, and E Σσ⁴ = NM(N + M + 1): moments of the Wishart law.
    #[test]
    fn wishart_moments() {
        let shape = Shape { n: 30, m: 20 };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let draws = 2000;
        let (mut second, mut fourth) = (0.0, 0.0);
        for _ in 0..draws {
            let values = spectrum(shape, &mut rng).unwrap();
            second += values.iter().map(|s| s.powi(2)).sum::<f64>();
            fourth += values.iter().map(|s| s.powi(4)).sum::<f64>();
        }
        let mean = |sum: f64| sum / f64::from(draws);
        // Standard errors √(2NM/draws) = .77 and about 90.
        assert!((mean(second) - 600.0).abs() < 2.4);
        assert!((mean(fourth) - 30_600.0).abs() < 280.0);
    }

    // Square: P(√N σ_min ≤ t) = 1 − exp(−t²/2 − t) (Edelman 1988), median √(1 + 2 ln 2) − 1.
    #[test]
    fn edelmans_smallest_value() {
        let shape = Shape { n: 40, m: 40 };
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let t = (1.0 + 2.0 * std::f64::consts::LN_2).sqrt() - 1.0;
        let below = (0..2000)
            .filter(|_| {
                let values = spectrum(shape, &mut rng).unwrap();
                40.0_f64.sqrt() * values[39] < t
            })
            .count();
        // 1000 expected, standard deviation 22.
        assert!((930..=1070).contains(&below), "{below}");
    }
}
