//! Matrices of independent entries of other laws than the normal one, all of variance one.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StudentT};
use rayon::prelude::*;

use super::draws::of_shape;
use super::statistic::{self, NullStatistics};
use super::{Shape, draws};
use crate::linalg::{self, Engine, Matrix, SpectrumError};

/// The law of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marginal {
    /// N(0, 1).
    Normal,
    /// Even on ±√3.
    Uniform,
    /// Density exp(−√2|w|)/√2.
    Laplace,
    /// Student's t with 10 degrees of freedom.
    StudentT10,
}

impl Marginal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Uniform, Self::Laplace, Self::StudentT10];

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Uniform => "uniform",
            Self::Laplace => "laplace",
            Self::StudentT10 => "t10",
        }
    }

    /// E(w − μ)⁴/σ⁴ − 3: 0, −6/5, 3 and 6/(ν − 4) (Johnson, Kotz & Balakrishnan 1995).
    pub const fn excess_kurtosis(self) -> f64 {
        match self {
            Self::Normal => 0.0,
            Self::Uniform => -1.2,
            Self::Laplace => 3.0,
            Self::StudentT10 => 1.0,
        }
    }

    /// `count` independent entries of variance 1: √3 times uniform ones of ±1, Laplace ones of scale
    /// 1/√2, Student ones over √(ν/(ν − 2)) (Johnson, Kotz & Balakrishnan 1995).
    #[doc(hidden)]
    pub fn draw(self, count: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
        match self {
            Self::Normal => StandardNormal.sample_iter(rng).take(count).collect(),
            Self::Uniform => (0..count)
                .map(|_| (rng.random::<f64>() - 0.5) * 12.0_f64.sqrt())
                .collect(),
            Self::Laplace => (0..count).map(|_| laplace(rng.random())).collect(),
            // Variance ν/(ν − 2).
            Self::StudentT10 => StudentT::new(10.0).map_or_else(
                |_| Vec::new(),
                |law| {
                    let entries = law.sample_iter(rng).take(count);
                    entries.map(|w| w * 0.8_f64.sqrt()).collect()
                },
            ),
        }
    }
}

/// The Laplace law of variance one at `u` in [0, 1).
fn laplace(u: f64) -> f64 {
    let u = u - 0.5;
    -u.signum() * (-2.0 * u.abs()).ln_1p() / std::f64::consts::SQRT_2
}

/// The figures of `draws` seeded matrices of independent entries of one law; draw i has the
/// generator's stream i.
///
/// # Errors
/// When an iteration does not converge.
pub fn figures_of(
    law: Marginal,
    shape: Shape,
    draws: usize,
    seed: u64,
) -> Result<Vec<NullStatistics>, SpectrumError> {
    if law == Marginal::Normal {
        return draws::figures(shape, draws, seed);
    }
    let draw = |stream: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(of_shape(seed, shape));
        rng.set_stream(stream as u64);
        let entries = law.draw(shape.n * shape.m, &mut rng);
        let matrix = Matrix::new(&entries, shape.n, shape.m).ok_or(SpectrumError::NotBuilt)?;
        let values = linalg::singular_values(matrix, Engine::Faer)?;
        Ok(statistic::spectrum_statistics(&values, shape))
    };
    let all: Vec<_> = (0..draws)
        .into_par_iter()
        .map(draw)
        .collect::<Result<_, SpectrumError>>()?;
    Ok(all.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Sample;

    // Closed forms: variance 1, and the excess kurtosis of each law.
    #[test]
    fn the_moments_of_each_law() {
        for law in Marginal::ALL {
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            let entries = law.draw(1_000_000, &mut rng);
            let sample = Sample::from_f64(&entries).unwrap();
            let (mean, std) = (sample.moments().mean, sample.moments().std);
            let fourth = entries.iter().map(|w| (w - mean).powi(4)).sum::<f64>() / 1e6;
            let kurtosis = fourth / std.powi(4) - 3.0;
            // Standard errors: .001, .0011 at most, and up to about .05 for the fourth moment.
            assert!(mean.abs() < 0.004 && (std - 1.0).abs() < 0.005, "{law:?}");
            let apart = (kurtosis - law.excess_kurtosis()).abs();
            assert!(apart < 0.1, "{law:?}: {kurtosis}");
        }
    }

    // P(|w| > t) = exp(−√2·t).
    #[test]
    fn quantiles_of_laplace() {
        assert!((laplace(0.5) - 0.0).abs() < 1e-15);
        assert!((laplace(0.75) - 2.0_f64.ln() / std::f64::consts::SQRT_2).abs() < 1e-12);
        assert!((laplace(0.25) + 2.0_f64.ln() / std::f64::consts::SQRT_2).abs() < 1e-12);
    }
}
