//! Everything that can go wrong, by the crate that found it.

/// A fault that stops the work. The message names the thing and says what would have been right.
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
    /// Planted truths could not be made or tried.
    #[error(transparent)]
    Selftest(#[from] randomlike_selftest::Error),
    /// A net could not be trained.
    #[error(transparent)]
    Train(#[from] randomlike_train::Error),
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
