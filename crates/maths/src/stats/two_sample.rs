//! Distances between two samples, each against the other and neither against a law.

/// W₁ = ∫|F⁻¹(p) − G⁻¹(p)| dp between two samples in any order (Vallender 1974), exactly, in
/// their units; nothing when one is empty. For samples of one size it is the mean distance of the sorted values.
pub fn wasserstein(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ascending(a)?, ascending(b)?);
    let (n, m) = (a.len() as u64, b.len() as u64);
    // Positions in units of 1/(n·m), in which every step of both quantile functions is whole.
    let (mut i, mut j, mut at, mut total) = (0, 0, 0, 0.0);
    while i < n && j < m {
        let next = ((i + 1) * m).min((j + 1) * n);
        total += (next - at) as f64 * (a[i as usize] - b[j as usize]).abs();
        at = next;
        i += u64::from(at == (i + 1) * m);
        j += u64::from(at == (j + 1) * n);
    }
    Some(total / (n as f64 * m as f64))
}

/// KS = sup|F − G| between two samples in any order (Smirnov 1939), equal values taken
/// together; nothing when one is empty.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ascending(a)?, ascending(b)?);
    let share = |sample: &[f64], below: usize| below as f64 / sample.len() as f64;
    let (mut i, mut j, mut farthest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        i += a[i..].iter().take_while(|&&x| x <= value).count();
        j += b[j..].iter().take_while(|&&x| x <= value).count();
        farthest = farthest.max((share(&a, i) - share(&b, j)).abs());
    }
    Some(farthest)
}

fn ascending(values: &[f64]) -> Option<Vec<f64>> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    (!sorted.is_empty()).then_some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, wanted: f64) {
        let found = found.unwrap();
        assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
    }

    // scipy.stats.wasserstein_distance([0, 1, 3], [5, 6, 8]) = 5, its documentation's example.
    #[test]
    fn the_example_of_scipy() {
        near(wasserstein(&[0.0, 1.0, 3.0], &[8.0, 5.0, 6.0]), 5.0);
    }

    // {0, 1} against {0, 0, 3}: quantiles 0|0|1|1 and 0|0|0|3 on thirds and halves, so
    // (2/3 − 1/2)·1 + (1 − 2/3)·2 = 5/6; F − G is −1/6 at 0 and 1/3 at 1.
    #[test]
    fn samples_of_two_sizes_by_hand() {
        let (a, b) = ([1.0, 0.0], [0.0, 3.0, 0.0]);
        near(wasserstein(&a, &b), 5.0 / 6.0);
        near(kolmogorov_smirnov(&a, &b), 1.0 / 3.0);
        near(kolmogorov_smirnov(&b, &a), 1.0 / 3.0);
    }

    #[test]
    fn a_sample_is_at_no_distance_from_itself() {
        let a = [3.0, 1.0, 1.0, 2.0];
        near(wasserstein(&a, &a), 0.0);
        near(kolmogorov_smirnov(&a, &a), 0.0);
        near(kolmogorov_smirnov(&a, &[9.0]), 1.0);
        assert_eq!(wasserstein(&a, &[]), None);
        assert_eq!(kolmogorov_smirnov(&[], &a), None);
    }

    // Moved by .7, every quantile moves by .7.
    #[test]
    fn a_shift_is_its_own_distance() {
        let a = [0.1, 2.0, 3.5, 9.0];
        near(wasserstein(&a, &a.map(|x| x + 0.7)), 0.7);
    }
}
