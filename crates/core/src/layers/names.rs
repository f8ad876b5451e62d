//! What the name of a tensor says of it: its module, its bias, its orientation, its role.
//!
//! A role is told by the tensor's own module, never by an ancestor: `embedders.0.fc1` is a linear
//! layer. Names are compared in lower case and without TensorFlow's `:0`.

use super::Orientation;

/// Pairs of a weight's ending and its bias's, the longest first.
const ENDINGS: [(&str, &str); 21] = [
    (".weight.qweight", ".bias"),
    (".weight._data", ".bias"),
    ("._weight_qdata", ".bias"),
    (".parametrizations.weight.original1", ".bias"),
    ("/MatMul/ReadVariableOp/transpose", "/MatMul_bias"),
    ("/MatMul/ReadVariableOp", "/BiasAdd/ReadVariableOp"),
    ("/kernel:0", "/bias:0"),
    ("/kernel", "/bias"),
    (".kernel", ".bias"),
    ("/weights", "/bias_weights"),
    ("/weights", "/biases"),
    ("_weight", "_bias"),
    (".weight_orig", ".bias"),
    (".weight_v", ".bias"),
    (".weight", ".bias"),
    ("/weight", "/bias"),
    ("/w", "/b"),
    ("_w", "_b"),
    (".w", ".b"),
    ("weight", "bias"),
    // Stacks of experts without a word for weights: `gate_up_proj`, `gate_up_proj_bias`.
    ("", "_bias"),
];

/// How many of them are cut off to name a layer.
const CUT: usize = 17;

/// A part of a weight's name that a bias's has otherwise; the last mention is replaced.
const INNER: [(&str, &str); 4] = [
    ("weight_", "bias_"),
    ("_w_", "_b_"),
    ("recurrent_kernel", "bias"),
    ("W", "b"),
];

/// Names that the bias of a weight may have, the most telling first.
pub(super) fn biases(weight: &str) -> impl Iterator<Item = String> {
    let ended = ENDINGS
        .iter()
        .filter_map(move |(end, bias)| Some(format!("{}{bias}", weight.strip_suffix(end)?)));
    let inner = INNER.iter().filter_map(move |(part, bias)| {
        let at = weight.rfind(part)?;
        Some(format!(
            "{}{bias}{}",
            &weight[..at],
            &weight[at + part.len()..]
        ))
    });
    ended.chain(inner).chain(linear_model_bias(weight))
}

/// `linear_model/content/weights` → `linear_model/bias_weights`: TensorFlow's linear model
/// has weights for each column of features and one bias for their sum.
fn linear_model_bias(weight: &str) -> Option<String> {
    let (model, _) = weight.strip_suffix("/weights")?.rsplit_once('/')?;
    Some(format!("{model}/bias_weights"))
}

/// The layer's name: the tensor's without its weight ending.
pub(super) fn stem(name: &str) -> &str {
    let ends = ENDINGS[..CUT]
        .iter()
        .filter(|(weight, _)| !weight.starts_with('_'));
    let cut = ends
        .filter_map(|(weight, _)| name.strip_suffix(weight))
        .find(|stem| !stem.is_empty());
    cut.unwrap_or(name)
}

/// The last step of a path of modules.
fn last_step(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

fn lower(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.strip_suffix(":0").unwrap_or(&lower).to_owned()
}

/// The tensor's own module, in lower case: `wte` of `h.wte.weight`, `pos_embed` of `pos_embed`.
fn module(name: &str) -> String {
    last_step(stem(&lower(name))).to_owned()
}

/// The module and the tensor's own name in it, in lower case: `wte.weight`.
pub(super) fn own(name: &str) -> String {
    let lower = lower(name);
    let stem = stem(&lower);
    lower[stem.len() - last_step(stem).len()..].to_owned()
}

/// How sure a name is that its rows are looked up and not multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// By the module's name there is nothing else it could be.
    Certain,
    /// Linear layers are called so too.
    Likely,
    No,
}

