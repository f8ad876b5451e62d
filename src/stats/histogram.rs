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

impl Histogram {
    /// Bins of 1/16 standard deviation up to the farthest entry, at least 4 and at most 12
    /// standard deviations to each side; nothing for a constant sample.
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
        let bins = 2 * half as usize * BINS;
        let edge = |i: usize| mean + std * (i as f64 / BINS as f64 - half);
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
            lower: -half,
            upper: half,
            counts,
            below,
            above,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_counted_once() {
        let mut entries = vec![0.0; 1000];
        entries.extend([1.0, -1.0, 30.0]);
        let h = Histogram::standardized(&Sample::from_f64(&entries).unwrap()).unwrap();
        assert_eq!((h.upper, h.below, h.above), (12.0, 0, 1));
        assert_eq!(h.counts.iter().sum::<u64>() + 1, 1003);
    }
}
