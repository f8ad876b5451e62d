//! Hidden codes and masks, each draw from a stream of its own.

use rand::{RngExt, SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

use super::Plan;

/// What the streams of one seed are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Draws that are scored.
    Scored = 0,
    /// Draws the constant bias is chosen on.
    Calibration = 1,
    /// Entries of a control.
    Control = 2,
}

/// The generator of draw `index`.
pub(super) fn generator(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 40 | index);
    rng
}

/// One draw: a code, and which coordinates of x are kept on the way down and up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draw {
    /// h, of length m and norm 1, k coordinates positive and the others zero.
    pub code: Vec<f32>,
    /// Positions of the positive coordinates, rising.
    pub support: Vec<usize>,
    /// ρ of the n coordinates are kept.
    pub down: Vec<bool>,
    /// q of the n coordinates are kept.
    pub up: Vec<bool>,
}

impl Draw {
    /// k positions, all alike; values uniform on [½, 1½], then scaled to norm 1.
    ///
    /// The paper's eq. 6 asks for ‖h‖∞ ≤ O(√(ln N/k))·‖h‖: here ‖h‖∞ is at most 3/√k, and
    /// 1.44/√k on average.
    pub(super) fn new(plan: &Plan, purpose: Purpose, index: u64, n: usize, m: usize) -> Self {
        let mut rng = generator(plan.seed, purpose, index);
        let mut support = index::sample(&mut rng, m, plan.k.min(m)).into_vec();
        support.sort_unstable();
        let values: Vec<f64> = support.iter().map(|_| 0.5 + rng.random::<f64>()).collect();
        let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let mut code = vec![0.0; m];
        for (&at, value) in support.iter().zip(values) {
            code[at] = (value / norm) as f32;
        }
        let mut mask = |share: f64| (0..n).map(|_| rng.random::<f64>() < share).collect();
        Self {
            code,
            support,
            down: mask(plan.rho),
            up: mask(plan.keep),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_sparse_positive_within_the_bound_and_seeded() {
        let plan = Plan {
            k: 30,
            ..Plan::default()
        };
        let draw = |index| Draw::new(&plan, Purpose::Scored, index, 1000, 400);
        let one = draw(0);
        assert_eq!(one.code.iter().filter(|&&h| h > 0.0).count(), 30);
        assert!(one.code.iter().all(|&h| h >= 0.0));
        let norm: f32 = one.code.iter().map(|h| h * h).sum();
        assert!((norm - 1.0).abs() < 1e-5);
        let largest = one.code.iter().copied().fold(0.0, f32::max);
        assert!(f64::from(largest) <= 3.0 / 30_f64.sqrt());
        let kept = one.down.iter().filter(|&&kept| kept).count();
        assert!((400..600).contains(&kept), "{kept}");
        assert_eq!(one, draw(0));
        assert_ne!(one.support, draw(1).support);
    }
}
