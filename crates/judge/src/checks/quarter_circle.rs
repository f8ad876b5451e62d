//! The singular values follow the quarter-circle (Marchenko–Pastur) law.

use serde::Deserialize;

use super::up_to_scales::{UpToScales, up_to_scales_policy};
use super::{Case, CheckDefinition, FindingValue, Rule, Ruling, SkipReason, Subject, Unit};
use randomlike_core::audit::{Law, LayerFacts, Spectrum};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "quarter-circle",
    description: "The singular values follow the quarter-circle (Marchenko–Pastur) law.",
    measures: "The Kolmogorov-Smirnov distance of the singular values to the Marchenko–Pastur law \
               of the layer's shape (the quarter circle where it is square), scaled by the median, \
               as a multiple of the 99 % point of that distance for matrices of independent \
               entries of the same shape. The same of the weights with the scale of each unit \
               divided out, beside random matrices treated the same way.",
    leaves_open: "Which structure there is, or that it is a fault: learning leaves structure, and \
                  so do rows of unequal scale.",
    policy: concat!(
        r#"level = "deny"
# KS distance to the law, scaled by the median, over the 99 % point of that distance for
# independent entries of the same shape. At 1 one purely random layer in a hundred would
# fail; the null is so narrow (for 64 to 512 values its mean is 2.3-3.3 over their number
# and its 99 % point 3.4-5.2) that chance does not reach 2. Rows of unequal scale
# (lognormal, tau .2) reach 4 at 512 values.
max_multiple = 2.0
# With fewer singular values twice the 99 % point is so wide that nothing fails, and a
# pass would say nothing: skipped, unless the layer fails all the same.
min_values = 20
"#,
        up_to_scales_policy!()
    ),
    ranges: &[],
    subject: Subject::Spectrum,
    measured: "KS to {law} {ks}, {multiple} times the null's 99 % point {ks_null}[; {on_the_law} % \
               of the values alone are on it][; balanced KS {balanced_ks}, {balanced_multiple} \
               times its null's]",
    limit: "KS at most {max_multiple} times the null's 99 % point",
    read: |table| Rule::section(table, &UNKNOWN, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Nothing is known about the singular values.");
static TOO_FEW: Case = Case::new("too-few", "So few values fit the law whatever the matrix.")
    .measured("not judged: {values} singular values are too few to tell ({measured})");
static ON_THE_LAW: Case = Case::new(
    "on-the-law",
    "The bulk of the singular values is that of a matrix of independent random numbers.",
);
static UP_TO_SCALES: Case = Case::new(
    "up-to-scales",
    "Once the scale of each unit is divided out, the singular values are those of a matrix of \
     independent random numbers.",
);
static OFF_THE_LAW: Case = Case::new(
    "off-the-law",
    "The layer stretches its inputs in ways that a matrix of independent random numbers does not.",
);

#[derive(Deserialize)]
struct Limits {
    /// KS distance to the law over the 99 % point of that distance for random entries.
    max_multiple: f64,
    /// Fewest singular values that can be passed.
    min_values: usize,
    /// Of which weights.
    up_to_scales: UpToScales,
}

impl Limits {
    fn judge(&self, layer: &LayerFacts, spectrum: &Spectrum) -> Ruling {
        self.up_to_scales.choose(
            layer,
            self.stored(spectrum),
            |balanced| &balanced.spectrum,
            |spectrum| self.balanced(spectrum),
            &UP_TO_SCALES,
            &UNKNOWN,
        )
    }

    fn stored(&self, spectrum: &Spectrum) -> Ruling {
        let law = match spectrum.law {
            Law::QuarterCircle => "the quarter circle",
            Law::MarchenkoPastur => "the Marchenko–Pastur law",
        };
        self.ruling(spectrum)
            .named("law", law)
            .values([
                FindingValue::new("multiple", spectrum.ks_median / spectrum.ks_null_q99)
                    .at_most(self.max_multiple),
                FindingValue::new("ks", spectrum.ks_median),
                FindingValue::new("ks_null", spectrum.ks_null_q99),
                FindingValue::count("values", spectrum.count() as u64)
                    .at_least(self.min_values as f64),
            ])
            .values(on_the_law(spectrum))
    }

    fn balanced(&self, spectrum: &Spectrum) -> Ruling {
        let multiple = spectrum.ks_median / spectrum.ks_null_q99;
        self.ruling(spectrum).values([
            FindingValue::new("balanced_multiple", multiple).at_most(self.max_multiple),
            FindingValue::new("balanced_ks", spectrum.ks_median),
            FindingValue::new("balanced_ks_null", spectrum.ks_null_q99),
        ])
    }

    fn ruling(&self, spectrum: &Spectrum) -> Ruling {
        let holds = spectrum.ks_median <= self.max_multiple * spectrum.ks_null_q99;
        let values = spectrum.count();
        if holds && values < self.min_values {
            let reason = SkipReason::TooFew {
                what: "singular values",
                count: values as u64,
                needed: Some(self.min_values as u64),
            };
            Ruling::skipped(reason, &TOO_FEW)
        } else {
            Ruling::judged(holds, if holds { &ON_THE_LAW } else { &OFF_THE_LAW })
        }
    }
}

/// How much of the spectrum is on the law all the same.
fn on_the_law(spectrum: &Spectrum) -> Option<FindingValue> {
    let bulk = spectrum.bulk.measured()?;
    let share = FindingValue::new("on_the_law", 100.0 * bulk.share).unit(Unit::Percent);
    (bulk.above + bulk.below > 0).then_some(share)
}
