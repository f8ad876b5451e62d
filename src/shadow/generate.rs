//! Shadow samples of a net that is being trained: the way down alone, from codes it made.

use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;

use super::code::mask;
use super::matrix::ScaledMatrix;
use super::run;

/// x̃ of each code: h^(j) = Bern(ρ_j) ⊙ r(α_j W_j h^(j+1)) with α_j = 2/(ρ_j n_j s_j²), all the
/// way down, without biases.
///
/// `weights` are (out, in) from the input up, `codes` batch×n_ℓ, `keep` the ρ_j of the levels
/// below; the answer is batch×n₀, in the units of the net's inputs. Nothing where a layer's
/// weights are all zero or not finite.
pub fn shadows(
    weights: &[Tensor],
    codes: &Tensor,
    keep: &[f64],
    rng: &mut ChaCha8Rng,
) -> Result<Option<Tensor>> {
    let batch = codes.dim(0)?;
    let mut at = codes.t()?;
    for (weight, &keep) in weights.iter().zip(keep).rev() {
        let Some(matrix) = ScaledMatrix::on_device(weight)? else {
            return Ok(None);
        };
        let kept = mask(rng, matrix.n * batch, keep);
        let kept = kept.into_iter().map(|kept| f32::from(u8::from(kept)));
        let kept = Tensor::from_iter(kept, &Device::Cpu)?.reshape((matrix.n, batch))?;
        // With W/s in place of W: s times too large.
        let alpha = 2.0 / (keep * matrix.n as f64 * matrix.rms);
        at = run::reversed(&matrix.down(&at)?, alpha, &kept)?;
    }
    at.t()?.contiguous().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    // (out, in) rows (3, 0) and (4, −5): s² = 50/4; h = (1, 2), ρ = 1: α = 2/(2·12.5) = .08;
    // W·h = (3 + 8, −10), so x̃ = (.88, 0).
    #[test]
    fn one_step_by_hand() {
        let weight = Tensor::new(&[[3.0_f32, 0.0], [4.0, -5.0]], &Device::Cpu).unwrap();
        let codes = Tensor::new(&[[1.0_f32, 2.0]], &Device::Cpu).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let of = |weight: &Tensor, rng: &mut ChaCha8Rng| {
            let weights = std::slice::from_ref(weight);
            shadows(weights, &codes, &[1.0], rng).unwrap()
        };
        let found = of(&weight, &mut rng).unwrap().to_vec2::<f32>().unwrap();
        assert!(
            (found[0][0] - 0.88).abs() < 1e-6 && found[0][1].abs() < 1e-9,
            "{found:?}"
        );
        assert!(of(&(weight * 0.0).unwrap(), &mut rng).is_none());
    }
}
