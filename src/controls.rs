//! What a layer is compared with: matrices of its shape that chance made, one seeded draw of
//! each, shared by every figure that uses it. docs/theory.md §4.
//!
//! Everything is drawn from W/s, s the rms of the entries, so that a Gaussian control is
//! standard normal; what a control does to singular values is multiplied by s again.

mod facts;
mod lines;
mod shuffle;

use std::borrow::Cow;

use half::{bf16, f16};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::layers::Orientation;
use crate::streams::{Purpose, generator};

pub use facts::{Cause, ControlFacts, Controls, Method, Trap};

/// Entries that are drawn, or added up, together.
const CHUNK: usize = 1 << 16;
/// Entries whose sums are taken side by side.
const LANES: usize = 8;
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

/// W/s of n inputs and m outputs: entries as they are stored, each times 1/s, and how their rows
/// lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'a> {
    pub stored: &'a [f32],
    /// 1/s, or 1 where the entries were divided before.
    pub factor: f32,
    pub n: usize,
    pub m: usize,
    pub orientation: Orientation,
}

impl Entries<'_> {
    /// The entries of `count` inputs from `first` on, by input and output.
    fn rows(&self, first: usize, count: usize) -> Vec<f32> {
        self.lines(Orientation::InOut, self.m, first, count)
    }

    /// The entries of `count` outputs from `first` on, by output and input.
    fn columns(&self, first: usize, count: usize) -> Vec<f32> {
        self.lines(Orientation::OutIn, self.n, first, count)
    }

    /// `count` lines of `length` entries from `first` on.
    fn lines(&self, way: Orientation, length: usize, first: usize, count: usize) -> Vec<f32> {
        if way == self.orientation {
            let lines = &self.stored[first * length..(first + count) * length];
            return lines.iter().map(|w| w * self.factor).collect();
        }
        let width = self.stored.len() / length.max(1);
        turned(self.stored, width, first, count, self.factor)
    }
}

/// Entries that are numbers of single precision, or become some.
pub trait Single: Copy + Into<f64> + Send + Sync {
    /// The entries over `rms` in single precision, as entries and what they are times: those of
    /// single precision are left where they are.
    fn single(entries: &[Self], rms: f64) -> (Cow<'_, [f32]>, f32) {
        let scaled = entries.par_iter().map(|&w| (w.into() / rms) as f32);
        (Cow::Owned(scaled.collect()), 1.0)
    }
}

impl Single for f64 {}
impl Single for f16 {}
impl Single for bf16 {}

impl Single for f32 {
    fn single(entries: &[Self], rms: f64) -> (Cow<'_, [f32]>, f32) {
        let factor = (1.0 / rms) as f32;
        if factor.is_normal() {
            return (Cow::Borrowed(entries), factor);
        }
        let scaled = entries.par_iter().map(|&w| (f64::from(w) / rms) as f32);
        (Cow::Owned(scaled.collect()), 1.0)
    }
}

/// Columns `first..first + count` of a matrix with rows of length `width`, one after another.
fn turned(stored: &[f32], width: usize, first: usize, count: usize, factor: f32) -> Vec<f32> {
    let height = stored.len() / width.max(1);
    let mut columns = vec![0.0; count * height];
    for (j, row) in stored.chunks_exact(width.max(1)).enumerate() {
        for (i, &entry) in row[first..first + count].iter().enumerate() {
            columns[i * height + j] = entry * factor;
        }
    }
    columns
}

