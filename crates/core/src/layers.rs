//! Finding layers by shape; every tensor is accounted for.

mod chains;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::skip::TensorSkip;
use crate::{Error, Result};
use randomlike_checkpoint::{Checkpoint, Entries, TensorFacts, weight_of};

pub use chains::chains;

/// A tensor that was not analysed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Skipped {
    /// The tensor.
    #[serde(flatten)]
    pub tensor: TensorFacts,
    /// Why.
    #[serde(flatten)]
    pub reason: TensorSkip,
}

/// How a weight is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// (out, in), as `PyTorch` stores `Linear`.
    OutIn,
    /// (in, out), as Keras, TF, Flax and GPT-2's `Conv1D` store kernels.
    InOut,
}

/// Where the orientation of a layer was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrientationFrom {
    /// The bias length equals exactly one of the two sides.
    BiasLength,
    /// The naming of a framework or model family.
    Naming,
    /// The sizes of neighbouring layers fit one way only.
    Neighbours,
    /// Nothing: (out, in) was assumed.
    Assumption,
}

/// A fully connected layer (or a matrix in its shape): its tensors and its orientation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Tensor name without its weight suffix; `name[i]` for a slice.
    pub name: String,
    /// The weight tensor.
    pub weight: TensorFacts,
    /// Which slice of a stacked 3-D weight.
    pub slice: Option<usize>,
    /// The bias tensor.
    pub bias: Option<TensorFacts>,
    /// Number of inputs, n.
    pub fan_in: usize,
    /// Number of outputs, m.
    pub fan_out: usize,
    /// How the weight is stored.
    pub orientation: Orientation,
    /// How we know.
    pub orientation_from: OrientationFrom,
}

impl Layer {
    /// Where the layer lies among the entries of its tensor, which may be a stack.
    pub fn span(&self) -> Option<Range<usize>> {
        let size = self.fan_in.checked_mul(self.fan_out)?;
        let start = self.slice.unwrap_or(0).checked_mul(size)?;
        Some(start..start.checked_add(size)?)
    }

    /// Reads its weights; of a stack only its slice.
    pub fn weights(&self, checkpoint: &Checkpoint) -> Result<Entries> {
        let tensor = &self.weight.tensor;
        let span = self
            .span()
            .ok_or_else(|| randomlike_checkpoint::Error::NoTensor {
                uri: checkpoint.uri().to_owned(),
                tensor: tensor.clone(),
            })?;
        Ok(checkpoint.read_part(tensor, span)?)
    }
}

/// What to analyse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Globs, or parts of names, of which one must match a tensor.
    pub include: Vec<String>,
    /// Globs, or parts of names, none of which may match a tensor.
    pub exclude: Vec<String>,
    /// Whether convolutions are flattened to (out, in·kh·kw) and included.
    pub conv: bool,
    /// The shortest smaller side analysed.
    pub min_size: usize,
}

impl Default for Selection {
    fn default() -> Self {
        // A matrix with one row or column has one singular value and no spectrum.
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            conv: false,
            min_size: 2,
        }
    }
}

/// Every tensor: in a layer, or skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// The layers, in natural order of their names (`layer.2` before `layer.10`).
    pub layers: Vec<Layer>,
    /// All other tensors, in the same order.
    pub skipped: Vec<Skipped>,
}

