//! Controls and singular vectors of planted matrices: each comparison must see what was
//! planted for it, and nothing where nothing was.

use randomlike::analysis::{self, Options};
use randomlike::audit::{Audit, Cause, Controls, LayerFacts, Part, SpectrumMethod, Vectors};
use randomlike::checkpoint::Checkpoint;

use crate::shadow::{gaussian, write};

const N: usize = 160;
const M: usize = 96;

/// The audit of one layer, (outputs, inputs) as PyTorch stores it, of this entry by input and
/// output.
fn audit_of(
    (n, m): (usize, usize),
    options: &Options,
    entry: impl Fn(usize, usize) -> f32,
) -> Audit {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let entries = (0..n * m).map(|at| entry(at % n, at / n)).collect();
    write(
        &path,
        r#"{"activation":"relu"}"#,
        &[("fc.weight", &[m, n], entries)],
    );
    let checkpoint = Checkpoint::open(&path).unwrap();
    analysis::measure(&checkpoint, options, &mut |_| {}).unwrap()
}

fn layer((n, m): (usize, usize), entry: impl Fn(usize, usize) -> f32) -> LayerFacts {
    audit_of((n, m), &Options::default(), entry)
        .layers
        .remove(0)
}

fn controls(entry: impl Fn(usize, usize) -> f32) -> Controls {
    layer((N, M), entry).controls.measured().unwrap().clone()
}

/// Normal entries by input and output.
fn noise(seed: u64, n: usize, m: usize) -> impl Fn(usize, usize) -> f32 {
    let entries = gaussian(seed, n * m);
    move |i, j| entries[i * m + j]
}

// Six draws' comparisons: a difference of two spreads by √2 of one; four of these.
#[test]
fn nothing_is_found_where_nothing_was_planted() {
    let c = controls(noise(1, N, M));
    let chance = 4.0 * 2_f64.sqrt() * c.spread;
    for difference in [c.structure, c.tails_and_mean] {
        assert!(difference.abs() < chance, "{difference} {chance}");
    }
    assert_eq!((c.method, &c.trap), (SpectrumMethod::Exact, &None));
    let spectrum = layer((N, M), noise(1, N, M));
    let spectrum = spectrum.spectrum.measured().unwrap();
    assert!((c.observed - spectrum.spectral_norm).abs() < 1e-12);
}

// A direction of strength 3·(NM)^¼, half plus and half minus: gone when shuffled.
#[test]
fn a_planted_direction_is_structure() {
    let strength = 3.0 * ((N * M) as f32).powf(0.25);
    let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let unit = strength / ((N * M) as f32).sqrt();
    let base = noise(2, N, M);
    let c = controls(|i, j| base(i, j) + unit * sign(i) * sign(j / 2));
    let chance = 4.0 * 2_f64.sqrt() * c.spread;
    // BBP: θ = strength/√N, σ₁ = √N·√((1 + θ²)(y + θ²))/θ.
    let (n, y) = (N as f64, M as f64 / N as f64);
    let theta = f64::from(strength) / n.sqrt();
    let sigma = n.sqrt() * ((1.0 + theta * theta) * (y + theta * theta)).sqrt() / theta;
    assert!((c.observed - sigma).abs() < 3.0, "{} {sigma}", c.observed);
    assert!(c.structure > 10.0 && c.tails_and_mean.abs() < chance);
    assert_eq!(c.trap, None);
}

// |mean|/sd = .3, visible from (NM)^−¼ = .09 on: an outlier in random order, gone without the
// mean.
#[test]
fn a_mean_survives_shuffling_and_is_named() {
    let base = noise(3, N, M);
    let c = controls(|i, j| base(i, j) + 0.3);
    let trap = c.trap.as_ref().unwrap();
    assert_eq!((trap.cause, c.shuffled.outliers_above), (Cause::Mean, 1));
    assert!((trap.mean_visibility - 0.3 * ((N * M) as f64).powf(0.25)).abs() < 0.2);
    assert!(trap.without_mean < c.shuffled.threshold_above && trap.large_entries == 0);
    assert!(c.tails_and_mean > 10.0 && c.structure.abs() < 4.0);
    // Half of the visible mean: no outlier, no trap.
    let faint = controls(|i, j| base(i, j) + 0.04);
    assert_eq!(faint.trap, None);
}

