//! Nets trained with and without shadow data: docs/theory.md §7.

pub mod compare;
pub mod data;
mod experiment;
mod method;
mod net;
mod optimiser;
mod run;
mod samples;
mod split;
mod state;

pub use experiment::{Experiment, Finished, Progress, run_all};
pub use method::{CopyLabel, Method, Recipe};
pub use net::Net;
pub use optimiser::Rule;
pub use run::{Look, Outcome, Plan};
pub use samples::samples;
pub use state::{Stored, write_net};

/// Why a net could not be trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A plan or a file that does not fit.
    #[error("{0}")]
    Unfit(String),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] crate::Error),
    /// The tensor library failed.
    #[error("training failed: {0}")]
    Tensor(#[from] candle_core::Error),
}

fn fault(text: String) -> Fault {
    Fault::Unfit(text)
}
