//! Facts about a layer's singular values.

use serde::{Deserialize, Serialize};

use super::{PowerLaw, Section, of_an_older_version};
use randomlike_checkpoint::Dtype;
use randomlike_maths::nulls::Origin;

/// Which law the singular values are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// The square case.
    QuarterCircle,
    /// The rectangular case.
    MarchenkoPastur,
}

/// Facts about a layer's singular values. σ and every edge are in the weights' own units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spectrum {
    /// The law of comparison.
    pub law: Law,
    /// M/N ≤ 1, the smaller side over the larger.
    pub aspect: f64,
    /// All min(n, m) singular values, descending.
    pub singular_values: Vec<f64>,
    /// The largest.
    pub spectral_norm: f64,
    /// The smallest.
    pub smallest: f64,
    /// √Σσ².
    pub frobenius_norm: f64,
    /// Σσ²/σ₁².
    pub stable_rank: f64,
    /// exp of the Shannon entropy of σ²/Σσ².
    pub effective_rank: f64,
    /// −Σp ln p / ln(rank) with p = σ²/Σσ²; absent at rank 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entropy: Option<f64>,
    /// Number of σ above σ₁·N·ε, ε that of the stored dtype's arithmetic (f32 or f64).
    pub matrix_rank: usize,
    /// min(n, m) − `matrix_rank`.
    pub rank_loss: usize,
    /// Scale of the entries from the Frobenius norm, `‖W‖_F/√(NM)`.
    pub sigma_rms: f64,
    /// Scale of the entries from the median singular value (Gavish & Donoho 2014).
    pub sigma_median: f64,
    /// Lower edge of the law with `sigma_median`, 0 for a square layer.
    pub edge_lower: f64,
    /// Upper edge of the law with `sigma_median`.
    pub edge_upper: f64,
    /// KS distance to the law with `sigma_rms`.
    pub ks_rms: f64,
    /// KS distance to the law with `sigma_median`.
    pub ks_median: f64,
    /// 99 % point of `ks_median` for independent entries of this shape and excess kurtosis.
    pub ks_null_q99: f64,
    /// W₁ between the scaled singular values σ/(s_med√N) and the law.
    pub wasserstein: f64,
    /// σ above which a value is an outlier: σ₁ of independent entries passes it once in 100 draws.
    pub outlier_threshold_above: f64,
    /// σ below which a value is an outlier: the smallest of independent entries, likewise.
    pub outlier_threshold_below: f64,
    /// Number of σ above the upper threshold.
    pub outliers_above: usize,
    /// Number of σ below the lower threshold.
    pub outliers_below: usize,
    /// `|mean|/std·(NM)^¼` of the entries: above 1 the mean alone makes an outlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_visibility: Option<f64>,
    /// Mean ratio of consecutive spacings in the bulk: .5307 GOE, .38629 Poisson.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_ratio: Option<f64>,
    /// Power-law fit to the tail of λ = σ²; `null` when it could not be fitted.
    pub power_law: Option<PowerLaw>,
    /// α·log₁₀ λ₁; absent without a power law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_weighted: Option<f64>,
    /// log₁₀ Σ λ^α; absent without a power law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_alpha_norm: Option<f64>,
    /// log₁₀ Σ λ; absent for a zero matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_norm: Option<f64>,
    /// log₁₀ λ₁; absent for a zero matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_spectral_norm: Option<f64>,
    /// Upper edge of the law over λ₁, in λ: (`edge_upper`/`spectral_norm`)².
    pub mp_softrank: f64,
    /// What chance makes of the figures above at this shape.
    #[serde(default = "of_an_older_version")]
    pub nulls: Section<SpectrumNulls>,
    /// How much of the spectrum is on the law, outliers set aside.
    #[serde(default = "of_an_older_version")]
    pub bulk: Section<Bulk>,
}

impl Spectrum {
    /// How many singular values the layer has.
    pub const fn count(&self) -> usize {
        self.singular_values.len()
    }
}

/// The figures of a spectrum beside those of matrices with independent entries of its shape and
/// excess kurtosis; docs/theory.md §3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpectrumNulls {
    /// Where the nulls come from.
    pub origin: Origin,
    /// How many matrices were drawn for this layer; absent where a table was enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draws: Option<usize>,
    /// Excess kurtosis of the entries they were taken for, between −1.2 and 3.
    pub excess_kurtosis: f64,
    /// Of `ks_median`.
    pub ks_median: NullFact,
    /// Of `ks_rms`.
    pub ks_rms: NullFact,
    /// Of `wasserstein`.
    pub wasserstein: NullFact,
    /// Of `sigma_rms`/`sigma_median`.
    pub scale_ratio: NullFact,
    /// Of `spectral_norm`, the scale from the median.
    pub largest: NullFact,
    /// Of `smallest`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest: Option<NullFact>,
    /// Of `level_ratio`; absent where that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_ratio: Option<NullFact>,
}

/// One figure and its null, in the figure's own units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NullFact {
    /// The figure.
    pub observed: f64,
    /// Half of the random matrices stay below.
    pub median: f64,
    /// One in 100 random matrices stays below, one in 200 where `high` counts too; absent where
    /// low values say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// One in 100 random matrices passes it, one in 200 where `low` counts too; absent where high
    /// values say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// How often a random matrix goes as far; .001 where that is less, .002 where both ends count.
    pub p: f64,
}

/// The largest part of a spectrum, in the middle of it, that cannot be told from that of a matrix
/// of independent entries; docs/labels.md.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bulk {
    /// Largest values that had to be set aside.
    pub above: usize,
    /// Smallest values that had to be set aside.
    pub below: usize,
    /// Share of the values that is left.
    pub share: f64,
    /// Scale of the entries from the median of what is left.
    pub sigma: f64,
    /// Lower edge of its law.
    pub edge_lower: f64,
    /// Upper edge of its law.
    pub edge_upper: f64,
    /// KS distance of what is left to its law, that of an (N − above)×(M − above − below) matrix.
    pub ks: f64,
    /// 99 % point of that distance for independent entries.
    pub ks_null_q99: f64,
    /// How often independent entries are as far, between .001 and 1.
    pub p: f64,
    /// Share of ‖W‖²_F in what is left.
    pub energy: f64,
    /// Share of ‖W‖²_F in the values set aside above.
    pub energy_above: f64,
    /// Share of ‖W‖²_F in the values set aside below.
    pub energy_below: f64,
}

/// Singular values that are zero to rounding, among all of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZeroSingularValues {
    /// How many are.
    pub count: usize,
    /// Number of all.
    pub of: usize,
}

impl ZeroSingularValues {
    /// Those among `values`, descending, below 1e-7 of the largest where `dtype` has at most
    /// 24 significant bits, below 1e-13 where it has 53. The usual N·ε of `matrix_rank` would
    /// flag large square random matrices, whose σ_min is about σ₁/2N.
    pub fn among(values: &[f64], dtype: &Dtype) -> Self {
        let share = if *dtype == Dtype::F64 { 1e-13 } else { 1e-7 };
        let floor = share * values.first().copied().unwrap_or(0.0);
        Self {
            count: values.iter().filter(|&&s| s <= floor).count(),
            of: values.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // f32 keeps 24 bits, f64 53.
    #[test]
    fn rounding_is_that_of_the_dtype() {
        let values = [1.0, 1e-9];
        assert_eq!(ZeroSingularValues::among(&values, &Dtype::F32).count, 1);
        assert_eq!(ZeroSingularValues::among(&values, &Dtype::F64).count, 0);
    }
}
