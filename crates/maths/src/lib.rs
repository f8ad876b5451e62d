//! Mathematics on slices and matrices: [`stats`], [`linalg`], and in [`nulls`] what chance makes of singular
//! values. Nothing here knows of nets.

pub mod balance;
pub mod linalg;
pub mod nulls;
/// For the crates of this workspace: what they draw with is `rand`'s.
#[doc(hidden)]
pub mod random_streams;
pub mod stats;
