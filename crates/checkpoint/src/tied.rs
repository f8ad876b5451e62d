//! Tensors that are the same bit for bit: tied matrices, stored twice or shared.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::Range;
use std::sync::Arc;

use crate::format::{Layout, Storage};
use crate::tensor_file::TensorFile;
use crate::{Result, TensorFacts};

/// Bytes that are compared first.
const FIRST: u64 = 1 << 12;
/// Bytes that are compared at a time.
const BLOCK: usize = 1 << 18;

/// A tensor, its file and where it lies in it.
type Stored<'a> = (&'a TensorFacts, &'a TensorFile, &'a Storage);

/// Groups of two or more; first bytes are compared among all of one dtype and shape, and the others
/// only where those are equal.
pub(crate) fn among<'a>(tensors: &[Stored<'a>]) -> Result<Vec<Vec<&'a str>>> {
    let mut alike: BTreeMap<(&str, &[usize]), Vec<Stored<'a>>> = BTreeMap::new();
    for tensor in tensors {
        let facts = tensor.0;
        let key = (facts.dtype.name(), &facts.shape[..]);
        alike.entry(key).or_default().push(*tensor);
    }
    let mut groups = Vec::new();
    for alike in alike.into_values().filter(|alike| alike.len() > 1) {
        let mut by_start: BTreeMap<Vec<u8>, Vec<Stored<'a>>> = BTreeMap::new();
        for tensor in alike {
            let start = first_bytes(tensor)?;
            by_start.entry(start).or_default().push(tensor);
        }
        for same_start in by_start.into_values() {
            groups.extend(equal_groups(&same_start)?);
        }
    }
    groups.sort();
    Ok(groups)
}

/// Tensors whose first bytes are equal, by the rest.
fn equal_groups<'a>(tensors: &[Stored<'a>]) -> Result<Vec<Vec<&'a str>>> {
    let mut groups: Vec<Vec<Stored<'a>>> = Vec::new();
    for &tensor in tensors {
        let mut place = None;
        for (at, group) in groups.iter().enumerate() {
            if is_same(group[0], tensor)? {
                place = Some(at);
                break;
            }
        }
        match place {
            Some(at) => groups[at].push(tensor),
            None => groups.push(vec![tensor]),
        }
    }
    groups.retain(|group| group.len() > 1);
    let mut varied = Vec::new();
    for group in groups {
        if !is_constant(group[0])? {
            varied.push(group);
        }
    }
    let named = |group: Vec<Stored<'a>>| {
        let names = group.into_iter().map(|(facts, ..)| facts.tensor.as_str());
        names.collect()
    };
    Ok(varied.into_iter().map(named).collect())
}

fn is_same(a: Stored<'_>, b: Stored<'_>) -> Result<bool> {
    if !lie_alike(&a.2.layout, &b.2.layout) {
        return Ok(false);
    }
    if Arc::ptr_eq(&a.2.bytes, &b.2.bytes) && a.2.start == b.2.start {
        return Ok(true);
    }
    let Some(bytes) = length(a) else {
        return Ok(false);
    };
    let (mut block_a, mut block_b) = (Vec::new(), Vec::new());
    for start in (0..bytes).step_by(BLOCK) {
        let range = start..bytes.min(start + BLOCK as u64);
        read_part(a, range.clone(), &mut block_a)?;
        read_part(b, range, &mut block_b)?;
        if block_a != block_b || block_a.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Some bytes of a tensor; what is missing at its end is found when it is measured. No two are read
/// at a time: both may be of one packed member, which has one reader.
fn read_part((_, file, storage): Stored<'_>, range: Range<u64>, into: &mut Vec<u8>) -> Result<()> {
    into.clear();
    let at = |byte: u64| storage.start.saturating_add(byte);
    let from = storage.bytes.read(at(range.start)..at(range.end));
    let read = from.and_then(|mut from| from.read_to_end(into));
    read.map_err(|error| file.unreadable(error))?;
    Ok(())
}

fn lie_alike(a: &Layout, b: &Layout) -> bool {
    match (a, b) {
        // Types of blocks have names of their own, which are those of the dtypes.
        (Layout::Rows, Layout::Rows) | (Layout::Blocks(_), Layout::Blocks(_)) => true,
        (Layout::Strides(a), Layout::Strides(b)) => a == b,
        _ => false,
    }
}

/// Bytes of a tensor, where its entries fill as many as it has.
fn length((facts, _, storage): Stored<'_>) -> Option<u64> {
    let entries = facts.entries()?;
    match &storage.layout {
        Layout::Blocks(blocks) => {
            let (each, bytes) = blocks.sizes();
            (entries / each as u64).checked_mul(bytes as u64)
        }
        _ => entries.checked_mul(facts.dtype.bytes()?),
    }
}

fn first_bytes(tensor: Stored<'_>) -> Result<Vec<u8>> {
    let bytes = length(tensor).unwrap_or(0).min(FIRST);
    let mut start = Vec::new();
    read_part(tensor, 0..bytes, &mut start)?;
    Ok(start)
}

/// Whether all entries are one number; of none they are.
fn is_constant(tensor: Stored<'_>) -> Result<bool> {
    let width = tensor.0.dtype.bytes().map_or(1, |bytes| bytes as usize);
    let bytes = length(tensor).unwrap_or(0);
    let (mut block, mut first) = (Vec::new(), Vec::new());
    // Blocks are whole entries: a power of two.
    for start in (0..bytes).step_by(BLOCK) {
        read_part(tensor, start..bytes.min(start + BLOCK as u64), &mut block)?;
        if first.is_empty() {
            first = block.iter().take(width).copied().collect();
        }
        if block.chunks(width).any(|entry| entry != first) {
            return Ok(false);
        }
    }
    Ok(true)
}
