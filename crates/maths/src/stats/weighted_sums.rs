//! Sums over weighted values of powers, logarithms and Student weights: what the fits of
//! [`super::families`] ask for a hundred times each. The Student weights are those of Lange, Little &
//! Taylor (1989).
//!
//! Terms are added in [`LANES`] sums, whatever the width of the processor's vectors.
#![allow(
    clippy::inline_always,
    reason = "vector code arises only where a loop is inlined into what `pulp` dispatches"
)]

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
        let logarithms = self.values.iter().map(|x| (x - location).abs().ln());
        Distances {
            logarithms: logarithms.collect(),
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
        let (unit, share) = (1.0 / scale, 1.0 / nu);
        let tail = |x: f64| {
            let z = (x - location) * unit;
            (z * z * share).ln_1p()
        };
        in_lanes(&self.shares, &self.values, tail)
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
        let power = |logarithm: f64| (exponent * logarithm).exp();
        in_lanes(self.shares, &self.logarithms, power)
    }
}

/// Σ p·f(x), in lanes.
fn in_lanes(shares: &[f64], entries: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut sum = [0.0; LANES];
    let (entries, _) = entries.as_chunks::<LANES>();
    let (shares, _) = shares.as_chunks::<LANES>();
    for (entries, shares) in entries.iter().zip(shares) {
        for ((sum, entry), share) in sum.iter_mut().zip(entries).zip(shares) {
            *sum += share * term(*entry);
        }
    }
    sum.iter().sum()
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
