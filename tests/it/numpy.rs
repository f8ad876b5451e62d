//! NumPy's files as NumPy and ml_dtypes write them, and archives of which a member cannot be read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use randomlike::checkpoint::{Checkpoint, Dtype, Entries, Reading};
use randomlike::layers::{self, Selection};

use crate::writers::{self, Stored};

fn layers(source: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
    command
        .arg("layers")
        .arg(source)
        .args(more)
        .output()
        .unwrap()
}

/// 1.5, −2 and 0 in turn, as the upper halves of 32-bit floats: 0x3fc0, 0xc000, 0.
fn brain() -> Vec<u8> {
    [0x3fc0_u16, 0xc000, 0]
        .iter()
        .cycle()
        .take(48 * 40)
        .flat_map(|w| w.to_le_bytes())
        .collect()
}

/// The header that np.save of NumPy 2.4 writes for an array of ml_dtypes 0.7's bfloat16.
fn v2() -> Vec<u8> {
    let header = "{'descr': '<V2', 'fortran_order': False, 'shape': (48, 40), }\n";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(brain());
    file
}

#[test]
fn one_array_is_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.npy");
    let entries: Vec<f32> = (0..48 * 40).map(|i| i as f32).collect();
    fs::write(
        &path,
        writers::npy(&Stored::of_f32("w", &[48, 40], &entries)),
    )
    .unwrap();
    for source in [path.as_path(), folder.path()] {
        let opened = Checkpoint::open(source).unwrap();
        assert_eq!(opened.read("array").unwrap(), Entries::F32(entries.clone()));
        let found = layers::of(&opened, &Selection::default()).unwrap();
        assert_eq!((found.layers.len(), found.ledger.measured), (1, 1920));
    }
}

#[test]
fn two_bytes_without_a_type_are_bfloat16_by_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.npy");
    fs::write(&path, v2()).unwrap();
    let output = layers(&path, &[]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(
        page.contains("0 of 1,920 weights would be measured, 0 %"),
        "{page}"
    );
    assert!(page.contains("dtype <V2 is not read"), "{page}");
    let output = layers(&path, &["--v2-bfloat16"]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(
        page.contains("1,920 of 1,920 weights would be measured, 100 %"),
        "{page}"
    );
    let reading = Reading {
        void_is_bfloat16: true,
    };
    let opened = Checkpoint::open_as(&path, reading).unwrap();
    assert_eq!(opened.tensors()[0].dtype, Dtype::BF16);
    let read = opened.read("array").unwrap().widened();
    assert_eq!(read[..4], [1.5, -2.0, 0.0, 1.5]);
}

// An array of objects is a pickle; one that is cut off ends before its shape does.
#[test]
fn one_member_that_cannot_be_read_does_not_refuse_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.npz");
    let sound = writers::npy(&Stored::of_f32("w", &[48, 40], &[0.5; 1920]));
    let member = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    let members = [
        member("fc.npy", &sound),
        member("cut.npy", &sound[..2000]),
        member("odd.npy", b"\x93NUMPY\x09\x00"),
        member("readme.txt", b"hello"),
    ];
    fs::write(&path, writers::archive(&members)).unwrap();
    let opened = Checkpoint::open(&path).unwrap();
    let ledger = layers::of(&opened, &Selection::default()).unwrap().ledger;
    let said: Vec<String> = ledger
        .skipped()
        .iter()
        .map(|skipped| format!("{}: {}", skipped.tensor.tensor, skipped.reason))
        .collect();
    assert_eq!(
        said,
        [
            "cut.npy: cannot be read: tensor `cut` ends before its shape does",
            "odd.npy: cannot be read: its version is 9; 1 to 3 are read",
            "readme.txt: cannot be read: it is no .npy array",
        ]
    );
    assert_eq!((ledger.measured, ledger.weights), (1920, 1920));
}

#[test]
fn a_gguf_with_its_largest_byte_first_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.gguf");
    let mut bytes = writers::gguf(&[], &[]);
    bytes[4..8].reverse();
    fs::write(&path, bytes).unwrap();
    let output = layers(&path, &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("largest byte first (big-endian)"), "{said}");
}
