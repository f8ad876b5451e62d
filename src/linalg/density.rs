//! The distribution of the singular values of a very large matrix, without all of them.
//!
//! Stochastic Lanczos quadrature (Ubaru, Chen & Saad 2017) in blocks: from every block of 16
//! random directions k block Lanczos steps, whose T gives points and weights that share the
//! moments up to 2k − 1 of λ = σ² as those directions see it. Three errors are kept apart:
//!
//! - *sampling*: directions are not the trace. Standard deviation √(2/(PM)·(F(1 − F) − C²/V)) for P
//!   directions (`density/measure.rs`), at most .36·√(2/(PM)) on the law of Marchenko and Pastur; the bound is
//!   four of these, which 2k independent points all keep in 99 cases of 100. By default as many
//!   directions are taken as keep .002 in about 96 of 100: P = 500 000/M, 128 at M = 4096 and 64
//!   at 8192. So the whole costs 4NM·Pk flops, linear in N and independent of M.
//! - *resolution*: k steps see nothing finer than about σ₁/4k. Estimated as the distance to what
//!   half the steps give, which falls as 1/k² where the density is smooth; what could not be
//!   passed in exact arithmetic comes from Chebyshev, Markov and Stieltjes (`density/measure.rs`) and is
//!   about 1.6/k. In W₁ no two measures with these moments are further apart than
//!   πσ₁/4k (Jackson, Favard; Chen, Trogdon & Ubaru 2021).
//! - *rounding* of products in single precision, 1e-6 of λ₁.
//!
//! The largest and smallest values come from further steps from the best approximations of
//! these blocks, each with the length of its residual. The largest that are told apart
//! are then exact in the distribution too: only the rest is sampled.
//!
//! **No audit uses this yet.** Seed 0, distance to the exact distribution: .0018 on 4096² normal
//! entries, .0021 on 2048² with unequal scales, but .020 with a few spikes on 2048² and .05 on a
//! power law of 4096×2048 (`examples/density_accuracy.rs`), beyond the .002 that is aimed at. The
//! bound called *certain* was below the true distance in earlier forms: take it for an estimate.
//!
//! At the bottom of a square matrix steps on WᵀW say little: a residual r leaves σ within √r.
//! Up to M/N of about .6 the lower edge is as good as the upper.

mod candle;
mod gauss;
mod krylov;
mod measure;
mod product;

use rayon::prelude::*;

pub use self::candle::OnDevice;
use self::gauss::{Jacobi, Node};
use self::krylov::{Decomposition, Krylov, Ritz};
use self::measure::{Measure, Probes};
pub use self::product::{GramProduct, InPlace, Stored};
use super::{Matrix, SpectrumError};
use crate::streams::{Purpose, generator};

/// Directions of one block.
const WIDTH: usize = 16;
/// Blocks that share a pass through the matrix.
const TOGETHER: usize = 4;
/// Standard deviations of the sampling error that are stated as its bound: Bonferroni over 128
/// points at 1 %.
const DEVIATIONS: f64 = 4.0;
/// Standard deviations of a single normal figure passed once in 100.
const ONE_IN_100: f64 = 2.576;
/// Standard deviations that are aimed at with [`Options::tolerance`]: a Brownian bridge passes
/// 2.8 of those at its middle in 4 of 100 cases (Kolmogorov).
const AIMED: f64 = 2.8;
/// The most of √(F(1 − F) − C²/V) on the law of Marchenko and Pastur, at the quarter circle.
const LEFT: f64 = 0.36;
/// Share of λ₁ that rounding of products may move an eigenvalue by.
const ROUNDING: f64 = 16.0 * f32::EPSILON as f64;
/// A node within this share of λ₁ of a point of the spectrum is that point.
const STEP: f64 = ROUNDING;
/// Extreme values are known well enough at this share of σ₁.
const TOLERANCE: f64 = 1e-4;
/// Steps for extreme values, and between two looks at them.
const MOST: usize = 32;
const LOOK: usize = 8;
/// Below this share of λ₁ steps for the smallest values are in vain.
const HARD_EDGE: f64 = 1e-3;

/// What is asked of [`density`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Block Lanczos steps.
    pub steps: usize,
    /// Directions, rounded up to whole blocks; without, as many as [`tolerance`] takes.
    ///
    /// [`tolerance`]: Self::tolerance
    pub probes: Option<usize>,
    /// The sampling error that is aimed at, and kept in about 96 of 100 cases.
    pub tolerance: f64,
    /// Extreme values wanted at each end.
    pub extremes: usize,
    /// Seed of the directions.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            steps: 64,
            probes: None,
            tolerance: 2e-3,
            extremes: 8,
            seed: 0,
        }
    }
}

