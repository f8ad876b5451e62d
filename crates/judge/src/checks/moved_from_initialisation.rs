//! The weights moved away from a known initialiser.

use serde::Deserialize;

use super::{
    Case, CheckDefinition, FindingValue, LimitRange, Rule, Ruling, Severity, SkipReason, Subject,
    Unit,
};
use crate::start_word::{StartLimits, StartWord};
use randomlike_core::audit::{BiasAtStart, LayerFacts, Section, Start, Unmeasured, Weights};

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "moved-from-initialisation",
    description: "The weights moved away from what a known initialiser draws.",
    measures: "The nearest of some thirty known initialisers at the layer's shape, with nothing \
               fitted: the Wasserstein-1 and Kolmogorov-Smirnov distances of the weights to its \
               law, their scale over its own, and how many lie outside of a bounded law, each \
               beside what draws of the law reach once in 1000.",
    leaves_open: "That an untouched layer was never trained: of a normal law, drifts of up to .2 \
                  standard deviations a weight cannot be seen. Nor is a layer that moved trained \
                  well, or drawn from the nearest law.",
    policy: r#"# Gaussian weights and constant biases mean nothing when training never moved them.
# A layer that cannot be told from draws of a known initialiser is `untouched` and fails.
level = "deny"
# What a layer that differs from those draws by little, `barely-moved`, does at most.
barely_moved = "warn"
# W1 to the law, in its standard deviations, up to which a layer barely moved. A uniform layer
# that shrank by 2 % has .017, one that drifted by a fifth of a standard deviation .012.
max_distance = 0.02
# KS to the law, likewise: .010 for a uniform layer that shrank by 2 %.
max_ks = 0.01
# How far the scale is off, as a share of the law's own.
max_scale_change = 0.02
# Share of the weights outside of a bounded law: independent drift of a tenth of a standard
# deviation takes 2.3 % of a uniform law there.
max_outside = 0.023
# With fewer weights KS no longer tells uniform from normal: skipped, never a pass. Less is
# refused. Constants and orthogonal matrices are told at any size.
min_weights = 1600
"#,
    ranges: &[LimitRange {
        key: "min_weights",
        range: 1600.0..=f64::MAX,
        wanted: "1600 or more, from where on initialisers are told apart",
    }],
    subject: Subject::Weights,
    measured: "{word}: nearest law {initialiser}[ (the same here: {aliases})], scale × \
               {scale_ratio}, W₁/sd {distance} (draws up to {distance.floor}), KS {ks} (up to \
               {ks.floor})[, {outside} % outside of it][; implied shrinkage {shrinkage} %, drift \
               {drift} % of sd][; {bias}][; {rows} of {units} {side} match {rows_law}]",
    limit: "further from every known initialiser than W₁/sd {max_distance}, KS {max_ks}, scale ± \
            {max_scale_change}",
    read: |table| Rule::layer(table, Limits::judge),
};

static UNKNOWN: Case = Case::new("unknown", "Whether training moved the weights is unknown.");
static TOO_FEW: Case = Case::new("too-few", UNKNOWN.meaning)
    .measured("not judged: {weights} weights are too few to tell initialisers apart");
static CONSTANT: Case = Case::new(
    "constant",
    "All weights are the same number: nothing was ever trained here, or nothing was stored.",
)
.measured("untouched: all {weights} weights are equal ({initialiser})");
static UNTOUCHED: Case = Case::new(
    "untouched",
    "Taken one by one, the weights cannot be told from fresh `{initialiser}` draws, so whatever \
     looks random here may never have been trained.",
);
static UNTOUCHED_UNBOUNDED: Case = Case::new(
    "untouched-unbounded",
    "The weights have the law of fresh `{initialiser}` draws. The same law does not mean never \
     trained: drifts of up to .2 standard deviations a weight can hide here.",
);
static UNTOUCHED_ON_A_GRID: Case = Case::new(
    "untouched-on-a-grid",
    "The weights have the law of fresh `{initialiser}` draws. They are stored in so few values that \
     drifts below a step of these cannot be seen.",
);
static ORTHOGONAL: Case = Case::new(
    "orthogonal",
    "All singular values are equal to rounding, as an orthogonal initialiser leaves them.",
)
.measured(
    "untouched: singular values spread by {spread} of their mean (rounding up to {spread.floor})",
);
static NEARLY_ORTHOGONAL: Case = Case::new(
    "nearly-orthogonal",
    "All singular values are nearly equal: an orthogonal initialiser's, moved by little.",
)
.measured("barely moved: singular values spread by {spread} of their mean (rounding up to {spread.floor})");
static BARELY_MOVED: Case = Case::new(
    "barely-moved",
    "The weights are close to `{initialiser}` draws and can be told from them: they moved by \
     little.",
);
static OLDER: Case = Case::new("untouched", UNTOUCHED.meaning)
    .measured("untouched: {initialiser}; KS {ks} (draws up to {ks.floor})");
static OLDER_MOVED: Case =
    Case::new("moved", MOVED.meaning).measured("no known initialiser has this law and scale");
static MOVED: Case = Case::new(
    "moved",
    "The weights differ from what any known initialiser draws; another may have drawn them.",
);

