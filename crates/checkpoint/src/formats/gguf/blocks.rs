//! Blocks of GGUF: those that candle reads, and IQ1 to IQ4, TQ1, TQ2 and MXFP4, which are read here.
//!
//! Layouts and tables: ggml (ggml-common.h, `dequantize_row_*` in ggml-quants.c), as its package
//! `gguf` for Python has them. MXFP4: OCP Microscaling Formats, version 1.0 (2023), section 5.
//! `blocks/grids.bin` is data of that package; `blocks/grids.py` writes it.

use std::io::Read;

use candle_core::Device;
use candle_core::quantized::{GgmlDType, ggml_file};
use half::f16;

use crate::entries::{self, Unread};
use crate::format::Blocks;

/// One way to store entries in blocks.
#[derive(Debug)]
pub(super) struct BlockLayout {
    pub(super) name: &'static str,
    /// Entries of a block.
    entries: usize,
    /// And its bytes.
    bytes: usize,
    decode: Decode,
}

/// From bytes to entries.
#[derive(Debug)]
enum Decode {
    /// By candle, some blocks at a time.
    Candle(GgmlDType),
    /// Here, one block at a time.
    Here(fn(&[u8], &mut [f32])),
}

/// By their numbers in ggml.h.
static LAYOUTS: [(u32, BlockLayout); 22] = [
    (2, candle("Q4_0", GgmlDType::Q4_0, 32, 18)),
    (3, candle("Q4_1", GgmlDType::Q4_1, 32, 20)),
    (6, candle("Q5_0", GgmlDType::Q5_0, 32, 22)),
    (7, candle("Q5_1", GgmlDType::Q5_1, 32, 24)),
    (8, candle("Q8_0", GgmlDType::Q8_0, 32, 34)),
    (10, candle("Q2_K", GgmlDType::Q2K, 256, 84)),
    (11, candle("Q3_K", GgmlDType::Q3K, 256, 110)),
    (12, candle("Q4_K", GgmlDType::Q4K, 256, 144)),
    (13, candle("Q5_K", GgmlDType::Q5K, 256, 176)),
    (14, candle("Q6_K", GgmlDType::Q6K, 256, 210)),
    (16, here("IQ2_XXS", 256, 66, iq2_xxs)),
    (17, here("IQ2_XS", 256, 74, iq2_xs)),
    (18, here("IQ3_XXS", 256, 98, iq3_xxs)),
    (19, here("IQ1_S", 256, 50, iq1_s)),
    (20, here("IQ4_NL", 32, 18, iq4_nl)),
    (21, here("IQ3_S", 256, 110, iq3_s)),
    (22, here("IQ2_S", 256, 82, iq2_s)),
    (23, here("IQ4_XS", 256, 136, iq4_xs)),
    (29, here("IQ1_M", 256, 56, iq1_m)),
    (34, here("TQ1_0", 256, 54, tq1_0)),
    (35, here("TQ2_0", 256, 66, tq2_0)),
    (39, here("MXFP4", 32, 17, mxfp4)),
];

const fn here(
    name: &'static str,
    entries: usize,
    bytes: usize,
    decode: fn(&[u8], &mut [f32]),
) -> BlockLayout {
    BlockLayout {
        name,
        entries,
        bytes,
        decode: Decode::Here(decode),
    }
}

const fn candle(name: &'static str, dtype: GgmlDType, entries: usize, bytes: usize) -> BlockLayout {
    BlockLayout {
        name,
        entries,
        bytes,
        decode: Decode::Candle(dtype),
    }
}

/// The layout of a type, where there is one.
pub(super) fn layout(number: u32) -> Option<&'static BlockLayout> {
    let found = LAYOUTS.iter().find(|(known, _)| *known == number);
    found.map(|(_, layout)| layout)
}

impl Blocks for BlockLayout {
    fn sizes(&self) -> (usize, usize) {
        (self.entries, self.bytes)
    }

    fn read(&self, blocks: usize, from: &mut dyn Read) -> Result<Vec<f32>, Unread> {
        entries::parts(blocks, (self.bytes, self.entries), from, |part, read| {
            let decode = match self.decode {
                Decode::Candle(dtype) => {
                    let count = part.len() / self.bytes * self.entries;
                    read.extend(by_candle(dtype, part, count)?);
                    return Ok(());
                }
                Decode::Here(decode) => decode,
            };
            for block in part.chunks_exact(self.bytes) {
                let start = read.len();
                read.resize(start + self.entries, 0.0);
                decode(block, &mut read[start..]);
            }
            Ok(())
        })
    }
}

