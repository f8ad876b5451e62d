//! The rows of a layer's singular values.

use super::{number, share};
use randomlike_core::audit::{LayerFacts, NullFact, Spectrum};
use randomlike_core::number_format::chance;

/// Every figure, those with a null beside it.
pub(super) fn figures(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    layer.spectrum.measured().map_or_else(Vec::new, rows)
}

pub(super) fn rows(s: &Spectrum) -> Vec<(&'static str, String)> {
    let nulls = s.nulls.measured();
    let beside = |value: f64, fact: Option<&NullFact>| {
        fact.map_or_else(|| number(value), |fact| beside_chance(value, fact))
    };
    let mut rows = vec![
        (
            "largest",
            beside(s.spectral_norm, nulls.map(|n| &n.largest)),
        ),
        (
            "smallest",
            beside(s.smallest, nulls.and_then(|n| n.smallest.as_ref())),
        ),
        (
            "edges of the law",
            format!("{}, {}", number(s.edge_upper), number(s.edge_lower)),
        ),
        (
            "outliers above, below",
            format!("{}, {}", s.outliers_above, s.outliers_below),
        ),
        (
            "KS, s from the median",
            beside(s.ks_median, nulls.map(|n| &n.ks_median)),
        ),
        (
            "KS, s from the rms",
            beside(s.ks_rms, nulls.map(|n| &n.ks_rms)),
        ),
        (
            "W₁ in units of s·√N",
            beside(s.wasserstein, nulls.map(|n| &n.wasserstein)),
        ),
        (
            "s from rms, from median",
            format!("{}, {}", number(s.sigma_rms), number(s.sigma_median)),
        ),
        (
            "one over the other",
            beside(s.sigma_rms / s.sigma_median, nulls.map(|n| &n.scale_ratio)),
        ),
        (
            "stable, effective rank",
            format!("{}, {}", number(s.stable_rank), number(s.effective_rank)),
        ),
        (
            "rank, rank loss",
            format!("{}, {}", s.matrix_rank, s.rank_loss),
        ),
    ];
    if nulls.is_none() {
        rows.push(("KS's null, 99 % point", number(s.ks_null_q99)));
    }
    rows.extend(s.level_ratio.map(|value| {
        let fact = nulls.and_then(|n| n.level_ratio.as_ref());
        ("level ratio", beside(value, fact))
    }));
    if let Some(bulk) = s.bulk.measured() {
        rows.extend([
            (
                "on the law, set aside above, below",
                format!("{}, {}, {}", share(bulk.share), bulk.above, bulk.below),
            ),
            (
                "share of ‖W‖² there, above, below",
                format!(
                    "{}, {}, {}",
                    share(bulk.energy),
                    share(bulk.energy_above),
                    share(bulk.energy_below)
                ),
            ),
            (
                "KS of the bulk (its null's 99 % point)",
                format!("{} ({})", number(bulk.ks), number(bulk.ks_null_q99)),
            ),
        ]);
    }
    if let Some(fit) = &s.power_law {
        let text = format!(
            "{} ± {}, from λ = {}, {} values, KS {}",
            number(fit.alpha),
            number(fit.sigma),
            number(fit.xmin),
            fit.tail,
            number(fit.ks)
        );
        rows.push(("power law α of the tail", text));
    }
    rows
}

/// A figure, where most random matrices have it, and how many go as far.
fn beside_chance(value: f64, fact: &NullFact) -> String {
    let reach = match (fact.low, fact.high) {
        (Some(low), Some(high)) => format!("{} … {}", number(low), number(high)),
        (None, Some(high)) => format!("up to {}", number(high)),
        (Some(low), None) => format!("from {}", number(low)),
        (None, None) => number(fact.median),
    };
    format!(
        "{} (random: {reach}; as far: {})",
        number(value),
        chance(fact)
    )
}
