//! Singular values of dense matrices.

use serde::{Deserialize, Serialize};

/// Which library computes singular values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// faer, pure Rust.
    #[default]
    Faer,
    /// LAPACK through the system's OpenBLAS; only with the `lapack` feature.
    Lapack,
}
