//! SARIF 2.1.0, as code scanning reads it: a rule a check, a result a failure.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Gate, SHOWN, in_one_line, severity, subject};
use randomlike_checkpoint::FileFacts;
use randomlike_core::display_names::cut;
use randomlike_judge::checks::CheckDefinition;
use randomlike_judge::policy::Policy;
use randomlike_judge::verdict::{Check, Finding, FindingOutcome};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The paper whose claims are checked.
const INFORMATION: &str = "https://arxiv.org/abs/1511.05653";
/// The key of a result's fingerprint; another recipe needs another number.
const FINGERPRINT: &str = "ruleAndLayer/v1";

/// The whole log. Only failures are results, at the level that the policy gives them.
pub fn log(gate: &Gate<'_>) -> String {
    let failed = gate
        .judgement
        .findings
        .iter()
        .filter(|finding| finding.outcome == FindingOutcome::Fail);
    let results: Vec<_> = failed.map(|finding| result(gate, finding)).collect();
    let files = gate.audit.source.files.iter();
    let artifacts: Vec<_> = files.map(|file| artifact(gate.file, file)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "randomlike",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": INFORMATION,
                "rules": rules(),
            }},
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": i32::from(gate.judgement.fails()),
            }],
            "artifacts": artifacts,
            "results": results,
            "properties": {
                "source": gate.file,
                "baseline": gate.baseline,
                "policy": gate.policy,
                "notes": gate.judgement.notes,
                "measuredBy": format!("{} {}", gate.audit.tool.name, gate.audit.tool.version),
            },
        }],
    });
    format!("{log:#}\n")
}

fn id(check: Check) -> String {
    format!("randomlike/{}", check.name())
}

fn rules() -> Vec<Value> {
    let default = Policy::default();
    let rule = |check: Check| {
        let CheckDefinition {
            description,
            measures,
            leaves_open,
            ..
        } = check.definition();
        json!({
            "id": id(check),
            "shortDescription": { "text": description },
            "fullDescription": { "text": measures },
            "help": {
                "text": format!(
                    "Measured: {measures}\n\nWhat a fail does not show: {leaves_open}"
                ),
                "markdown": format!(
                    "**Measured.** {measures}\n\n**What a fail does not show.** \
                     {leaves_open}\n\nThe limit and the reason for it: `randomlike check --print-policy`."
                ),
            },
            "defaultConfiguration": { "level": severity(default.rules().level(check)) },
        })
    };
    Check::ALL.into_iter().map(rule).collect()
}

fn result(gate: &Gate<'_>, finding: &Finding) -> Value {
    let layer = finding.layer.as_deref();
    let about = layer.map_or_else(String::new, |name| format!("{}: ", cut(name, SHOWN)));
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": encoded(gate.file) },
            // The weights have no lines, but code scanning shows no result without one.
            "region": { "startLine": 1 },
        },
    });
    if let Some(name) = layer {
        location["logicalLocations"] =
            json!([{ "name": name, "fullyQualifiedName": name, "kind": "module" }]);
    }
    json!({
        "ruleId": id(finding.check),
        "ruleIndex": Check::ALL.iter().position(|check| *check == finding.check),
        "kind": "fail",
        "level": severity(finding.level),
        "message": { "text": message(&(about + &in_one_line(finding))) },
        "locations": [location],
        "partialFingerprints": { FINGERPRINT: fingerprint(finding) },
        "properties": {
            "case": finding.case,
            "values": finding.values,
            "names": finding.names,
        },
    })
}

