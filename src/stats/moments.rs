//! Moments of a sample.

use super::Sample;

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
    /// Two passes: the mean, then central moments.
    pub fn of(sample: &Sample) -> Self {
        let count = sample.count() as f64;
        let sum: f64 = sample
            .fold_chunks(|g| g.map(|g| g.value * g.count as f64).sum::<f64>())
            .iter()
            .sum();
        let mean = sum / count;
        let parts = sample.fold_chunks(|groups| {
            groups.fold([0.0; 4], |[two, three, four, zeros], g| {
                let (d, c) = (g.value - mean, g.count as f64);
                let square = d * d;
                let zero = if g.value == 0.0 { c } else { 0.0 };
                [
                    two + c * square,
                    three + c * square * d,
                    four + c * square * square,
                    zeros + zero,
                ]
            })
        });
        let total = |i: usize| parts.iter().map(|part| part[i]).sum::<f64>() / count;
        let variance = total(0);
        // A constant sample may miss its own mean by rounding.
        let varies = sample.min() < sample.max() && variance > 0.0;
        let std = if varies { variance.sqrt() } else { 0.0 };
        Self {
            mean,
            std,
            rms: (std * std + mean * mean).sqrt(),
            skewness: varies.then(|| total(1) / std.powi(3)),
            excess_kurtosis: varies.then(|| total(2) / variance.powi(2) - 3.0),
            zero_fraction: total(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 0, 0, 1, 3 by hand: mean 1, variance 3/2, third moment 3/2, fourth 9/2.
    #[test]
    fn four_numbers_by_hand() {
        let m = Moments::of(&Sample::from_f64(&[3.0, 0.0, 1.0, 0.0]).unwrap());
        assert_eq!((m.mean, m.zero_fraction), (1.0, 0.5));
        assert!((m.std - 1.5_f64.sqrt()).abs() < 1e-15 && (m.rms - 2.5_f64.sqrt()).abs() < 1e-15);
        assert!((m.skewness.unwrap() - 1.5 / 1.5_f64.powf(1.5)).abs() < 1e-14);
        assert!((m.excess_kurtosis.unwrap() + 1.0).abs() < 1e-14);
    }

    #[test]
    fn a_constant_has_no_shape() {
        let m = Moments::of(&Sample::from_f64(&[0.1; 7]).unwrap());
        assert_eq!((m.std, m.skewness, m.excess_kurtosis), (0.0, None, None));
    }
}
