//! What the user named: a file, an index, a part of a set, a folder, or a folder of the Hub's cache.

use std::path::{Path, PathBuf};

use crate::error::{Error, FileError, Result};
use crate::formats;
use crate::sets::{self, FileSet, MissingPart, NoChoice, PartName};
use crate::tensor_file::TensorFile;
use crate::{FileBeside, file_name, index, recognise, regular_file};

/// The files that a source stands for.
pub(crate) struct Opened {
    pub(crate) files: Vec<TensorFile>,
    /// The folder that their paths are told from.
    pub(crate) folder: PathBuf,
    /// Files that lie beside them and are no part of it.
    pub(crate) beside: Vec<FileBeside>,
}

/// Most names of a folder that are looked at.
const MOST: usize = 100_000;

/// Opens every file that `source` stands for.
pub(crate) fn open(source: &Path) -> Result<Opened> {
    let found = std::fs::metadata(source).map_err(|source_error| FileError::Io {
        action: "open",
        path: source.to_owned(),
        source: source_error,
    })?;
    if found.is_dir() {
        let folder = snapshot(source)?;
        let paths = paths(&folder)?;
        let shards = |path: &str| index::shards_of(&folder.join(path));
        let choice = sets::choose(&paths, &shards);
        let choice = choice.map_err(|none| broken_index(&folder, none))?;
        return Ok(Opened {
            files: open_set(&folder, &choice.set)?,
            folder: folder.join(choice.set.folder()),
            beside: choice.beside,
        });
    }
    regular_file::check(source, &found)?;
    let parent = source.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new(""));
    let files = open_set(folder, &set_of(source, folder)?)?;
    Ok(Opened {
        files,
        folder: here(folder).to_owned(),
        beside: Vec::new(),
    })
}

/// The set that a file belongs to; what else its folder holds is looked at only for a part.
fn set_of(file: &Path, folder: &Path) -> Result<FileSet> {
    let name = file_name(file);
    let beside = match PartName::parse(&name) {
        Some(_) => names(folder)?,
        None => Vec::new(),
    };
    sets::set_of(&name, &beside).map_err(|part| missing(folder, part))
}

/// Opens the files of a set in a folder.
pub(crate) fn open_set(folder: &Path, set: &FileSet) -> Result<Vec<TensorFile>> {
    let files = match set {
        FileSet::Index(name) => index::open(&folder.join(name))?,
        FileSet::File(name) => vec![recognise::open(&folder.join(name))?],
        FileSet::Parts(parts) => parts
            .iter()
            .map(|name| recognise::open(&folder.join(name)))
            .collect::<Result<_>>()?,
    };
    check_split(&files)?;
    Ok(files)
}

/// A GGUF says in how many parts it was split (`llama-gguf-split`): as many must be open, with as many
/// tensors.
fn check_split(files: &[TensorFile]) -> Result<()> {
    let said =
        |file: &TensorFile, key: &str| -> Option<usize> { file.metadata().get(key)?.parse().ok() };
    for file in files {
        let fault = |fault: String| Error::Split {
            path: file.path().to_owned(),
            fault,
        };
        let Some(count) = said(file, "split.count").filter(|&count| count > 1) else {
            continue;
        };
        if count != files.len() {
            let number = said(file, "split.no").map_or(1, |number| number.saturating_add(1));
            return Err(fault(format!(
                "it is part {number} of {count}, and {} found beside it; parts of one checkpoint are named \
                 `NAME-00001-of-{count:05}.gguf` and lie in one folder",
                match files.len() {
                    1 => "no other was".to_owned(),
                    others => format!("{} others were", others - 1),
                }
            )));
        }
        let tensors: usize = files.iter().map(|file| file.tensors().count()).sum();
        if let Some(told) = said(file, "split.tensors.count").filter(|&told| told != tensors) {
            return Err(fault(format!(
                "it says that all parts hold {told} tensors, and they hold {tensors}"
            )));
        }
    }
    Ok(())
}

/// Why a folder is not one checkpoint: an index that does not fit its shards leaves them over.
fn broken_index(folder: &Path, none: NoChoice) -> Error {
    if let NoChoice::Several(candidates) = &none {
        let mut indexes = candidates.iter().filter(|name| formats::is_index(name));
        if let Some(fault) = indexes.find_map(|name| index::open(&folder.join(name)).err()) {
            return fault;
        }
    }
    no_choice(folder, none)
}

/// Why a folder is not one checkpoint.
pub(crate) fn no_choice(folder: &Path, none: NoChoice) -> Error {
    match none {
        NoChoice::Nothing => Error::NoCheckpoint {
            path: folder.to_owned(),
            endings: formats::endings(),
        },
        NoChoice::Several(candidates) => Error::SeveralCheckpoints {
            path: folder.to_owned(),
            candidates: listed(&candidates),
        },
        NoChoice::Missing(part) => missing(folder, part),
    }
}

fn missing(folder: &Path, part: MissingPart) -> Error {
    Error::MissingPart {
        path: folder.join(part.name),
        count: part.count,
    }
}

/// Names that a message lists.
const LISTED: usize = 8;

/// Some names in backticks, and how many more there are.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let some: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    match names.len() {
        0 => "no files".into(),
        all if all > LISTED => format!("{} and {} more", some.join(", "), all - LISTED),
        _ => some.join(", "),
    }
}

/// Paths of files in a folder and in its subfolders.
pub(crate) fn paths(folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for name in names(folder)? {
        let path = folder.join(&name);
        if !path.is_dir() {
            paths.push(name);
        } else if paths.len() < MOST {
            // A subfolder that cannot be read holds nothing for us.
            let inner = names(&path).unwrap_or_default();
            paths.extend(inner.into_iter().map(|inner| format!("{name}/{inner}")));
        }
    }
    paths.sort();
    Ok(paths)
}

/// An empty path is the folder that the program runs in.
fn here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let folder = here(folder);
    let io = |source| FileError::Io {
        action: "list",
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)?.take(MOST) {
        let name = entry.map_err(io)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The files of a repository in the Hub's cache, `models--owner--repo`: those of its branch `main`, or
/// of its only snapshot. Another folder is itself.
fn snapshot(folder: &Path) -> Result<PathBuf> {
    let snapshots = folder.join("snapshots");
    if !file_name(folder).starts_with("models--") || !snapshots.is_dir() {
        return Ok(folder.to_owned());
    }
    let main = std::fs::read_to_string(folder.join("refs/main")).unwrap_or_default();
    let commit = main.trim();
    let is_name = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_name && snapshots.join(commit).is_dir() {
        return Ok(snapshots.join(commit));
    }
    match &names(&snapshots)?[..] {
        [one] => Ok(snapshots.join(one)),
        several => Err(no_choice(&snapshots, NoChoice::Several(several.to_vec()))),
    }
}
