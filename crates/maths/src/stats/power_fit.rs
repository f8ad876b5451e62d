//! Lines on log-log paper: y = c·x^e by least squares of ln y on ln x, docs/performance.md.

/// y = c·x^e.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerFit {
    /// e.
    pub exponent: f64,
    /// ln c.
    log_factor: f64,
}

impl PowerFit {
    /// Least squares of ln y on ln x over points (x, y) of positive coordinates; nothing where
    /// one is not, or with fewer than two different x.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        if !points.iter().all(|&(x, y)| positive(x) && positive(y)) {
            return None;
        }
        let logs = points.iter().map(|&(x, y)| (x.ln(), y.ln()));
        let count = points.len() as f64;
        let (x, y) = logs
            .clone()
            .fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
        let (x, y) = (x / count, y / count);
        let spread: f64 = logs.clone().map(|(at, _)| (at - x).powi(2)).sum();
        let exponent = logs.map(|(at, of)| (at - x) * (of - y)).sum::<f64>() / spread;
        exponent.is_finite().then_some(Self {
            exponent,
            log_factor: y - exponent * x,
        })
    }

    /// c·x^e.
    pub fn at(&self, x: f64) -> f64 {
        (self.log_factor + self.exponent * x.ln()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 3·x^2.5 at any x; of the ratios 1, 2 and 1 to it at 1, 2 and 4 the slope stays.
    #[test]
    fn a_power_gives_its_exponent() {
        let power = |x: f64| (x, 3.0 * x.powf(2.5));
        let exact = PowerFit::fit(&[256.0, 512.0, 3000.0, 8192.0].map(power)).unwrap();
        assert!((exact.exponent - 2.5).abs() < 1e-12);
        assert!((exact.at(7.0) / power(7.0).1 - 1.0).abs() < 1e-12);
        let mut bent = [1.0, 2.0, 4.0].map(power);
        bent[1].1 *= 2.0;
        assert!((PowerFit::fit(&bent).unwrap().exponent - 2.5).abs() < 1e-12);
        // Twice as much at the end: ln 2·ln 4/2 over (ln 4)²/2 is a half.
        bent = [1.0, 2.0, 4.0].map(power);
        bent[2].1 *= 2.0;
        assert!((PowerFit::fit(&bent).unwrap().exponent - 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_slope_has_no_fit() {
        assert_eq!(PowerFit::fit(&[]), None);
        assert_eq!(PowerFit::fit(&[(2.0, 1.0)]), None);
        assert_eq!(PowerFit::fit(&[(2.0, 1.0), (2.0, 3.0)]), None);
        assert_eq!(PowerFit::fit(&[(2.0, 1.0), (4.0, 0.0)]), None);
    }
}
