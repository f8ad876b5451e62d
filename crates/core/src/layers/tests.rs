use super::*;
use crate::Error;
use Orientation::{InOut, OutIn};
use OrientationFrom::{Assumption, BiasLength, Naming, Neighbours};
use randomlike_checkpoint::Dtype;

fn tensors(list: &[(&str, &[usize])]) -> Vec<TensorFacts> {
    list.iter()
        .map(|(name, shape)| TensorFacts::new(*name, Dtype::F32, *shape))
        .collect()
}

fn found(list: &[(&str, &[usize])]) -> Layers {
    let tensors = tensors(list);
    let found = find(&tensors, &Selection::default()).unwrap();
    assert_accounted(&tensors, &found);
    found
}

/// Every tensor is a weight, a bias or skipped, and only one of them.
fn assert_accounted(tensors: &[TensorFacts], found: &Layers) {
    let skipped = found.ledger.skipped();
    let mut seen: Vec<&str> = skipped.iter().map(|s| s.tensor.tensor.as_str()).collect();
    for layer in found
        .layers
        .iter()
        .filter(|layer| layer.slice.unwrap_or(0) == 0)
    {
        seen.push(&layer.weight.tensor);
        seen.extend(layer.bias.as_ref().map(|bias| bias.tensor.as_str()));
    }
    seen.sort_unstable();
    // Two layers of a gated unit have one bias of two rows.
    seen.dedup();
    let mut all: Vec<&str> = tensors.iter().map(|t| t.tensor.as_str()).collect();
    all.sort_unstable();
    assert_eq!(seen, all);
}

/// One layer as (name, fan_in, fan_out, orientation, from, has bias).
type Row<'a> = (&'a str, usize, usize, Orientation, OrientationFrom, bool);

fn rows(found: &Layers) -> Vec<Row<'_>> {
    found
        .layers
        .iter()
        .map(|l| {
            (
                l.name.as_str(),
                l.fan_in,
                l.fan_out,
                l.orientation,
                l.orientation_from,
                l.bias.is_some(),
            )
        })
        .collect()
}

#[test]
fn torchvision() {
    let found = found(&[
        ("features.0.weight", &[64, 3, 11, 11]),
        ("features.0.bias", &[64]),
        ("classifier.1.weight", &[4096, 9216]),
        ("classifier.1.bias", &[4096]),
        ("classifier.4.weight", &[4096, 4096]),
        ("classifier.4.bias", &[4096]),
    ]);
    let expected = [
        ("classifier.1", 9216, 4096, OutIn, BiasLength, true),
        ("classifier.4", 4096, 4096, OutIn, Naming, true),
    ];
    assert_eq!(rows(&found), expected);
    assert_eq!(
        found.ledger.skipped()[1].reason.to_string(),
        "convolution (use --conv to include it)"
    );
}

#[test]
fn bert_llama_and_gpt2() {
    let found = found(&[
        ("bert.embeddings.word_embeddings.weight", &[30522, 768]),
        (
            "bert.encoder.layer.0.attention.self.query.weight",
            &[768, 768],
        ),
        ("bert.encoder.layer.0.attention.self.query.bias", &[768]),
        ("bert.encoder.layer.0.output.LayerNorm.weight", &[768]),
        ("h.0.attn.c_attn.weight", &[768, 2304]),
        ("h.0.attn.c_attn.bias", &[2304]),
        ("h.0.attn.c_proj.weight", &[768, 768]),
        ("model.layers.10.mlp.down_proj.weight", &[4096, 11008]),
        ("model.layers.2.mlp.down_proj.weight", &[4096, 11008]),
        ("wte.weight", &[50257, 768]),
    ]);
    let expected = [
        (
            "bert.encoder.layer.0.attention.self.query",
            768,
            768,
            OutIn,
            Naming,
            true,
        ),
        ("h.0.attn.c_attn", 768, 2304, InOut, BiasLength, true),
        ("h.0.attn.c_proj", 768, 768, InOut, Naming, false),
        (
            "model.layers.2.mlp.down_proj",
            11008,
            4096,
            OutIn,
            Naming,
            false,
        ),
        (
            "model.layers.10.mlp.down_proj",
            11008,
            4096,
            OutIn,
            Naming,
            false,
        ),
    ];
    assert_eq!(rows(&found), expected);
    assert_eq!(found.ledger.skipped().len(), 3);
}

