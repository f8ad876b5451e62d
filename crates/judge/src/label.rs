//! One word for a layer, judged by the policy; the rules and their reasons are in docs/labels.md.
//!
//! Two questions decide it: what the entries are, and how much of the spectrum is on its law. Both
//! are asked of the layer as stored and with the scales of its units divided out.

mod words;

use serde::{Deserialize, Serialize};

use crate::checks::LimitRange;
use crate::normal_limits::NormalLimits;
use crate::start_word::{StartLimits, StartWord};
use randomlike_core::audit::{
    Balanced, BalancedScales, BalancedWeights, GaussianDistance, LayerFacts, Section, Spectrum,
    Start, Unmeasured, ZeroSingularValues,
};

pub use words::{EntriesAre, Label, SpectrumIs, View};

/// The key of the limits in a policy.
pub(crate) const NAME: &str = "labels";

/// The table of the default policy.
pub(crate) const POLICY: &str = r"
# One word for each layer (docs/labels.md). Its limits on KS, W1 and excess kurtosis of normal
# weights are those of weights-gaussian above, and those of a layer that barely moved are those of
# moved-from-initialisation. A label never makes `randomlike check` fail.
[labels]
# With fewer singular values the null's spread is as wide as the effects: undecided.
min_values = 32
# Share of the singular values on the law from which the others are called spikes.
min_bulk_share = 0.9
# Share from which a layer is called partly random; with less it is structured.
min_part_share = 0.5
# A layer is at initialisation while KS, largest and smallest singular value are each reached by
# more than this share of random matrices: the end of what the tables know.
min_p = 0.001
# Excess kurtosis beyond which tails are heavy: t with 10 degrees of freedom.
heavy_excess_kurtosis = 1.0
# Spread of the logarithms of the scales of inputs or outputs, beyond what chance gives, from which
# a layer is random-like only up to scales: units that differ by a twentieth.
max_scale_spread = 0.05
";

/// What its limits may be, where that is not every number from 0 on.
pub(crate) const RANGES: &[LimitRange] = &[
    LimitRange {
        key: "min_bulk_share",
        range: 0.0..=1.0,
        wanted: "a share from 0 to 1",
    },
    LimitRange {
        key: "min_part_share",
        range: 0.0..=1.0,
        wanted: "a share from 0 to 1",
    },
    LimitRange {
        key: "min_p",
        range: 0.0..=1.0,
        wanted: "a share from 0 to 1",
    },
];

/// Standard errors that the variance of log scales must be above that of equal scales: one layer
/// in some thousands is by chance.
const SCALE_ERRORS: f64 = 3.5;

/// The limits of labels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelLimits {
    /// Fewest singular values from which a spectrum is labelled.
    pub min_values: usize,
    /// Share of the singular values that must be on the law for the rest to be spikes.
    pub min_bulk_share: f64,
    /// Share from which a layer is partly random.
    pub min_part_share: f64,
    /// A spectrum is that of an initialiser when a random matrix is as far off more often.
    pub min_p: f64,
    /// Excess kurtosis beyond which tails are heavy.
    pub heavy_excess_kurtosis: f64,
    /// Spread of log scales beyond chance from which units are on scales of their own.
    pub max_scale_spread: f64,
    /// When weights are normal: the limits of `weights-gaussian`.
    #[serde(skip)]
    pub normal: NormalLimits,
    /// Up to where a layer has barely moved: the limits of `moved-from-initialisation`.
    #[serde(skip, default = "nowhere")]
    pub start: StartLimits,
}

/// Before the limits of the check are known.
const fn nowhere() -> StartLimits {
    StartLimits {
        max_distance: 0.0,
        max_ks: 0.0,
        max_scale_change: 0.0,
        max_outside: 0.0,
    }
}

/// A layer's label and what decided it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// The word.
    pub label: Label,
    /// The figures, in words.
    pub reason: String,
    /// Share of the singular values that a bulk on the law holds; absent where that was not
    /// measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Whether that is the layer as stored or balanced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// What the entries are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<EntriesAre>,
    /// How far the layer is from the nearest known initialiser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartWord>,
}

/// The labels of an audit, and by what they were judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// Digest of the policy, [`Policy::digest`](crate::policy::Policy::digest).
    pub policy: String,
    /// In the order of the layers.
    pub layers: Vec<Labelled>,
}

impl Labelled {
    /// Judges one layer.
    #[must_use]
    pub fn judge(layer: &LayerFacts, limits: &LabelLimits) -> Self {
        let start = layer.start.measured().map(|start| limits.start.word(start));
        Self {
            start,
            ..limits.decide(layer, start)
        }
    }

    fn new(label: Label, reason: impl Into<String>) -> Self {
        Self {
            label,
            reason: reason.into(),
            share: None,
            view: None,
            entries: None,
            start: None,
        }
    }
}

/// A spectrum, and whether it is that of the layer as stored.
#[derive(Clone, Copy)]
struct Viewed<'a> {
    view: View,
    spectrum: &'a Spectrum,
}

