//! Codes on their way down a chain and up again, one layer and one control in memory.

use rayon::prelude::*;

use super::code::{Code, mask};
use super::columns::{Columns, relu};
use super::matrix::ScaledMatrix;
use super::run::{self, BLOCK, Score};
use super::{ChainPlan, LevelDropout, LevelReturn, Recovery, ShadowError};
use crate::controls::Control;
use randomlike_maths::random_streams::{Purpose, generator};

/// Codes of one level to go down from.
#[derive(Debug, Clone)]
pub(super) struct Start {
    /// Their level, from 1.
    pub level: usize,
    /// Those the constant biases are chosen on, then those that are scored.
    pub codes: Vec<Code>,
    /// How many of them are for the biases.
    pub calibration: usize,
    /// What one unit of a code is in the net, but for the scales s of the layers below: what
    /// the checkpoint's own biases are divided by.
    pub unit: f64,
}

impl Start {
    /// √(mean ‖h‖²) of the codes that are scored.
    fn norm(&self) -> f64 {
        let scored = &self.codes[self.calibration..];
        let squares: f64 = scored.iter().map(Code::square).sum();
        (squares / scored.len() as f64).sqrt()
    }
}

/// The layers that are crossed, and how.
pub(super) struct Chain<'a> {
    /// n₀ … n_ℓ.
    pub sizes: &'a [usize],
    pub plan: &'a ChainPlan,
    /// W_j/s_j, read anew each time.
    pub matrix: &'a dyn Fn(usize) -> Result<ScaledMatrix<'static>, ShadowError>,
    /// The biases of layer j in the net's units.
    pub biases: &'a [Option<Vec<f64>>],
    /// Whether the controls run too.
    pub controlled: bool,
    /// Told of each layer before it is read.
    pub progress: &'a dyn Fn(usize),
}

/// What one start came to through the net or one control.
pub(super) struct DescentOutcome {
    /// Every level of the way up.
    pub levels: Vec<LevelReturn>,
    /// Calibrated relative error at the top, of each scored draw whose code is not zero.
    pub errors: Vec<f64>,
    /// x of the first scored draws.
    pub shadows: Vec<Vec<f32>>,
}

/// Shadows that are kept for the pictures.
const SHADOWS: usize = 32;

/// The net and its controls.
const KINDS: [Option<Control>; 3] = [None, Some(Control::Shuffled), Some(Control::Gaussian)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    /// The lowest layer, the largest as a rule, is read once.
    DownAndUp,
    Up,
}

/// Runs every start through the net, and through its controls where they are asked for: one
/// outcome a start and kind, start by start.
///
/// # Errors
/// When a layer cannot be read, or a level has fewer than two codes to score or none for its
/// bias.
pub(super) fn run(chain: &Chain<'_>, starts: &[Start]) -> Result<Vec<DescentOutcome>, ShadowError> {
    let kinds = if chain.controlled {
        &KINDS[..]
    } else {
        &KINDS[..1]
    };
    let mut travellers = Vec::new();
    for start in starts {
        for &kind in kinds {
            travellers.push(Traveller::new(start, kind));
        }
    }
    let highest = starts.iter().map(|start| start.level).max().unwrap_or(0);
    let down = (1..highest).rev().map(|layer| (layer, Way::Down));
    let up = (1..highest).map(|layer| (layer, Way::Up));
    let mut scale = 1.0;
    let mut room = Vec::new();
    for (layer, way) in down.chain([(0, Way::DownAndUp)]).chain(up) {
        (chain.progress)(layer);
        let net = (chain.matrix)(layer)?;
        if way != Way::Down {
            scale *= net.rms;
        }
        for &kind in kinds {
            let control = kind
                .map(|kind| net.control(kind, (chain.plan.seed, layer as u64), &mut room))
                .map(ScaledMatrix::from);
            let matrix = control.as_ref().unwrap_or(&net);
            let crossing = travellers
                .iter_mut()
                .filter(|traveller| traveller.kind == kind && traveller.start.level > layer);
            for traveller in crossing {
                if way != Way::Up {
                    traveller.descend(chain, layer, matrix);
                }
                if way != Way::Down {
                    traveller.rise(chain, layer, matrix, scale)?;
                }
            }
        }
    }
    Ok(travellers.into_iter().map(Traveller::outcome).collect())
}

/// Positive codes that the net itself makes of `inputs`, by level from 1: h^(j+1) =
/// r(W_jᵀh^(j) + b_j), each level in units of the scales s of the layers below it.
pub(super) fn forward(
    chain: &Chain<'_>,
    inputs: &[Vec<f32>],
) -> Result<Vec<Vec<Code>>, ShadowError> {
    let mut blocks = blocks_of(chain.sizes[0], inputs.len(), |draw, i| inputs[draw][i]);
    let mut scale = 1.0;
    let mut levels = Vec::new();
    for layer in 0..chain.sizes.len() - 1 {
        (chain.progress)(layer);
        let matrix = (chain.matrix)(layer)?;
        scale *= matrix.rms;
        let own = own_bias(chain, layer, scale);
        for block in &mut blocks {
            *block = lifted(matrix.up(block), 0.0, own.as_deref());
        }
        let columns = columns_of(&blocks, inputs.len());
        levels.push(columns.into_iter().map(Code::from_values).collect());
    }
    Ok(levels)
}

