//! Checkpoints with planted truths, seeded: what a check must pass and what it must fail.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StudentT};
use rayon::prelude::*;

use crate::{Error, Result};
use randomlike_checkpoint::{TensorFacts, write_header};
use randomlike_report::write::write_file;

/// Entries drawn from one stream of the generator.
const CHUNK: usize = 1 << 16;
/// Most weights of a layer: all are held in memory, 8 bytes each.
const MOST: usize = 1 << 31;
/// Standard deviation of a planted entry: the scale of no initialiser at the usual shapes.
const STD: f64 = 0.03;
/// Directions of `low-rank`.
const RANK: usize = 16;

macro_rules! kebab_names {
    ($kind:ty, $($variant:ident => $name:literal),+ $(,)?) => {
        impl $kind {
            /// Every one of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),+ })
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> std::result::Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is none of {}", [$($name),+].join(", "))),
                }
            }
        }
    };
}

/// What is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The three fully connected layers of `AlexNet`.
    Alexnet,
    /// Independent normal weights.
    Gaussian,
    /// Independent uniform weights.
    Uniform,
    /// Independent Laplace weights.
    Laplace,
    /// Independent Student-t weights, ν = 5.
    StudentT,
    /// Normal weights and one visible rank-one signal.
    Spikes,
    /// Normal weights and one rank-one signal of twice the strength that just shows.
    FaintSpike,
    /// Normal weights and the product of two thin normal matrices.
    LowRank,
    /// Normal weights, the second half of the outputs a copy of the first.
    DuplicatedRows,
    /// Normal weights, each output with its own scale.
    RowScales,
    /// Normal weights, each input with its own scale.
    InputScales,
    /// Normal weights, each input and each output with its own scale.
    Scales,
    /// Normal weights, and directions that take three tenths of the singular values.
    ManyDirections,
    /// Normal weights, one in a hundred of them ten standard deviations large.
    TenSigma,
    /// Normal weights around a mean that is not zero.
    Mean,
    /// Normal weights between the inputs and outputs of each quarter, zero elsewhere: four
    /// nets side by side.
    Blocks,
    /// The default initialiser of a `PyTorch` `Linear`.
    Kaiming,
    /// The normal law of He et al., by inputs.
    KaimingNormal,
    /// The uniform law of Glorot & Bengio, Keras' default.
    GlorotUniform,
    /// The normal law that BERT and GPT-2 start with.
    Bert,
    /// The default initialiser of a `PyTorch` `Linear`, moved by little.
    BarelyMoved,
    /// An orthogonal matrix.
    Orthogonal,
    /// The law of BERT, each output's weights in ascending order.
    Sorted,
    /// Uniform weights, each output's in ascending order.
    SortedUniform,
    /// Laplace weights, half of each output the one before.
    CorrelatedLaplace,
    /// Weights that are all zero.
    Zeros,
    /// Normal weights, three of them NaN or infinite.
    Nan,
}

kebab_names!(Kind,
    Alexnet => "alexnet", Gaussian => "gaussian", Uniform => "uniform", Laplace => "laplace",
    StudentT => "student-t", TenSigma => "ten-sigma", Spikes => "spikes",
    FaintSpike => "faint-spike", LowRank => "low-rank", DuplicatedRows => "duplicated-rows",
    RowScales => "row-scales", InputScales => "input-scales", Scales => "scales",
    ManyDirections => "many-directions", Mean => "mean", Blocks => "blocks",
    Kaiming => "kaiming", KaimingNormal => "kaiming-normal", GlorotUniform => "glorot-uniform",
    Bert => "bert-0.02", BarelyMoved => "barely-moved", Orthogonal => "orthogonal",
    Sorted => "sorted", SortedUniform => "sorted-uniform", CorrelatedLaplace => "correlated-laplace",
    Zeros => "zeros", Nan => "nan");

/// How weights and biases are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// 64-bit.
    F64,
    /// 32-bit.
    F32,
    /// 16-bit, IEEE.
    F16,
    /// 16-bit, the upper half of an f32.
    Bf16,
}

