//! Is this downloaded net random-like?
//!
//! One road runs through the code, and its arrows only point right:
//!
//! [`checkpoint`] (validated headers) → [`layers`] (W and b in one orientation)
//! → [`analysis`] (facts per layer) → [`audit`](mod@audit) (the facts, as JSON)
//! → [`policy`] (limits) → [`verdict`] (a pure function of both) → [`report`] (bytes).
//!
//! Each stage is a crate of its own, so that the compiler holds the arrows: `randomlike-maths`
//! ([`stats`], [`linalg`], [`nulls`]) and `randomlike-checkpoint` ([`checkpoint`], [`hub`]) know
//! nothing of each other; `randomlike-core` has the facts, `randomlike-judge` limits and findings,
//! `randomlike-report` pictures, pages and sentences, `randomlike-train` nets trained with and
//! without shadow data, `randomlike-selftest` planted truths. This crate is the program.
//!
//! The library never prints.
//!
//! ```
//! use randomlike::policy::Policy;
//! use randomlike::verdict::{FindingOutcome, judge};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let audit = randomlike::audit("fixtures/fashion_plain.safetensors")?;
//! let judgement = judge(&audit, &Policy::default())?;
//! for (layer, labelled) in audit.layers.iter().zip(&judgement.labels.layers) {
//!     println!("{}: {}", layer.name, labelled.label.name());
//! }
//! for finding in judgement.findings.iter().filter(|f| f.outcome == FindingOutcome::Fail) {
//!     println!("{}: {:?}", finding.check.name(), finding.values);
//! }
//! assert!(judgement.fails());
//! # Ok(())
//! # }
//! ```

use std::path::Path;

mod error;

pub use error::{Error, Result};
pub use randomlike_checkpoint::{self as checkpoint, hub, regular_file};
pub use randomlike_core::{analysis, audit, controls, display_names, layers, shadow};
pub use randomlike_judge::{checks, compare, label, policy, start_word, verdict};
pub use randomlike_maths::{balance, linalg, nulls, stats};
pub use randomlike_report as report;
pub use randomlike_selftest::{calibration, selftest, synth};
pub use randomlike_train as train;

/// Measures every layer of the checkpoint at `path`, a file or a folder, as `inspect` does without
/// a flag.
///
/// # Errors
/// When it cannot be opened, read or measured.
pub fn audit(path: impl AsRef<Path>) -> Result<audit::Audit> {
    let checkpoint = checkpoint::Checkpoint::open(path.as_ref())?;
    let options = analysis::Options::default();
    Ok(analysis::measure(&checkpoint, &options, &mut |_| ())?)
}
