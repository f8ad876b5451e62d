//! Most biases are positive: the example of docs/contributing.md.

use serde::Deserialize;

use super::{Case, CheckDefinition, FindingValue, LimitRange, Rule, Ruling, Subject, Unit};
use randomlike_core::audit::{Biases, LayerFacts};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "biases-positive",
    description: "The mean of the biases is not far below zero.",
    measures: "The mean of the biases in units of their own spread. There is no null.",
    leaves_open: "That the layer is dead: what flows in may be large beside its biases.",
    policy: r#"level = "warn"
# At -2 hardly a unit has a bias above zero.
min_mean = 2.0
"#,
    ranges: &[LimitRange {
        key: "min_mean",
        range: 0.0..=100.0,
        wanted: "a number of standard deviations from 0 to 100",
    }],
    subject: Subject::Biases,
    measured: "mean {mean} standard deviations",
    limit: "mean at least -{min_mean} standard deviations",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Nothing is known about the biases.");
static HIGH: Case = Case::new("high", "Units are open where nothing flows in, or nearly so.");
static LOW: Case = Case::new("low", "Hardly a unit is open where nothing flows in.");

#[derive(Deserialize)]
struct Limits {
    /// Standard deviations that the mean may lie below zero.
    min_mean: f64,
}

impl Limits {
    fn judge(&self, _: &LayerFacts, biases: &Biases) -> Ruling {
        let mean = biases.mean / biases.std.max(f64::MIN_POSITIVE);
        let holds = mean >= -self.min_mean;
        Ruling::judged(holds, if holds { &HIGH } else { &LOW }).values([
            FindingValue::new("mean", mean)
                .unit(Unit::StandardDeviations)
                .at_least(-self.min_mean),
        ])
    }
}
