//! The second engine: LAPACK through the system's OpenBLAS.

use faer::Mat;
use ndarray_linalg::layout::MatrixLayout;
use ndarray_linalg::{JobSvd, Lapack, UPLO};

use super::{Matrix, SpectrumError};

const NAME: &str = "lapack";

/// Eigenvalues of a symmetric matrix of which only the lower half is read.
///
/// Goes below `eigvalsh`, which computes the eigenvectors too.
pub(super) fn eigenvalues(gram: &Mat<f64>) -> Result<Vec<f64>, SpectrumError> {
    let size = gram.nrows();
    let mut entries = Vec::with_capacity(size * size);
    for column in gram.col_iter() {
        entries.extend(column.iter().copied());
    }
    let layout = MatrixLayout::F {
        col: side(size)?,
        lda: side(size)?,
    };
    f64::eigh(false, layout, UPLO::Lower, &mut entries)
        .map_err(|_| SpectrumError::NoConvergence(NAME))
}

/// Singular values without the detour over the Gram matrix.
pub(super) fn singular_values<T: Copy + Into<f64>>(
    matrix: Matrix<'_, T>,
) -> Result<Vec<f64>, SpectrumError> {
    let mut entries: Vec<f64> = matrix.entries.iter().map(|&w| w.into()).collect();
    let layout = MatrixLayout::C {
        row: side(matrix.rows)?,
        lda: side(matrix.cols)?,
    };
    f64::svddc(layout, JobSvd::None, &mut entries)
        .map(|parts| parts.s)
        .map_err(|_| SpectrumError::NoConvergence(NAME))
}

/// LAPACK counts sides in 32 bits.
fn side(length: usize) -> Result<i32, SpectrumError> {
    i32::try_from(length).map_err(|_| SpectrumError::NoConvergence(NAME))
}
