//! Everything that can go wrong here, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

use std::path::PathBuf;

/// Why an audit could not be judged or compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The checkpoint could not be measured.
    #[error(transparent)]
    Audit(#[from] randomlike_core::Error),
    /// The checkpoint could not be opened or read.
    #[error(transparent)]
    Checkpoint(#[from] randomlike_checkpoint::Error),
    /// A policy is not TOML, or a value in it has the wrong type.
    #[error("cannot read the policy `{path}`: {source}", path = path.display())]
    PolicySyntax {
        /// The policy file.
        path: PathBuf,
        /// What the parser says, with the line.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A policy names a check or a limit that does not exist.
    #[error("the policy `{path}` names an unknown {what} `{name}`{instead}", path = path.display())]
    PolicyUnknown {
        /// The policy file.
        path: PathBuf,
        /// `check` or `key`.
        what: &'static str,
        /// The name as written.
        name: String,
        /// The nearest name as a question, where one is near, and the names that exist.
        instead: String,
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
        source: Box<dyn std::error::Error + Send + Sync>,
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
    /// There was nothing to judge.
    #[error("nothing was measured in `{uri}`: {reason}")]
    NothingMeasured {
        /// The source as the user named it.
        uri: String,
        /// Why, in words.
        reason: String,
    },
    /// An earlier audit that says nothing of the layers there are.
    #[error(
        "the baseline `{uri}` measured nothing that could get worse; give the audit.json of a checkpoint whose layers were measured"
    )]
    EmptyBaseline {
        /// The source of the baseline as the user named it.
        uri: String,
    },
    /// Two checkpoints of which no layer belongs to the other's.
    #[error("`{a}` and `{b}` have no layer in common: {reason}")]
    NothingInCommon {
        /// One source as the user named it.
        a: String,
        /// The other.
        b: String,
        /// What they have instead, in words.
        reason: String,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
