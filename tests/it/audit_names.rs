//! The names in `audit.json` are those other programs read.

use std::process::Command;

use serde_json::Value;

/// Paths that must be there on a layer whose every section was measured.
const LAYER: [&str; 68] = [
    "name",
    "weight.tensor",
    "weight.dtype",
    "weight.shape",
    "bias.tensor",
    "bias.dtype",
    "bias.shape",
    "fan_in",
    "fan_out",
    "orientation",
    "orientation_from",
    "label",
    "weights.status",
    "weights.count",
    "weights.mean",
    "weights.std",
    "weights.rms",
    "weights.min",
    "weights.max",
    "weights.skewness",
    "weights.excess_kurtosis",
    "weights.ks",
    "weights.wasserstein",
    "weights.negentropy",
    "weights.zero_fraction",
    "weights.family",
    "weights.initializer",
    "biases.status",
    "biases.count",
    "biases.mean",
    "biases.std",
    "biases.median",
    "biases.mad",
    "biases.min",
    "biases.max",
    "biases.cv",
    "biases.spread_ratio",
    "biases.mean_ratio",
    "biases.positive_fraction",
    "biases.kind",
    "spectrum.status",
    "spectrum.singular_values",
    "spectrum.spectral_norm",
    "spectrum.smallest",
    "spectrum.frobenius_norm",
    "spectrum.stable_rank",
    "spectrum.effective_rank",
    "spectrum.entropy",
    "spectrum.matrix_rank",
    "spectrum.rank_loss",
    "spectrum.sigma_rms",
    "spectrum.sigma_median",
    "spectrum.edge_lower",
    "spectrum.edge_upper",
    "spectrum.ks_rms",
    "spectrum.ks_median",
    "spectrum.ks_null_q99",
    "spectrum.wasserstein",
    "spectrum.outliers_above",
    "spectrum.outliers_below",
    "spectrum.level_ratio",
    "spectrum.power_law.alpha",
    "spectrum.power_law.xmin",
    "spectrum.power_law.ks",
    "spectrum.power_law.sigma",
    "spectrum.power_law.tail",
    "spectrum.alpha_weighted",
    "spectrum.log_alpha_norm",
];

/// Paths on the audit as a whole; a number is a position in a list.
const WHOLE: [&str; 15] = [
    "schema_version",
    "tool.name",
    "tool.version",
    "source.uri",
    "source.files.0.path",
    "source.files.0.bytes",
    "source.files.0.sha256",
    "source.tensors",
    "source.parameters",
    "settings.engine",
    "layers.0.spectrum.log_norm",
    "skipped.0.tensor",
    "skipped.0.dtype",
    "skipped.0.shape",
    "skipped.0.reason",
];

fn run(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}");
    output.stdout
}

fn audit(threads: &str) -> Vec<u8> {
    let net = "fixtures/guesslang_vscode.safetensors";
    run(&["inspect", net, "--json", "--threads", threads])
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    value.pointer(&format!("/{}", path.replace('.', "/")))
}

#[test]
fn every_published_name_is_there() {
    let audit: Value = serde_json::from_slice(&audit("2")).unwrap();
    let missing = |value: &Value, paths: &[&str]| {
        let absent = paths.iter().filter(|path| at(value, path).is_none());
        absent.map(|path| (*path).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(missing(&audit, &WHOLE), Vec::<String>::new());
    let layer = &audit["layers"][0];
    assert_eq!(missing(layer, &LAYER), Vec::<String>::new());
    assert_eq!(layer["orientation"], "in_out");
    assert_eq!(audit["schema_version"], 1);
}

// Nothing stands for a number that is not there.
#[test]
fn what_is_missing_is_said_and_never_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let path = path.to_str().unwrap();
    run(&["synth", "gaussian", path, "--bias", "absent"]);
    let audit: Value = serde_json::from_slice(&run(&["inspect", path, "--json"])).unwrap();
    assert_eq!(audit["layers"][0]["bias"], Value::Null);
    let biases = &audit["layers"][0]["biases"];
    assert_eq!(biases["status"], "skipped");
    assert!(biases["reason"].as_str().unwrap().contains("no bias"));
    assert_eq!(biases.as_object().unwrap().len(), 2);
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    let one = audit("1");
    assert!(one == audit("2") && one == audit("5"));
}
