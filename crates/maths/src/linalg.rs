//! Singular values of dense matrices. Knows nothing of nets.
//!
//! Both engines take the same road: the Gram matrix of the smaller side in f64, its
//! eigenvalues, their square roots (Golub & Van Loan 2013, §8.6). Squaring costs accuracy only at the bottom: an error of
//! a few ε·σ₁² in λ is a few ε·σ₁²/2σ in σ, below 1e-9·σ₁ while σ > [`GRAM_FLOOR`]·σ₁. Where up
//! to 32 values of a large matrix lie under that floor, the default engine takes those again by
//! inverse iteration; otherwise all are, by a direct singular value decomposition. The largest
//! values alone come from Lanczos steps.

mod band;
mod bulge;
mod faer_engine;
mod gram;
mod kernels;
mod lanczos;
#[cfg(feature = "lapack")]
mod lapack;
mod smallest;
mod tridiagonal;
mod two_stage;
mod vectors;

use faer::{Mat, MatRef};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use lanczos::{Lanczos, Top};
pub use vectors::{SingularTriple, singular_vectors};

/// Share of σ₁ below which an eigenvalue of the Gram matrix no longer gives its σ to 1e-9·σ₁.
pub const GRAM_FLOOR: f64 = 2e-6;

/// Share of σ₁ to which every singular value is right.
pub const ACCURACY: f64 = 1e-9;

/// Leaves room for the sum over any matrix that fits into memory.
const LARGEST_SQUARE: f64 = 1e300;

/// Which library computes singular values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// faer, pure Rust.
    #[default]
    Faer,
    /// LAPACK through the system's OpenBLAS; only with the `lapack` feature.
    Lapack,
}

impl Engine {
    /// Its name on the command line and in `audit.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faer => "faer",
            Self::Lapack => "lapack",
        }
    }

    /// Whether this build holds the engine.
    pub const fn is_built(self) -> bool {
        match self {
            Self::Faer => true,
            Self::Lapack => cfg!(feature = "lapack"),
        }
    }
}

/// Why singular values could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpectrumError {
    /// The engine was left out of this build.
    #[error(
        "this build has no `lapack` engine; install libopenblas-dev and build with `--features lapack`, or use `--engine faer`"
    )]
    NotBuilt,
    /// Entries whose squares pass the range of f64.
    #[error("the weights are too large to be squared; they need to stay below 1e150")]
    TooLarge,
    /// Eigenvalues were asked of a matrix that is not square.
    #[error("only a square matrix has eigenvalues")]
    NotSquare,
    /// The iteration did not converge.
    #[error("the `{0}` engine did not converge")]
    NoConvergence(&'static str),
}

/// A dense matrix, row by row, in the entries' own type.
///
/// `entries.len()` is `rows·cols`; every entry is finite.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    entries: &'a [T],
    rows: usize,
    cols: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Wraps `entries`, or answers nothing when their number is not `rows·cols`.
    pub fn new(entries: &'a [T], rows: usize, cols: usize) -> Option<Self> {
        (rows.checked_mul(cols)? == entries.len()).then_some(Self {
            entries,
            rows,
            cols,
        })
    }
}

/// All min(rows, cols) singular values, descending, in the units of the entries.
///
/// The work is divided into a fixed number of parts, so the result does not depend on
/// the number of threads.
///
/// # Errors
/// When the engine is not part of this build or does not converge, or squares overflow.
pub fn singular_values<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    engine: Engine,
) -> Result<Vec<f64>, SpectrumError> {
    if !engine.is_built() {
        return Err(SpectrumError::NotBuilt);
    }
    if matrix.entries.is_empty() {
        return Ok(Vec::new());
    }
    let squares = matrix.entries.par_iter().map(|&w| w.into() * w.into());
    if squares.max_by(f64::total_cmp) > Some(LARGEST_SQUARE) {
        return Err(SpectrumError::TooLarge);
    }
    let values = from_gram(matrix, engine)?;
    match (values.first(), values.last()) {
        (Some(&largest), Some(&smallest)) if smallest <= GRAM_FLOOR * largest => {
            refined(matrix, &values, engine).map_or_else(|| direct(matrix, engine), Ok)
        }
        _ => Ok(values),
    }
}

