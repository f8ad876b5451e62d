//! Zip archives: what NumPy's .npz and PyTorch's .pth are.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::ByteSource;
use crate::byte_source::{Cursor, PartOf};

/// Most bytes that one packed byte stands for: two bits for 258 (RFC 1951, §3.2.5).
const DEFLATE: u64 = 1032;
/// Bytes of the directory that are read at a time.
const DIRECTORY: u64 = 1 << 12;
/// Packed bytes that are read at a time.
const PACKED: u64 = 1 << 16;

/// The members of a zip archive, which are files that nobody encrypted, by name.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) members: BTreeMap<String, Arc<dyn ByteSource>>,
    /// Members that cannot be read, and why.
    pub(crate) refused: BTreeMap<String, String>,
}

impl Archive {
    /// Reads the directory and where each member begins.
    pub(crate) fn open(file: &Arc<dyn ByteSource>) -> Result<Self, String> {
        let mut archive = directory(file)?;
        if archive.has_duplicate_names() {
            return Err("two members of its archive have one name".into());
        }
        let (mut members, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for place in 0..archive.len() {
            let member = archive.by_index_raw(place).map_err(|e| fault(&e))?;
            if !member.is_file() {
                continue;
            }
            let name = member.name().map_err(|e| fault(&e))?.into_owned();
            let (bytes, packed) = (member.size(), member.compressed_size());
            let method = member.compression();
            if member.encrypted() {
                refused.insert(name, "it is encrypted".to_owned());
                continue;
            }
            let most = match method {
                CompressionMethod::Stored => packed,
                _ => packed.saturating_mul(DEFLATE),
            };
            if bytes > most {
                return Err(format!(
                    "`{name}` in its archive claims {bytes} bytes, of which {packed} packed ones hold at most {most}"
                ));
            }
            let start = member.data_start().unwrap_or(u64::MAX);
            let stored: Arc<dyn ByteSource> = Arc::new(PartOf::new(file, start, packed));
            let member: Arc<dyn ByteSource> = match method {
                CompressionMethod::Stored => stored,
                CompressionMethod::Deflated => Arc::new(Deflated {
                    packed: stored,
                    bytes,
                    state: Mutex::new(State::default()),
                }),
                other => {
                    let fault = format!("it is packed by {other}, not by deflate");
                    refused.insert(name, fault);
                    continue;
                }
            };
            members.insert(name, member);
        }
        Ok(Self { members, refused })
    }

    /// Names of its members; only the directory is read.
    pub(crate) fn names(file: &Arc<dyn ByteSource>) -> Result<Vec<String>, String> {
        let archive = directory(file)?;
        let names = archive.file_names();
        names
            .map(|name| Ok(name.map_err(|e| fault(&e))?.into_owned()))
            .collect()
    }
}

fn directory(file: &Arc<dyn ByteSource>) -> Result<ZipArchive<Cursor>, String> {
    ZipArchive::new(Cursor::new(file, DIRECTORY)).map_err(|e| fault(&e))
}

fn fault(error: &zip::result::ZipError) -> String {
    format!("its archive cannot be read: {error}")
}

/// Unpacked bytes that are kept because those behind them were asked for first.
const KEPT: u64 = 1 << 24;

/// A member that is packed. Its bytes can only be had in order: one reader at a time goes on where
/// the last one stopped, or begins again. Threads that read one slice each ask for them almost in
/// order, so what is passed over is kept for the one that comes late.
#[derive(Debug)]
struct Deflated {
    packed: Arc<dyn ByteSource>,
    bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    decoder: Option<Decoder>,
    /// What was passed over, by its first byte.
    passed: BTreeMap<u64, Vec<u8>>,
}

#[derive(Debug)]
struct Decoder {
    from: DeflateDecoder<Cursor>,
    at: u64,
}

impl State {
    /// Bytes of a range that was passed over; they are given away.
    fn take(&mut self, range: &Range<u64>) -> Option<Vec<u8>> {
        let (&start, piece) = self.passed.range(..=range.start).next_back()?;
        if range.end > start + piece.len() as u64 {
            return None;
        }
        let mut before = self.passed.remove(&start)?;
        let mut taken = before.split_off((range.start - start) as usize);
        let after = taken.split_off((range.end - range.start) as usize);
        for (start, piece) in [(start, before), (range.end, after)] {
            if !piece.is_empty() {
                self.passed.insert(start, piece);
            }
        }
        Some(taken)
    }

