//! One word for a difference of weights; the rule and its reasons are in docs/compare.md.

use serde::{Deserialize, Serialize};

use super::Difference;
use crate::label::{LabelLimits, bulk_in_words};

/// Share of the singular values that may carry a difference of low rank.
const TOP: f64 = 0.1;
/// Share of the singular values that may stand above rounding in a difference of low rank.
const STANDING: f64 = 0.25;
/// Bᵀ is so much nearer to A than B is where B lies the other way round; of two independent
/// matrices both are as near, to a share of 1/N.
const TURNED: f64 = 0.5;

/// What the weights of B less those of A look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// Every weight is the same.
    Unchanged,
    /// No weight moved by more than the rounding of its dtype.
    Rounding,
    /// A few directions carry it.
    LowRank,
    /// Its singular values are on the law of independent random numbers.
    Random,
    /// So is its bulk, and a few values lie outside.
    RandomWithSpikes,
    /// Too small to tell, not measured, or none of these.
    Undecided,
}

impl DifferenceKind {
    /// All of them, in the order they are tried.
    pub const ALL: [Self; 6] = [
        Self::Unchanged,
        Self::Rounding,
        Self::LowRank,
        Self::Random,
        Self::RandomWithSpikes,
        Self::Undecided,
    ];

    /// Its name in `comparison.json`, reports and docs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Rounding => "rounding",
            Self::LowRank => "low-rank",
            Self::Random => "random",
            Self::RandomWithSpikes => "random-with-spikes",
            Self::Undecided => "undecided",
        }
    }

    /// What it says and what it does not, in plain words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Unchanged => "Every weight of B is that of A; the biases have no part in this.",
            Self::Rounding => {
                "No weight moved further than storing it in its dtype moves it: most likely only \
                 the dtype changed."
            }
            Self::LowRank => {
                "A few directions carry the change, as adapters of low rank leave it when they \
                 are merged. Full training may do the same."
            }
            Self::Random => {
                "Its singular values are those of independent random numbers: weights drawn anew, \
                 noise added, or steps that point nowhere in common. It does not say that \
                 nothing was learned."
            }
            Self::RandomWithSpikes => {
                "Mostly like independent random numbers, with a few directions that stand out: \
                 learned ones, or a mean that is not zero."
            }
            Self::Undecided => "Too small to tell, not measured, or like none of the other words.",
        }
    }
}

impl Difference {
    /// Whether B's transpose is much nearer to A than B is.
    fn looks_turned(&self) -> bool {
        let norms = self.turned_norm.zip(self.relative_norm);
        norms.is_some_and(|(turned, as_it_is)| turned < TURNED * as_it_is)
    }

    /// What is to be known of the sides of B, in a sentence; nothing where all agrees.
    pub fn sides(&self) -> Option<String> {
        if self.transposed {
            return Some(
                "The two orientations contradict each other; the one known from less yielded, \
                 and B's sides were exchanged."
                    .into(),
            );
        }
        let (turned, as_it_is) = self.turned_norm.zip(self.relative_norm)?;
        let number = randomlike_core::number_format::figure;
        self.looks_turned().then(|| {
            format!(
                "B may be stored the other way round: its transpose is nearer to A, {} of A's \
                 norm and not {}. The figures of the difference are those of B as it lies.",
                number(turned),
                number(as_it_is)
            )
        })
    }
}

/// The word and the figures that decided it, tried in the order of docs/compare.md.
pub(super) fn decide(
    difference: &Difference,
    within_rounding: bool,
    limits: &LabelLimits,
) -> (DifferenceKind, String) {
    let size = difference.values().len();
    if difference.changed_fraction <= 0.0 {
        return (DifferenceKind::Unchanged, "every weight is the same".into());
    }
    if within_rounding {
        let reason = format!(
            "{} % of the weights differ, none by more than half a last place on either side",
            randomlike_core::number_format::figure(100.0 * difference.changed_fraction)
        );
        return (DifferenceKind::Rounding, reason);
    }
    if size == 0 {
        return (
            DifferenceKind::Undecided,
            "its singular values were not measured".into(),
        );
    }
    let fewest = limits.min_values;
    if size < fewest {
        let reason = format!("{size} singular values; at least {fewest} are needed");
        return (DifferenceKind::Undecided, reason);
    }
    decide_by_spectrum(difference, size, limits)
}

