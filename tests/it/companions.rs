//! Weights that other tensors decode, as files have them, against values of NumPy.

use std::fs;
use std::path::Path;

use randomlike::analysis::{self, Options};
use randomlike::audit::{Audit, Role};
use randomlike::checkpoint::Checkpoint;

use crate::writers::{self, Stored};

fn audit(tensors: &[Stored]) -> Audit {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    fs::write(&path, writers::safetensors(tensors)).unwrap();
    measured(&path)
}

fn measured(path: &Path) -> Audit {
    let checkpoint = Checkpoint::open(path).unwrap();
    let options = Options {
        alone: true,
        ..Options::default()
    };
    analysis::measure(&checkpoint, &options, &mut |_| ()).unwrap()
}

/// Codes of 48×64 that any program can make again: 7·i mod 127, the sign bit every third.
fn codes() -> Vec<u8> {
    let code = |i: usize| (7 * i % 127) as u8 | if i.is_multiple_of(3) { 0x80 } else { 0 };
    (0..48 * 64).map(code).collect()
}

fn exponents() -> Vec<u8> {
    (0..48 * 2).map(|i| 120 + (i * 5 % 11) as u8).collect()
}

/// NumPy 2.4 and ml_dtypes 0.7 of the same codes and exponents:
/// `np.linalg.norm(codes.view(float8_e4m3fn).astype(float)*np.repeat(2.0**(e-127),32,1), 2)`.
const SPECTRAL_NORM: f64 = 6026.42921684836;
/// The same of the codes alone.
const UNSCALED: f64 = 1825.701818988392;

fn spectral_norm(audit: &Audit) -> f64 {
    let [layer] = &audit.layers[..] else {
        panic!("{:?}", audit.layers.len());
    };
    layer.spectrum.measured().unwrap().spectral_norm
}

// The bug was 5110 for 10.3: exponents beside FP8 weights were not applied.
#[test]
fn exponents_beside_eight_bit_floats_are_applied() {
    let weight = Stored::new("q.weight", "F8_E4M3", &[48, 64], codes());
    for (name, dtype) in [("q.weight_scale_inv", "U8"), ("q.weight_scale", "F8_E8M0")] {
        let scales = Stored::new(name, dtype, &[48, 2], exponents());
        let found = spectral_norm(&audit(&[weight.clone(), scales]));
        assert!(
            (found / SPECTRAL_NORM - 1.0).abs() < 1e-6,
            "{dtype}: {found}"
        );
    }
    let found = spectral_norm(&audit(std::slice::from_ref(&weight)));
    assert!((found / UNSCALED - 1.0).abs() < 1e-6, "{found}");
    // Scales that do not fit leave the weight unmeasured, and not unscaled.
    let unfit = Stored::new("q.weight_scale", "U8", &[5], vec![127; 5]);
    let audit = audit(&[weight, unfit]);
    assert!(audit.layers.is_empty());
    let ledger = audit.ledger.unwrap();
    assert_eq!((ledger.measured, ledger.weights), (0, 48 * 64));
    assert_eq!(ledger.by_reason[0].reason_kind, "incomplete");
}

// Each slice of a stack takes its own scales: doubled ones double its values.
#[test]
fn stacks_take_scales_a_slice_a_row_a_column_and_a_block() {
    let twice: Vec<u8> = codes().into_iter().chain(codes()).collect();
    let weight = Stored::new("experts.up", "F8_E4M3", &[2, 48, 64], twice);
    let scales = |shape: &[usize]| {
        let half = shape.iter().product::<usize>() / 2;
        let entries: Vec<f32> = [0.5, 1.0].iter().flat_map(|&s| vec![s; half]).collect();
        Stored::of_f32("experts.up_scale", shape, &entries)
    };
    for shape in [
        &[2][..],
        &[2, 1, 1],
        &[2, 48, 1],
        &[2, 48],
        &[2, 1, 64],
        &[2, 3, 2],
    ] {
        let audit = audit(&[weight.clone(), scales(shape)]);
        let norms: Vec<f64> = audit
            .layers
            .iter()
            .map(|layer| layer.spectrum.measured().unwrap().spectral_norm)
            .collect();
        assert!(
            (norms[0] / UNSCALED - 0.5).abs() < 1e-6,
            "{shape:?} {norms:?}"
        );
        assert!(
            (norms[1] / UNSCALED - 1.0).abs() < 1e-6,
            "{shape:?} {norms:?}"
        );
    }
}

