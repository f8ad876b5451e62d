//! Facts per layer: what the weights, the biases and the singular values look like.

mod balanced;
mod biases;
mod controls;
mod expected_memory;
mod expected_time;
mod other_tensors;
mod progress;
mod reversal;
mod side_by_side;
mod spectrum;
mod start;
mod vectors;
mod weights;
mod whole_checkpoint;

pub use progress::{Progress, time_left};
use side_by_side::Stage;
pub use spectrum::FEWEST_IN_A_BULK;
use whole_checkpoint::WholeCheckpoint;

use std::collections::BTreeMap;

use half::{bf16, f16};

use crate::Result;
use crate::audit::{
    ActivationSource, Audit, Controls, EntriesOf, LayerFacts, LayerShadow, NonFinite,
    NonFiniteEntries, SCHEMA_VERSION, Section, Settings, SourceFacts, Spectrum, Start, TensorFacts,
    Tool, Unmeasured, Weights, ZeroSingularValues,
};
use crate::controls::ControlMatrix;
use crate::finite::finite_or_skipped;
use crate::layers::{self, Layer, Orientation, OrientationFrom, Selection};
use crate::shadow::activation;
use randomlike_checkpoint::{Checkpoint, Dtype};
use randomlike_maths::linalg::Engine;

use randomlike_maths::stats::Sample;

/// What is measured, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The tensors that are layers.
    pub selection: Selection,
    /// What computes the singular values.
    pub engine: Engine,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Draw so many matrices of each layer's shape for its nulls, in place of the tables.
    pub simulate_null: Option<usize>,
    /// Take whole spectra of the controls, not only their largest values.
    pub full_controls: bool,
    /// Look at so many singular vectors at the top, in the bulk and at the bottom.
    pub vectors: Option<usize>,
    /// Run the shadow model although the checkpoint names another activation than ReLU.
    pub assume_relu: bool,
    /// Leave out what takes longest: the shadow model and the controls.
    pub alone: bool,
    /// Bytes that an audit may take; when left out, what the largest layer needs, a quarter more
    /// and 128 MiB. No fact depends on it.
    pub memory: Option<u64>,
}

