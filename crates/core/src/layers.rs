//! Finding layers by shape; every tensor is accounted for in the ledger.

mod chains;
mod filter;
mod names;
mod neighbours;
mod sides;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::ledger::{Ledger, LedgerEntry, Role};
use crate::skip::TensorSkip;
use filter::Filter;
use neighbours::orient_by_neighbours;
use randomlike_checkpoint::{Checkpoint, Entries, Listed, PartKind, Standing, TensorFacts};
use sides::{BiasRows, Sides};

pub use chains::chains;

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
    /// Which row of a bias of two sides.
    pub bias_row: Option<usize>,
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

    /// Reads its biases, where it has any; of several rows only its own.
    pub fn biases(&self, checkpoint: &Checkpoint) -> Result<Option<Vec<f64>>> {
        let Some(bias) = &self.bias else {
            return Ok(None);
        };
        let entries = match self.bias_row {
            None => checkpoint.read(&bias.tensor)?,
            Some(row) => {
                let start = row.saturating_mul(self.fan_out);
                let end = start.saturating_add(self.fan_out);
                checkpoint.read_part(&bias.tensor, start..end)?
            }
        };
        Ok(Some(entries.widened()))
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
    /// Whether embeddings and other tables are included.
    pub embeddings: bool,
    /// The shortest smaller side analysed.
    pub min_size: usize,
}

/// The shortest side of a matrix that has a spectrum.
pub const LEAST_SIDE: usize = 2;

impl Default for Selection {
    fn default() -> Self {
        // A matrix with one row or column has one singular value.
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            conv: false,
            embeddings: false,
            min_size: LEAST_SIDE,
        }
    }
}

/// The layers of a source, and the ledger of all its tensors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// The layers, in natural order of their names (`layer.2` before `layer.10`).
    pub layers: Vec<Layer>,
    /// Every tensor, in the same order.
    pub ledger: Ledger,
}

/// Finds the layers of a checkpoint by shapes, and among them copies by their first bytes.
pub fn of(checkpoint: &Checkpoint, selection: &Selection) -> Result<Layers> {
    let ties = checkpoint.tied()?;
    let mut found = find_among(&checkpoint.listed(), &ties, selection)?;
    found.ledger.beside = checkpoint.beside().to_vec();
    Ok(found)
}

/// Finds the layers among tensors each of which stands for itself.
pub fn find(tensors: &[TensorFacts], selection: &Selection) -> Result<Layers> {
    let alone = |facts| Listed {
        facts,
        file: "",
        standing: &Standing::Whole,
    };
    let listed: Vec<Listed<'_>> = tensors.iter().map(alone).collect();
    find_among(&listed, &[], selection)
}

/// Finds the layers among `tensors` by their shapes; names pair biases and tell embeddings. Tensors
/// of one tie are the same bit for bit.
fn find_among(tensors: &[Listed<'_>], ties: &[Vec<&str>], selection: &Selection) -> Result<Layers> {
    let mut sorted = tensors.to_vec();
    sorted.sort_by(|a, b| natural_order(&a.facts.tensor, &b.facts.tensor));
    let facts: Vec<&TensorFacts> = sorted.iter().map(|listed| listed.facts).collect();
    let finder = Finder::new(&sorted, selection, Filter::new(&facts, selection)?);
    let sides: Vec<_> = sorted.iter().map(|listed| finder.sides(listed)).collect();
    let biases = finder.biases(&sorted, &sides);
    let mut layers = Vec::new();
    let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
    let is_bias: BTreeSet<&str> = biases
        .values()
        .map(|(bias, _)| bias.tensor.as_str())
        .collect();
    for (listed, sides) in sorted.iter().zip(sides) {
        let name = listed.facts.tensor.as_str();
        if is_bias.contains(name) {
            continue;
        }
        let bias = biases.get(name).copied();
        // A bias goes with its weight, in and out.
        let (role, of_bias) = match sides.map(|sides| (finder.filter.refuses(listed.facts), sides))
        {
            Ok((Some(reason), _)) => {
                let left_out = Role::NotMeasured(reason);
                (left_out.clone(), left_out)
            }
            Ok((None, sides)) => {
                layers.extend(sides.layers(listed.facts, bias));
                let (part, of) = (PartKind::Bias, name.to_owned());
                (Role::Layer, Role::Part { part, of })
            }
            Err(role) => (role.clone(), role),
        };
        if let Some((bias, _)) = bias {
            roles.entry(&bias.tensor).or_insert(of_bias);
        }
        roles.insert(name, role);
    }
    for tie in ties {
        measure_once(tie, &mut layers, &mut roles);
    }
    orient_by_neighbours(&mut layers);
    let entry = |listed: &Listed<'_>| {
        let role = roles.remove(listed.facts.tensor.as_str());
        let role = role.unwrap_or(Role::NotMeasured(TensorSkip::OneDimensional));
        let weights = weights(listed, &role);
        LedgerEntry::new(listed.file, listed.facts.clone(), weights, role)
    };
    let entries = sorted.iter().map(entry).collect();
    let ledger = Ledger::new(entries, Vec::new());
    Ok(Layers { layers, ledger })
}

