//! Where `MarchenkoPastur::ks_null_q99` comes from: M·KS of the singular values of Gaussian matrices to their
//! law, with the scale from the median, by shape.
//!
//! `cargo run --release --example ks_null -- --draws 400 --sizes 32,64,128 --aspects 0.25,0.5,1`

use std::process::ExitCode;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::linalg::{Engine, Matrix, singular_values};
use randomlike::stats::laws::marchenko_pastur::MarchenkoPastur;
use rayon::prelude::*;

const USAGE: &str = "ks_null [--draws N] [--sizes M,M,...] [--aspects y,y,...] [--seed S]";

struct Options {
    draws: usize,
    sizes: Vec<usize>,
    aspects: Vec<f64>,
    seed: u64,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("{} draws a shape, seed {}", options.draws, options.seed);
    println!("    M     y  mean M*KS   s.e.  99 % point   s.e.  formula");
    for &m in &options.sizes {
        for &y in &options.aspects {
            let n = (m as f64 / y).round() as usize;
            let law = MarchenkoPastur::new(m as f64 / n as f64);
            let distances = law.and_then(|law| Some((law, distances(law, n, m, &options)?)));
            let Some((law, distances)) = distances else {
                eprintln!("no distances for {n} x {m}");
                return ExitCode::FAILURE;
            };
            let (mean, mean_error) = mean(&distances);
            let (point, point_error) = upper_point(&distances);
            println!(
                "{m:5}  {y:4}  {mean:9.3}  {mean_error:5.3}  {point:10.3}  {point_error:5.3}  {:7.3}",
                m as f64 * law.ks_null_q99(m)
            );
        }
    }
    ExitCode::SUCCESS
}

/// M·KS of each draw, ascending; the result does not depend on the number of threads.
fn distances(law: MarchenkoPastur, n: usize, m: usize, options: &Options) -> Option<Vec<f64>> {
    let draw = |stream: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(stream);
        let entries: Vec<f64> = (0..n * m)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect();
        let values = singular_values(Matrix::new(&entries, n, m)?, Engine::Faer).ok()?;
        // Descending values: the median is the middle one, or the mean of the two.
        let median = 0.5 * (values[(m - 1) / 2] + values[m / 2]);
        let scale = law.median() / median;
        let scaled: Vec<f64> = values.iter().map(|s| s * scale).collect();
        Some(m as f64 * law.ks(&scaled))
    };
    let mut distances = (0..options.draws as u64)
        .into_par_iter()
        .map(draw)
        .collect::<Option<Vec<f64>>>()?;
    distances.sort_unstable_by(f64::total_cmp);
    Some(distances)
}

fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (square / (count * (count - 1.0))).sqrt())
}

/// The 99 % point and half the distance of the order statistics one standard deviation
/// of the rank, √(.99·.01·count), to either side.
fn upper_point(sorted: &[f64]) -> (f64, f64) {
    let count = sorted.len() as f64;
    let at = |rank: f64| {
        let rank = rank.clamp(0.0, count - 1.0);
        let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
        sorted[low] + rank.fract() * (sorted[high] - sorted[low])
    };
    let (middle, spread) = (0.99 * (count - 1.0), (0.99 * 0.01 * count).sqrt());
    let error = 0.5 * (at(middle + spread) - at(middle - spread));
    (at(middle), error)
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        draws: 1000,
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
