//! The statistics of a spectrum that have a null, each with a name and a side that counts,
//! docs/theory.md §3.

use serde::{Deserialize, Serialize};

use super::Shape;
use crate::stats::laws::edges;
use crate::stats::laws::marchenko_pastur::{MarchenkoPastur, NO_SCALE};
use crate::stats::{GOE_RATIO, level_ratio};

/// A number taken from a spectrum whose distribution under the null is tabulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullStatistic {
    /// M·KS to the law, scale by the median.
    KsMedian,
    /// M·KS to the law, scale by the root mean square.
    KsRms,
    /// M·W₁ to the law in units of s√N, scale by the median.
    Wasserstein,
    /// M·ln(s_rms/s_med): how much of the norm lies where the median does not see it.
    ScaleRatio,
    /// The largest value by Johnstone's centre and scale.
    Top,
    /// ln(σ_M·(√N + √M)/((N − M + 1)·s)): the smallest by a scale that has a limit for squares
    /// and for fixed aspects alike.
    Bottom,
    /// √M·(⟨r⟩ − .5307).
    LevelRatio,
}

/// Which end of a null is far from random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FarEnd {
    High,
    Low,
    Both,
}

impl NullStatistic {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::KsMedian,
        Self::KsRms,
        Self::Wasserstein,
        Self::ScaleRatio,
        Self::Top,
        Self::Bottom,
        Self::LevelRatio,
    ];

    /// Its name in the table and in audit.json.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KsMedian => "ks_median",
            Self::KsRms => "ks_rms",
            Self::Wasserstein => "wasserstein",
            Self::ScaleRatio => "scale_ratio",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::LevelRatio => "level_ratio",
        }
    }

    pub(super) const fn side(self) -> FarEnd {
        match self {
            Self::KsMedian | Self::KsRms | Self::Wasserstein | Self::Top => FarEnd::High,
            Self::Bottom => FarEnd::Low,
            Self::ScaleRatio | Self::LevelRatio => FarEnd::Both,
        }
    }
}

/// The figures of one spectrum, and the scales they rest on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NullStatistics {
    values: [Option<f64>; NullStatistic::ALL.len()],
    /// Scale of the entries from the median singular value (Gavish & Donoho 2014).
    pub sigma_median: f64,
    /// Scale of the entries from the sum of squares.
    pub sigma_rms: f64,
}

impl NullStatistics {
    /// One of them; fewer than three different values have no level ratio.
    pub const fn get(&self, statistic: NullStatistic) -> Option<f64> {
        self.values[statistic as usize]
    }
}

/// The figures of singular values, descending, of an N×M matrix; nothing where the median is
/// zero to rounding.
pub fn spectrum_statistics(values: &[f64], shape: Shape) -> Option<NullStatistics> {
    let m = shape.m as f64;
    let law = MarchenkoPastur::new(m / shape.n as f64)?;
    let (sigma_median, by_median) = scaled_by_median(values, shape, law)?;
    let sigma_rms = (values.iter().map(|s| s * s).sum::<f64>() / (shape.n as f64 * m)).sqrt();
    let to_rms = sigma_median / sigma_rms;
    let by_rms: Vec<f64> = by_median.iter().map(|v| v * to_rms).collect();
    let [top, bottom] = ends(values, shape, sigma_median)?;
    Some(NullStatistics {
        values: [
            Some(m * law.ks(&by_median)),
            Some(m * law.ks(&by_rms)),
            Some(m * law.wasserstein(&by_median)),
            Some(m * (sigma_rms / sigma_median).ln()),
            Some(top),
            Some(bottom),
            level_ratio(values).map(|ratio| m.sqrt() * (ratio - GOE_RATIO)),
        ],
        sigma_median,
        sigma_rms,
    })
}

