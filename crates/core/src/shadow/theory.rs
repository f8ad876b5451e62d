//! The theorem itself, on random Gaussian nets; docs/theory.md §6.
//!
//! Theorem 2.1 says E|h̃ᵢ − hᵢ|² ≤ ετ² for every i with ε = Õ(k₂/k₁) where k₂ < k₁ < k₀ < k₂²;
//! Theorem 3.1 says the like of three layers where √k₃·k₂ < k₀ besides. τ is the mean of the
//! positive coordinates: the abstract's 1/k₀ in its place is a misprint.

use serde::{Deserialize, Serialize};

use super::chain::random;
use super::descent::{self, Chain};
use super::matrix::ScaledMatrix;
use super::{ChainPlan, Estimate, ShadowError, Theorem};

/// Sizes of a level over what is kept of it, below the top.
const SPREAD: usize = 2;
/// Units of the top level over the positive coordinates of its codes.
const TOP_SPREAD: usize = 4;

/// How much is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TheoryPlan {
    /// Random nets for each point.
    pub nets: usize,
    /// Codes scored with each net; as many again set the biases.
    pub trials: usize,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl Default for TheoryPlan {
    fn default() -> Self {
        Self {
            nets: 4,
            trials: 32,
            seed: 0,
        }
    }
}

/// Nets of one number of layers, of which one share of sparsities is varied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What is varied.
    pub case: Case,
    /// Its points, by rising share.
    pub points: Vec<Point>,
    /// d ln(error of the positive coordinates)/d ln(share), least squares over the points, its
    /// error from theirs.
    pub slope: Estimate,
}

/// What a series varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// k₂/k₁ of two layers that meet Theorem 2.1.
    TwoLayers,
    /// The same with k₀ above k₂².
    TwoLayersBelowTheSquare,
    /// The same with k₂ from k₁ up.
    TwoLayersOutOfOrder,
    /// k₁/k₀ of two layers that meet Theorem 2.1, k₂/k₁ fixed.
    TwoLayersDenserBelow,
    /// k₃/k₂ of three layers that meet Theorem 3.1.
    ThreeLayers,
    /// The same with √k₃·k₂ above k₀.
    ThreeLayersBeyond,
}

impl Case {
    /// All of them, in the order they are measured.
    pub const ALL: [Self; 6] = [
        Self::TwoLayers,
        Self::TwoLayersBelowTheSquare,
        Self::TwoLayersOutOfOrder,
        Self::TwoLayersDenserBelow,
        Self::ThreeLayers,
        Self::ThreeLayersBeyond,
    ];

    /// The condition its points violate on purpose.
    pub const fn violates(self) -> Option<&'static str> {
        match self {
            Self::TwoLayers | Self::TwoLayersDenserBelow | Self::ThreeLayers => None,
            Self::TwoLayersBelowTheSquare => Some("k0 < k2²"),
            Self::TwoLayersOutOfOrder => Some("k2 < k1"),
            Self::ThreeLayersBeyond => Some("√k3·k2 < k0"),
        }
    }

    /// Number of layers.
    pub const fn layers(self) -> usize {
        match self {
            Self::ThreeLayers | Self::ThreeLayersBeyond => 3,
            _ => 2,
        }
    }

    /// The levels whose k are divided: upper over lower.
    pub const fn share(self) -> (usize, usize) {
        match self {
            Self::TwoLayersDenserBelow => (1, 0),
            Self::ThreeLayers | Self::ThreeLayersBeyond => (3, 2),
            _ => (2, 1),
        }
    }

    /// k₀ … k_ℓ of each point.
    const fn sparsities(self) -> &'static [&'static [usize]] {
        match self {
            Self::TwoLayers => &[
                &[6000, 1500, 80],
                &[6000, 1500, 160],
                &[6000, 1500, 320],
                &[6000, 1500, 640],
            ],
            Self::TwoLayersBelowTheSquare => {
                &[&[6000, 1500, 5], &[6000, 1500, 15], &[6000, 1500, 45]]
            }
            Self::TwoLayersOutOfOrder => &[&[6000, 640, 640], &[6000, 320, 640], &[6000, 160, 640]],
            Self::TwoLayersDenserBelow => &[
                &[9900, 1000, 100],
                &[5000, 1000, 100],
                &[2500, 1000, 100],
                &[1250, 1000, 100],
            ],
            Self::ThreeLayers => &[
                &[6000, 1500, 400, 20],
                &[6000, 1500, 400, 40],
                &[6000, 1500, 400, 80],
                &[6000, 1500, 400, 160],
            ],
            Self::ThreeLayersBeyond => &[&[6000, 1500, 1200, 60], &[6000, 1500, 1200, 240]],
        }
    }
}