/// Of tensors that are the same one is measured, with a bias if any has one; the others are said
/// to be the same. Where none is a layer nothing is said.
fn measure_once<'a>(tie: &[&'a str], layers: &mut Vec<Layer>, roles: &mut BTreeMap<&'a str, Role>) {
    let of_tie = |layer: &&Layer| tie.contains(&layer.weight.tensor.as_str());
    let kept = layers.iter().filter(of_tie);
    let kept = kept.reduce(|kept, other| {
        if kept.bias.is_none() && other.bias.is_some() {
            other
        } else {
            kept
        }
    });
    let Some(kept) = kept.map(|layer| layer.weight.tensor.clone()) else {
        return;
    };
    layers.retain(|layer| {
        layer.weight.tensor == kept || !tie.contains(&layer.weight.tensor.as_str())
    });
    for name in tie.iter().filter(|name| **name != kept) {
        let stays = matches!(
            roles.get(name),
            Some(Role::NotMeasured(
                TensorSkip::Excluded { .. } | TensorSkip::NotIncluded | TensorSkip::OptimiserState
            ))
        );
        if !stays {
            roles.insert(name, Role::Same { of: kept.clone() });
        }
    }
}

/// Weights of the net that a tensor stands for.
fn weights(listed: &Listed<'_>, role: &Role) -> Option<u64> {
    match role {
        Role::Part { part, .. } if *part != PartKind::Bias => Some(0),
        Role::NotMeasured(TensorSkip::OptimiserState | TensorSkip::Buffer) => Some(0),
        _ => match listed.standing {
            Standing::Packed { weights, .. } | Standing::Incomplete { weights, .. } => {
                Some(*weights)
            }
            Standing::Unbuilt { weights, .. } | Standing::Unreadable { weights, .. } => *weights,
            // A buffer may be empty; the weights of an empty weight are elsewhere.
            _ if listed.facts.entries() == Some(0) => {
                (!says_parameter(&listed.facts.tensor)).then_some(0)
            }
            _ => listed.facts.entries(),
        },
    }
}

/// What tells whether a tensor is a layer.
struct Finder<'a> {
    by_name: BTreeMap<&'a str, &'a TensorFacts>,
    selection: &'a Selection,
    filter: Filter,
    /// Numbers of inputs of the matrices that no name calls a table.
    inputs: BTreeSet<usize>,
}

