//! What holds up to the scales of units: planted scales, invariance, laws that stay what they are.
//! Sizes are small; `cargo run --release --example calibration` has the full ones.

use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use randomlike::analysis::{self, Options, measure_entries};
use randomlike::audit::{Audit, LayerFacts};
use randomlike::balance::balance;
use randomlike::calibration::{Truth, verdicts, verdicts_by};
use randomlike::checkpoint::Checkpoint;
use randomlike::label::Label;
use randomlike::linalg::{Engine, Matrix, singular_values};
use randomlike::nulls::{EntryNull, EntryStatistic, Null, NullStatistic, Shape};
use randomlike::policy::Policy;
use randomlike::stats::laws::edges::upper_statistic;
use randomlike::verdict::Check;
use serde_json::Value;

use crate::shadow::{gaussian, write};

const SHAPES: [(usize, usize); 5] = [(128, 128), (256, 64), (256, 128), (96, 384), (320, 256)];

// 12 draws a cell: of 240 at a rate of 98 % fewer than 228 is a chance of 1 in 500.
#[test]
fn planted_scales_are_random_like_up_to_scales() {
    let plain = "[weights-gaussian]\nup_to_scales = \"plain\"\n[quarter-circle]\nup_to_scales = \
                 \"plain\"";
    let plain = Policy::parse(plain, Path::new("plain.toml")).unwrap();
    let mut labelled = 0;
    for tau in [0.1, 0.3, 0.5, 1.0] {
        for shape in SHAPES {
            let counts = verdicts_by(&plain, Truth::Scales(tau), shape, 12, 11).unwrap();
            labelled += counts
                .labels
                .get(&Label::RandomLikeUpToScales)
                .unwrap_or(&0);
            if tau >= 0.3 {
                let failed = counts.fails(Check::WeightsGaussian);
                assert!(failed > 99.0, "{tau} {shape:?}: {failed}");
                assert!(counts.fails(Check::QuarterCircle) > 60.0, "{tau} {shape:?}");
            }
        }
    }
    assert!(labelled >= 228, "{labelled} of 240");
}

// A direction at 1.8 times the threshold, spread over all units: of 60 at a rate of 90 % fewer
// than 46 is a chance of 1 in 500.
#[test]
fn a_spike_under_scales_is_found() {
    let mut found = 0;
    for (tau, shape) in [(0.3, (256, 128)), (0.5, (256, 256)), (1.0, (320, 200))] {
        let counts = verdicts(Truth::ScaledSpike(tau), shape, 20, 5).unwrap();
        found += counts
            .labels
            .get(&Label::RandomBulkWithSpikes)
            .unwrap_or(&0);
    }
    assert!(found >= 46, "{found} of 60");
}

// From 128 a side on; logistic entries have a word of their own.
#[test]
fn laws_with_longer_tails_are_not_called_gaussian() {
    let gaussian = [
        Label::RandomLike,
        Label::RandomLikeUpToScales,
        Label::GaussianStructured,
    ];
    let laplace = Truth::Independent(randomlike::nulls::Marginal::Laplace);
    for truth in [laplace, Truth::StudentT5] {
        for shape in [(128, 128), (256, 128)] {
            let counts = verdicts(truth, shape, 20, 3).unwrap();
            for label in gaussian {
                assert!(counts.label(label) < 0.1, "{truth} {shape:?} {counts:?}");
            }
            assert!(
                counts.label(Label::RandomNotGaussian) > 80.0,
                "{truth} {counts:?}"
            );
        }
    }
    let logistic = verdicts(Truth::Logistic, (200, 90), 60, 3).unwrap();
    assert!(logistic.label(Label::Undecided) < 0.1, "{logistic:?}");
    // Its excess kurtosis is 1.2, spread by .13 at 18,000 entries: a few come under the limit of 1.
    let named = logistic.label(Label::RandomNotGaussian);
    assert!(named > 85.0, "{logistic:?}");
}

