//! Copies of a batch: its shadows by the net's own weights, and what they are compared with.

use std::borrow::Cow;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::matrix::Matrix;
use super::method::CopySource;
use super::method_settings::{CopyScale, Recipe};
use super::net::{self, Activity, Net};
use super::shadows::{Step, shadows};

/// A copy of each input of the batch that made this activity, without dropout; nothing where the
/// weights give none.
pub(super) fn copies(
    net: &Net,
    clean: &Activity,
    source: CopySource,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Option<Matrix> {
    let inputs = clean.inputs.first()?;
    if source == CopySource::Noise {
        // As dropout does it: what is kept is scaled up.
        let mut kept = net::dropout(rng, recipe.noise, inputs.rows, inputs.cols);
        kept.scale_by(&inputs.entries);
        return Some(kept);
    }
    let top = clean.inputs.len() - 1;
    let level = recipe.copy_level.unwrap_or(top);
    let code = clean.inputs.get(level).filter(|_| level > 0)?;
    let layers = &net.layers[..level];
    let weights = layers.iter().map(|layer| match source {
        CopySource::Shuffled => Cow::Owned(shuffled(&layer.weight, rng)),
        _ => Cow::Borrowed(&layer.weight),
    });
    let weights: Vec<Cow<'_, Matrix>> = weights.collect();
    let steps = weights.iter().enumerate().map(|(below, weight)| Step {
        weight: weight.as_ref(),
        keep: if below == 0 {
            recipe.keep_input
        } else {
            recipe.keep_hidden
        },
        // The bias of a hidden level is the one it has on the way up; the input has none.
        bias: below
            .checked_sub(1)
            .filter(|_| recipe.copy_biases)
            .map(|layer| &layers[layer].bias[..]),
    });
    let steps: Vec<Step<'_>> = steps.collect();
    let mut copies = shadows(&steps, code, rng)?;
    if recipe.copy_scale == CopyScale::Norm {
        scale_to_length(&mut copies, inputs);
    }
    Some(copies)
}

/// Each copy scaled to the length of its original; a copy of zeros stays one.
fn scale_to_length(copies: &mut Matrix, originals: &Matrix) {
    let length = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt();
    for (copy, original) in copies.each_row_mut().zip(originals.each_row()) {
        let factor = length(original) / length(copy).max(f32::MIN_POSITIVE);
        for x in copy {
            *x *= factor;
        }
    }
}

fn shuffled(weight: &Matrix, rng: &mut ChaCha8Rng) -> Matrix {
    let mut shuffled = weight.clone();
    shuffled.entries.shuffle(rng);
    shuffled
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn net_and_inputs() -> (Net, Matrix) {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let net = Net::new(&[20, 16, 12, 4], &mut rng);
        let inputs = Matrix::filled(6, 20, || rng.random());
        (net, inputs)
    }

    fn copied(recipe: &Recipe, source: CopySource) -> Matrix {
        let (net, inputs) = net_and_inputs();
        let clean = net.forward(&inputs, &[]);
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        copies(&net, &clean, source, recipe, &mut rng).unwrap()
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
        let zeros = |copies: &Matrix| copies.entries.iter().filter(|x| **x == 0.0).count();
        assert!(zeros(&copied(&sparse, CopySource::Shadow)) > zeros(&plain) + 20);
    }

    #[test]
    fn copies_as_long_as_their_originals() {
        let recipe = Recipe {
            copy_scale: CopyScale::Norm,
            ..Recipe::default()
        };
        let square = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
        let originals = net_and_inputs().1;
        let copies = copied(&recipe, CopySource::Shadow);
        for (copy, original) in copies.each_row().zip(originals.each_row()) {
            assert!((square(copy) / square(original) - 1.0).abs() < 1e-5);
        }
        let sum = |copies: &Matrix| copies.row(0).iter().sum::<f32>();
        let theory = sum(&copied(&Recipe::default(), CopySource::Shadow));
        let norm = sum(&copies);
        assert!((theory / norm - 1.0).abs() > 1e-3);
    }
}
