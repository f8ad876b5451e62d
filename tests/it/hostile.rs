//! Files nobody vetted: each is measured, or refused by name with exit status 2; none ends in a
//! panic, none makes us allocate what its header merely claims.
//!
//! `RANDOMLIKE_MUTATIONS=20000` tries so many mutations of files; 300 without it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use randomlike::audit::Audit;
use randomlike::synth::{self, Kind, Options};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_randomlike");
const FILE: &str = "hostile.safetensors";
const INDEX: &str = "hostile.safetensors.index.json";
const SHARDS: [&str; 2] = ["one.safetensors", "two.safetensors"];

fn inspect(source: &Path) -> Output {
    Command::new(BINARY)
        .args(["inspect", "--json", "--threads", "1"])
        .arg(source)
        .output()
        .unwrap()
}

/// What is wrong with a run, whatever it was given: a panic, a signal, a message without the
/// name of a file, an audit that is none.
fn misbehaviour(output: &Output, names: &[&str]) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let fault = if said.contains("panicked") {
        "panicked"
    } else {
        match output.status.code() {
            Some(0) if serde_json::from_slice::<Audit>(&output.stdout).is_err() => "wrote no audit",
            Some(2) if !said.starts_with("error: ") => "gave no error",
            Some(2) if !names.iter().any(|name| said.contains(name)) => "named no file",
            Some(0 | 2) => return None,
            _ => "ended otherwise",
        }
    };
    Some(format!("{fault}: {:?}: {said}", output.status))
}

/// A file of a header and data.
fn join(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// Header and data of a sound file.
fn split(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap());
    let (header, data) = file[8..].split_at(usize::try_from(length).unwrap());
    (header.to_vec(), data.to_vec())
}

fn small(kind: Kind, dtype: synth::Dtype) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let options = Options {
        inputs: 24,
        outputs: 16,
        dtype,
        ..Options::default()
    };
    synth::write(kind, &options, &path).unwrap();
    fs::read(path).unwrap()
}

/// A tensor of every dtype the `safetensors` crate knows, none of them large.
fn every_dtype() -> Vec<u8> {
    use Dtype::{BF16, BOOL, C64, F4, F6_E2M3, F8_E4M3, F16, F32, F64, I8, I16, I64, U8, U32};
    let dtypes = [
        F64, F32, F16, BF16, BOOL, C64, F4, F6_E2M3, F8_E4M3, I8, I16, I64, U8, U32,
    ];
    let data: Vec<u8> = (0..8 * 64).map(|at| 0x38 + (at * 37 % 8) as u8).collect();
    let tensors = dtypes.map(|dtype| {
        let bytes = dtype.bitsize() * 64 / 8;
        let view = TensorView::new(dtype, vec![8, 8], &data[..bytes]).unwrap();
        (format!("{dtype}.weight"), view)
    });
    serialize(tensors, None).unwrap()
}

/// Two shards and their index.
struct Sharded {
    shards: [Vec<u8>; 2],
    map: BTreeMap<String, String>,
}

impl Sharded {
    fn new() -> Self {
        let data = [0x3c; 4 * 8 * 8];
        let shard = |names: [&str; 2]| {
            let view = || TensorView::new(Dtype::F32, vec![8, 8], &data).unwrap();
            serialize(names.map(|name| (name, view())), None).unwrap()
        };
        let [one, two] = SHARDS.map(str::to_owned);
        let map = [("a", &one), ("b", &one), ("c", &two), ("d", &two)];
        Self {
            shards: [shard(["a", "b"]), shard(["c", "d"])],
            map: map.map(|(t, s)| (t.to_owned(), s.clone())).into(),
        }
    }

    fn index(&self) -> String {
        json!({"metadata": {"total_size": 1024}, "weight_map": self.map}).to_string()
    }

