//! Layers that feed each other, by their names and sizes.

use super::Layer;

/// Words in a name that say that what comes out does not go straight into the next layer:
/// attention, gates, recurrence.
const APART: [&str; 26] = [
    "attn",
    "attention",
    "q",
    "k",
    "v",
    "o",
    "query",
    "key",
    "value",
    "qkv",
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate",
    "gate_proj",
    "up_proj",
    "down_proj",
    "w1",
    "w2",
    "w3",
    "wi_0",
    "wi_1",
    "wo",
    "lstm",
    "gru",
];
/// Parts of a word that say so.
const APART_INSIDE: [&str; 4] = ["attn", "attention", "weight_ih", "weight_hh"];

/// Runs of two layers or more, each of which takes as many inputs as the one before it has
/// outputs, as indices into `layers`, which are in natural order of their names.
///
/// Neighbours belong together when they lie in one module (`classifier.1`, `classifier.4`) or
/// differ in one number (`net.1.fc`, `net.2.fc`), and neither is a part of attention, of a gate
/// or of a recurrent cell. It is a guess: what happens between two layers is not in the file.
pub fn chains(layers: &[Layer]) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = Vec::new();
    for index in 0..layers.len() {
        let follows = |chain: &&mut Vec<usize>| {
            let before = chain.last().map(|&before| &layers[before]);
            before.is_some_and(|before| feeds(before, &layers[index]))
        };
        match found.last_mut().filter(follows) {
            Some(chain) => chain.push(index),
            None => found.push(vec![index]),
        }
    }
    found.retain(|chain| chain.len() > 1);
    found
}

fn feeds(before: &Layer, after: &Layer) -> bool {
    let whole = |layer: &Layer| layer.slice.is_none() && layer.weight.shape.len() == 2;
    before.fan_out == after.fan_in
        && whole(before)
        && whole(after)
        && !is_apart(&before.name)
        && !is_apart(&after.name)
        && (module(&before.name) == module(&after.name)
            || one_number_apart(&before.name, &after.name))
}

fn is_apart(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    APART_INSIDE.iter().any(|part| lower.contains(part))
        || lower.split(['.', '/']).any(|word| APART.contains(&word))
}

/// The name without its last part.
fn module(name: &str) -> &str {
    name.rfind(['.', '/']).map_or("", |end| &name[..end])
}

/// Whether the names are the same but for one run of digits.
fn one_number_apart(a: &str, b: &str) -> bool {
    let (a, b) = (runs(a), runs(b));
    let number = |run: &str| run.starts_with(|c: char| c.is_ascii_digit());
    let differ = a.iter().zip(&b).filter(|(a, b)| a != b);
    a.len() == b.len()
        && differ.clone().count() == 1
        && differ.into_iter().all(|(a, b)| number(a) && number(b))
}

/// Runs of digits and of everything else.
fn runs(name: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let digit = |c: char| c.is_ascii_digit();
    for (at, pair) in name.char_indices().zip(name.chars().skip(1)) {
        let (at, c) = at;
        if digit(c) != digit(pair) {
            runs.push(&name[start..at + c.len_utf8()]);
            start = at + c.len_utf8();
        }
    }
    runs.push(&name[start..]);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Orientation, OrientationFrom};
    use randomlike_checkpoint::{Dtype, TensorFacts};

    fn layer(name: &str, fan_in: usize, fan_out: usize) -> Layer {
        Layer {
            name: name.into(),
            weight: TensorFacts::new(format!("{name}.weight"), Dtype::F32, [fan_out, fan_in]),
            slice: None,
            bias: None,
            bias_row: None,
            fan_in,
            fan_out,
            orientation: Orientation::OutIn,
            orientation_from: OrientationFrom::Naming,
        }
    }

    fn found(layers: &[(&str, usize, usize)]) -> Vec<Vec<usize>> {
        let layers: Vec<Layer> = layers
            .iter()
            .map(|&(name, fan_in, fan_out)| layer(name, fan_in, fan_out))
            .collect();
        chains(&layers)
    }

    #[test]
    fn layers_that_feed_each_other() {
        let alexnet = [
            ("classifier.1", 9216, 4096),
            ("classifier.4", 4096, 4096),
            ("classifier.6", 4096, 1000),
        ];
        assert_eq!(found(&alexnet), [[0, 1, 2]]);
        // Two nets beside each other, and a head that fits neither by name.
        let actor_critic = [
            ("pi.0", 8, 64),
            ("pi.2", 64, 64),
            ("vf.0", 8, 64),
            ("vf.2", 64, 64),
            ("value", 64, 1),
        ];
        assert_eq!(found(&actor_critic), [[0, 1], [2, 3]]);
        let numbered = [("net.1.fc", 10, 20), ("net.2.fc", 20, 30)];
        assert_eq!(found(&numbered), [[0, 1]]);
        assert_eq!(found(&[("fc1", 10, 20), ("fc2", 21, 30)]), [[0; 0]; 0]);
    }

    #[test]
    fn layers_that_only_look_so() {
        let attention = [
            ("l.0.attn.k", 64, 64),
            ("l.0.attn.q", 64, 64),
            ("l.0.attn.v", 64, 64),
        ];
        assert_eq!(found(&attention), [[0; 0]; 0]);
        let gated = [
            ("mlp.down_proj", 256, 64),
            ("mlp.gate_proj", 64, 256),
            ("mlp.up_proj", 64, 256),
        ];
        assert_eq!(found(&gated), [[0; 0]; 0]);
        // A residual block's last layer and the next one's first.
        let blocks = [
            ("b.0.fc1", 64, 256),
            ("b.0.fc2", 256, 64),
            ("b.1.fc1", 64, 256),
            ("b.1.fc2", 256, 64),
        ];
        assert_eq!(found(&blocks), [[0, 1], [2, 3]]);
        let mut slices = [layer("experts", 64, 64), layer("experts", 64, 64)];
        for (i, slice) in slices.iter_mut().enumerate() {
            slice.slice = Some(i);
        }
        assert_eq!(chains(&slices), [[0; 0]; 0]);
    }

    #[test]
    fn runs_of_digits() {
        assert_eq!(runs("a12.b3"), ["a", "12", ".b", "3"]);
        assert_eq!(runs("é"), ["é"]);
        assert!(one_number_apart("é1", "é22") && !one_number_apart("a1b1", "a2b2"));
        assert!(!one_number_apart("a1", "b1") && !one_number_apart("a1", "a1"));
    }
}
