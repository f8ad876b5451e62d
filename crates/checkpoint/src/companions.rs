//! Tensors that are parts of other weights, and what they make of them.
//!
//! A family of packings is a row of [`FAMILIES`]: how the name of the weights ends, how those of
//! their parts do, and how many weights there are. Names are those that the producers write; shapes
//! tell the rest.

mod packing;
mod stored_notes;

use std::collections::BTreeMap;

use crate::scales::Scales;
use crate::weight_norm::WeightNorm;
use crate::{Dtype, PartKind, Standing, TensorFacts};
use PartKind::{Codebook, Factor, Index, Note, Scale, ZeroPoint};
pub(crate) use packing::Bits;
use packing::Shapes;
pub(crate) use stored_notes::StoredNotes;

/// A packing that is not decoded.
struct Family {
    name: &'static str,
    /// How the name of the weights ends; what is before is the stem.
    weight: &'static str,
    dtypes: &'static [Dtype],
    /// How names of the parts end after the stem. One of the first `telling` must be there.
    parts: &'static [(&'static str, PartKind)],
    telling: usize,
    /// Whether the names leave no doubt, whatever the shapes are.
    is_certain: bool,
    weights: fn(&Shapes<'_>) -> Option<u64>,
}

/// Every family; the first that fits counts.
static FAMILIES: [Family; 13] = [
    Family {
        name: "GPTQ",
        weight: ".qweight",
        dtypes: &[Dtype::I32],
        parts: &[
            (".qzeros", ZeroPoint),
            (".scales", Scale),
            (".g_idx", Index),
        ],
        telling: 2,
        is_certain: true,
        weights: packing::gptq,
    },
    Family {
        name: "AWQ",
        weight: ".qweight",
        dtypes: &[Dtype::I32],
        parts: &[(".qzeros", ZeroPoint), (".scales", Scale)],
        telling: 2,
        is_certain: true,
        weights: packing::awq,
    },
    Family {
        name: "compressed-tensors",
        weight: ".weight_packed",
        dtypes: &[Dtype::I32, Dtype::U8],
        parts: &[
            (".weight_scale", Scale),
            (".weight_shape", Note),
            (".weight_zero_point", ZeroPoint),
            (".weight_g_idx", Index),
            (".weight_global_scale", Scale),
            (".input_global_scale", Note),
            (".input_scale", Note),
        ],
        telling: 2,
        is_certain: true,
        weights: packing::compressed_tensors,
    },
    Family {
        name: "MXFP4",
        weight: "_blocks",
        dtypes: &[Dtype::U8],
        parts: &[("_scales", Scale)],
        telling: 1,
        is_certain: true,
        weights: packing::two_a_byte,
    },
    Family {
        name: "bitsandbytes",
        weight: ".weight",
        dtypes: &[Dtype::U8],
        parts: &[
            (".weight.absmax", Scale),
            (".weight.quant_map", Codebook),
            (".weight.nested_absmax", Scale),
            (".weight.nested_quant_map", Codebook),
            (".weight.quant_state.bitsandbytes__nf4", Note),
            (".weight.quant_state.bitsandbytes__fp4", Note),
        ],
        telling: 2,
        is_certain: true,
        weights: packing::two_a_byte,
    },
    Family {
        name: "NVFP4 or MXFP4",
        weight: ".weight",
        dtypes: &[Dtype::U8],
        parts: &[
            (".weight_scale", Scale),
            (".weight_scale_2", Scale),
            (".input_scale", Note),
        ],
        telling: 1,
        is_certain: false,
        weights: packing::scaled_pairs,
    },
    Family {
        name: "MLX",
        weight: ".weight",
        dtypes: &[Dtype::U32],
        parts: &[(".scales", Scale), (".biases", ZeroPoint)],
        telling: 1,
        is_certain: true,
        weights: packing::mlx,
    },
    Family {
        name: "torchao",
        weight: "_qdata",
        dtypes: &[Dtype::I32, Dtype::U8],
        parts: &[
            ("_scale", Scale),
            ("_scale_and_zero", Scale),
            ("_zero_point", ZeroPoint),
            ("_per_tensor_scale", Scale),
            ("_act_pre_scale", Note),
        ],
        telling: 2,
        is_certain: true,
        weights: packing::four_bits,
    },
    Family {
        name: "torchao",
        weight: ":qdata",
        dtypes: &[Dtype::I32, Dtype::U8],
        parts: &[
            (":scale", Scale),
            (":scale_and_zero", Scale),
            (":zero_point", ZeroPoint),
        ],
        telling: 2,
        is_certain: true,
        weights: packing::four_bits,
    },
    Family {
        name: "quanto",
        weight: "._data",
        dtypes: &[Dtype::U8],
        parts: &[("._scale", Scale), ("._shift", ZeroPoint)],
        telling: 1,
        is_certain: true,
        weights: packing::two_a_byte,
    },
    Family {
        name: "HQQ",
        weight: ".W_q",
        dtypes: &[Dtype::U8, Dtype::I32],
        parts: &[
            (".scale", Scale),
            (".zero", ZeroPoint),
            (".nbits", Note),
            (".group_size", Note),
            (".shape", Note),
            (".axis", Note),
            (".packing", Note),
        ],
        telling: 2,
        is_certain: true,
        weights: packing::hqq,
    },
    Family {
        name: "AQLM",
        weight: ".codes",
        dtypes: &[Dtype::I8, Dtype::U8, Dtype::I16],
        parts: &[(".codebooks", Codebook), (".scales", Scale)],
        telling: 1,
        is_certain: false,
        weights: packing::aqlm,
    },
    Family {
        name: "EXL2",
        weight: ".q_weight",
        dtypes: &[Dtype::I32],
        parts: &[
            (".q_scale", Scale),
            (".q_perm", Index),
            (".q_invperm", Index),
            (".q_scale_max", Scale),
            (".q_groups", Index),
            (".q_group_map", Index),
        ],
        telling: 3,
        is_certain: true,
        weights: packing::exl2,
    },
];

