//! What a checkpoint may not be, each with the sentence that names it; and what is read as what.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use half::{bf16, f16};
use randomlike::analysis::{self, Options};
use randomlike::checkpoint::{Checkpoint, Entries};
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Header and data as a file, sound or not.
fn file(header: &str, data: usize) -> Vec<u8> {
    let length = header.len() as u64;
    [&length.to_le_bytes(), header.as_bytes(), &vec![0; data][..]].concat()
}

/// A sound file with an F32 matrix of 2×2 for each name.
fn sound(names: &[&str]) -> Vec<u8> {
    let data = [0; 16];
    let tensors = names.iter().map(|name| {
        let view = TensorView::new(Dtype::F32, vec![2, 2], &data);
        (*name, view.unwrap())
    });
    serialize(tensors, None).unwrap()
}

fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn index(map: &Value) -> Vec<u8> {
    json!({ "weight_map": map }).to_string().into_bytes()
}

const ONE: &str = "one.safetensors";
const TWO: &str = "two.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// What is said of `path`, with `{}` in `message` for the folder.
fn says(path: &Path, home: &TempDir, message: &str) {
    let message = message.replace("{}", &home.path().display().to_string());
    match Checkpoint::open(path) {
        Err(error) => assert!(
            error.to_string().contains(&message),
            "not `{message}` but `{error}`"
        ),
        Ok(_) => panic!("opened, where `{message}` was due"),
    }
}

/// A sharded checkpoint whose index says `map`.
fn sharded(map: &Value) -> TempDir {
    folder(&[
        (ONE, sound(&["a", "b"])),
        (TWO, sound(&["c"])),
        (INDEX, index(map)),
    ])
}

#[test]
fn an_index_and_its_shards_must_say_the_same() {
    let good = json!({"a": ONE, "b": ONE, "c": TWO});
    let home = sharded(&good);
    assert!(Checkpoint::open(home.path()).is_ok());
    assert!(Checkpoint::open(home.path().join(INDEX)).is_ok());
    let with = |tensor: &str, shard: Value| {
        let mut map = good.clone();
        map[tensor] = shard;
        map
    };
    let cases = [
        (
            with("c", json!("three.safetensors")),
            "the shard `three.safetensors` is missing",
        ),
        (
            with("x", json!(TWO)),
            "tensor `x` is not in the shard `two.safetensors`",
        ),
        (
            with("c", json!(ONE)),
            "tensor `c` is not in the shard `one.safetensors`",
        ),
        (
            json!({"a": ONE, "c": TWO}),
            "tensor `b` of the shard `one.safetensors` is not in",
        ),
        (
            with("c", json!("../two.safetensors")),
            "the shard path `../two.safetensors` of tensor `c` leaves",
        ),
        (
            with("c", json!("/two.safetensors")),
            "the shard path `/two.safetensors` of tensor `c` leaves",
        ),
        (
            with("c", json!("x/../two.safetensors")),
            "of tensor `c` leaves the folder",
        ),
        (
            with("c", json!("two.bin")),
            "the shard `two.bin` of tensor `c` is not a .safetensors file",
        ),
        (
            with("c", json!(INDEX)),
            "of tensor `c` is not a .safetensors file",
        ),
        (
            with("c", json!(3)),
            "it is not an object with a `weight_map`",
        ),
        (json!({}), "its `weight_map` names no tensor"),
        (json!([1]), "it is not an object with a `weight_map`"),
    ];
    for (map, message) in cases {
        let home = sharded(&map);
        says(home.path(), &home, &format!("the index `{{}}/{INDEX}`"));
        says(home.path(), &home, message);
    }
}

