//! What the components of a random unit vector look like (Porter & Thomas 1956).
//!
//! A vector drawn evenly from the sphere in n dimensions has components √n·vᵢ ~ N(0, 1); the
//! singular vectors of a Gaussian matrix are such. docs/theory.md §3.

use super::laws::normal;

/// √n·KS that one random vector in 20 passes; below Kolmogorov's 1.358, as the length of the
/// vector is given. `examples/vector_null.rs` finds 1.26 at n = 3, 1.31 at 64 and 1.33 at 1024.
pub const KS_Q95: f64 = 1.31;
/// √n·KS that one random vector in 100 passes: 1.48 at n = 5, 1.58 at 64, 1.60 at 1024.
pub const KS_Q99: f64 = 1.61;

/// √n·sup|F − Φ|, F the distribution of √n·vᵢ over a vector of length 1. The sign of v does
/// not matter.
pub fn ks(vector: &[f64]) -> f64 {
    let n = vector.len() as f64;
    let mut sorted = vector.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let distance = |(i, v): (usize, &f64)| {
        let (law, below) = (normal::cdf(n.sqrt() * v), i as f64 / n);
        f64::max(law - below, below + 1.0 / n - law)
    };
    let largest = sorted.iter().enumerate().map(distance).fold(0.0, f64::max);
    n.sqrt() * largest
}

/// Inverse participation ratio Σv⁴ of a vector of length 1.
pub fn participation(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v.powi(4)).sum()
}

/// Mean and standard deviation of Σv⁴ on the sphere in n dimensions: 3/(n + 2), and the root of
/// 24(n − 1)/((n + 2)²(n + 4)(n + 6)), which is √24·n^(−3/2) for large n. From E v⁸ =
/// 105/(n(n + 2)(n + 4)(n + 6)) and E v⁴w⁴ = 9/(n(n + 2)(n + 4)(n + 6)).
pub fn participation_null(n: usize) -> (f64, f64) {
    let n = n as f64;
    let variance = 24.0 * (n - 1.0) / ((n + 2.0).powi(2) * (n + 4.0) * (n + 6.0));
    (3.0 / (n + 2.0), variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn unit(rng: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
        let v: Vec<f64> = (0..n).map(|_| StandardNormal.sample(rng)).collect();
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.iter().map(|x| x / length).collect()
    }

    // 2000 vectors: 100 ± 10 and 20 ± 4.5 are expected; four standard deviations.
    #[test]
    fn random_vectors_pass_the_limits_at_their_rates() {
        for n in [64, 500] {
            let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
            let all: Vec<f64> = (0..2000).map(|_| ks(&unit(&mut rng, n))).collect();
            let beyond = |limit: f64| all.iter().filter(|&&ks| ks > limit).count();
            let (at_95, at_99) = (beyond(KS_Q95), beyond(KS_Q99));
            assert!(
                (60..=140).contains(&at_95),
                "{n}: {at_95} beyond the 95 % point"
            );
            assert!(
                (4..=40).contains(&at_99),
                "{n}: {at_99} beyond the 99 % point"
            );
        }
    }

    // 2000 vectors know a standard deviation to 2 %, somewhat less for the tails of Σv⁴.
    #[test]
    fn participation_of_random_vectors() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let all: Vec<f64> = (0..2000)
            .map(|_| participation(&unit(&mut rng, 400)))
            .collect();
        let mean = all.iter().sum::<f64>() / 2000.0;
        let std = (all.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
        let (null, spread) = participation_null(400);
        assert!(
            (mean - null).abs() < 4.0 * spread / 2000_f64.sqrt(),
            "{mean}"
        );
        assert!((std / spread - 1.0).abs() < 0.1, "{std} {spread}");
        let leading = 24_f64.sqrt() * 1e6_f64.powf(-1.5);
        assert!((participation_null(1_000_000).1 / leading - 1.0).abs() < 1e-4);
        // On the circle v⁴ + w⁴ = ¾ + ¼cos 4φ.
        let (mean, spread) = participation_null(2);
        assert!((mean - 0.75).abs() < 1e-12 && (spread - 0.25 / 2_f64.sqrt()).abs() < 1e-12);
    }

    // (1, 0, 0, 0): √n·v = 2, 0, 0, 0; F jumps from 0 to ¾ at 0, where Φ is ½. Alike components
    // of ½: √n·v = 1, F jumps from 0 to 1 where Φ(1) = .841345 (Abramowitz & Stegun).
    #[test]
    fn by_hand() {
        assert!((ks(&[1.0, 0.0, 0.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((ks(&[0.5; 4]) - 2.0 * 0.841_344_746).abs() < 1e-8);
        assert!((ks(&[-0.5; 4]) - 2.0 * 0.841_344_746).abs() < 1e-8);
        assert!((participation(&[0.6, 0.0, -0.8]) - 0.539_2).abs() < 1e-12);
        assert!((participation(&[1.0, 0.0, 0.0]) - 1.0).abs() < 1e-12);
    }

    // A vector on 10 of 400 units, and one of two signs only.
    #[test]
    fn what_is_not_random_passes_far_beyond() {
        let mut local = vec![0.0; 400];
        local[..10].fill(0.1_f64.sqrt());
        let (null, spread) = participation_null(400);
        assert!((participation(&local) - 0.1).abs() < 1e-12 && 0.1 > null + 50.0 * spread);
        assert!(ks(&local) > 3.0 * KS_Q99);
        let signs: Vec<f64> = (0..400)
            .map(|i| if i % 2 == 0 { 0.05 } else { -0.05 })
            .collect();
        assert!(ks(&signs) > 3.0 * KS_Q99);
    }
}
