//! The Marchenko–Pastur law of singular values; its square case is the quarter circle.
//!
//! Of an N×M matrix with i.i.d. entries of scale s, M ≤ N, y = M/N, the scaled singular
//! values ν = σ/(s√N) fill [1 − √y, 1 + √y] (Marchenko & Pastur 1967).

use std::f64::consts::PI;

/// Share of σ₁ below which the median gives the law no scale: some thousand times
/// f64's rounding, which a large matrix leaves of a zero.
pub const NO_SCALE: f64 = 1e-12;

/// The law at one aspect ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarchenkoPastur {
    y: f64,
}

impl MarchenkoPastur {
    /// The law for y = M/N; nothing unless 0 < y ≤ 1.
    pub fn new(y: f64) -> Option<Self> {
        (y > 0.0 && y <= 1.0).then_some(Self { y })
    }

    /// Whether this is the quarter circle.
    pub fn is_square(self) -> bool {
        self.y >= 1.0
    }

    /// Lower edge 1 − √y.
    pub fn lower(self) -> f64 {
        1.0 - self.y.sqrt()
    }

    /// Upper edge 1 + √y.
    pub fn upper(self) -> f64 {
        1.0 + self.y.sqrt()
    }

    /// g(ν) = √((ν₊² − ν²)(ν² − ν₋²))/(πyν); at y = 1, √(4 − ν²)/π.
    pub fn density(self, nu: f64) -> f64 {
        if nu < self.lower() || nu > self.upper() || nu < 0.0 {
            return 0.0;
        }
        if self.is_square() {
            return (4.0 - nu * nu).max(0.0).sqrt() / PI;
        }
        let (a, b, l) = (self.lower().powi(2), self.upper().powi(2), nu * nu);
        ((b - l) * (l - a)).max(0.0).sqrt() / (PI * self.y * nu)
    }

    /// F(ν) in closed form, docs/theory.md §3.
    pub fn cdf(self, nu: f64) -> f64 {
        if nu <= self.lower() {
            return 0.0;
        }
        if nu >= self.upper() {
            return 1.0;
        }
        if self.is_square() {
            return (0.5 * nu * (4.0 - nu * nu).sqrt() + 2.0 * (0.5 * nu).asin()) / PI;
        }
        let (y, l) = (self.y, nu * nu);
        let (a, b) = (self.lower().powi(2), self.upper().powi(2));
        let r2 = (b - l) / (l - a);
        let r = r2.sqrt();
        let root = ((b - l) * (l - a)).sqrt();
        let bulk = (1.0 + y) * ((r2 - 1.0) / (2.0 * r)).atan();
        let gap = (1.0 - y) * ((a * r2 - b) / (2.0 * (1.0 - y) * r)).atan();
        ((PI * y + root - bulk + gap) / (2.0 * PI * y)).clamp(0.0, 1.0)
    }

    /// The ν with F(ν) = p, by bisection.
    pub fn quantile(self, p: f64) -> f64 {
        let (mut low, mut high) = (self.lower(), self.upper());
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.cdf(middle) < p {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }

    /// F⁻¹(½).
    pub fn median(self) -> f64 {
        self.quantile(0.5)
    }

    /// Kolmogorov–Smirnov distance of scaled singular values, in any order, to the law.
    pub fn ks(self, nu: &[f64]) -> f64 {
        let count = nu.len() as f64;
        let distance = |(i, &v): (usize, &f64)| {
            let f = self.cdf(v);
            ((i + 1) as f64 / count - f).max(f - i as f64 / count)
        };
        ascending(nu)
            .iter()
            .enumerate()
            .map(distance)
            .fold(0.0, f64::max)
    }

    /// W₁ to the law, ∫|F_M(ν) − F(ν)| dν over the values and the support, by the midpoint rule
    /// on at least 8192 points, at least four between two neighbours.
    ///
    /// The same as ∫|F⁻¹(p) − ν(p)| dp (Vallender 1974), without inverting F.
    pub fn wasserstein(self, nu: &[f64]) -> f64 {
        let sorted = ascending(nu);
        let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else {
            return 0.0;
        };
        let count = sorted.len();
        let points = (8192 / (count + 1)).max(4);
        let ends = [first.min(self.lower()), last.max(self.upper())];
        let between = |i: usize| {
            let from = if i == 0 { ends[0] } else { sorted[i - 1] };
            let to = sorted.get(i).copied().unwrap_or(ends[1]);
            let (share, step) = (i as f64 / count as f64, (to - from) / points as f64);
            let apart = |j: usize| (share - self.cdf(from + (j as f64 + 0.5) * step)).abs();
            step * (0..points).map(apart).sum::<f64>()
        };
        (0..=count).map(between).sum()
    }
}

fn ascending(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    // docs/theory.md §3; its λ are printed to four digits and lie at these shares of the
    // support.
    #[test]
    fn closed_form_against_the_table() {
        let table = [
            (0.5, 0.23, 0.453_344, 1e-6),
            (0.5, 0.47, 0.728_047, 1e-6),
            (0.5, 0.71, 0.900_249, 1e-6),
            (1.0, 0.26, 0.619_88, 1e-5),
            (1.0, 0.50, 0.818_31, 1e-5),
        ];
        for (y, share, f, digits) in table {
            let law = MarchenkoPastur::new(y).unwrap();
            let (a, b) = (law.lower().powi(2), law.upper().powi(2));
            let found = law.cdf((a + share * (b - a)).sqrt());
            assert!((found - f).abs() < digits, "{y} {share} {found}");
        }
    }

    #[test]
    fn medians_against_the_table() {
        let table = [
            (0.05, 0.991619),
            (0.25, 0.957081),
            (4.0 / 9.0, 0.921752),
            (0.75, 0.861945),
            (1.0, 0.807946),
        ];
        for (y, median) in table {
            assert!((MarchenkoPastur::new(y).unwrap().median() - median).abs() < 1e-6);
        }
    }

    #[test]
    fn density_is_the_slope_of_the_cdf() {
        for y in [0.05, 0.5, 0.99, 1.0] {
            let law = MarchenkoPastur::new(y).unwrap();
            for i in 1..20 {
                let nu = law.lower() + (law.upper() - law.lower()) * f64::from(i) / 20.0;
                let slope = (law.cdf(nu + 1e-5) - law.cdf(nu - 1e-5)) / 2e-5;
                assert!((slope - law.density(nu)).abs() < 1e-5, "{y} {nu}");
            }
        }
    }

    #[test]
    fn quantiles_of_the_law_fit_it_and_shifted_ones_do_not() {
        let law = MarchenkoPastur::new(0.5).unwrap();
        let exact: Vec<f64> = (0..200)
            .map(|i| law.quantile((f64::from(i) + 0.5) / 200.0))
            .collect();
        let shifted: Vec<f64> = exact.iter().map(|v| 1.1 * v).collect();
        assert!((law.ks(&exact) - 0.0025).abs() < 1e-9 && law.wasserstein(&exact) < 2e-3);
        // One value at the median: W₁ is the law's mean distance to it, by quadrature of the
        // density in scipy 1.17.
        assert!((law.wasserstein(&[law.median()]) - 0.306_375).abs() < 1e-4);
        assert!(law.ks(&shifted) > 0.05 && law.wasserstein(&shifted) > 0.05);
        assert_eq!(MarchenkoPastur::new(0.0), None);
    }
}