impl Viewed<'_> {
    /// Share of the values in a bulk on the law; 0 where there is none.
    fn share(&self) -> f64 {
        self.spectrum.bulk.measured().map_or(0.0, |bulk| bulk.share)
    }

    fn is_on_its_law(&self) -> bool {
        let bulk = self.spectrum.bulk.measured();
        bulk.is_some_and(|bulk| bulk.above + bulk.below == 0)
    }
}

impl LabelLimits {
    fn decide(&self, layer: &LayerFacts, word: Option<StartWord>) -> Labelled {
        let (weights, spectrum) = (layer.weights.measured(), layer.spectrum.measured());
        let start = layer.start.measured();
        let constant = weights.is_some_and(|weights| weights.gaussian.is_none());
        if let Some(zeros) = zeros(layer) {
            if zeros.of < self.min_values {
                return Labelled::new(Label::Undecided, self.too_small(zeros, start, word));
            }
            // Equal weights have one direction and are what some layers start with.
            if zeros.count > 0 && !constant {
                let reason = format!(
                    "{} of {} singular values are zero to rounding",
                    zeros.count, zeros.of
                );
                return Labelled::new(Label::RankDeficient, reason);
            }
        }
        let balanced = layer.balanced.measured();
        let stored = spectrum.map(|spectrum| Viewed {
            view: View::Stored,
            spectrum,
        });
        let initializer = weights.and_then(|weights| weights.initializer.as_ref());
        if let (None, Some(initializer)) = (start, initializer)
            && (constant || stored.is_none_or(|it| self.is_like_a_random_one(it.spectrum)))
        {
            // An audit of an older version.
            let reason = format!(
                "KS {:.4} to {}, limit {:.4}, nothing fitted",
                initializer.ks, initializer.name, initializer.ks_limit
            );
            return Labelled::new(Label::AtInitialisation, reason);
        }
        if let (Some(start), Some(word)) = (start, word)
            && let Some(label) = self.at_start(start, word, stored, constant)
        {
            let share = stored.map(|stored| stored.share());
            return Labelled {
                share,
                view: share.map(|_| View::Stored),
                ..Labelled::new(label, start_in_words(start))
            };
        }
        let (Some(weights), Some(stored)) = (weights, stored) else {
            return Labelled::new(Label::Undecided, "weights or spectrum were not measured");
        };
        let Some(gaussian) = &weights.gaussian else {
            return Labelled::new(Label::Undecided, "the weights are constant");
        };
        let bulk_is_known = !matches!(
            stored.spectrum.bulk,
            Section::Skipped {
                reason: Unmeasured::OlderVersion
            }
        );
        if !bulk_is_known {
            return Labelled::new(Label::Undecided, "how much is on the law was not measured");
        }
        self.of_two_questions(gaussian, stored, balanced)
    }

    /// Whether the layer is where an initialiser left it, or near.
    fn at_start(
        &self,
        start: &Start,
        word: StartWord,
        stored: Option<Viewed<'_>>,
        constant: bool,
    ) -> Option<Label> {
        let told_by_spectrum = start.singular_value_spread.is_some();
        match word {
            StartWord::Untouched => {
                let random = stored.is_none_or(|stored| self.is_like_a_random_one(stored.spectrum));
                (constant || told_by_spectrum || random).then_some(Label::AtInitialisation)
            }
            StartWord::BarelyMoved => {
                let mostly = stored.is_some_and(|stored| stored.share() >= self.min_bulk_share);
                (told_by_spectrum || mostly).then_some(Label::BarelyMoved)
            }
            StartWord::Moved | StartWord::TooFew => None,
        }
    }

    fn of_two_questions(
        &self,
        gaussian: &GaussianDistance,
        stored: Viewed<'_>,
        balanced: Option<&Balanced>,
    ) -> Labelled {
        let balanced_weights = balanced.and_then(|balanced| balanced.weights.measured());
        let has_scales = balanced.is_some_and(|balanced| self.has_scales(balanced));
        let entries = self.entries(gaussian, balanced_weights, has_scales);
        let balanced_spectrum = balanced.and_then(|balanced| balanced.spectrum.measured());
        let balanced_view = balanced_spectrum.map(|spectrum| Viewed {
            view: View::Balanced,
            spectrum,
        });
        let best = balanced_view
            .filter(|balanced| balanced.share() > stored.share())
            .unwrap_or(stored);
        let spectrum = if best.is_on_its_law() {
            SpectrumIs::OnItsLaw
        } else if best.share() >= self.min_bulk_share {
            SpectrumIs::MostlyOnItsLaw
        } else if best.share() >= self.min_part_share {
            SpectrumIs::PartlyOnItsLaw
        } else {
            SpectrumIs::OffItsLaw
        };
        let label = match Label::of(entries, spectrum) {
            Label::RandomLike if has_scales => Label::RandomLikeUpToScales,
            label => label,
        };
        let left = balanced_weights.map_or_else(String::new, |weights| {
            let facts = &weights.gaussian;
            format!(
                ", balanced {:.4} and {:.2}",
                facts.ks, facts.excess_kurtosis
            )
        });
        let figures = format!(
            "weights KS {:.4}, excess kurtosis {:.2}{left}; {}: {}",
            gaussian.ks,
            gaussian.excess_kurtosis,
            best.view.words(),
            bulk_in_words(best.spectrum)
        );
        Labelled {
            share: Some(best.share()),
            view: Some(best.view),
            entries: Some(entries),
            ..Labelled::new(label, figures)
        }
    }

