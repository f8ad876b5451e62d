//! PyTorch files as training programs leave them: every tensor is read or listed under the name that
//! leads to it. Layouts as in the programs named beside each test.

use std::fs;
use std::process::Command;

use randomlike::audit::Role;
use randomlike::checkpoint::Checkpoint;
use randomlike::layers::{self, Layers, Selection};

use crate::writers::{self, Node, Stored};

fn matrix(name: &str, rows: usize, cols: usize) -> Stored {
    let entries: Vec<f32> = (0..rows * cols)
        .map(|i| (i * i % 89) as f32 - 40.0)
        .collect();
    Stored::of_f32(name, &[rows, cols], &entries)
}

fn text(text: &str) -> Node {
    Node::Text(text.into())
}

/// Two layers of 64 inputs, 128 and 64 outputs, with biases: 16,576 weights.
fn net() -> Node {
    Node::state(&[
        matrix("fc1.weight", 128, 64),
        Stored::of_f32("fc1.bias", &[128], &[0.5; 128]),
        matrix("fc2.weight", 64, 128),
        Stored::of_f32("fc2.bias", &[64], &[0.5; 64]),
    ])
}

fn dict(pairs: Vec<(&str, Node)>) -> Node {
    Node::Dict(
        pairs
            .into_iter()
            .map(|(key, node)| (text(key), node))
            .collect(),
    )
}

fn moments() -> Node {
    let exp_avg = Node::Tensor(matrix("", 128, 64));
    let state = Node::Dict(vec![(Node::Int(0), dict(vec![("exp_avg", exp_avg)]))]);
    dict(vec![
        ("state", state),
        ("param_groups", Node::List(Vec::new())),
    ])
}

fn found(root: &Node) -> Layers {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.pt");
    fs::write(&path, writers::pytorch(root)).unwrap();
    layers::of(&Checkpoint::open(&path).unwrap(), &Selection::default()).unwrap()
}

/// The names of the layers, and of what is not measured with the reason and its weights.
fn told(root: &Node) -> (Vec<String>, Vec<String>) {
    let found = found(root);
    let names = found
        .layers
        .iter()
        .map(|layer| layer.name.clone())
        .collect();
    let entries = found.ledger.entries.iter();
    let rest = entries.filter_map(|entry| match &entry.role {
        Role::NotMeasured(reason) => {
            let weights = entry
                .weights
                .map_or("unknown".to_owned(), |w| w.to_string());
            Some(format!("{} {weights}: {reason}", entry.tensor.tensor))
        }
        _ => None,
    });
    (names, rest.collect())
}

