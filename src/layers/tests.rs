use super::*;
use Orientation::{InOut, OutIn};
use OrientationFrom::{Assumption, BiasLength, Naming, Neighbours};

fn tensors(list: &[(&str, &[usize])]) -> Vec<TensorFacts> {
    list.iter()
        .map(|(name, shape)| TensorFacts {
            tensor: (*name).into(),
            dtype: "F32".into(),
            shape: shape.to_vec(),
        })
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
    let mut seen: Vec<&str> = found
        .skipped
        .iter()
        .map(|s| s.tensor.tensor.as_str())
        .collect();
    for layer in found
        .layers
        .iter()
        .filter(|layer| layer.slice.unwrap_or(0) == 0)
    {
        seen.push(&layer.weight.tensor);
        seen.extend(layer.bias.as_ref().map(|bias| bias.tensor.as_str()));
    }
    seen.sort_unstable();
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
        found.skipped[1].reason,
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
    assert_eq!(found.skipped.len(), 3);
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

#[test]
fn stacked_experts_are_slices_and_kernels_are_not() {
    let found = found(&[
        ("mlp.experts.gate_up_proj", &[3, 64, 32]),
        ("encoder.conv1.weight", &[384, 80, 3]),
    ]);
    assert_eq!(found.layers.len(), 3);
    assert_eq!(found.layers[2].name, "mlp.experts.gate_up_proj[2]");
    assert_eq!(found.skipped.len(), 1);
}

#[test]
fn a_bias_of_a_wrong_length_is_skipped_and_said() {
    let found = found(&[("a.weight", &[20, 10]), ("a.bias", &[7])]);
    assert_eq!(found.layers[0].bias, None);
    assert_eq!(
        found.skipped[0].reason,
        "one-dimensional, and no layer's bias"
    );
}

#[test]
fn other_dtypes_and_small_sides_are_skipped_by_name() {
    let mut list = tensors(&[("q.weight", &[20, 10]), ("v.weight", &[1, 10])]);
    list[0].dtype = "I8".into();
    let found = find(&list, &Selection::default()).unwrap();
    assert_eq!(found.skipped[0].reason, "dtype I8 is not read");
    assert_eq!(
        found.skipped[1].reason,
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