#[test]
fn keras_and_tensorflow() {
    let found = found(&[
        ("dense_1/bias:0", &[10]),
        ("dense_1/kernel:0", &[30, 10]),
        ("dense_2/kernel:0", &[30, 30]),
        ("s/dense_25/MatMul/ReadVariableOp/transpose", &[128, 256]),
        ("s/dense_25/MatMul_bias", &[128]),
    ]);
    let expected = [
        ("dense_1", 30, 10, InOut, BiasLength, true),
        ("dense_2", 30, 30, InOut, Naming, false),
        ("s/dense_25", 256, 128, OutIn, BiasLength, true),
    ];
    assert_eq!(rows(&found), expected);
}

#[test]
fn names_without_a_convention() {
    let found = found(&[
        ("0.weight", &[20, 10]),
        ("0.bias", &[20]),
        ("W1", &[10, 40]),
        ("b1", &[40]),
        ("square", &[8, 8]),
        ("weights_dense1_w", &[44, 256]),
        ("weights_dense1_b", &[256]),
    ]);
    let expected = [
        ("0", 10, 20, OutIn, BiasLength, true),
        ("W1", 10, 40, InOut, BiasLength, true),
        ("square", 8, 8, OutIn, Assumption, false),
        ("weights_dense1_w", 44, 256, InOut, BiasLength, true),
    ];
    assert_eq!(rows(&found), expected);
}

#[test]
fn a_chain_turns_the_layer_that_nothing_else_tells() {
    let found = found(&[
        ("a_w", &[5, 20]),
        ("a_b", &[20]),
        ("m", &[20, 30]),
        ("z_w", &[30, 7]),
        ("z_b", &[7]),
    ]);
    assert_eq!(rows(&found)[1], ("m", 20, 30, InOut, Neighbours, false));
}

// Names, sizes and order of a net by hand: 10 → 20 → 30 → 7, stored (in, out).
#[test]
fn a_chain_of_64_bits_without_biases_is_turned_as_one() {
    let mut list = tensors(&[("W1", &[10, 20]), ("W2", &[20, 30]), ("W3", &[30, 7])]);
    for tensor in &mut list {
        tensor.dtype = Dtype::F64;
    }
    let turned = find(&list, &Selection::default()).unwrap();
    let expected = [
        ("W1", 10, 20, InOut, Neighbours, false),
        ("W2", 20, 30, InOut, Neighbours, false),
        ("W3", 30, 7, InOut, Neighbours, false),
    ];
    assert_eq!(rows(&turned), expected);
    // The same net stored (out, in).
    for tensor in &mut list {
        tensor.shape.reverse();
    }
    let kept = find(&list, &Selection::default()).unwrap();
    let expected = expected.map(|(name, i, o, ..)| (name, i, o, OutIn, Neighbours, false));
    assert_eq!(rows(&kept), expected);
    // One that does not fit leaves all of them unknown.
    list[1].shape = vec![30, 21];
    let unknown = find(&list, &Selection::default()).unwrap();
    assert!(
        unknown
            .layers
            .iter()
            .all(|l| l.orientation_from == Assumption)
    );
}

#[test]
fn a_layer_known_at_the_end_turns_those_before_it() {
    let found = found(&[
        ("a", &[5, 20]),
        ("b", &[20, 30]),
        ("z_w", &[30, 7]),
        ("z_b", &[7]),
    ]);
    assert_eq!(rows(&found)[0], ("a", 5, 20, InOut, Neighbours, false));
    assert_eq!(rows(&found)[1], ("b", 20, 30, InOut, Neighbours, false));
}

