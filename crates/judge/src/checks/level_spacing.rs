//! Neighbouring singular values repel like those of a random matrix.

use serde::Deserialize;

use super::{
    Case, CheckDefinition, FindingValue, LimitKind, Rule, Ruling, SkipReason, Subject, Unit,
};
use randomlike_core::audit::{LayerFacts, Spectrum};
use randomlike_maths::stats::GOE_RATIO;

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "level-spacing",
    description: "Neighbouring singular values repel like those of a random matrix.",
    measures: "The mean ratio of neighbouring gaps between singular values, beside .5307, that of \
               a large random matrix, in standard errors for so many values.",
    leaves_open: "Why the values do not repel: copies of units or several nets side by side in one \
                  matrix are enough. A layer that passes can still be far from random.",
    policy: r#"# It sees correlations between entries, but a layer can repel perfectly and still be far
# from random otherwise: supporting evidence, so a warning.
level = "warn"
# Distance of the mean ratio of neighbouring gaps from .5307, in standard errors of
# .30/sqrt(number of values). Chance reaches 4 in about one layer in 16,000.
max_z = 4.0
# With fewer values the standard error is above .053, a third of the way from .5307 to
# .3863, the ratio of values that ignore each other.
min_values = 32
"#,
    ranges: &[],
    subject: Subject::Spectrum,
    measured: "mean ratio {ratio}, {z} standard errors off[; as far by chance: {chance} %]",
    limit: "within {max_z} standard errors of 0.5307",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new(
    "unknown",
    "How neighbouring singular values are spaced is unknown.",
);
static NO_SPACING: Case = Case::new("no-spacing", UNKNOWN.meaning)
    .measured("not measured: the bulk has too few different values");
static TOO_FEW: Case = Case::new("too-few", UNKNOWN.meaning)
    .measured("not judged: {values} singular values are fewer than {values.limit}");
static REPEL: Case = Case::new(
    "repel",
    "Neighbouring singular values keep their distance, as in a random matrix.",
);
static IGNORE: Case = Case::new(
    "ignore-each-other",
    "Neighbouring singular values ignore each other, as if the layer fell into parts.",
);
static TOO_EVEN: Case = Case::new(
    "too-even",
    "Neighbouring singular values are spaced more evenly than chance would.",
);

/// Standard error of the mean ratio over M values is `RATIO_ERROR`/√M (derived in docs/theory.md).
const RATIO_ERROR: f64 = 0.30;

#[derive(Deserialize)]
struct Limits {
    /// Distance from a random matrix's ratio, in standard errors.
    max_z: f64,
    /// Fewest singular values that are judged.
    min_values: usize,
}

impl Limits {
    fn judge(&self, _: &LayerFacts, spectrum: &Spectrum) -> Ruling {
        let values = spectrum.count();
        let count = FindingValue::count("values", values as u64).at_least(self.min_values as f64);
        let Some(ratio) = spectrum.level_ratio else {
            return Ruling::skipped(SkipReason::NoSpacing, &NO_SPACING).values([count]);
        };
        let z = (ratio - GOE_RATIO) / (RATIO_ERROR / (values as f64).sqrt());
        let ruling = if values < self.min_values {
            let reason = SkipReason::TooFew {
                what: "singular values",
                count: values as u64,
                needed: Some(self.min_values as u64),
            };
            Ruling::skipped(reason, &TOO_FEW)
        } else {
            let holds = z.abs() <= self.max_z;
            let case = match (holds, ratio < GOE_RATIO) {
                (true, _) => &REPEL,
                (false, true) => &IGNORE,
                (false, false) => &TOO_EVEN,
            };
            Ruling::judged(holds, case)
        };
        let nulls = spectrum.nulls.measured();
        let chance = nulls.and_then(|nulls| nulls.level_ratio.as_ref());
        ruling
            .values([
                FindingValue::new("z", z)
                    .unit(Unit::StandardErrors)
                    .limit(LimitKind::SizeAtMost, self.max_z),
                FindingValue::new("ratio", ratio),
                count,
            ])
            .values(chance.map(|fact| FindingValue::chance("chance", fact)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_in_the_sentence_is_that_of_the_law() {
        assert!(CHECK.limit.ends_with(&GOE_RATIO.to_string()));
    }
}
