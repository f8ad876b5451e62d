//! Q4_0 to Q8_0: 32 integers, a scale and, in the types that end in 1, an offset.

use super::bits::{half_at, long};

/// The number that each of 32 integers stands for: of 16 bytes first the lower halves, then the upper
/// ones, with their fifth bits in `high`.
fn each_of_32(bytes: &[u8], high: u32, entries: &mut [f32], number: impl Fn(u8) -> f32) {
    let (first, second) = entries.split_at_mut(16);
    for (at, byte) in bytes[..16].iter().enumerate() {
        let bit = |at: usize| ((high >> at & 1) as u8) << 4;
        first[at] = number(byte & 15 | bit(at));
        second[at] = number(byte >> 4 | bit(at + 16));
    }
}

pub(super) fn q4_0(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 0);
    each_of_32(&block[2..], 0, entries, |q| (f32::from(q) - 8.0) * scale);
}

pub(super) fn q4_1(block: &[u8], entries: &mut [f32]) {
    let (scale, offset) = (half_at(block, 0), half_at(block, 2));
    each_of_32(&block[4..], 0, entries, |q| f32::from(q) * scale + offset);
}

pub(super) fn q5_0(block: &[u8], entries: &mut [f32]) {
    let (scale, high) = (half_at(block, 0), long(block, 2));
    each_of_32(&block[6..], high, entries, |q| {
        (f32::from(q) - 16.0) * scale
    });
}

pub(super) fn q5_1(block: &[u8], entries: &mut [f32]) {
    let (scale, offset, high) = (half_at(block, 0), half_at(block, 2), long(block, 4));
    each_of_32(&block[8..], high, entries, |q| {
        f32::from(q) * scale + offset
    });
}

pub(super) fn q8_0(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 0);
    for (entry, byte) in entries.iter_mut().zip(&block[2..]) {
        *entry = f32::from(byte.cast_signed()) * scale;
    }
}
