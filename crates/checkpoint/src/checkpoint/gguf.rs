//! GGUF: what llama.cpp and its kin load, mostly with weights in blocks of a few bits.
//!
//! Format: ggml's docs/gguf.md, versions 2 and 3. The header is read here: candle's reader refuses a
//! whole file for one type of tensor it does not know. Blocks become numbers in candle, or in
//! `blocks.rs` where candle does not know them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::TensorInfo;
use candle_core::{Device, Shape};

use super::TensorFacts;
use super::blocks::{self, Layout};
use super::decode::{self, Entries};
use super::file::{Opened, Place, Tensor, count, unsound};
use super::stamp::Stamp;
use crate::FileError;
use crate::{Error, Result};

const FORMAT: &str = "GGUF";
const MAGIC: [u8; 4] = *b"GGUF";
/// Where tensors begin, unless the file says otherwise.
const ALIGNMENT: u64 = 32;
/// Sides of a tensor; ggml's own limit.
const SIDES: u32 = 4;
/// Arrays in arrays that are passed over.
const DEEP: usize = 8;
/// The longest name or word of metadata that is kept.
const LONGEST: u64 = 1 << 16;

/// A file whose header holds together.
pub(super) type Gguf = Opened<Blocks>;

/// How and where a tensor is stored.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    kind: Kind,
    /// First byte, counted from the start of the file.
    start: u64,
}

