//! A matrix times columns that are mostly zeros: of the matrix only what meets something else is
//! read. A code of k positive coordinates in m takes k/m of the work.
//!
//! A column is taken or left by itself, and its sums go over its entries in their order: what comes
//! of it depends neither on the others, nor on how the matrix is stored, nor on threads.
//!
//! Products of whole matrices in its place cost 2.6 % of AlexNet's processor time (39.9 in place of
//! 38.9 s, medians of three runs in turn) and 13 % of that of `shadow`; their sums, in another
//! order, would change the last digits of every fact of the shadow model. So it stays.

use std::borrow::Cow;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::controls::StoredEntries;

/// Of so many entries of a column at most one is not zero; with more a product of whole matrices
/// is faster.
const RARE: usize = 16;
/// Entries of a row that are taken at a time when the matrix is turned: with 96 columns their sums
/// are 400 kB, which stay in the cache while all rows pass.
const STRETCH: usize = 1024;
/// Rows whose sums are taken side by side when it is not.
const ROWS: usize = 8;

/// Row and entry, in the order of the rows, of what is not zero.
type Column = Vec<(usize, f32)>;

/// Columns that are mostly zeros, and which these are.
pub(super) struct Sparse {
    /// Places of the columns among all.
    places: Vec<usize>,
    columns: Vec<Column>,
}

impl Sparse {
    /// Of `width` columns, row by row, those that are mostly zeros, and the places of the others.
    pub(super) fn split(entries: &[f32], width: usize) -> (Self, Vec<usize>) {
        let is_zero = |x: f32| x.abs() <= 0.0;
        let length = entries.len() / width.max(1);
        let mut columns = vec![Vec::new(); width];
        for (row, line) in entries.chunks_exact(width.max(1)).enumerate() {
            for (column, &x) in columns.iter_mut().zip(line) {
                // One more than there may be tells as much as all.
                if !is_zero(x) && column.len() <= length / RARE {
                    column.push((row, x));
                }
            }
        }
        let is_rare = |column: &Vec<_>| column.len() <= length / RARE;
        let (places, others) = (0..width).partition(|&at| is_rare(&columns[at]));
        columns.retain(is_rare);
        (Self { places, columns }, others)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Puts A times each column, or Aᵀ where it `is_turned`, in its place among `width` of the
    /// product, row by row; A is stored with rows of length `cols`.
    pub(super) fn times(
        &self,
        stored: &StoredEntries<'_>,
        cols: usize,
        is_turned: bool,
        product: &mut [f32],
        width: usize,
    ) {
        let factor = stored.factor();
        let times = |&(row, x): &(usize, f32)| (row, x * factor);
        let columns = self.columns.iter();
        let scaled: Vec<Column> = columns.map(|c| c.iter().map(times).collect()).collect();
        if is_turned {
            self.turned(&scaled, stored, cols, product, width);
        } else {
            self.as_stored(&scaled, stored, cols, product, width);
        }
    }

    fn as_stored(
        &self,
        columns: &[Column],
        stored: &StoredEntries<'_>,
        cols: usize,
        product: &mut [f32],
        width: usize,
    ) {
        let bundles = product.par_chunks_mut((ROWS * width).max(1)).enumerate();
        bundles.for_each(|(bundle, product)| {
            let (first, count) = (bundle * ROWS, product.len() / width);
            let lines = stored.unscaled(first * cols..(first + count) * cols);
            // The last bundle repeats its last row.
            let rows: [&[f32]; ROWS] =
                std::array::from_fn(|i| &lines[i.min(count - 1) * cols..][..cols]);
            for (column, &place) in columns.iter().zip(&self.places) {
                let mut sums = [0.0; ROWS];
                for &(at, x) in column {
                    for (sum, row) in sums.iter_mut().zip(&rows) {
                        *sum += row[at] * x;
                    }
                }
                let to = product[place..].iter_mut().step_by(width);
                to.zip(sums).for_each(|(to, sum)| *to = sum);
            }
        });
    }

    fn turned(
        &self,
        columns: &[Column],
        stored: &StoredEntries<'_>,
        cols: usize,
        product: &mut [f32],
        width: usize,
    ) {
        // By row of A, so that each is read once for all columns.
        let mut meetings: Vec<(usize, usize, f32)> = Vec::new();
        for (column, entries) in columns.iter().enumerate() {
            meetings.extend(entries.iter().map(|&(row, x)| (row, column, x)));
        }
        meetings.sort_unstable_by_key(|&(row, column, _)| (row, column));
        let stretches = product.par_chunks_mut((STRETCH * width).max(1)).enumerate();
        stretches.for_each(|(at, product)| {
            let length = product.len() / width;
            // A column after another, so that a row of A is added to what lies side by side.
            let mut sums = vec![0.0; length * columns.len()];
            Arch::new().dispatch(Stretch {
                meetings: &meetings,
                part: |row| {
                    let start = row * cols + at * STRETCH;
                    stored.unscaled(start..start + length)
                },
                sums: &mut sums,
                length,
            });
            for (sums, &place) in sums.chunks_exact(length).zip(&self.places) {
                let to = product[place..].iter_mut().step_by(width);
                to.zip(sums).for_each(|(to, &sum)| *to = sum);
            }
        });
    }
}

/// Sums of some entries of A's rows.
struct Stretch<'s, F> {
    /// Row, column and entry, by row.
    meetings: &'s [(usize, usize, f32)],
    /// These entries of a row.
    part: F,
    /// One column after another.
    sums: &'s mut [f32],
    length: usize,
}

