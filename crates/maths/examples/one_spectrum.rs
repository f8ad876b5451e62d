//! Singular values of one float32 matrix in a file of nothing but its entries, little-endian, row
//! by row; and a large float64 product, for the floor. One line of JSON, for `bench/spectrum.py`.
//!
//! `cargo run --release --example one_spectrum -- FILE ROWS COLUMNS --engine faer --product 4096`

use std::process::ExitCode;
use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike_maths::linalg::{Engine, Matrix, singular_values};
use serde_json::json;

const USAGE: &str = "one_spectrum FILE ROWS COLUMNS [--engine faer|lapack] [--product SIDE]";
/// The fastest of so many products counts.
const PRODUCTS: usize = 3;

struct Options {
    file: String,
    rows: usize,
    cols: usize,
    engine: Engine,
    product: usize,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match line(&options) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{}: {fault}", options.file);
            ExitCode::FAILURE
        }
    }
}

fn line(options: &Options) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let entries: Vec<f32> = std::fs::read(&options.file)?
        .chunks_exact(4)
        .filter_map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes))
        .collect();
    let matrix = Matrix::new(&entries, options.rows, options.cols);
    let matrix = matrix.ok_or("the entries do not fill the matrix")?;
    let start = Instant::now();
    let values = singular_values(matrix, options.engine)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({
        "engine": options.engine.name(),
        "seconds": seconds,
        "product": product(options.product),
        "values": values,
    }))
}

/// Seconds of the product of two normal squares, the fastest of some.
fn product(side: usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let square = Mat::<f64>::from_fn(side, side, |_, _| StandardNormal.sample(&mut rng));
    let mut result = Mat::<f64>::zeros(side, side);
    let par = faer::get_global_parallelism();
    let seconds = (0..PRODUCTS).map(|_| {
        let start = Instant::now();
        matmul(&mut result, Accum::Replace, &square, &square, 1.0, par);
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        file: arguments.next()?,
        rows: arguments.next()?.parse().ok()?,
        cols: arguments.next()?.parse().ok()?,
        engine: Engine::Faer,
        product: 4096,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match (name.as_str(), value.as_str()) {
            ("--engine", "faer") => options.engine = Engine::Faer,
            ("--engine", "lapack") => options.engine = Engine::Lapack,
            ("--product", side) => options.product = side.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}
