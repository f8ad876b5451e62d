//! Sorted entries with multiplicities, the one form every statistic works on, docs/theory.md §1.

use half::{bf16, f16};
use rayon::prelude::*;

use super::{Moments, sort};

/// Entries handled by one task; fixed, so that sums are taken in the same order everywhere.
const CHUNK: usize = 1 << 16;
/// Entries counted by one task: its table of 2¹⁶ counts is small beside them.
const COUNTED: usize = 1 << 20;
/// Positions from which a range is searched whole for its largest distance.
const LEAF: usize = 32;
/// Standard deviations within which a coarsened sample is binned.
const CORE: f64 = 8.0;

/// One value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TiedValue {
    /// The value.
    pub value: f64,
    /// How often it occurs.
    pub count: u64,
    /// How many entries are smaller.
    pub below: u64,
}

/// A sorted, non-empty sample of finite values and its moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    values: Values,
    count: u64,
    moments: Moments,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Groups(Vec<TiedValue>),
}

/// Equal bins of what one part of a sample adds.
#[derive(Debug)]
pub struct Bins {
    lower: f64,
    /// Bins a unit.
    scale: f64,
    /// Sum of the places in the bin, from 0 to 1, and how many there are: in few bytes, so that
    /// the bins stay in the cache.
    cells: Vec<(f32, u32)>,
}

impl Bins {
    /// Adds a value; one out of range counts at the end.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let last = self.cells.len() - 1;
        let place = ((value - self.lower) * self.scale).clamp(0.0, last as f64 + 1.0);
        let bin = (place as usize).min(last);
        let (offset, count) = &mut self.cells[bin];
        *offset += (place - bin as f64) as f32;
        *count += 1;
    }
}

impl Sample {
    /// Sorts 32-bit entries; nothing for an empty slice.
    pub fn from_f32(entries: &[f32]) -> Option<Self> {
        let sorted = sort::ascending(entries);
        Self::new(sorted.len() as u64, Values::F32(sorted))
    }

    /// Sorts 64-bit entries; nothing for an empty slice.
    pub fn from_f64(entries: &[f64]) -> Option<Self> {
        // Adding 0 turns −0 into 0, so that they are one value.
        let mut sorted: Vec<f64> = entries.par_iter().map(|w| w + 0.0).collect();
        sorted.par_sort_unstable_by(f64::total_cmp);
        Self::new(sorted.len() as u64, Values::F64(sorted))
    }

    /// Counts 16-bit entries: their histogram is the data.
    pub fn from_f16(entries: &[f16]) -> Option<Self> {
        Self::from_bits(entries, f16::to_bits, |bits| f16::from_bits(bits).to_f64())
    }

    /// Counts 16-bit entries: their histogram is the data.
    pub fn from_bf16(entries: &[bf16]) -> Option<Self> {
        Self::from_bits(entries, bf16::to_bits, |bits| {
            bf16::from_bits(bits).to_f64()
        })
    }

    fn from_bits<T: Copy + Sync>(
        entries: &[T],
        bits: fn(T) -> u16,
        value: fn(u16) -> f64,
    ) -> Option<Self> {
        let counts = counts(entries, bits);
        let pairs = (0..=u16::MAX).zip(counts).filter(|&(_, count)| count > 0);
        Self::from_counts(
            pairs
                .map(|(bits, count)| (value(bits) + 0.0, count))
                .collect(),
        )
    }

    /// From values and how often each occurs, in any order.
    pub fn from_counts(mut pairs: Vec<(f64, u64)>) -> Option<Self> {
        pairs.retain(|&(_, count)| count > 0);
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut groups: Vec<TiedValue> = Vec::with_capacity(pairs.len());
        let mut below = 0;
        for (value, count) in pairs {
            match groups.last_mut() {
                Some(last) if last.value >= value => last.count += count,
                _ => groups.push(TiedValue {
                    value,
                    count,
                    below,
                }),
            }
            below += count;
        }
        Self::new(below, Values::Groups(groups))
    }

