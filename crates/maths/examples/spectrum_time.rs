//! How long singular values take, and where: the Gram matrix of a seeded Gaussian square,
//! its eigenvalues by this crate and by faer's one-stage reduction (by OpenBLAS too with
//! the `lapack` feature), medians in seconds; and how far the routes are apart, as a share of
//! the largest eigenvalue.
//!
//! `cargo run --release --example spectrum_time -- --sizes 1024,2048,4096 --rounds 3`

use std::process::ExitCode;
use std::time::Instant;

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Side};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike_maths::linalg::{Engine, Matrix, symmetric_eigenvalues};

const USAGE: &str = "spectrum_time [--sizes N,N,...] [--rounds R] [--seed S]";

struct Options {
    sizes: Vec<usize>,
    rounds: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("    n    Gram  eigenvalues  one-stage   ratio  OpenBLAS  difference");
    for &size in &options.sizes {
        if row(size, &options).is_none() {
            eprintln!("no eigenvalues for {size}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Every round takes the routes one after the other, so that they share what else the
/// machine does; the ratio is the median of the rounds' ratios.
fn row(size: usize, options: &Options) -> Option<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let entries: Vec<f64> = (0..size * size)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect();
    let entries = MatRef::from_column_major_slice(&entries, size, size);
    let (mut grams, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ratios, mut lapack) = (Vec::new(), Vec::new());
    let mut apart = 0.0_f64;
    for _ in 0..options.rounds {
        let (gram, seconds) = timed(|| gram(entries));
        grams.push(seconds);
        // Column by column of the lower half is row by row of the upper.
        let packed: Vec<f64> = gram.col_iter().flat_map(|c| c.iter().copied()).collect();
        let of = |engine| symmetric_eigenvalues(Matrix::new(&packed, size, size)?, engine).ok();
        let (values, seconds) = timed(|| of(Engine::Faer));
        ours.push(seconds);
        let (mut other, seconds) = timed(|| gram.self_adjoint_eigenvalues(Side::Lower).ok());
        theirs.push(seconds);
        ratios.push(ours.last()? / seconds);
        other.as_mut()?.reverse();
        let values = values?;
        let mut compare = |other: &[f64]| {
            let gaps = values.iter().zip(other).map(|(a, b)| (a - b).abs());
            apart = apart.max(gaps.fold(0.0, f64::max) / values[0]);
        };
        compare(&other?);
        if Engine::Lapack.is_built() {
            let (other, seconds) = timed(|| of(Engine::Lapack));
            lapack.push(seconds);
            compare(&other?);
        }
    }
    let lapack = median(&mut lapack).map_or_else(|| "-".to_owned(), |s| format!("{s:.3}"));
    println!(
        "{size:5}  {:6.3}  {:11.3}  {:9.3}  {:6.2}  {lapack:>8}  {apart:10.1e}",
        median(&mut grams)?,
        median(&mut ours)?,
        median(&mut theirs)?,
        median(&mut ratios)?,
    );
    Some(())
}

/// The product, lower half, as the audit takes it.
fn gram(entries: MatRef<'_, f64>) -> Mat<f64> {
    let mut gram = Mat::zeros(entries.ncols(), entries.ncols());
    triangular::matmul(
        &mut gram,
        BlockStructure::TriangularLower,
        Accum::Replace,
        entries.transpose(),
        BlockStructure::Rectangular,
        entries,
        BlockStructure::Rectangular,
        1.0,
        faer::get_global_parallelism(),
    );
    gram
}

/// What `work` returns, and how many seconds it takes.
fn timed<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

fn median(seconds: &mut [f64]) -> Option<f64> {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        sizes: vec![1024, 2048, 4096],
        rounds: 3,
        seed: 1,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--sizes" => {
                let sizes: Result<_, _> = value.split(',').map(str::parse).collect();
                options.sizes = sizes.ok()?;
            }
            "--rounds" => options.rounds = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    (options.rounds > 0).then_some(options)
}
