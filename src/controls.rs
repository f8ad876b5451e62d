//! What a layer is compared with: matrices of its shape that chance made, one seeded draw of
//! each, shared by every figure that uses it. docs/theory.md §4.
//!
//! Everything is drawn from W/s, s the rms of the entries, so that a Gaussian control is
//! standard normal; what a control does to singular values is multiplied by s again.

mod facts;
mod lines;
mod shuffle;

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::layers::Orientation;
use crate::streams::{Purpose, generator};

pub use facts::{Cause, ControlFacts, Controls, Method, Trap};

/// Entries that are drawn, or added up, together.
const CHUNK: usize = 1 << 16;
/// Rows that are read together: a cache line of a matrix stored by columns.
const LINE: usize = 16;

/// A matrix that chance made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// Independent normal entries.
    Gaussian,
    /// The entries of W in random order: what is left is their distribution.
    Shuffled,
    /// In random order within each row of W, one input's weights: rows keep their scales.
    RowShuffled,
    /// In random order within each column of W, one output's weights: columns keep theirs.
    ColumnShuffled,
    /// Where they are, each with a random sign: sizes keep their places.
    RandomSigns,
}

/// W/s of n inputs and m outputs as it is stored, and how its rows lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'a> {
    pub stored: &'a [f32],
    pub n: usize,
    pub m: usize,
    pub orientation: Orientation,
}

impl Entries<'_> {
    /// The entries of `count` inputs from `first` on, by input and output.
    fn rows(&self, first: usize, count: usize) -> Vec<f32> {
        match self.orientation {
            Orientation::InOut => self.stored[first * self.m..(first + count) * self.m].to_vec(),
            Orientation::OutIn => turned(self.stored, self.n, first, count),
        }
    }

    /// The entries of `count` outputs from `first` on, by output and input.
    fn columns(&self, first: usize, count: usize) -> Vec<f32> {
        match self.orientation {
            Orientation::OutIn => self.stored[first * self.n..(first + count) * self.n].to_vec(),
            Orientation::InOut => turned(self.stored, self.m, first, count),
        }
    }
}

/// Columns `first..first + count` of a matrix with rows of length `width`, one after another.
fn turned(stored: &[f32], width: usize, first: usize, count: usize) -> Vec<f32> {
    let height = stored.len() / width.max(1);
    let mut columns = vec![0.0; count * height];
    for (j, row) in stored.chunks_exact(width.max(1)).enumerate() {
        for (i, &entry) in row[first..first + count].iter().enumerate() {
            columns[i * height + j] = entry;
        }
    }
    columns
}

/// A control as it was drawn, its rows as `orientation` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawn {
    pub entries: Vec<f32>,
    pub orientation: Orientation,
}

/// The draw of `control` with this place among those of `seed`. It does not depend on how W is
/// stored, nor on the number of threads.
pub(crate) fn draw(control: Control, entries: &Entries<'_>, seed: u64, place: u64) -> Drawn {
    let by_input = |entries| Drawn {
        entries,
        orientation: Orientation::InOut,
    };
    match control {
        Control::Gaussian => by_input(gaussian(entries.n * entries.m, seed, place)),
        Control::Shuffled => by_input(shuffle::shuffled(entries, seed, place)),
        Control::RowShuffled => by_input(lines::row_shuffled(entries, seed)),
        Control::RandomSigns => by_input(lines::random_signs(entries, seed)),
        Control::ColumnShuffled => Drawn {
            entries: lines::column_shuffled(entries, seed),
            orientation: Orientation::OutIn,
        },
    }
}

/// Standard normal entries, the draw with this place among those of `seed`.
pub(crate) fn gaussian(count: usize, seed: u64, place: u64) -> Vec<f32> {
    let mut entries = vec![0.0; count];
    entries
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| {
            let mut rng = generator(seed, Purpose::Control, place << 28 | i as u64);
            for entry in chunk {
                *entry = StandardNormal.sample(&mut rng);
            }
        });
    entries
}

