//! Nothing is worse than it was in an earlier audit.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    BesideBaseline, Case, CheckDefinition, FigureBeside, FigureState, FindingValue, Rule, Ruling,
    SkipReason, Subject, Unit,
};
use randomlike_core::skip::Unmeasured;
use randomlike_maths::stats::GOE_RATIO;

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "baseline",
    description: "Nothing is worse than in the baseline, beyond its tolerance.",
    measures: "Each figure of a layer beside the same figure in an earlier audit. It fails when it \
               is worse by more than its tolerance and by more than the policy's number of \
               standard errors of the difference of two independent draws. Layers that are gone \
               and sections that are no longer measured fail too.",
    leaves_open: "Which of the two states is the better net, or what made the difference: more \
                  training, another conversion and damage look alike.",
    policy: r#"# The earlier audit is given by `check SOURCE --baseline audit.json`.
# A layer of the baseline that is gone, or a section that is no longer measured, fails at
# this level too. Layers belong together by name; a new one is skipped.
level = "deny"
# A figure fails when it is worse by more than its tolerance below and by more than this many
# of its units, where theory gives it one (docs/compare.md). A unit is the standard error of
# the difference of two independent draws; chance reaches 4 in one figure of 30,000.
noise = 4.0
# KS, W1 and size of the excess kurtosis of the weights: half of what weights-gaussian allows
# at all, so that two steps too small to be found cannot cross its limit from a bell curve.
weights_ks = 0.01
# As above: half of .06.
weights_wasserstein = 0.03
# As above: half of 1.
weights_excess_kurtosis = 0.5
# Standard deviation of the biases over that of a typical input sum. At .05 the biases move
# a unit by a twentieth of what its inputs do; below .01 they are called negligible.
biases_spread = 0.05
# KS of the singular values over the 99 % point for random matrices. quarter-circle passes 2;
# from one random layer to the next it moves by about .12 (examples/spectra_null.rs).
spectrum_ks = 0.5
# Largest singular value over the law's upper edge: a twentieth. At 256 values chance moves
# it by less than .01.
spectrum_edge = 0.05
# Values outside the edges, counted above and below apart. Each edge is tested at 1 %, so one
# value more says little.
spectrum_outliers = 1
# Directions lost to rounding. No training step loses one by chance.
spectrum_rank_loss = 0
# Distance of the level ratio from .5307, a seventh of the way to .3863, the ratio of values
# that ignore each other.
spectrum_level_ratio = 0.02
# Error in reverse over that of the shuffled weights: half of the tenth that
# shadow-reversible allows.
shadow_ratio = 0.05
"#,
    ranges: &[],
    subject: Subject::Baseline,
    measured: "{figures_compared} figures compared, none worse beyond its tolerance",
    limit: "no figure worse than in the baseline by more than its tolerance and {noise} of its \
            units",
    read: |table| Rule::baseline(table, Limits::judge),
};

static AS_IT_WAS: Case = Case::new(
    "as-it-was",
    "The layer is as random-like as it was, or more so.",
);
static NOTHING_TO_COMPARE: Case = Case::new(
    "nothing-to-compare",
    "Whether this layer got worse is unknown.",
)
.measured("not judged: neither the baseline nor the checkpoint has a figure");
static NEW: Case = Case::new(
    "new",
    "A new layer cannot be worse than it was; the other checks judge it.",
)
.measured("the baseline has no layer of this name");
static GONE: Case = Case::new(
    "gone",
    "What was known of this layer is no longer: it was removed, renamed, or left out of the \
     measurement.",
)
.measured(
    "the baseline has this layer, {fan_in} in, {fan_out} out; the checkpoint has none of this name",
)
.limit("every layer of the baseline is still measured");
static NO_LONGER_MEASURED: Case = Case::new(
    "no-longer-measured",
    "Whether this part of the layer got worse is unknown, where it was known before.",
)
.measured("no longer measured: {section} ({figures}): {why}")
.limit("what was measured in the baseline is still measured");

