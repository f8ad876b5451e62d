//! Vectors that a matrix is multiplied with, side by side.

use super::product::COLUMNS;

/// One draw a column, row by row; the width is a multiple of [`COLUMNS`], spare columns are zero.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    entries: Vec<f32>,
    width: usize,
}

impl Columns {
    /// `draws` columns of `length` entries, each `entry(draw, row)`.
    pub(super) fn new(length: usize, draws: usize, entry: impl Fn(usize, usize) -> f32) -> Self {
        let width = draws.next_multiple_of(COLUMNS);
        let mut entries = vec![0.0; length * width];
        for (i, row) in entries.chunks_mut(width.max(1)).enumerate() {
            for (draw, to) in row[..draws].iter_mut().enumerate() {
                *to = entry(draw, i);
            }
        }
        Self { entries, width }
    }

    /// Columns whose entries, row by row, are these.
    pub(super) const fn from_rows(entries: Vec<f32>, width: usize) -> Self {
        Self { entries, width }
    }

    /// All entries, row by row.
    pub(super) fn rows(&self) -> &[f32] {
        &self.entries
    }

    /// How many columns there are, spare ones included.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Each entry x becomes f(row, x).
    pub(super) fn map(mut self, f: impl Fn(usize, f32) -> f32) -> Self {
        for (i, row) in self.entries.chunks_mut(self.width.max(1)).enumerate() {
            for x in row {
                *x = f(i, *x);
            }
        }
        self
    }

    /// Each entry times the one of `other` at its place.
    pub(super) fn times(mut self, other: &Self) -> Self {
        let pairs = self.entries.iter_mut().zip(&other.entries);
        pairs.for_each(|(x, y)| *x *= y);
        self
    }

    /// The columns one by one.
    pub(super) fn separate(&self) -> Vec<Vec<f32>> {
        let length = self.entries.len() / self.width.max(1);
        let mut columns: Vec<Vec<f32>> = (0..self.width)
            .map(|_| Vec::with_capacity(length))
            .collect();
        for row in self.entries.chunks_exact(self.width.max(1)) {
            for (column, &x) in columns.iter_mut().zip(row) {
                column.push(x);
            }
        }
        columns
    }
}

/// r(x) = max(x, 0), and 0 of what is no number.
pub(super) const fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Columns (1, 2) and (10, 20) among 30 of zeros.
    #[test]
    fn operations_by_hand() {
        let columns = Columns::new(2, 2, |draw, row| [[1.0, 2.0], [10.0, 20.0]][draw][row]);
        assert_eq!((columns.width(), columns.rows().len()), (32, 64));
        let separate = columns.separate();
        assert_eq!(separate[..2], [[1.0, 2.0], [10.0, 20.0]]);
        assert!(separate[2..].iter().flatten().all(|x| x.abs() <= 0.0));
        let squares = columns.clone().times(&columns);
        assert_eq!(squares.separate()[..2], [[1.0, 4.0], [100.0, 400.0]]);
        let lower = columns.map(|row, x| relu(x - [5.0, 1.0][row]));
        assert_eq!(lower.separate()[..3], [[0.0, 1.0], [5.0, 19.0], [0.0, 0.0]]);
        assert!(relu(f32::NAN).abs() <= 0.0);
    }
}
