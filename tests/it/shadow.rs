//! `shadow` on files: chains, real inputs, pictures, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::Value;

/// A safetensors file of f32 tensors.
pub(crate) fn write(path: &Path, metadata: &str, tensors: &[(&str, &[usize], Vec<f32>)]) {
    let mut header = format!(r#"{{"__metadata__":{metadata}"#);
    let mut at = 0;
    for (name, shape, entries) in tensors {
        let end = at + 4 * entries.len();
        let place = format!(r#""shape":{shape:?},"data_offsets":[{at},{end}]"#);
        header = [&header, r#",""#, name, r#"":{"dtype":"F32","#, &place, "}"].concat();
        at = end;
    }
    header.push('}');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    for (_, _, entries) in tensors {
        bytes.extend(entries.iter().flat_map(|x| x.to_le_bytes()));
    }
    fs::write(path, bytes).unwrap();
}

/// Numbers with no pattern to speak of, of variance about 1.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    (0..count)
        .map(|_| 12_f32.sqrt() * (uniform() - 0.5))
        .collect()
}

/// Normal numbers of variance 1.
pub(crate) fn gaussian(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let draw = |_| StandardNormal.sample(&mut rng);
    (0..count).map(draw).collect()
}

/// 64 → 48 → 32 → 10 units.
fn net(folder: &Path) -> PathBuf {
    let path = folder.join("net.safetensors");
    let layer = |name, n: usize, m: usize, seed| (name, [m, n], noise(n * m, seed));
    let layers = [
        layer("fc1.weight", 64, 48, 1),
        layer("fc2.weight", 48, 32, 2),
        layer("fc3.weight", 32, 10, 3),
    ];
    let tensors: Vec<(&str, &[usize], Vec<f32>)> = layers
        .iter()
        .map(|(name, shape, entries)| (*name, &shape[..], entries.clone()))
        .collect();
    write(&path, r#"{"activation":"relu"}"#, &tensors);
    path
}

fn inputs(folder: &Path, name: &str, shape: &[usize], entries: Vec<f32>) -> PathBuf {
    let path = folder.join(name);
    write(&path, "{}", &[("x", shape, entries)]);
    path
}

fn shadow(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .arg("shadow")
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_chain_is_found_reversed_from_random_and_real_codes_and_drawn() {
    let home = tempfile::tempdir().unwrap();
    let net = net(home.path());
    let batch = inputs(
        home.path(),
        "x.safetensors",
        &[40, 1, 8, 8],
        noise(40 * 64, 9),
    );
    let out = home.path().join("out");
    let run = |threads: &str| {
        json(&shadow(&[
            &net,
            &"--inputs",
            &batch,
            &"--image",
            &"1x8x8",
            &"--out",
            &out,
            &"--draws",
            &"24",
            &"--json",
            &"--threads",
            &threads,
        ]))
    };
    let facts = run("1");
    assert_eq!(facts, run("5"), "the number of threads shows");
    let chain = &facts["chains"][0];
    assert_eq!(chain["status"], "measured");
    assert_eq!(chain["layers"], serde_json::json!(["fc1", "fc2", "fc3"]));
    assert_eq!(chain["sizes"], serde_json::json!([64, 48, 32, 10]));
    assert_eq!(chain["theorem"]["number"], "3.1");
    let levels = |descent: &Value| descent["levels"].as_array().unwrap().len();
    assert_eq!(levels(&chain["random"]), 3);
    // Down from each level, and 24 draws scored of the first 36 inputs.
    let real = chain["real"].as_array().unwrap();
    assert_eq!(real.iter().map(levels).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(real[0]["levels"][0]["trials"], 24);
    assert_eq!(real[0]["controls"]["shuffled"][0]["trials"], 24);
    assert_eq!(
        chain["relative_error"], chain["random"]["levels"][2]["relative_error"],
        "the chain's own figure is that of the top"
    );
    let files = |folder: &str| {
        let entries = fs::read_dir(out.join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(files(""), ["figures", "shadow.json"]);
    let drawn = files("figures");
    assert!(drawn.iter().any(|f| f.ends_with("-errors.png")));
    assert!(drawn.iter().any(|f| f.ends_with("-samples.png")));
    assert!(drawn.contains(&"02-fc2-shadow.png".to_owned()), "{drawn:?}");
    let written = fs::read(out.join("shadow.json")).unwrap();
    assert_eq!(facts, serde_json::from_slice::<Value>(&written).unwrap());
}

// A layer that is stored (in, out) with the name of a kernel is the layer it was.
#[test]
fn orientation_does_not_matter() {
    let home = tempfile::tempdir().unwrap();
    let stored = |name: &str, kernels: bool| {
        let path = home.path().join(name);
        let layer = |n: usize, m: usize, seed| {
            let in_out = noise(n * m, seed);
            if kernels {
                return (vec![n, m], in_out);
            }
            let turned = (0..n * m).map(|at| in_out[at % n * m + at / n]).collect();
            (vec![m, n], turned)
        };
        let (first, second) = (layer(40, 30, 1), layer(30, 30, 2));
        let ending = if kernels { "kernel" } else { "weight" };
        let names = [format!("a/1/{ending}"), format!("a/2/{ending}")];
        write(
            &path,
            r#"{"activation":"relu"}"#,
            &[
                (&names[0], &first.0, first.1),
                (&names[1], &second.0, second.1),
            ],
        );
        json(&shadow(&[&path, &"--draws", &"8", &"--json"]))
    };
    let (weights, kernels) = (
        stored("w.safetensors", false),
        stored("k.safetensors", true),
    );
    assert_eq!(kernels["chains"][0]["status"], "measured");
    for part in ["random", "k", "sizes", "relative_error"] {
        assert_eq!(weights["chains"][0][part], kernels["chains"][0][part]);
    }
    for i in 0..2 {
        assert_eq!(
            weights["layers"][i]["shadow"],
            kernels["layers"][i]["shadow"]
        );
    }
}

#[test]
fn a_chain_can_be_named_and_what_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let net = net(home.path());
    let two = json(&shadow(&[
        &net,
        &"--layers",
        &"fc2,fc3",
        &"--ks",
        &"24,12,3",
        &"--json",
        &"--draws",
        &"8",
    ]));
    assert_eq!(two["chains"][0]["theorem"]["number"], "2.1");
    assert_eq!(two["chains"][0]["k"], serde_json::json!([24, 12, 3]));
    assert_eq!(two["layers"].as_array().unwrap().len(), 2);
    let refused = |arguments: &[&str], wanted: &str| {
        let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&net];
        all.extend(arguments.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>));
        let output = shadow(&all);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(wanted), "{said}");
        assert!(output.stdout.is_empty());
    };
    refused(&["--layers", "fc1,fc3"], "takes 32 inputs and is given 48");
    refused(&["--layers", "fc1,fc9"], "there are fc1, fc2, fc3");
    refused(&["--layers", "fc,fc2"], "may be any of fc1, fc2, fc3");
    refused(
        &["--layers", "fc1,fc2", "--ks", "9,9"],
        "one k for the input",
    );
    refused(
        &["--layers", "fc1,fc2", "--ks", "65,9,9"],
        "more units than it has",
    );
    refused(&["--image", "1x8x8"], "--out");
    let out = home.path().join("o");
    let out = out.to_str().unwrap();
    refused(
        &["--image", "3x8x8", "--out", out],
        "no chain takes as many inputs",
    );
    refused(&["--image", "2x8x8", "--out", out], "channels");
    refused(&["--draws", "1"], "whole number from 2");
    refused(&["--inputs", "nowhere.safetensors"], "nowhere.safetensors");
    assert!(
        !Path::new(out).exists(),
        "nothing is written on the way to an error"
    );
}

#[test]
fn inputs_that_are_none_are_refused_by_name_and_fault() {
    let home = tempfile::tempdir().unwrap();
    let net = net(home.path());
    let mut broken = noise(5 * 64, 4);
    broken[100] = f32::NAN;
    let two = home.path().join("two.safetensors");
    let pair: [(&str, &[usize], Vec<f32>); 2] = [
        ("a", &[4, 64], noise(4 * 64, 1)),
        ("b", &[4, 64], noise(4 * 64, 2)),
    ];
    write(&two, "{}", &pair);
    for (path, wanted) in [
        (
            inputs(home.path(), "wide", &[5, 65], noise(5 * 65, 4)),
            "[count, 64]",
        ),
        (
            inputs(home.path(), "flat", &[64], noise(64, 4)),
            "[count, 64]",
        ),
        (
            inputs(home.path(), "few", &[2, 64], noise(2 * 64, 4)),
            "too few",
        ),
        (inputs(home.path(), "nan", &[5, 64], broken), "NaN"),
        (two, "several"),
    ] {
        let named = path.with_extension("safetensors");
        if named != path {
            fs::rename(&path, &named).unwrap();
        }
        let output = shadow(&[&net, &"--inputs", &named]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(wanted) && said.contains(named.to_str().unwrap()),
            "{said}"
        );
    }
    // All zero inputs: no unit ever fires without biases, and the reason says which level.
    let dead = inputs(home.path(), "dead.safetensors", &[9, 64], vec![0.0; 9 * 64]);
    let output = shadow(&[&net, &"--inputs", &dead]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no code reaches level 1"), "{said}");
}

// A checkpoint with another activation is not measured, chains included, unless told to.
#[test]
fn another_activation_is_no_premise() {
    let home = tempfile::tempdir().unwrap();
    let net = net(home.path());
    let bytes = fs::read(&net).unwrap();
    let at = bytes.windows(4).position(|w| w == b"relu").unwrap();
    let mut other = bytes;
    other[at..at + 4].copy_from_slice(b"tanh");
    fs::write(&net, other).unwrap();
    let output = shadow(&[&net]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`tanh`"));
    let told = json(&shadow(&[
        &net,
        &"--assume-relu",
        &"--json",
        &"--draws",
        &"8",
    ]));
    assert_eq!(told["chains"][0]["status"], "measured");
    assert!(
        told["activation"]
            .as_str()
            .unwrap()
            .contains("does not hold")
    );
}
