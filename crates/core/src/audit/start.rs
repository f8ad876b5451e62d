//! Facts about how far a layer is from what it may have been drawn from, docs/theory.md §10.

use serde::{Deserialize, Serialize};

/// The nearest known initialiser, with nothing fitted: neither mean nor scale is taken from the
/// weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Start {
    /// `glorot-uniform`, `kaiming-normal`, `orthogonal`, `zero`, `constant`, …
    pub law: String,
    /// Other initialisers with the same law and scale at this shape.
    pub aliases: Vec<String>,
    /// Number of weights.
    pub count: u64,
    /// Standard deviation that the initialiser prescribes at this shape, 0 for constants.
    pub std: f64,
    /// W₁ to its law, in units of `std`.
    pub distance: f64,
    /// 99.9 % point of `distance` for draws of the law.
    pub distance_floor: f64,
    /// Kolmogorov–Smirnov distance to its law.
    pub ks: f64,
    /// 99.9 % point of `ks` for draws of the law.
    pub ks_floor: f64,
    /// Root mean square of the weights over `std`.
    pub scale_ratio: f64,
    /// Standard error of `scale_ratio` for draws of the law.
    pub scale_ratio_error: f64,
    /// Mean of the weights over `std`, in standard errors of a mean of draws.
    pub mean_in_errors: f64,
    /// Whether the law has bounds.
    #[serde(default)]
    pub is_bounded: bool,
    /// Share of the weights outside of the law's support; absent where it has no bounds, and where
    /// the weights lie on a grid of 8 bits or fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<f64>,
    /// Shrinkage d of (1 − d)·w₀ + ε·N(0, std²) that scale and share outside imply, for a bounded
    /// law; negative where the weights grew. Absent where either is above a fifth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrinkage: Option<f64>,
    /// Drift ε of the same, in units of `std`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<f64>,
    /// Mean |w − w₀| is at least this, in units of `std`, in 999 of 1000 cases.
    pub moved_at_least: f64,
    /// Standard deviation of the singular values over their mean: of an orthogonal matrix 0 to
    /// rounding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub singular_value_spread: Option<f64>,
    /// Biases that are all the same number, which training rarely leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<BiasAtStart>,
    /// Units whose own weights still match an initialiser; absent where there are none, where the
    /// whole layer does, and where units are too few or too small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowsAtStart>,
}

/// Biases that are all one number to the last bit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasAtStart {
    /// 0.
    Zero,
    /// Another number.
    Constant(f64),
}

/// Inputs or outputs whose weights, each unit's alone, match an initialiser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowsAtStart {
    /// Whether they are outputs; else inputs.
    pub are_outputs: bool,
    /// The initialiser.
    pub law: String,
    /// Units of the layer.
    pub of: usize,
    /// Units that match. Of units that were drawn from the law 98 in 100 do.
    pub matching: usize,
    /// Units of the law among them, those that come near its scale by chance taken off.
    pub fresh: usize,
    /// fresh/of.
    pub share: f64,
}

impl Start {
    /// Fewest weights from which a law can be told from another: below, the 99.9 % point of KS
    /// (.049) is not well below the distance of uniform from normal (.057).
    pub const FEWEST: u64 = 1600;
    /// Standard errors within which scale and mean are those of draws: 999 in 1000 are.
    pub const ERRORS: f64 = 3.29;

    /// Whether there is one number in every place.
    pub fn is_constant(&self) -> bool {
        self.std <= 0.0
    }

    /// Whether the weights cannot be told from draws of the law: W₁, KS, scale and mean are within
    /// what 99.9 % of draws reach, and nothing lies outside of its support.
    pub fn is_law_of_draws(&self) -> bool {
        let within = |errors: f64| errors.abs() <= Self::ERRORS;
        if self.is_constant() {
            return true;
        }
        if let Some(spread) = self.singular_value_spread {
            return spread <= self.distance_floor;
        }
        self.count >= Self::FEWEST
            && self.distance <= self.distance_floor
            && self.ks <= self.ks_floor
            && within((self.scale_ratio - 1.0) / self.scale_ratio_error)
            && within(self.mean_in_errors)
            && self.outside.is_none_or(|share| share <= 0.0)
    }
}
