//! What the controls of a layer say of its largest singular values, docs/theory.md §4.

use serde::{Deserialize, Serialize};

/// How singular values of the controls were computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpectrumMethod {
    /// All of them, by the engine.
    Exact,
    /// The largest, by Lanczos steps.
    Lanczos,
}

/// The largest singular values of one control, in the units of the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ControlFacts {
    /// The largest, descending; all of them where that was asked for.
    pub singular_values: Vec<f64>,
    /// Each lies within this distance of a singular value of the control.
    pub error: f64,
    /// σ that the largest of independent entries of this shape and of the control's own standard
    /// deviation passes once in 100 draws.
    pub threshold_above: f64,
    /// How many lie above it, 16 at most where only the largest were computed.
    pub outliers_above: usize,
    /// KS distance to the law, the scale from the median; absent where only the largest were
    /// computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks_median: Option<f64>,
}

impl ControlFacts {
    /// σ₁.
    pub fn largest(&self) -> f64 {
        self.singular_values.first().copied().unwrap_or(0.0)
    }
}

/// Why the shuffled weights have a singular value above the edge of their law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It goes when the mean is taken away.
    Mean,
    /// It goes when the few largest entries are.
    SingleEntries,
    /// It goes when both are.
    MeanAndSingleEntries,
    /// It stays: chance, or tails that are heavy throughout.
    Unexplained,
}

/// An outlier that survives shuffling, a correlation trap, and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trap {
    /// What took the largest value below the threshold.
    pub cause: Cause,
    /// |mean|/sd·(NM)^¼ of the weights: above 1 the mean alone makes an outlier.
    pub mean_visibility: f64,
    /// The largest |w − mean| over sd·(NM)^¼: above 1 that entry alone makes an outlier.
    pub entry_visibility: f64,
    /// Entries with a visibility above ½: those that were taken away.
    pub large_entries: u64,
    /// σ₁ of the shuffled weights without their mean.
    pub without_mean: f64,
    /// σ₁ without the large entries; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_large_entries: Option<f64>,
    /// σ₁ without either; absent where one alone was enough, or there are no large entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_both: Option<f64>,
}

/// A layer's largest singular value beside those of what chance makes of its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Controls {
    /// How the values were computed.
    pub method: SpectrumMethod,
    /// Standard deviation of σ₁ from draw to draw of a Gaussian control.
    pub spread: f64,
    /// σ₁ of the layer.
    pub observed: f64,
    /// Independent normal entries of mean 0 and the weights' rms.
    pub gaussian: ControlFacts,
    /// The weights in random order.
    pub shuffled: ControlFacts,
    /// σ₁ observed − shuffled: structure.
    pub structure: f64,
    /// σ₁ shuffled − Gaussian: tails and mean.
    pub tails_and_mean: f64,
    /// Why the shuffled weights have an outlier, where they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trap: Option<Trap>,
}
