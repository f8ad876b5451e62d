//! The nets that are trained: fully connected, ReLU, softmax on top.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A fully connected net. Weights are stored (out, in).
#[derive(Debug, Clone)]
pub struct Net {
    /// Number of inputs, of units of each hidden layer, of classes.
    pub sizes: Vec<usize>,
    weights: Vec<Var>,
    biases: Vec<Var>,
}

/// A fully connected layer.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    /// W, (out, in).
    pub weight: Tensor,
    /// b, one a unit.
    pub bias: Tensor,
}

impl Dense {
    /// hWᵀ + b for a batch, batch×inputs.
    fn forward(&self, h: &Tensor) -> Result<Tensor> {
        h.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

/// What a batch makes of a net.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    /// r(Wᵀh + b) of each hidden layer, batch×units.
    pub hidden: Vec<Tensor>,
    /// Wᵀh + b of the last layer, batch×classes.
    pub logits: Tensor,
}

impl Net {
    /// W ~ N(0, 2/fan_in), 1/fan_in in the last layer (He et al. 2015); b = 0.
    pub(super) fn new(sizes: &[usize], rng: &mut ChaCha8Rng) -> Result<Self> {
        let last = sizes.len().saturating_sub(2);
        let mut weights = Vec::with_capacity(last + 1);
        let mut biases = Vec::with_capacity(last + 1);
        for (layer, pair) in sizes.windows(2).enumerate() {
            let (fan_in, fan_out) = (pair[0], pair[1]);
            let gain = if layer == last { 1.0 } else { 2.0 };
            let std = (gain / fan_in as f64).sqrt();
            let entries: Vec<f32> = (0..fan_in * fan_out)
                .map(|_| {
                    let entry: f64 = StandardNormal.sample(rng);
                    (std * entry) as f32
                })
                .collect();
            let weight = Tensor::from_vec(entries, (fan_out, fan_in), &Device::Cpu)?;
            weights.push(Var::from_tensor(&weight)?);
            biases.push(Var::zeros(fan_out, DType::F32, &Device::Cpu)?);
        }
        Ok(Self {
            sizes: sizes.to_vec(),
            weights,
            biases,
        })
    }

    /// The net with these tensors, a weight and a bias a layer.
    pub(super) fn from_tensors(layers: &[(Tensor, Tensor)]) -> Result<Self> {
        let mut sizes = Vec::with_capacity(layers.len() + 1);
        let mut weights = Vec::with_capacity(layers.len());
        let mut biases = Vec::with_capacity(layers.len());
        for (weight, bias) in layers {
            let (fan_out, fan_in) = weight.dims2()?;
            if sizes.is_empty() {
                sizes.push(fan_in);
            }
            if sizes.last() != Some(&fan_in) || bias.dims1()? != fan_out {
                candle_core::bail!("the layers do not fit each other");
            }
            sizes.push(fan_out);
            weights.push(Var::from_tensor(weight)?);
            biases.push(Var::from_tensor(bias)?);
        }
        Ok(Self {
            sizes,
            weights,
            biases,
        })
    }

    /// Everything that is trained, always in one order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Var> {
        self.weights
            .iter()
            .zip(&self.biases)
            .flat_map(|(weight, bias)| [weight, bias])
    }

    /// Weight and bias of each layer, from the input up, within the reach of gradients.
    pub(super) fn live(&self) -> Vec<Dense> {
        self.dense(|var| var.as_tensor().clone())
    }

    /// The same out of their reach.
    pub(super) fn frozen(&self) -> Vec<Dense> {
        self.dense(Var::as_detached_tensor)
    }

    fn dense(&self, tensor: impl Fn(&Var) -> Tensor) -> Vec<Dense> {
        let layers = self.weights.iter().zip(&self.biases);
        layers
            .map(|(weight, bias)| Dense {
                weight: tensor(weight),
                bias: tensor(bias),
            })
            .collect()
    }
}

/// Runs a batch, batch×inputs. With dropout, `masks` has one factor for the input and one a
/// hidden layer.
pub(super) fn forward(layers: &[Dense], inputs: &Tensor, masks: &[Tensor]) -> Result<Activity> {
    let masked = |at: usize, h: Tensor| match masks.get(at) {
        Some(mask) => h * mask,
        None => Ok(h),
    };
    let Some((top, below)) = layers.split_last() else {
        candle_core::bail!("a net without layers");
    };
    let mut at = masked(0, inputs.clone())?;
    let mut hidden = Vec::with_capacity(below.len());
    for (layer, dense) in below.iter().enumerate() {
        let above = dense.forward(&at)?.relu()?;
        hidden.push(above.clone());
        at = masked(layer + 1, above)?;
    }
    Ok(Activity {
        hidden,
        logits: top.forward(&at)?,
    })
}

/// Factors of dropout: 0 with probability `rate`, else 1/(1 − rate).
pub(super) fn dropout(rng: &mut ChaCha8Rng, rate: f64, shape: (usize, usize)) -> Result<Tensor> {
    let kept = (1.0 / (1.0 - rate)) as f32;
    let draw = |_| {
        if rng.random::<f64>() < rate {
            0.0
        } else {
            kept
        }
    };
    let factors: Vec<f32> = (0..shape.0 * shape.1).map(draw).collect();
    Tensor::from_vec(factors, shape, &Device::Cpu)
}
