//! Why something was not measured: a kind with its data, so that no program has to read the
//! sentence that is made of it.
//!
//! In `audit.json` a reason is three fields: `reason`, the sentence; `reason_kind`; and
//! `reason_data`, where the kind has any. An audit of an older version has the sentence alone,
//! which is read as `Other` and never taken apart.

use std::fmt;

use randomlike_checkpoint::{Dtype, PartKind, TensorFacts};
use randomlike_maths::balance::BalanceError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// Why a tensor is no part of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(
    remote = "Self",
    tag = "reason_kind",
    content = "reason_data",
    rename_all = "kebab-case"
)]
#[non_exhaustive]
pub enum TensorSkip {
    /// A pattern leaves it out.
    #[error("matches --exclude {pattern}")]
    Excluded {
        /// The pattern as written.
        pattern: String,
    },
    /// There are patterns, and none takes it in.
    #[error("matches no --include pattern")]
    NotIncluded,
    /// It is a part of other weights.
    #[error("{part} of `{weight}`")]
    PartOf {
        /// Which part.
        part: PartKind,
        /// The tensor with those weights.
        weight: String,
    },
    /// It is the same as another tensor, which is measured.
    #[error("the same as `{tensor}`, bit for bit, which is measured")]
    SameAs {
        /// The other tensor.
        tensor: String,
    },
    /// Its weights are packed in a way that is not decoded.
    #[error("packed by {family}, which is not decoded")]
    Packed {
        /// The family of packings.
        family: String,
    },
    /// A tensor beside it that decoding needs does not fit or is not there.
    #[error("not decoded: {missing}")]
    Incomplete {
        /// What is missing.
        missing: String,
    },
    /// The file describes it by a function that is not known.
    #[error("built by `{function}`, which is not known")]
    Unbuilt {
        /// The function.
        function: String,
    },
    /// The file holds it and it cannot be read.
    #[error("cannot be read: {fault}")]
    Unreadable {
        /// What is wrong with it.
        fault: String,
    },
    /// It has no entry.
    #[error("holds no entries")]
    NoEntries,
    /// It was read, and entries of it are no numbers.
    #[error("{count} of its entries are NaN or infinite")]
    NotFinite {
        /// How many.
        count: u64,
    },
    /// The state of an optimiser, by its name.
    #[error("optimiser state")]
    OptimiserState,
    /// Integers or truth values: a counter, an index, a mask.
    #[error("integers: a counter, an index or a mask")]
    Buffer,
    /// Its entries are of a type that is not read.
    #[error("dtype {dtype} is not read")]
    DtypeNotRead {
        /// As the file names it.
        dtype: Dtype,
    },
    /// Its shape has more entries than an array in memory.
    #[error("more entries than memory can hold")]
    TooLarge,
    /// It has no dimension.
    #[error("a single number")]
    SingleNumber,
    /// It belongs to a normalisation, by its name.
    #[error("normalisation")]
    Normalisation,
    /// A vector, and no layer's bias.
    #[error("one-dimensional, and no layer's bias")]
    OneDimensional,
    /// A bias of several layers or a mask, by its name.
    #[error("named a bias or a mask, and not one-dimensional")]
    BiasOrMask,
    /// An embedding or another table, by its name.
    #[error("embedding or table (--embeddings)")]
    Embedding,
    /// An attention kernel with a dimension for heads, by its name.
    #[error("a kernel with heads: which sides are inputs is not known")]
    KernelWithHeads,
    /// More dimensions than a kernel has.
    #[error("{count}-dimensional")]
    Dimensions {
        /// How many.
        count: usize,
    },
    /// A kernel, where convolutions were not asked for.
    #[error("convolution (use --conv to include it)")]
    Convolution,
    /// A side is too short.
    #[error("smaller side {side} is below the minimum of {minimum}")]
    BelowMinimum {
        /// The smaller side.
        side: usize,
        /// The shortest that is measured.
        minimum: usize,
    },
    /// A sentence alone, of an older version.
    #[error("{0}")]
    #[serde(skip)]
    Other(String),
}

impl TensorSkip {
    /// The kind of reason, as `reason_kind` in JSON.
    pub fn kind(&self) -> String {
        let written = serde_json::to_value(self).unwrap_or_default();
        let kind = written.get("reason_kind").and_then(|kind| kind.as_str());
        kind.map_or_else(|| self.to_string(), str::to_owned)
    }

    /// The dtype, family, pattern or function that it names, where the kind has one.
    pub fn of(&self) -> Option<String> {
        match self {
            Self::Excluded { pattern } => Some(pattern.clone()),
            Self::DtypeNotRead { dtype } => Some(dtype.name().to_owned()),
            Self::Packed { family } => Some(family.clone()),
            Self::Unbuilt { function } => Some(function.clone()),
            _ => None,
        }
    }