// At most 1 % of independent matrices get another word: of 300 more than 9 is a chance of 1 in 1000.
#[test]
fn independent_matrices_keep_their_word() {
    let mut wrong = 0;
    for (n, m) in [(64, 64), (256, 128), (96, 300)] {
        let normal = Truth::Independent(randomlike::nulls::Marginal::Normal);
        let counts = verdicts(normal, (n, m), 100, 9).unwrap();
        wrong += 100 - counts.labels.get(&Label::RandomLike).unwrap_or(&0);
    }
    assert!(wrong <= 9, "{wrong} of 300");
}

fn measured(entries: &[f64], shape: (usize, usize)) -> LayerFacts {
    let mut audit = measure_entries(entries, shape, &Options::default()).unwrap();
    audit.layers.remove(0)
}

/// Every number of a JSON value with its path.
fn numbers(value: &Value, path: &str, into: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => into.push((path.to_owned(), number.as_f64().unwrap())),
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                numbers(value, &format!("{path}.{at}"), into);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                numbers(value, &format!("{path}.{name}"), into);
            }
        }
        _ => {}
    }
}

// Log-uniform scales over twelve orders of magnitude on both sides move the scales alone, and what
// is measured of the weights as stored.
#[test]
fn rescaling_moves_no_balanced_figure() {
    let shape = (96, 64);
    let entries = gaussian(17, 96 * 64);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut scales = |count: usize| -> Vec<f64> {
        let each = (0..count).map(|_| 10_f64.powf(12.0 * rng.random::<f64>() - 6.0));
        each.collect()
    };
    let (a, b) = (scales(96), scales(64));
    let entries: Vec<f64> = entries.iter().map(|&w| f64::from(w)).collect();
    let scaled: Vec<f64> = (0..96 * 64)
        .map(|at| a[at / 64] * entries[at] * b[at % 64])
        .collect();
    let figures = |entries: &[f64]| {
        let layer = measured(entries, shape);
        let mut balanced = layer.balanced.measured().unwrap().clone();
        // Of scales themselves, of the rounds they take, and of the stored matrix.
        balanced.inputs.log_spread = 0.0;
        balanced.outputs.log_spread = 0.0;
        (balanced.rounds, balanced.residual) = (0, 0.0);
        let randomlike::audit::Section::Measured(signs) = &mut balanced.signs else {
            panic!("measured");
        };
        (signs.stored_ks, signs.stored_ks_with_signs) = (0.0, 0.0);
        let mut found = Vec::new();
        numbers(&serde_json::to_value(&balanced).unwrap(), "", &mut found);
        (found, layer.spectrum.measured().unwrap().ks_median)
    };
    let (plain, stored) = figures(&entries);
    let (found, scaled_stored) = figures(&scaled);
    assert_eq!(plain.len(), found.len());
    assert!(plain.len() > 200);
    for ((path, a), (other, b)) in plain.iter().zip(&found) {
        assert_eq!(path, other);
        let allowed = 1e-5 * a.abs().max(1e-2);
        assert!((a - b).abs() <= allowed, "{path}: {a} {b}");
    }
    assert!((stored - scaled_stored).abs() > 0.1, "what is stored moves");
}

