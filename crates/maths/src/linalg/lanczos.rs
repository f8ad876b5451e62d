//! The largest singular values of a dense matrix, without its spectrum.
//!
//! Lanczos (1950) on AᵀA, whose product with a vector takes one pass through A, with full
//! reorthogonalisation, twice a step (Giraud et al. 2005). After j steps the eigenvalues θ of
//! the j×j tridiagonal matrix T are at most as large as the true ones of the same rank, and an
//! eigenvalue of AᵀA lies within β_j·|s_j| of each, s the eigenvector of T (Parlett 1980, §13.2).
//! From a random start σ₁ is missed with a probability that falls as exp(−2j√ε), ε the share
//! of λ₁ that is missed (Kuczyński & Woźniakowski 1992, theorem 4.1).
//!
//! A value that is there several times may be found fewer times, never more often.

mod pass;

use faer::Mat;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::faer_engine::eigen;
use super::{Matrix, SpectrumError};

/// A pass is cut into this many parts whatever the number of threads.
const PARTS: usize = 16;
/// Entries that are multiplied together.
const LANES: usize = 8;
/// Share of λ₁ to which products are right: [`pass`] adds chains of some 150 terms in single
/// precision, whose roundings, as random as signs are, come to its root times 2⁻²⁴.
const ROUNDING: f64 = 16.0 * f32::EPSILON as f64;
/// Share of σ₁ within which a value is known to be; found it is to some 1e-6, the square.
const TOLERANCE: f64 = 3e-4;
/// Most steps: each keeps a vector as long as a row.
const MOST: usize = 400;
/// Steps between two looks at T.
const LOOK: usize = 6;

/// The largest singular values of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// Descending, in the units of the entries.
    pub values: Vec<f64>,
    /// Each lies within this distance of a singular value.
    pub error: f64,
    /// Passes through the matrix.
    pub steps: usize,
}

/// Lanczos steps taken so far, to go on from.
pub struct Lanczos<'a, F = fn(f32) -> f32> {
    matrix: Matrix<'a, f32>,
    /// What an entry stands for, where that is not itself.
    entry: Option<F>,
    rng: ChaCha8Rng,
    /// Orthonormal; the last is the one to be multiplied next.
    basis: Vec<Vec<f64>>,
    /// Diagonal of T.
    alpha: Vec<f64>,
    /// Below the diagonal of T, and the length of what was left at the last step.
    beta: Vec<f64>,
}

impl<'a> Lanczos<'a> {
    /// Starts from a random vector of this seed.
    pub fn new(matrix: Matrix<'a, f32>, seed: u64) -> Self {
        Self::start(matrix, None, seed)
    }
}

impl<'a, F: Fn(f32) -> f32 + Sync> Lanczos<'a, F> {
    /// The same for a matrix of what `entry` makes of the entries, without a copy of all.
    pub fn changed(matrix: Matrix<'a, f32>, entry: F, seed: u64) -> Self {
        Self::start(matrix, Some(entry), seed)
    }

    fn start(matrix: Matrix<'a, f32>, entry: Option<F>, seed: u64) -> Self {
        let mut lanczos = Self {
            matrix,
            entry,
            rng: ChaCha8Rng::seed_from_u64(seed),
            basis: Vec::new(),
            alpha: Vec::new(),
            beta: Vec::new(),
        };
        let start = lanczos.fresh();
        lanczos.basis.extend(start);
        lanczos
    }

    /// The `count` largest values, or all where there are fewer, each to 3e-4 of the largest
    /// unless that takes more than 400 steps; what they are within is stated.
    ///
    /// # Errors
    /// When products leave the range of numbers.
    pub fn top(&mut self, count: usize) -> Result<Top, SpectrumError> {
        let count = count.min(self.matrix.rows).min(self.matrix.cols);
        loop {
            let top = self.ritz(count)?;
            let largest = top.values.first().copied().unwrap_or(0.0);
            let found = top.values.len() == count && top.error <= TOLERANCE * largest;
            if found || self.steps() >= MOST || self.is_exhausted() {
                return Ok(top);
            }
            for _ in 0..LOOK {
                if !self.is_exhausted() {
                    self.step();
                }
            }
        }
    }

    fn steps(&self) -> usize {
        self.alpha.len()
    }

    /// Whether the basis spans the whole space.
    fn is_exhausted(&self) -> bool {
        self.basis.len() == self.steps()
    }

    fn step(&mut self) {
        let mut next = self.product(&self.basis[self.steps()]);
        self.alpha.push(dot(&self.basis[self.steps()], &next));
        self.orthogonalise(&mut next);
        let length = norm(&next);
        // What is left of nothing is rounding.
        let floor = ROUNDING * self.largest_of_t();
        if length > floor && self.basis.len() < self.matrix.cols {
            scale(&mut next, 1.0 / length);
            self.beta.push(length);
            self.basis.push(next);
        } else {
            // The vectors so far span a part that A keeps to itself: another part begins.
            self.beta.push(0.0);
            let fresh = self.fresh();
            self.basis.extend(fresh);
        }
    }

