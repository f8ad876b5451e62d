//! Everything that can go wrong, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

use std::path::PathBuf;

/// A fault that stops an audit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{path}`: {source}", path = path.display())]
    Io {
        /// What was attempted: `open`, `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
