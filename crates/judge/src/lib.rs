//! What an audit is judged by: [`policy`] (limits) → [`verdict`] (a pure function of facts and limits);
//! [`compare`] puts two audits side by side.

pub mod compare;
mod error;
pub mod policy;
pub mod verdict;

pub use error::{Error, Result};
