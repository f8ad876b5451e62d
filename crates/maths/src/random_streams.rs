//! The generators of one seed: whatever is drawn has a stream of its own, so that one more
//! draw changes no other.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What the streams of one seed are for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// Codes that are scored.
    Scored = 0,
    /// Codes the constant bias is chosen on.
    Calibration = 1,
    /// Entries of a Gaussian control, and the order of a shuffled one.
    Control = 2,
    /// Which coordinates are kept on the ways through a chain.
    Path = 3,
    /// Which rows and columns stand for a large matrix.
    Part = 4,
    /// Signs of a balanced matrix.
    Flips = 5,
    /// Signs of a control.
    Signs = 6,
    /// Which singular vectors of the bulk are looked at.
    Bulk = 7,
}

/// The generator of draw `index`.
pub fn generator(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 40 | index);
    rng
}
