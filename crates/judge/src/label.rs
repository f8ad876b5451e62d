//! One word for a layer, judged by the policy; the rules and their reasons are in docs/labels.md.
//!
//! Two questions decide it: what the entries are, and how much of the spectrum is on its law. Both
//! are asked of the layer as stored and with the scales of its units divided out.

use serde::{Deserialize, Serialize};

use crate::checks::LimitRange;
use crate::start_word::{StartLimits, StartWord};
use randomlike_core::audit::{
    Balanced, BalancedScales, BalancedWeights, GaussianDistance, LayerFacts, Spectrum, Start,
    ZeroSingularValues,
};

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

/// The limits of the check `weights-gaussian`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[expect(clippy::struct_field_names, reason = "as in the policy")]
pub struct NormalLimits {
    /// Kolmogorov–Smirnov distance to the fitted normal.
    pub max_ks: f64,
    /// Wasserstein-1 distance to the fitted normal, in standard deviations.
    pub max_wasserstein: f64,
    /// Size of the excess kurtosis.
    pub max_excess_kurtosis: f64,
}

impl NormalLimits {
    /// Whether entries are normal, the distances beyond their sampling floors and the excess
    /// kurtosis beyond `floor`.
    pub(crate) fn hold(&self, facts: &GaussianDistance, floor: f64) -> bool {
        facts.ks <= self.max_ks + facts.ks_floor
            && facts.wasserstein <= self.max_wasserstein + facts.wasserstein_floor
            && facts.excess_kurtosis.abs() <= self.max_excess_kurtosis + floor
    }

    /// The same of balanced entries, whose excess kurtosis is below 0 where they are normal.
    pub(crate) fn hold_balanced(&self, weights: &BalancedWeights) -> bool {
        let facts = GaussianDistance {
            excess_kurtosis: weights.gaussian.excess_kurtosis - weights.kurtosis_median,
            ..weights.gaussian.clone()
        };
        self.hold(&facts, balanced_kurtosis_floor(weights))
    }
}

/// How far from its median chance takes the excess kurtosis of balanced normal entries.
pub(crate) fn balanced_kurtosis_floor(weights: &BalancedWeights) -> f64 {
    let low = weights.kurtosis_median - weights.kurtosis_low;
    low.max(weights.kurtosis_high - weights.kurtosis_median)
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

/// A layer as it is stored, or with the scales of its units divided out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// As stored.
    Stored,
    /// Balanced.
    Balanced,
}

impl View {
    /// As a sentence names it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stored => "as stored",
            Self::Balanced => "balanced",
        }
    }
}

/// What the entries of a layer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntriesAre {
    /// Normal as stored.
    Gaussian,
    /// Normal once the scales of units are divided out.
    GaussianUpToScales,
    /// Spread too evenly, even so.
    Flat,
    /// Longer tails than a normal law, even so.
    LongTailed,
    /// Far longer ones.
    HeavyTailed,
}

impl EntriesAre {
    /// All of them, as the docs list them.
    pub const ALL: [Self; 5] = [
        Self::Gaussian,
        Self::GaussianUpToScales,
        Self::Flat,
        Self::LongTailed,
        Self::HeavyTailed,
    ];

    /// Its name in `audit.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::GaussianUpToScales => "gaussian-up-to-scales",
            Self::Flat => "flat",
            Self::LongTailed => "long-tailed",
            Self::HeavyTailed => "heavy-tailed",
        }
    }

    /// What it says, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Gaussian => "The weights follow a bell curve.",
            Self::GaussianUpToScales => {
                "The weights follow a bell curve once the scale of each input and output is divided \
                 out."
            }
            Self::Flat => {
                "The weights are spread more evenly than a bell curve, with few large ones, \
                 whatever the scales."
            }
            Self::LongTailed => {
                "The weights have longer tails than a bell curve, whatever the scales."
            }
            Self::HeavyTailed => {
                "Far more weights are very large than in a bell curve, whatever the scales."
            }
        }
    }
}

/// How much of a spectrum is on the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpectrumIs {
    /// All of it.
    OnItsLaw,
    /// At least `min_bulk_share`.
    MostlyOnItsLaw,
    /// At least `min_part_share`.
    PartlyOnItsLaw,
    /// Less.
    OffItsLaw,
}

