//! Several layers: eq. 4 all the way down and the forward net all the way up; docs/theory.md §6.
//!
//! Levels are counted from the input: x = h^(0) has n₀ coordinates, and W_j (n_j×n_{j+1},
//! entries of mean square s_j²) makes h^(j+1) of h^(j). Down, h^(j) = s_{k_j}(r(α_j W_j h^(j+1)))
//! with α_j = 2/(k_j s_j²), where s_k keeps a coordinate with probability k/n_j; up,
//! h̃^(j+1) = r(W_jᵀ h̃^(j) + b_j).

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::descent::{self, Chain, DescentOutcome, Start};
use super::layer::scaled;
use super::{Estimate, Recovery, ShadowError, Theorem, theorem};
use crate::layers::Layer;
use crate::section::Section;
use randomlike_checkpoint::Checkpoint;
use randomlike_maths::random_streams::{Purpose, generator};

/// What to draw of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainPlan {
    /// k₀ … k_ℓ from the input up: coordinates kept of each level, and the positive ones of a
    /// random code at the top.
    pub k: Vec<usize>,
    /// Share of each level that is kept on the way up where dropout is measured, q.
    pub keep: f64,
    /// Draws that are scored.
    pub trials: usize,
    /// Draws the constant biases are chosen on, none of which is scored.
    pub calibration: usize,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl ChainPlan {
    /// The default plan for these layers, half of each level kept.
    pub fn for_layers(layers: &[&Layer], seed: u64) -> Self {
        let below = layers.first().map(|layer| layer.fan_in);
        let above = layers.iter().map(|layer| layer.fan_out);
        let sizes: Vec<usize> = below.into_iter().chain(above).collect();
        Self::for_sizes(&sizes, 0.5, seed)
    }

    /// The default plan for levels of these sizes, n₀ … n_ℓ, with a share `rho` kept.
    pub fn for_sizes(sizes: &[usize], rho: f64, seed: u64) -> Self {
        Self {
            k: theorem::sparsities(sizes, rho),
            keep: 0.5,
            trials: 64,
            calibration: 32,
            seed,
        }
    }
}

/// What came back at one level of the way up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LevelReturn {
    /// The level, 1 for what the lowest layer makes of x.
    pub level: usize,
    /// Positive coordinates of its code, mean over the draws.
    pub nonzeros: f64,
    /// Draws scored: those whose code at this level is not zero.
    pub trials: usize,
    /// With constant biases up to here, chosen level by level from below on other draws.
    #[serde(flatten)]
    pub calibrated: Recovery,
    /// The constant of this level, where the codes at the top have root mean square norm 1 and
    /// every layer s = 1.
    pub bias: f64,
    /// Without biases.
    pub no_bias: Recovery,
    /// With the checkpoint's own biases; absent where no layer up to here has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_bias: Option<Recovery>,
    /// With a part of every level dropped on the way up.
    pub dropout: LevelDropout,
}

/// What comes back when 1 − q of every level is dropped on the way up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LevelDropout {
    /// Share that is kept, q.
    pub keep: f64,
    /// With constant biases for that, chosen on other draws.
    #[serde(flatten)]
    pub calibrated: Recovery,
    /// The constant of this level.
    pub bias: f64,
}

/// One way down from codes of one level and up again, and the same through the controls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Descent {
    /// Every level of the way up, from 1 to where the codes were.
    pub levels: Vec<LevelReturn>,
    /// The same codes and masks through what the chain is compared with.
    pub controls: ChainControls,
    /// Relative error at the top over that of the shuffled control, draw by draw.
    pub ratio: Estimate,
}

impl Descent {
    /// What came back where the codes were.
    pub fn top(&self) -> Option<&LevelReturn> {
        self.levels.last()
    }
}

/// What a chain is compared with, level by level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChainControls {
    /// Gaussian matrices of the same shapes.
    pub gaussian: Vec<LevelReturn>,
    /// Each layer's entries in random order.
    pub shuffled: Vec<LevelReturn>,
}

