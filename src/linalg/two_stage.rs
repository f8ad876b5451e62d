//! Eigenvalues of a dense symmetric matrix in two stages: dense to band in matrix products,
//! band to tridiagonal by chasing bulges, and the values of what is left.

use faer::Mat;

use super::{band, tridiagonal};

/// All eigenvalues, in no order, of a symmetric matrix of which only the lower half is read,
/// by way of a band of `width` entries below the diagonal. Nothing when the last
/// iteration does not converge.
pub(super) fn eigenvalues(mut matrix: Mat<f64>, width: usize) -> Option<Vec<f64>> {
    let scale = scale(&matrix)?;
    for j in 0..matrix.ncols() {
        for entry in matrix.col_mut(j).iter_mut().skip(j) {
            *entry *= scale;
        }
    }
    let values = tridiagonal::eigenvalues(band::reduce(matrix, width).into_tridiagonal())?;
    Some(values.into_iter().map(|value| value / scale).collect())
}

/// The power of two that takes the largest entry to between 1/2 and 2, so that no square
/// on the way leaves the range of f64; nothing for an entry that is not finite.
fn scale(matrix: &Mat<f64>) -> Option<f64> {
    let mut largest = 0.0_f64;
    for (j, column) in matrix.col_iter().enumerate() {
        for entry in column.iter().skip(j) {
            if !entry.is_finite() {
                return None;
            }
            largest = largest.max(entry.abs());
        }
    }
    // Twice the least normal number still has a finite inverse.
    let largest = largest.clamp(f64::MIN_POSITIVE * 2.0, f64::MAX / 2.0);
    Some((-largest.log2().floor()).exp2())
}
