//! The header of a safetensors file.
//!
//! It is written here and not by the `safetensors` crate, which takes metadata as a hash table and
//! writes it in that table's order: one net would have other bytes, and another digest, each time.
//! It also wants every tensor's bytes at once or twice; here they follow as they are made.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::METADATA;
use crate::TensorFacts;

/// Writes the header of a safetensors file. The entries come next, tensor by tensor in this order,
/// row by row, the smallest byte first.
///
/// # Errors
/// When it cannot be written, or the size of a tensor is not known.
pub fn write_header(
    out: &mut dyn Write,
    tensors: &[TensorFacts],
    metadata: &BTreeMap<String, String>,
) -> io::Result<()> {
    let mut fields = BTreeMap::from([(METADATA, json!(metadata))]);
    let mut start = 0_u64;
    for facts in tensors {
        let TensorFacts {
            tensor,
            dtype,
            shape,
            ..
        } = facts;
        let bytes = facts.count().zip(dtype.bytes());
        let bytes = bytes.and_then(|(count, width)| (count as u64).checked_mul(width));
        let end = bytes.and_then(|bytes| start.checked_add(bytes));
        let end = end.ok_or(io::ErrorKind::InvalidInput)?;
        let place = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
        fields.insert(tensor, place);
        start = end;
    }
    let header = json!(fields).to_string();
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Checkpoint, Dtype, Entries};

    #[test]
    fn what_is_written_is_read_back_and_equal_each_time() {
        let facts = |tensor: &str, dtype, shape: &[usize]| TensorFacts::new(tensor, dtype, shape);
        let tensors = [
            facts("b", Dtype::F32, &[2]),
            facts("a", Dtype::F16, &[1, 1]),
        ];
        let metadata: BTreeMap<String, String> = ["one", "two", "three"]
            .map(|key| (key.to_owned(), key.to_uppercase()))
            .into();
        let written = || {
            let mut file = Vec::new();
            write_header(&mut file, &tensors, &metadata).unwrap();
            for number in [1.5_f32, -2.0] {
                file.extend(number.to_le_bytes());
            }
            file.extend(half::f16::from_f32(3.0).to_le_bytes());
            file
        };
        assert_eq!(written(), written());
        // The crate that defines the format reads the same.
        let bytes = written();
        let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(theirs.tensor("a").unwrap().data(), [0x00, 0x42]);
        let opened = Checkpoint::from_bytes("x.safetensors", Arc::new(written())).unwrap();
        assert_eq!(opened.metadata(), &metadata);
        assert_eq!(opened.read("b").unwrap(), Entries::F32(vec![1.5, -2.0]));
        let unknown = [facts("c", Dtype::named("Q4_K"), &[1])];
        assert!(write_header(&mut Vec::new(), &unknown, &metadata).is_err());
    }
}
