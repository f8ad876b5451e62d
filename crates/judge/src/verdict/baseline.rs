//! Nothing is worse than it was in an earlier audit.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Check, Finding, Level, Ruling};
use crate::compare::{
    ComparedFigure, Comparison, FigureChange, FigureSides, Pair, Unmatched, figure_format,
};
use randomlike_maths::stats::GOE_RATIO;

/// Level and tolerances of the check: by how much a figure may get worse.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What a failure means for the gate.
    pub level: Level,
    /// A change of at most this many of its own units is noise.
    pub noise: f64,
    /// KS of the weights to the fitted normal.
    pub weights_ks: f64,
    /// W₁ of the weights to the fitted normal, in standard deviations.
    pub weights_wasserstein: f64,
    /// Size of the weights' excess kurtosis.
    pub weights_excess_kurtosis: f64,
    /// Spread of the biases over that of a typical input sum.
    pub biases_spread: f64,
    /// KS of the singular values over its null's 99 % point.
    pub spectrum_ks: f64,
    /// Largest singular value over the upper edge of the law.
    pub spectrum_edge: f64,
    /// Singular values outside the edges, on each side.
    pub spectrum_outliers: f64,
    /// Directions lost.
    pub spectrum_rank_loss: f64,
    /// Distance of the level ratio from that of a random matrix.
    pub spectrum_level_ratio: f64,
    /// Error in reverse over that of the shuffled weights.
    pub shadow_ratio: f64,
}

/// A figure that can get worse.
struct Gated {
    figure: &'static str,
    /// Grows as the figure gets worse.
    badness: fn(f64) -> f64,
    tolerance: fn(&Baseline) -> f64,
    meaning: &'static str,
}

const GATED: [Gated; 11] = [
    Gated {
        figure: "weights.ks",
        badness: as_it_is,
        tolerance: |b| b.weights_ks,
        meaning: "The weights are farther from a bell curve than they were.",
    },
    Gated {
        figure: "weights.wasserstein",
        badness: as_it_is,
        tolerance: |b| b.weights_wasserstein,
        meaning: "The weights, their tails above all, are farther from a bell curve than they were.",
    },
    Gated {
        figure: "weights.excess_kurtosis",
        badness: f64::abs,
        tolerance: |b| b.weights_excess_kurtosis,
        meaning: "The tails of the weights are farther from those of a bell curve than they were.",
    },
    Gated {
        figure: "biases.spread_ratio",
        badness: as_it_is,
        tolerance: |b| b.biases_spread,
        meaning: "The biases are farther from one constant than they were.",
    },
    Gated {
        figure: "spectrum.ks_over_null",
        badness: as_it_is,
        tolerance: |b| b.spectrum_ks,
        meaning: "The singular values are farther from their law than they were.",
    },
    Gated {
        figure: "spectrum.edge_ratio",
        badness: as_it_is,
        tolerance: |b| b.spectrum_edge,
        meaning: "The direction that the layer stretches most stands out more than it did.",
    },
    Gated {
        figure: "spectrum.outliers_above",
        badness: as_it_is,
        tolerance: |b| b.spectrum_outliers,
        meaning: "More directions are stretched beyond chance than were.",
    },
    Gated {
        figure: "spectrum.outliers_below",
        badness: as_it_is,
        tolerance: |b| b.spectrum_outliers,
        meaning: "More directions are squeezed beyond chance than were.",
    },
    Gated {
        figure: "spectrum.rank_loss",
        badness: as_it_is,
        tolerance: |b| b.spectrum_rank_loss,
        meaning: "The layer lost directions that it had.",
    },
    Gated {
        figure: "spectrum.level_ratio",
        badness: |ratio| (ratio - GOE_RATIO).abs(),
        tolerance: |b| b.spectrum_level_ratio,
        meaning: "Neighbouring singular values keep less like those of a random matrix than they did.",
    },
    Gated {
        figure: "shadow.ratio",
        badness: as_it_is,
        tolerance: |b| b.shadow_ratio,
        meaning: "Run in reverse and forward again, the layer gives codes back worse than it did.",
    },
];

const fn as_it_is(value: f64) -> f64 {
    value
}

