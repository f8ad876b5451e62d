//! A sharded checkpoint: an index JSON, checked against every shard it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::error::{Error, FileError, IndexFault, Result};
use crate::formats::{self, FORMATS, safetensors::HEADER_CAP};
use crate::tensor_file::TensorFile;
use crate::{file_name, recognise, regular_file};

/// The longest index we read: as long as a header may be.
const INDEX_CAP: u64 = HEADER_CAP;

#[derive(Deserialize)]
struct RawIndex {
    weight_map: Pairs,
}

/// A JSON object as a list, so that a name that comes twice is seen.
struct Pairs(Vec<(String, String)>);

/// Paths of the shards that an index names, from its folder; nothing for one that cannot be read.
pub(crate) fn shards_of(path: &Path) -> Option<Vec<String>> {
    let length = regular_file::length(path).ok()?;
    if length > INDEX_CAP {
        return None;
    }
    let index: RawIndex = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let shards: BTreeSet<String> = index.weight_map.0.into_iter().map(|(_, s)| s).collect();
    Some(shards.into_iter().collect())
}

/// Opens the shards of the index at `path`.
pub(crate) fn open(path: &Path) -> Result<Vec<TensorFile>> {
    let fault = |fault| Error::Index {
        path: path.to_owned(),
        fault,
    };
    let length = regular_file::length(path)?;
    if length > INDEX_CAP {
        return Err(fault(IndexFault::TooLong {
            length,
            cap: INDEX_CAP,
        }));
    }
    let text = std::fs::read(path).map_err(|source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    // As a whole: the parser does not look into strings it skips.
    let text = std::str::from_utf8(&text).map_err(|e| fault(IndexFault::Json(e.to_string())))?;
    let index: RawIndex =
        serde_json::from_str(text).map_err(|e| fault(IndexFault::Json(e.to_string())))?;
    let map = by_tensor(index.weight_map, shards(path)).map_err(fault)?;
    if map.is_empty() {
        return Err(fault(IndexFault::Empty));
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut shards = Vec::new();
    for name in map.values().collect::<BTreeSet<_>>() {
        let file = folder.join(name);
        if !file.exists() {
            return Err(fault(IndexFault::MissingShard {
                shard: name.clone(),
            }));
        }
        let shard = recognise::open(&file)?;
        compare(&map, name, &shard).map_err(fault)?;
        shards.push(shard);
    }
    Ok(shards)
}

/// How names of the shards end that an index of this name lists; of one that is called otherwise,
/// as those of the first format that has any.
fn shards(index: &Path) -> &'static str {
    let format = formats::of_index(&file_name(index));
    let of = format.or_else(|| FORMATS.iter().find(|format| format.shards.is_some()));
    of.and_then(|format| format.shards).unwrap_or_default()
}

/// The shard of each tensor; its name must end so.
fn by_tensor(
    pairs: Pairs,
    ending: &'static str,
) -> std::result::Result<BTreeMap<String, String>, IndexFault> {
    let mut map = BTreeMap::new();
    for (tensor, shard) in pairs.0 {
        let stays = Path::new(&shard)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !stays || shard.is_empty() {
            return Err(IndexFault::ShardPath { shard, tensor });
        }
        if !shard.to_ascii_lowercase().ends_with(ending) {
            return Err(IndexFault::ShardFormat {
                shard,
                tensor,
                ending,
            });
        }
        if map.insert(tensor.clone(), shard).is_some() {
            return Err(IndexFault::Duplicate { tensor });
        }
    }
    Ok(map)
}

fn compare(
    map: &BTreeMap<String, String>,
    name: &str,
    shard: &TensorFile,
) -> std::result::Result<(), IndexFault> {
    let missing = map
        .iter()
        .find(|(tensor, of)| *of == name && !shard.holds(tensor));
    if let Some((tensor, _)) = missing {
        return Err(IndexFault::NotInShard {
            tensor: tensor.clone(),
            shard: name.to_owned(),
        });
    }
    let mut there = shard.tensors().map(|facts| facts.tensor.clone());
    match there.find(|tensor| !map.contains_key(tensor)) {
        Some(tensor) => Err(IndexFault::NotInIndex {
            tensor,
            shard: name.to_owned(),
        }),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that maps tensor names to shard files")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
