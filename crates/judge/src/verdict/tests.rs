use std::path::Path;

use super::*;
use crate::checks::SkipReason;
use randomlike_checkpoint::Dtype;
use randomlike_core::audit::example::{
    audit, balanced, gaussian, layer, unmeasured, with_balanced, with_biases, with_shadow,
    with_spectrum, with_start, with_weights,
};
use randomlike_core::audit::{
    BiasKind, Cause, GaussianDistance, Ledger, NonFiniteEntries, Section, TensorFacts,
};
use randomlike_core::layers::{self, Selection};
use serde_json::json;

fn judged(layer: LayerFacts) -> Judgement {
    judge(&audit(vec![layer]), &Policy::default()).unwrap()
}

fn finding(judgement: &Judgement, check: Check) -> &Finding {
    judgement
        .findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap()
}

/// The outcome of `check` on a checkpoint of this one layer.
fn outcome(check: Check, layer: LayerFacts) -> FindingOutcome {
    finding(&judged(layer), check).outcome
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, Path::new("own.toml")).unwrap()
}

/// With sound figures once the scales are divided out.
fn with_balanced_back(mut layer: LayerFacts) -> LayerFacts {
    layer.balanced = Section::Measured(balanced());
    layer
}

fn distance(ks: f64, wasserstein: f64, excess_kurtosis: f64) -> GaussianDistance {
    GaussianDistance {
        excess_kurtosis,
        ks,
        wasserstein,
        ..gaussian()
    }
}

fn gaussian_outcome(facts: GaussianDistance) -> FindingOutcome {
    outcome(
        Check::WeightsGaussian,
        with_weights(layer("a"), |w| w.gaussian = Some(facts)),
    )
}

// An outlier that survives shuffling is told with what makes it.
#[test]
fn what_makes_an_outlier_is_told() {
    let mut layer = with_spectrum(layer("a"), |s| s.outliers_above = 2);
    let edge = |layer: &LayerFacts| {
        let judgement = judged(layer.clone());
        finding(&judgement, Check::SpectralEdge).case.name
    };
    assert_eq!(edge(&layer), "outside");
    let Section::Measured(controls) = &mut layer.controls else {
        panic!("measured above");
    };
    let trap = json!({
        "cause": Cause::SingleEntries,
        "mean_visibility": 0.1,
        "entry_visibility": 3.0,
        "large_entries": 1,
        "without_mean": 1.5,
        "without_large_entries": 1.1,
    });
    controls.trap = serde_json::from_value(trap).unwrap();
    assert_eq!(edge(&layer), "one-by-single-entries");
}

#[test]
fn a_healthy_layer_passes_every_check() {
    let judgement = judged(layer("a"));
    assert_eq!(judgement.findings.len(), Check::of_one_audit().count());
    assert!(
        judgement
            .findings
            .iter()
            .all(|finding| finding.outcome == FindingOutcome::Pass),
        "{judgement:?}"
    );
    assert!(!judgement.fails());
}

// One import of one file is enough; many are counted.
#[test]
fn a_file_that_asks_for_more_than_tensors_is_told() {
    let of = |imports: &[&str]| {
        let mut audit = audit(vec![layer("a")]);
        audit.source.files[0].imports = imports.iter().map(|&name| name.to_owned()).collect();
        let judgement = judge(&audit, &Policy::default()).unwrap();
        assert!(!judgement.fails());
        finding(&judgement, Check::WeightsOnly).clone()
    };
    assert_eq!(of(&[]).outcome, FindingOutcome::Pass);
    let told = of(&["posix.system"]);
    assert_eq!(
        (told.outcome, told.level, told.layer),
        (FindingOutcome::Fail, Severity::Warn, None)
    );
    assert_eq!(told.names["imports"], "posix.system");
    assert!(
        of(&["a.b", "c.d", "e.f", "g.h", "i.j", "k.l"]).names["imports"].ends_with("and 1 more")
    );
}

#[test]
fn every_check_is_reported_once_in_order() {
    let judgement = judged(layer("a"));
    let checks: Vec<_> = judgement.findings.iter().map(|f| f.check).collect();
    assert_eq!(checks, Check::of_one_audit().collect::<Vec<_>>());
    let whole: Vec<_> = judgement.for_checkpoint().map(|f| f.check).collect();
    assert_eq!(whole, [Check::WeightsOnly, Check::Covered]);
}

