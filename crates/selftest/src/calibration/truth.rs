//! What is planted in a matrix; docs/calibration.md.

use std::fmt;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StudentT};

use randomlike_maths::nulls::Marginal;

/// Standard deviation of a planted entry: the scale of no initialiser at the usual shapes.
const STD: f64 = 0.03;

/// A matrix whose verdict is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Truth {
    /// Independent entries: nothing to find in the spectrum.
    Independent(Marginal),
    /// Normal entries and one direction so many times s(NM)^¼, from where on it leaves the bulk
    /// (Baik, Ben Arous & Péché 2005; Benaych-Georges & Nadakuditi 2012).
    Spike(f64),
    /// Normal entries and ten such directions.
    LowRank(f64),
    /// Independent logistic entries.
    Logistic,
    /// Independent Student-t entries with 5 degrees of freedom.
    StudentT5,
    /// Normal entries, the scale of each output lognormal: exp(τz).
    OutputScales(f64),
    /// Normal entries, the scales of inputs and outputs lognormal.
    Scales(f64),
    /// The same, and before the scales one direction of 1.8 times what just shows.
    ScaledSpike(f64),
    /// Normal entries of which this share is replaced by ±10 standard deviations.
    TenSigma(f64),
    /// Normal entries; this share of the outputs repeats others.
    Duplicated(f64),
    /// As `PyTorch` starts a `Linear`: even on ±1/√n.
    Untouched,
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Independent(law) => write!(f, "independent {} entries", law.name()),
            Self::Spike(times) => write!(f, "one spike at {times} times the threshold"),
            Self::LowRank(times) => write!(f, "rank 10 at {times} times the threshold"),
            Self::Logistic => f.write_str("independent logistic entries"),
            Self::StudentT5 => f.write_str("independent t5 entries"),
            Self::OutputScales(tau) => write!(f, "scales of outputs lognormal, τ = {tau}"),
            Self::Scales(tau) => write!(f, "scales of both sides lognormal, τ = {tau}"),
            Self::ScaledSpike(tau) => {
                write!(
                    f,
                    "one spike at 1.8 times the threshold, then scales, τ = {tau}"
                )
            }
            Self::TenSigma(share) => write!(f, "{} % of entries ±10 sd", 100.0 * share),
            Self::Duplicated(share) => write!(f, "{} % of outputs repeated", 100.0 * share),
            Self::Untouched => f.write_str("an untouched PyTorch Linear"),
        }
    }
}

impl Truth {
    /// For its own stream of the generator.
    pub(super) fn number(self) -> u64 {
        let tenths = |x: f64| (10.0 * x) as u64;
        match self {
            Self::Independent(law) => law as u64,
            Self::Spike(times) => 0x10 + tenths(times),
            Self::LowRank(times) => 0x40 + tenths(times),
            Self::OutputScales(tau) => 0x70 + tenths(tau),
            Self::TenSigma(_) => 0x90,
            Self::Duplicated(_) => 0xa0,
            Self::Untouched => 0xb0,
            Self::Scales(tau) => 0xb8 + tenths(tau),
            Self::ScaledSpike(tau) => 0xd0 + tenths(tau),
            Self::Logistic => 0xe8,
            Self::StudentT5 => 0xe9,
        }
    }

