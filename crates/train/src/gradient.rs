//! The gradient that a step follows: on real data, and on copies labelled by the net.

use rand_chacha::ChaCha8Rng;

use super::copies::copies;
use super::matrix::Matrix;
use super::method::TrainingMethod;
use super::method_settings::{CopyLabel, Recipe};
use super::net::{self, Net};

/// A batch of images with their classes.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// batch×inputs, pixel/255.
    pub inputs: Matrix,
    /// The class of each.
    pub labels: Vec<u8>,
}

/// Images that pull at the net: what they should give, batch×classes, and their weight.
struct WeightedBatch {
    inputs: Matrix,
    target: Matrix,
    weight: f32,
}

impl WeightedBatch {
    /// Adds its share of the gradient.
    ///
    /// With p = softmax(logits) and t the target, the derivative of a cross-entropy by the logits is
    /// p − t: exactly 0 where both are the same numbers (Bishop 2006, eq. 4.109).
    fn add_gradient(&self, net: &Net, masks: &[&[f32]], gradient: &mut Net) {
        let activity = net.forward(&self.inputs, masks);
        let mut pull = softmax(&activity.logits);
        for (p, t) in pull.entries.iter_mut().zip(&self.target.entries) {
            *p = (*p - t) * self.weight;
        }
        net.backward(&activity, masks, pull, gradient);
    }
}

