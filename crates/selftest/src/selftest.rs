//! Does the road find what was planted? Checkpoints with known truths, written to a temporary
//! folder, opened, measured and judged, from the weights and again from the audit's JSON.
//!
//! What must come out is in [`truths`], from theory; nothing here decides what is right.

pub mod truths;

use std::path::Path;

use serde::Serialize;

use crate::Result;
use crate::synth;
use randomlike_checkpoint::Checkpoint;
use randomlike_checkpoint::FileError;
use randomlike_core::analysis;
use randomlike_core::audit::Audit;
use randomlike_judge::label::Label;
use randomlike_judge::policy::Policy;
use randomlike_judge::verdict::{self, Check, Finding, FindingOutcome, Judgement};
use randomlike_maths::linalg::Engine;
use randomlike_report::json;
use randomlike_report::sentences::finding_sentences;
use randomlike_report::write::write_file;

pub use truths::{Expected, TRUTHS, Truth, Verdicts};

/// By what the planted checkpoints are drawn, measured and judged.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of the planted weights.
    pub seed: u64,
    /// What computes the singular values.
    pub engine: Engine,
    /// The limits. Its patterns are matched with the one planted layer, `layer`.
    pub policy: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: synth::Options::default().seed,
            engine: Engine::default(),
            policy: Policy::default(),
        }
    }
}

/// Where a selftest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelftestProgress<'a> {
    /// What is planted.
    pub planted: &'a str,
    /// Its position, from 0.
    pub index: usize,
    /// Number of truths.
    pub truths: usize,
    /// What is measured of it.
    pub stage: &'static str,
}

/// A truth, and what came out of the road.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Tried {
    /// What was planted and what must come out.
    pub truth: Truth,
    /// Why there was nothing to judge, where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing_measured: Option<String>,
    /// What became of each check that must say something; none where nothing is to be measured.
    pub verdicts: Vec<Verdict>,
    /// What became of the label, where there was a layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Labelled>,
    /// Whether audit.json, written and read back, gives the same judgement.
    pub same_from_json: bool,
}

/// One check on one planted checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Which check.
    pub check: Check,
    /// What must come out; nothing where theory does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<FindingOutcome>,
    /// Why theory does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<&'static str>,
    /// What came out; nothing where the check said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obtained: Option<FindingOutcome>,
    /// The finding's words with figures.
    pub measured: String,
    /// The finding's limit.
    pub limit: String,
}

/// The label of the planted layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Labelled {
    /// What it must be.
    pub expected: Label,
    /// What it is.
    pub obtained: Label,
    /// The figures that decided it.
    pub reason: String,
}

impl Verdict {
    /// Whether the check said what it must; where theory leaves that open, whether it spoke.
    pub fn as_planted(&self) -> bool {
        match self.expected {
            Some(_) => self.expected == self.obtained,
            None => self.obtained.is_some(),
        }
    }
}

impl Labelled {
    /// Whether the label is what it must be.
    pub fn as_planted(&self) -> bool {
        self.expected == self.obtained
    }
}

impl Tried {
    /// Whether all that came out is what must come out.
    pub fn as_planted(&self) -> bool {
        self.nothing_measured.is_some() == self.truth.leaves_nothing()
            && self.verdicts.iter().all(Verdict::as_planted)
            && self.label.as_ref().is_none_or(Labelled::as_planted)
            && self.same_from_json
    }
}

