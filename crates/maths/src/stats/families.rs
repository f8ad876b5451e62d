//! The best of five families by likelihood per weight, docs/theory.md §1.
//!
//! A search asks for sums made in vectors; what it found is then evaluated term by term.

use std::fmt;

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use super::Sample;
use super::laws::normal;
use super::maximize;
use super::weighted_sums::WeightedValues;

/// The names of the fitted families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FamilyName {
    /// Normal.
    Normal,
    /// Laplace.
    Laplace,
    /// Student t with ν degrees of freedom.
    StudentT,
    /// Generalised normal, density ∝ exp(−|x/scale|^β).
    GeneralizedNormal,
    /// Uniform between the extremes.
    Uniform,
}

/// A family fitted by maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FittedFamily {
    /// Which.
    pub name: FamilyName,
    /// ν of Student t, β of the generalised normal; absent for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<f64>,
    /// Location.
    pub location: f64,
    /// Scale in the family's usual parametrisation (half-width for uniform).
    pub scale: f64,
    /// Gain in mean log-likelihood over the normal, nats per weight.
    pub gain: f64,
}

impl FittedFamily {
    /// The fitted density at `x`, per unit of the weights: with z = (x − location)/scale, over the
    /// scale, φ(z), ½e^{−|z|}, Γ((ν+1)/2)/(Γ(ν/2)√(νπ))·(1 + z²/ν)^{−(ν+1)/2} (Student 1908),
    /// β/(2Γ(1/β))·exp(−|z|^β) (Nadarajah 2005), or ½ up to |z| = 1.
    pub fn density(&self, x: f64) -> f64 {
        let z = (x - self.location) / self.scale;
        let standard = match (self.name, self.parameter) {
            (FamilyName::Laplace, _) => 0.5 * (-z.abs()).exp(),
            (FamilyName::StudentT, Some(nu)) => {
                let constant = ln_gamma(0.5 * (nu + 1.0))
                    - ln_gamma(0.5 * nu)
                    - 0.5 * (std::f64::consts::PI * nu).ln();
                (constant - 0.5 * (nu + 1.0) * (z * z / nu).ln_1p()).exp()
            }
            (FamilyName::GeneralizedNormal, Some(beta)) => {
                let constant = (0.5 * beta).ln() - ln_gamma(1.0 / beta);
                (constant - z.abs().powf(beta)).exp()
            }
            (FamilyName::Uniform, _) => {
                if z.abs() <= 1.0 {
                    0.5
                } else {
                    0.0
                }
            }
            _ => normal::density(z),
        };
        standard / self.scale
    }
}

impl fmt::Display for FamilyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Laplace => "Laplace",
            Self::StudentT => "Student t",
            Self::GeneralizedNormal => "generalised normal",
            Self::Uniform => "uniform",
        })
    }
}

/// The name and its parameter: `Student t, ν = 4.9`.
impl fmt::Display for FittedFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.name {
            FamilyName::GeneralizedNormal => 'β',
            _ => 'ν',
        };
        match self.parameter {
            Some(parameter) => write!(f, "{}, {letter} = {parameter:.2}", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// The winning family and the others it beat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The winner.
    #[serde(flatten)]
    pub best: FittedFamily,
    /// Every family tried, by falling gain.
    pub candidates: Vec<FittedFamily>,
}

/// How closely ln ν, ln β and a location in standard deviations are searched for.
const WIDTH: f64 = 1e-4;
/// Least β tried: towards 0 the density is a cusp as high as one likes at any one value.
const LEAST: f64 = 0.2;
/// Share of the weights on one value above which β is 1 or more: on quantised or pruned
/// weights a cusp would sit on that value and win whatever the rest looks like.
const LUMP: f64 = 0.01;

/// Values kept for the iterative fits. On 65,536 bins over the range the mean
/// log-likelihood moves by the square of a bin's width in scales, below 1e-5.
const VALUES: usize = 1 << 16;

impl Family {
    /// Fits all five families; nothing for a constant sample.
    ///
    /// A family with one more parameter than the normal wins only when its gain exceeds
    /// 1/count, the step of Akaike's criterion.
    pub fn fit(sample: &Sample) -> Option<Self> {
        Self::of_coarse(sample, sample)
    }

    /// The same of a sample and what [`Sample::coarsened`] makes of it with 65,536 bins or more.
    pub fn of_coarse(sample: &Sample, coarse: &Sample) -> Option<Self> {
        let moments = sample.moments();
        moments.skewness?;
        let coarse: Vec<(f64, f64)> = {
            let count = sample.count() as f64;
            coarse
                .coarsened(VALUES)
                .groups()
                .map(|g| (g.value, g.count as f64 / count))
                .collect()
        };
        let base =
            -0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E).ln() - moments.std.ln();
        let median = sample.quantile(0.5);
        let mut candidates = vec![
            FittedFamily {
                name: FamilyName::Normal,
                parameter: None,
                location: moments.mean,
                scale: moments.std,
                gain: 0.0,
            },
            laplace(&coarse, median, base),
            student_t(&coarse, moments.mean, moments.std, base),
            generalized_normal(&coarse, (moments.mean, median, moments.std), base),
            uniform(sample, base),
        ];
        candidates.sort_by(|a, b| b.gain.total_cmp(&a.gain));
        let noise = 1.0 / sample.count() as f64;
        let normal = candidates
            .iter()
            .position(|c| c.name == FamilyName::Normal)?;
        let best = if candidates[0].gain > noise {
            candidates[0]
        } else {
            candidates[normal]
        };
        Some(Self { best, candidates })
    }
}