/// One choice of sparsities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Point {
    /// n₀ … n_ℓ.
    pub sizes: Vec<usize>,
    /// k₀ … k_ℓ.
    pub k: Vec<usize>,
    /// The theorem's conditions.
    pub theorem: Theorem,
    /// The share that is varied.
    pub share: f64,
    /// E|h̃ᵢ − hᵢ|²/τ² over all coordinates of the top, mean over nets and its standard error.
    pub per_coordinate_error: Estimate,
    /// The same over the positive coordinates: the theorem speaks of every i.
    pub per_positive_error: Estimate,
    /// ‖h̃ − h‖²/‖h‖².
    pub relative_error: Estimate,
}

/// Measures every case.
///
/// # Errors
/// When the tensor library fails, or fewer than two nets or draws are asked for.
pub fn measure(
    plan: &TheoryPlan,
    progress: &dyn Fn(usize, usize),
) -> Result<Vec<Series>, ShadowError> {
    let total = Case::ALL.iter().map(|case| case.sparsities().len()).sum();
    let mut done = 0;
    let mut series = Vec::with_capacity(Case::ALL.len());
    for case in Case::ALL {
        let mut points = Vec::with_capacity(case.sparsities().len());
        for k in case.sparsities() {
            progress(done, total);
            points.push(point(case, k, plan)?);
            done += 1;
        }
        series.push(Series {
            case,
            slope: slope(&points),
            points,
        });
    }
    Ok(series)
}

fn point(case: Case, k: &[usize], plan: &TheoryPlan) -> Result<Point, ShadowError> {
    let top = k.len() - 1;
    let (upper, lower) = case.share();
    let sizes: Vec<usize> = (0..k.len())
        .map(|j| k[j] * if j == top { TOP_SPREAD } else { SPREAD })
        .collect();
    let mut figures = [Vec::new(), Vec::new(), Vec::new()];
    for net in 0..plan.nets {
        let level = one_net(&sizes, k, plan, net)?;
        for (figure, of) in figures.iter_mut().zip([
            &level.per_coordinate_error,
            &level.per_positive_error,
            &level.relative_error,
        ]) {
            figure.push(of.mean);
        }
    }
    let [per_coordinate, per_positive, relative] = figures;
    Ok(Point {
        theorem: Theorem::on(k),
        share: k[upper] as f64 / k[lower] as f64,
        per_coordinate_error: Estimate::among(&per_coordinate)?,
        per_positive_error: Estimate::among(&per_positive)?,
        relative_error: Estimate::among(&relative)?,
        sizes,
        k: k.to_vec(),
    })
}

/// What comes back at the top of one random net.
fn one_net(
    sizes: &[usize],
    k: &[usize],
    plan: &TheoryPlan,
    net: usize,
) -> Result<super::Recovery, ShadowError> {
    let places = sizes.len() as u64;
    let biases = vec![None; sizes.len() - 1];
    let chain_plan = ChainPlan {
        k: k.to_vec(),
        keep: 0.5,
        trials: plan.trials,
        calibration: plan.trials,
        // Every net has codes of its own.
        seed: plan.seed.wrapping_add(net as u64),
    };
    let matrix = |j: usize| {
        let place = net as u64 * places + j as u64;
        Ok(ScaledMatrix::gaussian(
            sizes[j],
            sizes[j + 1],
            plan.seed,
            place,
        ))
    };
    let chain = Chain {
        sizes,
        plan: &chain_plan,
        matrix: &matrix,
        biases: &biases,
        controlled: false,
        progress: &|_| (),
    };
    let mut outcomes = descent::run(&chain, &[random(sizes, &chain_plan)])?;
    let top = outcomes.pop().and_then(|mut outcome| outcome.levels.pop());
    let top = top.ok_or(ShadowError::NotApplicable("a net without layers"))?;
    Ok(top.calibrated)
}