/// Weights of 8 bits that are multiplied: how their name ends, and how those of their parts do, the
/// most telling first.
struct EightBits {
    weight: &'static str,
    scales: &'static [&'static str],
    zero_points: &'static [&'static str],
    notes: &'static [&'static str],
}

static EIGHT_BITS: [EightBits; 6] = [
    EightBits {
        weight: ".weight",
        scales: &[
            ".weight_scale_inv",
            ".weight_scale",
            ".scale_weight",
            ".weight.scale",
            ".weight._scale",
            ".SCB",
            ".scale",
            ".scales",
        ],
        zero_points: &[".weight_zero_point", ".zero_point"],
        notes: &[".weight_format", ".input_scale", ".output_scale"],
    },
    EightBits {
        weight: ".qweight",
        scales: &[".scale", ".scales"],
        zero_points: &[".zero_point"],
        notes: &[],
    },
    EightBits {
        weight: "._data",
        scales: &["._scale"],
        zero_points: &["._shift"],
        notes: &[],
    },
    EightBits {
        weight: "_qdata",
        scales: &["_scale"],
        zero_points: &["_zero_point"],
        notes: &["_act_pre_scale"],
    },
    EightBits {
        weight: ":qdata",
        scales: &[":scale"],
        zero_points: &[":zero_point"],
        notes: &[],
    },
    // Stacks without a word for weights: `experts.gate_up_proj`, `experts.gate_up_proj_scale`.
    EightBits {
        weight: "",
        scales: &["_scale_inv", "_scale"],
        zero_points: &["_zero_point"],
        notes: &[],
    },
];

/// Names of parts that are of nothing else, and how the weight is called that they belong to.
const ORPHANS: [(&str, &str, PartKind); 13] = [
    (".qzeros", ".qweight", ZeroPoint),
    (".g_idx", ".qweight", Index),
    (".SCB", ".weight", Scale),
    (".weight_scale", ".weight", Scale),
    (".weight_scales", ".weight", Scale),
    (".weight_scale_inv", ".weight", Scale),
    (".weight_scale_2", ".weight", Scale),
    (".weight_zero_point", ".weight", ZeroPoint),
    (".weight_shape", ".weight_packed", Note),
    (".weight_global_scale", ".weight_packed", Scale),
    (".weight.absmax", ".weight", Scale),
    (".weight.nested_absmax", ".weight", Scale),
    (".weight.quant_map", ".weight", Codebook),
];

/// How entries of a tensor become weights with another tensor's help.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decoder {
    /// Each is multiplied.
    Scales(Scales),
    /// Each row is brought to a length.
    Norm(WeightNorm),
}

/// What tensors are to each other.
#[derive(Debug, Default)]
pub(crate) struct Companions {
    /// Of those that do not stand for themselves.
    pub(crate) standings: BTreeMap<String, Standing>,
    /// Of weights that another tensor decodes.
    pub(crate) decoders: BTreeMap<String, Decoder>,
}