impl<'a, F: Fn(usize) -> Cow<'a, [f32]>> WithSimd for Stretch<'_, F> {
    type Output = ();

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "vector code arises only where a loop is inlined into what `pulp` dispatches"
    )]
    fn with_simd<S: Simd>(self, _: S) {
        for of_one_row in self.meetings.chunk_by(|a, b| a.0 == b.0) {
            let part = (self.part)(of_one_row[0].0);
            for &(_, column, x) in of_one_row {
                let sums = &mut self.sums[column * self.length..][..self.length];
                for (sum, &a) in sums.iter_mut().zip(&*part) {
                    *sum += a * x;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Columns of 32: the first meets rows 1 and 20, the second everything, the third row 1 alone,
    // the last nothing.
    fn columns() -> Vec<f32> {
        let mut columns = vec![0.0; 4 * 32];
        columns.iter_mut().skip(1).step_by(4).for_each(|x| *x = 7.0);
        (columns[4], columns[80], columns[6]) = (1.0, 10.0, -2.0);
        columns
    }

    #[test]
    fn products_by_hand() {
        let (sparse, others) = Sparse::split(&columns(), 4);
        assert_eq!(others, [1]);
        // A is 32×2, [[1, 2], [3, 4], …], of which the columns meet (3, 4) and (41, 42).
        let a: Vec<f32> = (1..=64).map(|w| w as f32).collect();
        let wanted = [206.5, 9.0, -3.0, 0.0, 212.0, 9.0, -4.0, 0.0];
        let near = |found: &[f32]| {
            let far = |(a, b): (&f32, f32)| (a - b).abs() > 1e-4;
            assert!(!found.iter().zip(wanted).any(far), "{found:?}");
        };
        let halves = |entries: &[f32]| StoredEntries::Single(Cow::Owned(entries.to_vec()), 0.5);
        let mut product = [9.0; 8];
        sparse.times(&halves(&a), 2, true, &mut product, 4);
        near(&product);
        // And the same stored the other way.
        let turned: Vec<f32> = (0..64).map(|at| a[at % 32 * 2 + at / 32]).collect();
        let mut product = [9.0; 8];
        sparse.times(&halves(&turned), 32, false, &mut product, 4);
        near(&product);
    }

    #[test]
    fn a_column_with_more_is_left_to_others() {
        let split = |there: usize| {
            let column = [vec![1.0; there], vec![0.0; 32 - there]].concat();
            let (sparse, others) = Sparse::split(&column, 1);
            assert_eq!(sparse.is_empty(), others.len() == 1);
            others.len()
        };
        assert_eq!([0, 1, 2, 3, 32].map(split), [0, 0, 0, 1, 1]);
        assert_eq!(Sparse::split(&[f32::NAN; 16], 1).1, [0]);
    }
}