    /// Everything in `folder`, with what an index may be told to name by mistake.
    fn write(&self, folder: &Path, index: &[u8]) {
        for (name, bytes) in SHARDS.iter().zip(&self.shards) {
            fs::write(folder.join(name), bytes).unwrap();
        }
        fs::create_dir(folder.join("folder")).unwrap();
        fs::write(folder.join(INDEX), index).unwrap();
    }
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, among: &'a [T]) -> &'a T {
    &among[rng.random_range(0..among.len())]
}

/// Changes some bytes of `bytes` within `from..to`: a bit, or a value that means something.
fn flip(rng: &mut ChaCha8Rng, bytes: &mut [u8], from: usize, to: usize) {
    if from >= to {
        return;
    }
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(from..to);
        bytes[at] = match rng.random_range(0..3) {
            0 => bytes[at] ^ (1 << rng.random_range(0..8)),
            1 => *pick(rng, b"{}[]\",:0-9.eE\\ \0\xff\x7f\x80"),
            _ => rng.random(),
        };
    }
}

/// Values no shape, offset or dtype should have, and some it may.
fn odd_value(rng: &mut ChaCha8Rng) -> Value {
    let numbers = [
        0,
        1,
        3,
        8,
        255,
        1 << 31,
        1 << 32,
        1 << 40,
        1 << 62,
        1 << 63,
        u64::MAX - 7,
        u64::MAX - 1,
        u64::MAX,
    ];
    let number = |rng: &mut ChaCha8Rng| *pick(rng, &numbers);
    match rng.random_range(0..12) {
        0 => json!(null),
        1 => json!(-1),
        2 => json!(1.5),
        3 => json!(1e300),
        4 => json!("F32"),
        5 => json!("F4"),
        6 => json!({"a": 1}),
        7 => json!([[8, 8]]),
        8 => json!([]),
        9 => json!([-8, 8]),
        10 => json!([number(rng), number(rng)]),
        _ => json!([number(rng), number(rng), number(rng)]),
    }
}

/// The header with a field of a tensor, or a whole tensor, put out of order.
fn splice(rng: &mut ChaCha8Rng, header: &[u8]) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(header).unwrap();
    let object = json.as_object_mut().unwrap();
    let names: Vec<String> = object.keys().cloned().collect();
    let name = pick(rng, &names).clone();
    let odd = odd_value(rng);
    match rng.random_range(0..7) {
        0 => {
            object.remove(&name);
        }
        1 => {
            let copy = object[&name].clone();
            object.insert("copy".to_owned(), copy);
        }
        2 => {
            object.insert(name, odd);
        }
        3 => {
            // Offsets moved by a few bytes.
            if let Some(offsets) = object[&name].get_mut("data_offsets") {
                let side = rng.random_range(0..2);
                let moved = offsets[side].as_u64().unwrap_or(0);
                offsets[side] = json!(moved.wrapping_add_signed(*pick(rng, &[-8, -1, 1, 4, 8])));
            }
        }
        _ => {
            let field = pick(rng, &["dtype", "shape", "data_offsets", "extra"]);
            if let Some(entry) = object[&name].as_object_mut() {
                entry.insert((*field).to_owned(), odd);
            }
        }
    }
    json.to_string().into_bytes()
}

/// Headers that are not what a header is.
fn odd_header(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let deep = *pick(rng, &[100, 200, 100_000]);
    match rng.random_range(0..12) {
        0 => Vec::new(),
        1 => b"{}".to_vec(),
        2 => b"null".to_vec(),
        3 => b"[]".to_vec(),
        4 => b"\"\xff\xfe\"".to_vec(),
        5 => "[".repeat(deep).into_bytes(),
        6 => r#"{"a":"#.repeat(deep).into_bytes(),
        7 => format!(
            r#"{{"a":{{"x":{}1{}}}}}"#,
            "[".repeat(deep),
            "]".repeat(deep)
        )
        .into_bytes(),
        8 => br#"{"__metadata__":{"a":1}}"#.to_vec(),
        9 => br#"{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}"#.to_vec(),
        10 => br#"{"a":{"dtype":"F32","shape":[1e99],"data_offsets":[0,1e999]}}"#.to_vec(),
        _ => br#"{"a":{"dtype":"F32","shape":[0,9223372036854775808,4],"data_offsets":[0,0]}}"#
            .to_vec(),
    }
}

