//! The ledger beside an independent count: random sources in every format, written by `writers.rs`,
//! of kinds of tensors whose weights were counted when they were made up.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::analysis::{self, Options};
use randomlike::audit::Role;
use randomlike::checkpoint::Checkpoint;
use randomlike::checks::{Check, FindingOutcome};
use randomlike::layers::{self, Selection};
use randomlike::policy::Policy;
use randomlike::verdict::judge;

use crate::writers::{self, Node, Stored};

/// A kind of tensor that files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    Stack,
    Convolution,
    Embedding,
    Norm,
    /// A matrix whose name says nothing, or the wrong thing.
    Misnamed,
    Counter,
    Moments,
    Gptq,
    /// 4-bit blocks with exponents, as gpt-oss has them.
    Blocks,
    Float8,
    Unknown,
    Placeholder,
}

const KINDS: [Kind; 13] = [
    Kind::Linear,
    Kind::Stack,
    Kind::Convolution,
    Kind::Embedding,
    Kind::Norm,
    Kind::Misnamed,
    Kind::Counter,
    Kind::Moments,
    Kind::Gptq,
    Kind::Blocks,
    Kind::Float8,
    Kind::Unknown,
    Kind::Placeholder,
];

/// How a source is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Safetensors,
    Indexed,
    Numbered,
    Npz,
    Gguf,
    SplitGguf,
    PyTorch,
    NestedPyTorch,
}

const FORMS: [Form; 8] = [
    Form::Safetensors,
    Form::Indexed,
    Form::Numbered,
    Form::Npz,
    Form::Gguf,
    Form::SplitGguf,
    Form::PyTorch,
    Form::NestedPyTorch,
];

impl Form {
    /// Whether the format has the dtypes of a kind.
    fn has(self, kind: Kind) -> bool {
        match self {
            Self::Safetensors | Self::Indexed | Self::Numbered => true,
            Self::Npz | Self::PyTorch | Self::NestedPyTorch => kind != Kind::Float8,
            Self::Gguf | Self::SplitGguf => {
                !matches!(kind, Kind::Float8 | Kind::Blocks | Kind::Placeholder)
            }
        }
    }
}

/// Tensors that belong together, and how many weights they stand for.
#[derive(Debug, Clone)]
struct Group {
    tensors: Vec<Stored>,
    weights: u64,
}

fn floats(name: String, shape: &[usize], rng: &mut ChaCha8Rng) -> Stored {
    let count = shape.iter().product();
    let normal = |rng: &mut ChaCha8Rng| -> f32 { StandardNormal.sample(rng) };
    let entries: Vec<f32> = (0..count).map(|_| 0.05 * normal(rng)).collect();
    Stored::of_f32(name, shape, &entries)
}

fn raw(name: String, dtype: &'static str, shape: &[usize], width: usize) -> Stored {
    let count: usize = shape.iter().product();
    let bytes = (0..count * width).map(|i| (i * 37 % 251) as u8).collect();
    Stored::new(name, dtype, shape, bytes)
}

