//! One list of formats: what the documentation says of them, and the worked example of a new one.

use std::fs;
use std::path::{Path, PathBuf};

use randomlike::checkpoint::{FORMATS, Format};

fn read(path: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Words in backquotes, joined by commas.
fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    words.join(", ")
}

#[test]
fn the_table_of_formats_is_the_list() {
    let page = read("docs/skipped.md");
    let rows: Vec<&str> = page
        .lines()
        .skip_while(|line| *line != "## Formats")
        .filter(|line| line.starts_with("| `."))
        .take(FORMATS.len() + 1)
        .collect();
    let row = |format: &Format| {
        let endings = quoted(format.endings.iter().copied());
        format!("| {endings} | {}: {} |", format.name, format.about)
    };
    let mut wanted: Vec<String> = FORMATS.iter().map(row).collect();
    let indexes: Vec<String> = FORMATS.iter().filter_map(Format::index).collect();
    let indexes = quoted(indexes.iter().map(String::as_str));
    wanted.push(format!("| {indexes} | the files it names |"));
    assert_eq!(rows, wanted);
}

#[test]
fn the_worked_example_is_the_format_that_is_compiled_and_tested() {
    let page = read("docs/contributing.md");
    let section = page.split("\n## A new format\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let block = section.split("```rust\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    assert_eq!(
        block,
        read("crates/checkpoint/src/formats/worked_example.rs")
    );
    let list = read("crates/checkpoint/src/formats.rs");
    for line in ["mod worked_example;", "    worked_example::FORMAT,"] {
        assert!(list.lines().any(|found| found == line), "{line}");
        assert!(section.lines().any(|found| found == line), "{line}");
    }
}