#[test]
fn an_unmeasured_layer_never_passes() {
    let judgement = judge(
        &audit(vec![layer("a"), unmeasured("b")]),
        &Policy::default(),
    )
    .unwrap();
    assert!(
        judgement
            .for_layer("b")
            .all(|finding| finding.outcome == FindingOutcome::Skipped)
    );
    assert_eq!(judgement.for_layer("b").count(), 8);
}

#[test]
fn nothing_measured_is_an_error() {
    for layers in [vec![], vec![unmeasured("a")]] {
        let error = judge(&audit(layers), &Policy::default()).unwrap_err();
        assert!(matches!(error, Error::NothingMeasured { .. }), "{error}");
    }
}

#[test]
fn finite_fails_on_one_nan() {
    let mut broken = layer("a");
    broken.non_finite.bias_nan = 1;
    assert_eq!(outcome(Check::Finite, broken), FindingOutcome::Fail);
}

#[test]
fn nan_weights_fail_the_gate_though_nothing_else_is_measured() {
    let mut broken = unmeasured("a");
    broken.non_finite.weight_nan = 3;
    assert!(judged(broken).fails());
}

/// An audit of a healthy layer of 131,072 weights and one tensor more, which `layers` leaves out.
fn with_another(dtype: &str, shape: &[usize], selection: &Selection) -> Audit {
    let tensor = TensorFacts::new("q.weight", Dtype::named(dtype), shape);
    let left_out = layers::find(&[tensor], selection).unwrap().ledger;
    let mut audit = audit(vec![layer("a")]);
    audit.skipped = left_out.skipped();
    let entries = audit.ledger.unwrap().entries.into_iter();
    let entries = entries.chain(left_out.entries).collect();
    audit.ledger = Some(Ledger::new(entries, Vec::new()));
    audit
}

fn covered(audit: &Audit, policy: &str) -> Finding {
    let policy = Policy::parse(policy, Path::new("own.toml")).unwrap();
    finding(&judge(audit, &policy).unwrap(), Check::Covered).clone()
}

// 512 by 512 unread weights leave a third seen, 512 by 128 two thirds.
#[test]
fn covered_fails_on_one_matrix_that_could_not_be_read() {
    let all = Selection::default();
    let found = covered(&with_another("I8", &[512, 512], &all), "");
    assert_eq!(found.outcome, FindingOutcome::Fail);
    let share = found.value("share").unwrap();
    assert!((share.value - 100.0 / 3.0).abs() < 1e-9, "{found:?}");
    assert_eq!(found.names["unread_names"], "q.weight");
    assert_eq!(found.names["unread_reason"], "dtype I8 is not read");
    let outcome =
        |dtype, shape: &[usize], policy| covered(&with_another(dtype, shape, &all), policy).outcome;
    let (passes, fails) = (FindingOutcome::Pass, FindingOutcome::Fail);
    assert_eq!(outcome("I8", &[512, 128], ""), fails);
    let one = "[covered]\nmax_unread = 1\n";
    assert_eq!(outcome("I8", &[512, 128], one), passes);
    assert_eq!(outcome("I8", &[512, 512], one), fails, "a third");
    assert_eq!(outcome("I8", &[1 << 20], ""), passes, "no matrix");
    assert_eq!(outcome("BOOL", &[2048, 2048], ""), passes, "a mask");
    assert_eq!(outcome("F32", &[0], ""), fails, "`q.weight`, a placeholder");
    assert_eq!(outcome("F32", &[64, 64, 3, 3], ""), passes);
    assert_eq!(outcome("F32", &[512, 512, 3, 3], ""), fails, "most of it");
}

#[test]
fn covered_says_what_the_user_left_out() {
    let without = Selection {
        exclude: vec!["q".into()],
        ..Selection::default()
    };
    let small = with_another("F32", &[512, 128], &without);
    let found = covered(&small, "");
    assert_eq!(found.outcome, FindingOutcome::Fail);
    assert_eq!(found.names["left_out_names"], "q.weight");
    let seen = "[covered]\nselection = \"counts-as-seen\"\n";
    assert_eq!(covered(&small, seen).outcome, FindingOutcome::Pass);
    let most = with_another("F32", &[512, 512], &without);
    let found = covered(&most, seen);
    assert_eq!(found.outcome, FindingOutcome::Pass);
    let share = found.value("share").unwrap();
    assert!((share.value - 100.0).abs() < 1e-9, "{found:?}");
    let raised = Selection {
        min_size: 200,
        ..Selection::default()
    };
    let small = with_another("F32", &[512, 128], &raised);
    assert_eq!(covered(&small, "").outcome, FindingOutcome::Fail);
}

