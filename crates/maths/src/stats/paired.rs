//! Differences of paired measurements.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// Standard deviation with 1/(count − 1).
    pub std: f64,
    /// Number of values.
    pub count: usize,
}

impl Spread {
    /// Of two values or more.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Some(Self {
            mean,
            std: (square / (count - 1) as f64).sqrt(),
            count,
        })
    }
}

/// The mean of a − b over pairs, by Student's t (1908).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of a − b.
    pub mean: f64,
    /// Ends of its 95 % confidence interval.
    pub interval: (f64, f64),
    /// Two-sided p-value of no difference.
    pub p: f64,
    /// Number of pairs.
    pub pairs: usize,
}

impl Difference {
    /// Of two pairs or more. Pairs that all differ by one amount have an interval of no width,
    /// and p 0, or 1 where the amount is 0.
    pub fn of(a: &[f64], b: &[f64]) -> Option<Self> {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let spread = Spread::of(&differences).filter(|_| a.len() == b.len())?;
        let error = spread.std / (spread.count as f64).sqrt();
        let law = StudentsT::new(0.0, 1.0, (spread.count - 1) as f64).ok()?;
        let reach = law.inverse_cdf(0.975) * error;
        let p = if error > 0.0 {
            2.0 * law.cdf(-(spread.mean / error).abs())
        } else {
            f64::from(u8::from(spread.mean == 0.0))
        };
        Some(Self {
            mean: spread.mean,
            interval: (spread.mean - reach, spread.mean + reach),
            p,
            pairs: spread.count,
        })
    }
}

/// Pearson's r, Σ(a − ā)(b − b̄)/√(Σ(a − ā)²·Σ(b − b̄)²) (1895); nothing of lists that differ in
/// length or do not vary.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        both += a * b;
        first += a * a;
        second += b * b;
    }
    let scale = (first * second).sqrt();
    (a.len() == b.len() && scale > 0.0).then(|| both / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Student's own table of 1908: hours of sleep with two drugs, ten patients, differences
    // 1.2 2.4 1.3 1.3 0 1 1.8 .8 4.6 1.4, mean 1.58. R: t.test(paired = TRUE) gives
    // t = 4.0621, df = 9, p = .002833, 95 % interval .7001142 to 2.4598858.
    #[test]
    fn students_sleep() {
        let one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let found = Difference::of(&two, &one).unwrap();
        assert!((found.mean - 1.58).abs() < 1e-12);
        assert!((found.p - 0.002833).abs() < 5e-7, "{}", found.p);
        assert!((found.interval.0 - 0.7001142).abs() < 5e-8);
        assert!((found.interval.1 - 2.4598858).abs() < 5e-8);
        assert_eq!(found.pairs, 10);
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        assert_eq!(Difference::of(&[1.0], &[2.0]), None);
        assert_eq!(Difference::of(&[1.0, 2.0], &[2.0]), None);
        let same = Difference::of(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
        assert!((same.p - 1.0).abs() < 1e-12 && same.interval.0.abs() < 1e-12);
        let spread = Spread::of(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert!((spread.std - (14.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }

    // numpy.corrcoef([.9, .3, .2], [.8, .5, .1])[0, 1] = 0.89000667.
    #[test]
    fn correlation_by_numpy() {
        let found = pearson(&[0.9, 0.3, 0.2], &[0.8, 0.5, 0.1]).unwrap();
        assert!((found - 0.890_006_67).abs() < 1e-8, "{found}");
        assert_eq!(pearson(&[0.5, 0.5], &[0.1, 0.2]), None);
        assert_eq!(pearson(&[0.5, 0.6], &[0.1]), None);
        assert_eq!(pearson(&[], &[]), None);
    }
}
