//! A matrix up to the scales of its rows and columns: W = D_r·S·D_c with every row and every column
//! of S of mean square 1, docs/theory.md §9.
//!
//! Sinkhorn & Knopp (1967) on A = W∘W: r_i = 1/mean_j(A_ij·c_j), c_j = 1/mean_i(r_i·A_ij) in turn;
//! S = √r∘W∘√c, D_r = r^−½, D_c = c^−½. S is the same for D_a·W·D_b with any positive scales a and
//! b, and D_r and D_c are unique but for one factor, which is fixed by a geometric mean of D_r of 1.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Largest relative error of the root mean square of a row at which the rounds stop; columns are
/// exact then. Figures of S move by as much when rows and columns are scaled.
const TOLERANCE: f64 = 1e-8;
/// Rounds after which a matrix is called not balanceable. Gaussian ones take 4 to 15, the
/// slowest real layer seen took 101 to 1e-6.
const MOST_ROUNDS: usize = 200;
/// Ratio of the largest to the smallest factor, first round aside, from which the factors are
/// taken to diverge: the pattern of zeros has no doubly stochastic scaling.
const MOST_SPREAD: f64 = 1e24;
/// Share of the median root mean square below which a row or a column is near-dead. Units that
/// weight decay has driven to 1e-29 would be blown up to full size; scales up to nine orders of
/// magnitude below the median are kept.
const NEAR_DEAD: f64 = 1e-9;
/// Entries of a part; fixed, so that sums are taken in the same order whatever the threads.
const PART: usize = 1 << 20;

/// S of a matrix, and its scales.
#[derive(Debug, Clone, PartialEq)]
pub struct Balanced {
    /// S, row by row, of the rows and columns that are kept.
    pub entries: Vec<f32>,
    /// Of the rows of W.
    pub rows: Scales,
    /// Of the columns of W.
    pub columns: Scales,
    /// Rounds that it took.
    pub rounds: usize,
    /// Largest relative error of the root mean square of a row of S.
    pub residual: f64,
}

impl Balanced {
    /// The same with a geometric mean of 1 of the scales of columns, in place of those of rows.
    pub fn fix_by_columns(&mut self) {
        let gauge = self.columns.geometric_mean();
        self.columns.values.iter_mut().for_each(|d| *d /= gauge);
        self.rows.values.iter_mut().for_each(|d| *d *= gauge);
    }
}

/// Scales of the rows or of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Scales {
    /// Places of those that are kept, ascending.
    pub kept: Vec<usize>,
    /// D of those that are kept.
    pub values: Vec<f64>,
    /// How many are zeros.
    pub dead: usize,
    /// How many are smaller than a billionth of the median one.
    pub near_dead: usize,
}

impl Scales {
    fn geometric_mean(&self) -> f64 {
        let logs: f64 = self.values.iter().map(|d| d.ln()).sum();
        (logs / self.values.len().max(1) as f64).exp()
    }

    /// Standard deviation of their natural logarithms.
    pub fn log_spread(&self) -> f64 {
        let logs: Vec<f64> = self.values.iter().map(|d| d.ln()).collect();
        let count = logs.len().max(1) as f64;
        let mean = logs.iter().sum::<f64>() / count;
        (logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / count).sqrt()
    }
}

/// Why a matrix has no S.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BalanceError {
    /// Fewer than two rows or columns that are not dead.
    #[error("fewer than two rows or columns are not dead")]
    TooFew,
    /// Still on the way after 200 rounds.
    #[error("200 rounds did not make the rows and columns equal")]
    Rounds,
    /// Factors twelve orders of magnitude apart, or no longer finite.
    #[error("the factors diverge: too many zeros for equal rows and columns")]
    Diverges,
}

