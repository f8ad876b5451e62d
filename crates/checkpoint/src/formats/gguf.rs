//! GGUF: what llama.cpp and its kin load, mostly with weights in blocks of a few bits.

mod blocks;
mod header;

use crate::format::{Beginning, Format};

use header::open;

pub(crate) const FORMAT: Format = Format {
    name: "GGUF",
    about: "versions 2 and 3",
    endings: &[".gguf"],
    shards: None,
    begins,
    open,
};

const MAGIC: [u8; 4] = *b"GGUF";

fn begins(beginning: &Beginning) -> bool {
    beginning.bytes.starts_with(&MAGIC)
}
