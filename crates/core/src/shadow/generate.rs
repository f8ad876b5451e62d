//! Shadow samples of a net that is being trained: the way down alone, from codes it made.

use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;

use super::code::mask;
use super::matrix::ScaledMatrix;
use super::run;

/// A layer on the way down.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// W, (out, in).
    pub weight: &'a Tensor,
    /// ρ, the share of the level below that is kept.
    pub keep: f64,
    /// A bias of each unit of the level below; none in the paper.
    pub bias: Option<&'a Tensor>,
}

/// x̃ of each code: h^(j) = Bern(ρ_j) ⊙ r(α_j W_j h^(j+1) + b_j) with α_j = 2/(ρ_j n_j s_j²), all
/// the way down; the paper has no b.
///
/// `steps` go from the input up, `codes` are batch×n_ℓ; the answer is batch×n₀, in the units of
/// the net's inputs. Nothing where a layer's weights are all zero or not finite.
pub fn shadows(steps: &[Step<'_>], codes: &Tensor, rng: &mut ChaCha8Rng) -> Result<Option<Tensor>> {
    let batch = codes.dim(0)?;
    let mut at = codes.t()?;
    for step in steps.iter().rev() {
        let Some(matrix) = ScaledMatrix::on_device(step.weight)? else {
            return Ok(None);
        };
        let kept = mask(rng, matrix.n * batch, step.keep);
        let kept = kept.into_iter().map(|kept| f32::from(u8::from(kept)));
        let kept = Tensor::from_iter(kept, &Device::Cpu)?.reshape((matrix.n, batch))?;
        // With W/s in place of W: s times too large.
        let alpha = 2.0 / (step.keep * matrix.n as f64 * matrix.rms);
        let mut product = matrix.down(&at)?;
        if let Some(bias) = step.bias {
            let bias = bias.reshape((matrix.n, 1))?;
            product = product.broadcast_add(&(bias / alpha)?)?;
        }
        at = run::reversed(&product, alpha, &kept)?;
    }
    at.t()?.contiguous().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    // (out, in) rows (3, 0) and (4, −5): s² = 50/4; h = (1, 2), ρ = 1: α = 2/(2·12.5) = .08;
    // W·h = (3 + 8, −10), so x̃ = (.88, 0), and (.58, .2) with biases −.3 and 1.
    #[test]
    fn one_step_by_hand() {
        let weight = Tensor::new(&[[3.0_f32, 0.0], [4.0, -5.0]], &Device::Cpu).unwrap();
        let codes = Tensor::new(&[[1.0_f32, 2.0]], &Device::Cpu).unwrap();
        let bias = Tensor::new(&[-0.3_f32, 1.0], &Device::Cpu).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut of = |weight: &Tensor, bias: Option<&Tensor>| {
            let step = Step {
                weight,
                keep: 1.0,
                bias,
            };
            let found = shadows(&[step], &codes, &mut rng).unwrap();
            found.map(|found| found.to_vec2::<f32>().unwrap())
        };
        for (bias, wanted) in [(None, [0.88, 0.0]), (Some(&bias), [0.58, 0.2])] {
            let found = of(&weight, bias).unwrap();
            for (found, wanted) in found[0].iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
            }
        }
        assert!(of(&(weight * 0.0).unwrap(), None).is_none());
    }
}
