//! Whoever loads the checkpoint imports nothing but what weights are made of.

use serde::Deserialize;

use super::{Case, CheckDefinition, Finding, Rule, Ruling, Subject};
use randomlike_core::audit::Audit;
use randomlike_core::display_names::some_of;

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "weights-only",
    description: "Whoever loads the checkpoint imports nothing but what weights are made of.",
    measures: "Which classes and functions a pickle asks its reader for, beside those that tensors \
               are made of. They are read and never imported. Files of other formats ask for none. \
               There is no null: one is enough.",
    leaves_open: "That the file means harm: a whole module, an optimiser's options and a progress \
                  counter name classes too. Nor is a file that passes good in any other way.",
    policy: r#"# Says nothing of the weights: a module that was saved whole fails it too. Who loads files of
# strangers with anything but torch.load(weights_only=True) sets "deny".
level = "warn"
"#,
    ranges: &[],
    subject: Subject::Checkpoint,
    measured: "imports {imports}",
    limit: "no import beside what weights are made of",
    read: |table| Rule::checkpoint(table, judge),
};

static TENSORS: Case = Case::new(
    "tensors",
    "No file asks whoever loads it for more than tensors.",
)
.measured("none asked for");
static IMPORTS: Case = Case::new(
    "imports",
    "A program that loads this file as a pickle runs code that the file names; torch.load with \
     weights_only=True refuses it. Nothing of it was run here.",
);

#[derive(Deserialize)]
struct NoLimits {}

fn judge(_: &NoLimits, audit: &Audit, _: &[Vec<Finding>]) -> Ruling {
    match some_of(audit.source.imports()) {
        None => Ruling::judged(true, &TENSORS),
        Some(imports) => Ruling::judged(false, &IMPORTS).named("imports", imports),
    }
}