/// Measures every layer of `checkpoint` that is selected.
pub fn measure(
    checkpoint: &Checkpoint,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Audit> {
    let work = || measure_undigested(checkpoint, options, progress);
    let (mut audit, files) = checkpoint.digest_beside(work)?;
    audit.source.files = files;
    Ok(audit)
}

/// The same without the digests of the files: whoever reads the weights again has them from
/// [`Checkpoint::digest`] then, which reads no more than what was not read in order.
pub fn measure_undigested(
    checkpoint: &Checkpoint,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Audit> {
    let (selection, engine) = (&options.selection, options.engine);
    if !engine.is_built() {
        return Err(randomlike_maths::linalg::SpectrumError::NotBuilt.into());
    }
    let mut found = layers::of(checkpoint, selection)?;
    let named = activation::named(checkpoint, checkpoint.folder());
    let shadow = reversal::Model::new(named.as_ref(), options);
    let whole = WholeCheckpoint {
        checkpoint,
        options,
        shadow: &shadow,
        layers: &found.layers,
    };
    let jobs = whole.jobs();
    let memory = jobs.iter().map(|job| (job.layer, job.memory));
    let bytes = expected_memory::for_layers(memory, options.memory)?;
    let (facts, chains) = whole.measure(&jobs, bytes, progress)?;
    other_tensors::count_not_finite(checkpoint, &mut found.ledger, progress)?;
    Ok(Audit {
        skipped: found.ledger.skipped(),
        ledger: Some(found.ledger.without(&broken(&facts))),
        layers: facts,
        chains,
        ..empty(source_facts(checkpoint, named), options, &shadow)
    })
}

/// Tensors of which every layer has entries that are no numbers, and how many.
fn broken(layers: &[LayerFacts]) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, Option<u64>> = BTreeMap::new();
    for layer in layers {
        let found = layer.non_finite.weight_nan + layer.non_finite.weight_infinite;
        let tensor = counts.entry(layer.weight.tensor.clone());
        let all = tensor.or_insert(Some(0));
        *all = all.filter(|_| found > 0).map(|all| all + found);
    }
    let all = counts.into_iter();
    all.filter_map(|(tensor, count)| Some((tensor, count?)))
        .collect()
}

/// Measures finite entries in memory, inputs by outputs, as one layer called `matrix`.
pub fn measure_entries(
    entries: &[f64],
    (fan_in, fan_out): (usize, usize),
    options: &Options,
) -> Result<Audit> {
    let layer = in_memory(fan_in, fan_out);
    let shadow = reversal::Model::new(None, options);
    let numbers = Numbers {
        layer: &layer,
        blocks: None,
        bias: None,
        options,
        shadow: &shadow,
    };
    let source = SourceFacts {
        uri: "a matrix in memory".into(),
        files: Vec::new(),
        tensors: 1,
        parameters: entries.len() as u64,
        activation: None,
        activation_from: None,
    };
    Ok(Audit {
        layers: vec![numbers.facts(entries, &mut |_| ())?],
        ..empty(source, options, &shadow)
    })
}

fn in_memory(fan_in: usize, fan_out: usize) -> Layer {
    let weight = TensorFacts::new("matrix", Dtype::F64, [fan_in, fan_out]);
    Layer {
        name: weight.tensor.clone(),
        weight,
        slice: None,
        bias: None,
        bias_row: None,
        fan_in,
        fan_out,
        orientation: Orientation::InOut,
        orientation_from: OrientationFrom::Assumption,
    }
}

/// The statistics of finite entries in memory, inputs by outputs, and nothing else.
pub fn measure_weights(entries: &[f32], (fan_in, fan_out): (usize, usize)) -> Section<Weights> {
    let layer = in_memory(fan_in, fan_out);
    let clues = start::Clues {
        layer: &layer,
        blocks: None,
        bias: None,
        spectrum: None,
    };
    let Some((sample, mut weights)) = weights::measure(entries) else {
        return Section::Skipped {
            reason: Unmeasured::Empty,
        };
    };
    weights.initializer = start::initializer(&clues.start(entries, &sample));
    finite_or_skipped(Section::Measured(weights))
}

/// The singular values of finite entries in memory, inputs by outputs, with all that is known of
/// them, and nothing else.
pub fn measure_spectrum(
    entries: &[f64],
    (fan_in, fan_out): (usize, usize),
    options: &Options,
) -> Result<Section<Spectrum>> {
    let layer = in_memory(fan_in, fan_out);
    let sides = stored_sides(&layer);
    let values = spectrum::values(entries, sides, options.engine)?;
    let law = Sample::from_f64(entries).map_or_else(Default::default, |sample| {
        let moments = sample.moments();
        spectrum::EntryLaw {
            excess_kurtosis: moments.excess_kurtosis.unwrap_or(0.0),
            mean: (moments.std > 0.0).then(|| moments.mean.abs() / moments.std),
        }
    });
    let plan = spectrum::NullPlan::from_options(options);
    Ok(finite_or_skipped(spectrum::measure(
        &values,
        sides,
        law,
        f64::EPSILON,
        plan,
    )))
}

/// The same of S of these entries, the scales of rows and columns divided out.
pub fn measure_balanced_spectrum(
    entries: &[f64],
    (fan_in, fan_out): (usize, usize),
    options: &Options,
) -> Result<Section<Spectrum>> {
    let parts = match randomlike_maths::balance::balance(entries, fan_out) {
        Ok(parts) => parts,
        Err(fault) => {
            let reason = Unmeasured::NotBalanceable(fault);
            return Ok(Section::Skipped { reason });
        }
    };
    let (_, spectrum) = balanced::weights_and_spectrum(&parts, options.engine)?;
    debug_assert!(parts.rows.kept.len() <= fan_in);
    Ok(spectrum)
}

/// An audit without a layer.
fn empty(source: SourceFacts, options: &Options, shadow: &reversal::Model) -> Audit {
    let selection = &options.selection;
    Audit {
        schema_version: SCHEMA_VERSION,
        tool: Tool::this(),
        source,
        settings: Settings {
            engine: options.engine,
            conv: selection.conv,
            embeddings: selection.embeddings,
            include: selection.include.clone(),
            exclude: selection.exclude.clone(),
            min_size: selection.min_size,
            seed: options.seed,
            full_controls: options.full_controls,
            simulate_null: options.simulate_null,
            vectors: options.vectors,
            assume_relu: options.assume_relu,
            shadow_premise: Some(shadow.premise),
        },
        layers: Vec::new(),
        chains: Vec::new(),
        skipped: Vec::new(),
        ledger: None,
    }
}

fn source_facts(
    checkpoint: &Checkpoint,
    activation: Option<(String, ActivationSource)>,
) -> SourceFacts {
    let (activation, activation_from) = activation.unzip();
    let entries = |shape: &[usize]| shape.iter().map(|&side| side as u64).product::<u64>();
    SourceFacts {
        uri: checkpoint.uri().to_owned(),
        files: Vec::new(),
        tensors: checkpoint.tensors().len(),
        parameters: checkpoint.tensors().iter().map(|t| entries(&t.shape)).sum(),
        activation,
        activation_from,
    }
}

/// An entry type with its own way to a sample.
trait Entry: crate::controls::Scaled {
    /// Machine epsilon of the arithmetic the rank is judged in.
    const EPSILON: f64;
    fn sample(entries: &[Self]) -> Option<Sample>;
}

impl Entry for f64 {
    const EPSILON: f64 = f64::EPSILON;
    fn sample(entries: &[Self]) -> Option<Sample> {
        Sample::from_f64(entries)
    }
}

impl Entry for f32 {
    const EPSILON: f64 = Self::EPSILON as f64;
    fn sample(entries: &[Self]) -> Option<Sample> {
        Sample::from_f32(entries)
    }
}

impl Entry for f16 {
    const EPSILON: f64 = f32::EPSILON as f64;
    fn sample(entries: &[Self]) -> Option<Sample> {
        Sample::from_f16(entries)
    }
}

impl Entry for bf16 {
    const EPSILON: f64 = f32::EPSILON as f64;
    fn sample(entries: &[Self]) -> Option<Sample> {
        Sample::from_bf16(entries)
    }
}

/// What was measured on a matrix.
struct WeightsAndSpectrum {
    weights: Section<Weights>,
    start: Section<Start>,
    spectrum: Section<Spectrum>,
    zeros: Option<ZeroSingularValues>,
}

impl WeightsAndSpectrum {
    fn skipped(reason: &Unmeasured) -> Self {
        let reason = || reason.clone();
        Self {
            weights: Section::Skipped { reason: reason() },
            start: Section::Skipped { reason: reason() },
            spectrum: Section::Skipped { reason: reason() },
            zeros: None,
        }
    }
}

/// What was measured on a matrix beside its controls.
struct Compared {
    shadow: Section<LayerShadow>,
    controls: Section<Controls>,
}

impl Compared {
    fn skipped(reason: &Unmeasured) -> Self {
        let reason = || reason.clone();
        Self {
            shadow: Section::Skipped { reason: reason() },
            controls: Section::Skipped { reason: reason() },
        }
    }
}

/// A layer with its numbers in memory.
struct Numbers<'a> {
    layer: &'a Layer,
    /// Blocks of the net, where names count them.
    blocks: Option<usize>,
    bias: Option<&'a [f64]>,
    options: &'a Options,
    shadow: &'a reversal::Model,
}

