//! `compare` on planted changes, and `check --baseline`, from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use half::bf16;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::{Value, json};
use tempfile::TempDir;

const INPUTS: usize = 160;
const OUTPUTS: usize = 96;
/// Standard deviation of the weights of A.
const STD: f64 = 0.045;

fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect()
}

/// A, outputs × inputs, row by row.
fn base() -> Vec<f64> {
    normal(1, INPUTS * OUTPUTS)
        .iter()
        .map(|w| STD * w)
        .collect()
}

fn plus(w: &[f64], delta: &[f64], scale: f64) -> Vec<f64> {
    w.iter().zip(delta).map(|(w, d)| w + scale * d).collect()
}

/// U·Vᵀ with normal U and V of `rank` columns.
fn low_rank(rank: usize) -> Vec<f64> {
    let (u, v) = (normal(2, OUTPUTS * rank), normal(3, INPUTS * rank));
    let entry = |at: usize| {
        let (row, column) = (at / INPUTS, at % INPUTS);
        (0..rank)
            .map(|k| u[row * rank + k] * v[column * rank + k])
            .sum()
    };
    (0..OUTPUTS * INPUTS).map(entry).collect()
}

fn transposed(w: &[f64]) -> Vec<f64> {
    let entry = |at: usize| w[at % OUTPUTS * INPUTS + at / OUTPUTS];
    (0..w.len()).map(entry).collect()
}

/// A tensor to write.
struct Tensor {
    name: &'static str,
    dtype: &'static str,
    shape: Vec<usize>,
    entries: Vec<f64>,
}

fn weight(dtype: &'static str, entries: Vec<f64>) -> Tensor {
    Tensor {
        name: "fc.weight",
        dtype,
        shape: vec![OUTPUTS, INPUTS],
        entries,
    }
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    let encode = |w: &f64| match tensor.dtype {
        "BF16" => bf16::from_f32(*w as f32).to_le_bytes().to_vec(),
        "F32" => (*w as f32).to_le_bytes().to_vec(),
        _ => w.to_le_bytes().to_vec(),
    };
    tensor.entries.iter().flat_map(encode).collect()
}

fn write(path: &Path, tensors: &[Tensor]) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for tensor in tensors {
        let from = data.len();
        data.extend(bytes(tensor));
        header.insert(
            tensor.name.into(),
            json!({"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [from, data.len()]}),
        );
    }
    let header = Value::Object(header).to_string();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length[..], header.as_bytes(), &data].concat()).unwrap();
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(args)
        .output()
        .unwrap()
}

fn succeeded(args: &[&str]) -> Vec<u8> {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    output.stdout
}

/// A and B in a folder of their own.
struct Two {
    folder: TempDir,
}

