//! Nets trained with and without shadow data: docs/theory.md §7.

mod choice;
pub mod compare;
mod copies;
pub mod data;
mod experiment;
pub mod figures;
mod finished_runs;
mod gradient;
mod matrix;
mod method;
mod method_settings;
mod net;
mod net_facts;
mod optimiser;
mod record;
mod run;
mod samples;
mod shadows;
mod split;
mod state;
pub mod tune;
mod workers;

use std::path::PathBuf;

pub use choice::Choice;
pub use experiment::{Experiment, Results, RunOutcome, StepsDone, UntrainedNet, run_all};
pub use method::TrainingMethod;
pub use method_settings::{CopyLabel, CopyScale, MethodSettings, Recipe};
pub use net_facts::NetLayerFacts;
pub use optimiser::{Rule, Schedule};
pub use record::Runs;
pub use run::{Evaluation, TrainingPlan};
pub use samples::samples;
pub use state::NetDtype;

/// Why a net could not be trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A plan or a file that does not fit.
    #[error("{0}")]
    Unfit(String),
    /// Images or labels that cannot be used.
    #[error("`{path}` gives no data: {fault}", path = path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// Why, in words.
        fault: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] randomlike_checkpoint::FileError),
    /// A checkpoint could not be read.
    #[error(transparent)]
    Checkpoint(#[from] randomlike_checkpoint::Error),
    /// A net could not be measured.
    #[error(transparent)]
    Audit(#[from] randomlike_core::Error),
    /// A file of ours could not be written.
    #[error(transparent)]
    Report(#[from] randomlike_report::Error),
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

fn fault(text: String) -> Error {
    Error::Unfit(text)
}
