//! Bytes to entries, and the sizes of the dtypes of the format.
//!
//! Plain little-endian conversion: one copy of the bytes and one of the entries, where a
//! tensor library would make a third.

use half::{bf16, f16};

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

/// Whether entries of `dtype` can be read.
pub fn is_read(dtype: &str) -> bool {
    matches!(dtype, "F64" | "F32" | "F16" | "BF16")
}

/// Bits an entry of a dtype takes; nothing for one we do not know.
pub(super) fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F64" | "I64" | "U64" | "C64" => 64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ"
        | "F8_E5M2FNUZ" => 8,
        "F6_E2M3" | "F6_E3M2" => 6,
        "F4" => 4,
        _ => return None,
    })
}

/// Decodes little-endian bytes; nothing for a dtype that is not read, or without the memory.
pub(super) fn entries(dtype: &str, bytes: &[u8]) -> Option<Entries> {
    Some(match dtype {
        "F64" => Entries::F64(convert(bytes, f64::from_le_bytes)?),
        "F32" => Entries::F32(convert(bytes, f32::from_le_bytes)?),
        "F16" => Entries::F16(convert(bytes, f16::from_le_bytes)?),
        "BF16" => Entries::BF16(convert(bytes, bf16::from_le_bytes)?),
        _ => return None,
    })
}

fn convert<const WIDTH: usize, T>(bytes: &[u8], from: fn([u8; WIDTH]) -> T) -> Option<Vec<T>> {
    let chunks = bytes.as_chunks::<WIDTH>().0;
    let mut entries = Vec::new();
    entries.try_reserve_exact(chunks.len()).ok()?;
    entries.extend(chunks.iter().map(|&chunk| from(chunk)));
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Bit patterns of 1.5 by IEEE 754.
    #[test]
    fn one_and_a_half_in_every_dtype() {
        assert_eq!(
            entries("F64", &0x3FF8_0000_0000_0000_u64.to_le_bytes()),
            Some(Entries::F64(vec![1.5]))
        );
        assert_eq!(
            entries("F32", &0x3FC0_0000_u32.to_le_bytes()),
            Some(Entries::F32(vec![1.5]))
        );
        assert_eq!(
            entries("F16", &0x3E00_u16.to_le_bytes()),
            Some(Entries::F16(vec![f16::from_f32(1.5)]))
        );
        assert_eq!(
            entries("BF16", &0x3FC0_u16.to_le_bytes()),
            Some(Entries::BF16(vec![bf16::from_f32(1.5)]))
        );
        assert_eq!(entries("I8", &[1]), None);
    }
}
