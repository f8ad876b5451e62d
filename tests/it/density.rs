//! The density route beside the exact one, from a matrix to the report.

use std::process::{Command, Output};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::analysis::{Options, measure_spectrum};
use randomlike::audit::{Route, Section, Spectrum, SpectrumMethod};
use serde_json::Value;

/// Names under `spectrum` of a layer that the density route measured.
const NAMES: [&str; 24] = [
    "method_reason",
    "spectral_norm",
    "effective_rank",
    "density.count",
    "density.probes",
    "density.steps",
    "density.products",
    "density.seed",
    "density.ks_error",
    "density.sampling_error",
    "density.resolution_error",
    "density.rounding_error",
    "density.sigma_median_error",
    "density.ks_median_error",
    "density.wasserstein_error",
    "density.effective_rank_error",
    "density.moments.3.error",
    "density.top.0.value",
    "density.exact",
    "density.outliers_above_least",
    "density.cdf.1024.sigma",
    "density.cdf.1024.share",
    "density.not_measured.level_ratio",
    "nulls.ks_median.p",
];

const NET: &str = "fixtures/fc3u_256x128x256.safetensors";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_randomlike"))
        .args(args)
        .output()
        .unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn spectrum(entries: &[f64], sides: (usize, usize), method: SpectrumMethod) -> Spectrum {
    let options = Options {
        method,
        ..Options::default()
    };
    match measure_spectrum(entries, sides, &options).unwrap() {
        Section::Measured(spectrum) => spectrum,
        Section::Skipped { reason } => panic!("{reason}"),
    }
}

fn near(what: &str, found: f64, exact: f64, error: f64) {
    assert!(
        (found - exact).abs() <= error,
        "{what}: {found} ± {error}, exact {exact}"
    );
}

/// All that is stated with an error is within it; `sides` are more than the steps of one block.
fn assert_within(entries: &[f64], sides: (usize, usize)) -> Spectrum {
    let exact = spectrum(entries, sides, SpectrumMethod::Exact);
    let found = spectrum(entries, sides, SpectrumMethod::Density);
    assert_eq!((exact.method, found.method), (Route::Exact, Route::Density));
    let density = found.density.as_ref().unwrap();
    let told = density.ks_error;
    // 64 blocks of 16 all but span so small a space, and what they leave is told as unknown.
    assert!(density.sampling_error > 0.0 && told < 0.03, "{told}");
    near("ks_rms", found.ks_rms, exact.ks_rms, density.ks_error);
    let error = density.ks_median_error;
    near("ks_median", found.ks_median, exact.ks_median, error);
    let error = density.sigma_median_error;
    near(
        "sigma_median",
        found.sigma_median,
        exact.sigma_median,
        error,
    );
    let error = density.wasserstein_error;
    near("wasserstein", found.wasserstein, exact.wasserstein, error);
    let error = density.effective_rank_error;
    near("rank", found.effective_rank, exact.effective_rank, error);
    let top = density.top[0];
    near(
        "largest",
        found.spectral_norm,
        exact.spectral_norm,
        top.error,
    );
    // From the squares of the entries, so to rounding.
    let norm = exact.frobenius_norm;
    near("norm", found.frobenius_norm, norm, 1e-9 * norm);
    let stable = exact.stable_rank;
    near("stable rank", found.stable_rank, stable, 1e-3 * stable);
    for (found, exact) in density.top.iter().zip(&exact.singular_values) {
        near("top", found.value, *exact, found.error);
    }
    for (found, exact) in density
        .bottom
        .iter()
        .zip(exact.singular_values.iter().rev())
    {
        near("bottom", found.value, *exact, found.error);
    }
    // The function on its grid, at the exact values, to half of a step each way.
    let m = exact.count();
    let values = found.values();
    assert_eq!((values.len(), found.count()), (m, m));
    for (rank, value) in exact.singular_values.iter().enumerate() {
        let above = values.partition_point(|v| v > value) as f64 / m as f64;
        let share = rank as f64 / m as f64;
        near("cdf", above, share, density.ks_error + 1.5 / m as f64);
    }
    // What single values alone tell is missing, with the reason.
    assert!(found.singular_values.is_empty() && found.level_ratio.is_none());
    assert!(found.matrix_rank.is_none() && found.power_law.is_none());
    for name in ["singular_values", "level_ratio", "matrix_rank", "power_law"] {
        assert!(density.not_measured[name].len() > 10, "{name}");
    }
    found
}

fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect()
}

