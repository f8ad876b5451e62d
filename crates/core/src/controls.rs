//! What a layer is compared with: matrices of its shape that chance made, one seeded draw of
//! each, shared by every figure that uses it. docs/theory.md §4.
//!
//! Everything is drawn from W/s, s the rms of the entries, so that a Gaussian control is
//! standard normal; what a control does to singular values is multiplied by s again.

mod facts;
mod shuffle;

use std::borrow::Cow;

use half::{bf16, f16};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::layers::Orientation;
use randomlike_maths::random_streams::{Purpose, generator};

pub use facts::{Cause, ControlFacts, Controls, SpectrumMethod, Trap};

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
}

/// A control of n inputs and m outputs, and how its rows lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ControlMatrix<'a> {
    pub stored: &'a [f32],
    pub n: usize,
    pub m: usize,
    pub orientation: Orientation,
}

/// W/s of n inputs and m outputs, where W lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ControlSource<'a> {
    pub stored: &'a StoredEntries<'a>,
    pub n: usize,
    pub m: usize,
    pub orientation: Orientation,
}

impl ControlSource<'_> {
    /// The entries of `count` outputs from `first` on, by output and input.
    fn columns(&self, first: usize, count: usize) -> Vec<f32> {
        self.lines(Orientation::OutIn, self.n, first, count)
    }

    /// `count` lines of `length` entries from `first` on.
    fn lines(&self, way: Orientation, length: usize, first: usize, count: usize) -> Vec<f32> {
        if way == self.orientation {
            return self.stored.part(first * length..(first + count) * length);
        }
        let width = self.stored.len() / length.max(1);
        self.stored.turned(width, first, count)
    }
}

/// Entries as they are stored, and what each is times to be over the rms.
#[derive(Debug, Clone)]
pub enum StoredEntries<'a> {
    /// In single precision; of 64-bit entries a copy, already divided.
    Single(Cow<'a, [f32]>, f32),
    /// In 16 bits, of which single precision would be twice as much.
    Half(Cow<'a, [f16]>, f32),
    /// The same with the range of single precision.
    Brain(Cow<'a, [bf16]>, f32),
}

impl StoredEntries<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Single(entries, _) => entries.len(),
            Self::Half(entries, _) => entries.len(),
            Self::Brain(entries, _) => entries.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of them over the rms, in single precision.
    pub fn part(&self, range: std::ops::Range<usize>) -> Vec<f32> {
        match self {
            Self::Single(e, factor) => e[range].iter().map(|w| w * factor).collect(),
            Self::Half(e, factor) => e[range].iter().map(|w| w.to_f32() * factor).collect(),
            Self::Brain(e, factor) => e[range].iter().map(|w| w.to_f32() * factor).collect(),
        }
    }

    /// The entries of columns `first..first + count` of a matrix with rows of length `width`, row
    /// by row.
    pub fn columns(&self, width: usize, first: usize, count: usize) -> Vec<f32> {
        let starts = (0..self.len()).step_by(width.max(1));
        let mut block = Vec::with_capacity(self.len() / width.max(1) * count);
        for start in starts {
            block.extend(self.part(start + first..start + first + count));
        }
        block
    }

    /// Columns `first..first + count` of a matrix with rows of length `width`, one after another.
    fn turned(&self, width: usize, first: usize, count: usize) -> Vec<f32> {
        match self {
            Self::Single(e, factor) => turned(e, width, first, count, |w| w * factor),
            Self::Half(e, factor) => turned(e, width, first, count, |w| w.to_f32() * factor),
            Self::Brain(e, factor) => turned(e, width, first, count, |w| w.to_f32() * factor),
        }
    }
}

/// Entries that a control is drawn from: left where they are, unless that loses digits.
pub trait Scaled: Copy + Into<f64> + Send + Sync {
    /// The entries, to be taken over `rms`.
    fn stored(entries: Cow<'_, [Self]>, rms: f64) -> StoredEntries<'_>;
}

/// A copy in single precision, divided.
fn divided<T: Scaled>(entries: &[T], rms: f64) -> StoredEntries<'static> {
    let scaled = entries.par_iter().map(|&w| (w.into() / rms) as f32);
    StoredEntries::Single(Cow::Owned(scaled.collect()), 1.0)
}

impl Scaled for f64 {
    fn stored(entries: Cow<'_, [Self]>, rms: f64) -> StoredEntries<'_> {
        divided(&entries, rms)
    }
}

impl Scaled for f32 {
    fn stored(entries: Cow<'_, [Self]>, rms: f64) -> StoredEntries<'_> {
        match factor(rms) {
            Some(factor) => StoredEntries::Single(entries, factor),
            None => divided(&entries, rms),
        }
    }
}

impl Scaled for f16 {
    fn stored(entries: Cow<'_, [Self]>, rms: f64) -> StoredEntries<'_> {
        match factor(rms) {
            Some(factor) => StoredEntries::Half(entries, factor),
            None => divided(&entries, rms),
        }
    }
}

impl Scaled for bf16 {
    fn stored(entries: Cow<'_, [Self]>, rms: f64) -> StoredEntries<'_> {
        match factor(rms) {
            Some(factor) => StoredEntries::Brain(entries, factor),
            None => divided(&entries, rms),
        }
    }
}

/// 1/s, where single precision holds it in full.
fn factor(rms: f64) -> Option<f32> {
    Some((1.0 / rms) as f32).filter(|factor| factor.is_normal())
}

/// Columns `first..first + count` of a matrix with rows of length `width`, one after another.
fn turned<T: Copy>(
    stored: &[T],
    width: usize,
    first: usize,
    count: usize,
    entry: impl Fn(T) -> f32,
) -> Vec<f32> {
    let height = stored.len() / width.max(1);
    let mut columns = vec![0.0; count * height];
    for (j, row) in stored.chunks_exact(width.max(1)).enumerate() {
        for (i, &w) in row[first..first + count].iter().enumerate() {
            columns[i * height + j] = entry(w);
        }
    }
    columns
}

/// The draw of `control` with this place among those of `seed`, into `room`; answers how its rows
/// lie. It does not depend on how W is stored, nor on the number of threads.
pub(crate) fn draw(
    control: Control,
    entries: &ControlSource<'_>,
    (seed, place): (u64, u64),
    room: &mut Vec<f32>,
) -> Orientation {
    let size = entries.n * entries.m;
    // What is there is written over: the room of one control does for the next.
    room.resize(size, 0.0);
    match control {
        Control::Gaussian => gaussian_into(room, seed, place),
        Control::Shuffled => shuffle::shuffled(entries, seed, place, room),
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
        let entries = ControlSource {
            stored: &StoredEntries::Single(Cow::Owned(halves), 2.0),
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

    const ALL: [Control; 2] = [Control::Gaussian, Control::Shuffled];

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
        let mut shuffled = by_input(Control::Shuffled, Orientation::OutIn, 1);
        let in_place = stored(Orientation::InOut);
        let same = shuffled.iter().zip(&in_place);
        assert!(same.filter(|(a, b)| (**a - **b).abs() < 0.5).count() < N * M / 10);
        shuffled.sort_unstable_by(f32::total_cmp);
        assert!(
            shuffled
                .iter()
                .zip(&in_place)
                .all(|(a, b)| (a - b).abs() < 1e-3)
        );
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
