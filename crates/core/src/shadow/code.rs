//! Hidden codes and masks, each draw from a stream of its own.

use rand::{RngExt, seq::index};
use rand_chacha::ChaCha8Rng;

use super::ShadowPlan;
use randomlike_maths::random_streams::{Purpose, generator};

/// A hidden code h ≥ 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Code {
    /// Its coordinates.
    pub values: Vec<f32>,
    /// Positions of the positive ones, rising.
    pub support: Vec<usize>,
}

impl Code {
    /// A code of length m and norm 1: k positions, all alike; values uniform on [½, 1½], then
    /// scaled.
    ///
    /// The paper's eq. 6 asks for ‖h‖∞ ≤ O(√(ln N/k))·‖h‖: here ‖h‖∞ is at most 3/√k, and
    /// 1.44/√k on average.
    pub(super) fn sparse(rng: &mut ChaCha8Rng, m: usize, k: usize) -> Self {
        let mut support = index::sample(rng, m, k.min(m)).into_vec();
        support.sort_unstable();
        let drawn: Vec<f64> = support.iter().map(|_| 0.5 + rng.random::<f64>()).collect();
        let norm = drawn.iter().map(|v| v * v).sum::<f64>().sqrt();
        let mut values = vec![0.0; m];
        for (&at, value) in support.iter().zip(drawn) {
            values[at] = (value / norm) as f32;
        }
        Self { values, support }
    }

    /// The code with these coordinates, none of them negative.
    pub(super) fn from_values(values: Vec<f32>) -> Self {
        let support = (0..values.len()).filter(|&i| values[i] > 0.0).collect();
        Self { values, support }
    }

    /// ‖h‖².
    pub(super) fn square(&self) -> f64 {
        let at = |&i: &usize| f64::from(self.values[i]).powi(2);
        self.support.iter().map(at).sum()
    }
}

/// Which coordinates are kept, each with probability `share`.
pub(super) fn mask(rng: &mut ChaCha8Rng, length: usize, share: f64) -> Vec<bool> {
    (0..length).map(|_| rng.random::<f64>() < share).collect()
}

/// One draw: a code, and which coordinates of x are kept on the way down and up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draw {
    /// h, of length m and norm 1, k coordinates positive and the others zero.
    pub code: Code,
    /// ρ of the n coordinates are kept.
    pub down: Vec<bool>,
    /// q of the n coordinates are kept.
    pub up: Vec<bool>,
}

impl Draw {
    /// The draw of one layer from the stream of its own.
    pub(super) fn new(plan: &ShadowPlan, purpose: Purpose, index: u64, n: usize, m: usize) -> Self {
        let mut rng = generator(plan.seed, purpose, index);
        Self {
            code: Code::sparse(&mut rng, m, plan.k),
            down: mask(&mut rng, n, plan.rho),
            up: mask(&mut rng, n, plan.keep),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_sparse_positive_within_the_bound_and_seeded() {
        let plan = ShadowPlan {
            k: 30,
            ..ShadowPlan::default()
        };
        let draw = |index| Draw::new(&plan, Purpose::Scored, index, 1000, 400);
        let one = draw(0);
        assert_eq!(one.code.values.iter().filter(|&&h| h > 0.0).count(), 30);
        assert!(one.code.values.iter().all(|&h| h >= 0.0));
        let norm: f32 = one.code.values.iter().map(|h| h * h).sum();
        assert!((norm - 1.0).abs() < 1e-5 && (one.code.square() - 1.0).abs() < 1e-6);
        assert_eq!(Code::from_values(one.code.values.clone()), one.code);
        let largest = one.code.values.iter().copied().fold(0.0, f32::max);
        assert!(f64::from(largest) <= 3.0 / 30_f64.sqrt());
        let kept = one.down.iter().filter(|&&kept| kept).count();
        assert!((400..600).contains(&kept), "{kept}");
        assert_eq!(one, draw(0));
        assert_ne!(one.code.support, draw(1).code.support);
    }
}
