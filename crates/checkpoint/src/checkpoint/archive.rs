//! Zip archives: what NumPy's .npz and PyTorch's .pth are.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::decode::Entries;
use super::file::{Tensor, unsound};
use crate::FileError;
use crate::{Error, Result};

/// Most bytes that one packed byte stands for: two bits for 258 (RFC 1951, §3.2.5).
const DEFLATE: u64 = 1032;

/// A zip archive of this format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Archive<'a> {
    pub(super) path: &'a Path,
    pub(super) format: &'static str,
}

/// A member of an archive as its directory lists it.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    /// Bytes that the directory says it has when it is unpacked.
    pub(super) bytes: u64,
}

impl Archive<'_> {
    /// Its members, which are files that nobody encrypted.
    pub(super) fn members(self) -> Result<Vec<Member>> {
        let mut archive = self.open()?;
        if archive.has_duplicate_names() {
            return Err(self.fault("two members of its archive have one name"));
        }
        let mut members = Vec::new();
        for place in 0..archive.len() {
            let member = archive.by_index_raw(place).map_err(|e| self.zip(&e))?;
            if !member.is_file() {
                continue;
            }
            if member.encrypted() {
                return Err(self.fault("its archive is encrypted"));
            }
            let name = member.name().map_err(|e| self.zip(&e))?.into_owned();
            let (bytes, packed) = (member.size(), member.compressed_size());
            let most = match member.compression() {
                CompressionMethod::Stored => packed,
                _ => packed.saturating_mul(DEFLATE),
            };
            if bytes > most {
                return Err(self.fault(format!(
                    "`{name}` in its archive claims {bytes} bytes, of which {packed} packed ones hold at most {most}"
                )));
            }
            members.push(Member { name, bytes });
        }
        Ok(members)
    }

    /// What `read` makes of a member.
    pub(super) fn with<T>(
        self,
        member: &str,
        read: impl FnOnce(&mut ZipFile<'_, BufReader<File>>) -> Result<T>,
    ) -> Result<T> {
        let mut archive = self.open()?;
        let mut member = archive.by_name(member).map_err(|e| self.zip(&e))?;
        read(&mut member)
    }

    /// Some entries of a tensor that begins at byte `start` of a member.
    pub(super) fn entries(
        self,
        member: &str,
        start: u64,
        tensor: &Tensor<'_>,
        span: Range<usize>,
    ) -> Result<Option<Entries>> {
        let Some(width) = tensor.width() else {
            return Ok(None);
        };
        let fault = |source: Option<io::Error>| {
            source.map_or_else(|| tensor.short(self.format), |source| self.io(source))
        };
        self.with(member, |file| {
            let skipped = start + span.start as u64 * width;
            let found = io::copy(&mut file.by_ref().take(skipped), &mut io::sink());
            if found.map_err(|source| self.io(source))? < skipped {
                return Err(fault(None));
            }
            tensor.plain(span.len(), file, fault)
        })
    }

    fn open(self) -> Result<ZipArchive<BufReader<File>>> {
        let file = File::open(self.path).map_err(|source| self.io(source))?;
        ZipArchive::new(BufReader::new(file)).map_err(|e| self.zip(&e))
    }

    pub(super) fn fault(self, fault: impl Into<String>) -> Error {
        unsound(self.path, self.format, fault)
    }

    pub(super) fn io(self, source: io::Error) -> Error {
        // What the archive's own reader finds wrong with the bytes.
        if source.kind() == io::ErrorKind::InvalidData
            || source.kind() == io::ErrorKind::InvalidInput
        {
            return self.fault(format!("its archive is damaged: {source}"));
        }
        FileError::Io {
            action: "read",
            path: self.path.to_owned(),
            source,
        }
        .into()
    }

    fn zip(self, error: &zip::result::ZipError) -> Error {
        self.fault(format!("its archive cannot be read: {error}"))
    }
}
