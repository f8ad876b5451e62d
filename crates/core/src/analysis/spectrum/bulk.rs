//! How much of a spectrum is on the law, once values at both ends are set aside.
//!
//! A direction above the bulk is taken from both sides of the matrix, one below it from the
//! shorter side alone: a matrix of rank M − b is a random one of N × (M − b) times an embedding.
//! So what is left of a above and b below has the law of (N − a) × (M − a − b) entries, with the
//! scale from its own median. Directions that are zero to rounding are set aside first. It fits when KS, largest and smallest value all stay within what
//! chance reaches: three tests at [`LEVEL`] together.

use rayon::prelude::*;

use crate::audit::{Bulk, Unmeasured};
use randomlike_maths::nulls::{Ensemble, Null, NullStatistic, Shape, fit};
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;

/// Independent entries fail one of the three tests this rarely.
const LEVEL: f64 = 0.01;
/// What is left says nothing when it is less than this.
pub const FEWEST_IN_A_BULK: usize = 32;
/// Least share of the values that is called a bulk: a few neighbours look like a part of any law.
const LEAST: f64 = 0.1;
/// Share of σ₁ up to which a value is zero to the rounding of 24 bits.
const LOST: f64 = 1e-7;
/// Splits of a number of values between the two ends that are tried.
const SPLITS: usize = 16;

/// Values set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Aside {
    above: usize,
    below: usize,
}

/// What is left fits, or how far it is from that: KS in units of its limit.
struct Fit {
    fits: bool,
    distance: f64,
}

/// A descending spectrum and its null.
struct Spectrum<'a> {
    values: &'a [f64],
    shape: Shape,
    ensemble: Ensemble,
    excess_kurtosis: f64,
    /// Values that are zero to rounding.
    lost: usize,
}

/// The part of descending `values` that fits with the fewest values set aside, on a grid of their
/// number in steps of a quarter, then by bisection; nothing when no [`FEWEST_IN_A_BULK`] values fit.
pub(super) fn largest(
    values: &[f64],
    shape: Shape,
    ensemble: Ensemble,
    excess_kurtosis: f64,
) -> Result<Bulk, Unmeasured> {
    let floor = LOST * values.first().copied().unwrap_or(0.0);
    let lost = values.iter().rev().take_while(|&&s| s <= floor).count();
    let spectrum = Spectrum {
        values,
        shape,
        ensemble,
        excess_kurtosis,
        lost,
    };
    let least = FEWEST_IN_A_BULK.max((LEAST * shape.m as f64).ceil() as usize);
    let none = || Unmeasured::NoBulk { minimum: least };
    let kept = shape.m - lost;
    if kept < FEWEST_IN_A_BULK {
        return Err(Unmeasured::TooFewValues {
            minimum: FEWEST_IN_A_BULK,
        });
    }
    let most = kept.checked_sub(least).ok_or_else(none)?;
    let (mut failed, mut count) = (None, 0);
    let mut found = loop {
        match spectrum.split(count) {
            Some(aside) => break aside,
            None if count == most => return Err(none()),
            None => {
                failed = Some(count);
                count = (count + 1).max(count * 5 / 4).min(most);
            }
        }
    };
    let mut low = failed.map_or(count, |failed| failed + 1);
    let mut high = count;
    while low < high {
        let middle = low.midpoint(high);
        if let Some(aside) = spectrum.split(middle) {
            (found, high) = (aside, middle);
        } else {
            low = middle + 1;
        }
    }
    spectrum.facts(found).ok_or_else(none)
}

