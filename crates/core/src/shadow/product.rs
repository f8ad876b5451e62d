//! A matrix in main memory times columns.

use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::controls::StoredEntries;

/// Longer sides up to which one thread makes a product.
const SMALL: usize = 256;
/// Parts of a larger product, fixed, and what their rows are a multiple of.
const PANELS: usize = 8;
const ROWS: usize = 96;
/// Rows of a matrix that is turned which are multiplied at a time: their lines are still in the
/// cache when the next columns come. Half as fast again as all at once.
const DEEP: usize = 256;
/// Entries of 16 bits that are converted at a time, about.
const CONVERTED: usize = 1 << 23;
/// Columns of a product are a multiple of so many, spare ones zero.
pub(super) const COLUMNS: usize = 32;

/// A, or Aᵀ where it is turned.
pub(super) struct Operand<'a> {
    /// A, row by row.
    pub stored: &'a StoredEntries<'a>,
    /// How many rows are stored.
    pub rows: usize,
    /// And how many entries each has.
    pub cols: usize,
    /// Whether it is Aᵀ.
    pub is_turned: bool,
}

impl Operand<'_> {
    /// Rows of a product.
    pub(super) const fn height(&self) -> usize {
        if self.is_turned { self.cols } else { self.rows }
    }

    /// Times `width` columns, row by row as these are.
    pub(super) fn times(&self, columns: &[f32], width: usize) -> Vec<f32> {
        let Self {
            stored,
            rows,
            cols,
            is_turned,
        } = *self;
        let length = columns.len() / width.max(1);
        let columns = MatRef::from_row_major_slice(columns, length, width);
        let height = self.height();
        let mut product = vec![0.0; height * width];
        let panels = match stored {
            _ if rows.max(cols) <= SMALL => 1,
            StoredEntries::Single(..) => PANELS,
            // Two of these are in memory in single precision.
            _ => PANELS.max(stored.len() / CONVERTED),
        };
        let panel = height.div_ceil(panels).next_multiple_of(ROWS);
        // No thread waits for another between the steps of a product, as the library's own do.
        let panels = product.par_chunks_mut((panel * width).max(1)).enumerate();
        panels.for_each(|(place, product)| {
            let (first, count) = (place * panel, product.len() / width);
            let mut times = |matrix: MatRef<'_, f32>, factor: f32| {
                let depth = matrix.ncols();
                let deep = if is_turned { DEEP } else { depth.max(1) };
                for start in (0..depth).step_by(deep) {
                    let deep = deep.min(depth - start);
                    faer::linalg::matmul::matmul(
                        MatMut::from_row_major_slice_mut(product, count, width),
                        Accum::Add,
                        matrix.subcols(start, deep),
                        columns.subrows(start, deep),
                        factor,
                        Par::Seq,
                    );
                }
            };
            match stored {
                StoredEntries::Single(stored, factor) => {
                    let stored = MatRef::from_row_major_slice(stored, rows, cols);
                    let stored = if is_turned {
                        stored.transpose()
                    } else {
                        stored
                    };
                    times(stored.subrows(first, count), *factor);
                }
                _ if is_turned => {
                    let block = stored.columns(cols, first, count);
                    let block = MatRef::from_row_major_slice(&block, rows, count);
                    times(block.transpose(), 1.0);
                }
                _ => {
                    let block = stored.part(first * cols..(first + count) * cols);
                    times(MatRef::from_row_major_slice(&block, count, cols), 1.0);
                }
            }
        });
        product
    }
}
