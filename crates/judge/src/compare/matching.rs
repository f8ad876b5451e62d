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

fn by_name(a: &[LayerFacts], b: &[LayerFacts]) -> Vec<(usize, usize, MatchedBy)> {
    let mut named: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (j, layer) in b.iter().enumerate() {
        named.entry(&layer.name).or_default().push_back(j);
    }
    let partner = |(i, layer): (usize, &LayerFacts)| {
        let j = named.get_mut(layer.name.as_str())?.pop_front()?;
        Some((i, j, MatchedBy::Name))
    };
    a.iter().enumerate().filter_map(partner).collect()
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
            [("m.a.0", 8), ("m.a.1", 4), ("m.a.2", 8)],
        );
        let found = pairs(&a, &b, Matching::ByNameThenShape);
        assert_eq!(found, [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(pairs(&a, &b, Matching::ByName), []);
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
