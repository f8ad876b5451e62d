//! What an audit is judged by: [`checks`] (what can be said of a layer, and by which limits) and
//! [`label`] (one word for it) → [`policy`] (the limits as a user sets them) → [`verdict`]
//! (findings, a pure function of facts and limits); [`compare`] puts two audits side by side.

pub mod checks;
pub mod compare;
mod error;
pub mod label;
mod normal_limits;
pub mod policy;
pub mod start_word;
pub mod verdict;

pub use error::{Error, Result};