// guesslang: 5000 features to 54 languages, beside a deep net that ends in 54.
#[test]
fn tensorflows_linear_model_has_one_bias_for_its_columns() {
    let found = found(&[
        ("dnn/logits/bias", &[54]),
        ("dnn/logits/kernel", &[32, 54]),
        ("linear/linear_model/bias_weights", &[54]),
        ("linear/linear_model/content/weights", &[5000, 54]),
        ("linear/linear_model/title/weights", &[300, 54]),
        ("slim/fc/biases", &[9]),
        ("slim/fc/weights", &[54, 9]),
    ]);
    let expected = [
        ("dnn/logits", 32, 54, InOut, BiasLength, true),
        (
            "linear/linear_model/content",
            5000,
            54,
            InOut,
            BiasLength,
            true,
        ),
        ("linear/linear_model/title", 300, 54, InOut, Naming, false),
        ("slim/fc", 54, 9, InOut, BiasLength, true),
    ];
    assert_eq!(rows(&found), expected);
}

#[test]
fn a_bias_belongs_to_one_layer() {
    let found = found(&[
        ("a/bias", &[9]),
        ("a/kernel", &[4, 9]),
        ("a/weight", &[9, 4]),
    ]);
    let with_bias: Vec<&str> = found
        .layers
        .iter()
        .filter(|l| l.bias.is_some())
        .map(|l| l.weight.tensor.as_str())
        .collect();
    assert_eq!(with_bias, ["a/kernel"]);
}

#[test]
fn empty_and_endless_shapes_are_skipped() {
    let huge = usize::MAX / 2;
    let found = found(&[
        ("a.experts", &[0, 64, 32]),
        ("b.experts", &[huge, 64, 32]),
        ("c.weight", &[huge, huge]),
        ("d.weight", &[0, huge]),
    ]);
    let reasons: Vec<String> = found
        .ledger
        .skipped()
        .iter()
        .map(|s| s.reason.to_string())
        .collect();
    let expected = [
        "holds no entries",
        "more entries than memory can hold",
        "more entries than memory can hold",
        "holds no entries",
    ];
    assert_eq!(
        (found.layers.len(), reasons),
        (0, expected.map(str::to_owned).to_vec())
    );
}

#[test]
fn stacked_experts_are_slices_and_kernels_are_not() {
    let found = found(&[
        ("mlp.experts.gate_up_proj", &[3, 64, 32]),
        ("encoder.conv1.weight", &[384, 80, 3]),
    ]);
    assert_eq!(found.layers.len(), 3);
    assert_eq!(found.layers[2].name, "mlp.experts.gate_up_proj[2]");
    assert_eq!(found.ledger.skipped().len(), 1);
}

#[test]
fn a_bias_of_a_wrong_length_is_skipped_and_said() {
    let found = found(&[("a.weight", &[20, 10]), ("a.bias", &[7])]);
    assert_eq!(found.layers[0].bias, None);
    assert_eq!(
        found.ledger.skipped()[0].reason.to_string(),
        "one-dimensional, and no layer's bias"
    );
}

#[test]
fn other_dtypes_and_small_sides_are_skipped_by_name() {
    let mut list = tensors(&[("q.weight", &[20, 10]), ("v.weight", &[1, 10])]);
    list[0].dtype = Dtype::I8;
    let found = find(&list, &Selection::default()).unwrap();
    assert_eq!(
        found.ledger.skipped()[0].reason.to_string(),
        "dtype I8 is not read"
    );
    assert_eq!(
        found.ledger.skipped()[1].reason.to_string(),
        "smaller side 1 is below the minimum of 2"
    );
}

#[test]
fn patterns_choose_and_a_pattern_of_nothing_is_refused() {
    let list = tensors(&[
        ("a.weight", &[20, 10]),
        ("b.weight", &[20, 10]),
        ("c.weight", &[9, 8, 3, 3]),
    ]);
    let choose = |include: &[&str], exclude: &[&str], conv| {
        let own = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect();
        find(
            &list,
            &Selection {
                include: own(include),
                exclude: own(exclude),
                conv,
                ..Selection::default()
            },
        )
    };
    let names = |found: Layers| found.layers.into_iter().map(|l| l.name).collect::<Vec<_>>();
    assert_eq!(names(choose(&["a.*"], &[], false).unwrap()), ["a"]);
    assert_eq!(names(choose(&[], &["a.w"], false).unwrap()), ["b"]);
    assert_eq!(names(choose(&[], &[], true).unwrap()), ["a", "b", "c"]);
    assert!(matches!(
        choose(&["zzz"], &[], false),
        Err(Error::PatternUnmatched { .. })
    ));
    assert!(matches!(
        choose(&["[a"], &[], false),
        Err(Error::Pattern { .. })
    ));
}

