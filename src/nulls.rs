//! What chance makes of a spectrum: the figures of matrices with independent entries, by shape.
//!
//! Gaussian entries stand for all independent entries of one variance: the bulk law, the edges
//! and the spacings of a large matrix do not depend on more (Tao & Vu 2012; Pillai & Yin 2014).
//! How far that holds at small sizes is not measured yet.

mod draws;
mod figure;
mod table;

pub use draws::{Shape, figures};
pub use figure::{Figure, Figures, of_values};
pub use table::{LEVELS, Null, Origin, Quantiles};
