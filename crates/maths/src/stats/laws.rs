//! Laws that samples and spectra are compared with.

pub mod edges;
pub mod initial;
pub mod marchenko_pastur;
pub mod normal;
pub mod tracy_widom;