mod properties {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    const STEMS: [&str; 12] = [
        "dense_1",
        "0",
        "h.3.attn.c_attn",
        "h.3.mlp",
        "W",
        "x",
        "embeddings",
        "conv1",
        "LayerNorm",
        "mlp.experts",
        "linear/linear_model/content",
        "",
    ];
    const ENDS: [&str; 22] = [
        "/kernel:0",
        "/bias:0",
        ".weight",
        ".bias",
        "_w",
        "_b",
        "1",
        "b1",
        "/kernel",
        "/bias",
        "/weights",
        "/bias_weights",
        "/biases",
        "/weight",
        ".gate_up_proj",
        "weight_ih_l0",
        "bias_ih_l0",
        "/MatMul/ReadVariableOp",
        "/BiasAdd/ReadVariableOp",
        "/MatMul_bias",
        "/MatMul/ReadVariableOp/transpose",
        "",
    ];

    fn name() -> impl Strategy<Value = String> {
        let built = (
            prop::sample::select(&STEMS[..]),
            prop::sample::select(&ENDS[..]),
        )
            .prop_map(|(stem, end)| format!("{stem}{end}"));
        prop_oneof![8 => built, 1 => Just("b1".to_owned()), 1 => any::<String>()]
    }

    fn side() -> impl Strategy<Value = usize> {
        // Few lengths, so that biases, neighbours and stacks often fit.
        prop_oneof![
            20 => prop::sample::select(&[2_usize, 3, 7, 20, 32][..]),
            1 => prop::sample::select(&[0, 1, 1 << 40, usize::MAX / 2, usize::MAX][..]),
        ]
    }

    fn shape() -> impl Strategy<Value = Vec<usize>> {
        prop_oneof![
            prop::collection::vec(side(), 0..=6),
            prop::collection::vec(side(), 1..=3),
        ]
    }

    prop_compose! {
        // A checkpoint names no tensor twice.
        fn list()(map in prop::collection::btree_map(
            name(),
            (shape(), prop::sample::select(&["F32", "F64", "F16", "BF16", "I8", "BOOL"][..])),
            0..24,
        )) -> Vec<TensorFacts> {
            map.into_iter()
                .map(|(tensor, (shape, dtype))| TensorFacts::new(tensor, Dtype::named(dtype), shape))
                .collect()
        }
    }

    /// A stack longer than a list of layers should be; such a file would be terabytes.
    fn is_endless(tensor: &TensorFacts) -> bool {
        tensor.shape.len() == 3 && tensor.shape[0] == 1 << 40
    }

    fn size(layer: &Layer) -> usize {
        let sides = &layer.weight.shape;
        let stacked = usize::from(layer.slice.is_some());
        sides[stacked..].iter().product()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 3000,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_tensor_is_accounted_for_in_any_order(
            (sorted, shuffled) in list().prop_flat_map(|l| (Just(l.clone()), Just(l).prop_shuffle())),
            conv: bool,
        ) {
            prop_assume!(!sorted.iter().any(is_endless));
            let selection = Selection { conv, ..Selection::default() };
            let found = find(&sorted, &selection).unwrap();
            assert_accounted(&sorted, &found);
            prop_assert!(found.ledger.skipped().iter().all(|s| !s.reason.to_string().is_empty()));
            for layer in &found.layers {
                prop_assert_eq!(layer.fan_in * layer.fan_out, size(layer));
                prop_assert!(!layer.name.is_empty() || layer.weight.tensor.is_empty());
                if let Some(bias) = &layer.bias {
                    prop_assert_eq!(bias.shape.last(), Some(&layer.fan_out), "{:?}", layer);
                }
            }
            prop_assert_eq!(find(&shuffled, &selection).unwrap(), found);
        }
    }
}

