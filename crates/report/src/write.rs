//! Writing reports: refused before the work, whole or not at all.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Error, Result};
use randomlike_checkpoint::FileError;
use randomlike_checkpoint::regular_file;

/// A folder that was found writable.
#[derive(Debug)]
pub struct Destination {
    /// As the user named it.
    named: PathBuf,
    /// Where that is, links followed.
    folder: PathBuf,
    /// The file every report of the kind holds.
    main: &'static str,
}

/// Makes sure a report can be written to `folder`, before anything is measured. `main` is the
/// file that no report of its kind is without: `audit.json`.
///
/// # Errors
/// When the folder cannot be written to or replaced, or holds anything but an earlier report of
/// the kind.
pub fn prepare(folder: impl AsRef<Path>, main: &'static str) -> Result<Destination> {
    let folder = folder.as_ref();
    let named = folder.to_owned();
    let folder = resolve(folder).map_err(io("write to", &named))?;
    only_a_report(&named, &folder, main)?;
    let parent = parent(&folder);
    fs::create_dir_all(parent).map_err(io("create", parent))?;
    movable(&named, &folder)?;
    // Gone at once: who is interrupted while measuring leaves nothing behind.
    staging(parent)?;
    Ok(Destination {
        named,
        folder,
        main,
    })
}

/// Beside the folder, so that putting it in place moves no bytes.
fn staging(parent: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(".randomlike-")
        .tempdir_in(parent)
        .map_err(io("write to", parent))
}

impl Destination {
    /// Writes every file aside, then puts the folder in place in one step.
    pub fn commit(self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let staging = staging(parent(&self.folder))?;
        let fresh = staging.path().join("new");
        for (name, bytes) in files {
            let path = fresh.join(name);
            let put = fs::create_dir_all(parent(&path)).and_then(|()| fs::write(&path, bytes));
            put.map_err(io("write", &self.named.join(name)))?;
        }
        // Measuring takes long; something may have been put there meanwhile.
        only_a_report(&self.named, &self.folder, self.main)?;
        let old = staging.path().join("old");
        if self.folder.exists() {
            fs::rename(&self.folder, &old).map_err(io("replace", &self.named))?;
        }
        let Err(fault) = fs::rename(&fresh, &self.folder) else {
            return Ok(());
        };
        let fault = if old.exists() && fs::rename(&old, &self.folder).is_err() {
            let kept = staging.keep().join("old");
            io::Error::other(format!(
                "{fault}; the earlier report is now `{}`",
                kept.display()
            ))
        } else {
            fault
        };
        Err(io("write", &self.named)(fault))
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| {
        Error::File(FileError::Io {
            action,
            path,
            source,
        })
    }
}

/// The folder a path lies in.
fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| *parent != Path::new(""))
        .unwrap_or(Path::new("."))
}

/// Where `path` is, links followed: a link is written through, not replaced.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(path) {
        Ok(_) => fs::canonicalize(path),
        Err(fault) if fault.kind() == ErrorKind::NotFound && path.file_name().is_some() => {
            Ok(path.to_owned())
        }
        Err(fault) => Err(fault),
    }
}

/// Refuses a folder that holds anything else: it would be deleted with the earlier report.
fn only_a_report(named: &Path, folder: &Path, main: &str) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    match foreign(folder, main).map_err(io("write to", named))? {
        Some(foreign) => Err(Error::Occupied {
            path: named.to_owned(),
            foreign,
        }),
        None => Ok(()),
    }
}

