//! The distribution of the singular values of a very large matrix, without all of them.
//!
//! Stochastic Lanczos quadrature (Ubaru, Chen & Saad 2017) in blocks. First block Lanczos steps
//! look for the largest values: those that are known and told apart from all that follow are set
//! aside with their vectors V, in rounds while what is left is much wider than its mean. They are
//! in the distribution as they are. The rest is sampled: from every block of 16 random directions
//! at right angles to V k block Lanczos steps on (1 − VVᵀ)WᵀW(1 − VVᵀ), whose T gives points and
//! weights that share the moments up to 2k − 1 of λ = σ² as those directions see it. A residual
//! R = WᵀWV − VΘ moves no value by more than ‖R‖ (Weyl), and those apart from it by ‖R‖² over
//! the distance. Three errors are kept apart:
//!
//! - *sampling*: directions are not the trace. Standard deviation √(2/(PM)·(F(1 − F) − C²/V)) for P
//!   directions (`density/measure.rs`), at most .36·√(2/(PM)) on the law of Marchenko and Pastur;
//!   what is stated is four of these, which 2k independent points all keep in 99 cases of 100. By
//!   default so many directions are taken that what resolution leaves of .002 is kept in about
//!   99 of 100: some 660 000/M and more. So the whole costs 4NM·Pk flops, linear in N and
//!   independent of M.
//! - *resolution*: k steps see nothing finer than about σ/4k, σ the largest of the rest. Estimated
//!   as the distance to what half the steps give, which falls as 1/k² where the density is smooth
//!   and as 1/k where it is not; no proof that it is enough. What could not be passed in exact
//!   arithmetic comes from Chebyshev, Markov and Stieltjes (`density/measure.rs`) and is about
//!   1.6/k. In W₁ no two measures with these moments are further apart than
//!   πσ/4k (Jackson, Favard; Chen, Trogdon & Ubaru 2021).
//! - *rounding* of products in single precision: ε of σ₁σ, as W·q is rounded to σ₁ and comes
//!   back through what is left.
//!
//! The largest and smallest values come from further steps from the best approximations of the
//! first block, each with the length of its residual. `examples/density_accuracy.rs` has the
//! distance to the exact distribution beside what is stated; docs/performance.md a table of it.
//!
//! At the bottom of a square matrix steps on WᵀW say little: a residual r leaves σ within √r.
//! Up to M/N of about .6 the lower edge is as good as the upper.

mod candle;
mod column;
mod curve;
mod ends;
mod gauss;
mod krylov;
mod measure;
mod product;
mod split;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::candle::OnDevice;
pub use self::curve::Point;
pub use self::curve::values;
use self::curve::{apart, cdf, quantile, shifted};
use self::ends::{Ends, bounded, told_apart};
use self::gauss::{Jacobi, Node};
use self::krylov::{Aside, Decomposition, Krylov, Ritz};
use self::measure::{Measure, Probes};
pub use self::product::{GramProduct, InPlace, Stored};
use self::split::Split;
use super::{Device, Matrix, SpectrumError};
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
/// 3.2 of those at its middle in 12 of 1000 cases (Kolmogorov).
const AIMED: f64 = 3.2;
/// The most of √(F(1 − F) − C²/V) on the law of Marchenko and Pastur, at the quarter circle.
const LEFT: f64 = 0.36;
/// Most blocks, whatever the tolerance.
const MOST_BLOCKS: f64 = 64.0;
/// Share of λ₁ that rounding of products may move an eigenvalue by.
const ROUNDING: f64 = 16.0 * f32::EPSILON as f64;
/// Share of λ₁ that rounding of products does move eigenvalues by, within a small factor.
const ROUNDED: f64 = f32::EPSILON as f64;
/// Most values that are set aside, in all and from one block.
const MOST_ASIDE: usize = 256;
const MOST_AT_ONCE: usize = 96;
/// Rounds of setting values aside, and the largest value over the mean that asks for another:
/// the law of Marchenko and Pastur has at most 4.
const ROUNDS: u64 = 4;
const WIDE: f64 = 12.0;
/// Extreme values are known well enough at this share of σ₁.
const TOLERANCE: f64 = 1e-4;
/// Steps for extreme values, and between two looks at them.
const MOST: usize = 32;
const LOOK: usize = 8;