// docs/theory.md §9, a run with NumPy, R draws each: M·KS q50 and q99, the scale from the median.
// Standard errors of q50 at R draws: 1.25·sd/√R, of q99 about 3.8·sd/√R.
#[test]
fn the_null_of_balanced_matrices_is_that_of_another_program() {
    let reference = [
        (64, 64, 4000.0, 2.48, 4.54),
        (128, 128, 1500.0, 2.79, 4.79),
        (256, 64, 1500.0, 2.42, 3.73),
        (256, 128, 1500.0, 2.77, 4.39),
        (256, 256, 500.0, 3.08, 5.01),
        (384, 384, 250.0, 3.36, 5.22),
        (512, 512, 200.0, 3.38, 5.70),
        (1024, 256, 250.0, 3.11, 4.67),
        (1536, 384, 60.0, 3.12, 4.94),
    ];
    for (n, m, draws, median, q99) in reference {
        let shape = Shape::new(n, m).unwrap();
        let entries = EntryNull::at(shape).unwrap();
        let kurtosis = entries.median(EntryStatistic::ExcessKurtosis);
        let null = Null::balanced(shape, kurtosis).unwrap();
        // The table has 2000 to 4000 draws of its own; M·KS spreads by .65.
        let error = 0.65 * (1.0 / draws + 1.0 / 2000_f64).sqrt();
        let off = null.median(NullStatistic::KsMedian) - median;
        assert!(off.abs() < 4.0 * 1.25 * error, "{n}x{m}: {off}");
        let off = null.limits(NullStatistic::KsMedian).1.unwrap() - q99;
        assert!(off.abs() < 4.0 * 3.8 * error, "{n}x{m}: q99 {off}");
    }
    // Excess kurtosis of balanced normal entries there.
    let measured = [
        (16, -0.536),
        (32, -0.310),
        (64, -0.168),
        (128, -0.090),
        (256, -0.044),
    ];
    for (m, kurtosis) in measured {
        let shape = Shape::new(m, m).unwrap();
        let found = EntryNull::at(shape).unwrap();
        let found = found.median(EntryStatistic::ExcessKurtosis);
        assert!((found / kurtosis - 1.0).abs() < 0.08, "{m}: {found}");
    }
}

// The same run, the scale from the rms, which is 1: σ₁ in units of Johnstone's τ has a median of
// −2.42 at 64×64 and −2.24 at 256×128; √N·σ_M of a square .581. 400 draws know the first two to
// 1.25·1.2/20 = .075, the third to .04.
#[test]
fn the_edges_of_balanced_matrices_are_those_of_another_program() {
    let edges = |n: usize, m: usize| {
        let mut values: Vec<[f64; 2]> = (0..400)
            .map(|seed| {
                let entries = gaussian(seed + 100, n * m);
                let parts = balance(&entries, m).unwrap();
                let matrix = Matrix::new(&parts.entries, n, m).unwrap();
                let values = singular_values(matrix, Engine::Faer).unwrap();
                let top = upper_statistic(n, m, 1.0, values[0]);
                [top, (n as f64).sqrt() * values[m - 1]]
            })
            .collect();
        [0, 1].map(|figure| {
            values.sort_unstable_by(|a, b| a[figure].total_cmp(&b[figure]));
            values[200][figure]
        })
    };
    let [top, bottom] = edges(64, 64);
    assert!((top + 2.42).abs() < 0.3, "{top}");
    assert!((bottom - 0.581).abs() < 0.14, "{bottom}");
    let [top, _] = edges(256, 128);
    assert!((top + 2.24).abs() < 0.3, "{top}");
}

/// Tensors of a safetensors file of the fixtures, widened.
fn tensors(path: &str) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let checkpoint = Checkpoint::open(Path::new(path)).unwrap();
    let tensors = checkpoint.tensors().iter();
    let read = |tensor: &randomlike::checkpoint::TensorFacts| {
        let entries = checkpoint.read(&tensor.tensor).unwrap().widened();
        let entries = entries.iter().map(|&w| w as f32).collect();
        (tensor.tensor.clone(), tensor.shape.clone(), entries)
    };
    tensors.map(read).collect()
}

/// The outputs of a ReLU net whose layers are stored (out, in).
fn forward(tensors: &[(String, Vec<usize>, Vec<f32>)], input: &[f64]) -> Vec<f64> {
    let find = |name: &str| tensors.iter().find(|tensor| tensor.0 == name).unwrap();
    let mut x = input.to_vec();
    for layer in 0..3 {
        let (_, shape, weight) = find(&format!("layers.{layer}.weight"));
        let (_, _, bias) = find(&format!("layers.{layer}.bias"));
        x = (0..shape[0])
            .map(|unit| {
                let row = &weight[unit * shape[1]..][..shape[1]];
                let sum: f64 = row.iter().zip(&x).map(|(&w, x)| f64::from(w) * x).sum();
                let z = sum + f64::from(bias[unit]);
                if layer < 2 { z.max(0.0) } else { z }
            })
            .collect();
    }
    x
}

