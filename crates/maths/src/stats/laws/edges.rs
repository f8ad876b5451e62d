//! Where the extreme singular values of random entries end (Johnstone 2001; Edelman 1988).

use super::tracy_widom;

/// μ and τ of Johnstone (2001) with the sign of the edge: λ/s² ≈ μ + τ·TW₁.
fn centre_and_scale(n: usize, m: usize, sign: f64) -> (f64, f64) {
    let (a, b) = (
        (n.max(m) as f64 - 0.5).sqrt(),
        (n.min(m) as f64 - 0.5).sqrt(),
    );
    let root = a + sign * b;
    (root * root, root * (1.0 / a + sign / b).abs().cbrt())
}

/// The σ that the largest singular value of i.i.d. n×m entries of scale `s` passes with
/// probability `level` (Johnstone 2001).
pub fn upper_threshold(n: usize, m: usize, s: f64, level: f64) -> f64 {
    from_upper_statistic(n, m, s, tracy_widom::quantile(1.0 - level))
}

/// (σ₁²/s² − μ)/τ: the largest singular value in the units in which it is Tracy–Widom
/// distributed (Johnstone 2001).
pub fn upper_statistic(n: usize, m: usize, s: f64, largest: f64) -> f64 {
    let (mu, tau) = centre_and_scale(n, m, 1.0);
    ((largest / s).powi(2) - mu) / tau
}

/// The σ₁ at which [`upper_statistic`] is `statistic`.
pub fn from_upper_statistic(n: usize, m: usize, s: f64, statistic: f64) -> f64 {
    let (mu, tau) = centre_and_scale(n, m, 1.0);
    s * (mu + tau * statistic).max(0.0).sqrt()
}

/// Standard deviation of the Tracy–Widom law of order 1 (Bornemann 2010, table 9: variance
/// 1.607781).
const TW_STD: f64 = 1.267_983;

/// Standard deviation, to first order, of the largest singular value of i.i.d. n×m entries of
/// scale `s`: λ/s² ≈ μ + τ·TW₁ (Johnstone 2001), so σ spreads by s·τ·sd(TW₁)/(2√μ).
pub fn upper_spread(n: usize, m: usize, s: f64) -> f64 {
    let (mu, tau) = centre_and_scale(n, m, 1.0);
    s * tau * TW_STD / (2.0 * mu.sqrt())
}

/// The σ below which the smallest falls with probability `level`: the reflected edge, and
/// for a square matrix P(√N σ/s ≤ t) = 1 − exp(−t²/2 − t) (Edelman 1988) solved for t.
pub fn lower_threshold(n: usize, m: usize, s: f64, level: f64) -> f64 {
    if n == m {
        let t = (1.0 - 2.0 * (-level).ln_1p()).sqrt() - 1.0;
        return s * t / (n as f64).sqrt();
    }
    let (mu, tau) = centre_and_scale(n, m, -1.0);
    s * (mu - tau * tracy_widom::quantile(1.0 - level))
        .max(0.0)
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{Engine, Matrix, singular_values};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    /// How many of 500 seeded Gaussian matrices pass the upper and the lower threshold at 5 %.
    fn rejections(n: usize, m: usize) -> (usize, usize) {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (upper, lower) = (
            upper_threshold(n, m, 2.0, 0.05),
            lower_threshold(n, m, 2.0, 0.05),
        );
        let mut counts = (0, 0);
        for _ in 0..500 {
            let entries: Vec<f64> = (0..n * m)
                .map(|_| {
                    let z: f64 = StandardNormal.sample(&mut rng);
                    2.0 * z
                })
                .collect();
            let values =
                singular_values(Matrix::new(&entries, n, m).unwrap(), Engine::Faer).unwrap();
            counts.0 += usize::from(values[0] > upper);
            counts.1 += usize::from(values[values.len() - 1] < lower);
        }
        counts
    }

    // 400 draws know a standard deviation to 3.5 %; the next term of the law, of order
    // M^(−2/3), is 9 % at M = 40.
    #[test]
    fn the_largest_value_spreads_as_the_law_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut draw = || {
            let entries: Vec<f64> = (0..80 * 40)
                .map(|_| StandardNormal.sample(&mut rng))
                .collect();
            singular_values(Matrix::new(&entries, 80, 40).unwrap(), Engine::Faer).unwrap()[0]
        };
        let values: Vec<f64> = (0..400).map(|_| draw()).collect();
        let mean = values.iter().sum::<f64>() / 400.0;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 400.0;
        let ratio = square.sqrt() / upper_spread(80, 40, 1.0);
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
    }

    // 500 draws at 5 %: 25 expected, standard deviation 4.9; three of them.
    #[test]
    fn five_percent_of_random_matrices_pass_each_threshold() {
        for (n, m) in [(80, 40), (40, 40)] {
            let (above, below) = rejections(n, m);
            assert!(
                (10..=40).contains(&above) && (10..=40).contains(&below),
                "{n}x{m}: {above} {below}"
            );
        }
    }
}
