//! Nets trained with and without shadow data: docs/theory.md §7.

pub mod data;
mod method;
mod net;
mod optimiser;

pub use method::{CopyLabel, Method, Recipe};
pub use net::Net;
pub use optimiser::Rule;