    /// What the entries are, as stored and balanced. Where there are no scales to divide out,
    /// balancing only shortens the tails of what is there.
    fn entries(
        &self,
        stored: &GaussianDistance,
        balanced: Option<&BalancedWeights>,
        has_scales: bool,
    ) -> EntriesAre {
        if self.normal.hold(stored, 0.0) {
            return EntriesAre::Gaussian;
        }
        let balanced = balanced.filter(|_| has_scales);
        if balanced.is_some_and(|weights| self.normal.hold_balanced(weights)) {
            return EntriesAre::GaussianUpToScales;
        }
        let left = balanced.map_or(stored, |weights| &weights.gaussian);
        if left.excess_kurtosis <= 0.0 {
            EntriesAre::Flat
        } else if left.excess_kurtosis > self.heavy_excess_kurtosis && left.ks > self.normal.max_ks
        {
            EntriesAre::HeavyTailed
        } else {
            EntriesAre::LongTailed
        }
    }

    /// Whether units are on scales of their own, on either side.
    fn has_scales(&self, balanced: &Balanced) -> bool {
        let unequal = |scales: &BalancedScales| {
            scales.excess_spread() > self.max_scale_spread
                && scales.excess_in_errors() > SCALE_ERRORS
        };
        unequal(&balanced.inputs) || unequal(&balanced.outputs)
    }

    /// What is known of a layer without a word for it.
    fn too_small(
        &self,
        zeros: ZeroSingularValues,
        start: Option<&Start>,
        word: Option<StartWord>,
    ) -> String {
        let ZeroSingularValues { count, of } = zeros;
        let few = format!(
            "{of} singular values; at least {} are needed",
            self.min_values
        );
        let zero = (count > 0).then(|| format!("{count} of them are zero to rounding"));
        let drawn = start.filter(|_| word == Some(StartWord::Untouched));
        let drawn = drawn.map(|start| format!("the weights match {}", start.law));
        let told: Vec<String> = [Some(few), zero, drawn].into_iter().flatten().collect();
        told.join("; ")
    }

    /// Neither KS nor an extreme value is further off than chance allows.
    fn is_like_a_random_one(&self, spectrum: &Spectrum) -> bool {
        spectrum.nulls.measured().is_some_and(|nulls| {
            [Some(nulls.ks_median), Some(nulls.largest), nulls.smallest]
                .iter()
                .flatten()
                .all(|fact| fact.p > self.min_p)
        })
    }
}

fn start_in_words(start: &Start) -> String {
    if start.is_constant() {
        return format!("all weights are equal: {}", start.law);
    }
    if let Some(spread) = start.singular_value_spread {
        return format!(
            "{}: singular values spread by {spread:.1e} of their mean",
            start.law
        );
    }
    format!(
        "{}, nothing fitted: KS {:.4}, limit {:.4}; W₁ {:.4} sd, limit {:.4}; scale × {:.4}",
        start.law,
        start.ks,
        start.ks_floor,
        start.distance,
        start.distance_floor,
        start.scale_ratio
    )
}

/// Older audits do not count them: where their spectrum was measured they are counted again.
fn zeros(layer: &LayerFacts) -> Option<ZeroSingularValues> {
    let counted_again = || {
        let values = &layer.spectrum.measured()?.singular_values;
        Some(ZeroSingularValues::among(values, &layer.weight.dtype))
    };
    let zeros = layer.zero_singular_values.or_else(counted_again);
    zeros.filter(|zeros| zeros.of > 0)
}

/// The bulk, or how far the whole is from the law where there is none.
pub(crate) fn bulk_in_words(spectrum: &Spectrum) -> String {
    let times = |ks: f64, null: f64| format!("KS {:.1} times its null's 99 % point", ks / null);
    match spectrum.bulk.measured() {
        None => format!(
            "spectrum {}, and no bulk on the law",
            times(spectrum.ks_median, spectrum.ks_null_q99)
        ),
        Some(bulk) if bulk.above + bulk.below == 0 => format!(
            "all singular values on the law, {}",
            times(bulk.ks, bulk.ks_null_q99)
        ),
        Some(bulk) => format!(
            "{:.1} % of the singular values on the law, {}, with {:.1} % of the squared norm; {} above and {} below",
            100.0 * bulk.share,
            times(bulk.ks, bulk.ks_null_q99),
            100.0 * bulk.energy,
            bulk.above,
            bulk.below
        ),
    }
}

#[cfg(test)]
mod tests;