/// The entries of some blocks.
fn by_candle(dtype: GgmlDType, blocks: &[u8], count: usize) -> Result<Vec<f32>, Unread> {
    let read = ggml_file::qtensor_from_ggml(dtype, blocks, vec![count], &Device::Cpu);
    let numbers = read.and_then(|blocks| blocks.dequantize(&Device::Cpu)?.to_vec1());
    numbers.map_err(|fault| Unread::Unsound(fault.to_string()))
}

/// Points whose coordinates are two bits (eight of them) or four (four).
struct Grid {
    words: &'static [[u8; 2]],
}

const GRIDS: &[u8; 9216] = include_bytes!("blocks/grids.bin");
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
/// Twice the values of E2M1, a float of four bits.
const DOUBLED: [f32; 16] = [
    0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0,
];

/// A number in half precision.
fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_bits(word(bytes, at)).to_f32()
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at)) | u32::from(word(bytes, at + 2)) << 16
}

/// Four bits of a byte, the lower ones first.
fn nibble(bytes: &[u8], at: usize) -> u8 {
    bytes[at / 2] >> (4 * (at % 2)) & 15
}

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
fn iq2_xs(block: &[u8], entries: &mut [f32]) {
    let (scale, scales) = (half_at(block, 0), &block[66..]);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let word = word(block, 2 + 2 * at);
        let scale = scale * (0.5 + f32::from(nibble(scales, at / 2))) * 0.25;
        let point = IQ2_XS.eight(usize::from(word & 511), TWO_BITS);
        put(entries, scale, point, even_signs(u32::from(word >> 9)));
    }
}