/// A group of this kind; `place` makes its names its own.
fn group(kind: Kind, place: usize, rng: &mut ChaCha8Rng) -> Group {
    let mut side = || 16 * rng.random_range(2..6_usize);
    let (i, o) = (side(), side());
    let at = format!("net.layers.{place}");
    let count = |shape: &[usize]| shape.iter().product::<usize>() as u64;
    let (tensors, weights) = match kind {
        Kind::Linear => {
            let tensors = vec![
                floats(format!("{at}.fc.weight"), &[o, i], rng),
                floats(format!("{at}.fc.bias"), &[o], rng),
            ];
            (tensors, count(&[o, i + 1]))
        }
        Kind::Stack => {
            let tensors = vec![
                floats(format!("{at}.experts.up.weight"), &[3, o, i], rng),
                floats(format!("{at}.experts.up.bias"), &[3, o], rng),
            ];
            (tensors, 3 * count(&[o, i + 1]))
        }
        Kind::Convolution => {
            let tensors = vec![floats(format!("{at}.conv.weight"), &[o, i, 3, 3], rng)];
            (tensors, 9 * count(&[o, i]))
        }
        Kind::Embedding => {
            let tensors = vec![floats(format!("{at}.embed_tokens.weight"), &[o, i], rng)];
            (tensors, count(&[o, i]))
        }
        Kind::Norm => {
            let tensors = vec![floats(format!("{at}.norm.weight"), &[o], rng)];
            (tensors, o as u64)
        }
        Kind::Misnamed => {
            let names = [
                "scale",
                "weight_g",
                "bias",
                "шкала",
                "x y(z)",
                "A_log",
                "index",
            ];
            let name = names[rng.random_range(0..names.len())];
            let tensors = vec![floats(format!("{at}.{name}"), &[o, i], rng)];
            (tensors, count(&[o, i]))
        }
        Kind::Counter => (
            vec![raw(format!("{at}.position_ids"), "I64", &[1, o], 8)],
            0,
        ),
        Kind::Moments => {
            let name = format!("optimizer.state.{place}.exp_avg");
            (vec![floats(name, &[o, i], rng)], 0)
        }
        // Eight codes of four bits an integer, groups of 16 inputs.
        Kind::Gptq => {
            let tensors = vec![
                raw(format!("{at}.q.qweight"), "I32", &[i / 8, o], 4),
                raw(format!("{at}.q.qzeros"), "I32", &[i / 16, o / 8], 4),
                floats(format!("{at}.q.scales"), &[i / 16, o], rng),
                raw(format!("{at}.q.g_idx"), "I32", &[i], 4),
            ];
            (tensors, count(&[o, i]))
        }
        // 16 bytes are 32 weights.
        Kind::Blocks => {
            let tensors = vec![
                raw(
                    format!("{at}.experts.up_blocks"),
                    "U8",
                    &[2, o, i / 16, 16],
                    1,
                ),
                raw(format!("{at}.experts.up_scales"), "U8", &[2, o, i / 16], 1),
            ];
            (tensors, 4 * count(&[o, i]))
        }
        Kind::Float8 => {
            let tensors = vec![
                raw(format!("{at}.e.weight"), "F8_E4M3", &[o, i], 1),
                floats(format!("{at}.e.weight_scale_inv"), &[1, 1], rng),
            ];
            (tensors, count(&[o, i]))
        }
        Kind::Unknown => (
            vec![raw(format!("{at}.u.weight"), "I16", &[o, i], 2)],
            count(&[o, i]),
        ),
        Kind::Placeholder => (vec![raw(format!("{at}.p.weight"), "F32", &[0], 4)], 0),
    };
    Group { tensors, weights }
}

/// Writes the groups in this form and says what to open.
fn write(folder: &Path, form: Form, groups: &[Group]) -> PathBuf {
    let all: Vec<Stored> = groups
        .iter()
        .flat_map(|group| group.tensors.clone())
        .collect();
    let parts: Vec<Vec<Stored>> = (0..3)
        .map(|part| all.iter().skip(part).step_by(3).cloned().collect())
        .collect();
    let file = |name: &str, bytes: Vec<u8>| {
        fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    let shard = |part: usize, ending: &str| format!("model-{:05}-of-00003.{ending}", part + 1);
    match form {
        Form::Safetensors => file("model.safetensors", writers::safetensors(&all)),
        Form::Npz => file("arrays.npz", writers::npz(&all)),
        Form::Gguf => file("model.gguf", writers::gguf(&[], &all)),
        Form::PyTorch => file("state.pth", writers::pytorch(&Node::state(&all))),
        Form::Indexed | Form::Numbered => {
            let mut map = serde_json::Map::new();
            for (part, tensors) in parts.iter().enumerate() {
                let name = shard(part, "safetensors");
                for tensor in tensors {
                    map.insert(tensor.name.clone(), name.clone().into());
                }
                file(&name, writers::safetensors(tensors));
            }
            if form == Form::Indexed {
                let index = serde_json::json!({ "weight_map": map });
                let index = serde_json::to_vec(&index).unwrap();
                return file("model.safetensors.index.json", index);
            }
            folder.to_owned()
        }
        Form::SplitGguf => {
            for (part, tensors) in parts.iter().enumerate() {
                let split = [("split.no", part as u16), ("split.count", 3)];
                file(&shard(part, "gguf"), writers::gguf(&split, tensors));
            }
            folder.join(shard(1, "gguf"))
        }
        Form::NestedPyTorch => {
            // What belongs together has one prefix.
            let state = |part: usize| {
                let groups = groups.iter().skip(part).step_by(3);
                let tensors: Vec<Stored> = groups.flat_map(|g| g.tensors.clone()).collect();
                Node::state(&tensors)
            };
            let states = [0, 1, 2].map(state);
            let text = |text: &str| Node::Text(text.into());
            let root = Node::Dict(vec![
                (text("ema"), states[0].clone()),
                (text("epoch"), Node::Int(3)),
                (text("parts"), Node::List(vec![states[1].clone()])),
                (Node::Int(7), states[2].clone()),
            ]);
            file("training.pt", writers::pytorch(&root))
        }
    }
}

fn groups(kinds: &[Kind], form: Form, seed: u64) -> Vec<Group> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let kinds = kinds.iter().filter(|kind| form.has(**kind)).enumerate();
    kinds
        .map(|(place, kind)| group(*kind, place, &mut rng))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_ledger_s_sum_is_an_independent_count(
        form in prop::sample::select(&FORMS[..]),
        kinds in prop::collection::vec(prop::sample::select(&KINDS[..]), 3..12),
        seed in 0_u64..1 << 32,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let groups = groups(&kinds, form, seed);
        prop_assume!(groups.iter().map(|group| group.tensors.len()).sum::<usize>() >= 3);
        let checkpoint = Checkpoint::open(write(folder.path(), form, &groups)).unwrap();
        let stored: usize = groups.iter().map(|group| group.tensors.len()).sum();
        let counted: u64 = groups.iter().map(|group| group.weights).sum();
        for selection in [
            Selection::default(),
            Selection { conv: true, embeddings: true, ..Selection::default() },
        ] {
            let ledger = layers::of(&checkpoint, &selection).unwrap().ledger;
            prop_assert_eq!(ledger.entries.len(), stored);
            prop_assert_eq!(ledger.weights, counted, "{:#?}", ledger.entries);
            let sum: u64 = ledger.by_reason.iter().map(|total| total.weights).sum();
            prop_assert_eq!(ledger.measured + sum, counted);
        }
    }
}

