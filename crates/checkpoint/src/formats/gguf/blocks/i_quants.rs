//! IQ1 to IQ4: points of a grid, or values that are finer about zero.
//!
//! `grids.bin` is data of ggml's package `gguf` for Python; `grids.py` writes it.

use half::f16;

use super::bits::{half_at, halves, long, nibble, word};

/// Points whose coordinates are two bits (eight of them) or four (four).
struct Grid {
    words: &'static [[u8; 2]],
}

const GRIDS: &[u8; 9216] = include_bytes!("grids.bin");
const WORDS: &[[u8; 2]] = GRIDS.as_chunks::<2>().0;
const IQ2_XXS: Grid = Grid::at(0, 256);
const IQ2_XS: Grid = Grid::at(256, 512);
const IQ2_S: Grid = Grid::at(768, 1024);
const IQ3_XXS: Grid = Grid::at(1792, 256);
const IQ3_S: Grid = Grid::at(2048, 512);
const IQ1: Grid = Grid::at(2560, 2048);

impl Grid {
    const fn at(start: usize, count: usize) -> Self {
        let words = WORDS.split_at(start).1.split_at(count).0;
        Self { words }
    }

    /// A point, by coordinates of two bits.
    fn eight(&self, index: usize, values: [f32; 3]) -> [f32; 8] {
        let word = u16::from_le_bytes(self.words[index]);
        std::array::from_fn(|at| values[usize::from(word >> (2 * at) & 3).min(2)])
    }

    /// The same by coordinates of four bits, of which three are used.
    fn four(&self, index: usize, values: &[f32; 8]) -> [f32; 4] {
        let word = u16::from_le_bytes(self.words[index]);
        std::array::from_fn(|at| values[usize::from(word >> (4 * at) & 7)])
    }
}

/// Coordinates of the grids of two bits, three and one.
const TWO_BITS: [f32; 3] = [8.0, 25.0, 43.0];
const THREE_BITS: [f32; 8] = [4.0, 12.0, 20.0, 28.0, 36.0, 44.0, 52.0, 62.0];
const ODD: [f32; 8] = [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0];
const TERNARY: [f32; 3] = [-1.0, 0.0, 1.0];
/// What IQ1 adds to each coordinate, or takes away.
const DELTA: f32 = 0.125;
/// The values of IQ4, finer about zero.
const UNEVEN: [f32; 16] = [
    -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0,
    89.0, 113.0,
];
/// Which of eight entries are negative, of seven bits: the eighth makes their number even.
fn even_signs(bits: u32) -> u8 {
    let bits = (bits & 127) as u8;
    bits | (bits.count_ones() as u8 & 1) << 7
}

/// Eight entries of a point, `signs` of them negative.
fn put(entries: &mut [f32], scale: f32, point: [f32; 8], signs: u8) {
    for (at, (entry, value)) in entries.iter_mut().zip(point).enumerate() {
        *entry = if signs >> at & 1 == 0 {
            scale * value
        } else {
            -scale * value
        };
    }
}

/// Words of nine bits of an index and seven of signs, then scales of four bits for 16 entries each.
pub(super) fn iq2_xs(block: &[u8], entries: &mut [f32]) {
    let (scale, scales) = (half_at(block, 0), &block[66..]);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let word = word(block, 2 + 2 * at);
        let scale = scale * (0.5 + f32::from(nibble(scales, at / 2))) * 0.25;
        let point = IQ2_XS.eight(usize::from(word & 511), TWO_BITS);
        put(entries, scale, point, even_signs(u32::from(word >> 9)));
    }
}

/// Four indices of points for 32 entries, then their signs and scale in 32 bits.
pub(super) fn iq2_xxs(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 0);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let group = &block[2 + 8 * (at / 4)..];
        let rest = long(group, 4);
        let scale = scale * (0.5 + (rest >> 28) as f32) * 0.25;
        let point = IQ2_XXS.eight(usize::from(group[at % 4]), TWO_BITS);
        put(entries, scale, point, even_signs(rest >> (7 * (at % 4))));
    }
}

/// Indices of ten bits in two places, all signs, scales of four bits for 16 entries.
pub(super) fn iq2_s(block: &[u8], entries: &mut [f32]) {
    let (scale, signs, high, scales) =
        (half_at(block, 0), &block[34..], &block[66..], &block[74..]);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let high = usize::from(high[at / 4] >> (2 * (at % 4)) & 3);
        let scale = scale * (0.5 + f32::from(nibble(scales, at / 2))) * 0.25;
        let point = IQ2_S.eight(usize::from(block[2 + at]) | high << 8, TWO_BITS);
        put(entries, scale, point, signs[at]);
    }
}