/// Values of a large matrix of which few lie below the floor, with those taken from the matrix
/// itself.
fn refined<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    values: &[f64],
    engine: Engine,
) -> Option<Vec<f64>> {
    let largest = *values.first()?;
    let floor = GRAM_FLOOR * largest;
    let told = values.iter().take_while(|&&s| s > floor).count();
    let lost = values.len() - told;
    let few = lost <= smallest::MOST && values.len() >= faer_engine::CROSSOVER;
    if engine != Engine::Faer || !few {
        return None;
    }
    let lost = smallest::values(matrix, lost, largest)?;
    Some(descending([&values[..told], &lost].concat()))
}

/// All eigenvalues, descending, of a symmetric matrix; only entries on the diagonal and
/// to its right are read. The step that most of [`singular_values`] consists of.
///
/// # Errors
/// When the matrix is not square or holds what is not finite or beyond 1e300, or when the
/// engine is not part of this build or does not converge.
pub fn symmetric_eigenvalues(
    matrix: Matrix<'_, f64>,
    engine: Engine,
) -> Result<Vec<f64>, SpectrumError> {
    let size = matrix.rows;
    if matrix.cols != size {
        return Err(SpectrumError::NotSquare);
    }
    let largest = matrix.entries.iter().map(|entry| entry.abs());
    if largest.max_by(f64::total_cmp) > Some(LARGEST_SQUARE) {
        return Err(SpectrumError::TooLarge);
    }
    // Row by row is column by column of the transpose, whose lower half is the upper here.
    let mut lower = gram::square(size);
    lower.copy_from(MatRef::from_column_major_slice(matrix.entries, size, size));
    eigenvalues(lower, engine).map(descending)
}

/// All singular values, descending, of an upper bidiagonal matrix: `diagonal` has n entries,
/// `beside`, to the right of it, n − 1. O(n²), on one core.
///
/// As eigenvalues of BᵀB, so to about 1e-8 of the largest.
///
/// # Errors
/// When the iteration does not converge.
pub fn bidiagonal_singular_values(
    diagonal: &[f64],
    beside: &[f64],
) -> Result<Vec<f64>, SpectrumError> {
    let above = |i: usize| i.checked_sub(1).and_then(|i| beside.get(i)).copied();
    let square = |(i, d): (usize, &f64)| d * d + above(i).map_or(0.0, |e| e * e);
    let gram = bulge::Tridiagonal {
        diagonal: diagonal.iter().enumerate().map(square).collect(),
        below: diagonal.iter().zip(beside).map(|(d, e)| d * e).collect(),
    };
    let values = tridiagonal::eigenvalues(gram).ok_or(SpectrumError::NoConvergence("faer"))?;
    Ok(descending(
        values.into_iter().map(|l| l.max(0.0).sqrt()).collect(),
    ))
}

fn from_gram<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    engine: Engine,
) -> Result<Vec<f64>, SpectrumError> {
    let eigenvalues = eigenvalues(gram::lower(matrix), engine)?;
    // A zero eigenvalue may come out a few ε below zero.
    Ok(descending(
        eigenvalues.into_iter().map(|l| l.max(0.0).sqrt()).collect(),
    ))
}

/// In no order; of the matrix only the lower half is read.
fn eigenvalues(lower: Mat<f64>, engine: Engine) -> Result<Vec<f64>, SpectrumError> {
    match engine {
        Engine::Faer => faer_engine::eigenvalues(lower),
        #[cfg(feature = "lapack")]
        Engine::Lapack => lapack::eigenvalues(&lower),
        #[cfg(not(feature = "lapack"))]
        Engine::Lapack => Err(SpectrumError::NotBuilt),
    }
}

fn direct<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    engine: Engine,
) -> Result<Vec<f64>, SpectrumError> {
    let values = match engine {
        Engine::Faer => faer_engine::singular_values(matrix)?,
        #[cfg(feature = "lapack")]
        Engine::Lapack => lapack::singular_values(matrix)?,
        #[cfg(not(feature = "lapack"))]
        Engine::Lapack => return Err(SpectrumError::NotBuilt),
    };
    Ok(descending(values))
}

fn descending(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod two_stage_tests;
