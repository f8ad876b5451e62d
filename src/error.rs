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

    // policy
    /// A policy is not TOML, or a value in it has the wrong type.
    #[error("cannot read the policy `{path}`: {source}", path = path.display())]
    PolicySyntax {
        /// The policy file.
        path: PathBuf,
        /// What the parser says, with the line.
        source: Box<toml::de::Error>,
    },
    /// A policy names a check or a limit that does not exist.
    #[error("the policy `{path}` names an unknown {what} `{name}`; there are {known}", path = path.display())]
    PolicyUnknown {
        /// The policy file.
        path: PathBuf,
        /// `check` or `key`.
        what: &'static str,
        /// The name as written.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A limit that nothing can be compared with.
    #[error("the policy `{path}` gives `{key}` a value that is not {wanted}", path = path.display())]
    PolicyLimit {
        /// The policy file.
        path: PathBuf,
        /// Check and limit: `weights-gaussian.max_ks`.
        key: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// A `[[layer]]` table without a pattern.
    #[error(
        "the policy `{path}` has a `layer` that is not a `[[layer]]` table with `pattern = \"...\"`",
        path = path.display()
    )]
    PolicyPatternMissing {
        /// The policy file.
        path: PathBuf,
    },
    /// A pattern that is no glob.
    #[error("the policy `{path}` has the pattern `{pattern}`, which is no glob: {source}", path = path.display())]
    PolicyPattern {
        /// The policy file.
        path: PathBuf,
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A pattern that matches no layer.
    #[error("the policy `{path}` has the pattern `{pattern}`, which matches no layer; there are {layers}", path = path.display())]
    PolicyUnmatched {
        /// The policy file.
        path: PathBuf,
        /// The pattern as written.
        pattern: String,
        /// The layers there are.
        layers: String,
    },

    // verdict
    /// There was nothing to judge.
    #[error("nothing was measured in `{uri}`: {reason}")]
    NothingMeasured {
        /// The source as the user named it.
        uri: String,
        /// Why, in words.
        reason: String,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