/// Plants every one of `truths` and runs the whole road on it, in their order.
///
/// # Errors
/// When a checkpoint or an audit could not be written or read, a spectrum not be computed, or a
/// pattern of the policy does not match `layer`. A verdict that is not as planted is no error.
pub fn run(
    truths: &[Truth],
    options: &Options,
    progress: &mut dyn FnMut(SelftestProgress<'_>),
) -> Result<Vec<Tried>> {
    let mut tried = Vec::with_capacity(truths.len());
    for (index, truth) in truths.iter().enumerate() {
        let planted = truth.to_string();
        let mut stage = |stage| {
            progress(SelftestProgress {
                planted: &planted,
                index,
                truths: truths.len(),
                stage,
            });
        };
        tried.push(attempt(truth, options, &mut stage)?);
    }
    Ok(tried)
}

/// One planted truth through the whole road.
pub fn attempt(
    truth: &Truth,
    options: &Options,
    stage: &mut dyn FnMut(&'static str),
) -> Result<Tried> {
    let folder = tempfile::tempdir().map_err(|source| FileError::Io {
        action: "create",
        path: std::env::temp_dir(),
        source,
    })?;
    let road = Road {
        folder: folder.path(),
        options,
    };
    let (kind, how) = truth.checkpoint(options.seed);
    let audit = road.audit("planted", kind, &how, stage)?;
    let before = truth
        .baseline(options.seed)
        .map(|(kind, how)| road.audit("before", kind, &how, stage))
        .transpose()?;
    let judgement = road.judge(&audit, before.as_ref())?;
    let again = road.through_json(&audit, before.as_ref())?;
    let same_from_json = judgement == again;
    let label = match truth.expected {
        Expected::Verdicts(expected) => {
            let labels = options.policy.labels(&audit)?.layers;
            labels.into_iter().next().map(|found| Labelled {
                expected: expected.label,
                obtained: found.label,
                reason: found.reason,
            })
        }
        Expected::NothingMeasured => None,
    };
    let (judgement, nothing_measured) = match judgement {
        Judged::Findings(judgement) => (judgement, None),
        Judged::Nothing(reason) => (Judgement::default(), Some(reason)),
    };
    Ok(Tried {
        truth: *truth,
        verdicts: verdicts(truth, &judgement),
        nothing_measured,
        label,
        same_from_json,
    })
}

/// What must come out of each check, beside what did.
fn verdicts(truth: &Truth, judgement: &Judgement) -> Vec<Verdict> {
    truth
        .checks()
        .map(|(check, expected)| {
            let of_check = judgement.findings.iter().filter(|f| f.check == check);
            let worst = of_check.max_by_key(|finding| weight(finding));
            let said = worst.map(finding_sentences);
            let (measured, limit) = said
                .map(|said| (said.measured, said.limit))
                .unwrap_or_default();
            Verdict {
                check,
                expected,
                open: truth.open(check),
                obtained: worst.map(|finding| finding.outcome),
                measured,
                limit,
            }
        })
        .collect()
}

/// Of several findings of one check (a layer has one of `baseline` for each figure that got
/// worse), a failure speaks for all, and a pass before what was skipped.
fn weight(finding: &Finding) -> u8 {
    match finding.outcome {
        FindingOutcome::Skipped => 0,
        FindingOutcome::Pass => 1,
        FindingOutcome::Fail => 2,
    }
}

/// What a judgement comes to: there may be nothing to judge, which `check` answers with 2.
#[derive(Debug, PartialEq)]
enum Judged {
    Findings(Judgement),
    Nothing(String),
}

/// The way from a planted truth to a judgement, in one folder.
struct Road<'a> {
    folder: &'a Path,
    options: &'a Options,
}

impl Road<'_> {
    fn audit(
        &self,
        name: &str,
        kind: synth::Kind,
        how: &synth::Options,
        stage: &mut dyn FnMut(&'static str),
    ) -> Result<Audit> {
        stage("write");
        let file = self.folder.join(name).with_extension("safetensors");
        synth::write(kind, how, &file)?;
        let options = analysis::Options {
            engine: self.options.engine,
            ..analysis::Options::default()
        };
        let checkpoint = Checkpoint::open(&file)?;
        let facts = analysis::measure(&checkpoint, &options, &mut |progress| stage(progress.stage));
        Ok(facts?)
    }

    fn judge(&self, audit: &Audit, before: Option<&Audit>) -> Result<Judged> {
        let policy = &self.options.policy;
        let judgement = match before {
            Some(before) => verdict::judge_beside(audit, before, policy),
            None => verdict::judge(audit, policy),
        };
        match judgement {
            Ok(judgement) => Ok(Judged::Findings(judgement)),
            Err(randomlike_judge::Error::NothingMeasured { reason, .. }) => {
                Ok(Judged::Nothing(reason))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The same from the files that `inspect --out` writes, as `check audit.json` judges them.
    fn through_json(&self, audit: &Audit, before: Option<&Audit>) -> Result<Judged> {
        let audit = self.read_back(audit)?;
        let before = before.map(|before| self.read_back(before)).transpose()?;
        self.judge(&audit, before.as_ref())
    }

    fn read_back(&self, audit: &Audit) -> Result<Audit> {
        let file = self.folder.join(json::AUDIT);
        let labels = self.options.policy.labels(audit)?;
        let bytes = json::audit(audit, &labels)?;
        write_file(&file, |to| to.write_all(&bytes))?;
        Ok(json::read_audit(&file)?)
    }
}

#[cfg(test)]
mod tests;
