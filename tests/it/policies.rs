//! The policies of docs/policies: each passes what it must, and fails what it must.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use randomlike::policy::Policy;
use randomlike::verdict::{Check, Severity};
use tempfile::TempDir;

const NAMES: [&str; 6] = [
    "untrained",
    "nan",
    "drift",
    "paper",
    "code",
    "paper-up-to-scales",
];
const SOUND: &str = "fixtures/fc3u_256x128x256.safetensors";
const TRAINED: &str = "fixtures/fashion_plain.safetensors";

fn file(name: &str) -> String {
    format!("docs/policies/{name}.toml")
}

fn run(args: &[&str]) -> Option<i32> {
    let output = Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(args)
        .output()
        .unwrap();
    let code = output.status.code();
    assert!(code.is_some_and(|code| code <= 1), "{args:?}: {output:?}");
    code
}

/// 0 when the gate of this policy holds, 1 when it fails.
fn gate(policy: &str, source: &Path, more: &[&str]) -> Option<i32> {
    let policy = file(policy);
    let source = source.to_str().unwrap();
    let args = [&["check", source, "--policy", &policy], more].concat();
    run(&args)
}

fn synth(folder: &TempDir, kind: &str) -> PathBuf {
    let path = folder.path().join(format!("{kind}.safetensors"));
    let args = ["synth", kind, path.to_str().unwrap(), "--seed", "1"];
    assert_eq!(run(&args), Some(0));
    path
}

#[test]
fn each_says_a_level_for_every_check_and_allows_what_it_does_not_ask_for() {
    let asked: [&[Check]; 6] = [
        &[Check::MovedFromInitialisation, Check::Covered],
        &[Check::Finite],
        &[Check::Baseline],
        &[
            Check::WeightsGaussian,
            Check::BiasesConstant,
            Check::QuarterCircle,
            Check::ShadowReversible,
            Check::Covered,
        ],
        &[Check::WeightsOnly],
        &[
            Check::WeightsGaussian,
            Check::BiasesConstant,
            Check::QuarterCircle,
            Check::ShadowReversible,
            Check::Covered,
        ],
    ];
    for (name, asked) in NAMES.into_iter().zip(asked) {
        let text = fs::read_to_string(file(name)).unwrap();
        let policy = Policy::parse(&text, Path::new(name)).unwrap();
        for check in Check::ALL {
            assert!(text.contains(&format!("\n[{}]\n", check.name())), "{name}");
            let level = if asked.contains(&check) {
                Severity::Deny
            } else {
                Severity::Allow
            };
            assert_eq!(policy.rules().level(check), level, "{name}: {check:?}");
        }
    }
}

#[test]
fn each_is_in_the_list() {
    let page = fs::read_to_string("docs/policies.md").unwrap();
    for name in NAMES {
        assert!(page.contains(&format!("(policies/{name}.toml)")), "{name}");
    }
    let files = fs::read_dir("docs/policies").unwrap().count();
    assert_eq!(files, NAMES.len());
}

#[test]
fn untrained_refuses_an_initialiser_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["kaiming", "glorot-uniform", "bert-0.02"] {
        assert_eq!(
            gate("untrained", &synth(&folder, kind), &[]),
            Some(1),
            "{kind}"
        );
    }
    for kind in ["gaussian", "student-t", "low-rank"] {
        assert_eq!(
            gate("untrained", &synth(&folder, kind), &[]),
            Some(0),
            "{kind}"
        );
    }
    assert_eq!(gate("untrained", Path::new(TRAINED), &[]), Some(0));
}

// Written by PyTorch: a state_dict, and a module saved whole. By default the latter is a warning.
#[test]
fn code_refuses_a_pickle_that_imports_and_nothing_else() {
    let written = |name: &str| Path::new("fixtures/formats").join(name);
    for (name, code) in [("state.pth", 0), ("module.pt", 1)] {
        assert_eq!(gate("code", &written(name), &[]), Some(code), "{name}");
    }
    assert_eq!(gate("code", Path::new(TRAINED), &[]), Some(0));
    let output = Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(["check", "fixtures/formats/module.pt"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("warn weights-only imports"), "{said}");
}

#[test]
fn nan_refuses_one_entry_that_is_no_number() {
    assert_eq!(gate("nan", Path::new(SOUND), &[]), Some(0));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(gate("nan", &synth(&folder, "uniform"), &[]), Some(0));
    assert_eq!(gate("nan", &synth(&folder, "nan"), &[]), Some(1));
    // One entry of a sound net: the first of its first tensor, in 32 bits.
    let mut bytes = fs::read(SOUND).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let first = 8 + usize::try_from(header).unwrap();
    for not_a_number in [f32::NAN, f32::INFINITY] {
        bytes[first..first + 4].copy_from_slice(&not_a_number.to_le_bytes());
        let path = folder.path().join("one.safetensors");
        fs::write(&path, &bytes).unwrap();
        assert_eq!(gate("nan", &path, &[]), Some(1));
    }
}

#[test]
fn drift_refuses_what_is_worse_than_the_release() {
    let folder = tempfile::tempdir().unwrap();
    let released = synth(&folder, "gaussian");
    let out = folder.path().join("released");
    let (source, to) = (released.to_str().unwrap(), out.to_str().unwrap());
    run(&["inspect", source, "--out", to]);
    let audit = out.join("audit.json");
    let beside = ["--baseline", audit.to_str().unwrap()];
    assert_eq!(gate("drift", &released, &beside), Some(0));
    for kind in ["laplace", "low-rank"] {
        assert_eq!(
            gate("drift", &synth(&folder, kind), &beside),
            Some(1),
            "{kind}"
        );
    }
    // A net that is far from random, and as it was, is no drift; with a layer gone it is.
    let trained = Path::new(TRAINED);
    let out = folder.path().join("trained");
    run(&["inspect", TRAINED, "--out", out.to_str().unwrap()]);
    let audit = out.join("audit.json");
    let beside = ["--baseline", audit.to_str().unwrap()];
    assert_eq!(gate("drift", trained, &beside), Some(0));
    let gone = [&beside[..], &["--exclude", "layers.1"]].concat();
    assert_eq!(gate("drift", trained, &gone), Some(1));
}

#[test]
fn paper_holds_for_random_layers_and_not_for_trained_ones() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(gate("paper", &synth(&folder, "gaussian"), &[]), Some(0));
    assert_eq!(gate("paper", Path::new(TRAINED), &[]), Some(1));
    for kind in ["uniform", "low-rank", "nan"] {
        assert_eq!(gate("paper", &synth(&folder, kind), &[]), Some(1), "{kind}");
    }
}

// Scales on both sides are divided out, biases of one number over them are not one number.
#[test]
fn paper_up_to_scales_holds_where_scales_alone_are_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let unbiased = |kind: &str| {
        let path = folder.path().join(format!("unbiased-{kind}.safetensors"));
        run(&["synth", kind, path.to_str().unwrap(), "--bias", "zero"]);
        path
    };
    for kind in ["gaussian", "scales"] {
        let path = unbiased(kind);
        assert_eq!(gate("paper-up-to-scales", &path, &[]), Some(0), "{kind}");
    }
    assert_eq!(gate("paper", &unbiased("scales"), &[]), Some(1));
    assert_eq!(gate("paper-up-to-scales", Path::new(TRAINED), &[]), Some(1));
    for kind in ["uniform", "low-rank", "nan"] {
        let path = unbiased(kind);
        assert_eq!(gate("paper-up-to-scales", &path, &[]), Some(1), "{kind}");
    }
}
