//! A layer beside its earlier state.

use crate::policy::Policy;
use crate::verdict::{Check, Finding, FindingOutcome, Judgement, Severity, judge_beside};
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
        .any(|f| f.outcome == FindingOutcome::Fail && f.figure.as_deref() == Some(of))
}

#[test]
fn the_same_audit_is_no_worse() {
    let found = after(facts::layer("a"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].outcome, FindingOutcome::Pass);
    let compared = found[0].value("figures_compared");
    assert_eq!(compared.map(|value| value.value), Some(11.0));
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
            .all(|f| f.outcome == FindingOutcome::Pass)
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
    assert_eq!(of("gone").unwrap().outcome, FindingOutcome::Fail);
    assert_eq!(of("new").unwrap().outcome, FindingOutcome::Skipped);
    assert_eq!(of("a").unwrap().outcome, FindingOutcome::Pass);
    assert!(judgement.fails());
    let mut blind = facts::layer("a");
    blind.spectrum = Section::Skipped {
        reason: "all weights are zero".into(),
    };
    let found = after(blind);
    assert_eq!(found.len(), 1);
    assert!(fails(&found, "spectrum"));
    assert_eq!(found[0].case.name, "no-longer-measured");
    assert!(found[0].names["figures"].starts_with("edge_ratio, rank_loss, ks_over_null"));
    assert_eq!(found[0].names["why"], "all weights are zero");
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
    assert_eq!(found[0].outcome, FindingOutcome::Pass, "{found:?}");
    assert_eq!(
        (found[1].outcome, found[1].level),
        (FindingOutcome::Fail, Severity::Warn)
    );
    assert!(!judgement.findings.iter().any(|f| {
        f.check == Check::Baseline && f.outcome == FindingOutcome::Fail && f.level == Severity::Deny
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
