//! Published facts of random matrices on our own road from entries to figures. Those of one
//! function alone are tested beside it: Tracy–Widom quantiles in `stats/laws/tracy_widom.rs`, the
//! level ratios of GOE and Poisson in `stats/spacings.rs`, Porter–Thomas in
//! `stats/porter_thomas.rs`, Edelman's smallest value in `nulls/draws.rs`.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use randomlike::linalg::{Matrix, singular_vectors};
use randomlike::nulls::Marginal;

const N: usize = 600;
const M: usize = 300;

/// Mean σ₁/√N and squared overlaps with the planted direction, N side and M side, over ten
/// seeded draws of noise of sd 1 and a direction of strength θ√N in the first row and column.
fn spiked(theta: f64) -> [f64; 3] {
    let mut mean = [0.0; 3];
    for seed in 0..10 {
        let mut entries = Marginal::Normal.draw(N * M, &mut ChaCha8Rng::seed_from_u64(seed));
        entries[0] += theta * (N as f64).sqrt();
        let top = singular_vectors(Matrix::new(&entries, N, M).unwrap(), &[0]).unwrap();
        let found = [
            top[0].value / (N as f64).sqrt(),
            top[0].left[0].powi(2),
            top[0].right[0].powi(2),
        ];
        for (mean, found) in mean.iter_mut().zip(found) {
            *mean += found / 10.0;
        }
    }
    mean
}

// docs/theory.md §3 (Benaych-Georges & Nadakuditi 2012, theorems 2.9 and 2.10 with c = y): θ
// above y^¼ puts σ₁/√N at √((1 + θ²)(y + θ²))/θ and gives squared overlaps
// 1 − (y + θ²)/(θ²(θ²+1)) on the long side and 1 − y(1 + θ²)/(θ²(θ²+y)) on the short one. Their
// fluctuations are of order N^(−1/2) = .04, and ten draws have a third of it.
#[test]
fn where_a_spike_goes_and_how_much_of_it_is_seen() {
    let y = 0.5_f64;
    for times in [1.5, 2.0, 3.0] {
        let theta = times * y.powf(0.25);
        let square = theta * theta;
        let expected = [
            ((1.0 + square) * (y + square)).sqrt() / theta,
            1.0 - (y + square) / (square * (square + 1.0)),
            1.0 - y * (1.0 + square) / (square * (square + y)),
        ];
        let found = spiked(theta);
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 0.04,
                "{times}: {found} {expected}"
            );
        }
    }
}

// Below the threshold the largest value stays at the edge 1 + √y and its vectors know nothing.
#[test]
fn below_the_threshold_nothing_is_seen() {
    let [value, left, right] = spiked(0.5 * 0.5_f64.powf(0.25));
    assert!((value - 1.0 - 0.5_f64.sqrt()).abs() < 0.02, "{value}");
    assert!(left < 0.05 && right < 0.05, "{left} {right}");
}
