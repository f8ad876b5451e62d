//! Enough of the checkpoint could be judged, and nothing of it was passed over.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Case, Check, CheckDefinition, Finding, FindingOutcome, FindingValue, LimitRange, Rule, Ruling,
    Subject, Unit,
};
use randomlike_core::audit::{Audit, LayerFacts, Ledger, LedgerEntry, Role, TensorSkip};
use randomlike_core::display_names::some_of;
use randomlike_core::layers;

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "covered",
    description: "Enough of the checkpoint could be judged, and nothing of it was passed over.",
    measures: "The ledger: every tensor of two or more sides, of every dtype, in every file, with \
               packed weights unfolded. A layer is judged when its weights and spectrum were \
               measured and enough of them for weights-gaussian or quarter-circle to tell. There \
               is no null: the limits are counts and a share.",
    leaves_open: "Anything about the weights that were not judged: they may be random-like or not.",
    policy: r#"# A layer counts when its weights and spectrum were measured, and weights-gaussian or
# quarter-circle had enough of them to tell.
level = "deny"
# A judgement needs at least one layer behind it; less than 1 is refused.
min_layers = 1
# Share of the weights in such layers, from 0 to 1. Whole is every tensor of two or more sides:
# convolutions and embeddings too, which --conv and --embeddings measure. Small output layers
# cannot be judged, so not all of it can be asked for; with half of it unseen, nothing is
# said about the net.
min_share = 0.5
# Tensors of two or more sides that could not be read: packed in a way that is not decoded,
# without their scales, built by an unknown function, of an unknown dtype. One may be the damaged one.
max_unread = 0
# What --include, --exclude or --min-size left out: "counts-as-unseen" holds it against both limits
# above, "counts-as-seen" takes it out of the whole.
selection = "counts-as-unseen"
"#,
    ranges: &[
        LimitRange {
            key: "min_layers",
            // A gate that asks for no layer would pass what nobody looked at.
            range: 1.0..=f64::MAX,
            wanted: "1 or more",
        },
        LimitRange {
            key: "min_share",
            range: 0.0..=1.0,
            wanted: "a share from 0 to 1",
        },
    ],
    subject: Subject::Checkpoint,
    measured: "{judged} of {layers:layer} judged, {share} % of the weights[; most of the rest: \
               {rest}][; {unread:tensor} not read: {unread_names} ({unread_reason})][; {left_out:tensor} \
               left out by --include, --exclude or --min-size: {left_out_names}]",
    limit: "at least {min_layers:layer} judged, with {min_share:%} % of the weights; at most \
            {max_unread:unread tensor}[; what was left out counts as {counts_as}]",
    read: |table| Rule::checkpoint(table, Limits::judge),
};

static ENOUGH: Case = Case::new(
    "enough",
    "The findings speak for the layers of this checkpoint.",
);
static TOO_LITTLE: Case = Case::new(
    "too-little",
    "Too little of this checkpoint was seen for the findings to speak for it.",
);
static UNREAD: Case = Case::new(
    "unread",
    "The findings say nothing about {unseen:tensor} of this checkpoint that may hold weights.",
);

#[derive(Deserialize)]
struct Limits {
    /// Layers that must have been judged.
    min_layers: usize,
    /// Share of the weights that must lie in them.
    min_share: f64,
    /// Tensors that may remain unread.
    max_unread: u64,
    /// What becomes of tensors that the user left out.
    selection: Selection,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Selection {
    CountsAsUnseen,
    CountsAsSeen,
}

/// Why weights of two or more sides were not measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unseen {
    /// They are of a kind that is measured on request or has no spectrum.
    Kind,
    /// The user left them out.
    LeftOut,
    /// They could not be read.
    Unread,
}

impl Limits {
    /// `findings` are those of each layer, in the order of the audit.
    fn judge(&self, audit: &Audit, findings: &[Vec<Finding>]) -> Ruling {
        let ledger = audit.whole_ledger();
        let unseen = |why| {
            let entries = ledger.entries.iter();
            let such: Vec<&LedgerEntry> = entries.filter(|e| unseen(e) == Some(why)).collect();
            such
        };
        let (left_out, unread) = (unseen(Unseen::LeftOut), unseen(Unseen::Unread));
        let counts = self.selection == Selection::CountsAsUnseen;
        let forgiven: f64 = if counts {
            0.0
        } else {
            left_out.iter().map(|entry| weights(entry)).sum()
        };
        let judged = Judged::among(audit, findings);
        let whole = whole(&ledger) - forgiven;
        let seen = judged.weights(&ledger);
        let missed = unread.len() + if counts { left_out.len() } else { 0 };
        let enough = judged.layers >= self.min_layers && seen >= self.min_share * whole;
        let all_read = missed as u64 <= self.max_unread;
        let case = match (enough, all_read) {
            (true, true) => &ENOUGH,
            (true, false) => &UNREAD,
            (false, _) => &TOO_LITTLE,
        };
        let ruling = Ruling::judged(enough && all_read, case).values([
            FindingValue::count("judged", judged.layers as u64).at_least(self.min_layers as f64),
            FindingValue::count("layers", audit.layers.len() as u64),
            FindingValue::new("share", percent(seen, whole))
                .unit(Unit::Percent)
                .at_least(100.0 * self.min_share),
            FindingValue::count("unseen", missed as u64).at_most(self.max_unread as f64),
        ]);
        let ruling = with_rest(ruling, &ledger);
        let ruling = with_names(ruling, ("unread", "unread_names"), &unread);
        let ruling = match unread.first() {
            Some(LedgerEntry {
                role: Role::NotMeasured(reason),
                ..
            }) => ruling.named("unread_reason", reason.to_string()),
            _ => ruling,
        };
        let ruling = with_names(ruling, ("left_out", "left_out_names"), &left_out);
        if left_out.is_empty() {
            return ruling;
        }
        ruling.named("counts_as", if counts { "unseen" } else { "seen" })
    }
}

