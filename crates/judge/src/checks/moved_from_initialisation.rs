//! The weights no longer match a known initialiser.

use serde::Deserialize;

use super::{
    Case, CheckDefinition, FindingValue, LimitRange, Rule, Ruling, SkipReason, Subject, Unit,
};
use randomlike_core::audit::{LayerFacts, Weights};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "moved-from-initialisation",
    description: "The weights no longer match a known initialiser.",
    measures: "The Kolmogorov-Smirnov distance of the weights to each known initialiser, with \
               nothing fitted, beside the 99.9 % point of that distance for an untouched layer of \
               the same count.",
    leaves_open: "That the layer was never trained: training may have moved it by less than can be \
                  seen. Nor is a layer that passes trained well.",
    policy: r#"# Gaussian weights and constant biases mean nothing when training never moved them.
# The limit is the audit's own: the 99.9 % point of the KS distance, with nothing
# fitted, that an untouched layer of this count reaches.
level = "deny"
# With fewer weights that distance no longer tells uniform from normal, and the audit
# looks for no initialiser but a constant: skipped, never a pass. Less is refused.
min_weights = 1600
"#,
    ranges: &[LimitRange {
        key: "min_weights",
        range: 1600.0..=f64::MAX,
        wanted: "1600 or more, from where on initialisers are looked for",
    }],
    subject: Subject::Weights,
    measured: "{initialiser}[ (the same here: {aliases})], std {std}; KS to it {ks}, untouched \
               layers stay below {ks_untouched}",
    limit: "the weights match no known initialiser",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Whether training moved the weights is unknown.");
static TOO_FEW: Case = Case::new("too-few", UNKNOWN.meaning)
    .measured("not judged: {weights} weights are too few to tell initialisers apart");
static NO_INITIALISER: Case = Case::new(
    "no-initialiser",
    "The weights match none of the sixteen initialisers looked for; another may have drawn them.",
)
.measured("no known initialiser has this law and scale");
static INITIALISER: Case = Case::new(
    "initialiser",
    "Taken one by one, the weights cannot be told from fresh `{initialiser}` draws, so whatever \
     looks random here may never have been trained.",
);

#[derive(Deserialize)]
struct Limits {
    /// Fewest weights for which finding no initialiser says anything.
    min_weights: u64,
}

impl Limits {
    fn judge(&self, _: &LayerFacts, weights: &Weights) -> Ruling {
        let count = FindingValue::count("weights", weights.count).at_least(self.min_weights as f64);
        let Some(initializer) = &weights.initializer else {
            return if weights.count < self.min_weights {
                let reason = SkipReason::TooFew {
                    what: "weights",
                    count: weights.count,
                    needed: Some(self.min_weights),
                };
                Ruling::skipped(reason, &TOO_FEW).values([count])
            } else {
                Ruling::judged(true, &NO_INITIALISER).values([count])
            };
        };
        let ruling = Ruling::judged(false, &INITIALISER)
            .named("initialiser", &*initializer.name)
            .values([
                FindingValue::new("ks", initializer.ks),
                FindingValue::new("ks_untouched", initializer.ks_limit),
                FindingValue::new("std", initializer.std).unit(Unit::Weight),
            ]);
        if initializer.aliases.is_empty() {
            ruling
        } else {
            ruling.named("aliases", initializer.aliases.join(", "))
        }
    }
}