/// What is asked of [`density`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Block Lanczos steps.
    pub steps: usize,
    /// Directions, rounded up to whole blocks; without, as many as [`tolerance`] takes.
    ///
    /// [`tolerance`]: Self::tolerance
    pub probes: Option<usize>,
    /// The error of the distribution function that is aimed at, and kept in about 99 of 100
    /// cases where steps leave half of it at most.
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    /// What rounding of products to single precision may move the distribution function by.
    pub rounding: f64,
    /// An estimate of how far two distributions with the moments of this one can differ, from
    /// the inequalities of Chebyshev, Markov and Stieltjes; in no other error.
    pub widest: f64,
    /// What a W₁ distance is within, sampling and resolution together; units of σ.
    pub wasserstein_error: f64,
    /// Σ of λ = σ² over all values, from the squares of the entries.
    pub total: f64,
    /// −Σ p ln p with p = σ²/Σσ².
    pub entropy: Bounded,
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

impl Density {
    /// What the distribution function is within: sampling, resolution and rounding together.
    pub fn error(&self) -> f64 {
        self.sampling + self.resolution + self.rounding
    }

    /// Share of the singular values below σ.
    pub fn cdf(&self, sigma: f64) -> f64 {
        cdf(&self.curve, sigma)
    }

    /// The σ that this share of the singular values is below.
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.curve, share)
    }

    /// M values, descending, that have this distribution: those at shares (i − ½)/M, the largest
    /// as they were found. Fit for any figure of a whole spectrum but spacings and rank.
    pub fn values(&self) -> Vec<f64> {
        values(&self.curve, &self.top[..self.exact], self.size)
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

/// The same with the products on a device, which holds a copy of the matrix in single precision.
///
/// # Errors
/// As [`density`]; when the build or machine has no such device, or the device no room.
pub fn on<T: Stored>(
    matrix: Matrix<'_, T>,
    device: Device,
    options: &Options,
) -> Result<Density, SpectrumError> {
    match device {
        Device::Cpu => density(matrix, options),
        Device::Cuda | Device::Metal => {
            of(&OnDevice::new(matrix, &candle::find(device)?)?, options)
        }
    }
}

/// The same by products that may be another device's.
///
/// # Errors
/// When the device fails, or a small eigenvalue problem does not converge.
pub fn of(product: &impl GramProduct, options: &Options) -> Result<Density, SpectrumError> {
    let mut run = Run {
        product,
        plan: Plan::new(product.size(), options),
        seed: options.seed,
        products: 0,
        rules: Vec::new(),
        blocks: 0,
    };
    if run.plan.complete {
        let ends = run.whole(options.extremes)?;
        return run.summarise(&ends);
    }
    let ends = run.explore(options.extremes)?;
    run.sample(&ends)?;
    run.summarise(&ends)
}

/// How many directions and steps.
#[derive(Debug, Clone, Copy)]
struct Plan {
    size: usize,
    width: usize,
    /// Blocks asked for.
    blocks: Option<usize>,
    tolerance: f64,
    steps: usize,
    /// The steps of one block span the whole space: T has all eigenvalues.
    complete: bool,
}

impl Plan {
    fn new(size: usize, options: &Options) -> Self {
        let width = WIDTH.min(size).max(1);
        let steps = options.steps.max(2);
        Self {
            size,
            width,
            blocks: options.probes.map(|probes| probes.div_ceil(width).max(1)),
            tolerance: options.tolerance,
            steps: steps.min(size.div_ceil(width)),
            complete: steps * width >= size,
        }
    }

    /// As many that [`AIMED`] deviations stay within what `resolution` leaves of the tolerance,
    /// half at least; `left` the most of the variance that one direction leaves.
    fn enough(self, left: f64, resolution: f64) -> usize {
        let aimed = AIMED / (self.tolerance - resolution).max(0.5 * self.tolerance);
        let probes = 2.0 * aimed * aimed * left / self.size.max(1) as f64;
        self.blocks
            .unwrap_or((probes / self.width as f64).ceil().min(MOST_BLOCKS) as usize)
    }
}

struct Run<'a, P> {
    product: &'a P,
    plan: Plan,
    seed: u64,
    products: usize,
    /// The Gauss rules of all blocks.
    rules: Vec<Node>,
    /// How many blocks these are of.
    blocks: usize,
}