/// The same as long as the same check fails on the same layer, whatever the figures.
fn fingerprint(finding: &Finding) -> String {
    let layer = finding.layer.as_deref().unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(subject(finding))
        .chain_update([0])
        .chain_update(layer)
        .finalize();
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One file of the checkpoint, which `source` is or holds or lists.
fn artifact(source: &str, file: &FileFacts) -> Value {
    let (folder, name) = source.rsplit_once('/').unwrap_or(("", source));
    let is_index = Path::new(name).extension().is_some_and(|e| e == "json");
    let path = if name == file.path {
        source.to_owned()
    } else if !is_index && name != "." {
        format!("{source}/{}", file.path)
    } else if folder.is_empty() {
        file.path.clone()
    } else {
        format!("{folder}/{}", file.path)
    };
    json!({
        "location": { "uri": encoded(&path) },
        "length": file.bytes,
        "hashes": { "sha-256": file.sha256 },
    })
}

/// A relative reference (RFC 3986): every byte escaped that is neither unreserved nor `/`.
/// A source on the Hub keeps its scheme.
fn encoded(path: &str) -> String {
    if let Some((scheme, rest)) = path.split_once("://") {
        return format!("{scheme}://{}", encoded(rest));
    }
    path.bytes().fold(String::new(), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}

/// In a SARIF message braces stand for arguments and brackets for links.
fn message(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '{' | '}' => escaped.push(c),
            '[' | ']' | '\\' => escaped.push('\\'),
            _ => {}
        }
        escaped.push(c);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile, mixed, with_gate};
    use super::*;
    use randomlike_core::audit::example as facts;

    fn run(audit: &randomlike_core::audit::Audit, policy: &str) -> Value {
        let text = with_gate(audit, policy, |gate| log(&gate));
        let mut log: Value = serde_json::from_str(&text).unwrap();
        log["runs"][0].take()
    }

    #[test]
    fn every_check_is_a_rule_that_says_something() {
        let run = run(&facts::audit(vec![facts::layer("a")]), "");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 11);
        for rule in rules {
            assert!(rule["id"].as_str().unwrap().starts_with("randomlike/"));
            for text in [&rule["fullDescription"]["text"], &rule["help"]["markdown"]] {
                assert!(text.as_str().unwrap().len() > 80, "{rule}");
            }
        }
        let is_edge = |rule: &&Value| rule["id"] == "randomlike/spectral-edge";
        let edge = rules.iter().find(is_edge).unwrap();
        assert_eq!(edge["defaultConfiguration"]["level"], "warning");
        assert_eq!(run["results"], json!([]));
    }

    #[test]
    fn results_are_failures_by_the_policy() {
        let found = run(&mixed("odd"), "");
        let results = found["results"].as_array().unwrap();
        let rules = found["tool"]["driver"]["rules"].as_array().unwrap();
        for result in results {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let at = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert_eq!(at, "nets/a%20b.safetensors");
        }
        let level = |run: &Value, id: &str| {
            let results = run["results"].as_array().unwrap();
            let found = results.iter().find(|result| result["ruleId"] == id);
            found.map(|result| result["level"].clone())
        };
        assert_eq!(
            level(&found, "randomlike/weights-gaussian"),
            Some("error".into())
        );
        assert_eq!(
            level(&found, "randomlike/spectral-edge"),
            Some("warning".into())
        );
        let lenient = run(&mixed("odd"), "weights-gaussian = { level = \"allow\" }");
        assert_eq!(
            level(&lenient, "randomlike/weights-gaussian"),
            Some("note".into())
        );
    }

    #[test]
    fn fingerprints_outlive_the_figures_and_differ_by_layer() {
        let prints = |name: &str, ks: f64| {
            let layer = facts::with_weights(facts::layer(name), |w| {
                w.gaussian = Some(randomlike_core::audit::GaussianDistance {
                    ks,
                    ..facts::gaussian()
                });
            });
            run(&facts::audit(vec![layer]), "")["results"][0]["partialFingerprints"].clone()
        };
        assert_eq!(prints("a", 0.1), prints("a", 0.2));
        assert_ne!(prints("a", 0.1), prints("b", 0.1));
    }

    #[test]
    fn names_are_text() {
        let name = hostile();
        let run = run(&mixed(&name), "");
        let result = &run["results"][1];
        assert_eq!(result["locations"][0]["logicalLocations"][0]["name"], name);
        let text = result["message"]["text"].as_str().unwrap();
        assert!(text.len() < 2000 && !text.contains(['\u{1b}', '\u{202e}', '\n']));
        assert!(text.contains("\\[x\\]"));
        assert_eq!(message("a[0]{b}\\"), "a\\[0\\]{{b}}\\\\");
        assert_eq!(encoded("a:b/ü?#.x"), "a%3Ab/%C3%BC%3F%23.x");
        assert_eq!(encoded("hf://a/b@c/d.bin"), "hf://a/b%40c/d.bin");
    }

    #[test]
    fn files_lie_where_the_source_says() {
        let at = |source: &str| {
            let file = FileFacts::new("m.safetensors", 9, "00");
            artifact(source, &file)["location"]["uri"].clone()
        };
        assert_eq!(at("nets/m.safetensors"), "nets/m.safetensors");
        assert_eq!(at("nets"), "nets/m.safetensors");
        assert_eq!(at("nets/x.safetensors.index.json"), "nets/m.safetensors");
        assert_eq!(at("x.safetensors.index.json"), "m.safetensors");
        assert_eq!(at("."), "m.safetensors");
    }
}