    /// Whether the tensor may be a matrix whatever its shape is.
    pub(crate) const fn hides_a_shape(&self) -> bool {
        matches!(
            self,
            Self::Packed { .. }
                | Self::Incomplete { .. }
                | Self::Unbuilt { .. }
                | Self::Unreadable { .. }
                | Self::NoEntries
        )
    }
}

/// Why a section of an audit holds no facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(
    remote = "Self",
    tag = "reason_kind",
    content = "reason_data",
    rename_all = "kebab-case"
)]
#[non_exhaustive]
pub enum Unmeasured {
    /// Entries are NaN or infinite.
    #[error("{count} of the {what} are NaN or infinite", what = entries.words())]
    NotFinite {
        /// How many.
        count: u64,
        /// Of which tensor.
        entries: EntriesOf,
    },
    /// A figure is too large for JSON.
    #[error("a figure passes the range of numbers: the entries are too large")]
    OutOfRange,
    /// Nobody asked for it.
    #[error("left out")]
    LeftOut,
    /// The audit was written by a version that did not know the section.
    #[error("unknown to the version that wrote this audit")]
    OlderVersion,
    /// There is no bias.
    #[error("not applicable: the layer has no bias")]
    NoBias,
    /// There is no entry.
    #[error("the tensor is empty")]
    Empty,
    /// The tensor is not as long as the layer's shape asks.
    #[error("the tensor does not have the layer's shape")]
    WrongShape,
    /// The rows and columns cannot be brought to equal sizes.
    #[error("the layer cannot be balanced: {0}")]
    NotBalanceable(BalanceError),
    /// There is no spectrum of zeros.
    #[error("all weights are zero")]
    AllZero,
    /// The median singular value is zero to rounding.
    #[error(
        "more than half of the singular values are zero to rounding, which leaves the law no scale"
    )]
    NoScale,
    /// One draw has no spread.
    #[error("two draws at least make a null")]
    TooFewDraws,
    /// One singular value has no law.
    #[error("a spectrum of one value has no null")]
    OneValue,
    /// Too few singular values for a bulk.
    #[error("fewer than {minimum} singular values")]
    TooFewValues {
        /// The fewest that are looked at.
        minimum: usize,
    },
    /// No part of the spectrum is on the law.
    #[error("no {minimum} neighbouring singular values are on the law")]
    NoBulk {
        /// The smallest bulk that is looked for.
        minimum: usize,
    },
    /// Nothing to draw controls from.
    #[error("the weights are all zero or too large to be squared")]
    NoControls,
    /// Singular vectors are looked at on request.
    #[error("not asked for (`inspect --vectors K` looks at them)")]
    VectorsNotAskedFor,
    /// Singular vectors of so large a matrix take too much memory.
    #[error("the smaller side is {side}: from {limit} on vectors would take too much memory")]
    TooLargeForVectors {
        /// The smaller side.
        side: usize,
        /// The longest that is looked at.
        limit: usize,
    },
    /// A singular value that is not alone has no vector of its own.
    #[error(
        "its singular value cannot be told from the next, or from 0: any vector of a whole plane would do"
    )]
    NoVectorOfItsOwn,
    /// The shadow model is about ReLU.
    #[error(
        "the theory is about ReLU, and {} names the activation `{activation}` (`--assume-relu` measures all the same)",
        place.words()
    )]
    NotRelu {
        /// The activation.
        activation: String,
        /// Where it is named.
        place: ActivationSource,
    },
    /// A computation failed, or does not apply to such a layer.
    #[error("{0}")]
    Fault(String),
    /// Of a comparison: the layer has no such figure.
    #[error("the layer has no such figure")]
    NoSuchFigure,
    /// Of a comparison: the change of a figure is too large for JSON.
    #[error("the change passes the range of numbers")]
    ChangeOutOfRange,
    /// Of a comparison: weights are needed on both sides.
    #[error(
        "{} an audit holds no weights; give the checkpoint on both sides to have their difference",
        ComparedSide::are_audits(sides)
    )]
    NoWeightsToSubtract {
        /// The sides that are audits.
        sides: Vec<ComparedSide>,
    },
    /// Of a comparison: there is no layer of the same shape to subtract.
    #[error("the shapes differ: {}→{} in A, {}→{} in B", a.0, a.1, b.0, b.1)]
    ShapesDiffer {
        /// Inputs and outputs in A.
        a: (usize, usize),
        /// And in B.
        b: (usize, usize),
    },
    /// Of a comparison: weights of a side are NaN or infinite.
    #[error("NaN or infinite weights in {side}: {count}")]
    SideNotFinite {
        /// The side.
        side: ComparedSide,
        /// How many.
        count: usize,
    },
    /// Of a comparison: spectra of two shapes have two laws.
    #[error("the shapes differ, and each has a law of its own")]
    LawsDiffer,
    /// Of a comparison: a spectrum cannot be brought to the scale of the other.
    #[error("a spectrum has no scale, or one beyond the range of numbers")]
    NoCommonScale,
    /// Of a comparison: a side has no spectrum.
    #[error("{side} has no spectrum: {why}")]
    NoSpectrumIn {
        /// The side.
        side: ComparedSide,
        /// Why it has none.
        why: Box<Unmeasured>,
    },
    /// A sentence alone: of an older version.
    #[error("{0}")]
    #[serde(skip)]
    Other(String),
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComparedSide {
    /// The first.
    A,
    /// The second.
    B,
}

