//! Opening a checkpoint: validated headers, one tensor in memory at a time.

use serde::{Deserialize, Serialize};

/// A tensor of the checkpoint, as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorFacts {
    /// Its name in the file.
    pub tensor: String,
    /// Its dtype in the format's own spelling: `F32`, `BF16`, …
    pub dtype: String,
    /// Its shape as stored.
    pub shape: Vec<usize>,
}

/// One file of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Path relative to the source.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hexadecimal.
    pub sha256: String,
}
