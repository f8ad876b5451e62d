//! The shadow distribution: run the net in reverse, run it forward again, and measure what
//! comes back. Arora, Liang & Ma 2015, eq. 1–3; docs/theory.md §5.
//!
//! For a layer W (n inputs, m outputs, entries of mean square s²) and a sparse code h ≥ 0,
//! x = r(αWh) ⊙ drop with α = 2/(ρ·n·s²), and h̃ = r(Wᵀx + b).

pub mod activation;
mod code;
mod estimate;
mod layer;
mod matrix;
pub mod prediction;
mod recovery;
mod run;

pub use estimate::Estimate;
pub use layer::{Controls, Dropout, LayerShadow, Plan, Reversal, Stored, measure, of_layer};
pub use prediction::Sizes;
pub use recovery::Recovery;

/// Why a layer has no shadow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShadowError {
    /// Too small, or nothing in it.
    #[error("{0}")]
    NotApplicable(&'static str),
    /// The tensor library failed.
    #[error("the reverse model could not be computed: {0}")]
    Tensor(#[from] candle_core::Error),
}

#[cfg(test)]
mod tests;
