//! Findings in the formats that CI servers read: one file a format, each a pure function of
//! what a gate found. Nothing is judged here.

pub mod github;
pub mod junit;
pub mod sarif;

use std::collections::HashMap;
use std::path::{Component, Path};

use crate::sentences::{FindingSentences, finding_sentences};
use randomlike_core::audit::Audit;
use randomlike_judge::label::Label;
use randomlike_judge::verdict::{Finding, Judgement, Severity};

/// Most characters of a layer's name beside other text.
const SHOWN: usize = 160;

/// What a gate was asked, and what it found.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// The facts.
    pub audit: &'a Audit,
    /// The findings on them.
    pub judgement: &'a Judgement,
    /// The audited file, from the working folder; see [`relative`].
    pub file: &'a str,
    /// The earlier audit beside it, as the user named it.
    pub baseline: Option<&'a str>,
    /// The policy, as the user named it; nothing for the default.
    pub policy: Option<&'a str>,
}

/// The findings on one layer, or on the checkpoint as a whole.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LayerFindings<'a> {
    /// The layer's name; nothing for the checkpoint.
    pub layer: Option<&'a str>,
    /// The layer's label, where the audit has the layer.
    pub label: Option<Label>,
    /// In the order of the judgement.
    pub findings: Vec<&'a Finding>,
}

impl<'a> Gate<'a> {
    /// The checkpoint, the layers of the audit, and then those that only its baseline has.
    pub fn groups(&self) -> Vec<LayerFindings<'a>> {
        let group = |layer, label| LayerFindings {
            layer,
            label,
            findings: Vec::new(),
        };
        let mut groups = vec![group(None, None)];
        let mut places = HashMap::from([(None, 0)]);
        for (layer, labelled) in self.audit.layers.iter().zip(&self.judgement.labels.layers) {
            let name = Some(layer.name.as_str());
            places.entry(name).or_insert_with(|| {
                groups.push(group(name, Some(labelled.label)));
                groups.len() - 1
            });
        }
        for finding in &self.judgement.findings {
            let name = finding.layer.as_deref();
            let place = *places.entry(name).or_insert_with(|| {
                groups.push(group(name, None));
                groups.len() - 1
            });
            groups[place].findings.push(finding);
        }
        groups
    }
}

/// A source on the Hub as it is named; else `uri` as seen from `folder`, with `/` between its parts. Of what lies elsewhere only the last
/// part is left: where a checkpoint lies on some machine is nobody else's business.
pub fn relative(uri: &str, folder: impl AsRef<Path>) -> String {
    let folder = folder.as_ref();
    if uri.contains("://") {
        return uri.to_owned();
    }
    let path = Path::new(uri);
    let path = path.strip_prefix(folder).unwrap_or(path);
    if path.is_absolute() {
        let last = path.file_name().unwrap_or_default();
        return last.to_string_lossy().into_owned();
    }
    let parts: Vec<_> = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// What a failure at `level` is called beside others.
const fn severity(level: Severity) -> &'static str {
    match level {
        Severity::Allow => "note",
        Severity::Warn => "warning",
        Severity::Deny => "error",
    }
}

/// What was measured, the limit and the meaning.
fn in_one_line(finding: &Finding) -> String {
    let FindingSentences {
        measured,
        limit,
        meaning,
    } = finding_sentences(finding);
    format!("{measured}; limit: {limit}. {meaning}")
}

/// What a finding is about, the same from run to run: the check's name, and for the check that
/// finds several things on a layer also which of them.
fn subject(finding: &Finding) -> String {
    let name = finding.check.name();
    finding
        .figure
        .as_ref()
        .map_or_else(|| name.to_owned(), |figure| format!("{name}: {figure}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;
    use randomlike_judge::policy::Policy;
    use randomlike_judge::verdict::{judge, judge_beside};

    /// Markup of every format, control characters, and 10 kB.
    pub(super) fn hostile() -> String {
        let markup = "</testcase>]]>\"'&amp;|`[x](y){0}%0A::error::\r\n\u{1b}[31m\u{0}\u{ffff}\u{202e}<script>*a_b* www.example.org @all";
        format!("{markup}{}end", "x".repeat(10_000))
    }

    pub(super) fn with_gate<T>(audit: &Audit, policy: &str, look: impl Fn(Gate<'_>) -> T) -> T {
        let policy = Policy::parse(policy, Path::new("own.toml")).unwrap();
        let judgement = judge(audit, &policy).unwrap();
        look(Gate {
            audit,
            judgement: &judgement,
            file: "nets/a b.safetensors",
            baseline: None,
            policy: None,
        })
    }

    /// A sound layer, a layer with one value beyond the edge and varied biases, and one that
    /// nobody could measure.
    pub(super) fn mixed(name: &str) -> Audit {
        let odd = facts::with_spectrum(facts::layer(name), |s| s.outliers_above = 2);
        let odd = facts::with_weights(odd, |w| {
            w.gaussian = Some(randomlike_core::audit::GaussianDistance {
                ks: 0.2,
                ..facts::gaussian()
            });
        });
        facts::audit(vec![facts::layer("sound"), odd, facts::unmeasured("small")])
    }

    #[test]
    fn groups_hold_every_finding_once() {
        let audit = mixed("odd");
        let policy = Policy::default();
        let mut before = facts::audit(vec![facts::layer("sound"), facts::layer("gone")]);
        before.settings.seed = 1;
        let judgement = judge_beside(&audit, &before, &policy).unwrap();
        let gate = Gate {
            audit: &audit,
            judgement: &judgement,
            file: "net.safetensors",
            baseline: Some("before.json"),
            policy: None,
        };
        let groups = gate.groups();
        let names: Vec<_> = groups.iter().map(|group| group.layer).collect();
        let named = ["sound", "odd", "small", "gone"].map(Some);
        assert_eq!(names[0], None);
        assert_eq!(names[1..], named);
        let all: usize = groups.iter().map(|group| group.findings.len()).sum();
        assert_eq!(all, judgement.findings.len());
        let gone = groups[4].findings[0];
        assert_eq!(
            (subject(gone).as_str(), gone.case.name),
            ("baseline", "gone")
        );
        for page in [
            github::commands(&gate),
            github::summary(&gate),
            junit::document(&gate).unwrap(),
            sarif::log(&gate),
        ] {
            assert!(page.contains("with other settings: seed."), "{page}");
        }
    }

    #[test]
    fn files_are_named_from_the_working_folder() {
        let from = |uri: &str| relative(uri, Path::new("/ci/job"));
        assert_eq!(from("./nets/a.safetensors"), "nets/a.safetensors");
        assert_eq!(from("/ci/job/a.safetensors"), "a.safetensors");
        assert_eq!(from("/srv/secret/a.safetensors"), "a.safetensors");
        assert_eq!(from("."), ".");
        assert_eq!(from("hf://a/b@main/c.bin"), "hf://a/b@main/c.bin");
    }
}