/// `file` with something wrong, and the kind of wrong.
fn mutate(rng: &mut ChaCha8Rng, file: &[u8]) -> (&'static str, Vec<u8>) {
    let (header, data) = split(file);
    let mut bytes = file.to_vec();
    let start = 8 + header.len();
    match rng.random_range(0..10) {
        0 => {
            let places = [
                0,
                1,
                rng.random_range(0..8),
                8,
                rng.random_range(8..start),
                start - 1,
                start,
                start + 1,
                rng.random_range(start..bytes.len()),
                bytes.len() - 1,
            ];
            bytes.truncate(*pick(rng, &places));
            ("truncated", bytes)
        }
        1 => {
            let (length, size) = (header.len() as u64, file.len() as u64);
            let claims = [
                0,
                1,
                length - 1,
                length + 1,
                size - 8,
                size,
                100_000_000,
                100_000_001,
                1 << 31,
                1 << 32,
                1 << 63,
                u64::MAX - 8,
                u64::MAX - 7,
                u64::MAX,
                length ^ (1 << rng.random_range(0..64)),
            ];
            bytes[..8].copy_from_slice(&pick(rng, &claims).to_le_bytes());
            ("length field", bytes)
        }
        2 | 3 => {
            flip(rng, &mut bytes, 8, start);
            ("header bytes", bytes)
        }
        4 => {
            flip(rng, &mut bytes, start, file.len());
            ("data bytes", bytes)
        }
        5 | 6 => ("spliced", join(&splice(rng, &header), &data)),
        7 => {
            let text = String::from_utf8(header).unwrap();
            let entry = text.trim().trim_start_matches('{').trim_end_matches('}');
            let twice = format!("{{{entry}}},{entry}}}}}");
            ("listed twice", join(twice.as_bytes(), &data))
        }
        8 => {
            let more = vec![rng.random(); rng.random_range(1..64)];
            let at = *pick(rng, &[0, 8, start, file.len()]);
            bytes.splice(at..at, more);
            ("longer", bytes)
        }
        _ if rng.random() => ("odd header", join(&odd_header(rng), &data)),
        _ => {
            let noise = (0..rng.random_range(0..300)).map(|_| rng.random());
            ("noise", noise.collect())
        }
    }
}

/// What an independent reader says of a file; nothing where only a dtype is unknown to it.
fn is_sound(bytes: &[u8]) -> Option<bool> {
    if SafeTensors::deserialize(bytes).is_ok() {
        return Some(true);
    }
    let known = |dtype: &Value| serde_json::from_value::<Dtype>(dtype.clone()).is_ok();
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let header = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.get(8..)?.get(..length));
    let json: Option<Value> = header.and_then(|header| serde_json::from_slice(header).ok());
    let foreign = json
        .as_ref()
        .and_then(Value::as_object)
        .is_some_and(|json| {
            json.values()
                .filter_map(|entry| entry.get("dtype"))
                .any(|dtype| dtype.is_string() && !known(dtype))
        });
    (!foreign).then_some(false)
}

/// Sound to that reader, and refused by us for a reason we give.
fn stricter(said: &str) -> bool {
    [
        "is listed twice",
        "duplicate field",
        "overflows",
        "nothing was measured",
        "too large to be squared",
        "is not finite",
    ]
    .iter()
    .any(|reason| said.contains(reason))
}

fn mutations() -> u64 {
    let wanted = std::env::var("RANDOMLIKE_MUTATIONS");
    wanted.map_or(300, |count| count.parse().unwrap())
}