/// How entries are stored.
#[derive(Debug, Clone)]
enum Kind {
    /// One by one, in a dtype of safetensors.
    Plain(&'static str),
    /// In blocks that candle reads.
    Blocks(GgmlDType, &'static str),
    /// In blocks that are read here.
    OwnBlocks(&'static Layout),
    /// In some other way.
    Unknown(String),
}

impl Kind {
    /// Numbers as in ggml.h.
    fn of(number: u32) -> Self {
        let blocks = |kind, name| Self::Blocks(kind, name);
        match number {
            0 => Self::Plain("F32"),
            1 => Self::Plain("F16"),
            2 => blocks(GgmlDType::Q4_0, "Q4_0"),
            3 => blocks(GgmlDType::Q4_1, "Q4_1"),
            6 => blocks(GgmlDType::Q5_0, "Q5_0"),
            7 => blocks(GgmlDType::Q5_1, "Q5_1"),
            8 => blocks(GgmlDType::Q8_0, "Q8_0"),
            10 => blocks(GgmlDType::Q2K, "Q2_K"),
            11 => blocks(GgmlDType::Q3K, "Q3_K"),
            12 => blocks(GgmlDType::Q4K, "Q4_K"),
            13 => blocks(GgmlDType::Q5K, "Q5_K"),
            14 => blocks(GgmlDType::Q6K, "Q6_K"),
            24 => Self::Plain("I8"),
            25 => Self::Plain("I16"),
            26 => Self::Plain("I32"),
            27 => Self::Plain("I64"),
            28 => Self::Plain("F64"),
            30 => Self::Plain("BF16"),
            other => match blocks::layout(other) {
                Some(layout) => Self::OwnBlocks(layout),
                None => Self::Unknown(unknown(other)),
            },
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Plain(name) | Self::Blocks(_, name) => name,
            Self::OwnBlocks(layout) => layout.name,
            Self::Unknown(name) => name,
        }
    }

    /// Entries of a block and its bytes.
    fn block(&self) -> Option<(usize, usize)> {
        match self {
            Self::Plain(name) => Some((1, usize::try_from(decode::bits(name)? / 8).ok()?)),
            Self::Blocks(kind, _) => Some((kind.block_size(), kind.type_size())),
            Self::OwnBlocks(layout) => Some((layout.entries, layout.bytes)),
            Self::Unknown(_) => None,
        }
    }

    fn decoded(&self) -> Option<String> {
        let (entries, bytes) = match self {
            Self::Blocks(..) | Self::OwnBlocks(_) => self.block()?,
            Self::Plain(_) | Self::Unknown(_) => return None,
        };
        let name = self.name();
        Some(format!(
            "{name}: blocks of {entries} weights that share a scale in {bytes} bytes"
        ))
    }
}

/// ggml's name of a type that is not read.
fn unknown(number: u32) -> String {
    let name = match number {
        9 => "Q8_1",
        15 => "Q8_K",
        40 => "NVFP4",
        41 => "Q1_0",
        other => return format!("GGML_TYPE_{other}"),
    };
    name.to_owned()
}

impl Gguf {
    /// Reads the header and checks that every tensor lies in the file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let stamp = Stamp::of(path)?;
        let file = File::open(path).map_err(|source| FileError::Io {
            action: "open",
            path: path.to_owned(),
            source,
        })?;
        let mut header = Header {
            from: BufReader::new(file),
            at: 0,
        };
        let (tensors, metadata) = header
            .whole(stamp.bytes)
            .map_err(|fault| unsound(path, FORMAT, fault))?;
        Ok(Self::new(path, stamp, tensors, metadata))
    }
}

impl Place for Blocks {
    fn entries(&self, tensor: &Tensor<'_>, span: Range<usize>) -> Result<Option<Entries>> {
        let Some((entries, bytes)) = self.kind.block() else {
            return Ok(None);
        };
        if matches!(self.kind, Kind::Plain(_)) {
            let mut file = tensor.file_from(self.start + (span.start * bytes) as u64)?;
            return tensor.plain(span.len(), &mut file, fault(tensor));
        }
        // Slices of a stack are whole rows, and rows whole blocks.
        let first = span.start / entries;
        let blocks = span.end.div_ceil(entries) - first;
        if blocks == 0 {
            return Ok(Some(Entries::F32(Vec::new())));
        }
        let start = (first * bytes) as u64;
        let numbers = match self.kind {
            Kind::Blocks(kind, _) => {
                let wanted = TensorInfo {
                    ggml_dtype: kind,
                    shape: Shape::from(blocks * entries),
                    offset: start,
                };
                Some(self.numbers(tensor, &wanted)?)
            }
            Kind::OwnBlocks(layout) => {
                let mut file = tensor.file_from(self.start + start)?;
                tensor.got(
                    layout.read(blocks, &mut file),
                    (blocks * bytes) as u64,
                    fault(tensor),
                )?
            }
            Kind::Plain(_) | Kind::Unknown(_) => None,
        };
        Ok(numbers.map(|mut numbers| {
            numbers.truncate(span.end - first * entries);
            numbers.drain(..span.start - first * entries);
            Entries::F32(numbers)
        }))
    }
}

/// The error of the system's answer, or of a file that ends before the tensor does.
fn fault<'a>(tensor: &'a Tensor<'_>) -> impl FnOnce(Option<io::Error>) -> Error + 'a {
    |source| source.map_or_else(|| tensor.short(FORMAT), |source| tensor.io(source))
}

impl Blocks {
    /// Bytes of a tensor of this shape; of one that is not read, none.
    fn bytes(&self, shape: &[usize]) -> Option<u64> {
        let Some((entries, bytes)) = self.kind.block() else {
            return Some(0);
        };
        let blocks = count(shape)?.div_ceil(entries);
        u64::try_from(blocks.checked_mul(bytes)?).ok()
    }

    fn numbers(&self, tensor: &Tensor<'_>, wanted: &TensorInfo) -> Result<Vec<f32>> {
        let mut file = tensor.file_from(0)?;
        let read = wanted.read(&mut file, self.start, &Device::Cpu);
        let numbers = read.and_then(|blocks| blocks.dequantize(&Device::Cpu));
        let numbers = numbers.and_then(|numbers| numbers.flatten_all()?.to_vec1());
        let name = &tensor.facts.tensor;
        numbers.map_err(|fault| unsound(tensor.path, FORMAT, format!("tensor `{name}`: {fault}")))
    }
}

type Whole = (Vec<(TensorFacts, Blocks)>, BTreeMap<String, String>);
type Parsed<T> = std::result::Result<T, String>;

struct Header<R> {
    from: R,
    /// Bytes read so far.
    at: u64,
}

impl<R: BufRead> Header<R> {
    fn whole(&mut self, size: u64) -> Parsed<Whole> {
        if self.bytes::<4>()? != MAGIC {
            return Err("it does not begin with GGUF".into());
        }
        let version = self.u32()?;
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
            let (facts, blocks) = self.tensor()?;
            if !names.insert(facts.tensor.clone()) {
                return Err(format!("tensor `{}` is listed twice", facts.tensor));
            }
            tensors.push((facts, blocks));
        }
        let alignment = match metadata.get("general.alignment") {
            Some(text) => text.parse().ok().filter(|&a: &u64| a > 0 && a <= 1 << 20),
            None => Some(ALIGNMENT),
        };
        let alignment = alignment.ok_or("its `general.alignment` is no number of bytes")?;
        let data = self.at.next_multiple_of(alignment);
        for (facts, blocks) in &mut tensors {
            let start = data.checked_add(blocks.start);
            let end = start.and_then(|start| start.checked_add(blocks.bytes(&facts.shape)?));
            if end.is_none_or(|end| end > size) {
                return Err(format!(
                    "tensor `{}` passes the end of the file",
                    facts.tensor
                ));
            }
            blocks.start = start.unwrap_or(0);
        }
        Ok((tensors, metadata))
    }

    fn tensor(&mut self) -> Parsed<(TensorFacts, Blocks)> {
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
        let kind = Kind::of(self.u32()?);
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
            dtype: kind.name().to_owned(),
            shape,
            decoded: kind.decoded(),
        };
        Ok((facts, Blocks { kind, start }))
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
        self.at += length;
        if read.map_err(|e| e.to_string())? as u64 != length {
            return Err(CUT.into());
        }
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    fn skip(&mut self, count: u64) -> Parsed<()> {
        let passed = std::io::copy(&mut self.from.by_ref().take(count), &mut std::io::sink());
        if passed.map_err(|e| e.to_string())? != count {
            return Err(CUT.into());
        }
        self.at += count;
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
        self.at += COUNT as u64;
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
        Header { from: bytes, at: 0 }.whole(size)
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
        let (facts, blocks) = &tensors[0];
        assert_eq!(
            (facts.shape.as_slice(), blocks.start),
            (&[2, 64][..], start)
        );
        assert_eq!(
            (facts.tensor.as_str(), facts.dtype.as_str()),
            ("a.weight", "Q4_0")
        );
        assert_eq!(metadata["general.architecture"], "llama");
        assert!(
            read(&bytes, start + 71)
                .unwrap_err()
                .contains("passes the end")
        );
        assert_eq!(read(&header(40), start).unwrap().0[0].0.dtype, "NVFP4");
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
