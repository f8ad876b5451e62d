//! Files of other formats, written by their real producers (`fixtures/formats/make.py`), against
//! what the producers themselves read from them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use randomlike::checkpoint::{Checkpoint, Entries};
use rayon::prelude::*;
use serde_json::Value;
use zip::write::SimpleFileOptions;

const BINARY: &str = env!("CARGO_BIN_EXE_randomlike");
const FILES: [&str; 10] = [
    "state.pth",
    "older.pt",
    "training.pt",
    "module.pt",
    "scripted.pt",
    "views.bin",
    "arrays.npz",
    "packed.npz",
    "blocks.gguf",
    "eight.safetensors",
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/formats")
        .join(name)
}

/// What the producer read of each tensor of a file.
fn expected(file: &str) -> BTreeMap<String, Vec<f64>> {
    let all = Checkpoint::open(fixture("expected.safetensors")).unwrap();
    let of_file = all.tensors().iter().filter_map(|tensor| {
        let name = tensor.tensor.strip_prefix(file)?.strip_prefix('/')?;
        Some((name.to_owned(), all.read(&tensor.tensor).unwrap().widened()))
    });
    of_file.collect()
}

#[test]
fn every_tensor_is_what_its_producer_reads() {
    for file in FILES {
        let opened = Checkpoint::open(fixture(file)).unwrap();
        let wanted = expected(file);
        assert!(!wanted.is_empty(), "{file}");
        for (name, wanted) in &wanted {
            let found = opened.read(name).unwrap().widened();
            assert_eq!(found.len(), wanted.len(), "{file}: {name}");
            let largest = wanted.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
            for (found, wanted) in found.iter().zip(wanted) {
                // Double precision was rounded to single; a block's steps are a few roundings.
                assert!(
                    (found - wanted).abs() <= 2e-7 * largest,
                    "{file}: {name}: {found} {wanted}"
                );
            }
            // A part, as a slice of a stack is read.
            let part = found.len() / 3..found.len() / 2;
            let read = opened.read_part(name, part.clone()).unwrap().widened();
            assert_eq!(read, found[part], "{file}: {name}");
            assert!(opened.read_part(name, 0..found.len() + 1).is_err());
        }
        let names: BTreeSet<&str> = opened.tensors().iter().map(|t| t.tensor.as_str()).collect();
        let rest: Vec<&str> = names
            .into_iter()
            .filter(|name| !wanted.contains_key(*name))
            .collect();
        let known: &[&str] = match file {
            "blocks.gguf" => &["NVFP4"],
            "eight.safetensors" => &[
                "alone.weight",
                "blocks.weight_scale_inv",
                "int8.SCB",
                "rows.weight_scale",
            ],
            "training.pt" => {
                let is_state = |name: &&str| name.starts_with("optimizer.state.");
                assert_eq!(
                    (rest.len(), rest.iter().filter(|n| is_state(n)).count()),
                    (12, 12)
                );
                continue;
            }
            _ => &[],
        };
        assert_eq!(rest, known, "{file}");
    }
}

#[test]
fn dtypes_keep_their_precision() {
    let views = Checkpoint::open(fixture("views.bin")).unwrap();
    assert!(matches!(views.read("half"), Ok(Entries::F16(_))));
    assert!(matches!(views.read("brain"), Ok(Entries::BF16(_))));
    assert!(matches!(views.read("double"), Ok(Entries::F64(_))));
    let arrays = Checkpoint::open(fixture("arrays.npz")).unwrap();
    assert!(matches!(arrays.read("half"), Ok(Entries::F16(_))));
    assert!(matches!(arrays.read("turned"), Ok(Entries::F64(_))));
}

fn run(command: &str, source: &Path) -> Output {
    let mut run = Command::new(BINARY);
    run.args([command, "--json"]).arg(source);
    if command == "inspect" {
        run.args(["--min-size", "2", "--threads", "1"]);
    }
    run.output().unwrap()
}

fn layers(file: &Path) -> BTreeMap<String, Value> {
    let output = run("inspect", file);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers = audit["layers"].as_array().unwrap().iter();
    layers
        .map(|layer| (layer["name"].as_str().unwrap().to_owned(), layer.clone()))
        .collect()
}