/// What a chain of layers gives back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChainShadow {
    /// n₀ … n_ℓ.
    pub sizes: Vec<usize>,
    /// k₀ … k_ℓ.
    pub k: Vec<usize>,
    /// What the theorem for as many layers asks of them.
    pub theorem: Theorem,
    /// Draws of random codes scored.
    pub trials: usize,
    /// What comes back at the top of random codes, with constant biases.
    #[serde(flatten)]
    pub top: Recovery,
    /// Down from random codes at the top.
    pub random: Descent,
    /// Down from the codes the net itself makes of real inputs, from each level; empty without
    /// inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub real: Vec<Descent>,
}

/// A chain and what it gives back, or why it has no shadow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChainFacts {
    /// Names of the layers, from the input up.
    pub layers: Vec<String>,
    /// What they give back.
    #[serde(flatten)]
    pub shadow: Section<ChainShadow>,
}

impl ChainFacts {
    /// The facts of the chain of these layers.
    pub const fn new(layers: Vec<String>, shadow: Section<ChainShadow>) -> Self {
        Self { layers, shadow }
    }
}

/// The facts of a chain, and its shadows for the pictures, in units of the inputs' own for real
/// codes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChainRun {
    /// The facts.
    pub facts: ChainShadow,
    /// x of the first scored random codes.
    pub random_shadows: Vec<Vec<f32>>,
    /// For each level the codes of which real inputs gave: the input and its shadow.
    pub real_shadows: Vec<Vec<(Vec<f32>, Vec<f32>)>>,
}

/// Runs `layers` of `checkpoint`, from the input up, down and up again: from random codes at
/// the top, and with `inputs` from the net's own codes at each level too.
///
/// # Errors
/// When a layer cannot be read, the plan does not fit the chain, or no code comes down.
pub fn of_chain(
    checkpoint: &Checkpoint,
    layers: &[&Layer],
    plan: &ChainPlan,
    inputs: Option<&[Vec<f32>]>,
    progress: &dyn Fn(usize),
) -> Result<ChainRun, ShadowError> {
    let sizes = sizes(layers)?;
    let biases = layers
        .iter()
        .map(|layer| bias(checkpoint, layer))
        .collect::<Result<Vec<_>, _>>()?;
    let matrix = |j: usize| scaled(checkpoint, layers[j]);
    let chain = Chain {
        sizes: &sizes,
        plan,
        matrix: &matrix,
        biases: &biases,
        controlled: true,
        progress,
    };
    check(&chain)?;
    let mut starts = vec![random(&sizes, plan)];
    let mut order = Vec::new();
    if let Some(inputs) = inputs {
        order = calibration_first(inputs.len());
        let levels = descent::forward(&chain, inputs)?;
        starts.extend(levels.into_iter().zip(1..).map(|(codes, level)| Start {
            level,
            codes: order.iter().map(|&i| codes[i].clone()).collect(),
            calibration: inputs.len().div_ceil(3),
            unit: 1.0,
        }));
    }
    let mut outcomes = descent::run(&chain, &starts)?.into_iter();
    let mut descents = Vec::new();
    let mut shadows = Vec::new();
    while let (Some(net), Some(shuffled), Some(gaussian)) =
        (outcomes.next(), outcomes.next(), outcomes.next())
    {
        let (descent, own) = compared(net, shuffled, gaussian)?;
        descents.push(descent);
        shadows.push(own);
    }
    let mut descents = descents.into_iter();
    let mut shadows = shadows.into_iter();
    let (Some(random), Some(random_shadows)) = (descents.next(), shadows.next()) else {
        return Err(ShadowError::NotApplicable("nothing to go down from"));
    };
    let Some(top) = random.top().map(|level| level.calibrated.clone()) else {
        return Err(ShadowError::NotApplicable("a chain without layers"));
    };
    let scored = order.iter().skip(order.len().div_ceil(3));
    let real_inputs: Vec<&Vec<f32>> = scored.filter_map(|&i| inputs?.get(i)).collect();
    Ok(ChainRun {
        facts: ChainShadow {
            theorem: Theorem::on(&plan.k),
            k: plan.k.clone(),
            trials: plan.trials,
            top,
            random,
            real: descents.collect(),
            sizes: sizes.clone(),
        },
        random_shadows,
        real_shadows: shadows
            .map(|own| {
                let pairs = real_inputs.iter().zip(own);
                pairs.map(|(input, own)| ((*input).clone(), own)).collect()
            })
            .collect(),
    })
}

