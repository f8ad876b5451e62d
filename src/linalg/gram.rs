//! The Gram matrix of a matrix's smaller side, summed panel by panel in f64.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef};
use rayon::prelude::*;

use super::{Matrix, pure::PARTS};

/// Length of the larger side taken at a time: a panel of a 4096-wide matrix is 16 MB.
const PANEL: usize = 512;

/// A·Aᵀ or AᵀA, whichever is smaller: M×M with M = min(rows, cols), lower half only.
pub(super) fn lower<T: Copy + Into<f64> + Sync>(matrix: Matrix<'_, T>) -> Mat<f64> {
    let small = matrix.rows.min(matrix.cols);
    let large = matrix.rows.max(matrix.cols);
    let mut gram = Mat::zeros(small, small);
    let mut panel = vec![0.0; small * PANEL.min(large)];
    for start in (0..large).step_by(PANEL) {
        let length = PANEL.min(large - start);
        let panel = &mut panel[..small * length];
        let view = if matrix.cols <= matrix.rows {
            fill_rows(matrix, start, panel);
            MatRef::from_column_major_slice(panel, small, length)
        } else {
            fill_columns(matrix, start, length, panel);
            MatRef::from_row_major_slice(panel, small, length)
        };
        add_outer_product(&mut gram, view);
    }
    gram
}

/// Copies `length` whole rows, beginning at `start`.
fn fill_rows<T: Copy + Into<f64> + Sync>(matrix: Matrix<'_, T>, start: usize, panel: &mut [f64]) {
    let entries = &matrix.entries[start * matrix.cols..][..panel.len()];
    panel
        .par_chunks_mut(1 << 16)
        .zip(entries.par_chunks(1 << 16))
        .for_each(|(to, from)| convert(from, to));
}

/// Copies `length` columns of every row, beginning at `start`.
fn fill_columns<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    start: usize,
    length: usize,
    panel: &mut [f64],
) {
    panel
        .par_chunks_mut(length)
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