#[test]
fn a_random_matrix() {
    let found = assert_within(&normal(1, 2200 * 1100), (2200, 1100));
    assert_eq!(found.outliers_above, Some(0));
    assert!(found.smallest.is_some() && found.outliers_below.is_some());
    // Chance is that of the nearest the error allows: nothing is called unlikely.
    let nulls = found.nulls.measured().unwrap();
    assert!(nulls.ks_median.p > 0.01 && nulls.wasserstein.p > 0.01);
    let bulk = found.bulk.measured().unwrap();
    assert_eq!((bulk.above, bulk.below), (0, 0));
    // The smallest value of a square matrix is not to be had.
    let square = assert_within(&normal(2, 1100 * 1100), (1100, 1100));
    assert!(square.smallest.is_none() && square.outliers_below.is_none());
    assert!(
        square
            .density
            .unwrap()
            .not_measured
            .contains_key("smallest")
    );
}

// Spikes at 10, 5 and 2.5 times the noise's norm; and rows of unequal scale, off the law by .14.
#[test]
fn spikes_and_unequal_rows() {
    let (n, m) = (1200, 1100);
    let mut spiked = normal(3, n * m);
    let mut mixed = normal(4, n * m);
    let scale = normal(5, n);
    for (at, (w, x)) in spiked.iter_mut().zip(&mut mixed).enumerate() {
        let (i, j) = (at / m, at % m);
        for k in 0..3 {
            let sign = if ((i >> k) ^ (j >> k)) & 1 == 0 {
                1.0
            } else {
                -1.0
            };
            *w += sign * 0.6 / f64::from(1 << k);
        }
        *x *= (0.5 * scale[i]).exp();
    }
    let spiked = assert_within(&spiked, (n, m));
    assert_eq!(spiked.outliers_above, Some(3));
    assert_eq!(spiked.bulk.measured().unwrap().above, 3);
    let mixed = assert_within(&mixed, (n, m));
    let error = mixed.density.as_ref().unwrap().ks_median_error;
    assert!(mixed.ks_median - error > 2.0 * mixed.ks_null_q99);
}

#[test]
fn an_audit_says_its_method_and_has_the_names() {
    let audit = json(&["inspect", NET, "--method", "density", "--json"]);
    assert_eq!(audit["settings"]["method"], "density");
    for layer in audit["layers"].as_array().unwrap() {
        let spectrum = &layer["spectrum"];
        assert_eq!(spectrum["method"], "density");
        assert_eq!(spectrum["method_reason"], "asked for");
        for name in NAMES {
            let path = format!("/{}", name.replace('.', "/"));
            assert!(spectrum.pointer(&path).is_some(), "{name}");
        }
        for gone in ["singular_values", "matrix_rank", "level_ratio"] {
            assert!(spectrum.get(gone).is_none(), "{gone}");
        }
    }
    let plain = json(&["inspect", NET, "--json"]);
    assert_eq!(plain["settings"]["method"], "auto");
    assert_eq!(plain["layers"][0]["spectrum"]["method"], "exact");
    assert!(plain["layers"][0]["spectrum"].get("density").is_none());
}

#[test]
fn threads_do_not_show() {
    let with = |threads| {
        let args = ["inspect", NET, "--method", "density", "--json", "--threads"];
        run(&[&args[..], &[threads]].concat()).stdout
    };
    assert_eq!(with("1"), with("3"));
}

// Read back, drawn, judged, compared and held against: each works or says why not.
#[test]
fn every_command_takes_such_an_audit() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let out = out.to_str().unwrap();
    let output = run(&[
        "inspect",
        NET,
        "--method",
        "density",
        "--vectors",
        "2",
        "--out",
        out,
    ]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("spectrum by density (asked for)"));
    let page = std::fs::read_to_string(format!("{out}/report.html")).unwrap();
    assert!(page.contains("by density") && page.contains("KS within"));
    assert!(page.contains("singular values by their density"));
    let file = format!("{out}/audit.json");
    let audit: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let vectors = &audit["layers"][0]["vectors"];
    assert!(
        vectors["reason"]
            .as_str()
            .unwrap()
            .contains("--method exact")
    );
    let comparison = json(&["compare", &file, NET, "--json"]);
    let spectra = &comparison["layers"][0]["spectra"];
    assert!(
        spectra["reason"]
            .as_str()
            .unwrap()
            .contains("--method exact")
    );
    for args in [
        &["check", &file][..],
        &["check", NET, "--baseline", &file],
        &["check", &file, "--baseline", &file],
    ] {
        let output = run(args);
        assert_ne!(output.status.code(), Some(2), "{args:?}");
    }
    let refused = run(&["inspect", &file, "--method", "exact"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_is_not_built_in_is_named() {
    let refused = run(&["inspect", NET, "--method", "density", "--device", "cuda"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--features cuda"), "{said}");
}
