use std::collections::BTreeSet;

use toml::Table;

use super::*;
use randomlike_core::audit::example as facts;
use randomlike_core::audit::{LayerFacts, Section};

#[test]
fn names_are_those_of_the_json_and_differ() {
    let names: BTreeSet<_> = Check::ALL.map(Check::name).into();
    assert_eq!(names.len(), Check::ALL.len());
    for check in Check::ALL {
        assert_eq!(serde_json::to_value(check).unwrap(), check.name());
        assert_eq!(check.to_string(), check.name());
    }
}

#[test]
fn every_check_says_what_it_measures_and_leaves_open() {
    for check in Check::ALL.map(Check::definition) {
        for text in [check.description, check.measures, check.leaves_open] {
            assert!(text.ends_with('.') && text.len() > 20, "{}", check.name);
        }
    }
}

/// What the example of docs/contributing.md says of a layer.
fn ruling(limits: &str, layer: &LayerFacts) -> Ruling {
    let check = &worked_example::CHECK;
    let table: Table = format!("[{}]\n{limits}", check.name).parse().unwrap();
    let Rule::Layer(judge) = (check.read)(table).unwrap() else {
        panic!("it judges layers");
    };
    judge(layer)
}

#[test]
fn the_worked_example_passes_fails_and_skips() {
    let layer = |share: f64| facts::with_biases(facts::layer("a"), |b| b.positive_fraction = share);
    let default = worked_example::CHECK.policy;
    let passed = ruling(default, &layer(0.1));
    assert_eq!(
        (passed.outcome, passed.case.name),
        (FindingOutcome::Pass, "open")
    );
    assert_eq!(
        (passed.values[0].value, passed.values[0].limit),
        (10.0, Some(10.0))
    );
    let failed = ruling(default, &layer(0.09));
    assert_eq!(
        (failed.outcome, failed.case.name),
        (FindingOutcome::Fail, "closed")
    );
    assert_eq!(
        ruling("min_percent = 9", &layer(0.09)).outcome,
        FindingOutcome::Pass
    );
    let mut unknown = facts::layer("a");
    unknown.biases = Section::Skipped {
        reason: "all weights are zero".into(),
    };
    let skipped = ruling(default, &unknown);
    let why = SkipReason::NotMeasured {
        section: "biases",
        why: "all weights are zero".into(),
    };
    assert_eq!(
        (skipped.outcome, skipped.skipped),
        (FindingOutcome::Skipped, Some(why))
    );
}

#[test]
fn a_limit_of_another_type_is_refused_by_its_name() {
    let check = &worked_example::CHECK;
    let table: Table = "[biases-above-zero]\nmin_percent = \"few\""
        .parse()
        .unwrap();
    let error = (check.read)(table).unwrap_err().to_string();
    assert!(error.contains("`biases-above-zero.min_percent`"), "{error}");
}
