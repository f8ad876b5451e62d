//! The marginal distribution of a layer's weights, docs/theory.md §1.

use super::Entry;
use crate::audit::{BalancedWeights, Section, Unmeasured, Weights};
use randomlike_maths::nulls::{EntryNull, EntryStatistic, Shape};
use randomlike_maths::stats::{Family, GaussianDistance, Histogram, Sample};

pub(super) fn measure<T: Entry>(entries: &[T]) -> Option<(Sample, Weights)> {
    let sample = T::sample(entries)?;
    let coarse = sample.coarsened(GaussianDistance::GROUPS);
    let moments = sample.moments();
    let weights = Weights {
        count: sample.count(),
        distinct: sample.distinct(),
        mean: moments.mean,
        std: moments.std,
        rms: moments.rms,
        min: sample.min(),
        max: sample.max(),
        skewness: moments.skewness,
        zero_fraction: moments.zero_fraction,
        gaussian: GaussianDistance::of_coarse(&sample, &coarse),
        family: Family::of_coarse(&sample, &coarse),
        initializer: None,
        histogram: Histogram::standardized(&sample),
    };
    Some((sample, weights))
}

/// The same of the entries of S, with the floors of balanced normal matrices.
pub(super) fn measure_balanced(entries: &[f32], shape: Shape) -> Section<BalancedWeights> {
    let facts = || {
        let sample = Sample::from_f32(entries)?;
        let coarse = sample.coarsened(GaussianDistance::GROUPS);
        let moments = sample.moments();
        let null = EntryNull::at(shape)?;
        let mut gaussian = GaussianDistance::of_coarse(&sample, &coarse)?;
        gaussian.ks_floor = null.q95(EntryStatistic::Ks);
        gaussian.wasserstein_floor = null.q95(EntryStatistic::Wasserstein);
        let (low, high) = null.range(EntryStatistic::ExcessKurtosis);
        Some(BalancedWeights {
            count: sample.count(),
            mean: moments.mean,
            std: moments.std,
            min: sample.min(),
            max: sample.max(),
            skewness: moments.skewness,
            gaussian,
            kurtosis_median: null.median(EntryStatistic::ExcessKurtosis),
            kurtosis_low: low,
            kurtosis_high: high,
            family: Family::of_coarse(&sample, &coarse),
            histogram: Histogram::standardized(&sample),
        })
    };
    let reason = Unmeasured::Empty;
    Section::measured_or(facts(), reason)
}
