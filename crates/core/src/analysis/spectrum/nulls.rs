//! The figures of a spectrum beside what chance makes of them.

use crate::audit::{NullFact, SpectrumNulls};
use randomlike_maths::nulls::{
    Null, NullStatistic, NullStatistics, Shape, largest_at, smallest_at,
};
use randomlike_maths::stats::GOE_RATIO;

/// Each figure with its null, in its own units; the level ratio is that of `bulk` values.
pub(super) fn facts(
    figures: &NullStatistics,
    level_ratio: Option<f64>,
    bulk: usize,
    null: &Null,
    shape: Shape,
) -> Option<SpectrumNulls> {
    let m = shape.m as f64;
    let scale = figures.sigma_median;
    let root = (bulk as f64).sqrt();
    let fact = |figure: NullStatistic, unit: &dyn Fn(f64) -> f64| {
        Some(fact(null, figure, figures.get(figure)?, unit))
    };
    let over_m = |value: f64| value / m;
    Some(SpectrumNulls {
        origin: null.origin,
        draws: null.draws,
        excess_kurtosis: null.excess_kurtosis,
        ks_median: fact(NullStatistic::KsMedian, &over_m)?,
        ks_rms: fact(NullStatistic::KsRms, &over_m)?,
        wasserstein: fact(NullStatistic::Wasserstein, &over_m)?,
        scale_ratio: fact(NullStatistic::ScaleRatio, &|v| (v / m).exp())?,
        largest: fact(NullStatistic::Top, &|v| largest_at(shape, scale, v))?,
        smallest: fact(NullStatistic::Bottom, &|v| smallest_at(shape, scale, v)),
        level_ratio: level_ratio.map(|ratio| {
            let unit = |v: f64| GOE_RATIO + v / root;
            let value = root * (ratio - GOE_RATIO);
            self::fact(null, NullStatistic::LevelRatio, value, &unit)
        }),
    })
}

/// `value` and its null, each in the units that `unit` gives them.
fn fact(null: &Null, figure: NullStatistic, value: f64, unit: &dyn Fn(f64) -> f64) -> NullFact {
    let (low, high) = null.limits(figure);
    NullFact {
        observed: unit(value),
        median: unit(null.median(figure)),
        low: low.map(unit),
        high: high.map(unit),
        p: null.p(figure, value),
    }
}
