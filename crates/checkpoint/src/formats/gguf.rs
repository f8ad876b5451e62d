//! GGUF: what llama.cpp and its kin load, mostly with weights in blocks of a few bits.
//!
//! Blocks of the ten oldest types become numbers in candle, the only thing that it is needed for
//! here; a build without the feature `gguf` has no candle and refuses these files.

#[cfg(feature = "gguf")]
mod blocks;
#[cfg(feature = "gguf")]
mod header;

use crate::format::{Beginning, Format};

#[cfg(feature = "gguf")]
use header::open;

pub(crate) const FORMAT: Format = Format {
    name: "GGUF",
    about: "versions 2 and 3",
    endings: &[".gguf"],
    usual_name: None,
    shards: None,
    is_folder: false,
    begins,
    open,
};

const MAGIC: [u8; 4] = *b"GGUF";

fn begins(beginning: &Beginning) -> bool {
    beginning.bytes.starts_with(&MAGIC)
}

#[cfg(not(feature = "gguf"))]
fn open(
    _: &std::sync::Arc<dyn crate::ByteSource>,
) -> Result<crate::format::Contents, crate::format::Fault> {
    Err(crate::format::Fault::NotBuilt("gguf"))
}
