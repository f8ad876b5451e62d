//! One word for a layer, judged by the policy; the rules and their reasons are in docs/labels.md.

use serde::{Deserialize, Serialize};

use crate::checks::LimitRange;
use randomlike_core::audit::{
    GaussianDistance, Initializer, LayerFacts, Section, Spectrum, Weights, ZeroSingularValues,
};

/// The key of the limits in a policy.
pub(crate) const NAME: &str = "labels";

/// The table of the default policy.
pub(crate) const POLICY: &str = r"
# One word for each layer (docs/labels.md). Its limits on KS, W1 and excess kurtosis of normal
# weights are those of weights-gaussian above. A label never makes `randomlike check` fail.
[labels]
# With fewer singular values the null's spread is as wide as the effects: undecided.
min_values = 32
# Share of the singular values on the law from which the others are called spikes. With less on
# the law the layer is undecided.
min_bulk_share = 0.9
# A layer is at initialisation while KS, largest and smallest singular value are each reached by
# more than this share of random matrices: the end of what the tables know.
min_p = 0.001
# Excess kurtosis beyond which tails are heavy: t with 10 degrees of freedom.
heavy_excess_kurtosis = 1.0
";

/// What its limits may be, where that is not every number from 0 on.
pub(crate) const RANGES: &[LimitRange] = &[
    LimitRange {
        key: "min_bulk_share",
        range: 0.0..=1.0,
        wanted: "a share from 0 to 1",
    },
    LimitRange {
        key: "min_p",
        range: 0.0..=1.0,
        wanted: "a share from 0 to 1",
    },
];

/// The limits of labels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelLimits {
    /// Fewest singular values from which a spectrum is labelled.
    pub min_values: usize,
    /// Share of the singular values that must be on the law for the rest to be spikes.
    pub min_bulk_share: f64,
    /// A spectrum is that of an initialiser when a random matrix is as far off more often.
    pub min_p: f64,
    /// Excess kurtosis beyond which tails are heavy.
    pub heavy_excess_kurtosis: f64,
    /// When weights are normal: the limits of `weights-gaussian`.
    #[serde(skip)]
    pub normal: NormalLimits,
}

/// The limits of the check `weights-gaussian`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct NormalLimits {
    /// Kolmogorov–Smirnov distance to the fitted normal.
    pub ks: f64,
    /// Wasserstein-1 distance to the fitted normal, in standard deviations.
    pub wasserstein: f64,
    /// Size of the excess kurtosis.
    pub excess_kurtosis: f64,
}

/// A layer's label and the figures that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// The word.
    pub label: Label,
    /// The figures, in words.
    pub reason: String,
}

/// The labels of an audit, and by what they were judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Digest of the policy, [`Policy::digest`](crate::policy::Policy::digest).
    pub policy: String,
    /// In the order of the layers.
    pub layers: Vec<Labelled>,
}

/// One word for a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The weights still match the law and scale of a known initialiser.
    AtInitialisation,
    /// Gaussian weights and a spectrum on the law.
    RandomLike,
    /// A bulk on the law with singular values outside it.
    RandomBulkWithSpikes,
    /// Weights or spectrum far heavier-tailed than a Gaussian matrix.
    HeavyTailed,
    /// Fewer independent directions than the shape allows.
    RankDeficient,
    /// Too small, not measured, or none of the above.
    Undecided,
}

impl Label {
    /// All of them, as the pages list them.
    pub const ALL: [Self; 6] = [
        Self::AtInitialisation,
        Self::RandomLike,
        Self::RandomBulkWithSpikes,
        Self::HeavyTailed,
        Self::RankDeficient,
        Self::Undecided,
    ];

    /// Its name in `audit.json`, reports and docs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtInitialisation => "at-initialisation",
            Self::RandomLike => "random-like",
            Self::RandomBulkWithSpikes => "random-bulk-with-spikes",
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
            Self::RandomLike => {
                "Bell-shaped weights and singular values on their law, as the paper claims. That \
                 is not praise: a net that was never trained is random-like too."
            }
            Self::RandomBulkWithSpikes => {
                "Most of the singular values are on their law and a few lie outside it. Training \
                 leaves such spikes, and so do a mean that is not zero and unequal scales."
            }
            Self::HeavyTailed => {
                "Far more very large weights than a bell curve has: not random-like."
            }
            Self::RankDeficient => {
                "Some directions are lost to rounding: the layer carries less than its shape \
                 allows."
            }
            Self::Undecided => "Too small to tell, not measured, or like none of the other labels.",
        }
    }
}

