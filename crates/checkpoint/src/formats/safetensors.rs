//! One `.safetensors` file: a header nobody vetted, checked before anything is read.
//!
//! The header is parsed here and not by the `safetensors` crate, which refuses a whole file
//! for one dtype it does not know; we list such a tensor and skip it by name.

mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::error::HeaderFault;
use crate::format::{Beginning, Contents, Fault, Format, Layout, Storage};
use crate::{ByteSource, Dtype, TensorFacts};

pub use write::write_header;

pub(crate) const FORMAT: Format = Format {
    name: "safetensors",
    about: "one file",
    endings: &[".safetensors"],
    shards: Some(".safetensors"),
    begins,
    open,
};

/// The longest header we read; the format's own limit.
pub(crate) const HEADER_CAP: u64 = 100_000_000;

/// The one key of a header that is no tensor.
const METADATA: &str = "__metadata__";

#[derive(Deserialize)]
struct RawEntry {
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// The length of a header that the file has, and the object that it is.
fn begins(beginning: &Beginning) -> bool {
    let Some((length, header)) = beginning.bytes.split_first_chunk::<8>() else {
        return false;
    };
    let length = u64::from_le_bytes(*length);
    length <= HEADER_CAP
        && length.saturating_add(8) <= beginning.length()
        && header.starts_with(b"{")
}

/// Reads and checks the header.
fn open(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let header = read_header(file)?;
    // As a whole: the parser does not look into strings it skips.
    let text = std::str::from_utf8(&header).map_err(|e| HeaderFault::Json(e.to_string()))?;
    let raw: RawHeader =
        serde_json::from_str(text).map_err(|e| HeaderFault::Json(e.to_string()))?;
    let start = 8 + header.len() as u64;
    let placed = place(raw.tensors, start, file.length() - start)?;
    let stored = placed.into_iter().map(|(facts, start)| {
        let storage = Storage {
            bytes: Arc::clone(file),
            start,
            layout: Layout::Rows,
        };
        (facts, storage)
    });
    Ok(Contents {
        tensors: stored.collect(),
        metadata: raw.metadata,
        ..Contents::default()
    })
}

fn read_header(file: &Arc<dyn ByteSource>) -> Result<Vec<u8>, Fault> {
    let bytes = file.length();
    if bytes < 8 {
        return Err(HeaderFault::TooShort { bytes }.into());
    }
    let mut length = [0; 8];
    file.read(0..8)?.read_exact(&mut length)?;
    if length.starts_with(b"version ") {
        return Err(HeaderFault::LfsPointer.into());
    }
    let start = length.to_ascii_lowercase();
    if start.starts_with(b"<!doct") || start.starts_with(b"<html") {
        return Err(HeaderFault::WebPage.into());
    }
    let length = u64::from_le_bytes(length);
    if length > HEADER_CAP {
        let cap = HEADER_CAP;
        return Err(HeaderFault::TooLong { length, cap }.into());
    }
    if length > bytes - 8 {
        return Err(HeaderFault::PastEnd { length, bytes }.into());
    }
    let mut json = vec![0; usize::try_from(length).expect("below the cap")];
    file.read(8..8 + length)?.read_exact(&mut json)?;
    Ok(json)
}

/// The first byte of every tensor, checked, in a data part of `data` bytes that begins at `start`.
fn place(
    raw: Vec<(String, RawEntry)>,
    start: u64,
    data: u64,
) -> Result<Vec<(TensorFacts, u64)>, HeaderFault> {
    let mut names = BTreeSet::new();
    if let Some((tensor, _)) = raw.iter().find(|(tensor, _)| !names.insert(tensor)) {
        return Err(HeaderFault::Duplicate {
            tensor: tensor.clone(),
        });
    }
    let mut spans: Vec<(u64, u64, &str)> = Vec::with_capacity(raw.len());
    for (tensor, entry) in &raw {
        let (from, to) = entry.data_offsets;
        let tensor_name = || tensor.clone();
        if from > to {
            return Err(HeaderFault::Offsets {
                tensor: tensor_name(),
                from,
                to,
            });
        }
        if to > data {
            return Err(HeaderFault::Truncated {
                tensor: tensor_name(),
                // As far as 64 bits count.
                end: start.saturating_add(to),
                bytes: start + data,
            });
        }
        check_length(tensor, entry)?;
        spans.push((from, to, tensor));
    }
    check_tiling(spans, data)?;
    let placed = |(tensor, raw): (String, RawEntry)| {
        let facts = TensorFacts::new(tensor, raw.dtype, raw.shape);
        (facts, start + raw.data_offsets.0)
    };
    Ok(raw.into_iter().map(placed).collect())
}

/// The bytes of a tensor must be those its shape and dtype need.
fn check_length(tensor: &str, entry: &RawEntry) -> Result<(), HeaderFault> {
    let tensor = || tensor.to_owned();
    let overflow = || HeaderFault::Overflow { tensor: tensor() };
    // An empty side hides no overflow of the others: they are multiplied again later.
    let product = entry
        .shape
        .iter()
        .try_fold(1_u64, |product, &side| {
            product.checked_mul(side.max(1) as u64)
        })
        .ok_or_else(overflow)?;
    let count = if entry.shape.contains(&0) { 0 } else { product };
    let found = entry.data_offsets.1 - entry.data_offsets.0;
    let known = entry.dtype.bits();
    // No dtype packs several entries into a bit.
    let bits = count.checked_mul(known.unwrap_or(1)).ok_or_else(overflow)?;
    let wanted = bits.div_ceil(8);
    if found < wanted || known.is_some() && found > wanted {
        return Err(HeaderFault::Length {
            tensor: tensor(),
            wanted,
            found,
        });
    }
    if known.is_some() && !bits.is_multiple_of(8) {
        return Err(HeaderFault::Misaligned { tensor: tensor() });
    }
    Ok(())
}

/// The tensors must cover the data part without overlap and without a hole.
fn check_tiling(mut spans: Vec<(u64, u64, &str)>, data: u64) -> Result<(), HeaderFault> {
    spans.sort_unstable();
    let mut end = 0;
    let mut before = "";
    for (from, to, tensor) in spans {
        if from < end {
            return Err(HeaderFault::Overlap {
                first: before.to_owned(),
                second: tensor.to_owned(),
            });
        }
        if from > end {
            return Err(HeaderFault::Hole {
                tensor: tensor.to_owned(),
                bytes: from - end,
            });
        }
        (end, before) = (to, tensor);
    }
    if end < data {
        return Err(HeaderFault::Trailing { bytes: data - end });
    }
    Ok(())
}

/// The header as a list, so that a name that comes twice is seen.
struct RawHeader {
    tensors: Vec<(String, RawEntry)>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that maps tensor names to dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader {
            tensors: Vec::new(),
            metadata: BTreeMap::new(),
        };
        let mut described = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                if std::mem::replace(&mut described, true) {
                    return Err(de::Error::duplicate_field(METADATA));
                }
                header.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
            } else {
                header.tensors.push((name, map.next_value()?));
            }
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entries;

