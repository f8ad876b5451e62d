//! What the user named: a file, an index, or a directory of either.

use std::path::{Path, PathBuf};

use super::{index, safetensors::Shard};
use crate::{Error, Result};

const INDEX: &str = ".safetensors.index.json";

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
    match source.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => Ok(vec![Shard::open(source)?]),
        Some("json") => index::open(source),
        _ => Err(Error::Format {
            path: source.to_owned(),
        }),
    }
}

/// An index wins over the files beside it; without one, every .safetensors file counts.
fn open_directory(folder: &Path) -> Result<Vec<Shard>> {
    let files = list(folder)?;
    let ends = |path: &PathBuf, end: &str| path.to_string_lossy().ends_with(end);
    if let Some(path) = files.iter().find(|path| ends(path, INDEX)) {
        return index::open(path);
    }
    let shards: Vec<&PathBuf> = files
        .iter()
        .filter(|path| ends(path, ".safetensors"))
        .collect();
    if shards.is_empty() {
        return Err(Error::NoCheckpoint {
            path: folder.to_owned(),
        });
    }
    shards.into_iter().map(|path| Shard::open(path)).collect()
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
