//! The same sizes with random signs: what independent entries of the same scales are like.
//!
//! Balancing depends on the squares alone, so S with random signs is balanced too, and every
//! independent symmetric law, whatever the scale of each entry, makes all signs equally likely: the
//! test is exact (docs/theory.md §9). Of a large layer a random part of its rows and columns is
//! taken, chosen without a look at the entries; the test is exact for the part.

use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;

use crate::analysis::Entry;
use crate::audit::{RandomSigns, SignTest, Unmeasured};
use randomlike_maths::balance::Balanced;
use randomlike_maths::linalg::{self, Engine, Matrix};
use randomlike_maths::nulls::{Shape, fit};
use randomlike_maths::random_streams::{Purpose, generator};

/// Draws of signs for S: the least p is 1 in 20.
const FLIPS: usize = 19;
/// Draws of signs for W.
const STORED_FLIPS: usize = 3;
/// Most values of a part.
const VALUES: usize = 256;
/// Most entries of a part.
const ENTRIES: f64 = (1_u32 << 19) as f64;

/// Some rows and columns of W and of S.
pub(super) struct Part {
    stored: Vec<f32>,
    balanced: Vec<f32>,
    rows: usize,
    columns: usize,
    seed: u64,
}

impl Part {
    /// Of W, in rows of `width`, and its S.
    pub fn drawn<T: Entry>(
        entries: &[T],
        parts: &Balanced,
        width: usize,
        seed: u64,
    ) -> Result<Self, Unmeasured> {
        let (rows, columns) = (&parts.rows.kept, &parts.columns.kept);
        let shape = Shape::new(rows.len(), columns.len()).ok_or(Unmeasured::Empty)?;
        let aspect = shape.n as f64 / shape.m as f64;
        let most = ((ENTRIES / aspect).sqrt() as usize).max(1);
        let m = shape.m.min(VALUES).min(most);
        let n = ((m as f64 * aspect).round() as usize).min(shape.n);
        let (of_rows, of_columns) = if rows.len() >= columns.len() {
            (n, m)
        } else {
            (m, n)
        };
        let some = |all: usize, count: usize, place: u64| {
            if count == all {
                return (0..all).collect();
            }
            let mut rng = generator(seed, Purpose::Part, place);
            let mut chosen: Vec<usize> = index::sample(&mut rng, all, count).into_vec();
            chosen.sort_unstable();
            chosen
        };
        let chosen_rows = some(rows.len(), of_rows, 0);
        let chosen_columns = some(columns.len(), of_columns, 1);
        let (mut stored, mut balanced) = (Vec::new(), Vec::new());
        for &i in &chosen_rows {
            let row = &entries[rows[i] * width..][..width];
            for &j in &chosen_columns {
                stored.push(row[columns[j]].into());
                balanced.push(parts.entries[i * columns.len() + j]);
            }
        }
        let largest = stored
            .iter()
            .fold(0.0, |most: f64, w: &f64| most.max(w.abs()));
        Ok(Self {
            stored: stored.iter().map(|w| (w / largest) as f32).collect(),
            balanced,
            rows: of_rows,
            columns: of_columns,
            seed,
        })
    }

    /// Rows are outputs where W `is_turned`.
    pub fn facts(&self, engine: Engine, is_turned: bool) -> Result<RandomSigns, Unmeasured> {
        let flips: Vec<[f64; 2]> = (0..FLIPS)
            .into_par_iter()
            .map(|flip| self.figures(&self.flipped(&self.balanced, flip), engine))
            .collect::<Result<_, _>>()?;
        let mut stored: Vec<f64> = (0..STORED_FLIPS)
            .map(|flip| Ok(self.figures(&self.flipped(&self.stored, flip), engine)?[0]))
            .collect::<Result<_, Unmeasured>>()?;
        stored.sort_unstable_by(f64::total_cmp);
        let as_it_is = self.figures(&self.balanced, engine)?;
        let test = |figure: usize| {
            let mut drawn: Vec<f64> = flips.iter().map(|flip| flip[figure]).collect();
            drawn.sort_unstable_by(f64::total_cmp);
            let observed = as_it_is[figure];
            let as_large = drawn.iter().filter(|&&value| value >= observed).count();
            SignTest {
                observed,
                median: drawn[FLIPS / 2],
                most: drawn[FLIPS - 1],
                p: (1 + as_large) as f64 / (FLIPS + 1) as f64,
            }
        };
        let (inputs, outputs) = if is_turned {
            (self.columns, self.rows)
        } else {
            (self.rows, self.columns)
        };
        Ok(RandomSigns {
            inputs,
            outputs,
            flips: FLIPS,
            stored_ks: self.figures(&self.stored, engine)?[0],
            stored_ks_with_signs: stored[STORED_FLIPS / 2],
            ks: test(0),
            largest: test(1),
        })
    }

    fn flipped(&self, entries: &[f32], flip: usize) -> Vec<f32> {
        let mut rng = generator(self.seed, Purpose::Flips, flip as u64);
        let mut flipped = entries.to_vec();
        for part in flipped.chunks_mut(64) {
            let signs: u64 = rng.random();
            for (bit, entry) in part.iter_mut().enumerate() {
                *entry *= if signs >> bit & 1 == 0 { 1.0 } else { -1.0 };
            }
        }
        flipped
    }

    /// KS to the law, and the largest value over s_med·√N.
    fn figures(&self, entries: &[f32], engine: Engine) -> Result<[f64; 2], Unmeasured> {
        let matrix = Matrix::new(entries, self.rows, self.columns).ok_or(Unmeasured::WrongShape)?;
        let values = linalg::singular_values(matrix, engine)
            .map_err(|fault| Unmeasured::Fault(fault.to_string()))?;
        let shape = Shape::new(self.rows, self.columns).ok_or(Unmeasured::Empty)?;
        let (scale, [ks, ..]) = fit(&values, shape).ok_or(Unmeasured::NoScale)?;
        let unit = scale * (shape.n as f64).sqrt();
        Ok([ks / shape.m as f64, values[0] / unit])
    }
}
