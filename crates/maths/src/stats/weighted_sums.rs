//! Sums over weighted values of powers, logarithms and Student weights, in the processor's
//! vectors: what the fits of [`super::families`] ask for a hundred times each. The Student weights are
//! those of Lange, Little & Taylor (1989).
//!
//! exp and ln of the standard library in place of ours cost some .065 s for a layer (1.62 in place
//! of 1.56 s at 4096×1000, medians of four runs in turn, within their spread; AlexNet was not timed).
//! They are calls that no vector holds, and the fits would end at other last digits.
//!
//! exp and ln are branch-free polynomials, right to some 2e-16 where they are asked. Terms are
//! added in [`LANES`] sums whatever the width of a vector, so every processor gives the same bits.
#![allow(
    clippy::inline_always,
    reason = "vector code arises only where a loop is inlined into what `pulp` dispatches"
)]

use std::f64::consts::LOG2_E;

use pulp::{Arch, Simd, WithSimd};

/// Terms that are made before they are added: too many to be unrolled, so that loops over them
/// become vectors.
const LANES: usize = 64;

/// Values and their shares of the whole, in whole lanes; what fills them up has no share.
#[derive(Debug, Clone)]
pub(super) struct WeightedValues {
    values: Vec<f64>,
    shares: Vec<f64>,
}

impl WeightedValues {
    pub fn new(pairs: &[(f64, f64)]) -> Self {
        let last = pairs.last().map_or(0.0, |pair| pair.0);
        let length = pairs.len().next_multiple_of(LANES);
        let padded = |entries: Vec<f64>, filler| {
            let mut entries = entries;
            entries.resize(length, filler);
            entries
        };
        Self {
            values: padded(pairs.iter().map(|pair| pair.0).collect(), last),
            shares: padded(pairs.iter().map(|pair| pair.1).collect(), 0.0),
        }
    }

    /// ln|x − `location`| of each value, for powers of many exponents.
    pub fn distances(&self, location: f64) -> Distances<'_> {
        let mut logarithms = self.values.clone();
        Arch::new().dispatch(Logarithms {
            values: &mut logarithms,
            location,
        });
        Distances {
            logarithms,
            shares: &self.shares,
        }
    }

    /// Σ p·w, Σ p·w·d and Σ p·w·d² with d = x − `location` and w = (ν + 1)/(ν + (d/`scale`)²).
    pub fn student(&self, nu: f64, location: f64, scale: f64) -> [f64; 3] {
        Arch::new().dispatch(Student {
            of: self,
            nu,
            location,
            scale,
        })
    }

    /// Σ p·ln(1 + ((x − `location`)/`scale`)²/ν).
    pub fn student_tail(&self, nu: f64, location: f64, scale: f64) -> f64 {
        Arch::new().dispatch(StudentTail {
            of: self,
            nu,
            location,
            scale,
        })
    }
}

/// Logarithms of distances, with shares.
#[derive(Debug, Clone)]
pub(super) struct Distances<'a> {
    logarithms: Vec<f64>,
    shares: &'a [f64],
}

impl Distances<'_> {
    /// Σ p·|x − location|^`exponent`.
    pub fn power_sum(&self, exponent: f64) -> f64 {
        Arch::new().dispatch(Powers { of: self, exponent })
    }
}

struct Logarithms<'a> {
    values: &'a mut [f64],
    location: f64,
}

impl WithSimd for Logarithms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.values {
            *value = ln((*value - self.location).abs());
        }
    }
}

struct Powers<'a> {
    of: &'a Distances<'a>,
    exponent: f64,
}

impl WithSimd for Powers<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut sum = [0.0; LANES];
        let (logarithms, _) = self.of.logarithms.as_chunks::<LANES>();
        let (shares, _) = self.of.shares.as_chunks::<LANES>();
        for (logarithms, shares) in logarithms.iter().zip(shares) {
            for i in 0..LANES {
                sum[i] += shares[i] * exp(self.exponent * logarithms[i]);
            }
        }
        sum.iter().sum()
    }
}

struct Student<'a> {
    of: &'a WeightedValues,
    nu: f64,
    location: f64,
    scale: f64,
}

impl WithSimd for Student<'_> {
    type Output = [f64; 3];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 3] {
        let (values, _) = self.of.values.as_chunks::<LANES>();
        let (shares, _) = self.of.shares.as_chunks::<LANES>();
        let [mut weight, mut first, mut second] = [[0.0; LANES]; 3];
        let unit = 1.0 / self.scale;
        for (values, shares) in values.iter().zip(shares) {
            for i in 0..LANES {
                let d = values[i] - self.location;
                let z = d * unit;
                let w = shares[i] * (self.nu + 1.0) / (self.nu + z * z);
                weight[i] += w;
                first[i] += w * d;
                second[i] += w * d * d;
            }
        }
        [weight, first, second].map(|lanes| lanes.iter().sum())
    }
}

struct StudentTail<'a> {
    of: &'a WeightedValues,
    nu: f64,
    location: f64,
    scale: f64,
}

impl WithSimd for StudentTail<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (values, _) = self.of.values.as_chunks::<LANES>();
        let (shares, _) = self.of.shares.as_chunks::<LANES>();
        let mut sum = [0.0; LANES];
        let (unit, share) = (1.0 / self.scale, 1.0 / self.nu);
        for (values, shares) in values.iter().zip(shares) {
            for i in 0..LANES {
                let z = (values[i] - self.location) * unit;
                sum[i] += shares[i] * ln_1p(z * z * share);
            }
        }
        sum.iter().sum()
    }
}

