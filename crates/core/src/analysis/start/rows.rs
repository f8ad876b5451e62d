//! Units whose own weights still match an initialiser: rows of an embedding or a head that no data
//! ever touched.
//!
//! Each unit's weights are tested alone: scale within 2.58 standard errors, KS within its 99 %
//! point, nothing outside of a bounded support. Units of other scales come near a law by chance, so
//! the same test is made with the law's scale moved to either side, and the larger count is what
//! chance gives.

use rayon::prelude::*;

use super::known::KnownLaw;
use crate::analysis::Entry;
use crate::audit::RowsAtStart;
use randomlike_maths::stats::Sample;

/// Fewest units and fewest weights of a unit.
const FEWEST: usize = 64;
/// Standard errors of a scale that 99 % of draws stay within.
const ERRORS: f64 = 2.58;
/// √count·KS that 99 % of draws stay within (Kolmogorov 1933).
const KS: f64 = 1.628;
/// Widths of the window of scales by which the law is moved.
const ASIDE: f64 = 4.0;
/// Share of the units below which nothing is said, and the fewest.
const LEAST_SHARE: f64 = 0.01;
const LEAST: usize = 3;

/// Lines of a stored matrix, each the weights of one unit.
pub(super) struct Units<'a, T> {
    entries: &'a [T],
    width: usize,
    /// Whether a unit is a stored row; else a column.
    by_row: bool,
    rms: Vec<f64>,
}

impl<'a, T: Entry> Units<'a, T> {
    /// Those of the longer side; nothing where they are too few or too small.
    pub fn of(entries: &'a [T], width: usize) -> Option<Self> {
        let height = entries.len() / width.max(1);
        if height.min(width) < FEWEST {
            return None;
        }
        let by_row = height >= width;
        let mut units = Self {
            entries,
            width,
            by_row,
            rms: Vec::new(),
        };
        units.rms = if by_row {
            let rms = |row: &[T]| {
                let square = row.iter().map(|&w| w.into() * w.into()).sum::<f64>();
                (square / width as f64).sqrt()
            };
            entries.par_chunks(width).map(rms).collect()
        } else {
            let mut squares = vec![0.0; width];
            for row in entries.chunks_exact(width) {
                for (square, &w) in squares.iter_mut().zip(row) {
                    let w: f64 = w.into();
                    *square += w * w;
                }
            }
            squares.iter().map(|s| (s / height as f64).sqrt()).collect()
        };
        Some(units)
    }

    /// Number of weights of a unit.
    fn length(&self) -> usize {
        if self.by_row {
            self.width
        } else {
            self.entries.len() / self.width
        }
    }

    fn weights(&self, unit: usize) -> Vec<f64> {
        if self.by_row {
            let row = &self.entries[unit * self.width..][..self.width];
            row.iter().map(|&w| w.into()).collect()
        } else {
            let column = self.entries.iter().skip(unit).step_by(self.width);
            column.map(|&w| w.into()).collect()
        }
    }

    /// Of all laws the one that most units match beyond chance. `slack` is what an entry may lie
    /// outside of a support; `rows_are_outputs` where W is stored so.
    pub fn at_start(
        &self,
        laws: &[KnownLaw],
        slack: Option<f64>,
        rows_are_outputs: bool,
    ) -> Option<RowsAtStart> {
        let of = self.rms.len();
        let least = LEAST.max((LEAST_SHARE * of as f64).ceil() as usize);
        let found = laws.iter().filter_map(|law| {
            // Scales alone first: they cost nothing.
            if self.at_scale(law, 0.0).len() < least {
                return None;
            }
            let matching = self.matching(law, 0.0, slack);
            let elsewhere = [-ASIDE, ASIDE].map(|aside| self.matching(law, aside, slack));
            let elsewhere = elsewhere[0].max(elsewhere[1]);
            let more = matching.checked_sub(elsewhere)?;
            (more >= least && more as f64 > 3.0 * (elsewhere as f64).sqrt())
                .then_some((law, matching, elsewhere))
        });
        let (law, matching, elsewhere) =
            found.max_by_key(|(_, matching, elsewhere)| matching - elsewhere)?;
        Some(RowsAtStart {
            are_outputs: self.by_row == rows_are_outputs,
            law: law.name.to_owned(),
            of,
            matching,
            elsewhere,
            share: (matching - elsewhere) as f64 / of as f64,
        })
    }

    /// Units of the scale of a law, moved by so many windows.
    fn at_scale(&self, law: &KnownLaw, aside: f64) -> Vec<usize> {
        let window = ERRORS * law.law.scale_error() / (self.length() as f64).sqrt();
        let wanted = law.std * (1.0 + aside * window);
        let near = |rms: f64| (rms / wanted - 1.0).abs() <= window;
        let units = self.rms.iter().enumerate();
        units
            .filter(|&(_, &rms)| near(rms))
            .map(|(unit, _)| unit)
            .collect()
    }

    /// How many of them have the law too.
    fn matching(&self, law: &KnownLaw, aside: f64, slack: Option<f64>) -> usize {
        let root = (self.length() as f64).sqrt();
        let window = ERRORS * law.law.scale_error() / root;
        let std = law.std * (1.0 + aside * window);
        let matches = |&unit: &usize| {
            let weights = self.weights(unit);
            let bounded = law.law.edge().zip(slack);
            let inside = bounded.is_none_or(|((edge, _), slack)| {
                let most = edge * std * (1.0 + slack);
                weights.iter().all(|w| w.abs() <= most)
            });
            let sample = Sample::from_f64(&weights);
            inside && sample.is_some_and(|sample| law.law.ks(&sample, std) * root <= KS)
        };
        self.at_scale(law, aside)
            .par_iter()
            .filter(|unit| matches(unit))
            .count()
    }
}