// docs/random-like.md, "Up to the scales of units": one hidden unit times 100.
#[test]
fn rescaling_a_hidden_unit_changes_what_is_stored_and_not_the_net() {
    let plain = tensors("fixtures/fashion_plain.safetensors");
    let mut rescaled = plain.clone();
    for (name, shape, entries) in &mut rescaled {
        match name.as_str() {
            "layers.0.weight" => {
                let row = &mut entries[7 * shape[1]..][..shape[1]];
                for w in row {
                    *w *= 100.0;
                }
            }
            "layers.0.bias" => entries[7] *= 100.0,
            "layers.1.weight" => {
                let column = entries.iter_mut().skip(7).step_by(shape[1]);
                column.for_each(|w| *w /= 100.0);
            }
            _ => {}
        }
    }
    let mut largest: f64 = 0.0;
    let mut apart: f64 = 0.0;
    for seed in 0..64 {
        let input: Vec<f64> = gaussian(seed, 784)
            .iter()
            .map(|w| f64::from(w.abs()))
            .collect();
        for (a, b) in forward(&plain, &input)
            .iter()
            .zip(forward(&rescaled, &input))
        {
            largest = largest.max(a.abs());
            apart = apart.max((a - b).abs());
        }
    }
    assert!(apart < 1e-4 * largest, "{apart} {largest}");
    let folder = tempfile::tempdir().unwrap();
    let audited = |name: &str, tensors: &[(String, Vec<usize>, Vec<f32>)]| {
        let path = folder.path().join(name);
        let borrowed: Vec<(&str, &[usize], Vec<f32>)> = tensors
            .iter()
            .map(|(name, shape, entries)| (name.as_str(), shape.as_slice(), entries.clone()))
            .collect();
        write(&path, r#"{"activation":"relu"}"#, &borrowed);
        let checkpoint = Checkpoint::open(&path).unwrap();
        analysis::measure(&checkpoint, &Options::default(), &mut |_| {}).unwrap()
    };
    let (before, after) = (
        audited("plain.safetensors", &plain),
        audited("rescaled.safetensors", &rescaled),
    );
    let stored = |audit: &Audit| {
        let layer = &audit.layers[0];
        let weights = layer.weights.measured().unwrap().gaussian.clone().unwrap();
        let shadow = layer.shadow.measured().unwrap().ratio.mean;
        (
            weights.excess_kurtosis,
            layer.spectrum.measured().unwrap().spectral_norm,
            shadow,
        )
    };
    let (kurtosis, norm, ratio) = stored(&before);
    assert!(
        (kurtosis - 1.66).abs() < 0.01 && (norm - 10.3).abs() < 0.05 && (ratio - 2.71).abs() < 0.01
    );
    let (kurtosis, norm, ratio) = stored(&after);
    assert!(
        (kurtosis - 972.0).abs() < 1.0 && (norm - 338.0).abs() < 1.0 && (ratio - 48.0).abs() < 1.0
    );
    for layer in 0..2 {
        let figures = |audit: &Audit| {
            let balanced = audit.layers[layer].balanced.measured().unwrap();
            let weights = &balanced.weights.measured().unwrap().gaussian;
            let spectrum = balanced.spectrum.measured().unwrap();
            let biases = balanced.biases.measured().unwrap();
            let shadow = balanced.shadow.measured().unwrap();
            [
                weights.excess_kurtosis,
                weights.ks,
                weights.wasserstein,
                spectrum.ks_median,
                spectrum.spectral_norm,
                biases.facts.cv.unwrap(),
                shadow.ratio.mean,
            ]
        };
        for (a, b) in figures(&before).iter().zip(figures(&after)) {
            assert!((a - b).abs() <= 1e-5 * a.abs(), "{layer}: {a} {b}");
        }
    }
}
