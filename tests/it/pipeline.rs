//! Layers beside each other: the same bytes whatever the memory, and no more memory than given.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use randomlike::analysis::{self, Options};
use randomlike::checkpoint::Checkpoint;
use randomlike::synth;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

fn inspect(file: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
    command.arg("inspect").arg(file).arg("--json").args(more);
    command
}

fn run(file: &Path, more: &[&str]) -> Output {
    inspect(file, more).output().unwrap()
}

/// Entries that look random and are the same on every machine.
fn entries(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(next).flat_map(f32::to_le_bytes).collect()
}

/// Layers of which some are small, some large, two feed another and one is a stack of slices.
fn mixed(folder: &Path) -> PathBuf {
    let shapes = [
        ("a.weight", vec![700, 600]),
        ("b.weight", vec![20, 30]),
        ("c.weight", vec![40, 20]),
        ("d.weight", vec![520, 520]),
        ("e.1.weight", vec![600, 520]),
        ("e.2.weight", vec![64, 600]),
        ("experts.weight", vec![3, 48, 32]),
    ];
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .zip(1..)
        .map(|((_, shape), seed)| entries(shape.iter().product(), seed))
        .collect();
    let views = shapes
        .into_iter()
        .zip(&data)
        .map(|((name, shape), data)| (name, TensorView::new(Dtype::F32, shape, data).unwrap()));
    let file = folder.join("mixed.safetensors");
    serialize_to_file(views, None, &file).unwrap();
    file
}

/// Megabytes that the program asks for when it is given too little.
fn least(file: &Path) -> u64 {
    let refused = run(file, &["--memory", "1MB"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stdout.is_empty());
    let said = String::from_utf8(refused.stderr).unwrap();
    let (_, amount) = said.split_once("takes about ").unwrap();
    amount.split_once("MB").unwrap().0.parse().unwrap()
}

#[test]
fn the_bytes_do_not_depend_on_memory_or_threads() {
    let folder = tempfile::tempdir().unwrap();
    let file = mixed(folder.path());
    let least = format!("{}MB", least(&file));
    let bytes = |more: &[&str]| {
        let output = run(&file, more);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let alone = bytes(&["--threads", "1"]);
    assert!(!alone.is_empty());
    for more in [
        &["--threads", "2"][..],
        &["--threads", "2", "--memory", &least],
        &["--threads", "1", "--memory", &least],
        &["--threads", "4", "--memory", "8GB"],
    ] {
        assert!(bytes(more) == alone, "{more:?}");
    }
    let audit: serde_json::Value = serde_json::from_slice(&alone).unwrap();
    let names = audit["layers"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|layer| layer["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "a",
            "b",
            "c",
            "d",
            "e.1",
            "e.2",
            "experts[0]",
            "experts[1]",
            "experts[2]"
        ]
    );
}

#[test]
fn the_work_that_is_done_grows_to_the_end_and_the_chains_are_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::open(mixed(folder.path())).unwrap();
    let mut told = Vec::new();
    let audit = analysis::measure(&checkpoint, &Options::default(), &mut |progress| {
        told.push((progress.stage, progress.done));
    });
    assert_eq!(audit.unwrap().chains.len(), 2);
    assert_eq!(told[0].0, "read");
    assert!(told.is_sorted_by_key(|&(_, done)| done), "{told:?}");
    // b → c and e.1 → e.2: down through the upper, both ways through the lower, and up.
    let (before, chains) = told.split_at(told.len() - 6);
    assert!(before.iter().all(|&(stage, _)| stage != "chain"));
    assert!(
        chains
            .iter()
            .all(|&(stage, done)| stage == "chain" && done < 1.0)
    );
    assert!(before.last().unwrap().1 <= chains[0].1 && chains[0].1 < chains[5].1);
}

#[test]
fn too_little_memory_is_refused_with_the_layer_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = mixed(folder.path());
    let refused = run(&file, &["--memory", "10MiB"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    let least = least(&file);
    assert_eq!(
        said,
        format!(
            "error: `a` takes about {least}MB while it is measured, and `--memory` gives 11MB; \
             give at least {least}MB, or leave the layer out with `--exclude`\n"
        )
    );
    // Nothing is left of a report.
    let out = folder.path().join("out");
    let refused = run(
        &file,
        &["--memory", "10MiB", "--out", out.to_str().unwrap()],
    );
    assert_eq!(refused.status.code(), Some(2));
    assert!(!out.exists());
}

/// What a pipe of Linux holds that nobody reads.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 16;

/// Largest resident set of a run that prints more than a pipe holds, in MB, as the system counts it:
/// looked at when the first byte has come, for then all is measured and the program waits.
#[cfg(target_os = "linux")]
fn resident(command: &mut Command) -> f64 {
    use std::io::Read as _;
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = child.stdout.take().unwrap();
    let mut bytes = vec![0];
    printed.read_exact(&mut bytes).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    printed.read_to_end(&mut bytes).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(bytes.len() > PIPE + 1, "only {} bytes", bytes.len());
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kilobytes.parse::<f64>().unwrap() * 1024.0 / 1e6
}

#[cfg(target_os = "linux")]
#[test]
fn no_more_memory_is_taken_than_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer.safetensors");
    let how = synth::Options {
        inputs: 2000,
        outputs: 1000,
        ..synth::Options::default()
    };
    synth::write(synth::Kind::Gaussian, &how, &file).unwrap();
    let least = least(&file);
    let found = resident(&mut inspect(&file, &["--memory", &format!("{least}MB")]));
    assert!(
        found > 0.4 * least as f64 && found <= least as f64,
        "{found} of {least} MB"
    );
}
