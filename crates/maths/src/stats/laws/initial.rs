//! The laws that weights are drawn from before training, of mean 0 and standard deviation 1, and
//! how far a sample is from one of them with nothing fitted; docs/theory.md §10.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::normal;
use crate::stats::Sample;

/// Standard deviation of N(0, 1) cut at ±2: √(1 − 4φ(2)/(2Φ(2) − 1)) (Johnson, Kotz &
/// Balakrishnan 1994, §13.10).
const CUT_STD: f64 = 0.879_625_661_034_239_8;
/// Where the normal law is cut, before it is scaled.
const CUT: f64 = 2.0;

/// A symmetric law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialLaw {
    /// Even on ±√3.
    Uniform,
    /// N(0, 1).
    Normal,
    /// N(0, s²) cut at ±2s.
    TruncatedNormal,
}

impl InitialLaw {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Uniform, Self::Normal, Self::TruncatedNormal];

    /// E w⁴ − 3 (docs/theory.md §1).
    pub const fn excess_kurtosis(self) -> f64 {
        match self {
            Self::Uniform => -1.2,
            Self::Normal => 0.0,
            Self::TruncatedNormal => -0.6345,
        }
    }

    /// The standard deviation of a normal law that has this one after it is cut.
    pub const fn before_cut(std: f64) -> f64 {
        std / CUT_STD
    }

    /// The standard deviation that is left of a normal law of this one after it is cut.
    pub const fn after_cut(std: f64) -> f64 {
        std * CUT_STD
    }

    /// P(w ≤ z).
    pub fn cdf(self, z: f64) -> f64 {
        match self {
            Self::Uniform => (0.5 + z / (2.0 * 3.0_f64.sqrt())).clamp(0.0, 1.0),
            Self::Normal => normal::cdf(z),
            Self::TruncatedNormal => {
                let tail = normal::cdf(-CUT);
                ((normal::cdf(z * CUT_STD) - tail) / (1.0 - 2.0 * tail)).clamp(0.0, 1.0)
            }
        }
    }

    /// The z with P(w ≤ z) = p.
    pub fn quantile(self, p: f64) -> f64 {
        match self {
            Self::Uniform => 3.0_f64.sqrt() * (2.0 * p - 1.0),
            Self::Normal => normal::quantile(p),
            Self::TruncatedNormal => Self::cut_at(p) / CUT_STD,
        }
    }

    /// The quantile before the scale.
    fn cut_at(p: f64) -> f64 {
        let tail = normal::cdf(-CUT);
        normal::quantile(tail + p * (1.0 - 2.0 * tail)).clamp(-CUT, CUT)
    }

    /// ∫₀ᵖ of the quantile.
    fn integral(self, p: f64) -> f64 {
        match self {
            Self::Uniform => 3.0_f64.sqrt() * (p * p - p),
            Self::Normal => -normal::density(normal::quantile(p)),
            Self::TruncatedNormal => {
                let mass = 1.0 - 2.0 * normal::cdf(-CUT);
                (normal::density(CUT) - normal::density(Self::cut_at(p))) / (CUT_STD * mass)
            }
        }
    }

    /// The end of its support and its density there; nothing for the normal law.
    pub fn edge(self) -> Option<(f64, f64)> {
        match self {
            Self::Uniform => Some((3.0_f64.sqrt(), 1.0 / (2.0 * 3.0_f64.sqrt()))),
            Self::Normal => None,
            Self::TruncatedNormal => {
                let mass = 1.0 - 2.0 * normal::cdf(-CUT);
                Some((CUT / CUT_STD, CUT_STD * normal::density(CUT) / mass))
            }
        }
    }

    /// KS distance of a sample to this law times `std`.
    pub fn ks(self, sample: &Sample, std: f64) -> f64 {
        sample.ks(|w| self.cdf(w / std))
    }

    /// W₁ of a sample to this law times `std`, in units of `std`: ∫|F⁻¹(p)/std − Q(p)| dp.
    pub fn wasserstein(self, sample: &Sample, std: f64) -> f64 {
        let count = sample.count() as f64;
        let parts = sample.fold_chunks(|groups| {
            // One group ends where the next begins.
            let mut ended: Option<(f64, f64)> = None;
            groups.fold(0.0, |sum, g| {
                let z = g.value / std;
                let (p0, p1) = (g.below as f64 / count, (g.below + g.count) as f64 / count);
                let at = |p| (self.quantile(p), self.integral(p));
                let (q0, i0) = ended.unwrap_or_else(|| at(p0));
                let (q1, i1) = at(p1);
                ended = Some((q1, i1));
                sum + if z <= q0 {
                    (i1 - i0) - z * (p1 - p0)
                } else if z >= q1 {
                    z * (p1 - p0) - (i1 - i0)
                } else {
                    let p = self.cdf(z);
                    let i = self.integral(p);
                    (z * (p - p0) - (i - i0)) + ((i1 - i) - z * (p1 - p))
                }
            })
        });
        parts.into_iter().sum()
    }

    /// 99.9 % points of √count·W₁ and √count·KS of draws from the law itself, nothing fitted: KS
    /// is Kolmogorov's (1933), W₁ from 20,000 draws of 10⁴ entries, good to ± .1.
    pub const fn floors(self) -> (f64, f64) {
        let wasserstein = match self {
            Self::Uniform => 3.35,
            Self::Normal => 3.45,
            Self::TruncatedNormal => 3.42,
        };
        (wasserstein, 1.949)
    }

    /// √count times the standard error of √(mean square): √((excess kurtosis + 2)/4).
    pub fn scale_error(self) -> f64 {
        (0.25 * (self.excess_kurtosis() + 2.0)).sqrt()
    }

    /// Shrinkage d and independent normal drift ε, in standard deviations, of
    /// (1 − d)·w + ε·N(0, 1) with this ratio of root mean squares and this share outside of the
    /// support; nothing for a law without an edge.
    ///
    /// (1 − d)² + ε² = ratio², and with the edge at e, density g there and t = e·d/ε, the share
    /// outside is 2·g·ε/(1 − d)·[φ(t) − t·Φ(−t)], exact to first order in ε; it rises with ε.
    pub fn shrinkage_and_drift(self, ratio: f64, outside: f64) -> Option<(f64, f64)> {
        let (edge, density) = self.edge()?;
        let shrinkage = |drift: f64| 1.0 - (ratio * ratio - drift * drift).max(0.0).sqrt();
        if outside <= 0.0 {
            return Some((1.0 - ratio, 0.0));
        }
        let share = |drift: f64| {
            let d = shrinkage(drift);
            let t = edge * d / drift;
            let beyond = normal::density(t) - t * normal::cdf(-t);
            2.0 * density * drift / (1.0 - d).max(f64::MIN_POSITIVE) * beyond
        };
        let (mut low, mut high) = (0.0, ratio);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if share(middle) < outside {
                low = middle;
            } else {
                high = middle;
            }
        }
        let drift = 0.5 * (low + high);
        Some((shrinkage(drift), drift))
    }
}

