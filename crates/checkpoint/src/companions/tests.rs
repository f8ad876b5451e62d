use super::*;

struct None;

impl Bits for None {
    fn config(&self) -> (Option<u64>, Option<u64>) {
        (Option::None, Option::None)
    }

    fn integers(&self, tensor: &str) -> Option<Vec<u64>> {
        (tensor == "p.weight_shape").then(|| vec![48, 100])
    }
}

struct Config(u64, u64);

impl Bits for Config {
    fn config(&self) -> (Option<u64>, Option<u64>) {
        (Some(self.0), Some(self.1))
    }

    fn integers(&self, _: &str) -> Option<Vec<u64>> {
        Option::None
    }
}

fn among(list: &[(&str, Dtype, &[usize])], bits: &dyn Bits) -> Companions {
    let tensors: Vec<TensorFacts> = list
        .iter()
        .map(|(name, dtype, shape)| TensorFacts::new(*name, dtype.clone(), *shape))
        .collect();
    Companions::among(&tensors, bits)
}

/// The first tensor holds so many weights in this packing, and all others are its parts.
fn packed(list: &[(&str, Dtype, &[usize])], weights: u64, family: &str) {
    packed_by(list, &None, weights, family);
}

fn packed_by(list: &[(&str, Dtype, &[usize])], bits: &dyn Bits, weights: u64, family: &str) {
    let found = among(list, bits);
    let (name, ..) = list[0];
    match found.standings.get(name) {
        Some(Standing::Packed {
            weights: all,
            family: of,
        }) => {
            assert_eq!((*all, *of), (weights, family));
        }
        other => panic!("{name}: {other:?}"),
    }
    for (part, ..) in &list[1..] {
        let standing = found.standings.get(*part);
        let is_part = matches!(standing, Some(Standing::Part { of, .. }) if of == name);
        assert!(is_part, "{part}: {standing:?}");
    }
}

// A layer of 128 inputs and 64 outputs, as each producer stores it: 8192 weights.
#[test]
fn packings_of_four_bits_hold_as_many_weights_as_the_layer_has() {
    use Dtype::{F16, I32};
    let gptq: [(&str, Dtype, &[usize]); 4] = [
        ("q.qweight", I32, &[16, 64]),
        ("q.qzeros", I32, &[4, 8]),
        ("q.scales", F16, &[4, 64]),
        ("q.g_idx", I32, &[128]),
    ];
    packed(&gptq, 8192, "GPTQ");
    packed(&gptq[..3], 8192, "GPTQ");
    // Three bits: 12 integers of 32 bits hold 128 codes.
    let three: [(&str, Dtype, &[usize]); 3] = [
        ("q.qweight", I32, &[12, 64]),
        ("q.qzeros", I32, &[4, 6]),
        ("q.scales", F16, &[4, 64]),
    ];
    packed(&three, 8192, "GPTQ");
    let awq: [(&str, Dtype, &[usize]); 3] = [
        ("q.qweight", I32, &[128, 8]),
        ("q.qzeros", I32, &[4, 8]),
        ("q.scales", F16, &[4, 64]),
    ];
    packed(&awq, 8192, "AWQ");
}