const fn worse(meaning: &'static str) -> Case {
    Case::new("worse", meaning)
        .measured(
            "{figure} {now:−} was {before:−} in the baseline: worse by {worse_by:−}[, \
             {units:.1} of its units]",
        )
        .limit("worse by at most {worse_by.limit}[, or {units.limit} of its units]")
}

/// By how much a figure may get worse.
#[derive(Deserialize)]
struct Limits {
    /// A change of at most this many of its own units is noise.
    noise: f64,
    /// KS of the weights to the fitted normal.
    weights_ks: f64,
    /// W₁ of the weights to the fitted normal, in standard deviations.
    weights_wasserstein: f64,
    /// Size of the weights' excess kurtosis.
    weights_excess_kurtosis: f64,
    /// Spread of the biases over that of a typical input sum.
    biases_spread: f64,
    /// KS of the singular values over its null's 99 % point.
    spectrum_ks: f64,
    /// Largest singular value over the upper edge of the law.
    spectrum_edge: f64,
    /// Singular values outside the edges, on each side.
    spectrum_outliers: f64,
    /// Directions lost.
    spectrum_rank_loss: f64,
    /// Distance of the level ratio from that of a random matrix.
    spectrum_level_ratio: f64,
    /// Error in reverse over that of the shuffled weights.
    shadow_ratio: f64,
}

/// A figure that can get worse.
struct Gated {
    figure: &'static str,
    /// Grows as the figure gets worse.
    badness: fn(f64) -> f64,
    tolerance: fn(&Limits) -> f64,
    worse: Case,
}

static GATED: [Gated; 11] = [
    Gated {
        figure: "weights.ks",
        badness: as_it_is,
        tolerance: |limits| limits.weights_ks,
        worse: worse("The weights are farther from a bell curve than they were."),
    },
    Gated {
        figure: "weights.wasserstein",
        badness: as_it_is,
        tolerance: |limits| limits.weights_wasserstein,
        worse: worse(
            "The weights, their tails above all, are farther from a bell curve than they were.",
        ),
    },
    Gated {
        figure: "weights.excess_kurtosis",
        badness: f64::abs,
        tolerance: |limits| limits.weights_excess_kurtosis,
        worse: worse(
            "The tails of the weights are farther from those of a bell curve than they were.",
        ),
    },
    Gated {
        figure: "biases.spread_ratio",
        badness: as_it_is,
        tolerance: |limits| limits.biases_spread,
        worse: worse("The biases are farther from one constant than they were."),
    },
    Gated {
        figure: "spectrum.ks_over_null",
        badness: as_it_is,
        tolerance: |limits| limits.spectrum_ks,
        worse: worse("The singular values are farther from their law than they were."),
    },
    Gated {
        figure: "spectrum.edge_ratio",
        badness: as_it_is,
        tolerance: |limits| limits.spectrum_edge,
        worse: worse("The direction that the layer stretches most stands out more than it did."),
    },
    Gated {
        figure: "spectrum.outliers_above",
        badness: as_it_is,
        tolerance: |limits| limits.spectrum_outliers,
        worse: worse("More directions are stretched beyond chance than were."),
    },
    Gated {
        figure: "spectrum.outliers_below",
        badness: as_it_is,
        tolerance: |limits| limits.spectrum_outliers,
        worse: worse("More directions are squeezed beyond chance than were."),
    },
    Gated {
        figure: "spectrum.rank_loss",
        badness: as_it_is,
        tolerance: |limits| limits.spectrum_rank_loss,
        worse: worse("The layer lost directions that it had."),
    },
    Gated {
        figure: "spectrum.level_ratio",
        badness: |ratio| (ratio - GOE_RATIO).abs(),
        tolerance: |limits| limits.spectrum_level_ratio,
        worse: worse(
            "Neighbouring singular values keep less like those of a random matrix than they did.",
        ),
    },
    Gated {
        figure: "shadow.ratio",
        badness: as_it_is,
        tolerance: |limits| limits.shadow_ratio,
        worse: worse(
            "Run in reverse and forward again, the layer gives codes back worse than it did.",
        ),
    },
];

