//! How far two spectra are apart.

use serde::{Deserialize, Serialize};

use crate::audit::{Section, Spectrum};
use crate::stats::{kolmogorov_smirnov, wasserstein};

/// The distance between the singular values of two layers, each on its own scale.
///
/// ν = σ/(s·√N), s from the median as everywhere, so that a layer that was only multiplied by a
/// number is at no distance; the number is [`Self::scale_ratio`]. W₁ says how far the values
/// moved on average, in units in which the upper edge of the law is 1 + √y; KS says what share
/// of them changed sides. Both see the bulk; a single large value moves W₁ by its own distance
/// over M and KS by 1/M, and is told by `spectrum.edge_ratio` among the figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpectraDistance {
    /// W₁ between the scaled values, ∫|F⁻¹ − G⁻¹| dp.
    pub wasserstein: f64,
    /// 99 % point of `wasserstein` for two independent random matrices of the shape.
    pub wasserstein_null_q99: f64,
    /// KS distance between the scaled values.
    pub ks: f64,
    /// 99 % point of `ks` for two independent random matrices of the shape.
    pub ks_null_q99: f64,
    /// s of B over s of A.
    pub scale_ratio: f64,
}

/// 99 % points of M·KS and M·W₁ between the spectra of two independent Gaussian matrices, as
/// lines in ln M and y; fitted to `cargo run --release --example spectra_null`, docs/compare.md.
mod null {
    /// M·KS, a whole number for two spectra of one size: the line lies between the 99 % point
    /// and the next.
    pub fn ks(m: f64, y: f64) -> f64 {
        1.1 + 0.9 * m.ln() + 0.8 * y
    }

    /// M·W₁.
    pub fn wasserstein(m: f64, y: f64) -> f64 {
        y.sqrt() * (1.2 + 0.5 * m.ln() + 0.45 * y)
    }
}

/// The distance between two spectra that were measured.
pub(super) fn between(a: &Section<Spectrum>, b: &Section<Spectrum>) -> Section<SpectraDistance> {
    let skipped = |reason: String| Section::Skipped { reason };
    match (a, b) {
        (Section::Measured(a), Section::Measured(b)) => of(a, b).map_or_else(
            || skipped("a spectrum has no scale".into()),
            Section::Measured,
        ),
        (Section::Skipped { reason }, _) => skipped(format!("A has no spectrum: {reason}")),
        (_, Section::Skipped { reason }) => skipped(format!("B has no spectrum: {reason}")),
    }
}

fn of(a: &Spectrum, b: &Spectrum) -> Option<SpectraDistance> {
    let (nu_a, nu_b) = (scaled(a)?, scaled(b)?);
    // Of two shapes the smaller one, which chance moves the more.
    let m = nu_a.len().min(nu_b.len()) as f64;
    let y = a.aspect.max(b.aspect);
    let found = SpectraDistance {
        wasserstein: wasserstein(&nu_a, &nu_b)?,
        wasserstein_null_q99: null::wasserstein(m, y) / m,
        ks: kolmogorov_smirnov(&nu_a, &nu_b)?,
        ks_null_q99: null::ks(m, y) / m,
        scale_ratio: b.sigma_median / a.sigma_median,
    };
    (found.wasserstein.is_finite() && found.scale_ratio.is_finite()).then_some(found)
}

/// σ/(s·√N), N from M and y.
pub(crate) fn scaled(spectrum: &Spectrum) -> Option<Vec<f64>> {
    let n = spectrum.singular_values.len() as f64 / spectrum.aspect;
    let unit = spectrum.sigma_median * n.sqrt();
    (unit > 0.0 && unit.is_finite())
        .then(|| spectrum.singular_values.iter().map(|s| s / unit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::facts;

    fn section(change: impl FnOnce(&mut Spectrum)) -> Section<Spectrum> {
        facts::with_spectrum(facts::layer("a"), change).spectrum
    }

    fn between_healthy_and(change: impl FnOnce(&mut Spectrum)) -> SpectraDistance {
        let found = between(&section(|_| ()), &section(change));
        *found.measured().unwrap()
    }

    // Multiplied by 2, with the scale that follows: nothing but the ratio.
    #[test]
    fn a_scale_is_no_distance() {
        let found = between_healthy_and(|s| {
            s.singular_values.iter_mut().for_each(|v| *v *= 2.0);
            s.sigma_median *= 2.0;
        });
        assert!(found.wasserstein < 1e-12 && found.ks < 1e-12);
        assert!((found.scale_ratio - 2.0).abs() < 1e-12);
    }

    // 256 values, scale .03·√512: every one further by .1 in ν; one of them further by 5.
    #[test]
    fn distances_by_hand() {
        let unit = 0.03 * 512_f64.sqrt();
        let all =
            between_healthy_and(|s| s.singular_values.iter_mut().for_each(|v| *v += 0.1 * unit));
        assert!((all.wasserstein - 0.1).abs() < 1e-12);
        assert!(all.wasserstein > all.wasserstein_null_q99);
        let one = between_healthy_and(|s| s.singular_values[0] += 5.0 * unit);
        assert!((one.wasserstein - 5.0 / 256.0).abs() < 1e-12);
        assert!((one.ks - 1.0 / 256.0).abs() < 1e-12 && one.ks < one.ks_null_q99);
    }

    // `spectra_null` at M = 128: 99 % points of M·KS 5, 5, 6 (whole numbers) and of M·W₁ 1.83,
    // 2.69, 4.09 with standard errors of .04, .07 and .12.
    #[test]
    fn chance_is_that_of_the_simulation() {
        for (y, ks, w1) in [(0.25, 5.0, 1.83), (0.5, 5.0, 2.69), (1.0, 6.0, 4.09)] {
            assert!((ks..ks + 1.0).contains(&null::ks(128.0, y)));
            assert!((null::wasserstein(128.0, y) - w1).abs() < 0.12);
        }
    }

    #[test]
    fn a_spectrum_that_is_not_there_gives_its_reason() {
        let gone = Section::Skipped {
            reason: "all weights are zero".into(),
        };
        let Section::Skipped { reason } = between(&section(|_| ()), &gone) else {
            panic!("there is nothing to measure");
        };
        assert_eq!(reason, "B has no spectrum: all weights are zero");
        let flat = section(|s| s.sigma_median = 0.0);
        assert!(between(&flat, &flat).measured().is_none());
    }
}