impl Numbers<'_> {
    fn facts<T: Entry>(&self, entries: &[T], stage: &mut dyn FnMut(Stage)) -> Result<LayerFacts> {
        if self.layer.span().map(|span| span.len()) != Some(entries.len()) {
            return Err(randomlike_checkpoint::Error::NoTensor {
                uri: self.layer.name.clone(),
                tensor: self.layer.weight.tensor.clone(),
            }
            .into());
        }
        let non_finite = self.non_finite(entries);
        stage(Stage::Spectrum);
        let broken = non_finite.weight_nan + non_finite.weight_infinite;
        let broken = not_finite(broken, EntriesOf::Weights);
        let WeightsAndSpectrum {
            weights,
            start,
            spectrum,
            zeros,
        } = match broken.clone() {
            Some(reason) => WeightsAndSpectrum::skipped(&reason),
            None => self.weights_and_spectrum(entries)?,
        };
        let balanced = match broken.clone() {
            Some(reason) => Section::Skipped { reason },
            None => self.balanced(entries)?,
        };
        let biases = finite_or_skipped(biases::measure(
            self.bias,
            weights.measured(),
            self.layer.fan_in,
        ));
        stage(Stage::Shadow);
        let Compared { shadow, controls } = match broken {
            Some(reason) => Compared::skipped(&reason),
            None if self.options.alone => Compared::skipped(&Unmeasured::LeftOut),
            None => self.compared(entries, weights.measured(), spectrum.measured()),
        };
        let plan = vectors::VectorPlan {
            count: self.options.vectors,
            seed: self.options.seed,
        };
        let vectors = finite_or_skipped(plan.measure(entries, self.layer, &spectrum));
        Ok(LayerFacts {
            name: self.layer.name.clone(),
            weight: self.layer.weight.clone(),
            bias: self.layer.bias.clone(),
            fan_in: self.layer.fan_in,
            fan_out: self.layer.fan_out,
            orientation: self.layer.orientation,
            orientation_from: self.layer.orientation_from,
            non_finite,
            weights,
            biases,
            spectrum,
            zero_singular_values: zeros,
            controls,
            balanced,
            start,
            vectors,
            shadow,
        })
    }

    /// The shadow model draws two of the controls; they are measured while they are there.
    fn compared<T: Entry>(
        &self,
        entries: &[T],
        weights: Option<&Weights>,
        spectrum: Option<&Spectrum>,
    ) -> Compared {
        let plan = controls::ControlPlan {
            seed: self.options.seed,
            engine: self.options.engine,
            full: self.options.full_controls,
        };
        let beside =
            weights.and_then(|weights| controls::Beside::new(entries, self.layer, weights, plan));
        // One after the other: the room of one control does for the next.
        let mut room = Vec::new();
        let Some(mut beside) = beside else {
            let shadow =
                self.shadow
                    .measure(entries, self.layer, self.bias, &mut |_, _| (), &mut room);
            return Compared {
                shadow: finite_or_skipped(shadow),
                ..Compared::skipped(&Unmeasured::NoControls)
            };
        };
        let mut seen = |control, drawn: &ControlMatrix<'_>| beside.see(control, drawn);
        let shadow = self
            .shadow
            .measure(entries, self.layer, self.bias, &mut seen, &mut room);
        Compared {
            shadow: finite_or_skipped(shadow),
            controls: finite_or_skipped(beside.finish(entries, spectrum, &mut room)),
        }
    }

    /// Both at once: the engine waits for memory half of the time.
    fn weights_and_spectrum<T: Entry>(&self, entries: &[T]) -> Result<WeightsAndSpectrum> {
        let sides = stored_sides(self.layer);
        let (measured, values) = rayon::join(
            || weights::measure(entries),
            || spectrum::values(entries, sides, self.options.engine),
        );
        let values = values?;
        let Some((sample, mut weights)) = measured else {
            return Ok(WeightsAndSpectrum::skipped(&Unmeasured::Empty));
        };
        let dtype = &self.layer.weight.dtype;
        let zeros = values.as_ref().ok();
        let zeros = zeros.map(|values| ZeroSingularValues::among(values, dtype));
        let plan = spectrum::NullPlan::from_options(self.options);
        let law = spectrum::EntryLaw::from_weights(&weights);
        let spectrum = spectrum::measure(&values, sides, law, T::EPSILON, plan);
        let clues = start::Clues {
            layer: self.layer,
            blocks: self.blocks,
            bias: self.bias,
            spectrum: spectrum.measured(),
        };
        let start = clues.start(entries, &sample);
        weights.initializer = start::initializer(&start);
        Ok(WeightsAndSpectrum {
            weights: finite_or_skipped(Section::Measured(weights)),
            start: finite_or_skipped(Section::Measured(start)),
            spectrum: finite_or_skipped(spectrum),
            zeros,
        })
    }

    fn non_finite<T: Entry>(&self, entries: &[T]) -> NonFinite {
        let weight = NonFiniteEntries::in_parts(entries);
        let bias = NonFiniteEntries::among(self.bias.unwrap_or_default());
        NonFinite {
            weight_nan: weight.nan,
            weight_infinite: weight.infinite,
            bias_nan: bias.nan,
            bias_infinite: bias.infinite,
            weight_first: weight.first,
            bias_first: bias.first,
        }
    }
}