/// Four indices of points for 32 entries, then their signs and scale in 32 bits.
fn iq2_xxs(block: &[u8], entries: &mut [f32]) {
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
fn iq2_s(block: &[u8], entries: &mut [f32]) {
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

fn iq3_xxs(block: &[u8], entries: &mut [f32]) {
    let (scale, indices) = (half_at(block, 0), &block[2..]);
    for (at, entries) in entries.chunks_exact_mut(8).enumerate() {
        let rest = long(block, 66 + 4 * (at / 4));
        let scale = scale * (0.5 + (rest >> 28) as f32) * 0.5;
        let indices = [indices[2 * at], indices[2 * at + 1]].map(usize::from);
        let point = pair(&IQ3_XXS, indices, &THREE_BITS);
        put(entries, scale, point, even_signs(rest >> (7 * (at % 4))));
    }
}

fn iq3_s(block: &[u8], entries: &mut [f32]) {
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

fn iq1_s(block: &[u8], entries: &mut [f32]) {
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
fn iq1_m(block: &[u8], entries: &mut [f32]) {
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

/// 32 entries of 16 bytes: first their lower halves.
fn halves(bytes: &[u8], entries: &mut [f32], scale: f32, values: &[f32; 16]) {
    let (low, high) = entries.split_at_mut(16);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(bytes) {
        *low = scale * values[usize::from(byte & 15)];
        *high = scale * values[usize::from(byte >> 4)];
    }
}

fn iq4_nl(block: &[u8], entries: &mut [f32]) {
    halves(&block[2..], entries, half_at(block, 0), &UNEVEN);
}

/// Scales of six bits in two places, less 32.
fn iq4_xs(block: &[u8], entries: &mut [f32]) {
    let (scale, high, low) = (half_at(block, 0), word(block, 2), &block[4..]);
    for (at, entries) in entries.chunks_exact_mut(32).enumerate() {
        let high = (high >> (2 * at) & 3) as u8;
        let step = f32::from(nibble(low, at) | high << 4) - 32.0;
        halves(&block[8 + 16 * at..], entries, scale * step, &UNEVEN);
    }
}

/// A power of two, whose halves the values double again.
fn mxfp4(block: &[u8], entries: &mut [f32]) {
    // Single precision has 2⁻¹²⁸ as a number without a leading one.
    let bits = match block[0] {
        small @ 0..=1 => 0x0020_0000 << small,
        exponent => u32::from(exponent - 1) << 23,
    };
    halves(&block[1..], entries, f32::from_bits(bits), &DOUBLED);
}

/// Five digits of three in a byte: a fraction of 256, the first digit first.
fn tq1_0(block: &[u8], entries: &mut [f32]) {
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
fn tq2_0(block: &[u8], entries: &mut [f32]) {
    let scale = half_at(block, 64);
    for (at, entries) in entries.chunks_exact_mut(32).enumerate() {
        let bytes = &block[32 * (at / 4)..];
        for (entry, byte) in entries.iter_mut().zip(bytes) {
            *entry = scale * (f32::from(byte >> (2 * (at % 4)) & 3) - 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Sizes as candle has them.
    #[test]
    fn blocks_of_candle_have_its_sizes() {
        for (_, layout) in &LAYOUTS {
            if let Decode::Candle(dtype) = layout.decode {
                let sizes = (dtype.block_size(), dtype.type_size());
                assert_eq!(layout.sizes(), sizes, "{}", layout.name);
            }
        }
    }

    fn entries(number: u32, block: &[u8]) -> Vec<f32> {
        layout(number).unwrap().read(1, &mut &block[..]).unwrap()
    }

    fn whole(number: u32, block: &[u8]) -> Vec<i32> {
        let read = entries(number, block);
        read.iter().map(|&entry| entry as i32).collect()
    }

    // All entries of every layout are held against ggml's own reader in tests/it/formats.rs. These
    // are by hand, from the definitions.
    #[test]
    fn blocks_by_hand() {
        // 2 in half precision, then the smallest and the largest of 16 values.
        let block = [&[0x00, 0x40][..], &[0xf0; 16]].concat();
        let read = entries(20, &block);
        assert_eq!((read[0], read[15], read[16]), (-254.0, -254.0, 226.0));
        // 2⁰: E2M1 has 6 as its largest, and 0.5 as its smallest but zero.
        let block = [&[127][..], &[0x71; 16]].concat();
        let read = entries(39, &block);
        assert_eq!((read[0], read[16]), (0.5, 6.0));
        // The smallest scales, 2⁻¹²⁷ and 2⁻¹²⁶ (OCP, table 7), and the next.
        for (exponent, wanted) in [(0, -127), (1, -126), (2, -125)] {
            let block = [&[exponent][..], &[0x22; 16]].concat();
            let wanted = 2_f64.powi(wanted) as f32;
            assert_eq!(entries(39, &block)[0].to_bits(), wanted.to_bits());
        }
        // Two bits each, of four bytes' worth of places: -1, 0, 1 and, unused by its writer, 2.
        let block = [&[0b1110_0100; 64][..], &[0x00, 0x3c]].concat();
        let read = whole(35, &block);
        assert_eq!([0, 32, 64, 96].map(|at| read[at]), [-1, 0, 1, 2]);
        // 2·81 + 0·27 + 1·9 + 2·3 + 0 = 177, times 256/243, rounded up: 187.
        let block = [&[187; 52][..], &[0x00, 0x3c]].concat();
        let read = whole(34, &block);
        let digits = [0, 32, 64, 96, 128].map(|at| read[at]);
        assert_eq!(digits, [1, -1, 0, 1, -1]);
        assert_eq!([240, 244, 248, 252].map(|at| read[at]), digits[..4]);
    }

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

    #[test]
    fn a_part_is_whole_blocks_and_a_cut_is_seen() {
        let layout = layout(19).unwrap();
        let blocks = 3 * (1 << 18) / layout.bytes;
        let bytes = vec![0x11; blocks * layout.bytes];
        let read = layout.read(blocks, &mut &bytes[..]).unwrap();
        assert_eq!((read.len(), read.capacity()), (blocks * 256, blocks * 256));
        assert!(read.chunks(256).all(|block| block == &read[..256]));
        let short = layout.read(blocks, &mut &bytes[1..]);
        assert!(matches!(short, Err(Unread::Short)));
        // No memory is asked for before it comes.
        let claimed = layout.read(usize::MAX, &mut &bytes[..]);
        assert!(matches!(claimed, Err(Unread::Short)));
    }
}