/// Finds the layers among `tensors` by their shapes; names pair biases and tell embeddings.
pub fn find(tensors: &[TensorFacts], selection: &Selection) -> Result<Layers> {
    let filter = Filter::new(tensors, selection)?;
    let mut sorted: Vec<&TensorFacts> = tensors.iter().collect();
    sorted.sort_by(|a, b| natural_order(&a.tensor, &b.tensor));
    let by_name: BTreeMap<&str, &TensorFacts> =
        sorted.iter().map(|t| (t.tensor.as_str(), *t)).collect();
    let mut found = Layers::default();
    let mut rest = Vec::new();
    let mut used = BTreeSet::new();
    for &tensor in &sorted {
        let scaled =
            weight_of(&tensor.tensor).filter(|weight| by_name.contains_key(weight.as_str()));
        let refused = filter
            .refuses(tensor)
            .or_else(|| scaled.map(|weight| TensorSkip::ScalesOf { weight }));
        match refused.map_or_else(|| sides(tensor, selection), Err) {
            Ok(shape) => {
                // Two endings may ask for one bias: the first layer in order has it.
                let bias = partner(tensor, &by_name)
                    .filter(|bias| shape.takes(bias) && !used.contains(bias.tensor.as_str()));
                used.extend(bias.map(|bias| bias.tensor.as_str()));
                found.layers.extend(shape.layers(tensor, bias));
            }
            Err(reason) => rest.push((tensor, reason)),
        }
    }
    found.skipped = rest
        .into_iter()
        .filter(|(tensor, _)| !used.contains(tensor.tensor.as_str()))
        .map(|(tensor, reason)| Skipped {
            tensor: tensor.clone(),
            reason,
        })
        .collect();
    orient_by_neighbours(&mut found.layers);
    Ok(found)
}

/// The matrix or matrices in a tensor.
struct Sides {
    /// Length of a row of (rows, cols), and whether the name tells the orientation.
    rows: usize,
    cols: usize,
    slices: Option<usize>,
    named: Option<Orientation>,
}

impl Sides {
    fn takes(&self, bias: &TensorFacts) -> bool {
        self.slices.is_none()
            && bias.is_read()
            && matches!(bias.shape[..], [length] if length == self.rows || length == self.cols)
    }

    /// Orientation and where it came from.
    fn orientation(&self, bias: Option<&TensorFacts>) -> (Orientation, OrientationFrom) {
        let length = bias.and_then(|bias| bias.shape.first().copied());
        match (length, self.named) {
            (Some(length), _) if self.rows != self.cols => {
                let side = if length == self.rows {
                    Orientation::OutIn
                } else {
                    Orientation::InOut
                };
                (side, OrientationFrom::BiasLength)
            }
            (_, Some(named)) => (named, OrientationFrom::Naming),
            _ => (Orientation::OutIn, OrientationFrom::Assumption),
        }
    }

    fn layers(&self, tensor: &TensorFacts, bias: Option<&TensorFacts>) -> Vec<Layer> {
        let (orientation, orientation_from) = self.orientation(bias);
        let (fan_in, fan_out) = match orientation {
            Orientation::OutIn => (self.cols, self.rows),
            Orientation::InOut => (self.rows, self.cols),
        };
        let stem = stem(&tensor.tensor);
        let layer = |slice: Option<usize>| Layer {
            name: slice.map_or_else(|| stem.clone(), |i| format!("{stem}[{i}]")),
            weight: tensor.clone(),
            slice,
            bias: bias.cloned(),
            fan_in,
            fan_out,
            orientation,
            orientation_from,
        };
        match self.slices {
            Some(count) => (0..count).map(|i| layer(Some(i))).collect(),
            None => vec![layer(None)],
        }
    }
}

/// The matrix in a tensor by its shape, or why there is none.
fn sides(tensor: &TensorFacts, selection: &Selection) -> std::result::Result<Sides, TensorSkip> {
    if !tensor.is_read() {
        let dtype = tensor.dtype.clone();
        return Err(TensorSkip::DtypeNotRead { dtype });
    }
    let named = naming(&tensor.tensor);
    if !is_addressable(&tensor.shape) {
        return Err(TensorSkip::TooLarge);
    }
    let shape = match tensor.shape[..] {
        [] => return Err(TensorSkip::SingleNumber),
        [_] if is_normalisation(&tensor.tensor) => return Err(TensorSkip::Normalisation),
        [_] => return Err(TensorSkip::OneDimensional),
        _ if is_bias(&tensor.tensor) => {
            return Err(TensorSkip::BiasOrMask);
        }
        [_, _] | [_, _, _] if is_embedding(&tensor.tensor) => return Err(TensorSkip::Embedding),
        [_, _, _] if is_headed(&tensor.tensor) => {
            return Err(TensorSkip::KernelWithHeads);
        }
        [rows, cols] => Sides {
            rows,
            cols,
            slices: None,
            named,
        },
        [0, _, _] => return Err(TensorSkip::EmptyStack),
        [count, rows, cols] if !is_conv1d(tensor) => Sides {
            rows,
            cols,
            slices: Some(count),
            named,
        },
        _ if tensor.shape.len() > 5 => {
            let count = tensor.shape.len();
            return Err(TensorSkip::Dimensions { count });
        }
        _ if !selection.conv => return Err(TensorSkip::Convolution),
        _ => flattened(&tensor.shape, named),
    };
    let smaller = shape.rows.min(shape.cols);
    if smaller < selection.min_size {
        return Err(TensorSkip::BelowMinimum {
            side: smaller,
            minimum: selection.min_size,
        });
    }
    Ok(shape)
}

