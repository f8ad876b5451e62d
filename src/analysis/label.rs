//! One word for a layer; the rules and their reasons are in docs/labels.md.

use crate::audit::{Label, Spectrum, Weights};

/// Fewest singular values from which a spectrum is labelled.
const FEWEST: usize = 32;
/// Share of σ₁ below which a direction is lost: f32 rounding leaves 3e-8. The usual N·ε of
/// `matrix_rank` would flag large square random matrices, whose σ_min is about σ₁/2N.
const LOST: f64 = 1e-7;
/// KS distance of weights beyond which a reader sees the difference from a normal law.
const GAUSSIAN_KS: f64 = 0.02;
/// Excess kurtosis of t with 10 degrees of freedom.
const HEAVY_KURTOSIS: f64 = 1.0;
/// Multiple of the null's 99 % point up to which a bulk is on the law.
const BULK: f64 = 2.0;

/// The label and the figures that decided it.
pub(super) fn of(weights: Option<&Weights>, spectrum: Option<&Spectrum>) -> (Label, String) {
    if let Some(init) = weights.and_then(|weights| weights.initializer.as_ref()) {
        let reason = format!(
            "KS {:.4} to {}, limit {:.4}, nothing fitted",
            init.ks, init.name, init.ks_limit
        );
        return (Label::AtInitialisation, reason);
    }
    let (Some(weights), Some(spectrum)) = (weights, spectrum) else {
        return (
            Label::Undecided,
            "weights or spectrum were not measured".into(),
        );
    };
    let floor = LOST * spectrum.spectral_norm;
    let lost = spectrum
        .singular_values
        .iter()
        .filter(|&&s| s <= floor)
        .count();
    if lost > 0 {
        let size = spectrum.singular_values.len();
        return (
            Label::RankDeficient,
            format!("{lost} of {size} singular values are zero to rounding"),
        );
    }
    let size = spectrum.singular_values.len();
    if size < FEWEST {
        return (
            Label::Undecided,
            format!("{size} singular values; at least {FEWEST} are needed"),
        );
    }
    let Some(gaussian) = &weights.gaussian else {
        return (Label::Undecided, "the weights are constant".into());
    };
    let outliers = spectrum.outliers_above + spectrum.outliers_below;
    let figures = format!(
        "weights KS {:.4}, excess kurtosis {:.2}; spectrum KS {:.1} times its null's 99 % point, {outliers} outliers",
        gaussian.ks,
        gaussian.excess_kurtosis,
        spectrum.ks_median / spectrum.ks_null_q99,
    );
    // Each outlier moves the empirical law by 1/M by itself.
    let bulk = spectrum.ks_median <= BULK * spectrum.ks_null_q99 + outliers as f64 / size as f64;
    let near_normal =
        gaussian.ks <= GAUSSIAN_KS && gaussian.excess_kurtosis.abs() <= HEAVY_KURTOSIS;
    let label = if gaussian.excess_kurtosis > HEAVY_KURTOSIS && gaussian.ks > GAUSSIAN_KS {
        Label::HeavyTailed
    } else if bulk && outliers > 0 {
        Label::RandomBulkWithSpikes
    } else if bulk && near_normal {
        Label::RandomLike
    } else {
        Label::Undecided
    };
    (label, figures)
}
