//! Every public function that answers a number says where its formula is from: a year of a
//! publication, or a page of docs/, in its own words or at the head of its file.

use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where formulas are: a crate's source, or a module of it.
const FORMULAS: [&str; 9] = [
    "maths/src",
    "core/src/analysis",
    "core/src/controls",
    "core/src/shadow",
    "judge/src/checks",
    "judge/src/compare",
    "judge/src/verdict",
    "selftest/src/calibration",
    "selftest/src/selftest",
];

/// The files of these, those with tests alone left out.
fn files() -> Vec<PathBuf> {
    let crates = Path::new(ROOT).join("crates");
    let mut folders: Vec<PathBuf> = FORMULAS.iter().map(|name| crates.join(name)).collect();
    let heads = folders.iter().map(|folder| folder.with_extension("rs"));
    let mut files: Vec<PathBuf> = heads.filter(|path| path.exists()).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.to_string_lossy().ends_with("tests.rs")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Whether a text names a publication or a page.
fn names_a_source(text: &str) -> bool {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    let is_year = |number: &str| {
        number.len() == 4
            && number
                .parse()
                .is_ok_and(|year: u32| (1700..2100).contains(&year))
    };
    text.contains("docs/") || numbers.any(is_year)
}

/// Public functions that answer a number, by name, each with whether it has a source.
fn answers(text: &str) -> Vec<(&str, bool)> {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head: String = lines
        .iter()
        .filter(|line| line.starts_with("//!"))
        .copied()
        .collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = line
            .strip_prefix("pub fn ")
            .or(line.strip_prefix("pub const fn "));
        let Some(name) = start.and_then(|rest| rest.split(['(', '<']).next()) else {
            continue;
        };
        let signature: String = lines[at..].iter().take(12).copied().collect();
        let signature = signature.split('{').next().unwrap_or_default();
        let answer = signature.rsplit_once("->").map_or("", |(_, answer)| answer);
        if !answer.contains("f64") {
            continue;
        }
        let above = lines[..at].iter().rev();
        let words: String = above
            .take_while(|line| line.starts_with("///") || line.starts_with("#["))
            .copied()
            .collect();
        found.push((name, names_a_source(&words) || names_a_source(&head)));
    }
    found
}

#[test]
fn every_formula_names_its_source() {
    let mut missing = Vec::new();
    let mut seen = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (name, is_sourced) in answers(&text) {
            seen += 1;
            if !is_sourced {
                missing.push(format!(
                    "{}: {name}",
                    path.strip_prefix(ROOT).unwrap().display()
                ));
            }
        }
    }
    assert!(seen > 60, "{seen}");
    assert!(missing.is_empty(), "no source for {missing:#?}");
}

#[test]
fn the_reader_sees_a_formula_without_a_source() {
    let text = "//! Sums.\n\n/// a + b.\npub fn sum(a: f64, b: f64) -> f64 {\n    a + b\n}\n\n\
        /// φ(z) (Gauss 1809).\n#[must_use]\npub const fn law(\n    z: f64,\n) -> Option<f64> {\n}\n\n\
        /// How many.\npub fn count() -> usize {\n}\n";
    assert_eq!(answers(text), [("sum", false), ("law", true)]);
    let whole = text.replace("Sums.", "Sums, docs/theory.md §1.");
    assert_eq!(answers(&whole), [("sum", true), ("law", true)]);
}
