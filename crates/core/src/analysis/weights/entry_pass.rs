//! One pass through the entries, docs/theory.md §1: how large each row and column is, how far it
//! reaches, and what is no number.

use rayon::prelude::*;

use super::super::Entry;
use crate::ledger::NonFiniteEntries;

/// Entries of a part, about; fixed, so that sums are taken in the same order everywhere.
pub(in crate::analysis) const PART: usize = 1 << 22;
/// Columns that are looked at together, down all rows of a part: their sums stay in the cache.
const COLUMNS: usize = 512;

/// What was seen of a matrix of stored rows.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::analysis) struct EntryPass {
    pub rows: Lines,
    pub columns: Lines,
    pub not_finite: NonFiniteEntries,
}

/// Rows or columns, by their place.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::analysis) struct Lines {
    squares: Vec<f64>,
    /// At most 0.
    least: Vec<f64>,
    /// At least 0.
    most: Vec<f64>,
}

impl EntryPass {
    /// Of rows of `width` entries; a part after the other is added up in their order.
    pub fn over<T: Entry>(entries: &[T], width: usize) -> Self {
        let lines = lines_of_a_part(width);
        let parts: Vec<Self> = entries
            .par_chunks((lines * width).max(1))
            .map(|part| Self::of_part(part, width))
            .collect();
        let mut whole = Self::none(0, width);
        for (place, part) in parts.into_iter().enumerate() {
            let before = (place * lines * width) as u64;
            whole.rows.extend(part.rows);
            whole.columns.add(&part.columns);
            whole.not_finite.add(part.not_finite, before);
        }
        whole
    }

    fn none(height: usize, width: usize) -> Self {
        Self {
            rows: Lines::none(height),
            columns: Lines::none(width),
            not_finite: NonFiniteEntries::default(),
        }
    }

    fn of_part<T: Entry>(part: &[T], width: usize) -> Self {
        let mut seen = Self::none(part.len() / width.max(1), width);
        for from in (0..width).step_by(COLUMNS) {
            let to = width.min(from + COLUMNS);
            let (squares, least, most) = seen.columns.part(from, to);
            for (line, row) in part.chunks_exact(width).enumerate() {
                let row = &row[from..to];
                let columns = squares.iter_mut().zip(&mut *least).zip(&mut *most);
                for (((square, least), most), &w) in columns.zip(row) {
                    let w: f64 = w.into();
                    *square += w * w;
                    *least = if w < *least { w } else { *least };
                    *most = if w > *most { w } else { *most };
                }
                seen.rows.see(line, row);
            }
        }
        // A sum of squares of numbers is one, but for numbers beyond 1e150.
        let rows = part.chunks_exact(width.max(1)).zip(&seen.rows.squares);
        for (line, (row, square)) in rows.enumerate() {
            if !square.is_finite() {
                let before = (line * width) as u64;
                seen.not_finite.add(NonFiniteEntries::among(row), before);
            }
        }
        seen
    }
}

/// Rows of a part.
pub(in crate::analysis) fn lines_of_a_part(width: usize) -> usize {
    PART.div_ceil(width.max(1))
}

impl Lines {
    fn none(count: usize) -> Self {
        Self {
            squares: vec![0.0; count],
            least: vec![0.0; count],
            most: vec![0.0; count],
        }
    }

    fn part(&mut self, from: usize, to: usize) -> (&mut [f64], &mut [f64], &mut [f64]) {
        (
            &mut self.squares[from..to],
            &mut self.least[from..to],
            &mut self.most[from..to],
        )
    }

    /// More lines after these.
    fn extend(&mut self, more: Self) {
        self.squares.extend(more.squares);
        self.least.extend(more.least);
        self.most.extend(more.most);
    }

    /// More entries of the same lines.
    fn add(&mut self, more: &Self) {
        let squares = self.squares.iter_mut().zip(&more.squares);
        squares.for_each(|(square, more)| *square += more);
        let least = self.least.iter_mut().zip(&more.least);
        least.for_each(|(least, more)| *least = least.min(*more));
        let most = self.most.iter_mut().zip(&more.most);
        most.for_each(|(most, more)| *most = most.max(*more));
    }

