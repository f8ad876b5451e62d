//! What the system says of a file, so that a change while it is read is seen.

use std::path::Path;
use std::time::SystemTime;

use crate::{Result, regular};

/// Length, time of the last write and, on Unix, which file it is and when anything of it changed:
/// that time cannot be set back, as the time of the last write can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    written: Option<SystemTime>,
    system: [i64; 4],
}

impl Stamp {
    /// Of the regular file at `path`, links followed.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let found = regular::file(path)?;
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
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    /// A file of seven bytes in a folder of its own, its stamp, and a while later.
    fn stamped() -> (tempfile::TempDir, PathBuf, Stamp) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"weights").unwrap();
        let stamp = Stamp::of(&path).unwrap();
        // Longer than the system's clock for files takes a step, 10 ms at most on Linux.
        sleep(Duration::from_millis(30));
        (folder, path, stamp)
    }

    #[test]
    fn a_file_left_alone_keeps_its_stamp() {
        let (_folder, path, before) = stamped();
        fs::read(&path).unwrap();
        assert_eq!(before.bytes, 7);
        assert_eq!(Stamp::of(&path).unwrap(), before);
    }

    #[test]
    fn a_change_in_place_shows_even_when_its_time_is_set_back() {
        let (_folder, path, before) = stamped();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, b"Weights").unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
        drop(file);
        if cfg!(unix) {
            assert_ne!(Stamp::of(&path).unwrap(), before);
        }
    }

    #[test]
    fn another_file_under_the_name_shows() {
        let (folder, path, before) = stamped();
        let other = folder.path().join("other");
        fs::write(&other, b"WEIGHTS").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before);
    }
}
