//! The maximum of a function of one variable.

/// The share of a golden section.
const SHARE: f64 = 0.618_033_988_749_895;

/// Golden-section search (Kiefer 1953) for the maximum of a function with one, between `low`
/// and `high`, until they are `width` apart.
pub fn maximize(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64, width: f64) -> f64 {
    let (mut a, mut b) = (high - SHARE * (high - low), low + SHARE * (high - low));
    let (mut at_a, mut at_b) = (f(a), f(b));
    while high - low > width {
        if at_a < at_b {
            (low, a, at_a) = (a, b, at_b);
            b = low + SHARE * (high - low);
            at_b = f(b);
        } else {
            (high, b, at_b) = (b, a, at_a);
            a = high - SHARE * (high - low);
            at_a = f(a);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    // x·e^−x has its maximum at 1; a falling function at its left end.
    #[test]
    fn maxima_by_hand() {
        assert!((maximize(|x| x * (-x).exp(), 0.0, 5.0, 1e-6) - 1.0).abs() < 1e-5);
        assert!(maximize(|x| -x, 2.0, 5.0, 1e-6) - 2.0 < 1e-6);
    }
}
