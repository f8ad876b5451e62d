//! The facts of an audit. One road runs through the code, and its arrows only point right:
//! [`layers`] (W and b in one orientation) → [`analysis`] (facts per layer) → [`audit`] (the facts, as JSON).
//!
//! [`controls`] draws the random matrices that layers are compared with; [`shadow`] runs layers and
//! chains in reverse and forward again.

pub mod analysis;
pub mod audit;
pub mod controls;
pub mod display_names;
mod error;
pub mod finite;
pub mod layers;
pub mod ledger;
pub mod number_format;
mod section;
pub mod shadow;
pub mod skip;

pub use error::{Error, Result};
