//! What is in the cache already; nothing here asks anybody.
//!
//! Layout of huggingface_hub: `models--owner--repo/refs/<revision>` holds a commit, and
//! `snapshots/<commit>/` its files, links to `blobs/`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

use super::spec::{is_name, is_path};
use super::{Found, Hub, Spec};
use crate::FORMATS;

/// The names under which whole checkpoints are looked for, the most telling first.
pub(super) fn usual() -> Vec<String> {
    let names = FORMATS.iter().filter_map(|format| {
        let name = format.usual_name?;
        Some([format!("{name}.index.json"), name.to_owned()])
    });
    names.flatten().collect()
}

/// The largest index that is read here.
const LONGEST_INDEX: u64 = 100_000_000;

/// The checkpoint, where every file of it is there.
pub(super) fn find(hub: &Hub, spec: &Spec) -> Option<Found> {
    let (commit, snapshot) = snapshot(hub, spec)?;
    let wanted = spec.file.clone().map_or_else(usual, |file| vec![file]);
    let is_whole = |file: &String| {
        let path = snapshot.join(file);
        path.is_file()
            && shards(&path).is_some_and(|shards| {
                shards
                    .iter()
                    .all(|shard| snapshot_of(&path).join(shard).is_file())
            })
    };
    let file = wanted.into_iter().find(is_whole);
    file.map(|file| Found {
        path: snapshot.join(&file),
        file,
        commit,
    })
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

fn snapshot_of(index: &Path) -> &Path {
    index.parent().unwrap_or(Path::new(""))
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The shards that an index names, beside it; none for a file that is no index, and nothing for an
/// index that cannot be followed.
pub(super) fn shards(path: &Path) -> Option<Vec<String>> {
    if !path.to_string_lossy().ends_with(".index.json") {
        return Some(Vec::new());
    }
    let length = std::fs::metadata(path).ok()?.len();
    if length > LONGEST_INDEX {
        return None;
    }
    let index: Index = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    shards
        .iter()
        .all(|shard| is_path(shard))
        .then(|| shards.into_iter().collect())
}
