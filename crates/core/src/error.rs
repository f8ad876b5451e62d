//! Everything that can go wrong here, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

use std::path::PathBuf;

/// Why a checkpoint could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error(transparent)]
    File(#[from] randomlike_checkpoint::FileError),
    /// The checkpoint could not be opened or read.
    #[error(transparent)]
    Checkpoint(#[from] randomlike_checkpoint::Error),
    /// Singular values could not be computed.
    #[error(transparent)]
    Spectrum(#[from] randomlike_maths::linalg::SpectrumError),
    /// A layer that takes more memory than was given.
    #[error(
        "`{layer}` takes about {} while it is measured, and `--memory` gives {}; give at least {0}, or leave the layer out with `--exclude`",
        megabytes(*needed), megabytes(*given)
    )]
    Room {
        /// The largest layer.
        layer: String,
        /// Bytes it takes, with those of the program.
        needed: u64,
        /// Bytes that were given.
        given: u64,
    },
    /// `--include` or `--exclude` is no glob.
    #[error("the pattern `{pattern}` is no glob: {source}")]
    Pattern {
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A pattern that matches no tensor.
    #[error("the pattern `{pattern}` matches no tensor; there are {names}")]
    PatternUnmatched {
        /// The pattern as written.
        pattern: String,
        /// Some of the names there are.
        names: String,
    },
    /// A batch of inputs that cannot be used.
    #[error("`{path}` gives no inputs: {fault}", path = path.display())]
    Inputs {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        fault: String,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Rounded up, so that what is asked for is enough.
fn megabytes(bytes: u64) -> String {
    format!("{}MB", bytes.div_ceil(1_000_000))
}
