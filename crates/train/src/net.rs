//! The nets that are trained: fully connected, ReLU, softmax on top.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::matrix::{Matrix, add_product, product};

/// A fully connected net, from the input up. What belongs to each of its parameters (a gradient, a
/// moment) is a net of the same sizes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Net {
    pub layers: Vec<Dense>,
}

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dense {
    /// W, (out, in).
    pub weight: Matrix,
    /// b, one a unit.
    pub bias: Vec<f32>,
}

/// What a batch makes of a net.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    /// What each layer is given, batch×units: the batch, then r(Wh + b) of each hidden layer, after
    /// dropout.
    pub inputs: Vec<Matrix>,
    /// Wh + b of the last layer, batch×classes.
    pub logits: Matrix,
}

impl Net {
    /// W ~ N(0, 2/fan_in), 1/fan_in in the last layer (He et al. 2015); b = 0.
    pub(super) fn new(sizes: &[usize], rng: &mut ChaCha8Rng) -> Self {
        let last = sizes.len().saturating_sub(2);
        let layers = sizes.windows(2).enumerate().map(|(layer, pair)| {
            let (fan_in, fan_out) = (pair[0], pair[1]);
            let gain = if layer == last { 1.0 } else { 2.0 };
            let std = (gain / fan_in as f64).sqrt();
            let draw = || {
                let entry: f64 = StandardNormal.sample(rng);
                (std * entry) as f32
            };
            Dense {
                weight: Matrix::filled(fan_out, fan_in, draw),
                bias: vec![0.0; fan_out],
            }
        });
        Self {
            layers: layers.collect(),
        }
    }

    /// A net with these layers, where each takes what the one below gives.
    pub(super) fn from_layers(layers: Vec<Dense>) -> Option<Self> {
        let is_whole = |layer: &Dense| {
            let Matrix { rows, cols, .. } = layer.weight;
            rows > 0 && cols > 0 && layer.bias.len() == rows
        };
        let fits = |pair: &[Dense]| pair[0].weight.rows == pair[1].weight.cols;
        let is_net = !layers.is_empty() && layers.iter().all(is_whole);
        (is_net && layers.windows(2).all(fits)).then_some(Self { layers })
    }

    /// The same sizes, all 0.
    pub(super) fn zeros(&self) -> Self {
        let zeros = |layer: &Dense| Dense {
            weight: Matrix::zeros(layer.weight.rows, layer.weight.cols),
            bias: vec![0.0; layer.bias.len()],
        };
        Self {
            layers: self.layers.iter().map(zeros).collect(),
        }
    }

    /// Number of inputs, of units of each hidden layer, of classes.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let inputs = self.layers.first().map(|layer| layer.weight.cols);
        let outputs = self.layers.iter().map(|layer| layer.weight.rows);
        inputs.into_iter().chain(outputs).collect()
    }

    /// Everything that is trained: weight and bias of each layer.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &[f32]> {
        self.layers
            .iter()
            .flat_map(|Dense { weight, bias }| [&weight.entries[..], &bias[..]])
    }

    /// The same in the same order.
    pub(super) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.layers
            .iter_mut()
            .flat_map(|Dense { weight, bias }| [&mut weight.entries[..], &mut bias[..]])
    }

    /// Runs a batch, batch×inputs. With dropout, `masks` has a factor of each number that a layer is
    /// given, batch×units.
    pub(super) fn forward(&self, batch: &Matrix, masks: &[&[f32]]) -> Activity {
        let mut inputs = Vec::with_capacity(self.layers.len());
        let mut at = batch.clone();
        for (layer, dense) in self.layers.iter().enumerate() {
            if let Some(mask) = masks.get(layer) {
                at.scale_by(mask);
            }
            let mut above = product(at.view(), dense.weight.view().transpose());
            for row in above.each_row_mut() {
                row.iter_mut().zip(&dense.bias).for_each(|(x, b)| *x += b);
            }
            if layer + 1 < self.layers.len() {
                above.entries.iter_mut().for_each(|x| *x = x.max(0.0));
            }
            inputs.push(std::mem::replace(&mut at, above));
        }
        Activity { inputs, logits: at }
    }

    /// Adds to `gradient` that of a loss whose derivative by the logits of this activity is `pull`,
    /// batch×classes (Rumelhart, Hinton & Williams 1986). Masks as they were on the way up.
    pub(super) fn backward(
        &self,
        activity: &Activity,
        masks: &[&[f32]],
        pull: Matrix,
        gradient: &mut Self,
    ) {
        let mut pull = pull;
        for (layer, dense) in self.layers.iter().enumerate().rev() {
            let (given, to) = (&activity.inputs[layer], &mut gradient.layers[layer]);
            add_product(&mut to.weight, pull.view().transpose(), given.view());
            for row in pull.each_row() {
                to.bias.iter_mut().zip(row).for_each(|(b, x)| *b += x);
            }
            if layer == 0 {
                return;
            }
            pull = product(pull.view(), dense.weight.view());
            if let Some(mask) = masks.get(layer) {
                pull.scale_by(mask);
            }
            for (pull, &given) in pull.entries.iter_mut().zip(&given.entries) {
                if given <= 0.0 {
                    *pull = 0.0;
                }
            }
        }
    }
}

/// The place of the largest entry of each row, the first of equal ones.
pub(super) fn argmax(logits: &Matrix) -> Vec<u8> {
    let largest = |row: &[f32]| {
        let better = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
        (0..row.len()).reduce(better).unwrap_or(0) as u8
    };
    logits.each_row().map(largest).collect()
}

/// Factors of dropout: 0 with probability `rate`, else 1/(1 − rate).
pub(super) fn dropout(rng: &mut ChaCha8Rng, rate: f64, rows: usize, units: usize) -> Matrix {
    let kept = (1.0 / (1.0 - rate)) as f32;
    Matrix::filled(rows, units, || {
        if rng.random::<f64>() < rate {
            0.0
        } else {
            kept
        }
    })
}