#[derive(Deserialize)]
struct Limits {
    /// W₁ to the law up to which a layer has barely moved.
    max_distance: f64,
    /// KS to the law.
    max_ks: f64,
    /// How far the scale may be off.
    max_scale_change: f64,
    /// Share of the weights outside of a bounded law.
    max_outside: f64,
    /// What such a layer does at most.
    barely_moved: Severity,
    /// Fewest weights for which finding no initialiser says anything.
    min_weights: u64,
}

impl Limits {
    fn judge(&self, layer: &LayerFacts) -> Ruling {
        match &layer.start {
            Section::Measured(start) => self.of(start),
            Section::Skipped {
                reason: Unmeasured::OlderVersion,
            } => self.of_older(layer),
            Section::Skipped { reason } => super::rule::not_measured::<Start>(reason, &UNKNOWN),
        }
    }

    /// An older audit says which initialiser the weights match, if one.
    fn of_older(&self, layer: &LayerFacts) -> Ruling {
        let weights = match &layer.weights {
            Section::Measured(weights) => weights,
            Section::Skipped { reason } => {
                return super::rule::not_measured::<Weights>(reason, &UNKNOWN);
            }
        };
        let count = FindingValue::count("weights", weights.count).at_least(self.min_weights as f64);
        match &weights.initializer {
            Some(initializer) => Ruling::judged(false, &OLDER)
                .named("initialiser", &*initializer.name)
                .values([
                    count,
                    FindingValue::new("ks", initializer.ks).floor(initializer.ks_limit),
                ]),
            None if weights.count < self.min_weights => self.too_few(weights.count),
            None => Ruling::judged(true, &OLDER_MOVED).values([count]),
        }
    }

    fn too_few(&self, count: u64) -> Ruling {
        let reason = SkipReason::TooFew {
            what: "weights",
            count,
            needed: Some(self.min_weights),
        };
        let value = FindingValue::count("weights", count).at_least(self.min_weights as f64);
        Ruling::skipped(reason, &TOO_FEW).values([value])
    }

    fn of(&self, start: &Start) -> Ruling {
        let limits = StartLimits {
            max_distance: self.max_distance,
            max_ks: self.max_ks,
            max_scale_change: self.max_scale_change,
            max_outside: self.max_outside,
        };
        let word = limits.word(start);
        let count = FindingValue::count("weights", start.count).at_least(self.min_weights as f64);
        let few = start.count < self.min_weights && word != StartWord::Untouched;
        if few && start.singular_value_spread.is_none() {
            return self.too_few(start.count);
        }
        let case = case(word, start);
        let ruling = Ruling::judged(word == StartWord::Moved, case);
        let ruling = if word == StartWord::BarelyMoved {
            ruling.at_most(self.barely_moved)
        } else {
            ruling
        };
        evidence(ruling.values([count]), word, start)
    }
}

const fn case(word: StartWord, start: &Start) -> &'static Case {
    let orthogonal = start.singular_value_spread.is_some();
    match word {
        StartWord::Untouched if start.std <= 0.0 => &CONSTANT,
        StartWord::Untouched if orthogonal => &ORTHOGONAL,
        StartWord::Untouched if !start.is_bounded => &UNTOUCHED_UNBOUNDED,
        StartWord::Untouched if start.outside.is_none() => &UNTOUCHED_ON_A_GRID,
        StartWord::Untouched => &UNTOUCHED,
        StartWord::BarelyMoved if orthogonal => &NEARLY_ORTHOGONAL,
        StartWord::BarelyMoved => &BARELY_MOVED,
        StartWord::Moved => &MOVED,
        StartWord::TooFew => &TOO_FEW,
    }
}

/// The figures, and what stands beside them.
fn evidence(ruling: Ruling, word: StartWord, start: &Start) -> Ruling {
    let percent = |name, share: f64| FindingValue::new(name, 100.0 * share).unit(Unit::Percent);
    let mut ruling = ruling
        .named("word", word.name().replace('-', " "))
        .named("initialiser", &*start.law)
        .values([
            FindingValue::new("std", start.std).unit(Unit::Weight),
            FindingValue::new("scale_ratio", start.scale_ratio),
            FindingValue::new("distance", start.distance)
                .unit(Unit::StandardDeviations)
                .floor(start.distance_floor),
            FindingValue::new("ks", start.ks).floor(start.ks_floor),
        ])
        .values(start.outside.map(|share| percent("outside", share)))
        .values(start.shrinkage.map(|share| percent("shrinkage", share)))
        .values(start.drift.map(|share| percent("drift", share)))
        .values(
            start
                .singular_value_spread
                .map(|spread| FindingValue::new("spread", spread).floor(start.distance_floor)),
        );
    if !start.aliases.is_empty() {
        ruling = ruling.named("aliases", start.aliases.join(", "));
    }
    match start.bias {
        Some(BiasAtStart::Zero) => ruling = ruling.named("bias", "every bias is exactly 0"),
        Some(BiasAtStart::Constant(_)) => {
            ruling = ruling.named("bias", "every bias is exactly the same number");
        }
        None => {}
    }
    if let Some(rows) = &start.rows {
        ruling = ruling
            .named("rows_law", &*rows.law)
            .named(
                "side",
                if rows.are_outputs {
                    "outputs"
                } else {
                    "inputs"
                },
            )
            .values([
                FindingValue::count("rows", rows.fresh as u64),
                FindingValue::count("units", rows.of as u64),
            ]);
    }
    ruling
}
