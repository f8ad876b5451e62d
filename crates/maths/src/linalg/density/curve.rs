//! A distribution function with straight lines between its points.

use serde::{Deserialize, Serialize};

use super::Bounded;

/// A share of all values and what they are below.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// σ, in the units of the entries.
    pub sigma: f64,
    /// Share of the singular values below.
    pub share: f64,
}

/// `size` values, descending, of a distribution function with straight lines between its points:
/// `top`, and those at shares (i − ½)/size below.
pub fn values(curve: &[Point], top: &[Bounded], size: usize) -> Vec<f64> {
    let rest = (0..size.saturating_sub(top.len())).rev();
    let rest = rest.map(|i| quantile(curve, (i as f64 + 0.5) / size as f64));
    top.iter().map(|top| top.value).chain(rest).collect()
}

pub(super) fn quantile(curve: &[Point], share: f64) -> f64 {
    let at = curve.partition_point(|point| point.share < share);
    let after = curve.get(at).or(curve.last());
    let before = at.checked_sub(1).and_then(|at| curve.get(at));
    match (before, after) {
        (Some(a), Some(b)) if b.share > a.share => {
            let part = ((share - a.share) / (b.share - a.share)).min(1.0);
            a.sigma + part * (b.sigma - a.sigma)
        }
        (_, Some(point)) | (Some(point), None) => point.sigma,
        (None, None) => 0.0,
    }
}

pub(super) fn cdf(curve: &[Point], sigma: f64) -> f64 {
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

/// Most that a distribution function over σ changes when λ = σ² is moved by `within`.
pub(super) fn shifted(curve: &[Point], within: f64) -> f64 {
    let gaps = curve.iter().map(|point| {
        let moved = (point.sigma * point.sigma + within).sqrt();
        cdf(curve, moved) - cdf(curve, point.sigma)
    });
    gaps.fold(0.0, f64::max)
}

/// Largest distance of two distribution functions, and the area between them.
pub(super) fn apart(a: &[Point], b: &[Point]) -> (f64, f64) {
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