/// Whether a module of this name is an embedding, a table or a set of vectors.
pub(super) fn lookup(name: &str) -> Lookup {
    let module = module(name);
    let words: Vec<&str> = module.split('_').collect();
    let last = words.last().copied().unwrap_or_default();
    let of_vectors = [
        "token",
        "tokens",
        "latents",
        "queries",
        "codebook",
        "codebooks",
    ];
    let is_parameter = !lower(name).ends_with("weight");
    if matches!(module.as_str(), "shared" | "wte" | "wpe" | "a_log")
        || module.starts_with("rel_pos")
        || module.starts_with("relative_position")
        || module.starts_with("relative_attention_bias")
        || of_vectors.contains(&last) && (is_parameter || words.len() == 1 || words[0] == "embed")
    {
        return Lookup::Certain;
    }
    let embeds = words.iter().any(|word| {
        matches!(
            *word,
            "embed" | "embeds" | "embedding" | "embeddings" | "emb" | "embs" | "embd"
        )
    });
    let multiplies = ["out", "proj", "projection", "linear", "layer", "layers"];
    if embeds && !multiplies.contains(&last) {
        Lookup::Likely
    } else {
        Lookup::No
    }
}

/// A bias of several experts or heads, or a mask that is stored as one.
pub(super) fn is_bias(name: &str) -> bool {
    let lower = lower(name);
    let last = last_step(&lower);
    (last == "bias" || last.ends_with("_bias")) && lookup(name) == Lookup::No
}

/// What integers of few bits are by their names, where they are no packed weights: positions, indices,
/// masks, counters.
pub(super) fn is_index(name: &str) -> bool {
    let module = module(name);
    let last = module.rsplit('_').next().unwrap_or_default();
    is_bias(name)
        || matches!(
            last,
            "ids"
                | "idx"
                | "index"
                | "indices"
                | "mask"
                | "masks"
                | "step"
                | "steps"
                | "tracked"
                | "length"
                | "lengths"
        )
}

pub(super) fn is_normalisation(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("norm")
        || name
            .split(['.', '/', '_'])
            .any(|part| matches!(part, "ln" | "bn" | "ln1" | "ln2" | "bn1" | "bn2" | "bn3"))
}

/// What optimisers keep of each weight, by PyTorch's names.
const MOMENTS: [&str; 11] = [
    "exp_avg",
    "exp_avg_sq",
    "max_exp_avg_sq",
    "exp_inf",
    "momentum_buffer",
    "square_avg",
    "grad_avg",
    "acc_delta",
    "sum",
    "step",
    "ax",
];

/// State of an optimiser: below a key that is called so, or a moment by its name.
pub(super) fn is_optimiser_state(name: &str) -> bool {
    let lower = lower(name);
    let mut steps = lower.split(['.', '/']);
    let is_moment = |step: &str| MOMENTS.contains(&step);
    let below_state = lower.starts_with("state.") || lower.contains(".state.");
    steps.any(|step| step.starts_with("optimizer") || step.starts_with("optimiser"))
        || is_moment(last_step(&lower)) && (below_state || last_step(&lower).starts_with("exp_avg"))
}

/// Flax keeps attention kernels as (in, heads, size) or (heads, size, out).
pub(super) fn is_headed(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut parts = lower.rsplit(['.', '/']);
    parts.next() == Some("kernel")
        && matches!(
            parts.next(),
            Some("query" | "key" | "value" | "out" | "qkv")
        )
}

/// Whether a name with three sides says convolution, or rules it out.
pub(super) fn says_convolution(name: &str) -> Option<bool> {
    let name = name.to_ascii_lowercase();
    if name.contains("conv") {
        Some(true)
    } else if name.contains("expert") {
        Some(false)
    } else {
        None
    }
}

