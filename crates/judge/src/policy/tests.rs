use super::*;
use crate::checks::{Check, Severity};

fn parse(text: &str) -> Result<Policy> {
    Policy::parse(text, Path::new("own.toml"))
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_default_parses_and_has_a_table_for_every_check() {
    let table: Table = Policy::default_text().parse().unwrap();
    assert_eq!(table.len(), Check::ALL.len() + 1);
    assert!(table.contains_key("labels"));
    for check in Check::ALL {
        let limits = table[check.name()].as_table().unwrap();
        for range in check.definition().ranges {
            assert!(limits.contains_key(range.key), "{check}: {}", range.key);
        }
    }
    let rules = Policy::default().rules().clone();
    assert_eq!(rules.level(Check::WeightsGaussian), Severity::Deny);
    assert_eq!(rules.limit(Check::WeightsGaussian, "max_ks"), Some(0.02));
    assert_eq!(rules.limit(Check::WeightsGaussian, "level"), None);
}

#[test]
fn every_limit_has_its_reason_above_it() {
    let lines: Vec<_> = Policy::default_text().lines().collect();
    for (above, line) in lines.iter().zip(&lines[1..]) {
        let is_limit = line.contains(" = ") && !line.starts_with('#') && !line.starts_with("level");
        // The two edges share one reason, which stands above the level.
        if is_limit && !line.starts_with("max_above") && !line.starts_with("max_below") {
            assert!(above.starts_with('#'), "no reason above `{line}`");
        }
    }
}

#[test]
fn what_is_left_out_is_as_in_the_default() {
    let policy = parse("[weights-gaussian]\nmax_ks = 0.03\n").unwrap();
    let (own, default) = (policy.rules(), Policy::default());
    assert_eq!(own.limit(Check::WeightsGaussian, "max_ks"), Some(0.03));
    assert_eq!(own.level(Check::WeightsGaussian), Severity::Deny);
    for (check, limits) in default.rules().iter() {
        for (key, limit) in &limits.limits {
            if key != "max_ks" {
                assert_eq!(own.limit(check, key), Some(*limit), "{check}.{key}");
            }
        }
    }
}

#[test]
fn an_integer_is_a_limit_too() {
    let policy = parse("[quarter-circle]\nmax_multiple = 3").unwrap();
    let limit = policy.rules().limit(Check::QuarterCircle, "max_multiple");
    assert_eq!(limit, Some(3.0));
}

#[test]
fn later_patterns_win() {
    let policy = parse(
        "[[layer]]\npattern = \"*\"\nspectral-edge = { max_above = 1, max_below = 4 }\n\
         [[layer]]\npattern = \"head\"\nspectral-edge = { max_above = 2 }\n",
    )
    .unwrap();
    let edges = |name| {
        let rules = policy.for_layer(name).unwrap();
        ["max_above", "max_below"].map(|key| rules.limit(Check::SpectralEdge, key))
    };
    assert_eq!(edges("body"), [Some(1.0), Some(4.0)]);
    assert_eq!(edges("head"), [Some(2.0), Some(4.0)]);
}

#[test]
fn a_name_with_brackets_matches_itself() {
    let policy =
        parse("[[layer]]\npattern = \"experts[3]\"\nfinite = { level = \"warn\" }\n").unwrap();
    let level = |layer| policy.for_layer(layer).unwrap().level(Check::Finite);
    assert_eq!(level("experts[3]"), Severity::Warn);
    assert_eq!(level("experts[4]"), Severity::Deny);
}

#[test]
fn unknown_names_are_refused_with_those_that_exist() {
    let check = message("[weight-gaussian]\nmax_ks = 1\n");
    assert!(
        check.contains("`weight-gaussian` (did you mean `weights-gaussian`?); there are"),
        "{check}"
    );
    let limit = message("[weights-gaussian]\nmax = 1\n");
    assert!(
        limit.contains("`weights-gaussian.max`") && limit.contains("`max_ks`"),
        "{limit}"
    );
    let level = message("[finite]\nlevel = \"forbid\"\n");
    assert!(
        level.contains("forbid") && level.contains("deny"),
        "{level}"
    );
}

#[test]
fn limits_that_compare_with_nothing_are_refused() {
    for value in ["nan", "inf", "-1"] {
        let error = parse(&format!("[weights-gaussian]\nmax_ks = {value}\n")).unwrap_err();
        assert!(
            matches!(error, Error::PolicyLimit { ref key, .. } if key == "weights-gaussian.max_ks"),
            "{error}"
        );
    }
    let wrong_type = message("[weights-gaussian]\nmax_ks = \"little\"\n");
    assert!(
        wrong_type.contains("max_ks") && wrong_type.contains("own.toml"),
        "{wrong_type}"
    );
    for (check, limit) in [
        ("covered", "min_layers = 0"),
        ("covered", "min_share = 1.01"),
        ("moved-from-initialisation", "min_weights = 100"),
        ("shadow-reversible", "max_control_error = 1"),
    ] {
        let error = parse(&format!("[{check}]\n{limit}\n")).unwrap_err();
        assert!(matches!(error, Error::PolicyLimit { .. }), "{error}");
    }
    assert!(parse("[covered]\nmin_layers = 3\nmin_share = 1\n").is_ok());
    assert!(matches!(
        parse("finite = 1").unwrap_err(),
        Error::PolicyLimit { .. }
    ));
}

#[test]
fn a_fault_in_a_pattern_table_is_found_before_judging() {
    assert!(matches!(
        parse("[[layer]]\npattern = \"a[\"\n").unwrap_err(),
        Error::PolicyPattern { .. }
    ));
    assert!(matches!(
        parse("[[layer]]\nfinite = {}\n").unwrap_err(),
        Error::PolicyPatternMissing { .. }
    ));
    assert!(matches!(
        parse("[layer]\npattern = \"a\"\n").unwrap_err(),
        Error::PolicyPatternMissing { .. }
    ));
    for whole in [
        "covered = { min_layers = 2 }",
        "weights-only = { level = \"deny\" }",
    ] {
        let whole = parse(&format!("[[layer]]\npattern = \"a\"\n{whole}\n")).unwrap_err();
        assert!(matches!(whole, Error::PolicyUnknown { .. }), "{whole}");
    }
    let wrong_type =
        parse("[[layer]]\npattern = \"a\"\nspectral-edge = { max_above = 1.5 }\n").unwrap_err();
    assert!(
        matches!(wrong_type, Error::PolicySyntax { .. }),
        "{wrong_type}"
    );
}

#[test]
fn a_pattern_without_a_layer_is_an_error() {
    let policy =
        parse("[[layer]]\npattern = \"clasifier.*\"\nfinite = { level = \"warn\" }\n").unwrap();
    let error = policy
        .check_patterns(["classifier.1"].into_iter())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`clasifier.*`") && error.contains("`classifier.1`"),
        "{error}"
    );
    assert!(policy.check_patterns(["clasifier.1"].into_iter()).is_ok());
}

#[test]
fn broken_toml_names_the_file() {
    let error = message("[finite");
    assert!(error.contains("own.toml"), "{error}");
}

#[test]
fn the_digest_is_that_of_the_limits() {
    let digest = |text: &str| parse(text).unwrap().digest();
    assert_eq!(digest("").len(), 64);
    assert_eq!(
        digest("# a comment\n[finite]\nlevel = \"deny\""),
        digest("")
    );
    assert_ne!(digest("[labels]\nmin_values = 31"), digest(""));
    let layer = |pattern: &str| {
        digest(&format!(
            "[[layer]]\npattern = \"{pattern}\"\nlabels = {{ min_values = 31 }}"
        ))
    };
    assert_ne!(layer("a"), digest(""));
    assert_ne!(layer("a"), layer("b"));
}
