//! Mathematics on slices: samples, fits and laws. Knows nothing of nets.

use serde::{Deserialize, Serialize};

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

/// The names of the fitted families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FamilyName {
    /// Normal.
    Normal,
    /// Laplace.
    Laplace,
    /// Student t with ν degrees of freedom.
    StudentT,
    /// Generalised normal, density ∝ exp(−|x/scale|^β).
    GeneralizedNormal,
    /// Uniform between the extremes.
    Uniform,
}

/// A family fitted by maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FittedFamily {
    /// Which.
    pub name: FamilyName,
    /// ν of Student t, β of the generalised normal; absent for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<f64>,
    /// Location.
    pub location: f64,
    /// Scale in the family's usual parametrisation (half-width for uniform).
    pub scale: f64,
    /// Gain in mean log-likelihood over the normal, nats per weight.
    pub gain: f64,
}

/// The winning family and the others it beat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The winner.
    #[serde(flatten)]
    pub best: FittedFamily,
    /// Every family tried, by falling gain.
    pub candidates: Vec<FittedFamily>,
}

/// Equal-width counts of (entry − mean)/std.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Left edge of the first bin, in standard deviations from the mean.
    pub lower: f64,
    /// Right edge of the last bin.
    pub upper: f64,
    /// Entries per bin; entries outside are in none.
    pub counts: Vec<u64>,
    /// Entries below `lower`.
    pub below: u64,
    /// Entries above `upper`.
    pub above: u64,
}

/// A power law fitted to the tail of λ (Clauset, Shalizi & Newman 2009).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// Exponent α of the density λ^−α.
    pub alpha: f64,
    /// Where the tail starts.
    pub xmin: f64,
    /// KS distance of the tail to the fit.
    pub ks: f64,
    /// Standard error of α.
    pub sigma: f64,
    /// Number of λ in the tail.
    pub tail: usize,
}