// The same state written three ways is one net: weights, spectrum, controls, shadow and label.
#[test]
fn a_pytorch_file_has_the_audit_of_the_safetensors_file() {
    let folder = tempfile::tempdir().unwrap();
    let same = folder.path().join("same.safetensors");
    let opened = Checkpoint::open(fixture("state.pth")).unwrap();
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = opened
        .tensors()
        .iter()
        .map(|tensor| {
            let Entries::F32(entries) = opened.read(&tensor.tensor).unwrap() else {
                panic!("{tensor:?}");
            };
            let bytes = entries.iter().flat_map(|w| w.to_le_bytes()).collect();
            (tensor.tensor.clone(), tensor.shape.clone(), bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(
            safetensors::tensor::Dtype::F32,
            shape.clone(),
            bytes,
        );
        (name.clone(), view.unwrap())
    });
    fs::write(&same, safetensors::tensor::serialize(views, None).unwrap()).unwrap();
    let wanted = layers(&same);
    assert_eq!(wanted.len(), 2);
    assert_eq!(layers(&fixture("state.pth")), wanted);
    assert_eq!(layers(&fixture("older.pt")), wanted);
}

#[test]
fn how_entries_become_weights_is_said() {
    let said = |file: &str, layer: &str| {
        let facts = &layers(&fixture(file))[layer];
        facts["weight"]["decoded"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        said("eight.safetensors", "blocks"),
        "F8_E4M3 times `blocks.weight_scale_inv`, one a block of 128x128"
    );
    assert_eq!(
        said("eight.safetensors", "int8"),
        "I8 times `int8.SCB` over 127, one an output"
    );
    assert_eq!(
        said("eight.safetensors", "e5m2"),
        "F8_E5M2 as stored: no scale lies beside it"
    );
    assert_eq!(
        said("blocks.gguf", "Q4_K"),
        "Q4_K: blocks of 256 weights that share a scale in 144 bytes"
    );
    assert_eq!(
        said("blocks.gguf", "IQ3_S"),
        "IQ3_S: blocks of 256 weights that share a scale in 110 bytes"
    );
    let output = run("layers", &fixture("eight.safetensors"));
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.contains("scales of `rows.weight`") && listed.contains("dtype I8 is not read"));
    let output = run("layers", &fixture("blocks.gguf"));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("dtype NVFP4 is not read")
    );
}

#[test]
fn a_folder_with_one_file_is_that_file() {
    let folder = tempfile::tempdir().unwrap();
    let empty = run("layers", folder.path());
    assert!(String::from_utf8_lossy(&empty.stderr).contains("holds no checkpoint"));
    fs::copy(fixture("state.pth"), folder.path().join("state.pth")).unwrap();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    assert_eq!(run("layers", folder.path()).status.code(), Some(0));
    fs::copy(fixture("views.bin"), folder.path().join("views.bin")).unwrap();
    let two = run("layers", folder.path());
    let said = String::from_utf8_lossy(&two.stderr);
    assert!(
        said.contains("several checkpoints: `state.pth`, `views.bin`; give the one"),
        "{said}"
    );
    assert_eq!(two.status.code(), Some(2));
}

/// A zip archive with these members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in members {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

// pickletools: import os.system, call it. torch.load would run it.
#[test]
fn no_code_in_a_pickle_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let command = format!("touch {}", trace.display());
    let mut pickle = b"\x80\x02}X\x01\x00\x00\x00wcposix\nsystem\nX".to_vec();
    pickle.extend((command.len() as u32).to_le_bytes());
    pickle.extend(command.as_bytes());
    pickle.extend(b"\x85Rs.");
    let file = folder.path().join("evil.pth");
    fs::write(
        &file,
        archive(&[("evil/data.pkl", &pickle), ("evil/version", b"3\n")]),
    )
    .unwrap();
    let output = run("inspect", &file);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("run, it would import `posix.system`") && said.contains("evil.pth"),
        "{said}"
    );
    assert!(!trace.exists());
}

