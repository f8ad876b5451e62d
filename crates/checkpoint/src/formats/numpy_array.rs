//! One array as NumPy stores it: a header that is a Python dictionary, and the entries.
//!
//! Format: NumPy enhancement proposal 1. The header is parsed here and never evaluated.

use std::io::Read;
use std::sync::Arc;

use crate::format::{Layout, Storage};
use crate::tensor_file::short;
use crate::{ByteSource, Dtype, TensorFacts, strided};

/// How an array begins.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that is read; NumPy's own limit for headers nobody vetted.
const LONGEST: u64 = 10_000;

/// What the header of an array says.
#[derive(Debug, Clone, PartialEq)]
struct Array {
    dtype: Dtype,
    shape: Vec<usize>,
    fortran: bool,
    start: u64,
}

/// The array in these bytes, under a name.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read(
    name: &str,
    bytes: &Arc<dyn ByteSource>,
) -> Result<(TensorFacts, Storage), String> {
    let from = bytes.read(0..bytes.length()).map_err(|e| e.to_string());
    let array = header(&mut from?)?;
    let layout = if array.fortran {
        Layout::Strides(strided::fortran(&array.shape))
    } else {
        Layout::Rows
    };
    let facts = TensorFacts::new(name, array.dtype, array.shape);
    let wanted = facts.count().and_then(|count| {
        let width = facts.dtype.bytes().unwrap_or(0);
        (count as u64).checked_mul(width)
    });
    let left = bytes.length().checked_sub(array.start);
    if wanted.is_none() || left.is_none() || wanted > left {
        return Err(short(name));
    }
    let storage = Storage {
        bytes: Arc::clone(bytes),
        start: array.start,
        layout,
    };
    Ok((facts, storage))
}

/// Magic, version, length and a Python dictionary of literals.
fn header(file: &mut impl Read) -> Result<Array, String> {
    let mut take = |count: u64| {
        let mut bytes = Vec::new();
        let read = file.by_ref().take(count).read_to_end(&mut bytes);
        let found = read.map_err(|e| e.to_string())?;
        if found as u64 == count {
            Ok(bytes)
        } else {
            Err("its header is cut off".to_owned())
        }
    };
    if take(6)? != MAGIC {
        return Err("it does not begin as an array does".into());
    }
    let version = take(2)?;
    let width = match version[0] {
        1 => 2,
        2 | 3 => 4,
        other => return Err(format!("its version is {other}; 1 to 3 are read")),
    };
    let length = take(width)?
        .iter()
        .rev()
        .fold(0, |length, &byte| length << 8 | u64::from(byte));
    if length > LONGEST {
        return Err(format!(
            "its header claims {length} bytes; {LONGEST} are allowed"
        ));
    }
    let text = String::from_utf8(take(length)?).map_err(|_| "its header is no text".to_owned())?;
    let mut array = dictionary(&text).ok_or("its header is not the dictionary it should be")?;
    array.start = 6 + 2 + width + length;
    Ok(array)
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
fn dictionary(text: &str) -> Option<Array> {
    let mut rest = text
        .trim()
        .strip_prefix('{')?
        .strip_suffix('}')?
        .trim_start();
    let (mut dtype, mut fortran, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, value) = quoted(rest)?;
        rest = value.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                // A structure of several fields is a list, and no array of numbers.
                let (descr, after) = quoted(rest).or_else(|| listed(rest))?;
                dtype.replace(named(descr)).is_none().then_some(after)?
            }
            "fortran_order" => {
                let (value, after) = rest
                    .strip_prefix("False")
                    .map(|after| (false, after))
                    .or_else(|| Some((true, rest.strip_prefix("True")?)))?;
                fortran.replace(value).is_none().then_some(after)?
            }
            "shape" => {
                let (inner, after) = rest.strip_prefix('(')?.split_once(')')?;
                let sides = inner
                    .split(',')
                    .map(str::trim)
                    .filter(|side| !side.is_empty());
                let sides: Option<Vec<usize>> = sides.map(|side| side.parse().ok()).collect();
                shape.replace(sides?).is_none().then_some(after)?
            }
            _ => return None,
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(Array {
        dtype: dtype?,
        shape: shape?,
        fortran: fortran?,
        start: 0,
    })
}

/// The list of a structure's fields and what comes after it.
fn listed(text: &str) -> Option<(&str, &str)> {
    let end = text.starts_with('[').then(|| text.find(']'))??;
    Some(text.split_at(end + 1))
}

/// A word in quotes and what comes after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// The dtype in safetensors' spelling; NumPy's own where it is not known there.
fn named(descr: &str) -> Dtype {
    Dtype::named(match descr {
        "<f8" => "F64",
        "<f4" => "F32",
        "<f2" => "F16",
        "<i8" => "I64",
        "<i4" => "I32",
        "<i2" => "I16",
        "|i1" => "I8",
        "<u8" => "U64",
        "<u4" => "U32",
        "<u2" => "U16",
        "|u1" => "U8",
        "|b1" => "BOOL",
        "<c8" => "C64",
        "bfloat16" | "[('bfloat16', '<V2')]" => "BF16",
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_numpy_writes_them_and_others() {
        let array = dictionary("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n");
        let array = array.unwrap();
        assert_eq!((array.dtype.name(), array.fortran), ("F32", false));
        assert_eq!(array.shape, [2, 3]);
        let vector = dictionary("{'descr': '>f8', 'fortran_order': True, 'shape': (7,)}").unwrap();
        assert_eq!((vector.dtype.name(), vector.fortran), (">f8", true));
        assert_eq!(vector.shape, [7]);
        let fields = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}";
        assert_eq!(dictionary(fields).unwrap().dtype.name(), "[('a', '<f4')]");
        let brain = "{'descr': 'bfloat16', 'fortran_order': False, 'shape': (2,)}";
        assert_eq!(dictionary(brain).unwrap().dtype, Dtype::BF16);
        let number = dictionary("{'descr': '<f8', 'fortran_order': False, 'shape': ()}").unwrap();
        assert_eq!(number.shape, [0_usize; 0]);
        for wrong in [
            "",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'run': 'me'}",
            "{'descr': 'é",
        ] {
            assert_eq!(dictionary(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_header_claims_is_not_allocated() {
        let mut long = MAGIC.to_vec();
        long.extend([2, 0, 255, 255, 255, 255]);
        assert!(header(&mut &long[..]).unwrap_err().contains("claims"));
        assert!(header(&mut &long[..9]).unwrap_err().contains("cut off"));
        assert!(
            header(&mut &b"not an array"[..])
                .unwrap_err()
                .contains("begin")
        );
    }
}
