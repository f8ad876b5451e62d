//! What one file is: by its content first; by its name where its content does not tell.

use std::path::Path;
use std::sync::Arc;

use crate::byte_source::FileBytes;
use crate::digested::Digested;
use crate::error::{Error, FileError, Result};
use crate::format::Beginning;
use crate::formats::{self, FORMATS};
use crate::tensor_file::TensorFile;
use crate::{ByteSource, file_name};

/// Something that is known and not read.
struct Foreign {
    what: &'static str,
    instead: &'static str,
    counts: Counts,
    begins: fn(&Beginning) -> bool,
}

/// When such a beginning counts, in a file that does not begin as a format does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// Whatever the file is called.
    Always,
    /// Where the format that it is called after cannot read it, or it is called after none.
    Unread,
    /// Where it is called after no format: that one says better what is wrong.
    Unnamed,
}

static FOREIGN: [Foreign; 10] = [
    Foreign {
        what: "an HDF5 file, such as Keras and h5py write",
        instead: "save its weights as safetensors",
        counts: Counts::Always,
        begins: |file| file.bytes.starts_with(b"\x89HDF\r\n\x1a\n"),
    },
    Foreign {
        what: "a Keras archive",
        instead: "save its weights as safetensors",
        counts: Counts::Always,
        begins: |file| file.members().iter().any(|name| name == "model.weights.h5"),
    },
    Foreign {
        what: "a TensorFlow Lite model",
        instead: "give the checkpoint it was made from",
        counts: Counts::Always,
        begins: |file| file.bytes.get(4..8) == Some(b"TFL3"),
    },
    Foreign {
        what: "packed by gzip",
        instead: "unpack it with `gunzip`",
        counts: Counts::Always,
        begins: |file| file.bytes.starts_with(b"\x1f\x8b\x08"),
    },
    Foreign {
        what: "a tar archive",
        instead: "unpack it with `tar -xf`, or save a file of PyTorch before 0.1.10 again",
        counts: Counts::Always,
        begins: |file| file.bytes.get(257..262) == Some(b"ustar"),
    },
    Foreign {
        what: "a git-lfs pointer",
        instead: "fetch the file itself with `git lfs pull`",
        counts: Counts::Unread,
        begins: |file| file.bytes.starts_with(b"version https://git-lfs"),
    },
    Foreign {
        what: "a web page, most likely what a server said instead of sending the file",
        instead: "fetch it again",
        counts: Counts::Unread,
        begins: |file| {
            let start = file.bytes.iter().take(8).map(u8::to_ascii_lowercase);
            let start: Vec<u8> = start.collect();
            start.starts_with(b"<!doct") || start.starts_with(b"<html")
        },
    },
    Foreign {
        what: "a zip archive with neither a `data.pkl` nor arrays alone in it",
        instead: "give a file that is a checkpoint",
        counts: Counts::Unnamed,
        begins: |file| !file.members().is_empty(),
    },
    Foreign {
        what: "a pickle, but none that PyTorch wrote",
        instead: "save its weights as safetensors; pickles run code when they are loaded",
        counts: Counts::Unnamed,
        begins: |file| matches!(file.bytes[..], [0x80, 2..=5, ..]),
    },
    Foreign {
        // Its first field is a small version, and the next a name.
        what: "an ONNX model",
        instead: "give the checkpoint it was exported from",
        counts: Counts::Unnamed,
        begins: |file| matches!(file.bytes[..], [0x08, 1..=20, 0x12 | 0x1a | 0x3a, ..]),
    },
];

/// Opens the file at `path`.
pub(crate) fn open(path: &Path) -> Result<TensorFile> {
    open_bytes(path, Arc::new(FileBytes::open(path)?))
}

