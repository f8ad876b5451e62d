//! Every figure that is compared, and where its standard error comes from.
//!
//! c is the number of weights, m that of biases, M that of singular values, κ the excess
//! kurtosis. Each error is that of one layer as one draw of its law.
//!
//! | figure | standard error | source |
//! |---|---|---|
//! | `weights.mean`, `biases.mean` | std/√c, std/√m | textbook |
//! | `weights.std` | std·√((κ + 2)/4c) | Cramér 1946, §27.7, by the delta method |
//! | `weights.skewness` | √(6/c) | Cramér 1946, §29.3, for a normal law; only while \|κ\| is at most `labels.heavy_excess_kurtosis` of the policy |
//! | `weights.excess_kurtosis` | √(24/c) | the same |
//! | `weights.ks` | 1/(2√c) | at most √(F(1 − F)/c) (Raghavachari 1973) |
//! | `weights.wasserstein` | 1/√c | at most: derived in docs/compare.md |
//! | shares (`zero_fraction`, `positive_fraction`) | √(p(1 − p)/c) | binomial |
//! | `biases.std`, `biases.spread_ratio` | value/√(2m) | as `weights.std`, for a normal law |
//! | `biases.mean_ratio` | that of the mean, on the same scale | textbook |
//! | `spectrum.spectral_norm`, `stable_rank`, `edge_ratio` | 1.268 τ s/(2√μ) | Johnstone 2001; without outliers only |
//! | `spectrum.ks_over_null` | √(ln M)/(πM) over the null | O'Rourke 2010: the count of values below a point |
//! | `spectrum.level_ratio` | .30/√M | docs/theory.md §3 |
//! | `spectrum.alpha` | the fit's own | Clauset, Shalizi & Newman 2009 |
//! | `shadow.*` | as measured | over draws, and shuffles for the ratio |
//!
//! The rest (ranks, counts, the scale from the median, W₁ of the spectrum) has no error that
//! theory gives, and is shown with its plain change.

use std::f64::consts::PI;

use super::JudgedLayer;
use super::compared_figure::{ComparedFigure, FigureSides, Reading};
use crate::label::LabelLimits;
use randomlike_core::audit::{Biases, Bulk, LayerFacts, LayerShadow, Section, Spectrum, Weights};
use randomlike_core::shadow::Estimate;
use randomlike_core::skip::Unmeasured;
use randomlike_maths::stats::laws::edges;

/// A figure of one side, or why it has none.
pub(super) type Found = Result<Reading, Unmeasured>;

/// A figure by name, and the way to it.
struct LayerFigure {
    name: &'static str,
    read: fn(&LayerFacts) -> Found,
    /// Whether its error is that under a normal law: where the tails are heavy it takes moments
    /// up to the eighth, which no audit holds.
    needs_a_normal_law: bool,
}

const fn quantity(name: &'static str, read: fn(&LayerFacts) -> Found) -> LayerFigure {
    LayerFigure {
        name,
        read,
        needs_a_normal_law: false,
    }
}

const fn of_a_normal_law(name: &'static str, read: fn(&LayerFacts) -> Found) -> LayerFigure {
    LayerFigure {
        needs_a_normal_law: true,
        ..quantity(name, read)
    }
}

impl LayerFigure {
    fn read(&self, layer: &LayerFacts, limits: &LabelLimits) -> Found {
        let mut reading = (self.read)(layer)?;
        let kurtosis = layer.weights.measured().map_or(0.0, kurtosis);
        if self.needs_a_normal_law && kurtosis.abs() > limits.heavy_excess_kurtosis {
            reading.error = None;
        }
        Ok(reading)
    }
}

