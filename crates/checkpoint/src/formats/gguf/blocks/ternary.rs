//! TQ1 and TQ2: entries of three values.

use super::bits::half_at;

/// Five digits of three in a byte: a fraction of 256, the first digit first.
pub(super) fn tq1_0(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 52);
    let groups = [(&block[..32], 5), (&block[32..48], 5), (&block[48..52], 4)];
    let digits = groups.into_iter().flat_map(|(bytes, digits)| {
        let powers = (0..digits).map(|digit| 3_u8.pow(digit));
        powers.flat_map(|power| {
            let digit = move |byte: &u8| (u16::from(byte.wrapping_mul(power)) * 3) >> 8;
            bytes.iter().map(digit)
        })
    });
    for (entry, digit) in entries.iter_mut().zip(digits) {
        *entry = scale * (f32::from(digit) - 1.0);
    }
}

/// Two bits an entry, of 32 bytes the lowest first.
pub(super) fn tq2_0(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 64);
    for (at, entries) in entries.chunks_exact_mut(32).enumerate() {
        let bytes = &block[32 * (at / 4)..];
        for (entry, byte) in entries.iter_mut().zip(bytes) {
            *entry = scale * (f32::from(byte >> (2 * (at % 4)) & 3) - 1.0);
        }
    }
}
