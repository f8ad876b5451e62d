//! What the runs of an experiment say of its methods.

use serde::{Deserialize, Serialize};

use super::experiment::RunOutcome;
use super::method::TrainingMethod;
use super::run::Evaluation;
use randomlike_maths::stats::{Difference, Spread, pearson};

/// Looks from this step on count for the gap: before, a net knows nothing.
const SETTLED: usize = 100;

/// One method over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// The method.
    pub method: TrainingMethod,
    /// Error on the test set.
    pub test_error: Spread,
    /// Error on the validation set at the end.
    pub validation_error: Spread,
    /// Mean over looks from step 100 on of |synthetic − real error| on the validation set; absent
    /// where a run ends before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Spread>,
    /// Agreement at the end.
    pub agreement: Spread,
    /// Error on shadows at the end.
    pub synthetic_error: Spread,
    /// Pearson's correlation of both errors over the looks of a run. High for every method, since
    /// both fall together early; absent where an error stays the same, and below three looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Spread>,
}

/// One method less another, seed by seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The method.
    pub method: TrainingMethod,
    /// What is taken from it.
    pub baseline: TrainingMethod,
    /// Difference of test errors.
    pub test_error: Difference,
    /// Difference of gaps, absent where a run has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapDifference>,
}

/// How much closer, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GapDifference {
    /// Difference of gaps.
    pub difference: Difference,
    /// Number of seeds in which the method's gap is the smaller one.
    pub smaller: usize,
}

impl GapDifference {
    fn between(method: &[f64], baseline: &[f64]) -> Option<Self> {
        let pairs = method.iter().zip(baseline);
        Some(Self {
            difference: Difference::of(method, baseline)?,
            smaller: pairs.filter(|(a, b)| a < b).count(),
        })
    }
}

/// |synthetic − real error|, mean over the looks from step 100 on.
pub fn gap(curve: &[Evaluation]) -> Option<f64> {
    let settled: Vec<f64> = curve
        .iter()
        .filter(|look| look.step >= SETTLED)
        .map(|look| (look.synthetic_error - look.real_error).abs())
        .collect();
    (!settled.is_empty()).then(|| settled.iter().sum::<f64>() / settled.len() as f64)
}

/// Pearson's r of real and synthetic errors over the looks; nothing of two, between which it is
/// always 1 or −1.
fn correlation(curve: &[Evaluation]) -> Option<f64> {
    if curve.len() < 3 {
        return None;
    }
    let values = |f: fn(&Evaluation) -> f64| curve.iter().map(f).collect::<Vec<f64>>();
    pearson(&values(|l| l.real_error), &values(|l| l.synthetic_error))
}

fn of_method(outcomes: &[RunOutcome], method: TrainingMethod) -> impl Iterator<Item = &RunOutcome> {
    outcomes.iter().filter(move |o| o.method == method)
}

/// A summary of each method that has two runs or more, in the order of the tables.
pub fn summaries(outcomes: &[RunOutcome]) -> Vec<Summary> {
    let summary = |&method: &TrainingMethod| {
        let values = |f: &dyn Fn(&RunOutcome) -> Option<f64>| -> Option<Spread> {
            let values: Option<Vec<f64>> = of_method(outcomes, method).map(f).collect();
            Spread::of(&values?)
        };
        let last =
            |f: fn(&Evaluation) -> f64| move |outcome: &RunOutcome| outcome.curve.last().map(f);
        Some(Summary {
            method,
            test_error: values(&|o| Some(o.test_error))?,
            validation_error: values(&last(|look| look.real_error))?,
            gap: values(&|o| gap(&o.curve)),
            agreement: values(&last(|look| look.agreement))?,
            synthetic_error: values(&last(|look| look.synthetic_error))?,
            correlation: values(&|o| correlation(&o.curve)),
        })
    };
    TrainingMethod::ALL.iter().filter_map(summary).collect()
}

