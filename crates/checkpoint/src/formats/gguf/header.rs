//! The header of a GGUF file.
//!
//! Format: ggml's docs/gguf.md, versions 2 and 3. It is read here: candle's reader refuses a whole
//! file for one type of tensor it does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use super::MAGIC;
use super::blocks::{self, BlockLayout};
use crate::byte_source::Cursor;
use crate::facts::count;
use crate::format::{Blocks, Contents, Fault, Layout, Storage};
use crate::{ByteSource, Dtype, TensorFacts};

/// Where tensors begin, unless the file says otherwise.
const ALIGNMENT: u64 = 32;
/// Sides of a tensor; ggml's own limit.
const SIDES: u32 = 4;
/// Arrays in arrays that are passed over.
const DEEP: usize = 8;
/// The longest name or word of metadata that is kept.
const LONGEST: u64 = 1 << 16;
/// Bytes that are read at a time.
const PART: u64 = 1 << 14;

/// How entries are stored.
#[derive(Debug, Clone)]
enum Kind {
    /// One by one, in a dtype of safetensors.
    Plain(Dtype),
    /// In blocks.
    Blocks(&'static BlockLayout),
    /// In some other way.
    Unknown(Dtype),
}

impl Kind {
    /// By its number in ggml.h.
    fn numbered(number: u32) -> Self {
        Self::Plain(match number {
            0 => Dtype::F32,
            1 => Dtype::F16,
            24 => Dtype::I8,
            25 => Dtype::I16,
            26 => Dtype::I32,
            27 => Dtype::I64,
            28 => Dtype::F64,
            30 => Dtype::BF16,
            other => {
                return match blocks::layout(other) {
                    Some(layout) => Self::Blocks(layout),
                    None => Self::Unknown(unknown(other)),
                };
            }
        })
    }

    fn dtype(&self) -> Dtype {
        match self {
            Self::Plain(dtype) | Self::Unknown(dtype) => dtype.clone(),
            Self::Blocks(layout) => Dtype::Other(layout.name.to_owned()),
        }
    }

    /// Entries of a block and its bytes.
    fn block(&self) -> Option<(usize, usize)> {
        match self {
            Self::Plain(dtype) => Some((1, usize::try_from(dtype.bytes()?).ok()?)),
            Self::Blocks(layout) => Some(layout.sizes()),
            Self::Unknown(_) => None,
        }
    }

    fn decoded(&self) -> Option<String> {
        let Self::Blocks(layout) = self else {
            return None;
        };
        let (name, (entries, bytes)) = (layout.name, layout.sizes());
        Some(format!(
            "{name}: blocks of {entries} weights that share a scale in {bytes} bytes"
        ))
    }

    /// Bytes of a tensor; of one that is not read, none.
    fn bytes(&self, tensor: &TensorFacts) -> Option<u64> {
        let Some((entries, bytes)) = self.block() else {
            return Some(0);
        };
        let blocks = tensor.count()?.div_ceil(entries);
        u64::try_from(blocks.checked_mul(bytes)?).ok()
    }

