//! A layer's biases, sorted, around their median.

use super::panel::{Axis, Mark, Panel, Role};
use randomlike_core::audit::{BiasKind, Biases};

/// Sorted biases, their median, and zero.
pub(super) fn panel(biases: &Biases) -> Panel {
    let kept = biases.quantiles.len() as f64;
    let points: Vec<(f64, f64)> = biases
        .quantiles
        .iter()
        .enumerate()
        .map(|(i, &b)| ((i as f64 + 0.5) / kept, b))
        .collect();
    let (from, to) = range(biases);
    let x = Axis::linear(0.0, 1.0, "share of the units, by rising bias");
    let panel = Panel::new(
        x,
        Axis::linear(from, to, "bias, in the units of the weights"),
    )
    .named(Mark::Dots(Role::Measured, points), dots(biases))
    .named(
        Mark::Horizontal(Role::Law, biases.median),
        format!("median {}", super::figure(biases.median)),
    );
    if biases.median == 0.0 {
        panel
    } else {
        panel.named(Mark::Horizontal(Role::Reference, 0.0), "zero")
    }
}

fn dots(biases: &Biases) -> String {
    if biases.quantiles.len() as u64 == biases.count {
        format!("{} biases", biases.count)
    } else {
        format!("{} of {} biases", biases.quantiles.len(), biases.count)
    }
}

/// All biases and zero. A constant is shown as one: not less than the spread at which it
/// would no longer count as one.
fn range(biases: &Biases) -> (f64, f64) {
    let constant = BiasKind::CONSTANT_SPREAD * biases.mean.abs();
    let low = biases.min.min(biases.median - constant).min(0.0);
    let high = biases.max.max(biases.median + constant).max(0.0);
    let margin = 0.08 * (high - low);
    if margin > 0.0 {
        (low - margin, high + margin)
    } else {
        (-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

    #[test]
    fn a_constant_does_not_look_like_a_spread_and_zeros_can_be_drawn() {
        let layer = facts::layer("a");
        let mut biases = layer.biases.measured().unwrap().clone();
        let (low, high) = range(&biases);
        assert!(biases.max - biases.min < 0.1 * (high - low));
        (biases.min, biases.max, biases.median, biases.mean) = (0.0, 0.0, 0.0, 0.0);
        assert_eq!(range(&biases), (-1.0, 1.0));
    }
}