/// What `covered` says of a source with this selection.
fn covered(source: &Path, selection: Selection) -> FindingOutcome {
    let checkpoint = Checkpoint::open(source).unwrap();
    let options = Options {
        selection,
        alone: true,
        ..Options::default()
    };
    let audit = analysis::measure(&checkpoint, &options, &mut |_| ()).unwrap();
    let judgement = judge(&audit, &Policy::default()).unwrap();
    let mut whole = judgement.for_checkpoint();
    whole.find(|f| f.check == Check::Covered).unwrap().outcome
}

// Whole, the source passes; without any one of its tensors it fails, in every form.
#[test]
fn covered_fails_without_any_one_tensor() {
    let kinds = [Kind::Linear, Kind::Stack, Kind::Linear, Kind::Linear];
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let groups = groups(&kinds, form, 11);
        let source = write(folder.path(), form, &groups);
        let passes = FindingOutcome::Pass;
        assert_eq!(covered(&source, Selection::default()), passes, "{form:?}");
        let checkpoint = Checkpoint::open(&source).unwrap();
        let ledger = layers::of(&checkpoint, &Selection::default())
            .unwrap()
            .ledger;
        let measured = ledger.entries.iter().filter(|e| e.role == Role::Layer);
        for name in measured.map(|entry| &entry.tensor.tensor) {
            let without = Selection {
                exclude: vec![name.clone()],
                ..Selection::default()
            };
            let fails = FindingOutcome::Fail;
            assert_eq!(covered(&source, without), fails, "{form:?} {name}");
        }
    }
}

// The ways in which a tensor cannot be read: its dtype, its entries, its scales.
#[test]
fn covered_fails_where_any_one_tensor_cannot_be_read() {
    let kinds = [Kind::Linear, Kind::Stack, Kind::Linear];
    let whole = groups(&kinds, Form::Safetensors, 12);
    let folder = tempfile::tempdir().unwrap();
    for spoil in [
        |tensor: &mut Stored| tensor.dtype = "F7_E3M3",
        |tensor: &mut Stored| (tensor.shape, tensor.bytes) = (vec![0], Vec::new()),
        |tensor: &mut Stored| {
            tensor.dtype = "I8";
            tensor.bytes.truncate(tensor.bytes.len() / 4);
        },
    ] {
        for (at, stored) in whole.iter().enumerate() {
            let weights = stored
                .tensors
                .iter()
                .position(|t| t.shape.len() >= 2)
                .unwrap();
            let mut groups = whole.clone();
            spoil(&mut groups[at].tensors[weights]);
            let source = write(folder.path(), Form::Safetensors, &groups);
            let outcome = covered(&source, Selection::default());
            assert_eq!(outcome, FindingOutcome::Fail, "{:?}", groups[at].tensors);
        }
    }
}
