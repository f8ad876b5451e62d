//! Which layer of A belongs to which of B: by name, then by shape.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Unmatched;
use randomlike_core::audit::LayerFacts;

/// What may make two layers a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// Their names alone, where a renamed layer must be noticed.
    ByName,
    /// Their names, and for layers left over their shapes.
    ByNameThenShape,
}

/// What made two layers a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchedBy {
    /// The same name.
    Name,
    /// The same shape, in the same order, of as many layers left over on both sides.
    Shape,
}

/// Positions of the pairs in the order of A, and the layers left over.
pub(super) struct Matched {
    pub pairs: Vec<(usize, usize, MatchedBy)>,
    pub only_in_a: Vec<Unmatched>,
    pub only_in_b: Vec<Unmatched>,
}

/// Layers of one name are taken in their order. Layers without a namesake are paired in their
/// order when both sides have as many of a shape; otherwise nothing tells which is which.
pub(super) fn match_layers(a: &[LayerFacts], b: &[LayerFacts], matching: Matching) -> Matched {
    let mut pairs = by_name(a, b);
    let (mut rest_a, mut rest_b) = rest(a.len(), b.len(), &pairs);
    if matching == Matching::ByNameThenShape {
        pairs.extend(by_shape((a, &rest_a), (b, &rest_b)));
        pairs.sort_unstable_by_key(|&(i, _, _)| i);
        (rest_a, rest_b) = rest(a.len(), b.len(), &pairs);
    }
    let unmatched =
        |own: &[LayerFacts], own_rest: &[usize], other: &[LayerFacts], left: &[usize]| {
            let layer = |&i: &usize| Unmatched {
                name: own[i].name.clone(),
                fan_in: own[i].fan_in,
                fan_out: own[i].fan_out,
                reason: why(shape(&own[i]), (own, own_rest), (other, left), matching),
            };
            own_rest.iter().map(layer).collect()
        };
    Matched {
        only_in_a: unmatched(a, &rest_a, b, &rest_b),
        only_in_b: unmatched(b, &rest_b, a, &rest_a),
        pairs,
    }
}

/// By the whole name, and then by what is left of it without what all names of a side share.
fn by_name(a: &[LayerFacts], b: &[LayerFacts]) -> Vec<(usize, usize, MatchedBy)> {
    let mut pairs = same_names((a, 0), (b, 0), &[]);
    let (cut_a, cut_b) = wrappers(a, b);
    if cut_a > 0 || cut_b > 0 {
        pairs.extend(same_names((a, cut_a), (b, cut_b), &pairs));
        pairs.sort_unstable_by_key(|&(i, _, _)| i);
    }
    pairs
}

/// Pairs of one name, its first bytes on each side left out, beside those that there are.
fn same_names(
    (a, cut_a): (&[LayerFacts], usize),
    (b, cut_b): (&[LayerFacts], usize),
    pairs: &[(usize, usize, MatchedBy)],
) -> Vec<(usize, usize, MatchedBy)> {
    let (rest_a, rest_b) = rest(a.len(), b.len(), pairs);
    let mut named: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for j in rest_b {
        named.entry(&b[j].name[cut_b..]).or_default().push_back(j);
    }
    let partner = |i: usize| {
        let j = named.get_mut(&a[i].name[cut_a..])?.pop_front()?;
        Some((i, j, MatchedBy::Name))
    };
    rest_a.into_iter().filter_map(partner).collect()
}

/// Modules that programs put around a net: PyTorch's data parallelism, its compiler, its sharding, and
/// the model of a training module.
const WRAPPERS: [&str; 4] = ["module", "_orig_mod", "_fsdp_wrapped_module", "model"];