/// A figure and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The figure.
    pub value: f64,
    /// What it is within.
    pub error: f64,
}

/// The distribution of M singular values.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// M.
    pub size: usize,
    /// Points of the distribution function, ascending in both; straight lines between.
    curve: Vec<Point>,
    /// What the distribution function is within at every point, in 99 of 100 seeds, for what the
    /// directions leave open.
    pub sampling: f64,
    /// Its distance to that of half the steps.
    pub resolution: f64,
    /// An estimate of what the steps could be wrong by at most (Chebyshev, Markov, Stieltjes).
    pub certain: f64,
    /// What a W₁ distance is within, sampling and resolution together; units of σ.
    pub wasserstein_error: f64,
    /// Means of λ, λ², λ³, λ⁴ over all values, λ = σ²; each within its error in 99 of 100 seeds.
    pub moments: [Bounded; 4],
    /// The largest singular values, descending. Each has a singular value within its error.
    pub top: Vec<Bounded>,
    /// The smallest, ascending. Beyond an error as large as the value they say nothing.
    pub bottom: Vec<Bounded>,
    /// The largest values that the distribution holds as they are.
    pub exact: usize,
    /// Random directions.
    pub probes: usize,
    /// Block Lanczos steps taken.
    pub steps: usize,
    /// Columns that the matrix was multiplied with.
    pub products: usize,
    /// Seed of the directions.
    pub seed: u64,
}

/// A share of all values and what they are below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// σ, in the units of the entries.
    pub sigma: f64,
    /// Share of the singular values below.
    pub share: f64,
}

impl Density {
    /// What the distribution function is within: sampling and resolution together.
    pub fn error(&self) -> f64 {
        self.sampling + self.resolution
    }

    /// Share of the singular values below σ.
    pub fn cdf(&self, sigma: f64) -> f64 {
        cdf(&self.curve, sigma)
    }

    /// The σ that this share of the singular values is below.
    pub fn quantile(&self, share: f64) -> f64 {
        let at = self.curve.partition_point(|point| point.share < share);
        let after = self.curve.get(at).or(self.curve.last());
        let before = at.checked_sub(1).and_then(|at| self.curve.get(at));
        match (before, after) {
            (Some(a), Some(b)) if b.share > a.share => {
                let part = ((share - a.share) / (b.share - a.share)).min(1.0);
                a.sigma + part * (b.sigma - a.sigma)
            }
            (_, Some(point)) | (Some(point), None) => point.sigma,
            (None, None) => 0.0,
        }
    }

    /// M values, descending, that have this distribution: those at shares (i − ½)/M, the largest
    /// as they were found. Fit for any figure of a whole spectrum but spacings and rank.
    pub fn values(&self) -> Vec<f64> {
        let size = self.size as f64;
        let rest = (0..self.size - self.exact).rev();
        let rest = rest.map(|i| self.quantile((i as f64 + 0.5) / size));
        let top = self.top[..self.exact].iter().map(|top| top.value);
        top.chain(rest).collect()
    }

    /// `count` points at equal steps of the share, both ends among them.
    pub fn grid(&self, count: usize) -> Vec<Point> {
        let point = |i: usize| {
            let share = i as f64 / (count - 1).max(1) as f64;
            let sigma = self.quantile(share);
            Point { sigma, share }
        };
        (0..count).map(point).collect()
    }
}

fn cdf(curve: &[Point], sigma: f64) -> f64 {
    let at = curve.partition_point(|point| point.sigma <= sigma);
    let before = at.checked_sub(1).and_then(|at| curve.get(at));
    match (before, curve.get(at)) {
        (None, _) => 0.0,
        (Some(last), None) => last.share,
        (Some(a), Some(b)) => {
            a.share + (b.share - a.share) * (sigma - a.sigma) / (b.sigma - a.sigma)
        }
    }
}

/// The distribution of the singular values of `matrix`, its entries read where they lie.
///
/// Memory beside the matrix: the basis of 4 blocks, 4·16·k·M single-precision numbers (134 MB at
/// M = 8192, k = 64), and some 40 MB for a pass. The same bytes for any number of threads.
///
/// # Errors
/// When an entry is not finite, or a small eigenvalue problem does not converge.
pub fn density<T: Stored>(
    matrix: Matrix<'_, T>,
    options: &Options,
) -> Result<Density, SpectrumError> {
    of(&InPlace::new(matrix)?, options)
}

