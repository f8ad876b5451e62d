//! The facts of one checkpoint, layer by layer, and nothing but facts.
//!
//! An [`Audit`] holds no threshold and round-trips through JSON, so it can be judged
//! again, and every picture redrawn, without reading a weight. Field names are those of
//! `audit.json`, which other programs read: a name once published keeps its meaning.

mod balanced;
#[doc(hidden)]
pub mod example;
mod spectrum;
mod start;
mod vectors;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::shadow::activation::is_homogeneous;

pub use crate::controls::{Cause, ControlFacts, Controls, SpectrumMethod, Trap};
pub use crate::layers::{Orientation, OrientationFrom};
pub use crate::ledger::{Ledger, LedgerEntry, NonFiniteEntries, ReasonTotal, Role};
pub use crate::section::Section;
pub use crate::shadow::{ChainFacts, ChainShadow, LayerShadow, Pairs, SweepPoint};
pub use crate::skip::{ActivationSource, EntriesOf, Skipped, TensorSkip, Unmeasured};
pub use balanced::{
    Balanced, BalancedBiases, BalancedScales, BalancedShadow, BalancedWeights, RandomSigns,
    SignTest,
};
pub use randomlike_checkpoint::{FileBeside, FileFacts, PartKind, TensorFacts};
pub use randomlike_maths::linalg::Engine;
pub use randomlike_maths::nulls::Origin;
pub use randomlike_maths::stats::{
    Family, FamilyName, FittedFamily, GaussianDistance, Histogram, PowerLaw,
};
pub use spectrum::{Bulk, Law, NullFact, Spectrum, SpectrumNulls, ZeroSingularValues};
pub use start::{BiasAtStart, RowsAtStart, Start};
pub use vectors::{Component, Part, SingularVector, VectorFacts, VectorNull, VectorSides, Vectors};

/// The version of the `audit.json` layout written by this crate.
pub const SCHEMA_VERSION: u32 = 1;

/// All facts about one checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Audit {
    /// Layout version, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The program that measured.
    pub tool: Tool,
    /// What was measured.
    pub source: SourceFacts,
    /// Choices that change the figures.
    pub settings: Settings,
    /// The layers, in name order of the checkpoint.
    pub layers: Vec<LayerFacts>,
    /// Layers that feed each other, by their names and sizes, run in reverse together.
    #[serde(default)]
    pub chains: Vec<ChainFacts>,
    /// Every tensor that is neither a layer's weight nor a layer's bias.
    pub skipped: Vec<Skipped>,
    /// Every tensor and what became of it; absent in audits of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
}

impl Audit {
    /// The ledger, or for an audit of an older version what it says of layers and of tensors that
    /// were skipped.
    pub fn whole_ledger(&self) -> Cow<'_, Ledger> {
        self.ledger.as_ref().map_or_else(
            || {
                let layers = self.layers.iter();
                let tensors = layers.map(|layer| (&layer.weight, layer.bias.as_ref()));
                Cow::Owned(Ledger::of_older(tensors, &self.skipped))
            },
            Cow::Borrowed,
        )
    }

    /// Whether the scales that balanced figures divide out are a symmetry of the net, in a sentence.
    pub fn scale_symmetry(&self) -> String {
        let place = self.source.activation_from;
        let place = place.unwrap_or(ActivationSource::Metadata).words();
        match self.source.activation.as_deref() {
            None => {
                "Scales of hidden units are a symmetry of the net where they are ReLU, leaky or \
                     linear ones, and balanced figures a description elsewhere: nothing names the \
                     activation."
                    .to_owned()
            }
            Some(name) if is_homogeneous(name) => format!(
                "Scales of hidden units are a symmetry of this net, as {place} names `{name}`: \
                 dividing them out changes no answer."
            ),
            Some(name) => format!(
                "Balanced figures are a description of this net's matrices and no symmetry of it: \
                 {place} names `{name}`, and another scale of a unit would change its answers."
            ),
        }
    }

    /// What the shadow model takes for granted of the activation, in a sentence.
    pub fn premise(&self) -> Option<String> {
        let name = self.source.activation.as_deref().unwrap_or("another one");
        let place = self
            .source
            .activation_from
            .unwrap_or(ActivationSource::Metadata);
        let place = place.words();
        Some(match self.settings.shadow_premise? {
            Premise::ReluNamed => {
                format!(
                    "The shadow model takes ReLU for the activation, as {place} says (`{name}`)."
                )
            }
            Premise::ReluAssumed => {
                "The shadow model assumes ReLU: nothing names the activation.".to_owned()
            }
            Premise::ReluAgainstName => format!(
                "The shadow model assumes ReLU, although {place} names `{name}`: the theory's \
                 premise does not hold."
            ),
            Premise::NotRelu => format!(
                "The shadow model was not run: its theory is about ReLU, and {place} names `{name}`."
            ),
        })
    }
}