// Its layers and its list of skipped tensors are the ledger; of a sentence the dtype alone tells.
#[test]
fn an_audit_of_an_older_version_is_covered_as_far_as_it_says() {
    let older = |dtype, shape: &[usize], sentence: &str| {
        let mut audit = with_another(dtype, shape, &Selection::default());
        audit.ledger = None;
        audit.skipped[0].reason = sentence.into();
        covered(&audit, "").outcome
    };
    let convolution = "convolution (use --conv to include it)";
    let small = older("F32", &[64, 64, 3, 3], convolution);
    assert_eq!(small, FindingOutcome::Pass);
    let most = older("F32", &[512, 512, 3, 3], convolution);
    assert_eq!(most, FindingOutcome::Fail);
    let unread = older("I8", &[512, 128], "dtype I8 is not read");
    assert_eq!(unread, FindingOutcome::Fail);
}

#[test]
fn finite_looks_at_tensors_that_are_no_layer() {
    let with = |non_finite| {
        let mut audit = with_another("F32", &[64], &Selection::default());
        let entries = &mut audit.ledger.as_mut().unwrap().entries;
        entries.last_mut().unwrap().non_finite = Some(non_finite);
        let judgement = judge(&audit, &Policy::default()).unwrap();
        let mut of_all = judgement.for_checkpoint();
        of_all.find(|f| f.check == Check::Finite).unwrap().clone()
    };
    let sound = with(NonFiniteEntries::default());
    assert_eq!(sound.outcome, FindingOutcome::Pass);
    let damaged = with(NonFiniteEntries {
        nan: 2,
        infinite: 1,
        first: Some(17),
    });
    assert_eq!(damaged.outcome, FindingOutcome::Fail);
    let said = "`q.weight` (2 NaN and 1 infinite, the first at 17)";
    assert_eq!(damaged.names["damaged"], said);
}

// 64 weights and 8 singular values fit every law.
#[test]
fn covered_counts_no_layer_too_small_to_tell() {
    let tiny = |name: &str| {
        let facts = GaussianDistance {
            ks_floor: 0.114,
            wasserstein_floor: 0.151,
            ..gaussian()
        };
        let layer = with_weights(layer(name), |w| {
            (w.count, w.gaussian) = (64, Some(facts));
        });
        with_spectrum(layer, |s| s.singular_values.truncate(8))
    };
    let judgement = judged(tiny("a"));
    assert_eq!(
        finding(&judgement, Check::Covered).outcome,
        FindingOutcome::Fail
    );
    assert!(judgement.fails());
}

#[test]
fn too_few_weights_are_not_said_to_have_moved() {
    let few = |count| with_start(layer("a"), |start| start.count = count);
    let moved = |count| outcome(Check::MovedFromInitialisation, few(count));
    assert_eq!(moved(1599), FindingOutcome::Skipped);
    assert_eq!(moved(1600), FindingOutcome::Pass);
}

#[test]
fn covered_needs_half_of_the_weights() {
    let with_others = |others: usize| {
        let mut layers = vec![layer("a")];
        layers.extend((0..others).map(|i| unmeasured(&format!("b{i}"))));
        let judgement = judge(&audit(layers), &Policy::default()).unwrap();
        finding(&judgement, Check::Covered).outcome
    };
    assert_eq!(with_others(1), FindingOutcome::Pass);
    assert_eq!(with_others(2), FindingOutcome::Fail);
}

// Population values: the table of THEORY §1.
#[test]
fn near_normal_laws_pass_and_others_fail() {
    assert_eq!(
        gaussian_outcome(distance(0.00740, 0.02022, 0.375)),
        FindingOutcome::Pass,
        "t20"
    );
    assert_eq!(
        gaussian_outcome(distance(0.01667, 0.05139, -0.6345)),
        FindingOutcome::Pass,
        "cut normal"
    );
    assert_eq!(
        gaussian_outcome(distance(0.03817, 0.10203, 6.0)),
        FindingOutcome::Fail,
        "t5"
    );
    assert_eq!(
        gaussian_outcome(distance(0.05721, 0.15428, -1.2)),
        FindingOutcome::Fail,
        "uniform"
    );
    assert_eq!(
        gaussian_outcome(distance(0.06202, 0.14541, 3.0)),
        FindingOutcome::Fail,
        "Laplace"
    );
}