    /// Counts what `fill` adds for each of `parts` parts, in parallel, in `bins` equal bins from
    /// `lower` to `upper`, each standing for its mean. The error of a statistic with slope is
    /// second order in the width of a bin. A part adds at most 2²⁴ values.
    pub fn binned(
        (lower, upper): (f64, f64),
        bins: usize,
        parts: usize,
        fill: impl Fn(usize, &mut Bins) + Sync,
    ) -> Option<Self> {
        let scale = bins as f64 / (upper - lower).max(f64::MIN_POSITIVE);
        let counted: Vec<Bins> = (0..parts)
            .into_par_iter()
            .map(|part| {
                let mut filled = Bins {
                    lower,
                    scale,
                    cells: vec![(0.0, 0); bins],
                };
                fill(part, &mut filled);
                filled
            })
            .collect();
        let bin = |i: usize| {
            let (offset, count) = counted.iter().map(|bins| bins.cells[i]).fold(
                (0.0, 0),
                |(offset, count), (more, times)| {
                    (offset + f64::from(more), count + u64::from(times))
                },
            );
            let middle = i as f64 + offset / count.max(1) as f64;
            (lower + middle / scale, count)
        };
        Self::from_counts((0..bins).map(bin).collect())
    }

    fn new(count: u64, values: Values) -> Option<Self> {
        let moments = Moments::of(count, &values)?;
        Some(Self {
            values,
            count,
            moments,
        })
    }

    /// The same sample with the values within 8 standard deviations of the mean in at most
    /// `bins` equal bins, each standing for its mean. Values farther out, at most one in 64
    /// (Chebyshev), are kept as they are.
    #[must_use]
    pub fn coarsened(&self, bins: usize) -> Self {
        let Moments { mean, std, .. } = self.moments;
        let (low, high) = (
            self.min().max(mean - CORE * std),
            self.max().min(mean + CORE * std),
        );
        if self.distinct() as usize <= bins || low >= high {
            return self.clone();
        }
        let scale = bins as f64 / (high - low);
        let bin = |value: f64| {
            let inside = value >= low && value <= high;
            inside.then(|| (((value - low) * scale) as usize).min(bins - 1))
        };
        let parts = self.chunks().into_par_iter();
        let merged: Vec<Vec<(Option<usize>, f64, u64)>> = parts
            .map(|(start, end)| {
                let mut sums: Vec<(Option<usize>, f64, u64)> = Vec::new();
                self.values.each_in(start, end, |value, count| {
                    let (bin, sum) = (bin(value), value * count as f64);
                    match sums.last_mut() {
                        Some(last) if bin.is_some() && last.0 == bin => {
                            last.1 += sum;
                            last.2 += count;
                        }
                        _ => sums.push((bin, sum, count)),
                    }
                });
                sums
            })
            .collect();
        let mean_of = |(_, sum, count): (_, f64, u64)| (sum / count as f64, count);
        // A bin cut by the border of two chunks gives two values; both are its own means.
        Self::from_counts(merged.into_iter().flatten().map(mean_of).collect())
            .unwrap_or_else(|| self.clone())
    }

    /// Number of entries.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Moments of the entries.
    pub const fn moments(&self) -> Moments {
        self.moments
    }

    /// Number of different values.
    pub fn distinct(&self) -> u64 {
        if let Values::Groups(groups) = &self.values {
            return groups.len() as u64;
        }
        self.chunks()
            .into_par_iter()
            .map(|(start, end)| self.values.distinct_in(start, end))
            .sum()
    }

    /// Smallest value.
    pub fn min(&self) -> f64 {
        self.values.at(0)
    }

    /// Largest value.
    pub fn max(&self) -> f64 {
        self.values.at(self.values.len() - 1)
    }

    /// How many entries are smaller than `value`.
    pub fn below(&self, value: f64) -> u64 {
        let at = self
            .values
            .first_where(0, self.values.len(), |v| v >= value);
        self.values.entries_before(at)
    }

    /// The value with ⌊p·count⌋ entries before it (Hyndman & Fan 1996, their first definition but
    /// where p·count is whole), in the units of the entries.
    pub fn quantile(&self, p: f64) -> f64 {
        let rank = ((p * self.count as f64) as u64).min(self.count - 1);
        match &self.values {
            Values::Groups(groups) => groups[groups.partition_point(|g| g.below <= rank) - 1].value,
            _ => self.values.at(rank as usize),
        }
    }

