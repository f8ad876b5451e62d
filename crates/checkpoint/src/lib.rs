//! Checkpoints of neural nets, read without trust: every header is checked before anything is made
//! of it, and one tensor is in memory at a time. [`Checkpoint::open`] reads each of the [`FORMATS`];
//! [`hub`] fetches those that lie elsewhere.

mod archive;
mod byte_source;
mod checkpoint;
mod companions;
mod digested;
mod dtype;
mod entries;
mod error;
mod facts;
mod file_identity;
mod format;
mod formats;
pub mod hub;
mod index;
mod recognise;
pub mod regular_file;
mod scales;
mod sets;
mod source;
mod standing;
mod strided;
mod tensor_file;
mod tied;
mod weight_norm;

use std::path::Path;

pub use byte_source::ByteSource;
pub use checkpoint::{Checkpoint, Reading};
pub use dtype::Dtype;
pub use entries::Entries;
pub use error::{Error, FileError, HeaderFault, IndexFault, Result};
pub use facts::{FileFacts, TensorFacts};
pub use format::Format;
pub use formats::safetensors::write_header;
pub use formats::{FORMATS, endings, index_endings, is_index};
pub use standing::{FileBeside, FileSkip, Listed, PartKind, Standing};

/// The last step of a path.
fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