// gpt-oss stores experts (in, out), with a row of biases each.
#[test]
fn a_stack_takes_a_row_of_biases_for_each_slice() {
    let stack = found(&[
        ("experts.down_proj", &[4, 48, 32]),
        ("experts.down_proj_bias", &[4, 32]),
        ("experts.up.weight", &[4, 48, 32]),
    ]);
    let of_rows = rows(&stack);
    assert_eq!(of_rows.len(), 8);
    let known = of_rows[..4]
        .iter()
        .all(|row| (row.1, row.3, row.4, row.5) == (48, InOut, BiasLength, true));
    assert!(known, "{of_rows:?}");
    assert!(
        of_rows[4..]
            .iter()
            .all(|row| (row.1, row.4) == (32, Naming))
    );
    let bias_rows: Vec<_> = stack.layers[..4].iter().map(|l| l.bias_row).collect();
    assert_eq!(bias_rows, [Some(0), Some(1), Some(2), Some(3)]);
    assert_eq!(stack.ledger.skipped(), []);
}

// Whisper's second convolution, and a Keras one, with names that do not say so.
#[test]
fn a_vector_beside_three_sides_is_a_convolution() {
    let found = found(&[
        ("stem.weight", &[80, 64, 16]),
        ("stem.bias", &[80]),
        ("stem2/kernel", &[16, 64, 80]),
        ("stem2/bias", &[80]),
    ]);
    assert_eq!(rows(&found), []);
    assert_eq!(found.ledger.by_reason[0].reason_kind, "convolution");
}

// Sides by PyTorch's and Keras's documentation: 4 gates of 32 units, 3 gates of 24.
#[test]
fn gated_units_lie_alike_and_find_their_biases() {
    let found = found(&[
        ("rnn.weight_ih_l0", &[128, 16]),
        ("rnn.weight_hh_l0", &[128, 32]),
        ("rnn.bias_ih_l0", &[128]),
        ("rnn.bias_hh_l0", &[128]),
        ("enc_w_ih", &[72, 24]),
        ("enc_b_ih", &[72]),
        ("gru/gru_cell/kernel", &[16, 72]),
        ("gru/gru_cell/recurrent_kernel", &[24, 72]),
        ("gru/gru_cell/bias", &[2, 72]),
        ("lstm/lstm_cell/kernel:0", &[16, 128]),
        ("lstm/lstm_cell/recurrent_kernel:0", &[32, 128]),
        ("lstm/lstm_cell/bias:0", &[128]),
    ]);
    let expected = [
        ("enc_w_ih", 24, 72, OutIn, BiasLength, true),
        ("gru/gru_cell", 16, 72, InOut, BiasLength, true),
        (
            "gru/gru_cell/recurrent_kernel",
            24,
            72,
            InOut,
            BiasLength,
            true,
        ),
        ("lstm/lstm_cell", 16, 128, InOut, BiasLength, true),
        (
            "lstm/lstm_cell/recurrent_kernel:0",
            32,
            128,
            InOut,
            Naming,
            false,
        ),
        ("rnn.weight_hh_l0", 32, 128, OutIn, BiasLength, true),
        ("rnn.weight_ih_l0", 16, 128, OutIn, BiasLength, true),
    ];
    assert_eq!(rows(&found), expected);
    assert_eq!(found.layers[1].bias_row, Some(0));
    assert_eq!(found.layers[2].bias_row, Some(1));
}

