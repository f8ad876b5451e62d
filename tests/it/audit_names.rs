//! The names in `audit.json` are those other programs read.

use std::process::Command;

use serde_json::Value;

/// Paths that must be there on a layer whose every section was measured.
const LAYER: [&str; 176] = [
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
    "label_reason",
    "zero_singular_values.count",
    "zero_singular_values.of",
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
    "spectrum.nulls.status",
    "spectrum.nulls.origin",
    "spectrum.nulls.excess_kurtosis",
    "spectrum.nulls.ks_median.observed",
    "spectrum.nulls.ks_median.median",
    "spectrum.nulls.ks_median.high",
    "spectrum.nulls.ks_median.p",
    "spectrum.nulls.ks_rms.p",
    "spectrum.nulls.wasserstein.p",
    "spectrum.nulls.scale_ratio.low",
    "spectrum.nulls.largest.high",
    "spectrum.nulls.smallest.low",
    "spectrum.nulls.level_ratio.p",
    "spectrum.bulk.status",
    "spectrum.bulk.above",
    "spectrum.bulk.below",
    "spectrum.bulk.share",
    "spectrum.bulk.sigma",
    "spectrum.bulk.edge_lower",
    "spectrum.bulk.edge_upper",
    "spectrum.bulk.ks",
    "spectrum.bulk.ks_null_q99",
    "spectrum.bulk.p",
    "spectrum.bulk.energy",
    "spectrum.bulk.energy_above",
    "spectrum.bulk.energy_below",
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
    "controls.status",
    "controls.method",
    "controls.spread",
    "controls.observed",
    "controls.gaussian.singular_values.0",
    "controls.gaussian.error",
    "controls.gaussian.threshold_above",
    "controls.gaussian.outliers_above",
    "controls.gaussian.ks_median",
    "controls.shuffled.singular_values.0",
    "controls.structure",
    "controls.tails_and_mean",
    "balanced.status",
    "balanced.inputs.kept",
    "balanced.inputs.near_dead",
    "balanced.outputs.log_spread",
    "balanced.outputs.log_spread_of_chance",
    "balanced.rounds",
    "balanced.weights.excess_kurtosis",
    "balanced.weights.ks_floor",
    "balanced.weights.kurtosis_median",
    "balanced.biases.cv",
    "balanced.biases.cv_floor",
    "balanced.spectrum.ks_median",
    "balanced.spectrum.nulls.largest.p",
    "balanced.spectrum.bulk.share",
    "balanced.signs.flips",
    "balanced.signs.stored_ks_with_signs",
    "balanced.signs.ks.p",
    "balanced.signs.largest.most",
    "balanced.shadow.ratio.mean",
    "balanced.shadow.relative_error.mean",
    "balanced.shadow.shuffled.relative_error.mean",
    "start.status",
    "start.law",
    "start.distance",
    "start.distance_floor",
    "start.ks",
    "start.scale_ratio",
    "start.scale_ratio_error",
    "start.moved_at_least",
    "vectors.status",
    "vectors.count",
    "vectors.residual",
    "vectors.inputs.ks_q99",
    "vectors.outputs.participation_std",
    "vectors.vectors.0.part",
    "vectors.vectors.0.angle",
    "vectors.vectors.0.inputs.ks",
    "vectors.vectors.0.outputs.largest.0.index",
    "shadow.status",
    "shadow.relative_error.mean",
    "shadow.relative_error.error",
    "shadow.predicted",
    "shadow.cosine.mean",
    "shadow.gain.mean",
    "shadow.support_recall.mean",
    "shadow.dropout.keep",
    "shadow.dropout.relative_error.mean",
    "shadow.dropout.predicted",
    "shadow.controls.gaussian.relative_error.mean",
    "shadow.controls.shuffled.relative_error.mean",
    "shadow.ratio.mean",
    "shadow.ratio.error",
    "shadow.k",
    "shadow.rho",
    "shadow.trials",
    "shadow.shuffles",
    "shadow.sweep.0.k",
    "shadow.sweep.0.draws",
    "shadow.sweep.0.relative_error",
    "shadow.sweep.0.q05",
    "shadow.sweep.0.q95",
    "shadow.sweep.0.predicted",
    "shadow.sweep.0.gaussian",
    "shadow.sweep.0.shuffled",
    "shadow.pairs.draws",
    "shadow.pairs.positive.0.1",
    "shadow.pairs.zeros.0",
];

