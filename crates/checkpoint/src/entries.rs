//! Bytes to entries.
//!
//! Bytes are read and converted part by part, so that a tensor is in memory once.

use std::io::{self, Read};

use half::{bf16, f16};

use crate::Dtype;

/// The entries of one tensor in the type they are stored in.
#[derive(Debug, Clone, PartialEq)]
pub enum Entries {
    /// 64-bit.
    F64(Vec<f64>),
    /// 32-bit.
    F32(Vec<f32>),
    /// 16-bit, IEEE.
    F16(Vec<f16>),
    /// 16-bit, the upper half of an f32.
    BF16(Vec<bf16>),
}

impl Entries {
    /// The entries as 64-bit numbers.
    pub fn widened(&self) -> Vec<f64> {
        fn wide<T: Copy + Into<f64>>(entries: &[T]) -> Vec<f64> {
            entries.iter().map(|&w| w.into()).collect()
        }
        match self {
            Self::F64(w) => w.clone(),
            Self::F32(w) => wide(w),
            Self::F16(w) => wide(w),
            Self::BF16(w) => wide(w),
        }
    }
}

/// Why a tensor could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The system's answer.
    Io(io::Error),
    /// The file ends before the tensor does.
    Short,
    /// There is no memory for it.
    Memory,
    /// Its dtype is not read.
    Dtype,
}

/// Bytes that are read together: they stay in the cache until they are decoded.
const PART: usize = 1 << 18;

/// Entries that room is made for at first, more than a part has.
const FIRST: usize = 1 << 20;

/// Reads `count` little-endian entries of `dtype`. They are the only copy.
pub(crate) fn read(dtype: &Dtype, count: usize, from: &mut dyn Read) -> Result<Entries, Unread> {
    Ok(match dtype {
        Dtype::F64 => Entries::F64(decoded(count, from, f64::from_le_bytes)?),
        Dtype::F32 => Entries::F32(decoded(count, from, f32::from_le_bytes)?),
        Dtype::F16 => Entries::F16(decoded(count, from, f16::from_le_bytes)?),
        Dtype::BF16 => Entries::BF16(decoded(count, from, bf16::from_le_bytes)?),
        Dtype::F8E4M3 => Entries::F32(decoded(count, from, |[byte]| e4m3(byte))?),
        Dtype::F8E5M2 => Entries::F32(decoded(count, from, |[byte]| e5m2(byte))?),
        Dtype::F8E4M3Fnuz => Entries::F32(decoded(count, from, |[byte]| fnuz(byte, 3))?),
        Dtype::F8E5M2Fnuz => Entries::F32(decoded(count, from, |[byte]| fnuz(byte, 2))?),
        Dtype::I8 => Entries::F32(decoded(count, from, |[byte]| {
            f32::from(byte.cast_signed())
        })?),
        Dtype::U8 => Entries::F32(decoded(count, from, |[byte]| f32::from(byte))?),
        Dtype::I32 => Entries::F64(decoded(count, from, |b| i32::from_le_bytes(b).into())?),
        Dtype::I64 => Entries::F64(decoded(count, from, |b| i64::from_le_bytes(b) as f64)?),
        Dtype::F8E8M0 => Entries::F32(decoded(count, from, |[byte]| e8m0(byte))?),
        _ => return Err(Unread::Dtype),
    })
}

/// A power of two, 127 less than the byte; the last is no number (OCP Microscaling 2023, §5.4.1).
fn e8m0(byte: u8) -> f32 {
    match byte {
        255 => f32::NAN,
        exponent => (f64::from(exponent) - 127.0).exp2() as f32,
    }
}

/// Four bits of exponent, three of significand, no infinity (Micikevicius et al. 2022, "FP8
/// formats for deep learning", table 1).
fn e4m3(byte: u8) -> f32 {
    if byte & 0x7f == 0x7f {
        return f32::NAN;
    }
    small_float(byte, 3, 7)
}

/// Five bits of exponent, two of significand: the upper byte of a 16-bit number.
fn e5m2(byte: u8) -> f32 {
    f16::from_bits(u16::from(byte) << 8).to_f32()
}

/// Without infinities and a negative zero, which is no number; one exponent lower (Noune et al.
/// 2022, "8-bit numerical formats for deep neural networks").
fn fnuz(byte: u8, significand: u32) -> f32 {
    if byte == 0x80 {
        return f32::NAN;
    }
    small_float(byte, significand, 1 << (6 - significand))
}

fn small_float(byte: u8, significand: u32, bias: i32) -> f32 {
    let magnitude = byte & 0x7f;
    let exponent = i32::from(magnitude >> significand);
    let fraction = f32::from(magnitude & ((1 << significand) - 1)) / (1 << significand) as f32;
    let size = if exponent == 0 {
        fraction * 2_f32.powi(1 - bias)
    } else {
        (1.0 + fraction) * 2_f32.powi(exponent - bias)
    };
    if byte < 0x80 { size } else { -size }
}

fn decoded<const WIDTH: usize, T>(
    count: usize,
    from: &mut dyn Read,
    entry: fn([u8; WIDTH]) -> T,
) -> Result<Vec<T>, Unread> {
    parts(count, (WIDTH, 1), from, |part, entries| {
        let chunks = part.as_chunks::<WIDTH>().0;
        entries.extend(chunks.iter().map(|&chunk| entry(chunk)));
        Ok(())
    })
}

