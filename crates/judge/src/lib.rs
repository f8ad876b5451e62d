//! What an audit is judged by: [`policy`] (limits) → [`verdict`] (a pure function of facts and limits);
//! [`label`] has one word for a layer, by the same limits; [`compare`] puts two audits side by side.

pub mod compare;
mod error;
pub mod label;
pub mod policy;
pub mod verdict;

pub use error::{Error, Result};
