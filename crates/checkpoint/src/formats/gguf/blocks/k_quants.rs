//! Q2_K to Q6_K: 256 integers in groups whose scales, and in some types offsets, are integers too.

use super::bits::half_at;

/// Groups of 16, each with a scale and an offset of four bits; two bits an entry, of 32 bytes the
/// lowest first.
pub(super) fn q2_k(block: &[u8], entries: &mut [f32]) {
    let (scales, packed) = (&block[..16], &block[16..80]);
    let (scale, offset) = (half_at(block, 80), half_at(block, 82));
    for (group, entries) in entries.chunks_exact_mut(16).enumerate() {
        let scale = scale * f32::from(scales[group] & 15);
        let offset = offset * f32::from(scales[group] >> 4);
        for (entry, q) in entries.iter_mut().zip(two_bits(packed, group)) {
            *entry = scale * f32::from(q) - offset;
        }
    }
}

/// Groups of 16, each with a scale of six bits, less 32; two bits an entry, and a third elsewhere,
/// less 4.
pub(super) fn q3_k(block: &[u8], entries: &mut [f32]) {
    let (high, packed, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let scale = half_at(block, 108);
    for (group, entries) in entries.chunks_exact_mut(16).enumerate() {
        let bits = scales[8 + group % 4] >> (2 * (group / 4)) & 3;
        let low = scales[group % 8] >> (4 * (group / 8)) & 15;
        let scale = scale * (f32::from(low | bits << 4) - 32.0);
        let high = &high[16 * (group % 2)..];
        for ((entry, q), high) in entries.iter_mut().zip(two_bits(packed, group)).zip(high) {
            let high = high >> (group / 2) & 1;
            *entry = scale * (f32::from(q | high << 2) - 4.0);
        }
    }
}

/// The sixteen numbers of two bits of a group of 16 entries.
fn two_bits(packed: &[u8], group: usize) -> impl Iterator<Item = u8> {
    let bytes = &packed[32 * (group / 8) + 16 * (group % 2)..][..16];
    bytes
        .iter()
        .map(move |byte| byte >> (2 * (group / 2 % 4)) & 3)
}

/// Groups of 32, each with a scale and an offset of six bits; four bits an entry.
pub(super) fn q4_k(block: &[u8], entries: &mut [f32]) {
    groups_of_32(block, &block[16..], |_, _| 0, entries);
}

/// The same with a fifth bit elsewhere.
pub(super) fn q5_k(block: &[u8], entries: &mut [f32]) {
    let high = &block[16..48];
    groups_of_32(
        block,
        &block[48..],
        |group, at| high[at] >> group & 1,
        entries,
    );
}

fn groups_of_32(
    block: &[u8],
    packed: &[u8],
    fifth: impl Fn(usize, usize) -> u8,
    entries: &mut [f32],
) {
    let (scale, offset) = (half_at(block, 0), half_at(block, 2));
    for (group, entries) in entries.chunks_exact_mut(32).enumerate() {
        let (of_scale, of_offset) = six_bits(&block[4..16], group);
        let (scale, offset) = (scale * f32::from(of_scale), offset * f32::from(of_offset));
        let packed = &packed[32 * (group / 2)..][..32];
        for (at, (entry, byte)) in entries.iter_mut().zip(packed).enumerate() {
            let q = byte >> (4 * (group % 2)) & 15 | fifth(group, at) << 4;
            *entry = scale * f32::from(q) - offset;
        }
    }
}

/// Scale and offset of one of eight groups, whose upper two bits of the last four are with the
/// first.
fn six_bits(scales: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        return (scales[group] & 63, scales[group + 4] & 63);
    }
    let byte = scales[group + 4];
    let upper = |at: usize| scales[at] >> 6 << 4;
    (byte & 15 | upper(group - 4), byte >> 4 | upper(group))
}

/// Groups of 16, each with a scale of eight bits; six bits an entry in two places, less 32.
pub(super) fn q6_k(block: &[u8], entries: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = half_at(block, 208);
    for (group, entries) in entries.chunks_exact_mut(16).enumerate() {
        let scale = scale * f32::from(scales[group].cast_signed());
        // Quarters of 128 entries, 32 each: two share the bytes of `low`, four those of `high`.
        let (half, quarter, start) = (group / 8, group / 2 % 4, 16 * (group % 2));
        let low = &low[64 * half + 32 * (quarter % 2) + start..];
        let high = &high[32 * half + start..];
        for ((entry, low), high) in entries.iter_mut().zip(low).zip(high) {
            let low = low >> (4 * (quarter / 2)) & 15;
            let high = high >> (2 * quarter) & 3;
            *entry = scale * (f32::from(low | high << 4) - 32.0);
        }
    }
}