    /// Keeps a piece, and forgets others where they are too many.
    fn keep(&mut self, start: u64, piece: Vec<u8>) {
        let kept = self.passed.values().map(|piece| piece.len() as u64);
        if kept.sum::<u64>() + piece.len() as u64 > KEPT {
            self.passed.clear();
        }
        self.passed.insert(start, piece);
    }
}

impl ByteSource for Deflated {
    fn length(&self) -> u64 {
        self.bytes
    }

    fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = state.take(&range) {
            return Ok(Box::new(io::Cursor::new(taken)));
        }
        let reached = state.decoder.as_ref().map(|decoder| decoder.at);
        let reached = reached.filter(|&at| at <= range.start).unwrap_or_else(|| {
            state.decoder = Some(Decoder {
                from: DeflateDecoder::new(Cursor::new(&self.packed, PACKED)),
                at: 0,
            });
            0
        });
        let mut unpacked = Unpacked {
            state,
            end: range.start,
            bytes: self.bytes,
        };
        if range.start - reached <= KEPT {
            let mut passed = Vec::new();
            unpacked.read_to_end(&mut passed)?;
            if !passed.is_empty() {
                unpacked.state.keep(reached, passed);
            }
        } else {
            io::copy(&mut unpacked, &mut io::sink())?;
        }
        unpacked.end = range.end;
        Ok(Box::new(unpacked))
    }
}

/// Unpacked bytes up to `end`.
struct Unpacked<'a> {
    state: MutexGuard<'a, State>,
    end: u64,
    /// Of the member.
    bytes: u64,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = self.state.decoder.as_mut() else {
            return Ok(0);
        };
        let left = self.end.min(self.bytes).saturating_sub(decoder.at);
        let count = usize::try_from(left).map_or(into.len(), |left| into.len().min(left));
        let read = decoder.from.read(&mut into[..count])?;
        decoder.at += read as u64;
        // Its memory is given back with the last byte.
        if decoder.at >= self.bytes {
            self.state.decoder = None;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor as Memory, Write};

    use super::*;
    use zip::write::SimpleFileOptions;

    #[test]
    fn a_member_is_read_from_any_place_stored_or_packed() {
        let content: Vec<u8> = (0..300_000_u32)
            .map(|i| (i.wrapping_mul(i) % 251) as u8)
            .collect();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let mut archive = zip::ZipWriter::new(Memory::new(Vec::new()));
            let options = SimpleFileOptions::default().compression_method(method);
            archive.start_file("before", options).unwrap();
            archive.write_all(b"before").unwrap();
            archive.start_file("member", options).unwrap();
            archive.write_all(&content).unwrap();
            let file: Arc<dyn ByteSource> = Arc::new(archive.finish().unwrap().into_inner());
            assert_eq!(Archive::names(&file).unwrap(), ["before", "member"]);
            let archive = Archive::open(&file).unwrap();
            let member = &archive.members["member"];
            assert_eq!(member.length(), 300_000);
            for range in [
                5..90,
                200..200_000,
                100..120,
                90..100,
                120..200,
                10..20,
                299_990..300_000,
                0..300_000,
            ] {
                let mut read = Vec::new();
                member
                    .read(range.clone())
                    .unwrap()
                    .read_to_end(&mut read)
                    .unwrap();
                let (start, end) = (range.start as usize, range.end as usize);
                assert_eq!(read, content[start..end], "{range:?}");
            }
            let mut past = Vec::new();
            member
                .read(299_999..400_000)
                .unwrap()
                .read_to_end(&mut past)
                .unwrap();
            assert_eq!(past.len(), 1);
        }
    }
}
