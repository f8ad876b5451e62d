//! `audit.json` and `comparison.json`: the facts as other programs read them.

use std::path::Path;

use serde::Serialize;

use crate::{Error, Result};
use randomlike_checkpoint::FileError;
use randomlike_checkpoint::regular_file;
use randomlike_core::audit::{Audit, SCHEMA_VERSION};
use randomlike_judge::compare::Comparison;

/// Name of the file.
pub const AUDIT: &str = "audit.json";

/// Name of the file of a comparison.
pub const COMPARISON: &str = "comparison.json";

/// The file's bytes: indented, fields in declared order, a newline at the end.
pub fn audit(audit: &Audit) -> Result<Vec<u8>> {
    pretty(audit, AUDIT)
}

/// The same of a comparison.
pub fn comparison(comparison: &Comparison) -> Result<Vec<u8>> {
    pretty(comparison, COMPARISON)
}

fn pretty(facts: &impl Serialize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(facts).map_err(|e| Error::Draw {
        what: what.into(),
        reason: e.to_string(),
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The longest audit we read: some 10,000 layers with 4096 singular values each.
const CAP: u64 = 1_000_000_000;

/// Reads an audit back.
pub fn read_audit(path: impl AsRef<Path>) -> Result<Audit> {
    let path = path.as_ref();
    let fault = |reason: String| Error::AuditJson {
        path: path.to_owned(),
        reason,
    };
    let length = regular_file::length(path)?;
    if length > CAP {
        return Err(fault(format!(
            "it has {length} bytes, more than the {CAP} allowed"
        )));
    }
    let bytes = std::fs::read(path).map_err(|source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|e| fault(e.to_string()))?;
    match value
        .get("schema_version")
        .and_then(serde_json::Value::as_u64)
    {
        Some(version) if version == u64::from(SCHEMA_VERSION) => {}
        Some(version) => {
            return Err(fault(format!(
                "its schema_version is {version}, this program reads {SCHEMA_VERSION}"
            )));
        }
        None => {
            return Err(fault(
                "it has no schema_version; is it an audit.json?".into(),
            ));
        }
    }
    if let Some(layer) = measured_by_density(&value) {
        return Err(fault(format!(
            "the singular values of `{layer}` were measured by their density, which this version \
             does not read; measure the checkpoint again"
        )));
    }
    serde_json::from_slice(&bytes).map_err(|e| fault(e.to_string()))
}

/// The first layer whose singular values an older version did not compute one by one.
fn measured_by_density(audit: &serde_json::Value) -> Option<&str> {
    let layers = audit.get("layers")?.as_array()?.iter();
    let mut found = layers.filter(|layer| layer.pointer("/spectrum/density").is_some());
    found.next()?.get("name")?.as_str()
}