impl ComparedSide {
    fn are_audits(sides: &[Self]) -> String {
        match sides {
            [side] => format!("{side} is an audit:"),
            _ => "A and B are audits:".to_owned(),
        }
    }
}

impl fmt::Display for ComparedSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// Where an activation was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivationSource {
    /// The metadata of the files that hold the tensors.
    #[serde(rename = "metadata")]
    Metadata,
    /// The config.json beside them.
    #[serde(rename = "config.json")]
    Config,
}

impl ActivationSource {
    /// As a sentence names it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Metadata => "the checkpoint's metadata",
            Self::Config => "config.json",
        }
    }
}

/// The tensor of a layer that a reason speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntriesOf {
    /// Its weights.
    Weights,
    /// Its biases.
    Biases,
}

impl EntriesOf {
    const fn words(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Biases => "biases",
        }
    }
}

/// The sentence beside the kind and its data; an unknown kind is read as its sentence.
macro_rules! written_with_its_sentence {
    ($reason:ident) => {
        impl Serialize for $reason {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                fn kind<S: Serializer>(reason: &$reason, to: S) -> Result<S::Ok, S::Error> {
                    match reason {
                        $reason::Other(_) => to.serialize_none(),
                        known => $reason::serialize(known, to),
                    }
                }
                #[derive(Serialize)]
                struct Written<'a> {
                    reason: String,
                    #[serde(flatten, serialize_with = "kind")]
                    kind: &'a $reason,
                }
                let written = Written {
                    reason: self.to_string(),
                    kind: self,
                };
                Serialize::serialize(&written, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $reason {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<$reason>, D::Error> {
                    Ok($reason::deserialize(from).ok())
                }
                #[derive(Deserialize)]
                struct Written {
                    reason: String,
                    #[serde(flatten, deserialize_with = "kind")]
                    kind: Option<$reason>,
                }
                let Written { reason, kind } = Deserialize::deserialize(deserializer)?;
                Ok(kind.unwrap_or(Self::Other(reason)))
            }
        }

        impl From<String> for $reason {
            fn from(sentence: String) -> Self {
                Self::Other(sentence)
            }
        }

        impl From<&str> for $reason {
            fn from(sentence: &str) -> Self {
                Self::Other(sentence.to_owned())
            }
        }
    };
}

written_with_its_sentence!(TensorSkip);
written_with_its_sentence!(Unmeasured);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Section;
    use serde_json::{Value, json};

    fn section(value: Value) -> Section<u8> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_reason_is_its_sentence_its_kind_and_its_data() {
        let skipped = Skipped {
            tensor: TensorFacts::new("norm.weight", Dtype::F32, [1, 8]),
            reason: TensorSkip::BelowMinimum {
                side: 1,
                minimum: 2,
            },
        };
        let written = serde_json::to_value(&skipped).unwrap();
        let expected = json!({
            "tensor": "norm.weight", "dtype": "F32", "shape": [1, 8],
            "reason": "smaller side 1 is below the minimum of 2",
            "reason_kind": "below-minimum",
            "reason_data": {"side": 1, "minimum": 2},
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Skipped>(written).unwrap(), skipped);
        let none = Section::<u8>::Skipped {
            reason: Unmeasured::NoBias,
        };
        let written = serde_json::to_value(&none).unwrap();
        let expected = json!({
            "status": "skipped",
            "reason": "not applicable: the layer has no bias",
            "reason_kind": "no-bias",
        });
        assert_eq!(written, expected);
        assert_eq!(section(written), none);
        let fault = Section::<u8>::Skipped {
            reason: Unmeasured::Fault("no convergence".into()),
        };
        assert_eq!(section(serde_json::to_value(&fault).unwrap()), fault);
    }

    // Of an older version, of a later one, and with data of another shape.
    #[test]
    fn a_sentence_alone_is_kept_and_not_taken_apart() {
        let known = "not applicable: the layer has no bias";
        for value in [
            json!({"status": "skipped", "reason": known}),
            json!({"status": "skipped", "reason": known, "reason_kind": "of-the-future"}),
            json!({"status": "skipped", "reason": known, "reason_kind": "not-finite", "reason_data": 7}),
        ] {
            let read = section(value);
            let reason = Unmeasured::Other(known.into());
            assert_eq!(read, Section::Skipped { reason });
            let written = serde_json::to_value(&read).unwrap();
            assert_eq!(written, json!({"status": "skipped", "reason": known}));
        }
    }
}
