//! Everything that can go wrong here, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

use std::path::PathBuf;

/// Why a report could not be drawn, written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error(transparent)]
    File(#[from] randomlike_checkpoint::FileError),
    /// An `audit.json` that is not one, or of another version.
    #[error("cannot read the audit `{path}`: {reason}", path = path.display())]
    AuditJson {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A figure or a page could not be drawn.
    #[error("cannot draw {what}: {reason}")]
    Draw {
        /// Which one.
        what: String,
        /// What the drawing library says.
        reason: String,
    },
    /// A folder that holds something other than a report of ours.
    #[error("`{path}` holds `{foreign}`, which is no part of an earlier report; give a new or empty folder", path = path.display(), foreign = foreign.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// One thing in it, relative to the folder.
        foreign: PathBuf,
    },
    /// A folder that cannot be replaced by another.
    #[error("`{path}` is {what} and cannot be replaced whole; give a folder in it", path = path.display())]
    Immovable {
        /// The folder.
        path: PathBuf,
        /// What it is: `a mount point`.
        what: &'static str,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
