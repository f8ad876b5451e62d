//! The command line: cases as data in `tests/cli`, and what those cannot say.

use std::io::Read;
use std::process::{Command, Output, Stdio};

use randomlike::policy::Policy;

const RANDOM: &str = "tests/cli/check.in/random.json";
const TRAINED: &str = "tests/cli/check.in/trained.json";

fn randomlike(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
    command
        .args(args)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    command
}

fn run(args: &[&str]) -> Output {
    randomlike(args).output().unwrap()
}

#[test]
fn cases() {
    trycmd::TestCases::new()
        .default_bin_path(env!("CARGO_BIN_EXE_randomlike"))
        .env("NO_COLOR", "1")
        // Where these run in a job of GitHub, its summary is not for them.
        .env("GITHUB_STEP_SUMMARY", "")
        .case("tests/cli/*.trycmd");
}

#[test]
fn the_default_policy_is_printed_as_written_and_accepted_back() {
    let printed = run(&["check", "--print-policy"]);
    assert!(printed.status.success());
    assert_eq!(printed.stdout, Policy::default_text().as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.toml");
    std::fs::write(&own, printed.stdout).unwrap();
    let own = own.to_str().unwrap();
    let (by_own, by_default) = (
        run(&["check", TRAINED, "--policy", own]),
        run(&["check", TRAINED]),
    );
    assert_eq!(by_own.stdout, by_default.stdout);
    assert_eq!(by_own.status.code(), Some(1));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let coloured = |name: &str| {
        let output = randomlike(&["check", TRAINED])
            .env(name, "1")
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(coloured("CLICOLOR_FORCE"));
    assert!(!coloured("NO_COLOR"));
    assert!(
        !run(&["check", TRAINED]).stdout.contains(&0x1b),
        "a pipe is no terminal"
    );
}

// The gate's answer is in the exit status, which a reader that left early still gets.
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let mut child = randomlike(&["check", TRAINED, "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(said, "");
}

#[test]
fn every_line_for_people_fits_eighty_columns() {
    for args in [
        &["check", TRAINED][..],
        &["check", RANDOM],
        &["inspect", TRAINED],
        &["compare", RANDOM, TRAINED],
        &["check", TRAINED, "--baseline", RANDOM],
        &["inspect", "fixtures/guesslang_vscode.safetensors"],
        &["layers", "fixtures/guesslang_vscode.safetensors"],
        &["layers", "fixtures/neuralfoil_medium.safetensors"],
        &["--help"],
        &["inspect", "--help"],
        &["check", "--help"],
        &["compare", "--help"],
        &["layers", "--help"],
        &["synth", "--help"],
        &["selftest", "--help"],
        &["selftest", "nan", "uniform"],
        &[
            "selftest",
            "uniform",
            "--policy",
            "tests/cli/selftest.in/lenient.toml",
        ],
    ] {
        let text = String::from_utf8(run(args).stdout).unwrap();
        assert!(!text.is_empty());
        let long = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{args:?}");
    }
}

// 64 GiB of weights that nobody wrote: reading them would take minutes, and memory.
#[cfg(target_os = "linux")]
#[test]
fn layers_reads_no_weight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.safetensors");
    crate::outputs::huge(&path, 1 << 17);
    let output = run(&["layers", path.to_str().unwrap(), "--json"]);
    assert!(output.status.success(), "{output:?}");
    let layers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(layers["layers"][0]["fan_in"], 131_072);
}

#[cfg(not(feature = "lapack"))]
#[test]
fn an_engine_left_out_of_the_build_is_refused_with_the_way_to_get_it() {
    let output = run(&["inspect", "no-such.safetensors", "--engine", "lapack"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("--features lapack")
    );
}
