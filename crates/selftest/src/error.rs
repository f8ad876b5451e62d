//! Everything that can go wrong here, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

/// Why planted truths could not be made or tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error(transparent)]
    File(#[from] randomlike_checkpoint::FileError),
    /// The checkpoint could not be opened or read.
    #[error(transparent)]
    Checkpoint(#[from] randomlike_checkpoint::Error),
    /// The checkpoint could not be measured.
    #[error(transparent)]
    Audit(#[from] randomlike_core::Error),
    /// The audit could not be judged.
    #[error(transparent)]
    Judge(#[from] randomlike_judge::Error),
    /// A file of ours could not be written or read.
    #[error(transparent)]
    Report(#[from] randomlike_report::Error),
    /// A layer to draw that is empty or does not fit into memory.
    #[error(
        "cannot draw a layer of {inputs} inputs and {outputs} outputs; it needs 1 to {most} weights"
    )]
    SynthSize {
        /// Inputs asked for.
        inputs: usize,
        /// Outputs asked for.
        outputs: usize,
        /// The most weights a layer may have.
        most: usize,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
