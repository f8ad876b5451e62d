//! The loss whose gradient a step follows: on real data, and on copies labelled by the net.

use candle_core::{D, Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;

use super::copies::copies;
use super::method::TrainingMethod;
use super::method_settings::{CopyLabel, Recipe};
use super::net::{self, Activity, Net};

/// A batch of images with their classes.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// batch×inputs, pixel/255.
    pub inputs: Tensor,
    /// The class of each.
    pub labels: Vec<u8>,
}

/// The loss whose gradient a step follows: its value, and what is to be run backwards.
pub(super) struct Loss {
    pub objective: Tensor,
}

/// Mean cross-entropy on the batch, and `weight` times that on copies of it.
///
/// With p = softmax(logits) and t the target, the gradient of a mean cross-entropy by the
/// logits is (p − t)/batch. That is what is run backwards, as Σ logits·(p − t)/batch with the
/// second factor held: exactly 0 where p and t are the same numbers.
pub(super) fn loss(
    net: &Net,
    batch: &Batch,
    method: TrainingMethod,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Result<Loss> {
    let count = batch.labels.len();
    let classes = net.sizes[net.sizes.len() - 1];
    let mut inputs = vec![batch.inputs.clone()];
    let mut targets = vec![one_hot(&batch.labels, classes)?];
    let mut weights = vec![1.0 / count as f64];
    if let Some(source) = method.source().filter(|_| recipe.copy_weight > 0.0) {
        let clean = net::forward(&net.frozen(), &batch.inputs, &[])?;
        let target = copy_target(&clean, batch, recipe.copy_label, classes)?;
        for _ in 0..recipe.copies {
            if let Some(copy) = copies(net, &batch.inputs, &clean, source, recipe, rng)? {
                inputs.push(copy);
                targets.push(target.clone());
                weights.push(recipe.copy_weight / (count * recipe.copies) as f64);
            }
        }
    }
    let inputs = Tensor::cat(&inputs, 0)?;
    let masks = if method.drops() {
        masks(net, inputs.dim(0)?, recipe, rng)?
    } else {
        Vec::new()
    };
    let logits = net::forward(&net.live(), &inputs, &masks)?.logits;
    let outputs = softmax(&logits.detach())?;
    let mut pulls = Vec::with_capacity(targets.len());
    for (part, (target, weight)) in targets.iter().zip(&weights).enumerate() {
        let outputs = outputs.narrow(0, part * count, count)?;
        pulls.push(((outputs - target)? * *weight)?);
    }
    let objective = (logits * Tensor::cat(&pulls, 0)?)?.sum_all()?;
    Ok(Loss { objective })
}

fn copy_target(
    clean: &Activity,
    batch: &Batch,
    label: CopyLabel,
    classes: usize,
) -> Result<Tensor> {
    match label {
        CopyLabel::Soft => softmax(&clean.logits),
        CopyLabel::True => one_hot(&batch.labels, classes),
        CopyLabel::Argmax => {
            let best: Vec<u32> = clean.logits.argmax(D::Minus1)?.to_vec1()?;
            let best: Vec<u8> = best.into_iter().map(|class| class as u8).collect();
            one_hot(&best, classes)
        }
    }
}

/// exp(x)/Σ exp(x) of each row, the largest entry taken off before.
fn softmax(logits: &Tensor) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?;
    let exp = shifted.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}

fn one_hot(labels: &[u8], classes: usize) -> Result<Tensor> {
    let mut entries = vec![0.0_f32; labels.len() * classes];
    for (row, &label) in labels.iter().enumerate() {
        entries[row * classes + usize::from(label)] = 1.0;
    }
    Tensor::from_vec(entries, (labels.len(), classes), &Device::Cpu)
}

fn masks(net: &Net, rows: usize, recipe: &Recipe, rng: &mut ChaCha8Rng) -> Result<Vec<Tensor>> {
    let below = &net.sizes[..net.sizes.len() - 1];
    let rates =
        std::iter::once(recipe.dropout_input).chain(std::iter::repeat(recipe.dropout_hidden));
    below
        .iter()
        .zip(rates)
        .map(|(&units, rate)| net::dropout(rng, rate, (rows, units)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_nn::loss::cross_entropy;
    use rand::RngExt;
    use rand::SeedableRng;

    fn net_and_batch(seed: u64) -> (Net, Batch) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let net = Net::new(&[12, 9, 7, 4], &mut rng).unwrap();
        let pixels: Vec<f32> = (0..5 * 12).map(|_| rng.random()).collect();
        let batch = Batch {
            inputs: Tensor::from_vec(pixels, (5, 12), &Device::Cpu).unwrap(),
            labels: vec![0, 1, 2, 3, 1],
        };
        (net, batch)
    }

    fn gradients(net: &Net, objective: &Tensor) -> Vec<Vec<f32>> {
        let found = objective.backward().unwrap();
        let of = |var: &candle_core::Var| {
            let gradient = found.get(var).unwrap();
            gradient.flatten_all().unwrap().to_vec1().unwrap()
        };
        net.parameters().map(of).collect()
    }

    // Without copies the gradient is that of the library's cross-entropy.
    #[test]
    fn the_gradient_is_the_librarys() {
        let (net, batch) = net_and_batch(1);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let recipe = Recipe::default();
        let ours = loss(&net, &batch, TrainingMethod::Backprop, &recipe, &mut rng).unwrap();
        let labels: Vec<u32> = batch.labels.iter().map(|&l| u32::from(l)).collect();
        let labels = Tensor::from_vec(labels, 5, &Device::Cpu).unwrap();
        let logits = net::forward(&net.live(), &batch.inputs, &[])
            .unwrap()
            .logits;
        let theirs = cross_entropy(&logits, &labels).unwrap();
        let pairs = gradients(&net, &ours.objective);
        for (a, b) in pairs
            .iter()
            .flatten()
            .zip(gradients(&net, &theirs).iter().flatten())
        {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    // x̃ = x, the net's own output as label, no dropout: nothing to learn, to the last bit.
    #[test]
    fn a_copy_that_is_the_original_pulls_nowhere() {
        let (net, batch) = net_and_batch(3);
        let identical = Recipe {
            noise: 0.0,
            ..Recipe::default()
        };
        let of = |method, recipe: &Recipe| {
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            let loss = loss(&net, &batch, method, recipe, &mut rng).unwrap();
            gradients(&net, &loss.objective)
        };
        let alone = of(TrainingMethod::Backprop, &identical);
        assert_eq!(alone, of(TrainingMethod::Noisy, &identical));
        // With the true label it does pull, and so does a copy with holes.
        let labelled = Recipe {
            copy_label: CopyLabel::True,
            ..identical.clone()
        };
        assert_ne!(alone, of(TrainingMethod::Noisy, &labelled));
        let holes = Recipe {
            noise: 0.5,
            ..identical
        };
        assert_ne!(alone, of(TrainingMethod::Noisy, &holes));
        assert_ne!(alone, of(TrainingMethod::Shadow, &holes));
    }
}