impl Spectrum<'_> {
    /// How to set `count` values aside, beside those that are lost, so that the rest fits.
    fn split(&self, count: usize) -> Option<Aside> {
        let steps = SPLITS.min(count).max(1);
        let coarse = (0..=steps.min(count)).map(|i| count * i / steps).collect();
        let (best, fit) = self.best(count, coarse)?;
        if fit.fits {
            return Some(best);
        }
        let step = count / steps;
        if step < 2 {
            return None;
        }
        let from = best.above.saturating_sub(step);
        let to = (best.above + step).min(count);
        let fine = (from..=to).step_by(1.max(step / 4)).collect();
        let (best, fit) = self.best(count, fine)?;
        fit.fits.then_some(best)
    }

    /// The first split that fits, or the nearest to it.
    fn best(&self, count: usize, above: Vec<usize>) -> Option<(Aside, Fit)> {
        let fits: Vec<(Aside, Fit)> = above
            .into_par_iter()
            .filter_map(|above| {
                let aside = Aside {
                    above,
                    below: self.lost + count - above,
                };
                Some((aside, self.fit(aside)?))
            })
            .collect();
        let order = |(_, a): &(Aside, Fit), (_, b): &(Aside, Fit)| {
            b.fits.cmp(&a.fits).then(a.distance.total_cmp(&b.distance))
        };
        fits.into_iter().min_by(order)
    }

    fn rest(&self, aside: Aside) -> Option<(&[f64], Shape)> {
        let m = self.shape.m.checked_sub(aside.above + aside.below)?;
        let shape = Shape::new(self.shape.n - aside.above, m)?;
        Some((&self.values[aside.above..self.shape.m - aside.below], shape))
    }

    fn fit(&self, aside: Aside) -> Option<Fit> {
        let (rest, shape) = self.rest(aside)?;
        let (_, [ks, top, bottom]) = fit(rest, shape)?;
        let null = Null::of(self.ensemble, shape, self.excess_kurtosis)?;
        let each = LEVEL / 3.0;
        let by_chance = |figure, value| null.p(figure, value) >= each;
        let fits = by_chance(NullStatistic::KsMedian, ks)
            && by_chance(NullStatistic::Top, top)
            && by_chance(NullStatistic::Bottom, bottom);
        let distance = ks / null.limits(NullStatistic::KsMedian).1?;
        Some(Fit { fits, distance })
    }

    fn facts(&self, aside: Aside) -> Option<Bulk> {
        let (rest, shape) = self.rest(aside)?;
        let (sigma, [ks, _, _]) = fit(rest, shape)?;
        let null = Null::of(self.ensemble, shape, self.excess_kurtosis)?;
        let m = shape.m as f64;
        let law = MarchenkoPastur::new(m / shape.n as f64)?;
        let unit = sigma * (shape.n as f64).sqrt();
        let square = |values: &[f64]| values.iter().fold(0.0, |sum, s| sum + s * s);
        let total = square(self.values);
        let Aside { above, below } = aside;
        Some(Bulk {
            above,
            below,
            share: m / self.shape.m as f64,
            sigma,
            edge_lower: unit * law.lower(),
            edge_upper: unit * law.upper(),
            ks: ks / m,
            ks_null_q99: null.limits(NullStatistic::KsMedian).1? / m,
            p: null.p(NullStatistic::KsMedian, ks),
            energy: square(rest) / total,
            energy_above: square(&self.values[..above]) / total,
            energy_below: square(&self.values[self.shape.m - below..]) / total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use randomlike_maths::linalg::{Engine, Matrix, singular_values};
    use randomlike_maths::nulls::Marginal;

    const N: usize = 300;
    const M: usize = 150;

    fn bulk_of(entries: &[f64]) -> Result<Bulk, Unmeasured> {
        let values = singular_values(Matrix::new(entries, N, M).unwrap(), Engine::Faer).unwrap();
        largest(&values, Shape { n: N, m: M }, Ensemble::Independent, 0.0)
    }

    fn gaussian(seed: u64) -> Vec<f64> {
        Marginal::Normal.draw(N * M, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// `count` orthogonal directions of singular value `theta` on top of noise of sd 1.
    fn spiked(seed: u64, count: usize, theta: f64) -> Vec<f64> {
        let mut entries = gaussian(seed);
        for spike in 0..count {
            for row in 0..N {
                // Walsh-like signs on blocks: rank one, orthogonal to the others.
                let sign = if (row >> spike) & 1 == 0 { 1.0 } else { -1.0 };
                for col in 0..128 {
                    let other = if (col >> spike) & 1 == 0 { 1.0 } else { -1.0 };
                    entries[row * M + col] += theta * sign * other / ((N * 128) as f64).sqrt();
                }
            }
        }
        entries
    }

    // Three tests at 1 % together: of 40 random matrices 4 would be a chance of 1 in 1300.
    #[test]
    fn all_of_a_random_matrix_fits() {
        let whole = (0..40).filter(|&seed| bulk_of(&gaussian(seed)).unwrap().share > 0.999);
        assert!(whole.count() >= 37);
    }

    // The signals are 2.5 times s(NM)^¼, the threshold of visibility: σ² = (1 + θ²)(y + θ²)/θ²
    // with θ² = 6.25·√y, and the rest is a random matrix.
    #[test]
    fn spikes_are_set_aside_and_counted() {
        let theta = 2.5 * (N as f64 * M as f64).powf(0.25);
        for count in [1, 4] {
            let bulk = bulk_of(&spiked(7, count, theta)).unwrap();
            assert_eq!((bulk.above, bulk.below), (count, 0));
            assert!((bulk.sigma - 1.0).abs() < 0.02, "{}", bulk.sigma);
            let t = 6.25 * 0.5_f64.sqrt();
            let spike = N as f64 * (1.0 + t) * (0.5 + t) / t;
            let expected = count as f64 * spike;
            let share = expected / (expected + (N * M) as f64);
            assert!((bulk.energy_above / share - 1.0).abs() < 0.15);
            let sum = bulk.energy + bulk.energy_above + bulk.energy_below;
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }

    // A matrix of 300×(150 − b) beside b columns of zeros.
    #[test]
    fn lost_directions_are_set_aside_below() {
        for lost in [30, 74] {
            let mut entries = gaussian(3);
            for row in entries.chunks_mut(M) {
                row[M - lost..].fill(0.0);
            }
            let bulk = bulk_of(&entries).unwrap();
            assert_eq!((bulk.above, bulk.below), (0, lost));
            assert!((bulk.sigma - 1.0).abs() < 0.02, "{}", bulk.sigma);
        }
    }

    // Values on a straight line are on no such law; a middle part of them may be.
    #[test]
    fn a_line_is_no_bulk() {
        let values: Vec<f64> = (1..=400).rev().map(f64::from).collect();
        let of = |values: &[f64], n: usize| {
            largest(
                values,
                Shape { n, m: values.len() },
                Ensemble::Independent,
                0.0,
            )
        };
        let share = of(&values, 400).map_or(0.0, |bulk| bulk.share);
        assert!(share < 0.6, "{share}");
        assert!(of(&values[..20], 40).is_err());
    }
}