#[test]
fn each_distance_fails_alone() {
    assert_eq!(
        gaussian_outcome(distance(0.03, 0.0, 0.0)),
        FindingOutcome::Fail
    );
    assert_eq!(
        gaussian_outcome(distance(0.0, 0.07, 0.0)),
        FindingOutcome::Fail
    );
    assert_eq!(
        gaussian_outcome(distance(0.0, 0.0, -1.2)),
        FindingOutcome::Fail
    );
}

#[test]
fn constant_weights_are_not_gaussian() {
    let constant = with_weights(layer("a"), |w| w.gaussian = None);
    assert_eq!(
        outcome(Check::WeightsGaussian, constant),
        FindingOutcome::Fail
    );
}

// 64 weights: floors .914/8 and 1.21/8, kurtosis 4·√(24/64) = 2.4.
#[test]
fn few_weights_are_skipped_unless_they_fail() {
    let few = |ks: f64| {
        let facts = GaussianDistance {
            ks_floor: 0.114,
            wasserstein_floor: 0.151,
            ..distance(ks, 0.1, 0.5)
        };
        with_weights(layer("a"), |w| (w.count, w.gaussian) = (64, Some(facts)))
    };
    assert_eq!(
        outcome(Check::WeightsGaussian, few(0.08)),
        FindingOutcome::Skipped
    );
    assert_eq!(
        outcome(Check::WeightsGaussian, few(0.3)),
        FindingOutcome::Fail
    );
}

#[test]
fn a_mixture_of_row_scales_is_named() {
    let mixture = with_weights(layer("a"), |w| w.gaussian = Some(distance(0.05, 0.1, 2.0)));
    let judgement = judged(mixture);
    let found = finding(&judgement, Check::WeightsGaussian);
    assert_eq!(
        (found.outcome, found.case.name),
        (FindingOutcome::Fail, "heavy-tails")
    );
    // Where nothing but the scales is off, the check holds up to scales, and says so.
    let mixture = with_balanced_back(with_weights(layer("a"), |w| {
        w.gaussian = Some(distance(0.05, 0.1, 2.0));
    }));
    let judgement = judged(mixture.clone());
    let found = finding(&judgement, Check::WeightsGaussian);
    assert_eq!(
        (found.outcome, found.case.name),
        (FindingOutcome::Pass, "up-to-scales")
    );
    let plain = "[weights-gaussian]\nup_to_scales = \"plain\"";
    let judgement = judge(&audit(vec![mixture]), &policy(plain)).unwrap();
    let found = finding(&judgement, Check::WeightsGaussian);
    assert_eq!(
        (found.outcome, found.case.name),
        (FindingOutcome::Fail, "scales")
    );
}

#[test]
fn an_initialiser_fails_and_is_named() {
    let near = |scale_ratio: f64| {
        with_start(layer("a"), |start| {
            start.law = "he-normal".into();
            start.aliases = vec!["kaiming-normal".into()];
            (start.distance, start.ks) = (0.003, 0.002);
            start.scale_ratio = scale_ratio;
        })
    };
    let barely = judged(near(0.99));
    let finding_of = finding(&barely, Check::MovedFromInitialisation);
    assert_eq!(finding_of.case.name, "barely-moved");
    assert_eq!(
        (finding_of.outcome, finding_of.level),
        (FindingOutcome::Fail, Severity::Warn)
    );
    let strict = "[moved-from-initialisation]\nbarely_moved = \"deny\"";
    let denied = judge(&audit(vec![near(0.99)]), &policy(strict)).unwrap();
    let finding_of = finding(&denied, Check::MovedFromInitialisation);
    assert_eq!(finding_of.level, Severity::Deny);
    let judgement = judged(near(1.0));
    let finding = finding(&judgement, Check::MovedFromInitialisation);
    assert_eq!(finding.outcome, FindingOutcome::Fail);
    assert_eq!(finding.names["initialiser"], "he-normal");
    assert_eq!(finding.names["aliases"], "kaiming-normal");
    assert!(judgement.fails());
}

