//! The shadow distribution: run the net in reverse, run it forward again, and measure what
//! comes back. Arora, Liang & Ma 2015, eq. 1–4; docs/theory.md §5 and §6.
//!
//! For a layer W (n inputs, m outputs, entries of mean square s²) and a sparse code h ≥ 0,
//! x = r(αWh) ⊙ drop with α = 2/(ρ·n·s²), and h̃ = r(Wᵀx + b).

pub mod activation;
mod average;
mod chain;
mod code;
mod columns;
mod descent;
mod estimate;
pub mod inputs;
mod layer;
mod matrix;
pub mod prediction;
mod product;
mod recovery;
mod run;
mod sweep;
mod theorem;
pub mod theory;

pub use chain::{
    ChainControls, ChainFacts, ChainPlan, ChainRun, ChainShadow, Descent, LevelDropout,
    LevelReturn, of_chain,
};
pub use estimate::Estimate;
pub use layer::{
    BalancedShadow, Dropout, LayerShadow, Reversal, ShadowControls, ShadowPlan, StoredLayer,
    measure, of_layer,
};
pub(crate) use layer::{measure_balanced, measure_beside};
pub use prediction::Sizes;
pub use recovery::Recovery;
pub use sweep::{Pairs, SweepPoint};
pub use theorem::{Condition, Theorem, sparsities};

/// Why a layer has no shadow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShadowError {
    /// Too small, or nothing in it.
    #[error("{0}")]
    NotApplicable(&'static str),
    /// Codes that do not reach a level.
    #[error("no code reaches level {level} of the way up: too little is kept on the way down")]
    Empty {
        /// The level, 1 for what the lowest layer makes of x.
        level: usize,
    },
    /// Layers that do not follow each other.
    #[error("`{layer}` takes {takes} inputs and is given {given}: the layers make no chain")]
    Broken {
        /// The upper layer.
        layer: String,
        /// Its inputs.
        takes: usize,
        /// Outputs of the layer below.
        given: usize,
    },
    /// A layer could not be read.
    #[error(transparent)]
    Read(Box<crate::Error>),
}

impl From<crate::Error> for ShadowError {
    fn from(error: crate::Error) -> Self {
        Self::Read(Box::new(error))
    }
}

impl From<randomlike_checkpoint::Error> for ShadowError {
    fn from(error: randomlike_checkpoint::Error) -> Self {
        crate::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests;