#[test]
fn a_tensor_that_comes_twice_is_named_with_both_files() {
    let both = "one.safetensors` and `{}/two.safetensors` both hold the tensor `a`";
    let map = json!({"a": ONE, "c": TWO});
    let shards = [(ONE, sound(&["a"])), (TWO, sound(&["a", "c"]))];
    let home = folder(&shards);
    fs::write(home.path().join(INDEX), index(&map)).unwrap();
    says(home.path(), &home, both);
    let parts = ["m-1-of-2.safetensors", "m-2-of-2.safetensors"];
    let home = folder(&parts.map(|name| (name, sound(&["a"]))));
    let both = "m-1-of-2.safetensors` and `{}/m-2-of-2.safetensors` both hold the tensor `a`";
    says(home.path(), &home, both);
    let twice = r#"{"weight_map": {"a": "one.safetensors", "a": "one.safetensors"}}"#;
    let home = folder(&[(ONE, sound(&["a"])), (INDEX, twice.into())]);
    says(home.path(), &home, "tensor `a` is listed twice");
    let entry = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let home = folder(&[(ONE, file(&format!("{{{entry},{entry}}}"), 4))]);
    says(home.path(), &home, "tensor `a` is listed twice");
    let other = entry.replace("0,4", "4,8");
    let home = folder(&[(ONE, file(&format!("{{{entry},{other}}}"), 8))]);
    says(home.path(), &home, "tensor `a` is listed twice");
}

