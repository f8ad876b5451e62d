//! Only regular files are read and replaced: opening a pipe waits, renaming over a device
//! destroys it.

use std::fs::Metadata;
use std::path::Path;

use crate::FileError;

type Result<T> = std::result::Result<T, FileError>;

/// What the system says of the regular file at `path`, links followed.
pub fn metadata(path: &Path) -> Result<Metadata> {
    let found = std::fs::metadata(path).map_err(|source| FileError::Io {
        action: "open",
        path: path.to_owned(),
        source,
    })?;
    check(path, &found)?;
    Ok(found)
}

/// Size in bytes of the regular file at `path`, links followed.
pub fn length(path: &Path) -> Result<u64> {
    Ok(metadata(path)?.len())
}

/// Refuses `path` when `found` says it is no regular file.
pub fn check(path: &Path, found: &Metadata) -> Result<()> {
    if found.is_file() {
        return Ok(());
    }
    Err(FileError::NotAFile {
        path: path.to_owned(),
        what: what(found),
    })
}

fn what(found: &Metadata) -> &'static str {
    if found.is_dir() {
        return "a directory";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = found.file_type();
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "of an unknown kind"
}
