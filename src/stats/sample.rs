//! Sorted entries with multiplicities, the one form every statistic works on.

use half::{bf16, f16};
use rayon::prelude::*;

/// Entries handled by one task; fixed, so that sums are taken in the same order everywhere.
const CHUNK: usize = 1 << 16;

/// One value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// The value.
    pub value: f64,
    /// How often it occurs.
    pub count: u64,
    /// How many entries are smaller.
    pub below: u64,
}

/// A sorted, non-empty sample of finite values.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    values: Values,
    count: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Groups(Vec<Group>),
}

impl Sample {
    /// Sorts 32-bit entries; nothing for an empty slice.
    pub fn from_f32(entries: &[f32]) -> Option<Self> {
        // Adding 0 turns −0 into 0, so that they are one value.
        let mut sorted: Vec<f32> = entries.par_iter().map(|w| w + 0.0).collect();
        sorted.par_sort_unstable_by(f32::total_cmp);
        (!sorted.is_empty()).then_some(Self {
            count: sorted.len() as u64,
            values: Values::F32(sorted),
        })
    }

    /// Sorts 64-bit entries; nothing for an empty slice.
    pub fn from_f64(entries: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = entries.par_iter().map(|w| w + 0.0).collect();
        sorted.par_sort_unstable_by(f64::total_cmp);
        (!sorted.is_empty()).then_some(Self {
            count: sorted.len() as u64,
            values: Values::F64(sorted),
        })
    }

    /// Counts 16-bit entries: their histogram is the data.
    pub fn from_f16(entries: &[f16]) -> Option<Self> {
        Self::from_bits(entries.iter().map(|w| w.to_bits()), |bits| {
            f16::from_bits(bits).to_f64()
        })
    }

    /// Counts 16-bit entries: their histogram is the data.
    pub fn from_bf16(entries: &[bf16]) -> Option<Self> {
        Self::from_bits(entries.iter().map(|w| w.to_bits()), |bits| {
            bf16::from_bits(bits).to_f64()
        })
    }

    fn from_bits(entries: impl Iterator<Item = u16>, value: fn(u16) -> f64) -> Option<Self> {
        let mut counts = vec![0; 1 << 16];
        for bits in entries {
            counts[usize::from(bits)] += 1;
        }
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
        let mut groups: Vec<Group> = Vec::with_capacity(pairs.len());
        let mut below = 0;
        for (value, count) in pairs {
            match groups.last_mut() {
                Some(last) if last.value >= value => last.count += count,
                _ => groups.push(Group {
                    value,
                    count,
                    below,
                }),
            }
            below += count;
        }
        (below > 0).then_some(Self {
            values: Values::Groups(groups),
            count: below,
        })
    }

    /// Counts values in `bins` equal bins from `lower` to `upper`, each standing for its
    /// mean. The error of a statistic with slope is second order in the width of a bin.
    pub fn binned(
        lower: f64,
        upper: f64,
        bins: usize,
        entries: impl Iterator<Item = f64>,
    ) -> Option<Self> {
        let scale = bins as f64 / (upper - lower).max(f64::MIN_POSITIVE);
        let mut sums = vec![(0.0, 0_u64); bins];
        for value in entries {
            let bin = (((value - lower) * scale).max(0.0) as usize).min(bins - 1);
            sums[bin].0 += value;
            sums[bin].1 += 1;
        }
        let mean = |(sum, count): (f64, u64)| (sum / count.max(1) as f64, count);
        Self::from_counts(sums.into_iter().map(mean).collect())
    }

    /// The same sample in at most `bins` groups; itself when it has no more values.
    #[must_use]
    pub fn coarsened(&self, bins: usize) -> Self {
        if self.distinct() as usize <= bins {
            return Self::from_counts(self.groups().map(|g| (g.value, g.count)).collect())
                .unwrap_or_else(|| self.clone());
        }
        let (min, max) = (self.min(), self.max());
        let scale = bins as f64 / (max - min);
        let mut sums = vec![(0.0, 0_u64); bins];
        for group in self.groups() {
            let bin = (((group.value - min) * scale) as usize).min(bins - 1);
            sums[bin].0 += group.value * group.count as f64;
            sums[bin].1 += group.count;
        }
        let pairs = sums
            .into_iter()
            .filter(|bin| bin.1 > 0)
            .map(|(sum, n)| (sum / n as f64, n));
        Self::from_counts(pairs.collect()).unwrap_or_else(|| self.clone())
    }

