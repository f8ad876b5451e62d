//! What singular vectors look like: spread over all units, or carried by a few.

use serde::{Deserialize, Serialize};

use super::Section;

/// Some singular vectors of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Vectors {
    /// Vectors asked for of each part.
    pub count: usize,
    /// Largest ‖Wᵀu − σv‖/σ₁ among them.
    pub residual: f64,
    /// What random unit vectors of as many inputs show.
    pub inputs: VectorNull,
    /// What random unit vectors of as many outputs show.
    pub outputs: VectorNull,
    /// By falling singular value.
    pub vectors: Vec<SingularVector>,
}

/// What a random unit vector shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VectorNull {
    /// Its length, n.
    pub length: usize,
    /// √n·KS to the normal law that one in 20 passes.
    pub ks_q95: f64,
    /// √n·KS to the normal law that one in 100 passes.
    pub ks_q99: f64,
    /// Mean of Σv⁴, 3/(n + 2).
    pub participation: f64,
    /// Standard deviation of Σv⁴, √24·n^(−3/2) for large n.
    pub participation_std: f64,
}

/// Where in the spectrum a vector was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Among the largest singular values.
    Top,
    /// Drawn among those between the outlier thresholds.
    Bulk,
    /// Among the smallest.
    Bottom,
}

/// One singular value and what its two vectors look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SingularVector {
    /// Where it was taken.
    pub part: Part,
    /// Its place in `spectrum.singular_values`, from 0.
    pub index: usize,
    /// σ, in the units of the weights.
    pub singular_value: f64,
    /// The two vectors; skipped where another singular value is too near to tell them apart.
    #[serde(flatten)]
    pub sides: Section<VectorSides>,
}

/// The two vectors of a singular value: σ·u = W·v.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VectorSides {
    /// Sine of the angle within which both are known.
    pub angle: f64,
    /// u, a component an input.
    pub inputs: VectorFacts,
    /// v, a component an output.
    pub outputs: VectorFacts,
}

/// One unit vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VectorFacts {
    /// √n·KS of √n·v to N(0, 1) (Porter & Thomas 1956).
    pub ks: f64,
    /// Inverse participation ratio Σv⁴: 1/n when all components are alike, 1 when one is all.
    pub participation: f64,
    /// The components with the largest squares.
    pub largest: Vec<Component>,
}

/// One component of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Component {
    /// The input or output, from 0.
    pub index: usize,
    /// Its share of the square of the length, v².
    pub share: f64,
}
