//! How far a sample is from a normal law: effect sizes, never p-values.

use serde::{Deserialize, Serialize};

use super::Sample;
use super::laws::normal;

/// Effect sizes of the distance to the fitted normal, with sampling floors beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianDistance {
    /// Fourth standardised moment minus 3.
    pub excess_kurtosis: f64,
    /// Tie-aware Kolmogorov–Smirnov distance to N(mean, std).
    pub ks: f64,
    /// 95 % point of `ks` for Gaussian entries of this count.
    pub ks_floor: f64,
    /// Wasserstein-1 distance to N(mean, std), in standard deviations.
    pub wasserstein: f64,
    /// 95 % point of `wasserstein` for Gaussian entries of this count.
    pub wasserstein_floor: f64,
    /// Negentropy J, nats per weight.
    pub negentropy: f64,
    /// Anderson–Darling A² divided by the count.
    pub anderson_darling: f64,
    /// Correlation of the normal quantile–quantile plot.
    pub qq_correlation: f64,
}

impl GaussianDistance {
    /// Bins for the figures that need logarithms or quantiles of a normal law: within 8 standard
    /// deviations a bin is 6e-5 wide. Its mean stands in with an error of its square, in W₁ of at
    /// most a quarter of its width, where the distance is smaller than that.
    pub const GROUPS: usize = 1 << 18;

    /// Measures `sample` against N(mean, std) of its own; nothing for a constant sample.
    ///
    /// Negentropy is KL(sample ‖ N(mean, std)), which equals the entropy deficit when both
    /// moments match, on bins that end midway between values, less (bins − 1)/(2·count)
    /// (Miller 1955). That correction is for bins fixed beforehand and takes a little too
    /// much: J of normal draws is −2e-3 on average at 2000 draws, −7e-4 at 10⁴, −1e-4 at 10⁵,
    /// each less than its standard deviation from sample to sample.
    pub fn measure(sample: &Sample) -> Option<Self> {
        Self::of_coarse(sample, &sample.coarsened(Self::GROUPS))
    }

    /// `ks` and `wasserstein` alone, without binning.
    pub(crate) fn distances(sample: &Sample) -> (f64, f64) {
        let moments = sample.moments();
        let (mean, std) = (moments.mean, moments.std);
        let ks = sample.ks(|w| normal::cdf((w - mean) / std));
        (ks, quantile_figures(sample, mean, std).0)
    }

    /// The same of a sample and what [`Sample::coarsened`] makes of it with [`Self::GROUPS`].
    pub fn of_coarse(sample: &Sample, coarse: &Sample) -> Option<Self> {
        let moments = sample.moments();
        let excess_kurtosis = moments.excess_kurtosis?;
        let (mean, std, count) = (moments.mean, moments.std, sample.count() as f64);
        let (wasserstein, qq_correlation) = quantile_figures(coarse, mean, std);
        Some(Self {
            excess_kurtosis,
            ks: sample.ks(|w| normal::cdf((w - mean) / std)),
            ks_floor: 0.914 / count.sqrt(),
            wasserstein,
            wasserstein_floor: 1.21 / count.sqrt(),
            negentropy: negentropy(coarse, mean, std),
            anderson_darling: anderson_darling(coarse, mean, std),
            qq_correlation,
        })
    }
}

/// W₁/std = ∫|F⁻¹(p) − Φ⁻¹(p)| dp and the correlation of F⁻¹ with Φ⁻¹.
fn quantile_figures(sample: &Sample, mean: f64, std: f64) -> (f64, f64) {
    let count = sample.count() as f64;
    let parts = sample.fold_chunks(|groups| {
        // One group ends where the next begins.
        let mut ended: Option<(f64, f64)> = None;
        groups.fold((0.0, 0.0, 0.0), |(distance, cross, square), g| {
            let z = (g.value - mean) / std;
            let (p0, p1) = (g.below as f64 / count, (g.below + g.count) as f64 / count);
            let at = |p| {
                let q = normal::quantile(p);
                (q, normal::density(q))
            };
            // ∫Φ⁻¹ dp from a to b is φ(Φ⁻¹(a)) − φ(Φ⁻¹(b)).
            let (q0, d0) = ended.unwrap_or_else(|| at(p0));
            let (q1, d1) = at(p1);
            ended = Some((q1, d1));
            let whole = d0 - d1;
            let away = if z <= q0 {
                whole - z * (p1 - p0)
            } else if z >= q1 {
                z * (p1 - p0) - whole
            } else {
                let (p, d) = (normal::cdf(z), normal::density(z));
                (z * (p - p0) - (d0 - d)) + ((d - d1) - z * (p1 - p))
            };
            let middle = normal::quantile(0.5 * (p0 + p1));
            let share = p1 - p0;
            (
                distance + away,
                cross + share * z * middle,
                square + share * middle * middle,
            )
        })
    });
    let (distance, cross, square) = parts
        .into_iter()
        .fold((0.0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
    (distance, cross / f64::sqrt(square))
}

/// A²/count = −1 − Σ(2i − 1)[ln Φ(zᵢ) + ln(1 − Φ(z₍c₊₁₋ᵢ₎))]/c² (Anderson & Darling 1954).
fn anderson_darling(sample: &Sample, mean: f64, std: f64) -> f64 {
    let count = sample.count() as f64;
    let parts = sample.fold_chunks(|groups| {
        groups.fold(0.0, |sum, g| {
            let z = (g.value - mean) / std;
            let share = g.count as f64 / count;
            let middle = (g.below as f64 + 0.5 * g.count as f64) / count;
            sum + 2.0 * share * (middle * normal::ln_cdf(z) + (1.0 - middle) * normal::ln_cdf(-z))
        })
    });
    -1.0 - parts.iter().sum::<f64>()
}

fn negentropy(sample: &Sample, mean: f64, std: f64) -> f64 {
    let count = sample.count() as f64;
    let width = count.powf(-1.0 / 3.0);
    let mut bins = Vec::new();
    let (mut held, mut edge, mut last, mut gap) = (0, None::<f64>, None::<f64>, 0.0);
    for g in sample.groups() {
        let z = (g.value - mean) / std;
        if let Some(last) = last {
            gap = 0.5 * (z - last);
            let first = *edge.get_or_insert(last - gap);
            if (z / width).floor() > (last / width).floor() {
                bins.push((held, first, z - gap));
                (held, edge) = (0, Some(z - gap));
            }
        }
        held += g.count;
        last = Some(z);
    }
    // The outermost bins reach as far beyond their last value as to the one before it.
    if let (Some(first), Some(last)) = (edge, last) {
        bins.push((held, first, last + gap));
    }
    let information: f64 = bins
        .iter()
        .map(|&(held, from, to)| {
            let p = held as f64 / count;
            p * (p.ln() - ln_between(from, to))
        })
        .sum();
    information - (bins.len() - 1) as f64 / (2.0 * count)
}

/// ln(Φ(b) − Φ(a)), taken in the tail where both are.
fn ln_between(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        return ln_between(-b, -a);
    }
    let (low, high) = (normal::ln_cdf(a.max(-1e100)), normal::ln_cdf(b));
    high + (-(low - high).exp()).ln_1p()
}

#[cfg(test)]
mod tests;
