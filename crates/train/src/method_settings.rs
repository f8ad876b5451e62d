//! What a method is run with: an optimiser and the choices the paper leaves open.

use serde::{Deserialize, Serialize};

use super::method::TrainingMethod;
use super::optimiser::Rule;

/// One arm of an experiment: a method with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodSettings {
    /// The method.
    pub method: TrainingMethod,
    /// The optimiser.
    pub optimiser: Rule,
    /// The choices the paper leaves open.
    pub recipe: Recipe,
}

/// What a copy is labelled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyLabel {
    /// The net's own softmax output on the original: the abstract's words.
    Soft,
    /// The class of the original.
    True,
    /// The class the net gives the original.
    Argmax,
}

/// How large a shadow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyScale {
    /// As α = 2/(ρns²) makes it.
    Theory,
    /// As long as its original.
    Norm,
}

/// Choices the paper leaves open, each chosen on validation data: docs/training.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Weight of the loss on copies.
    pub copy_weight: f64,
    /// Label of the copies.
    pub copy_label: CopyLabel,
    /// Copies of each image a step.
    pub copies: usize,
    /// The hidden level whose code is reversed, from 1; the highest where none is given.
    pub copy_level: Option<usize>,
    /// How large a shadow is.
    pub copy_scale: CopyScale,
    /// Whether hidden levels have their biases on the way down too.
    pub copy_biases: bool,
    /// Share of the inputs kept in a shadow, ρ₀.
    pub keep_input: f64,
    /// Share of the units of each hidden level kept on the way down.
    pub keep_hidden: f64,
    /// Share of the inputs dropped in a noisy copy.
    pub noise: f64,
    /// Dropout rate of the input.
    pub dropout_input: f64,
    /// Dropout rate of the hidden layers.
    pub dropout_hidden: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            copy_weight: 1.0,
            copy_label: CopyLabel::Soft,
            copies: 1,
            copy_level: None,
            copy_scale: CopyScale::Theory,
            copy_biases: false,
            keep_input: 1.0,
            keep_hidden: 0.5,
            noise: 0.7,
            dropout_input: 0.2,
            dropout_hidden: 0.2,
        }
    }
}
