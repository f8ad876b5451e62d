use std::collections::BTreeSet;

use super::*;
use crate::synth::{Dtype, Kind};

fn is_expected(check: Check, outcome: FindingOutcome) -> bool {
    let of = |truth: &Truth| {
        truth
            .checks()
            .any(|verdict| verdict == (check, Some(outcome)))
    };
    TRUTHS.iter().any(of)
}

#[test]
fn every_check_must_pass_somewhere_and_fail_somewhere() {
    for check in Check::ALL {
        for outcome in [FindingOutcome::Pass, FindingOutcome::Fail] {
            // Planted files are no pickles: what fails it is in tests/it/policies.rs.
            let is_of_pickles = (check, outcome) == (Check::WeightsOnly, FindingOutcome::Fail);
            assert!(
                is_of_pickles || is_expected(check, outcome),
                "nothing makes {check:?} {outcome:?}"
            );
        }
    }
}

#[test]
fn every_label_kind_and_storage_is_planted() {
    for label in Label::ALL {
        let is =
            |truth: &Truth| matches!(truth.expected, Expected::Verdicts(v) if v.label == label);
        assert!(TRUTHS.iter().any(is), "{label:?}");
    }
    // alexnet is the Gaussian one at 58 million weights.
    for kind in Kind::ALL.into_iter().filter(|&kind| kind != Kind::Alexnet) {
        assert!(TRUTHS.iter().any(|truth| truth.kind == kind), "{kind}");
    }
    for dtype in Dtype::ALL {
        assert!(TRUTHS.iter().any(|truth| truth.dtype == dtype), "{dtype}");
    }
}

#[test]
fn no_truth_contradicts_itself_or_is_planted_twice() {
    let names: BTreeSet<String> = TRUTHS.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), TRUTHS.len());
    for truth in TRUTHS {
        assert!(!truth.why.is_empty());
        let Expected::Verdicts(verdicts) = truth.expected else {
            continue;
        };
        let open = verdicts.open.iter().map(|(check, reason)| {
            assert!(!reason.is_empty());
            check
        });
        let named: Vec<_> = verdicts
            .fails
            .iter()
            .chain(verdicts.skips)
            .chain(open)
            .collect();
        let different: BTreeSet<_> = named.iter().collect();
        assert_eq!(different.len(), named.len(), "{truth}");
        let judged: BTreeSet<Check> = truth.checks().map(|(check, _)| check).collect();
        assert!(
            named.into_iter().all(|check| judged.contains(check)),
            "{truth}"
        );
    }
}

// A theory that left much open would find nothing wrong.
#[test]
fn little_is_left_open() {
    let verdicts = || TRUTHS.iter().flat_map(Truth::checks);
    let open = verdicts()
        .filter(|(_, expected)| expected.is_none())
        .count();
    assert!(50 * open <= verdicts().count(), "{open}");
}

fn tried(truth: &Truth, policy: &str) -> Tried {
    let options = Options {
        policy: Policy::parse(policy, "own.toml".as_ref()).unwrap(),
        ..Options::default()
    };
    attempt(truth, &options, &mut |_| {}).unwrap()
}

fn planted(name: &str) -> &'static Truth {
    TRUTHS
        .iter()
        .find(|truth| truth.to_string() == name)
        .unwrap()
}

fn wrong(tried: &Tried) -> Vec<(Check, Option<FindingOutcome>, Option<FindingOutcome>)> {
    let wrong = tried.verdicts.iter().filter(|v| !v.as_planted());
    wrong.map(|v| (v.check, v.expected, v.obtained)).collect()
}

#[test]
fn a_limit_that_lets_a_truth_through_is_a_mismatch() {
    let uniform = planted("uniform");
    assert!(tried(uniform, "").as_planted());
    let lenient = "[weights-gaussian]\nmax_ks = 1\nmax_wasserstein = 1\nmax_excess_kurtosis = 9";
    let lenient = tried(uniform, lenient);
    assert!(!lenient.as_planted());
    let through = (
        Check::WeightsGaussian,
        Some(FindingOutcome::Fail),
        Some(FindingOutcome::Pass),
    );
    assert_eq!(wrong(&lenient), [through]);
}

#[test]
fn a_limit_that_fails_a_sound_layer_is_a_mismatch() {
    let strict = tried(planted("gaussian"), "[quarter-circle]\nmax_multiple = 0");
    let refused = (
        Check::QuarterCircle,
        Some(FindingOutcome::Pass),
        Some(FindingOutcome::Fail),
    );
    assert_eq!(wrong(&strict), [refused]);
    assert!(!strict.as_planted());
}

// A check that says nothing is no pass, even where anything it said would do.
#[test]
fn a_check_that_is_silent_a_label_and_a_judgement_that_differ_are_mismatches() {
    let sound = tried(planted("student-t"), "");
    assert!(sound.as_planted());
    let silent = |check: Check| {
        let mut tried = sound.clone();
        let verdict = tried.verdicts.iter_mut().find(|v| v.check == check);
        verdict.unwrap().obtained = None;
        tried
    };
    for check in Check::of_one_audit() {
        assert!(!silent(check).as_planted(), "{check:?}");
    }
    let mut labelled = sound.clone();
    labelled.label.as_mut().unwrap().obtained = Label::RandomLike;
    assert!(!labelled.as_planted());
    let otherwise = Tried {
        same_from_json: false,
        ..sound.clone()
    };
    assert!(!otherwise.as_planted());
    let nothing = Tried {
        nothing_measured: Some("it holds no tensors".into()),
        ..sound
    };
    assert!(!nothing.as_planted());
}

#[test]
fn one_row_leaves_nothing_and_says_why() {
    let tried = tried(planted("gaussian, 512→1"), "");
    assert!(tried.as_planted());
    assert!(tried.nothing_measured.unwrap().contains("smaller side 1"));
    assert!(tried.verdicts.is_empty() && tried.label.is_none());
}

#[test]
fn a_pattern_for_other_layers_is_refused() {
    let policy = "[[layer]]\npattern = \"fc1\"\nfinite = { level = \"warn\" }";
    let options = Options {
        policy: Policy::parse(policy, "own.toml".as_ref()).unwrap(),
        ..Options::default()
    };
    let refused = attempt(planted("gaussian"), &options, &mut |_| {});
    assert!(matches!(
        refused,
        Err(crate::Error::Judge(
            randomlike_judge::Error::PolicyUnmatched { .. }
        ))
    ));
}
