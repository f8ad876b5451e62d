//! What the user named: a file, an index, or a directory of either.

use std::path::{Path, PathBuf};

use crate::error::{Error, FileError, Result};
use crate::format::Format;
use crate::formats::{self, FORMATS};
use crate::tensor_file::TensorFile;
use crate::{file_name, index, recognise, regular_file};

/// Opens every file that `source` stands for.
pub(crate) fn open(source: &Path) -> Result<Vec<TensorFile>> {
    let found = std::fs::metadata(source).map_err(|source_error| FileError::Io {
        action: "open",
        path: source.to_owned(),
        source: source_error,
    })?;
    if found.is_dir() {
        return open_directory(source);
    }
    regular_file::check(source, &found)?;
    let extension = source.extension();
    if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return index::open(source);
    }
    Ok(vec![recognise::open(source)?])
}

/// One index stands for the folder and must name every file of its format in it whose format is
/// one of folders; without an index, all such files count. Without any of these another format's
/// index does, or a single file of another format.
fn open_directory(folder: &Path) -> Result<Vec<TensorFile>> {
    let files = list(folder)?;
    for format in FORMATS.iter().filter(|format| format.shards.is_some()) {
        let indexes = indexes(&files, format);
        let shards: Vec<&PathBuf> = if format.is_folder {
            files
                .iter()
                .filter(|path| format.is_named(&file_name(path)))
                .collect()
        } else {
            Vec::new()
        };
        match indexes[..] {
            [index] => return open_index(folder, index, &shards),
            [first, second, ..] => {
                return Err(Error::SeveralIndexes {
                    path: folder.to_owned(),
                    first: file_name(first),
                    second: file_name(second),
                });
            }
            [] if shards.is_empty() => {}
            [] => {
                return shards
                    .into_iter()
                    .map(|path| recognise::open(path))
                    .collect();
            }
        }
    }
    let named = |path: &&PathBuf| formats::by_name(&file_name(path)).is_some();
    let others: Vec<&PathBuf> = files.iter().filter(named).collect();
    match others[..] {
        [one] => Ok(vec![recognise::open(one)?]),
        [] => Err(Error::NoCheckpoint {
            path: folder.to_owned(),
            endings: formats::endings(),
        }),
        [first, second, ..] => Err(Error::SeveralFiles {
            path: folder.to_owned(),
            first: file_name(first),
            second: file_name(second),
        }),
    }
}

fn indexes<'f>(files: &'f [PathBuf], format: &Format) -> Vec<&'f PathBuf> {
    let of_format = |path: &&PathBuf| {
        let found = formats::of_index(&file_name(path));
        found.is_some_and(|found| found.name == format.name)
    };
    files.iter().filter(of_format).collect()
}

/// The shards of an index, which must be all of these.
fn open_index(folder: &Path, index: &Path, shards: &[&PathBuf]) -> Result<Vec<TensorFile>> {
    let opened = index::open(index)?;
    let is_stray = |file: &&&PathBuf| opened.iter().all(|shard| shard.path() != file.as_path());
    match shards.iter().find(is_stray) {
        Some(file) => Err(Error::Stray {
            path: folder.to_owned(),
            file: file_name(file),
            index: file_name(index),
        }),
        None => Ok(opened),
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let io = |source| FileError::Io {
        action: "list",
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        files.push(entry.map_err(io)?.path());
    }
    files.sort();
    Ok(files)
}
