//! The figures of a spectrum that have a null, each with a name and a side that counts.

use serde::{Deserialize, Serialize};

use super::Shape;
use crate::stats::laws::edges;
use crate::stats::laws::marchenko_pastur::{MarchenkoPastur, NO_SCALE};
use crate::stats::{GOE_RATIO, level_ratio};

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
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
pub(super) enum Side {
    High,
    Low,
    Both,
}

impl Figure {
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

    pub(super) const fn side(self) -> Side {
        match self {
            Self::KsMedian | Self::KsRms | Self::Wasserstein | Self::Top => Side::High,
            Self::Bottom => Side::Low,
            Self::ScaleRatio | Self::LevelRatio => Side::Both,
        }
    }
}

/// The figures of one spectrum, in the order of [`Figure::ALL`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures([f64; 7]);

impl Figures {
    /// One of them.
    pub const fn get(&self, figure: Figure) -> f64 {
        self.0[figure as usize]
    }
}

/// The figures of singular values, descending, of an N×M matrix; nothing where the median is
/// zero to rounding, or for fewer than four values.
pub fn of_values(values: &[f64], shape: Shape) -> Option<Figures> {
    let (n, m) = (shape.n as f64, shape.m as f64);
    let law = MarchenkoPastur::new(m / n)?;
    if values.len() != shape.m || shape.m < 4 {
        return None;
    }
    let middle = 0.5 * (values[(shape.m - 1) / 2] + values[shape.m / 2]);
    let (largest, smallest) = (*values.first()?, *values.last()?);
    if middle.is_nan() || middle <= NO_SCALE * largest {
        return None;
    }
    let s_med = middle / (n.sqrt() * law.median());
    let s_rms = (values.iter().map(|s| s * s).sum::<f64>() / (n * m)).sqrt();
    let scaled = |s: f64| -> Vec<f64> { values.iter().map(|v| v / (s * n.sqrt())).collect() };
    let by_median = scaled(s_med);
    let edge = n.sqrt() + m.sqrt();
    // A smallest value of zero is as low as can be.
    let bottom = (smallest * edge / ((n - m + 1.0) * s_med)).max(f64::MIN_POSITIVE);
    Some(Figures([
        m * law.ks(&by_median),
        m * law.ks(&scaled(s_rms)),
        m * law.wasserstein(&by_median),
        m * (s_rms / s_med).ln(),
        edges::upper_statistic(shape.n, shape.m, s_med, largest),
        bottom.ln(),
        m.sqrt() * (level_ratio(values)? - GOE_RATIO),
    ]))
}
