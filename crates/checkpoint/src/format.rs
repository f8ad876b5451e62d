//! What a format is: how its files are known, and how they become tensors.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use crate::archive::Archive;
use crate::entries::{self, Unread};
use crate::error::HeaderFault;
use crate::{ByteSource, Dtype, Entries, Standing, TensorFacts, strided};

/// A format of checkpoints: one file of `formats/` each, one line of
/// [`FORMATS`](crate::FORMATS).
#[derive(Debug)]
#[non_exhaustive]
pub struct Format {
    /// What it is called.
    pub name: &'static str,
    /// What is read of it, as the page of formats has it.
    pub about: &'static str,
    /// How names of its files end, in lower case, the most telling first.
    pub endings: &'static [&'static str],
    /// How names of the shards end that an index names; the index ends in the same and `.index.json`.
    pub shards: Option<&'static str>,
    /// Whether content begins as this format does.
    pub(crate) begins: fn(&Beginning) -> bool,
    /// Reads the headers.
    pub(crate) open: fn(&Arc<dyn ByteSource>) -> Result<Contents, Fault>,
}

impl Format {
    /// How names of its index end.
    pub fn index(&self) -> Option<String> {
        self.shards.map(|ending| format!("{ending}.index.json"))
    }

    /// Whether a name ends as those of its files do, in any case.
    pub fn is_named(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.endings.iter().any(|ending| name.ends_with(ending))
    }
}

/// Why a file could not be opened.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The system's answer.
    Io(io::Error),
    /// The header of a safetensors file.
    Header(HeaderFault),
    /// What is wrong with it, in words.
    Unsound(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<HeaderFault> for Fault {
    fn from(fault: HeaderFault) -> Self {
        Self::Header(fault)
    }
}

impl From<String> for Fault {
    fn from(fault: String) -> Self {
        Self::Unsound(fault)
    }
}

impl From<&str> for Fault {
    fn from(fault: &str) -> Self {
        Self::Unsound(fault.to_owned())
    }
}

/// Bytes that tell formats apart.
const TELLING: u64 = 512;

/// How a file begins, and the members of the archive that it may be.
pub(crate) struct Beginning<'a> {
    /// Its first bytes, up to 512.
    pub(crate) bytes: Vec<u8>,
    source: &'a Arc<dyn ByteSource>,
    members: OnceCell<Vec<String>>,
}

impl<'a> Beginning<'a> {
    pub(crate) fn read(source: &'a Arc<dyn ByteSource>) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let range = 0..source.length().min(TELLING);
        source.read(range)?.read_to_end(&mut bytes)?;
        Ok(Self {
            bytes,
            source,
            members: OnceCell::new(),
        })
    }

    /// Bytes of the whole file.
    pub(crate) fn length(&self) -> u64 {
        self.source.length()
    }

    /// Names of the members of a zip archive; none of what is no archive.
    pub(crate) fn members(&self) -> &[String] {
        self.members.get_or_init(|| {
            if self.bytes.starts_with(b"PK") {
                Archive::names(self.source).unwrap_or_default()
            } else {
                Vec::new()
            }
        })
    }
}

/// What a header says: every tensor and where it is stored.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// No two have one name.
    pub(crate) tensors: Vec<(TensorFacts, Storage)>,
    /// What is described or stored and cannot be read: listed all the same, with
    /// [`Standing::Unbuilt`] or [`Standing::Unreadable`]. No name is that of a tensor.
    pub(crate) unread: Vec<(TensorFacts, Standing)>,
    /// What the file says of itself.
    pub(crate) metadata: BTreeMap<String, String>,
    /// What the file asks a program that runs its pickle to import, beside what tensors are made of.
    pub(crate) imports: Vec<String>,
}

/// Where a tensor is stored, and how.
#[derive(Debug)]
pub(crate) struct Storage {
    /// The bytes it is among.
    pub(crate) bytes: Arc<dyn ByteSource>,
    /// The first of its own.
    pub(crate) start: u64,
    pub(crate) layout: Layout,
}

/// How entries lie.
#[derive(Debug)]
pub(crate) enum Layout {
    /// One after the other, row by row.
    Rows,
    /// One after the other, with so many entries from one to the next along each side.
    Strides(Vec<usize>),
    /// In blocks.
    Blocks(&'static dyn Blocks),
}

/// Entries that share bytes.
pub(crate) trait Blocks: Debug + Send + Sync {
    /// Entries of a block, and its bytes.
    fn sizes(&self) -> (usize, usize);

    /// Reads the next blocks.
    fn read(&self, blocks: usize, from: &mut dyn Read) -> Result<Vec<f32>, Unread>;
}

impl Storage {
    /// Entries `span` of a tensor that is stored here and has as many.
    pub(crate) fn read(&self, tensor: &TensorFacts, span: Range<usize>) -> Result<Entries, Unread> {
        let (dtype, shape) = (&tensor.dtype, &tensor.shape);
        match &self.layout {
            Layout::Rows => self.in_order(dtype, span),
            Layout::Strides(strides) if strided::is_in_order(shape, strides) => {
                self.in_order(dtype, span)
            }
            Layout::Strides(strides) => {
                let window = strided::window(shape, strides, &span).ok_or(Unread::Short)?;
                let start = window.start;
                let stored = self.in_order(dtype, window)?;
                strided::gather(&stored, start, shape, strides, span).ok_or(Unread::Short)
            }
            Layout::Blocks(blocks) => self.in_blocks(*blocks, span),
        }
    }

    fn in_order(&self, dtype: &Dtype, span: Range<usize>) -> Result<Entries, Unread> {
        let width = dtype.bytes().ok_or(Unread::Dtype)?;
        let mut from = self.from(span.start as u64, span.end as u64, width)?;
        entries::read(dtype, span.len(), from.as_mut())
    }

    /// Slices of a stack are whole rows, and rows whole blocks; others are cut out.
    fn in_blocks(&self, layout: &dyn Blocks, span: Range<usize>) -> Result<Entries, Unread> {
        let (each, bytes) = layout.sizes();
        let (first, end) = (span.start / each, span.end.div_ceil(each));
        if span.is_empty() {
            return Ok(Entries::F32(Vec::new()));
        }
        let mut from = self.from(first as u64, end as u64, bytes as u64)?;
        let mut numbers = layout.read(end - first, from.as_mut())?;
        numbers.truncate(span.end - first * each);
        numbers.drain(..span.start - first * each);
        Ok(Entries::F32(numbers))
    }

    /// Units `first` to `end`, each of so many bytes.
    fn from(&self, first: u64, end: u64, width: u64) -> Result<Box<dyn Read + '_>, Unread> {
        let at = |unit: u64| self.start.saturating_add(unit.saturating_mul(width));
        self.bytes.read(at(first)..at(end)).map_err(Unread::Io)
    }
}
