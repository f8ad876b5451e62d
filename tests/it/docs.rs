//! The documentation is true of the program: its examples run, its links lead somewhere.
//!
//! A block marked `console` is run line by line where lines begin with `$ randomlike`; the folder
//! is a fresh one with `fixtures` and `reports` beside it. `exit=1` or `exit=2` after `console` says how
//! each command of the block ends. A line of output that is shown must be there, in the order shown;
//! `...` stands for any lines. Blocks marked `toml file=NAME` are written into the folder for the
//! commands that follow on the page.

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = "$ randomlike ";

/// A fenced block of a page.
struct Block {
    line: usize,
    info: String,
    lines: Vec<String>,
}

/// A command, the lines that it should print, and how it should end.
struct Case {
    line: usize,
    words: Vec<String>,
    shown: Vec<String>,
}

/// README.md and every page in docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(Path::new(ROOT).join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    pages.sort();
    pages.insert(0, Path::new(ROOT).join("README.md"));
    pages
}

/// The blocks of a page, and the page without them.
fn parts(text: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose) = (Vec::new(), String::new());
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        let fence = line.strip_prefix("```");
        match (open.as_mut(), fence) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, Some(info)) => {
                open = Some(Block {
                    line: at + 1,
                    info: info.trim().to_owned(),
                    lines: Vec::new(),
                });
            }
            (None, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    (blocks, prose)
}

/// The commands of a block, each with the lines below it.
fn cases(block: &Block) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (at, line) in block.lines.iter().enumerate() {
        if let Some(words) = line.strip_prefix(PROGRAM) {
            cases.push(Case {
                line: block.line + at + 1,
                words: words.split_whitespace().map(unquoted).collect(),
                shown: Vec::new(),
            });
        } else if let Some(case) = cases.last_mut() {
            case.shown.push(line.trim_end().to_owned());
        }
    }
    cases
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['\'', '"']).to_owned()
}

/// The exit status that a block marked `console` asks for.
fn status(info: &str) -> Option<i32> {
    match info.strip_prefix("console")?.trim() {
        "" => Some(0),
        "exit=1" => Some(1),
        "exit=2" => Some(2),
        other => panic!("`{other}` after `console` is not known"),
    }
}

/// The first line of `shown` that `printed` does not have after those before it.
fn missing<'s>(shown: &'s [String], printed: &str) -> Option<&'s str> {
    let mut lines = printed.lines().map(str::trim_end);
    shown
        .iter()
        .map(String::as_str)
        .filter(|line| !line.is_empty() && *line != "...")
        .find(|wanted| !lines.any(|line| line == *wanted))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// What is not as the page says; nothing when all is.
fn fault(case: &Case, wanted: i32, folder: &Path) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(&case.words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    printed.push_str(&String::from_utf8_lossy(&output.stderr));
    let command = case.words.join(" ");
    if output.status.code() != Some(wanted) {
        return Some(format!(
            "`{command}` ends with {}, not {wanted}:\n{printed}",
            output.status
        ));
    }
    let line = missing(&case.shown, &printed)?;
    Some(format!(
        "`{command}` does not print `{line}` there:\n{printed}"
    ))
}

#[test]
fn the_examples_on_the_pages_run_as_shown() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["fixtures", "reports"] {
        copy(&Path::new(ROOT).join(part), &folder.path().join(part));
    }
    let (mut run, mut faults) = (0, Vec::new());
    for page in pages() {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        let (blocks, _) = parts(&std::fs::read_to_string(&page).unwrap());
        for block in &blocks {
            if let Some(file) = block.info.strip_prefix("toml file=") {
                std::fs::write(folder.path().join(file), block.lines.join("\n")).unwrap();
            }
            let Some(wanted) = status(&block.info) else {
                continue;
            };
            for case in cases(block) {
                run += 1;
                let fault = fault(&case, wanted, folder.path());
                faults.extend(fault.map(|fault| format!("{name}:{}: {fault}", case.line)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(run >= 15, "only {run} commands are run");
}

/// Where the links of a page lead, those to other sites and within the page aside.
fn links(prose: &str) -> Vec<String> {
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.starts_with(['#', '<']))
        .filter_map(|link| link.split('#').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_link_on_the_pages_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let (_, prose) = parts(&std::fs::read_to_string(&page).unwrap());
        let folder = page.parent().unwrap();
        let gone = links(&prose)
            .into_iter()
            .filter(|link| !folder.join(link).exists());
        dead.extend(gone.map(|link| format!("{}: {link}", page.display())));
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn the_reader_of_pages_sees_what_is_there() {
    let page = "a [b](c.md#d) [e](https://f.g)\n```console exit=1\n$ randomlike check 'x y'\nFAIL\n...\nlast\n```\n";
    let (blocks, prose) = parts(page);
    assert_eq!(links(&prose), ["c.md"]);
    assert_eq!(status(&blocks[0].info), Some(1));
    assert_eq!(status("sh"), None);
    let case = &cases(&blocks[0])[0];
    assert_eq!((case.line, case.words.len()), (3, 3));
    assert_eq!(missing(&case.shown, "FAIL\nmore\nlast\n"), None);
    assert_eq!(missing(&case.shown, "last\nFAIL\n"), Some("last"));
}