fn assert_told(root: &Node, layers: &[&str], rest: &[&str]) {
    let (names, others) = told(root);
    assert_eq!((names, others), (owned(layers), owned(rest)));
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

// DiT and SiT keep the average of the weights beside them; Real-ESRGAN and GANs keep two nets.
#[test]
fn each_dictionary_is_read_under_its_key() {
    let root = dict(vec![("model", net()), ("ema", net()), ("opt", moments())]);
    assert_told(
        &root,
        &["ema.fc1", "ema.fc2"],
        &["opt.state.0.exp_avg 0: optimiser state"],
    );
    // The copies are the same bit for bit, and not measured twice.
    let entries = found(&root).ledger.entries;
    let same = entries
        .iter()
        .filter(|e| matches!(e.role, Role::Same { .. }));
    let same: Vec<&str> = same.map(|entry| entry.tensor.tensor.as_str()).collect();
    assert_eq!(same, ["model.fc1.weight", "model.fc2.weight"]);
    let other = Node::state(&[matrix("fc1.weight", 32, 64)]);
    for (first, second) in [
        ("params", "params_ema"),
        ("net", "netD"),
        ("state_dict", "classifier"),
    ] {
        let root = dict(vec![
            (first, net()),
            (second, other.clone()),
            ("epoch", Node::Int(3)),
        ]);
        let mut names = vec![
            format!("{first}.fc1"),
            format!("{first}.fc2"),
            format!("{second}.fc1"),
        ];
        names.sort();
        assert_eq!(told(&root), (names, Vec::new()));
    }
}

// PyTorch Lightning and the ImageNet example: one net, and what training keeps.
#[test]
fn the_key_of_the_one_net_is_left_out() {
    let states = Node::List(vec![moments()]);
    let lightning = dict(vec![
        ("state_dict", net()),
        ("epoch", Node::Int(3)),
        ("optimizer_states", states),
    ]);
    let state = "optimizer_states.0.state.0.exp_avg 0: optimiser state";
    assert_told(&lightning, &["fc1", "fc2"], &[state]);
    let plain = dict(vec![("model_state_dict", net()), ("arch", text("x"))]);
    assert_told(&plain, &["fc1", "fc2"], &[]);
    assert_told(&net(), &["fc1", "fc2"], &[]);
    // No name of ours: it stays.
    let own = dict(vec![("generator", net())]);
    assert_told(&own, &["generator.fc1", "generator.fc2"], &[]);
}

#[test]
fn lists_tuples_numbers_and_single_tensors_have_names() {
    let head = Node::Tensor(matrix("", 32, 128));
    let other = Node::state(&[matrix("fc1.weight", 48, 64)]);
    let lists = [
        Node::List(vec![net(), other.clone()]),
        Node::Tuple(vec![net(), other.clone()]),
        Node::Dict(vec![(Node::Int(0), net()), (Node::Int(1), other.clone())]),
    ];
    for root in lists {
        assert_told(&root, &["0.fc1", "0.fc2", "1.fc1"], &[]);
    }
    let ranks = Node::Dict(vec![(Node::Int(0), net()), (Node::Int(1), other)]);
    let root = dict(vec![("experts", ranks), ("head.weight", head.clone())]);
    let names = ["experts.0.fc1", "experts.0.fc2", "experts.1.fc1", "head"];
    assert_told(&root, &names, &[]);
    assert_told(&head, &["tensor"], &[]);
    let key = Node::Tuple(vec![Node::Int(1), Node::Int(2)]);
    let odd = Node::Dict(vec![(key, Node::Tensor(matrix("", 48, 64)))]);
    assert_told(&odd, &["#0"], &[]);
}

// torch.ao.quantization.quantize_dynamic; a tensor of another device; a NumPy array.
#[test]
fn what_an_unknown_function_makes_is_listed_with_its_weights() {
    let mut codes = matrix("", 128, 64);
    (codes.dtype, codes.bytes) = ("qint8", vec![3; 128 * 64]);
    let quantised = Node::Rebuilt(("torch._utils", "_rebuild_qtensor"), codes);
    let bias = Node::Tensor(Stored::of_f32("", &[128], &[0.5; 128]));
    let sides = Node::Tuple(vec![Node::Int(24), Node::Int(16)]);
    let state = Node::Tuple(vec![
        Node::Int(1),
        sides,
        Node::Int(0),
        Node::Int(0),
        text(""),
    ]);
    let array = Node::Call {
        function: ("numpy.core.multiarray", "_reconstruct"),
        arguments: vec![Node::Int(0)],
        state: Some(Box::new(state)),
    };
    let device = Node::Call {
        function: ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        arguments: vec![array.clone(), text("F32"), text("xla:0"), Node::Int(1)],
        state: None,
    };
    let packed = "enc.q._packed_params._packed_params";
    let root = dict(vec![
        (packed, Node::Tuple(vec![quantised, bias])),
        ("fc.weight", device),
        ("head.weight", Node::Tensor(matrix("", 32, 128))),
        ("history", array),
    ]);
    let of = |name: &str, weights: u64, function: &str| {
        format!("{name} {weights}: built by `{function}`, which is not known")
    };
    let (layers, rest) = told(&root);
    assert_eq!(layers, ["head"]);
    assert_eq!(
        rest,
        [
            of(
                &format!("{packed}.0"),
                8192,
                "torch._utils._rebuild_qtensor"
            ),
            format!("{packed}.1 128: one-dimensional, and no layer's bias"),
            of(
                "fc.weight",
                384,
                "torch._utils._rebuild_device_tensor_from_numpy"
            ),
            of("history", 384, "numpy.core.multiarray._reconstruct"),
        ]
    );
}

// DeepSpeed's ZeRO-3 leaves placeholders where weights are scattered over ranks.
#[test]
fn placeholders_hold_no_entries_and_a_file_of_them_is_opened() {
    let empty = |name: &str| Stored::new(name, "F16", &[0], Vec::new());
    let scattered = Node::state(&[empty("layers.0.weight"), empty("layers.0.bias")]);
    let root = dict(vec![("module", scattered), ("ds_version", text("0.14"))]);
    assert_told(
        &root,
        &[],
        &[
            "layers.0.bias unknown: holds no entries",
            "layers.0.weight unknown: holds no entries",
        ],
    );
}

// Python 2 pickles an ordered dictionary as a call with a list of pairs.
#[test]
fn an_ordered_dictionary_of_python_2_keeps_its_tensors() {
    let pair = Node::List(vec![text("fc.weight"), Node::Tensor(matrix("", 48, 64))]);
    let root = Node::Call {
        function: ("collections", "OrderedDict"),
        arguments: vec![Node::List(vec![pair])],
        state: None,
    };
    assert_told(&root, &["fc"], &[]);
}

#[test]
fn bytes_that_no_tensor_describes_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.pt");
    let file = writers::pytorch(&net());
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut members = Vec::new();
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
        members.push((member.name().unwrap().into_owned(), bytes));
    }
    members.push(("archive/data/77".to_owned(), vec![0; 400]));
    fs::write(&path, writers::archive(&members)).unwrap();
    let opened = Checkpoint::open(&path).unwrap();
    let ledger = layers::of(&opened, &Selection::default()).unwrap().ledger;
    let skipped = ledger.skipped();
    let reason = skipped[0].reason.to_string();
    assert_eq!(skipped[0].tensor.tensor, "data/77");
    assert_eq!(reason, "cannot be read: no tensor describes its 400 bytes");
}