/// All figures, in the order of the sections.
const LAYER_FIGURES: [LayerFigure; 38] = [
    quantity("non_finite", |l| {
        Ok(Reading::plain(l.non_finite.total() as f64))
    }),
    quantity("weights.mean", |l| {
        weights(l, |w| Some(Reading::with(w.mean, w.std / root(w.count))))
    }),
    quantity("weights.std", |l| weights(l, |w| Some(std(w)))),
    of_a_normal_law("weights.skewness", |l| {
        weights(l, |w| {
            Some(Reading::with(w.skewness?, 6_f64.sqrt() / root(w.count)))
        })
    }),
    of_a_normal_law("weights.excess_kurtosis", |l| {
        weights(l, |w| {
            let value = w.gaussian.as_ref()?.excess_kurtosis;
            Some(Reading::with(value, 24_f64.sqrt() / root(w.count)))
        })
    }),
    quantity("weights.ks", |l| {
        weights(l, |w| {
            Some(Reading::with(w.gaussian.as_ref()?.ks, 0.5 / root(w.count)))
        })
    }),
    quantity("weights.wasserstein", |l| {
        weights(l, |w| {
            let value = w.gaussian.as_ref()?.wasserstein;
            Some(Reading::with(value, 1.0 / root(w.count)))
        })
    }),
    quantity("weights.negentropy", |l| {
        weights(l, |w| Some(Reading::plain(w.gaussian.as_ref()?.negentropy)))
    }),
    quantity("weights.zero_fraction", |l| {
        weights(l, |w| Some(share(w.zero_fraction, w.count)))
    }),
    quantity("weights.min", |l| {
        weights(l, |w| Some(Reading::plain(w.min)))
    }),
    quantity("weights.max", |l| {
        weights(l, |w| Some(Reading::plain(w.max)))
    }),
    quantity("biases.mean", |l| {
        biases(l, |b| Some(Reading::with(b.mean, b.std / root(b.count))))
    }),
    quantity("biases.std", |l| {
        biases(l, |b| {
            Some(Reading::with(b.std, b.std / root_of_twice(b.count)))
        })
    }),
    quantity("biases.spread_ratio", |l| {
        biases(l, |b| {
            let ratio = b.spread_ratio?;
            Some(Reading::with(ratio, ratio / root_of_twice(b.count)))
        })
    }),
    quantity("biases.mean_ratio", |l| {
        biases(l, |b| {
            Some(Reading::with(
                b.mean_ratio?,
                b.spread_ratio? / root(b.count),
            ))
        })
    }),
    quantity("biases.positive_fraction", |l| {
        biases(l, |b| Some(share(b.positive_fraction, b.count)))
    }),
    quantity("spectrum.spectral_norm", |l| {
        spectrum(l, |s| {
            Some(on_the_edge(s, s.spectral_norm, s.spectral_norm))
        })
    }),
    quantity("spectrum.edge_ratio", |l| {
        spectrum(l, |s| {
            let ratio = s.spectral_norm / s.edge_upper;
            ratio.is_finite().then(|| on_the_edge(s, ratio, ratio))
        })
    }),
    quantity("spectrum.smallest", |l| {
        spectrum(l, |s| Some(Reading::plain(s.smallest)))
    }),
    quantity("spectrum.frobenius_norm", |l| {
        spectrum(l, |s| Some(Reading::plain(s.frobenius_norm)))
    }),
    quantity("spectrum.sigma_median", |l| {
        spectrum(l, |s| Some(Reading::plain(s.sigma_median)))
    }),
    quantity("spectrum.stable_rank", |l| {
        // Σσ²/σ₁² loses twice the share by which σ₁ grows.
        spectrum(l, |s| {
            Some(on_the_edge(s, s.stable_rank, 2.0 * s.stable_rank))
        })
    }),
    quantity("spectrum.effective_rank", |l| {
        spectrum(l, |s| Some(Reading::plain(s.effective_rank)))
    }),
    quantity("spectrum.rank_loss", |l| {
        spectrum(l, |s| Some(Reading::plain(s.rank_loss as f64)))
    }),
    quantity("spectrum.ks_over_null", |l| spectrum(l, ks_over_null)),
    quantity("spectrum.wasserstein", |l| {
        spectrum(l, |s| Some(Reading::plain(s.wasserstein)))
    }),
    quantity("spectrum.outliers_above", |l| {
        spectrum(l, |s| Some(Reading::plain(s.outliers_above as f64)))
    }),
    quantity("spectrum.outliers_below", |l| {
        spectrum(l, |s| Some(Reading::plain(s.outliers_below as f64)))
    }),
    quantity("spectrum.level_ratio", |l| {
        spectrum(l, |s| {
            let error = 0.30 / root(s.count() as u64);
            Some(Reading::with(s.level_ratio?, error))
        })
    }),
    quantity("spectrum.bulk_share", |l| bulk(l, |bulk| bulk.share)),
    quantity("spectrum.bulk_energy", |l| bulk(l, |bulk| bulk.energy)),
    quantity("spectrum.alpha", |l| {
        spectrum(l, |s| {
            let fit = s.power_law?;
            Some(Reading::with(fit.alpha, fit.sigma))
        })
    }),
    quantity("shadow.relative_error", |l| {
        shadow(l, |s| Some(estimate(&s.layer.calibrated.relative_error)))
    }),
    quantity("shadow.cosine", |l| {
        shadow(l, |s| Some(estimate(&s.layer.calibrated.cosine)))
    }),
    quantity("shadow.gain", |l| {
        shadow(l, |s| Some(estimate(&s.layer.gain)))
    }),
    quantity("shadow.support_recall", |l| {
        shadow(l, |s| Some(estimate(&s.layer.calibrated.support_recall)))
    }),
    quantity("shadow.shuffled_error", |l| {
        shadow(l, |s| {
            Some(estimate(&s.controls.shuffled.calibrated.relative_error))
        })
    }),
    quantity("shadow.ratio", |l| shadow(l, |s| Some(estimate(&s.ratio)))),
];

