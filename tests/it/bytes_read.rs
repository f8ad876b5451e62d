//! Only what is needed is read: bytes that the program asks the system for, as Linux counts them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

const BINARY: &str = env!("CARGO_BIN_EXE_randomlike");
/// Matrices of the stack, and their sides.
const SHAPE: [usize; 3] = [64, 128, 128];
/// Bytes that a command may read for one of its files: the digest reads it once, the audit once.
const MOST: f64 = 2.2;

fn text(text: &str) -> Vec<u8> {
    let length = text.len() as u32;
    [&b"X"[..], &length.to_le_bytes(), text.as_bytes()].concat()
}

/// A pickle of the stack in storage `0`.
fn pickle() -> Vec<u8> {
    let number = |number: usize| [&b"J"[..], &(number as u32).to_le_bytes()].concat();
    let [count, rows, columns] = SHAPE;
    let parts = [
        b"\x80\x02}(".to_vec(),
        text("experts.weight"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        number(count * rows * columns),
        b"tQK\0".to_vec(),
        [
            number(count),
            number(rows),
            number(columns),
            b"\x87".to_vec(),
        ]
        .concat(),
        [
            number(rows * columns),
            number(columns),
            number(1),
            b"\x87".to_vec(),
        ]
        .concat(),
        b"\x89ccollections\nOrderedDict\n)RtRu.".to_vec(),
    ];
    parts.concat()
}

fn zipped(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn safetensors(entries: &[u8]) -> Vec<u8> {
    let end = entries.len();
    let header = serde_json::json!({"experts.weight": {"dtype": "F32", "shape": SHAPE, "data_offsets": [0, end]}});
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), entries].concat()
}

fn gguf(entries: &[u8]) -> Vec<u8> {
    let name = b"experts.weight";
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    for number in [1_u64, 0, name.len() as u64] {
        file.extend(number.to_le_bytes());
    }
    file.extend(name);
    file.extend(3_u32.to_le_bytes());
    for side in SHAPE.into_iter().rev() {
        file.extend((side as u64).to_le_bytes());
    }
    file.extend([0; 12]);
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend(entries);
    file
}

fn npz(entries: &[u8], method: CompressionMethod) -> Vec<u8> {
    let [count, rows, columns] = SHAPE;
    let header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {rows}, {columns}), }}\n"
    );
    let length = (header.len() as u16).to_le_bytes();
    let array = [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), entries].concat();
    zipped(&[("experts.weight.npy", &array)], method)
}

fn pth(entries: &[u8], method: CompressionMethod) -> Vec<u8> {
    zipped(&[("x/data.pkl", &pickle()), ("x/data/0", entries)], method)
}

/// The layout before version 1.6.
fn older(entries: &[u8]) -> Vec<u8> {
    let number = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let keys = [&b"\x80\x02]"[..], &text("0"), b"a."].concat();
    let count = (entries.len() as u64 / 4).to_le_bytes();
    [
        number,
        &b"\x80\x02M\xe9\x03."[..],
        b"\x80\x02}.",
        &pickle(),
        &keys,
        &count,
        entries,
    ]
    .concat()
}

/// The stack in every format, and how the file is called.
fn written(entries: &[u8]) -> [(&'static str, Vec<u8>); 7] {
    [
        ("stack.safetensors", safetensors(entries)),
        ("stack.gguf", gguf(entries)),
        ("stored.npz", npz(entries, CompressionMethod::Stored)),
        ("packed.npz", npz(entries, CompressionMethod::Deflated)),
        ("stack.pth", pth(entries, CompressionMethod::Stored)),
        ("packed.pth", pth(entries, CompressionMethod::Deflated)),
        ("older.pt", older(entries)),
    ]
}

/// Bytes that a command reads. The shell adds up what its children read when they end.
fn bytes_read(arguments: &[&Path]) -> f64 {
    let script = r#""$@" > /dev/null; test $? -lt 2 && cat "/proc/$$/io""#;
    let output = Command::new("sh")
        .args(["-c", script, "sh", BINARY])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find_map(|line| line.strip_prefix("rchar: "));
    let line = line
        .unwrap_or_else(|| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
    line.parse().unwrap()
}

#[test]
fn no_command_reads_a_stack_more_than_twice_in_any_format() {
    let entries = |seed| -> Vec<u8> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Numbers of few bits, so that packing makes them smaller.
        let entry = |_| rng.random_range(-99_i8..100);
        let numbers = (0..SHAPE.iter().product()).map(entry);
        numbers
            .flat_map(|n| (f32::from(n) / 64.0).to_le_bytes())
            .collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (first, second) = (entries(1), entries(2));
    let out = file("out");
    let mut wrong = Vec::new();
    for ((name, a), (_, b)) in written(&first).into_iter().zip(written(&second)) {
        let (from, to) = (file(name), file(&format!("other-{name}")));
        fs::write(&from, &a).unwrap();
        fs::write(&to, &b).unwrap();
        let (one, both) = (a.len(), a.len() + b.len());
        let path = |word: &str| PathBuf::from(word);
        let commands = [
            (vec![path("layers"), from.clone()], one),
            (vec![path("inspect"), from.clone()], one),
            (
                vec![path("inspect"), from.clone(), path("--vectors"), path("2")],
                one,
            ),
            (
                vec![path("inspect"), from.clone(), path("--full-controls")],
                one,
            ),
            (
                vec![path("inspect"), from.clone(), path("--out"), out.clone()],
                one,
            ),
            (vec![path("check"), from.clone()], one),
            (
                vec![path("shadow"), from.clone(), path("--draws"), path("8")],
                one,
            ),
            (vec![path("compare"), from.clone(), to.clone()], both),
        ];
        for (words, length) in commands {
            let arguments: Vec<&Path> = words.iter().map(PathBuf::as_path).collect();
            let times = bytes_read(&arguments) / length as f64;
            let words = words.iter().filter_map(|word| word.file_name()?.to_str());
            let words: Vec<&str> = words.collect();
            println!("{name:20} {:50} {times:.2}", words.join(" "));
            // What is needed at least: `layers` reads headers alone.
            let least = if words[0] == "layers" { 0.0 } else { 0.9 };
            if !(least..=MOST).contains(&times) {
                wrong.push(format!("{name}: {}: {times:.2}", words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
