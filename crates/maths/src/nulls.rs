//! What chance makes of a spectrum: the figures of matrices with independent entries, by shape
//! and excess kurtosis.
//!
//! The bulk law, the edges and the spacings of a large matrix are those of Gaussian entries
//! whatever the law of an entry (Tao & Vu 2012; Pillai & Yin 2014). The corrections of order 1/M
//! are not: they depend on the fourth cumulant (Bai & Silverstein 2004), and M·KS and M·W₁ are
//! of that order. So there are tables for uniform (excess kurtosis −1.2), normal (0) and Laplace
//! entries (3), and what lies between is taken in proportion; docs/calibration.md shows how far
//! that holds.

mod balanced;
mod draws;
mod marginal;
mod statistic;

mod table;

pub use balanced::{BalancedDraws, EntryStatistic};
pub use draws::{Shape, figures};
pub use marginal::{Marginal, figures_of};
pub use statistic::{NullStatistic, NullStatistics, spectrum_statistics};
pub use statistic::{fit, largest_at, smallest_at};
pub use table::{Ensemble, EntryNull, LEVELS, Null, Origin, Quantiles};
