//! Spacings between neighbouring levels.

/// Mean of [`level_ratio`] for the Gaussian orthogonal ensemble (Atas et al. 2013).
pub const GOE_RATIO: f64 = 0.5307;

/// Mean of min(dᵢ, dᵢ₊₁)/max(dᵢ, dᵢ₊₁) over consecutive spacings d of the sorted levels
/// (Atas et al. 2013): .5307 for a random symmetric matrix (GOE), .38629 for independent
/// levels. Nothing for fewer than three levels or when all are one.
pub fn level_ratio(levels: &[f64]) -> Option<f64> {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let gaps: Vec<f64> = sorted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let ratios: Vec<f64> = gaps
        .windows(2)
        .filter(|pair| pair[0].max(pair[1]) > 0.0)
        .map(|pair| pair[0].min(pair[1]) / pair[0].max(pair[1]))
        .collect();
    (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{Engine, Matrix, singular_values};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    // Levels 0, 1, 3, 6: ratios ½ and ⅔.
    #[test]
    fn four_levels_by_hand() {
        assert!((level_ratio(&[6.0, 0.0, 3.0, 1.0]).unwrap() - 7.0 / 12.0).abs() < 1e-15);
        assert_eq!(level_ratio(&[1.0, 2.0]), None);
        assert_eq!(level_ratio(&[1.0; 5]), None);
    }

    // Atas et al., table I; standard error .30/√M.
    #[test]
    fn random_matrices_repel_and_independent_levels_do_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let entries: Vec<f64> = (0..600 * 400)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect();
        let sigma =
            singular_values(Matrix::new(&entries, 600, 400).unwrap(), Engine::Faer).unwrap();
        assert!((level_ratio(&sigma).unwrap() - 0.5307).abs() < 3.0 * 0.30 / 20.0);
        let free: Vec<f64> = (0..10_000).map(|_| rng.random()).collect();
        assert!((level_ratio(&free).unwrap() - 0.38629).abs() < 0.01);
    }
}