/// Each method less the one the paper would set it beside: shadow and noise less backprop,
/// with dropout less dropout, shadow with dropout less backprop too, and shadow less noise.
pub fn comparisons(outcomes: &[RunOutcome]) -> Vec<Comparison> {
    let pairs = [
        (TrainingMethod::Dropout, TrainingMethod::Backprop),
        (TrainingMethod::Shadow, TrainingMethod::Backprop),
        (TrainingMethod::Noisy, TrainingMethod::Backprop),
        (TrainingMethod::Shuffled, TrainingMethod::Backprop),
        (TrainingMethod::ShadowDropout, TrainingMethod::Dropout),
        (TrainingMethod::ShadowDropout, TrainingMethod::Backprop),
        (TrainingMethod::NoisyDropout, TrainingMethod::Dropout),
        (TrainingMethod::Shadow, TrainingMethod::Noisy),
        (TrainingMethod::ShadowDropout, TrainingMethod::NoisyDropout),
    ];
    pairs
        .into_iter()
        .filter_map(|(method, baseline)| {
            let pairs: Vec<(&RunOutcome, &RunOutcome)> = of_method(outcomes, method)
                .filter_map(|a| {
                    Some((a, of_method(outcomes, baseline).find(|b| b.seed == a.seed)?))
                })
                .collect();
            let both = |f: &dyn Fn(&RunOutcome) -> Option<f64>| {
                let each = pairs.iter().map(|(a, b)| Some((f(a)?, f(b)?)));
                let each: Option<(Vec<f64>, Vec<f64>)> = each.collect();
                each
            };
            let (a, b) = both(&|o| Some(o.test_error))?;
            Some(Comparison {
                method,
                baseline,
                test_error: Difference::of(&a, &b)?,
                gap: both(&|o| gap(&o.curve)).and_then(|(a, b)| GapDifference::between(&a, &b)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(method: TrainingMethod, seed: u64, test_error: f64) -> RunOutcome {
        let look = |step, real_error, synthetic_error| Evaluation {
            step,
            real_error,
            synthetic_error,
            agreement: 0.9,
        };
        RunOutcome {
            method,
            seed,
            test_error,
            curve: vec![
                look(0, 0.9, 0.1),
                look(100, 0.3, 0.4 + test_error),
                look(200, 0.2, 0.1),
            ],
            inside: Vec::new(),
        }
    }

    // Differences −.01 and −.03: mean −.02, standard error .01, t = −2 on one degree of
    // freedom, p = 2·(½ − atan(2)/π) = .29517.
    #[test]
    fn two_seeds_by_hand() {
        let outcomes = [
            outcome(TrainingMethod::Backprop, 1, 0.10),
            outcome(TrainingMethod::Shadow, 2, 0.09),
            outcome(TrainingMethod::Shadow, 1, 0.09),
            outcome(TrainingMethod::Backprop, 2, 0.12),
            outcome(TrainingMethod::Dropout, 2, 0.12),
        ];
        let found = comparisons(&outcomes);
        assert_eq!(found.len(), 1, "one dropout run is no pair of two");
        let difference = found[0].test_error;
        assert!((difference.mean + 0.02).abs() < 1e-12);
        assert!((difference.p - 0.29517).abs() < 1e-5, "{}", difference.p);
        // Gaps (.1 + .1 + error)/2: .15 and .16 for backprop, .145 twice for shadow.
        let gaps = found[0].gap.as_ref().unwrap();
        assert!((gaps.difference.mean + 0.01).abs() < 1e-12);
        assert_eq!(gaps.smaller, 2);
        let summaries = summaries(&outcomes);
        assert_eq!(summaries.len(), 2);
        assert!((summaries[1].gap.unwrap().mean - 0.145).abs() < 1e-12);
        assert!((summaries[0].test_error.mean - 0.11).abs() < 1e-12);
    }

    // Runs of fewer than 100 steps have no gap; their errors are compared all the same.
    #[test]
    fn short_runs_have_no_gap() {
        let short = |method, seed, test_error| {
            let mut outcome = outcome(method, seed, test_error);
            outcome.curve.truncate(1);
            outcome.curve.push(Evaluation {
                step: 60,
                real_error: 0.4,
                ..outcome.curve[0]
            });
            outcome.curve[1].synthetic_error = 0.5;
            outcome
        };
        let outcomes = [
            short(TrainingMethod::Backprop, 1, 0.2),
            short(TrainingMethod::Backprop, 2, 0.3),
            short(TrainingMethod::Shadow, 1, 0.1),
            short(TrainingMethod::Shadow, 2, 0.1),
        ];
        assert_eq!(summaries(&outcomes)[0].gap, None);
        assert_eq!(summaries(&outcomes)[0].correlation, None);
        let found = comparisons(&outcomes);
        assert_eq!(found[0].gap, None);
        assert!((found[0].test_error.mean + 0.15).abs() < 1e-12);
    }
}
