//! Counts of standardised entries, for pictures.

use serde::{Deserialize, Serialize};

use super::{Moments, Sample};

/// Equal-width counts of (entry − mean)/std.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Left edge of the first bin, in standard deviations from the mean.
    pub lower: f64,
    /// Right edge of the last bin.
    pub upper: f64,
    /// Entries per bin; entries outside are in none.
    pub counts: Vec<u64>,
    /// Entries below `lower`.
    pub below: u64,
    /// Entries above `upper`.
    pub above: u64,
}

/// Bins in one standard deviation.
const BINS: usize = 16;
/// Most different values that may stand on a grid.
const VALUES: usize = 4096;
/// Steps of a grid in one bin from which on it does not matter how many there are.
const MANY: f64 = 64.0;
/// Share of a step by which a value may be off its grid, from rounding.
const ROUNDING: f64 = 0.01;

impl Histogram {
    /// Bins of 1/16 standard deviation up to the farthest entry, at least 4 and at most 12
    /// standard deviations to each side; nothing for a constant sample.
    ///
    /// Where all values stand on a grid, as those of quantised weights do, bins are so many of its
    /// steps as are nearest to that width, at least one, and end between two values: with now four
    /// values in a bin and now five, every fourth bar would stand out.
    pub fn standardized(sample: &Sample) -> Option<Self> {
        let Moments {
            mean,
            std,
            skewness: Some(_),
            ..
        } = sample.moments()
        else {
            return None;
        };
        let farthest = (sample.max() - mean).max(mean - sample.min()) / std;
        let half = farthest.ceil().clamp(4.0, 12.0);
        let usual = 1.0 / BINS as f64;
        let step = step(sample).map(|step| step / std);
        let grid = step.filter(|&step| step * MANY > usual);
        let (lower, width) = grid.map_or((-half, usual), |step| {
            let width = step * (usual / step).round().max(1.0);
            let border = (sample.min() - mean) / std - 0.5 * step;
            (border - width * ((border + half) / width).ceil(), width)
        });
        let bins = ((half - lower) / width).ceil() as usize;
        let edge = |i: usize| mean + std * (lower + i as f64 * width);
        // The last bin holds its right edge, or the farthest entry may fall out of it.
        let beyond = sample.below(edge(bins).next_up());
        let before: Vec<u64> = (0..bins).map(|i| sample.below(edge(i))).collect();
        let counts = before
            .iter()
            .zip(before.iter().skip(1).chain(std::iter::once(&beyond)))
            .map(|(from, to)| to - from)
            .collect();
        let (below, above) = (before[0], sample.count() - beyond);
        Some(Self {
            lower,
            upper: lower + bins as f64 * width,
            counts,
            below,
            above,
        })
    }
}

/// The distance of neighbours on the grid that all values stand on; nothing where there is none.
fn step(sample: &Sample) -> Option<f64> {
    let values: Vec<f64> = sample
        .groups()
        .take(VALUES + 1)
        .map(|group| group.value)
        .collect();
    if values.len() > VALUES {
        return None;
    }
    let gaps = values.windows(2).map(|pair| pair[1] - pair[0]);
    let least = gaps.fold(f64::INFINITY, f64::min);
    let first = values.first()?;
    let is_on_grid = |value: &f64| {
        let place = (value - first) / least;
        (place - place.round()).abs() <= ROUNDING
    };
    (least.is_finite() && values.iter().all(is_on_grid)).then_some(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binned(entries: &[f64]) -> Histogram {
        Histogram::standardized(&Sample::from_f64(entries).unwrap()).unwrap()
    }

    /// The bins that are not empty.
    fn held(histogram: &Histogram) -> Vec<u64> {
        let counts = histogram.counts.iter().copied();
        counts.filter(|&count| count > 0).collect()
    }

    // The second time two values are off the grid of the others by more than rounding.
    #[test]
    fn every_entry_is_counted_once() {
        let mut entries = vec![0.0; 1000];
        entries.extend([1.0, -1.0, 30.0]);
        let h = binned(&entries);
        assert_eq!((h.below, h.above), (0, 1));
        assert_eq!(h.counts.iter().sum::<u64>() + 1, 1003);
        let width = (h.upper - h.lower) / h.counts.len() as f64;
        assert!(h.upper >= 12.0 && h.upper < 12.0 + width, "{}", h.upper);
        entries.extend([0.3, 0.77]);
        let h = binned(&entries);
        assert_eq!((h.lower, h.upper, h.counts.len()), (-12.0, 12.0, 384));
        assert_eq!((h.below, h.above), (0, 1));
        assert_eq!(h.counts.iter().sum::<u64>() + 1, 1005);
    }

    // 201 values, each as often as the others, of sd 5.8: bins of 1/16 sd would hold three or four of
    // them by turns. In single precision they are rounded.
    #[test]
    fn bins_hold_as_many_steps_of_a_grid_each() {
        let entries: Vec<f32> = (0..2010).map(|i| 0.1 * ((i % 201) as f32 - 80.0)).collect();
        let h = Histogram::standardized(&Sample::from_f32(&entries).unwrap()).unwrap();
        let counts = held(&h);
        let (first, inside) = counts.split_first().unwrap();
        let (last, inside) = inside.split_last().unwrap();
        assert!(inside.iter().all(|&count| count == 40), "{counts:?}");
        assert!(*first <= 40 && *last <= 40);
        assert_eq!(h.counts.iter().sum::<u64>() + h.below + h.above, 2010);
        assert!(h.lower <= -4.0 && h.upper >= 4.0);
    }

    // A bar for each value where the steps are wide: three of them, -1, 0 and 1.
    #[test]
    fn a_value_has_a_bin_of_its_own_on_a_wide_grid() {
        let entries: Vec<f64> = (0..300).map(|i| f64::from(i % 3) - 1.0).collect();
        let h = binned(&entries);
        assert_eq!(held(&h), [100; 3]);
        assert!(h.counts.len() < 12, "{}", h.counts.len());
    }
}
