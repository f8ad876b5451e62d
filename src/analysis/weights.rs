//! The marginal distribution of a layer's weights, docs/theory.md §1.

use rayon::prelude::*;

use super::{Entry, initializer, stored_sides};
use crate::audit::{Section, Weights};
use crate::layers::{Layer, Orientation};
use crate::stats::{Family, GaussianDistance, Histogram, Sample};

/// Bins of the rescaled views: of normal weights each is 1e-4 wide, of lines of 9216 at most
/// 1.5e-3, where no entry exceeds √9216. They fit into a processor's cache.
const BINS: usize = 1 << 17;
/// Columns whose squares are added up by one task, each in the order of the rows.
const COLUMNS: usize = 512;
/// Entries of a row that are added up side by side.
const LANES: usize = 8;
/// Entries of a part of the rescaled views, about; fixed, so that sums are taken in the same
/// order everywhere.
const PART: usize = 1 << 22;

pub(super) fn measure<T: Entry>(entries: &[T], layer: &Layer) -> Section<Weights> {
    let Some(sample) = T::sample(entries) else {
        return Section::Skipped {
            reason: "the tensor is empty".into(),
        };
    };
    let coarse = sample.coarsened(GaussianDistance::GROUPS);
    let moments = sample.moments();
    let (_, width) = stored_sides(layer);
    let (lines, across) = (by_line(entries, width), by_position(entries, width));
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
fn by_line<T: Entry>(entries: &[T], width: usize) -> Section<GaussianDistance> {
    let lines: Vec<Line> = entries.par_chunks(width).map(Line::of).collect();
    let (low, high) = ends(&lines, width);
    rescaled(entries, width, (low, high), |line, _| {
        lines[line].inverse(width)
    })
}

/// Each stored column divided by its own rms.
fn by_position<T: Entry>(entries: &[T], width: usize) -> Section<GaussianDistance> {
    let mut columns = vec![Line::default(); width];
    let some = columns.par_chunks_mut(COLUMNS).enumerate();
    some.for_each(|(place, columns)| {
        for row in entries.chunks(width) {
            let row = row.get(place * COLUMNS..).unwrap_or_default();
            for (column, &w) in columns.iter_mut().zip(row) {
                column.add(w.into());
            }
        }
    });
    let height = entries.len() / width;
    let (low, high) = ends(&columns, height);
    let inverses: Vec<f64> = columns.iter().map(|c| c.inverse(height)).collect();
    rescaled(entries, width, (low, high), |_, i| inverses[i])
}

/// What a row or column is divided by, and how far it reaches.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    square: f64,
    /// At most 0.
    least: f64,
    /// At least 0.
    most: f64,
}

impl Line {
    fn of<T: Entry>(row: &[T]) -> Self {
        let (parts, rest) = row.as_chunks::<LANES>();
        let mut lanes = [Self::default(); LANES];
        for part in parts {
            for (lane, &w) in lanes.iter_mut().zip(part) {
                lane.add(w.into());
            }
        }
        let mut line = lanes.into_iter().fold(Self::default(), |a, b| Self {
            square: a.square + b.square,
            least: a.least.min(b.least),
            most: a.most.max(b.most),
        });
        rest.iter().for_each(|&w| line.add(w.into()));
        line
    }

    #[inline]
    fn add(&mut self, w: f64) {
        self.square += w * w;
        self.least = if w < self.least { w } else { self.least };
        self.most = if w > self.most { w } else { self.most };
    }

    /// 1/rms, or 0 of a line of zeros, which stays one.
    fn inverse(&self, count: usize) -> f64 {
        let rms = (self.square / count as f64).sqrt();
        if rms > 0.0 { 1.0 / rms } else { 0.0 }
    }
}

/// Between which rescaled entries lie; 0 is between them.
fn ends(lines: &[Line], count: usize) -> (f64, f64) {
    let each = lines.iter().map(|line| {
        let inverse = line.inverse(count);
        (line.least * inverse, line.most * inverse)
    });
    each.fold((0.0, 0.0), |a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The distance to a normal law of the entries at (line, position) times
/// `factor(line, position)`, all between `low` and `high`.
fn rescaled<T: Entry>(
    entries: &[T],
    width: usize,
    (low, high): (f64, f64),
    factor: impl Fn(usize, usize) -> f64 + Sync,
) -> Section<GaussianDistance> {
    let lines = PART.div_ceil(width);
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
            reason: "all rescaled weights are equal".into(),
        },
    }
}