    fn largest_of_t(&self) -> f64 {
        let entries = self.alpha.iter().chain(&self.beta);
        entries.fold(0.0, |most, &x| f64::max(most, x.abs()))
    }

    /// A random unit vector at right angles to the basis; nothing when that spans everything.
    fn fresh(&mut self) -> Option<Vec<f64>> {
        if self.basis.len() >= self.matrix.cols {
            return None;
        }
        let draw = |_| StandardNormal.sample(&mut self.rng);
        let mut vector: Vec<f64> = (0..self.matrix.cols).map(draw).collect();
        self.orthogonalise(&mut vector);
        let length = norm(&vector);
        scale(&mut vector, 1.0 / length);
        Some(vector)
    }

    /// Twice, by the rule that twice is enough.
    fn orthogonalise(&self, vector: &mut [f64]) {
        for _ in 0..2 {
            for other in &self.basis {
                let share = dot(other, vector);
                vector
                    .iter_mut()
                    .zip(other)
                    .for_each(|(x, b)| *x -= share * b);
            }
        }
    }

    /// AᵀA·v.
    fn product(&self, v: &[f64]) -> Vec<f64> {
        let Matrix {
            entries,
            rows,
            cols,
        } = self.matrix;
        let v: Vec<f32> = v.iter().map(|&x| x as f32).collect();
        let part = rows.div_ceil(PARTS).next_multiple_of(pass::ROWS) * cols;
        let parts: Vec<Vec<f64>> = entries
            .par_chunks(part.max(1))
            .map(|rows| pass::sum(rows, self.entry.as_ref(), &v))
            .collect();
        let mut product = vec![0.0; cols];
        for part in parts {
            product.iter_mut().zip(part).for_each(|(x, p)| *x += p);
        }
        product
    }

    /// The largest eigenvalues of T, as singular values.
    fn ritz(&self, count: usize) -> Result<Top, SpectrumError> {
        let steps = self.steps();
        let (values, last) = tridiagonal(&self.alpha, &self.beta)?;
        let most = values.iter().copied().fold(0.0, f64::max);
        if !most.is_finite() {
            return Err(SpectrumError::TooLarge);
        }
        let left = self.beta.last().copied().unwrap_or(0.0);
        let mut pairs: Vec<(f64, f64)> = values.into_iter().zip(last).collect();
        pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        pairs.truncate(count);
        // Whatever T says.
        let floor = ROUNDING * most;
        let error = |&(theta, last): &(f64, f64)| {
            let within = (left * last).abs() + floor;
            // λ lies between θ ∓ within, and its root between theirs; that of 0 is at hand.
            let (theta, root) = (theta.max(0.0), theta.max(0.0).sqrt());
            let below = root - (theta - within).max(0.0).sqrt();
            f64::max((theta + within).sqrt() - root, below)
        };
        Ok(Top {
            error: pairs.iter().map(error).fold(0.0, f64::max),
            values: pairs.iter().map(|pair| pair.0.max(0.0).sqrt()).collect(),
            steps,
        })
    }
}

