//! Shadow samples of a net that is being trained: the way down alone, from codes it made.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::matrix::{Matrix, product};

/// A layer on the way down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// W, (out, in).
    pub weight: &'a Matrix,
    /// ρ, the share of the level below that is kept.
    pub keep: f64,
    /// A bias of each unit of the level below; none in the paper.
    pub bias: Option<&'a [f32]>,
}

/// x̃ of each code: h^(j) = Bern(ρ_j) ⊙ r(α_j W_j h^(j+1) + b_j) with α_j = 2/(ρ_j n_j s_j²), all
/// the way down; the paper has no b. Arora, Liang & Ma 2015, eq. 4.
///
/// `steps` go from the input up, `codes` are batch×n_ℓ; the answer is batch×n₀, in the units of
/// the net's inputs. Nothing where a layer's weights are all zero or not finite.
pub(super) fn shadows(steps: &[Step<'_>], codes: &Matrix, rng: &mut ChaCha8Rng) -> Option<Matrix> {
    let mut at = codes.clone();
    for step in steps.iter().rev() {
        let square = mean_square(step.weight)?;
        let mut below = product(at.view(), step.weight.view());
        let alpha = 2.0 / (step.keep * below.cols as f64 * square);
        let (batch, units) = (below.rows, below.cols);
        // Drawn unit by unit, each for the whole batch.
        for unit in 0..units {
            let bias = step.bias.map_or(0.0, |bias| f64::from(bias[unit]));
            for image in 0..batch {
                let entry = &mut below.entries[image * units + unit];
                let is_kept = rng.random::<f64>() < step.keep;
                let code = alpha * f64::from(*entry) + bias;
                *entry = if is_kept { code.max(0.0) as f32 } else { 0.0 };
            }
        }
        at = below;
    }
    Some(at)
}

/// s², the mean square of the entries; nothing when it is 0 or no number.
fn mean_square(weight: &Matrix) -> Option<f64> {
    let squares = weight.entries.iter().map(|&w| f64::from(w) * f64::from(w));
    let mean = squares.sum::<f64>() / weight.entries.len() as f64;
    (mean > 0.0 && mean.is_finite()).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    // (out, in) rows (3, 0) and (4, −5): s² = 50/4; h = (1, 2), ρ = 1: α = 2/(2·12.5) = .08;
    // W·h = (3 + 8, −10), so x̃ = (.88, 0), and (.58, .2) with biases −.3 and 1.
    #[test]
    fn one_step_by_hand() {
        let matrix = |rows, entries: &[f32]| Matrix {
            rows,
            cols: 2,
            entries: entries.to_vec(),
        };
        let weight = matrix(2, &[3.0, 0.0, 4.0, -5.0]);
        let codes = matrix(1, &[1.0, 2.0]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut found = |weight: &Matrix, bias: Option<&[f32]>| {
            let step = Step {
                weight,
                keep: 1.0,
                bias,
            };
            shadows(&[step], &codes, &mut rng)
        };
        for (bias, wanted) in [(None, [0.88, 0.0]), (Some(&[-0.3, 1.0][..]), [0.58, 0.2])] {
            let found = found(&weight, bias).unwrap();
            for (found, wanted) in found.entries.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
            }
        }
        assert!(found(&Matrix::zeros(2, 2), None).is_none());
    }
}