#[test]
fn packings_of_bytes_and_blocks_too() {
    use Dtype::{BF16, F8E4M3, F32, I32, I64, U8, U32};
    packed(
        &[
            ("b.weight", U8, &[4096, 1]),
            ("b.weight.absmax", U8, &[128]),
            ("b.weight.quant_map", F32, &[16]),
            ("b.weight.nested_absmax", F32, &[1]),
            ("b.weight.nested_quant_map", F32, &[256]),
            ("b.weight.quant_state.bitsandbytes__nf4", U8, &[80]),
        ],
        8192,
        "bitsandbytes",
    );
    packed(
        &[
            ("n.weight", U8, &[64, 64]),
            ("n.weight_scale", F8E4M3, &[64, 8]),
            ("n.weight_scale_2", F32, &[]),
            ("n.input_scale", F32, &[]),
        ],
        8192,
        "NVFP4 or MXFP4",
    );
    let mlx: [(&str, Dtype, &[usize]); 3] = [
        ("m.weight", U32, &[64, 16]),
        ("m.scales", BF16, &[64, 2]),
        ("m.biases", BF16, &[64, 2]),
    ];
    packed(&mlx, 8192, "MLX");
    // 8 bits in groups of 32 have the same widths; config.json tells.
    packed_by(&mlx, &Config(8, 32), 4096, "MLX");
    // A layer of 8 bits under a config of 4: the groups are as it says.
    let eight: [(&str, Dtype, &[usize]); 2] =
        [("m.weight", U32, &[64, 32]), ("m.scales", BF16, &[64, 2])];
    packed_by(&eight, &Config(4, 64), 8192, "MLX");
    packed(
        &[
            ("e.up_blocks", U8, &[2, 64, 2, 16]),
            ("e.up_scales", U8, &[2, 64, 2]),
        ],
        8192,
        "MXFP4",
    );
    // 100 inputs do not fill the last integer of a row.
    packed(
        &[
            ("p.weight_packed", I32, &[48, 13]),
            ("p.weight_shape", I64, &[2]),
            ("p.weight_scale", BF16, &[48, 1]),
            ("p.weight_zero_point", I32, &[6, 1]),
        ],
        4800,
        "compressed-tensors",
    );
    packed(
        &[
            ("a._weight_qdata", I32, &[64, 16]),
            ("a._weight_scale", BF16, &[64, 4]),
            ("a._weight_zero_point", BF16, &[64, 4]),
        ],
        8192,
        "torchao",
    );
}

#[test]
fn packings_of_research_too() {
    use Dtype::{F16, I32, U8};
    packed(
        &[
            ("h.W_q", U8, &[32, 128]),
            ("h.scale", F16, &[128, 1]),
            ("h.zero", F16, &[128, 1]),
        ],
        8192,
        "HQQ",
    );
    packed(
        &[
            ("c.codes", Dtype::I16, &[64, 16, 1]),
            ("c.codebooks", F16, &[1, 65536, 1, 8]),
            ("c.scales", F16, &[64, 1, 1, 1]),
        ],
        8192,
        "AQLM",
    );
    packed(
        &[
            ("x.q_weight", I32, &[16, 64]),
            ("x.q_perm", Dtype::I16, &[128]),
            ("x.q_scale", I32, &[4, 8]),
            ("x.q_invperm", Dtype::I16, &[128]),
        ],
        8192,
        "EXL2",
    );
    packed(
        &[
            ("o.weight._data", U8, &[64, 64]),
            ("o.weight._scale", F16, &[64, 4]),
            ("o.weight._shift", F16, &[64, 4]),
        ],
        8192,
        "quanto",
    );
}

#[test]
fn eight_bits_are_decoded_or_said_to_be_incomplete() {
    let weight = ("x.weight", Dtype::F8E4M3, &[200, 384][..]);
    let found = |part: (&str, Dtype, &[usize])| among(&[weight.clone(), part], &None);
    let sound = found(("x.weight_scale_inv", Dtype::F32, &[2, 3]));
    assert!(sound.decoders.contains_key("x.weight") && !sound.standings.contains_key("x.weight"));
    let unfit = found(("x.weight_scale", Dtype::F32, &[7]));
    assert_eq!(
        unfit.standings["x.weight"],
        Standing::Incomplete {
            weights: 76_800,
            missing: "its scales `x.weight_scale` (F32 7) do not fit F8_E4M3 200×384".into(),
        }
    );
    assert!(matches!(
        &unfit.standings["x.weight_scale"],
        Standing::Part { kind: Scale, of } if of == "x.weight"
    ));
    let real = ("n.weight.qweight", Dtype::I8, &[64, 96][..]);
    let twin = among(&[real, ("n.weight.scale", Dtype::F32, &[])], &None);
    assert!(twin.decoders.contains_key("n.weight.qweight"));
    let float = ("x.weight", Dtype::BF16, &[200, 384][..]);
    let odd = among(&[float, ("x.weight_scale", Dtype::F32, &[200, 1])], &None);
    assert!(matches!(
        odd.standings["x.weight"],
        Standing::Incomplete { .. }
    ));
}

