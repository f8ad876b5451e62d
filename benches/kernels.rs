//! What most of the time of an audit goes into, kernel by kernel, on seeded matrices.
//!
//! `cargo bench`, or `cargo bench -- gram` for one. docs/performance.md says what each costs in
//! theory.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use half::bf16;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::linalg::{Engine, Lanczos, Matrix, singular_values, symmetric_eigenvalues};
use randomlike::nulls::{Null, Shape};
use randomlike::stats::laws::marchenko_pastur::MarchenkoPastur;
use randomlike::stats::{Family, GaussianDistance, Sample};

fn main() {
    divan::main();
}

fn normal(count: usize) -> Vec<f32> {
    let rng = ChaCha8Rng::seed_from_u64(1);
    StandardNormal.sample_iter(rng).take(count).collect()
}

fn matrix<T>(entries: &[T], rows: usize, cols: usize) -> Matrix<'_, T> {
    Matrix::new(entries, rows, cols).expect("the entries fill the matrix")
}

/// So tall that the eigenvalues of the Gram matrix take a hundredth of it: n·m² operations.
#[divan::bench(args = [64, 128, 256], sample_count = 10)]
fn gram(bencher: Bencher<'_, '_>, m: usize) {
    let n = 1 << 16;
    let entries = normal(n * m);
    bencher
        .counter(BytesCount::of_slice(&entries))
        .bench_local(|| singular_values(black_box(matrix(&entries, n, m)), Engine::Faer));
}

/// One stage below 512, two from there on: 4m³/3 operations for the reduction.
#[divan::bench(args = [64, 256, 512, 1024], sample_count = 10)]
fn eigenvalues(bencher: Bencher<'_, '_>, m: usize) {
    let half: Vec<f64> = normal(m * m).into_iter().map(f64::from).collect();
    bencher.bench_local(|| symmetric_eigenvalues(black_box(matrix(&half, m, m)), Engine::Faer));
}

/// Sorting the entries and their moments.
#[divan::bench(args = [1 << 12, 1 << 20, 1 << 24], sample_count = 10)]
fn sample_of_32_bits(bencher: Bencher<'_, '_>, count: usize) {
    let entries = normal(count);
    bencher
        .counter(BytesCount::of_slice(&entries))
        .bench_local(|| Sample::from_f32(black_box(&entries)));
}

/// Counting the entries and their moments.
#[divan::bench(args = [1 << 12, 1 << 20, 1 << 24], sample_count = 10)]
fn sample_of_16_bits(bencher: Bencher<'_, '_>, count: usize) {
    let entries: Vec<bf16> = normal(count).into_iter().map(bf16::from_f32).collect();
    bencher
        .counter(BytesCount::of_slice(&entries))
        .bench_local(|| Sample::from_bf16(black_box(&entries)));
}

/// Distances of a sorted sample to its normal law.
#[divan::bench(args = [1 << 12, 1 << 20], sample_count = 10)]
fn distance_to_normal(bencher: Bencher<'_, '_>, count: usize) {
    let sample = Sample::from_f32(&normal(count)).expect("there are entries");
    bencher.bench_local(|| GaussianDistance::measure(black_box(&sample)));
}

/// Five families by likelihood, on at most 65,536 values.
#[divan::bench(args = [1 << 12, 1 << 20], sample_count = 10)]
fn families(bencher: Bencher<'_, '_>, count: usize) {
    let sample = Sample::from_f32(&normal(count)).expect("there are entries");
    bencher.bench_local(|| Family::fit(black_box(&sample)));
}

/// Between the rows of the tables, which are read before the first.
#[divan::bench]
fn null(bencher: Bencher<'_, '_>) {
    let shape = Shape::new(300, 200).expect("no side is zero");
    let _ = Null::at(shape, 1.0);
    bencher.bench_local(|| Null::at(black_box(shape), black_box(1.0)));
}

/// The largest singular value: some fifty passes through the matrix.
#[divan::bench(args = [512, 1024, 2048], sample_count = 10)]
fn lanczos_top(bencher: Bencher<'_, '_>, side: usize) {
    let entries = normal(side * side);
    bencher.bench_local(|| Lanczos::new(black_box(matrix(&entries, side, side)), 1).top(1));
}

/// Every value through the law's distribution function.
#[divan::bench(args = [64, 512, 4096])]
fn ks_to_the_law(bencher: Bencher<'_, '_>, m: usize) {
    let law = MarchenkoPastur::new(0.5).expect("an aspect between 0 and 1");
    let at = |i: usize| law.quantile(1.0 - (i as f64 + 0.5) / m as f64);
    let values: Vec<f64> = (0..m).map(at).collect();
    bencher.bench_local(|| law.ks(black_box(&values)));
}