/// The same by products that may be another device's.
///
/// # Errors
/// When the device fails, or a small eigenvalue problem does not converge.
pub fn of(product: &impl GramProduct, options: &Options) -> Result<Density, SpectrumError> {
    let plan = Plan::new(product.size(), options);
    let mut run = Run {
        product,
        plan,
        seed: options.seed,
        products: 0,
        rules: Vec::new(),
    };
    let ends = run.sample(options.extremes)?;
    run.summarise(&ends)
}

/// How many blocks and steps.
#[derive(Debug, Clone, Copy)]
struct Plan {
    size: usize,
    width: usize,
    blocks: usize,
    steps: usize,
    /// The steps of one block span the whole space: T has all eigenvalues.
    complete: bool,
}

impl Plan {
    fn new(size: usize, options: &Options) -> Self {
        let width = WIDTH.min(size).max(1);
        let steps = options.steps.max(2);
        let complete = steps * width >= size;
        let deviations = AIMED * LEFT / options.tolerance;
        let enough = 2.0 * deviations * deviations / size.max(1) as f64;
        let probes = options.probes.unwrap_or(enough.ceil() as usize).max(1);
        Self {
            size,
            width,
            blocks: if complete { 1 } else { probes.div_ceil(width) },
            steps: steps.min(size.div_ceil(width)),
            complete,
        }
    }

    fn probes(self) -> Probes {
        Probes {
            count: if self.complete {
                self.size
            } else {
                self.blocks * self.width
            },
            together: if self.complete { self.size } else { self.width },
            size: self.size,
        }
    }
}

struct Run<'a, P> {
    product: &'a P,
    plan: Plan,
    seed: u64,
    products: usize,
    /// The Gauss rules of all blocks.
    rules: Vec<Node>,
}

/// The extreme eigenvalues, largest first and smallest first.
#[derive(Debug, Clone, Default)]
struct Ends {
    top: Vec<Ritz>,
    bottom: Vec<Ritz>,
}

impl Ends {
    fn of(pairs: &[Ritz], count: usize) -> Self {
        let count = count.min(pairs.len());
        Self {
            top: pairs.iter().rev().take(count).copied().collect(),
            bottom: pairs.iter().take(count).copied().collect(),
        }
    }

    fn largest(&self) -> f64 {
        self.top.first().map_or(0.0, |pair| pair.value)
    }

    fn has_hard_edge(&self) -> bool {
        let smallest = self.bottom.first().map_or(0.0, |pair| pair.value);
        smallest <= HARD_EDGE * self.largest()
    }

    fn are_found(&self) -> bool {
        let hard = self.has_hard_edge();
        let bottom = self.bottom.iter().filter(|_| !hard);
        let largest = self.largest().sqrt();
        self.top
            .iter()
            .chain(bottom)
            .all(|pair| bounded(*pair, self.largest()).error <= TOLERANCE * largest)
    }
}

/// √θ and what it is within: λ lies between θ ∓ residual, and its root between theirs.
fn bounded(pair: Ritz, largest: f64) -> Bounded {
    let within = pair.residual + ROUNDING * largest;
    let value = pair.value.max(0.0);
    let below = value.sqrt() - (value - within).max(0.0).sqrt();
    Bounded {
        value: value.sqrt(),
        error: f64::max((value + within).sqrt() - value.sqrt(), below),
    }
}