/// The gradient of the mean cross-entropy on the batch, and `copy_weight` times that on copies of it.
pub(super) fn gradient(
    net: &Net,
    batch: &Batch,
    method: TrainingMethod,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Net {
    let parts = parts(net, batch, method, recipe, rng);
    let count = batch.labels.len();
    let masks = if method.drops() {
        masks(net, parts.len() * count, recipe, rng)
    } else {
        Vec::new()
    };
    let mut gradient = net.zeros();
    for (place, part) in parts.iter().enumerate() {
        let rows = |mask: &'_ Matrix| place * count * mask.cols..(place + 1) * count * mask.cols;
        let masks = masks.iter().map(|mask| &mask.entries[rows(mask)]);
        let masks: Vec<&[f32]> = masks.collect();
        part.add_gradient(net, &masks, &mut gradient);
    }
    gradient
}

fn parts(
    net: &Net,
    batch: &Batch,
    method: TrainingMethod,
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Vec<WeightedBatch> {
    let count = batch.labels.len();
    let last = net.layers.last();
    let classes = last.map_or(0, |layer| layer.bias.len());
    let mut parts = vec![WeightedBatch {
        inputs: batch.inputs.clone(),
        target: one_hot(&batch.labels, classes),
        weight: (1.0 / count as f64) as f32,
    }];
    if let Some(source) = method.source().filter(|_| recipe.copy_weight > 0.0) {
        let clean = net.forward(&batch.inputs, &[]);
        let target = match recipe.copy_label {
            CopyLabel::Soft => softmax(&clean.logits),
            CopyLabel::True => one_hot(&batch.labels, classes),
            CopyLabel::Argmax => one_hot(&net::argmax(&clean.logits), classes),
        };
        for _ in 0..recipe.copies {
            if let Some(inputs) = copies(net, &clean, source, recipe, rng) {
                parts.push(WeightedBatch {
                    inputs,
                    target: target.clone(),
                    weight: (recipe.copy_weight / (count * recipe.copies) as f64) as f32,
                });
            }
        }
    }
    parts
}

/// exp(x)/Σ exp(x) of each row, the largest entry taken off before.
fn softmax(logits: &Matrix) -> Matrix {
    let mut shares = logits.clone();
    for row in shares.each_row_mut() {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for x in &mut *row {
            *x = (*x - largest).exp();
        }
        let sum: f32 = row.iter().sum();
        for x in row {
            *x /= sum;
        }
    }
    shares
}

fn one_hot(labels: &[u8], classes: usize) -> Matrix {
    let mut targets = Matrix::zeros(labels.len(), classes);
    for (row, &label) in targets.each_row_mut().zip(labels) {
        row[usize::from(label)] = 1.0;
    }
    targets
}

/// Factors of dropout for so many images, a matrix for each layer.
fn masks(net: &Net, images: usize, recipe: &Recipe, rng: &mut ChaCha8Rng) -> Vec<Matrix> {
    let rates =
        std::iter::once(recipe.dropout_input).chain(std::iter::repeat(recipe.dropout_hidden));
    net.layers
        .iter()
        .zip(rates)
        .map(|(layer, rate)| net::dropout(rng, rate, images, layer.weight.cols))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Dense;
    use rand::{RngExt, SeedableRng};
    use serde_json::Value;

    fn net_and_batch(seed: u64) -> (Net, Batch) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let net = Net::new(&[12, 9, 7, 4], &mut rng);
        let batch = Batch {
            inputs: Matrix::filled(5, 12, || rng.random()),
            labels: vec![0, 1, 2, 3, 1],
        };
        (net, batch)
    }

    // jax's gradient of the mean cross-entropy, without dropout and with it: reference/make.py.
    #[test]
    fn the_gradient_is_that_of_another_library() {
        let reference: Value =
            serde_json::from_str(include_str!("reference/reference.json")).unwrap();
        let reference = &reference["cross_entropy"];
        let layers = reference["layers"].as_array().unwrap();
        let numbers =
            |value: &Value| -> Vec<f32> { serde_json::from_value(value.clone()).unwrap() };
        let net = |name: &str| {
            let layers = layers.iter().map(|layer| Dense {
                weight: Matrix {
                    rows: serde_json::from_value(layer["out"].clone()).unwrap(),
                    cols: serde_json::from_value(layer["in"].clone()).unwrap(),
                    entries: numbers(&layer[name]["weight"]),
                },
                bias: numbers(&layer[name]["bias"]),
            });
            Net::from_layers(layers.collect()).unwrap()
        };
        let labels: Vec<u8> = serde_json::from_value(reference["labels"].clone()).unwrap();
        let inputs = Matrix {
            rows: 6,
            cols: 5,
            entries: numbers(&reference["inputs"]),
        };
        let batch = Batch { inputs, labels };
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (method, recipe) = (TrainingMethod::Backprop, Recipe::default());
        let plain = gradient(&net("plain"), &batch, method, &recipe, &mut rng);
        let [part] = &parts(&net("plain"), &batch, method, &recipe, &mut rng)[..] else {
            panic!("no copies");
        };
        let masks: Vec<Vec<f32>> = layers.iter().map(|layer| numbers(&layer["mask"])).collect();
        let masks: Vec<&[f32]> = masks.iter().map(Vec::as_slice).collect();
        let mut dropped = net("plain").zeros();
        part.add_gradient(&net("plain"), &masks, &mut dropped);
        for (found, name) in [(plain, "gradient"), (dropped, "with_dropout")] {
            let wanted = net(name);
            let pairs = found.parameters().zip(wanted.parameters());
            for (found, wanted) in pairs.flat_map(|(found, wanted)| found.iter().zip(wanted)) {
                assert!((found - wanted).abs() < 1e-6, "{name}: {found} {wanted}");
            }
            // Some units are off, and most are not.
            let off = found.parameters().flatten().filter(|g| **g == 0.0).count();
            assert!((1..30).contains(&off), "{name}: {off}");
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
        let found = |method, recipe: &Recipe| {
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            gradient(&net, &batch, method, recipe, &mut rng)
        };
        let alone = found(TrainingMethod::Backprop, &identical);
        assert_eq!(alone, found(TrainingMethod::Noisy, &identical));
        // With the true label it does pull, and so does a copy with holes.
        let labelled = Recipe {
            copy_label: CopyLabel::True,
            ..identical.clone()
        };
        assert_ne!(alone, found(TrainingMethod::Noisy, &labelled));
        let holes = Recipe {
            noise: 0.5,
            ..identical
        };
        assert_ne!(alone, found(TrainingMethod::Noisy, &holes));
        assert_ne!(alone, found(TrainingMethod::Shadow, &holes));
    }
}