/// Reads `count` blocks, each of so many bytes that hold so many entries; `take` appends those of
/// whole blocks.
pub(crate) fn parts<T>(
    count: usize,
    (bytes, each): (usize, usize),
    from: &mut dyn Read,
    mut take: impl FnMut(&[u8], &mut Vec<T>) -> Result<(), Unread>,
) -> Result<Vec<T>, Unread> {
    let mut entries = Vec::new();
    let together = PART / bytes;
    let mut part = vec![0; count.min(together) * bytes];
    let mut left = count;
    while left > 0 {
        let blocks = left.min(together);
        let part = &mut part[..blocks * bytes];
        from.read_exact(part).map_err(|fault| match fault.kind() {
            io::ErrorKind::UnexpectedEof => Unread::Short,
            _ => Unread::Io(fault),
        })?;
        if entries.capacity() < entries.len() + blocks * each {
            // As much again as came: what is claimed and not there takes no memory.
            let all = left.saturating_mul(each);
            let more = all.min(entries.len().max(FIRST).max(blocks * each));
            let reserved = entries.try_reserve_exact(more);
            reserved.map_err(|_| Unread::Memory)?;
        }
        take(part, &mut entries)?;
        left -= blocks;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Bit patterns of 1.5 by IEEE 754.
    #[test]
    fn one_and_a_half_in_every_dtype() {
        let read = |dtype: &str, bytes: &[u8]| read(&Dtype::named(dtype), 1, &mut &bytes[..]).ok();
        assert_eq!(
            read("F64", &0x3FF8_0000_0000_0000_u64.to_le_bytes()),
            Some(Entries::F64(vec![1.5]))
        );
        assert_eq!(
            read("F32", &0x3FC0_0000_u32.to_le_bytes()),
            Some(Entries::F32(vec![1.5]))
        );
        assert_eq!(
            read("F16", &0x3E00_u16.to_le_bytes()),
            Some(Entries::F16(vec![f16::from_f32(1.5)]))
        );
        assert_eq!(
            read("BF16", &0x3FC0_u16.to_le_bytes()),
            Some(Entries::BF16(vec![bf16::from_f32(1.5)]))
        );
        // 1.5 = 1.1₂·2⁰: exponent 7 of four bits, 15 of five, one more without zeros.
        for (dtype, byte) in [
            ("F8_E4M3", 0x3c),
            ("F8_E5M2", 0x3e),
            ("F8_E4M3FNUZ", 0x44),
            ("F8_E5M2FNUZ", 0x42),
        ] {
            assert_eq!(
                read(dtype, &[byte]),
                Some(Entries::F32(vec![1.5])),
                "{dtype}"
            );
        }
        assert_eq!(read("I8", &[255]), Some(Entries::F32(vec![-1.0])));
        assert_eq!(read("I4", &[1]), None);
    }

    // Largest, smallest and special numbers of 8 bits, as published with the formats.
    #[test]
    fn the_ends_of_8_bit_numbers() {
        let near = |a: f32, b: f32| assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} {b}");
        near(e4m3(0x7e), 448.0);
        near(e4m3(0x01), 2_f32.powi(-9));
        near(e4m3(0xfe), -448.0);
        near(e5m2(0x7b), 57344.0);
        near(e5m2(0x01), 2_f32.powi(-16));
        near(fnuz(0x7f, 3), 240.0);
        near(fnuz(0x7f, 2), 57344.0);
        near(fnuz(0x01, 3), 2_f32.powi(-10));
        assert!(e4m3(0x7f).is_nan() && e4m3(0xff).is_nan() && fnuz(0x80, 3).is_nan());
        near(e8m0(127), 1.0);
        near(e8m0(0), 2_f32.powi(-127));
        assert!(e8m0(255).is_nan());
        assert!(e5m2(0x7c).is_infinite() && e5m2(0x7d).is_nan());
    }

    // 2¹⁶ F32 entries fill a part.
    #[test]
    fn parts_join_without_a_seam_and_the_vector_has_no_spare_room() {
        for count in [0, 1, 1 << 16, (1 << 16) + 1, 150_000] {
            let whole: Vec<f32> = (0..count).map(|i| i as f32).collect();
            let bytes: Vec<u8> = whole.iter().flat_map(|w| w.to_le_bytes()).collect();
            match read(&Dtype::F32, whole.len(), &mut &bytes[..]) {
                Ok(Entries::F32(read)) => {
                    assert_eq!(read.capacity(), whole.len());
                    assert_eq!(read, whole);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// A file that remembers how much was asked of it at once.
    struct Asked<'a>(&'a [u8], usize);

    impl Read for Asked<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1.max(buffer.len());
            self.0.read(buffer)
        }
    }

    #[test]
    fn no_second_copy_of_the_bytes_is_held() {
        let bytes = vec![0; 10 * PART + 8];
        let mut file = Asked(&bytes, 0);
        let read = read(&Dtype::F64, bytes.len() / 8, &mut file).unwrap();
        assert_eq!(read, Entries::F64(vec![0.0; bytes.len() / 8]));
        assert_eq!(file.1, PART);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let short = read(&Dtype::F32, 2, &mut &[0; 7][..]);
        assert!(matches!(short, Err(Unread::Short)));
        // No memory is asked for before it comes.
        let claimed = read(&Dtype::F64, usize::MAX, &mut &[0; 8][..]);
        assert!(matches!(claimed, Err(Unread::Short)));
        let unknown = read(&Dtype::F4, 1, &mut &[0; 8][..]);
        assert!(matches!(unknown, Err(Unread::Dtype)));
    }
}
