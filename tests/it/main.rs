//! Everything that is tested from outside, in one binary: each further one would link
//! every dependency again.

mod cli;
mod planted;
mod reference;
