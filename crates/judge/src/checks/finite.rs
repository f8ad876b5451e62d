//! No entry of any tensor is NaN or infinite.

use serde::Deserialize;

use super::rule::not_measured;
use super::{Case, CheckDefinition, FindingValue, Rule, Ruling, SkipReason, Subject};
use randomlike_core::audit::{
    Audit, LayerFacts, LedgerEntry, NonFiniteEntries, Section, Unmeasured, Weights,
};
use randomlike_core::display_names::cut;

/// Tensors that a finding names, and the room for each name.
const NAMED: (usize, usize) = (5, 60);

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "finite",
    description: "No entry of any tensor is NaN or infinite.",
    measures: "Every entry of every floating tensor of every file is read: of a layer's weight and \
               bias, and of all others together, such as norms, convolutions, embeddings and moments. \
               Those that are NaN or infinite are counted. There is no null: one such entry fails.",
    leaves_open: "Where such an entry comes from: training that diverged, a conversion to a \
                  narrower type, or a damaged file.",
    policy: r#"# One such entry spoils every output it touches, and every figure below.
level = "deny"
"#,
    ranges: &[],
    subject: Subject::Entries,
    measured: "weight: {weight_nan} NaN, {weight_infinite} infinite[, the first at \
               {weight_first}]; bias: {bias_nan} NaN, {bias_infinite} infinite[, the first at {bias_first}]",
    limit: "no NaN and no infinite entry",
    read: |table| Rule::layer_and_others(table, judge, judge_others),
};

static UNKNOWN: Case = Case::new("unknown", "Not checked for NaN or infinity.");
static NUMBERS: Case = Case::new("numbers", "Every entry is an ordinary number.");
static DAMAGED: Case = Case::new(
    "damaged",
    "The layer is damaged (bad entries: {bad_entries}): what passes through it will not be a \
     number either.",
);
static OTHERS_NUMBERS: Case = Case::new(
    "others-numbers",
    "Every entry of the tensors that are no layer is an ordinary number.",
)
.measured("{tensors:other tensor}: no NaN, nothing infinite");
static OTHERS_DAMAGED: Case = Case::new(
    "others-damaged",
    "Tensors that are no layer are damaged (bad entries: {bad_entries}): {damaged}.",
)
.measured("{bad_tensors} of {tensors:other tensor}: {damaged}");

#[derive(Clone, Deserialize)]
struct NoLimits {}

fn judge(_: &NoLimits, layer: &LayerFacts) -> Ruling {
    let found = layer.non_finite;
    let bad = found.total();
    // Zero counts are a fact only when somebody read the weights.
    if let (0, Section::Skipped { reason }) = (bad, &layer.weights) {
        return not_measured::<Weights>(reason, &UNKNOWN);
    }
    let case = if bad == 0 { &NUMBERS } else { &DAMAGED };
    let first = |name, place: Option<u64>| place.map(|place| FindingValue::count(name, place));
    let places = [
        first("weight_first", found.weight_first),
        first("bias_first", found.bias_first),
    ];
    Ruling::judged(bad == 0, case)
        .values([
            FindingValue::count("bad_entries", bad).at_most(0.0),
            FindingValue::count("weight_nan", found.weight_nan),
            FindingValue::count("weight_infinite", found.weight_infinite),
            FindingValue::count("bias_nan", found.bias_nan),
            FindingValue::count("bias_infinite", found.bias_infinite),
        ])
        .values(places.into_iter().flatten())
        .named("tensor", layer.weight.tensor.as_str())
}

/// The tensors that are no layer and no layer's bias; nothing where there are none.
fn judge_others(_: &NoLimits, audit: &Audit) -> Option<Ruling> {
    let Some(ledger) = &audit.ledger else {
        let reason = SkipReason::NotMeasured {
            section: "ledger",
            why: Unmeasured::OlderVersion,
        };
        return Some(Ruling::skipped(reason, &UNKNOWN));
    };
    let looked_at = |entry: &'_ LedgerEntry| entry.non_finite.is_some();
    let tensors = ledger.entries.iter().filter(|e| looked_at(e)).count();
    let damaged = |entry: &LedgerEntry| {
        let found = entry.non_finite.filter(|found| found.total() > 0)?;
        Some((entry.tensor.tensor.clone(), found))
    };
    let damaged: Vec<(String, NonFiniteEntries)> =
        ledger.entries.iter().filter_map(damaged).collect();
    if tensors == 0 {
        return None;
    }
    let bad = damaged.iter().map(|(_, found)| found.total()).sum();
    let case = if damaged.is_empty() {
        &OTHERS_NUMBERS
    } else {
        &OTHERS_DAMAGED
    };
    let ruling = Ruling::judged(damaged.is_empty(), case).values([
        FindingValue::count("bad_entries", bad).at_most(0.0),
        FindingValue::count("bad_tensors", damaged.len() as u64),
        FindingValue::count("tensors", tensors as u64),
    ]);
    Some(if damaged.is_empty() {
        ruling
    } else {
        ruling.named("damaged", named(&damaged))
    })
}

/// `norm.weight` (3 NaN, the first at 17), and more.
fn named(damaged: &[(String, NonFiniteEntries)]) -> String {
    let (most, width) = NAMED;
    let words = |(name, found): &(String, NonFiniteEntries)| {
        let counts = [(found.nan, "NaN"), (found.infinite, "infinite")];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let first = found.first.unwrap_or(0);
        format!(
            "`{}` ({}, the first at {first})",
            cut(name, width),
            counts.join(" and ")
        )
    };
    let some: Vec<String> = damaged.iter().take(most).map(words).collect();
    match damaged.len().saturating_sub(most) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