impl Companions {
    /// Among the tensors of a source. `bits` answers what shapes leave open.
    pub(crate) fn among(tensors: &[TensorFacts], bits: &dyn Bits) -> Self {
        let by_name: BTreeMap<&str, &TensorFacts> =
            tensors.iter().map(|t| (t.tensor.as_str(), t)).collect();
        let mut found = Self::default();
        for tensor in tensors {
            let known = Known {
                by_name: &by_name,
                weight: tensor,
                bits,
            };
            if !found.pack(&known) && !found.norm(&known) && !found.mask(&known) {
                found.scale(&known);
            }
        }
        found.orphans(tensors, &by_name);
        found
    }

    fn part(&mut self, part: &TensorFacts, kind: PartKind, of: &TensorFacts) {
        let of = of.tensor.clone();
        let standing = Standing::Part { kind, of };
        self.standings
            .entry(part.tensor.clone())
            .or_insert(standing);
    }

    /// Whether a weight is packed by one of the families.
    fn pack(&mut self, known: &Known<'_>) -> bool {
        let fits = |family: &&Family| {
            let stem = known.stem(family.weight)?;
            let mut telling = family.parts[..family.telling].iter();
            let is_there = telling.any(|(end, _)| known.beside(stem, end).is_some());
            (is_there && family.dtypes.contains(&known.weight.dtype)).then_some(stem)
        };
        let mut by_name = None;
        for family in &FAMILIES {
            let Some(stem) = fits(&family) else {
                continue;
            };
            let shapes = Shapes {
                weight: known.weight,
                part: &|end| known.beside(stem, end),
                bits: known.bits,
            };
            match (family.weights)(&shapes) {
                Some(weights) => {
                    by_name = Some((family, stem, weights));
                    break;
                }
                // Beyond doubt by name, if no other counts it.
                None if family.is_certain => {
                    let stored = known.weight.entries().unwrap_or(0);
                    by_name = by_name.or(Some((family, stem, stored)));
                }
                None => {}
            }
        }
        let Some((family, stem, weights)) = by_name else {
            return false;
        };
        for (end, kind) in family.parts {
            if let Some(part) = known.beside(stem, end) {
                self.part(part, *kind, known.weight);
            }
        }
        let family = family.name;
        let standing = Standing::Packed { weights, family };
        self.standings.insert(known.weight.tensor.clone(), standing);
        true
    }

    /// Whether a weight is normalised: its directions v, with the lengths g beside it.
    fn norm(&mut self, known: &Known<'_>) -> bool {
        let spellings = [
            (".weight_v", ".weight_g"),
            (
                ".parametrizations.weight.original1",
                ".parametrizations.weight.original0",
            ),
        ];
        let v = known.weight;
        for (end, lengths) in spellings {
            let Some(stem) = known.stem(end) else {
                continue;
            };
            let of_spectral_norm = known.beside(stem, ".weight_orig").is_some();
            if v.shape.len() < 2 || of_spectral_norm || !v.dtype.is_float() {
                continue;
            }
            match known.beside(stem, lengths) {
                // `weight_q`, `weight_k`, `weight_v` are matrices of their own.
                None if end == ".weight_v" => continue,
                None => self.incomplete(v, format!("its lengths `{stem}{lengths}` are not there")),
                Some(g) => {
                    self.part(g, Factor, v);
                    match WeightNorm::fit(v, g) {
                        Some(norm) => {
                            let norm = Decoder::Norm(norm);
                            self.decoders.insert(v.tensor.clone(), norm);
                        }
                        None => self.incomplete(v, unfit("lengths", g, v)),
                    }
                }
            }
            return true;
        }
        false
    }

    /// The mask of a pruned weight; spectral normalisation keeps a pair of vectors beside its own.
    fn mask(&mut self, known: &Known<'_>) -> bool {
        let Some(stem) = known.stem(".weight_orig") else {
            return false;
        };
        if let Some(mask) = known.beside(stem, ".weight_mask") {
            self.part(mask, Factor, known.weight);
            self.apply(known.weight, mask, None);
        }
        for end in [".weight_u", ".weight_v"] {
            if let Some(vector) = known.beside(stem, end) {
                self.part(vector, Note, known.weight);
            }
        }
        true
    }