/// Facts about a matrix that is no layer of a file, such as the difference of two.
#[non_exhaustive]
pub struct MatrixFacts {
    /// The weights.
    pub weights: Section<Weights>,
    /// Descending; none where they could not be computed.
    pub singular_values: Vec<f64>,
    /// The singular values.
    pub spectrum: Section<Spectrum>,
}

/// Measures finite `entries` that lie as those of `layer` do; the rank is judged with `epsilon`.
pub fn of_matrix(
    entries: &[f64],
    layer: &Layer,
    engine: Engine,
    epsilon: f64,
) -> Result<MatrixFacts> {
    let sides = stored_sides(layer);
    let values = spectrum::values(entries, sides, engine)?;
    // No initialiser draws a difference: none is looked for.
    let measured = weights::measure(entries).map(|(_, weights)| weights);
    let law = measured.as_ref().map(spectrum::EntryLaw::from_weights);
    let plan = spectrum::NullPlan::default();
    let spectrum = spectrum::measure(&values, sides, law.unwrap_or_default(), epsilon, plan);
    Ok(MatrixFacts {
        weights: finite_or_skipped(Section::measured_or(measured, Unmeasured::Empty)),
        singular_values: values.unwrap_or_default(),
        spectrum: finite_or_skipped(spectrum),
    })
}

/// Why a section is skipped when `count` entries are NaN or infinite.
fn not_finite(count: u64, entries: EntriesOf) -> Option<Unmeasured> {
    (count > 0).then_some(Unmeasured::NotFinite { count, entries })
}

/// Row length of the stored matrix and its number of rows.
fn stored_sides(layer: &Layer) -> (usize, usize) {
    match layer.orientation {
        Orientation::OutIn => (layer.fan_out, layer.fan_in),
        Orientation::InOut => (layer.fan_in, layer.fan_out),
    }
}