impl Baseline {
    /// The findings on a layer that is in both: one a figure that got worse, one a section that
    /// is no longer measured, and otherwise one that nothing is worse.
    pub(super) fn judge(&self, pair: &Pair) -> Vec<Finding> {
        let mut rulings: Vec<Ruling> = lost(pair).collect();
        let mut compared = 0;
        for gated in &GATED {
            let Some(change) = pair.figure(gated.figure).and_then(ComparedFigure::change) else {
                continue;
            };
            compared += 1;
            rulings.extend(self.worse(gated, change));
        }
        if rulings.is_empty() {
            rulings.push(self.as_it_was(compared));
        }
        self.findings(rulings, &pair.b.name)
    }

    /// The finding on a layer that the baseline has and the checkpoint has not.
    pub(super) fn gone(&self, layer: &Unmatched) -> Finding {
        let ruling = Ruling::new(
            false,
            format!(
                "the baseline has this layer, {} in, {} out; the checkpoint has none of this name",
                layer.fan_in, layer.fan_out
            ),
            "every layer of the baseline is still measured".to_owned(),
            "What was known of this layer is no longer: it was removed, renamed, or left out of \
             the measurement."
                .to_owned(),
        );
        ruling.finding(Check::Baseline, Some(&layer.name), self.level)
    }

    /// The finding on a layer that the baseline does not have.
    pub(super) fn new_layer(&self, layer: &Unmatched) -> Finding {
        let ruling = Ruling::skipped(
            "the baseline has no layer of this name".to_owned(),
            self.limit(),
            "A new layer cannot be worse than it was; the other checks judge it.",
        );
        ruling.finding(Check::Baseline, Some(&layer.name), self.level)
    }

    fn findings(&self, rulings: Vec<Ruling>, layer: &str) -> Vec<Finding> {
        let finding = |ruling: Ruling| ruling.finding(Check::Baseline, Some(layer), self.level);
        rulings.into_iter().map(finding).collect()
    }

    fn limit(&self) -> String {
        format!(
            "no figure worse than in the baseline by more than its tolerance and {} of its units",
            self.noise
        )
    }

    fn as_it_was(&self, compared: usize) -> Ruling {
        if compared == 0 {
            return Ruling::skipped(
                "not judged: neither the baseline nor the checkpoint has a figure".to_owned(),
                self.limit(),
                "Whether this layer got worse is unknown.",
            );
        }
        Ruling::new(
            true,
            format!("{compared} figures compared, none worse beyond its tolerance"),
            self.limit(),
            "The layer is as random-like as it was, or more so.".to_owned(),
        )
    }

    /// What is wrong with a figure that got worse by more than its tolerance and noise.
    fn worse(&self, gated: &Gated, change: &FigureChange) -> Option<Ruling> {
        let worse = (gated.badness)(change.b) - (gated.badness)(change.a);
        let tolerance = (gated.tolerance)(self);
        let units = change.unit.map(|unit| worse / unit);
        if worse <= tolerance || units.is_some_and(|units| units <= self.noise) {
            return None;
        }
        let in_units = units.map_or_else(String::new, |units| format!(", {units:.1} of its units"));
        let noise = units.map_or_else(String::new, |_| format!(", or {} of its units", self.noise));
        let words = figure_format(gated.figure);
        Some(Ruling::new(
            false,
            format!(
                "{} {} was {} in the baseline: worse by {}{in_units}",
                gated.figure,
                words(change.b),
                words(change.a),
                words(worse)
            ),
            format!("worse by at most {tolerance}{noise}"),
            gated.meaning.to_owned(),
        ))
    }
}

/// A finding for each section that had figures in the baseline and has fewer now, whatever the
/// reason: a layer nobody can look at any more is no better.
fn lost(pair: &Pair) -> impl Iterator<Item = Ruling> {
    let mut by_section: BTreeMap<&str, (Vec<&str>, &str)> = BTreeMap::new();
    for gated in pair.figures.iter().filter(|f| is_gated(&f.name)) {
        if let FigureSides::OnlyInA { reason, .. } = &gated.sides {
            let (section, name) = gated.name.split_once('.').unwrap_or((&gated.name, ""));
            let entry = by_section.entry(section).or_insert((Vec::new(), reason));
            entry.0.push(name);
        }
    }
    by_section.into_iter().map(|(section, (names, reason))| {
        Ruling::new(
            false,
            format!(
                "no longer measured: {section} ({}): {reason}",
                names.join(", ")
            ),
            "what was measured in the baseline is still measured".to_owned(),
            "Whether this part of the layer got worse is unknown, where it was known before."
                .to_owned(),
        )
    })
}

fn is_gated(name: &str) -> bool {
    GATED.iter().any(|gated| gated.figure == name)
}