impl SpectrumIs {
    /// All of them, as the docs list them.
    pub const ALL: [Self; 4] = [
        Self::OnItsLaw,
        Self::MostlyOnItsLaw,
        Self::PartlyOnItsLaw,
        Self::OffItsLaw,
    ];

    /// What it says, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::OnItsLaw => {
                "The singular values are those of a matrix of independent random numbers."
            }
            Self::MostlyOnItsLaw => {
                "Most of the singular values are those of a matrix of independent random numbers, \
                 and a few lie outside."
            }
            Self::PartlyOnItsLaw => {
                "At least half of the singular values are those of a matrix of independent random \
                 numbers; the others carry structure."
            }
            Self::OffItsLaw => {
                "The singular values are not those of independent random numbers: most directions \
                 carry structure."
            }
        }
    }
}

/// One word for a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The weights still match the law and scale of a known initialiser.
    AtInitialisation,
    /// They nearly do.
    BarelyMoved,
    /// Gaussian weights and a spectrum on the law.
    RandomLike,
    /// The same once the scales of units are divided out.
    RandomLikeUpToScales,
    /// A spectrum on the law, of entries of another law.
    RandomNotGaussian,
    /// A bulk on the law with singular values outside it.
    RandomBulkWithSpikes,
    /// Half of the spectrum or more is on the law.
    PartlyRandom,
    /// Gaussian weights in an order that is far from random.
    GaussianStructured,
    /// Neither Gaussian weights nor half of a spectrum on the law.
    Structured,
    /// Weights far heavier-tailed than Gaussian ones, and a spectrum off the law.
    HeavyTailed,
    /// Fewer independent directions than the shape allows.
    RankDeficient,
    /// Too small or not measured.
    Undecided,
}

impl Label {
    /// All of them, as the pages list them.
    pub const ALL: [Self; 12] = [
        Self::AtInitialisation,
        Self::BarelyMoved,
        Self::RandomLike,
        Self::RandomLikeUpToScales,
        Self::RandomNotGaussian,
        Self::RandomBulkWithSpikes,
        Self::PartlyRandom,
        Self::GaussianStructured,
        Self::Structured,
        Self::HeavyTailed,
        Self::RankDeficient,
        Self::Undecided,
    ];

