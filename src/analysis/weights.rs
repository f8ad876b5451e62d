//! The marginal distribution of a layer's weights, docs/theory.md §1.

use rayon::prelude::*;

use super::{Entry, initializer, stored_sides};
use crate::audit::{Section, Weights};
use crate::layers::{Layer, Orientation};
use crate::stats::{Family, GaussianDistance, Histogram, Sample};

/// Bins of the rescaled views. Divided by its line's rms no entry exceeds √(length of the
/// line), so a bin is at most 2e-4 wide for lines of 9216.
const BINS: usize = 1 << 20;
/// Columns whose squares are added up by one task, each in the order of the rows.
const COLUMNS: usize = 512;
/// Parts of the rescaled views, fixed so that sums are taken in the same order everywhere.
const PARTS: usize = 4;

pub(super) fn measure<T: Entry>(entries: &[T], layer: &Layer) -> Section<Weights> {
    let Some(sample) = T::sample(entries) else {
        return Section::Skipped {
            reason: "the tensor is empty".into(),
        };
    };
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
        gaussian: GaussianDistance::measure(&sample),
        by_row,
        by_column,
        family: Family::fit(&sample),
        initializer: initializer::recognise(&sample, layer),
        histogram: Histogram::standardized(&sample),
    })
}

/// Each stored row divided by its own rms.
fn by_line<T: Entry>(entries: &[T], width: usize) -> Section<GaussianDistance> {
    let scales: Vec<f64> = entries
        .par_chunks(width)
        .map(|row| rms(sum_of_squares(row), row.len()))
        .collect();
    rescaled(entries, width, |line, _| scales[line])
}

/// Each stored column divided by its own rms.
fn by_position<T: Entry>(entries: &[T], width: usize) -> Section<GaussianDistance> {
    let mut squares = vec![0.0; width];
    let some = squares.par_chunks_mut(COLUMNS).enumerate();
    some.for_each(|(place, squares)| {
        for row in entries.chunks(width) {
            let row = row.get(place * COLUMNS..).unwrap_or_default();
            for (square, &w) in squares.iter_mut().zip(row) {
                let w: f64 = w.into();
                *square += w * w;
            }
        }
    });
    let height = entries.len() / width;
    let scales: Vec<f64> = squares
        .into_iter()
        .map(|square| rms(square, height))
        .collect();
    rescaled(entries, width, |_, i| scales[i])
}

fn sum_of_squares<T: Entry>(row: &[T]) -> f64 {
    row.iter().map(|&w| Into::<f64>::into(w).powi(2)).sum()
}

fn rms(sum: f64, count: usize) -> f64 {
    (sum / count as f64).sqrt()
}

/// The distance to a normal law after dividing the entry at (line, position) by
/// `scale(line, position)`; lines of zeros stay.
fn rescaled<T: Entry>(
    entries: &[T],
    width: usize,
    scale: impl Fn(usize, usize) -> f64 + Send + Sync + Copy,
) -> Section<GaussianDistance> {
    let lines = entries.len() / width;
    let per_part = lines.div_ceil(PARTS);
    let part = |first: usize| {
        (first..(first + per_part).min(lines)).flat_map(move |line| {
            let row = &entries[line * width..][..width];
            row.iter().enumerate().map(move |(i, &w)| {
                let (w, s): (f64, f64) = (w.into(), scale(line, i));
                if s > 0.0 { w / s } else { 0.0 }
            })
        })
    };
    let parts: Vec<_> = (0..lines).step_by(per_part).map(part).collect();
    let sample = if entries.len() <= BINS {
        Sample::from_f64(&parts.into_iter().flatten().collect::<Vec<f64>>())
    } else {
        let (low, high) = parts
            .par_iter()
            .map(|part| {
                part.clone()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
                        (a.min(v), b.max(v))
                    })
            })
            .reduce(
                || (f64::INFINITY, f64::NEG_INFINITY),
                |a, b| (a.0.min(b.0), a.1.max(b.1)),
            );
        Sample::binned(low, high, BINS, parts)
    };
    match sample.as_ref().and_then(GaussianDistance::measure) {
        Some(distance) => Section::Measured(distance),
        None => Section::Skipped {
            reason: "all rescaled weights are equal".into(),
        },
    }
}