/// Whether the number of entries, sides of length 0 aside, is that of an array in memory.
fn is_addressable(shape: &[usize]) -> bool {
    let sides = shape.iter().filter(|&&side| side > 0);
    let entries = sides.copied().try_fold(1, usize::checked_mul);
    entries.is_some_and(|entries| isize::try_from(entries).is_ok())
}

/// A kernel as a matrix: (out, in·k…) by default, (k…·in, out) where the name says Keras.
fn flattened(shape: &[usize], named: Option<Orientation>) -> Sides {
    let (first, last) = (shape[0], shape[shape.len() - 1]);
    let (rows, cols) = if named == Some(Orientation::InOut) {
        (shape[..shape.len() - 1].iter().product(), last)
    } else {
        (first, shape[1..].iter().product())
    };
    Sides {
        rows,
        cols,
        slices: None,
        named: Some(named.unwrap_or(Orientation::OutIn)),
    }
}

/// A 3-D tensor is a kernel when its name says so or its last side is that of a kernel.
fn is_conv1d(tensor: &TensorFacts) -> bool {
    let name = tensor.tensor.to_ascii_lowercase();
    let short = tensor.shape.last().is_some_and(|&side| side <= 9);
    name.contains("conv") || (short && !name.contains("expert"))
}

fn is_embedding(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = ["embed", "relative_attention_bias"];
    parts.iter().any(|part| name.contains(part))
        || name == "shared.weight"
        || name
            .split(['.', '/', '_'])
            .any(|part| matches!(part, "wte" | "wpe" | "emb"))
}

/// A bias of several experts or heads, or a mask that is stored as one.
fn is_bias(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(":0").unwrap_or(&name);
    let last = name.rsplit(['.', '/']).next().unwrap_or(name);
    (last == "bias" || last.ends_with("_bias")) && !name.contains("relative_attention_bias")
}

fn is_normalisation(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("norm")
        || name
            .split(['.', '/', '_'])
            .any(|part| matches!(part, "ln" | "bn" | "ln1" | "ln2" | "bn1" | "bn2" | "bn3"))
}

/// Flax keeps attention kernels as (in, heads, size) or (heads, size, out).
fn is_headed(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut parts = lower.rsplit(['.', '/']);
    parts.next() == Some("kernel")
        && matches!(
            parts.next(),
            Some("query" | "key" | "value" | "out" | "qkv")
        )
}

/// What a name says of the orientation.
fn naming(name: &str) -> Option<Orientation> {
    let lower = name.to_ascii_lowercase();
    let lower = lower.strip_suffix(":0").unwrap_or(&lower);
    let conv1d = [
        "c_attn.weight",
        "c_proj.weight",
        "c_fc.weight",
        "q_attn.weight",
    ];
    if lower.ends_with("transpose") {
        Some(Orientation::OutIn)
    } else if lower.ends_with("kernel")
        || lower.ends_with("/weights")
        || lower.ends_with("/w")
        || lower.ends_with("matmul/readvariableop")
        || conv1d.iter().any(|end| lower.ends_with(end))
    {
        Some(Orientation::InOut)
    } else if lower.ends_with(".weight")
        || lower.ends_with("proj_weight")
        || lower.ends_with(".weight_v")
        || lower.contains("weight_ih")
        || lower.contains("weight_hh")
    {
        Some(Orientation::OutIn)
    } else {
        None
    }
}