/// A pickle of one tensor of 8 by 16 in storage `0`, and of what else is asked for in its dictionary.
fn pickle_of_a_tensor_and(more: &[u8]) -> Vec<u8> {
    let text = |text: &str| {
        [
            &b"X"[..],
            &(text.len() as u32).to_le_bytes(),
            text.as_bytes(),
        ]
        .concat()
    };
    let tensor = [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        b"K\x80tQK\0K\x08K\x10\x86K\x10K\x01\x86\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    let tensor = tensor.concat();
    [b"\x80\x02}(", &text("fc.weight")[..], &tensor, more, b"u."].concat()
}

#[test]
fn what_a_pickle_would_import_is_said_beside_its_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let entries: Vec<u8> = (0..128_u32)
        .flat_map(|i| ((i * 37 % 101) as f32 - 50.0).to_le_bytes())
        .collect();
    let file = folder.path().join("net.pth");
    let written = |more: &[u8]| {
        let pickle = pickle_of_a_tensor_and(more);
        let members = [("net/data.pkl", &pickle[..]), ("net/data/0", &entries)];
        fs::write(&file, archive(&members)).unwrap();
    };
    let imports = |file: &Path| -> Vec<String> {
        let opened = Checkpoint::open(file).unwrap();
        opened.imports().into_iter().map(str::to_owned).collect()
    };
    written(b"");
    assert!(imports(&file).is_empty());
    // A key, and a call as its value.
    written(b"X\x01\0\0\0xcposix\nsystem\nX\x04\0\0\0true\x85R");
    assert_eq!(imports(&file), ["posix.system"]);
    for command in ["layers", "inspect"] {
        let object: Value = serde_json::from_slice(&run(command, &file).stdout).unwrap();
        let told = object.pointer("/source/files/0/imports");
        let told = told.or_else(|| object.get("imports"));
        assert_eq!(told, Some(&serde_json::json!(["posix.system"])));
        let output = Command::new(BINARY).arg(command).arg(&file).output();
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("runs code: beside what weights are made of it imports posix.system."),
            "{said}"
        );
    }
    // PyTorch 2.15: torch.load with weights_only=True takes state.pth, older.pt and views.bin, stops at
    // the newer protocol of training.pt, and refuses a module for what it imports.
    for plain in ["state.pth", "older.pt", "training.pt", "views.bin"] {
        assert!(imports(&fixture(plain)).is_empty(), "{plain}");
    }
    let module = imports(&fixture("module.pt"));
    assert!(
        module.contains(&"torch.nn.modules.linear.Linear".to_owned()),
        "{module:?}"
    );
}

#[test]
fn a_sharded_checkpoint_of_pytorch_is_read_by_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let shards = [
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
    ];
    let mut map = BTreeMap::new();
    for (source, shard) in ["state.pth", "views.bin"].into_iter().zip(shards) {
        fs::copy(fixture(source), folder.path().join(shard)).unwrap();
        for tensor in Checkpoint::open(fixture(source)).unwrap().tensors() {
            map.insert(tensor.tensor.clone(), shard);
        }
    }
    // What else training leaves beside it is no part of it.
    fs::copy(fixture("training.pt"), folder.path().join("optimizer.bin")).unwrap();
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    let index_file = folder.path().join("pytorch_model.bin.index.json");
    fs::write(&index_file, index.to_string()).unwrap();
    for source in [folder.path(), &index_file] {
        let opened = Checkpoint::open(source).unwrap();
        assert_eq!(opened.tensors().len(), map.len());
        assert_eq!(opened.digest().unwrap().len(), 2);
        for file in ["state.pth", "views.bin"] {
            let alone = Checkpoint::open(fixture(file)).unwrap();
            for tensor in alone.tensors() {
                let name = &tensor.tensor;
                assert!(
                    opened.read(name).unwrap() == alone.read(name).unwrap(),
                    "{name}"
                );
            }
        }
    }
    fs::remove_file(folder.path().join(shards[1])).unwrap();
    let said = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(
        said.contains("pytorch_model.bin.index.json") && said.contains("is missing"),
        "{said}"
    );
    let other = r#"{"weight_map":{"w":"w.safetensors"}}"#;
    fs::write(&index_file, other).unwrap();
    let said = Checkpoint::open(&index_file).unwrap_err().to_string();
    assert!(
        said.contains("`w.safetensors` of tensor `w` is not a .bin file"),
        "{said}"
    );
}

/// Every file with bytes changed, cut off or repeated: read, or refused with its name.
#[test]
fn mutated_files_are_read_or_refused_by_name() {
    let rounds = std::env::var("RANDOMLIKE_MUTATIONS").map_or(40, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    FILES.par_iter().for_each(|name| {
        let whole = fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        for round in 0..rounds {
            let mut rng = ChaCha8Rng::seed_from_u64(round);
            let mut bytes = whole.clone();
            // Headers stand at either end.
            let near = 4096.min(bytes.len());
            for _ in 0..rng.random_range(1..6) {
                let at = match rng.random_range(0..3) {
                    0 => rng.random_range(0..near),
                    1 => bytes.len() - 1 - rng.random_range(0..near),
                    _ => rng.random_range(0..bytes.len()),
                };
                bytes[at] = [0, 1, 127, 128, 255, rng.random()][rng.random_range(0..6)];
            }
            if rng.random_range(0..4) == 0 {
                bytes.truncate(rng.random_range(0..bytes.len()));
            }
            fs::write(&path, &bytes).unwrap();
            let named = |error: randomlike_checkpoint::Error| {
                let said = error.to_string();
                assert!(said.contains(name), "{name}, round {round}: {said}");
            };
            match Checkpoint::open(&path) {
                Err(error) => named(error),
                Ok(opened) => {
                    for tensor in opened.tensors() {
                        if let Err(error) = opened.read(&tensor.tensor) {
                            named(error);
                        }
                    }
                }
            }
        }
    });
}