/// Eight entries are two points of four.
fn pair(grid: &Grid, indices: [usize; 2], values: &[f32; 8]) -> [f32; 8] {
    let [first, second] = indices.map(|index| grid.four(index, values));
    std::array::from_fn(|at| if at < 4 { first[at] } else { second[at - 4] })
}

pub(super) fn iq3_xxs(block: &[u8], entries: &mut [f32]) {
    let (scale, indices) = (half_at(block, 0), &block[2..]);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let rest = long(block, 66 + 4 * (at / 4));
        let scale = scale * (0.5 + (rest >> 28) as f32) * 0.5;
        let indices = [indices[2 * at], indices[2 * at + 1]].map(usize::from);
        let point = pair(&IQ3_XXS, indices, &THREE_BITS);
        put(entries, scale, point, even_signs(rest >> (7 * (at % 4))));
    }
}

pub(super) fn iq3_s(block: &[u8], entries: &mut [f32]) {
    let (scale, indices, high) = (half_at(block, 0), &block[2..], &block[66..]);
    let (signs, scales) = (&block[74..], &block[106..]);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let scale = scale * (1.0 + 2.0 * f32::from(nibble(scales, at / 4)));
        let index = |at: usize| {
            let high = usize::from(high[at / 8] >> (at % 8) & 1);
            usize::from(indices[at]) | high << 8
        };
        let point = pair(&IQ3_S, [index(2 * at), index(2 * at + 1)], &ODD);
        put(entries, scale, point, signs[at]);
    }
}

/// A point of -1, 0 and 1, all moved the same way.
fn moved(index: usize, is_down: bool) -> [f32; 8] {
    let delta = if is_down { -DELTA } else { DELTA };
    IQ1.eight(index, TERNARY).map(|value| value + delta)
}

pub(super) fn iq1_s(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 0);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let rest = word(block, 34 + 2 * (at / 4));
        let scale = scale * f32::from(2 * (rest >> 12 & 7) + 1);
        let high = usize::from(rest >> (3 * (at % 4)) & 7);
        let index = usize::from(block[2 + at]) | high << 8;
        put(entries, scale, moved(index, rest >> 15 == 1), 0);
    }
}

/// The scale of the whole block is in the upper bits of four words of scales.
pub(super) fn iq1_m(block: &[u8], entries: &mut [f32]) {
    let scales: [u16; 4] = std::array::from_fn(|at| word(block, 48 + 2 * at));
    let bits = (0..4).fold(0, |bits, at| bits | scales[at] >> 12 << (4 * at));
    let scale = f16::from_bits(bits).to_f32();
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let scale = scale * f32::from(2 * (scales[at / 8] >> (3 * (at / 2 % 4)) & 7) + 1);
        let high = nibble(&block[32..], at);
        let index = usize::from(block[at]) | usize::from(high & 7) << 8;
        put(entries, scale, moved(index, high >> 3 == 1), 0);
    }
}

pub(super) fn iq4_nl(block: &[u8], entries: &mut [f32]) {
    halves(&block[2..], entries, half_at(block, 0), &UNEVEN);
}

/// Scales of six bits in two places, less 32.
pub(super) fn iq4_xs(block: &[u8], entries: &mut [f32]) {
    let (scale, high, low) = (half_at(block, 0), word(block, 2), &block[4..]);
    for (at, entries) in entries.chunks_exact_mut(32).enumerate() {
        let high = (high >> (2 * at) & 3) as u8;
        let step = f32::from(nibble(low, at) | high << 4) - 32.0;
        halves(&block[8 + 16 * at..], entries, scale * step, &UNEVEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The eighth sign makes an even number of them.
    #[test]
    fn signs_are_even() {
        assert_eq!([0, 1, 3, 127].map(even_signs), [0, 0x81, 3, 0xff]);
        assert!((0..128).all(|bits| even_signs(bits).count_ones().is_multiple_of(2)));
    }

    // ggml's grids are sorted, and use no more values than there are.
    #[test]
    fn grids_are_whole() {
        for (grid, count) in [
            (IQ2_XXS, 256),
            (IQ2_XS, 512),
            (IQ2_S, 1024),
            (IQ3_XXS, 256),
            (IQ3_S, 512),
            (IQ1, 2048),
        ] {
            let words: Vec<u16> = grid.words.iter().map(|&w| u16::from_le_bytes(w)).collect();
            assert_eq!(words.len(), count);
            assert!(words.is_sorted_by(|a, b| a < b), "{count}");
        }
        let two_bits = [IQ2_XXS, IQ2_XS, IQ2_S, IQ1];
        let mut words = two_bits.iter().flat_map(|grid| grid.words).flatten();
        assert!(words.all(|byte| byte & byte >> 1 & 0x55 == 0));
        let mut words = [IQ3_XXS, IQ3_S]
            .iter()
            .flat_map(|grid| grid.words)
            .flatten();
        assert!(words.all(|byte| byte & 0x88 == 0));
    }
}