#[test]
fn a_gain_called_scale_is_no_companion_and_an_orphan_is_said() {
    let norm = among(
        &[
            ("norm.scale", Dtype::F32, &[64]),
            ("norm.weight", Dtype::F32, &[64]),
            ("fc.scale", Dtype::F32, &[64, 32]),
        ],
        &None,
    );
    assert!(norm.standings.is_empty() && norm.decoders.is_empty());
    let orphan = among(&[("a.weight_scale", Dtype::F32, &[64, 1])], &None);
    let missing = "the weights `a.weight` that it belongs to are not there";
    assert!(matches!(
        &orphan.standings["a.weight_scale"],
        Standing::Incomplete { weights: 0, missing: said } if said == missing
    ));
}

// Each of these was once measured, or counted as something else.
#[test]
fn what_is_not_as_its_producer_writes_it_is_not_decoded() {
    use Dtype::{F16, F32, I8, I32, U8};
    let qkv = among(
        &[
            ("a.weight_q", F32, &[64, 48]),
            ("a.weight_v", F32, &[64, 48]),
        ],
        &None,
    );
    assert!(qkv.standings.is_empty());
    let eetq = among(
        &[("a.weight", I8, &[64, 48]), ("a.weight_scales", F16, &[48])],
        &None,
    );
    assert!(matches!(
        eetq.standings["a.weight"],
        Standing::Incomplete { .. }
    ));
    assert!(eetq.decoders.is_empty());
    let bytes = among(
        &[
            ("a.weight", U8, &[128, 64]),
            ("a.weight_scale", F32, &[128, 1]),
            ("a.weight_zero_point", U8, &[128, 1]),
        ],
        &None,
    );
    assert!(
        !bytes.standings.contains_key("a.weight"),
        "8192 bytes of a dtype that is not read"
    );
    assert!(matches!(
        bytes.standings["a.weight_zero_point"],
        Standing::Part { .. }
    ));
    let endless = among(
        &[
            ("a.qweight", I32, &[1 << 62, 0]),
            ("a.scales", F16, &[16, 16]),
        ],
        &None,
    );
    assert!(matches!(
        endless.standings["a.scales"],
        Standing::Part { .. }
    ));
    let turned = among(
        &[
            ("f.weight", I8, &[64, 48]),
            ("f.SCB", F32, &[64]),
            ("f.weight_format", U8, &[]),
        ],
        &Turned,
    );
    assert!(matches!(
        turned.standings["f.weight"],
        Standing::Incomplete { .. }
    ));
}

struct Turned;

impl Bits for Turned {
    fn config(&self) -> (Option<u64>, Option<u64>) {
        (Option::None, Option::None)
    }

    fn integers(&self, _: &str) -> Option<Vec<u64>> {
        Some(vec![3])
    }
}

#[test]
fn normalised_weights_have_two_spellings_and_spectral_ones_none() {
    let old: [(&str, Dtype, &[usize]); 2] = [
        ("fc.weight_v", Dtype::F32, &[20, 64]),
        ("fc.weight_g", Dtype::F32, &[20, 1]),
    ];
    let new: [(&str, Dtype, &[usize]); 2] = [
        (
            "fc.parametrizations.weight.original1",
            Dtype::F32,
            &[20, 64],
        ),
        ("fc.parametrizations.weight.original0", Dtype::F32, &[20, 1]),
    ];
    for list in [&old, &new] {
        let found = among(list, &None);
        assert!(found.decoders.contains_key(list[0].0));
        let part = &found.standings[list[1].0];
        assert!(matches!(part, Standing::Part { kind: Factor, .. }));
        let alone = among(&list[..1], &None);
        let is_said = alone.standings.contains_key(list[0].0);
        assert_eq!(is_said, list[0].0.contains("original1"));
    }
    let spectral = among(
        &[
            ("fc.weight_orig", Dtype::F32, &[20, 64]),
            ("fc.weight_u", Dtype::F32, &[20]),
            ("fc.weight_v", Dtype::F32, &[64]),
        ],
        &None,
    );
    assert!(spectral.decoders.is_empty());
    assert!(matches!(
        spectral.standings["fc.weight_v"],
        Standing::Part { kind: Note, .. }
    ));
    let pruned = among(
        &[
            ("fc.weight_orig", Dtype::F32, &[20, 64]),
            ("fc.weight_mask", Dtype::F32, &[20, 64]),
        ],
        &None,
    );
    assert!(pruned.decoders.contains_key("fc.weight_orig"));
}