/// Balances a matrix of rows of `width` finite entries.
///
/// # Errors
/// When dead rows and columns leave too little, or the rounds do not converge.
pub fn balance<T: Copy + Into<f64> + Sync>(
    entries: &[T],
    width: usize,
) -> Result<Balanced, BalanceError> {
    let height = entries.len() / width.max(1);
    let largest = entries
        .par_iter()
        .map(|&w| w.into().abs())
        .reduce(|| 0.0, f64::max);
    if height < 2 || width < 2 || largest <= 0.0 {
        return Err(BalanceError::TooFew);
    }
    let squares = Squares {
        entries,
        width,
        unit: 1.0 / largest,
    };
    let (rows, columns) = squares.alive(height)?;
    let (r, c, rounds, residual) = squares.factors(&rows, &columns)?;
    let scale = |factor: &f64| factor.sqrt().recip();
    let rows = rows.scales(r.iter().map(scale));
    let columns = columns.scales(c.iter().map(scale));
    let gauge = rows.geometric_mean();
    let over = |mut scales: Scales, factor: f64| {
        scales.values.iter_mut().for_each(|d| *d *= factor);
        scales
    };
    let rows = over(rows, gauge.recip());
    let columns = over(columns, gauge * largest);
    let inverses: Vec<f64> = columns.values.iter().map(|d| d.recip()).collect();
    let mut balanced = vec![0.0_f32; rows.kept.len() * columns.kept.len()];
    let lines = rows.kept.par_iter().zip(&rows.values);
    balanced
        .par_chunks_mut(columns.kept.len())
        .zip(lines)
        .for_each(|(line, (&row, scale))| {
            let row = &entries[row * width..][..width];
            let inverse = scale.recip();
            for ((s, &column), by_column) in line.iter_mut().zip(&columns.kept).zip(&inverses) {
                *s = (row[column].into() * inverse * by_column) as f32;
            }
        });
    Ok(Balanced {
        entries: balanced,
        rows,
        columns,
        rounds,
        residual,
    })
}

/// Rows or columns that are kept.
struct Alive {
    keeps: Vec<bool>,
    dead: usize,
    near_dead: usize,
}

impl Alive {
    fn all(count: usize) -> Self {
        Self {
            keeps: vec![true; count],
            dead: 0,
            near_dead: 0,
        }
    }

    fn count(&self) -> usize {
        self.keeps.len() - self.dead - self.near_dead
    }

    /// 1 for what is kept, else 0.
    fn factors(&self) -> Vec<f64> {
        let each = self.keeps.iter();
        each.map(|&keeps| if keeps { 1.0 } else { 0.0 }).collect()
    }

    /// Drops those whose mean square is too small; whether there were any.
    fn drop(&mut self, squares: &[f64]) -> bool {
        let kept = self.keeps.iter().zip(squares).filter(|(keeps, _)| **keeps);
        let mut sizes: Vec<f64> = kept.map(|(_, s)| *s).filter(|&s| s > 0.0).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        let floor = sizes
            .get(sizes.len() / 2)
            .map_or(0.0, |median| median * NEAR_DEAD * NEAR_DEAD);
        let before = self.count();
        for (keeps, &square) in self.keeps.iter_mut().zip(squares) {
            if !*keeps {
                continue;
            }
            if square <= 0.0 {
                (*keeps, self.dead) = (false, self.dead + 1);
            } else if square < floor {
                (*keeps, self.near_dead) = (false, self.near_dead + 1);
            }
        }
        self.count() < before
    }

    fn scales(self, values: impl Iterator<Item = f64>) -> Scales {
        let kept = self.keeps.iter().zip(values).enumerate();
        let kept = kept.filter(|(_, (keeps, _))| **keeps);
        let (kept, values) = kept.map(|(place, (_, value))| (place, value)).unzip();
        Scales {
            kept,
            values,
            dead: self.dead,
            near_dead: self.near_dead,
        }
    }
}

/// A = (W/max|W|)∘(W/max|W|).
struct Squares<'a, T> {
    entries: &'a [T],
    width: usize,
    unit: f64,
}

