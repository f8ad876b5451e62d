//! √n·KS and Σv⁴ of random unit vectors by their length: what `stats::porter_thomas` holds
//! singular vectors against. `cargo run --release --example vector_null -- [VECTORS] [SEED]`.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::stats::porter_thomas::{ks, participation, participation_null};
use rayon::prelude::*;

const LENGTHS: [usize; 11] = [2, 3, 5, 8, 12, 16, 32, 64, 256, 1024, 4096];

fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map_while(|a| a.parse().ok())
        .collect();
    let count = numbers.first().copied().unwrap_or(40_000);
    let seed = numbers.get(1).copied().unwrap_or(1);
    println!("n, q50, q95, q99 of √n·KS, mean and sd of Σv⁴ over its null's; {count} vectors");
    for n in LENGTHS {
        let draw = |i: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(i);
            let v: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut rng)).collect();
            let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let v: Vec<f64> = v.iter().map(|x| x / length).collect();
            (ks(&v), participation(&v))
        };
        let all: Vec<(f64, f64)> = (0..count).into_par_iter().map(draw).collect();
        let mut distances: Vec<f64> = all.iter().map(|d| d.0).collect();
        distances.sort_unstable_by(f64::total_cmp);
        let at = |p: f64| distances[(p * count as f64) as usize];
        let mean = all.iter().map(|d| d.1).sum::<f64>() / count as f64;
        let square = all.iter().map(|d| (d.1 - mean).powi(2)).sum::<f64>() / count as f64;
        let (null, spread) = participation_null(n);
        println!(
            "{n}, {:.3}, {:.3}, {:.3}, {:.4}, {:.3}",
            at(0.5),
            at(0.95),
            at(0.99),
            mean / null,
            square.sqrt() / spread
        );
    }
}
