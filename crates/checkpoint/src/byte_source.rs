//! Bytes by range: no format knows where its bytes come from.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Result;
use crate::file_identity::FileIdentity;

/// Bytes of which any range can be had: a file, a member of an archive, memory.
pub trait ByteSource: Debug + Send + Sync {
    /// How many there are, as of the opening.
    fn length(&self) -> u64;

    /// Reads a range of them, in order. A reader that ends before the range does says that the
    /// rest is not there.
    fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>>;

    /// Whether they are still those that were opened.
    fn is_unchanged(&self) -> Result<bool> {
        Ok(true)
    }
}

/// A regular file. It is opened anew for each range: a checkpoint may have more files than a
/// process may hold open.
#[derive(Debug)]
pub(crate) struct FileBytes {
    path: PathBuf,
    /// Taken before anything was read.
    identity: FileIdentity,
}

impl FileBytes {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: FileIdentity::at(path)?,
        })
    }
}

impl ByteSource for FileBytes {
    fn length(&self) -> u64 {
        self.identity.bytes
    }

    fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.identity.bytes {
            let fault = "it is shorter than when it was opened";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, fault));
        }
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start))?;
        }
        Ok(Box::new(file.take(range.end.saturating_sub(range.start))))
    }

    fn is_unchanged(&self) -> Result<bool> {
        Ok(FileIdentity::at(&self.path)? == self.identity)
    }
}

impl ByteSource for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>> {
        let inside = |at: u64| usize::try_from(at).map_or(self.len(), |at| at.min(self.len()));
        Ok(Box::new(&self[inside(range.start)..inside(range.end)]))
    }
}

/// Some of the bytes of another source: a member of an archive that is stored as it is.
#[derive(Debug)]
pub(crate) struct PartOf {
    whole: Arc<dyn ByteSource>,
    range: Range<u64>,
}

impl PartOf {
    pub(crate) fn new(whole: &Arc<dyn ByteSource>, start: u64, length: u64) -> Self {
        Self {
            whole: Arc::clone(whole),
            range: start..start.saturating_add(length),
        }
    }
}

impl ByteSource for PartOf {
    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>> {
        let inside = |at: u64| self.range.start.saturating_add(at).min(self.range.end);
        self.whole.read(inside(range.start)..inside(range.end))
    }
}

/// Reads on from any place of a source, some bytes at a time.
#[derive(Debug)]
pub(crate) struct Cursor {
    bytes: Arc<dyn ByteSource>,
    /// Bytes of a part.
    part: u64,
    /// What was read last, and where that begins.
    buffer: Vec<u8>,
    start: u64,
    at: u64,
}

impl Cursor {
    /// At the first byte, `part` bytes at a time.
    pub(crate) fn new(bytes: &Arc<dyn ByteSource>, part: u64) -> Self {
        Self {
            bytes: Arc::clone(bytes),
            part,
            buffer: Vec::new(),
            start: 0,
            at: 0,
        }
    }

    /// Where the next byte is.
    pub(crate) const fn position(&self) -> u64 {
        self.at
    }

    /// Goes on `count` bytes later.
    pub(crate) fn skip(&mut self, count: u64) {
        self.at = self.at.saturating_add(count);
    }

    /// What was read and not yet taken.
    fn left(&self) -> &[u8] {
        let from = self.at.checked_sub(self.start);
        let from = from.and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.buffer.get(from..))
            .unwrap_or_default()
    }
}

impl BufRead for Cursor {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left().is_empty() && self.at < self.bytes.length() {
            self.buffer.clear();
            self.start = self.at;
            let end = self.at.saturating_add(self.part).min(self.bytes.length());
            self.bytes
                .read(self.at..end)?
                .read_to_end(&mut self.buffer)?;
        }
        Ok(self.left())
    }

    fn consume(&mut self, count: usize) {
        self.skip(count as u64);
    }
}

impl Read for Cursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.bytes.length(), by),
        };
        let at = from
            .checked_add_signed(by)
            .ok_or(io::ErrorKind::InvalidInput)?;
        self.at = at;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &dyn ByteSource, range: Range<u64>) -> Vec<u8> {
        let mut read = Vec::new();
        bytes.read(range).unwrap().read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn a_range_is_the_same_in_a_file_in_memory_and_in_a_part() {
        let content: Vec<u8> = (0..100).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &content).unwrap();
        let file: Arc<dyn ByteSource> = Arc::new(FileBytes::open(file.path()).unwrap());
        let memory: Arc<dyn ByteSource> = Arc::new(content);
        for bytes in [&file, &memory] {
            assert_eq!(bytes.length(), 100);
            assert_eq!(all(bytes.as_ref(), 7..9), [7, 8]);
            assert_eq!(all(bytes.as_ref(), 98..200), [98, 99]);
            assert!(all(bytes.as_ref(), 100..u64::MAX).is_empty());
            let part = PartOf::new(bytes, 10, 5);
            assert_eq!((part.length(), all(&part, 3..9)), (5, vec![13, 14]));
            assert!(all(&part, 6..7).is_empty());
        }
    }

    #[test]
    fn a_cursor_reads_on_from_anywhere() {
        let memory: Arc<dyn ByteSource> = Arc::new((0..100).collect::<Vec<u8>>());
        for part in [1, 3, 64, 1000] {
            let mut cursor = Cursor::new(&memory, part);
            let mut four = [0; 4];
            for (to, wanted) in [
                (SeekFrom::Start(6), [6, 7, 8, 9]),
                (SeekFrom::Current(-8), [2, 3, 4, 5]),
                (SeekFrom::End(-4), [96, 97, 98, 99]),
            ] {
                cursor.seek(to).unwrap();
                cursor.read_exact(&mut four).unwrap();
                assert_eq!(four, wanted, "{part}");
            }
            assert_eq!(cursor.position(), 100);
            assert!(cursor.read_exact(&mut four).is_err());
            assert!(cursor.seek(SeekFrom::Current(-101)).is_err());
        }
    }
}