/// Paths on the audit as a whole; a number is a position in a list.
const WHOLE: [&str; 48] = [
    "schema_version",
    "tool.name",
    "tool.version",
    "source.uri",
    "source.files.0.path",
    "source.files.0.bytes",
    "source.files.0.sha256",
    "source.tensors",
    "source.parameters",
    "source.activation",
    "source.activation_from",
    "labels.policy",
    "settings.engine",
    "settings.seed",
    "settings.assume_relu",
    "settings.full_controls",
    "settings.vectors",
    "layers.3.controls.trap.cause",
    "layers.3.controls.trap.mean_visibility",
    "layers.3.controls.trap.entry_visibility",
    "layers.3.controls.trap.large_entries",
    "layers.3.controls.trap.without_mean",
    "layers.3.controls.trap.without_large_entries",
    "layers.3.controls.trap.without_both",
    "settings.shadow_premise",
    "layers.0.spectrum.log_norm",
    "skipped.0.tensor",
    "skipped.0.dtype",
    "skipped.0.shape",
    "skipped.0.reason",
    "skipped.0.reason_kind",
    "chains.0.layers.2",
    "chains.0.status",
    "chains.0.sizes.3",
    "chains.0.k.3",
    "chains.0.theorem.number",
    "chains.0.theorem.conditions.0.condition",
    "chains.0.theorem.conditions.0.holds",
    "chains.0.trials",
    "chains.0.relative_error.mean",
    "chains.0.per_coordinate_error.mean",
    "chains.0.random.ratio.mean",
    "chains.0.random.levels.2.nonzeros",
    "chains.0.random.levels.2.relative_error.mean",
    "chains.0.random.levels.2.own_bias.relative_error.mean",
    "chains.0.random.levels.2.dropout.relative_error.mean",
    "chains.0.random.controls.shuffled.2.relative_error.mean",
    "chains.0.random.controls.gaussian.2.relative_error.mean",
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
    run(&[
        "inspect",
        net,
        "--json",
        "--vectors",
        "2",
        "--threads",
        threads,
    ])
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
    assert_eq!(biases["reason_kind"], "no-bias");
    assert_eq!(biases.as_object().unwrap().len(), 3);
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    let one = audit("1");
    assert!(one == audit("2") && one == audit("5"));
}

/// The audit of a net of one layer, with what its config.json says and these flags.
fn with_config(config: Option<&str>, flags: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let path = path.to_str().unwrap();
    run(&[
        "synth",
        "gaussian",
        path,
        "--inputs",
        "64",
        "--outputs",
        "48",
    ]);
    if let Some(config) = config {
        std::fs::write(folder.path().join("config.json"), config).unwrap();
    }
    let args = [&["inspect", path, "--json"], flags].concat();
    serde_json::from_slice(&run(&args)).unwrap()
}

#[test]
fn the_shadow_says_what_it_knows_of_the_activation() {
    let premise = |audit: &Value| audit["settings"]["shadow_premise"].clone();
    let gelu = Some(r#"{"hidden_act":"gelu"}"#);
    let audit = with_config(gelu, &[]);
    assert_eq!(premise(&audit), "not-relu");
    assert_eq!(audit["source"]["activation"], "gelu");
    assert_eq!(audit["source"]["activation_from"], "config.json");
    assert_eq!(
        audit["chains"],
        serde_json::json!([]),
        "one layer is no chain"
    );
    let shadow = &audit["layers"][0]["shadow"];
    assert_eq!(shadow["status"], "skipped");
    let reason = shadow["reason"].as_str().unwrap();
    assert!(
        reason.contains("config.json names the activation `gelu`"),
        "{reason}"
    );
    let assumed = with_config(gelu, &["--assume-relu"]);
    assert_eq!(premise(&assumed), "relu-against-name");
    assert_eq!(assumed["settings"]["assume_relu"], true);
    assert_eq!(assumed["layers"][0]["shadow"]["status"], "measured");
    assert_eq!(
        premise(&with_config(Some(r#"{"hidden_act":"relu"}"#), &[])),
        "relu-named"
    );
    assert_eq!(premise(&with_config(None, &[])), "relu-assumed");
}

#[test]
fn the_seed_is_recorded_and_changes_the_draws() {
    let (zero, one) = (with_config(None, &[]), with_config(None, &["--seed", "1"]));
    assert_eq!(
        (&zero["settings"]["seed"], &one["settings"]["seed"]),
        (&0.into(), &1.into())
    );
    let mean = |audit: &Value| audit["layers"][0]["shadow"]["relative_error"]["mean"].clone();
    assert_ne!(mean(&zero), mean(&one));
    assert_eq!(mean(&zero), mean(&with_config(None, &["--seed", "0"])));
}

// 300 draws know a 99 % point of σ₁ to some .3 of its spread, a few thousandths of its value.
#[test]
fn a_null_of_the_very_shape_is_drawn_on_request() {
    let of = |flags: &[&str]| {
        let source = "fixtures/pybullet_enjoy_Humanoid.safetensors";
        let arguments = ["inspect", source, "--include", "dense2", "--json"];
        let bytes = run(&[&arguments[..], flags].concat());
        let audit: Value = serde_json::from_slice(&bytes).unwrap();
        (audit, bytes)
    };
    let (table, _) = of(&[]);
    let (drawn, bytes) = of(&["--simulate-null=300", "--threads", "1"]);
    assert_eq!(bytes, of(&["--simulate-null=300", "--threads", "2"]).1);
    assert_eq!(drawn["settings"]["simulate_null"], 300);
    let nulls = |audit: &Value| audit["layers"][0]["spectrum"]["nulls"].clone();
    let (table, drawn) = (nulls(&table), nulls(&drawn));
    assert_eq!(
        (&table["origin"], &table["draws"]),
        (&"table".into(), &Value::Null)
    );
    assert_eq!(
        (&drawn["origin"], &drawn["draws"]),
        (&"simulated".into(), &300.into())
    );
    let limit = |nulls: &Value| nulls["largest"]["high"].as_f64().unwrap();
    let ratio = limit(&drawn) / limit(&table);
    assert!((ratio - 1.0).abs() < 0.01 && drawn != table, "{ratio}");
}