/// A polynomial by its coefficients, the highest first; no loop, which would keep the loop around
/// it from becoming vectors.
macro_rules! horner {
    ($x:ident, $first:expr $(, $next:expr)* $(,)?) => {{
        let sum = $first;
        $(let sum = sum * $x + $next;)*
        sum
    }};
}

/// Half of the digits of ln 2, so that a whole number times it is exact, and the rest.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// e^x = 2ⁿ·e^r with n = x·log₂e rounded and |r| ≤ ln 2/2, where Taylor's series to r¹³ is
/// right to 4e-18. 0 below −708.8 and infinite above 709.4.
#[inline(always)]
fn exp(x: f64) -> f64 {
    /// 1.5·2⁵²: what is added to it is rounded to a whole number in its lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // There n is −1023 and 1024, whose powers of two come out as 0 and infinite.
    let within = x.clamp(-709.0, 710.0);
    let rounded = within * LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = within - n * LN_2_HIGH - n * LN_2_LOW;
    let series = horner!(
        r,
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    );
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52));
    series * power
}

/// ln x = e·ln 2 + ln m with √½ ≤ m < √2, and ln m = 2(s + s³/3 + s⁵/5 + …) at s = (m − 1)/(m + 1),
/// to s²³/23, right to 2e-18. Of 0, and what is below the normal numbers, about −709.
#[inline(always)]
fn ln(x: f64) -> f64 {
    /// The bits of √½.
    const LEAST: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 1023 << 52;
    /// 2⁵²: a whole number in its lowest bits is added to it.
    const WHOLE: u64 = 0x4330_0000_0000_0000;
    let bits = x.to_bits();
    let exponent = bits.wrapping_add(ONE - LEAST) >> 52;
    let e = f64::from_bits(WHOLE | exponent) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits(bits.wrapping_sub((exponent << 52).wrapping_sub(ONE)));
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = horner!(
        square,
        2.0 / 23.0,
        2.0 / 21.0,
        2.0 / 19.0,
        2.0 / 17.0,
        2.0 / 15.0,
        2.0 / 13.0,
        2.0 / 11.0,
        2.0 / 9.0,
        2.0 / 7.0,
        2.0 / 5.0,
        2.0 / 3.0,
        2.0,
    );
    e * LN_2_HIGH + (s * series + e * LN_2_LOW)
}

/// ln(1 + u) for u ≥ 0, with what 1 + u loses given back (Kahan).
#[inline(always)]
fn ln_1p(u: f64) -> f64 {
    let y = 1.0 + u;
    ln(y) + (u - (y - 1.0)) / y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(count: u32) -> Vec<(f64, f64)> {
        let share = 1.0 / f64::from(count);
        let value = |i: u32| {
            let x = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24) - 0.4;
            (x * x * x, share)
        };
        (0..count).map(value).collect()
    }

    // The standard library's, to two units in the last place.
    #[test]
    fn exp_and_ln_are_those_of_the_standard_library() {
        for i in 0..40_000 {
            let x = f64::from(i) * 0.0354 - 707.9;
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-16, "{x}");
            let y = 10_f64.powf(f64::from(i) * 0.015 - 300.0);
            assert!((ln(y) - y.ln()).abs() <= 1e-15 * y.ln().abs(), "{y}");
            let u = 10_f64.powf(f64::from(i) * 0.001 - 20.0);
            assert!((ln_1p(u) / u.ln_1p() - 1.0).abs() < 1e-15, "{u}");
        }
        assert_eq!((exp(-1e3).to_bits(), exp(1e3)), (0, f64::INFINITY));
        assert!((exp(0.0) - 1.0).abs() < 1e-18 && ln(1.0).abs() < 1e-18 && ln(0.0) < -700.0);
    }

    // Whole lanes and not, with a value at the location itself.
    #[test]
    fn sums_are_those_of_a_plain_loop() {
        for count in [1, 63, 64, 1000] {
            let pairs = spread(count);
            let values = WeightedValues::new(&pairs);
            let near = |a: f64, b: f64| {
                assert!((a - b).abs() <= 1e-13 * b.abs().max(1e-40), "{a} {b}");
            };
            let location = pairs[0].0;
            for exponent in [0.2, 1.0, 1.7, 20.0] {
                let wanted: f64 = pairs
                    .iter()
                    .map(|(x, p)| p * (x - location).abs().powf(exponent))
                    .sum();
                near(values.distances(location).power_sum(exponent), wanted);
            }
            for nu in [0.5, 3.0, 1000.0] {
                let (location, scale) = (location + 0.01, 0.07);
                let mut wanted = [0.0; 3];
                let mut tail = 0.0;
                for (x, p) in &pairs {
                    let d = x - location;
                    let w = p * (nu + 1.0) / (nu + (d / scale).powi(2));
                    wanted = [wanted[0] + w, wanted[1] + w * d, wanted[2] + w * d * d];
                    tail += p * ((d / scale).powi(2) / nu).ln_1p();
                }
                for (found, wanted) in values.student(nu, location, scale).iter().zip(wanted) {
                    assert!((found - wanted).abs() <= 1e-13 * wanted.abs().max(1e-3));
                }
                near(values.student_tail(nu, location, scale), tail);
            }
        }
        assert!(WeightedValues::new(&[]).distances(0.0).power_sum(2.0).abs() < 1e-300);
    }
}