/// A dictionary that holds the one before it twice, forty times.
fn doubling() -> Node {
    let mut opcodes = b"}(X\x01\0\0\0w".to_vec();
    opcodes.extend(b"K\x01uq\x00");
    for level in 0..40_u8 {
        opcodes.extend(b"}(X\x01\0\0\0ah");
        opcodes.push(level);
        opcodes.extend(b"X\x01\0\0\0bh");
        opcodes.push(level);
        opcodes.extend(b"uq");
        opcodes.push(level + 1);
    }
    Node::Opcodes(opcodes)
}

/// One list under a key of 4000 letters, a million times.
fn long_names() -> Node {
    let mut opcodes = b"}(X\xa0\x0f\0\0".to_vec();
    opcodes.extend([b'x'; 4000]);
    opcodes.extend(b"](]q\x00");
    opcodes.extend(b"h\x00".repeat(1_000_000));
    opcodes.extend(b"eu");
    Node::Opcodes(opcodes)
}

// As much work as the file has bytes, whatever it repeats.
#[test]
fn the_walk_is_bounded_by_the_bytes_of_the_file() {
    for root in [doubling(), long_names()] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.pt");
        fs::write(&path, writers::pytorch(&root)).unwrap();
        let mut command = Command::new("sh");
        // Threads of others ask for address space of their own.
        command
            .env("MALLOC_ARENA_MAX", "1")
            .env("OPENBLAS_NUM_THREADS", "1");
        command.args([
            "-c",
            r#"ulimit -v 2000000; ulimit -t 20; exec "$0" layers "$1""#,
        ]);
        let output = command
            .args([env!("CARGO_BIN_EXE_randomlike"), path.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("repeats itself without end"), "{said}");
    }
}
