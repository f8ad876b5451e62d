//! One layer: its matrix, its two controls and what theory gives, on the same draws.

use serde::{Deserialize, Serialize};

use super::matrix::ScaledMatrix;
use super::run::{self, Block, Return, Score};
use super::{Estimate, Pairs, Recovery, ShadowError, Sizes, SweepPoint, average, sweep};
use crate::controls::{self, Control};
use crate::layers::{Layer, Orientation};
use crate::section::Section;
use crate::skip::Unmeasured;
use randomlike_checkpoint::{Checkpoint, Entries};
use randomlike_maths::balance::{Balanced, balance};
use randomlike_maths::random_streams::Purpose;

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowPlan {
    /// Positive coordinates of a code.
    pub k: usize,
    /// Share of x that is kept on the way down, ρ.
    pub rho: f64,
    /// Share of x that is kept on the way up where dropout is measured, q.
    pub keep: f64,
    /// Draws that are scored.
    pub trials: usize,
    /// Draws the constant bias is chosen on, none of which is scored.
    pub calibration: usize,
    /// Seed of everything drawn.
    pub seed: u64,
}

impl Default for ShadowPlan {
    fn default() -> Self {
        Self {
            k: 1,
            rho: 0.5,
            keep: 0.5,
            trials: 64,
            calibration: 32,
            seed: 0,
        }
    }
}

impl ShadowPlan {
    pub(super) fn sizes(&self, n: usize, m: usize) -> Sizes {
        Sizes {
            n,
            m,
            k: self.k,
            rho: self.rho,
        }
    }

    /// The k for a layer of n inputs and m outputs: the smallest with ρn < k², the sparsest
    /// codes the theorem speaks of, but at most half of the outputs.
    pub fn sparsest(&self, n: usize, m: usize) -> usize {
        let least = (self.rho.clamp(0.0, 1.0) * n as f64).sqrt().floor() as usize + 1;
        least.min(m / 2)
    }

    /// The default plan for a layer of n inputs and m outputs.
    pub fn for_layer(n: usize, m: usize, seed: u64) -> Self {
        let plan = Self {
            seed,
            ..Self::default()
        };
        Self {
            k: plan.sparsest(n, m),
            ..plan
        }
    }
}

/// What comes back from one matrix: with the best constant bias, and otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reversal {
    /// z·h/‖h‖² before bias and ReLU.
    pub gain: Estimate,
    /// ‖z − h‖²/‖h‖² before bias and ReLU.
    pub linear_error: Estimate,
    /// With the best constant bias, chosen on other draws.
    #[serde(flatten)]
    pub calibrated: Recovery,
    /// That constant, for ‖h‖ = 1 and s = 1.
    pub bias: f64,
    /// Without a bias.
    pub no_bias: Recovery,
    /// With the checkpoint's own bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_bias: Option<Recovery>,
    /// With a part of x dropped on the way up.
    pub dropout: Dropout,
}

/// What comes back when 1 − q of x is dropped on the way up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dropout {
    /// Share that is kept, q.
    pub keep: f64,
    /// With the best constant bias for that, chosen on other draws.
    #[serde(flatten)]
    pub calibrated: Recovery,
    /// That constant.
    pub bias: f64,
    /// Relative error of a Gaussian matrix in closed form.
    pub predicted: f64,
}

/// The same draws through what the layer is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShadowControls {
    /// A Gaussian matrix of the same shape.
    pub gaussian: Reversal,
    /// The layer's entries in random order, mean over all orders drawn.
    pub shuffled: Reversal,
}