// [[3, 4], …] brought to rows of length 2: by hand.
#[test]
fn normalised_weights_are_composed_and_keep_their_bias() {
    let rows: Vec<f32> = (0..48).flat_map(|_| [3.0_f32, 4.0]).collect();
    for (v, g) in [
        ("fc.weight_v", "fc.weight_g"),
        (
            "fc.parametrizations.weight.original1",
            "fc.parametrizations.weight.original0",
        ),
    ] {
        let audit = audit(&[
            Stored::of_f32(v, &[48, 2], &rows),
            Stored::of_f32(g, &[48, 1], &[2.0; 48]),
            Stored::of_f32("fc.bias", &[48], &[0.5; 48]),
        ]);
        let layer = &audit.layers[0];
        assert_eq!((layer.name.as_str(), layer.bias.is_some()), ("fc", true));
        let weights = layer.weights.measured().unwrap();
        assert!((weights.min - 1.2).abs() < 1e-6 && (weights.max - 1.6).abs() < 1e-6);
        let ledger = audit.ledger.as_ref().unwrap();
        assert_eq!((ledger.measured, ledger.weights), (144, 144));
        let factor = ledger
            .entries
            .iter()
            .find(|e| e.tensor.tensor == g)
            .unwrap();
        assert!(matches!(&factor.role, Role::Part { of, .. } if of == v));
    }
}

// An entry that is no number in a tensor that is no layer: norm, convolution, embedding, moment.
#[test]
fn entries_of_every_tensor_are_looked_at() {
    let entries: Vec<f32> = (0..64 * 48).map(|i| (i % 97) as f32 - 48.0).collect();
    for (name, shape) in [
        ("norm.weight", &[36][..]),
        ("conv.weight", &[4, 1, 3, 3]),
        ("embed_tokens.weight", &[6, 6]),
        ("optimizer.state.0.exp_avg", &[36]),
        ("other.bias", &[36]),
    ] {
        let mut damaged = vec![0.5; 36];
        (damaged[17], damaged[20]) = (f32::NAN, f32::NEG_INFINITY);
        let audit = audit(&[
            Stored::of_f32("fc.weight", &[64, 48], &entries),
            Stored::of_f32(name, shape, &damaged),
        ]);
        let ledger = audit.ledger.as_ref().unwrap();
        let entry = ledger
            .entries
            .iter()
            .find(|e| e.tensor.tensor == name)
            .unwrap();
        let found = entry.non_finite.unwrap();
        assert_eq!(
            (found.nan, found.infinite, found.first),
            (1, 1, Some(17)),
            "{name}"
        );
    }
}

// docs/policies/nan.toml refuses such a file, and names tensor, count and place.
#[test]
fn the_policy_for_nan_refuses_a_file_with_a_damaged_norm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let entries: Vec<f32> = (0..64 * 48).map(|i| (i % 97) as f32 - 48.0).collect();
    for (damaged, code) in [(f32::NAN, 1), (0.5, 0)] {
        let mut norm = vec![0.5; 36];
        norm[17] = damaged;
        let tensors = [
            Stored::of_f32("fc.weight", &[64, 48], &entries),
            Stored::of_f32("norm.weight", &[36], &norm),
        ];
        fs::write(&path, writers::safetensors(&tensors)).unwrap();
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policies/nan.toml");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_randomlike"))
            .args([
                "check",
                path.to_str().unwrap(),
                "--policy",
                policy.to_str().unwrap(),
            ])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let page = String::from_utf8(output.stdout).unwrap();
        let said = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = said.contains("`norm.weight` (1 NaN, the first at 17)");
        assert_eq!(told, code == 1, "{said}");
    }
}

// A padding row of zeros, longer than what is compared first, hides no copy; zeros alone are none.
#[test]
fn copies_are_found_whatever_they_begin_with() {
    let mut entries: Vec<f32> = (0..64 * 2048).map(|i| (i % 97) as f32).collect();
    entries[..2048].fill(0.0);
    let zeros = vec![0.0; 64 * 48];
    let audit = audit(&[
        Stored::of_f32("embed_tokens.weight", &[64, 2048], &entries),
        Stored::of_f32("lm_head.weight", &[64, 2048], &entries),
        Stored::of_f32("lora_a.weight", &[64, 48], &zeros),
        Stored::of_f32("lora_b.weight", &[64, 48], &zeros),
    ]);
    let layers: Vec<&str> = audit
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(layers, ["lm_head", "lora_a", "lora_b"]);
    let ledger = audit.ledger.unwrap();
    let of = Role::Same {
        of: "lm_head.weight".into(),
    };
    assert_eq!(ledger.entries[0].role, of);
    assert_eq!(ledger.measured, ledger.weights);
}

// torch.nn.utils.prune keeps the weights and a mask of ones and zeros.
#[test]
fn a_pruned_weight_is_multiplied_by_its_mask() {
    let mask: Vec<f32> = (0..64 * 48)
        .map(|i| if i % 4 == 0 { 1.0 } else { 0.0 })
        .collect();
    let entries: Vec<f32> = (0..64 * 48).map(|i| (i % 97) as f32 + 1.0).collect();
    let audit = audit(&[
        Stored::of_f32("fc.weight_orig", &[64, 48], &entries),
        Stored::of_f32("fc.weight_mask", &[64, 48], &mask),
        Stored::of_f32("fc.bias", &[64], &[0.5; 64]),
    ]);
    let layer = &audit.layers[0];
    assert_eq!((layer.name.as_str(), layer.bias.is_some()), ("fc", true));
    let weights = layer.weights.measured().unwrap();
    assert!((weights.zero_fraction - 0.75).abs() < 1e-9);
}
