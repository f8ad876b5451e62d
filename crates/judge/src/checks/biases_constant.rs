//! The biases are one constant, or negligible.

use serde::Deserialize;

use super::rule::not_measured;
use super::{Case, CheckDefinition, FindingValue, Rule, Ruling, SkipReason, Subject, Unit};
use randomlike_core::audit::{BiasKind, Biases, LayerFacts, Section};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "biases-constant",
    description: "The biases are one constant, or negligible.",
    measures: "The spread of the biases, beside that of a typical input sum of the layer. They \
               pass when they are one constant or too small to matter; there is no null.",
    leaves_open: "That the layer is bad, or that training did it: the paper's theorem asks for one \
                  constant, working nets do not have it, and some initialisers draw each bias anew.",
    policy: r#"# The paper's theorem needs one constant on every unit. A layer without a bias tensor
# is skipped as not applicable, never passed.
level = "deny"
"#,
    ranges: &[],
    subject: Subject::Biases,
    measured: "{kind}: mean {mean}, sd {sd}[, spread {spread} of a typical input sum]",
    limit: "constant or negligible",
    read: |table| Rule::layer(table, judge),
};

static NO_BIAS: Case = Case::new(
    "no-bias",
    "There are no biases, so nothing is said about them.",
)
.measured("not applicable: the layer has no bias");
static UNKNOWN: Case = Case::new("unknown", "Whether the biases are one constant is unknown.");
static NO_SCALE: Case = Case::new("no-scale", UNKNOWN.meaning)
    .measured("not measured: the weights give the biases no scale");
static CONSTANT: Case = Case::new(
    "constant",
    "Every unit is shifted by the same amount, as the theory asks.",
);
static NEGLIGIBLE: Case = Case::new(
    "negligible",
    "The biases are so small beside what flows in that they hardly matter.",
);
static VARIED: Case = Case::new(
    "varied",
    "Units have thresholds of their own, from training or from the initialiser.",
);

#[derive(Deserialize)]
struct NoLimits {}

fn judge(_: &NoLimits, layer: &LayerFacts) -> Ruling {
    if layer.bias.is_none() {
        return Ruling::skipped(SkipReason::NoBias, &NO_BIAS);
    }
    let biases = match &layer.biases {
        Section::Skipped { reason } => return not_measured::<Biases>(reason, &UNKNOWN),
        Section::Measured(biases) => biases,
    };
    let Some(kind) = biases.kind else {
        return Ruling::skipped(SkipReason::NoScale, &NO_SCALE);
    };
    let case = match kind {
        BiasKind::Constant => &CONSTANT,
        BiasKind::Negligible => &NEGLIGIBLE,
        BiasKind::Varied => &VARIED,
    };
    Ruling::judged(kind != BiasKind::Varied, case)
        .named("kind", case.name)
        .values([
            FindingValue::new("mean", biases.mean).unit(Unit::Weight),
            FindingValue::new("sd", biases.std).unit(Unit::Weight),
        ])
        .values(
            biases
                .spread_ratio
                .map(|ratio| FindingValue::new("spread", ratio)),
        )
}
