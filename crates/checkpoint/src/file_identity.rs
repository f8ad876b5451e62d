//! What the system says of a file, so that a change while it is read is seen.

use std::path::Path;
use std::time::SystemTime;

use crate::{Result, regular_file};

/// Length, time of the last write and, on Unix, which file it is and when anything of it changed:
/// that time cannot be set back, as the time of the last write can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    pub(crate) bytes: u64,
    written: Option<SystemTime>,
    system: [i64; 4],
}

impl FileIdentity {
    /// Of the regular file at `path`, links followed.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let found = regular_file::metadata(path)?;
        Ok(Self {
            bytes: found.len(),
            written: found.modified().ok(),
            system: system(&found),
        })
    }
}

#[cfg(unix)]
fn system(found: &std::fs::Metadata) -> [i64; 4] {
    use std::os::unix::fs::MetadataExt as _;
    [
        found.dev().cast_signed(),
        found.ino().cast_signed(),
        found.ctime(),
        found.ctime_nsec(),
    ]
}

#[cfg(not(unix))]
const fn system(_: &std::fs::Metadata) -> [i64; 4] {
    [0; 4]
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn written(path: &Path) -> SystemTime {
        fs::metadata(path).unwrap().modified().unwrap()
    }

    /// A file of seven bytes in a folder of its own, its identity, and a while later.
    fn identified() -> (tempfile::TempDir, PathBuf, FileIdentity) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"weights").unwrap();
        let identity = FileIdentity::at(&path).unwrap();
        // Until the system's clock for files has taken a step.
        let clock = folder.path().join("clock");
        loop {
            fs::write(&clock, b"tick").unwrap();
            if written(&clock) > written(&path) {
                break (folder, path, identity);
            }
        }
    }

    #[test]
    fn a_file_left_alone_keeps_its_identity() {
        let (_folder, path, before) = identified();
        fs::read(&path).unwrap();
        assert_eq!(before.bytes, 7);
        assert_eq!(FileIdentity::at(&path).unwrap(), before);
    }

    #[test]
    fn a_change_in_place_shows_even_when_its_time_is_set_back() {
        let (_folder, path, before) = identified();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, b"Weights").unwrap();
        assert_ne!(FileIdentity::at(&path).unwrap(), before);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        drop(file);
        if cfg!(unix) {
            assert_ne!(FileIdentity::at(&path).unwrap(), before);
        }
    }

    #[test]
    fn another_file_under_the_name_shows() {
        let (folder, path, before) = identified();
        let other = folder.path().join("other");
        fs::write(&other, b"WEIGHTS").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(FileIdentity::at(&path).unwrap(), before);
    }
}