/// The scale from the median, and [`NullStatistic::KsMedian`], [`NullStatistic::Top`] and
/// [`NullStatistic::Bottom`]: what says whether values are on the law.
pub fn fit(values: &[f64], shape: Shape) -> Option<(f64, [f64; 3])> {
    let law = MarchenkoPastur::new(shape.m as f64 / shape.n as f64)?;
    let (sigma, scaled) = scaled_by_median(values, shape, law)?;
    let [top, bottom] = ends(values, shape, sigma)?;
    Some((sigma, [shape.m as f64 * law.ks(&scaled), top, bottom]))
}

/// s_med and the values over s_med·√N.
fn scaled_by_median(values: &[f64], shape: Shape, law: MarchenkoPastur) -> Option<(f64, Vec<f64>)> {
    if values.len() != shape.m || values.is_empty() {
        return None;
    }
    let middle = 0.5 * (values[(shape.m - 1) / 2] + values[shape.m / 2]);
    if middle.is_nan() || middle <= NO_SCALE * values[0] {
        return None;
    }
    let unit = middle / law.median();
    let scaled = values.iter().map(|v| v / unit).collect();
    Some((unit / (shape.n as f64).sqrt(), scaled))
}

/// [`NullStatistic::Top`] and [`NullStatistic::Bottom`].
fn ends(values: &[f64], shape: Shape, sigma: f64) -> Option<[f64; 2]> {
    let (largest, smallest) = (*values.first()?, *values.last()?);
    Some([
        edges::upper_statistic(shape.n, shape.m, sigma, largest),
        bottom_statistic(shape, sigma, smallest),
    ])
}

/// [`NullStatistic::Bottom`]; a smallest value of zero is as low as can be.
fn bottom_statistic(shape: Shape, sigma: f64, smallest: f64) -> f64 {
    let unit = bottom_unit(shape, sigma);
    (smallest / unit).max(f64::MIN_POSITIVE).ln()
}

/// (N − M + 1)·s/(√N + √M): of the order of s/√N for a square, of the lower edge for a fixed
/// aspect.
fn bottom_unit(shape: Shape, sigma: f64) -> f64 {
    let (n, m) = (shape.n as f64, shape.m as f64);
    (n - m + 1.0) * sigma / (n.sqrt() + m.sqrt())
}

/// The largest value at which [`NullStatistic::Top`] is `top`.
pub fn largest_at(shape: Shape, sigma: f64, top: f64) -> f64 {
    edges::from_upper_statistic(shape.n, shape.m, sigma, top)
}

/// The smallest value at which [`NullStatistic::Bottom`] is `bottom`.
pub fn smallest_at(shape: Shape, sigma: f64, bottom: f64) -> f64 {
    bottom_unit(shape, sigma) * bottom.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    // What a limit in the units of a statistic is in those of the values, and back.
    #[test]
    fn ends_and_back() {
        let shape = Shape { n: 90, m: 40 };
        let [top, bottom] = ends(&[0.5, 0.2], shape, 0.03).unwrap();
        assert!((largest_at(shape, 0.03, top) - 0.5).abs() < 1e-12);
        assert!((smallest_at(shape, 0.03, bottom) - 0.2).abs() < 1e-12);
    }

    // diag(3, 4): s_rms = √(25/4); the law of 2×2 has its median at .807946.
    #[test]
    fn scales_by_hand() {
        let found = spectrum_statistics(&[4.0, 3.0], Shape { n: 2, m: 2 }).unwrap();
        assert!((found.sigma_rms - 2.5).abs() < 1e-12);
        let median = 3.5 / (2.0_f64.sqrt() * 0.807_946);
        assert!((found.sigma_median - median).abs() < 1e-5);
        let ratio = found.get(NullStatistic::ScaleRatio).unwrap();
        assert!((ratio - 2.0 * (2.5 / median).ln()).abs() < 1e-5);
        assert_eq!(found.get(NullStatistic::LevelRatio), None);
        assert_eq!(
            spectrum_statistics(&[4.0, 0.0, 0.0], Shape { n: 3, m: 3 }),
            None
        );
        assert_eq!(spectrum_statistics(&[4.0], Shape { n: 3, m: 3 }), None);
    }
}
