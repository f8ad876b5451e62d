//! The standard normal law (Abramowitz & Stegun 1964, §26.2), safe far into the tails.

use std::f64::consts::{PI, SQRT_2};

use libm::erfc;
use statrs::function::erf::erfc_inv;

/// φ(z) = exp(−z²/2)/√(2π).
pub fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Φ(z) = erfc(−z/√2)/2.
pub fn cdf(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// ln Φ(z); below −30 by the first terms of Mills' ratio (26.2.12 there), as Φ
/// underflows soon after.
pub fn ln_cdf(z: f64) -> f64 {
    if z > -30.0 {
        cdf(z).ln()
    } else {
        -0.5 * z * z - (-z * (2.0 * PI).sqrt()).ln() + (-1.0 / (z * z)).ln_1p()
    }
}

/// Φ⁻¹(p), ∓∞ at 0 and 1.
pub fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else {
        -SQRT_2 * erfc_inv(2.0 * p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Abramowitz & Stegun, table 26.1, and R's pnorm(-35, log.p = TRUE).
    #[test]
    fn values_of_the_tables() {
        assert!((cdf(1.0) - 0.841_344_746_068_543).abs() < 1e-12);
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
        assert!((ln_cdf(-35.0) + 616.975_101_282_75).abs() < 1e-3);
        assert!(quantile(0.0).is_infinite());
    }
}
