//! What shapes do not tell of a packing, as the files and the config.json beside them have it.

use std::cell::OnceCell;
use std::path::Path;

use super::Bits;
use crate::tensor_file::TensorFile;

/// Most entries of a tensor that holds a shape.
const MOST_SIDES: u64 = 8;
/// The longest config.json that is read.
const LONGEST_CONFIG: u64 = 10_000_000;

/// What shapes do not tell of a packing: the values of small tensors, and the config.json.
pub(crate) struct StoredNotes<'a> {
    files: &'a [TensorFile],
    folder: &'a Path,
    config: OnceCell<(Option<u64>, Option<u64>)>,
}

impl Bits for StoredNotes<'_> {
    fn config(&self) -> (Option<u64>, Option<u64>) {
        *self.config.get_or_init(|| self.read_config())
    }

    fn integers(&self, tensor: &str) -> Option<Vec<u64>> {
        let file = self.files.iter().find(|file| file.holds(tensor))?;
        let facts = file.facts(tensor)?;
        if facts.entries()? > MOST_SIDES || !facts.dtype.is_integer() {
            return None;
        }
        let entries = file.read(tensor, None).ok().flatten()?.widened();
        let whole = |entry: f64| (0.0..1e15).contains(&entry).then_some(entry as u64);
        entries.into_iter().map(whole).collect()
    }
}

impl<'a> StoredNotes<'a> {
    pub(crate) const fn new(files: &'a [TensorFile], folder: &'a Path) -> Self {
        Self {
            files,
            folder,
            config: OnceCell::new(),
        }
    }

    /// A config.json that cannot be read names nothing.
    fn read_config(&self) -> (Option<u64>, Option<u64>) {
        let path = self.folder.join("config.json");
        let is_short = std::fs::metadata(&path)
            .is_ok_and(|found| found.is_file() && found.len() <= LONGEST_CONFIG);
        let text = is_short.then(|| std::fs::read(path).ok()).flatten();
        let config: serde_json::Value = text
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let keys = ["/quantization", "/quantization_config"];
        let named = |key: &str| {
            let mut parts = keys
                .iter()
                .filter_map(|part| config.pointer(part)?.get(key));
            parts.next().and_then(serde_json::Value::as_u64)
        };
        let bits = named("bits").filter(|bits| (1..=16).contains(bits));
        let group = named("group_size").filter(|group| (1..=1 << 20).contains(group));
        (bits, group)
    }
}