impl<P: GramProduct> Run<'_, P> {
    /// All blocks, some at a time; the extreme values from the first of them.
    fn sample(&mut self, extremes: usize) -> Result<Ends, SpectrumError> {
        let numbers: Vec<u64> = (0..self.plan.blocks as u64).collect();
        let mut ends = Ends::default();
        let Plan {
            size,
            width,
            complete,
            ..
        } = self.plan;
        for group in numbers.chunks(TOGETHER) {
            let rng = |i: u64| generator(self.seed, Purpose::Probe, i);
            let start = |&i: &u64| Krylov::random(size, width, rng(i));
            let mut blocks: Vec<Krylov> = group.par_iter().map(start).collect();
            self.advance(&mut blocks, self.plan.steps)?;
            if let Some(first) = blocks.first().filter(|_| group.first() == Some(&0)) {
                let found = first.decompose()?;
                if complete {
                    self.rules = found.pairs.iter().map(|pair| pair.point(size)).collect();
                    return Ok(Ends::of(&found.pairs, extremes));
                }
                ends = self.refine(first, &found, extremes)?;
            }
            let rules = blocks.par_iter().map(Krylov::rule);
            let rules = rules.collect::<Result<Vec<_>, _>>()?;
            self.rules.extend(rules.into_iter().flatten());
        }
        Ok(ends)
    }

    /// Steps of several blocks, one product for all of them.
    fn advance(&mut self, blocks: &mut [Krylov], steps: usize) -> Result<(), SpectrumError> {
        for _ in 0..steps {
            let next: Vec<f32> = blocks.iter().flat_map(Krylov::next).copied().collect();
            if next.is_empty() {
                break;
            }
            self.products += next.len() / self.plan.size;
            let product = self.product.times(&next)?;
            let length = next.len() / blocks.len();
            blocks
                .par_iter_mut()
                .zip(product.par_chunks(length))
                .for_each(|(block, product)| block.absorb(product));
        }
        Ok(())
    }

    /// Extreme values, by further steps from the best that a block has.
    fn refine(
        &mut self,
        block: &Krylov,
        found: &Decomposition,
        count: usize,
    ) -> Result<Ends, SpectrumError> {
        let mut ends = Ends::of(&found.pairs, count);
        if ends.are_found() {
            return Ok(ends);
        }
        // From both ends where the lower can be found.
        let size = found.pairs.len();
        let all = (2 * WIDTH).min(size);
        let low = if ends.has_hard_edge() { 0 } else { all / 2 };
        let numbers: Vec<usize> = (0..low).chain(size - (all - low)..size).collect();
        let vectors = block.vectors(found, &numbers);
        let rng = generator(self.seed, Purpose::Probe, 1 << 32);
        let mut refined = [Krylov::from_block(self.plan.size, &vectors, rng)];
        while refined[0].steps() < MOST && !refined[0].next().is_empty() {
            self.advance(&mut refined, LOOK)?;
            let pairs = refined[0].decompose()?.pairs;
            let better = Ends::of(&pairs, count);
            ends.top = better.top;
            if low > 0 {
                ends.bottom = better.bottom;
            }
            if ends.are_found() {
                break;
            }
        }
        Ok(ends)
    }

    /// The rule of all blocks together, after all steps and after half of them.
    fn measures(&self, largest: f64) -> Result<[Measure; 2], SpectrumError> {
        let floor = STEP * largest;
        if self.plan.complete {
            let whole = Measure::new(&self.rules, floor);
            return Ok([whole.clone(), whole]);
        }
        let total: f64 = self.rules.iter().map(|node| node.weight).sum();
        let points = self.rules.iter().map(|n| (n.value, n.weight / total));
        let points: Vec<(f64, f64)> = points.collect();
        let steps = self.plan.steps;
        let jacobi = Jacobi::of_points(&points, ROUNDING * largest, steps);
        Ok([
            Measure::new(&jacobi.rule(steps)?, floor),
            Measure::new(&jacobi.rule(steps.div_ceil(2))?, floor),
        ])
    }

    fn summarise(&self, ends: &Ends) -> Result<Density, SpectrumError> {
        let Plan { size, .. } = self.plan;
        let (unit, largest) = (self.product.unit(), ends.largest());
        let [whole, half] = self.measures(largest)?;
        let split = Split::new(ends, &whole, (size, self.product.mean()));
        let (rest, half) = (split.rest(whole), split.rest(half));
        let (curve, coarse) = (split.curve(&rest, unit), split.curve(&half, unit));
        let (resolution, area) = apart(&curve, &coarse);
        let deviation = self.plan.probes().variance().sqrt() * split.share();
        let left = rest.left_variances();
        let most = left.iter().map(|at| at.1.sqrt()).fold(0.0, f64::max);
        let band = left.windows(2).map(|at| {
            let [(x0, v0), (x1, v1)] = [at[0], at[1]];
            (x1 - x0) * f64::max(v0, v1).sqrt()
        });
        let band = DEVIATIONS * deviation * unit * band.sum::<f64>();
        let moment = |power: i32| {
            let f = |x: f64| x.powi(power);
            let top: f64 = split.top.iter().map(|&x| f(x)).sum();
            let value = split.share() * rest.mean(f) + top / size.max(1) as f64;
            let error = ONE_IN_100 * deviation * rest.left_variance(f).sqrt();
            let unit = unit.powi(2 * power);
            Bounded {
                value: unit * value,
                error: unit * error + f64::from(power) * ROUNDING * unit * value,
            }
        };
        let in_units = |pairs: &[Ritz]| {
            let bounded = pairs.iter().map(|&pair| bounded(pair, largest));
            let scaled = bounded.map(|b| Bounded {
                value: unit * b.value,
                error: unit * b.error,
            });
            scaled.collect::<Vec<Bounded>>()
        };
        Ok(Density {
            size,
            sampling: DEVIATIONS * deviation * most,
            resolution,
            certain: rest.widest(),
            wasserstein_error: band + area,
            moments: [1, 2, 3, 4].map(moment),
            top: in_units(&ends.top),
            bottom: in_units(&ends.bottom),
            exact: split.top.len(),
            probes: self.plan.blocks * self.plan.width,
            steps: self.plan.steps,
            products: self.products,
            seed: self.seed,
            curve,
        })
    }
}

