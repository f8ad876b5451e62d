//! The reports in `reports/` are what the program writes today.
//!
//! Numbers may differ in their last digits from machine to machine, and a line in a picture
//! by a pixel; words, files and structure may not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const NETS: [&str; 6] = [
    "fashion_plain",
    "fashion_shadow",
    "fc3u_256x128x256",
    "guesslang_vscode",
    "neuralfoil_medium",
    "pybullet_enjoy_Humanoid",
];

/// Every file below `folder` and its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_sample_reports_are_those_of_today() {
    for net in NETS {
        is_that_of_today(net, &["inspect", &format!("fixtures/{net}.safetensors")]);
    }
}

#[test]
fn the_sample_comparison_is_that_of_today() {
    let nets = ["plain", "shadow"].map(|net| format!("fixtures/fashion_{net}.safetensors"));
    is_that_of_today("compare_fashion", &["compare", &nets[0], &nets[1]]);
}

/// Whether `reports/NAME` is what `command --out` writes.
fn is_that_of_today(name: &str, command: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let fresh = home.path().join(name);
    let output = Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(command)
        .arg("--out")
        .arg(&fresh)
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}");
    let (kept, fresh) = (files(&Path::new("reports").join(name)), files(&fresh));
    let command = command.join(" ");
    let how = format!("cargo run --release -- {command} --out reports/{name}");
    assert!(
        kept.keys().eq(fresh.keys()),
        "other files in reports/{name}; {how}"
    );
    for (file, bytes) in &kept {
        let differs = difference(file, bytes, &fresh[file]);
        assert_eq!(differs, None, "reports/{name}/{}; {how}", file.display());
    }
}

/// The kind that earns each label, and the picture that shows it, in docs/labels.md.
const LABELS: [(&str, &str, &str); 6] = [
    ("rank-deficient", "duplicated-rows", "spectrum"),
    ("at-initialisation", "kaiming", "weights"),
    ("heavy-tailed", "laplace", "weights"),
    ("random-like", "gaussian", "spectrum"),
    ("random-bulk-with-spikes", "spikes", "spectrum"),
    ("undecided", "uniform", "weights"),
];

#[test]
fn the_pictures_of_the_labels_are_those_of_today() {
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
        let output = command.current_dir(home.path()).args(arguments).output();
        assert!(output.unwrap().status.success(), "{arguments:?}");
    };
    for (label, kind, picture) in LABELS {
        let file = format!("{kind}.safetensors");
        run(&["synth", kind, &file]);
        run(&["inspect", &file, "--out", kind]);
        let audit = std::fs::read(home.path().join(kind).join("audit.json")).unwrap();
        let audit: Value = serde_json::from_slice(&audit).unwrap();
        assert_eq!(audit["layers"][0]["label"], label, "{kind}");
        let name = audit["layers"][0]["name"].as_str().unwrap();
        let fresh = format!("{kind}/figures/01-{name}-{picture}.png");
        let fresh = std::fs::read(home.path().join(fresh)).unwrap();
        let kept = format!("docs/figures/label-{label}.png");
        if std::env::var_os("REDRAW").is_some() {
            std::fs::write(&kept, &fresh).unwrap();
        }
        let how = "REDRAW=1 cargo test --release --test it pictures_of_the_labels";
        let differs = pictures(&std::fs::read(&kept).unwrap_or_default(), &fresh);
        assert_eq!(differs, None, "{kept}; {how}");
    }
}

fn difference(name: &Path, kept: &[u8], fresh: &[u8]) -> Option<String> {
    match name.extension().and_then(|extension| extension.to_str()) {
        Some("json") => {
            let read = |bytes| serde_json::from_slice::<Value>(bytes).unwrap();
            values(&read(kept), &read(fresh), 1e-9)
        }
        Some("png") => pictures(kept, fresh),
        _ => (without_pictures(kept) != without_pictures(fresh)).then(|| "other words".to_owned()),
    }
}

/// Digits of controls, which are drawn in single precision, and of what the shadow model computes
/// in single precision, in an order of its sums that follows the processor's vectors; a constant
/// chosen from them is good to 1e-4.
const SINGLE: f64 = 1e-4;
/// Digits of the change of such a figure, which is small beside it.
const CHANGE: f64 = 1e-2;

/// Numbers to this share of them, all else exactly.
fn values(kept: &Value, fresh: &Value, share: f64) -> Option<String> {
    match (kept, fresh) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let near = (a - b).abs() <= share * a.abs().max(b.abs()) + 1e-4 * share;
            (!near).then(|| format!("{a} was {b}"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).find_map(|(a, b)| values(a, b, share))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, a)| {
                let share = match key.as_str() {
                    // Among the figures of a comparison are the shadow's.
                    "shadow" | "chains" | "controls" | "figures" => SINGLE,
                    "change" | "units" => CHANGE,
                    _ => share,
                };
                Some(format!("{key}: {}", values(a, &b[key], share)?))
            })
        }
        _ => (kept != fresh).then(|| format!("{kept} was {fresh}")),
    }
}

fn without_pictures(page: &[u8]) -> Vec<String> {
    let page = std::str::from_utf8(page).unwrap();
    page.split('"')
        .filter(|part| !part.starts_with("data:image/png;base64,"))
        .map(str::to_owned)
        .collect()
}

/// At most one pixel in 500 may differ by more than a shade.
fn pictures(kept: &[u8], fresh: &[u8]) -> Option<String> {
    let (a, b) = (pixels(kept), pixels(fresh));
    if a.len() != b.len() {
        return Some("another size".to_owned());
    }
    let apart = |(a, b): &(&u8, &u8)| a.abs_diff(**b) > 24;
    let differing = a.iter().zip(&b).filter(apart).count();
    (differing * 500 > a.len()).then(|| format!("{differing} of {} bytes", a.len()))
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(bytes);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

#[test]
fn the_comparison_notices_what_it_should() {
    let one = serde_json::json!({"a": [1.0, {"b": 2.0}], "c": "x"});
    let with = |b: f64, c: &str| serde_json::json!({"a": [1.0, {"b": b}], "c": c});
    let differ = |other: &Value| values(&one, other, 1e-9);
    assert_eq!(differ(&with(2.0 + 1e-12, "x")), None);
    assert!(differ(&with(2.0 + 1e-6, "x")).is_some());
    assert!(differ(&with(2.0, "y")).is_some());
    let shadow = |error: f64| serde_json::json!({"shadow": {"error": error}});
    assert_eq!(values(&shadow(1.0), &shadow(1.00001), 1e-9), None);
    assert!(values(&shadow(1.0), &shadow(1.001), 1e-9).is_some());
    let figure = |change: f64| serde_json::json!({"figures": [{"a": 1.0, "change": change}]});
    assert_eq!(values(&figure(0.01), &figure(0.01001), 1e-9), None);
    assert!(values(&figure(0.01), &figure(0.0102), 1e-9).is_some());
    let folder = Path::new("reports/neuralfoil_medium/figures");
    let picture = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let (a, b) = (
        picture("02-net.2-spectrum.png"),
        picture("03-net.4-spectrum.png"),
    );
    assert_eq!(pictures(&a, &a), None);
    assert!(pictures(&a, &b).is_some());
}
