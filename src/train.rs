//! Nets trained with and without shadow data: docs/theory.md §7.

mod arm;
mod choice;
pub mod compare;
mod copies;
pub mod data;
mod experiment;
mod inside;
mod keep;
mod loss;
mod method;
mod net;
mod optimiser;
mod record;
mod run;
mod samples;
mod split;
mod state;
pub mod tune;
mod workers;

pub use arm::{Arm, CopyLabel, CopyScale, Recipe};
pub use choice::Choice;
pub use experiment::{Experiment, Outcome, Progress, Results, Start, run_all};
pub use inside::LayerInside;
pub use method::Method;
pub use optimiser::{Rule, Schedule};
pub use record::Runs;
pub use run::{Look, Plan};
pub use samples::samples;
pub use state::Stored;

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