/// Pairs of a weight's ending and its bias's, the longest first.
const ENDINGS: [(&str, &str); 15] = [
    ("/MatMul/ReadVariableOp/transpose", "/MatMul_bias"),
    ("/MatMul/ReadVariableOp", "/BiasAdd/ReadVariableOp"),
    ("/kernel:0", "/bias:0"),
    ("/kernel", "/bias"),
    (".kernel", ".bias"),
    ("/weights", "/bias_weights"),
    ("/weights", "/biases"),
    ("_weight", "_bias"),
    (".weight_v", ".bias"),
    (".weight", ".bias"),
    ("/weight", "/bias"),
    ("/w", "/b"),
    ("_w", "_b"),
    (".w", ".b"),
    ("weight", "bias"),
];

/// The bias whose name belongs to a weight's.
fn partner<'a>(
    tensor: &TensorFacts,
    by_name: &BTreeMap<&str, &'a TensorFacts>,
) -> Option<&'a TensorFacts> {
    let name = &tensor.tensor;
    let ended = ENDINGS
        .iter()
        .filter_map(|(weight, bias)| Some(format!("{}{bias}", name.strip_suffix(weight)?)))
        .find_map(|candidate| by_name.get(candidate.as_str()).copied());
    let named = |bias: Option<String>| by_name.get(bias?.as_str()).copied();
    ended
        .or_else(|| named(inner_bias(name)))
        .or_else(|| named(linear_model_bias(name)))
}

/// `linear_model/content/weights` → `linear_model/bias_weights`: TensorFlow's linear model
/// has weights for each column of features and one bias for their sum.
fn linear_model_bias(name: &str) -> Option<String> {
    let (model, _) = name.strip_suffix("/weights")?.rsplit_once('/')?;
    Some(format!("{model}/bias_weights"))
}

/// `W1` → `b1`, `weight_ih_l0` → `bias_ih_l0`: the last mention of the weight is replaced.
fn inner_bias(name: &str) -> Option<String> {
    [("weight_", "bias_"), ("W", "b")]
        .iter()
        .find_map(|(weight, bias)| {
            let at = name.rfind(weight)?;
            Some(format!(
                "{}{bias}{}",
                &name[..at],
                &name[at + weight.len()..]
            ))
        })
}

/// The layer's name: the tensor's without its weight ending.
fn stem(name: &str) -> String {
    let ends = ENDINGS[..12]
        .iter()
        .filter(|(weight, _)| !weight.starts_with('_'));
    let cut = ends
        .filter_map(|(weight, _)| name.strip_suffix(weight))
        .find(|stem| !stem.is_empty());
    cut.unwrap_or(name).to_owned()
}

/// Layers known by nothing else are turned to fit the layer before or after, or, where
/// these are not known either, all of them to fit one another.
fn orient_by_neighbours(layers: &mut [Layer]) {
    let count = layers.len();
    for i in (0..count).chain((0..count).rev()) {
        if !is_known(&layers[i]) {
            orient_between(layers, i);
        }
    }
    for run in layers.chunk_by_mut(|a, b| is_known(a) == is_known(b)) {
        if !is_known(&run[0]) {
            orient_together(run);
        }
    }
}

/// Slices of a stack lie side by side, not one after the other: none is turned to fit.
fn is_known(layer: &Layer) -> bool {
    layer.slice.is_some() || layer.orientation_from != OrientationFrom::Assumption
}

