//! The marginal distribution of a layer's weights, docs/theory.md §1.

mod entry_pass;

pub(super) use entry_pass::EntryPass;
use entry_pass::{Lines, lines_of_a_part};

use super::{Entry, initializer, stored_sides};
use crate::audit::{Section, Unmeasured, Weights};
use crate::layers::{Layer, Orientation};
use randomlike_maths::stats::{Family, GaussianDistance, Histogram, Sample};

/// Bins of the rescaled views: of normal weights each is 1e-4 wide, of lines of 9216 at most
/// 1.5e-3, where no entry exceeds √9216. They fit into a processor's cache.
const BINS: usize = 1 << 17;
/// `pass` is that of the entries.
pub(super) fn measure<T: Entry>(
    entries: &[T],
    layer: &Layer,
    pass: &EntryPass,
) -> Section<Weights> {
    let Some(sample) = T::sample(entries) else {
        return Section::Skipped {
            reason: Unmeasured::Empty,
        };
    };
    let coarse = sample.coarsened(GaussianDistance::GROUPS);
    let moments = sample.moments();
    let (_, width) = stored_sides(layer);
    let lines = by_line(entries, width, &pass.rows);
    let across = by_position(entries, width, &pass.columns);
    let (by_row, by_column) = match layer.orientation {
        Orientation::OutIn => (across, lines),
        Orientation::InOut => (lines, across),
    };
    Section::Measured(Weights {
        count: sample.count(),
        distinct: sample.distinct(),
        mean: moments.mean,
        std: moments.std,
        rms: moments.rms,
        min: sample.min(),
        max: sample.max(),
        skewness: moments.skewness,
        zero_fraction: moments.zero_fraction,
        gaussian: GaussianDistance::of_coarse(&sample, &coarse),
        by_row,
        by_column,
        family: Family::of_coarse(&sample, &coarse),
        initializer: initializer::recognise(&sample, layer),
        histogram: Histogram::standardized(&sample),
    })
}

/// Each stored row divided by its own rms.
fn by_line<T: Entry>(entries: &[T], width: usize, rows: &Lines) -> Section<GaussianDistance> {
    let inverses = rows.inverses(width);
    rescaled(entries, width, rows.ends(&inverses), |line, _| {
        inverses[line]
    })
}

/// Each stored column divided by its own rms.
fn by_position<T: Entry>(
    entries: &[T],
    width: usize,
    columns: &Lines,
) -> Section<GaussianDistance> {
    let inverses = columns.inverses(entries.len() / width);
    rescaled(entries, width, columns.ends(&inverses), |_, i| inverses[i])
}

/// The distance to a normal law of the entries at (line, position) times
/// `factor(line, position)`, all between `low` and `high`.
fn rescaled<T: Entry>(
    entries: &[T],
    width: usize,
    (low, high): (f64, f64),
    factor: impl Fn(usize, usize) -> f64 + Sync,
) -> Section<GaussianDistance> {
    let lines = lines_of_a_part(width);
    let each = |part: usize, add: &mut dyn FnMut(&[T], usize)| {
        let rows = entries.chunks(width).enumerate();
        let some = rows.skip(part * lines).take(lines);
        some.for_each(|(line, row)| add(row, line));
    };
    let sample = if entries.len() <= BINS {
        let mut all = Vec::with_capacity(entries.len());
        each(0, &mut |row, line| {
            let rescaled = row.iter().enumerate();
            all.extend(rescaled.map(|(i, &w)| w.into() * factor(line, i)));
        });
        Sample::from_f64(&all)
    } else {
        let parts = (entries.len() / width).div_ceil(lines);
        Sample::binned((low, high), BINS, parts, |part, bins| {
            each(part, &mut |row, line| {
                for (i, &w) in row.iter().enumerate() {
                    bins.add(w.into() * factor(line, i));
                }
            });
        })
    };
    match sample.as_ref().and_then(GaussianDistance::measure) {
        Some(distance) => Section::Measured(distance),
        None => Section::Skipped {
            reason: Unmeasured::RescaledEqual,
        },
    }
}
