//! Shared by the targets of checkpoints: bytes become a file, which is opened, and every tensor of it
//! that is read is read.

use std::fs;

use randomlike::checkpoint::Checkpoint;

/// Opens `bytes` as a file with this name; what is refused must be refused by its name.
pub fn read(bytes: &[u8], name: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a temporary file");
    match Checkpoint::open(&path) {
        Ok(opened) => {
            for tensor in opened.tensors() {
                let _ = opened.read(&tensor.tensor);
            }
        }
        Err(error) => assert!(error.to_string().contains(name), "{error}"),
    }
}
