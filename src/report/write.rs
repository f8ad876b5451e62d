//! Writing reports: refused before the work, whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::{Error, Result};

/// A folder that was found writable.
#[derive(Debug)]
pub struct Destination {
    folder: PathBuf,
    staging: TempDir,
}

/// Makes sure a report can be written to `folder`, before anything is measured.
///
/// # Errors
/// When the folder cannot be written to, or holds files but no earlier `audit.json`.
pub fn prepare(folder: &Path) -> Result<Destination> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    if folder.exists() {
        let mut entries = std::fs::read_dir(folder).map_err(io("write to", folder))?;
        if entries.next().is_some() && !folder.join("audit.json").is_file() {
            return Err(Error::Occupied {
                path: folder.to_owned(),
            });
        }
    }
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(io("create", parent))?;
    let staging = tempfile::Builder::new()
        .prefix(".randomlike-")
        .tempdir_in(parent)
        .map_err(io("write to", parent))?;
    Ok(Destination {
        folder: folder.to_owned(),
        staging,
    })
}

impl Destination {
    /// Writes every file aside, then puts the folder in place in one step.
    pub fn commit(self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io {
                action,
                path,
                source,
            }
        };
        let fresh = self.staging.path().join("new");
        for (name, bytes) in files {
            let path = fresh.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(io("create", parent))?;
            }
            std::fs::write(&path, bytes).map_err(io("write", &path))?;
        }
        let old = self.staging.path().join("old");
        if self.folder.exists() {
            std::fs::rename(&self.folder, &old).map_err(io("replace", &self.folder))?;
        }
        std::fs::rename(&fresh, &self.folder).map_err(|source| {
            // The earlier report goes back; should that fail too, it lies in the staging folder.
            if old.exists() {
                drop(std::fs::rename(&old, &self.folder));
            }
            Error::Io {
                action: "write",
                path: self.folder.clone(),
                source,
            }
        })
    }
}

/// Writes one file whole or not at all.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let io = |source| Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(parent).map_err(io)?;
    {
        let mut buffer = std::io::BufWriter::new(file.as_file_mut());
        write(&mut buffer).map_err(io)?;
        buffer.flush().map_err(io)?;
    }
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_whole_and_replaces_an_earlier_one() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/report");
        for text in [b"1", b"2"] {
            let files = vec![
                ("audit.json".to_owned(), text.to_vec()),
                ("figures/x.png".to_owned(), vec![0]),
            ];
            prepare(&folder).unwrap().commit(&files).unwrap();
            assert_eq!(std::fs::read(folder.join("audit.json")).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(home.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_refused_first() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, b"mine").unwrap();
        assert!(matches!(prepare(&file), Err(Error::Io { .. })));
        assert!(matches!(
            prepare(&file.join("below")),
            Err(Error::Io { .. })
        ));
        assert!(matches!(prepare(home.path()), Err(Error::Occupied { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }
}