/// Every figure of two layers, side by side.
pub(super) fn compare(a: &JudgedLayer<'_>, b: &JudgedLayer<'_>) -> Vec<ComparedFigure> {
    let read = |figure: &LayerFigure, of: &JudgedLayer<'_>| figure.read(of.facts, &of.labels);
    LAYER_FIGURES
        .iter()
        .map(|figure| ComparedFigure {
            name: figure.name.into(),
            sides: FigureSides::from_readings(read(figure, a), read(figure, b)),
        })
        .collect()
}

/// The reading of a section that was measured, or why there is none.
pub(super) fn within<T>(section: &Section<T>, of: impl Fn(&T) -> Option<Reading>) -> Found {
    match section {
        Section::Skipped { reason } => Err(reason.clone()),
        Section::Measured(facts) => of(facts)
            .filter(|reading| reading.value.is_finite())
            .ok_or(Unmeasured::NoSuchFigure),
    }
}

fn weights(layer: &LayerFacts, of: impl Fn(&Weights) -> Option<Reading>) -> Found {
    within(&layer.weights, of)
}

fn biases(layer: &LayerFacts, of: impl Fn(&Biases) -> Option<Reading>) -> Found {
    within(&layer.biases, of)
}

fn spectrum(layer: &LayerFacts, of: impl Fn(&Spectrum) -> Option<Reading>) -> Found {
    within(&layer.spectrum, of)
}

fn shadow(layer: &LayerFacts, of: impl Fn(&LayerShadow) -> Option<Reading>) -> Found {
    within(&layer.shadow, of)
}

fn root(count: u64) -> f64 {
    (count.max(1) as f64).sqrt()
}

/// √2c.
fn root_of_twice(count: u64) -> f64 {
    std::f64::consts::SQRT_2 * root(count)
}

/// 0 for constant weights.
fn kurtosis(weights: &Weights) -> f64 {
    let gaussian = weights.gaussian.as_ref();
    gaussian.map_or(0.0, |gaussian| gaussian.excess_kurtosis)
}

/// std·√((κ + 2)/4c).
fn std(weights: &Weights) -> Reading {
    let spread = (0.25 * (kurtosis(weights) + 2.0).max(0.0)).sqrt();
    Reading::with(weights.std, weights.std * spread / root(weights.count))
}