    /// A file of `json` and `data` zero bytes.
    fn file(json: &str, data: usize) -> Arc<dyn ByteSource> {
        raw(&[
            &(json.len() as u64).to_le_bytes()[..],
            json.as_bytes(),
            &vec![0; data],
        ]
        .concat())
    }

    fn raw(bytes: &[u8]) -> Arc<dyn ByteSource> {
        Arc::new(bytes.to_vec())
    }

    fn fault(file: &Arc<dyn ByteSource>) -> HeaderFault {
        match open(file) {
            Err(Fault::Header(fault)) => fault,
            other => panic!("expected a header fault, got {other:?}"),
        }
    }

    const GOOD: &str = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I4X","shape":[9],"data_offsets":[24,29]}}"#;

    #[test]
    fn a_sound_file_opens_and_lists_an_unknown_dtype() {
        let file = file(GOOD, 29);
        let opened = open(&file).unwrap().tensors;
        let [(a, stored), (b, other)] = &opened[..] else {
            panic!("{opened:?}");
        };
        assert_eq!(b.dtype.name(), "I4X");
        assert_eq!(stored.read(a, 0..6).unwrap(), Entries::F32(vec![0.0; 6]));
        assert!(other.read(b, 0..9).is_err());
    }

    #[test]
    fn a_part_of_a_tensor_is_read_alone() {
        let json = r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F16","shape":[2,2],"data_offsets":[3,11]}}"#;
        let data = [9, 9, 9, 0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44];
        let file = raw(&[&(json.len() as u64).to_le_bytes(), json.as_bytes(), &data].concat());
        let opened = open(&file).unwrap().tensors;
        let (facts, stored) = &opened[1];
        let read = |span| stored.read(facts, span).unwrap();
        let numbers = |of: &[f32]| {
            let of = of.iter().map(|&w| half::f16::from_f32(w));
            Entries::F16(of.collect())
        };
        assert_eq!(read(0..4), numbers(&[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(read(1..3), numbers(&[2.0, 3.0]));
        assert_eq!(read(4..4), numbers(&[]));
        assert!(stored.read(facts, 2..5).is_err());
    }

    #[test]
    fn each_fault_has_its_own_name() {
        let entry = |shape: &str, from: u64, to: u64| {
            format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
        };
        let one = |shape: &str, from, to| format!(r#"{{"a":{}}}"#, entry(shape, from, to));
        let two = |a: String, b: String| format!(r#"{{"a":{a},"b":{b}}}"#);
        assert!(matches!(
            fault(&raw(b"short")),
            HeaderFault::TooShort { bytes: 5 }
        ));
        assert!(matches!(
            fault(&raw(&u64::MAX.to_le_bytes())),
            HeaderFault::TooLong { .. }
        ));
        assert!(matches!(
            fault(&raw(&90_u64.to_le_bytes())),
            HeaderFault::PastEnd { .. }
        ));
        assert!(matches!(
            fault(&raw(b"version https://git-lfs.github.com/spec/v1")),
            HeaderFault::LfsPointer
        ));
        assert!(matches!(fault(&file("{", 0)), HeaderFault::Json(_)));
        assert!(matches!(fault(&file("[]", 0)), HeaderFault::Json(_)));
        assert!(matches!(
            fault(&file(&"[".repeat(100_000), 0)),
            HeaderFault::Json(_)
        ));
        assert!(matches!(
            fault(&file(&one("[1]", 4, 0), 4)),
            HeaderFault::Offsets { .. }
        ));
        assert!(matches!(
            fault(&file(&one("[2]", 0, 8), 4)),
            HeaderFault::Truncated { .. }
        ));
        // Found by fuzzing: its end passes 64 bits.
        let last = one("[2]", u64::MAX - 7, u64::MAX);
        assert!(matches!(
            fault(&file(&last, 8)),
            HeaderFault::Truncated { end: u64::MAX, .. }
        ));
        assert!(matches!(
            fault(&file(&one("[3]", 0, 8), 8)),
            HeaderFault::Length { wanted: 12, .. }
        ));
        let huge = format!("[{0},{0}]", u64::MAX / 2);
        assert!(matches!(
            fault(&file(&one(&huge, 0, 8), 8)),
            HeaderFault::Overflow { .. }
        ));
        assert!(matches!(
            fault(&file(&one("[1]", 0, 4), 7)),
            HeaderFault::Trailing { bytes: 3 }
        ));
        assert!(matches!(
            fault(&file(&one("[1]", 4, 8), 8)),
            HeaderFault::Hole { bytes: 4, .. }
        ));
        let four = one("[3]", 0, 2).replace("F32", "F4");
        assert!(matches!(
            fault(&file(&four, 2)),
            HeaderFault::Misaligned { .. }
        ));
        let unknown = one("[4096]", 0, 8).replace("F32", "I4X");
        assert!(matches!(
            fault(&file(&unknown, 8)),
            HeaderFault::Length { wanted: 512, .. }
        ));
        let empty = format!("[0,{0},{0}]", u64::MAX / 2);
        assert!(matches!(
            fault(&file(&one(&empty, 0, 0), 0)),
            HeaderFault::Overflow { .. }
        ));
        let described = r#"{"__metadata__":{},"__metadata__":{}}"#;
        assert!(matches!(fault(&file(described, 0)), HeaderFault::Json(_)));
        let overlap = two(entry("[2]", 0, 8), entry("[2]", 4, 12));
        assert!(matches!(
            fault(&file(&overlap, 12)),
            HeaderFault::Overlap { .. }
        ));
        let twice = two(entry("[1]", 0, 4), entry("[1]", 4, 8)).replace("\"b\"", "\"a\"");
        assert!(matches!(
            fault(&file(&twice, 8)),
            HeaderFault::Duplicate { .. }
        ));
    }
}
