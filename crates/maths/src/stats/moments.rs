//! Moments of a sample.

use super::sample::Weighted;

/// Moments, in the units of the entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Standard deviation with 1/count.
    pub std: f64,
    /// √(mean square).
    pub rms: f64,
    /// Third standardised moment; absent for a constant sample.
    pub skewness: Option<f64>,
    /// Fourth standardised moment minus 3; absent for a constant sample.
    pub excess_kurtosis: Option<f64>,
    /// Share of exact zeros.
    pub zero_fraction: f64,
}

impl Moments {
    /// Two passes: the mean, then central moments; nothing without entries.
    pub(super) fn of(count: u64, values: &impl Weighted) -> Option<Self> {
        let (min, max) = values.extremes()?;
        let count = count as f64;
        let [sum] = values.sums(|w| [w]);
        let mean = sum / count;
        let sums = values.sums(|w| {
            let d = w - mean;
            let square = d * d;
            let zero = if w == 0.0 { 1.0 } else { 0.0 };
            [square, square * d, square * square, zero]
        });
        let [variance, third, fourth, zero_fraction] = sums.map(|sum| sum / count);
        // A constant sample may miss its own mean by rounding.
        let varies = min < max && variance > 0.0;
        let std = if varies { variance.sqrt() } else { 0.0 };
        Some(Self {
            mean,
            std,
            rms: (std * std + mean * mean).sqrt(),
            skewness: varies.then(|| third / std.powi(3)),
            excess_kurtosis: varies.then(|| fourth / variance.powi(2) - 3.0),
            zero_fraction,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sample;

    // 0, 0, 1, 3 by hand: mean 1, variance 3/2, third moment 3/2, fourth 9/2.
    #[test]
    fn four_numbers_by_hand() {
        let m = Sample::from_f64(&[3.0, 0.0, 1.0, 0.0]).unwrap().moments();
        assert_eq!((m.mean, m.zero_fraction), (1.0, 0.5));
        assert!((m.std - 1.5_f64.sqrt()).abs() < 1e-15 && (m.rms - 2.5_f64.sqrt()).abs() < 1e-15);
        assert!((m.skewness.unwrap() - 1.5 / 1.5_f64.powf(1.5)).abs() < 1e-14);
        assert!((m.excess_kurtosis.unwrap() + 1.0).abs() < 1e-14);
    }

    #[test]
    fn a_constant_has_no_shape() {
        let m = Sample::from_f64(&[0.1; 7]).unwrap().moments();
        assert_eq!((m.std, m.skewness, m.excess_kurtosis), (0.0, None, None));
    }
}
