//! What the user named: a file, an index, or a directory of either.

use std::path::{Path, PathBuf};

use super::{index, safetensors::Shard};
use crate::{Error, Result, regular};

const INDEX: &str = ".safetensors.index.json";
const SHARD: &str = ".safetensors";

/// Opens every file that `source` stands for.
pub(super) fn open(source: &Path) -> Result<Vec<Shard>> {
    let found = std::fs::metadata(source).map_err(|source_error| Error::Io {
        action: "open",
        path: source.to_owned(),
        source: source_error,
    })?;
    if found.is_dir() {
        return open_directory(source);
    }
    regular::check(source, &found)?;
    match source.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => Ok(vec![Shard::open(source)?]),
        Some("json") => index::open(source),
        _ => Err(Error::Format {
            path: source.to_owned(),
        }),
    }
}

/// One index stands for the folder and must name every .safetensors file in it; without one,
/// every .safetensors file counts.
fn open_directory(folder: &Path) -> Result<Vec<Shard>> {
    let files = list(folder)?;
    let ending = |end: &'static str| {
        files
            .iter()
            .filter(move |path| path.to_string_lossy().ends_with(end))
    };
    let mut indexes = ending(INDEX);
    let Some(index) = indexes.next() else {
        let shards: Vec<_> = ending(SHARD).collect();
        if shards.is_empty() {
            return Err(Error::NoCheckpoint {
                path: folder.to_owned(),
            });
        }
        return shards.into_iter().map(|path| Shard::open(path)).collect();
    };
    if let Some(second) = indexes.next() {
        return Err(Error::SeveralIndexes {
            path: folder.to_owned(),
            first: name(index),
            second: name(second),
        });
    }
    let shards = index::open(index)?;
    let stray = ending(SHARD).find(|file| shards.iter().all(|shard| shard.path != **file));
    match stray {
        Some(file) => Err(Error::Stray {
            path: folder.to_owned(),
            file: name(file),
            index: name(index),
        }),
        None => Ok(shards),
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let io = |source| Error::Io {
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
