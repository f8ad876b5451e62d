//! Copies of a batch: its shadows by the net's own weights, and what they are compared with.

use candle_core::{Device, Result, Tensor};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::method::CopySource;
use super::method_settings::{CopyScale, Recipe};
use super::net::{self, Activity, Net};
use super::shadows::{Step, shadows};

/// A copy of each input of a batch that made this activity; nothing where the weights give none.
pub(super) fn copies(
    net: &Net,
    inputs: &Tensor,
    clean: &Activity,
    source: CopySource,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Result<Option<Tensor>> {
    if source == CopySource::Noise {
        // As dropout does it: what is kept is scaled up.
        let kept = net::dropout(rng, recipe.noise, inputs.dims2()?)?;
        return (inputs * kept).map(Some);
    }
    let top = clean.hidden.len();
    let level = recipe.copy_level.unwrap_or(top);
    let Some(code) = level.checked_sub(1).and_then(|at| clean.hidden.get(at)) else {
        return Ok(None);
    };
    let layers = net.frozen();
    let weights = layers[..level].iter().map(|layer| match source {
        CopySource::Shuffled => shuffled(&layer.weight, rng),
        _ => Ok(layer.weight.clone()),
    });
    let weights: Vec<Tensor> = weights.collect::<Result<_>>()?;
    let steps = weights.iter().enumerate().map(|(below, weight)| Step {
        weight,
        keep: if below == 0 {
            recipe.keep_input
        } else {
            recipe.keep_hidden
        },
        // The bias of a hidden level is the one it has on the way up; the input has none.
        bias: below
            .checked_sub(1)
            .filter(|_| recipe.copy_biases)
            .map(|layer| &layers[layer].bias),
    });
    let steps: Vec<Step<'_>> = steps.collect();
    let copies = shadows(&steps, code, rng)?;
    match recipe.copy_scale {
        CopyScale::Theory => Ok(copies),
        CopyScale::Norm => copies.map(|copies| as_long(&copies, inputs)).transpose(),
    }
}

/// Each copy scaled to the length of its original; a copy of zeros stays one.
fn as_long(copies: &Tensor, originals: &Tensor) -> Result<Tensor> {
    let length = |of: &Tensor| of.sqr()?.sum_keepdim(1)?.sqrt();
    let factor = (length(originals)? / length(copies)?.maximum(f64::from(f32::MIN_POSITIVE))?)?;
    copies.broadcast_mul(&factor)
}

fn shuffled(weight: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor> {
    let shape = weight.dims2()?;
    let mut entries: Vec<f32> = weight.flatten_all()?.to_vec1()?;
    entries.shuffle(rng);
    Tensor::from_vec(entries, shape, &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn net_and_inputs() -> (Net, Tensor) {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let net = Net::new(&[20, 16, 12, 4], &mut rng).unwrap();
        let pixels: Vec<f32> = (0..6 * 20).map(|_| rng.random()).collect();
        let inputs = Tensor::from_vec(pixels, (6, 20), &Device::Cpu).unwrap();
        (net, inputs)
    }

    fn copied(recipe: &Recipe, source: CopySource) -> Vec<Vec<f32>> {
        let (net, inputs) = net_and_inputs();
        let clean = net::forward(&net.frozen(), &inputs, &[]).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        let copies = copies(&net, &inputs, &clean, source, recipe, &mut rng).unwrap();
        copies.unwrap().to_vec2().unwrap()
    }

    // Every choice does something, and what it says.
    #[test]
    fn choices_change_the_copies() {
        let base = Recipe::default();
        let plain = copied(&base, CopySource::Shadow);
        let lower = Recipe {
            copy_level: Some(1),
            ..base.clone()
        };
        assert_ne!(plain, copied(&lower, CopySource::Shadow));
        let top = Recipe {
            copy_level: Some(2),
            ..base.clone()
        };
        assert_eq!(plain, copied(&top, CopySource::Shadow));
        assert_ne!(plain, copied(&base, CopySource::Shuffled));
        // Biases are 0 in a new net: they change nothing yet.
        let biased = Recipe {
            copy_biases: true,
            ..base.clone()
        };
        assert_eq!(plain, copied(&biased, CopySource::Shadow));
        let sparse = Recipe {
            keep_input: 0.5,
            ..base
        };
        let zeros = |copies: &[Vec<f32>]| {
            let all = copies.iter().flatten();
            all.filter(|x| **x == 0.0).count()
        };
        assert!(zeros(&copied(&sparse, CopySource::Shadow)) > zeros(&plain) + 20);
    }

    #[test]
    fn copies_as_long_as_their_originals() {
        let recipe = Recipe {
            copy_scale: CopyScale::Norm,
            ..Recipe::default()
        };
        let square = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
        let originals: Vec<Vec<f32>> = net_and_inputs().1.to_vec2().unwrap();
        for (copy, original) in copied(&recipe, CopySource::Shadow).iter().zip(&originals) {
            assert!((square(copy) / square(original) - 1.0).abs() < 1e-5);
        }
        let theory: f32 = copied(&Recipe::default(), CopySource::Shadow)[0]
            .iter()
            .sum();
        let norm: f32 = copied(&recipe, CopySource::Shadow)[0].iter().sum();
        assert!((theory / norm - 1.0).abs() > 1e-3);
    }
}
