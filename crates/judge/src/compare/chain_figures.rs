//! Chains in both: what comes back of random codes, side by side.
//!
//! A chain of A belongs to one of B when their layers do, pair by pair and in the same order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Pair;
use super::compared_figure::{ComparedFigure, FigureSides};
use super::layer_figures::{Found, estimate, within};
use randomlike_core::audit::{ChainFacts, ChainShadow, Section};
use randomlike_core::shadow::{Estimate, LevelReturn};

/// One chain in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainPair {
    /// Names of its layers in A, from the input up.
    pub a: Vec<String>,
    /// Names of its layers in B.
    pub b: Vec<String>,
    /// What comes back at its top, side by side; errors are over draws.
    pub figures: Vec<ComparedFigure>,
}

impl ChainPair {
    /// The layers of A, joined by arrows.
    pub fn name(&self) -> String {
        self.a.join(" → ")
    }
}

/// A figure of a chain by name, and the way to it.
type ChainFigure = (&'static str, fn(&ChainShadow) -> Option<&Estimate>);

const CHAIN_FIGURES: [ChainFigure; 5] = [
    ("chain.relative_error", |c| Some(&c.top.relative_error)),
    ("chain.cosine", |c| Some(&c.top.cosine)),
    ("chain.support_recall", |c| Some(&c.top.support_recall)),
    ("chain.shuffled_error", |c| {
        let top: &LevelReturn = c.random.controls.shuffled.last()?;
        Some(&top.calibrated.relative_error)
    }),
    ("chain.ratio", |c| Some(&c.random.ratio)),
];

/// The chains that both have, in the order of A, and a sentence on those that one has alone.
pub(super) fn match_chains(
    a: &[ChainFacts],
    b: &[ChainFacts],
    pairs: &[Pair],
) -> (Vec<ChainPair>, Option<String>) {
    let partner: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|pair| (pair.a.name.as_str(), pair.b.name.as_str()))
        .collect();
    let in_b: BTreeMap<Vec<&str>, &ChainFacts> = b.iter().map(|c| (names(c), c)).collect();
    let found: Vec<ChainPair> = a
        .iter()
        .filter_map(|chain| {
            let layers = chain.layers.iter();
            let there: Option<Vec<&str>> = layers
                .map(|name| partner.get(name.as_str()).copied())
                .collect();
            Some(compare(chain, in_b.get(&there?)?))
        })
        .collect();
    let alone = (a.len() - found.len(), b.len().saturating_sub(found.len()));
    (found, sentence(alone))
}

fn names(chain: &ChainFacts) -> Vec<&str> {
    chain.layers.iter().map(String::as_str).collect()
}

fn compare(a: &ChainFacts, b: &ChainFacts) -> ChainPair {
    let figure = |&(name, of): &ChainFigure| ComparedFigure {
        name: name.into(),
        sides: FigureSides::from_readings(reading(&a.shadow, of), reading(&b.shadow, of)),
    };
    ChainPair {
        a: a.layers.clone(),
        b: b.layers.clone(),
        figures: CHAIN_FIGURES.iter().map(figure).collect(),
    }
}

fn reading(shadow: &Section<ChainShadow>, of: fn(&ChainShadow) -> Option<&Estimate>) -> Found {
    within(shadow, |chain| of(chain).map(estimate))
}

fn sentence((in_a, in_b): (usize, usize)) -> Option<String> {
    (in_a + in_b > 0).then(|| {
        format!(
            "Chains that run through other layers on the other side, or are not there, are not \
             compared: {in_a} of A, {in_b} of B."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Matching, audits};
    use crate::policy::Policy;
    use randomlike_core::audit::{Audit, ChainFacts, example};

    /// An audit of the layers of a chain that was measured: that of fixtures/fashion_plain.
    fn sound() -> Audit {
        let chains: Vec<ChainFacts> =
            serde_json::from_str(include_str!("chain_figures.json")).unwrap();
        let layers = chains[0].layers.iter().map(|name| example::layer(name));
        let mut audit = example::audit(layers.collect());
        audit.chains.clone_from(&chains);
        audit
    }

    fn chains(a: &Audit, b: &Audit) -> (Vec<ChainPair>, Vec<String>) {
        let found = audits(a, b, Matching::ByNameThenShape, &Policy::default()).unwrap();
        (found.chains, found.notes)
    }

    // Errors of .03 and .04 make a unit of .05.
    #[test]
    fn a_chain_stands_beside_itself_under_other_names() {
        let a = sound();
        let mut b = a.clone();
        for layer in &mut b.layers {
            layer.name = format!("net.{}", layer.name);
        }
        for name in &mut b.chains[0].layers {
            *name = format!("net.{name}");
        }
        let with = |audit: &mut Audit, mean, error| {
            if let Section::Measured(chain) = &mut audit.chains[0].shadow {
                chain.random.ratio = Estimate { mean, error };
            }
        };
        let mut a = a;
        with(&mut a, 2.0, 0.03);
        with(&mut b, 1.5, 0.04);
        let (found, notes) = chains(&a, &b);
        assert_eq!((found.len(), notes.len()), (1, 0), "{notes:?}");
        assert_eq!(found[0].b[0], format!("net.{}", found[0].a[0]));
        let ratio = found[0].figures.last().unwrap();
        let change = ratio.change().unwrap();
        assert_eq!(ratio.name, "chain.ratio");
        assert!((change.change + 0.5).abs() < 1e-12);
        assert!((change.units.unwrap() + 10.0).abs() < 1e-9);
        let same = found[0].figures[..4]
            .iter()
            .filter_map(ComparedFigure::change);
        assert!(same.clone().count() == 4 && same.into_iter().all(|c| c.change == 0.0));
    }

    #[test]
    fn a_chain_that_runs_otherwise_is_not_compared_and_that_is_said() {
        let a = sound();
        let mut b = a.clone();
        b.chains[0].layers.pop();
        let (found, notes) = chains(&a, &b);
        assert!(found.is_empty());
        assert!(notes[0].ends_with("1 of A, 1 of B."), "{notes:?}");
        b.chains.clear();
        assert!(chains(&b, &b).1.is_empty());
    }

    #[test]
    fn a_chain_that_was_not_run_gives_its_reason() {
        let a = sound();
        let mut b = a.clone();
        b.chains[0].shadow = Section::Skipped {
            reason: "no ReLU".into(),
        };
        let (found, _) = chains(&a, &b);
        let lost = |f: &ComparedFigure| matches!(&f.sides, FigureSides::OnlyInA { reason, .. } if reason.to_string() == "no ReLU");
        assert!(found[0].figures.iter().all(lost));
    }
}