/// How many there are, and what some of them are called; nothing where there is none.
fn with_names(
    ruling: Ruling,
    (count, names): (&'static str, &'static str),
    entries: &[&LedgerEntry],
) -> Ruling {
    let all = entries.iter().map(|entry| entry.tensor.tensor.as_str());
    match some_of(all) {
        None => ruling,
        Some(some) => ruling
            .values([FindingValue::count(count, entries.len() as u64)])
            .named(names, some),
    }
}

/// What keeps the most weights from being measured.
fn with_rest(ruling: Ruling, ledger: &Ledger) -> Ruling {
    let largest = ledger.by_reason.iter().find(|total| total.weights > 0);
    match largest {
        None => ruling,
        Some(total) => {
            let of = total
                .of
                .as_ref()
                .map_or_else(String::new, |of| format!(" ({of})"));
            ruling.named("rest", format!("{}{of}", total.reason_kind))
        }
    }
}

/// Layers that were judged, and their weights by the tensor that holds them.
struct Judged<'a> {
    layers: usize,
    by_tensor: BTreeMap<&'a str, f64>,
}

impl<'a> Judged<'a> {
    fn among(audit: &'a Audit, findings: &[Vec<Finding>]) -> Self {
        let mut judged = Self {
            layers: 0,
            by_tensor: BTreeMap::new(),
        };
        for (layer, findings) in audit.layers.iter().zip(findings) {
            if is_judged(layer, findings) {
                judged.layers += 1;
                let of_tensor = judged.by_tensor.entry(&layer.weight.tensor).or_default();
                *of_tensor += layer.fan_in as f64 * layer.fan_out as f64;
            }
        }
        judged
    }

    /// Copies are seen as far as what they are copies of.
    fn weights(&self, ledger: &Ledger) -> f64 {
        let of_copy = |entry: &LedgerEntry| match &entry.role {
            Role::Same { of } => self.by_tensor.get(of.as_str()).copied(),
            _ => None,
        };
        let copies = ledger.entries.iter().filter_map(of_copy);
        self.by_tensor.values().copied().chain(copies).sum()
    }
}

// Facts about a layer too small to tell anything by are no judgement of it.
fn is_judged(layer: &LayerFacts, findings: &[Finding]) -> bool {
    let told = |finding: &Finding| {
        matches!(finding.check, Check::WeightsGaussian | Check::QuarterCircle)
            && finding.outcome != FindingOutcome::Skipped
    };
    layer.weights.measured().is_some()
        && layer.spectrum.measured().is_some()
        && findings.iter().any(told)
}

/// Weights of every tensor of two or more sides that is no part of another.
fn whole(ledger: &Ledger) -> f64 {
    let own = |entry: &&LedgerEntry| entry.is_matrix() && !matches!(entry.role, Role::Part { .. });
    ledger.entries.iter().filter(own).map(weights).sum()
}

fn weights(entry: &LedgerEntry) -> f64 {
    entry.weights.unwrap_or(0) as f64
}

/// Why a tensor of two or more sides was not measured; nothing for one that was, or has fewer.
fn unseen(entry: &LedgerEntry) -> Option<Unseen> {
    let Role::NotMeasured(reason) = &entry.role else {
        return None;
    };
    entry.is_matrix().then(|| match reason {
        TensorSkip::Excluded { .. } | TensorSkip::NotIncluded => Unseen::LeftOut,
        // Below two rows or columns there is no spectrum, whatever was asked for.
        TensorSkip::BelowMinimum { side, .. } if *side >= layers::LEAST_SIDE => Unseen::LeftOut,
        TensorSkip::BelowMinimum { .. }
        | TensorSkip::Convolution
        | TensorSkip::Embedding
        | TensorSkip::BiasOrMask
        | TensorSkip::OptimiserState
        // Said by `finite`; such weights are in the share.
        | TensorSkip::NotFinite { .. }
        | TensorSkip::Buffer => Unseen::Kind,
        // A buffer may be empty; a weight without entries was left out by whoever saved it.
        TensorSkip::NoEntries if !layers::says_parameter(&entry.tensor.tensor) => Unseen::Kind,
        // A sentence of an older version: its dtype alone tells.
        TensorSkip::Other(_) if entry.tensor.is_read() || entry.tensor.dtype.is_buffer() => {
            Unseen::Kind
        }
        _ => Unseen::Unread,
    })
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        100.0 * part / whole
    } else {
        0.0
    }
}
