//! Opening a [`checkpoint`]: validated headers, one tensor in memory at a time. [`hub`] fetches those
//! that lie elsewhere.

pub mod checkpoint;
mod error;
pub mod hub;
pub mod regular;

pub use error::{Error, FileError, HeaderFault, IndexFault, Result};
