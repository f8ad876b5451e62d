use std::path::Path;

use super::*;
use randomlike_core::audit::example as facts;
use randomlike_core::audit::{Audit, BiasKind, LayerFacts};
use randomlike_judge::policy::Policy;
use randomlike_judge::verdict::{Check, judge, judge_beside};

fn findings(audit: &Audit) -> Vec<Finding> {
    judge(audit, &Policy::default()).unwrap().findings
}

fn said(layer: LayerFacts, check: Check) -> FindingSentences {
    let found = findings(&facts::audit(vec![layer]));
    finding_sentences(found.iter().find(|f| f.check == check).unwrap())
}

fn sentences(measured: &str, limit: &str, meaning: &str) -> FindingSentences {
    FindingSentences {
        measured: measured.into(),
        limit: limit.into(),
        meaning: meaning.into(),
    }
}

/// Layers of many kinds beside a healthy one, so that most cases of most checks are found.
fn of_all_kinds() -> Vec<Finding> {
    let odd = facts::with_spectrum(facts::layer("odd"), |s| {
        (s.outliers_above, s.outliers_below, s.ks_median) = (2, 1, 0.3);
        s.level_ratio = Some(0.386);
    });
    let odd = facts::with_weights(odd, |w| {
        w.gaussian = Some(randomlike_core::audit::GaussianDistance {
            ks: 0.2,
            excess_kurtosis: -1.2,
            ..facts::gaussian()
        });
    });
    let few = facts::with_spectrum(facts::layer("few"), |s| s.singular_values.truncate(8));
    let few = facts::with_weights(few, |w| w.count = 64);
    let varied = facts::with_biases(facts::layer("varied"), |b| b.kind = Some(BiasKind::Varied));
    let mut damaged = facts::unmeasured("damaged");
    damaged.non_finite.weight_nan = 3;
    let now = facts::audit(vec![odd, few, varied, damaged, facts::unmeasured("small")]);
    let names = ["odd", "few", "small", "gone"];
    let before = facts::audit(names.map(facts::layer).into());
    judge_beside(&now, &before, &Policy::default())
        .unwrap()
        .findings
}

#[test]
fn every_template_is_filled() {
    let found = of_all_kinds();
    for check in Check::ALL {
        assert!(found.iter().any(|finding| finding.check == check));
    }
    for finding in &found {
        let said = finding_sentences(finding);
        for text in [&said.measured, &said.limit, &said.meaning] {
            assert!(
                !text.is_empty() && !text.contains(['{', '}', '[', ']']),
                "{finding:?}"
            );
        }
        assert!(said.meaning.ends_with('.'), "{said:?}");
    }
}

/// The numbers in a text, each with half of its last digit; a law's name and 1 as a word are none.
fn numbers(text: &str) -> Vec<(f64, f64)> {
    let text = text
        .replace('−', "-")
        .replace("W₁", "")
        .replace("99 %", "")
        .replace("of 1", "");
    let parts = text.split(|c: char| !(c.is_ascii_digit() || "-.e".contains(c)));
    let trimmed = parts.map(|part| part.trim_matches(['.', '-', 'e']));
    trimmed
        .filter_map(|part| {
            let (digits, power) = part.split_once('e').unwrap_or((part, "0"));
            let decimals = digits
                .split_once('.')
                .map_or(0, |(_, decimals)| decimals.len());
            let power = power.parse::<i32>().ok()? - i32::try_from(decimals).ok()?;
            Some((part.parse().ok()?, 0.5 * 10_f64.powi(power)))
        })
        .collect()
}

#[test]
fn every_number_of_a_sentence_is_one_of_the_finding() {
    let mut compared = 0;
    for finding in of_all_kinds() {
        let said = finding_sentences(&finding);
        let of_values = finding.values.iter();
        let mut known: Vec<f64> = of_values
            .flat_map(|v| [Some(v.value), v.floor, v.limit])
            .flatten()
            .chain(
                finding
                    .limits
                    .values()
                    .flat_map(|limit| [*limit, 100.0 * limit]),
            )
            .map(f64::abs)
            .collect();
        known.push(0.5307);
        for (number, half) in numbers(&format!("{} {}", said.measured, said.limit)) {
            compared += 1;
            let near = |known: &f64| (known - number).abs() <= 1.000_001 * half;
            assert!(known.iter().any(near), "{number} of {said:?}: {finding:?}");
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn sentences_by_hand() {
    assert_eq!(
        said(facts::layer("a"), Check::Covered),
        sentences(
            "1 of 1 layer judged, 100 % of the weights",
            "at least 1 layer judged, with 50 % of the weights; at most 0 unread tensors",
            "The findings speak for the layers of this checkpoint.",
        )
    );
    let edge = facts::with_spectrum(facts::layer("a"), |s| s.outliers_above = 1);
    assert_eq!(
        said(edge, Check::SpectralEdge).meaning,
        "It stretches or squeezes 1 direction more than chance would."
    );
    let few = facts::with_spectrum(facts::layer("a"), |s| s.singular_values.truncate(31));
    assert_eq!(
        said(few, Check::LevelSpacing).measured,
        "not judged: 31 singular values are fewer than 32"
    );
    let mut without = facts::layer("a");
    without.bias = None;
    assert_eq!(
        said(without, Check::BiasesConstant),
        sentences(
            "not applicable: the layer has no bias",
            "constant or negligible",
            "There are no biases, so nothing is said about them.",
        )
    );
}

// The limits in a sentence are those that held for the layer, as the policy writes them.
#[test]
fn limits_are_those_of_the_policy() {
    let text = "[[layer]]\npattern = \"a\"\nquarter-circle = { max_multiple = 3.5 }";
    let policy = Policy::parse(text, Path::new("own.toml")).unwrap();
    let audit = facts::audit(vec![facts::layer("a"), facts::layer("b")]);
    let judgement = judge(&audit, &policy).unwrap();
    let limit = |layer| {
        let mut found = judgement.for_layer(layer);
        let found = found.find(|f| f.check == Check::QuarterCircle);
        finding_sentences(found.unwrap()).limit
    };
    assert_eq!(limit("a"), "KS at most 3.5 times the null's 99 % point");
    assert_eq!(limit("b"), "KS at most 2 times the null's 99 % point");
}

#[test]
fn a_group_without_its_name_is_left_out() {
    let found = findings(&facts::audit(vec![facts::layer("a")]));
    let finding = found
        .iter()
        .find(|f| f.check == Check::WeightsGaussian)
        .unwrap();
    let text = |mut template| fill(&mut template, finding);
    assert_eq!(text("a[, {none}][; {weights}] b").unwrap(), "a; 131072 b");
    assert_eq!(text("[a [{none}] b]").unwrap(), "a  b");
    assert_eq!(text("[a {none} [b]]c").unwrap(), "c");
    assert_eq!(text("{none}"), None);
    assert_eq!(
        text("{ks.limit} {max_ks} {max_ks:%}").unwrap(),
        "0.02 0.02 2"
    );
    assert_eq!(text("{weights:weight}").unwrap(), "131072 weights");
}

#[test]
fn numbers_are_told_with_their_limits() {
    let found = findings(&facts::audit(vec![facts::layer("a")]));
    let covered = found.iter().find(|f| f.check == Check::Covered).unwrap();
    assert_eq!(
        finding_numbers(covered),
        [
            "judged 1 (limit 1)",
            "layers 1",
            "share 100 (limit 50)",
            "unseen 0 (limit 0)"
        ]
    );
}