// One entry of 100 sd is a direction of its own wherever it lies.
#[test]
fn a_single_entry_survives_shuffling_and_is_named() {
    let base = noise(4, N, M);
    let huge = |i: usize, j: usize| if (i, j) == (7, 5) { 100.0 } else { base(i, j) };
    let c = controls(huge);
    let trap = c.trap.as_ref().unwrap();
    assert_eq!(trap.cause, Cause::SingleEntries);
    assert_eq!((trap.large_entries, c.shuffled.outliers_above), (1, 1));
    assert!((c.shuffled.largest() - 100.0).abs() < 3.0 && trap.entry_visibility > 1.0);
    assert!(trap.without_large_entries.unwrap() < c.shuffled.threshold_above);
    // Both at once need both to be taken away.
    let c = controls(|i, j| huge(i, j) + 0.5);
    let trap = c.trap.unwrap();
    assert_eq!(trap.cause, Cause::MeanAndSingleEntries);
    assert!(
        trap.without_both.unwrap() < trap.without_mean.min(trap.without_large_entries.unwrap())
    );
}

// Scales exp(.6z) of the inputs: kept with random signs, and told by side when they are divided
// out; the sd of the logarithms of n scales is known to 1/√(2n) of it.
#[test]
fn unequal_scales_are_told_by_side() {
    let (base, inputs, outputs) = (noise(5, N, M), gaussian(6, N), gaussian(7, M));
    let spreads = |layer: &LayerFacts| {
        let balanced = layer.balanced.measured().unwrap();
        [&balanced.inputs, &balanced.outputs].map(randomlike::audit::BalancedScales::excess_spread)
    };
    let of_inputs = layer((N, M), |i, j| base(i, j) * (0.6 * inputs[i]).exp());
    let [by_input, by_output] = spreads(&of_inputs);
    assert!(
        (by_input / 0.6 - 1.0).abs() < 4.0 / (2.0 * N as f64).sqrt(),
        "{by_input}"
    );
    assert!(by_output < 0.05, "{by_output}");
    let of_outputs = layer((N, M), |i, j| base(i, j) * (0.6 * outputs[j]).exp());
    let [by_input, by_output] = spreads(&of_outputs);
    assert!(
        (by_output / 0.6 - 1.0).abs() < 4.0 / (2.0 * M as f64).sqrt(),
        "{by_output}"
    );
    assert!(by_input < 0.05, "{by_input}");
    // With random signs the scales stay: the spectrum is as far from the law. Balanced, it is on it.
    let balanced = of_outputs.balanced.measured().unwrap();
    let signs = balanced.signs.measured().unwrap();
    let stored = of_outputs.spectrum.measured().unwrap().ks_median;
    assert!((signs.stored_ks_with_signs / stored - 1.0).abs() < 0.3);
    let left = balanced.spectrum.measured().unwrap();
    assert!(left.ks_median < left.ks_null_q99 && stored > 3.0 * left.ks_null_q99);
    assert!(signs.ks.p > 0.05 && signs.largest.p > 0.05, "{signs:?}");
}

// 300×260 takes Lanczos steps; whole spectra by the engine give the same largest values.
#[test]
fn steps_and_whole_spectra_agree() {
    let base = noise(8, 300, 260);
    let of = |full_controls| {
        let options = Options {
            full_controls,
            ..Options::default()
        };
        let mut audit = audit_of((300, 260), &options, |i, j| base(i, j) + 0.2);
        assert_eq!(audit.settings.full_controls, full_controls);
        audit.layers.remove(0).controls.measured().unwrap().clone()
    };
    let (steps, whole) = (of(false), of(true));
    assert_eq!(
        (steps.method, whole.method),
        (SpectrumMethod::Lanczos, SpectrumMethod::Exact)
    );
    let pairs = [
        (&steps.gaussian, &whole.gaussian),
        (&steps.shuffled, &whole.shuffled),
    ];
    for (steps, whole) in pairs {
        assert!((steps.largest() - whole.largest()).abs() <= steps.error);
        assert!(steps.error < 4e-4 * steps.largest());
        assert_eq!(steps.outliers_above, whole.outliers_above);
        assert_eq!(whole.singular_values.len(), 260);
        assert!(whole.ks_median.is_some() && steps.ks_median.is_none());
    }
    assert_eq!(steps.trap.unwrap().cause, Cause::Mean);
}

// The shadow model of a ReLU net draws two of them; the same are drawn where it is not run.
#[test]
fn the_draws_are_those_of_the_shadow_model() {
    let base = noise(12, 300, 260);
    let of = |activation: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let entries = (0..300 * 260).map(|at| base(at % 300, at / 300)).collect();
        let metadata = format!(r#"{{"activation":"{activation}"}}"#);
        write(&path, &metadata, &[("fc.weight", &[260, 300], entries)]);
        let checkpoint = Checkpoint::open(&path).unwrap();
        let audit = analysis::measure(&checkpoint, &Options::default(), &mut |_| {}).unwrap();
        audit.layers.into_iter().next().unwrap()
    };
    let (beside, alone) = (of("relu"), of("gelu"));
    assert!(beside.shadow.measured().is_some() && alone.shadow.measured().is_none());
    assert_eq!(beside.controls, alone.controls);
}