/// n₀ … n_ℓ of layers that follow each other.
fn sizes(layers: &[&Layer]) -> Result<Vec<usize>, ShadowError> {
    let mut sizes = Vec::with_capacity(layers.len() + 1);
    sizes.extend(layers.first().map(|layer| layer.fan_in));
    for layer in layers {
        if sizes.last() != Some(&layer.fan_in) {
            return Err(ShadowError::Broken {
                layer: layer.name.clone(),
                takes: layer.fan_in,
                given: sizes.last().copied().unwrap_or(0),
            });
        }
        sizes.push(layer.fan_out);
    }
    Ok(sizes)
}

fn bias(checkpoint: &Checkpoint, layer: &Layer) -> Result<Option<Vec<f64>>, ShadowError> {
    let Some(values) = layer.biases(checkpoint)? else {
        return Ok(None);
    };
    if values.len() == layer.fan_out && values.iter().all(|b| b.is_finite()) {
        return Ok(Some(values));
    }
    Err(ShadowError::NotApplicable(
        "some of the biases are NaN or infinite, or there is not one a unit",
    ))
}

/// Longest chain: beyond, the streams of the draws would meet.
const LONGEST: usize = 1000;

fn check(chain: &Chain<'_>) -> Result<(), ShadowError> {
    let (sizes, plan) = (chain.sizes, chain.plan);
    let top = sizes.len().saturating_sub(1);
    let fault = if sizes.len() < 2 {
        "a chain without layers"
    } else if sizes.len() > LONGEST {
        "a chain of more than 1,000 layers"
    } else if plan.k.len() != sizes.len() {
        "there must be one k for the input and one a layer"
    } else if sizes[..top].iter().any(|&n| n < 2) {
        "a level of fewer than two units"
    } else if plan.k.contains(&0) {
        "a level would keep nothing: the chain is too narrow, or a k is 0"
    } else if plan.k.iter().zip(sizes).any(|(k, n)| k > n) {
        "a level would keep more units than it has"
    } else if plan.k[top] >= sizes[top] {
        "the code would have no zero"
    } else if plan.trials < 2 || plan.calibration == 0 {
        "fewer than two draws to score, or none to calibrate on"
    } else if !(plan.keep > 0.0 && plan.keep <= 1.0) {
        "a kept share that is not above 0 and at most 1"
    } else {
        return Ok(());
    };
    Err(ShadowError::NotApplicable(fault))
}

/// Random codes at the top, as large as what the chain without biases makes of inputs of mean
/// square 1: (n₀s₀²)·(n₁s₁²/2)·(n₂s₂²/2)… a coordinate.
pub(super) fn random(sizes: &[usize], plan: &ChainPlan) -> Start {
    let (top, k) = (sizes[sizes.len() - 1], plan.k[plan.k.len() - 1]);
    let below = &sizes[..sizes.len() - 1];
    let square: f64 = below.iter().map(|&n| n as f64 / 2.0).product();
    let calibration = (0..plan.calibration).map(|i| (Purpose::Calibration, i));
    let scored = (0..plan.trials).map(|i| (Purpose::Scored, i));
    let codes = calibration
        .chain(scored)
        .map(|(purpose, i)| Code::sparse(&mut generator(plan.seed, purpose, i as u64), top, k));
    Start {
        level: sizes.len() - 1,
        codes: codes.collect(),
        calibration: plan.calibration,
        unit: (2.0 * square * k as f64).sqrt(),
    }
}

/// Every third of `count` inputs, then the others.
fn calibration_first(count: usize) -> Vec<usize> {
    let (first, rest): (Vec<_>, Vec<_>) = (0..count).partition(|i| i % 3 == 0);
    [first, rest].concat()
}

fn compared(
    net: DescentOutcome,
    shuffled: DescentOutcome,
    gaussian: DescentOutcome,
) -> Result<(Descent, Vec<Vec<f32>>), ShadowError> {
    let ratio = Estimate::ratio(&net.errors, &shuffled.errors).ok_or(
        ShadowError::NotApplicable("the shuffled control came back without an error"),
    )?;
    let descent = Descent {
        levels: net.levels,
        controls: ChainControls {
            gaussian: gaussian.levels,
            shuffled: shuffled.levels,
        },
        ratio,
    };
    Ok((descent, net.shadows))
}

#[cfg(test)]
mod tests;
