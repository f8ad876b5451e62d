//! Every file in `tests/hostile/`, named by what is wrong with it, is refused with exit status 2, in
//! five seconds of the processor and 100 MB, by its name and in the words of `faults.tsv`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rayon::prelude::*;

const BINARY: &str = env!("CARGO_BIN_EXE_randomlike");
const FEWEST: usize = 60;
/// Kilobytes of address space, of which memory in use is a part.
const SPACE: u32 = 100_000;
/// Seconds of the processor after which the system ends a run: the slowest takes a fifth of one, and
/// some times that where arithmetic is checked.
const WORK: u32 = 5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> std::path::PathBuf {
    root().join("tests/hostile")
}

fn run(name: &str) -> Output {
    let mut run = Command::new("sh");
    run.current_dir(folder())
        .env("MALLOC_ARENA_MAX", "1")
        // Its threads ask for 128 MB each at the start, again and again where they cannot have it.
        .env("OPENBLAS_NUM_THREADS", "1")
        .args([
            "-c",
            r#"ulimit -v "$1"; ulimit -t "$2"; shift 2; exec "$@""#,
            "sh",
        ])
        .args([&SPACE.to_string(), &WORK.to_string(), BINARY]);
    if name.starts_with("policy-") {
        let audit = root().join("reports/guesslang_vscode/audit.json");
        run.arg("check").arg(audit).args(["--policy", name]);
    } else {
        run.args(["inspect", name, "--threads", "1"]);
    }
    run.output().unwrap()
}

#[test]
fn every_file_is_refused_by_name_fault_work_and_memory() {
    let faults = fs::read_to_string(folder().join("faults.tsv")).unwrap();
    let faults: Vec<(&str, &str)> = faults
        .lines()
        .map(|l| l.split_once('\t').unwrap())
        .collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !matches!(name.as_str(), "make.py" | "faults.tsv"))
        .collect();
    let named: BTreeSet<String> = faults.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, named);
    assert!(there.len() >= FEWEST);
    faults.par_iter().for_each(|(name, words)| {
        let output = run(name);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(
            said.starts_with("error: ") && said.contains(name),
            "{name}: {said}"
        );
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&words), "{name}: {said}\nwanted: {words}");
        assert!(output.stdout.is_empty(), "{name}");
    });
}
