//! Finding layers by shape; every tensor is accounted for.

use serde::{Deserialize, Serialize};

use crate::checkpoint::TensorFacts;

/// A tensor that was not analysed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The tensor.
    #[serde(flatten)]
    pub tensor: TensorFacts,
    /// Why, in words: "convolution (use --conv to include it)".
    pub reason: String,
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
