//! Some biases are above zero.

use serde::Deserialize;

use super::{Case, CheckDefinition, FindingValue, LimitRange, Rule, Ruling, Subject, Unit};
use randomlike_core::audit::{Biases, LayerFacts};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "biases-above-zero",
    description: "Some biases are above zero.",
    measures: "The share of the biases above zero. There is no null.",
    leaves_open: "That a unit is dead: what flows in may be large beside its bias.",
    policy: r#"level = "warn"
# Percent. At 0 the check would pass every layer.
min_percent = 10
"#,
    ranges: &[LimitRange {
        key: "min_percent",
        range: 1.0..=100.0,
        wanted: "a percentage from 1 to 100",
    }],
    subject: Subject::Biases,
    measured: "{above_zero} % of {biases} biases are above zero",
    limit: "at least {min_percent} %",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Nothing is known about the biases.");
static OPEN: Case = Case::new("open", "Some units are open where nothing flows in.");
static CLOSED: Case = Case::new("closed", "Hardly a unit is open where nothing flows in.");

#[derive(Deserialize)]
struct Limits {
    min_percent: f64,
}

impl Limits {
    fn judge(&self, _: &LayerFacts, biases: &Biases) -> Ruling {
        let percent = 100.0 * biases.positive_fraction;
        let holds = percent >= self.min_percent;
        Ruling::judged(holds, if holds { &OPEN } else { &CLOSED }).values([
            FindingValue::new("above_zero", percent)
                .unit(Unit::Percent)
                .at_least(self.min_percent),
            FindingValue::count("biases", biases.count),
        ])
    }
}