/// √(p(1 − p)/c).
fn share(p: f64, count: u64) -> Reading {
    Reading::with(p, (p * (1.0 - p)).max(0.0).sqrt() / root(count))
}

/// A figure that moves by `slope` times the share by which σ₁ moves; the law of σ₁ is known
/// while it belongs to the bulk.
fn on_the_edge(spectrum: &Spectrum, value: f64, slope: f64) -> Reading {
    if spectrum.outliers_above > 0 || spectrum.spectral_norm <= 0.0 {
        return Reading::plain(value);
    }
    let m = spectrum.count();
    let n = (m as f64 / spectrum.aspect).round() as usize;
    let error = edges::upper_spread(n, m, spectrum.sigma_median);
    Reading::with(value, slope * error / spectrum.spectral_norm)
}

/// Where the bulk ends is a search, of which theory knows no error.
fn bulk(layer: &LayerFacts, of: fn(&Bulk) -> f64) -> Found {
    spectrum(layer, |s| {
        let bulk = s.bulk.measured()?;
        Some(Reading::plain(of(bulk)))
    })
}

/// √(ln M)/(πM): the standard deviation of the share of eigenvalues below a point of the bulk of
/// a real random matrix, to leading order (O'Rourke 2010).
fn ks_over_null(spectrum: &Spectrum) -> Option<Reading> {
    let m = spectrum.count().max(2) as f64;
    let value = spectrum.ks_median / spectrum.ks_null_q99;
    let error = m.ln().sqrt() / (PI * m) / spectrum.ks_null_q99;
    (value.is_finite() && error.is_finite()).then(|| Reading::with(value, error))
}

