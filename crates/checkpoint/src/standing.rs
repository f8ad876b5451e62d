//! What a tensor is to the others of its source, by names, dtypes and shapes alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::TensorFacts;

/// What the entries of a tensor stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Numbers of their own: each entry is one, as stored or as `decoded` says.
    Whole,
    /// Weights in a packing that is not decoded.
    Packed {
        /// The weights they stand for.
        weights: u64,
        /// The family of packings: `GPTQ`, `MXFP4`.
        family: &'static str,
    },
    /// Weights that cannot be decoded because of a tensor beside them that does not fit or is not
    /// there.
    Incomplete {
        /// The weights they stand for.
        weights: u64,
        /// What is missing, after "not decoded:".
        missing: String,
    },
    /// A part of other weights, which counts with them.
    Part {
        /// Which part.
        kind: PartKind,
        /// The tensor that holds those weights.
        of: String,
    },
    /// What the file describes by a function that is not known.
    Unbuilt {
        /// The function that would build it.
        function: String,
        /// Its entries, where the description says how many.
        weights: Option<u64>,
    },
    /// What the file holds and cannot be read.
    Unreadable {
        /// What is wrong with it.
        fault: String,
        /// Its entries, where they are known.
        weights: Option<u64>,
    },
}

/// A part of weights that another tensor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PartKind {
    /// One number for each output of a layer.
    Bias,
    /// Numbers that entries are multiplied by.
    Scale,
    /// Numbers that are subtracted from, or added to, entries.
    ZeroPoint,
    /// Which group, or which order, the entries have.
    Index,
    /// The values that entries choose among.
    Codebook,
    /// A factor of the weights: the lengths of weight normalisation.
    Factor,
    /// Shape, settings and other notes of a quantiser.
    Note,
}

impl PartKind {
    /// As a sentence names it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Bias => "the bias",
            Self::Scale => "scales",
            Self::ZeroPoint => "zero points",
            Self::Index => "an index",
            Self::Codebook => "a codebook",
            Self::Factor => "a factor",
            Self::Note => "notes of the quantiser",
        }
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A tensor of a source, its file and its standing.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// Name, dtype and shape.
    pub facts: &'a TensorFacts,
    /// The file it lies in, relative to the source.
    pub file: &'a str,
    /// What it is to the others.
    pub standing: &'a Standing,
}

/// A file that lies beside the source and is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileBeside {
    /// Its path, relative to the source.
    pub file: String,
    /// Why it is no part.
    pub reason: FileSkip,
}

impl FileBeside {
    /// A file and why it is no part.
    pub fn new(file: impl Into<String>, reason: FileSkip) -> Self {
        Self {
            file: file.into(),
            reason,
        }
    }
}

/// Why a file beside the source is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileSkip {
    /// By its name: the state of an optimiser or a scheduler.
    #[error("state of training, by its name")]
    TrainingState,
    /// The same net in another format.
    #[error("another format of what was read")]
    OtherFormat,
    /// The same net in another precision.
    #[error("another precision of what was read")]
    OtherPrecision,
    /// The same net in one file, or in the layout of another program.
    #[error("a consolidated copy of what was read")]
    Consolidated,
}