/// Least squares of the logarithms; the error is that of the points, carried through.
fn slope(points: &[Point]) -> Estimate {
    let pairs: Vec<(f64, Estimate)> = points
        .iter()
        .map(|point| (point.share.ln(), point.per_positive_error))
        .collect();
    let middle = pairs.iter().map(|(x, _)| x).sum::<f64>() / pairs.len() as f64;
    let spread: f64 = pairs.iter().map(|(x, _)| (x - middle).powi(2)).sum();
    let weight = |x: f64| (x - middle) / spread;
    let of = pairs.iter();
    let variance: f64 = of
        .clone()
        .map(|(x, error)| (weight(*x) * error.error / error.mean).powi(2))
        .sum();
    Estimate {
        mean: of.map(|(x, error)| weight(*x) * error.mean.ln()).sum(),
        error: variance.sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_meets_the_theorem_or_breaks_the_condition_it_names() {
        for case in Case::ALL {
            for k in case.sparsities() {
                assert_eq!(k.len(), case.layers() + 1);
                let theorem = Theorem::on(k);
                let broken: Vec<&str> = theorem
                    .conditions
                    .iter()
                    .filter(|condition| !condition.holds)
                    .map(|condition| condition.condition.as_str())
                    .collect();
                match case.violates() {
                    None => assert!(theorem.is_met(), "{k:?} {broken:?}"),
                    Some(condition) => assert_eq!(broken, [condition], "{k:?}"),
                }
            }
        }
    }

    // error = 3·share²: slope 2; one standard error of 10 % at each end of a decade apart moves
    // it by .1·√2/ln 10.
    #[test]
    fn a_slope_by_hand() {
        let point = |share: f64| Point {
            sizes: vec![],
            k: vec![],
            theorem: Theorem::on(&[]),
            share,
            per_coordinate_error: Estimate {
                mean: 1.0,
                error: 0.0,
            },
            per_positive_error: Estimate {
                mean: 3.0 * share * share,
                error: 0.3 * share * share,
            },
            relative_error: Estimate {
                mean: 1.0,
                error: 0.0,
            },
        };
        let found = slope(&[point(0.1), point(1.0)]);
        assert!((found.mean - 2.0).abs() < 1e-12);
        assert!((found.error - 0.1 * 2_f64.sqrt() / 10_f64.ln()).abs() < 1e-12);
    }

    // Simulated with numpy 1.26, 60 nets: relative error, and that of the positive coordinates,
    // mean ± standard error. In order, out of order, and three layers.
    #[test]
    fn random_nets_give_what_another_simulation_gives() {
        let plan = TheoryPlan {
            nets: 24,
            ..TheoryPlan::default()
        };
        for (case, k, relative, positive) in [
            (
                Case::TwoLayers,
                &[600, 150, 30][..],
                (0.6699, 0.0034),
                (0.5407, 0.0039),
            ),
            (
                Case::TwoLayersOutOfOrder,
                &[600, 30, 120],
                (1.0007, 0.0002),
                (1.0829, 0.0002),
            ),
            (
                Case::ThreeLayers,
                &[600, 150, 60, 10],
                (0.7705, 0.0069),
                (0.6073, 0.0071),
            ),
        ] {
            let found = point(case, k, &plan).unwrap();
            for (found, (wanted, error)) in [
                (found.relative_error, relative),
                (found.per_positive_error, positive),
            ] {
                let error = found.error.hypot(error);
                assert!(
                    (found.mean - wanted).abs() < 4.0 * error,
                    "{k:?}: {found:?} {wanted}"
                );
            }
        }
    }
}