/// Name and version of the measuring program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tool {
    /// `randomlike`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program: its crates have one version.
    pub fn this() -> Self {
        Self {
            name: "randomlike".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceFacts {
    /// The source as the user named it.
    pub uri: String,
    /// Every file that holds tensors.
    pub files: Vec<FileFacts>,
    /// Number of tensors in all files.
    pub tensors: usize,
    /// Number of entries in all tensors.
    pub parameters: u64,
    /// The activation the checkpoint's metadata, or the config.json beside it, names, in its
    /// own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<String>,
    /// Where it is named; an audit that does not say so looked in the metadata only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_from: Option<ActivationSource>,
}

impl SourceFacts {
    /// What its pickles would import beside what weights are made of, each once.
    pub fn imports(&self) -> BTreeSet<&str> {
        let all = self.files.iter().flat_map(|file| &file.imports);
        all.map(String::as_str).collect()
    }
}

/// Choices that change the figures. The number of threads is not among them.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the program and a field of audit.json"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// Which engine computed singular values.
    pub engine: Engine,
    /// Whether convolutions were flattened and included.
    pub conv: bool,
    /// Whether embeddings and other tables were included.
    #[serde(default)]
    pub embeddings: bool,
    /// Patterns a tensor had to match, if any.
    pub include: Vec<String>,
    /// Patterns that excluded a tensor.
    pub exclude: Vec<String>,
    /// The shortest smaller side that was measured.
    #[serde(default = "two")]
    pub min_size: usize,
    /// Seed of everything drawn.
    #[serde(default)]
    pub seed: u64,
    /// Whether whole spectra of the controls were taken.
    #[serde(default)]
    pub full_controls: bool,
    /// Matrices drawn for the nulls of each layer's shape; absent where tables were enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate_null: Option<usize>,
    /// Singular vectors looked at of each kind; absent where none were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vectors: Option<usize>,
    /// Whether ReLU was taken for granted whatever the checkpoint names.
    #[serde(default)]
    pub assume_relu: bool,
    /// What the shadow model rests on; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_premise: Option<Premise>,
}

/// What the shadow model knows of the activation: its theory is about ReLU and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Premise {
    /// The checkpoint names ReLU.
    ReluNamed,
    /// Nothing names an activation: ReLU is assumed.
    ReluAssumed,
    /// Another one is named, and ReLU was assumed all the same.
    ReluAgainstName,
    /// Another one is named: not measured.
    NotRelu,
}

/// What audits without the setting were measured with.
const fn two() -> usize {
    2
}

/// What an audit without the section says of it.
fn of_an_older_version<T>() -> Section<T> {
    Section::Skipped {
        reason: Unmeasured::OlderVersion,
    }
}

/// The facts of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerFacts {
    /// The layer's name: `classifier.1`, or `experts[3]` for a slice of a stacked weight.
    pub name: String,
    /// Its weight tensor.
    pub weight: TensorFacts,
    /// Its bias tensor.
    pub bias: Option<TensorFacts>,
    /// Number of inputs, n.
    pub fan_in: usize,
    /// Number of outputs, m.
    pub fan_out: usize,
    /// How the weight is stored.
    pub orientation: Orientation,
    /// How we know.
    pub orientation_from: OrientationFrom,
    /// NaN and infinite entries, counted.
    pub non_finite: NonFinite,
    /// The marginal distribution of the weights.
    pub weights: Section<Weights>,
    /// The biases.
    pub biases: Section<Biases>,
    /// The singular values.
    pub spectrum: Section<Spectrum>,
    /// Singular values that are zero to rounding, also where their spectrum has no scale; absent
    /// where none were computed, and in older audits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_singular_values: Option<ZeroSingularValues>,
    /// The largest singular value beside those of what chance makes of the weights.
    #[serde(default = "of_an_older_version")]
    pub controls: Section<Controls>,
    /// The same with the scales of the units divided out.
    #[serde(default = "of_an_older_version")]
    pub balanced: Section<Balanced>,
    /// How far the layer is from the nearest known initialiser.
    #[serde(default = "of_an_older_version")]
    pub start: Section<Start>,
    /// Singular vectors, where they were asked for.
    #[serde(default = "of_an_older_version")]
    pub vectors: Section<Vectors>,
    /// What comes back when the layer is run in reverse and forward again.
    #[serde(default = "of_an_older_version")]
    pub shadow: Section<LayerShadow>,
}