/// A layer, its controls on the same draws, and what theory gives for a Gaussian matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerShadow {
    /// Positive coordinates of a code.
    pub k: usize,
    /// Share of x kept on the way down.
    pub rho: f64,
    /// Draws scored.
    pub trials: usize,
    /// Whether k < ρn < k², the theorem's condition.
    pub meets_the_theorem: bool,
    /// The layer.
    #[serde(flatten)]
    pub layer: Reversal,
    /// Relative error of a Gaussian matrix in closed form, with the best constant bias.
    pub predicted: f64,
    /// What the layer is compared with.
    pub controls: ShadowControls,
    /// Orders drawn for the shuffled control: more for a small layer, where one order differs
    /// from the next by more than the draws do.
    pub shuffles: usize,
    /// Relative error of the layer over that of the shuffled control, draw by draw. Its error
    /// counts the draws and, from two orders on, that the layer is one matrix of many.
    pub ratio: Estimate,
    /// The error against k, the plan's among them.
    pub sweep: Vec<SweepPoint>,
    /// Some coordinates before and after.
    pub pairs: Pairs,
}

/// Orders drawn for the shuffled control: from 512 inputs and outputs on one is like the next;
/// below, their spread is larger than that of the draws, and it takes several to know it.
const fn shuffles(n: usize, m: usize) -> u64 {
    match if n < m { n } else { m } {
        512.. => 1,
        128.. => 8,
        _ => 16,
    }
}

/// A layer's matrix as it is stored, and its biases.
#[derive(Debug, Clone, Copy)]
pub struct StoredLayer<'a, T> {
    /// The entries, row by row.
    pub entries: &'a [T],
    /// Number of inputs, n.
    pub fan_in: usize,
    /// Number of outputs, m.
    pub fan_out: usize,
    /// How the rows lie.
    pub orientation: Orientation,
    /// One a unit.
    pub bias: Option<&'a [f64]>,
}

/// Reads a layer of `checkpoint` and measures it, or says why it has no shadow.
pub fn of_layer(
    checkpoint: &Checkpoint,
    layer: &Layer,
    plan: &ShadowPlan,
) -> crate::Result<Section<LayerShadow>> {
    let bias = layer
        .bias
        .as_ref()
        .map(|bias| checkpoint.read(&bias.tensor));
    let bias = bias.transpose()?.map(|entries| entries.widened());
    let measured = match layer.weights(checkpoint)? {
        Entries::F64(w) => of_entries(&w, layer, bias.as_deref(), plan),
        Entries::F32(w) => of_entries(&w, layer, bias.as_deref(), plan),
        Entries::F16(w) => of_entries(&w, layer, bias.as_deref(), plan),
        Entries::BF16(w) => of_entries(&w, layer, bias.as_deref(), plan),
    };
    Ok(measured.map_or_else(
        |fault| Section::Skipped {
            reason: Unmeasured::Fault(fault.to_string()),
        },
        Section::Measured,
    ))
}

/// W/s of a layer of `checkpoint`.
pub(super) fn scaled(
    checkpoint: &Checkpoint,
    layer: &Layer,
) -> Result<ScaledMatrix<'static>, ShadowError> {
    fn scaled_matrix<T: controls::Scaled + 'static>(
        weights: Vec<T>,
        layer: &Layer,
    ) -> Result<ScaledMatrix<'static>, ShadowError> {
        let (n, m) = (layer.fan_in, layer.fan_out);
        ScaledMatrix::new(weights, n, m, layer.orientation).ok_or(NO_SCALE)
    }
    match layer.weights(checkpoint)? {
        Entries::F64(w) => scaled_matrix(w, layer),
        Entries::F32(w) => scaled_matrix(w, layer),
        Entries::F16(w) => scaled_matrix(w, layer),
        Entries::BF16(w) => scaled_matrix(w, layer),
    }
}

const NO_SCALE: ShadowError =
    ShadowError::NotApplicable("the weights are all zero, not finite or of another shape");

fn of_entries<T: controls::Scaled>(
    entries: &[T],
    layer: &Layer,
    bias: Option<&[f64]>,
    plan: &ShadowPlan,
) -> Result<LayerShadow, ShadowError> {
    let stored = StoredLayer {
        entries,
        fan_in: layer.fan_in,
        fan_out: layer.fan_out,
        orientation: layer.orientation,
        bias,
    };
    measure(&stored, plan)
}

