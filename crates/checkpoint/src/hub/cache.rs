//! What is in the cache already; nothing here asks anybody.
//!
//! Layout of huggingface_hub: `models--owner--repo/refs/<revision>` holds a commit, and
//! `snapshots/<commit>/` its files, links to `blobs/`.

use std::path::{Path, PathBuf};

use super::spec::{is_file_path, is_name};
use super::{Found, Hub, Spec};
use crate::sets::{self, Choice, FileSet, NoChoice};
use crate::{index, source};

/// What is there of the checkpoint, where every file of it is.
pub(super) fn find(hub: &Hub, spec: &Spec) -> Option<Found> {
    let (commit, snapshot) = snapshot(hub, spec)?;
    let paths = source::paths(&snapshot).ok()?;
    let choice = choose(spec.file.as_deref(), &paths, &snapshot).ok()?;
    let is_there = |file: &str| snapshot.join(file).is_file();
    let is_whole = choice.set.names().all(is_there)
        && shards(&choice.set, &snapshot)?
            .iter()
            .all(|shard| is_there(shard));
    is_whole.then_some(Found {
        snapshot,
        choice,
        commit,
    })
}

/// The set that a file stands for, or the one that the rule for folders finds; indexes are read in a
/// folder that may have them.
pub(super) fn choose(
    file: Option<&str>,
    paths: &[String],
    snapshot: &Path,
) -> Result<Choice, NoChoice> {
    let Some(file) = file else {
        return sets::choose(paths, &|path| index::shards_of(&snapshot.join(path)));
    };
    let set = sets::set_of(file, paths).map_err(NoChoice::Missing)?;
    let beside = Vec::new();
    Ok(Choice { set, beside })
}

/// Paths of the shards that an index names; none for another set, and nothing for an index that cannot
/// be followed.
pub(super) fn shards(set: &FileSet, snapshot: &Path) -> Option<Vec<String>> {
    let FileSet::Index(file) = set else {
        return Some(Vec::new());
    };
    let shards = index::shards_of(&snapshot.join(file))?;
    let folder = set.folder();
    let path = |shard: String| match folder {
        "" => shard,
        folder => format!("{folder}/{shard}"),
    };
    let stays = shards.iter().all(|shard| is_file_path(shard));
    stays.then(|| shards.into_iter().map(path).collect())
}

/// The commit that a revision is known to be, and the folder of its files.
fn snapshot(hub: &Hub, spec: &Spec) -> Option<(String, PathBuf)> {
    let repo = hub
        .cache
        .join(format!("models--{}", spec.repo.replace('/', "--")));
    let known = std::fs::read_to_string(repo.join("refs").join(&spec.revision));
    let commit = known.unwrap_or_else(|_| spec.revision.clone());
    let commit = commit.trim().to_owned();
    let snapshot = repo.join("snapshots").join(&commit);
    (is_name(&commit) && snapshot.is_dir()).then_some((commit, snapshot))
}