// The names of issue and of the nets they are from.
#[test]
fn embeddings_are_told_by_their_own_module_and_by_what_they_lack() {
    let net = found(&[
        (
            "albert.encoder.embedding_hidden_mapping_in.weight",
            &[256, 128],
        ),
        ("albert.encoder.embedding_hidden_mapping_in.bias", &[256]),
        ("conditioner.embedders.0.mlp.fc1.weight", &[384, 96]),
        ("context_embedder.weight", &[128, 256]),
        ("context_embedder.bias", &[128]),
        ("embed_out.weight", &[500, 128]),
        ("features.edge_embedding.weight", &[128, 416]),
        ("model.decoder.embed_positions.weight", &[64, 128]),
        ("model.embed_tokens.weight", &[500, 128]),
        ("model.shared.weight", &[500, 128]),
        ("vq.layers.0._codebook.embed", &[64, 128]),
        ("w1.weight", &[128, 128]),
    ]);
    let layers: Vec<&str> = net.layers.iter().map(|l| l.name.as_str()).collect();
    let linear = [
        "albert.encoder.embedding_hidden_mapping_in",
        "conditioner.embedders.0.mlp.fc1",
        "context_embedder",
        "embed_out",
        "features.edge_embedding",
        "w1",
    ];
    assert_eq!(layers, linear);
    let tables = &net.ledger.by_reason[0];
    assert_eq!(
        (tables.reason_kind.as_str(), tables.tensors),
        ("embedding", 4)
    );
    let list = tensors(&[
        ("model.embed_tokens.weight", &[500, 128]),
        ("w1.weight", &[128, 128]),
    ]);
    let with = |selection: Selection| find(&list, &selection).unwrap().layers.len();
    let all = Selection {
        embeddings: true,
        ..Selection::default()
    };
    let named = |pattern: &str| Selection {
        include: vec![pattern.into()],
        ..Selection::default()
    };
    assert_eq!((with(Selection::default()), with(all)), (1, 2));
    assert_eq!((with(named("embed_tokens")), with(named("*"))), (1, 1));
}

/// A linear layer (out, in), with its bias.
fn linear(list: &mut Vec<TensorFacts>, name: &str, sides: [usize; 2]) {
    list.push(TensorFacts::new(
        format!("{name}.weight"),
        Dtype::F16,
        sides,
    ));
    list.push(TensorFacts::new(
        format!("{name}.bias"),
        Dtype::F16,
        [sides[0]],
    ));
}

// Names of SDXL's single file, of diffusers, Flux and SD3, with small sides.
#[test]
fn linear_layers_below_embedders_are_measured() {
    let mut list = Vec::new();
    let text = "conditioner.embedders.0.transformer.text_model";
    for name in [
        "self_attn.q_proj",
        "self_attn.out_proj",
        "mlp.fc1",
        "mlp.fc2",
    ] {
        linear(
            &mut list,
            &format!("{text}.encoder.layers.0.{name}"),
            [96, 64],
        );
    }
    for name in [
        "conditioner.embedders.1.model.transformer.resblocks.0.mlp.c_fc",
        "model.diffusion_model.time_embed.0",
        "model.diffusion_model.label_emb.0.2",
        "model.diffusion_model.input_blocks.1.0.emb_layers.1",
        "time_embedding.linear_1",
        "add_embedding.linear_2",
        "down_blocks.0.resnets.0.time_emb_proj",
        "time_text_embed.timestep_embedder.linear_1",
        "x_embedder",
        "context_embedder",
    ] {
        linear(&mut list, name, [80, 48]);
    }
    let table = format!("{text}.embeddings.token_embedding.weight");
    list.push(TensorFacts::new(table, Dtype::F16, [500, 64]));
    let found = find(&list, &Selection::default()).unwrap();
    let weights: usize = found.layers.iter().map(|l| l.fan_in * l.fan_out).sum();
    assert_eq!(
        (found.layers.len(), weights),
        (14, 4 * 96 * 64 + 10 * 80 * 48)
    );
    assert!(found.layers.iter().all(|layer| layer.bias.is_some()));
    let [tables] = &found.ledger.by_reason[..] else {
        panic!("{:?}", found.ledger.by_reason);
    };
    assert_eq!(
        (tables.reason_kind.as_str(), tables.weights),
        ("embedding", 32_000)
    );
}

