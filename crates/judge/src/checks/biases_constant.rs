//! The biases are one constant, or negligible.

use serde::Deserialize;

use super::rule::not_measured;
use super::up_to_scales::{UpToScales, up_to_scales_policy};
use super::{Case, CheckDefinition, FindingValue, Rule, Ruling, SkipReason, Subject, Unit};
use randomlike_core::audit::{BalancedBiases, BiasKind, Biases, LayerFacts, Section};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "biases-constant",
    description: "The biases are one constant, or negligible.",
    measures: "The spread of the biases, beside that of a typical input sum of the layer. They \
               pass when they are one constant or too small to matter; there is no null. The same of \
               each bias over the scale of its unit.",
    leaves_open: "That the layer is bad, or that training did it: the paper's theorem asks for one \
                  constant, working nets do not have it, and some initialisers draw each bias anew.",
    policy: concat!(
        r#"# The paper's theorem needs one constant on every unit. A layer without a bias tensor
# is skipped as not applicable, never passed.
level = "deny"
"#,
        up_to_scales_policy!()
    ),
    ranges: &[],
    subject: Subject::Biases,
    measured: "{kind}: mean {mean}, sd {sd}[, spread {spread} of a typical input sum][; balanced {balanced_kind}, \
               sd over |mean| {balanced_cv} (floor {balanced_cv_floor})]",
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
static UP_TO_SCALES: Case = Case::new(
    "up-to-scales",
    "Over the scale of its unit every bias is the same, or negligible.",
);
static VARIED: Case = Case::new(
    "varied",
    "Units have thresholds of their own, from training or from the initialiser.",
);

#[derive(Deserialize)]
struct Limits {
    /// Of which biases.
    up_to_scales: UpToScales,
}

fn judge(limits: &Limits, layer: &LayerFacts) -> Ruling {
    limits.up_to_scales.choose(
        layer,
        stored(layer),
        |balanced| &balanced.biases,
        balanced,
        &UP_TO_SCALES,
        &UNKNOWN,
    )
}

fn balanced(biases: &BalancedBiases) -> Ruling {
    let Some(kind) = biases.facts.kind else {
        return Ruling::skipped(SkipReason::NoScale, &NO_SCALE);
    };
    let case = case(kind);
    let cv = biases
        .facts
        .cv
        .map(|cv| FindingValue::new("balanced_cv", cv));
    Ruling::judged(kind != BiasKind::Varied, case)
        .named("balanced_kind", case.name)
        .values(cv)
        .values([FindingValue::new("balanced_cv_floor", biases.cv_floor)])
}

const fn case(kind: BiasKind) -> &'static Case {
    match kind {
        BiasKind::Constant => &CONSTANT,
        BiasKind::Negligible => &NEGLIGIBLE,
        BiasKind::Varied => &VARIED,
    }
}

fn stored(layer: &LayerFacts) -> Ruling {
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
    let case = case(kind);
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