/// Eigenvalues of a tridiagonal matrix and the last component of each eigenvector.
fn tridiagonal(alpha: &[f64], beta: &[f64]) -> Result<(Vec<f64>, Vec<f64>), SpectrumError> {
    let size = alpha.len();
    if alpha.iter().chain(beta).any(|x| !x.is_finite()) {
        return Err(SpectrumError::TooLarge);
    }
    let matrix = Mat::from_fn(size, size, |i, j| match i.abs_diff(j) {
        0 => alpha[i],
        1 => beta[i.min(j)],
        _ => 0.0,
    });
    let (values, vectors) = eigen(&matrix)?;
    let last = (0..size).map(|i| vectors[(size - 1, i)]).collect();
    Ok((values, last))
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in x.iter().zip(y) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

fn scale(x: &mut [f64], factor: f64) {
    for x in x {
        *x *= factor;
    }
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, planted};
    use super::super::{Engine, singular_values};
    use super::*;

    fn single(entries: &[f64]) -> Vec<f32> {
        entries.iter().map(|&w| w as f32).collect()
    }

    fn largest_values(entries: &[f64], rows: usize, cols: usize, count: usize) -> Top {
        let entries = single(entries);
        let matrix = Matrix::new(&entries, rows, cols).unwrap();
        Lanczos::new(matrix, 1).top(count).unwrap()
    }

    // Against the exact engine; 103 rows leave remainders of bundles and lanes.
    #[test]
    fn the_largest_values_of_random_matrices() {
        for (rows, cols) in [
            (300, 300),
            (500, 103),
            (103, 500),
            (7, 5),
            (5, 7),
            (1, 9),
            (9, 1),
        ] {
            let entries = normal(rows as u64, rows * cols);
            let exact = singular_values(Matrix::new(&entries, rows, cols).unwrap(), Engine::Faer);
            let (exact, top) = (exact.unwrap(), largest_values(&entries, rows, cols, 4));
            assert_eq!(top.values.len(), 4.min(rows.min(cols)));
            assert!(
                top.error <= TOLERANCE * top.values[0],
                "{rows}x{cols}: {}",
                top.error
            );
            for (found, exact) in top.values.iter().zip(&exact) {
                // The bound is on the residual; the value is better, as its square.
                let allowed = top.error.min(1e-5 * exact) + 1e-12;
                assert!(
                    (found - exact).abs() <= allowed,
                    "{rows}x{cols} {found} {exact}"
                );
            }
        }
    }

    // Values 3, 2, 1, ½, … between two reflections: known without any engine.
    #[test]
    fn planted_values_within_the_stated_error() {
        let values: Vec<f64> = (0..60).map(|i| 3.0 * 0.9_f64.powi(i)).collect();
        let top = largest_values(&planted(&values, 80, 60), 80, 60, 3);
        for (found, planted) in top.values.iter().zip(&values) {
            assert!((found - planted).abs() <= top.error && top.error < 1e-3);
        }
        // One step too few to know anything: the error says so.
        let entries = single(&normal(5, 200 * 200));
        let mut hasty = Lanczos::new(Matrix::new(&entries, 200, 200).unwrap(), 1);
        hasty.step();
        assert!(hasty.ritz(1).unwrap().error > 0.1 * hasty.ritz(1).unwrap().values[0]);
    }

    #[test]
    fn degenerate_zero_and_tiny_matrices() {
        let near = |found: Top, wanted: &[f64]| {
            assert_eq!(found.values.len(), wanted.len());
            for (a, b) in found.values.iter().zip(wanted) {
                assert!((a - b).abs() <= 1e-12 + found.error, "{a} {b}");
            }
            // In single precision λ is known to 2e-6 of λ₁, so a zero beside others to its root.
            let zero = wanted.last().is_some_and(|&last| last < 0.1 * wanted[0]);
            let known = if zero { ROUNDING.sqrt() } else { ROUNDING };
            assert!(
                found.error <= known * wanted[0],
                "{wanted:?}: {}",
                found.error
            );
        };
        // The identity: every step spans a part of its own.
        let identity: Vec<f64> = (0..400)
            .map(|at| f64::from(u8::from(at % 21 == 0)))
            .collect();
        near(largest_values(&identity, 20, 20, 3), &[1.0; 3]);
        near(largest_values(&[0.0; 60], 6, 10, 3), &[0.0; 3]);
        near(largest_values(&[-2.0], 1, 1, 3), &[2.0]);
        near(largest_values(&[3.0, 4.0], 1, 2, 3), &[5.0]);
        near(largest_values(&[1.0; 12], 3, 4, 2), &[12.0_f64.sqrt(), 0.0]);
        assert!(largest_values(&[], 0, 3, 2).values.is_empty());
        assert_eq!(
            largest_values(&[1e-20, 0.0, 0.0, 1e-20], 2, 2, 1)
                .values
                .len(),
            1
        );
        let large = [1e25, 0.0, 0.0, 1e25];
        let large = Lanczos::new(Matrix::new(&large, 2, 2).unwrap(), 1).top(1);
        assert_eq!(large, Err(SpectrumError::TooLarge));
    }

    // All ones beside 2 on the diagonal: σ = 2 + 40 once and 2 thirty-nine times. Without the
    // mean of the others, 1, it is twice the identity.
    #[test]
    fn entries_can_be_changed_on_the_way_and_steps_go_on() {
        let entries: Vec<f32> = (0..1600)
            .map(|at| if at % 41 == 0 { 3.0 } else { 1.0 })
            .collect();
        let matrix = Matrix::new(&entries, 40, 40).unwrap();
        let mut whole = Lanczos::new(matrix, 2);
        assert!((whole.top(1).unwrap().values[0] - 42.0).abs() < 42.0 * ROUNDING);
        let more = whole.top(2).unwrap();
        assert!((more.values[1] - 2.0).abs() < more.error && more.values.len() == 2);
        let centred = Lanczos::changed(matrix, |w| w - 1.0, 2).top(1);
        assert!((centred.unwrap().values[0] - 2.0).abs() < 2.0 * ROUNDING);
    }

    #[test]
    fn threads_do_not_show() {
        let entries = normal(8, 700 * 90);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| largest_values(&entries, 700, 90, 3))
        };
        assert_eq!(with(1), with(5));
    }
}
