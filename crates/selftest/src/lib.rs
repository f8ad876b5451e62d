//! [`synth`] writes checkpoints with planted truths, and [`selftest`] runs everything on them;
//! [`calibration`] counts how often chance, and how often a planted truth, raises each alarm.

pub mod calibration;
mod error;
pub mod selftest;
pub mod synth;

pub use error::{Error, Result};
