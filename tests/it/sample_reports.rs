//! The committed reports have the structure and the numbers that the program writes today.
//!
//! `bench/reports.sh` writes them. Sentences and the pixels of pictures may change without it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

const HOW: &str = "`bench/reports.sh .` writes it anew";
/// The limit on all of `reports/`, in bytes.
const MOST: u64 = 4_000_000;

/// Relative tolerance of numbers computed in double precision: 1e7 roundings, since sums, exp and ln
/// round differently where a processor has other vector instructions.
const DOUBLE: f64 = 1e-9;
/// Relative tolerance of controls and of the shadow model: single precision, 6e-8 a rounding, in sums
/// whose order follows the processor's vectors, with constants chosen from them.
const SINGLE: f64 = 1e-4;
/// Relative tolerance of the difference of two such numbers, which is a hundred times smaller.
const CHANGE: f64 = 1e-2;
/// Absolute tolerance, as a share of the relative one: of numbers that are 0 but for rounding.
const ZERO: f64 = 1e-4;

/// Every file below `folder`, with `/` between its parts.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).iter().map(|below| format!("{name}/{below}")));
        } else {
            found.insert(name);
        }
    }
    found
}

/// How the two reports differ in files, in the structure of pages, or in audits and comparisons.
fn difference(kept: &Path, fresh: &Path) -> Option<String> {
    let (there, wanted) = (files(kept), files(fresh));
    if let Some(file) = there.symmetric_difference(&wanted).next() {
        let place = if there.contains(file) {
            "written"
        } else {
            "committed"
        };
        return Some(format!("{file}: not {place}"));
    }
    there.iter().find_map(|file| {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap();
        let found = match file.rsplit('.').next() {
            Some("json") => {
                let parse = |folder| serde_json::from_str::<Value>(&read(folder)).unwrap();
                values(&parse(kept), &parse(fresh), DOUBLE)
            }
            Some("html") => {
                let (a, b) = (outline(&read(kept)), outline(&read(fresh)));
                (a != b).then(|| format!("{a:?} committed, {b:?} written"))
            }
            _ => None,
        };
        Some(format!("{file}: {}", found?))
    })
}

/// How often each part that gives a page its structure is there.
fn outline(page: &str) -> [(&'static str, usize); 5] {
    [
        "class=\"card\"",
        "<h2>",
        "<h3>",
        "<table",
        "data:image/png;base64,",
    ]
    .map(|part| (part, page.matches(part).count()))
}

/// Numbers to this share of them, text that is no sentence exactly. A sentence has a space in it.
fn values(kept: &Value, fresh: &Value, share: f64) -> Option<String> {
    match (kept, fresh) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let near = (a - b).abs() <= share * (a.abs().max(b.abs()) + ZERO);
            (!near).then(|| format!("{a} committed, {b} written"))
        }
        (Value::String(a), Value::String(b)) if a.contains(' ') && b.contains(' ') => None,
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).find_map(|(a, b)| values(a, b, share))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, a)| {
                let share = match key.as_str() {
                    // Among the figures of a comparison are the shadow's.
                    "shadow" | "chains" | "controls" | "figures" => SINGLE,
                    "change" | "units" => CHANGE,
                    // Not the report's, but the program's.
                    "tool" => return None,
                    _ => share,
                };
                Some(format!("{key}: {}", values(a, &b[key], share)?))
            })
        }
        _ => (kept != fresh).then(|| format!("{kept} committed, {fresh} written")),
    }
}

#[test]
fn the_committed_reports_are_those_of_today() {
    let fresh = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .arg("bench/reports.sh")
        .arg(fresh.path())
        .env("RANDOMLIKE", env!("CARGO_BIN_EXE_randomlike"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let found = difference(Path::new("reports"), &fresh.path().join("reports"));
    assert_eq!(found, None, "{HOW}");
    // One picture a label, and the file says which label was found.
    let labels = |folder: &Path| {
        let mut pictures = files(&folder.join("docs/figures"));
        pictures.retain(|name| name.starts_with("label-"));
        pictures
    };
    assert_eq!(labels(Path::new(".")), labels(fresh.path()), "{HOW}");
    assert_eq!(labels(fresh.path()).len(), 11);
}

#[test]
fn the_committed_reports_are_small() {
    let reports = Path::new("reports");
    let bytes = |file: &String| reports.join(file).metadata().unwrap().len();
    let all: u64 = files(reports).iter().map(bytes).sum();
    assert!(all > 0 && all < MOST, "{all} bytes");
}

/// A copy of a committed report in a folder of its own.
fn copied(name: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let (kept, copy) = (Path::new("reports").join(name), home.path().join(name));
    for file in files(&kept) {
        let to = copy.join(&file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(kept.join(file), to).unwrap();
    }
    (home, kept, copy)
}

/// What is said when `change` was done to a file of a copy.
fn noticed(file: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let (_home, kept, copy) = copied("guesslang_vscode");
    let path = copy.join(file);
    let before = std::fs::read_to_string(&path).unwrap();
    let after = change(&before);
    assert_ne!(after, before, "{file} is as it was");
    std::fs::write(path, after).unwrap();
    difference(&kept, &copy)
}

#[test]
fn a_changed_number_and_a_missing_part_are_noticed() {
    let (_home, kept, copy) = copied("guesslang_vscode");
    assert_eq!(difference(&kept, &copy), None);
    std::fs::remove_file(copy.join("figures/overview.png")).unwrap();
    let said = difference(&kept, &copy).unwrap();
    assert!(said.contains("overview.png: not written"), "{said}");

    let audit = |pointer: &'static str, factor: f64| {
        noticed("audit.json", move |text| {
            let mut audit: Value = serde_json::from_str(text).unwrap();
            let number = audit.pointer_mut(pointer).unwrap();
            *number = json!(number.as_f64().unwrap() * factor);
            audit.to_string()
        })
    };
    let (ks, shadow) = ("/layers/0/weights/ks", "/layers/0/shadow/ratio/mean");
    assert_eq!(audit(ks, 1.0 + 1e-10), None);
    assert!(audit(ks, 1.0 + 1e-8).unwrap().contains("weights: ks: "));
    assert_eq!(audit(shadow, 1.0 + 1e-5), None);
    assert!(audit(shadow, 1.0 + 1e-3).unwrap().contains("ratio: "));

    let replaced = |file, from: &'static str, to: &'static str| {
        noticed(file, move |text| text.replacen(from, to, 1))
    };
    let label = "\"label\": \"at-initialisation\"";
    assert!(replaced("audit.json", label, "\"label\": \"random-like\"").is_some());
    assert!(replaced("audit.json", "\"ks\":", "\"kolmogorov\":").is_some());
    assert_eq!(replaced("audit.json", "nothing fitted", "no fit"), None);
    assert!(replaced("report.html", "<h3>", "<h4>").is_some());
    assert!(replaced("report.html", "data:image/png;base64,", "data:,").is_some());
    assert_eq!(replaced("report.html", "Overview", "All layers"), None);
}
