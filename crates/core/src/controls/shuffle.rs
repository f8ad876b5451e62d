//! Entries in random order, by all processors and without a second copy.
//!
//! Rao 1961 and Sandelius 1962: each entry goes to one of 256 buckets at random, each bucket
//! is shuffled on its own; the order is uniform over all orders, and every step but the first
//! stays in the cache.

use rand::RngExt;
use rayon::prelude::*;

use super::{ControlSource, LINE};
use randomlike_maths::random_streams::{Purpose, generator};

/// Fewest entries that are shuffled in buckets.
const MANY: usize = 1 << 18;
/// Entries that are sent to the buckets together, about.
const TILE: usize = 1 << 20;
const BUCKETS: usize = 256;

/// The entries in random order, which depends on `seed` and `place` and not on how they are
/// stored, nor on the number of threads.
pub(super) fn shuffled(entries: &ControlSource<'_>, seed: u64, place: u64, order: &mut [f32]) {
    if entries.stored.len() < MANY {
        order.copy_from_slice(&entries.columns(0, entries.m));
        shuffle(order, seed, (u64::MAX >> 25) - place);
        return;
    }
    // Above the streams of Gaussian controls: 2³⁹, then the place, then tile or bucket.
    let stream = |kind: u64, i: usize| 1 << 39 | place << 28 | kind << 27 | i as u64;
    let height = (TILE / entries.n).max(1);
    let tiles: Vec<(usize, usize)> = (0..entries.m)
        .step_by(height)
        .map(|first| (first, height.min(entries.m - first)))
        .collect();
    let buckets = |tile: usize| Buckets::new(seed, stream(0, tile));
    let counts: Vec<[usize; BUCKETS]> = tiles
        .par_iter()
        .enumerate()
        .map(|(tile, (_, height))| {
            let mut counts = [0; BUCKETS];
            let mut buckets = buckets(tile);
            for _ in 0..height * entries.n {
                counts[buckets.next()] += 1;
            }
            counts
        })
        .collect();
    // Room for each tile in each bucket.
    let mut rooms: Vec<Vec<&mut [f32]>> = tiles.iter().map(|_| Vec::new()).collect();
    let mut rest = &mut *order;
    for bucket in 0..BUCKETS {
        for (counts, rooms) in counts.iter().zip(&mut rooms) {
            let (room, after) = rest.split_at_mut(counts[bucket]);
            rooms.push(room);
            rest = after;
        }
    }
    rooms.into_par_iter().zip(&tiles).enumerate().for_each(
        |(tile, (mut rooms, &(first, height)))| {
            let mut buckets = buckets(tile);
            let mut filled = [0; BUCKETS];
            for line in (first..first + height).step_by(LINE) {
                let lines = LINE.min(first + height - line);
                for entry in entries.columns(line, lines) {
                    let bucket = buckets.next();
                    rooms[bucket][filled[bucket]] = entry;
                    filled[bucket] += 1;
                }
            }
        },
    );
    let mut rest = order;
    let mut whole = Vec::with_capacity(BUCKETS);
    for bucket in 0..BUCKETS {
        let (one, after) = rest.split_at_mut(counts.iter().map(|c| c[bucket]).sum());
        whole.push(one);
        rest = after;
    }
    whole
        .into_par_iter()
        .enumerate()
        .for_each(|(bucket, entries)| shuffle(entries, seed, stream(1, bucket)));
}

/// Buckets drawn one after the other, eight from each number.
struct Buckets {
    rng: rand_chacha::ChaCha8Rng,
    drawn: u64,
    left: u32,
}

impl Buckets {
    fn new(seed: u64, stream: u64) -> Self {
        Self {
            rng: generator(seed, Purpose::Control, stream),
            drawn: 0,
            left: 0,
        }
    }

    fn next(&mut self) -> usize {
        if self.left == 0 {
            (self.drawn, self.left) = (self.rng.random(), 8);
        }
        let bucket = self.drawn as u8;
        self.drawn >>= 8;
        self.left -= 1;
        usize::from(bucket)
    }
}

/// Fisher and Yates.
fn shuffle(entries: &mut [f32], seed: u64, stream: u64) {
    let mut rng = generator(seed, Purpose::Control, stream);
    for i in (1..entries.len()).rev() {
        // A bucket of 2³² entries would be one of 2⁴⁰.
        let limit = u32::try_from(i).unwrap_or(u32::MAX);
        entries.swap(i, rng.random_range(0..=limit) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::StoredEntries;
    use crate::layers::Orientation;

    fn single(entries: &[f32]) -> StoredEntries<'_> {
        StoredEntries::Single(entries.into(), 1.0)
    }

    /// Position `at` of the result holds the entry that was at `found[at]`.
    fn positions(n: usize, m: usize, seed: u64) -> Vec<f32> {
        let stored: Vec<f32> = (0..n * m).map(|at| at as f32).collect();
        let entries = ControlSource {
            stored: &single(&stored),
            n,
            m,
            orientation: Orientation::OutIn,
        };
        order(&entries, seed, 0)
    }

    fn order(entries: &ControlSource<'_>, seed: u64, place: u64) -> Vec<f32> {
        let mut order = vec![0.0; entries.stored.len()];
        shuffled(entries, seed, place, &mut order);
        order
    }

    // One tile, and three of one output each.
    #[test]
    fn many_entries_are_permuted_evenly_in_either_orientation() {
        for (n, m) in [(600, 500), (700_000, 3)] {
            let found = positions(n, m, 5);
            let mut sorted = found.clone();
            sorted.sort_unstable_by(f32::total_cmp);
            assert!(sorted.iter().enumerate().all(|(at, &e)| at == e as usize));
            let turned: Vec<f32> = (0..n * m).map(|at| (at % m * n + at / m) as f32).collect();
            let entries = ControlSource {
                stored: &single(&turned),
                n,
                m,
                orientation: Orientation::InOut,
            };
            assert!(order(&entries, 5, 0) == found);
            assert!(order(&entries, 5, 1) != found && order(&entries, 6, 0) != found);
        }
    }

    // Where an entry goes says nothing of where it was: the rank correlation is N(0, 1/count),
    // and so is that of neighbours. Each of ten stretches gets its share of each other.
    #[test]
    fn places_do_not_remember() {
        let count = 600 * 500;
        let found = positions(600, 500, 9);
        let centre = 0.5 * (count as f64 - 1.0);
        let variance = (count as f64).powi(2) / 12.0;
        let product = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
            let sum: f64 = pairs.map(|(a, b)| (a - centre) * (b - centre)).sum();
            sum / (count as f64 * variance) * (count as f64).sqrt()
        };
        let at = |i: usize| f64::from(found[i]);
        let still = product(&mut (0..count).map(|i| (i as f64, at(i))));
        let beside = product(&mut (1..count).map(|i| (at(i - 1), at(i))));
        assert!(still.abs() < 4.0 && beside.abs() < 4.0, "{still} {beside}");
        let mut shares = [[0.0; 10]; 10];
        for (i, &from) in found.iter().enumerate() {
            shares[10 * i / count][10 * from as usize / count] += 1.0;
        }
        let expected = count as f64 / 100.0;
        let squares = shares.iter().flatten();
        let chi: f64 = squares
            .map(|s| (s - expected) * (s - expected) / expected)
            .sum();
        // 81 degrees of freedom: mean 81, sd 12.7.
        assert!((30.0..132.0).contains(&chi), "{chi}");
    }
}