/// Runs `plan` on a layer and on its two controls, with the same codes and masks.
///
/// # Errors
/// When there is nothing to run: no weights, all of them zero, a code without a positive
/// coordinate or without a zero.
pub fn measure<T: controls::Scaled>(
    stored: &StoredLayer<'_, T>,
    plan: &ShadowPlan,
) -> Result<LayerShadow, ShadowError> {
    measure_beside(stored, plan, &mut |_, _| (), &mut Vec::new())
}

/// The same; the first draw of each control is shown to `beside` while it is in memory, in
/// `room`.
pub(crate) fn measure_beside<T: controls::Scaled>(
    stored: &StoredLayer<'_, T>,
    plan: &ShadowPlan,
    beside: &mut dyn FnMut(Control, &controls::ControlMatrix<'_>),
    room: &mut Vec<f32>,
) -> Result<LayerShadow, ShadowError> {
    check(stored, plan)?;
    let (n, m) = (stored.fan_in, stored.fan_out);
    let matrix = ScaledMatrix::new(stored.entries, n, m, stored.orientation).ok_or(NO_SCALE)?;
    // Codes are as large as what the layer makes of inputs of mean square 1: ‖h‖² = k·n·s².
    let unit = matrix.rms * (n as f64 * plan.k as f64).sqrt();
    let own: Option<Vec<f64>> = stored
        .bias
        .map(|bias| bias.iter().map(|b| b / unit).collect());
    let draws = Draws::new(plan, (n, m));
    let layer = measured(&matrix, &draws, own.as_deref(), Swept::Every)?;
    // One control at a time in memory.
    let mut control = |control, place, swept| {
        let drawn = matrix.control(control, (plan.seed, place), room);
        if place == 0 {
            beside(control, &drawn);
        }
        measured(&drawn.into(), &draws, None, swept)
    };
    let first = control(Control::Shuffled, 0, Swept::Every)?;
    let (mut reversals, mut errors) = (vec![first.reversal], vec![first.errors]);
    for place in 1..shuffles(n, m) {
        let next = control(Control::Shuffled, place, Swept::None)?;
        reversals.push(next.reversal);
        errors.push(next.errors);
    }
    let gaussian = control(Control::Gaussian, 0, Swept::Every)?;
    let ratio = average::ratio(&layer.errors, &errors).ok_or(ShadowError::NotApplicable(
        "too few draws, or the shuffled control came back without an error",
    ))?;
    let shuffled = average::reversals(&reversals);
    let at_own_k = shuffled.calibrated.relative_error.mean;
    let point = |(i, &k): (usize, &usize)| {
        let shuffled = if k == plan.k {
            at_own_k
        } else {
            sweep::mean(&first.sweep[i])
        };
        let controls = (sweep::mean(&gaussian.sweep[i]), shuffled);
        sweep::point(
            &ShadowPlan { k, ..*plan },
            (n, m),
            &layer.sweep[i],
            controls,
        )
    };
    let sizes = plan.sizes(n, m);
    Ok(LayerShadow {
        k: plan.k,
        rho: plan.rho,
        trials: plan.trials,
        meets_the_theorem: sizes.meets_the_theorem(),
        predicted: sizes.relative_error(),
        shuffles: reversals.len(),
        ratio,
        sweep: draws.ks.iter().enumerate().map(point).collect(),
        pairs: layer.pairs,
        layer: layer.reversal,
        controls: ShadowControls {
            shuffled,
            gaussian: gaussian.reversal,
        },
    })
}

/// The reverse model on S of a layer, the codes and inputs those of S: z = Wᵀx is h when
/// h^S = h/D_c and x^S = D_r·x are those of S (docs/theory.md §9).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BalancedShadow {
    /// Positive coordinates of a code.
    pub k: usize,
    /// Share of x kept on the way down.
    pub rho: f64,
    /// Draws scored.
    pub trials: usize,
    /// S; its own bias is β.
    #[serde(flatten)]
    pub layer: Reversal,
    /// Relative error of a Gaussian matrix in closed form, with the best constant bias.
    pub predicted: f64,
    /// The entries of S in random order and balanced again, mean over all orders drawn.
    pub shuffled: Reversal,
    /// Orders drawn.
    pub shuffles: usize,
    /// Relative error of S over that of the shuffled control, draw by draw.
    pub ratio: Estimate,
}