#[test]
fn a_header_that_does_not_hold_names_file_and_tensor() {
    let entry = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let one = |shape, from, to| format!(r#"{{"a":{}}}"#, entry(shape, from, to));
    let two = |a: String, b: String| format!(r#"{{"a":{a},"b":{b}}}"#);
    let cases = [
        (file(&one("[2]", 0, 8), 8), ""),
        (vec![1, 2, 3], "3 bytes are too few for a header"),
        (
            90_u64.to_le_bytes().to_vec(),
            "the header claims 90 bytes, but the file has only 8",
        ),
        (
            u64::MAX.to_le_bytes().to_vec(),
            "the header claims 18446744073709551615 bytes, more than",
        ),
        (file("{", 0), "its header is not the JSON it should be"),
        (
            file(r#"{"a":1}"#, 0),
            "its header is not the JSON it should be",
        ),
        (
            file(&one("[1]", 4, 0), 4),
            "tensor `a` begins at 4 and ends before, at 0",
        ),
        (
            file(&one("[3]", 0, 8), 8),
            "tensor `a` has 8 bytes where its shape and dtype need 12",
        ),
        (
            file(&one("[4294967296,4294967296]", 0, 8), 8),
            "the shape of tensor `a` overflows",
        ),
        (
            file(&one("[2]", 0, 8), 7),
            "it is truncated: tensor `a` ends at byte",
        ),
        (
            file(&one("[1]", 4, 8), 8),
            "4 bytes before tensor `a` belong to no tensor",
        ),
        (
            file(&one("[2]", 0, 8), 9),
            "1 trailing bytes belong to no tensor",
        ),
        (
            file(&two(entry("[2]", 0, 8), entry("[2]", 4, 12)), 12),
            "tensors `a` and `b` overlap",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "it is a git-lfs pointer",
        ),
    ];
    for (bytes, message) in cases {
        let home = folder(&[(ONE, bytes)]);
        let path = home.path().join(ONE);
        if message.is_empty() {
            assert!(Checkpoint::open(&path).is_ok());
        } else {
            let whole = format!("`{{}}/{ONE}` is not a sound safetensors file: {message}");
            says(&path, &home, &whole);
        }
    }
}

#[test]
fn a_folder_stands_for_one_checkpoint() {
    let map = json!({"a": ONE});
    let mut files = vec![
        (ONE, sound(&["a"])),
        (INDEX, index(&map)),
        ("config.json", b"{}".to_vec()),
        ("pytorch_model.bin.index.json", b"{}".to_vec()),
        ("sub/deeper.safetensors", sound(&["z"])),
    ];
    let home = folder(&files);
    assert_eq!(Checkpoint::open(home.path()).unwrap().tensors().len(), 1);
    files.push(("consolidated.safetensors", sound(&["z"])));
    let home = folder(&files);
    let beside = |home: &Path| {
        let opened = Checkpoint::open(home).unwrap();
        let names = opened.beside().iter().map(|file| file.file.clone());
        names.collect::<Vec<_>>()
    };
    let other = "pytorch_model.bin.index.json";
    assert_eq!(beside(home.path()), ["consolidated.safetensors", other]);
    files.pop();
    files.push(("model.fp16.safetensors.index.json", index(&map)));
    let home = folder(&files);
    let precision = "model.fp16.safetensors.index.json";
    assert_eq!(beside(home.path()), [precision, other]);
    files.push(("extra.safetensors", sound(&["z"])));
    let home = folder(&files);
    let several = format!("`{{}}` holds several checkpoints: `{INDEX}`, `extra.safetensors`");
    says(home.path(), &home, &several);
    assert!(Checkpoint::open(home.path().join(INDEX)).is_ok());
    let home = folder(&[("config.json", b"{}".to_vec())]);
    says(home.path(), &home, "`{}` holds no checkpoint");
}

#[test]
fn a_shard_may_be_a_link_or_in_a_folder_but_must_be_a_file() {
    let map = json!({"a": "sub/one.safetensors"});
    let home = folder(&[("sub/one.safetensors", sound(&["a"])), (INDEX, index(&map))]);
    let files = Checkpoint::open(home.path()).unwrap().digest().unwrap();
    let path: PathBuf = ["sub", ONE].iter().collect();
    assert_eq!(Path::new(&files[0].path), path, "relative to the source");
    assert_eq!(files[0].link, None);
    let home = folder(&[("sub/one.safetensors/x", Vec::new()), (INDEX, index(&map))]);
    says(
        home.path(),
        &home,
        "one.safetensors` is a directory, not a file",
    );
    #[cfg(unix)]
    {
        let home = folder(&[
            ("blobs/0123", sound(&["a"])),
            (INDEX, index(&json!({"a": ONE}))),
        ]);
        let blob = home.path().join("blobs/0123");
        std::os::unix::fs::symlink(&blob, home.path().join(ONE)).unwrap();
        let files = Checkpoint::open(home.path()).unwrap().digest().unwrap();
        assert_eq!(files[0].link.as_deref(), blob.to_str());
    }
}

// The values by IEEE 754: the least and the largest, both zeros, a third, infinities, a NaN.
#[test]
fn each_float_dtype_is_read_as_what_was_stored() {
    let wanted = [
        0.0,
        -0.0,
        1.0 / 3.0,
        -1.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        65504.0,
    ];
    let doubles = [&wanted[..], &[f64::MAX, 5e-324]].concat();
    let singles: Vec<f32> = wanted
        .iter()
        .map(|&w| w as f32)
        .chain([f32::MAX, 1e-45])
        .collect();
    let halves: Vec<f16> = wanted
        .iter()
        .map(|&w| f16::from_f64(w))
        .chain([f16::MAX, f16::from_bits(1)])
        .collect();
    let brains: Vec<bf16> = wanted
        .iter()
        .map(|&w| bf16::from_f64(w))
        .chain([bf16::MAX, bf16::from_bits(1)])
        .collect();
    let bytes: [(Dtype, Vec<u8>); 4] = [
        (
            Dtype::F64,
            doubles.iter().flat_map(|w| w.to_le_bytes()).collect(),
        ),
        (
            Dtype::F32,
            singles.iter().flat_map(|w| w.to_le_bytes()).collect(),
        ),
        (
            Dtype::F16,
            halves.iter().flat_map(|w| w.to_le_bytes()).collect(),
        ),
        (
            Dtype::BF16,
            brains.iter().flat_map(|w| w.to_le_bytes()).collect(),
        ),
    ];
    let views = bytes.iter().map(|(dtype, bytes)| {
        (
            dtype.to_string(),
            TensorView::new(*dtype, vec![2, 5], bytes).unwrap(),
        )
    });
    let home = folder(&[(ONE, serialize(views, None).unwrap())]);
    let checkpoint = Checkpoint::open(home.path()).unwrap();
    let read = |dtype: &str| checkpoint.read(dtype).unwrap();
    // Bits, so that -0 is not 0 and NaN is NaN.
    match (read("F64"), read("F32"), read("F16"), read("BF16")) {
        (Entries::F64(a), Entries::F32(b), Entries::F16(c), Entries::BF16(d)) => {
            assert!(
                a.iter()
                    .map(|w| w.to_bits())
                    .eq(doubles.iter().map(|w| w.to_bits()))
            );
            assert!(
                b.iter()
                    .map(|w| w.to_bits())
                    .eq(singles.iter().map(|w| w.to_bits()))
            );
            assert!(
                c.iter()
                    .map(|w| w.to_bits())
                    .eq(halves.iter().map(|w| w.to_bits()))
            );
            assert!(
                d.iter()
                    .map(|w| w.to_bits())
                    .eq(brains.iter().map(|w| w.to_bits()))
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_other_dtype_is_skipped_by_name() {
    let others = [
        "BOOL", "U8", "I8", "F8_E8M0", "I16", "U16", "I32", "U32", "I64", "U64", "C64", "F4",
        "F6_E2M3", "F6_E3M2", "Q4_K", "Q9_K",
    ];
    let mut header = json!({"read": {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, 64]}});
    let mut end = 64;
    for dtype in others {
        let bits = match dtype {
            "Q4_K" | "Q9_K" => 9,
            known => serde_json::from_value::<Dtype>(json!(known))
                .unwrap()
                .bitsize(),
        };
        let from = end;
        end += 16 * bits / 8;
        header[format!("of.{dtype}")] =
            json!({"dtype": dtype, "shape": [4, 4], "data_offsets": [from, end]});
    }
    let home = folder(&[(ONE, file(&header.to_string(), end))]);
    let layers = |json: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_randomlike"))
            .arg("layers")
            .args(json)
            .arg(home.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let found: Value = serde_json::from_slice(&layers(&["--json"])).unwrap();
    assert_eq!(found["layers"].as_array().unwrap().len(), 1);
    let skipped = found["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), others.len());
    let table = String::from_utf8(layers(&[])).unwrap();
    for dtype in others {
        let entry = skipped
            .iter()
            .find(|skipped| skipped["tensor"] == format!("of.{dtype}"))
            .unwrap();
        // Integers of 64 bits and truth values are no packed weights.
        let reason = if matches!(dtype, "BOOL" | "I64" | "U64") {
            "integers: a counter, an index or a mask".to_owned()
        } else {
            format!("dtype {dtype} is not read")
        };
        assert_eq!(entry["reason"], reason);
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("of.{dtype} ")));
        assert!(row.unwrap().contains(&reason), "{table}");
    }
}

/// What an audit says of a file to which `change` is done while its layer is measured.
fn changed(change: impl Fn(&Path)) -> Option<String> {
    let home = folder(&[(ONE, sound(&["a"]))]);
    let path = home.path().join(ONE);
    // An hour old, so that a write shows however coarse the clock is that files are stamped by.
    let old = SystemTime::now() - Duration::from_hours(1);
    let options = fs::File::options().write(true).open(&path);
    options.unwrap().set_modified(old).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let mut told = false;
    let measured = analysis::measure(&checkpoint, &Options::default(), &mut |_| {
        if !std::mem::replace(&mut told, true) {
            change(&path);
        }
    });
    assert!(told);
    measured.err().map(|error| {
        let said = error.to_string();
        assert!(said.contains(&path.display().to_string()), "{said}");
        said
    })
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    assert_eq!(changed(|path| drop(fs::read(path).unwrap())), None);
    let in_place = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let replaced = |path: &Path| {
        let other = path.with_extension("other");
        fs::copy(path, &other).unwrap();
        fs::rename(other, path).unwrap();
    };
    for said in [changed(in_place), changed(replaced)] {
        let said = said.unwrap();
        assert!(said.contains("changed while it was read"), "{said}");
    }
}
