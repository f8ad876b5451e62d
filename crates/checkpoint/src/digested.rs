//! Bytes whose digest is taken while they are read, as far as they are read in order; the rest is
//! read when the digest is asked for.

use std::fmt;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::ByteSource;
use crate::error::Result;

/// Bytes that are read once more so that those behind them count: headers inside an archive.
const GAP: u64 = 1 << 12;
/// Bytes that are read together.
const BLOCK: usize = 1 << 20;

/// A source and the digest of its first bytes.
#[derive(Debug)]
pub(crate) struct Digested {
    source: Arc<dyn ByteSource>,
    first: Mutex<First>,
}

/// The digest of the bytes before `at`.
#[derive(Clone)]
struct First {
    hasher: Sha256,
    at: u64,
}

impl fmt::Debug for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the first {} bytes", self.at)
    }
}

impl First {
    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
    }

    /// Reads on up to `end`; false when it was told to stop or the bytes end before.
    fn read_on(
        &mut self,
        source: &dyn ByteSource,
        end: u64,
        stop: &AtomicBool,
    ) -> io::Result<bool> {
        if self.at >= end {
            return Ok(true);
        }
        let mut from = source.read(self.at..end)?;
        let mut block = vec![0; BLOCK.min(usize::try_from(end - self.at).unwrap_or(BLOCK))];
        while !stop.load(Ordering::Relaxed) {
            let read = from.read(&mut block)?;
            if read == 0 {
                return Ok(self.at >= end);
            }
            self.take(&block[..read]);
        }
        Ok(false)
    }
}

impl Digested {
    pub(crate) fn new(source: Arc<dyn ByteSource>) -> Self {
        let first = First {
            hasher: Sha256::new(),
            at: 0,
        };
        Self {
            source,
            first: Mutex::new(first),
        }
    }

    /// Bytes and SHA-256 of the whole, in lower-case hexadecimal; nothing when it was told to stop.
    pub(crate) fn digest(&self, stop: &AtomicBool) -> io::Result<Option<(u64, String)>> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.read_on(self.source.as_ref(), self.source.length(), stop)?;
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut sha256 = String::new();
        for byte in first.hasher.clone().finalize() {
            // Writing to a string cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Some((first.at, sha256)))
    }
}

impl ByteSource for Digested {
    fn length(&self) -> u64 {
        self.source.length()
    }

    fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>> {
        let start = range.start;
        // Whoever reads while another does is not waited for.
        let first = self
            .first
            .try_lock()
            .ok()
            .filter(|first| first.at < range.end && start.saturating_sub(first.at) <= GAP);
        let Some(mut first) = first else {
            return self.source.read(range);
        };
        let there = first.read_on(self.source.as_ref(), start, &AtomicBool::new(false))?;
        let from = self.source.read(range)?;
        if !there {
            return Ok(from);
        }
        Ok(Box::new(Passing {
            from,
            at: start,
            first,
        }))
    }

    fn is_unchanged(&self) -> Result<bool> {
        self.source.is_unchanged()
    }
}

/// A reader whose bytes count as they pass.
struct Passing<'a> {
    from: Box<dyn Read + 'a>,
    /// Place of the next byte, at most that of the first one that does not count yet.
    at: u64,
    first: MutexGuard<'a, First>,
}

impl Read for Passing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        // Some were read before.
        let known = usize::try_from(self.first.at - self.at).map_or(read, |known| known.min(read));
        self.first.take(&into[known..read]);
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-2, example of "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn digest(of: &Digested) -> (u64, String) {
        of.digest(&AtomicBool::new(false)).unwrap().unwrap()
    }

    #[test]
    fn the_digest_is_sha256() {
        let abc = Digested::new(Arc::new(b"abc".to_vec()));
        assert_eq!(abc.digest(&AtomicBool::new(true)).unwrap(), None);
        assert_eq!(digest(&abc), (3, ABC.to_owned()));
        assert_eq!(digest(&abc), (3, ABC.to_owned()), "asked for again");
    }

    /// A source that counts the bytes that are read of it.
    #[derive(Debug)]
    struct Counted(Vec<u8>, Mutex<u64>);

    impl ByteSource for Counted {
        fn length(&self) -> u64 {
            self.0.length()
        }

        fn read(&self, range: Range<u64>) -> io::Result<Box<dyn Read + '_>> {
            *self.1.lock().unwrap() += range.end - range.start;
            self.0.read(range)
        }
    }

    // Headers, a part twice, a gap that is filled, one that is too wide, and the rest.
    #[test]
    fn any_order_of_reading_gives_the_same_digest_and_reads_no_more_than_it_must() {
        let content: Vec<u8> = (0..100_000_u32).map(|i| (i * i % 251) as u8).collect();
        let wanted = digest(&Digested::new(Arc::new(content.clone())));
        let tests: [(&[Range<u64>], u64); 5] = [
            (std::slice::from_ref(&(0..100_000)), 100_000),
            (&[0..8, 8..100, 100..100_000], 100_000),
            (&[0..500, 10..400, 200..1000, 3000..100_000], 101_100),
            (&[50_000..60_000, 0..10], 110_000),
            (&[], 100_000),
        ];
        for (ranges, most) in tests {
            let counted = Arc::new(Counted(content.clone(), Mutex::new(0)));
            let digested = Digested::new(Arc::clone(&counted) as Arc<dyn ByteSource>);
            for range in ranges {
                let mut read = Vec::new();
                digested
                    .read(range.clone())
                    .unwrap()
                    .read_to_end(&mut read)
                    .unwrap();
                assert_eq!(read, content[range.start as usize..range.end as usize]);
            }
            assert_eq!(digest(&digested), wanted, "{ranges:?}");
            let read = *counted.1.lock().unwrap();
            assert!((100_000..=most).contains(&read), "{ranges:?}: {read}");
        }
    }
}