pub(super) const fn estimate(estimate: &Estimate) -> Reading {
    Reading::with(estimate.mean, estimate.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution as _, Exp1, StandardNormal};
    use randomlike_core::analysis;
    use randomlike_core::audit::example as facts;

    #[derive(Debug, Clone, Copy)]
    enum PlantedLaw {
        Normal,
        Laplace,
    }

    fn reading(name: &str, layer: &LayerFacts) -> Found {
        let figure = LAYER_FIGURES.iter().find(|f| f.name == name).unwrap();
        figure.read(layer, Policy::default().rules().labels())
    }

    fn error(name: &str, layer: &LayerFacts) -> f64 {
        reading(name, layer).unwrap().error.unwrap()
    }

    // The healthy layer: c = 131,072 weights of sd .03, 256 values, 256 biases of sd .001.
    #[test]
    fn errors_by_hand() {
        let layer = facts::layer("a");
        let near = |name: &str, wanted: f64| {
            let found = error(name, &layer);
            assert!((found / wanted - 1.0).abs() < 2e-3, "{name}: {found}");
        };
        near("weights.mean", 0.03 / 362.04);
        near("weights.std", 0.03 * (2.01_f64 / 4.0).sqrt() / 362.04);
        near("weights.excess_kurtosis", 0.013_531_6);
        near("weights.ks", 0.001_381);
        near("biases.mean", 0.001 / 16.0);
        near("spectrum.level_ratio", 0.30 / 16.0);
        near(
            "spectrum.ks_over_null",
            5.545_2_f64.sqrt() / (PI * 256.0) / 0.0141,
        );
    }

    #[test]
    fn an_outlier_has_no_tracy_widom_law() {
        let on = facts::layer("a");
        let off = facts::with_spectrum(facts::layer("a"), |s| s.outliers_above = 1);
        for name in [
            "spectrum.spectral_norm",
            "spectrum.stable_rank",
            "spectrum.edge_ratio",
        ] {
            assert!(reading(name, &on).unwrap().error.is_some(), "{name}");
            assert!(reading(name, &off).unwrap().error.is_none(), "{name}");
        }
    }

    #[test]
    fn heavy_tails_leave_the_higher_moments_no_error() {
        let with = |kurtosis: f64| {
            facts::with_weights(facts::layer("a"), |w| {
                w.gaussian = Some(randomlike_core::audit::GaussianDistance {
                    excess_kurtosis: kurtosis,
                    ..facts::gaussian()
                });
            })
        };
        for name in ["weights.skewness", "weights.excess_kurtosis"] {
            assert!(reading(name, &with(-1.0)).unwrap().error.is_some());
            assert!(reading(name, &with(1.1)).unwrap().error.is_none());
        }
    }

    #[test]
    fn no_figure_is_named_twice() {
        let mut names: Vec<&str> = LAYER_FIGURES.iter().map(|q| q.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LAYER_FIGURES.len());
    }

    #[test]
    fn a_section_that_was_not_measured_gives_its_reason() {
        let layer = facts::unmeasured("a");
        let why = reading("weights.ks", &layer).unwrap_err();
        assert_eq!(why.to_string(), "too small");
        assert!(reading("non_finite", &layer).is_ok());
    }

    /// 96 inputs by 64 outputs of independent entries of sd 1.
    fn drawn(law: PlantedLaw, seed: u64) -> LayerFacts {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut entry = || match law {
            PlantedLaw::Normal => StandardNormal.sample(&mut rng),
            // The difference of two exponentials has Laplace's law, of variance 2.
            PlantedLaw::Laplace => {
                let (a, b): (f64, f64) = (Exp1.sample(&mut rng), Exp1.sample(&mut rng));
                (a - b) / 2_f64.sqrt()
            }
        };
        let entries: Vec<f64> = (0..96 * 64).map(|_| entry()).collect();
        let options = analysis::Options {
            alone: true,
            ..analysis::Options::default()
        };
        let audit = analysis::measure_entries(&entries, (96, 64), &options);
        audit.unwrap().layers.remove(0)
    }

    // Spread over 60 seeded layers against the error each states: no more than 1.3 times as
    // large (its own sampling error is 9 %), nor is the statement idle. KS and W₁ are bounds, and
    // the KS of a spectrum to a fitted scale spreads less than one count. The moments of Laplace
    // weights have no error, nor has σ₁ where a heavy tail makes it an outlier, 13 times of 60 here.
    #[test]
    fn stated_errors_are_those_of_repeated_draws() {
        for law in [PlantedLaw::Normal, PlantedLaw::Laplace] {
            let layers: Vec<LayerFacts> = (1..=60).map(|seed| drawn(law, seed)).collect();
            let normal: &[(&str, f64)] = match law {
                PlantedLaw::Normal => &[
                    ("weights.skewness", 0.75),
                    ("weights.excess_kurtosis", 0.75),
                    ("spectrum.spectral_norm", 0.7),
                    ("spectrum.edge_ratio", 0.7),
                    ("spectrum.stable_rank", 0.7),
                ],
                PlantedLaw::Laplace => &[],
            };
            let both = [
                ("weights.mean", 0.75),
                ("weights.std", 0.75),
                ("weights.ks", 0.2),
                ("weights.wasserstein", 0.15),
                ("spectrum.ks_over_null", 0.4),
                ("spectrum.level_ratio", 0.7),
            ];
            for &(name, least) in normal.iter().chain(&both) {
                // An edge with an outlier has no error.
                let found: Vec<(f64, f64)> = layers
                    .iter()
                    .filter_map(|layer| reading(name, layer).ok())
                    .filter_map(|reading| Some((reading.value, reading.error?)))
                    .collect();
                assert!(found.len() > 50, "{law:?} {name}: {}", found.len());
                let values: Vec<f64> = found.iter().map(|r| r.0).collect();
                let spread = randomlike_maths::stats::Spread::of(&values).unwrap().std;
                let stated = found.iter().map(|r| r.1).sum::<f64>() / found.len() as f64;
                let ratio = spread / stated;
                assert!((least..1.3).contains(&ratio), "{law:?} {name}: {ratio}");
            }
        }
    }
}
