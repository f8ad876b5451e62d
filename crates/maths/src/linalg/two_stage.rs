//! Eigenvalues of a dense symmetric matrix in two stages: dense to band in matrix products,
//! band to tridiagonal by chasing bulges, and the values of what is left.

use faer::{ColRef, Mat};
use rayon::prelude::*;

use super::{band, tridiagonal};

/// All eigenvalues, in no order, of a symmetric matrix of which only the lower half is read,
/// by way of a band of `width` entries below the diagonal. Nothing when the last
/// iteration does not converge.
pub(super) fn eigenvalues(mut matrix: Mat<f64>, width: usize) -> Option<Vec<f64>> {
    let scale = scale(&matrix)?;
    let size = matrix.nrows();
    let columns = matrix.par_col_iter_mut().enumerate();
    columns.for_each(|(j, column)| {
        for entry in column.subrows_mut(j, size - j).iter_mut() {
            *entry *= scale;
        }
    });
    let values = tridiagonal::eigenvalues(band::reduce(matrix, width).into_tridiagonal())?;
    Some(values.into_iter().map(|value| value / scale).collect())
}

/// The power of two that takes the largest entry to between 1/2 and 2, so that no square
/// on the way leaves the range of f64; nothing for an entry that is not finite.
fn scale(matrix: &Mat<f64>) -> Option<f64> {
    let size = matrix.nrows();
    let largest = |(j, column): (usize, ColRef<'_, f64>)| {
        let column = column.subrows(j, size - j);
        // An entry that is not a number is the largest of all in this order.
        column
            .iter()
            .map(|entry| entry.abs())
            .max_by(f64::total_cmp)
    };
    let columns = matrix.par_col_iter().enumerate();
    let largest = columns.filter_map(largest).max_by(f64::total_cmp);
    let largest = largest.unwrap_or(0.0);
    if !largest.is_finite() {
        return None;
    }
    // Twice the least normal number still has a finite inverse.
    let largest = largest.clamp(f64::MIN_POSITIVE * 2.0, f64::MAX / 2.0);
    Some((-largest.log2().floor()).exp2())
}
