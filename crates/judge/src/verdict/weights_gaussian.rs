//! The weights follow a normal law.

use serde::Deserialize;

use super::figure::figure;
use super::{Level, Ruling};
use randomlike_core::audit::{GaussianDistance, LayerFacts, Section, Weights};

/// Standard errors of the excess kurtosis, √(24/count), that chance is allowed: at 4 it
/// takes one normal layer in 16,000.
const KURTOSIS_ERRORS: f64 = 4.0;

/// Share of exact zeros from which they are the first thing to say: no continuous law has any.
const ZEROS: f64 = 0.01;

/// Level and limits of the check, each beyond the sampling floor of its figure.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsGaussian {
    /// What a failure means for the gate.
    pub level: Level,
    /// Kolmogorov–Smirnov distance to the fitted normal.
    pub max_ks: f64,
    /// Wasserstein-1 distance to the fitted normal, in standard deviations.
    pub max_wasserstein: f64,
    /// Size of the excess kurtosis.
    pub max_excess_kurtosis: f64,
}

impl WeightsGaussian {
    pub(super) fn judge(&self, layer: &LayerFacts) -> Ruling {
        let limit = format!(
            "at most KS {}, W₁/sd {}, |excess kurtosis| {}, each beyond its sampling floor",
            self.max_ks, self.max_wasserstein, self.max_excess_kurtosis
        );
        match &layer.weights {
            Section::Skipped { reason } => Ruling::unmeasured(
                reason,
                limit,
                "Nothing is known about the law of the weights.",
            ),
            Section::Measured(weights) => self.rule(weights, limit),
        }
    }

    fn rule(&self, weights: &Weights, limit: String) -> Ruling {
        let Some(gaussian) = &weights.gaussian else {
            let measured = format!("all {} weights are equal", weights.count);
            return Ruling::new(
                false,
                measured,
                limit,
                "One value repeated is no bell curve.".to_owned(),
            );
        };
        let measured = describe(weights, gaussian);
        let holds = self.holds(weights.count, gaussian);
        if holds && !self.can_fail(weights.count, gaussian) {
            let reason = format!(
                "not judged: {} weights are too few to tell ({measured})",
                weights.count
            );
            return Ruling::skipped(
                reason,
                limit,
                "So small a sample looks like a bell curve whatever its law.",
            );
        }
        Ruling::new(holds, measured, limit, meaning(holds, weights, self))
    }

    fn holds(&self, count: u64, facts: &GaussianDistance) -> bool {
        facts.ks <= self.max_ks + facts.ks_floor
            && facts.wasserstein <= self.max_wasserstein + facts.wasserstein_floor
            && facts.excess_kurtosis.abs() <= self.max_excess_kurtosis + kurtosis_floor(count)
    }

    // A limit of 0 asks for nothing but the floor, so the floor cannot be too wide for it.
    fn can_fail(&self, count: u64, facts: &GaussianDistance) -> bool {
        let tells = |limit: f64, floor: f64| limit == 0.0 || floor <= limit;
        tells(self.max_ks, facts.ks_floor)
            || tells(self.max_wasserstein, facts.wasserstein_floor)
            || tells(self.max_excess_kurtosis, kurtosis_floor(count))
    }
}

fn kurtosis_floor(count: u64) -> f64 {
    KURTOSIS_ERRORS * (24.0 / count as f64).sqrt()
}

fn describe(weights: &Weights, facts: &GaussianDistance) -> String {
    let fit = weights
        .family
        .as_ref()
        .map_or_else(String::new, |family| format!("; best fit {}", family.best));
    format!(
        "KS {} (floor {}), W₁/sd {} (floor {}), excess kurtosis {}{fit}",
        figure(facts.ks),
        figure(facts.ks_floor),
        figure(facts.wasserstein),
        figure(facts.wasserstein_floor),
        figure(facts.excess_kurtosis)
    )
}

fn meaning(holds: bool, weights: &Weights, limits: &WeightsGaussian) -> String {
    if holds {
        return "A histogram of the weights is a bell curve for all practical purposes.".to_owned();
    }
    let within = |section: &Section<GaussianDistance>| {
        section
            .measured()
            .is_some_and(|facts| limits.holds(weights.count, facts))
    };
    // Fewer values than a byte holds, each many times: quantised.
    let few = weights.distinct < 256 && weights.count > 20 * weights.distinct;
    if weights.zero_fraction > ZEROS {
        return format!(
            "The weights do not follow a bell curve: {} % of them are exactly zero.",
            figure(100.0 * weights.zero_fraction)
        );
    }
    if few {
        return format!(
            "The weights do not follow a bell curve: there are only {} different ones.",
            weights.distinct
        );
    }
    let where_from = if within(&weights.by_row) {
        "each input's weights alone do, on scales of their own"
    } else if within(&weights.by_column) {
        "each output's weights alone do, on scales of their own"
    } else if weights
        .gaussian
        .as_ref()
        .is_some_and(|facts| facts.excess_kurtosis > 0.0)
    {
        "too many are tiny or very large"
    } else {
        "they are spread too evenly, with too few large ones"
    };
    format!("The weights do not follow a bell curve: {where_from}.")
}
