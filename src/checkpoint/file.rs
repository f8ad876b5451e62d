//! What every format offers: a file whose header holds together, and its tensors one at a time.
//!
//! A new format is a file beside this one with a type that is a [`TensorFile`], and a line in
//! `source.rs` that says how its names end.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;
use std::path::Path;

use super::{Entries, TensorFacts};
use crate::{Error, Result};

/// A file that was opened and checked. No weight is in memory.
pub(super) trait TensorFile: Debug + Send + Sync {
    /// Where it lies.
    fn path(&self) -> &Path;

    /// Its tensors, in any order; no name comes twice.
    fn tensors(&self) -> Vec<TensorFacts>;

    /// Whether it holds a tensor of this name.
    fn holds(&self, tensor: &str) -> bool;

    /// What it says of itself.
    fn metadata(&self) -> &BTreeMap<String, String>;

    /// `span` of the entries of one tensor, or all; nothing for a dtype that is not read or a
    /// span outside the tensor.
    fn read(&self, tensor: &str, span: Option<Range<usize>>) -> Result<Option<Entries>>;
}

/// The error of a file in a format that has no faults of its own type.
pub(super) fn unsound(path: &Path, format: &'static str, fault: impl Into<String>) -> Error {
    Error::Unsound {
        path: path.to_owned(),
        format,
        fault: fault.into(),
    }
}

/// The number of entries of a shape, where 64 bits hold it and an array of them.
pub(super) fn count(shape: &[usize]) -> Option<usize> {
    let mut sides = shape.iter().map(|&side| side.max(1));
    let product = sides.try_fold(1_usize, usize::checked_mul)?;
    let count = isize::try_from(product).ok().and(Some(product))?;
    Some(if shape.contains(&0) { 0 } else { count })
}
