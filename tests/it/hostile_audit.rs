//! An audit.json that somebody else wrote: judged and drawn, or refused by name.

use std::path::Path;
use std::process::{Command, Output};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Audits tried; `RANDOMLIKE_AUDITS=2000` tries more.
fn audits() -> u64 {
    let wanted = std::env::var("RANDOMLIKE_AUDITS");
    wanted.map_or(60, |count| count.parse().unwrap())
}

/// A real audit of one layer, short enough to be drawn often.
fn sound() -> Value {
    let text = include_str!("../../reports/guesslang_vscode/audit.json");
    let mut audit: Value = serde_json::from_str(text).unwrap();
    audit["layers"].as_array_mut().unwrap().truncate(1);
    audit
}

/// JSON pointers of everything in `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                pointers(inner, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(array) => {
            for (i, inner) in array.iter().enumerate() {
                pointers(inner, &format!("{at}/{i}"), found);
            }
        }
        _ => {}
    }
}

/// Something of the same kind that no audit of ours would hold.
fn odd(rng: &mut ChaCha8Rng, value: &Value) -> Value {
    let numbers = [0.0, -1.0, 1e300, -1e300, 5e-324, 1.7e308, 3.5, 1e18];
    let counts = [0, 1, 1_000_000_000_000, u64::MAX];
    match value {
        Value::Number(number) if number.is_u64() && rng.random::<f64>() < 0.8 => {
            json!(counts[rng.random_range(0..counts.len())])
        }
        Value::Number(_) => json!(numbers[rng.random_range(0..numbers.len())]),
        Value::Array(array) => match rng.random_range(0..3) {
            0 => json!([]),
            1 => Value::Array(array.iter().take(1).cloned().collect()),
            _ => Value::Array([array.as_slice(), array, array].concat()),
        },
        Value::String(_) if rng.random::<f64>() < 0.3 => json!("\u{1b}[31m\u{202e}名".repeat(900)),
        other => other.clone(),
    }
}

fn mutated(rng: &mut ChaCha8Rng) -> Value {
    let mut audit = sound();
    for _ in 0..rng.random_range(1..6) {
        let mut all = Vec::new();
        pointers(&audit, "", &mut all);
        let at = &all[rng.random_range(1..all.len())];
        if let Some(value) = audit.pointer_mut(at) {
            *value = odd(rng, value);
        }
    }
    audit
}

/// With no more than 1 GB of address space: two threads draw, on pictures of 40 MB at most.
fn inspect(audit: &Value, folder: &Path) -> Output {
    let path = folder.join("other.json");
    std::fs::write(&path, audit.to_string()).unwrap();
    Command::new("sh")
        .args(["-c", r#"ulimit -v 1000000; exec "$@""#, "sh"])
        .args([
            env!("CARGO_BIN_EXE_randomlike"),
            "inspect",
            "--threads",
            "2",
        ])
        .arg(&path)
        .arg("--out")
        .arg(folder.join("report"))
        .output()
        .unwrap()
}

#[test]
fn a_mutated_audit_is_drawn_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut drawn = 0;
    for seed in 0..audits() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let audit = mutated(&mut rng);
        let output = inspect(&audit, folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{seed}: {said}");
        match output.status.code() {
            Some(0) => drawn += 1,
            Some(2) => assert!(said.starts_with("error: "), "{seed}: {said}"),
            other => panic!("{seed}: {other:?} {said}"),
        }
    }
    assert!(drawn > 0 && drawn < audits(), "{drawn}");
}

// The drawing library never ends on such an axis.
#[test]
fn a_histogram_without_end_is_not_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut audit = sound();
    audit["layers"][0]["weights"]["histogram"]["lower"] = json!(1.7e308);
    assert!(inspect(&audit, folder.path()).status.success());
}

// On the way to a point so far outside the plot the dashes of a curve took 15 GB.
#[test]
fn a_level_beyond_every_axis_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let odd = [
        "random/controls/gaussian",
        "random/controls/shuffled",
        "random/levels",
    ];
    for levels in odd {
        let mut audit = sound();
        let level = audit.pointer_mut(&format!("/chains/0/{levels}/0/level"));
        *level.unwrap() = json!(u64::MAX);
        assert!(inspect(&audit, folder.path()).status.success(), "{levels}");
    }
}

#[test]
fn a_sweep_that_cannot_be_is_drawn_or_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let odd = [
        json!(0),
        json!(1e308),
        json!(5e-324),
        json!(-1.0),
        json!(u64::MAX),
    ];
    for name in [
        "k",
        "draws",
        "relative_error",
        "q05",
        "q95",
        "predicted",
        "gaussian",
        "shuffled",
    ] {
        for odd in &odd {
            let whole = matches!(name, "k" | "draws");
            if whole && !odd.is_u64() {
                continue;
            }
            let mut audit = sound();
            audit["layers"][0]["shadow"]["sweep"][1][name] = odd.clone();
            let output = inspect(&audit, folder.path());
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} {odd}: {said}");
        }
    }
    for (list, odd) in [
        ("sweep", json!([])),
        ("pairs", json!({"draws": 0, "positive": [], "zeros": []})),
        (
            "pairs",
            json!({"draws": 1, "positive": [[-1e300, 1e300]], "zeros": [1e300, -5.0]}),
        ),
    ] {
        let mut audit = sound();
        audit["layers"][0]["shadow"][list] = odd;
        assert!(inspect(&audit, folder.path()).status.success(), "{list}");
    }
}

// As 0.1.0 wrote it before there was a shadow section.
#[test]
fn an_audit_of_an_older_version_is_judged_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let mut audit = sound();
    audit["layers"][0].as_object_mut().unwrap().remove("shadow");
    for name in ["seed", "assume_relu", "shadow_premise"] {
        audit["settings"].as_object_mut().unwrap().remove(name);
    }
    audit["source"]
        .as_object_mut()
        .unwrap()
        .remove("activation_from");
    let output = inspect(&audit, folder.path());
    assert!(output.status.success(), "{output:?}");
    let page = std::fs::read_to_string(folder.path().join("report/report.html")).unwrap();
    assert!(page.contains("unknown to the version that wrote this audit"));
}

// Before all values were computed at any size an audit said how they were found.
#[test]
fn an_audit_with_all_values_is_read_and_one_by_density_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut audit = sound();
    audit["settings"]["method"] = json!("auto");
    audit["layers"][0]["spectrum"]["method"] = json!("exact");
    assert!(inspect(&audit, folder.path()).status.success());
    let name = audit["layers"][0]["name"].as_str().unwrap().to_owned();
    let spectrum = audit["layers"][0]["spectrum"].as_object_mut().unwrap();
    spectrum.insert("density".into(), json!({"count": 256}));
    spectrum.remove("singular_values");
    let refused = inspect(&audit, folder.path());
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    let why = format!("the singular values of `{name}` were measured by their density");
    assert!(said.contains(&why), "{said}");
}
