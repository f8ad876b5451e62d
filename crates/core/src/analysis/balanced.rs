//! A layer up to the scales of its units, docs/theory.md §9.

mod signs;

use super::spectrum::{self, EntryLaw, NullPlan};
use super::{Entry, Numbers, biases, stored_sides, weights};
use crate::Result;
use crate::audit::{
    Balanced, BalancedBiases, BalancedScales, BalancedWeights, BiasKind, Section, Spectrum,
    Unmeasured,
};
use crate::finite::finite_or_skipped;
use crate::layers::{Layer, Orientation};
use randomlike_maths::balance::{Balanced as Parts, Scales, balance};
use randomlike_maths::linalg::Engine;
use randomlike_maths::nulls::{Ensemble, Shape};
use randomlike_maths::stats::Sample;

impl Numbers<'_> {
    /// S of finite entries and all that is known of it.
    pub(super) fn balanced<T: Entry>(&self, entries: &[T]) -> Result<Section<Balanced>> {
        let (_, width) = stored_sides(self.layer);
        let mut parts = match balance(entries, width) {
            Ok(parts) => parts,
            Err(fault) => {
                let reason = Unmeasured::NotBalanceable(fault);
                return Ok(Section::Skipped { reason });
            }
        };
        let is_turned = self.layer.orientation == Orientation::OutIn;
        if is_turned {
            parts.fix_by_columns();
        }
        let (inputs, outputs) = if is_turned {
            (&parts.columns, &parts.rows)
        } else {
            (&parts.rows, &parts.columns)
        };
        let layer = Layer {
            fan_in: inputs.kept.len(),
            fan_out: outputs.kept.len(),
            ..self.layer.clone()
        };
        let (weights, spectrum) = weights_and_spectrum(&parts, self.options.engine)?;
        // What balancing takes off the excess kurtosis of normal entries is put back.
        let kurtosis = weights.measured().map_or(0.0, |weights| {
            weights.gaussian.excess_kurtosis - weights.kurtosis_median.min(0.0)
        });
        let bias = self.balanced_bias(outputs);
        let signs = if self.options.alone {
            Err(Unmeasured::LeftOut)
        } else {
            signs::Part::drawn(entries, &parts, width, self.options.seed)
                .and_then(|part| part.facts(self.options.engine, is_turned))
        };
        let signs = signs.map_or_else(|reason| Section::Skipped { reason }, Section::Measured);
        let shadow = if self.options.alone {
            Section::Skipped {
                reason: Unmeasured::LeftOut,
            }
        } else {
            finite_or_skipped(
                self.shadow
                    .measure_balanced(&parts.entries, &layer, bias.as_deref()),
            )
        };
        let scales = |scales: &Scales, others: usize| BalancedScales {
            kept: scales.kept.len(),
            dead: scales.dead,
            near_dead: scales.near_dead,
            log_spread: scales.log_spread(),
            log_spread_of_chance: spread_of_chance(kurtosis, others),
        };
        Ok(finite_or_skipped(Section::Measured(Balanced {
            inputs: scales(inputs, layer.fan_out),
            outputs: scales(outputs, layer.fan_in),
            rounds: parts.rounds,
            residual: parts.residual,
            weights,
            biases: finite_or_skipped(biases_of(bias.as_deref(), layer.fan_in)),
            spectrum,
            signs: finite_or_skipped(signs),
            shadow,
        })))
    }

    /// b_j/D_c,j of the outputs that S has.
    fn balanced_bias(&self, outputs: &Scales) -> Option<Vec<f64>> {
        let bias = self.bias?;
        let each = outputs.kept.iter().zip(&outputs.values);
        each.map(|(&place, scale)| Some(bias.get(place)? / scale))
            .collect()
    }
}

/// Standard deviation of ln(rms) of `count` independent entries: of normal ones half of that of
/// ln χ², √ψ′(count/2)/2 (Johnson, Kotz & Balakrishnan 1995, ch. 18), ψ′ by its asymptotic series
/// (Abramowitz & Stegun 1964, 6.4.12); times √((κ + 2)/2) for an excess kurtosis of κ.
fn spread_of_chance(excess_kurtosis: f64, count: usize) -> f64 {
    let x = 0.5 * count as f64;
    let trigamma = 1.0 / x + 0.5 / x.powi(2) + 1.0 / (6.0 * x.powi(3));
    let normal = 0.25 * trigamma;
    (normal * (excess_kurtosis + 2.0).max(0.0) / 2.0).sqrt()
}

/// The entries of S and its singular values.
pub(super) fn weights_and_spectrum(
    parts: &Parts,
    engine: Engine,
) -> Result<(Section<BalancedWeights>, Section<Spectrum>)> {
    let sides = (parts.rows.kept.len(), parts.columns.kept.len());
    let shape = Shape {
        n: sides.0.max(sides.1),
        m: sides.0.min(sides.1),
    };
    let (weights, values) = rayon::join(
        || finite_or_skipped(weights::measure_balanced(&parts.entries, shape)),
        || spectrum::values(&parts.entries, sides, engine),
    );
    let plan = NullPlan {
        ensemble: Ensemble::Balanced,
        ..NullPlan::default()
    };
    let epsilon = f64::from(f32::EPSILON);
    let spectrum = spectrum::measure(&values?, sides, law(&weights), epsilon, plan);
    Ok((weights, finite_or_skipped(spectrum)))
}

fn law(weights: &Section<BalancedWeights>) -> EntryLaw {
    weights
        .measured()
        .map_or_else(EntryLaw::default, |weights| EntryLaw {
            excess_kurtosis: weights.gaussian.excess_kurtosis,
            mean: (weights.std > 0.0).then(|| weights.mean.abs() / weights.std),
        })
}

fn biases_of(bias: Option<&[f64]>, fan_in: usize) -> Section<BalancedBiases> {
    let skipped = |reason| Section::Skipped { reason };
    let Some(bias) = bias else {
        return skipped(Unmeasured::NoBias);
    };
    if bias.iter().any(|b| !b.is_finite()) {
        return skipped(Unmeasured::OutOfRange);
    }
    let Some(sample) = Sample::from_f64(bias) else {
        return skipped(Unmeasured::Empty);
    };
    let cv_floor = (2.0 * fan_in as f64).sqrt().recip();
    let constant = BiasKind::CONSTANT_SPREAD.max(2.0 * cv_floor);
    let facts = biases::facts(bias, &sample, Some((fan_in as f64).sqrt()), constant);
    Section::Measured(BalancedBiases { facts, cv_floor })
}

#[cfg(test)]
mod tests {
    use super::spread_of_chance;

    // ψ′(32) = .031743 (Abramowitz & Stegun, by 6.4.12), so √.031743/2 for 64 normal entries.
    #[test]
    fn the_spread_of_log_scales_by_chance() {
        assert!((spread_of_chance(0.0, 64) - 0.089_083).abs() < 1e-5);
        assert!(
            (spread_of_chance(2.0, 64) / spread_of_chance(0.0, 64) - 2_f64.sqrt()).abs() < 1e-12
        );
    }
}