#[test]
fn a_mutated_file_is_measured_or_refused_by_name() {
    let seeds = [
        small(Kind::Gaussian, synth::Dtype::F32),
        small(Kind::Spikes, synth::Dtype::F64),
        small(Kind::Kaiming, synth::Dtype::Bf16),
        every_dtype(),
        fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/neuralfoil_medium.safetensors"
        ))
        .unwrap(),
    ];
    // The fixture is the largest and comes once in twenty.
    let seed = |at: u64| &seeds[if at % 20 == 19 { 4 } else { (at % 4) as usize }];
    let run = |at: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(at);
        let (kind, mut bytes) = mutate(&mut rng, seed(at));
        if bytes.len() > 8 && rng.random_range(0..8) == 0 {
            let end = bytes.len();
            flip(&mut rng, &mut bytes, 0, end);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, &bytes).unwrap();
        let output = inspect(&path);
        let said = String::from_utf8_lossy(&output.stderr);
        let measured = output.status.success();
        let fault = misbehaviour(&output, &[FILE]).or_else(|| match is_sound(&bytes) {
            Some(false) if measured => Some("measured what is not sound".to_owned()),
            Some(true) if !measured && !stricter(&said) => Some(format!("refused: {said}")),
            _ => None,
        });
        if let Some(fault) = fault {
            let kept = folder.keep();
            panic!("mutation {at} ({kind}), in {}: {fault}", kept.display());
        }
        measured
    };
    let count = mutations();
    let measured = (0..count).into_par_iter().filter(|&at| run(at)).count() as u64;
    assert!(measured > count / 20, "{measured} of {count} were measured");
    assert!(measured < count / 2, "{measured} of {count} were measured");
}

/// An index with something wrong.
fn mutate_index(rng: &mut ChaCha8Rng, sharded: &Sharded) -> Vec<u8> {
    let text = sharded.index();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    let tensor = *pick(rng, &["a", "b", "c", "d"]);
    match rng.random_range(0..9) {
        0 => text.as_bytes()[..rng.random_range(0..text.len())].to_vec(),
        1 | 2 => {
            let mut bytes = text.into_bytes();
            let end = bytes.len();
            flip(rng, &mut bytes, 0, end);
            bytes
        }
        3..=5 => {
            let shards = [
                json!("/etc/passwd"),
                json!("/one.safetensors"),
                json!("../one.safetensors"),
                json!("folder/../one.safetensors"),
                json!(""),
                json!("."),
                json!("none.safetensors"),
                json!("none.safetensors\0"),
                json!("two.safetensors"),
                json!("folder"),
                json!(INDEX),
                json!("x".repeat(5000) + ".safetensors"),
                json!(3),
                json!(null),
                json!(["one.safetensors"]),
                json!({"one.safetensors": 1}),
            ];
            json["weight_map"][tensor] = pick(rng, &shards).clone();
            json.to_string().into_bytes()
        }
        6 => {
            let map = json["weight_map"].as_object_mut().unwrap();
            map.remove(tensor);
            if rng.random() {
                map.insert("e".to_owned(), json!("one.safetensors"));
            }
            json.to_string().into_bytes()
        }
        7 => {
            json["weight_map"] = odd_value(rng);
            json.to_string().into_bytes()
        }
        _ => odd_header(rng),
    }
}

#[test]
fn a_mutated_index_is_followed_or_refused_by_name() {
    let sharded = Sharded::new();
    let truth = json!(sharded.map);
    let run = |at: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(at);
        // Every fourth time a shard suffers, not the index.
        let (mut broken, mut index) = (Sharded::new(), sharded.index().into_bytes());
        let shard = rng.random_range(0..2);
        if at % 4 == 3 {
            broken.shards[shard] = mutate(&mut rng, &sharded.shards[shard]).1;
        } else {
            index = mutate_index(&mut rng, &sharded);
        }
        let folder = tempfile::tempdir().unwrap();
        broken.write(folder.path(), &index);
        let by_folder = rng.random();
        let source = folder.path().join(if by_folder { "" } else { INDEX });
        let output = inspect(&source);
        let said = String::from_utf8_lossy(&output.stderr);
        let says_the_same = serde_json::from_slice::<Value>(&index)
            .is_ok_and(|index| index.get("weight_map") == Some(&truth));
        let sound = is_sound(&broken.shards[shard]).map(|sound| sound && says_the_same);
        let measured = output.status.success();
        let names = [INDEX, SHARDS[0], SHARDS[1]];
        let fault = misbehaviour(&output, &names).or_else(|| match sound {
            Some(false) if measured => Some("measured what is not sound".to_owned()),
            Some(true) if !measured && at % 4 != 3 && !stricter(&said) => {
                Some(format!("refused: {said}"))
            }
            _ => None,
        });
        if let Some(fault) = fault {
            let kept = folder.keep();
            panic!("mutation {at}, in {}: {fault}", kept.display());
        }
        measured
    };
    let count = mutations() / 3;
    let measured = (0..count).into_par_iter().filter(|&at| run(at)).count() as u64;
    assert!(
        measured > 0 && measured < count / 2,
        "{measured} of {count}"
    );
}