    /// Every value once, ascending.
    pub fn groups(&self) -> impl Iterator<Item = TiedValue> + '_ {
        self.values.groups_in(0, self.values.len())
    }

    /// Applies `f` to the groups of each chunk, in parallel, and answers in ascending order.
    pub fn fold_chunks<R: Send>(
        &self,
        f: impl Fn(&mut dyn Iterator<Item = TiedValue>) -> R + Sync,
    ) -> Vec<R> {
        self.chunks()
            .into_par_iter()
            .map(|(start, end)| f(&mut self.values.groups_in(start, end)))
            .collect()
    }

    /// Tie-aware Kolmogorov–Smirnov distance (Kolmogorov 1933; docs/theory.md §1), sup |P(X < x) + ½P(X = x) − F(x)| over the
    /// values: the classical one to 1/(2·count) without ties, blind to ties from rounding.
    ///
    /// `cdf` must not fall. Both sides rise along the values, so the ends of a range bound
    /// the distance inside it, and only ranges that may hold the largest are searched: the
    /// result is that of looking at every value.
    pub fn ks(&self, cdf: impl Fn(f64) -> f64 + Sync) -> f64 {
        let chunks = self.chunks();
        let first = chunks
            .par_iter()
            .map(|&(start, _)| self.distance_in(start, start + 1, &cdf))
            .reduce(|| 0.0, f64::max);
        chunks
            .into_par_iter()
            .map(|(start, end)| self.largest_distance(start, end, &cdf, first))
            .reduce(|| first, f64::max)
    }

    /// `found`, or the largest distance at the positions from `start` to `end` if it is larger.
    fn largest_distance(
        &self,
        start: usize,
        end: usize,
        cdf: &impl Fn(f64) -> f64,
        found: f64,
    ) -> f64 {
        let count = self.count as f64;
        let rise = |at: usize| self.values.entries_before(at) as f64 / count;
        let ahead = rise(end) - cdf(self.values.at(start));
        let behind = cdf(self.values.at(end - 1)) - rise(start);
        if ahead.max(behind) <= found {
            return found;
        }
        let middle = self.values.group_start(start + (end - start) / 2);
        if end - start <= LEAF || middle >= end {
            return found.max(self.distance_in(start, end, cdf));
        }
        let found = self.largest_distance(start, middle, cdf, found);
        self.largest_distance(middle, end, cdf, found)
    }

    /// The largest distance of the groups that begin in a range.
    fn distance_in(&self, start: usize, end: usize, cdf: &impl Fn(f64) -> f64) -> f64 {
        let count = self.count as f64;
        let end = self.values.group_start(end);
        self.values
            .groups_in(start, end)
            .map(|g| ((g.below as f64 + 0.5 * g.count as f64) / count - cdf(g.value)).abs())
            .fold(0.0, f64::max)
    }

    /// Ranges of positions, each beginning with a new value.
    fn chunks(&self) -> Vec<(usize, usize)> {
        let mut starts: Vec<usize> = (0..self.values.len())
            .step_by(CHUNK)
            .map(|at| self.values.group_start(at))
            .filter(|&at| at < self.values.len())
            .collect();
        starts.dedup();
        let ends = starts.iter().skip(1).copied();
        let ends = ends.chain(std::iter::once(self.values.len()));
        starts.iter().copied().zip(ends).collect()
    }
}