/// Runs `plan` on S and on its shuffled control.
///
/// # Errors
/// As [`measure`], and when a shuffled S cannot be balanced.
pub(crate) fn measure_balanced(
    stored: &StoredLayer<'_, f32>,
    plan: &ShadowPlan,
) -> Result<BalancedShadow, ShadowError> {
    check(stored, plan)?;
    let (n, m) = (stored.fan_in, stored.fan_out);
    let matrix = ScaledMatrix::new(stored.entries, n, m, stored.orientation).ok_or(NO_SCALE)?;
    let unit = (n as f64 * plan.k as f64).sqrt();
    let own: Option<Vec<f64>> = stored
        .bias
        .map(|bias| bias.iter().map(|b| b / unit).collect());
    let draws = Draws::new(plan, (n, m));
    let layer = measured(&matrix, &draws, own.as_deref(), Swept::None)?;
    let (mut reversals, mut errors) = (Vec::new(), Vec::new());
    let mut room = Vec::new();
    for place in 0..shuffles(n, m) {
        let drawn = matrix.control(Control::Shuffled, (plan.seed, place), &mut room);
        let width = match drawn.orientation {
            Orientation::InOut => m,
            Orientation::OutIn => n,
        };
        let whole = |parts: &Balanced| parts.entries.len() == n * m;
        let balanced = balance(drawn.stored, width).ok().filter(whole);
        let balanced = balanced.ok_or(ShadowError::NotApplicable(
            "its entries in random order cannot be balanced",
        ))?;
        let control = controls::ControlMatrix {
            stored: &balanced.entries,
            ..drawn
        };
        let next = measured(&control.into(), &draws, None, Swept::None)?;
        reversals.push(next.reversal);
        errors.push(next.errors);
    }
    let ratio = average::ratio(&layer.errors, &errors).ok_or(ShadowError::NotApplicable(
        "too few draws, or the shuffled control came back without an error",
    ))?;
    Ok(BalancedShadow {
        k: plan.k,
        rho: plan.rho,
        trials: plan.trials,
        predicted: plan.sizes(n, m).relative_error(),
        shuffled: average::reversals(&reversals),
        shuffles: reversals.len(),
        ratio,
        layer: layer.reversal,
    })
}

/// What one matrix makes of all draws.
struct MatrixReturns {
    reversal: Reversal,
    /// Calibrated error of each draw at the plan's k.
    errors: Vec<f64>,
    /// The same at each k of the sweep.
    sweep: Vec<Vec<f64>>,
    pairs: Pairs,
}

/// The draws that the layer and its controls run on.
struct Draws<'a> {
    plan: &'a ShadowPlan,
    /// Those of the calibration, then those that are scored.
    own: Vec<Block>,
    /// k of the sweep, the plan's own among them.
    ks: Vec<usize>,
    /// At every other k.
    sweep: Vec<Block>,
}

impl<'a> Draws<'a> {
    fn new(plan: &'a ShadowPlan, shape: (usize, usize)) -> Self {
        let mut own = run::draws(plan, Purpose::Calibration, plan.calibration, shape);
        own.extend(run::draws(plan, Purpose::Scored, plan.trials, shape));
        let ks = sweep::ks(plan.k, shape.1);
        let others: Vec<usize> = ks.iter().copied().filter(|&k| k != plan.k).collect();
        Self {
            plan,
            own: run::blocks(own, shape, plan.keep),
            sweep: sweep::draws(plan, &others, shape),
            ks,
        }
    }
}

/// At which k a matrix is measured beside the plan's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swept {
    Every,
    None,
}