impl<T: Copy + Into<f64> + Sync> Squares<'_, T> {
    /// Rows, then columns, until nothing more is dropped.
    fn alive(&self, height: usize) -> Result<(Alive, Alive), BalanceError> {
        let (mut rows, mut columns) = (Alive::all(height), Alive::all(self.width));
        loop {
            let (by_row, _) = self.pass(&columns.factors(), |_, _| 1.0);
            let fewer_rows = rows.drop(&by_row);
            let keeps = &rows.keeps;
            let weight = |row: usize, _| if keeps[row] { 1.0 } else { 0.0 };
            let (_, by_column) = self.pass(&columns.factors(), weight);
            let fewer_columns = columns.drop(&by_column);
            if rows.count() < 2 || columns.count() < 2 {
                return Err(BalanceError::TooFew);
            }
            if !fewer_rows && !fewer_columns {
                return Ok((rows, columns));
            }
        }
    }

    /// r, c, the number of rounds and the largest error of a row at the end; 0 for what is dropped.
    fn factors(
        &self,
        rows: &Alive,
        columns: &Alive,
    ) -> Result<(Vec<f64>, Vec<f64>, usize, f64), BalanceError> {
        let (n, m) = (rows.count() as f64, columns.count() as f64);
        let inverse = |keeps: bool, sum: f64, count: f64| if keeps { count / sum } else { 0.0 };
        let mut c = columns.factors();
        let mut r: Vec<f64> = Vec::new();
        let mut first: Option<(Vec<f64>, Vec<f64>)> = None;
        for round in 0..MOST_ROUNDS {
            let factor = |row: usize, sum: f64| inverse(rows.keeps[row], sum, m);
            let (by_row, by_column) = self.pass(&c, factor);
            let errors = r.iter().zip(&by_row).filter(|(r, _)| **r > 0.0);
            let error = errors.fold(0.0, |most: f64, (r, sum)| {
                most.max(((r * sum / m).sqrt() - 1.0).abs())
            });
            if !r.is_empty() && error < TOLERANCE {
                return Ok((r, c, round, error));
            }
            let each = by_row.iter().enumerate();
            r = each.map(|(row, &sum)| factor(row, sum)).collect();
            let each = columns.keeps.iter().zip(&by_column);
            c = each.map(|(&keeps, &sum)| inverse(keeps, sum, n)).collect();
            match &first {
                None => first = Some((r.clone(), c.clone())),
                Some((r0, c0)) if spread(&r, r0) < MOST_SPREAD && spread(&c, c0) < MOST_SPREAD => {}
                Some(_) => return Err(BalanceError::Diverges),
            }
        }
        Err(BalanceError::Rounds)
    }

    /// Σ_j A_ij·c_j of each row, and Σ_i f(i, that sum)·A_ij of each column.
    fn pass(&self, c: &[f64], factor: impl Fn(usize, f64) -> f64 + Sync) -> (Vec<f64>, Vec<f64>) {
        let lines = PART.div_ceil(self.width);
        let parts: Vec<(Vec<f64>, Vec<f64>)> = self
            .entries
            .par_chunks(lines * self.width)
            .enumerate()
            .map(|(part, entries)| {
                let mut by_row = Vec::with_capacity(lines);
                let mut by_column = vec![0.0; self.width];
                let mut squares = vec![0.0; self.width];
                for (line, row) in entries.chunks_exact(self.width).enumerate() {
                    for (square, &w) in squares.iter_mut().zip(row) {
                        let w = w.into() * self.unit;
                        *square = w * w;
                    }
                    let sum = dot(&squares, c);
                    let factor = factor(part * lines + line, sum);
                    for (total, square) in by_column.iter_mut().zip(&squares) {
                        *total += factor * square;
                    }
                    by_row.push(sum);
                }
                (by_row, by_column)
            })
            .collect();
        let mut by_row = Vec::new();
        let mut by_column = vec![0.0; self.width];
        for (rows, columns) in parts {
            by_row.extend(rows);
            let totals = by_column.iter_mut().zip(columns);
            totals.for_each(|(total, part)| *total += part);
        }
        (by_row, by_column)
    }
}

