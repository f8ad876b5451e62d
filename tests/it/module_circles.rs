//! Arrows between the modules of a crate point one way: none needs another that needs it.
//! Between crates the compiler holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Module of a crate's root, and those of its siblings that it names.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Source files of one crate: path below `src/`, text.
type Files = Vec<(String, String)>;

fn files(source: &Path) -> Files {
    let mut files = Vec::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let below = path.strip_prefix(source).unwrap();
                let below = below.to_str().unwrap().replace('\\', "/");
                files.push((below, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// `shadow/chain.rs` is `["shadow", "chain"]`; the files of the roots are none.
fn module(path: &str) -> Vec<&str> {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    match parts[..] {
        ["lib" | "main"] => Vec::new(),
        _ => parts,
    }
}

/// The text without comments and without the tests at its end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let lines = text[..end].lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The first names of what follows a `::`: of `{a::B, c}` a and c, of `a::B` a.
fn first_names(text: &str) -> Vec<&str> {
    let Some(list) = text.strip_prefix('{') else {
        return vec![name(text)];
    };
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                names.push(name(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => (),
        }
    }
    names
}

/// What a root takes from its modules: `pub use error::{Error, Result}` is where both are from.
fn taken(root: &str) -> Vec<(&str, &str)> {
    let uses = root.split("use ").skip(1);
    let pairs = uses.filter_map(|text| text.split_once("::"));
    pairs
        .flat_map(|(module, rest)| {
            first_names(rest)
                .into_iter()
                .map(move |name| (name, module))
        })
        .collect()
}

/// Which modules of the root each module names: by `crate::`, or by as many `super::` as lead
/// to the root.
fn arrows(files: &Files) -> Arrows {
    let all: BTreeSet<&str> = files
        .iter()
        .filter_map(|(path, _)| module(path).first().copied())
        .collect();
    let roots: Vec<String> = files
        .iter()
        .filter(|(path, _)| module(path).is_empty())
        .map(|(_, text)| code(text))
        .collect();
    let from: BTreeMap<&str, &str> = roots.iter().flat_map(|root| taken(root)).collect();
    let mut arrows = Arrows::new();
    for (path, text) in files {
        let module = module(path);
        let Some(own) = module.first().filter(|_| !module.contains(&"tests")) else {
            continue;
        };
        let code = code(text);
        let ways = ["crate::".to_owned(), "super::".repeat(module.len())];
        let named = ways.iter().flat_map(|way| {
            let found = code.match_indices(way.as_str());
            found.flat_map(|(at, way)| first_names(&code[at + way.len()..]))
        });
        let modules = named.map(|name| from.get(name).copied().unwrap_or(name));
        let others = modules.filter(|name| name != own && all.contains(name));
        let known = arrows.entry((*own).to_owned()).or_default();
        known.extend(others.map(str::to_owned));
    }
    arrows
}

/// The modules of circles, and what leads to them: what is left when modules that need no other
/// one are taken away as long as there are any.
fn circles(mut arrows: Arrows) -> Arrows {
    loop {
        let done: Vec<String> = arrows
            .iter()
            .filter(|(_, needed)| needed.is_empty())
            .map(|(module, _)| module.clone())
            .collect();
        if done.is_empty() {
            return arrows;
        }
        arrows.retain(|_, needed| !needed.is_empty());
        for needed in arrows.values_mut() {
            needed.retain(|module| !done.contains(module));
        }
    }
}

#[test]
fn no_module_needs_one_that_needs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = vec![root.join("src")];
    let crates = std::fs::read_dir(root.join("crates")).unwrap();
    sources.extend(crates.map(|entry| entry.unwrap().path().join("src")));
    assert!(sources.len() > 5, "{sources:?}");
    let mut found = 0;
    for source in sources {
        let arrows = arrows(&files(&source));
        found += arrows.values().map(BTreeSet::len).sum::<usize>();
        let circles = circles(arrows);
        assert!(circles.is_empty(), "{}: {circles:#?}", source.display());
    }
    assert!(found > 20, "{found} arrows");
}

fn planted(texts: &[(&str, &str)]) -> Arrows {
    let files = texts.iter();
    let files = files.map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    circles(arrows(&files.collect()))
}

#[test]
fn planted_circles_are_found_and_lines_are_none() {
    let line = [
        ("lib.rs", "mod a;\nmod b;\npub use b::{Y, Z};"),
        ("a.rs", "use crate::{b::{self, X}, Q};\n// use crate::a;\n"),
        ("a/inner.rs", "use super::super::b::X;\nuse super::b;"),
        ("b.rs", "#[cfg(test)]\nmod tests { use crate::a::W; }"),
        ("b/tests.rs", "use crate::a::W;"),
    ];
    assert!(planted(&line).is_empty());
    // By name, by what the root takes from a module, by `super`, and over a third one.
    for back in [
        "use crate::a::W;",
        "fn f() { crate::{c::V, a::W}; }",
        "use super::a::W;",
        "use crate::c::V;",
    ] {
        let circle = [&line[..3], &[("b.rs", back), ("c.rs", "use crate::a;")]].concat();
        let found = planted(&circle);
        assert!(found["a"].contains("b") && !found["b"].is_empty(), "{back}");
    }
    let by_root = [
        &line[..1],
        &[("a.rs", "use crate::Z;"), ("b.rs", "use crate::a;")],
    ]
    .concat();
    assert_eq!(planted(&by_root).len(), 2);
}
