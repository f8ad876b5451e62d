//! For the pictures of a layer: its error against k, and what came back of some coordinates.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ShadowPlan;
use super::code::{Code, Draw};
use super::matrix::ScaledMatrix;
use super::run::{self, Block, Return};
use randomlike_maths::random_streams::Purpose;

/// Draws at one k.
const DRAWS: usize = 32;
/// Of these, those its bias is chosen on; the others are scored.
const CALIBRATION: usize = 12;
/// Values of k between 2 and half of the outputs.
const STEPS: usize = 6;
/// Where the streams of a sweep begin, above those of the layer's own draws.
const FIRST: u64 = 1 << 39;
/// Most coordinates of either kind that are kept.
const PAIRS: usize = 300;

/// Errors at one k, each with the best constant bias chosen on other draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SweepPoint {
    /// Positive coordinates of a code.
    pub k: usize,
    /// Draws scored.
    pub draws: usize,
    /// ‖h̃ − h‖²/‖h‖² of the layer, mean over the draws.
    pub relative_error: f64,
    /// 5 % point of the draws.
    pub q05: f64,
    /// 95 % point of the draws.
    pub q95: f64,
    /// Relative error of a Gaussian matrix in closed form.
    pub predicted: f64,
    /// Mean of the Gaussian control.
    pub gaussian: f64,
    /// Mean of the shuffled control: at the layer's own k of all orders, else of the first.
    pub shuffled: f64,
}

/// Coordinates of a few draws, before and after, to four decimals; ‖h‖ = 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pairs {
    /// Draws they are of.
    pub draws: usize,
    /// (hᵢ, h̃ᵢ) where hᵢ is positive, with the best constant bias.
    pub positive: Vec<(f64, f64)>,
    /// h̃ᵢ of some of the coordinates where hᵢ is zero.
    pub zeros: Vec<f64>,
}

/// The values of k of a sweep, rising: about evenly spaced in ratio from 2 to half of the m
/// outputs, and `k` itself in the place of what is near it.
pub(super) fn ks(k: usize, m: usize) -> Vec<usize> {
    let (least, most) = (2.0, m as f64 / 2.0);
    let at = |i: usize| least * (most / least).powf(i as f64 / (STEPS - 1) as f64);
    let near = |other: &usize| (*other as f64 / k as f64).ln().abs() < 0.2;
    let mut ks: Vec<usize> = (0..STEPS)
        .map(|i| (at(i) + 1e-9).floor() as usize)
        .filter(|other| (2..m).contains(other) && !near(other))
        .collect();
    ks.push(k);
    ks.sort_unstable();
    ks.dedup();
    ks
}

/// The draws of a layer at each of `ks`, of n inputs and m outputs.
pub(super) fn draws(plan: &ShadowPlan, ks: &[usize], (n, m): (usize, usize)) -> Vec<Block> {
    let draw = |k: usize, i: usize| {
        let (purpose, i) = if i < CALIBRATION {
            (Purpose::Calibration, i)
        } else {
            (Purpose::Scored, i - CALIBRATION)
        };
        let index = FIRST | (k as u64) << 5 | i as u64;
        Draw::new(&ShadowPlan { k, ..*plan }, purpose, index, n, m)
    };
    let draws = ks
        .par_iter()
        .flat_map_iter(|&k| (0..DRAWS).map(move |i| draw(k, i)))
        .collect();
    run::blocks(draws, (n, m), plan.keep)
}

/// The errors of the draws scored, in their order, at one k after the other.
pub(super) fn errors(matrix: &ScaledMatrix<'_>, rho: f64, draws: &[Block]) -> Vec<Vec<f64>> {
    let mut back = Vec::new();
    for block in draws {
        back.extend(run::codes_and_returns(matrix, rho, block));
    }
    let at_one_k = |back: &[(&Code, Vec<f32>)]| {
        let pairs: Vec<_> = back.iter().map(|(code, z)| (*code, z.as_slice())).collect();
        let (calibration, scored) = pairs.split_at(CALIBRATION);
        let bias = run::calibrated(calibration);
        let each = scored.iter();
        each.map(|(code, z)| run::score(code, z, |_| bias).error)
            .collect()
    };
    back.par_chunks(DRAWS).map(at_one_k).collect()
}

/// What the layer and its controls have at one k.
pub(super) fn point(
    plan: &ShadowPlan,
    (n, m): (usize, usize),
    layer: &[f64],
    (gaussian, shuffled): (f64, f64),
) -> SweepPoint {
    let mut sorted = layer.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    SweepPoint {
        k: plan.k,
        draws: layer.len(),
        relative_error: mean(layer),
        q05: quantile(&sorted, 0.05),
        q95: quantile(&sorted, 0.95),
        predicted: plan.sizes(n, m).relative_error(),
        gaussian,
        shuffled,
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Between neighbours where `share` of the way falls between them; `sorted` has a value.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * (sorted.len() - 1) as f64;
    let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
    sorted[low] + rank.fract() * (sorted[high] - sorted[low])
}

impl Pairs {
    /// Of the first draws, as many as give [`PAIRS`] positive coordinates; of more in one
    /// draw, and of the zeros, evenly spaced ones.
    pub(super) fn from_returns(returns: &[Return], k: usize, bias: f64) -> Self {
        let draws = (PAIRS / k.max(1)).clamp(1, 8).min(returns.len());
        let all = returns[..draws].iter().flat_map(|back| {
            let pairs = back.draw.code.values.iter().zip(&back.z);
            pairs.map(|(&h, &z)| (f64::from(h), (f64::from(z) + bias).max(0.0)))
        });
        let (positive, zeros): (Vec<_>, Vec<_>) = all.partition(|(h, _)| *h > 0.0);
        let written = |value: f64| (1e4 * value).round() / 1e4;
        let thinned = |all: Vec<(f64, f64)>| {
            let step = all.len().div_ceil(PAIRS).max(1);
            let kept = all.into_iter().step_by(step);
            kept.map(|(h, back)| (written(h), written(back)))
        };
        Self {
            draws,
            positive: thinned(positive).collect(),
            zeros: thinned(zeros).map(|(_, back)| back).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_k_reach_from_two_to_half_of_the_outputs() {
        assert_eq!(ks(68, 4096), [2, 8, 32, 68, 128, 512, 2048]);
        assert_eq!(ks(16, 32), [2, 3, 4, 6, 10, 16]);
        assert_eq!(ks(1, 2), [1]);
        assert_eq!(ks(2, 5), [2]);
        assert_eq!(ks(300, 400), [2, 5, 12, 31, 79, 200, 300]);
    }

    // Five values: the 5 % point is a fifth of the way from the least to the next.
    #[test]
    fn quantiles_by_hand() {
        let sorted = [1.0, 2.0, 3.0, 4.0, 10.0];
        assert!((quantile(&sorted, 0.05) - 1.2).abs() < 1e-12);
        assert!((quantile(&sorted, 0.95) - 8.8).abs() < 1e-12);
        assert!((quantile(&[7.0], 0.95) - 7.0).abs() < 1e-12);
    }
}