#[test]
fn biases_have_three_kinds_and_an_absence() {
    let kind = |kind| {
        outcome(
            Check::BiasesConstant,
            with_biases(layer("a"), |b| b.kind = kind),
        )
    };
    assert_eq!(kind(Some(BiasKind::Constant)), FindingOutcome::Pass);
    assert_eq!(kind(Some(BiasKind::Negligible)), FindingOutcome::Pass);
    assert_eq!(kind(Some(BiasKind::Varied)), FindingOutcome::Fail);
    assert_eq!(kind(None), FindingOutcome::Skipped);
    let mut absent = layer("a");
    absent.bias = None;
    absent.biases = Section::Skipped {
        reason: "no bias tensor".into(),
    };
    let judgement = judged(absent);
    let found = finding(&judgement, Check::BiasesConstant);
    assert_eq!(found.skipped, Some(SkipReason::NoBias));
}

// THEORY §3: unequal row norms of τ = .1 and .3 at M = 512, null q99 about 3.7/512.
#[test]
fn the_law_fails_beyond_twice_its_null() {
    let at = |ks: f64, values: usize| {
        outcome(
            Check::QuarterCircle,
            with_spectrum(layer("a"), |s| {
                (s.ks_median, s.ks_null_q99) = (ks, 3.7 / 512.0);
                s.singular_values.truncate(values);
            }),
        )
    };
    assert_eq!(at(0.0094, 256), FindingOutcome::Pass);
    assert_eq!(at(0.049, 256), FindingOutcome::Fail);
    assert_eq!(at(0.0094, 8), FindingOutcome::Skipped);
    assert_eq!(at(0.049, 8), FindingOutcome::Fail);
}

#[test]
fn an_outlier_warns_and_the_mean_trap_is_told() {
    let spike = |visibility| {
        with_spectrum(layer("a"), |s| {
            (s.outliers_above, s.mean_visibility) = (1, visibility);
        })
    };
    let judgement = judged(spike(Some(1.5)));
    let edge = finding(&judgement, Check::SpectralEdge);
    assert_eq!(edge.outcome, FindingOutcome::Fail);
    assert_eq!(edge.case.name, "one-maybe-by-mean");
    assert!(!judgement.fails());
    let judgement = judged(spike(Some(0.2)));
    let edge = finding(&judgement, Check::SpectralEdge);
    assert_eq!(edge.case.name, "outside");
    let below = with_spectrum(layer("a"), |s| s.outliers_below = 2);
    assert_eq!(outcome(Check::SpectralEdge, below), FindingOutcome::Fail);
}

// 256 values: standard error .30/16 = .01875, so .5307 ± .075.
#[test]
fn level_spacing_tells_random_from_independent() {
    let at = |ratio| {
        outcome(
            Check::LevelSpacing,
            with_spectrum(layer("a"), |s| s.level_ratio = ratio),
        )
    };
    assert_eq!(at(Some(0.46)), FindingOutcome::Pass);
    assert_eq!(at(Some(0.38629)), FindingOutcome::Fail);
    assert_eq!(at(Some(0.62)), FindingOutcome::Fail);
    assert_eq!(at(None), FindingOutcome::Skipped);
    let few = with_spectrum(layer("a"), |s| s.singular_values.truncate(31));
    assert_eq!(outcome(Check::LevelSpacing, few), FindingOutcome::Skipped);
}

#[test]
fn limits_and_levels_differ_by_layer() {
    let text = "[[layer]]\npattern = \"head.*\"\nbiases-constant = { level = \"warn\" }\n";
    let policy = Policy::parse(text, Path::new("own.toml")).unwrap();
    let varied = |name: &str| with_biases(layer(name), |b| b.kind = Some(BiasKind::Varied));
    let fails = |name: &str| {
        let audit = audit(vec![varied(name), layer("head.0")]);
        judge(&audit, &policy).unwrap().fails()
    };
    assert!(fails("body.1"));
    assert!(!fails("head.1"));
}

fn reversal(ratio: f64, error: f64, control: f64) -> FindingOutcome {
    let layer = with_shadow(layer("a"), |s| {
        (s.ratio.mean, s.ratio.error) = (ratio, error);
        s.controls.shuffled.calibrated.relative_error.mean = control;
    });
    outcome(Check::ShadowReversible, layer)
}

