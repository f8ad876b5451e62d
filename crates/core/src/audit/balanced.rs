//! Facts about a layer when the scales of its units are divided out, docs/theory.md §9.

use serde::{Deserialize, Serialize};

use super::{Biases, Family, GaussianDistance, Histogram, Section, Spectrum};
pub use crate::shadow::BalancedShadow;

/// W = D_r·S·D_c with every row and column of S of mean square 1: what is left of a layer when each
/// unit's scale is taken out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Balanced {
    /// Scales of the inputs, D_r; their geometric mean is 1.
    pub inputs: BalancedScales,
    /// Scales of the outputs, D_c.
    pub outputs: BalancedScales,
    /// Rounds of balancing that it took.
    pub rounds: usize,
    /// Largest relative error of the root mean square of a row or column of S.
    pub residual: f64,
    /// The entries of S.
    pub weights: Section<BalancedWeights>,
    /// β_j = b_j/D_c,j.
    pub biases: Section<BalancedBiases>,
    /// The singular values of S, beside nulls of balanced random matrices.
    pub spectrum: Section<Spectrum>,
    /// W and S beside themselves with random signs.
    pub signs: Section<RandomSigns>,
    /// The reverse model on S.
    pub shadow: Section<BalancedShadow>,
}

/// The scales of one side of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BalancedScales {
    /// Units that S has.
    pub kept: usize,
    /// Units of zeros, which were set aside.
    pub dead: usize,
    /// Units below 1e-9 of the median unit, which were set aside.
    pub near_dead: usize,
    /// Standard deviation of the natural logarithms of the scales.
    pub log_spread: f64,
    /// The same of independent entries on equal scales: √(ψ′(count/2)·(κ + 2)/8) for `count` entries
    /// a unit of excess kurtosis κ.
    pub log_spread_of_chance: f64,
}

impl BalancedScales {
    /// The spread that chance does not explain: √(spread² − that of chance²), 0 where it is less.
    pub fn excess_spread(&self) -> f64 {
        let excess = self.log_spread.powi(2) - self.log_spread_of_chance.powi(2);
        excess.max(0.0).sqrt()
    }

    /// Standard errors that the variance of the logarithms is above that of equal scales: a
    /// variance of c values has a relative standard error of √(2/(c − 1)).
    pub fn excess_in_errors(&self) -> f64 {
        let ratio = (self.log_spread / self.log_spread_of_chance).powi(2) - 1.0;
        ratio / (2.0 / (self.kept.max(2) - 1) as f64).sqrt()
    }
}

/// Facts about the entries of S, whose mean square is 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BalancedWeights {
    /// Number of entries.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with 1/count.
    pub std: f64,
    /// Smallest entry.
    pub min: f64,
    /// Largest entry.
    pub max: f64,
    /// Third standardised moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skewness: Option<f64>,
    /// How far from N(mean, std); the floors are 95 % points of balanced normal matrices.
    #[serde(flatten)]
    pub gaussian: GaussianDistance,
    /// Excess kurtosis of balanced normal matrices of this shape, which is below 0.
    pub kurtosis_median: f64,
    /// One in 1000 of them stays below.
    pub kurtosis_low: f64,
    /// One in 1000 of them passes it.
    pub kurtosis_high: f64,
    /// The family with the highest likelihood.
    pub family: Option<Family>,
    /// Counts of standardised entries, for the pictures.
    pub histogram: Option<Histogram>,
}

/// Facts about β_j = b_j/D_c,j, which rescaling a unit or those below it does not change but for
/// one common factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BalancedBiases {
    /// Facts as of stored biases; `spread_ratio` and `mean_ratio` are over √fan_in, and `kind` is
    /// `constant` up to twice `cv_floor` where that is more than a tenth.
    #[serde(flatten)]
    pub facts: Biases,
    /// What the sampling noise of D_c makes of one constant: a cv of about 1/√(2·fan_in).
    pub cv_floor: f64,
}

/// A layer, or a random part of a large one, beside itself with random signs: the sizes of the
/// entries stay, and so do all scales.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RandomSigns {
    /// Inputs of the part.
    pub inputs: usize,
    /// Outputs of the part.
    pub outputs: usize,
    /// Random signs drawn for S.
    pub flips: usize,
    /// KS distance to the law of the part of W, the scale from the median.
    pub stored_ks: f64,
    /// The same with random signs, median of three draws: what scales alone make of it.
    pub stored_ks_with_signs: f64,
    /// KS distance of the part of S.
    pub ks: SignTest,
    /// Its largest singular value over the scale from the median and √N.
    pub largest: SignTest,
}

/// A figure of S beside those with random signs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignTest {
    /// As it is.
    pub observed: f64,
    /// Median with random signs.
    pub median: f64,
    /// Largest with random signs.
    pub most: f64,
    /// (1 + number of draws that are as large)/(draws + 1): exact for independent entries of
    /// symmetric laws, whatever their scales.
    pub p: f64,
}