/// How many entries have each pattern of bits.
fn counts<T: Copy + Sync>(entries: &[T], bits: impl Fn(T) -> u16 + Sync) -> Vec<u64> {
    let none = || vec![0_u64; 1 << 16];
    let counted = |mut counts: Vec<u64>, part: &[T]| {
        for &entry in part {
            counts[usize::from(bits(entry))] += 1;
        }
        counts
    };
    let together = |mut counts: Vec<u64>, more: Vec<u64>| {
        for (count, more) in counts.iter_mut().zip(more) {
            *count += more;
        }
        counts
    };
    let parts = entries.par_chunks(COUNTED);
    parts
        .fold(none, counted)
        .reduce_with(together)
        .unwrap_or_else(none)
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::Groups(v) => v.len(),
        }
    }

    fn at(&self, i: usize) -> f64 {
        match self {
            Self::F32(v) => f64::from(v[i]),
            Self::F64(v) => v[i],
            Self::Groups(v) => v[i].value,
        }
    }

    /// Number of entries at positions below `at`.
    fn entries_before(&self, at: usize) -> u64 {
        match self {
            Self::Groups(groups) => groups
                .get(at)
                .or(groups.last())
                .map_or(0, |g| g.below + if at < groups.len() { 0 } else { g.count }),
            _ => at as u64,
        }
    }

    /// The first position in a range whose value `holds`, which must stay true from there on.
    fn first_where(&self, mut start: usize, mut end: usize, holds: impl Fn(f64) -> bool) -> usize {
        while start < end {
            let middle = start + (end - start) / 2;
            if holds(self.at(middle)) {
                end = middle;
            } else {
                start = middle + 1;
            }
        }
        start
    }

    /// The first position at or after `at` where a new value begins.
    fn group_start(&self, at: usize) -> usize {
        if at == 0 || at >= self.len() || matches!(self, Self::Groups(_)) {
            return at;
        }
        let before = self.at(at - 1);
        self.first_where(at, self.len(), |v| v > before)
    }

    /// Tells `f` of every entry at these positions, or of every value and how often it occurs.
    fn each_in(&self, start: usize, end: usize, mut f: impl FnMut(f64, u64)) {
        match self {
            Self::F32(v) => v[start..end].iter().for_each(|&w| f(w.into(), 1)),
            Self::F64(v) => v[start..end].iter().for_each(|&w| f(w, 1)),
            Self::Groups(v) => v[start..end].iter().for_each(|g| f(g.value, g.count)),
        }
    }

    /// Different values at these positions.
    fn distinct_in(&self, start: usize, end: usize) -> u64 {
        fn steps<T: PartialOrd>(v: &[T]) -> u64 {
            let next = v.iter().skip(1);
            u64::from(!v.is_empty()) + v.iter().zip(next).filter(|(a, b)| a < b).count() as u64
        }
        match self {
            Self::F32(v) => steps(&v[start..end]),
            Self::F64(v) => steps(&v[start..end]),
            Self::Groups(_) => (end - start) as u64,
        }
    }

    fn groups_in(&self, start: usize, end: usize) -> impl Iterator<Item = TiedValue> + '_ {
        let mut at = start;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            if let Self::Groups(groups) = self {
                at += 1;
                return Some(groups[at - 1]);
            }
            let (value, below) = (self.at(at), at as u64);
            while at < end && self.at(at) <= value {
                at += 1;
            }
            Some(TiedValue {
                value,
                count: at as u64 - below,
                below,
            })
        })
    }
}

/// The entries of a sample, for [`Moments`].
pub(super) trait Weighted: Sync {
    /// Smallest and largest value; nothing when there are none.
    fn extremes(&self) -> Option<(f64, f64)>;
    /// Sums of `f(value)·multiplicity`, chunk by chunk in parallel and in fixed order.
    fn sums<const N: usize>(&self, f: impl Fn(f64) -> [f64; N] + Sync) -> [f64; N];
}

impl Weighted for Values {
    fn extremes(&self) -> Option<(f64, f64)> {
        let last = self.len().checked_sub(1)?;
        Some((self.at(0), self.at(last)))
    }

