//! Units whose own weights still match an initialiser: rows of an embedding or a head that no data
//! ever touched.
//!
//! Each unit's weights are tested alone: scale within 2.58 standard errors, KS within its 99 %
//! point, nothing outside of a bounded support. Units of other scales come near a law by chance: as
//! many as pass the same test with the law's scale moved by a window to either side. Where the
//! scales of a layer have their peak at the law's, that is too few; but there they spread evenly
//! over so narrow a window, and draws of the law crowd in its middle. With A units within .674
//! standard errors of the scale and B further out, F units of the law and even others give
//! A = F/2 + 1.349·g and B = .490·F + 3.812·g, so F = (A − .354·B)/.3266 (derived). Both must agree.

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
/// Standard errors of a scale that half of the draws stay within.
const MIDDLE: f64 = 0.6745;
/// Width of the middle of the window over that of the rest.
const RATIO: f64 = MIDDLE / (ERRORS - MIDDLE);
/// Shares of the draws of a law in the middle and in the rest.
const SHARES: (f64, f64) = (0.5, 0.4901);
/// Standard errors beyond which there are more units than chance gives.
const BEYOND: f64 = 4.0;
/// Widths of the window by which a law is moved.
const ASIDE: f64 = 2.0;
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
            let near = self.matching(law, 0.0, slack);
            let count = near.len() as f64;
            if near.len() < least {
                return None;
            }
            let elsewhere = [-ASIDE, ASIDE].map(|aside| self.matching(law, aside, slack).len());
            let elsewhere = elsewhere[0].max(elsewhere[1]) as f64;
            let fresh = count - elsewhere;
            let middle = near.iter().filter(|errors| **errors <= MIDDLE).count() as f64;
            let rest = count - middle;
            let unit = SHARES.0 - RATIO * SHARES.1;
            let crowded = (middle - RATIO * rest) / unit;
            let error = (middle + RATIO * RATIO * rest).sqrt() / unit;
            let is_beyond_chance = fresh > BEYOND * (count + elsewhere).sqrt().max(1.0);
            let is_crowded = crowded + 2.0 * error >= fresh && crowded > 0.5 * fresh;
            (fresh >= least as f64 && is_beyond_chance && is_crowded).then_some((
                law,
                near.len(),
                fresh as usize,
            ))
        });
        let (law, matching, fresh) = found.max_by_key(|(_, _, fresh)| *fresh)?;
        Some(RowsAtStart {
            are_outputs: self.by_row == rows_are_outputs,
            law: law.name.to_owned(),
            of,
            matching,
            fresh,
            share: fresh as f64 / of as f64,
        })
    }

    /// How many standard errors the units of a law are from its scale, where that is moved by so
    /// many windows.
    fn matching(&self, law: &KnownLaw, aside: f64, slack: Option<f64>) -> Vec<f64> {
        let error = law.law.scale_error() / (self.length() as f64).sqrt();
        let moved = KnownLaw {
            std: law.std * (1.0 + aside * ERRORS * error),
            ..*law
        };
        let errors = |rms: f64| (rms / moved.std - 1.0).abs() / error;
        let units = self.rms.par_iter().enumerate();
        units
            .map(|(unit, &rms)| (unit, errors(rms)))
            .filter(|&(unit, errors)| errors <= ERRORS && self.matches(&moved, unit, slack))
            .map(|(_, errors)| errors)
            .collect()
    }

    /// Whether a unit's weights have the law too.
    fn matches(&self, law: &KnownLaw, unit: usize, slack: Option<f64>) -> bool {
        let weights = self.weights(unit);
        let bounded = law.law.edge().zip(slack);
        let inside = bounded.is_none_or(|((edge, _), slack)| {
            let most = edge * law.std * (1.0 + slack);
            weights.iter().all(|w| w.abs() <= most)
        });
        let root = (self.length() as f64).sqrt();
        let sample = Sample::from_f64(&weights);
        inside && sample.is_some_and(|sample| law.law.ks(&sample, law.std) * root <= KS)
    }
}
