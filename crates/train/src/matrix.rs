//! Matrices of single precision, row by row, and their products.

use faer::{Accum, MatMut, MatRef, Par};

/// A matrix; a batch is one, a row an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub rows: usize,
    pub cols: usize,
    /// Row by row.
    pub entries: Vec<f32>,
}

impl Matrix {
    pub(super) fn zeros(rows: usize, cols: usize) -> Self {
        Self::filled(rows, cols, || 0.0)
    }

    /// With entries in the order in which they are drawn.
    pub(super) fn filled(rows: usize, cols: usize, draw: impl FnMut() -> f32) -> Self {
        let entries = std::iter::repeat_with(draw).take(rows * cols).collect();
        Self {
            rows,
            cols,
            entries,
        }
    }

    pub(super) fn row(&self, at: usize) -> &[f32] {
        &self.entries[at * self.cols..][..self.cols]
    }

    pub(super) fn each_row(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.rows).map(|at| self.row(at))
    }

    pub(super) fn each_row_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.entries.chunks_exact_mut(self.cols.max(1))
    }

    /// These rows, in this order.
    pub(super) fn select(&self, rows: impl IntoIterator<Item = usize>) -> Self {
        let mut entries = Vec::new();
        let mut count = 0;
        for row in rows {
            entries.extend_from_slice(self.row(row));
            count += 1;
        }
        Self {
            rows: count,
            cols: self.cols,
            entries,
        }
    }

    /// Each entry times the one in the same place.
    pub(super) fn scale_by(&mut self, factors: &[f32]) {
        for (entry, factor) in self.entries.iter_mut().zip(factors) {
            *entry *= factor;
        }
    }

    /// What the library of products takes.
    pub(super) fn view(&self) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(&self.entries, self.rows, self.cols)
    }
}

/// Left times right, (m, k) and (k, n), on the thread that asks.
pub(super) fn product(left: MatRef<'_, f32>, right: MatRef<'_, f32>) -> Matrix {
    let mut product = Matrix::zeros(left.nrows(), right.ncols());
    add_product(&mut product, left, right);
    product
}

/// The same, added to what is there.
pub(super) fn add_product(to: &mut Matrix, left: MatRef<'_, f32>, right: MatRef<'_, f32>) {
    let (rows, cols) = (to.rows, to.cols);
    let to = MatMut::from_row_major_slice_mut(&mut to.entries, rows, cols);
    faer::linalg::matmul::matmul(to, Accum::Add, left, right, 1.0, Par::Seq);
}