    /// Its name in `audit.json`, reports and docs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtInitialisation => "at-initialisation",
            Self::BarelyMoved => "barely-moved",
            Self::RandomLike => "random-like",
            Self::RandomLikeUpToScales => "random-like-up-to-scales",
            Self::RandomNotGaussian => "random-not-gaussian",
            Self::RandomBulkWithSpikes => "random-bulk-with-spikes",
            Self::PartlyRandom => "partly-random",
            Self::GaussianStructured => "gaussian-structured",
            Self::Structured => "structured",
            Self::HeavyTailed => "heavy-tailed",
            Self::RankDeficient => "rank-deficient",
            Self::Undecided => "undecided",
        }
    }

    /// What it says and what it does not, in plain words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::AtInitialisation => {
                "Neither the weights nor the spectrum can be told from a known initialiser's. The \
                 layer may have been trained a little; that it looks random says nothing."
            }
            Self::BarelyMoved => {
                "The weights are close to a known initialiser's, and differ from it by little. That \
                 the layer looks random says nothing of training."
            }
            Self::RandomLike => {
                "Bell-shaped weights and singular values on their law, as the paper claims. That \
                 is not praise: a net that was never trained is random-like too."
            }
            Self::RandomLikeUpToScales => {
                "Random-like once the scale of each unit is divided out. A ReLU net can move such \
                 scales from one layer to the next without changing its function."
            }
            Self::RandomNotGaussian => {
                "Singular values on their law, and weights of another law than a bell curve: \
                 independent entries of that law look so."
            }
            Self::RandomBulkWithSpikes => {
                "Most of the singular values are on their law and a few lie outside it. Training \
                 leaves such spikes, and so does a mean that is not zero."
            }
            Self::PartlyRandom => {
                "At least half of the singular values are on their law; the others carry structure."
            }
            Self::GaussianStructured => {
                "The weights follow a bell curve, and their order is far from random: less than \
                 half of the singular values are on their law."
            }
            Self::Structured => {
                "Neither a bell curve nor half of the singular values on their law: not random-like."
            }
            Self::HeavyTailed => {
                "Far more very large weights than a bell curve has, whatever the scales, and \
                 singular values off their law: not random-like."
            }
            Self::RankDeficient => {
                "Some directions are lost to rounding: the layer carries less than its shape \
                 allows."
            }
            Self::Undecided => "Too small to tell, or not measured.",
        }
    }

    /// The word for what the entries are and how much of the spectrum is on the law.
    pub const fn of(entries: EntriesAre, spectrum: SpectrumIs) -> Self {
        match (spectrum, entries) {
            (SpectrumIs::OnItsLaw, EntriesAre::Gaussian) => Self::RandomLike,
            (SpectrumIs::OnItsLaw, EntriesAre::GaussianUpToScales) => Self::RandomLikeUpToScales,
            (SpectrumIs::OnItsLaw, _) => Self::RandomNotGaussian,
            (_, EntriesAre::HeavyTailed) => Self::HeavyTailed,
            (SpectrumIs::MostlyOnItsLaw, _) => Self::RandomBulkWithSpikes,
            (SpectrumIs::PartlyOnItsLaw, _) => Self::PartlyRandom,
            (SpectrumIs::OffItsLaw, EntriesAre::Gaussian | EntriesAre::GaussianUpToScales) => {
                Self::GaussianStructured
            }
            (SpectrumIs::OffItsLaw, _) => Self::Structured,
        }
    }
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
        let entries = self.entries(gaussian, balanced_weights);
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
            Label::RandomLike if balanced.is_some_and(|balanced| self.has_scales(balanced)) => {
                Label::RandomLikeUpToScales
            }
            label => label,
        };
        let mut figures = format!(
            "weights KS {:.4}, excess kurtosis {:.2}",
            gaussian.ks, gaussian.excess_kurtosis
        );
        if let Some(balanced) = balanced_weights {
            figures += &format!(
                ", balanced {:.4} and {:.2}",
                balanced.gaussian.ks, balanced.gaussian.excess_kurtosis
            );
        }
        figures += &format!("; {}: {}", best.view.words(), bulk_in_words(best.spectrum));
        Labelled {
            share: Some(best.share()),
            view: Some(best.view),
            entries: Some(entries),
            ..Labelled::new(label, figures)
        }
    }

    /// What the entries are, as stored and balanced.
    fn entries(&self, stored: &GaussianDistance, balanced: Option<&BalancedWeights>) -> EntriesAre {
        if self.normal.hold(stored, 0.0) {
            return EntriesAre::Gaussian;
        }
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
mod tests {
    use super::*;
    use crate::policy::Policy;
    use randomlike_core::audit::example as facts;

    fn labelled(layer: &LayerFacts, zeros: Option<(usize, usize)>) -> Labelled {
        let mut layer = layer.clone();
        layer.zero_singular_values = zeros.map(|(count, of)| ZeroSingularValues { count, of });
        Labelled::judge(&layer, Policy::default().rules().labels())
    }

    fn label(layer: &LayerFacts, zeros: usize) -> Label {
        labelled(layer, Some((zeros, 256))).label
    }

    fn untouched() -> LayerFacts {
        facts::with_weights(facts::layer("a"), |weights| {
            weights.initializer = Some(facts::initializer("lecun-normal", &[]));
        })
    }

    fn off_the_law(layer: LayerFacts) -> LayerFacts {
        facts::with_spectrum(layer, |spectrum| {
            if let Section::Measured(nulls) = &mut spectrum.nulls {
                nulls.ks_median.p = 0.001;
            }
        })
    }

    // Sorting the entries of an initialiser leaves their law and ruins the spectrum.
    #[test]
    fn an_initialiser_needs_its_spectrum_too() {
        assert_eq!(label(&untouched(), 0), Label::AtInitialisation);
        assert_ne!(label(&off_the_law(untouched()), 0), Label::AtInitialisation);
    }

    // No confident word, whatever is known.
    #[test]
    fn a_small_layer_is_undecided() {
        let Labelled { label, reason } = labelled(&untouched(), Some((3, 31)));
        assert_eq!(label, Label::Undecided);
        assert!(reason.contains("3 of them are zero") && reason.contains("lecun-normal"));
        let enough = labelled(&untouched(), Some((0, 32)));
        assert_eq!(enough.label, Label::AtInitialisation);
    }

    #[test]
    fn lost_directions_come_before_all_else() {
        assert_eq!(label(&untouched(), 128), Label::RankDeficient);
        let unmeasured = facts::unmeasured("a");
        assert_eq!(label(&unmeasured, 200), Label::RankDeficient);
        assert_eq!(label(&unmeasured, 0), Label::Undecided);
        // An audit of an older version has the values, and no count.
        let old = facts::with_spectrum(untouched(), |spectrum| {
            spectrum.singular_values[255] = 0.0;
        });
        assert_eq!(labelled(&old, None).label, Label::RankDeficient);
        assert_eq!(labelled(&untouched(), None).label, Label::AtInitialisation);
    }

    #[test]
    fn a_mixture_of_scales_is_not_heavy_tailed() {
        let heavy = |within: GaussianDistance| {
            facts::with_weights(facts::layer("a"), |weights| {
                let tails = GaussianDistance {
                    ks: 0.04,
                    excess_kurtosis: 2.0,
                    ..facts::gaussian()
                };
                weights.gaussian = Some(tails);
                weights.by_row = Section::Measured(within);
                weights.by_column = Section::Skipped {
                    reason: "none".into(),
                };
            })
        };
        assert_eq!(label(&heavy(facts::gaussian()), 0), Label::Undecided);
        let tails = GaussianDistance {
            ks: 0.04,
            excess_kurtosis: 2.0,
            ..facts::gaussian()
        };
        assert_eq!(label(&heavy(tails), 0), Label::HeavyTailed);
    }

    // Fewer values, a smaller bulk, and a KS that the check allows.
    #[test]
    fn the_policy_moves_the_labels() {
        let by = |layer: &LayerFacts, text: &str| {
            let policy = Policy::parse(text, std::path::Path::new("own.toml")).unwrap();
            let audit = facts::audit(vec![layer.clone()]);
            policy.labels(&audit).unwrap().layers[0].label
        };
        let layer = facts::layer("a");
        assert_eq!(by(&layer, ""), Label::RandomLike);
        assert_eq!(by(&layer, "[labels]\nmin_values = 257"), Label::Undecided);
        let only_b = "[[layer]]\npattern = \"b\"\nlabels = { min_values = 257 }";
        assert_eq!(by(&layer, only_b), Label::RandomLike);
        let bent = facts::with_weights(layer, |weights| {
            weights.gaussian = Some(GaussianDistance {
                ks: 0.03,
                ..facts::gaussian()
            });
        });
        assert_eq!(by(&bent, ""), Label::Undecided);
        let wide = "[weights-gaussian]\nmax_ks = 0.04";
        assert_eq!(by(&bent, wide), Label::RandomLike);
    }

    // The limits of weights-gaussian, W₁ among them, beyond the floors of a small layer.
    #[test]
    fn random_like_agrees_with_the_check_on_the_weights() {
        let with = |ks: f64, wasserstein: f64, floor: f64| {
            facts::with_weights(facts::layer("a"), |weights| {
                weights.gaussian = Some(GaussianDistance {
                    ks,
                    ks_floor: floor,
                    wasserstein,
                    ..facts::gaussian()
                });
            })
        };
        assert_eq!(label(&with(0.002, 0.002, 0.002), 0), Label::RandomLike);
        assert_eq!(label(&with(0.002, 0.124, 0.002), 0), Label::Undecided);
        assert_eq!(label(&with(0.025, 0.03, 0.01), 0), Label::RandomLike);
        assert_eq!(label(&with(0.025, 0.03, 0.001), 0), Label::Undecided);
    }

    #[test]
    fn half_a_spectrum_is_no_spike() {
        let with = |above: usize| {
            facts::with_spectrum(facts::layer("a"), |spectrum| {
                if let Section::Measured(bulk) = &mut spectrum.bulk {
                    bulk.above = above;
                    bulk.share = 1.0 - above as f64 / 256.0;
                }
            })
        };
        assert_eq!(label(&with(0), 0), Label::RandomLike);
        assert_eq!(label(&with(3), 0), Label::RandomBulkWithSpikes);
        assert_eq!(label(&with(120), 0), Label::Undecided);
        let none = facts::with_spectrum(facts::layer("a"), |spectrum| {
            spectrum.bulk = Section::Skipped {
                reason: "none".into(),
            };
        });
        assert_eq!(label(&none, 0), Label::Undecided);
    }
}