    /// Scales of a weight of 8 bits. Beside a float of more bits only a name that is of nothing else
    /// counts, and what it does there is not known.
    fn scale(&mut self, known: &Known<'_>) {
        let weight = known.weight;
        let is_packed = weight.dtype == Dtype::I8 || weight.dtype.is_8_bit_float();
        if let (false, true, Some(stem)) =
            (is_packed, weight.dtype.is_float(), known.stem(".weight"))
        {
            let ends = [".weight_scale_inv", ".weight_scale"];
            if let Some(scale) = ends.iter().find_map(|end| known.beside(stem, end)) {
                self.part(scale, Scale, weight);
                let (scale, dtype) = (&scale.tensor, &weight.dtype);
                let missing = format!("what `{scale}` does to {dtype} is not known");
                self.incomplete(weight, missing);
            }
            return;
        }
        for family in EIGHT_BITS.iter().filter(|_| is_packed) {
            let Some(stem) = known.stem(family.weight) else {
                continue;
            };
            let first = |ends: &[&str]| ends.iter().find_map(|end| known.beside(stem, end));
            let (scale, zero) = (first(family.scales), first(family.zero_points));
            let order = known.beside(stem, ".weight_format");
            let order = order.and_then(|order| known.bits.integers(&order.tensor));
            if scale.is_none() && zero.is_none() {
                continue;
            }
            let notes = family.notes.iter();
            for part in notes.filter_map(|end| known.beside(stem, end)) {
                self.part(part, Note, weight);
            }
            if let Some(zero) = zero {
                self.part(zero, ZeroPoint, weight);
            }
            match scale {
                None => self.incomplete(weight, "its scales are not there".to_owned()),
                Some(scale) => {
                    self.part(scale, Scale, weight);
                    match order.as_deref() {
                        // bitsandbytes: rows in their order.
                        None | Some([0]) => self.apply(weight, scale, zero),
                        Some(_) => {
                            let missing = "its entries are not in the order of rows".to_owned();
                            self.incomplete(weight, missing);
                        }
                    }
                }
            }
            return;
        }
    }

    fn apply(&mut self, weight: &TensorFacts, scale: &TensorFacts, zero: Option<&TensorFacts>) {
        let Some(scales) = Scales::fit(weight, scale) else {
            return self.incomplete(weight, unfit("scales", scale, weight));
        };
        let Some(scales) = scales.with_zero_point(zero) else {
            let zero = zero.unwrap_or(scale);
            return self.incomplete(weight, unfit("zero points", zero, weight));
        };
        let scales = Decoder::Scales(scales);
        self.decoders.insert(weight.tensor.clone(), scales);
    }

    fn incomplete(&mut self, weight: &TensorFacts, missing: String) {
        let weights = weight.entries().unwrap_or(0);
        let standing = Standing::Incomplete { weights, missing };
        self.standings.insert(weight.tensor.clone(), standing);
    }

    /// Parts of weights that are of no family, or not there.
    fn orphans(&mut self, tensors: &[TensorFacts], by_name: &BTreeMap<&str, &TensorFacts>) {
        for tensor in tensors {
            let name = &tensor.tensor;
            let weight = ORPHANS.iter().find_map(|(end, weight, kind)| {
                Some((format!("{}{weight}", name.strip_suffix(end)?), *kind))
            });
            let Some((of, kind)) = weight.filter(|_| !self.standings.contains_key(name)) else {
                continue;
            };
            let standing = match by_name.get(of.as_str()) {
                None => Standing::Incomplete {
                    weights: 0,
                    missing: format!("the weights `{of}` that it belongs to are not there"),
                },
                Some(weight) => {
                    // Of a weight that would be read as stored, what it does is not known.
                    if weight.is_read() || weight.dtype == Dtype::I8 {
                        let missing = format!("what `{name}` does to it is not known");
                        let weights = weight.entries().unwrap_or(0);
                        let standing = Standing::Incomplete { weights, missing };
                        self.decoders.remove(&of);
                        self.standings.entry(of.clone()).or_insert(standing);
                    }
                    Standing::Part { kind, of }
                }
            };
            self.standings.insert(name.clone(), standing);
        }
    }
}

/// A part that is there and does not fit.
fn unfit(what: &str, part: &TensorFacts, weight: &TensorFacts) -> String {
    let sides = |tensor: &TensorFacts| match &tensor.shape[..] {
        [] => "one number".to_owned(),
        shape => {
            let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
            sides.join("×")
        }
    };
    format!(
        "its {what} `{}` ({} {}) do not fit {} {}",
        part.tensor,
        part.dtype,
        sides(part),
        weight.dtype,
        sides(weight)
    )
}

/// A tensor among the others.
struct Known<'a> {
    by_name: &'a BTreeMap<&'a str, &'a TensorFacts>,
    weight: &'a TensorFacts,
    bits: &'a dyn Bits,
}

impl<'a> Known<'a> {
    fn stem(&self, end: &str) -> Option<&'a str> {
        self.weight.tensor.strip_suffix(end)
    }

    fn beside(&self, stem: &str, end: &str) -> Option<&'a TensorFacts> {
        let name = format!("{stem}{end}");
        let found = self.by_name.get(name.as_str()).copied();
        found.filter(|found| found.tensor != self.weight.tensor)
    }
}

#[cfg(test)]
mod tests;