/// How many bytes at the beginning of all names are those of a module around the net of A and of B:
/// a known one, or what one side has more than the other.
fn wrappers(a: &[LayerFacts], b: &[LayerFacts]) -> (usize, usize) {
    let (mut shared_a, mut shared_b) = (shared(a), shared(b));
    let (mut cut_a, mut cut_b) = (unwrapped(&mut shared_a), unwrapped(&mut shared_b));
    if let Some(more) = shared_a.strip_suffix(shared_b) {
        cut_a += more.len();
    } else if let Some(more) = shared_b.strip_suffix(shared_a) {
        cut_b += more.len();
    }
    (cut_a, cut_b)
}

/// Takes known modules from the beginning, and says how many bytes they were.
fn unwrapped(shared: &mut &str) -> usize {
    let whole = shared.len();
    while let Some((step, rest)) = shared.split_once(['.', '/']) {
        if !WRAPPERS.contains(&step) {
            break;
        }
        *shared = rest;
    }
    whole - shared.len()
}

/// The modules that all names begin with; none is a layer's own.
fn shared(layers: &[LayerFacts]) -> &str {
    let Some((first, others)) = layers.split_first() else {
        return "";
    };
    let first = first.name.as_str();
    let ends = first.match_indices(['.', '/']).map(|(at, _)| at + 1);
    let is_of_all = |end: &usize| {
        others
            .iter()
            .all(|layer| layer.name.starts_with(&first[..*end]))
    };
    let end = ends.take_while(is_of_all).last();
    &first[..end.unwrap_or(0)]
}

fn by_shape(
    (a, rest_a): (&[LayerFacts], &[usize]),
    (b, rest_b): (&[LayerFacts], &[usize]),
) -> Vec<(usize, usize, MatchedBy)> {
    let (in_a, in_b) = (shapes(a, rest_a), shapes(b, rest_b));
    let both = in_a
        .iter()
        .filter_map(|(shape, i)| Some((i, in_b.get(shape)?)));
    both.filter(|(i, j)| i.len() == j.len())
        .flat_map(|(i, j)| i.iter().zip(j))
        .map(|(&i, &j)| (i, j, MatchedBy::Shape))
        .collect()
}

fn rest(in_a: usize, in_b: usize, pairs: &[(usize, usize, MatchedBy)]) -> (Vec<usize>, Vec<usize>) {
    let (mut taken_a, mut taken_b) = (vec![false; in_a], vec![false; in_b]);
    for &(i, j, _) in pairs {
        (taken_a[i], taken_b[j]) = (true, true);
    }
    let left = |taken: Vec<bool>| (0..taken.len()).filter(|&i| !taken[i]).collect();
    (left(taken_a), left(taken_b))
}

const fn shape(layer: &LayerFacts) -> (usize, usize) {
    (layer.fan_in, layer.fan_out)
}

fn shapes(layers: &[LayerFacts], among: &[usize]) -> BTreeMap<(usize, usize), Vec<usize>> {
    let mut found: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for &i in among {
        found.entry(shape(&layers[i])).or_default().push(i);
    }
    found
}

fn why(
    of: (usize, usize),
    (own, own_rest): (&[LayerFacts], &[usize]),
    (other, left): (&[LayerFacts], &[usize]),
    matching: Matching,
) -> String {
    let count = |layers: &[LayerFacts], among: &[usize]| {
        among.iter().filter(|&&i| shape(&layers[i]) == of).count()
    };
    let (here, there) = (count(own, own_rest), count(other, left));
    match (matching, there) {
        (Matching::ByName, _) => "no layer has this name on the other side".into(),
        (_, 0) => "no layer left over on the other side has this name or this shape".into(),
        _ => format!(
            "no layer has this name on the other side, and of its shape {here} are left over \
             here and {there} there"
        ),
    }
}

