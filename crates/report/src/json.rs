//! `audit.json` and `comparison.json`: the facts as other programs read them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::sentences::{FindingSentences, finding_sentences};
use crate::{Error, Result};
use randomlike_checkpoint::FileError;
use randomlike_checkpoint::regular_file;
use randomlike_core::audit::{
    Audit, ChainFacts, LayerFacts, Ledger, SCHEMA_VERSION, Settings, Skipped, SourceFacts, Tool,
};
use randomlike_judge::checks::{
    Check, Finding, FindingOutcome, FindingValue, Severity, SkipReason,
};
use randomlike_judge::compare::Comparison;
use randomlike_judge::label::{EntriesAre, Label, Labels, View};
use randomlike_judge::start_word::StartWord;

/// Name of the file.
pub const AUDIT: &str = "audit.json";

/// Name of the file of a comparison.
pub const COMPARISON: &str = "comparison.json";

/// The file's bytes: indented, fields in declared order, a newline at the end. The `labels` of
/// the layers are written beside the facts, for other programs; [`read_audit`] leaves them out,
/// for they are judged again.
pub fn audit(audit: &Audit, labels: &Labels) -> Result<Vec<u8>> {
    let labelled = audit.layers.iter().zip(&labels.layers);
    let whole = LabelledAudit {
        schema_version: audit.schema_version,
        tool: &audit.tool,
        source: &audit.source,
        settings: &audit.settings,
        labels: JudgedBy {
            policy: &labels.policy,
        },
        layers: labelled
            .map(|(facts, labelled)| LabelledLayer {
                facts,
                label: labelled.label,
                label_reason: &labelled.reason,
                label_share: labelled.share,
                label_view: labelled.view,
                label_entries: labelled.entries,
                start_word: labelled.start,
            })
            .collect(),
        chains: &audit.chains,
        skipped: &audit.skipped,
        ledger: audit.ledger.as_ref(),
    };
    pretty(&whole, AUDIT)
}

/// An [`Audit`], field by field, with the labels that a policy gives its layers.
#[derive(Serialize)]
struct LabelledAudit<'a> {
    schema_version: u32,
    tool: &'a Tool,
    source: &'a SourceFacts,
    settings: &'a Settings,
    labels: JudgedBy<'a>,
    layers: Vec<LabelledLayer<'a>>,
    chains: &'a [ChainFacts],
    skipped: &'a [Skipped],
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<&'a Ledger>,
}

/// By what labels were judged.
#[derive(Serialize)]
struct JudgedBy<'a> {
    policy: &'a str,
}

#[derive(Serialize)]
struct LabelledLayer<'a> {
    #[serde(flatten)]
    facts: &'a LayerFacts,
    label: Label,
    label_reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_view: Option<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_entries: Option<EntriesAre>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_word: Option<StartWord>,
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

/// A finding as `check --format json` has it: its sentences, and the numbers they are made of.
#[derive(Debug, Serialize)]
pub struct FindingJson<'a> {
    check: Check,
    layer: Option<&'a str>,
    level: Severity,
    outcome: FindingOutcome,
    #[serde(flatten)]
    sentences: FindingSentences,
    case: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a SkipReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<&'a str>,
    values: &'a [FindingValue],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    names: &'a BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: &'a BTreeMap<String, f64>,
}

/// The same of a finding.
pub fn finding(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        check: finding.check,
        layer: finding.layer.as_deref(),
        level: finding.level,
        outcome: finding.outcome,
        sentences: finding_sentences(finding),
        case: finding.case.name,
        skipped: finding.skipped.as_ref(),
        figure: finding.figure.as_deref(),
        values: &finding.values,
        names: &finding.names,
        limits: &finding.limits,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example;
    use randomlike_judge::policy::Policy;

    // Facts are read back, labels are not: what a file says of them has no part in a judgement.
    #[test]
    fn facts_come_back_and_labels_stand_beside_them() {
        let facts = example::audit(vec![example::layer("a"), example::unmeasured("b")]);
        let labels = Policy::default().labels(&facts).unwrap();
        let bytes = audit(&facts, &labels).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(AUDIT);
        let text = String::from_utf8(bytes).unwrap();
        let policy = format!("\"policy\": \"{}\"", Policy::default().digest());
        assert!(text.contains(&policy) && text.contains("\"label\": \"random-like\""));
        let otherwise = text.replace("random-like", "no such label");
        std::fs::write(&file, otherwise).unwrap();
        assert_eq!(read_audit(&file).unwrap(), facts);
    }
}
