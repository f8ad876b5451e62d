//! How far apart the spectra of two random matrices are by chance: M·KS and M·W₁ between the
//! singular values of two independent Gaussian matrices of a shape, each on the scale of its own
//! median, as `compare` takes them.
//!
//! `cargo run --release --example spectra_null -- --draws 400 --sizes 32,64,128 --aspects 0.25,0.5,1`

use std::process::ExitCode;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::linalg::{Engine, Matrix, singular_values};
use randomlike::stats::laws::marchenko_pastur::MarchenkoPastur;
use randomlike::stats::{kolmogorov_smirnov, wasserstein};
use rayon::prelude::*;

const USAGE: &str = "spectra_null [--draws N] [--sizes M,M,...] [--aspects y,y,...] [--seed S]";

struct Options {
    draws: usize,
    sizes: Vec<usize>,
    aspects: Vec<f64>,
    seed: u64,
}

/// One draw: M·KS and M·W₁ of a pair.
type Draw = [f64; 2];

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("{} draws a shape, seed {}", options.draws, options.seed);
    println!("    M     y  pair M*KS  99 %   s.e.  pair M*W1  99 %   s.e.");
    for &m in &options.sizes {
        for &y in &options.aspects {
            let n = (m as f64 / y).round() as usize;
            let Some(draws) = draws(n, m, &options) else {
                eprintln!("no distances for {n} x {m}");
                return ExitCode::FAILURE;
            };
            let [ks, w1] = [0, 1].map(|i| sorted(&draws, i));
            let ((ks99, ks_error), (w99, w_error)) = (upper_point(&ks), upper_point(&w1));
            println!(
                "{m:5}  {y:4}  {:9.3} {ks99:6.3} {ks_error:6.3}  {:9.3} {w99:6.3} {w_error:6.3}",
                mean(&ks),
                mean(&w1)
            );
        }
    }
    ExitCode::SUCCESS
}

fn draws(n: usize, m: usize, options: &Options) -> Option<Vec<Draw>> {
    let law = MarchenkoPastur::new(m as f64 / n as f64)?;
    let spectrum = |stream: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(stream);
        let entries: Vec<f64> = (0..n * m)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect();
        let values = singular_values(Matrix::new(&entries, n, m)?, Engine::Faer).ok()?;
        // Descending values: the median is the middle one, or the mean of the two.
        let scale = law.median() / (0.5 * (values[(m - 1) / 2] + values[m / 2]));
        Some(values.iter().map(|s| s * scale).collect::<Vec<f64>>())
    };
    let count = m as f64;
    let pair = |i: u64| {
        let (a, b) = (spectrum(2 * i)?, spectrum(2 * i + 1)?);
        let distances = [kolmogorov_smirnov(&a, &b)?, wasserstein(&a, &b)?];
        Some(distances.map(|distance| count * distance))
    };
    (0..options.draws as u64)
        .into_par_iter()
        .map(pair)
        .collect()
}

fn sorted(draws: &[Draw], which: usize) -> Vec<f64> {
    let mut values: Vec<f64> = draws.iter().map(|draw| draw[which]).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The 99 % point and half the distance of the order statistics one standard deviation of the
/// rank, √(.99·.01·count), to either side.
fn upper_point(sorted: &[f64]) -> (f64, f64) {
    let count = sorted.len() as f64;
    let at = |rank: f64| sorted[rank.round().clamp(0.0, count - 1.0) as usize];
    let (middle, spread) = (0.99 * (count - 1.0), (0.99 * 0.01 * count).sqrt());
    (
        at(middle),
        0.5 * (at(middle + spread) - at(middle - spread)),
    )
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        draws: 400,
        sizes: vec![32, 64, 128],
        aspects: vec![0.25, 0.5, 1.0],
        seed: 1,
    };
    while let Some(name) = args.next() {
        let value = args.next()?;
        match name.as_str() {
            "--draws" => options.draws = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--sizes" => options.sizes = list(&value)?,
            "--aspects" => options.aspects = list(&value)?,
            _ => return None,
        }
    }
    let usable = options.draws > 1
        && options.sizes.iter().all(|&m| m > 1)
        && options.aspects.iter().all(|&y| y > 0.0 && y <= 1.0);
    usable.then_some(options)
}

fn list<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    text.split(',').map(|part| part.parse().ok()).collect()
}