/// The address space of this process, in kB.
#[cfg(target_os = "linux")]
fn address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let size = size.unwrap().trim().strip_suffix(" kB").unwrap();
    size.parse().unwrap()
}

/// What [`set_aside`] reads, in a process where nothing else asks for memory.
#[cfg(target_os = "linux")]
#[ignore = "run by set_aside, in a process of its own"]
#[test]
fn a_product_sets_memory_aside() {
    let one = faer::Mat::<f32>::identity(256, 256);
    let mut product = one.clone();
    let before = address_space();
    let (add, alone) = (faer::Accum::Add, faer::Par::Seq);
    faer::linalg::matmul::matmul(&mut product, add, &one, &one, 1.0, alone);
    assert!((product[(0, 0)] - 2.0).abs() < 1e-6);
    println!("set aside: {} kB", address_space() - before);
}

/// Address space in kB that the library of products takes on each thread that multiplies, and
/// leaves untouched: twice the L3 cache, as that library finds it, which is 600 MB on some
/// processors.
#[cfg(target_os = "linux")]
fn set_aside() -> u64 {
    static KILOBYTES: OnceLock<u64> = OnceLock::new();
    *KILOBYTES.get_or_init(|| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("hostile::a_product_sets_memory_aside")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let size = said
            .split_once("set aside: ")
            .and_then(|(_, rest)| rest.split_once(" kB"));
        size.expect(&said).0.parse().unwrap()
    })
}

/// `inspect` with 300 MB of address space, and what the products of two threads set aside. Apart from
/// that a small net does with 60 MB, where one arena serves all threads: else how many glibc makes,
/// each of 64 MB or more, depends on how the threads meet. OpenBLAS takes room for each of its own.
#[cfg(target_os = "linux")]
fn inspect_in_little_memory(source: &Path) -> Output {
    let limit = 300_000 + 2 * set_aside();
    Command::new("sh")
        .args([
            "-c",
            &format!(r#"ulimit -v {limit}; exec "$@""#),
            "sh",
            BINARY,
        ])
        .args(["inspect", "--json", "--threads", "1"])
        .envs([("MALLOC_ARENA_MAX", "1"), ("OPENBLAS_NUM_THREADS", "1")])
        .arg(source)
        .output()
        .unwrap()
}

/// Gives a file a size without giving it blocks.
#[cfg(target_os = "linux")]
fn stretch(path: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_header_claims_is_not_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let run = |bytes: &[u8], stretched: Option<u64>, message: &str| {
        fs::write(&path, bytes).unwrap();
        if let Some(size) = stretched {
            stretch(&path, size);
        }
        let output = inspect_in_little_memory(&path);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(misbehaviour(&output, &[FILE]), None);
        assert_eq!(output.status.success(), message.is_empty(), "{said}");
        assert!(said.contains(message), "{said}");
    };
    run(&small(Kind::Gaussian, synth::Dtype::F32), None, "");
    for claim in [99_999_999, 100_000_000] {
        let file = [&u64::to_le_bytes(claim)[..], b"{}"].concat();
        run(&file, None, "but the file has only 10");
    }
    for claim in [100_000_001, 1 << 40, u64::MAX] {
        let file = [&u64::to_le_bytes(claim)[..], b"{}"].concat();
        run(&file, None, "more than the 100000000 allowed");
    }
    let one = |name: &str, dtype: &str, shape: &[u64], end: u64| {
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [0, end]});
        join(json!({ name: entry }).to_string().as_bytes(), &[0; 16])
    };
    let side = 1 << 31;
    run(&one("w", "F32", &[side, side], u64::MAX), None, "truncated");
    run(
        &one("w", "F32", &[1 << 18, 1 << 18], 1 << 38),
        None,
        "truncated",
    );
    run(
        &one("w", "F32", &[side / 8, side / 8], 16),
        None,
        "has 16 bytes",
    );
    run(&one("w", "F32", &[side, side, side], 16), None, "overflows");
    run(&one("w", "I4X", &[side, side], 16), None, "has 16 bytes");
    // Two billion empty matrices.
    let empty = json!({"expert": {"dtype": "F32", "shape": [side, 0, 16], "data_offsets": [0, 0]}});
    run(
        &join(empty.to_string().as_bytes(), b""),
        None,
        "nothing was measured",
    );
    // A file as large as it claims, and larger than the memory there is.
    let large = one("w", "F32", &[1 << 17, 1 << 17], 1 << 36);
    let size = large.len() as u64 - 16 + (1 << 36);
    run(&large, Some(size), "more than memory can be had for");
}

