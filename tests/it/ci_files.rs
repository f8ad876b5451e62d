//! The files for CI servers: they are YAML, their scripts are shell, and every command line of
//! `randomlike` in them is one that the program takes.

use randomlike::checkpoint::FORMATS;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const ACTION: &str = "action.yml";
const HOOKS: &str = ".pre-commit-hooks.yaml";
const WORKFLOWS: [&str; 4] = [
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
    "docs/ci/github.yml",
    "docs/ci/gitlab.yml",
];

fn read(path: &str) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// Every shell script below a node: `run` of GitHub, `script` and its like of GitLab.
fn scripts(node: &Value, found: &mut Vec<String>) {
    match node {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("run", Value::String(script)) => found.push(script.clone()),
                    ("script" | "before_script", Value::Array(lines)) => {
                        let lines = lines.iter().map(|line| line.as_str().unwrap());
                        found.push(lines.collect::<Vec<_>>().join("\n"));
                    }
                    _ => scripts(value, found),
                }
            }
        }
        Value::Array(nodes) => nodes.iter().for_each(|node| scripts(node, found)),
        _ => {}
    }
}

fn scripts_of(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    scripts(&read(path), &mut found);
    assert!(!found.is_empty(), "{path}");
    found
}

/// Bash can parse `script`.
pub(crate) fn assert_bash(script: &str, of: &str) {
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    bash.stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success(), "{of}: {output:?}\n{script}");
}

/// A folder with the files that the examples name.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let nets = folder.path().join("nets");
    fs::create_dir(&nets).unwrap();
    let net = "fixtures/fc3u_256x128x256.safetensors";
    fs::copy(net, nets.join("model.safetensors")).unwrap();
    fs::write(folder.path().join("randomlike.toml"), "").unwrap();
    folder
}

/// Runs a script in `folder`, with the program on the path.
fn bash(script: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_randomlike"));
    let mut path = program.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("GITHUB_STEP_SUMMARY")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn every_script_is_shell() {
    for path in WORKFLOWS.into_iter().chain([ACTION]) {
        for script in scripts_of(path) {
            assert_bash(&script, path);
        }
    }
}

// What is pasted into a script is run: only the environment may carry it.
#[test]
fn no_script_has_an_expression_in_it() {
    for path in WORKFLOWS.into_iter().chain([ACTION]) {
        for script in scripts_of(path) {
            assert!(!script.contains("${{"), "{path}: {script}");
        }
    }
}

#[test]
fn command_lines_of_the_examples_are_taken() {
    for path in ["docs/ci/github.yml", "docs/ci/gitlab.yml"] {
        let folder = repository();
        let scripts = scripts_of(path);
        let lines: Vec<_> = scripts
            .iter()
            .flat_map(|script| script.lines())
            .filter(|line| line.starts_with("randomlike "))
            .collect();
        assert!(lines.len() >= 2, "{path}: {lines:?}");
        for line in lines {
            let output = bash(line, folder.path(), &[]);
            let code = output.status.code().unwrap();
            assert!(code <= 1 && output.stderr.is_empty(), "{line}: {output:?}");
        }
        let written = ["randomlike.sarif", "randomlike.xml"];
        let written = written.map(|name| folder.path().join(name));
        assert!(
            written
                .iter()
                .any(|file| fs::metadata(file).is_ok_and(|f| f.len() > 1000))
        );
    }
}

#[test]
fn the_action_runs_and_its_inputs_are_data() {
    let script = scripts_of(ACTION).pop().unwrap();
    let folder = repository();
    let run = |source: &str, policy: &str, baseline: &str| {
        let variables = [
            ("SOURCE", source),
            ("POLICY", policy),
            ("BASELINE", baseline),
        ];
        bash(&script, folder.path(), &variables)
    };
    let output = run("nets/model.safetensors", "", "");
    assert!(output.status.code().unwrap() <= 1, "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("The gate "), "{said}");
    let output = run("nets/model.safetensors", "randomlike.toml", "");
    assert!(output.status.code().unwrap() <= 1, "{output:?}");
    for hostile in [
        "$(touch broken)",
        "`touch broken`",
        "a; touch broken",
        "--print-policy",
    ] {
        let output = run(hostile, hostile, "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let output = run(hostile, "", "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    assert!(!folder.path().join("broken").exists());
}

// The first step downloads what the release holds.
#[test]
fn the_action_and_the_release_name_the_same_files() {
    let install = &scripts_of(ACTION)[0];
    let release = fs::read_to_string(".github/workflows/release.yml").unwrap();
    let workflow = read(".github/workflows/release.yml");
    let targets = workflow["jobs"]["build"]["strategy"]["matrix"]["include"]
        .as_array()
        .unwrap();
    assert_eq!(targets.len(), 3);
    for target in targets {
        assert!(install.contains(target["target"].as_str().unwrap()));
    }
    assert!(install.contains("randomlike-$target.tar.gz") && install.contains("SHA256SUMS"));
    assert!(release.contains("randomlike-$TARGET") && release.contains("> SHA256SUMS"));
    assert_eq!(workflow["on"]["push"]["tags"][0], "v*");
}

#[test]
fn the_hook_judges_every_file_it_is_given() {
    let hooks = read(HOOKS);
    let hook = &hooks[0];
    assert_eq!(hook["id"], "randomlike-check");
    let endings: Vec<&str> = FORMATS.iter().flat_map(|f| f.endings).copied().collect();
    let files = endings.join("|").replace('.', r"\.");
    assert_eq!(hook["files"], format!("(?i)({files})$"));
    assert_eq!(hook["language"], "rust");
    let entry = hook["entry"].as_str().unwrap();
    let globs: Vec<String> = endings.iter().map(|ending| format!("*{ending}")).collect();
    assert!(
        entry.contains(&format!(" {}) ", globs.join("|"))),
        "{entry}"
    );
    assert_bash(entry, HOOKS);
    let folder = repository();
    let lenient = "finite = { level = \"warn\" }\n";
    fs::write(folder.path().join("randomlike.toml"), lenient).unwrap();
    let model = "nets/model.safetensors";
    let told = |words: &str| {
        let output = bash(&format!("{entry} {words}"), folder.path(), &[]);
        let said = String::from_utf8(output.stdout).unwrap();
        (
            output.status.code().unwrap(),
            said.matches("The gate ").count(),
        )
    };
    let (code, judged) = told(model);
    assert_eq!(judged, 1);
    assert_eq!(told(&format!("{model} {model}")), (code, 2));
    assert_eq!(told(&format!("--policy randomlike.toml {model}")).1, 1);
    assert_eq!(told(&format!("no-such.safetensors {model}")), (1, 1));
}
