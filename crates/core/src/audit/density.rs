//! What is known of singular values that were not computed one by one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use randomlike_maths::linalg::density::{self, Bounded, Point};

/// Most values that are laid out from a distribution: a file may claim any number.
const MOST: usize = 1 << 22;

/// The distribution of a layer's singular values by block Lanczos quadrature, docs/theory.md §3.
///
/// Errors of the distribution function are shares of the values; they hold at every point at once,
/// in about 99 of 100 seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// How many singular values there are, min(n, m).
    pub count: usize,
    /// Random directions the distribution was seen from.
    pub probes: usize,
    /// Block Lanczos steps from each.
    pub steps: usize,
    /// Columns that the layer was multiplied with, there and back.
    pub products: usize,
    /// Seed of the directions.
    pub seed: u64,
    /// What the distribution function is within, and with it `ks_rms`: the next three and half a
    /// step together.
    pub ks_error: f64,
    /// Its part from directions that are not all there are: four standard deviations.
    pub sampling_error: f64,
    /// Its part from steps that are not all there are: the distance to half as many.
    pub resolution_error: f64,
    /// Its part from products in single precision.
    pub rounding_error: f64,
    /// What `sigma_median` is within.
    pub sigma_median_error: f64,
    /// What `ks_median` is within: `ks_error`, and that of the scale from the median.
    pub ks_median_error: f64,
    /// What `wasserstein` is within.
    pub wasserstein_error: f64,
    /// What `effective_rank` is within.
    pub effective_rank_error: f64,
    /// Means of σ², σ⁴, σ⁶, σ⁸ over all values.
    pub moments: Vec<Bounded>,
    /// The largest, descending, by further Lanczos steps.
    pub top: Vec<Bounded>,
    /// The first so many of `top` are in the distribution as they are; the rest was sampled.
    pub exact: usize,
    /// The smallest, ascending, likewise; nothing where they cannot be told from zero.
    pub bottom: Vec<Bounded>,
    /// Outliers above that there are at least.
    pub outliers_above_least: usize,
    /// And at most; absent where every value of `top` may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers_above_most: Option<usize>,
    /// The distribution function: σ at equal steps of the share below, both ends among them.
    pub cdf: Vec<Point>,
    /// Figures of `spectrum` that only single values give, each with the reason.
    pub not_measured: BTreeMap<String, String>,
}

impl Density {
    /// As many values, descending, as there are, that have this distribution: those at shares
    /// (i − ½)/M, the largest as they were found.
    pub fn values(&self) -> Vec<f64> {
        let top = &self.top[..self.exact.min(self.top.len())];
        density::values(&self.cdf, top, self.count.min(MOST))
    }

    /// Why a figure of the spectrum is not there.
    pub fn why_not(&self, figure: &str) -> &str {
        let why = self.not_measured.get(figure);
        why.map_or("the density route does not give it", String::as_str)
    }
}
