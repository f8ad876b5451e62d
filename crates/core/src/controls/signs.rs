//! Entries where they are, each with a random sign.

use rand::RngExt;
use rayon::prelude::*;

use super::{ControlSource, LINE};
use randomlike_maths::random_streams::{Purpose, generator};

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