/// The first thing in a folder that is no part of a report: `main`, `report.html` and pictures
/// in `figures`, the first of which no report is without.
fn foreign(folder: &Path, main: &str) -> io::Result<Option<PathBuf>> {
    let entries = sorted(folder)?;
    let is_report = entries.iter().any(|entry| entry.file_name() == main);
    for entry in entries {
        let name = PathBuf::from(entry.file_name());
        let kind = entry.file_type()?;
        match name.to_str() {
            Some(file) if is_report && kind.is_file() && [main, "report.html"].contains(&file) => {}
            Some("figures") if is_report && kind.is_dir() => {
                for figure in sorted(&entry.path())? {
                    let figure_name = PathBuf::from(figure.file_name());
                    let is_picture = figure_name.extension() == Some(OsStr::new("png"));
                    if !(is_picture && figure.file_type()?.is_file()) {
                        return Ok(Some(name.join(figure_name)));
                    }
                }
            }
            _ => return Ok(Some(name)),
        }
    }
    Ok(None)
}

fn sorted(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

/// Refuses a folder that cannot be moved aside.
fn movable(named: &Path, folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let immovable = |what| {
        Err(Error::Immovable {
            path: named.to_owned(),
            what,
        })
    };
    let here = std::env::current_dir().and_then(fs::canonicalize);
    if here.is_ok_and(|here| here.starts_with(folder)) {
        return immovable("the working folder or above it");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let device = |path: &Path| fs::metadata(path).map(|found| found.dev());
        let fault = || io("write to", named);
        if device(folder).map_err(fault())? != device(parent(folder)).map_err(fault())? {
            return immovable("a mount point");
        }
    }
    Ok(())
}

/// Writes one file whole or not at all.
///
/// # Errors
/// Before `write` is called, when `path` is there and no regular file, or cannot be written.
pub fn write_file(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let fault = || io("write", path);
    let target = resolve(path).map_err(fault())?;
    if target.exists() {
        regular_file::check(path, &fs::metadata(&target).map_err(fault())?)?;
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file, less what the umask takes away; a temporary one is private.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent(&target)).map_err(fault())?;
    {
        let mut buffer = io::BufWriter::new(file.as_file_mut());
        write(&mut buffer).map_err(fault())?;
        buffer.flush().map_err(fault())?;
    }
    file.persist(&target).map_err(|e| fault()(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUDIT: &str = "audit.json";

    fn report(text: &[u8]) -> Vec<(String, Vec<u8>)> {
        vec![
            (AUDIT.to_owned(), text.to_vec()),
            ("report.html".to_owned(), vec![0]),
            ("figures/x.png".to_owned(), vec![0]),
        ]
    }

    fn write_report(folder: &Path, text: &[u8]) {
        prepare(folder, AUDIT)
            .unwrap()
            .commit(&report(text))
            .unwrap();
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_report_is_written_whole_and_replaces_an_earlier_one() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/report");
        for text in [b"1", b"2"] {
            write_report(&folder, text);
            assert_eq!(fs::read(folder.join(AUDIT)).unwrap(), text);
        }
        let fewer = vec![(AUDIT.to_owned(), b"3".to_vec())];
        prepare(&folder, AUDIT).unwrap().commit(&fewer).unwrap();
        assert_eq!(count(&folder), 1, "nothing of an earlier report stays");
        assert_eq!(count(&home.path().join("a")), 1, "nothing lies beside it");
    }

    #[test]
    fn a_report_of_another_kind_stays() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("report");
        write_report(&folder, b"1");
        assert!(matches!(
            prepare(&folder, "shadow.json"),
            Err(Error::Occupied { .. })
        ));
        assert_eq!(count(&folder), 3);
    }

    #[test]
    fn an_empty_folder_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("report");
        fs::create_dir(&folder).unwrap();
        write_report(&folder, b"1");
        assert_eq!(count(&folder), 3);
    }

    #[test]
    fn what_cannot_be_written_is_refused_first() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, b"mine").unwrap();
        assert!(matches!(
            prepare(&file, AUDIT),
            Err(Error::File(FileError::Io { .. }))
        ));
        assert!(matches!(
            prepare(file.join("below"), AUDIT),
            Err(Error::File(FileError::Io { .. }))
        ));
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert!(matches!(
            prepare(Path::new("."), AUDIT),
            Err(Error::Occupied { .. } | Error::Immovable { .. })
        ));
    }

    #[test]
    fn a_folder_that_holds_more_than_a_report_is_refused_by_name() {
        for name in [
            "notes.txt",
            "figures/x.svg",
            "figures/sub.png/x.png",
            "audit.json.bak",
            ".hidden",
            "sub/x.png",
        ] {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("report");
            write_report(&folder, b"1");
            let mine = folder.join(name);
            fs::create_dir_all(mine.parent().unwrap()).unwrap();
            fs::write(&mine, b"mine").unwrap();
            let Err(Error::Occupied { path, foreign }) = prepare(&folder, AUDIT) else {
                panic!("{name} was not seen");
            };
            assert_eq!(path, folder);
            assert!(Path::new(name).starts_with(&foreign), "{foreign:?}");
            assert_eq!(fs::read(&mine).unwrap(), b"mine");
        }
    }

    #[test]
    fn without_an_audit_nothing_is_an_earlier_report() {
        for name in ["report.html", "figures/mine.png", "audit.json/x"] {
            let home = tempfile::tempdir().unwrap();
            let mine = home.path().join(name);
            fs::create_dir_all(mine.parent().unwrap()).unwrap();
            fs::write(&mine, b"mine").unwrap();
            assert!(
                matches!(prepare(home.path(), AUDIT), Err(Error::Occupied { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn what_came_while_measuring_is_not_deleted() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("report");
        write_report(&folder, b"1");
        let destination = prepare(&folder, AUDIT).unwrap();
        fs::write(folder.join("notes.txt"), b"mine").unwrap();
        let refused = destination.commit(&report(b"2"));
        assert!(matches!(refused, Err(Error::Occupied { .. })));
        assert_eq!(fs::read(folder.join(AUDIT)).unwrap(), b"1");
        assert_eq!(count(home.path()), 1);
    }

    // Nothing was written aside, so the second half of the swap has nothing to put in place.
    #[test]
    fn a_failed_swap_leaves_the_earlier_report() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("report");
        write_report(&folder, b"1");
        let failed = prepare(&folder, AUDIT).unwrap().commit(&[]);
        assert!(matches!(failed, Err(Error::File(FileError::Io { path, .. })) if path == folder));
        assert_eq!(fs::read(folder.join(AUDIT)).unwrap(), b"1");
        assert_eq!(count(home.path()), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_not_replaced() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (home.path().join("far/report"), home.path().join("link"));
        fs::create_dir_all(&target).unwrap();
        symlink(&target, &link).unwrap();
        write_report(&link, b"1");
        write_report(&link, b"2");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(target.join(AUDIT)).unwrap(), b"2");
        let (file, to_file) = (home.path().join("file"), home.path().join("to-file"));
        fs::write(&file, b"1").unwrap();
        symlink(&file, &to_file).unwrap();
        write_file(&to_file, |to| to.write_all(b"2")).unwrap();
        assert!(fs::symlink_metadata(&to_file).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"2");
        let nowhere = home.path().join("nowhere");
        symlink(home.path().join("gone"), &nowhere).unwrap();
        assert!(matches!(
            prepare(&nowhere, AUDIT),
            Err(Error::File(FileError::Io { .. }))
        ));
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x");
        write_file(&path, |to| to.write_all(b"1")).unwrap();
        let failed = write_file(&path, |to| {
            to.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(matches!(failed, Err(Error::File(FileError::Io { path: at, .. })) if at == path));
        assert_eq!(fs::read(&path).unwrap(), b"1");
        assert_eq!(count(home.path()), 1);
    }

    #[test]
    fn what_is_no_file_is_refused_before_the_work() {
        let home = tempfile::tempdir().unwrap();
        let refused = write_file(home.path(), |_| panic!("the work was begun"));
        assert!(matches!(
            refused,
            Err(Error::File(FileError::NotAFile { .. }))
        ));
        let below = home.path().join("no/such/x");
        let refused = write_file(&below, |_| panic!("the work was begun"));
        assert!(matches!(refused, Err(Error::File(FileError::Io { .. }))));
    }
}
