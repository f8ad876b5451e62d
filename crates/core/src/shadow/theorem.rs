//! The conditions of Theorems 2.1 and 3.1 on the sparsities of a chain; docs/theory.md §6.
//!
//! k_ℓ is the number of positive coordinates of the code at the top, k_j for j < ℓ the number
//! of coordinates of h^(j) that are kept. After the ReLU about k_j/2 of them are positive.

use serde::{Deserialize, Serialize};

/// What a theorem asks of k₀ … k_ℓ, and whether it is so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Theorem {
    /// Its number in the paper: `1` for one layer, `2.1` for two, `3.1` for three; absent for
    /// more, about which there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Every condition.
    pub conditions: Vec<Condition>,
}

/// left < right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Condition {
    /// In symbols: `k2 < k1`.
    pub condition: String,
    /// Its left side.
    pub left: f64,
    /// Its right side.
    pub right: f64,
    /// Whether left < right.
    pub holds: bool,
}

impl Condition {
    fn new(condition: String, left: f64, right: f64) -> Self {
        Self {
            condition,
            left,
            right,
            holds: left < right,
        }
    }
}

impl Theorem {
    /// The conditions for k₀ … k_ℓ: that they fall, and by how much at most. For one layer
    /// k < ρn < k², with ρn = k₀; for two k₀ < k₂²; for three √k₃·k₂ < k₀ besides.
    pub fn on(k: &[usize]) -> Self {
        let layers = k.len().saturating_sub(1);
        let k = |j: usize| k[j] as f64;
        let mut conditions: Vec<Condition> = (0..layers)
            .rev()
            .map(|j| Condition::new(format!("k{} < k{j}", j + 1), k(j + 1), k(j)))
            .collect();
        let square = |j: usize| Condition::new(format!("k0 < k{j}²"), k(0), k(j) * k(j));
        if layers == 1 {
            conditions.push(square(1));
        }
        if layers == 2 || layers == 3 {
            conditions.push(square(2));
        }
        if layers == 3 {
            let left = k(3).sqrt() * k(2);
            conditions.push(Condition::new("√k3·k2 < k0".into(), left, k(0)));
        }
        let number = match layers {
            1 => Some("1"),
            2 => Some("2.1"),
            3 => Some("3.1"),
            _ => None,
        };
        Self {
            number: number.map(Into::into),
            conditions,
        }
    }

    /// Which of the conditions hold, in a sentence.
    pub fn words(&self) -> String {
        let name = match self.number.as_deref() {
            None => return "The paper has no theorem about so many layers.".to_owned(),
            Some("1") => "The theorem on one layer".to_owned(),
            Some(number) => format!("Theorem {number}"),
        };
        let broken: Vec<String> = self
            .conditions
            .iter()
            .filter(|condition| !condition.holds)
            .map(|c| format!("{} ({:.0} and {:.0})", c.condition, c.left, c.right))
            .collect();
        if broken.is_empty() {
            format!("{name}: its conditions are met.")
        } else {
            format!("{name}: not met is {}.", broken.join(", "))
        }
    }

    /// Whether there is a theorem for as many layers and all of its conditions hold.
    pub fn is_met(&self) -> bool {
        self.number.is_some() && self.conditions.iter().all(|condition| condition.holds)
    }
}

/// Least share of ρn_j that the theorem's order may leave of a level.
const LEAST: f64 = 0.25;

/// k₀ … k_ℓ for levels of n₀ … n_ℓ: each level below the top keeps the share ρ of its units,
/// or as many as the theorem's order leaves where that is a quarter of it or more; the code at
/// the top is the sparsest the order allows, its square above what is kept of the level below
/// (and above k₀ for two layers), but at most half of the top's units.
pub fn sparsities(sizes: &[usize], rho: f64) -> Vec<usize> {
    let (Some((&top, below)), layers) = (sizes.split_last(), sizes.len().saturating_sub(1)) else {
        return Vec::new();
    };
    let mut k: Vec<usize> = Vec::with_capacity(sizes.len());
    for &size in below {
        let share = (rho.clamp(0.0, 1.0) * size as f64).floor() as usize;
        let order = k.last().map_or(share, |&below| below.saturating_sub(1));
        let narrow = (order as f64) < LEAST * share as f64;
        k.push(if narrow { share } else { share.min(order) }.max(1));
    }
    let sparsest = |kept: usize| ((kept as f64).sqrt().floor() as usize + 1).min(top / 2);
    let in_order = k.windows(2).all(|pair| pair[1] < pair[0]);
    if layers == 3 && in_order {
        while k[2] > 2 && (sparsest(k[2]) as f64).sqrt() * k[2] as f64 >= k[0] as f64 {
            k[2] -= 1;
        }
    }
    let kept = match layers {
        2 => k[0],
        _ => k.last().copied().unwrap_or(0),
    };
    k.push(sparsest(kept));
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(k: &[usize]) -> Vec<String> {
        let conditions = Theorem::on(k).conditions.into_iter();
        conditions
            .filter(|c| !c.holds)
            .map(|c| c.condition)
            .collect()
    }

    // By hand from the statements in docs/theory.md §5 and §6.
    #[test]
    fn each_condition_can_hold_and_fail() {
        assert_eq!(broken(&[2000, 45]), [""; 0]);
        assert_eq!(broken(&[2000, 44]), ["k0 < k1²"]);
        assert_eq!(broken(&[40, 45]), ["k1 < k0"]);
        assert_eq!(broken(&[3000, 1000, 60]), [""; 0]);
        assert_eq!(broken(&[3000, 1000, 54]), ["k0 < k2²"]);
        assert_eq!(broken(&[3000, 50, 60]), ["k2 < k1"]);
        assert_eq!(broken(&[900, 1000, 60]), ["k1 < k0"]);
        assert_eq!(broken(&[4000, 2000, 800, 24]), [""; 0]);
        assert_eq!(broken(&[4000, 2000, 800, 26]), ["√k3·k2 < k0"]);
        assert_eq!(broken(&[4000, 2000, 60, 24]), ["k0 < k2²"]);
        assert!(Theorem::on(&[3000, 1000, 60]).is_met());
        let four = Theorem::on(&[50, 40, 30, 20, 10]);
        assert!(four.number.is_none() && !four.is_met() && four.conditions.len() == 4);
    }

    #[test]
    fn what_is_chosen_meets_the_theorem_where_sizes_allow() {
        for sizes in [
            &[9216, 4096][..],
            &[9216, 4096, 4096],
            &[9216, 4096, 4096, 1000],
            &[784, 256, 256],
            &[2000, 2000, 2000, 2000],
        ] {
            let k = sparsities(sizes, 0.5);
            assert!(Theorem::on(&k).is_met(), "{sizes:?} {k:?}");
        }
        assert_eq!(
            sparsities(&[9216, 4096, 4096, 1000], 0.5),
            [4608, 2048, 841, 30]
        );
        // A wide level above a narrow one keeps its share, whatever the order.
        assert_eq!(sparsities(&[70, 512, 32, 54], 0.5), [35, 256, 16, 5]);
        assert_eq!(broken(&[35, 256, 16, 5]), ["k1 < k0", "√k3·k2 < k0"]);
        for tiny in [&[1, 1][..], &[2, 1, 3], &[3, 2, 2, 2, 2]] {
            assert_eq!(sparsities(tiny, 0.5).len(), tiny.len());
        }
    }
}