#[test]
fn copies_are_said_and_measured_once() {
    let list = tensors(&[
        ("model.embed_tokens.weight", &[500, 128]),
        ("lm_head.weight", &[500, 128]),
        ("lm_head.bias", &[500]),
    ]);
    let listed: Vec<Listed<'_>> = list
        .iter()
        .map(|facts| Listed {
            facts,
            file: "f",
            standing: &Standing::Whole,
        })
        .collect();
    let tie = vec!["model.embed_tokens.weight", "lm_head.weight"];
    let found = find_among(&listed, &[tie], &Selection::default()).unwrap();
    assert_eq!(found.layers.len(), 1);
    let of = |name: &str| {
        found
            .ledger
            .entries
            .iter()
            .find(|e| e.tensor.tensor == name)
    };
    let same = Role::Same {
        of: "lm_head.weight".into(),
    };
    assert_eq!(of("model.embed_tokens.weight").unwrap().role, same);
    assert_eq!(
        (found.ledger.measured, found.ledger.weights),
        (128_500, 128_500)
    );
}

// Weights that are packed count unfolded, their parts not at all, and an unknown number is none.
#[test]
fn the_ledger_counts_weights_and_not_what_is_stored() {
    let standings = [
        (
            "a.qweight",
            Standing::Packed {
                weights: 800,
                family: "GPTQ",
            },
        ),
        (
            "a.scales",
            Standing::Part {
                kind: PartKind::Scale,
                of: "a.qweight".into(),
            },
        ),
        (
            "b.weight",
            Standing::Incomplete {
                weights: 50,
                missing: "its scales".into(),
            },
        ),
        (
            "c",
            Standing::Unbuilt {
                function: "f".into(),
                weights: None,
            },
        ),
        (
            "d",
            Standing::Unreadable {
                fault: "cut off".into(),
                weights: Some(7),
            },
        ),
        ("e.weight", Standing::Whole),
        ("optimizer.state.0.exp_avg", Standing::Whole),
    ];
    let list = tensors(&standings.each_ref().map(|(name, _)| (*name, &[10, 10][..])));
    let listed: Vec<Listed<'_>> = list
        .iter()
        .zip(&standings)
        .map(|(facts, (_, standing))| Listed {
            facts,
            file: "f",
            standing,
        })
        .collect();
    let found = find_among(&listed, &[], &Selection::default()).unwrap();
    let weights: Vec<Option<u64>> = found.ledger.entries.iter().map(|e| e.weights).collect();
    let expected = [
        Some(800),
        Some(0),
        Some(50),
        None,
        Some(7),
        Some(100),
        Some(0),
    ];
    assert_eq!(weights, expected);
    assert_eq!((found.ledger.measured, found.ledger.weights), (100, 957));
    assert_eq!(found.layers.len(), 1);
}

#[test]
fn embeddings_masks_norms_and_heads_are_skipped_by_name() {
    let found = found(&[
        ("vit.pos_embed", &[1, 197, 384]),
        ("shared.weight", &[320, 64]),
        ("speaker_emb.weight", &[40, 64]),
        ("h.0.attn.bias", &[1, 1, 1024, 1024]),
        ("attention/query/kernel", &[96, 4, 16]),
        ("attention/query/bias", &[4, 16]),
        ("h.0.ln_1.weight", &[768]),
    ]);
    assert_eq!(rows(&found), []);
    let reason = |name: &str| {
        let skipped = found.ledger.skipped();
        let of_name = skipped.iter().find(|s| s.tensor.tensor == name);
        of_name.map_or_else(String::new, |s| s.reason.to_string())
    };
    for name in ["vit.pos_embed", "shared.weight", "speaker_emb.weight"] {
        assert!(reason(name).starts_with("embedding or table"), "{name}");
    }
    assert!(reason("h.0.attn.bias").contains("a mask"));
    assert!(reason("attention/query/kernel").contains("heads"));
    assert_eq!(reason("h.0.ln_1.weight"), "normalisation");
}

#[test]
fn haiku_and_weight_normalisation() {
    let found = found(&[
        ("mlp/fc2/w", &[64, 10]),
        ("mlp/fc2/b", &[10]),
        ("fc.weight_v", &[20, 64]),
        ("fc.bias", &[20]),
        ("rnn.weight_hh_l0", &[32, 32]),
    ]);
    let expected = [
        ("fc", 64, 20, OutIn, BiasLength, true),
        ("mlp/fc2", 64, 10, InOut, BiasLength, true),
        ("rnn.weight_hh_l0", 32, 32, OutIn, Naming, false),
    ];
    assert_eq!(rows(&found), expected);
}