    /// Number of entries.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Number of different values.
    pub fn distinct(&self) -> u64 {
        self.fold_chunks(|groups| groups.count() as u64)
            .into_iter()
            .sum()
    }

    /// Smallest value.
    pub fn min(&self) -> f64 {
        self.at(0)
    }

    /// Largest value.
    pub fn max(&self) -> f64 {
        self.at(self.len() - 1)
    }

    /// The value with a share `p` of the entries below it.
    pub fn quantile(&self, p: f64) -> f64 {
        let rank = ((p * self.count as f64) as u64).min(self.count - 1);
        match &self.values {
            Values::Groups(groups) => groups[groups.partition_point(|g| g.below <= rank) - 1].value,
            _ => self.at(rank as usize),
        }
    }

    /// Every value once, ascending.
    pub fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.groups_in(0, self.len())
    }

    /// Applies `f` to the groups of each chunk, in parallel, and answers in ascending order.
    pub fn fold_chunks<R: Send>(
        &self,
        f: impl Fn(&mut dyn Iterator<Item = Group>) -> R + Sync,
    ) -> Vec<R> {
        let starts: Vec<usize> = (0..self.len())
            .step_by(CHUNK)
            .map(|at| self.group_start(at))
            .collect();
        let end = |i: usize| starts.get(i + 1).copied().unwrap_or(self.len());
        (0..starts.len())
            .into_par_iter()
            .map(|i| f(&mut self.groups_in(starts[i], end(i))))
            .collect()
    }

    /// Tie-aware Kolmogorov–Smirnov distance, sup |P(X < x) + ½P(X = x) − F(x)| over the
    /// values: the classical one to 1/(2·count) without ties, blind to ties from rounding.
    pub fn ks(&self, cdf: impl Fn(f64) -> f64 + Sync) -> f64 {
        let count = self.count as f64;
        let distance =
            |g: Group| ((g.below as f64 + 0.5 * g.count as f64) / count - cdf(g.value)).abs();
        self.fold_chunks(|groups| groups.map(distance).fold(0.0, f64::max))
            .into_iter()
            .fold(0.0, f64::max)
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::Groups(v) => v.len(),
        }
    }

    fn at(&self, i: usize) -> f64 {
        match &self.values {
            Values::F32(v) => f64::from(v[i]),
            Values::F64(v) => v[i],
            Values::Groups(v) => v[i].value,
        }
    }

    /// The first position at or after `at` where a new value begins.
    fn group_start(&self, at: usize) -> usize {
        if at == 0 || matches!(self.values, Values::Groups(_)) {
            return at;
        }
        let before = self.at(at - 1);
        (at..self.len())
            .find(|&i| self.at(i) > before)
            .unwrap_or(self.len())
    }

    fn groups_in(&self, start: usize, end: usize) -> impl Iterator<Item = Group> + '_ {
        let mut at = start;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            if let Values::Groups(groups) = &self.values {
                at += 1;
                return Some(groups[at - 1]);
            }
            let (value, below) = (self.at(at), at as u64);
            while at < end && self.at(at) <= value {
                at += 1;
            }
            Some(Group {
                value,
                count: at as u64 - below,
                below,
            })
        })
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
        let entries: Vec<bf16> = (0..200_000_u32)
            .map(|i| bf16::from_f32((i * 7919 % 1000) as f32 - 500.0))
            .collect();
        let wide: Vec<f32> = entries.iter().map(|w| w.to_f32()).collect();
        let (a, b) = (
            Sample::from_bf16(&entries).unwrap(),
            Sample::from_f32(&wide).unwrap(),
        );
        assert!(a.groups().eq(b.groups()));
        let chunks: Vec<Group> = b.fold_chunks(|g| g.collect::<Vec<_>>()).concat();
        assert!(a.groups().eq(chunks));
    }

    // Four points at the quarter points of the uniform law: 1/8 to the mid-distribution.
    #[test]
    fn ks_of_a_small_sample() {
        let sample = Sample::from_f64(&[0.25, 0.5, 0.75, 1.0]).unwrap();
        assert!((sample.ks(|x| x) - 0.125).abs() < 1e-15);
    }
}