fn decide_by_spectrum(
    difference: &Difference,
    size: usize,
    limits: &LabelLimits,
) -> (DifferenceKind, String) {
    let few = (TOP * size as f64).ceil() as usize;
    let standing = difference.rank_above_rounding;
    let few_stand = standing > 0 && standing as f64 <= STANDING * size as f64;
    let figures = format!(
        "90 % of its energy in {} of {size} singular values, {standing} above rounding",
        difference.rank_90
    );
    if difference.rank_90 <= few || few_stand {
        return (DifferenceKind::LowRank, figures);
    }
    let Some(spectrum) = difference.spectrum.measured() else {
        return (DifferenceKind::Undecided, figures);
    };
    let kind = match spectrum.bulk.measured() {
        Some(bulk) if bulk.above + bulk.below == 0 => DifferenceKind::Random,
        Some(bulk) if bulk.share >= limits.min_bulk_share => DifferenceKind::RandomWithSpikes,
        _ => DifferenceKind::Undecided,
    };
    (kind, format!("{figures}; {}", bulk_in_words(spectrum)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;
    use randomlike_core::audit::{Bulk, Section, Spectrum};

    /// Random-looking, 256 values, 131 of them with 90 % of the energy.
    fn difference(change: impl FnOnce(&mut Difference)) -> Difference {
        let layer = facts::layer("a");
        let mut difference = Difference {
            relative_norm: Some(0.1),
            cosine: Some(0.99),
            changed_fraction: 1.0,
            identical: None,
            largest: 0.1,
            rounding: 1e-9,
            rounding_edge: 1e-7,
            rank_above_rounding: 256,
            rank_90: 131,
            rank_99: 200,
            stable_rank: Some(89.0),
            weights: layer.weights.clone(),
            singular_values: Vec::new(),
            spectrum: layer.spectrum,
            energy: Vec::new(),
            transposed: false,
            turned_norm: None,
            kind: DifferenceKind::Undecided,
            kind_reason: String::new(),
        };
        change(&mut difference);
        difference
    }

    fn by_default(difference: &Difference, within_rounding: bool) -> DifferenceKind {
        let policy = crate::policy::Policy::default();
        decide(difference, within_rounding, policy.rules().labels()).0
    }

    fn word(change: impl FnOnce(&mut Difference)) -> DifferenceKind {
        by_default(&difference(change), false)
    }

    fn with(d: &mut Difference, change: impl FnOnce(&mut Spectrum)) {
        if let Section::Measured(spectrum) = &mut d.spectrum {
            change(spectrum);
        }
    }

    #[test]
    fn each_word_by_its_rule() {
        assert_eq!(word(|_| ()), DifferenceKind::Random);
        assert_eq!(
            word(|d| d.changed_fraction = 0.0),
            DifferenceKind::Unchanged
        );
        assert_eq!(
            by_default(&difference(|_| ()), true),
            DifferenceKind::Rounding
        );
        let bulk = |d: &mut Difference, change: fn(&mut Bulk)| {
            with(d, |s| {
                if let Section::Measured(bulk) = &mut s.bulk {
                    change(bulk);
                }
            });
        };
        let spiked = |d: &mut Difference| bulk(d, |b| (b.above, b.share) = (3, 0.99));
        assert_eq!(word(spiked), DifferenceKind::RandomWithSpikes);
        let many = |d: &mut Difference| bulk(d, |b| (b.above, b.share) = (60, 0.77));
        assert_eq!(word(many), DifferenceKind::Undecided);
        let off = |d: &mut Difference| {
            with(d, |s| {
                s.bulk = Section::Skipped {
                    reason: "none".into(),
                };
            });
        };
        assert_eq!(word(off), DifferenceKind::Undecided);
    }

    // 26 of 256 is the tenth, rounded up; 64 the quarter.
    #[test]
    fn low_rank_up_to_its_limits() {
        assert_eq!(word(|d| d.rank_90 = 26), DifferenceKind::LowRank);
        assert_eq!(word(|d| d.rank_90 = 27), DifferenceKind::Random);
        assert_eq!(
            word(|d| d.rank_above_rounding = 64),
            DifferenceKind::LowRank
        );
        assert_eq!(word(|d| d.rank_above_rounding = 65), DifferenceKind::Random);
        assert_eq!(word(|d| d.rank_above_rounding = 0), DifferenceKind::Random);
    }

    #[test]
    fn too_few_values_are_undecided() {
        let few = |d: &mut Difference| with(d, |s| s.singular_values.truncate(31));
        assert_eq!(word(few), DifferenceKind::Undecided);
        let none = |d: &mut Difference| {
            d.spectrum = Section::Skipped {
                reason: "none".into(),
            };
        };
        assert_eq!(word(none), DifferenceKind::Undecided);
    }

    #[test]
    fn a_transpose_that_is_nearer_is_told() {
        let with = |turned| difference(|d| (d.relative_norm, d.turned_norm) = (Some(1.4), turned));
        assert_eq!(with(Some(0.71)).sides(), None);
        let told = with(Some(0.69)).sides().unwrap();
        assert!(told.contains("0.690 of A's norm and not 1.40"), "{told}");
        assert_eq!(with(None).sides(), None);
        assert!(difference(|d| d.turned_norm = Some(0.0)).looks_turned());
        let unchanged = |d: &mut Difference| {
            (d.relative_norm, d.turned_norm) = (Some(0.0), Some(0.0));
        };
        assert_eq!(difference(unchanged).sides(), None);
        assert!(difference(|d| d.transposed = true).sides().is_some());
    }

    #[test]
    fn names_are_those_of_the_json() {
        for kind in DifferenceKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
