//! Are the biases one constant? docs/theory.md §2.

use super::not_finite;
use crate::audit::{BiasKind, Biases, EntriesOf, NonFiniteEntries, Section, Unmeasured, Weights};
use randomlike_maths::stats::{Moments, Sample};

/// Order statistics kept for the picture.
const KEPT: usize = 512;
/// Biases below this share of rms(W)·√fan_in are negligible.
const NEGLIGIBLE: f64 = 0.01;

pub(super) fn measure(
    bias: Option<&[f64]>,
    weights: Option<&Weights>,
    fan_in: usize,
) -> Section<Biases> {
    let Some(bias) = bias else {
        return Section::Skipped {
            reason: Unmeasured::NoBias,
        };
    };
    let broken = NonFiniteEntries::among(bias).total();
    if let Some(reason) = not_finite(broken, EntriesOf::Biases) {
        return Section::Skipped { reason };
    }
    let Some(sample) = Sample::from_f64(bias) else {
        return Section::Skipped {
            reason: Unmeasured::Empty,
        };
    };
    Section::Measured(facts(
        bias,
        &sample,
        weights.map(|w| w.rms * (fan_in as f64).sqrt()),
        BiasKind::CONSTANT_SPREAD,
    ))
}

/// `yardstick` is rms(W)·√fan_in, the size of a pre-activation on unit inputs; up to a cv of
/// `constant` they are one constant.
pub(super) fn facts(
    bias: &[f64],
    sample: &Sample,
    yardstick: Option<f64>,
    constant: f64,
) -> Biases {
    let Moments { mean, std, .. } = sample.moments();
    let mut sorted = bias.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = median(&sorted);
    let mut away: Vec<f64> = sorted.iter().map(|b| (b - middle).abs()).collect();
    away.sort_unstable_by(f64::total_cmp);
    let ratio = |x: f64| yardstick.filter(|&y| y > 0.0).map(|y| x / y);
    let (spread_ratio, mean_ratio) = (ratio(std), ratio(mean.abs()));
    Biases {
        count: sample.count(),
        mean,
        std,
        median: middle,
        mad: median(&away),
        min: sample.min(),
        max: sample.max(),
        cv: (mean != 0.0).then(|| std / mean.abs()),
        spread_ratio,
        mean_ratio,
        positive_fraction: sorted.iter().filter(|&&b| b > 0.0).count() as f64 / sorted.len() as f64,
        kind: kind(std, mean, spread_ratio.zip(mean_ratio), constant),
        quantiles: evenly_spaced(&sorted),
    }
}

/// One constant, zero included, is known without the yardstick; the rest needs it.
fn kind(std: f64, mean: f64, ratios: Option<(f64, f64)>, constant: f64) -> Option<BiasKind> {
    let small = |(spread, offset)| spread <= NEGLIGIBLE && offset <= NEGLIGIBLE;
    if ratios.map_or(std + mean.abs() <= 0.0, small) {
        Some(BiasKind::Negligible)
    } else if std <= constant * mean.abs() {
        Some(BiasKind::Constant)
    } else {
        ratios.map(|_| BiasKind::Varied)
    }
}

fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        0.5 * (sorted[half - 1] + sorted[half])
    }
}

fn evenly_spaced(sorted: &[f64]) -> Vec<f64> {
    if sorted.len() <= KEPT {
        return sorted.to_vec();
    }
    (0..KEPT)
        .map(|i| sorted[i * (sorted.len() - 1) / (KEPT - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(bias: &[f64]) -> Option<BiasKind> {
        facts(
            bias,
            &Sample::from_f64(bias).unwrap(),
            Some(1.0),
            BiasKind::CONSTANT_SPREAD,
        )
        .kind
    }

    #[test]
    fn three_kinds() {
        assert_eq!(kind_of(&[-0.5, -0.51, -0.49]), Some(BiasKind::Constant));
        assert_eq!(kind_of(&[0.0; 4]), Some(BiasKind::Negligible));
        assert_eq!(kind_of(&[0.5, -0.5, 0.1]), Some(BiasKind::Varied));
    }

    // Broken or zero weights give no rms(W)·√fan_in, and the biases may be constant all the same.
    #[test]
    fn without_a_yardstick_only_a_constant_is_known() {
        let kind_of = |bias: &[f64]| {
            facts(
                bias,
                &Sample::from_f64(bias).unwrap(),
                None,
                BiasKind::CONSTANT_SPREAD,
            )
            .kind
        };
        assert_eq!(kind_of(&[-0.5, -0.51, -0.49]), Some(BiasKind::Constant));
        assert_eq!(kind_of(&[0.0; 4]), Some(BiasKind::Negligible));
        assert_eq!(kind_of(&[0.5, -0.5, 0.1]), None);
    }

    // By hand: 1, 2, 4, 9.
    #[test]
    fn figures_of_four_biases() {
        let bias = [9.0, 1.0, 4.0, 2.0];
        let b = facts(
            &bias,
            &Sample::from_f64(&bias).unwrap(),
            None,
            BiasKind::CONSTANT_SPREAD,
        );
        assert_eq!(
            (b.median, b.mad, b.mean, b.spread_ratio),
            (3.0, 1.5, 4.0, None)
        );
        assert!((b.std - 9.5_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn no_bias_and_a_broken_one_are_skipped() {
        assert_eq!(measure(None, None, 3).measured(), None);
        assert_eq!(measure(Some(&[f64::NAN]), None, 3).measured(), None);
    }
}