    /// More entries of line number `at`, eight side by side.
    fn see<T: Copy + Into<f64>>(&mut self, at: usize, entries: &[T]) {
        const LANES: usize = 8;
        let (eights, rest) = entries.as_chunks::<LANES>();
        let mut lanes = [[0.0_f64; LANES]; 3];
        for eight in eights {
            for (lane, &w) in eight.iter().enumerate() {
                let w: f64 = w.into();
                lanes[0][lane] += w * w;
                lanes[1][lane] = if w < lanes[1][lane] {
                    w
                } else {
                    lanes[1][lane]
                };
                lanes[2][lane] = if w > lanes[2][lane] {
                    w
                } else {
                    lanes[2][lane]
                };
            }
        }
        let [squares, least, most] = lanes;
        self.squares[at] += squares.iter().sum::<f64>();
        let rest = rest.iter().map(|&w| w.into());
        for w in rest.clone() {
            self.squares[at] += w * w;
        }
        let least = least.into_iter().chain(rest.clone());
        self.least[at] = least.fold(self.least[at], f64::min);
        self.most[at] = most.into_iter().chain(rest).fold(self.most[at], f64::max);
    }

    /// 1/rms of each line of `count` entries, or 0 of one of zeros, which stays one.
    pub fn inverses(&self, count: usize) -> Vec<f64> {
        let inverse = |square: &f64| {
            let rms = (square / count as f64).sqrt();
            if rms > 0.0 { 1.0 / rms } else { 0.0 }
        };
        self.squares.iter().map(inverse).collect()
    }

    /// Between which the entries times these `inverses` lie; 0 is between them.
    pub fn ends(&self, inverses: &[f64]) -> (f64, f64) {
        let each = self.least.iter().zip(&self.most).zip(inverses);
        each.fold((0.0, 0.0), |(low, high), ((least, most), inverse)| {
            (
                f64::min(low, least * inverse),
                f64::max(high, most * inverse),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Two rows of three: columns (3, 4), (−1, 0), (0, −2).
    #[test]
    fn rows_and_columns_by_hand() {
        let seen = EntryPass::over(&[3.0_f32, -1.0, 0.0, 4.0, 0.0, -2.0], 3);
        assert_eq!(seen.rows.squares, [10.0, 20.0]);
        assert_eq!(
            (&seen.rows.least[..], &seen.rows.most[..]),
            (&[-1.0, -2.0][..], &[3.0, 4.0][..])
        );
        assert_eq!(seen.columns.squares, [25.0, 1.0, 4.0]);
        assert_eq!(seen.columns.most, [4.0, 0.0, 0.0]);
        let inverses = seen.rows.inverses(3);
        assert!((inverses[0] - 0.3_f64.sqrt()).abs() < 1e-15);
        // −2/√(20/3) and 3/√(10/3).
        let (low, high) = seen.rows.ends(&inverses);
        assert!((low + 0.6_f64.sqrt()).abs() < 1e-15 && (high - 2.7_f64.sqrt()).abs() < 1e-15);
        assert_eq!(Lines::none(2).inverses(3), [0.0, 0.0]);
    }

    #[test]
    fn what_is_no_number_is_counted() {
        let mut entries = vec![1.0_f64; 700];
        (entries[5], entries[600], entries[699]) = (f64::NAN, f64::INFINITY, f64::NEG_INFINITY);
        let seen = EntryPass::over(&entries, 7);
        let found = NonFiniteEntries {
            nan: 1,
            infinite: 2,
            first: Some(5),
        };
        assert_eq!(seen.not_finite, found);
        // Its square is infinite, and it is a number.
        let seen = EntryPass::over(&[1e200, 1.0], 2);
        assert_eq!(seen.not_finite, NonFiniteEntries::default());
        assert_eq!(EntryPass::over::<f32>(&[], 3).rows.squares.len(), 0);
    }

    // Of two parts and a rest of columns; threads do not show.
    #[test]
    fn parts_add_up() {
        let width = 1300;
        let height = lines_of_a_part(width) + 3;
        let entries: Vec<f32> = (0..width * height).map(|i| (i % 10) as f32 - 4.0).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| EntryPass::over(&entries, width))
        };
        let seen = with(1);
        assert_eq!(seen, with(3));
        // A row has all digits 130 times, of squares 85; the last column of ten is 5 alone.
        assert_eq!(seen.rows.squares, vec![85.0 * 130.0; height]);
        let last = (seen.columns.squares[9], seen.columns.most[9]);
        assert_eq!(last, (25.0 * height as f64, 5.0));
    }
}