impl Dtype {
    /// As a header names it.
    const fn stored(self) -> randomlike_checkpoint::Dtype {
        match self {
            Self::F64 => randomlike_checkpoint::Dtype::F64,
            Self::F32 => randomlike_checkpoint::Dtype::F32,
            Self::F16 => randomlike_checkpoint::Dtype::F16,
            Self::Bf16 => randomlike_checkpoint::Dtype::BF16,
        }
    }
}

kebab_names!(Dtype, F64 => "f64", F32 => "f32", F16 => "f16", Bf16 => "bf16");

/// What the biases are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// −.1 on every output.
    Constant,
    /// Normal with standard deviation .1.
    Varied,
    /// 0 on every output.
    Zero,
    /// No bias tensor.
    Absent,
}

kebab_names!(Bias, Constant => "constant", Varied => "varied", Zero => "zero", Absent => "absent");

impl Kind {
    /// One sentence on what is planted.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Alexnet => "4096x9216, 4096x4096 and 1000x4096 normal weights, sd .03",
            Self::Gaussian => "independent normal weights, sd .03",
            Self::Uniform => "independent uniform weights, sd .03",
            Self::Laplace => "independent Laplace weights, sd .03",
            Self::StudentT => "independent Student-t weights with 5 degrees of freedom",
            Self::TenSigma => "normal weights, one in a hundred at plus or minus 10 sd",
            Self::Spikes => "normal weights and one rank-one signal above the edge",
            Self::FaintSpike => "normal weights and one signal twice as strong as just shows",
            Self::LowRank => "normal weights and a signal of rank 16, each 4 times that strong",
            Self::DuplicatedRows => {
                "normal weights, the second half of the outputs copies the first"
            }
            Self::RowScales => "normal weights, each output's scale lognormal with tau .3",
            Self::InputScales => "normal weights, each input's scale lognormal with tau .5",
            Self::Scales => "normal weights, inputs and outputs on lognormal scales with tau .5",
            Self::ManyDirections => {
                "normal weights and a signal of three tenths of the rank, each 3.5 times that strong"
            }
            Self::Mean => "normal weights of sd .03 around a mean of .01",
            Self::Blocks => "normal weights in four blocks on the diagonal, zero elsewhere",
            Self::Kaiming => "uniform weights as a PyTorch Linear starts with",
            Self::KaimingNormal => "normal weights of variance 2/inputs",
            Self::GlorotUniform => "uniform weights as a Keras Dense starts with",
            Self::Bert => "normal weights of sd .02, as BERT and GPT-2 start with",
            Self::BarelyMoved => {
                "uniform weights of a PyTorch Linear, shrunk by .44 % and drifted by .92 % of sd"
            }
            Self::Orthogonal => "an orthogonal matrix",
            Self::SortedUniform => "uniform weights of sd .03, each output's in ascending order",
            Self::CorrelatedLaplace => "Laplace weights, each output half of the one before",
            Self::Sorted => "normal weights of sd .02, each output's in ascending order",
            Self::Zeros => "weights that are all zero",
            Self::Nan => "normal weights, two of them NaN and one infinite",
        }
    }
}

impl Kind {
    /// Whether no entry depends on what was drawn for another.
    const fn is_drawn_entry_by_entry(self) -> bool {
        !matches!(
            self,
            Self::DuplicatedRows
                | Self::Sorted
                | Self::SortedUniform
                | Self::CorrelatedLaplace
                | Self::InputScales
                | Self::Scales
                | Self::LowRank
                | Self::ManyDirections
                | Self::Orthogonal
                | Self::Nan
        )
    }
}

/// Shape, storage and seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// fan_in of the one layer; `alexnet` has its own shapes.
    pub inputs: usize,
    /// fan_out of the one layer.
    pub outputs: usize,
    /// Seed of every draw.
    pub seed: u64,
    /// Storage type.
    pub dtype: Dtype,
    /// Biases.
    pub bias: Bias,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inputs: 512,
            outputs: 256,
            seed: 1,
            dtype: Dtype::F32,
            bias: Bias::Constant,
        }
    }
}

/// One layer to draw.
struct PlantedLayer {
    name: &'static str,
    outputs: usize,
    inputs: usize,
}

