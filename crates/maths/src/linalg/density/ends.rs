//! The extreme eigenvalues: what they are within (Parlett 1980, §11.7), and which are told apart from
//! the rest.

use super::krylov::{Aside, Decomposition, Krylov, Ritz};
use super::{Bounded, MOST_AT_ONCE, ROUNDING, TOLERANCE};

/// A largest value is known when its residual is this share of it.
const KNOWN: f64 = 1e-4;
/// Below this share of λ₁ steps for the smallest values are in vain.
const HARD_EDGE: f64 = 1e-3;

/// The extreme eigenvalues, largest first and smallest first, and those that are set aside.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    pub top: Vec<Ritz>,
    pub bottom: Vec<Ritz>,
    /// Of the largest, those that are known to be all above the rest, with their vectors.
    pub exact: usize,
    pub aside: Aside,
}

impl Ends {
    pub fn of(pairs: &[Ritz], count: usize) -> Self {
        let count = count.min(pairs.len());
        Self {
            top: pairs.iter().rev().take(count).copied().collect(),
            bottom: pairs.iter().take(count).copied().collect(),
            ..Self::default()
        }
    }

    pub fn largest(&self) -> f64 {
        self.top.first().map_or(0.0, |pair| pair.value)
    }

    /// The largest of the rest.
    pub fn next(&self) -> f64 {
        let next = self.top.get(self.exact).or(self.top.last());
        next.map_or(0.0, |pair| pair.value.max(0.0))
    }

    /// What products with directions at right angles to those aside are rounded against: W·q is
    /// rounded to σ₁, and comes back through what is left.
    pub fn norm(&self) -> f64 {
        (self.largest().max(0.0) * self.next()).sqrt()
    }

    pub fn has_hard_edge(&self) -> bool {
        let smallest = self.bottom.first().map_or(0.0, |pair| pair.value);
        smallest <= HARD_EDGE * self.next()
    }

    pub fn are_found(&self) -> bool {
        let hard = self.has_hard_edge();
        let bottom = self.bottom.iter().filter(|_| !hard);
        let largest = self.largest().sqrt();
        self.top
            .iter()
            .chain(bottom)
            .all(|pair| bounded(*pair, self.norm()).error <= TOLERANCE * largest)
    }
}

/// √θ and what it is within: λ lies between θ ∓ residual, and its root between theirs.
pub(super) fn bounded(pair: Ritz, norm: f64) -> Bounded {
    let within = pair.residual + ROUNDING * norm;
    let value = pair.value.max(0.0);
    let below = value.sqrt() - (value - within).max(0.0).sqrt();
    Bounded {
        value: value.sqrt(),
        error: f64::max((value + within).sqrt() - value.sqrt(), below),
    }
}

/// How many of the largest of ascending `pairs` are known, and told apart from all that follow.
pub(super) fn told_apart(pairs: &[Ritz], norm: f64) -> usize {
    let floor = ROUNDING * norm;
    let descending: Vec<&Ritz> = pairs.iter().rev().take(MOST_AT_ONCE + 1).collect();
    let known = descending
        .iter()
        .take_while(|pair| pair.residual + floor <= KNOWN * pair.value)
        .count();
    let is_apart = |pair: &[&Ritz]| {
        pair[0].value - pair[1].value > 4.0 * (pair[0].residual + pair[1].residual + floor)
    };
    let gaps = descending.windows(2).take(known).map(is_apart);
    let last = gaps.enumerate().rfind(|(_, apart)| *apart);
    last.map_or(0, |(at, _)| at + 1)
}

impl Ends {
    /// The largest `count` of what a block found go aside, the next are listed.
    pub fn set_aside(
        &mut self,
        block: &Krylov,
        found: &Decomposition,
        (count, extremes): (usize, usize),
    ) {
        let all = found.pairs.len();
        let numbers: Vec<usize> = (all - count..all).rev().collect();
        self.aside.columns.extend(block.vectors(found, &numbers));
        self.top.truncate(self.exact);
        self.exact += count;
        let listed = count
            .max(extremes.saturating_sub(self.top.len()))
            .max(count + 1);
        self.top.extend(found.pairs.iter().rev().take(listed));
        self.aside.norm = self.norm();
    }
}