    /// n rows of m entries.
    pub(super) fn entries(self, n: usize, m: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut entries: Vec<f64> = match self {
            Self::Independent(law) => law.draw(n * m, rng),
            Self::Untouched => {
                let half = 1.0 / (n as f64).sqrt();
                let even = || half * (2.0 * rng.random::<f64>() - 1.0);
                return std::iter::repeat_with(even).take(n * m).collect();
            }
            Self::Logistic => {
                // ln(u/(1 − u)) has variance π²/3.
                let scale = 3.0_f64.sqrt() / std::f64::consts::PI;
                let logistic = || {
                    let u: f64 = rng.random_range(f64::EPSILON..1.0);
                    scale * (u / (1.0 - u)).ln()
                };
                std::iter::repeat_with(logistic).take(n * m).collect()
            }
            Self::StudentT5 => StudentT::new(5.0).map_or_else(
                |_| Vec::new(),
                |law| {
                    let drawn = law.sample_iter(&mut *rng).take(n * m);
                    drawn.map(|w| w * 0.6_f64.sqrt()).collect()
                },
            ),
            _ => Marginal::Normal.draw(n * m, rng),
        };
        let threshold = (n as f64 * m as f64).powf(0.25);
        match self {
            Self::Spike(times) => add_direction(&mut entries, (n, m), times * threshold, rng),
            Self::LowRank(times) => {
                for _ in 0..10 {
                    add_direction(&mut entries, (n, m), times * threshold, rng);
                }
            }
            Self::Scales(tau) => scale(&mut entries, (n, m), tau, rng),
            Self::ScaledSpike(tau) => {
                add_direction(&mut entries, (n, m), 1.8 * threshold, rng);
                scale(&mut entries, (n, m), tau, rng);
            }
            Self::OutputScales(tau) => {
                let scales: Vec<f64> = normal(m, rng).iter().map(|z| (tau * z).exp()).collect();
                for row in entries.chunks_mut(m) {
                    for (entry, scale) in row.iter_mut().zip(&scales) {
                        *entry *= scale;
                    }
                }
            }
            Self::TenSigma(share) => {
                for entry in &mut entries {
                    if rng.random::<f64>() < share {
                        *entry = 10.0 * entry.signum();
                    }
                }
            }
            Self::Duplicated(share) => {
                let copies = ((share * m as f64) as usize).min(m / 2);
                for row in entries.chunks_mut(m) {
                    let (first, last) = row.split_at_mut(m - copies);
                    last.copy_from_slice(&first[..copies]);
                }
            }
            Self::Independent(_) | Self::Untouched | Self::Logistic | Self::StudentT5 => {}
        }
        for entry in &mut entries {
            *entry *= STD;
        }
        entries
    }
}

/// Multiplies rows and columns by exp(τz).
fn scale(entries: &mut [f64], (n, m): (usize, usize), tau: f64, rng: &mut impl Rng) {
    let (of_rows, of_columns) = (normal(n, rng), normal(m, rng));
    for (row, a) in entries.chunks_mut(m).zip(&of_rows) {
        for (entry, b) in row.iter_mut().zip(&of_columns) {
            *entry *= (tau * (a + b)).exp();
        }
    }
}

/// Adds θuvᵀ, u and v random directions.
fn add_direction(entries: &mut [f64], (n, m): (usize, usize), theta: f64, rng: &mut impl Rng) {
    let (u, v) = (unit(normal(n, rng)), unit(normal(m, rng)));
    for (row, u) in entries.chunks_mut(m).zip(&u) {
        for (entry, v) in row.iter_mut().zip(&v) {
            *entry += theta * u * v;
        }
    }
}

fn normal(count: usize, rng: &mut impl Rng) -> Vec<f64> {
    StandardNormal.sample_iter(rng).take(count).collect()
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    for x in &mut vector {
        *x /= length;
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use randomlike_maths::linalg::{Engine, Matrix, singular_values};

    // σ₁ of a spike: s√N·√((1 + θ²)(y + θ²))/θ with θ in units of s√N (Benaych-Georges &
    // Nadakuditi 2012); its standard deviation at 400×200 is some .5 of 35.
    #[test]
    fn a_spike_is_where_the_theory_says() {
        let (n, m) = (400, 200);
        let mut mean = 0.0;
        for seed in 0..8 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let entries = Truth::Spike(2.0).entries(n, m, &mut rng);
            let matrix = Matrix::new(&entries, n, m).unwrap();
            mean += singular_values(matrix, Engine::Faer).unwrap()[0] / 8.0;
        }
        let y = 0.5_f64;
        let square = 4.0 * y.sqrt();
        let expected = STD * 20.0 * ((1.0 + square) * (y + square) / square).sqrt();
        assert!((mean / expected - 1.0).abs() < 0.02, "{mean} {expected}");
    }

    #[test]
    fn what_is_planted_is_there() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let repeated = Truth::Duplicated(0.1).entries(30, 20, &mut rng);
        assert!(repeated.chunks(20).all(|row| row[..2] == row[18..]));
        let heavy = Truth::TenSigma(0.01).entries(300, 300, &mut rng);
        let large = heavy.iter().filter(|w| w.abs() > 9.9 * STD).count();
        // 900 expected, standard deviation 30.
        assert!((800..1000).contains(&large), "{large}");
        let scaled = Truth::OutputScales(0.2).entries(2000, 50, &mut rng);
        let log_rms = |j: usize| {
            let square = |row: &[f64]| (row[j] / STD).powi(2);
            0.5 * (scaled.chunks(50).map(square).sum::<f64>() / 2000.0).ln()
        };
        let spread = (0..50).map(|j| log_rms(j).powi(2)).sum::<f64>() / 50.0;
        assert!((spread.sqrt() / 0.2 - 1.0).abs() < 0.4);
    }
}
