//! Audits as bytes, and the one place that writes files.

pub mod json;
pub mod write;