/// What a name says of the orientation.
pub(super) fn orientation(name: &str) -> Option<Orientation> {
    let lower = lower(name);
    let conv1d = [
        "c_attn.weight",
        "c_proj.weight",
        "c_fc.weight",
        "q_attn.weight",
    ];
    if lower.ends_with("transpose") {
        Some(Orientation::OutIn)
    } else if lower.ends_with("kernel")
        || lower.ends_with("/weights")
        || lower.ends_with("/w")
        || lower.ends_with("matmul/readvariableop")
        || conv1d.iter().any(|end| lower.ends_with(end))
    {
        Some(Orientation::InOut)
    } else if lower.ends_with(".weight")
        || lower.ends_with("proj_weight")
        || lower.ends_with(".weight_v")
        || lower.ends_with(".weight_orig")
        || lower.ends_with(".weight.qweight")
        || lower.ends_with(".weight._data")
        || lower.ends_with("._weight_qdata")
        || lower.ends_with(".parametrizations.weight.original1")
        || lower.ends_with("_w_ih")
        || lower.ends_with("_w_hh")
        || lower.contains("weight_ih")
        || lower.contains("weight_hh")
    {
        Some(Orientation::OutIn)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_told_by_its_own_name() {
        use Lookup::{Certain, Likely, No};
        for (name, expected) in [
            ("conditioner.embedders.0.fc1.weight", No),
            ("time_embed.0.weight", No),
            ("label_emb.0.0.weight", No),
            ("input_blocks.1.0.emb_layers.1.weight", No),
            ("time_embedding.linear_1.weight", No),
            ("x_embedder.weight", No),
            ("embed_out.weight", No),
            ("embeddings.patch_embeddings.projection.weight", No),
            ("edge_embedding.weight", Likely),
            ("embedding_hidden_mapping_in.weight", Likely),
            ("token_embd.weight", Likely),
            ("model.embed_tokens.weight", Certain),
            ("bert.embeddings.word_embeddings.weight", Likely),
            ("vit.pos_embed", Likely),
            ("model.shared.weight", Certain),
            ("mlp.shared_expert_gate.weight", No),
            ("attn.relative_position_bias_table", Certain),
            ("attn.rel_pos_h", Certain),
            ("relative_attention_bias.weight", Certain),
            ("mixer.A_log", Certain),
            ("qformer.query_tokens", Certain),
            ("head.queries", Certain),
            ("vq.layers.0._codebook.embed", Likely),
            ("quantizer.codebook.weight", Certain),
            ("to_tokens.weight", No),
            ("dense_1/kernel:0", No),
        ] {
            assert_eq!(lookup(name), expected, "{name}");
        }
    }

    #[test]
    fn indices_and_masks_are_no_packed_weights() {
        for name in [
            "h.0.attn.bias",
            "embeddings.position_ids",
            "attn.causal_mask",
            "bn.num_batches_tracked",
        ] {
            assert!(is_index(name), "{name}");
        }
        assert!(!is_index("q_proj.weight") && !is_index("experts.up_blocks"));
    }

    #[test]
    fn moments_are_optimiser_state_and_opt_is_a_net() {
        assert!(is_optimiser_state("opt.state.0.exp_avg"));
        assert!(is_optimiser_state("optimizer_states.0.state.0.exp_avg_sq"));
        assert!(is_optimiser_state("state.3.momentum_buffer"));
        assert!(!is_optimiser_state("opt.decoder.layers.0.fc1.weight"));
        assert!(!is_optimiser_state("model.sum"));
    }

    #[test]
    fn a_weight_has_a_layer_s_name_and_its_bias_s() {
        let first = |name: &str| biases(name).next().unwrap();
        assert_eq!(first("fc.weight"), "fc.bias");
        assert_eq!(first("experts.gate_up_proj"), "experts.gate_up_proj_bias");
        assert!(biases("rnn.weight_ih_l0").any(|b| b == "rnn.bias_ih_l0"));
        assert!(biases("enc_w_ih").any(|b| b == "enc_b_ih"));
        assert!(biases("gru/recurrent_kernel").any(|b| b == "gru/bias"));
        let new = "fc.parametrizations.weight.original1";
        assert_eq!((stem(new), first(new).as_str()), ("fc", "fc.bias"));
        assert_eq!(own("h.0.wte.weight"), "wte.weight");
        assert_eq!(own("pos_embed"), "pos_embed");
    }
}
