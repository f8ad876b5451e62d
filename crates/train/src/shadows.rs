//! Shadow samples of a net that is being trained: the way down alone, from codes it made.

use candle_core::{Device, Result, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A layer on the way down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// W, (out, in).
    pub weight: &'a Tensor,
    /// ρ, the share of the level below that is kept.
    pub keep: f64,
    /// A bias of each unit of the level below; none in the paper.
    pub bias: Option<&'a Tensor>,
}

/// x̃ of each code: h^(j) = Bern(ρ_j) ⊙ r(α_j W_j h^(j+1) + b_j) with α_j = 2/(ρ_j n_j s_j²), all
/// the way down; the paper has no b. Arora, Liang & Ma 2015, eq. 4.
///
/// `steps` go from the input up, `codes` are batch×n_ℓ; the answer is batch×n₀, in the units of
/// the net's inputs. Nothing where a layer's weights are all zero or not finite.
pub(super) fn shadows(
    steps: &[Step<'_>],
    codes: &Tensor,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Tensor>> {
    let batch = codes.dim(0)?;
    let mut at = codes.t()?;
    for step in steps.iter().rev() {
        let Some(rms) = rms(step.weight)? else {
            return Ok(None);
        };
        let n = step.weight.dim(1)?;
        let kept = kept(rng, (n, batch), step.keep)?;
        // With W/s in place of W: s times too large.
        let alpha = 2.0 / (step.keep * n as f64 * rms);
        let mut product = (step.weight / rms)?.t()?.matmul(&at)?;
        if let Some(bias) = step.bias {
            let bias = bias.reshape((n, 1))?;
            product = product.broadcast_add(&(bias / alpha)?)?;
        }
        at = ((product * alpha)?.relu()? * kept)?;
    }
    at.t()?.contiguous().map(Some)
}

/// s, the root mean square of the entries; nothing when it is 0 or no number.
fn rms(weight: &Tensor) -> Result<Option<f64>> {
    let square: f32 = weight.sqr()?.mean_all()?.to_scalar()?;
    let rms = f64::from(square.sqrt());
    Ok((rms > 0.0 && rms.is_finite()).then_some(rms))
}

/// 1 for each unit that is kept, with probability `share`, 0 for the others.
fn kept(rng: &mut ChaCha8Rng, shape: (usize, usize), share: f64) -> Result<Tensor> {
    let draw = |_| f32::from(u8::from(rng.random::<f64>() < share));
    let kept: Vec<f32> = (0..shape.0 * shape.1).map(draw).collect();
    Tensor::from_vec(kept, shape, &Device::Cpu)
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