/// Counts of entries that are not finite numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NonFinite {
    /// NaN entries of the weight.
    pub weight_nan: u64,
    /// Infinite entries of the weight.
    pub weight_infinite: u64,
    /// NaN entries of the bias.
    pub bias_nan: u64,
    /// Infinite entries of the bias.
    pub bias_infinite: u64,
    /// The place of the first of either in the weight, row by row as stored, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_first: Option<u64>,
    /// And in the bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_first: Option<u64>,
}

impl NonFinite {
    /// All entries that are not finite.
    pub const fn total(&self) -> u64 {
        self.weight_nan + self.weight_infinite + self.bias_nan + self.bias_infinite
    }
}

/// Facts about the marginal distribution of a layer's weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Weights {
    /// Number of entries.
    pub count: u64,
    /// Number of different values among them.
    pub distinct: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with 1/count.
    pub std: f64,
    /// Root mean square, s.
    pub rms: f64,
    /// Smallest entry.
    pub min: f64,
    /// Largest entry.
    pub max: f64,
    /// Third standardised moment; absent for constant weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skewness: Option<f64>,
    /// Share of entries that are exactly zero.
    pub zero_fraction: f64,
    /// How far from N(mean, std); absent for constant weights.
    #[serde(flatten)]
    pub gaussian: Option<GaussianDistance>,
    /// The family with the highest likelihood; absent for constant weights.
    pub family: Option<Family>,
    /// The initialiser whose law and scale the weights still match.
    pub initializer: Option<Initializer>,
    /// Counts of standardised entries, for the pictures; absent for constant weights.
    pub histogram: Option<Histogram>,
}

/// An initialiser that the weights still match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Initializer {
    /// `glorot-uniform`, `kaiming-normal`, `bert-0.02`, `constant`, …
    pub name: String,
    /// Other initialisers with the same law and scale at this shape.
    pub aliases: Vec<String>,
    /// Standard deviation the initialiser prescribes at this shape.
    pub std: f64,
    /// Kolmogorov–Smirnov distance of the entries to its law, with nothing fitted.
    pub ks: f64,
    /// 99.9 % point of that distance for an untouched layer of this count.
    pub ks_limit: f64,
}

/// Facts about a layer's biases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Biases {
    /// Number of biases.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with 1/count.
    pub std: f64,
    /// Median.
    pub median: f64,
    /// Median absolute deviation from the median.
    pub mad: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// std/|mean|; absent when the mean is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cv: Option<f64>,
    /// `std/(rms(W)·√fan_in)`; absent when the weights are all zero or not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_ratio: Option<f64>,
    /// `|mean|/(rms(W)·√fan_in)`; absent when the weights are all zero or not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_ratio: Option<f64>,
    /// Share of biases above 0.
    pub positive_fraction: f64,
    /// The three-way outcome; absent when `spread_ratio` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<BiasKind>,
    /// Up to 512 evenly spaced order statistics, ascending, for the picture.
    pub quantiles: Vec<f64>,
}

/// The three outcomes of the bias check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasKind {
    /// A constant offset: std ≪ |mean|.
    Constant,
    /// Both ≪ `rms(W)·√fan_in`.
    Negligible,
    /// Neither.
    Varied,
}

impl BiasKind {
    /// Biases are one constant when their std is at most this share of |mean|.
    pub const CONSTANT_SPREAD: f64 = 0.1;
}
