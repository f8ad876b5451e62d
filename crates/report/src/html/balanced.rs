//! The rows of a layer with the scales of its units divided out, and of its start.

use super::{number, share, spectrum, with_error, with_floor};
use randomlike_core::audit::{Balanced, BalancedScales, LayerFacts, Start};
use randomlike_core::shadow::Reversal;

pub(super) const UP_TO_SCALES: &str = "Multiplying the incoming weights and the bias of a ReLU unit \
    by c and its outgoing weights by 1/c leaves the net as it is, so a unit's scale is no property \
    of the net. Here rows and columns are brought to equal size; what is left is compared with \
    random matrices that were treated the same way. Where units are no ReLU, leaky or linear ones \
    this is a description of the matrix and no symmetry of the net.";

pub(super) const START: &str = "The nearest of the known initialisers at this shape, with nothing \
    fitted: neither mean nor scale is taken from the weights.";

/// Every figure of the balanced layer.
pub(super) fn balanced(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    layer.balanced.measured().map_or_else(Vec::new, rows)
}

fn rows(b: &Balanced) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("inputs", scales(&b.inputs)),
        ("outputs", scales(&b.outputs)),
        (
            "rounds of balancing, what is left",
            format!("{}, {}", b.rounds, number(b.residual)),
        ),
    ];
    if let Some(w) = b.weights.measured() {
        let g = &w.gaussian;
        rows.extend([
            (
                "excess kurtosis (99.8 % of balanced normal matrices)",
                format!(
                    "{} ({} … {})",
                    number(g.excess_kurtosis),
                    number(w.kurtosis_low),
                    number(w.kurtosis_high)
                ),
            ),
            ("KS to normal (floor)", with_floor(g.ks, g.ks_floor)),
            (
                "W₁/sd (floor)",
                with_floor(g.wasserstein, g.wasserstein_floor),
            ),
            (
                "min … max",
                format!("{} … {}", number(w.min), number(w.max)),
            ),
            ("negentropy, nats a weight", number(g.negentropy)),
            ("Anderson–Darling A²/count", number(g.anderson_darling)),
            ("QQ correlation", format!("{:.5}", g.qq_correlation)),
        ]);
        rows.extend(w.skewness.map(|value| ("skewness", number(value))));
        rows.extend(w.family.as_ref().map(|family| {
            let gain = number(family.best.gain);
            (
                "best family",
                format!("{} (+{gain} nats a weight)", family.best),
            )
        }));
    }
    if let Some(facts) = b.biases.measured() {
        rows.extend(facts.facts.cv.map(|cv| {
            let text = with_floor(cv, facts.cv_floor);
            ("biases over their unit's scale: sd/|mean| (floor)", text)
        }));
        rows.extend(
            facts
                .facts
                .spread_ratio
                .map(|ratio| ("their sd/√fan_in", number(ratio))),
        );
    }
    if let Some(s) = b.spectrum.measured() {
        rows.extend(spectrum::rows(s));
    }
    if let Some(signs) = b.signs.measured() {
        rows.extend([
            (
                "part with random signs",
                format!("{}×{}, {} draws", signs.inputs, signs.outputs, signs.flips),
            ),
            (
                "KS as stored, with random signs",
                format!(
                    "{}, {}",
                    number(signs.stored_ks),
                    number(signs.stored_ks_with_signs)
                ),
            ),
            (
                "KS balanced (median, largest with signs; p)",
                test(&signs.ks),
            ),
            (
                "largest/(s·√N) balanced (median, largest with signs; p)",
                test(&signs.largest),
            ),
        ]);
    }
    if let Some(shadow) = b.shadow.measured() {
        let error = |r: &Reversal| with_error(&r.calibrated.relative_error);
        rows.extend([
            ("reconstruction: relative error", error(&shadow.layer)),
            ("its weights shuffled", error(&shadow.shuffled)),
            ("theory, Gaussian matrix", number(shadow.predicted)),
            (
                "error over that of the shuffled weights",
                with_error(&shadow.ratio),
            ),
        ]);
    }
    rows
}

fn scales(scales: &BalancedScales) -> String {
    let aside = scales.dead + scales.near_dead;
    let aside = if aside == 0 {
        String::new()
    } else {
        format!(
            "; {} of zeros and {} near-dead set aside",
            scales.dead, scales.near_dead
        )
    };
    format!(
        "{}, sd of their log scales {} (by chance {}){aside}",
        scales.kept,
        number(scales.log_spread),
        number(scales.log_spread_of_chance)
    )
}

fn test(test: &randomlike_core::audit::SignTest) -> String {
    format!(
        "{} ({}, {}; {})",
        number(test.observed),
        number(test.median),
        number(test.most),
        number(test.p)
    )
}

/// Every figure of the start.
pub(super) fn start(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    layer.start.measured().map_or_else(Vec::new, start_rows)
}

fn start_rows(s: &Start) -> Vec<(&'static str, String)> {
    let mut rows = vec![("nearest initialiser", s.law.clone())];
    if !s.aliases.is_empty() {
        rows.push(("the same here", s.aliases.join(", ")));
    }
    if s.is_constant() {
        return rows;
    }
    rows.extend([
        ("its sd at this shape", number(s.std)),
        (
            "scale over its own (standard error)",
            with_floor(s.scale_ratio, s.scale_ratio_error),
        ),
        (
            "W₁/sd (0.1 % of draws reach)",
            with_floor(s.distance, s.distance_floor),
        ),
        ("KS (0.1 % of draws reach)", with_floor(s.ks, s.ks_floor)),
        ("mean, in standard errors", number(s.mean_in_errors)),
        ("mean |w − w₀|/sd is at least", number(s.moved_at_least)),
    ]);
    rows.extend(
        s.outside
            .map(|outside| ("outside of its support", share(outside))),
    );
    rows.extend(s.shrinkage.map(|value| ("implied shrinkage", share(value))));
    rows.extend(s.drift.map(|value| ("implied drift, of sd", share(value))));
    rows.extend(s.singular_value_spread.map(|spread| {
        (
            "spread of the singular values over their mean",
            number(spread),
        )
    }));
    rows.extend(s.rows.as_ref().map(|rows| {
        let side = if rows.are_outputs {
            "outputs"
        } else {
            "inputs"
        };
        let text = format!(
            "{} of {} {side} match {}, some {} beyond chance",
            rows.matching, rows.of, rows.law, rows.fresh
        );
        ("units at their start", text)
    }));
    rows
}
