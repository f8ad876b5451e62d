//! Numbers of a few bits within the bytes of a block.

use half::f16;

/// A number in half precision.
pub(super) fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_bits(word(bytes, at)).to_f32()
}

pub(super) fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at)) | u32::from(word(bytes, at + 2)) << 16
}

/// Four bits of a byte, the lower ones first.
pub(super) fn nibble(bytes: &[u8], at: usize) -> u8 {
    bytes[at / 2] >> (4 * (at % 2)) & 15
}

/// 32 entries of 16 bytes: first their lower halves.
pub(super) fn halves(bytes: &[u8], entries: &mut [f32], scale: f32, values: &[f32; 16]) {
    let (low, high) = entries.split_at_mut(16);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(bytes) {
        *low = scale * values[usize::from(byte & 15)];
        *high = scale * values[usize::from(byte >> 4)];
    }
}
