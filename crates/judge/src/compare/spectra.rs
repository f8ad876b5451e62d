//! How far two spectra are apart; docs/compare.md.

use serde::{Deserialize, Serialize};

use randomlike_core::audit::{Section, Spectrum};
use randomlike_core::skip::{ComparedSide, Unmeasured};
use randomlike_maths::stats::{kolmogorov_smirnov, wasserstein};

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
    let skipped = |reason| Section::Skipped { reason };
    let none_in = |side, why: &Unmeasured| {
        let why = Box::new(why.clone());
        skipped(Unmeasured::NoSpectrumIn { side, why })
    };
    match (a, b) {
        (Section::Measured(a), Section::Measured(b)) if !of_one_shape(a, b) => {
            skipped(Unmeasured::LawsDiffer)
        }
        (Section::Measured(a), Section::Measured(b)) => {
            distance(a, b).map_or_else(|| skipped(Unmeasured::NoCommonScale), Section::Measured)
        }
        (Section::Skipped { reason }, _) => none_in(ComparedSide::A, reason),
        (_, Section::Skipped { reason }) => none_in(ComparedSide::B, reason),
    }
}

fn of_one_shape(a: &Spectrum, b: &Spectrum) -> bool {
    let shape = |spectrum: &Spectrum| (spectrum.count(), spectrum.aspect.to_bits());
    shape(a) == shape(b)
}

/// The distance of two spectra of one shape; none where a figure passes the range of numbers.
fn distance(a: &Spectrum, b: &Spectrum) -> Option<SpectraDistance> {
    let (nu_a, nu_b) = (scaled(a)?, scaled(b)?);
    let (m, y) = (nu_a.len() as f64, a.aspect);
    let found = SpectraDistance {
        wasserstein: wasserstein(&nu_a, &nu_b)?,
        wasserstein_null_q99: null::wasserstein(m, y) / m,
        ks: kolmogorov_smirnov(&nu_a, &nu_b)?,
        ks_null_q99: null::ks(m, y) / m,
        scale_ratio: b.sigma_median / a.sigma_median,
    };
    let finite = [
        found.wasserstein,
        found.wasserstein_null_q99,
        found.scale_ratio,
    ]
    .iter()
    .all(|figure| figure.is_finite());
    finite.then_some(found)
}

/// σ/(s·√N), N from M and y.
pub fn scaled(spectrum: &Spectrum) -> Option<Vec<f64>> {
    let n = spectrum.count() as f64 / spectrum.aspect;
    let unit = spectrum.sigma_median * n.sqrt();
    (unit > 0.0 && unit.is_finite())
        .then(|| spectrum.singular_values.iter().map(|s| s / unit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

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

    // The table of docs/compare.md: 99 % points of M·KS, whole numbers, and of M·W₁, which the line
    // meets to a tenth up to M = 256.
    #[test]
    fn chance_is_that_of_the_simulation() {
        for (m, y, ks, w1) in [
            (32.0, 0.25, 4.0, 1.475),
            (32.0, 0.5, 4.0, 2.172),
            (32.0, 1.0, 5.0, 3.414),
            (64.0, 0.25, 5.0, 1.758),
            (64.0, 0.5, 5.0, 2.443),
            (64.0, 1.0, 5.0, 3.726),
            (128.0, 0.25, 5.0, 1.828),
            (128.0, 0.5, 5.0, 2.688),
            (128.0, 1.0, 6.0, 4.090),
            (256.0, 0.25, 6.0, 1.860),
            (256.0, 0.5, 6.0, 3.191),
            (256.0, 1.0, 6.0, 4.396),
        ] {
            assert!((ks..ks + 1.0).contains(&null::ks(m, y)), "{m} {y}");
            let ratio = null::wasserstein(m, y) / w1;
            assert!((ratio - 1.0).abs() < 0.1, "{m} {y}: {ratio}");
        }
    }

    // Two laws differ whatever is drawn from them: chance says nothing of their distance.
    #[test]
    fn spectra_of_two_shapes_are_not_held_against_chance() {
        let wider = section(|s| s.aspect = 0.25);
        let fewer = section(|s| s.singular_values.truncate(128));
        for other in [wider, fewer] {
            let Section::Skipped { reason } = between(&section(|_| ()), &other) else {
                panic!("two shapes have no distance");
            };
            assert!(
                reason.to_string().starts_with("the shapes differ"),
                "{reason}"
            );
        }
    }

    // y^1.5 passes the range of numbers, and JSON has no infinity.
    #[test]
    fn chance_beyond_the_range_of_numbers_is_no_figure() {
        let wild = section(|s| s.aspect = 1e300);
        assert!(between(&wild, &wild).measured().is_none());
    }

    #[test]
    fn a_spectrum_that_is_not_there_gives_its_reason() {
        let gone = Section::Skipped {
            reason: "all weights are zero".into(),
        };
        let Section::Skipped { reason } = between(&section(|_| ()), &gone) else {
            panic!("there is nothing to measure");
        };
        assert_eq!(
            reason.to_string(),
            "B has no spectrum: all weights are zero"
        );
        let flat = section(|s| s.sigma_median = 0.0);
        assert!(between(&flat, &flat).measured().is_none());
    }
}