/// Opens bytes that are called `path`.
pub(crate) fn open_bytes(path: &Path, bytes: Arc<dyn ByteSource>) -> Result<TensorFile> {
    let digested = Arc::new(Digested::new(bytes));
    let source: Arc<dyn ByteSource> = digested.clone();
    let beginning = Beginning::read(&source).map_err(|source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    if let Some(format) = FORMATS.iter().find(|format| (format.begins)(&beginning)) {
        return TensorFile::open(path, Arc::clone(&digested), format);
    }
    let foreign = FOREIGN.iter().find(|foreign| (foreign.begins)(&beginning));
    let not_read = |foreign: &Foreign| Error::NotRead {
        path: path.to_owned(),
        what: foreign.what,
        instead: foreign.instead,
    };
    let counts = foreign.map(|foreign| foreign.counts);
    // What is wrong with a file of this name, in its format's own words.
    let named = formats::by_name(&file_name(path)).filter(|_| counts != Some(Counts::Always));
    let opened = named.map(|format| TensorFile::open(path, Arc::clone(&digested), format));
    match (opened, foreign) {
        (None, Some(foreign)) => Err(not_read(foreign)),
        (Some(Err(Error::Unsound { .. })), Some(foreign)) if foreign.counts == Counts::Unread => {
            Err(not_read(foreign))
        }
        (Some(opened), _) => opened,
        (None, None) => Err(Error::Format {
            path: path.to_owned(),
            endings: formats::endings(),
            indexes: formats::index_endings(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;
    use crate::{Checkpoint, Dtype, Entries};

    fn open_as(name: &str, content: &[u8]) -> Result<Checkpoint> {
        Checkpoint::from_bytes(name, Arc::new(content.to_vec()))
    }

    fn safetensors() -> Vec<u8> {
        let json = r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.as_bytes());
        file.extend(2.5_f32.to_le_bytes());
        file
    }

    fn npz() -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("w.npy", options).unwrap();
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        let length = u16::try_from(header.len()).unwrap();
        archive.write_all(&length.to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(&2.5_f32.to_le_bytes()).unwrap();
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn content_says_what_a_file_is_whatever_its_name() {
        let rows: Vec<u8> = [
            &b"ROWS"[..],
            &[1, 0, 0, 0],
            &[1, 0, 0, 0],
            &2.5_f32.to_le_bytes(),
        ]
        .concat();
        for content in [safetensors(), npz(), rows] {
            for name in [
                "0123456789abcdef",
                "w.pth",
                "w.SAFETENSORS",
                "w.npz",
                "w.h5",
            ] {
                let opened = open_as(name, &content).unwrap();
                let [tensor] = opened.tensors() else {
                    panic!("{name}");
                };
                assert_eq!(tensor.dtype, Dtype::F32, "{name}");
                assert_eq!(
                    opened.read(&tensor.tensor).unwrap(),
                    Entries::F32(vec![2.5])
                );
                assert_eq!(opened.digest().unwrap()[0].bytes, content.len() as u64);
            }
        }
    }

    #[test]
    fn a_name_says_what_a_broken_file_should_be_in_any_case() {
        let said = |name: &str| {
            open_as(name, b"nonsense of sixteen")
                .unwrap_err()
                .to_string()
        };
        assert!(said("x.SafeTensors").contains("not a sound safetensors file"));
        assert!(said("x.pth.tar").contains("not a sound PyTorch file"));
        assert!(said("x.CKPT").contains("not a sound PyTorch file"));
        assert!(said("x.gguf").contains("GGUF"));
        let none = said("x");
        assert!(
            none.contains("not a checkpoint we read") && none.contains(".ckpt"),
            "{none}"
        );
    }

    #[test]
    fn what_is_known_and_not_read_is_named() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (name, content, words) in [
            ("a.bin", &b"\x89HDF\r\n\x1a\n________"[..], "an HDF5 file"),
            (
                "a.tflite",
                b"\x1c\0\0\0TFL3________",
                "a TensorFlow Lite model",
            ),
            ("a.safetensors", b"\x1f\x8b\x08_________", "packed by gzip"),
            ("a.pth.tar", &tar, "a tar archive"),
            (
                "a.pth",
                b"version https://git-lfs.github.com/spec/v1",
                "git lfs pull",
            ),
            (
                "a.safetensors",
                b"version https://git-lfs.github.com/spec/v1",
                "git lfs pull",
            ),
            ("a.gguf", b"<!DOCTYPE html>", "a web page"),
            ("a.onnx", b"\x08\x07\x12\x07pytorch", "an ONNX model"),
            ("a.pkl", b"\x80\x04\x95________", "a pickle"),
        ] {
            let said = open_as(name, content).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains(words), "{said}");
        }
    }
}
