//! The Gram matrix of a matrix's smaller side, summed panel by panel in f64.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef};
use rayon::prelude::*;

use super::kernels::spread;
use super::{Matrix, faer_engine::PARTS};

/// Length of the larger side taken at a time: a panel of a 4096-wide matrix is 16 MB.
const PANEL: usize = 512;
/// Lines of the smaller side that are turned together: two cache lines of eight numbers.
const TURNED: usize = 16;

/// A·Aᵀ or AᵀA, whichever is smaller: M×M with M = min(rows, cols), lower half only.
pub(super) fn lower<T: Copy + Into<f64> + Sync>(matrix: Matrix<'_, T>) -> Mat<f64> {
    let small = matrix.rows.min(matrix.cols);
    let large = matrix.rows.max(matrix.cols);
    let mut gram = square(small);
    // Along the longer side whatever the storage: faer is three times as fast on rows as on
    // columns of 4096.
    let length = PANEL.min(large);
    let stride = spread(length);
    let mut panel = vec![0.0; small * stride];
    for start in (0..large).step_by(PANEL) {
        let length = PANEL.min(large - start);
        if matrix.cols <= matrix.rows {
            turn_rows(matrix, (start, length), stride, &mut panel);
        } else {
            fill_columns(matrix, (start, length), stride, &mut panel);
        }
        let view = MatRef::from_row_major_slice_with_stride(&panel, small, length, stride);
        add_outer_product(&mut gram, view);
    }
    gram
}

/// Zeros, n×n, with columns that do not compete for the same lines of a cache.
pub(super) fn square(size: usize) -> Mat<f64> {
    let mut matrix = Mat::with_capacity(spread(size), size);
    matrix.resize_with(size, size, |_, _| 0.0);
    matrix
}

/// Copies `length` whole rows, beginning at `start`, as columns.
fn turn_rows<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    (start, length): (usize, usize),
    stride: usize,
    panel: &mut [f64],
) {
    let rows = &matrix.entries[start * matrix.cols..][..length * matrix.cols];
    let bundles = panel.par_chunks_mut(TURNED * stride).enumerate();
    bundles.for_each(|(bundle, lines)| {
        let first = bundle * TURNED;
        for (i, row) in rows.chunks_exact(matrix.cols).enumerate() {
            let row = &row[first..matrix.cols.min(first + TURNED)];
            for (line, &entry) in lines.chunks_exact_mut(stride).zip(row) {
                line[i] = entry.into();
            }
        }
    });
}

/// Copies `length` columns of every row, beginning at `start`.
fn fill_columns<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    (start, length): (usize, usize),
    stride: usize,
    panel: &mut [f64],
) {
    panel
        .par_chunks_mut(stride)
        .zip(matrix.entries.par_chunks(matrix.cols))
        .for_each(|(to, row)| convert(&row[start..start + length], to));
}

fn convert<T: Copy + Into<f64>>(from: &[T], to: &mut [f64]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from.into();
    }
}

fn add_outer_product(gram: &mut Mat<f64>, panel: MatRef<'_, f64>) {
    triangular::matmul(
        gram,
        BlockStructure::TriangularLower,
        Accum::Add,
        panel,
        BlockStructure::Rectangular,
        panel.transpose(),
        BlockStructure::Rectangular,
        1.0,
        PARTS,
    );
}