/// Eight sums side by side, which the compiler makes one instruction of.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (eights_a, rest_a) = a.as_chunks::<8>();
    let (eights_b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in eights_a.iter().zip(eights_b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// max/min of the factors that are kept, over those of the first round.
fn spread(factors: &[f64], first: &[f64]) -> f64 {
    let kept = factors.iter().zip(first).filter(|(_, first)| **first > 0.0);
    let (low, high) = kept.fold((f64::INFINITY, 0.0_f64), |(low, high), (now, first)| {
        let ratio = now / first;
        if ratio.is_finite() && ratio > 0.0 {
            (low.min(ratio), high.max(ratio))
        } else {
            (0.0, f64::INFINITY)
        }
    });
    high / low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nulls::Marginal;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn gaussian(count: usize, seed: u64) -> Vec<f64> {
        Marginal::Normal.draw(count, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    fn mean_squares(entries: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
        let square = |w: &f32| f64::from(*w) * f64::from(*w);
        let height = entries.len() / width;
        let row = |i: usize| {
            entries[i * width..][..width]
                .iter()
                .map(square)
                .sum::<f64>()
        };
        let column = |j: usize| {
            entries
                .iter()
                .skip(j)
                .step_by(width)
                .map(square)
                .sum::<f64>()
        };
        (
            (0..height).map(|i| row(i) / width as f64).collect(),
            (0..width).map(|j| column(j) / height as f64).collect(),
        )
    }

    // [[a, b], [c, d]] with all positive squares: S∘S is [[p, 2 − p], [2 − p, p]] with
    // p/(2 − p) = √(ad/bc) of the squares (Sinkhorn 1964). Of [[1, 2], [3, 4]]: √(16/36) = 2/3.
    #[test]
    fn two_by_two_in_closed_form() {
        let mut found = balance(&[1.0, 2.0, 3.0, 4.0], 2).unwrap();
        let p = 2.0 * (2.0 / 3.0) / (1.0 + 2.0 / 3.0);
        let wanted = [p, 2.0 - p, 2.0 - p, p].map(f64::sqrt);
        for (s, wanted) in found.entries.iter().zip(wanted) {
            assert!((f64::from(*s) - wanted).abs() < 1e-7, "{s} {wanted}");
        }
        let gauge: f64 = found.rows.values.iter().map(|d| d.ln()).sum();
        assert!(gauge.abs() < 1e-12);
        let back = found.rows.values[1] * found.columns.values[0] * f64::from(found.entries[2]);
        assert!((back - 3.0).abs() < 1e-6);
        found.fix_by_columns();
        let gauge: f64 = found.columns.values.iter().map(|d| d.ln()).sum();
        assert!(gauge.abs() < 1e-12);
        let again = found.rows.values[1] * found.columns.values[0] * f64::from(found.entries[2]);
        assert!((again - back).abs() < 1e-12);
    }

    #[test]
    fn rows_and_columns_have_mean_square_one() {
        let found = balance(&gaussian(96 * 40, 1), 40).unwrap();
        let (rows, columns) = mean_squares(&found.entries, 40);
        for square in rows.into_iter().chain(columns) {
            assert!((square - 1.0).abs() < 1e-6, "{square}");
        }
        assert!(found.rounds < 15 && found.residual < TOLERANCE);
        // χ² of 40: the sd of ln of a scale is about 1/√80.
        assert!((found.rows.log_spread() * 80.0_f64.sqrt() - 1.0).abs() < 0.25);
    }

    // Log-uniform over twelve orders of magnitude on either side.
    #[test]
    fn scales_are_divided_out() {
        let (height, width) = (64, 48);
        let entries = gaussian(height * width, 2);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut scales = |count: usize| -> Vec<f64> {
            let each = (0..count).map(|_| 10_f64.powf(12.0 * rng.random::<f64>() - 6.0));
            each.collect()
        };
        let (a, b) = (scales(height), scales(width));
        let scaled: Vec<f64> = (0..height * width)
            .map(|i| a[i / width] * entries[i] * b[i % width])
            .collect();
        let (plain, found) = (
            balance(&entries, width).unwrap(),
            balance(&scaled, width).unwrap(),
        );
        for (s, wanted) in found.entries.iter().zip(&plain.entries) {
            assert!((s - wanted).abs() < 2e-6, "{s} {wanted}");
        }
        // The scales come out, up to one factor.
        let ratio = |i: usize| found.rows.values[i] / plain.rows.values[i] / a[i];
        assert!((ratio(7) / ratio(0) - 1.0).abs() < 1e-6);
    }

    // Zeros and what weight decay leaves are set aside; the rest is as if they had not been.
    #[test]
    fn dead_units_are_counted_and_dropped() {
        let (height, width) = (60, 50);
        let mut entries = gaussian(height * width, 4);
        for (i, w) in entries.iter_mut().enumerate() {
            let (row, column) = (i / width, i % width);
            *w *= match (row, column) {
                (3, _) | (_, 9) => 0.0,
                (4 | 5, _) | (_, 11) => 1e-29,
                _ => 1.0,
            };
        }
        let found = balance(&entries, width).unwrap();
        assert_eq!((found.rows.dead, found.rows.near_dead), (1, 2));
        assert_eq!((found.columns.dead, found.columns.near_dead), (1, 1));
        assert_eq!(found.rows.kept[3..5], [6, 7]);
        let rest: Vec<f64> = (0..height * width)
            .filter(|i| found.rows.kept.contains(&(i / width)))
            .filter(|i| found.columns.kept.contains(&(i % width)))
            .map(|i| entries[i])
            .collect();
        assert_eq!(found.entries, balance(&rest, 48).unwrap().entries);
    }

    // A triangle of ones has no scaling with equal rows and columns but the diagonal's.
    #[test]
    fn a_triangle_cannot_be_balanced() {
        let triangle: Vec<f32> = (0..40 * 40)
            .map(|i| if i % 40 <= i / 40 { 1.0 } else { 0.0 })
            .collect();
        let fault = balance(&triangle, 40).unwrap_err();
        assert!(matches!(
            fault,
            BalanceError::Rounds | BalanceError::Diverges
        ));
        assert_eq!(balance(&[0.0_f32; 9], 3).unwrap_err(), BalanceError::TooFew);
        assert_eq!(balance::<f32>(&[], 3).unwrap_err(), BalanceError::TooFew);
    }

    #[test]
    fn threads_do_not_show() {
        let entries = gaussian(3000 * 800, 5);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| balance(&entries, 800).unwrap())
        };
        assert_eq!(with(1), with(3));
    }
}