impl Two {
    fn new(a: &[Tensor], b: &[Tensor]) -> Self {
        let two = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        // Another activation: the shadow has its own tests, and takes the longest.
        fs::write(two.path("config.json"), r#"{"hidden_act":"gelu"}"#).unwrap();
        write(&two.path("a.safetensors"), a);
        write(&two.path("b.safetensors"), b);
        two
    }

    /// One layer before, and after in the same dtype.
    fn of(dtype: &'static str, before: Vec<f64>, after: Vec<f64>) -> Self {
        Self::new(&[weight(dtype, before)], &[weight(dtype, after)])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn compared(&self) -> Value {
        let (a, b) = (self.text("a.safetensors"), self.text("b.safetensors"));
        serde_json::from_slice(&succeeded(&["compare", &a, &b, "--json"])).unwrap()
    }

    fn difference(&self) -> Value {
        self.compared()["layers"][0]["difference"].clone()
    }

    fn kind(&self) -> String {
        self.difference()["kind"].as_str().unwrap().to_owned()
    }

    fn audited(&self, name: &str) -> String {
        let audit = self.text(&format!("{name}.json"));
        let source = self.text(&format!("{name}.safetensors"));
        fs::write(&audit, succeeded(&["inspect", &source, "--json"])).unwrap();
        audit
    }
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

#[test]
fn nothing_changes_between_a_checkpoint_and_itself() {
    let net = "fixtures/fc3u_256x128x256.safetensors";
    let found: Value =
        serde_json::from_slice(&succeeded(&["compare", net, net, "--json"])).unwrap();
    let layers = found["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 4);
    for layer in layers {
        assert_eq!(layer["difference"]["kind"], "unchanged");
        assert_eq!(layer["difference"]["relative_norm"], 0.0);
        if layer["spectra"]["status"] == "measured" {
            assert_eq!(layer["spectra"]["wasserstein"], 0.0);
            assert_eq!(layer["spectra"]["ks"], 0.0);
        }
        for figure in layer["figures"].as_array().unwrap() {
            let same = figure["status"] == "skipped" || figure["change"] == 0.0;
            assert!(same, "{figure}");
        }
    }
    assert_eq!(found["only_in_a"], json!([]));
}

#[test]
fn adapters_merged_are_of_low_rank_and_their_rank_is_found() {
    // Full of f32 rounding, of f64 rounding, and of that of bf16, an eighth of the change.
    for (dtype, scale) in [("F32", 0.01), ("F64", 0.01), ("BF16", 0.01)] {
        let after = plus(&base(), &low_rank(4), scale);
        let found = Two::of(dtype, base(), after).difference();
        assert_eq!(
            found["kind"], "low-rank",
            "{dtype}: {}",
            found["kind_reason"]
        );
        assert_eq!(found["rank_above_rounding"], 4, "{dtype}");
        assert!(number(&found, "rank_90") <= 4.0);
    }
}

#[test]
fn a_change_of_many_directions_is_not_of_low_rank() {
    let after = plus(&base(), &low_rank(60), 0.001);
    assert_ne!(Two::of("F32", base(), after).kind(), "low-rank");
}

#[test]
fn noise_is_called_random_and_a_direction_in_it_a_spike() {
    let noise = normal(7, INPUTS * OUTPUTS);
    let noisy = plus(&base(), &noise, 0.01);
    let found = Two::of("F32", base(), noisy.clone()).difference();
    assert_eq!(found["kind"], "random", "{}", found["kind_reason"]);
    // ‖.01·Z‖/‖.045·Z'‖ = .222 with a standard error of .222/√(2·15360) on either side.
    assert!((number(&found, "relative_norm") - 0.2222).abs() < 0.005);
    // A and A + noise of .222 of its size: cos = 1/√1.0494.
    assert!((number(&found, "cosine") - 1.0494_f64.sqrt().recip()).abs() < 0.005);
    // σ₁ of the planted direction is √(96·160)·.004 = .5, the noise ends at .01·(√160 + √96) = .22.
    let spiked = plus(&noisy, &low_rank(1), 0.004);
    let found = Two::of("F32", base(), spiked).difference();
    assert_eq!(
        found["kind"], "random-with-spikes",
        "{}",
        found["kind_reason"]
    );
}

#[test]
fn rows_of_unequal_change_are_undecided() {
    let scales = normal(9, OUTPUTS);
    let noise = normal(8, INPUTS * OUTPUTS);
    let delta: Vec<f64> = (noise.iter().enumerate())
        .map(|(at, z)| z * (0.6 * scales[at / INPUTS]).exp())
        .collect();
    assert_eq!(
        Two::of("F32", base(), plus(&base(), &delta, 0.01)).kind(),
        "undecided"
    );
}

#[test]
fn another_dtype_is_rounding_and_a_step_beyond_it_is_not() {
    let cast = Two::new(&[weight("F32", base())], &[weight("BF16", base())]);
    let found = cast.difference();
    assert_eq!(found["kind"], "rounding", "{}", found["kind_reason"]);
    assert!(number(&found, "changed_fraction") > 0.9);
    let mut moved = base();
    moved[17] += 0.01;
    let two = Two::new(&[weight("F32", base())], &[weight("BF16", moved)]);
    assert_ne!(two.kind(), "rounding");
}

#[test]
fn too_small_a_layer_is_undecided() {
    let small = |entries: Vec<f64>| Tensor {
        shape: vec![31, 40],
        ..weight("F32", entries)
    };
    let (a, noise) = (normal(1, 31 * 40), normal(2, 31 * 40));
    let two = Two::new(&[small(a.clone())], &[small(plus(&a, &noise, 0.1))]);
    assert_eq!(two.kind(), "undecided");
}

#[test]
fn a_layer_stored_the_other_way_is_the_same_layer() {
    let bias = || Tensor {
        name: "fc.bias",
        dtype: "F32",
        shape: vec![OUTPUTS],
        entries: vec![0.1; OUTPUTS],
    };
    let turned = || Tensor {
        shape: vec![INPUTS, OUTPUTS],
        ..weight("F32", transposed(&base()))
    };
    // The length of the bias tells both orientations.
    let known = Two::new(&[weight("F32", base()), bias()], &[turned(), bias()]);
    let found = known.difference();
    assert_eq!(
        (&found["kind"], &found["transposed"]),
        (&json!("unchanged"), &json!(false))
    );
    // B's is told by its name alone, or by nothing: A's word exchanges its sides, and says so.
    let assumed = Two::new(&[weight("F32", base()), bias()], &[turned()]);
    let found = assumed.difference();
    assert_eq!(
        (&found["kind"], &found["transposed"]),
        (&json!("unchanged"), &json!(true))
    );
    // Another layer of the same name is not turned until it fits.
    let other = Tensor {
        shape: vec![48, 2 * INPUTS],
        ..weight("F32", base())
    };
    let found = Two::new(&[weight("F32", base())], &[other]).difference();
    assert_eq!(found["status"], "skipped");
    assert_eq!(
        found["reason"],
        "the shapes differ: 160→96 in A, 320→48 in B"
    );
}

#[test]
fn weights_that_are_not_numbers_have_no_difference() {
    let mut broken = base();
    broken[3] = f64::NAN;
    let found = Two::of("F32", base(), broken).compared();
    let layer = &found["layers"][0];
    assert_eq!(
        layer["difference"]["reason"],
        "NaN or infinite weights in B: 1"
    );
    let ks = layer["figures"].as_array().unwrap();
    let ks = ks.iter().find(|f| f["name"] == "weights.ks").unwrap();
    assert_eq!(ks["status"], "only-in-a");
    assert!(ks["reason"].as_str().unwrap().contains("NaN"));
}

/// Paths that must be there on a pair whose every section was measured.
const PAIR: [&str; 35] = [
    "matched_by",
    "a.name",
    "a.index",
    "a.fan_in",
    "a.fan_out",
    "a.dtype",
    "a.orientation",
    "a.orientation_from",
    "a.label",
    "b.name",
    "figures.1.name",
    "figures.1.status",
    "figures.1.a",
    "figures.1.b",
    "figures.1.change",
    "figures.1.unit",
    "figures.1.units",
    "spectra.wasserstein",
    "spectra.wasserstein_null_q99",
    "spectra.ks",
    "spectra.ks_null_q99",
    "spectra.scale_ratio",
    "difference.relative_norm",
    "difference.cosine",
    "difference.changed_fraction",
    "difference.largest",
    "difference.rounding_edge",
    "difference.rank_above_rounding",
    "difference.rank_90",
    "difference.rank_99",
    "difference.stable_rank",
    "difference.spectrum.ks_median",
    "difference.weights.excess_kurtosis",
    "difference.energy.0.random",
    "difference.kind",
];

// Other programs read them.
#[test]
fn every_published_name_is_there() {
    let noisy = plus(&base(), &normal(7, INPUTS * OUTPUTS), 0.01);
    let found = Two::of("F32", base(), noisy).compared();
    let absent = |value: &Value, path: &str| {
        let at = format!("/{}", path.replace('.', "/"));
        value.pointer(&at).is_none_or(Value::is_null)
    };
    let pair = &found["layers"][0];
    let missing: Vec<_> = PAIR.iter().filter(|path| absent(pair, path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for path in [
        "schema_version",
        "tool.version",
        "a.uri",
        "b.files.0.sha256",
        "notes",
    ] {
        assert!(!absent(&found, path), "{path}");
    }
}

// The figures are those of two audits, and the unit is that of docs/compare.md.
#[test]
fn figures_are_those_of_the_audits_and_checkpoints_alone_have_differences() {
    let scaled: Vec<f64> = base().iter().map(|w| 1.1 * w).collect();
    let two = Two::of("F32", base(), scaled);
    let from_weights = two.compared();
    let (a, b) = (two.audited("a"), two.audited("b"));
    let from_audits: Value =
        serde_json::from_slice(&succeeded(&["compare", &a, &b, "--json"])).unwrap();
    let pair = |found: &Value| found["layers"][0].clone();
    assert_eq!(
        pair(&from_weights)["figures"],
        pair(&from_audits)["figures"]
    );
    assert_eq!(
        pair(&from_weights)["spectra"],
        pair(&from_audits)["spectra"]
    );
    let ratio = pair(&from_audits)["spectra"]["scale_ratio"]
        .as_f64()
        .unwrap();
    assert!((ratio - 1.1).abs() < 1e-6, "{ratio}");
    let reason = pair(&from_audits)["difference"]["reason"].clone();
    assert!(reason.as_str().unwrap().starts_with("A and B are audits"));
    let mixed = succeeded(&["compare", &a, &two.text("b.safetensors"), "--json"]);
    let mixed: Value = serde_json::from_slice(&mixed).unwrap();
    let reason = pair(&mixed)["difference"]["reason"].clone();
    assert!(
        reason.as_str().unwrap().starts_with("A is an audit"),
        "{reason}"
    );
    let audit: Value = serde_json::from_slice(&fs::read(&a).unwrap()).unwrap();
    let std = audit["layers"][0]["weights"]["std"].as_f64().unwrap();
    let figures = pair(&from_audits)["figures"].clone();
    let mut figures = figures.as_array().unwrap().iter();
    let found = figures.find(|f| f["name"] == "weights.std").unwrap();
    assert!((number(found, "change") - 0.1 * std).abs() < 1e-7);
    // sd/√(2c) on either side, to the excess kurtosis of the draw.
    let unit = std / (2.0 * 15360_f64).sqrt() * 2.21_f64.sqrt();
    assert!((number(found, "unit") / unit - 1.0).abs() < 0.02);
}

#[test]
fn layers_that_were_renamed_are_matched_by_shape() {
    let renamed = Tensor {
        name: "head.weight",
        ..weight("F32", base())
    };
    let found = Two::new(&[weight("F32", base())], &[renamed]).compared();
    let pair = &found["layers"][0];
    assert_eq!(pair["matched_by"], "shape");
    assert_eq!(
        (&pair["a"]["name"], &pair["b"]["name"]),
        (&json!("fc"), &json!("head"))
    );
    assert_eq!(pair["difference"]["kind"], "unchanged");
}

#[test]
fn the_bytes_are_the_same_again_and_for_any_number_of_threads() {
    let two = Two::of("F32", base(), plus(&base(), &low_rank(4), 0.01));
    let (a, b) = (two.text("a.safetensors"), two.text("b.safetensors"));
    let bytes = |threads: &str| succeeded(&["compare", &a, &b, "--json", "--threads", threads]);
    let one = bytes("1");
    assert!(one == bytes("1") && one == bytes("3"));
    let written = |threads: &str| {
        let out = two.path(&format!("out{threads}"));
        let folder = out.to_str().unwrap();
        succeeded(&["compare", &a, &b, "--out", folder, "--threads", threads]);
        let figures = fs::read_dir(out.join("figures")).unwrap();
        let mut files: Vec<PathBuf> = figures.map(|entry| entry.unwrap().path()).collect();
        files.extend(["report.html", "comparison.json"].map(|name| out.join(name)));
        files.sort();
        let named = |path: PathBuf| {
            (
                path.file_name().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        };
        files.into_iter().map(named).collect::<Vec<_>>()
    };
    assert!(written("1") == written("3"));
}

/// Both sides of one length, and no bias that could tell one from the other.
const SIDE: usize = 64;

fn square(entries: &[f64]) -> Tensor {
    Tensor {
        shape: vec![SIDE, SIDE],
        ..weight("F32", entries.to_vec())
    }
}

#[test]
fn a_square_layer_stored_the_other_way_is_noticed() {
    let a = normal(1, SIDE * SIDE);
    let tuned = plus(&a, &normal(2, SIDE * SIDE), 0.1);
    let turned: Vec<f64> = (0..SIDE * SIDE)
        .map(|at| tuned[at % SIDE * SIDE + at / SIDE])
        .collect();
    let compared = |b: &[f64]| {
        let two = Two::new(&[square(&a)], &[square(b)]);
        let (a, b) = (two.text("a.safetensors"), two.text("b.safetensors"));
        let said = String::from_utf8(succeeded(&["compare", &a, &b])).unwrap();
        (said.contains("may be stored"), two.difference())
    };
    let (noticed, found) = compared(&turned);
    assert!(noticed);
    // ‖.1·Z‖/‖A‖, and √(1 + 1.01) of two matrices that have nothing in common.
    assert!((number(&found, "turned_norm") - 0.1).abs() < 0.01);
    assert!((number(&found, "relative_norm") - 2.01_f64.sqrt()).abs() < 0.05);
    for other in [tuned, normal(3, SIDE * SIDE)] {
        assert!(!compared(&other).0);
    }
}

#[test]
fn a_small_change_is_no_row_of_zeros() {
    let after = plus(&base(), &normal(7, INPUTS * OUTPUTS), 1e-6);
    let two = Two::of("F32", base(), after);
    let (a, b) = (two.text("a.safetensors"), two.text("b.safetensors"));
    let said = String::from_utf8(succeeded(&["compare", &a, &b])).unwrap();
    assert!(said.contains("2.2e-5"), "{said}");
}

#[test]
fn a_layer_of_another_shape_has_figures_and_no_distance() {
    let wider = Tensor {
        shape: vec![OUTPUTS / 2, 2 * INPUTS],
        ..weight("F32", base())
    };
    let found = Two::new(&[weight("F32", base())], &[wider]).compared();
    let pair = &found["layers"][0];
    assert_eq!(pair["spectra"]["status"], "skipped");
    assert_eq!(pair["figures"][1]["status"], "compared");
}

// Somebody wrote the audits: a name twice, a section that is not there, no layer at all.
#[test]
fn an_audit_of_odd_structure_is_compared_or_refused() {
    let two = Two::of("F32", base(), base());
    let audit = two.audited("a");
    let sound: Value = serde_json::from_slice(&fs::read(&audit).unwrap()).unwrap();
    let compared = |odd: &Value| {
        let path = two.text("odd.json");
        fs::write(&path, odd.to_string()).unwrap();
        run(&["compare", &path, &audit, "--json"])
    };
    let mut twice = sound.clone();
    let layer = sound["layers"][0].clone();
    twice["layers"] = json!([layer.clone(), layer]);
    let page = compared(&twice).stdout;
    let page: Value = serde_json::from_slice(&page).unwrap();
    assert_eq!(page["layers"].as_array().unwrap().len(), 1);
    assert_eq!(page["only_in_a"].as_array().unwrap().len(), 1);
    let mut without = sound.clone();
    without["layers"][0]
        .as_object_mut()
        .unwrap()
        .remove("spectrum");
    let mut empty = sound.clone();
    empty["layers"] = json!([]);
    for (odd, why) in [(without, "spectrum"), (empty, "no layer")] {
        let refused = compared(&odd);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
        assert!(said.starts_with("error: ") && said.contains(why), "{said}");
    }
}

#[test]
fn chains_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let shadow = folder.path().join("shadow.json");
    let measured = succeeded(&["inspect", "fixtures/fashion_shadow.safetensors", "--json"]);
    fs::write(&shadow, measured).unwrap();
    let plain = "reports/fashion_plain/audit.json".to_owned();
    let nets = [plain, shadow.to_str().unwrap().to_owned()];
    let args = ["compare", &nets[0], &nets[1]];
    let said = String::from_utf8(succeeded(&args)).unwrap();
    assert!(said.contains("layers.0 → layers.1 → layers.2"), "{said}");
    let page = succeeded(&[&args[..], &["--json"]].concat());
    let found: Value = serde_json::from_slice(&page).unwrap();
    let chains = nets.each_ref().map(|net| {
        let audit: Value = serde_json::from_slice(&fs::read(net).unwrap()).unwrap();
        audit["chains"][0].clone()
    });
    let figures = found["chains"][0]["figures"].as_array().unwrap();
    for (name, pointer) in [
        ("chain.relative_error", "/relative_error/mean"),
        ("chain.ratio", "/random/ratio/mean"),
    ] {
        let figure = figures.iter().find(|f| f["name"] == name).unwrap();
        assert_eq!(figure["a"], *chains[0].pointer(pointer).unwrap());
        assert_eq!(figure["b"], *chains[1].pointer(pointer).unwrap());
        assert!(figure["units"].is_f64());
    }
}

#[test]
fn a_report_is_written_whole_and_opens_offline() {
    let two = Two::of("F32", base(), plus(&base(), &low_rank(4), 0.01));
    let (a, b, out) = (
        two.text("a.safetensors"),
        two.text("b.safetensors"),
        two.text("out"),
    );
    let args = ["compare", &a, &b, "--out", &out];
    for _ in 0..2 {
        let said = String::from_utf8(succeeded(&args)).unwrap();
        assert!(said.contains("low-rank"), "{said}");
    }
    let page = fs::read_to_string(two.path("out/report.html")).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 3);
    assert!(!page.contains("src=\"http") && !page.contains("<script"));
    let facts: Value =
        serde_json::from_slice(&fs::read(two.path("out/comparison.json")).unwrap()).unwrap();
    assert_eq!(facts["schema_version"], 1);
    assert_eq!(fs::read_dir(two.path("out/figures")).unwrap().count(), 3);
    // A report of another kind is not replaced.
    let refused = run(&["inspect", &a, "--out", &out]);
    assert_eq!(refused.status.code(), Some(2));
    fs::write(two.path("out/notes.txt"), b"mine").unwrap();
    let refused = run(&args);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("holds `notes.txt`")
    );
}

// Somebody wrote the audit: numbers from one end of the range to the other.
#[test]
fn an_audit_of_wild_numbers_is_compared_or_refused() {
    let two = Two::of("F32", base(), base());
    let audit = two.audited("a");
    let sound: Value = serde_json::from_slice(&fs::read(&audit).unwrap()).unwrap();
    for (section, name, value) in [
        ("spectrum", "aspect", json!(1e-300)),
        ("spectrum", "aspect", json!(-1.0)),
        ("spectrum", "aspect", json!(1e300)),
        ("spectrum", "sigma_median", json!(1e-320)),
        ("spectrum", "sigma_median", json!(1e308)),
        ("spectrum", "singular_values", json!([1e308, 1.0, -1e308])),
        ("spectrum", "singular_values", json!([])),
        ("spectrum", "ks_null_q99", json!(0.0)),
        ("weights", "mean", json!(-1.7e308)),
        ("weights", "count", json!(0)),
        ("weights", "excess_kurtosis", json!(-1e308)),
        ("biases", "positive_fraction", json!(9.0)),
    ] {
        let mut wild = sound.clone();
        wild["layers"][0][section][name] = value.clone();
        let (path, out) = (two.text("wild.json"), two.text("wild"));
        fs::write(&path, wild.to_string()).unwrap();
        for (a, b) in [(&audit, &path), (&path, &audit), (&path, &path)] {
            let output = run(&["compare", a, b, "--json", "--out", &out]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches!(output.status.code(), Some(0 | 2)),
                "{name} {value}: {said}"
            );
            if output.status.success() {
                let text = String::from_utf8(output.stdout).unwrap();
                let again: randomlike::compare::Comparison = serde_json::from_str(&text).unwrap();
                assert_eq!(again.layers.len(), 1);
            }
            let checked = run(&["check", b, "--baseline", a]);
            assert!(
                matches!(checked.status.code(), Some(0..=2)),
                "{name} {value}"
            );
        }
    }
}

/// Exit status and the findings of the check `baseline`.
fn judged(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(&[&["check", "--format", "json"], args].concat());
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = page["findings"].as_array().unwrap().iter();
    let of_baseline = findings.filter(|f| f["check"] == "baseline");
    (output.status.code(), of_baseline.cloned().collect())
}

#[test]
fn a_checkpoint_is_judged_beside_what_it_was() {
    let mut outlier = base();
    for (at, w) in outlier.iter_mut().enumerate() {
        let even = (at / INPUTS).is_multiple_of(2);
        *w += if even { 0.03 } else { -0.03 };
    }
    let two = Two::of("F32", base(), outlier);
    let (a, b) = (two.text("a.safetensors"), two.text("b.safetensors"));
    let (before, after) = (two.audited("a"), two.audited("b"));
    let (status, same) = judged(&[&a, "--baseline", &before]);
    assert_eq!(status, Some(0));
    assert_eq!((same.len(), &same[0]["outcome"]), (1, &json!("pass")));
    let (status, worse) = judged(&[&b, "--baseline", &before]);
    assert_eq!(status, Some(1));
    let edge = |f: &Value| {
        f["measured"]
            .as_str()
            .unwrap()
            .starts_with("spectrum.edge_ratio")
    };
    assert!(worse.iter().any(edge), "{worse:?}");
    // From the audit alone the same findings come.
    assert_eq!(judged(&[&after, "--baseline", &before]).1, worse);
    // Getting better is no finding.
    assert_eq!(judged(&[&a, "--baseline", &after]).0, Some(0));
}

// The net was compiled, or trained in parallel, in between: torch.compile and DataParallel wrap it.
#[test]
fn a_module_around_the_net_is_no_other_net() {
    let named = |name: &'static str| Tensor {
        name,
        ..weight("F32", base())
    };
    let plain = [named("fc1.weight"), named("fc2.weight")];
    let wrapped = [
        named("module._orig_mod.fc1.weight"),
        named("module._orig_mod.fc2.weight"),
    ];
    let two = Two::new(&plain, &wrapped);
    let found = two.compared();
    assert_eq!(
        found["layers"].as_array().unwrap().len(),
        1,
        "the second is the first, bit for bit"
    );
    assert_eq!(found["layers"][0]["matched_by"], "name");
    let (b, before) = (two.text("b.safetensors"), two.audited("a"));
    let (status, findings) = judged(&[&b, "--baseline", &before]);
    assert_eq!((status, &findings[0]["outcome"]), (Some(0), &json!("pass")));
}

// Three of the weights change; a frozen layer is the same bit for bit.
#[test]
fn weights_that_are_the_same_bit_for_bit_are_counted() {
    let mut changed = base();
    for at in [0, 7, 100] {
        changed[at] += 0.001;
    }
    let count = (INPUTS * OUTPUTS) as u64;
    for (after, identical, said) in [
        (
            base(),
            count,
            format!("all {count} weights are the same bit for bit"),
        ),
        (
            changed,
            count - 3,
            format!("{} of {count} weights are the same", count - 3),
        ),
    ] {
        let two = Two::of("F32", base(), after);
        assert_eq!(
            two.compared()["layers"][0]["difference"]["identical"],
            identical
        );
        let (a, b) = (two.text("a.safetensors"), two.text("b.safetensors"));
        let page = String::from_utf8(succeeded(&["compare", &a, &b])).unwrap();
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&said), "{page}");
    }
}