#[test]
fn a_ratio_fails_where_it_is_large_and_beyond_its_noise() {
    assert_eq!(reversal(1.09, 0.001, 0.4), FindingOutcome::Pass, "small");
    assert_eq!(reversal(1.34, 0.1, 0.4), FindingOutcome::Pass, "noise");
    assert_eq!(reversal(1.36, 0.1, 0.4), FindingOutcome::Fail);
    assert_eq!(reversal(0.7, 0.01, 0.4), FindingOutcome::Pass, "better");
}

#[test]
fn a_control_that_returns_nothing_never_passes() {
    assert_eq!(reversal(1.0, 0.01, 0.9), FindingOutcome::Skipped);
    assert_eq!(reversal(9.0, 0.01, 0.9), FindingOutcome::Skipped);
    assert_eq!(reversal(1.0, 0.01, 0.89), FindingOutcome::Pass);
    let mut narrow = layer("a");
    narrow.fan_out = 31;
    assert_eq!(
        outcome(Check::ShadowReversible, narrow),
        FindingOutcome::Skipped
    );
    let mut absent = layer("a");
    absent.shadow = Section::Skipped {
        reason: "the theory is about ReLU".into(),
    };
    let judgement = judged(absent);
    let finding = finding(&judgement, Check::ShadowReversible);
    assert_eq!(finding.outcome, FindingOutcome::Skipped);
    let why = SkipReason::NotMeasured {
        section: "shadow",
        why: "the theory is about ReLU".into(),
    };
    assert_eq!(finding.skipped, Some(why));
}

/// Sound as stored, and not once scales are divided out.
fn broken_balanced() -> LayerFacts {
    with_balanced(layer("a"), |balanced| {
        let Section::Measured(weights) = &mut balanced.weights else {
            panic!("measured in the example")
        };
        weights.gaussian = distance(0.05, 0.1, 2.0);
        let Section::Measured(spectrum) = &mut balanced.spectrum else {
            panic!("measured in the example")
        };
        spectrum.ks_median = 3.0 * spectrum.ks_null_q99;
        let Section::Measured(biases) = &mut balanced.biases else {
            panic!("measured in the example")
        };
        biases.facts.kind = Some(BiasKind::Varied);
        let Section::Measured(shadow) = &mut balanced.shadow else {
            panic!("measured in the example")
        };
        shadow.ratio.mean = 1.5;
    })
}

/// A layer whose stored figures fail a check, and the same with sound balanced figures.
fn failing(check: Check) -> LayerFacts {
    let layer = layer("a");
    match check {
        Check::WeightsGaussian => {
            with_weights(layer, |w| w.gaussian = Some(distance(0.05, 0.1, 2.0)))
        }
        Check::QuarterCircle => with_spectrum(layer, |s| s.ks_median = 3.0 * s.ks_null_q99),
        Check::BiasesConstant => with_biases(layer, |b| b.kind = Some(BiasKind::Varied)),
        _ => with_shadow(layer, |s| s.ratio.mean = 1.5),
    }
}

// Either: fails only if both do. Plain and balanced each look at one; all say which holds.
#[test]
fn four_checks_hold_up_to_scales() {
    let checks = [
        Check::WeightsGaussian,
        Check::QuarterCircle,
        Check::BiasesConstant,
        Check::ShadowReversible,
    ];
    for check in checks {
        let by = |way: &str, layer: LayerFacts| {
            let text = format!("[{}]\nup_to_scales = \"{way}\"", check.name());
            let judgement = judge(&audit(vec![layer]), &policy(&text)).unwrap();
            let found = finding(&judgement, check);
            (found.outcome, found.case.name)
        };
        let stored_alone = failing(check);
        let saved = with_balanced_back(failing(check));
        assert_eq!(by("either", stored_alone.clone()).0, FindingOutcome::Fail);
        assert_eq!(by("balanced", stored_alone).0, FindingOutcome::Skipped);
        assert_eq!(
            by("either", saved.clone()),
            (FindingOutcome::Pass, "up-to-scales")
        );
        assert_eq!(
            by("balanced", saved.clone()),
            (FindingOutcome::Pass, "up-to-scales")
        );
        assert_eq!(by("plain", saved).0, FindingOutcome::Fail);
        // A layer that holds as stored and not balanced.
        let worse = broken_balanced();
        assert_eq!(by("plain", worse.clone()).0, FindingOutcome::Pass);
        assert_eq!(by("either", worse.clone()).0, FindingOutcome::Pass);
        assert_eq!(by("balanced", worse).0, FindingOutcome::Fail, "{check:?}");
    }
}