impl<P: GramProduct> Run<'_, P> {
    /// All eigenvalues, where the steps of one block have them.
    fn whole(&mut self, extremes: usize) -> Result<Ends, SpectrumError> {
        let Plan { size, width, .. } = self.plan;
        let rng = generator(self.seed, Purpose::Probe, 0);
        let mut blocks = [Krylov::random(size, width, rng, &Aside::default())];
        self.advance(&mut blocks, self.plan.steps)?;
        let found = blocks[0].decompose()?;
        self.rules = found.pairs.iter().map(|pair| pair.point(size)).collect();
        self.blocks = 1;
        Ok(Ends::of(&found.pairs, extremes))
    }

    /// The extreme values; the largest that are told apart are set aside, again and again while
    /// what is left is much wider than its mean.
    fn explore(&mut self, extremes: usize) -> Result<Ends, SpectrumError> {
        let Plan { size, width, .. } = self.plan;
        let steps = self.plan.steps.div_ceil(2);
        let mut ends = Ends::default();
        for round in 0..ROUNDS {
            let rng = generator(self.seed, Purpose::Probe, (1 << 32) + 2 * round);
            let mut block = [Krylov::random(size, width, rng, &ends.aside)];
            self.advance(&mut block, steps)?;
            let [block] = block;
            let found = block.decompose()?;
            let mut now = Ends::of(&found.pairs, extremes);
            let refined = if round == 0 && !now.are_found() {
                Some(self.refine(&block, &found, extremes, &mut now)?)
            } else {
                None
            };
            if round == 0 {
                ends.bottom.clone_from(&now.bottom);
            }
            let norm = if round == 0 {
                now.largest()
            } else {
                ends.norm()
            };
            let by_steps = told_apart(&found.pairs, norm);
            let by_more = refined
                .as_ref()
                .map_or(0, |(_, found)| told_apart(&found.pairs, norm));
            let (block, found, count) = match &refined {
                Some((more, better)) if by_more >= by_steps => (more, better, by_more),
                _ => (&block, &found, by_steps),
            };
            let count = count.min(MOST_ASIDE - ends.exact);
            ends.set_aside(block, found, (count, extremes));
            let left = self.plan.size - ends.exact;
            let rest = size as f64 * self.product.mean()
                - ends.top[..ends.exact]
                    .iter()
                    .map(|pair| pair.value)
                    .sum::<f64>();
            let is_wide = ends.next() * left as f64 > WIDE * rest;
            if count == 0
                || !is_wide
                || ends.exact >= MOST_ASIDE
                || left < 2 * width * self.plan.steps
            {
                break;
            }
        }
        Ok(ends)
    }

    /// All blocks, some at a time, until they are enough.
    fn sample(&mut self, ends: &Ends) -> Result<(), SpectrumError> {
        let Plan { size, width, .. } = self.plan;
        let mut wanted = self.plan.enough(LEFT * LEFT, 0.0);
        while self.blocks < wanted {
            let until = (self.blocks + TOGETHER).min(wanted);
            let numbers: Vec<u64> = (self.blocks as u64..until as u64).collect();
            let rng = |i: u64| generator(self.seed, Purpose::Probe, i);
            let start = |&i: &u64| Krylov::random(size, width, rng(i), &ends.aside);
            let mut blocks: Vec<Krylov> = numbers.par_iter().map(start).collect();
            self.advance(&mut blocks, self.plan.steps)?;
            let rules = blocks.par_iter().map(Krylov::rule);
            let rules = rules.collect::<Result<Vec<_>, _>>()?;
            self.rules.extend(rules.into_iter().flatten());
            self.blocks = until;
            let [whole, half] = self.measures(ends)?;
            let split = Split::new(ends, (size, self.product.mean()));
            let (whole, half) = (split.rest(whole), split.rest(half));
            let (resolution, _) = apart(&split.curve(&whole, 1.0), &split.curve(&half, 1.0));
            let left = whole.left_variances();
            let most = left.iter().map(|at| at.1).fold(0.0, f64::max);
            wanted = self.plan.enough(most, resolution);
        }
        Ok(())
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
        ends: &mut Ends,
    ) -> Result<(Krylov, Decomposition), SpectrumError> {
        // From both ends where the lower can be found.
        let size = found.pairs.len();
        let all = (2 * WIDTH).min(size);
        let low = if ends.has_hard_edge() { 0 } else { all / 2 };
        let numbers: Vec<usize> = (0..low).chain(size - (all - low)..size).collect();
        let vectors = block.vectors(found, &numbers);
        let rng = generator(self.seed, Purpose::Probe, (1 << 32) + 1);
        let start = Krylov::from_block(self.plan.size, &vectors, rng, &Aside::default());
        let mut refined = [start];
        loop {
            self.advance(&mut refined, LOOK)?;
            let [block] = &refined;
            let found = block.decompose()?;
            let better = Ends::of(&found.pairs, count);
            ends.top = better.top;
            if low > 0 {
                ends.bottom = better.bottom;
            }
            if ends.are_found() || block.steps() >= MOST || block.next().is_empty() {
                let [block] = refined;
                return Ok((block, found));
            }
        }
    }

    /// The rule of all blocks together, after all steps and after half of them.
    fn measures(&self, ends: &Ends) -> Result<[Measure; 2], SpectrumError> {
        let floor = ROUNDING * ends.norm();
        if self.plan.complete {
            let whole = Measure::new(&self.rules, ROUNDED * ends.norm());
            return Ok([whole.clone(), whole]);
        }
        let total: f64 = self.rules.iter().map(|node| node.weight).sum();
        let points = self.rules.iter().map(|n| (n.value, n.weight / total));
        let points: Vec<(f64, f64)> = points.collect();
        let steps = self.plan.steps;
        let jacobi = Jacobi::of_points(&points, floor, steps);
        Ok([
            Measure::new(&jacobi.rule(steps)?, floor),
            Measure::new(&jacobi.rule(steps.div_ceil(2))?, floor),
        ])
    }

    fn probes(&self) -> Probes {
        let all = self.plan.complete;
        let Plan { size, width, .. } = self.plan;
        Probes {
            count: if all { size } else { self.blocks * width },
            together: if all { size } else { width },
            size,
        }
    }

    fn summarise(&self, ends: &Ends) -> Result<Density, SpectrumError> {
        let Plan { size, .. } = self.plan;
        let unit = self.product.unit();
        let [whole, half] = self.measures(ends)?;
        let split = Split::new(ends, (size, self.product.mean()));
        let (rest, half) = (split.rest(whole), split.rest(half));
        let (curve, coarse) = (split.curve(&rest, unit), split.curve(&half, unit));
        let (resolution, area) = apart(&curve, &coarse);
        let deviation = self.probes().variance().sqrt() * split.share();
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
        let total = size as f64 * self.product.mean();
        let nats = |x: f64| {
            let p = if total > 0.0 { x / total } else { 0.0 };
            if p > 0.0 { -p * p.ln() } else { 0.0 }
        };
        let count = size as f64 * split.share();
        let (fine, rough) = (count * rest.mean(nats), count * half.mean(nats));
        let entropy = Bounded {
            value: fine + split.top.iter().map(|&x| nats(x)).sum::<f64>(),
            error: (fine - rough).abs()
                + ONE_IN_100 * deviation * size as f64 * rest.left_variance(nats).sqrt(),
        };
        let in_units = |pairs: &[Ritz], norm: f64| {
            let bounded = pairs.iter().map(|&pair| bounded(pair, norm));
            let scaled = bounded.map(|b| Bounded {
                value: unit * b.value,
                error: unit * b.error,
            });
            scaled.collect::<Vec<Bounded>>()
        };
        // Nothing is set aside of a small matrix, so spikes are rounded against too.
        let moved = if self.plan.complete {
            ROUNDING
        } else {
            ROUNDED
        };
        Ok(Density {
            size,
            sampling: DEVIATIONS * deviation * most,
            resolution,
            rounding: shifted(&curve, moved * ends.norm() * unit * unit),
            widest: rest.widest(),
            wasserstein_error: band + area,
            total: unit * unit * total,
            entropy,
            moments: [1, 2, 3, 4].map(moment),
            top: in_units(&ends.top, ends.largest()),
            bottom: in_units(&ends.bottom, ends.largest()),
            exact: split.top.len(),
            probes: self.blocks * self.plan.width,
            steps: self.plan.steps,
            products: self.products,
            seed: self.seed,
            curve,
        })
    }
}

#[cfg(test)]
mod tests;
