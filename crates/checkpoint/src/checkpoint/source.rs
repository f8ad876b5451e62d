//! What the user named: a file, an index, or a directory of either.

use std::path::{Path, PathBuf};

use super::file::TensorFile;
use super::gguf::Gguf;
use super::index;
use super::npz::Npz;
use super::safetensors::Shard;
use super::torch::Torch;
use crate::FileError;
use crate::{Error, Result, regular};

const INDEX: &str = ".safetensors.index.json";
/// Stands for a folder without .safetensors files.
const TORCH_INDEX: &str = ".bin.index.json";
const SHARD: &str = ".safetensors";
const TORCH_SHARD: &str = ".bin";

/// How names of files in other formats end.
const OTHERS: [&str; 5] = ["pth", "pt", "bin", "npz", "gguf"];

/// The files a source stands for.
pub(super) type Files = Vec<Box<dyn TensorFile>>;

/// Opens every file that `source` stands for.
pub(super) fn open(source: &Path) -> Result<Files> {
    let found = std::fs::metadata(source).map_err(|source_error| FileError::Io {
        action: "open",
        path: source.to_owned(),
        source: source_error,
    })?;
    if found.is_dir() {
        return open_directory(source);
    }
    regular::check(source, &found)?;
    if ending(source) == "json" {
        return index::open(source);
    }
    Ok(vec![open_file(source)?])
}

/// Opens one file by how its name ends.
pub(super) fn open_file(path: &Path) -> Result<Box<dyn TensorFile>> {
    Ok(match ending(path) {
        "safetensors" => Box::new(Shard::open(path)?),
        "pth" | "pt" | "bin" => Box::new(Torch::open(path)?),
        "npz" => Box::new(Npz::open(path)?),
        "gguf" => Box::new(Gguf::open(path)?),
        _ => {
            return Err(Error::Format {
                path: path.to_owned(),
            });
        }
    })
}

/// How the shards of an index end, by its own name.
pub(super) fn shards(index: &Path) -> &'static str {
    if index.to_string_lossy().ends_with(TORCH_INDEX) {
        TORCH_SHARD
    } else {
        SHARD
    }
}

fn ending(path: &Path) -> &str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default()
}

/// One index stands for the folder and must name every .safetensors file in it; without one,
/// every .safetensors file counts. Without any of these PyTorch's index does, or a single file of
/// another format.
fn open_directory(folder: &Path) -> Result<Files> {
    let files = list(folder)?;
    let named = |end: &'static str| {
        files
            .iter()
            .filter(move |path| path.to_string_lossy().ends_with(end))
    };
    let mut indexes: Vec<_> = named(INDEX).collect();
    let shards: Vec<_> = named(SHARD).collect();
    if indexes.is_empty() && shards.is_empty() {
        indexes = named(TORCH_INDEX).collect();
    }
    let [index, ref more @ ..] = indexes[..] else {
        if shards.is_empty() {
            let other = |path: &&PathBuf| OTHERS.contains(&ending(path));
            let others: Vec<&PathBuf> = files.iter().filter(other).collect();
            return match others[..] {
                [one] => Ok(vec![open_file(one)?]),
                [] => Err(Error::NoCheckpoint {
                    path: folder.to_owned(),
                }),
                [first, second, ..] => Err(Error::SeveralFiles {
                    path: folder.to_owned(),
                    first: name(first),
                    second: name(second),
                }),
            };
        }
        return shards.into_iter().map(|path| open_file(path)).collect();
    };
    if let Some(second) = more.first() {
        return Err(Error::SeveralIndexes {
            path: folder.to_owned(),
            first: name(index),
            second: name(second),
        });
    }
    let opened = index::open(index)?;
    let is_stray = |file: &&PathBuf| opened.iter().all(|shard| shard.path() != *file);
    match shards.into_iter().find(|file| is_stray(file)) {
        Some(file) => Err(Error::Stray {
            path: folder.to_owned(),
            file: name(file),
            index: name(index),
        }),
        None => Ok(opened),
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
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
