//! Which files are one checkpoint: parts, folders, and the Hub's cache; docs/skipped.md has the rule.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use randomlike::checkpoint::Checkpoint;

use crate::writers::{self, Stored};

fn layers(source: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_randomlike"));
    command.arg("layers").arg(source).output().unwrap()
}

fn refused(source: &Path) -> String {
    let output = layers(source);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn matrix(name: &str) -> Stored {
    let entries: Vec<f32> = (0..64 * 48).map(|i| (i % 97) as f32).collect();
    Stored::of_f32(name, &[64, 48], &entries)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn safetensors(names: &[&str]) -> Vec<u8> {
    let tensors: Vec<Stored> = names.iter().map(|name| matrix(name)).collect();
    writers::safetensors(&tensors)
}

fn tensors(source: &Path) -> usize {
    Checkpoint::open(source).unwrap().tensors().len()
}

fn part(number: u16, count: u16, names: &[&str]) -> Vec<u8> {
    let tensors: Vec<Stored> = names.iter().map(|name| matrix(name)).collect();
    let split = [
        ("split.no", number),
        ("split.count", count),
        ("split.tensors.count", 2),
    ];
    writers::gguf(&split, &tensors)
}

// As llama-gguf-split writes them; with --no-tensor-first-split the first part holds no tensor.
#[test]
fn a_split_gguf_is_opened_whole_or_not_at_all() {
    for (first, second) in [
        (&["a.weight"][..], &["b.weight"][..]),
        (&[], &["a.weight", "b.weight"]),
    ] {
        let home = tempfile::tempdir().unwrap();
        let names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
        write(home.path(), names[0], &part(0, 2, first));
        write(home.path(), names[1], &part(1, 2, second));
        for source in [
            home.path(),
            &home.path().join(names[0]),
            &home.path().join(names[1]),
        ] {
            assert_eq!(tensors(source), 2, "{}", source.display());
        }
        fs::remove_file(home.path().join(names[1])).unwrap();
        for source in [home.path(), &home.path().join(names[0])] {
            let said = refused(source);
            assert!(
                said.contains("m-00002-of-00002.gguf` is missing, one of 2 parts"),
                "{said}"
            );
        }
    }
}

// The file itself says how many parts there are, whatever its name.
#[test]
fn a_part_under_another_name_is_told_as_one() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "half.gguf", &part(0, 2, &["a.weight"]));
    let said = refused(&home.path().join("half.gguf"));
    assert!(
        said.contains("it is part 1 of 2, and no other was found beside it"),
        "{said}"
    );
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "m-00001-of-00002.gguf",
        &part(0, 2, &["a.weight"]),
    );
    write(
        home.path(),
        "m-00002-of-00002.gguf",
        &part(1, 2, &["b.weight", "c.weight"]),
    );
    let said = refused(home.path());
    assert!(
        said.contains("all parts hold 2 tensors, and they hold 3"),
        "{said}"
    );
}

#[test]
fn shards_without_an_index_are_one_and_a_missing_one_is_named() {
    let home = tempfile::tempdir().unwrap();
    for (number, name) in ["a.weight", "b.weight", "c.weight"].iter().enumerate() {
        let file = format!("model-{:05}-of-00003.safetensors", number + 1);
        write(home.path(), &file, &safetensors(&[name]));
    }
    let second = home.path().join("model-00002-of-00003.safetensors");
    assert_eq!((tensors(home.path()), tensors(&second)), (3, 3));
    let third = home.path().join("model-00003-of-00003.safetensors");
    fs::remove_file(third).unwrap();
    let said = refused(&second);
    assert!(
        said.contains("model-00003-of-00003.safetensors` is missing"),
        "{said}"
    );
}

#[test]
fn what_lies_beside_is_named_and_a_choice_is_left_to_the_user() {
    let home = tempfile::tempdir().unwrap();
    let state = fs::read("fixtures/formats/state.pth").unwrap();
    write(home.path(), "pytorch_model.bin", &state);
    for name in ["optimizer.pt", "training_args.bin", "rng_state.pth"] {
        write(home.path(), name, b"not looked at");
    }
    let output = layers(home.path());
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).unwrap();
    let page: Vec<&str> = page.split_whitespace().collect();
    let beside = "Not part of the source: `optimizer.pt` (state of training, by its name), \
                  `rng_state.pth` (state of training, by its name), `training_args.bin` (state of \
                  training, by its name).";
    assert!(page.join(" ").contains(beside), "{page:?}");
    write(
        home.path(),
        "model.fp16.safetensors",
        &safetensors(&["a.weight"]),
    );
    write(
        home.path(),
        "model.safetensors",
        &safetensors(&["a.weight"]),
    );
    write(
        home.path(),
        "consolidated.safetensors",
        &safetensors(&["a"]),
    );
    let opened = Checkpoint::open(home.path()).unwrap();
    let beside: Vec<String> = opened
        .beside()
        .iter()
        .map(|file| format!("{}: {}", file.file, file.reason))
        .collect();
    assert_eq!(beside.len(), 6);
    assert!(beside.contains(&"pytorch_model.bin: another format of what was read".to_owned()));
    write(home.path(), "extra.safetensors", &safetensors(&["z"]));
    let said = refused(home.path());
    assert!(
        said.contains("several checkpoints: `extra.safetensors`, `model.safetensors`"),
        "{said}"
    );
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "unet/model.safetensors",
        &safetensors(&["a.weight"]),
    );
    write(home.path(), "model_index.json", b"{}");
    assert_eq!(tensors(home.path()), 1);
    write(
        home.path(),
        "vae/model.safetensors",
        &safetensors(&["b.weight"]),
    );
    let said = refused(home.path());
    assert!(
        said.contains("`unet/model.safetensors`, `vae/model.safetensors`"),
        "{said}"
    );
}

// models--owner--repo as huggingface_hub lays it out: names are links to blobs.
#[cfg(unix)]
#[test]
fn links_in_the_hub_s_cache_are_followed() {
    use std::os::unix::fs::symlink;
    let home = tempfile::tempdir().unwrap();
    let repo = home.path().join("models--owner--net");
    let snapshot = repo.join("snapshots/0123abcd");
    fs::create_dir_all(&snapshot).unwrap();
    write(&repo, "refs/main", b"0123abcd");
    let map = serde_json::json!({"weight_map": {
        "a.weight": "model-00001-of-00002.safetensors",
        "b.weight": "model-00002-of-00002.safetensors",
    }});
    for (blob, name, bytes) in [
        (
            "b0",
            "model.safetensors.index.json",
            map.to_string().into_bytes(),
        ),
        (
            "b1",
            "model-00001-of-00002.safetensors",
            safetensors(&["a.weight"]),
        ),
        (
            "b2",
            "model-00002-of-00002.safetensors",
            safetensors(&["b.weight"]),
        ),
    ] {
        write(&repo, &format!("blobs/{blob}"), &bytes);
        symlink(format!("../../blobs/{blob}"), snapshot.join(name)).unwrap();
    }
    let index = snapshot.join("model.safetensors.index.json");
    let shard = snapshot.join("model-00002-of-00002.safetensors");
    for source in [&repo, &snapshot, &index, &shard] {
        assert_eq!(tensors(source), 2, "{}", source.display());
    }
    fs::remove_file(repo.join("refs/main")).unwrap();
    assert_eq!(tensors(&repo), 2, "the only snapshot");
    fs::create_dir_all(repo.join("snapshots/4567")).unwrap();
    let said = refused(&repo);
    assert!(said.contains("`0123abcd`, `4567`"), "{said}");
}