    fn layout(&self) -> Layout {
        match self {
            Self::Plain(_) | Self::Unknown(_) => Layout::Rows,
            Self::Blocks(layout) => Layout::Blocks(*layout),
        }
    }
}

/// ggml's name of a type that is not read.
fn unknown(number: u32) -> Dtype {
    let name = match number {
        9 => "Q8_1",
        15 => "Q8_K",
        40 => "NVFP4",
        41 => "Q1_0",
        other => return Dtype::Other(format!("GGML_TYPE_{other}")),
    };
    Dtype::Other(name.to_owned())
}

/// Reads the header and checks that every tensor lies in the file.
pub(super) fn open(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let mut header = Header {
        from: Cursor::new(file, PART),
        size: file.length(),
    };
    let (tensors, metadata) = header.whole()?;
    let stored = tensors.into_iter().map(|tensor| {
        let storage = Storage {
            bytes: Arc::clone(file),
            start: tensor.start,
            layout: tensor.kind.layout(),
        };
        (tensor.facts, storage)
    });
    Ok(Contents {
        tensors: stored.collect(),
        metadata,
        ..Contents::default()
    })
}

/// A tensor as the header lists it.
#[derive(Debug)]
struct Listed {
    facts: TensorFacts,
    kind: Kind,
    /// First byte, counted from where tensors begin, and then from the start of the file.
    start: u64,
}

type Whole = (Vec<Listed>, BTreeMap<String, String>);
type Parsed<T> = Result<T, String>;

struct Header {
    from: Cursor,
    /// Bytes of the file.
    size: u64,
}

impl Header {
    fn whole(&mut self) -> Parsed<Whole> {
        if self.bytes::<4>()? != MAGIC {
            return Err("it does not begin with GGUF".into());
        }
        let version = self.u32()?;
        if matches!(version.swap_bytes(), 2 | 3) {
            return Err(
                "its numbers have their largest byte first (big-endian); convert it with llama.cpp's \
                 gguf_convert_endian.py"
                    .into(),
            );
        }
        if !matches!(version, 2 | 3) {
            return Err(format!("its version is {version}; 2 and 3 are read"));
        }
        let (count, pairs) = (self.u64()?, self.u64()?);
        let mut metadata = BTreeMap::new();
        for _ in 0..pairs {
            let key = self.text()?;
            let kind = self.u32()?;
            if let Some(value) = self.value(kind, 0)? {
                metadata.insert(key, value);
            }
        }
        let (mut tensors, mut names) = (Vec::new(), BTreeSet::new());
        for _ in 0..count {
            let tensor = self.tensor()?;
            let name = &tensor.facts.tensor;
            if !names.insert(name.clone()) {
                return Err(format!("tensor `{name}` is listed twice"));
            }
            tensors.push(tensor);
        }
        let alignment = match metadata.get("general.alignment") {
            Some(text) => text.parse().ok().filter(|&a: &u64| a > 0 && a <= 1 << 20),
            None => Some(ALIGNMENT),
        };
        let alignment = alignment.ok_or("its `general.alignment` is no number of bytes")?;
        let data = self.from.position().next_multiple_of(alignment);
        for tensor in &mut tensors {
            let start = data.checked_add(tensor.start);
            let bytes = tensor.kind.bytes(&tensor.facts);
            let end = start.and_then(|start| start.checked_add(bytes?));
            if end.is_none_or(|end| end > self.size) {
                let name = &tensor.facts.tensor;
                return Err(format!("tensor `{name}` passes the end of the file"));
            }
            tensor.start = start.unwrap_or(0);
        }
        Ok((tensors, metadata))
    }

    fn tensor(&mut self) -> Parsed<Listed> {
        let name = self.text()?;
        let sides = self.u32()?;
        if sides > SIDES {
            return Err(format!(
                "tensor `{name}` has {sides} sides; {SIDES} are allowed"
            ));
        }
        let mut shape = Vec::new();
        for _ in 0..sides {
            let side = usize::try_from(self.u64()?);
            shape.push(side.map_err(|_| format!("the shape of tensor `{name}` overflows"))?);
        }
        // The first side is that of a row.
        shape.reverse();
        let kind = Kind::numbered(self.u32()?);
        let start = self.u64()?;
        let rows = kind.block().zip(shape.last());
        if count(&shape).is_none() {
            return Err(format!("the shape of tensor `{name}` overflows"));
        }
        if rows.is_some_and(|((entries, _), row)| !row.is_multiple_of(entries)) {
            return Err(format!("a row of tensor `{name}` ends inside a block"));
        }
        let facts = TensorFacts {
            tensor: name,
            dtype: kind.dtype(),
            shape,
            decoded: kind.decoded(),
        };
        Ok(Listed { facts, kind, start })
    }

