//! Which activation the net runs on: the theory is about ReLU and no other.

use std::fs;
use std::path::Path;

use crate::skip::ActivationSource;
use serde_json::Value;

use randomlike_checkpoint::Checkpoint;

/// Keys under which checkpoints and their config.json name it.
const KEYS: [&str; 5] = [
    "activation",
    "hidden_act",
    "hidden_activation",
    "activation_function",
    "feed_forward_proj",
];
/// Parts of a config.json that may hold the key.
const PARTS: [&str; 3] = ["/text_config", "/encoder", "/decoder"];
/// The longest config.json that is read.
const CAP: u64 = 10_000_000;

/// What is known of the activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activation {
    /// ReLU, by the word of this place.
    Relu(&'static str),
    /// Another one, and the place that names it.
    Other(String, &'static str),
    /// Nothing names it.
    Unknown,
}

/// What the checkpoint's metadata, or else the config.json beside it, names the activation.
pub fn named(checkpoint: &Checkpoint, source: &Path) -> Option<(String, ActivationSource)> {
    let named = KEYS.iter().find_map(|key| checkpoint.metadata().get(*key));
    if let Some(name) = named {
        return Some((name.clone(), ActivationSource::Metadata));
    }
    let folder = if source.is_dir() {
        Some(source)
    } else {
        source.parent()
    };
    let config = read(&folder?.join("config.json"))?;
    Some((named_in(&config)?.to_owned(), ActivationSource::Config))
}

/// Looks in the checkpoint's metadata, then in the config.json beside it.
pub fn find(checkpoint: &Checkpoint, source: &Path) -> Activation {
    match named(checkpoint, source) {
        Some((name, place)) if is_relu(&name) => Activation::Relu(place.words()),
        Some((name, place)) => Activation::Other(name, place.words()),
        None => Activation::Unknown,
    }
}

/// No config.json, or one that cannot be read, names nothing.
fn read(path: &Path) -> Option<Value> {
    let found = fs::metadata(path).ok()?;
    if !found.is_file() || found.len() > CAP {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn named_in(config: &Value) -> Option<&str> {
    let parts = PARTS.iter().filter_map(|part| config.pointer(part));
    std::iter::once(config)
        .chain(parts)
        .find_map(|part| KEYS.iter().find_map(|key| part.get(key)?.as_str()))
}

/// Words of activations with f(cz) = c·f(z) for every c > 0.
const HOMOGENEOUS: [&str; 6] = ["relu", "leaky", "leakyrelu", "prelu", "linear", "identity"];

/// Whether multiplying what flows into a unit by c > 0 multiplies what it gives by c, for all
/// activations that `name` lists.
pub(crate) fn is_homogeneous(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let bends = OTHERS
        .iter()
        .filter(|word| !["leaky", "parametric"].contains(word));
    HOMOGENEOUS.iter().any(|word| words.contains(word))
        && !bends.into_iter().any(|word| words.contains(word))
}

/// Words that make a ReLU another function, or name one.
const OTHERS: [&str; 14] = [
    "leaky",
    "parametric",
    "squared",
    "gelu",
    "silu",
    "swish",
    "tanh",
    "sigmoid",
    "elu",
    "selu",
    "mish",
    "softplus",
    "gated",
    "glu",
];

/// ReLU where the name has it as a word of its own and nothing beside it: `relu`, and
/// `fused [1, 1, 0] (1=relu)`, but not `relu2` or `leaky_relu`.
pub fn is_relu(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.contains(&"relu") && !OTHERS.iter().any(|other| words.contains(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(folder: &Path, metadata: &str) -> std::path::PathBuf {
        let header = format!(
            r#"{{"__metadata__":{metadata},"w":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#
        );
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 4]);
        let path = folder.join("net.safetensors");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn found(metadata: &str, config: Option<&str>) -> Activation {
        let home = tempfile::tempdir().unwrap();
        let path = net(home.path(), metadata);
        if let Some(config) = config {
            fs::write(home.path().join("config.json"), config).unwrap();
        }
        find(&Checkpoint::open(&path).unwrap(), &path)
    }

    #[test]
    fn scales_pass_through_some_activations() {
        for name in [
            "relu",
            "relu,relu,linear",
            "LeakyReLU",
            "leaky_relu",
            "fused (1=relu,0=none)",
        ] {
            assert!(is_homogeneous(name), "{name}");
        }
        for name in ["gelu", "swish", "tanh", "gated relu", "squared_relu", ""] {
            assert!(!is_homogeneous(name), "{name}");
        }
    }

    #[test]
    fn metadata_wins_over_the_config_and_silence_is_unknown() {
        let relu = r#"{"activation":"ReLU"}"#;
        let gelu = r#"{"hidden_act":"gelu"}"#;
        let place = "the checkpoint's metadata";
        assert_eq!(found(relu, Some(gelu)), Activation::Relu(place));
        let other = |name: &str| Activation::Other(name.into(), "config.json");
        assert_eq!(found("{}", Some(gelu)), other("gelu"));
        let nested = r#"{"text_config":{"hidden_act":"silu"}}"#;
        assert_eq!(found("{}", Some(nested)), other("silu"));
        assert_eq!(found("{}", Some("{")), Activation::Unknown);
        assert_eq!(found("{}", None), Activation::Unknown);
        let fused = r#"{"activation":"fused [1, 1, 0] (1=relu,0=none)"}"#;
        assert_eq!(found(fused, None), Activation::Relu(place));
        // Leaky, gated and squared ones are others.
        for name in ["leaky_relu", "gated-relu"] {
            let config = format!(r#"{{"hidden_act":"{name}"}}"#);
            assert_eq!(found("{}", Some(&config)), other(name));
        }
        assert_eq!(
            found("{}", Some(r#"{"hidden_act":"relu2"}"#)),
            other("relu2")
        );
    }
}