/// Whether anything in the comparison could be judged.
pub(super) fn tells_something(comparison: &Comparison) -> bool {
    let figures = comparison.layers.iter().flat_map(|pair| &pair.figures);
    figures
        .filter(|figure| is_gated(&figure.name))
        .any(|figure| {
            matches!(
                figure.sides,
                FigureSides::Compared(_) | FigureSides::OnlyInA { .. }
            )
        })
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;
    use crate::verdict::{Check, Finding, Judgement, Level, Outcome, judge_beside};
    use randomlike_core::audit::example as facts;
    use randomlike_core::audit::{Audit, BiasKind, LayerFacts, Section};
    use randomlike_core::shadow::Estimate;

    fn beside(now: Vec<LayerFacts>, before: Vec<LayerFacts>, policy: &str) -> Judgement {
        let policy = Policy::parse(policy, "own.toml".as_ref()).unwrap();
        judge_beside(&facts::audit(now), &facts::audit(before), &policy).unwrap()
    }

    fn of_baseline(judgement: &Judgement) -> Vec<&Finding> {
        let of = |f: &&Finding| f.check == Check::Baseline;
        judgement.findings.iter().filter(of).collect()
    }

    /// The findings on a layer that was healthy and is now this one.
    fn after(now: LayerFacts) -> Vec<Finding> {
        let judgement = beside(vec![now], vec![facts::layer("a")], "");
        of_baseline(&judgement).into_iter().cloned().collect()
    }

    fn fails(found: &[Finding], of: &str) -> bool {
        found
            .iter()
            .any(|f| f.outcome == Outcome::Fail && f.measured.starts_with(of))
    }

    #[test]
    fn the_same_audit_is_no_worse() {
        let found = after(facts::layer("a"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].outcome, Outcome::Pass);
        assert!(found[0].measured.starts_with("11 figures"), "{found:?}");
    }

    fn kurtosis(value: f64) -> LayerFacts {
        facts::with_weights(facts::layer("a"), |w| {
            w.gaussian = Some(randomlike_core::audit::GaussianDistance {
                excess_kurtosis: value,
                ..facts::gaussian()
            });
        })
    }

    fn ks(value: f64) -> LayerFacts {
        facts::with_weights(facts::layer("a"), |w| {
            w.gaussian = Some(randomlike_core::audit::GaussianDistance {
                ks: value,
                ..facts::gaussian()
            });
        })
    }

    // Healthy: KS .0018, kurtosis .01. Tolerances .01 and .5, far beyond noise at 131,072.
    #[test]
    fn a_figure_beyond_its_tolerance_fails_and_within_passes() {
        assert!(!fails(&after(ks(0.0117)), "weights.ks"));
        assert!(fails(&after(ks(0.0119)), "weights.ks"));
        assert!(!fails(&after(kurtosis(0.5)), "weights.excess_kurtosis"));
        assert!(fails(&after(kurtosis(0.52)), "weights.excess_kurtosis"));
        // From either side.
        assert!(fails(&after(kurtosis(-0.52)), "weights.excess_kurtosis"));
    }

    #[test]
    fn better_is_no_finding() {
        let bad = || vec![ks(0.2)];
        let judgement = beside(vec![facts::layer("a")], bad(), "");
        assert!(
            of_baseline(&judgement)
                .iter()
                .all(|f| f.outcome == Outcome::Pass)
        );
        assert!(!judgement.fails());
    }

    #[test]
    fn each_figure_of_the_spectrum_the_biases_and_the_shadow() {
        let spectrum = |change: fn(&mut randomlike_core::audit::Spectrum)| {
            after(facts::with_spectrum(facts::layer("a"), change))
        };
        assert!(fails(
            &spectrum(|s| s.ks_median = 0.03),
            "spectrum.ks_over_null"
        ));
        assert!(!fails(
            &spectrum(|s| s.ks_median = 0.02),
            "spectrum.ks_over_null"
        ));
        assert!(fails(
            &spectrum(|s| s.outliers_above = 2),
            "spectrum.outliers_above"
        ));
        assert!(!fails(
            &spectrum(|s| s.outliers_above = 1),
            "spectrum.outliers_above"
        ));
        assert!(fails(
            &spectrum(|s| s.outliers_below = 2),
            "spectrum.outliers_below"
        ));
        assert!(fails(&spectrum(|s| s.rank_loss = 1), "spectrum.rank_loss"));
        assert!(fails(
            &spectrum(|s| s.spectral_norm = 1.5),
            "spectrum.edge_ratio"
        ));
        assert!(!fails(
            &spectrum(|s| s.spectral_norm = 1.2),
            "spectrum.edge_ratio"
        ));
        // One unit is √2·.30/16 = .0265: four of them are .106.
        assert!(fails(
            &spectrum(|s| s.level_ratio = Some(0.40)),
            "spectrum.level_ratio"
        ));
        assert!(!fails(
            &spectrum(|s| s.level_ratio = Some(0.44)),
            "spectrum.level_ratio"
        ));
        let spread = |ratio| {
            after(facts::with_biases(facts::layer("a"), |b| {
                (b.spread_ratio, b.kind) = (Some(ratio), Some(BiasKind::Varied));
            }))
        };
        assert!(fails(&spread(0.1), "biases.spread_ratio"));
        assert!(!fails(&spread(0.02), "biases.spread_ratio"));
        let ratio = |mean, error| {
            after(facts::with_shadow(facts::layer("a"), |s| {
                s.ratio = Estimate { mean, error };
            }))
        };
        assert!(fails(&ratio(1.4, 0.03), "shadow.ratio"));
        // The same change within four units of noise.
        assert!(!fails(&ratio(1.4, 0.2), "shadow.ratio"));
    }

    #[test]
    fn a_layer_that_is_gone_or_no_longer_measured_fails() {
        let judgement = beside(
            vec![facts::layer("a"), facts::layer("new")],
            vec![facts::layer("a"), facts::layer("gone")],
            "",
        );
        let of = |name: &str| {
            judgement
                .for_layer(name)
                .find(|f| f.check == Check::Baseline)
        };
        assert_eq!(of("gone").unwrap().outcome, Outcome::Fail);
        assert_eq!(of("new").unwrap().outcome, Outcome::Skipped);
        assert_eq!(of("a").unwrap().outcome, Outcome::Pass);
        assert!(judgement.fails());
        let mut blind = facts::layer("a");
        blind.spectrum = Section::Skipped {
            reason: "all weights are zero".into(),
        };
        let found = after(blind);
        assert_eq!(found.len(), 1);
        assert!(fails(
            &found,
            "no longer measured: spectrum (edge_ratio, rank_loss, ks_over_null"
        ));
        assert!(found[0].measured.ends_with("): all weights are zero"));
    }

    #[test]
    fn tolerances_can_be_set_by_pattern_a_layer_that_is_gone_included() {
        let policy = "[baseline]\nweights_ks = 0.5\n\
                      [[layer]]\npattern = \"gone\"\nbaseline = { level = \"warn\" }\n";
        let judgement = beside(
            vec![ks(0.1)],
            vec![facts::layer("a"), facts::layer("gone")],
            policy,
        );
        let found = of_baseline(&judgement);
        assert_eq!(found[0].outcome, Outcome::Pass, "{found:?}");
        assert_eq!(
            (found[1].outcome, found[1].level),
            (Outcome::Fail, Level::Warn)
        );
        assert!(!judgement.findings.iter().any(|f| {
            f.check == Check::Baseline && f.outcome == Outcome::Fail && f.level == Level::Deny
        }));
    }

    // Figures that another seed gave may differ by chance alone.
    #[test]
    fn a_baseline_with_other_settings_is_told() {
        let now = facts::audit(vec![facts::layer("a")]);
        let notes = |before: &Audit| {
            judge_beside(&now, before, &Policy::default())
                .unwrap()
                .notes
        };
        assert!(notes(&now).is_empty());
        let mut before = now.clone();
        before.settings.seed = 1;
        before.tool.version = "0.0.9".into();
        assert_eq!(
            notes(&before),
            [
                "The baseline was measured by version 0.0.9, this audit by 0.1.0.",
                "The baseline and this audit were measured with other settings: seed."
            ]
        );
    }

    #[test]
    fn a_baseline_that_measured_nothing_is_refused() {
        let now = facts::audit(vec![facts::layer("a")]);
        let refused = |before: &Audit| judge_beside(&now, before, &Policy::default()).unwrap_err();
        let error = refused(&facts::audit(vec![facts::unmeasured("a")])).to_string();
        assert!(error.contains("baseline"), "{error}");
        let error = refused(&facts::audit(vec![])).to_string();
        assert!(error.contains("no layer"), "{error}");
    }
}