/// s, the root mean square of the entries in the precision W/s has; nothing when it is 0 or no
/// number.
pub(crate) fn rms<T: Copy + Into<f64> + Sync>(entries: &[T]) -> Option<f64> {
    let square = sum(entries, |w| w * w) / entries.len() as f64;
    // To the precision of the entries, so that the order of the sum does not show.
    let rms = f64::from(square.sqrt() as f32);
    (rms > 0.0 && rms.is_finite()).then_some(rms)
}

/// The entries over `rms`, in single precision.
pub(crate) fn scaled<T: Copy + Into<f64> + Sync>(entries: &[T], rms: f64) -> Vec<f32> {
    let scaled = entries.par_iter().map(|&w| (w.into() / rms) as f32);
    scaled.collect()
}

/// Σ f(w), in an order that does not depend on the number of threads.
pub(crate) fn sum<T: Copy + Into<f64> + Sync>(entries: &[T], f: impl Fn(f64) -> f64 + Sync) -> f64 {
    let sums: Vec<f64> = entries
        .par_chunks(CHUNK)
        .map(|chunk| chunk.iter().map(|&w| f(w.into())).sum())
        .collect();
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 30;
    const M: usize = 50;

    /// Entry (i, j) of W is 100·i + j, stored either way.
    fn stored(orientation: Orientation) -> Vec<f32> {
        let entry = |i: usize, j: usize| (100 * i + j) as f32;
        match orientation {
            Orientation::InOut => (0..N * M).map(|at| entry(at / M, at % M)).collect(),
            Orientation::OutIn => (0..N * M).map(|at| entry(at % N, at / N)).collect(),
        }
    }

    fn drawn(control: Control, orientation: Orientation, seed: u64) -> Drawn {
        let stored = stored(orientation);
        let entries = Entries {
            stored: &stored,
            n: N,
            m: M,
            orientation,
        };
        draw(control, &entries, seed, 0)
    }

    const ALL: [Control; 5] = [
        Control::Gaussian,
        Control::Shuffled,
        Control::RowShuffled,
        Control::ColumnShuffled,
        Control::RandomSigns,
    ];

    #[test]
    fn a_draw_follows_its_seed_and_not_the_storage() {
        for control in ALL {
            let one = drawn(control, Orientation::InOut, 3);
            assert_eq!(one, drawn(control, Orientation::OutIn, 3), "{control:?}");
            assert_ne!(one, drawn(control, Orientation::InOut, 4), "{control:?}");
        }
    }

    #[test]
    fn each_control_keeps_what_it_says() {
        let input = |w: f32| w.abs() as usize / 100;
        let output = |w: f32| w.abs() as usize % 100;
        let rows = drawn(Control::RowShuffled, Orientation::OutIn, 1).entries;
        let moved = (0..N * M).filter(|&at| output(rows[at]) != at % M).count();
        assert!((0..N * M).all(|at| input(rows[at]) == at / M) && moved > N * M * 9 / 10);
        let columns = drawn(Control::ColumnShuffled, Orientation::InOut, 1).entries;
        let moved = (0..N * M)
            .filter(|&at| input(columns[at]) != at % N)
            .count();
        assert!((0..N * M).all(|at| output(columns[at]) == at / N) && moved > N * M * 9 / 10);
        let signs = drawn(Control::RandomSigns, Orientation::OutIn, 1).entries;
        let whole = stored(Orientation::InOut);
        assert!(
            signs
                .iter()
                .zip(&whole)
                .all(|(a, b)| a.abs() <= *b && a.abs() >= *b)
        );
        // 1499 signs that are not of a zero: sd 19 around half of them.
        let negative = signs.iter().filter(|&&w| w < 0.0).count();
        assert!((660..840).contains(&negative), "{negative}");
    }

    #[test]
    fn the_scale_by_hand() {
        assert_eq!(
            rms(&[3.0, -4.0, 0.0, 5.0_f64]),
            Some(f64::from(12.5_f64.sqrt() as f32))
        );
        assert_eq!(rms(&[0.0; 3]), None);
        assert_eq!(rms(&[f64::NAN, 1.0]), None);
        assert_eq!(rms::<f64>(&[]), None);
        assert!((sum(&[1.0, 2.0, 3.0], |w| w * w) - 14.0).abs() < 1e-15);
    }
}