impl PlantedLayer {
    /// Size of the entries of a ±1 pattern whose one singular value just leaves the bulk of
    /// normal entries: STD·(NM)^¼ (BBP, docs/theory.md §3) over the pattern's own √(NM).
    fn just_visible(&self) -> f64 {
        STD * (self.outputs as f64 * self.inputs as f64).powf(-0.25)
    }
}

/// Writes the checkpoint, whole or not at all; equal options give equal bytes.
pub fn write(kind: Kind, options: &Options, out: impl AsRef<Path>) -> Result<()> {
    let plan = |name, outputs, inputs| PlantedLayer {
        name,
        outputs,
        inputs,
    };
    let plans = match kind {
        Kind::Alexnet => vec![
            plan("classifier.1", 4096, 9216),
            plan("classifier.4", 4096, 4096),
            plan("classifier.6", 1000, 4096),
        ],
        _ => vec![plan("layer", options.outputs, options.inputs)],
    };
    for plan in &plans {
        let count = plan.inputs.checked_mul(plan.outputs);
        if !count.is_some_and(|count| (1..=MOST).contains(&count)) {
            return Err(Error::SynthSize {
                inputs: plan.inputs,
                outputs: plan.outputs,
                most: MOST,
            });
        }
    }
    let (tensors, metadata) = header(kind, options, &plans);
    write_file(out, |to| {
        write_header(to, &tensors, &metadata)?;
        for (stream, plan) in (1_u64..).zip(&plans) {
            for block in bias(options, plan, stream)
                .into_iter()
                .chain(weights(kind, options, plan, stream))
            {
                to.write_all(&encode(&block, options.dtype))?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// What is in the file, in the order in which it is written.
fn header(
    kind: Kind,
    options: &Options,
    plans: &[PlantedLayer],
) -> (Vec<TensorFacts>, BTreeMap<String, String>) {
    let mut tensors = Vec::new();
    let mut add = |tensor: String, shape: Vec<usize>| {
        tensors.push(TensorFacts::new(tensor, options.dtype.stored(), shape));
    };
    for plan in plans {
        if options.bias != Bias::Absent {
            add(format!("{}.bias", plan.name), vec![plan.outputs]);
        }
        add(
            format!("{}.weight", plan.name),
            vec![plan.outputs, plan.inputs],
        );
    }
    let metadata = [
        ("generator", "randomlike synth".to_owned()),
        ("kind", kind.to_string()),
        ("seed", options.seed.to_string()),
        ("planted", kind.description().to_owned()),
        ("bias", options.bias.to_string()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
    (tensors, metadata.into())
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// A generator for what belongs to a layer as a whole, apart from the chunks of its weights.
fn beside(seed: u64, layer: u64, which: u32) -> ChaCha8Rng {
    generator(seed, layer << 32 | u64::from(u32::MAX - which))
}

fn bias(options: &Options, plan: &PlantedLayer, stream: u64) -> Option<Vec<f64>> {
    let mut rng = beside(options.seed, stream, 0);
    match options.bias {
        Bias::Absent => None,
        Bias::Zero => Some(vec![0.0; plan.outputs]),
        Bias::Constant => Some(vec![-0.1; plan.outputs]),
        Bias::Varied => Some((0..plan.outputs).map(|_| 0.1 * normal(&mut rng)).collect()),
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// The weight, row by row in blocks of chunks, each chunk from its own stream.
fn weights(kind: Kind, options: &Options, plan: &PlantedLayer, stream: u64) -> Vec<Vec<f64>> {
    let count = plan.outputs * plan.inputs;
    let drawn = if kind == Kind::DuplicatedRows {
        (plan.outputs - plan.outputs / 2) * plan.inputs
    } else {
        count
    };
    let chunk = |i: usize| {
        let mut rng = generator(options.seed, stream << 32 | i as u64);
        (i * CHUNK..drawn.min((i + 1) * CHUNK))
            .map(|at| entry(kind, plan, at, &mut rng))
            .collect()
    };
    let blocks: Vec<Vec<f64>> = (0..drawn.div_ceil(CHUNK))
        .into_par_iter()
        .map(chunk)
        .collect();
    if kind.is_drawn_entry_by_entry() {
        return blocks;
    }
    let mut all = blocks.concat();
    let mut rng = beside(options.seed, stream, 1);
    match kind {
        Kind::DuplicatedRows => all.extend_from_within(..count - drawn),
        Kind::Sorted | Kind::SortedUniform => {
            let rows = all.par_chunks_mut(plan.inputs);
            rows.for_each(|row| row.sort_unstable_by(f64::total_cmp));
        }
        Kind::CorrelatedLaplace => {
            for row in 1..plan.outputs {
                let (before, rest) = all.split_at_mut(row * plan.inputs);
                let before = &before[(row - 1) * plan.inputs..];
                for (w, before) in rest.iter_mut().zip(before) {
                    *w = 0.5 * before + 0.75_f64.sqrt() * *w;
                }
            }
        }
        Kind::InputScales => scale_inputs(&mut all, plan, &mut rng),
        Kind::Scales => {
            scale_inputs(&mut all, plan, &mut rng);
            let rows = all.chunks_mut(plan.inputs);
            for row in rows {
                let scale = (0.5 * normal(&mut rng)).exp();
                for w in row {
                    *w *= scale;
                }
            }
        }
        Kind::LowRank => add_low_rank(&mut all, plan, (RANK, 4.0), &mut rng),
        Kind::ManyDirections => {
            let rank = plan.inputs.min(plan.outputs) * 3 / 10;
            add_low_rank(&mut all, plan, (rank, 3.5), &mut rng);
        }
        Kind::Orthogonal => orthogonalize(&mut all, plan),
        Kind::Nan => {
            for (w, bad) in all.iter_mut().zip([f64::NAN, f64::NAN, f64::INFINITY]) {
                *w = bad;
            }
        }
        _ => {}
    }
    vec![all]
}

fn scale_inputs(weights: &mut [f64], plan: &PlantedLayer, rng: &mut ChaCha8Rng) {
    let scales: Vec<f64> = (0..plan.inputs)
        .map(|_| (0.5 * normal(rng)).exp())
        .collect();
    for row in weights.chunks_mut(plan.inputs) {
        for (w, scale) in row.iter_mut().zip(&scales) {
            *w *= scale;
        }
    }
}

/// Gram and Schmidt, twice, on the shorter side; rows of length 1 where they are fewer than the
/// columns, else columns.
fn orthogonalize(weights: &mut [f64], plan: &PlantedLayer) {
    let by_row = plan.outputs <= plan.inputs;
    let (count, length) = if by_row {
        (plan.outputs, plan.inputs)
    } else {
        (plan.inputs, plan.outputs)
    };
    let at = |line: usize, i: usize| {
        if by_row {
            line * plan.inputs + i
        } else {
            i * plan.inputs + line
        }
    };
    let mut lines: Vec<Vec<f64>> = Vec::with_capacity(count);
    for line in 0..count {
        let mut own: Vec<f64> = (0..length).map(|i| weights[at(line, i)]).collect();
        for _ in 0..2 {
            for other in &lines {
                let along: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
                own.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
            let norm = own.iter().map(|a| a * a).sum::<f64>().sqrt();
            for a in &mut own {
                *a /= norm;
            }
        }
        for (i, &w) in own.iter().enumerate() {
            weights[at(line, i)] = w;
        }
        lines.push(own);
    }
}

/// So many directions, each so many times what just shows.
fn add_low_rank(
    weights: &mut [f64],
    plan: &PlantedLayer,
    (rank, times): (usize, f64),
    rng: &mut ChaCha8Rng,
) {
    let mut factor = |side: usize| -> Vec<Vec<f64>> {
        let row = |_| (0..rank).map(|_| normal(rng)).collect();
        (0..side).map(row).collect()
    };
    let (of_outputs, of_inputs) = (factor(plan.outputs), factor(plan.inputs));
    let size = times * plan.just_visible();
    let rows = weights.par_chunks_mut(plan.inputs).zip(&of_outputs);
    rows.for_each(|(row, a)| {
        for (w, b) in row.iter_mut().zip(&of_inputs) {
            *w += size * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        }
    });
}

fn entry(kind: Kind, plan: &PlantedLayer, at: usize, rng: &mut ChaCha8Rng) -> f64 {
    let (row, column) = (at / plan.inputs, at % plan.inputs);
    let uniform = |rng: &mut ChaCha8Rng| 2.0 * rng.random::<f64>() - 1.0;
    match kind {
        Kind::Zeros => 0.0,
        Kind::Uniform | Kind::SortedUniform => STD * 3.0_f64.sqrt() * uniform(rng),
        Kind::BarelyMoved => {
            let half = 1.0 / (plan.inputs as f64).sqrt();
            let drift = 0.0092 * half / 3.0_f64.sqrt();
            (1.0 - 0.0044) * half * uniform(rng) + drift * normal(rng)
        }
        Kind::Kaiming => uniform(rng) / (plan.inputs as f64).sqrt(),
        Kind::Laplace | Kind::CorrelatedLaplace => {
            let u = uniform(rng);
            -STD / 2.0_f64.sqrt() * u.signum() * (1.0 - u.abs()).ln()
        }
        Kind::StudentT => STD * StudentT::new(5.0).map_or(0.0, |law| law.sample(rng)),
        Kind::Mean => 0.01 + STD * normal(rng),
        Kind::Blocks => {
            let inside = row * 4 / plan.outputs == column * 4 / plan.inputs;
            if inside { STD * normal(rng) } else { 0.0 }
        }
        Kind::RowScales => {
            let tau = 0.3 * normal(&mut generator(row as u64, u64::MAX));
            STD * tau.exp() * normal(rng)
        }
        Kind::Spikes => {
            // ±1 patterns: θ = .4·STD·√(NM), above the visible (NM)^¼ at any usual size.
            let sign = if (row + column) % 2 == 0 { 1.0 } else { -1.0 };
            STD * (normal(rng) + 0.4 * sign)
        }
        Kind::FaintSpike => {
            let sign = if (row + column) % 2 == 0 { 1.0 } else { -1.0 };
            STD * normal(rng) + 2.0 * plan.just_visible() * sign
        }
        Kind::TenSigma => {
            let (place, usual) = (uniform(rng), STD * normal(rng));
            if place.abs() < 0.99 {
                usual
            } else {
                10.0 * STD * place.signum()
            }
        }
        Kind::KaimingNormal => (2.0 / plan.inputs as f64).sqrt() * normal(rng),
        Kind::GlorotUniform => (6.0 / (plan.inputs + plan.outputs) as f64).sqrt() * uniform(rng),
        Kind::Bert | Kind::Sorted => 0.02 * normal(rng),
        Kind::Alexnet
        | Kind::Gaussian
        | Kind::DuplicatedRows
        | Kind::InputScales
        | Kind::Scales
        | Kind::LowRank
        | Kind::ManyDirections
        | Kind::Orthogonal
        | Kind::Nan => STD * normal(rng),
    }
}

fn encode(values: &[f64], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F64 => values.iter().flat_map(|w| w.to_le_bytes()).collect(),
        Dtype::F32 => values
            .iter()
            .flat_map(|&w| (w as f32).to_le_bytes())
            .collect(),
        Dtype::F16 => values
            .iter()
            .flat_map(|&w| half::f16::from_f64(w).to_le_bytes())
            .collect(),
        Dtype::Bf16 => values
            .iter()
            .flat_map(|&w| half::bf16::from_f64(w).to_le_bytes())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_checkpoint::Checkpoint;
    use randomlike_core::analysis;
    use randomlike_core::audit::{Audit, BiasKind, FamilyName};
    use randomlike_judge::label::Label;
    use randomlike_judge::policy::Policy;

    fn audit(kind: Kind, options: &Options) -> Audit {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.safetensors");
        write(kind, options, &file).unwrap();
        let checkpoint = Checkpoint::open(&file).unwrap();
        analysis::measure(&checkpoint, &analysis::Options::default(), &mut |_| {}).unwrap()
    }

    #[test]
    fn each_kind_is_measured_as_planted() {
        let expected = [
            (Kind::Gaussian, Label::RandomLike),
            (Kind::Kaiming, Label::AtInitialisation),
            (Kind::Zeros, Label::AtInitialisation),
            (Kind::Laplace, Label::RandomNotGaussian),
            (Kind::StudentT, Label::RandomNotGaussian),
            (Kind::Scales, Label::RandomLikeUpToScales),
            (Kind::BarelyMoved, Label::BarelyMoved),
            (Kind::Orthogonal, Label::AtInitialisation),
            (Kind::ManyDirections, Label::PartlyRandom),
            (Kind::Sorted, Label::GaussianStructured),
            (Kind::SortedUniform, Label::Structured),
            (Kind::CorrelatedLaplace, Label::HeavyTailed),
            (Kind::Spikes, Label::RandomBulkWithSpikes),
            (Kind::Mean, Label::RandomBulkWithSpikes),
            (Kind::DuplicatedRows, Label::RankDeficient),
            (Kind::Uniform, Label::RandomNotGaussian),
            (Kind::Nan, Label::Undecided),
        ];
        for (kind, label) in expected {
            let labels = Policy::default().labels(&audit(kind, &Options::default()));
            let found = &labels.unwrap().layers[0];
            assert_eq!(found.label, label, "{kind}: {}", found.reason);
        }
    }

    #[test]
    fn planted_figures_come_back() {
        let uniform = audit(Kind::Uniform, &Options::default());
        let family = uniform.layers[0]
            .weights
            .measured()
            .unwrap()
            .family
            .as_ref()
            .unwrap();
        assert_eq!(family.best.name, FamilyName::Uniform);
        let spectrum = |kind| {
            audit(kind, &Options::default()).layers[0]
                .spectrum
                .measured()
                .unwrap()
                .clone()
        };
        assert_eq!(spectrum(Kind::DuplicatedRows).rank_loss, 128);
        assert_eq!(spectrum(Kind::Spikes).outliers_above, 1);
        assert!(spectrum(Kind::Mean).mean_visibility.unwrap() > 1.0);
        let scales = audit(Kind::RowScales, &Options::default());
        let weights = scales.layers[0].weights.measured().unwrap();
        let balanced = scales.layers[0].balanced.measured().unwrap();
        let within = balanced.weights.measured().unwrap();
        let pooled = weights.gaussian.as_ref().unwrap();
        assert!(pooled.excess_kurtosis > 0.5 && within.gaussian.excess_kurtosis.abs() < 0.1);
        assert_eq!(
            audit(Kind::Nan, &Options::default()).layers[0]
                .non_finite
                .total(),
            3
        );
    }

    #[test]
    fn bias_kinds_come_back() {
        let kind = |bias| {
            let audit = audit(
                Kind::Gaussian,
                &Options {
                    bias,
                    ..Options::default()
                },
            );
            audit.layers[0].biases.measured().and_then(|b| b.kind)
        };
        assert_eq!(kind(Bias::Constant), Some(BiasKind::Constant));
        assert_eq!(kind(Bias::Varied), Some(BiasKind::Varied));
        assert_eq!(kind(Bias::Zero), Some(BiasKind::Negligible));
        assert_eq!(kind(Bias::Absent), None);
    }

    #[test]
    fn a_layer_without_weights_or_with_too_many_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let sized = |inputs, outputs| {
            let options = Options {
                inputs,
                outputs,
                ..Options::default()
            };
            write(Kind::Zeros, &options, folder.path().join("x.safetensors"))
        };
        assert!(sized(1, 1).is_ok());
        for (inputs, outputs) in [(0, 5), (5, 0), (1 << 40, 1), (1 << 40, 1 << 40)] {
            let refused = sized(inputs, outputs);
            assert!(
                matches!(refused, Err(Error::SynthSize { .. })),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn the_bytes_and_the_audit_do_not_depend_on_threads() {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut audit = audit(
                    Kind::Gaussian,
                    &Options {
                        dtype: Dtype::F64,
                        ..Options::default()
                    },
                );
                audit.source.uri.clear();
                serde_json::to_vec(&audit).unwrap()
            })
        };
        assert!(run(1) == run(2) && run(2) == run(5));
    }
}
