//! What a Gaussian matrix gives, in closed form: docs/theory.md §5, derived there.
//!
//! W is n×m with entries N(0, 1) after division by their rms; h has k positive coordinates;
//! ρ is the share of x that is kept. With dropout q on the way up, ρ becomes ρq everywhere.

use randomlike_maths::stats::laws::normal;

/// Sizes of a layer and of what runs through it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    /// Number of inputs, n.
    pub n: usize,
    /// Number of outputs, m.
    pub m: usize,
    /// Number of coordinates of h that are not zero.
    pub k: usize,
    /// Probability that a coordinate of x is kept on both ways.
    pub rho: f64,
}

impl Sizes {
    /// The same with a share `keep` of x kept on the way up: ρ becomes ρq.
    #[must_use]
    pub fn dropped(self, keep: f64) -> Self {
        Self {
            rho: self.rho * keep,
            ..self
        }
    }

    fn kept(self) -> f64 {
        self.rho * self.n as f64
    }

    /// E‖z − h‖²/‖h‖² of z = Wᵀx, before bias and ReLU: 2m/(ρn) + 4/(ρn) − 1/n.
    pub fn linear_error(self) -> f64 {
        (2.0 * self.m as f64 + 4.0) / self.kept() - 1.0 / self.n as f64
    }

    /// Standard deviation of the gain z·h/‖h‖², whose mean is 1: √((6/ρ − 1)/n).
    pub fn gain_std(self) -> f64 {
        ((6.0 / self.rho - 1.0) / self.n as f64).sqrt()
    }

    /// Cosine of z and h, about 1/√(1 + 2m/(ρn) + (4/ρ − 1)/n).
    pub fn cosine(self) -> f64 {
        (1.0 + self.linear_error()).sqrt().recip()
    }

    /// Var zᵢ = (2/(ρn))(‖h‖² + 2hᵢ²) − hᵢ²/n, for ‖h‖ = 1.
    pub fn variance(self, h: f64) -> f64 {
        2.0 / self.kept() * (1.0 + 2.0 * h * h) - h * h / self.n as f64
    }

    /// Standard deviation of a coordinate of z where h is zero: √(2/(ρn)) for ‖h‖ = 1.
    pub fn noise(self) -> f64 {
        (2.0 / self.kept()).sqrt()
    }

    /// u of the best constant bias −u·noise·‖h‖: k·u = (m − k)(φ(u) − uΦ(−u)), whose right
    /// side falls and whose left side rises.
    pub fn bias_factor(self) -> f64 {
        let (k, zeros) = (self.k as f64, self.m.saturating_sub(self.k) as f64);
        let gap = |u: f64| zeros * (normal::density(u) - u * normal::cdf(-u)) - k * u;
        let (mut low, mut high) = (0.0, 40.0);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if gap(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }

    /// E‖h̃ − h‖²/‖h‖² with that bias, valid where hᵢ is large beside u·noise:
    /// (2/(ρn))·[(m − k)((1 + u²)Φ(−u) − uφ(u)) + k(1 + u²)].
    pub fn relative_error(self) -> f64 {
        let (k, zeros) = (self.k as f64, self.m.saturating_sub(self.k) as f64);
        let u = self.bias_factor();
        let square = 1.0 + u * u;
        let passed = square * normal::cdf(-u) - u * normal::density(u);
        2.0 / self.kept() * (zeros * passed + k * square)
    }

    /// Whether k < ρn < k², the condition of the theorem.
    pub fn meets_the_theorem(self) -> bool {
        let k = self.k as f64;
        k < self.kept() && self.kept() < k * k
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // docs/theory.md §5: .067 and .0668, simulated .068 and .069.
    #[test]
    fn printed_values() {
        let first = Sizes {
            n: 4000,
            m: 400,
            k: 20,
            rho: 0.5,
        };
        let second = Sizes {
            n: 3000,
            m: 300,
            k: 15,
            rho: 0.5,
        };
        assert!((first.relative_error() - 0.067).abs() < 5e-4);
        assert!((second.relative_error() - 0.0668).abs() < 5e-5);
    }

    // By hand for n = 100, m = 50, ρ = ½: kept 50.
    #[test]
    fn closed_forms_by_hand() {
        let sizes = Sizes {
            n: 100,
            m: 50,
            k: 10,
            rho: 0.5,
        };
        assert!((sizes.linear_error() - (104.0 / 50.0 - 0.01)).abs() < 1e-12);
        assert!((sizes.gain_std() - 0.11_f64.sqrt()).abs() < 1e-12);
        assert!((sizes.variance(0.5) - (0.04 * 1.5 - 0.0025)).abs() < 1e-12);
        assert!(sizes.meets_the_theorem());
        assert!(!Sizes { k: 7, ..sizes }.meets_the_theorem());
        assert!(!Sizes { k: 60, ..sizes }.meets_the_theorem());
    }

    // The factor is where the error is least: neighbours are no better.
    #[test]
    fn the_bias_is_the_best_one() {
        let sizes = Sizes {
            n: 2000,
            m: 300,
            k: 40,
            rho: 0.5,
        };
        let error = |u: f64| {
            let square = 1.0 + u * u;
            let passed = square * normal::cdf(-u) - u * normal::density(u);
            260.0 * passed + 40.0 * square
        };
        let u = sizes.bias_factor();
        assert!(error(u) < error(u + 0.01) && error(u) < error(u - 0.01));
    }
}