impl Labelled {
    /// Judges one layer.
    #[must_use]
    pub fn judge(layer: &LayerFacts, limits: &LabelLimits) -> Self {
        let (label, reason) = limits.decide(layer);
        Self { label, reason }
    }
}

impl LabelLimits {
    fn decide(&self, layer: &LayerFacts) -> (Label, String) {
        let (weights, spectrum) = (layer.weights.measured(), layer.spectrum.measured());
        let initializer = weights.and_then(|weights| weights.initializer.as_ref());
        let constant = weights.is_some_and(|weights| weights.gaussian.is_none());
        if let Some(zeros) = zeros(layer) {
            if zeros.of < self.min_values {
                return (Label::Undecided, self.too_small(zeros, initializer));
            }
            // Equal weights have one direction and are what some layers start with.
            if zeros.count > 0 && !constant {
                let reason = format!(
                    "{} of {} singular values are zero to rounding",
                    zeros.count, zeros.of
                );
                return (Label::RankDeficient, reason);
            }
        }
        if let Some(init) = initializer
            && (constant || spectrum.is_none_or(|spectrum| self.is_like_a_random_one(spectrum)))
        {
            let reason = format!(
                "KS {:.4} to {}, limit {:.4}, nothing fitted",
                init.ks, init.name, init.ks_limit
            );
            return (Label::AtInitialisation, reason);
        }
        let (Some(weights), Some(spectrum)) = (weights, spectrum) else {
            return (
                Label::Undecided,
                "weights or spectrum were not measured".into(),
            );
        };
        let Some(gaussian) = &weights.gaussian else {
            return (Label::Undecided, "the weights are constant".into());
        };
        self.decide_by_tails_and_bulk(weights, gaussian, spectrum)
    }

    /// What is known of a layer without a word for it.
    fn too_small(&self, zeros: ZeroSingularValues, initializer: Option<&Initializer>) -> String {
        let ZeroSingularValues { count, of } = zeros;
        let few = format!(
            "{of} singular values; at least {} are needed",
            self.min_values
        );
        let zero = (count > 0).then(|| format!("{count} of them are zero to rounding"));
        let drawn = initializer.map(|init| format!("the weights match {}", init.name));
        let told: Vec<String> = [Some(few), zero, drawn].into_iter().flatten().collect();
        told.join("; ")
    }

    fn decide_by_tails_and_bulk(
        &self,
        weights: &Weights,
        gaussian: &GaussianDistance,
        spectrum: &Spectrum,
    ) -> (Label, String) {
        let mut figures = format!(
            "weights KS {:.4}, excess kurtosis {:.2}; {}",
            gaussian.ks,
            gaussian.excess_kurtosis,
            bulk_in_words(spectrum),
        );
        let heavy =
            gaussian.excess_kurtosis > self.heavy_excess_kurtosis && gaussian.ks > self.normal.ks;
        let label = match spectrum.bulk.measured() {
            _ if heavy && self.is_mixture(weights) => {
                figures += "; normal on scales of their own: a mixture, not heavy tails";
                Label::Undecided
            }
            _ if heavy => Label::HeavyTailed,
            Some(bulk) if bulk.above + bulk.below == 0 && self.is_normal(gaussian) => {
                Label::RandomLike
            }
            Some(bulk) if bulk.above + bulk.below > 0 && bulk.share >= self.min_bulk_share => {
                Label::RandomBulkWithSpikes
            }
            _ => Label::Undecided,
        };
        (label, figures)
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

    /// Within the limits of `weights-gaussian`, the distances beyond their sampling floors.
    fn is_normal(&self, gaussian: &GaussianDistance) -> bool {
        gaussian.ks <= self.normal.ks + gaussian.ks_floor
            && gaussian.wasserstein <= self.normal.wasserstein + gaussian.wasserstein_floor
            && gaussian.excess_kurtosis.abs() <= self.normal.excess_kurtosis
    }

    /// Whether each input's or each output's weights are normal, on scales of their own.
    fn is_mixture(&self, weights: &Weights) -> bool {
        [&weights.by_row, &weights.by_column]
            .into_iter()
            .filter_map(Section::measured)
            .any(|gaussian| self.is_normal(gaussian))
    }
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
