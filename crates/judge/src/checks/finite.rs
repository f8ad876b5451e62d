//! No weight or bias is NaN or infinite.

use serde::Deserialize;

use super::rule::not_measured;
use super::{Case, CheckDefinition, FindingValue, Rule, Ruling, Subject};
use randomlike_core::audit::{LayerFacts, Section, Weights};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "finite",
    description: "No weight or bias is NaN or infinite.",
    measures: "Every entry of the weight and the bias is read; those that are NaN or infinite are \
               counted. There is no null: one such entry fails.",
    leaves_open: "Where such an entry comes from: training that diverged, a conversion to a \
                  narrower type, or a damaged file.",
    policy: r#"# One such entry spoils every output it touches, and every figure below.
level = "deny"
"#,
    ranges: &[],
    subject: Subject::Entries,
    measured: "weight: {weight_nan} NaN, {weight_infinite} infinite; bias: {bias_nan} NaN, \
               {bias_infinite} infinite",
    limit: "no NaN and no infinite entry",
    read: |table| Rule::layer(table, judge),
};

static UNKNOWN: Case = Case::new("unknown", "Nobody looked whether every entry is a number.");
static NUMBERS: Case = Case::new("numbers", "Every entry is an ordinary number.");
static DAMAGED: Case = Case::new(
    "damaged",
    "The layer is damaged (bad entries: {bad_entries}): what passes through it will not be a \
     number either.",
);

#[derive(Deserialize)]
struct NoLimits {}

fn judge(_: &NoLimits, layer: &LayerFacts) -> Ruling {
    let found = layer.non_finite;
    let bad = found.total();
    // Zero counts are a fact only when somebody read the weights.
    if let (0, Section::Skipped { reason }) = (bad, &layer.weights) {
        return not_measured::<Weights>(reason, &UNKNOWN);
    }
    let case = if bad == 0 { &NUMBERS } else { &DAMAGED };
    Ruling::judged(bad == 0, case).values([
        FindingValue::count("bad_entries", bad).at_most(0.0),
        FindingValue::count("weight_nan", found.weight_nan),
        FindingValue::count("weight_infinite", found.weight_infinite),
        FindingValue::count("bias_nan", found.bias_nan),
        FindingValue::count("bias_infinite", found.bias_infinite),
    ])
}
