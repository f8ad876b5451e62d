//! NumPy's .npy: one array.

use std::sync::Arc;

use super::numpy_array;
use crate::ByteSource;
use crate::format::{Contents, Fault, Format};

pub(crate) const FORMAT: Format = Format {
    name: ".npy",
    about: "one NumPy array, which is called `array`",
    endings: &[".npy"],
    shards: None,
    begins: |beginning| beginning.bytes.starts_with(numpy_array::MAGIC),
    open,
};

fn open(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    Ok(Contents {
        tensors: vec![numpy_array::read("array", file)?],
        ..Contents::default()
    })
}