fn orient_between(layers: &mut [Layer], i: usize) {
    let known = |other: &&Layer| is_known(other) && other.slice.is_none();
    let before = i.checked_sub(1).and_then(|j| layers.get(j));
    let before = before.filter(known).map(|l| l.fan_out);
    let after = layers.get(i + 1).filter(known).map(|l| l.fan_in);
    let layer = &layers[i];
    let fits = |fan_in, fan_out| before == Some(fan_in) || after == Some(fan_out);
    let as_is = fits(layer.fan_in, layer.fan_out);
    let turned = fits(layer.fan_out, layer.fan_in);
    if as_is != turned {
        settle(&mut layers[i], turned);
    }
}

fn orient_together(run: &mut [Layer]) {
    let chained = |fits: fn(&Layer, &Layer) -> bool| {
        run.len() > 1 && run.windows(2).all(|pair| fits(&pair[0], &pair[1]))
    };
    let as_is = chained(|a, b| a.fan_out == b.fan_in);
    let turned = chained(|a, b| a.fan_in == b.fan_out);
    if as_is != turned {
        for layer in run {
            settle(layer, turned);
        }
    }
}

/// The orientation is as assumed, or the other one.
fn settle(layer: &mut Layer, turned: bool) {
    layer.orientation_from = OrientationFrom::Neighbours;
    if turned {
        std::mem::swap(&mut layer.fan_in, &mut layer.fan_out);
        layer.orientation = Orientation::InOut;
    }
}

/// `--include` and `--exclude`.
struct Filter {
    include: Vec<(String, GlobMatcher)>,
    exclude: Vec<(String, GlobMatcher)>,
}

impl Filter {
    fn new(tensors: &[TensorFacts], selection: &Selection) -> Result<Self> {
        let compile = |patterns: &[String]| -> Result<Vec<(String, GlobMatcher)>> {
            patterns
                .iter()
                .map(|pattern| Ok((pattern.clone(), matcher(pattern, tensors)?)))
                .collect()
        };
        Ok(Self {
            include: compile(&selection.include)?,
            exclude: compile(&selection.exclude)?,
        })
    }

    /// Why a tensor is left out, if it is.
    fn refuses(&self, tensor: &TensorFacts) -> Option<TensorSkip> {
        let hit = |(_, glob): &&(String, GlobMatcher)| glob.is_match(&tensor.tensor);
        if let Some((pattern, _)) = self.exclude.iter().find(hit) {
            let pattern = pattern.clone();
            return Some(TensorSkip::Excluded { pattern });
        }
        (!self.include.is_empty() && !self.include.iter().any(|p| hit(&p)))
            .then_some(TensorSkip::NotIncluded)
    }
}

/// Whether patterns leave a tensor out: one excludes it, or there are some and none takes it in.
pub fn leaves_out(include: &[String], exclude: &[String], tensor: &str) -> bool {
    let hit = |pattern: &String| glob(pattern).is_ok_and(|glob| glob.is_match(tensor));
    exclude.iter().any(hit) || (!include.is_empty() && !include.iter().any(hit))
}

/// A glob; text without glob characters stands for any name that holds it.
fn glob(pattern: &str) -> Result<GlobMatcher> {
    let text = if pattern.contains(['*', '?', '[', '{']) {
        pattern.to_owned()
    } else {
        format!("*{pattern}*")
    };
    let glob = Glob::new(&text).map_err(|source| Error::Pattern {
        pattern: pattern.to_owned(),
        source: source.into(),
    })?;
    Ok(glob.compile_matcher())
}

/// The same of a pattern that matches something.
fn matcher(pattern: &str, tensors: &[TensorFacts]) -> Result<GlobMatcher> {
    let glob = glob(pattern)?;
    if tensors.iter().any(|tensor| glob.is_match(&tensor.tensor)) {
        return Ok(glob);
    }
    let names: Vec<String> = tensors
        .iter()
        .take(5)
        .map(|t| format!("`{}`", t.tensor))
        .collect();
    Err(Error::PatternUnmatched {
        pattern: pattern.to_owned(),
        names: names.join(", "),
    })
}

/// Digits compare as numbers, all else as text.
fn natural_order(a: &str, b: &str) -> Ordering {
    alphanumeric_sort::compare_str(a, b).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests;
