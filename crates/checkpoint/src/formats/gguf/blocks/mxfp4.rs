//! MXFP4: floats of four bits with a shared power of two. OCP Microscaling Formats, version 1.0
//! (2023), section 5.

use super::bits::halves;

/// Twice the values of E2M1, a float of four bits.
const DOUBLED: [f32; 16] = [
    0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0,
];

/// A power of two, whose halves the values double again.
pub(super) fn mxfp4(block: &[u8], entries: &mut [f32]) {
    // Single precision has 2⁻¹²⁸ as a number without a leading one.
    let bits = match block[0] {
        small @ 0..=1 => 0x0020_0000 << small,
        exponent => u32::from(exponent - 1) << 23,
    };
    halves(&block[1..], entries, f32::from_bits(bits), &DOUBLED);
}
