//! Types of stored numbers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How the entries of a tensor are stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dtype {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float, IEEE 754.
    F16,
    /// 16-bit float, the upper half of an F32.
    BF16,
    /// 8-bit float, four bits of exponent, no infinity.
    F8E4M3,
    /// 8-bit float, five bits of exponent.
    F8E5M2,
    /// As [`Self::F8E4M3`], without a negative zero, one exponent lower.
    F8E4M3Fnuz,
    /// As [`Self::F8E5M2`], without infinities and a negative zero, one exponent lower.
    F8E5M2Fnuz,
    /// A power of two in 8 bits.
    F8E8M0,
    /// 6-bit float, two bits of exponent.
    F6E2M3,
    /// 6-bit float, three bits of exponent.
    F6E3M2,
    /// 4-bit float.
    F4,
    /// Two 32-bit floats.
    C64,
    /// 64-bit integer.
    I64,
    /// 32-bit integer.
    I32,
    /// 16-bit integer.
    I16,
    /// 8-bit integer.
    I8,
    /// 64-bit unsigned integer.
    U64,
    /// 32-bit unsigned integer.
    U32,
    /// 16-bit unsigned integer.
    U16,
    /// 8-bit unsigned integer.
    U8,
    /// True or false, in a byte.
    Bool,
    /// A type that only its format knows, in the format's own spelling: `Q4_K`, `>f8`.
    Other(String),
}

/// Name in safetensors' spelling and bits of an entry.
static KNOWN: [(Dtype, &str, u64); 22] = [
    (Dtype::F64, "F64", 64),
    (Dtype::F32, "F32", 32),
    (Dtype::F16, "F16", 16),
    (Dtype::BF16, "BF16", 16),
    (Dtype::F8E4M3, "F8_E4M3", 8),
    (Dtype::F8E5M2, "F8_E5M2", 8),
    (Dtype::F8E4M3Fnuz, "F8_E4M3FNUZ", 8),
    (Dtype::F8E5M2Fnuz, "F8_E5M2FNUZ", 8),
    (Dtype::F8E8M0, "F8_E8M0", 8),
    (Dtype::F6E2M3, "F6_E2M3", 6),
    (Dtype::F6E3M2, "F6_E3M2", 6),
    (Dtype::F4, "F4", 4),
    (Dtype::C64, "C64", 64),
    (Dtype::I64, "I64", 64),
    (Dtype::I32, "I32", 32),
    (Dtype::I16, "I16", 16),
    (Dtype::I8, "I8", 8),
    (Dtype::U64, "U64", 64),
    (Dtype::U32, "U32", 32),
    (Dtype::U16, "U16", 16),
    (Dtype::U8, "U8", 8),
    (Dtype::Bool, "BOOL", 8),
];

impl Dtype {
    /// The type of this name, in safetensors' spelling.
    pub fn named(name: &str) -> Self {
        let known = KNOWN.iter().find(|(_, known, _)| *known == name);
        known.map_or_else(|| Self::Other(name.to_owned()), |(dtype, ..)| dtype.clone())
    }

    /// Its name in safetensors' spelling, or in that of the one format that has it.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            _ => self.known().map_or("", |(name, _)| name),
        }
    }

    /// Bits of an entry; nothing for a type that only its format knows.
    pub fn bits(&self) -> Option<u64> {
        self.known().map(|(_, bits)| bits)
    }

    /// Bytes of an entry, where it has whole ones.
    pub fn bytes(&self) -> Option<u64> {
        self.bits()
            .filter(|bits| bits.is_multiple_of(8))
            .map(|bits| bits / 8)
    }

    /// Whether entries can be read one by one, without more: integers of 8 bits need scales, and
    /// blocks a format that knows them.
    pub const fn is_read(&self) -> bool {
        self.is_float() || self.is_8_bit_float()
    }

    /// Whether entries are floats of 16 bits or more.
    pub const fn is_float(&self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16)
    }

    /// Whether entries are floats of 8 bits with a significand.
    pub const fn is_8_bit_float(&self) -> bool {
        matches!(
            self,
            Self::F8E4M3 | Self::F8E5M2 | Self::F8E4M3Fnuz | Self::F8E5M2Fnuz
        )
    }

    /// Whether entries are integers or truth values.
    pub const fn is_integer(&self) -> bool {
        matches!(
            self,
            Self::I64
                | Self::I32
                | Self::I16
                | Self::I8
                | Self::U64
                | Self::U32
                | Self::U16
                | Self::U8
                | Self::Bool
        )
    }

    /// Whether entries are counters, indices or masks and no packed weights.
    pub const fn is_buffer(&self) -> bool {
        matches!(self, Self::Bool | Self::I64 | Self::U64)
    }

    fn known(&self) -> Option<(&'static str, u64)> {
        let known = KNOWN.iter().find(|(known, ..)| known == self);
        known.map(|&(_, name, bits)| (name, bits))
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Dtype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Dtype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::named(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_others_are_kept() {
        for (dtype, name, bits) in &KNOWN {
            assert_eq!(&Dtype::named(name), dtype);
            assert_eq!((dtype.name(), dtype.bits()), (*name, Some(*bits)));
            let text = serde_json::to_string(dtype).unwrap();
            assert_eq!(text, format!("\"{name}\""));
            assert_eq!(&serde_json::from_str::<Dtype>(&text).unwrap(), dtype);
        }
        let other = Dtype::named("Q4_K");
        assert_eq!((other.name(), other.bits()), ("Q4_K", None));
        assert!(!other.is_read() && !Dtype::I8.is_read() && Dtype::F8E5M2.is_read());
        assert_eq!((Dtype::F6E2M3.bytes(), Dtype::C64.bytes()), (None, Some(8)));
    }
}
