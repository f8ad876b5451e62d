//! Blocks of GGUF, by the layouts and tables of ggml (ggml-common.h, `dequantize_row_*` in
//! ggml-quants.c), as its package `gguf` for Python has them.

mod bits;
mod i_quants;
mod k_quants;
mod legacy_quants;
mod mxfp4;
mod ternary;

use std::io::Read;

use crate::entries::{self, Unread};
use crate::format::Blocks;
use i_quants::{iq1_m, iq1_s, iq2_s, iq2_xs, iq2_xxs, iq3_s, iq3_xxs, iq4_nl, iq4_xs};
use k_quants::{q2_k, q3_k, q4_k, q5_k, q6_k};
use legacy_quants::{q4_0, q4_1, q5_0, q5_1, q8_0};
use mxfp4::mxfp4;
use ternary::{tq1_0, tq2_0};

/// One way to store entries in blocks.
#[derive(Debug)]
pub(super) struct BlockLayout {
    pub(super) name: &'static str,
    /// Entries of a block.
    entries: usize,
    /// And its bytes.
    bytes: usize,
    /// From the bytes of a block to its entries.
    decode: fn(&[u8], &mut [f32]),
}

/// By their numbers in ggml.h.
static LAYOUTS: [(u32, BlockLayout); 22] = [
    (2, BlockLayout::new("Q4_0", 32, 18, q4_0)),
    (3, BlockLayout::new("Q4_1", 32, 20, q4_1)),
    (6, BlockLayout::new("Q5_0", 32, 22, q5_0)),
    (7, BlockLayout::new("Q5_1", 32, 24, q5_1)),
    (8, BlockLayout::new("Q8_0", 32, 34, q8_0)),
    (10, BlockLayout::new("Q2_K", 256, 84, q2_k)),
    (11, BlockLayout::new("Q3_K", 256, 110, q3_k)),
    (12, BlockLayout::new("Q4_K", 256, 144, q4_k)),
    (13, BlockLayout::new("Q5_K", 256, 176, q5_k)),
    (14, BlockLayout::new("Q6_K", 256, 210, q6_k)),
    (16, BlockLayout::new("IQ2_XXS", 256, 66, iq2_xxs)),
    (17, BlockLayout::new("IQ2_XS", 256, 74, iq2_xs)),
    (18, BlockLayout::new("IQ3_XXS", 256, 98, iq3_xxs)),
    (19, BlockLayout::new("IQ1_S", 256, 50, iq1_s)),
    (20, BlockLayout::new("IQ4_NL", 32, 18, iq4_nl)),
    (21, BlockLayout::new("IQ3_S", 256, 110, iq3_s)),
    (22, BlockLayout::new("IQ2_S", 256, 82, iq2_s)),
    (23, BlockLayout::new("IQ4_XS", 256, 136, iq4_xs)),
    (29, BlockLayout::new("IQ1_M", 256, 56, iq1_m)),
    (34, BlockLayout::new("TQ1_0", 256, 54, tq1_0)),
    (35, BlockLayout::new("TQ2_0", 256, 66, tq2_0)),
    (39, BlockLayout::new("MXFP4", 32, 17, mxfp4)),
];

impl BlockLayout {
    const fn new(
        name: &'static str,
        entries: usize,
        bytes: usize,
        decode: fn(&[u8], &mut [f32]),
    ) -> Self {
        Self {
            name,
            entries,
            bytes,
            decode,
        }
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
            for block in part.chunks_exact(self.bytes) {
                let start = read.len();
                read.resize(start + self.entries, 0.0);
                (self.decode)(block, &mut read[start..]);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