    fn sums<const N: usize>(&self, f: impl Fn(f64) -> [f64; N] + Sync) -> [f64; N] {
        let add = |sum: [f64; N], term: [f64; N], times: f64| {
            std::array::from_fn(|i| times.mul_add(term[i], sum[i]))
        };
        let zero = [0.0; N];
        let parts: Vec<[f64; N]> = match self {
            Self::F32(v) => v
                .par_chunks(CHUNK)
                .map(|chunk| {
                    chunk
                        .iter()
                        .fold(zero, |sum, &w| add(sum, f(w.into()), 1.0))
                })
                .collect(),
            Self::F64(v) => v
                .par_chunks(CHUNK)
                .map(|chunk| chunk.iter().fold(zero, |sum, &w| add(sum, f(w), 1.0)))
                .collect(),
            Self::Groups(v) => v
                .par_chunks(CHUNK)
                .map(|chunk| {
                    chunk
                        .iter()
                        .fold(zero, |sum, g| add(sum, f(g.value), g.count as f64))
                })
                .collect(),
        };
        parts
            .into_iter()
            .fold(zero, |sum, part| add(sum, part, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_and_zeros_are_grouped() {
        let sample = Sample::from_f32(&[2.0, -0.0, 0.0, 2.0, -1.0]).unwrap();
        let groups: Vec<_> = sample
            .groups()
            .map(|g| (g.value, g.count, g.below))
            .collect();
        assert_eq!(groups, [(-1.0, 1, 0), (0.0, 2, 1), (2.0, 2, 3)]);
        assert_eq!(
            (sample.count(), sample.distinct(), sample.quantile(0.5)),
            (5, 3, 0.0)
        );
        assert_eq!(Sample::from_f32(&[]), None);
    }

    #[test]
    fn the_histogram_of_16_bits_equals_the_sorted_sample() {
        // Of more than two tasks.
        let entries: Vec<bf16> = (0..2_200_000_u32)
            .map(|i| bf16::from_f32((i.wrapping_mul(7919) % 1000) as f32 - 500.0))
            .collect();
        let wide: Vec<f32> = entries.iter().map(|w| w.to_f32()).collect();
        let (a, b) = (
            Sample::from_bf16(&entries).unwrap(),
            Sample::from_f32(&wide).unwrap(),
        );
        assert!(a.groups().eq(b.groups()));
        let chunks: Vec<TiedValue> = b.fold_chunks(|g| g.collect::<Vec<_>>()).concat();
        assert!(a.groups().eq(chunks));
    }

    // Four points at the quarter points of the uniform law: 1/8 to the mid-distribution.
    #[test]
    fn ks_of_a_small_sample() {
        let sample = Sample::from_f64(&[0.25, 0.5, 0.75, 1.0]).unwrap();
        assert!((sample.ks(|x| x) - 0.125).abs() < 1e-15);
    }

    // The search must agree with looking at every value, ties and plateaus included.
    #[test]
    fn ks_by_search_equals_ks_by_looking_everywhere() {
        let cdf = |x: f64| (x / 1000.0).clamp(0.0, 1.0);
        let entries = |step: u32| -> Vec<f32> {
            (0..150_000_u32)
                .map(|i| ((i.wrapping_mul(2_654_435_761) >> 12) % 1000 / step * step) as f32)
                .map(|v| v * v / 1000.0)
                .collect()
        };
        for step in [1, 7, 500] {
            let sample = Sample::from_f32(&entries(step)).unwrap();
            let grouped =
                Sample::from_counts(sample.groups().map(|g| (g.value, g.count)).collect());
            let everywhere = sample
                .groups()
                .map(|g| {
                    let middle = g.below as f64 + 0.5 * g.count as f64;
                    (middle / 150_000.0 - cdf(g.value)).abs()
                })
                .fold(0.0, f64::max);
            assert_eq!(sample.ks(cdf).to_bits(), everywhere.to_bits());
            assert_eq!(grouped.unwrap().ks(cdf).to_bits(), everywhere.to_bits());
        }
    }

    #[test]
    fn a_coarse_sample_keeps_counts_moments_and_far_values() {
        let mut entries: Vec<f64> = (0..300_000).map(|i| f64::from(i % 9973)).collect();
        entries.push(1e9);
        let sample = Sample::from_f64(&entries).unwrap();
        let coarse = sample.coarsened(500);
        assert!(coarse.distinct() < 600 && coarse.count() == 300_001);
        assert!(coarse.max() >= 1e9);
        let (a, b) = (sample.moments(), coarse.moments());
        assert!((a.mean - b.mean).abs() < 1e-9 * a.std && (a.std / b.std - 1.0).abs() < 1e-6);
    }

    // Two parts of a thousandth apart, and one value out of range at each end: counts are whole,
    // and the mean of a bin is that of what fell into it.
    #[test]
    fn bins_stand_for_the_mean_of_what_they_hold() {
        let sample = Sample::binned((0.0, 1.0), 10, 2, |part, bins| {
            for i in 0..500 {
                bins.add((2 * i + part) as f64 / 1000.0);
            }
            bins.add(3.0 * part as f64 - 1.5);
        });
        let groups: Vec<TiedValue> = sample.unwrap().groups().collect();
        assert_eq!(groups.iter().map(|g| g.count).sum::<u64>(), 1002);
        for (i, g) in groups[1..9].iter().enumerate() {
            let middle = 0.1 * (i + 1) as f64 + 0.0495;
            assert!(g.count == 100 && (g.value - middle).abs() < 1e-7, "{g:?}");
        }
        // 100 places of mean .495 of a bin and one at its beginning, or at its end.
        let ends = [0.1 * 49.5 / 101.0, 0.9 + 0.1 * 50.5 / 101.0];
        for (g, end) in [groups[0], groups[9]].iter().zip(ends) {
            assert!(g.count == 101 && (g.value - end).abs() < 1e-7, "{g:?}");
        }
    }

    #[test]
    fn entries_below_a_value_are_counted() {
        let sample = Sample::from_f32(&[2.0, 1.0, 2.0, 5.0]).unwrap();
        let grouped = Sample::from_counts(vec![(1.0, 1), (2.0, 2), (5.0, 1)]).unwrap();
        for s in [sample, grouped] {
            let counts = [0.0, 2.0, 2.5, 5.0, 9.0].map(|v| s.below(v));
            assert_eq!(counts, [0, 1, 3, 3, 4]);
        }
    }
}