/// The draw of `control` with this place among those of `seed`, into `room`; answers how its rows
/// lie. It does not depend on how W is stored, nor on the number of threads.
pub(crate) fn draw(
    control: Control,
    entries: &Entries<'_>,
    (seed, place): (u64, u64),
    room: &mut Vec<f32>,
) -> Orientation {
    let size = entries.n * entries.m;
    // What is there is written over: the room of one control does for the next.
    room.resize(size, 0.0);
    match control {
        Control::Gaussian => gaussian_into(room, seed, place),
        Control::Shuffled => shuffle::shuffled(entries, seed, place, room),
        Control::RandomSigns => lines::random_signs(entries, seed, room),
        Control::ColumnShuffled => lines::column_shuffled(entries, seed, room),
        Control::RowShuffled => {
            lines::row_shuffled(entries, seed, room);
            return Orientation::InOut;
        }
    }
    Orientation::OutIn
}

/// Standard normal entries, the draw with this place among those of `seed`.
pub(crate) fn gaussian(count: usize, seed: u64, place: u64) -> Vec<f32> {
    let mut entries = vec![0.0; count];
    gaussian_into(&mut entries, seed, place);
    entries
}

fn gaussian_into(entries: &mut [f32], seed: u64, place: u64) {
    let chunks = entries.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(i, chunk)| {
        let mut rng = generator(seed, Purpose::Control, place << 28 | i as u64);
        for entry in chunk {
            *entry = StandardNormal.sample(&mut rng);
        }
    });
}

/// s, the root mean square of the entries in the precision W/s has; nothing when it is 0 or no
/// number.
pub(crate) fn rms<T: Copy + Into<f64> + Sync>(entries: &[T]) -> Option<f64> {
    let square = sum(entries, |w| w * w) / entries.len() as f64;
    // To the precision of the entries, so that the order of the sum does not show.
    let rms = f64::from(square.sqrt() as f32);
    (rms > 0.0 && rms.is_finite()).then_some(rms)
}

/// Σ f(w), in an order that does not depend on the number of threads.
pub(crate) fn sum<T: Copy + Into<f64> + Sync>(entries: &[T], f: impl Fn(f64) -> f64 + Sync) -> f64 {
    let sums: Vec<f64> = entries
        .par_chunks(CHUNK)
        .map(|chunk| {
            let (eights, rest) = chunk.as_chunks::<LANES>();
            let mut lanes = [0.0; LANES];
            for eight in eights {
                for (lane, &w) in lanes.iter_mut().zip(eight) {
                    *lane += f(w.into());
                }
            }
            let rest = rest.iter().map(|&w| f(w.into()));
            lanes.iter().sum::<f64>() + rest.sum::<f64>()
        })
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

    /// As drawn, and how the rows lie.
    fn drawn(control: Control, stored_as: Orientation, seed: u64) -> (Vec<f32>, Orientation) {
        let halves: Vec<f32> = stored(stored_as).iter().map(|w| 0.5 * w).collect();
        let entries = Entries {
            stored: &halves,
            factor: 2.0,
            n: N,
            m: M,
            orientation: stored_as,
        };
        let mut room = vec![7.0; 3];
        let orientation = draw(control, &entries, (seed, 0), &mut room);
        (room, orientation)
    }

    /// By input and output.
    fn by_input(control: Control, stored_as: Orientation, seed: u64) -> Vec<f32> {
        let (drawn, orientation) = drawn(control, stored_as, seed);
        match orientation {
            Orientation::InOut => drawn,
            Orientation::OutIn => (0..N * M).map(|at| drawn[at % M * N + at / M]).collect(),
        }
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
        let rows = by_input(Control::RowShuffled, Orientation::OutIn, 1);
        let moved = (0..N * M).filter(|&at| output(rows[at]) != at % M).count();
        assert!((0..N * M).all(|at| input(rows[at]) == at / M) && moved > N * M * 9 / 10);
        let columns = by_input(Control::ColumnShuffled, Orientation::InOut, 1);
        let moved = (0..N * M)
            .filter(|&at| input(columns[at]) != at / M)
            .count();
        assert!((0..N * M).all(|at| output(columns[at]) == at % M) && moved > N * M * 9 / 10);
        let signs = by_input(Control::RandomSigns, Orientation::OutIn, 1);
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