/// Of independent drift of ε standard deviations, the share of a uniform law that leaves its
/// support: ε/(√3·√(2π)) (docs/theory.md §10).
pub fn share_outside(drift: f64) -> f64 {
    drift / (3.0 * TAU).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn draw(law: InitialLaw, rng: &mut ChaCha8Rng) -> f64 {
        law.quantile(rng.random())
    }

    fn sample(law: InitialLaw, count: usize, f: impl Fn(f64, &mut ChaCha8Rng) -> f64) -> Sample {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let entries: Vec<f64> = (0..count)
            .map(|_| {
                let w = draw(law, &mut rng);
                f(w, &mut rng)
            })
            .collect();
        Sample::from_f64(&entries).unwrap()
    }

    fn normal_draw(rng: &mut ChaCha8Rng) -> f64 {
        StandardNormal.sample(rng)
    }

    // scipy 1.17: truncnorm(-2, 2) has variance .773741, cdf(1) .857616, ppf(.9) 1.184032.
    #[test]
    fn the_cut_normal_law() {
        let law = InitialLaw::TruncatedNormal;
        let s = CUT_STD;
        assert!((s * s - 0.773_741).abs() < 1e-6);
        assert!(
            (law.cdf(1.0 / s) - 0.857_616).abs() < 2e-6,
            "{}",
            law.cdf(1.0 / s)
        );
        assert!(
            (law.quantile(0.9) * s - 1.184_03).abs() < 2e-5,
            "{}",
            law.quantile(0.9) * s
        );
        assert!(law.integral(1.0).abs() < 1e-12 && law.integral(0.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_integrals_and_moments_agree() {
        for law in InitialLaw::ALL {
            let steps = 200_000;
            let at = |i: usize| law.quantile((i as f64 + 0.5) / f64::from(steps));
            let steps = steps as usize;
            let square = (0..steps).map(|i| at(i).powi(2)).sum::<f64>() / steps as f64;
            assert!((square - 1.0).abs() < 1e-4, "{law:?} {square}");
            let fourth = (0..steps).map(|i| at(i).powi(4)).sum::<f64>() / steps as f64;
            assert!(
                (fourth - 3.0 - law.excess_kurtosis()).abs() < 0.01,
                "{law:?}"
            );
            let half: f64 = (0..steps / 2).map(at).sum::<f64>() / steps as f64;
            assert!((law.integral(0.5) - half).abs() < 1e-4, "{law:?}");
            assert!((law.cdf(law.quantile(0.3)) - 0.3).abs() < 1e-9);
        }
    }

    // √c·W₁ has mean 1.10, 1.28, 1.19 (docs/theory.md §10), and passes its floor about once in 1000.
    #[test]
    fn floors_of_the_laws() {
        for (law, mean) in InitialLaw::ALL.into_iter().zip([1.10, 1.28, 1.19]) {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let draws: Vec<(f64, f64)> = (0..2000)
                .map(|_| {
                    let entries: Vec<f64> = (0..1000).map(|_| draw(law, &mut rng)).collect();
                    let sample = Sample::from_f64(&entries).unwrap();
                    let root = 1000_f64.sqrt();
                    (
                        root * law.wasserstein(&sample, 1.0),
                        root * law.ks(&sample, 1.0),
                    )
                })
                .collect();
            let found = draws.iter().map(|d| d.0).sum::<f64>() / 2000.0;
            assert!((found - mean).abs() < 0.05, "{law:?} {found}");
            let (wasserstein, ks) = law.floors();
            // 2 expected; 8 or more in one case of 1000.
            assert!(draws.iter().filter(|d| d.0 > wasserstein).count() < 8);
            assert!(draws.iter().filter(|d| d.1 > ks).count() < 8);
        }
    }

    // docs/theory.md §10: independent drift of a uniform law, W₁ .0040, .0124, .0266, .0729 at ε
    // .1, .2, .3, .5, KS .1152·ε, share outside .2303·ε.
    #[test]
    fn drift_of_a_uniform_law() {
        for (drift, wasserstein) in [(0.1, 0.0040), (0.2, 0.0124), (0.3, 0.0266), (0.5, 0.0729)] {
            let sample = sample(InitialLaw::Uniform, 400_000, |w, rng| {
                w + drift * normal_draw(rng)
            });
            let found = InitialLaw::Uniform.wasserstein(&sample, 1.0);
            assert!((found - wasserstein).abs() < 0.002, "{drift} {found}");
            let ks = InitialLaw::Uniform.ks(&sample, 1.0);
            assert!((ks - 0.1152 * drift).abs() < 0.004, "{drift} {ks}");
        }
        assert!((share_outside(0.1) - 0.023_03).abs() < 1e-5);
    }

    // Shrinkage 1 − d: W₁ .866·d of a uniform law, .798·d of a normal one.
    #[test]
    fn a_law_that_shrank() {
        for (law, slope) in [(InitialLaw::Uniform, 0.866), (InitialLaw::Normal, 0.798)] {
            let sample = sample(law, 400_000, |w, _| 0.9 * w);
            let found = law.wasserstein(&sample, 1.0);
            assert!((found - 0.1 * slope).abs() < 0.003, "{law:?} {found}");
            // In other units it is the same.
            let scaled = self::sample(law, 400_000, |w, _| 0.02 * 0.9 * w);
            assert!((law.wasserstein(&scaled, 0.02) - found).abs() < 1e-9);
        }
    }

    // docs/theory.md §10: (d, ε) comes back from ratio and share outside at 5·10⁵ weights.
    #[test]
    fn shrinkage_and_drift_are_recovered() {
        let law = InitialLaw::Uniform;
        for (d, drift) in [(0.0044, 0.0092), (0.02, 0.05), (0.1, 0.1)] {
            let sample = sample(law, 524_288, |w, rng| {
                (1.0 - d) * w + drift * normal_draw(rng)
            });
            let edge = 3.0_f64.sqrt();
            let inside = sample.below(edge) - sample.below(-edge);
            let outside = 1.0 - inside as f64 / 524_288.0;
            let found = law
                .shrinkage_and_drift(sample.moments().rms, outside)
                .unwrap();
            assert!((found.0 / d - 1.0).abs() < 0.2, "{d}: {found:?}");
            assert!((found.1 / drift - 1.0).abs() < 0.2, "{drift}: {found:?}");
        }
        assert_eq!(InitialLaw::Normal.shrinkage_and_drift(1.0, 0.0), None);
        let (d, drift) = law.shrinkage_and_drift(0.98, 0.0).unwrap();
        assert!((d - 0.02).abs() < 1e-12 && drift.abs() < 1e-12);
    }
}