#[cfg(target_os = "linux")]
#[test]
fn an_index_is_not_read_whatever_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let sharded = Sharded::new();
    sharded.write(folder.path(), sharded.index().as_bytes());
    let index = folder.path().join(INDEX);
    assert!(inspect_in_little_memory(&index).status.success());
    stretch(&index, 1 << 36);
    let output = inspect_in_little_memory(&index);
    assert_eq!(misbehaviour(&output, &[INDEX]), None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("more than the 100000000 allowed"), "{said}");
}

#[test]
fn weights_that_are_not_finite_are_counted_and_fail_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.safetensors");
    let run = |args: &[&str]| Command::new(BINARY).args(args).arg(&path).output().unwrap();
    for (bias, measured) in [("constant", true), ("absent", false)] {
        assert!(run(&["synth", "--bias", bias, "nan"]).status.success());
        let output = run(&["inspect", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
        let layer = &audit["layers"][0];
        let counts = json!({
            "weight_nan": 2, "weight_infinite": 1, "bias_nan": 0, "bias_infinite": 0,
        });
        let mut found = layer["non_finite"].clone();
        let first = found.as_object_mut().unwrap().remove("weight_first");
        assert!(first.is_some_and(|first| first.is_u64()));
        assert_eq!(found, counts);
        for section in ["weights", "spectrum"] {
            let reason = layer[section]["reason"].as_str().unwrap();
            assert!(reason.contains("NaN or infinite"), "{section}: {reason}");
        }
        assert_eq!(layer["biases"].get("reason").is_none(), measured);
        let check = run(&["check"]);
        assert_eq!(check.status.code(), Some(1), "{check:?}");
    }
    assert!(run(&["synth", "gaussian"]).status.success());
    let audit: Value = serde_json::from_slice(&run(&["inspect", "--json"]).stdout).unwrap();
    assert_eq!(audit["layers"][0]["non_finite"]["weight_nan"], 0);
}

// Finite biases whose spread passes f64: no audit rather than one that cannot be read back.
#[test]
fn a_figure_that_overflows_is_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let bytes = small(Kind::Gaussian, synth::Dtype::F64);
    let (header, mut data) = split(&bytes);
    // The bias of synth comes first.
    data[..8].copy_from_slice(&1e300_f64.to_le_bytes());
    fs::write(&path, join(&header, &data)).unwrap();
    assert_eq!(misbehaviour(&inspect(&path), &[FILE]), None);
    fs::write(&path, bytes).unwrap();
    assert!(inspect(&path).status.success());
}