const fn as_it_is(value: f64) -> f64 {
    value
}

/// A figure that changed, and by how much it is worse.
#[derive(Clone, Copy)]
struct Worse {
    before: f64,
    now: f64,
    by: f64,
    unit: Option<f64>,
}

impl Limits {
    fn judge(&self, beside: &BesideBaseline<'_>) -> Vec<Ruling> {
        match beside {
            BesideBaseline::Both(figures) => self.both(figures),
            BesideBaseline::Gone { fan_in, fan_out } => {
                vec![Ruling::judged(false, &GONE).values([
                    FindingValue::count("fan_in", *fan_in as u64),
                    FindingValue::count("fan_out", *fan_out as u64),
                ])]
            }
            BesideBaseline::New => vec![Ruling::skipped(SkipReason::NotInBaseline, &NEW)],
        }
    }

    /// One ruling a figure that got worse, one a section that is no longer measured, and
    /// otherwise one that nothing is worse.
    fn both(&self, figures: &[FigureBeside<'_>]) -> Vec<Ruling> {
        let mut rulings: Vec<Ruling> = no_longer_measured(figures).collect();
        let mut compared = 0;
        for gated in &GATED {
            let Some(figure) = figures.iter().find(|figure| figure.name == gated.figure) else {
                continue;
            };
            if let FigureState::Compared { before, now, unit } = figure.state {
                compared += 1;
                let worse = Worse {
                    before,
                    now,
                    by: (gated.badness)(now) - (gated.badness)(before),
                    unit,
                };
                rulings.extend(self.worse(gated, worse, figure.is_count));
            }
        }
        if rulings.is_empty() {
            rulings.push(if compared == 0 {
                Ruling::skipped(SkipReason::NothingToCompare, &NOTHING_TO_COMPARE)
            } else {
                let compared = FindingValue::count("figures_compared", compared);
                Ruling::judged(true, &AS_IT_WAS).values([compared])
            });
        }
        rulings
    }

    /// What is wrong with a figure that got worse by more than its tolerance and noise.
    fn worse(&self, gated: &'static Gated, worse: Worse, is_count: bool) -> Option<Ruling> {
        let tolerance = (gated.tolerance)(self);
        let units = worse.unit.map(|unit| worse.by / unit);
        if worse.by <= tolerance || units.is_some_and(|units| units <= self.noise) {
            return None;
        }
        let unit = if is_count { Unit::Count } else { Unit::One };
        let value = |name, value| FindingValue::new(name, value).unit(unit);
        let units = units.map(|units| {
            FindingValue::new("units", units)
                .unit(Unit::StandardErrors)
                .at_most(self.noise)
        });
        Some(
            Ruling::judged(false, &gated.worse)
                .figure(gated.figure)
                .values([
                    value("now", worse.now),
                    value("before", worse.before),
                    value("worse_by", worse.by).at_most(tolerance),
                ])
                .values(units),
        )
    }
}

/// A ruling for each section that had figures in the baseline and has fewer now, whatever the
/// reason: a layer nobody can look at any more is no better.
fn no_longer_measured(figures: &[FigureBeside<'_>]) -> impl Iterator<Item = Ruling> {
    let mut by_section: BTreeMap<&str, (Vec<&str>, &Unmeasured)> = BTreeMap::new();
    for figure in figures.iter().filter(|figure| can_get_worse(figure.name)) {
        if let FigureState::NoLongerMeasured { why } = figure.state {
            let (section, name) = figure.name.split_once('.').unwrap_or((figure.name, ""));
            let entry = by_section.entry(section).or_insert((Vec::new(), why));
            entry.0.push(name);
        }
    }
    by_section.into_iter().map(|(section, (names, why))| {
        Ruling::judged(false, &NO_LONGER_MEASURED)
            .figure(section)
            .named("section", section)
            .named("figures", names.join(", "))
            .named("why", why.to_string())
    })
}

/// Whether the figure of this name is held against its earlier state.
pub(crate) fn can_get_worse(figure: &str) -> bool {
    GATED.iter().any(|gated| gated.figure == figure)
}
