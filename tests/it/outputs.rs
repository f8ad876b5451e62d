//! Where `--out` and `synth` may not write, and sources that are no files: refused at once,
//! and what was there stays.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

fn randomlike(args: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
    command.args(args);
    command
}

/// Exit status 2 and a message that names `path`.
fn refused(args: &[&Path], path: &Path, sentence: &str) {
    said_of(&run(&mut randomlike(args)), path, sentence);
}

/// The same of a run that has ended.
fn said_of(output: &Output, path: &Path, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let named = format!("`{}`", path.display());
    assert!(said.contains(&named) && said.contains(sentence), "{said}");
}

/// A sound file of `bytes` bytes of weights, none of which takes room on the disk.
pub(crate) fn huge(path: &Path, side: u64) {
    let bytes = 4 * side * side;
    let header = serde_json::json!({
        "layer.weight": {"dtype": "F32", "shape": [side, side], "data_offsets": [0, bytes]},
    });
    let header = header.to_string();
    let mut file = fs::File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes())
        .unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(8 + header.len() as u64 + bytes).unwrap();
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_work() {
    let home = tempfile::tempdir().unwrap();
    let (file, source) = (home.path().join("mine"), home.path().join("x.safetensors"));
    fs::write(&file, b"mine").unwrap();
    huge(&source, 1 << 17);
    let (inspect, out) = (Path::new("inspect"), Path::new("--out"));
    let below = file.join("report");
    for source in [Path::new("no-such.safetensors"), &source] {
        for place in [&file, &below] {
            refused(&[inspect, source, out, place], place, "cannot write to");
        }
    }
    // 2³¹ weights are not drawn in two seconds of a processor.
    let nowhere = home.path().join("no/such/x.safetensors");
    for (place, sentence) in [
        (below.as_path(), "cannot write"),
        (&nowhere, "cannot write"),
        (home.path(), "is a directory"),
    ] {
        let mut limited = Command::new("sh");
        limited
            .args(["-c", r#"ulimit -t 2; exec "$@""#, "sh"])
            .args([env!("CARGO_BIN_EXE_randomlike"), "synth", "gaussian"])
            .arg(place)
            .args(["--inputs", "65536", "--outputs", "32768"]);
        said_of(&run(&mut limited), place, sentence);
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
}

#[test]
fn a_folder_with_files_of_ones_own_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let (source, report) = (
        home.path().join("x.safetensors"),
        home.path().join("report"),
    );
    let small = ["--inputs", "32", "--outputs", "16"].map(Path::new);
    let synth = [
        &[Path::new("synth"), Path::new("gaussian"), &source],
        &small[..],
    ]
    .concat();
    assert!(run(&mut randomlike(&synth)).status.success());
    let inspect = [Path::new("inspect"), &source, Path::new("--out"), &report];
    for _ in 0..2 {
        assert!(run(&mut randomlike(&inspect)).status.success());
    }
    let notes = report.join("notes.txt");
    fs::write(&notes, b"mine").unwrap();
    refused(&inspect, &report, "holds `notes.txt`");
    assert_eq!(fs::read(&notes).unwrap(), b"mine");
    assert!(report.join("audit.json").is_file());
}

#[test]
fn the_working_folder_is_not_replaced() {
    let home = tempfile::tempdir().unwrap();
    let args = ["inspect", "no-such.safetensors", "--out", "."].map(Path::new);
    let output = run(randomlike(&args).current_dir(home.path()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("`.` is the working folder"), "{said}");
    let below = ["inspect", "no-such.safetensors", "--out", "report"].map(Path::new);
    let output = run(randomlike(&below).current_dir(home.path()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no-such"), "{said}");
}

/// A pipe is refused, and not opened: a thread waits at its other end, so that a program that opens it
/// goes on and is seen.
#[cfg(unix)]
fn refused_unopened(args: &[&Path], pipe: &Path, other: fs::OpenOptions) {
    let end = pipe.to_owned();
    let waiting = std::thread::spawn(move || drop(other.open(end).unwrap()));
    refused(args, pipe, "is a named pipe");
    assert!(!waiting.is_finished(), "{args:?} opens {}", pipe.display());
    // Opened both ways a pipe does not wait, and lets the thread go.
    let both = fs::File::options().read(true).write(true).open(pipe);
    waiting.join().unwrap();
    drop(both.unwrap());
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_neither_waited_for_nor_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let home = tempfile::tempdir().unwrap();
    let kind = |path: &Path| fs::metadata(path).unwrap().file_type();
    let (mut reads, mut writes) = (fs::OpenOptions::new(), fs::OpenOptions::new());
    reads.read(true);
    writes.write(true);
    for name in ["x.safetensors", "x.json", "x.safetensors.index.json"] {
        let pipe = home.path().join(name);
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for command in ["inspect", "check", "layers"] {
            refused_unopened(&[Path::new(command), &pipe], &pipe, writes.clone());
        }
        let synth = [Path::new("synth"), Path::new("zeros"), &pipe];
        refused_unopened(&synth, &pipe, reads.clone());
        assert!(kind(&pipe).is_fifo());
    }
    // As one of the files of a folder.
    fs::remove_file(home.path().join("x.safetensors.index.json")).unwrap();
    let pipe = home.path().join("x.safetensors");
    refused_unopened(&[Path::new("inspect"), home.path()], &pipe, writes);
    // Not every system has it, and one that all have is not to be risked.
    if cfg!(target_os = "linux") {
        let full = Path::new("/dev/full");
        let synth = [Path::new("synth"), Path::new("zeros"), full];
        refused(&synth, full, "is a device");
        refused(&[Path::new("inspect"), full], full, "is a device");
        assert!(kind(full).is_char_device());
    }
}

// A limit on the size of files stands for a full disk: both fail in the midst of writing.
#[cfg(unix)]
#[test]
fn a_file_that_could_not_be_finished_is_not_left_half() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("x.safetensors");
    let limited = |blocks: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#])
            .args(["sh", blocks, env!("CARGO_BIN_EXE_randomlike")])
            .args(["synth", "gaussian"])
            .arg(&out);
        run(&mut command)
    };
    let output = limited("64");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("cannot write `{}`", out.display())));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    assert!(limited("65536").status.success());
}

/// Every file of a folder with its bytes.
#[cfg(unix)]
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.push((path.clone(), fs::read(path).unwrap()));
        }
    }
    all.sort();
    all
}