/// ln density −ln(2b) − |x − m|/b at the median m and b = mean |x − m|.
fn laplace(values: &[(f64, f64)], median: f64, base: f64) -> FittedFamily {
    let scale: f64 = values.iter().map(|(x, p)| p * (x - median).abs()).sum();
    let gain = -(2.0 * scale).ln() - 1.0 - base;
    FittedFamily {
        name: FamilyName::Laplace,
        parameter: None,
        location: median,
        scale,
        gain,
    }
}

/// −ln(max − min), at the extremes.
fn uniform(sample: &Sample, base: f64) -> FittedFamily {
    let (min, max) = (sample.min(), sample.max());
    FittedFamily {
        name: FamilyName::Uniform,
        parameter: None,
        location: 0.5 * (min + max),
        scale: 0.5 * (max - min),
        gain: -(max - min).ln() - base,
    }
}

/// ln β − ln(2aΓ(1/β)) − 1/β at a = (β·mean|x − μ|^β)^(1/β), β from .2 to 20 (from 1 where one value is a lump) and μ within a
/// standard deviation of the median, in turns: β at the better of mean and median, then μ,
/// then β again.
fn generalized_normal(
    values: &[(f64, f64)],
    (mean, median, std): (f64, f64, f64),
    base: f64,
) -> FittedFamily {
    let scale = |beta: f64, power: f64| ((beta * power).ln() / beta).exp();
    let likelihood = |beta: f64, power: f64| {
        beta.ln() - (2.0 * scale(beta, power)).ln() - ln_gamma(1.0 / beta) - 1.0 / beta
    };
    let quick = WeightedValues::new(values);
    let at = |beta: f64, location: f64| likelihood(beta, quick.distances(location).power_sum(beta));
    let heaviest = values.iter().map(|(_, p)| *p).fold(0.0, f64::max);
    let least = if heaviest > LUMP { 1.0 } else { LEAST };
    let best_beta = |location: f64| {
        let distances = quick.distances(location);
        let at = |beta: f64| likelihood(beta, distances.power_sum(beta));
        maximize(|ln| at(ln.exp()), f64::ln(least), f64::ln(20.0), WIDTH).exp()
    };
    let better = |a: (f64, f64), b: (f64, f64)| if at(b.0, b.1) > at(a.0, a.1) { b } else { a };
    let start = better((best_beta(mean), mean), (best_beta(median), median));
    let moved = std * maximize(|z| at(start.0, median + std * z), -1.0, 1.0, WIDTH);
    let (_, location) = better(start, (start.0, median + moved));
    let beta = best_beta(location);
    let power = values
        .iter()
        .map(|(x, p)| p * (x - location).abs().powf(beta))
        .sum();
    FittedFamily {
        name: FamilyName::GeneralizedNormal,
        parameter: Some(beta),
        location,
        scale: scale(beta, power),
        gain: likelihood(beta, power) - base,
    }
}

/// Location and scale by EM at each ν (Lange, Little & Taylor 1989), ν from ½ to 1000.
fn student_t(values: &[(f64, f64)], mean: f64, std: f64, base: f64) -> FittedFamily {
    let fit = |nu: f64, step: &dyn Fn(f64, f64) -> (f64, f64)| {
        let (mut location, mut scale) = (mean, std * ((nu - 2.0).max(0.5) / nu).sqrt());
        for _ in 0..12 {
            (location, scale) = step(location, scale);
        }
        (location, scale)
    };
    let quick = WeightedValues::new(values);
    let at = |nu: f64| {
        let (location, scale) = fit(nu, &|location, scale| {
            moved_by(location, quick.student(nu, location, scale))
        });
        t_likelihood(nu, scale, quick.student_tail(nu, location, scale))
    };
    let nu = maximize(|ln| at(ln.exp()), f64::ln(0.5), f64::ln(1000.0), WIDTH).exp();
    let (location, scale) = fit(nu, &|location, scale| em_step(values, nu, location, scale));
    let tail = values
        .iter()
        .map(|(x, p)| {
            p * ((x - location) / scale)
                .powi(2)
                .mul_add(1.0 / nu, 0.0)
                .ln_1p()
        })
        .sum();
    let likelihood = t_likelihood(nu, scale, tail);
    FittedFamily {
        name: FamilyName::StudentT,
        parameter: Some(nu),
        location,
        scale,
        gain: likelihood - base,
    }
}

