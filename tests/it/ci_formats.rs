//! `check --format junit|sarif|github`, completions and man pages, as the program prints them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use randomlike::policy::Policy;
use randomlike::report::ci::{Gate, sarif};
use randomlike::report::json;
use randomlike::verdict::judge;
use serde_json::Value;

const RANDOM: &str = "tests/cli/check.in/random.json";
const TRAINED: &str = "tests/cli/check.in/trained.json";
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

fn randomlike(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
    command.args(args).env_remove(SUMMARY);
    command
}

fn check(source: &str, format: &str) -> Output {
    let args = ["check", source, "--format", format];
    randomlike(&args).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The official schema. A bracket in one of its patterns, that of a language, opens nowhere, which
/// not every reader of patterns takes.
fn schema() -> Value {
    let text = include_str!("data/sarif-2.1.0.json");
    serde_json::from_str(&text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$")).unwrap()
}

fn assert_valid(log: &Value) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let faults: Vec<_> = validator
        .iter_errors(log)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn every_format_exits_as_before() {
    for format in ["junit", "sarif", "github"] {
        assert_eq!(check(RANDOM, format).status.code(), Some(0), "{format}");
        assert_eq!(check(TRAINED, format).status.code(), Some(1), "{format}");
        let none = check("no-such.safetensors", format);
        assert_eq!(none.status.code(), Some(2), "{format}");
        assert!(none.stdout.is_empty(), "{format}");
    }
}

#[test]
fn sarif_is_valid_by_the_official_schema() {
    for source in [RANDOM, TRAINED] {
        let log: Value = serde_json::from_str(&text(&check(source, "sarif"))).unwrap();
        assert_valid(&log);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.is_empty(), source == RANDOM);
    }
    // The schema refuses what is none.
    let mut log: Value = serde_json::from_str(&text(&check(TRAINED, "sarif"))).unwrap();
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!jsonschema::is_valid(&schema(), &log));
}

#[test]
fn sarif_stays_valid_with_names_from_strangers() {
    let mut audit = json::read_audit(Path::new(TRAINED)).unwrap();
    audit.layers[0].name = format!("{{0}}[a](b)\u{0}\u{1b}%\"<\n{}", "x".repeat(10_000));
    let judgement = judge(&audit, &Policy::default()).unwrap();
    let log = sarif::log(&Gate {
        audit: &audit,
        judgement: &judgement,
        file: "a folder/with:colons/ü%.safetensors",
        baseline: None,
        policy: Some("own policy.toml"),
    });
    assert_valid(&serde_json::from_str(&log).unwrap());
}

#[test]
fn junit_counts_what_the_gate_counts() {
    let page = text(&check(TRAINED, "junit"));
    let head = r#"<testsuites name="randomlike" tests="19" failures="4" errors="0" skipped="4">"#;
    assert!(page.contains(head), "{page}");
    assert_eq!(page.matches("<failure ").count(), 4);
    assert_eq!(page.matches("<system-out>warning: ").count(), 1);
}

#[test]
fn the_step_summary_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.md");
    fs::write(&path, "earlier\n").unwrap();
    let args = ["check", TRAINED, "--format", "github"];
    let output = randomlike(&args).env(SUMMARY, &path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output).matches("::error file=").count(), 4);
    let summary = fs::read_to_string(&path).unwrap();
    assert!(
        summary.starts_with("earlier\n### randomlike: "),
        "{summary}"
    );
    assert!(summary.contains("| classifier.4 | "), "{summary}");
    // Other formats leave it alone, and an empty name is none.
    for (format, named) in [("human", path.as_os_str()), ("github", "".as_ref())] {
        let args = ["check", TRAINED, "--format", format];
        randomlike(&args).env(SUMMARY, named).output().unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), summary);
}

#[test]
fn a_summary_that_cannot_be_written_is_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("no/such.md")] {
        let args = ["check", RANDOM, "--format", "github"];
        let output = randomlike(&args).env(SUMMARY, &path).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(SUMMARY) && said.contains(path.to_str().unwrap()),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&randomlike(&["completions", shell]).output().unwrap());
        assert!(script.contains("selftest"), "{shell}");
        if shell == "bash" {
            assert!(script.contains("sarif"));
            crate::ci_files::assert_bash(&script, "completions bash");
        }
    }
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let args = ["man", pages.to_str().unwrap()];
    assert!(randomlike(&args).status().unwrap().success());
    let commands = [
        "inspect",
        "check",
        "compare",
        "layers",
        "shadow",
        "train",
        "synth",
        "selftest",
        "completions",
        "man",
    ];
    let help = text(&randomlike(&["--help"]).output().unwrap());
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        let page = fs::read_to_string(pages.join(format!("randomlike-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
    let main = fs::read_to_string(pages.join("randomlike.1")).unwrap();
    assert!(main.contains("Exit status"));
    assert_eq!(main, text(&randomlike(&["man"]).output().unwrap()));
    // A folder that is a file is refused with its name.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = randomlike(&["man", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(file.to_str().unwrap()), "{said}");
}