// audit.json has some 30 kB; files may have 4.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_earlier_report() {
    let home = tempfile::tempdir().unwrap();
    let (file, out) = (
        home.path().join("x.safetensors"),
        home.path().join("report"),
    );
    let small = ["--inputs", "40", "--outputs", "30"].map(Path::new);
    let synth = [Path::new("synth"), Path::new("gaussian"), &file];
    assert!(
        run(&mut randomlike(&[&synth[..], &small].concat()))
            .status
            .success()
    );
    let inspect = [Path::new("inspect"), &file, Path::new("--out"), &out];
    assert!(run(&mut randomlike(&inspect)).status.success());
    let before = contents(home.path());
    assert!(before.len() > 4);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$@""#, "sh"])
        .arg(env!("CARGO_BIN_EXE_randomlike"))
        .args(inspect);
    let output = run(&mut limited);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains(&format!("cannot write `{}/", out.display())),
        "{said}"
    );
    assert!(contents(home.path()) == before);
}

/// Bytes that a process has read.
#[cfg(target_os = "linux")]
fn read_by(process: u32) -> u64 {
    let counts = fs::read_to_string(format!("/proc/{process}/io")).unwrap();
    let count = counts.lines().find_map(|line| line.strip_prefix("rchar: "));
    count.unwrap().parse().unwrap()
}

// `env` of other systems cannot give the signal back its meaning.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_leaves_no_report_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let (file, out) = (
        home.path().join("x.safetensors"),
        home.path().join("report"),
    );
    let large = ["--inputs", "4000", "--outputs", "4000"].map(Path::new);
    let synth = [Path::new("synth"), Path::new("gaussian"), &file];
    assert!(
        run(&mut randomlike(&[&synth[..], &large].concat()))
            .status
            .success()
    );
    // A shell that runs the tests in the background has its children ignore the signal.
    let mut running = Command::new("env")
        .arg("--default-signal=INT")
        .arg(env!("CARGO_BIN_EXE_randomlike"))
        .arg("inspect")
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It is at work once it has read half of the file.
    let half = fs::metadata(&file).unwrap().len() / 2;
    while read_by(running.id()) < half {
        assert!(running.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let killed = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", running.id())])
        .status();
    assert!(killed.unwrap().success());
    assert!(!running.wait().unwrap().success());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}
