//! One word for a layer; the rules and their reasons are in docs/labels.md.

use crate::audit::{GaussianDistance, Initializer, Label, Section, Spectrum, Weights};
use randomlike_checkpoint::Dtype;

/// Fewest singular values from which a spectrum is labelled.
pub const FEWEST: usize = 32;
/// KS distance of weights beyond which a reader sees the difference from a normal law.
const GAUSSIAN_KS: f64 = 0.02;
/// Wasserstein-1 distance in standard deviations up to which weights are near normal.
const GAUSSIAN_WASSERSTEIN: f64 = 0.06;
/// Excess kurtosis of t with 10 degrees of freedom.
const HEAVY_KURTOSIS: f64 = 1.0;
/// Share of the singular values that must be on the law for the rest to be spikes.
pub const BULK: f64 = 0.9;
/// A random matrix is as far as this in one of 1000 draws: the end of what the tables know.
const RARE: f64 = 0.001;

/// Singular values that are zero to rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    count: usize,
    of: usize,
}

impl Lost {
    /// Those among `values`, descending, below 1e-7 of the largest where `dtype` has at most
    /// 24 significant bits, below 1e-13 where it has 53. The usual N·ε of `matrix_rank` would
    /// flag large square random matrices, whose σ_min is about σ₁/2N.
    pub(super) fn among(values: &[f64], dtype: &Dtype) -> Self {
        let share = if *dtype == Dtype::F64 { 1e-13 } else { 1e-7 };
        let floor = share * values.first().copied().unwrap_or(0.0);
        Self {
            count: values.iter().filter(|&&s| s <= floor).count(),
            of: values.len(),
        }
    }
}

/// The label and the figures that decided it.
pub(super) fn of(
    weights: Option<&Weights>,
    spectrum: Option<&Spectrum>,
    lost: Lost,
) -> (Label, String) {
    let initializer = weights.and_then(|weights| weights.initializer.as_ref());
    let constant = weights.is_some_and(|weights| weights.gaussian.is_none());
    let size = lost.of;
    if (1..FEWEST).contains(&size) {
        return (Label::Undecided, too_small(lost, initializer));
    }
    // Equal weights have one direction and are what some layers start with.
    if lost.count > 0 && !constant {
        return (
            Label::RankDeficient,
            format!(
                "{} of {size} singular values are zero to rounding",
                lost.count
            ),
        );
    }
    if let Some(init) = initializer
        && (constant || spectrum.is_none_or(is_like_a_random_one))
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
    decided(weights, gaussian, spectrum)
}

/// What is known of a layer without a word for it.
fn too_small(lost: Lost, initializer: Option<&Initializer>) -> String {
    let few = format!("{} singular values; at least {FEWEST} are needed", lost.of);
    let zero = (lost.count > 0).then(|| format!("{} of them are zero to rounding", lost.count));
    let drawn = initializer.map(|init| format!("the weights match {}", init.name));
    let told: Vec<String> = [Some(few), zero, drawn].into_iter().flatten().collect();
    told.join("; ")
}

fn decided(weights: &Weights, gaussian: &GaussianDistance, spectrum: &Spectrum) -> (Label, String) {
    let bulk = spectrum.bulk.measured();
    let mut figures = format!(
        "weights KS {:.4}, excess kurtosis {:.2}; {}",
        gaussian.ks,
        gaussian.excess_kurtosis,
        of_the_bulk(spectrum),
    );
    let heavy = gaussian.excess_kurtosis > HEAVY_KURTOSIS && gaussian.ks > GAUSSIAN_KS;
    let label = match bulk {
        _ if heavy && is_mixture(weights) => {
            figures += "; normal on scales of their own: a mixture, not heavy tails";
            Label::Undecided
        }
        _ if heavy => Label::HeavyTailed,
        Some(bulk) if bulk.above + bulk.below == 0 && is_normal(gaussian) => Label::RandomLike,
        Some(bulk) if bulk.above + bulk.below > 0 && bulk.share >= BULK => {
            Label::RandomBulkWithSpikes
        }
        _ => Label::Undecided,
    };
    (label, figures)
}

/// The bulk, or how far the whole is from the law where there is none.
pub fn of_the_bulk(spectrum: &Spectrum) -> String {
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

/// Neither KS nor an extreme value is as far as one random matrix in 1000.
fn is_like_a_random_one(spectrum: &Spectrum) -> bool {
    spectrum.nulls.measured().is_some_and(|nulls| {
        [Some(nulls.ks_median), Some(nulls.largest), nulls.smallest]
            .iter()
            .flatten()
            .all(|fact| fact.p > RARE)
    })
}

/// The limits of the default policy, beyond the sampling floors.
fn is_normal(gaussian: &GaussianDistance) -> bool {
    gaussian.ks <= GAUSSIAN_KS + gaussian.ks_floor
        && gaussian.wasserstein <= GAUSSIAN_WASSERSTEIN + gaussian.wasserstein_floor
        && gaussian.excess_kurtosis.abs() <= HEAVY_KURTOSIS
}

/// Whether each input's or each output's weights are normal, on scales of their own.
fn is_mixture(weights: &Weights) -> bool {
    [&weights.by_row, &weights.by_column]
        .into_iter()
        .filter_map(Section::measured)
        .any(is_normal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::LayerFacts;
    use crate::audit::example as facts;

    fn label(layer: &LayerFacts, lost: usize) -> Label {
        let lost = Lost {
            count: lost,
            of: 256,
        };
        of(layer.weights.measured(), layer.spectrum.measured(), lost).0
    }

    fn untouched() -> LayerFacts {
        facts::with_weights(facts::layer("a"), |weights| {
            weights.initializer = Some(Initializer {
                name: "lecun-normal".into(),
                aliases: vec![],
                std: 0.03,
                ks: 0.001,
                ks_limit: 0.005,
            });
        })
    }

    fn off_the_law(layer: LayerFacts) -> LayerFacts {
        facts::with_spectrum(layer, |spectrum| {
            if let Section::Measured(nulls) = &mut spectrum.nulls {
                nulls.ks_median.p = RARE;
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
        let small = Lost { count: 3, of: 31 };
        let layer = untouched();
        let (weights, spectrum) = (layer.weights.measured(), layer.spectrum.measured());
        let (label, reason) = of(weights, spectrum, small);
        assert_eq!(label, Label::Undecided);
        assert!(reason.contains("3 of them are zero") && reason.contains("lecun-normal"));
        let enough = Lost { count: 0, of: 32 };
        assert_eq!(of(weights, spectrum, enough).0, Label::AtInitialisation);
    }

    #[test]
    fn lost_directions_come_before_all_else() {
        assert_eq!(label(&untouched(), 128), Label::RankDeficient);
        let unmeasured = facts::unmeasured("a");
        assert_eq!(label(&unmeasured, 200), Label::RankDeficient);
        assert_eq!(label(&unmeasured, 0), Label::Undecided);
        // f32 keeps 24 bits, f64 53.
        let values = [1.0, 1e-9];
        assert_eq!(Lost::among(&values, &Dtype::F32).count, 1);
        assert_eq!(Lost::among(&values, &Dtype::F64).count, 0);
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
