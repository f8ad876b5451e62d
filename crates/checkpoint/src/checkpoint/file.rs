//! What every format offers: a file whose header holds together, and its tensors one at a time.
//!
//! A new format is a file beside this one that reads a header into an [`Opened`] file, with a
//! [`Place`] that finds a tensor's entries in it, and a line in `source.rs` that says how its names
//! end.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::decode::{self, Unread};
use super::stamp::Stamp;
use super::{Entries, TensorFacts};
use crate::FileError;
use crate::{Error, Result};

/// A file that was opened and checked. No weight is in memory.
pub(super) trait TensorFile: Debug + Send + Sync {
    /// Where it lies.
    fn path(&self) -> &Path;

    /// Its tensors, in the order of their names; no name comes twice.
    fn tensors(&self) -> Vec<TensorFacts>;

    /// Whether it holds a tensor of this name.
    fn holds(&self, tensor: &str) -> bool;

    /// What it says of itself.
    fn metadata(&self) -> &BTreeMap<String, String>;

    /// What it asks a loader that runs pickles to import, beside what tensors are made of.
    fn imports(&self) -> &[String];

    /// Refuses a file that is no longer what was opened.
    fn unchanged(&self) -> Result<()>;

    /// `span` of the entries of one tensor, or all; nothing for a dtype that is not read or a
    /// span outside the tensor.
    fn read(&self, tensor: &str, span: Option<Range<usize>>) -> Result<Option<Entries>>;
}

/// Where a tensor lies in a file of some format.
pub(super) trait Place: Debug + Send + Sync {
    /// Entries `span` of the tensor, which has as many; nothing for a dtype that is not read.
    fn entries(&self, tensor: &Tensor<'_>, span: Range<usize>) -> Result<Option<Entries>>;
}

/// A file of one format.
#[derive(Debug)]
pub(super) struct Opened<P> {
    path: PathBuf,
    /// Taken before the header was read.
    stamp: Stamp,
    tensors: BTreeMap<String, (TensorFacts, P)>,
    metadata: BTreeMap<String, String>,
    imports: Vec<String>,
}

impl<P> Opened<P> {
    /// With these tensors, of which no two have one name.
    pub(super) fn new(
        path: &Path,
        stamp: Stamp,
        tensors: impl IntoIterator<Item = (TensorFacts, P)>,
        metadata: BTreeMap<String, String>,
    ) -> Self {
        let named = |(facts, place): (TensorFacts, P)| (facts.tensor.clone(), (facts, place));
        Self {
            path: path.to_owned(),
            stamp,
            tensors: tensors.into_iter().map(named).collect(),
            metadata,
            imports: Vec::new(),
        }
    }

    /// The same, which asks for these imports.
    pub(super) fn importing(mut self, imports: Vec<String>) -> Self {
        self.imports = imports;
        self
    }
}

impl<P: Place> TensorFile for Opened<P> {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> Vec<TensorFacts> {
        let all = self.tensors.values();
        all.map(|(facts, _)| facts.clone()).collect()
    }

    fn holds(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn imports(&self) -> &[String] {
        &self.imports
    }

    fn unchanged(&self) -> Result<()> {
        if Stamp::of(&self.path)? == self.stamp {
            return Ok(());
        }
        Err(Error::Changed {
            path: self.path.clone(),
        })
    }

    fn read(&self, tensor: &str, span: Option<Range<usize>>) -> Result<Option<Entries>> {
        let Some((facts, place)) = self.tensors.get(tensor) else {
            return Ok(None);
        };
        let Some(count) = count(&facts.shape) else {
            return Ok(None);
        };
        let span = span.unwrap_or(0..count);
        if span.start > span.end || span.end > count {
            return Ok(None);
        }
        let path = &self.path;
        place.entries(&Tensor { path, facts }, span)
    }
}

/// A tensor and the file it lies in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tensor<'a> {
    pub(super) path: &'a Path,
    pub(super) facts: &'a TensorFacts,
}

impl Tensor<'_> {
    /// Bytes of an entry, where it has whole ones.
    pub(super) fn width(&self) -> Option<u64> {
        decode::bits(&self.facts.dtype).map(|bits| bits / 8)
    }

    /// The file from this byte on.
    pub(super) fn file_from(&self, start: u64) -> Result<File> {
        let mut file = File::open(self.path).map_err(|source| self.io(source))?;
        file.seek(SeekFrom::Start(start))
            .map_err(|source| self.io(source))?;
        Ok(file)
    }

    /// The next `count` entries, one after the other; nothing for a dtype that is not read. `fault`
    /// makes an error of the system's answer, or of a file that ends before they do.
    pub(super) fn plain(
        &self,
        count: usize,
        from: &mut impl Read,
        fault: impl FnOnce(Option<io::Error>) -> Error,
    ) -> Result<Option<Entries>> {
        let bytes = self.width().unwrap_or(0) * count as u64;
        self.got(
            decode::entries(&self.facts.dtype, count, from),
            bytes,
            fault,
        )
    }

    /// What was read, of so many bytes; nothing for a dtype that is not read.
    pub(super) fn got<T>(
        &self,
        read: std::result::Result<T, Unread>,
        bytes: u64,
        fault: impl FnOnce(Option<io::Error>) -> Error,
    ) -> Result<Option<T>> {
        match read {
            Ok(entries) => Ok(Some(entries)),
            Err(Unread::Dtype) => Ok(None),
            Err(Unread::Io(source)) => Err(fault(Some(source))),
            Err(Unread::Short) => Err(fault(None)),
            Err(Unread::Memory) => Err(Error::Memory {
                path: self.path.to_owned(),
                tensor: self.facts.tensor.clone(),
                bytes,
            }),
        }
    }

    /// The error of a file that cannot be read.
    pub(super) fn io(&self, source: io::Error) -> Error {
        FileError::Io {
            action: "read",
            path: self.path.to_owned(),
            source,
        }
        .into()
    }

    /// The error of a file that ends before the tensor does.
    pub(super) fn short(&self, format: &'static str) -> Error {
        let name = &self.facts.tensor;
        unsound(
            self.path,
            format,
            format!("tensor `{name}` ends before its shape does"),
        )
    }
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