impl<'a> Finder<'a> {
    fn new(listed: &[Listed<'a>], selection: &'a Selection, filter: Filter) -> Self {
        let whole = listed
            .iter()
            .filter(|listed| *listed.standing == Standing::Whole);
        let by_name: BTreeMap<&str, &TensorFacts> = whole
            .map(|listed| (listed.facts.tensor.as_str(), listed.facts))
            .collect();
        let inputs = by_name.values().filter_map(|tensor| {
            let is_linear = tensor.is_read() && names::lookup(&tensor.tensor) == names::Lookup::No;
            match tensor.shape[..] {
                [rows, cols] if is_linear => Some(inputs_of(&tensor.tensor, rows, cols)),
                _ => None,
            }
        });
        Self {
            inputs: inputs.collect(),
            by_name,
            selection,
            filter,
        }
    }

    /// The matrix in a tensor, or what the tensor is instead.
    fn sides(&self, listed: &Listed<'_>) -> std::result::Result<Sides, Role> {
        let tensor = listed.facts;
        let reason = match listed.standing {
            Standing::Part { kind, of } => {
                return Err(Role::Part {
                    part: *kind,
                    of: of.clone(),
                });
            }
            Standing::Packed { family, .. } => TensorSkip::Packed {
                family: (*family).to_owned(),
            },
            Standing::Incomplete { missing, .. } => TensorSkip::Incomplete {
                missing: missing.clone(),
            },
            Standing::Unbuilt { function, .. } => TensorSkip::Unbuilt {
                function: function.clone(),
            },
            Standing::Unreadable { fault, .. } => TensorSkip::Unreadable {
                fault: fault.clone(),
            },
            _ => return self.matrix(tensor).map_err(Role::NotMeasured),
        };
        Err(Role::NotMeasured(reason))
    }

    /// The matrix in a tensor by its shape and name, or why there is none.
    fn matrix(&self, tensor: &TensorFacts) -> std::result::Result<Sides, TensorSkip> {
        let (name, shape) = (tensor.tensor.as_str(), &tensor.shape[..]);
        refused_outright(tensor)?;
        let is_named = self.filter.names(tensor);
        if self.is_lookup(tensor) && !self.selection.embeddings && !is_named {
            return Err(TensorSkip::Embedding);
        }
        let sides = match *shape {
            [_, _, _] if names::is_headed(name) => return Err(TensorSkip::KernelWithHeads),
            [rows, cols] => Sides::matrix(rows, cols, name),
            [count, rows, cols] if !self.is_convolution(tensor) => {
                Sides::stack(count, rows, cols, name)
            }
            _ if shape.len() > 5 => {
                let count = shape.len();
                return Err(TensorSkip::Dimensions { count });
            }
            _ if !self.selection.conv && !is_named => return Err(TensorSkip::Convolution),
            _ => Sides::flattened(shape, name),
        };
        let (side, minimum) = (sides.rows.min(sides.cols), self.selection.min_size);
        if side < minimum {
            return Err(TensorSkip::BelowMinimum { side, minimum });
        }
        Ok(sides)
    }

    /// Rows that are looked up. A matrix with a bias of its number of outputs is linear whatever it is
    /// called; so is one whose outputs other layers take, and whose inputs none does.
    fn is_lookup(&self, tensor: &TensorFacts) -> bool {
        let name = tensor.tensor.as_str();
        let likely = match names::lookup(name) {
            names::Lookup::No => return false,
            names::Lookup::Certain => return matches!(tensor.shape.len(), 2 | 3),
            names::Lookup::Likely => matches!(tensor.shape.len(), 2 | 3),
        };
        let [rows, cols] = tensor.shape[..] else {
            return likely;
        };
        let inputs = inputs_of(name, rows, cols);
        let outputs = if inputs == cols { rows } else { cols };
        let biased = self.vectors_beside(name).any(|length| length == outputs);
        let feeds = self.inputs.contains(&outputs) && !self.inputs.contains(&inputs);
        !biased && !feeds
    }

    /// Lengths of vectors that a weight's bias may be.
    fn vectors_beside(&self, name: &str) -> impl Iterator<Item = usize> {
        let beside = names::biases(name).filter_map(|bias| self.by_name.get(bias.as_str()));
        let vector = |bias: &&TensorFacts| match bias.shape[..] {
            [length] if bias.is_read() => Some(length),
            _ => None,
        };
        beside.filter_map(vector).collect::<Vec<_>>().into_iter()
    }

    /// Three sides are a kernel when its name says so, when a vector lies beside it as its bias, or
    /// when its last side is that of a kernel.
    fn is_convolution(&self, tensor: &TensorFacts) -> bool {
        let (name, shape) = (tensor.tensor.as_str(), &tensor.shape);
        let short = shape.last().is_some_and(|&side| side <= 9);
        let has_vector = || {
            let ends = [shape.first(), shape.last()];
            self.vectors_beside(name)
                .any(|length| ends.contains(&Some(&length)))
        };
        names::says_convolution(name).unwrap_or_else(|| short || has_vector())
    }

    /// The bias of each layer by its weight. Two endings may ask for one bias: the first layer in
    /// order has it. What is a bias is no weight.
    fn biases(
        &self,
        sorted: &[Listed<'a>],
        sides: &[std::result::Result<Sides, Role>],
    ) -> BTreeMap<&'a str, (&'a TensorFacts, BiasRows)> {
        let (mut found, mut taken) = (BTreeMap::new(), BTreeSet::new());
        for (listed, sides) in sorted.iter().zip(sides) {
            let Ok(sides) = sides else {
                continue;
            };
            let Some((bias, rows)) = self.bias(listed.facts, sides) else {
                continue;
            };
            if taken.insert((&bias.tensor, rows)) {
                found.insert(listed.facts.tensor.as_str(), (bias, rows));
            }
        }
        let names: BTreeSet<&str> = found
            .values()
            .map(|(bias, _)| bias.tensor.as_str())
            .collect();
        found.retain(|weight, _| !names.contains(weight));
        found
    }

    /// The bias of a layer, and the row of it where it has two sides: one for each slice of a stack,
    /// or, of Keras's gated units, for inputs and for the state.
    fn bias(&self, tensor: &TensorFacts, sides: &Sides) -> Option<(&'a TensorFacts, BiasRows)> {
        names::biases(&tensor.tensor).find_map(|name| {
            let bias = self.by_name.get(name.as_str()).copied()?;
            Some((bias, sides.bias_rows(&tensor.tensor, bias)?))
        })
    }
}

/// What no option measures.
fn refused_outright(tensor: &TensorFacts) -> std::result::Result<(), TensorSkip> {
    let name = tensor.tensor.as_str();
    if names::is_optimiser_state(name) {
        return Err(TensorSkip::OptimiserState);
    }
    if !tensor.is_read() {
        let dtype = tensor.dtype.clone();
        let is_vector = tensor.shape.len() < 2;
        let is_small = dtype.is_integer() && (is_vector || names::is_index(name));
        return Err(if dtype.is_buffer() || is_small {
            TensorSkip::Buffer
        } else {
            TensorSkip::DtypeNotRead { dtype }
        });
    }
    if !sides::is_addressable(&tensor.shape) {
        return Err(TensorSkip::TooLarge);
    }
    if tensor.shape.contains(&0) {
        return Err(TensorSkip::NoEntries);
    }
    match tensor.shape[..] {
        [] => Err(TensorSkip::SingleNumber),
        [_] if names::is_normalisation(name) => Err(TensorSkip::Normalisation),
        [_] => Err(TensorSkip::OneDimensional),
        _ if names::is_bias(name) => Err(TensorSkip::BiasOrMask),
        _ => Ok(()),
    }
}

/// Whether a name ends as names of weights and biases do.
pub fn says_parameter(name: &str) -> bool {
    names::stem(name) != name || names::is_bias(name)
}

/// Which of the sides of a matrix is that of the inputs, by its name; columns where that is silent.
fn inputs_of(name: &str, rows: usize, cols: usize) -> usize {
    match names::orientation(name) {
        Some(Orientation::InOut) => rows,
        _ => cols,
    }
}

/// Digits compare as numbers, all else as text.
fn natural_order(a: &str, b: &str) -> Ordering {
    alphanumeric_sort::compare_str(a, b).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests;