/// Which values the distribution holds as they are, and what is left to be sampled.
struct Split {
    size: usize,
    /// Descending.
    top: Vec<f64>,
    limit: f64,
    /// Mean of the rest.
    mean: f64,
    /// Where the distribution function of the rest begins and ends.
    start: f64,
    end: f64,
}

impl Split {
    /// Between the last two of the largest that are told apart and above which the rule has
    /// nothing but steps. Within a bulk its nodes stand for many values, some on either side.
    fn new(ends: &Ends, whole: &Measure, (size, mean): (usize, f64)) -> Self {
        let floor = ROUNDING * ends.largest();
        let between = |pairs: &[Ritz]| match pairs {
            [a, b] if a.value - b.value > 4.0 * (a.residual + b.residual + floor) => {
                Some(0.5 * (a.value + b.value)).filter(|&limit| whole.is_steps_above(limit))
            }
            _ => None,
        };
        let limits = ends.top.windows(2).map(between).enumerate();
        let last = limits.rev().find_map(|(i, limit)| Some((i + 1, limit?)));
        let (count, limit) = last.unwrap_or((0, f64::INFINITY));
        let top: Vec<f64> = ends.top[..count].iter().map(|pair| pair.value).collect();
        let total = size as f64 * mean - top.iter().sum::<f64>();
        let bottom = ends.bottom.first().map_or(0.0, |pair| pair.value.max(0.0));
        Self {
            size,
            mean: total.max(0.0) / (size - count).max(1) as f64,
            top,
            limit,
            start: if ends.has_hard_edge() { 0.0 } else { bottom },
            end: ends.top.get(count).map_or(0.0, |pair| pair.value),
        }
    }

    /// Of all values, those that are sampled.
    fn share(&self) -> f64 {
        1.0 - self.top.len() as f64 / self.size.max(1) as f64
    }

    fn rest(&self, measure: Measure) -> Measure {
        let rest = measure.below(self.limit).unwrap_or(measure);
        rest.calibrated(self.mean)
    }

    fn curve(&self, rest: &Measure, unit: f64) -> Vec<Point> {
        let point = |sigma: f64, share: f64| Point {
            sigma: unit * sigma,
            share,
        };
        let size = self.size as f64;
        let sampled = rest.curve(self.start, self.end);
        let top = self.top.iter().enumerate().rev();
        let top = top.flat_map(|(i, &x)| {
            let above = |count: usize| point(x.sqrt(), 1.0 - count as f64 / size);
            [above(i + 1), above(i)]
        });
        let sampled = sampled.into_iter().map(|(x, f)| point(x, self.share() * f));
        sampled.chain(top).collect()
    }
}

/// Largest distance of two distribution functions, and the area between them.
fn apart(a: &[Point], b: &[Point]) -> (f64, f64) {
    let mut sigmas: Vec<f64> = a.iter().chain(b).map(|point| point.sigma).collect();
    sigmas.sort_unstable_by(f64::total_cmp);
    let gaps: Vec<f64> = sigmas
        .iter()
        .map(|&x| (cdf(a, x) - cdf(b, x)).abs())
        .collect();
    let area = sigmas.windows(2).zip(gaps.windows(2));
    let area = area.map(|(x, gap)| (x[1] - x[0]) * 0.5 * (gap[0] + gap[1]));
    (gaps.iter().copied().fold(0.0, f64::max), area.sum())
}

/// Takes other's part out of `column` and returns how much that was.
fn remove(column: &mut [f64], other: &[f64]) -> f64 {
    let share = dot(column, other);
    column
        .iter_mut()
        .zip(other)
        .for_each(|(x, o)| *x -= share * o);
    share
}

fn divide(column: &mut [f64], length: f64) {
    for x in column {
        *x /= length;
    }
}

/// Sums of eight lanes, the same on every processor.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x, x_rest) = x.as_chunks::<8>();
    let (y, y_rest) = y.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (x, y) in x.iter().zip(y) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests;