fn em_step(values: &[(f64, f64)], nu: f64, location: f64, scale: f64) -> (f64, f64) {
    let (mut weights, mut sum, mut square) = (0.0, 0.0, 0.0);
    for &(x, p) in values {
        let d = x - location;
        let w = p * (nu + 1.0) / (nu + (d / scale).powi(2));
        weights += w;
        sum += w * d;
        square += w * d * d;
    }
    moved_by(location, [weights, sum, square])
}

/// Location and scale after a step from `location`, by Σ p·w, Σ p·w·d and Σ p·w·d².
fn moved_by(location: f64, [weights, sum, square]: [f64; 3]) -> (f64, f64) {
    // Dividing by the weights, not by the count, speeds EM up (Kent, Tyler & Vardi 1994).
    let shift = sum / weights;
    (
        location + shift,
        (square / weights - shift * shift)
            .max(f64::MIN_POSITIVE)
            .sqrt(),
    )
}

/// `tail` is Σ p·ln(1 + ((x − location)/scale)²/ν).
fn t_likelihood(nu: f64, scale: f64, tail: f64) -> f64 {
    let constant = ln_gamma(0.5 * (nu + 1.0))
        - ln_gamma(0.5 * nu)
        - 0.5 * (std::f64::consts::PI * nu).ln()
        - scale.ln();
    constant - 0.5 * (nu + 1.0) * tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal, StudentT};

    fn fitted(mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> FittedFamily {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let entries: Vec<f64> = (0..200_000).map(|_| 3.0 * draw(&mut rng) + 1.0).collect();
        Family::fit(&Sample::from_f64(&entries).unwrap())
            .unwrap()
            .best
    }

    // scipy.stats 1.17: norm, laplace, t(5), gennorm(1.5), uniform(-1, 2), each .pdf(0.5).
    #[test]
    fn densities_against_another_library() {
        let table = [
            (FamilyName::Normal, None, 0.352_065_326_764),
            (FamilyName::Laplace, None, 0.303_265_329_856),
            (FamilyName::StudentT, Some(5.0), 0.327_918_531_323),
            (FamilyName::GeneralizedNormal, Some(1.5), 0.388_918_395_260),
            (FamilyName::Uniform, None, 0.5),
        ];
        for (name, parameter, density) in table {
            let family = FittedFamily {
                name,
                parameter,
                location: 1.0,
                scale: 2.0,
                gain: 0.0,
            };
            assert!((2.0 * family.density(2.0) - density).abs() < 1e-9, "{name}");
            assert!((family.density(0.0) - family.density(2.0)).abs() < 1e-15);
        }
    }

    // Laplace draws around 5 with a lump far to one side: the mean is pulled away, the best
    // location is not.
    #[test]
    fn the_location_is_fitted_too() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let mut entries: Vec<f64> = (0..50_000)
            .map(|_| {
                let u: f64 = rng.random::<f64>() - 0.5;
                5.0 - u.signum() * (1.0 - 2.0 * u.abs()).ln()
            })
            .collect();
        entries.extend([60.0; 500]);
        let family = Family::fit(&Sample::from_f64(&entries).unwrap()).unwrap();
        let found = family
            .candidates
            .iter()
            .find(|c| c.name == FamilyName::GeneralizedNormal)
            .unwrap();
        assert!((found.location - 5.0).abs() < 0.05, "{found:?}");
    }

    // Normal weights rounded to a step of a fifth of their sd: no cusp on the commonest.
    #[test]
    fn quantised_weights_get_no_cusp() {
        let best = fitted(|rng| {
            let z: f64 = StandardNormal.sample(rng);
            (5.0 * z).round() / 5.0
        });
        assert!(best.gain < 1e-3, "{best:?}");
    }

    // Gains are the negentropies of docs/theory.md §1, less that of the family: none.
    #[test]
    fn each_family_is_found_with_its_parameter() {
        let normal = fitted(|rng| StandardNormal.sample(rng));
        assert!(normal.gain < 2e-5, "{normal:?}");
        let uniform = fitted(rand::RngExt::random);
        assert_eq!(uniform.name, FamilyName::Uniform);
        assert!((uniform.gain - 0.176485).abs() < 2e-3);
        let law = StudentT::new(5.0).unwrap();
        let t = fitted(|rng| law.sample(rng));
        assert_eq!(t.name, FamilyName::StudentT);
        assert!(
            (t.parameter.unwrap() - 5.0).abs() < 0.25 && (t.scale - 3.0).abs() < 0.05,
            "{t:?}"
        );
        let laplace = fitted(|rng| {
            let u: f64 = rng.random::<f64>() - 0.5;
            -u.signum() * (1.0 - 2.0 * u.abs()).ln()
        });
        assert!((laplace.gain - 0.072365).abs() < 4e-3, "{laplace:?}");
        assert!(
            laplace.name == FamilyName::Laplace || (laplace.parameter.unwrap() - 1.0).abs() < 0.02
        );
    }
}