#[test]
fn zeros_have_no_controls() {
    let layer = layer((8, 6), |_, _| 0.0);
    assert!(layer.controls.measured().is_none() && layer.vectors.measured().is_none());
}

fn vectors((n, m): (usize, usize), count: usize, entry: impl Fn(usize, usize) -> f32) -> Vectors {
    let options = Options {
        vectors: Some(count),
        ..Options::default()
    };
    let layer = audit_of((n, m), &options, entry).layers.remove(0);
    layer.vectors.measured().unwrap().clone()
}

// 3·100 triples of six Gaussian layers, two sides each: 3600 vectors, 36 ± 6 beyond the 99 %
// point and 180 ± 13 beyond the 95 % one; participation 3/(n + 2) on average.
#[test]
fn vectors_of_random_matrices_are_random() {
    let (mut beyond_95, mut beyond_99, mut all) = (0, 0, 0);
    for seed in 0..6 {
        let found = vectors((400, 300), 100, noise(20 + seed, 400, 300));
        assert_eq!((found.vectors.len(), found.count), (300, 100));
        assert!(found.residual < 1e-12, "{}", found.residual);
        let mut ratio = 0.0;
        for vector in &found.vectors {
            let sides = vector.sides.measured().unwrap();
            for (facts, null) in [
                (&sides.inputs, found.inputs),
                (&sides.outputs, found.outputs),
            ] {
                beyond_95 += usize::from(facts.ks > null.ks_q95);
                beyond_99 += usize::from(facts.ks > null.ks_q99);
                ratio += facts.participation / null.participation;
                all += 1;
            }
        }
        assert!((ratio / 600.0 - 1.0).abs() < 0.03, "{ratio}");
    }
    assert_eq!(all, 3600);
    assert!((130..=230).contains(&beyond_95), "{beyond_95} of 3600");
    assert!((15..=60).contains(&beyond_99), "{beyond_99} of 3600");
}

// Input 11 drives output 3 with 60 sd: the first pair of vectors is these two units.
#[test]
fn a_localised_vector_names_its_units() {
    let base = noise(9, N, M);
    let entry = |i: usize, j: usize| if (i, j) == (11, 3) { 60.0 } else { base(i, j) };
    let found = vectors((N, M), 3, entry);
    let parts: Vec<Part> = found.vectors.iter().map(|v| v.part).collect();
    assert_eq!(
        parts,
        [[Part::Top; 3], [Part::Bulk; 3], [Part::Bottom; 3]].concat()
    );
    assert!(found.vectors.is_sorted_by_key(|v| v.index) && found.vectors[8].index == M - 1);
    let first = found.vectors[0].sides.measured().unwrap();
    assert_eq!(
        (
            first.inputs.largest[0].index,
            first.outputs.largest[0].index
        ),
        (11, 3)
    );
    assert!(first.inputs.largest[0].share > 0.9 && first.inputs.participation > 0.8);
    assert!(first.inputs.ks > found.inputs.ks_q99 && first.outputs.ks > found.outputs.ks_q99);
    let null = found.inputs;
    let bulk = found.vectors[4].sides.measured().unwrap();
    assert!((bulk.inputs.participation - null.participation).abs() < 5.0 * null.participation_std);
}

// Twice the same output: half of the singular values are 0, and no vector belongs to one.
#[test]
fn vectors_that_are_not_unique_are_not_shown() {
    let base = noise(10, 64, 32);
    let found = vectors((64, 32), 4, |i, j| base(i, j % 24));
    let last = found.vectors.last().unwrap();
    let randomlike::audit::Section::Skipped { reason } = &last.sides else {
        panic!("{last:?}");
    };
    let reason = reason.to_string();
    assert!(reason.contains("cannot be told"), "{reason}");
    assert!(found.vectors[0].sides.measured().is_some());
}

#[test]
fn what_was_not_asked_for_says_so() {
    let layer = layer((N, M), noise(1, N, M));
    let randomlike::audit::Section::Skipped { reason } = &layer.vectors else {
        panic!("measured");
    };
    assert!(reason.to_string().contains("--vectors"));
    // An audit of a version that knew of neither.
    let text = include_str!("../../reports/guesslang_vscode/audit.json");
    let mut old: serde_json::Value = serde_json::from_str(text).unwrap();
    for layer in old["layers"].as_array_mut().unwrap() {
        let layer = layer.as_object_mut().unwrap();
        layer.remove("controls");
        layer.remove("vectors");
    }
    let settings = old["settings"].as_object_mut().unwrap();
    settings.remove("full_controls");
    let old: Audit = serde_json::from_value(old).unwrap();
    assert!(old.layers[0].controls.measured().is_none());
    assert!(old.settings.vectors.is_none() && !old.settings.full_controls);
}