    /// A value of metadata, where it is a short word or a number; others are passed over.
    fn value(&mut self, kind: u32, depth: usize) -> Parsed<Option<String>> {
        Ok(match kind {
            0 => Some(self.bytes::<1>()?[0].to_string()),
            1 => Some(i8::from_le_bytes(self.bytes()?).to_string()),
            2 => Some(u16::from_le_bytes(self.bytes()?).to_string()),
            3 => Some(i16::from_le_bytes(self.bytes()?).to_string()),
            4 => Some(self.u32()?.to_string()),
            5 => Some(i32::from_le_bytes(self.bytes()?).to_string()),
            6 => Some(f32::from_le_bytes(self.bytes()?).to_string()),
            7 => Some((self.bytes::<1>()?[0] != 0).to_string()),
            8 => self.word()?,
            9 => {
                if depth >= DEEP {
                    return Err("arrays of its metadata lie too deep".into());
                }
                let (kind, length) = (self.u32()?, self.u64()?);
                match width(kind) {
                    Some(width) => self.skip(length.saturating_mul(width))?,
                    None => {
                        for _ in 0..length {
                            self.value(kind, depth + 1)?;
                        }
                    }
                }
                None
            }
            10 => Some(self.u64()?.to_string()),
            11 => Some(i64::from_le_bytes(self.bytes()?).to_string()),
            12 => Some(f64::from_le_bytes(self.bytes()?).to_string()),
            other => {
                return Err(format!(
                    "its metadata has a value of the unknown type {other}"
                ));
            }
        })
    }

    fn text(&mut self) -> Parsed<String> {
        self.word()?
            .ok_or_else(|| format!("a name in it is longer than {LONGEST} bytes"))
    }

    /// A text, unless it is long.
    fn word(&mut self) -> Parsed<Option<String>> {
        let length = self.u64()?;
        if length > LONGEST {
            self.skip(length)?;
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = self.from.by_ref().take(length).read_to_end(&mut text);
        if read.map_err(|e| e.to_string())? as u64 != length {
            return Err(CUT.into());
        }
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    fn skip(&mut self, count: u64) -> Parsed<()> {
        self.from.skip(count);
        if self.from.position() > self.size {
            return Err(CUT.into());
        }
        Ok(())
    }

    fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Parsed<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const COUNT: usize>(&mut self) -> Parsed<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.from
            .read_exact(&mut bytes)
            .map_err(|_| CUT.to_owned())?;
        Ok(bytes)
    }
}

const CUT: &str = "its header is cut off";

/// Bytes of a value of metadata, where all of its type have as many.
const fn width(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], size: u64) -> Parsed<Whole> {
        let bytes: Arc<dyn ByteSource> = Arc::new(bytes.to_vec());
        let from = Cursor::new(&bytes, 7);
        Header { from, size }.whole()
    }

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
    }

    /// A header with one pair and one tensor of 2 rows of 64 entries.
    fn header(kind: u32) -> Vec<u8> {
        [
            b"GGUF".to_vec(),
            3_u32.to_le_bytes().to_vec(),
            1_u64.to_le_bytes().to_vec(),
            1_u64.to_le_bytes().to_vec(),
            text("general.architecture"),
            8_u32.to_le_bytes().to_vec(),
            text("llama"),
            text("a.weight"),
            2_u32.to_le_bytes().to_vec(),
            64_u64.to_le_bytes().to_vec(),
            2_u64.to_le_bytes().to_vec(),
            kind.to_le_bytes().to_vec(),
            0_u64.to_le_bytes().to_vec(),
        ]
        .concat()
    }

    #[test]
    fn rows_come_first_and_data_begins_at_a_multiple() {
        // 128 entries in blocks of 32, of 18 bytes each.
        let bytes = header(2);
        let start = (bytes.len() as u64).next_multiple_of(32);
        let (tensors, metadata) = read(&bytes, start + 72).unwrap();
        let Listed {
            facts, start: at, ..
        } = &tensors[0];
        assert_eq!((facts.shape.as_slice(), *at), (&[2, 64][..], start));
        assert_eq!(
            (facts.tensor.as_str(), facts.dtype.name()),
            ("a.weight", "Q4_0")
        );
        assert_eq!(metadata["general.architecture"], "llama");
        assert!(
            read(&bytes, start + 71)
                .unwrap_err()
                .contains("passes the end")
        );
        assert_eq!(
            read(&header(40), start).unwrap().0[0].facts.dtype.name(),
            "NVFP4"
        );
    }

    #[test]
    fn every_cut_is_seen() {
        let bytes = header(2);
        for keep in 0..bytes.len() {
            assert!(read(&bytes[..keep], 1 << 20).is_err(), "{keep}");
        }
        let mut many = bytes.clone();
        many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read(&many, 1 << 20).is_err());
        // Rows of 64 are no whole blocks of 256.
        assert!(
            read(&header(12), 1 << 20)
                .unwrap_err()
                .contains("inside a block")
        );
    }
}
