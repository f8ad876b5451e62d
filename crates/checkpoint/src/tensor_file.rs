//! A file whose header holds together, and its tensors one at a time.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::digested::Digested;
use crate::entries::Unread;
use crate::error::{Error, FileError, Result};
use crate::format::{Fault, Format, Storage};
use crate::{ByteSource, Dtype, Entries, Standing, TensorFacts};

/// A file that was opened and checked. No weight is in memory.
#[derive(Debug)]
pub(crate) struct TensorFile {
    path: PathBuf,
    format: &'static Format,
    bytes: Arc<Digested>,
    tensors: BTreeMap<String, (TensorFacts, Storage)>,
    unread: Vec<(TensorFacts, Standing)>,
    metadata: BTreeMap<String, String>,
    imports: Vec<String>,
}

impl TensorFile {
    /// Reads the header of what is called `path` as one of this format.
    pub(crate) fn open(path: &Path, bytes: Arc<Digested>, format: &'static Format) -> Result<Self> {
        let source: Arc<dyn ByteSource> = bytes.clone();
        let opened = (format.open)(&source).map_err(|fault| refused(path, format, fault))?;
        let named =
            |(facts, storage): (TensorFacts, Storage)| (facts.tensor.clone(), (facts, storage));
        Ok(Self {
            path: path.to_owned(),
            format,
            bytes,
            tensors: opened.tensors.into_iter().map(named).collect(),
            unread: opened.unread,
            metadata: opened.metadata,
            imports: opened.imports,
        })
    }

    /// Where it lies, or what it is called.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its own bytes.
    pub(crate) fn bytes(&self) -> &Digested {
        &self.bytes
    }

    /// Takes NumPy's entries of two bytes without a type for the upper halves of F32, as which
    /// `ml_dtypes` stores them.
    pub(crate) fn void_is_bfloat16(&mut self) {
        for (facts, _) in self.tensors.values_mut() {
            if matches!(facts.dtype.name(), "<V2" | "|V2") {
                facts.dtype = Dtype::BF16;
            }
        }
    }

    /// Its tensors, in the order of their names; no name comes twice.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &TensorFacts> {
        self.tensors.values().map(|(facts, _)| facts)
    }

    /// What it describes or stores and cannot be read.
    pub(crate) fn unread(&self) -> &[(TensorFacts, Standing)] {
        &self.unread
    }

    /// Whether it holds a tensor of this name.
    pub(crate) fn holds(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    /// What its header says of a tensor.
    pub(crate) fn facts(&self, tensor: &str) -> Option<&TensorFacts> {
        self.tensors.get(tensor).map(|(facts, _)| facts)
    }

    /// Where a tensor is stored.
    pub(crate) fn stored(&self, tensor: &str) -> Option<&Storage> {
        self.tensors.get(tensor).map(|(_, storage)| storage)
    }

    /// What it says of itself.
    pub(crate) const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// What it asks a loader that runs pickles to import, beside what tensors are made of.
    pub(crate) fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Refuses a file that is no longer what was opened.
    pub(crate) fn unchanged(&self) -> Result<()> {
        if self.bytes.is_unchanged()? {
            return Ok(());
        }
        Err(Error::Changed {
            path: self.path.clone(),
        })
    }

    /// `span` of the entries of one tensor, or all; nothing for a dtype that is not read or a
    /// span outside the tensor.
    pub(crate) fn read(&self, tensor: &str, span: Option<Range<usize>>) -> Result<Option<Entries>> {
        let Some((facts, storage)) = self.tensors.get(tensor) else {
            return Ok(None);
        };
        let Some(count) = facts.count() else {
            return Ok(None);
        };
        let span = span.unwrap_or(0..count);
        if span.start > span.end || span.end > count {
            return Ok(None);
        }
        let length = span.len() as u64;
        match storage.read(facts, span) {
            Ok(entries) => Ok(Some(entries)),
            Err(Unread::Dtype) => Ok(None),
            Err(Unread::Io(error)) => Err(self.refused(error.into())),
            Err(Unread::Short) => Err(self.refused(short(tensor).into())),
            Err(Unread::Memory) => Err(Error::Memory {
                path: self.path.clone(),
                tensor: tensor.to_owned(),
                bytes: length.saturating_mul(facts.dtype.bytes().unwrap_or(4)),
            }),
        }
    }

    /// Why bytes of it could not be read.
    pub(crate) fn unreadable(&self, error: io::Error) -> Error {
        self.refused(error.into())
    }

    fn refused(&self, fault: Fault) -> Error {
        refused(&self.path, self.format, fault)
    }
}

/// What is said of a tensor whose bytes are not all there.
pub(crate) fn short(tensor: &str) -> String {
    format!("tensor `{tensor}` ends before its shape does")
}

fn refused(path: &Path, format: &'static Format, fault: Fault) -> Error {
    let path = path.to_owned();
    let unsound = |path, fault| Error::Unsound {
        path,
        format: format.name,
        fault,
    };
    match fault {
        // What a reader of packed bytes finds wrong with them.
        Fault::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
            ) =>
        {
            unsound(path, format!("its archive is damaged: {error}"))
        }
        Fault::Io(source) => FileError::Io {
            action: "read",
            path,
            source,
        }
        .into(),
        Fault::Header(fault) => Error::Header { path, fault },
        Fault::Unsound(fault) => unsound(path, fault),
    }
}
