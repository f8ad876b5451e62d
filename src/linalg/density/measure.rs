//! A spectrum as weights on points, from random probes: its distribution function, moments, and
//! how far probes can be from the trace.
//!
//! A unit vector v at random has the measure Σ(vᵀuᵢ)²δ(λᵢ). For a function f the mean over P
//! probes has the variance 2/(PM)·(1 − b/M)·Var f, where Var is over the spectrum and b probes at a
//! time are at right angles (second moments of a Haar frame). At f = 1(λ ≤ x) that is
//! F(1 − F): the error is a Brownian bridge, .25 at its middle.
//!
//! The mean of λ is known exactly, from the squares of the entries. Weights are therefore
//! multiplied by 1 + e·(λ − μ)/V, e what the mean lacks and μ, V mean and variance: a regression on
//! λ (calibration, Deville & Särndal 1992) that leaves F(1 − F) − C²/V, C(x) = ∫^x (λ − μ) dF. For a
//! flat spectrum that is a quarter at its middle, so half the error.

use super::krylov::Ritz;

/// A distribution on λ, ascending, with weights that sum to 1.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub points: Vec<f64>,
    pub weights: Vec<f64>,
}

/// How the probes were drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probes {
    pub count: usize,
    /// At right angles to each other.
    pub together: usize,
    /// M.
    pub size: usize,
}

impl Probes {
    /// Variance of a mean over the probes, in variances of the function over the spectrum.
    pub fn variance(self) -> f64 {
        let (count, size) = (self.count.max(1) as f64, self.size.max(1) as f64);
        2.0 / (count * (size + 2.0)) * (1.0 - self.together as f64 / size).max(0.0)
    }
}

impl Measure {
    /// The mean of the measures of several start blocks. What rounding put below zero is zero.
    pub fn pooled<'a>(blocks: impl Iterator<Item = &'a [Ritz]>) -> Self {
        let pairs = blocks.flatten();
        Self::new(pairs.map(|pair| (pair.value, pair.weight)).collect())
    }

    pub fn new(mut pairs: Vec<(f64, f64)>) -> Self {
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let total: f64 = pairs.iter().map(|pair| pair.1).sum();
        Self {
            points: pairs.iter().map(|pair| pair.0.max(0.0)).collect(),
            weights: pairs.iter().map(|pair| pair.1 / total).collect(),
        }
    }

    /// What lies below `limit`, as a measure of its own; nothing where that is next to nothing.
    pub fn below(&self, limit: f64) -> Option<Self> {
        let count = self.points.partition_point(|&x| x < limit);
        let pairs = self.points[..count].iter().zip(&self.weights);
        let below = Self::new(pairs.map(|(&x, &w)| (x, w)).collect());
        below
            .weights
            .iter()
            .all(|w| w.is_finite())
            .then_some(below)
            .filter(|below| !below.points.is_empty())
    }

    /// ∫ f dF.
    pub fn mean(&self, f: impl Fn(f64) -> f64) -> f64 {
        let terms = self.points.iter().zip(&self.weights);
        terms.map(|(&x, w)| w * f(x)).sum()
    }

    /// Mean and variance of λ.
    pub fn spread(&self) -> (f64, f64) {
        let mean = self.mean(|x| x);
        (mean, self.mean(|x| (x - mean).powi(2)))
    }

    /// With this mean, which is the trace's own.
    pub fn calibrated(mut self, mean: f64) -> Self {
        let (found, variance) = self.spread();
        if variance > 0.0 {
            let slope = (mean - found) / variance;
            for (w, x) in self.weights.iter_mut().zip(&self.points) {
                *w *= (1.0 + slope * (x - found)).max(0.0);
            }
            let total: f64 = self.weights.iter().sum();
            self.weights.iter_mut().for_each(|w| *w /= total);
        }
        self
    }

    /// Shares below the points, half of a point's own weight counted.
    pub fn shares(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let share = |w: &f64| {
            let share = sum + 0.5 * w;
            sum += w;
            share
        };
        self.weights.iter().map(share).collect()
    }

    /// Variance that the calibration leaves of 1(λ ≤ x), at every point.
    pub fn left_variances(&self) -> Vec<f64> {
        let (mean, variance) = self.spread();
        let (mut share, mut moment) = (0.0, 0.0);
        let terms = self.points.iter().zip(&self.weights);
        terms
            .map(|(x, w)| {
                share += w;
                moment += w * (x - mean);
                let explained = if variance > 0.0 {
                    moment * moment / variance
                } else {
                    0.0
                };
                (share * (1.0 - share) - explained).max(0.0)
            })
            .collect()
    }

    /// Variance that the calibration leaves of f(λ).
    pub fn left_variance(&self, f: impl Fn(f64) -> f64) -> f64 {
        let (mean, variance) = self.spread();
        let level = self.mean(&f);
        let total = self.mean(|x| (f(x) - level).powi(2));
        let shared = self.mean(|x| (f(x) - level) * (x - mean));
        if variance > 0.0 {
            (total - shared * shared / variance).max(0.0)
        } else {
            total
        }
    }
}
