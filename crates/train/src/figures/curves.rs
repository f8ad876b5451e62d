//! Learning curves of an experiment, and errors on shadows beside those on real images.

use crate::{Evaluation, RunOutcome, TrainingMethod};
use randomlike_report::figures::panel::{Axis, Mark, Panel, Role};

/// Step and share.
type Points = Vec<(f64, f64)>;

/// Without dropout, and with it.
pub(super) fn learning(outcomes: &[RunOutcome]) -> Vec<Panel> {
    let plain = [
        (TrainingMethod::Backprop, Role::Law),
        (TrainingMethod::Shadow, Role::Measured),
        (TrainingMethod::Noisy, Role::Alternative),
        (TrainingMethod::Shuffled, Role::Outlier),
    ];
    let dropped = [
        (TrainingMethod::Dropout, Role::Law),
        (TrainingMethod::ShadowDropout, Role::Measured),
        (TrainingMethod::NoisyDropout, Role::Alternative),
    ];
    let top = range(outcomes, |look| look.real_error);
    [&plain[..], &dropped]
        .into_iter()
        .filter_map(|methods| {
            let curves: Vec<(TrainingMethod, Role, Points)> = methods
                .iter()
                .map(|&(method, role)| (method, role, mean(outcomes, method, |l| l.real_error)))
                .filter(|(_, _, points)| points.len() > 1)
                .collect();
            let end = curves.first()?.2.last()?.0;
            let mut panel = Panel::new(
                Axis::linear(0.0, end, "steps"),
                Axis::linear(0.0, top, "share of real images wrong"),
            );
            for (method, role, points) in curves {
                panel = panel.named(Mark::Curve(role, points), method.name());
            }
            Some(panel)
        })
        .collect()
}

/// A panel a method: errors on real images and on their shadows, and how often both agree.
pub(super) fn tracking(outcomes: &[RunOutcome]) -> Vec<Panel> {
    let panel = |&method: &TrainingMethod| {
        let real = mean(outcomes, method, |look| look.real_error);
        let synthetic = mean(outcomes, method, |look| look.synthetic_error);
        let apart = mean(outcomes, method, |look| 1.0 - look.agreement);
        let end = real.last().filter(|_| real.len() > 1)?.0;
        Some(
            Panel::new(
                Axis::linear(0.0, end, &format!("steps, {}", method.name())),
                Axis::linear(0.0, 1.0, "share wrong"),
            )
            .named(Mark::Curve(Role::Measured, real), "real images")
            .named(Mark::Curve(Role::Alternative, synthetic), "their shadows")
            .named(Mark::Dashes(Role::Reference, apart), "answered otherwise"),
        )
    };
    TrainingMethod::ALL.iter().filter_map(panel).collect()
}

/// Step and mean over the runs of a method, at the steps all of them looked.
fn mean(
    outcomes: &[RunOutcome],
    method: TrainingMethod,
    of: impl Fn(&Evaluation) -> f64,
) -> Vec<(f64, f64)> {
    let curves: Vec<&Vec<Evaluation>> = outcomes
        .iter()
        .filter(|outcome| outcome.method == method)
        .map(|outcome| &outcome.curve)
        .collect();
    let Some(first) = curves.first() else {
        return Vec::new();
    };
    let shared = curves.iter().map(|curve| curve.len()).min().unwrap_or(0);
    (0..shared)
        .map(|at| {
            let sum: f64 = curves.iter().map(|curve| of(&curve[at])).sum();
            (first[at].step as f64, sum / curves.len() as f64)
        })
        .collect()
}

/// The top of an axis: past the start nets do better than at it.
fn range(outcomes: &[RunOutcome], of: impl Fn(&Evaluation) -> f64) -> f64 {
    let looks = outcomes.iter().filter_map(|outcome| outcome.curve.get(1));
    (1.2 * looks.map(of).fold(0.0, f64::max)).clamp(0.05, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Two seeds with real errors .4 and .2 at step 100: mean .3.
    #[test]
    fn curves_are_means_over_seeds() {
        let outcome = |seed: u64, error: f64| RunOutcome {
            method: TrainingMethod::Shadow,
            seed,
            test_error: error,
            curve: [(0, 0.9), (100, error)]
                .map(|(step, real_error)| Evaluation {
                    step,
                    real_error,
                    synthetic_error: 0.5,
                    agreement: 0.75,
                })
                .to_vec(),
            inside: Vec::new(),
        };
        let outcomes = [outcome(1, 0.4), outcome(2, 0.2)];
        let found = mean(&outcomes, TrainingMethod::Shadow, |look| look.real_error);
        assert!((found[1].1 - 0.3).abs() < 1e-12 && (found[1].0 - 100.0).abs() < 1e-12);
        assert_eq!(learning(&outcomes).len(), 1);
        let panel = &tracking(&outcomes)[0];
        let Mark::Dashes(_, apart) = &panel.series[2].mark else {
            panic!("the third mark is how often they differ");
        };
        assert!((apart[1].1 - 0.25).abs() < 1e-12);
    }
}