fn measured(
    matrix: &ScaledMatrix<'_>,
    draws: &Draws<'_>,
    own: Option<&[f64]>,
    swept: Swept,
) -> Result<MatrixReturns, ShadowError> {
    let (reversal, errors, pairs) = reversal(matrix, draws, own)?;
    let sweep = match swept {
        Swept::Every => {
            let mut others = sweep::errors(matrix, draws.plan.rho, &draws.sweep).into_iter();
            let own = |k| (k == draws.plan.k).then(|| errors.clone());
            let all = draws.ks.iter();
            all.filter_map(|&k| own(k).or_else(|| others.next()))
                .collect()
        }
        Swept::None => Vec::new(),
    };
    Ok(MatrixReturns {
        reversal,
        errors,
        sweep,
        pairs,
    })
}

fn check<T>(stored: &StoredLayer<'_, T>, plan: &ShadowPlan) -> Result<(), ShadowError> {
    let fits = stored.bias.is_none_or(|b| b.len() == stored.fan_out);
    let share = |share: f64| share > 0.0 && share <= 1.0;
    let finite = stored.bias.is_none_or(|b| b.iter().all(|b| b.is_finite()));
    let fault = if !finite {
        "some of the biases are NaN or infinite"
    } else if stored.fan_in < 2 {
        "fewer than two inputs"
    } else if plan.k == 0 {
        "the code would have no positive coordinate"
    } else if plan.k >= stored.fan_out {
        "the code would have no zero"
    } else if plan.trials < 2 || plan.calibration == 0 {
        "fewer than two draws to score, or none to calibrate on"
    } else if !share(plan.rho) || !share(plan.keep) {
        "a kept share that is not above 0 and at most 1"
    } else if !fits {
        "the bias has another length than the layer has outputs"
    } else {
        return Ok(());
    };
    Err(ShadowError::NotApplicable(fault))
}

/// What comes back from one matrix, the calibrated error of each draw, and some coordinates.
fn reversal(
    matrix: &ScaledMatrix<'_>,
    draws: &Draws<'_>,
    own: Option<&[f64]>,
) -> Result<(Reversal, Vec<f64>, Pairs), ShadowError> {
    let plan = draws.plan;
    let returns = run::returns(matrix, plan.rho, &draws.own);
    let (calibration, returns) = returns.split_at(plan.calibration);
    let bias = calibrated(calibration, |back| &back.z);
    let dropout_bias = calibrated(calibration, |back| &back.z_dropped);
    let of = |f: fn(&Return) -> f64| Estimate::among(&returns.iter().map(f).collect::<Vec<_>>());
    let calibrated = scores(returns, |back| &back.z, |_| bias);
    let dropped = scores(returns, |back| &back.z_dropped, |_| dropout_bias);
    let errors = calibrated.iter().map(|score| score.error).collect();
    let reversal = Reversal {
        gain: of(|back| run::gain(&back.draw.code, &back.z))?,
        linear_error: of(|back| run::linear_error(&back.draw.code, &back.z))?,
        no_bias: Recovery::of(&scores(returns, |back| &back.z, |_| 0.0))?,
        own_bias: own
            .map(|own| Recovery::of(&scores(returns, |back| &back.z, |i| own[i])))
            .transpose()?,
        calibrated: Recovery::of(&calibrated)?,
        bias,
        dropout: Dropout {
            keep: plan.keep,
            calibrated: Recovery::of(&dropped)?,
            bias: dropout_bias,
            predicted: plan
                .sizes(matrix.n, matrix.m)
                .dropped(plan.keep)
                .relative_error(),
        },
    };
    let pairs = Pairs::from_returns(returns, plan.k, bias);
    Ok((reversal, errors, pairs))
}

/// Scores of what `z` chooses of each return, after a bias.
fn scores(
    returns: &[Return],
    z: impl Fn(&Return) -> &[f32],
    bias: impl Fn(usize) -> f64,
) -> Vec<Score> {
    let each = returns.iter();
    each.map(|back| run::score(&back.draw.code, z(back), &bias))
        .collect()
}

/// The best constant bias for what `z` chooses of these returns.
fn calibrated(returns: &[Return], z: fn(&Return) -> &[f32]) -> f64 {
    let pairs: Vec<_> = returns
        .iter()
        .map(|back| (&back.draw.code, z(back)))
        .collect();
    run::calibrated(&pairs)
}