/// The ways up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Track {
    Calibrated,
    NoBias,
    Own,
    Dropped,
}

const TRACKS: [Track; 4] = [Track::Calibrated, Track::NoBias, Track::Own, Track::Dropped];

/// One start on its way through one kind of matrix.
struct Traveller<'a> {
    start: &'a Start,
    kind: Option<Control>,
    /// h^(j) by level, in blocks of columns; empty where it has not been.
    codes: Vec<Vec<Columns>>,
    /// h̃ of the level reached on the way up, a track each.
    back: Vec<Vec<Columns>>,
    /// Whether a layer below has biases of its own.
    own: bool,
    levels: Vec<LevelReturn>,
    errors: Vec<f64>,
}

impl<'a> Traveller<'a> {
    fn new(start: &'a Start, kind: Option<Control>) -> Self {
        let length = start.codes.first().map_or(0, |code| code.values.len());
        let mut codes = vec![Vec::new(); start.level];
        codes.push(blocks_of(length, start.codes.len(), |draw, i| {
            start.codes[draw].values[i]
        }));
        Self {
            start,
            kind,
            codes,
            back: Vec::new(),
            own: false,
            levels: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// h^(j) = s_{k_j}(r(α_j W_j h^(j+1))) with α_j = 2/k_j, as s_j = 1 after scaling.
    fn descend(&mut self, chain: &Chain<'_>, layer: usize, matrix: &ScaledMatrix<'_>) {
        let k = chain.plan.k[layer] as f64;
        let masks = self.masks(chain, layer, k / chain.sizes[layer] as f64, false);
        let above = self.codes[layer + 1].iter().zip(&masks);
        let below = above.map(|(h, mask)| run::reversed(matrix.down(h), 2.0 / k, mask));
        self.codes[layer] = below.collect();
    }

    /// h̃^(j+1) = r(W_jᵀ h̃^(j) + b_j) on every track, scored against h^(j+1).
    fn rise(
        &mut self,
        chain: &Chain<'_>,
        layer: usize,
        matrix: &ScaledMatrix<'_>,
        scale: f64,
    ) -> Result<(), ShadowError> {
        let own = match self.kind {
            None => own_bias(chain, layer, scale * self.start.unit),
            Some(_) => None,
        };
        self.own |= own.is_some();
        let level = LevelCodes::new(self.codes_at(layer + 1), self.start.calibration, layer + 1)?;
        let z = self.raised(chain, layer, matrix);
        let mut back = Vec::with_capacity(TRACKS.len());
        let mut scored = Vec::with_capacity(TRACKS.len());
        for (track, z) in TRACKS.into_iter().zip(z) {
            let columns = columns_of(&z, self.start.codes.len());
            let bias = match track {
                Track::NoBias | Track::Own => 0.0,
                Track::Calibrated | Track::Dropped => level.calibrated(&columns),
            };
            let own = own.as_deref().filter(|_| track == Track::Own);
            let at = |i: usize| own.map_or(bias, |own| f64::from(own[i]));
            scored.push((bias, level.scores(&columns, at)));
            back.push(z.into_iter().map(|z| lifted(z, bias, own)).collect());
        }
        self.back = back;
        self.errors = scored[0].1.iter().map(|score| score.error).collect();
        self.levels.push(LevelReturn {
            level: layer + 1,
            nonzeros: level.nonzeros(),
            trials: self.errors.len(),
            calibrated: Recovery::of(&scored[0].1)?,
            bias: scored[0].0 / self.start.norm(),
            no_bias: Recovery::of(&scored[1].1)?,
            own_bias: self.own.then(|| Recovery::of(&scored[2].1)).transpose()?,
            dropout: LevelDropout {
                keep: chain.plan.keep,
                calibrated: Recovery::of(&scored[3].1)?,
                bias: scored[3].0 / self.start.norm(),
            },
        });
        Ok(())
    }

    /// z = W_jᵀ h̃^(j) on every track. From x up, all but one are the same.
    fn raised(
        &self,
        chain: &Chain<'_>,
        layer: usize,
        matrix: &ScaledMatrix<'_>,
    ) -> Vec<Vec<Columns>> {
        let masks = self.masks(chain, layer, chain.plan.keep, true);
        let scale = (1.0 / chain.plan.keep) as f32;
        let dropped = |(from, mask): (&Columns, &Columns)| {
            matrix.up(&from.clone().times(mask).map(|_, x| x * scale))
        };
        let mut raised: Vec<Vec<Columns>> = Vec::with_capacity(TRACKS.len());
        for (at, track) in TRACKS.into_iter().enumerate() {
            let from = self.back.get(at).unwrap_or(&self.codes[0]);
            let same = match track {
                Track::NoBias | Track::Own if layer == 0 => Some(0),
                Track::Own if !self.own => Some(1),
                _ => None,
            };
            let z = match same {
                Some(same) => raised[same].clone(),
                None if track == Track::Dropped => from.iter().zip(&masks).map(dropped).collect(),
                None => from.iter().map(|from| matrix.up(from)).collect(),
            };
            raised.push(z);
        }
        raised
    }

    /// A column of zeros and ones for each draw, from a stream of its own: the same for every
    /// kind of matrix.
    fn masks(&self, chain: &Chain<'_>, layer: usize, share: f64, up: bool) -> Vec<Columns> {
        let length = chain.sizes[layer];
        let kept: Vec<Vec<bool>> = (0..self.start.codes.len())
            .into_par_iter()
            .map(|draw| {
                let stream = match draw.checked_sub(self.start.calibration) {
                    Some(scored) => 2 * scored,
                    None => 2 * draw + 1,
                };
                let place = (2 * layer + usize::from(up)) << 24 | stream;
                let mut rng = generator(chain.plan.seed, Purpose::Path, place as u64);
                mask(&mut rng, length, share)
            })
            .collect();
        blocks_of(length, kept.len(), |draw, i| {
            f32::from(u8::from(kept[draw][i]))
        })
    }

    fn codes_at(&self, level: usize) -> Vec<Code> {
        if level == self.start.level {
            return self.start.codes.clone();
        }
        let columns = columns_of(&self.codes[level], self.start.codes.len());
        columns.into_iter().map(Code::from_values).collect()
    }

    fn outcome(self) -> DescentOutcome {
        let last = self.start.codes.len();
        let shadows = match self.kind {
            None => columns_of(&self.codes[0], last)
                .into_iter()
                .skip(self.start.calibration)
                .take(SHADOWS)
                .collect(),
            Some(_) => Vec::new(),
        };
        DescentOutcome {
            levels: self.levels,
            errors: self.errors,
            shadows,
        }
    }
}

/// The codes of one level, without those that are zero.
struct LevelCodes {
    /// Column and code.
    calibration: Vec<(usize, Code)>,
    scored: Vec<(usize, Code)>,
}

impl LevelCodes {
    fn new(codes: Vec<Code>, calibration: usize, level: usize) -> Result<Self, ShadowError> {
        let there = codes.into_iter().enumerate();
        let there = there.filter(|(_, code)| !code.support.is_empty());
        let (calibration, scored): (Vec<_>, Vec<_>) =
            there.partition(|(draw, _)| *draw < calibration);
        if calibration.is_empty() || scored.len() < 2 {
            return Err(ShadowError::Empty { level });
        }
        Ok(Self {
            calibration,
            scored,
        })
    }

    fn calibrated(&self, columns: &[Vec<f32>]) -> f64 {
        let pairs = self.calibration.iter();
        let pairs: Vec<_> = pairs
            .map(|(draw, code)| (code, columns[*draw].as_slice()))
            .collect();
        run::calibrated(&pairs)
    }

    fn scores(&self, columns: &[Vec<f32>], bias: impl Fn(usize) -> f64 + Sync) -> Vec<Score> {
        self.scored
            .par_iter()
            .map(|(draw, code)| run::score(code, &columns[*draw], &bias))
            .collect()
    }

    fn nonzeros(&self) -> f64 {
        let counts = self.scored.iter().map(|(_, code)| code.support.len());
        counts.sum::<usize>() as f64 / self.scored.len() as f64
    }
}

/// The checkpoint's own biases of a layer over `unit`.
fn own_bias(chain: &Chain<'_>, layer: usize, unit: f64) -> Option<Vec<f32>> {
    let bias = chain.biases[layer].as_ref()?;
    Some(bias.iter().map(|b| (b / unit) as f32).collect())
}

/// r(z + b), b one constant plus, where there are some, a bias a row.
fn lifted(z: Columns, bias: f64, own: Option<&[f32]>) -> Columns {
    let bias = bias as f32;
    match own {
        Some(own) => z.map(|i, z| relu(z + bias + own[i])),
        None => z.map(|_, z| relu(z + bias)),
    }
}

/// Blocks of at most [`BLOCK`] draws.
fn blocks_of(length: usize, draws: usize, entry: impl Fn(usize, usize) -> f32) -> Vec<Columns> {
    (0..draws)
        .step_by(BLOCK)
        .map(|start| {
            let columns = BLOCK.min(draws - start);
            Columns::new(length, columns, |column, i| entry(start + column, i))
        })
        .collect()
}

/// The first `draws` columns of blocks.
fn columns_of(blocks: &[Columns], draws: usize) -> Vec<Vec<f32>> {
    let mut columns: Vec<Vec<f32>> = blocks.iter().flat_map(Columns::separate).collect();
    columns.truncate(draws);
    columns
}
