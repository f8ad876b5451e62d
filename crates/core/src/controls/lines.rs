//! Entries moved within their row or column of W, or given another sign where they are.

use rand::RngExt;
use rayon::prelude::*;

use super::{ControlSource, LINE};
use randomlike_maths::random_streams::{Purpose, generator};

/// By input and output; each input's weights in random order.
pub(super) fn row_shuffled(entries: &ControlSource<'_>, seed: u64, room: &mut [f32]) {
    by_line(
        room,
        entries.m,
        |first, count| entries.rows(first, count),
        |input, row| {
            shuffle(row, seed, Purpose::Rows, input);
        },
    );
}

/// By output and input; each output's weights in random order.
pub(super) fn column_shuffled(entries: &ControlSource<'_>, seed: u64, room: &mut [f32]) {
    by_line(
        room,
        entries.n,
        |first, count| entries.columns(first, count),
        |output, column| {
            shuffle(column, seed, Purpose::Columns, output);
        },
    );
}

/// By output and input; each weight times 1 or −1.
pub(super) fn random_signs(entries: &ControlSource<'_>, seed: u64, room: &mut [f32]) {
    by_line(
        room,
        entries.n,
        |first, count| entries.columns(first, count),
        |output, column| {
            let mut rng = generator(seed, Purpose::Signs, output as u64);
            for part in column.chunks_mut(64) {
                let signs: u64 = rng.random();
                for (bit, entry) in part.iter_mut().enumerate() {
                    *entry *= if signs >> bit & 1 == 0 { 1.0 } else { -1.0 };
                }
            }
        },
    );
}

/// Fills `room` with lines of `length` entries, as `read` answers some of them at a time, each
/// changed by `change`, which is told its number.
fn by_line(
    room: &mut [f32],
    length: usize,
    read: impl Fn(usize, usize) -> Vec<f32> + Sync,
    change: impl Fn(usize, &mut [f32]) + Sync,
) {
    let bundles = room.par_chunks_mut((LINE * length).max(1)).enumerate();
    bundles.for_each(|(bundle, lines)| {
        let first = bundle * LINE;
        lines.copy_from_slice(&read(first, lines.len() / length));
        for (i, line) in lines.chunks_mut(length).enumerate() {
            change(first + i, line);
        }
    });
}

/// Fisher and Yates.
fn shuffle(line: &mut [f32], seed: u64, purpose: Purpose, index: usize) {
    let mut rng = generator(seed, purpose, index as u64);
    for i in (1..line.len()).rev() {
        let limit = u32::try_from(i).unwrap_or(u32::MAX);
        line.swap(i, rng.random_range(0..=limit) as usize);
    }
}
