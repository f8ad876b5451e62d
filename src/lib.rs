//! Is this downloaded net random-like?
//!
//! One road runs through the code, and its arrows only point right:
//!
//! [`checkpoint`] (validated headers) → [`layers`] (W and b in one orientation)
//! → [`analysis`] (facts per layer) → [`audit`] (the facts, as JSON)
//! → [`policy`] (limits) → [`verdict`] (a pure function of both) → [`report`] (bytes).
//!
//! [`controls`] draws the random matrices that layers are compared with, once for all.
//! [`compare`] puts two audits side by side, and [`verdict`] judges one beside an earlier one.
//! [`shadow`] runs layers and chains in reverse and forward again; [`train`] trains nets with its
//! samples.
//! [`synth`] writes checkpoints with planted truths, and [`selftest`] runs the road on them;
//! [`calibration`] counts how often chance, and how often a planted truth, raises each alarm.
//!
//! [`stats`] is mathematics on slices and [`linalg`] on matrices, [`nulls`] what chance makes of
//! singular values; none of them knows of nets. [`hub`] fetches checkpoints that lie elsewhere.
//! The library never prints.
//!
//! Where something new goes: a check is one file in `verdict/`, a figure one in
//! `report/figures/`, a format one in `checkpoint/`, a command one in
//! `bin/randomlike/commands/`, a law one in `stats/laws/`, and what a check must pass and
//! fail a row in `selftest/truths.rs`.

pub mod analysis;
pub mod audit;
pub mod calibration;
pub mod checkpoint;
pub mod compare;
pub mod controls;
pub mod error;
pub mod hub;
pub mod layers;
pub mod linalg;
pub mod names;
pub mod nulls;
pub mod policy;
mod regular;
pub mod report;
pub mod selftest;
pub mod shadow;
pub mod stats;
mod streams;
pub mod synth;
pub mod train;
pub mod verdict;

pub use error::{Error, Result};
