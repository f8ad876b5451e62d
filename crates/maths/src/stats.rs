//! Mathematics on slices: samples, fits and laws. Knows nothing of nets.

mod families;
mod gaussian;
mod golden_section;
mod histogram;
pub mod laws;
mod moments;
mod paired;
pub mod porter_thomas;
mod power_fit;
mod power_law;
mod sample;
mod sort;
mod spacings;
mod two_sample;
mod weighted_sums;

pub use families::{Family, FamilyName, FittedFamily};
pub use gaussian::GaussianDistance;
pub use golden_section::maximize;
pub use histogram::Histogram;
pub use moments::Moments;
pub use paired::{Difference, Spread, pearson};
pub use power_fit::PowerFit;
pub use power_law::PowerLaw;
pub use sample::{Bins, Sample, TiedValue};
pub use spacings::{GOE_RATIO, level_ratio};
pub use two_sample::{kolmogorov_smirnov, wasserstein};