/// What the two sides have instead of a common layer.
pub(super) fn why_none(a: &[LayerFacts], b: &[LayerFacts]) -> String {
    let listed = |layers: &[LayerFacts]| {
        const SHOWN: usize = 4;
        let name =
            |layer: &LayerFacts| format!("`{}` {}→{}", layer.name, layer.fan_in, layer.fan_out);
        let mut names: Vec<String> = layers.iter().take(SHOWN).map(name).collect();
        if layers.len() > SHOWN {
            names.push(format!("{} more", layers.len() - SHOWN));
        }
        if names.is_empty() {
            "no layer".to_owned()
        } else {
            names.join(", ")
        }
    };
    format!("the first has {}, the second {}", listed(a), listed(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

    fn layers(of: &[(&str, usize)]) -> Vec<LayerFacts> {
        let layer = |&(name, fan_in): &(&str, usize)| {
            let mut layer = facts::layer(name);
            layer.fan_in = fan_in;
            layer
        };
        of.iter().map(layer).collect()
    }

    fn pairs(a: &[(&str, usize)], b: &[(&str, usize)], matching: Matching) -> Vec<(usize, usize)> {
        let found = match_layers(&layers(a), &layers(b), matching);
        found.pairs.iter().map(|&(i, j, _)| (i, j)).collect()
    }

    #[test]
    fn names_come_before_shapes() {
        let (a, b) = ([("x", 8), ("y", 8)], [("y", 8), ("x", 8)]);
        assert_eq!(pairs(&a, &b, Matching::ByNameThenShape), [(0, 1), (1, 0)]);
        // Another shape under the same name is the same layer, changed.
        assert_eq!(pairs(&[("x", 8)], &[("x", 9)], Matching::ByName), [(0, 0)]);
    }

    #[test]
    fn renamed_layers_are_found_by_shape_in_their_order() {
        let (a, b) = (
            [("a.0", 8), ("a.1", 4), ("a.2", 8)],
            [("m.b.0", 8), ("m.b.1", 4), ("m.b.2", 8)],
        );
        let found = pairs(&a, &b, Matching::ByNameThenShape);
        assert_eq!(found, [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(pairs(&a, &b, Matching::ByName), []);
    }

    #[test]
    fn a_module_around_the_net_makes_no_other_layer() {
        let plain = [("fc1", 8), ("fc2", 8)];
        for (a, b) in [
            ([("module.fc1", 8), ("module.fc2", 8)], plain),
            (
                plain,
                [("_orig_mod.model.fc1", 8), ("_orig_mod.model.fc2", 8)],
            ),
            (
                [("module.fc1", 8), ("module.fc2", 8)],
                [("_orig_mod.fc1", 8), ("_orig_mod.fc2", 8)],
            ),
            ([("student.net.fc1", 8), ("student.net.fc2", 8)], plain),
        ] {
            assert_eq!(
                pairs(&a, &b, Matching::ByName),
                [(0, 0), (1, 1)],
                "{a:?} {b:?}"
            );
        }
        // A whole name comes first; other modules are other layers.
        let more = [("model.fc1", 8), ("model.fc2", 8), ("head", 8)];
        let less = [("model.fc1", 8), ("model.fc2", 8)];
        assert_eq!(pairs(&more, &less, Matching::ByName), [(0, 0), (1, 1)]);
        let (layers, blocks) = ([("layers.0", 8)], [("blocks.0", 8)]);
        assert_eq!(pairs(&layers, &blocks, Matching::ByName), []);
    }

    // Two against one: either could be the third.
    #[test]
    fn what_could_be_either_is_neither() {
        let (a, b) = (layers(&[("p", 8), ("q", 8)]), layers(&[("r", 8)]));
        let found = match_layers(&a, &b, Matching::ByNameThenShape);
        assert!(found.pairs.is_empty());
        assert_eq!((found.only_in_a.len(), found.only_in_b.len()), (2, 1));
        let reason = &found.only_in_a[0].reason;
        assert!(
            reason.contains("2 are left over here and 1 there"),
            "{reason}"
        );
    }

    #[test]
    fn a_name_that_comes_twice_is_taken_in_order() {
        let twice = [("a", 8), ("a", 4)];
        assert_eq!(pairs(&twice, &twice, Matching::ByName), [(0, 0), (1, 1)]);
        let once = pairs(&twice, &[("a", 8)], Matching::ByName);
        assert_eq!(once, [(0, 0)]);
    }
}
