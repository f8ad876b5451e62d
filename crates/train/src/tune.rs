//! Choices by validation data: one after the other, each method for itself, on seeds that no
//! table uses. The test set is not looked at.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::choice::Choice;
use super::data::Dataset;
use super::experiment::{Steps, StepsDone, check};
use super::finished_runs::{self, finished, write_finished};
use super::method::TrainingMethod;
use super::method_settings::MethodSettings;
use super::run::{Run, Sets, TrainingPlan};
use super::workers::in_parallel;
use super::{Error, fault};
use randomlike_maths::stats::Spread;

/// Seeds from here on are for choosing, those below for the tables.
pub const FIRST_SEED: u64 = 1 << 32;

/// Values one thing can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// What is chosen.
    pub choice: Choice,
    /// Its values; where there is one, it is taken.
    pub values: Vec<String>,
}

/// How values are tried.
#[derive(Debug, Clone, Copy)]
pub struct TuningRuns<'a> {
    /// How many seeds each value is run with.
    pub seeds: usize,
    /// Where finished runs are kept.
    pub folder: &'a Path,
    /// Runs at a time.
    pub workers: usize,
}

/// A value that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tried {
    /// The value.
    pub value: String,
    /// Share of the validation images wrong at the end, over seeds.
    pub validation_error: Spread,
}

/// What was chosen for a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chosen {
    /// The method.
    pub method: TrainingMethod,
    /// What was chosen.
    pub choice: String,
    /// The value with the lowest mean error, the first of equals.
    pub value: String,
    /// Every value that was tried.
    pub tried: Vec<Tried>,
}

/// Gives each arm the first value of each choice, then goes through the choices with several in
/// their order: the value with the lowest mean validation error over the seeds stays.
///
/// # Errors
/// When a value is none a choice can have, or the plan does not fit the data, or a file cannot
/// be read or written.
pub fn choose(
    data: &Dataset,
    plan: &TrainingPlan,
    arms: &mut [MethodSettings],
    candidates: &[Candidates],
    trials: &TuningRuns<'_>,
    progress: StepsDone<'_>,
) -> Result<Vec<Chosen>, Error> {
    check(data, plan)?;
    let TuningRuns {
        seeds,
        folder,
        workers,
    } = *trials;
    for Candidates { choice, values } in candidates {
        for arm in &mut *arms {
            // All are looked at before the long part begins.
            for value in values.iter().rev() {
                choice.set(arm, value)?;
            }
        }
    }
    let open = |arm: &MethodSettings, choice: Choice, values: &[String]| {
        values.len() > 1 && choice.concerns(arm.method)
    };
    let runs: usize = candidates
        .iter()
        .map(|Candidates { choice, values }| {
            let concerned = arms.iter().filter(|arm| open(arm, *choice, values));
            concerned.count() * values.len() * seeds
        })
        .sum();
    if runs == 0 {
        return Ok(Vec::new());
    }
    if seeds < 2 {
        return Err(fault("to choose among values takes 2 seeds or more".into()));
    }
    finished_runs::create_folder(folder)?;
    let steps = Steps::new(runs, progress);
    let trial = |(arm, seed, name): (MethodSettings, u64, String)| {
        let path = folder.join(format!("{name}-{seed}.json"));
        let state = path.with_extension("state.safetensors");
        let found = if let Some(found) = finished(&path, plan, Some(&arm))? {
            steps.went(plan, plan.steps);
            found
        } else {
            let sets = Sets::new(data, plan, seed)?;
            let went = |done| steps.went(plan, done);
            let (curve, _) = Run::finished_at(plan, &sets, &arm, seed, &state, went)?;
            let last = curve.last().map(|look| look.real_error);
            let last = last.ok_or_else(|| fault("a run without a look".into()))?;
            write_finished(&path, plan, Some(&arm), &last)?;
            finished_runs::remove_state(&state)?;
            last
        };
        Ok::<f64, Error>(found)
    };
    let mut all = Vec::new();
    for Candidates { choice, values } in candidates {
        let concerned: Vec<usize> = (0..arms.len())
            .filter(|&at| open(&arms[at], *choice, values))
            .collect();
        let mut tasks = Vec::new();
        for &at in &concerned {
            for (place, value) in values.iter().enumerate() {
                let mut arm = arms[at].clone();
                choice.set(&mut arm, value)?;
                let name = format!("{}-{}-{place}", arm.method.name(), choice.name());
                let each = (FIRST_SEED..).take(seeds);
                tasks.extend(each.map(|seed| (arm.clone(), seed, name.clone())));
            }
        }
        let errors = in_parallel(tasks, workers, trial)?;
        for (&at, errors) in concerned.iter().zip(errors.chunks(values.len() * seeds)) {
            let chosen = lowest(arms[at].method, *choice, values, errors)?;
            choice.set(&mut arms[at], &chosen.value)?;
            all.push(chosen);
        }
    }
    Ok(all)
}

fn lowest(
    method: TrainingMethod,
    choice: Choice,
    values: &[String],
    errors: &[f64],
) -> Result<Chosen, Error> {
    let each = errors.chunks(errors.len() / values.len());
    let tried: Option<Vec<Tried>> = values
        .iter()
        .zip(each)
        .map(|(value, errors)| {
            Some(Tried {
                value: value.clone(),
                validation_error: Spread::of(errors)?,
            })
        })
        .collect();
    let tried = tried.ok_or_else(|| fault("a value without two runs".into()))?;
    let mean = |tried: &Tried| tried.validation_error.mean;
    let best = tried.iter().min_by(|a, b| mean(a).total_cmp(&mean(b)));
    let value = best.map(|best| best.value.clone());
    Ok(Chosen {
        method,
        choice: choice.name().to_owned(),
        value: value.ok_or_else(|| fault("nothing to choose from".into()))?,
        tried,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Means .2 and .15, then equal ones.
    #[test]
    fn the_lowest_mean_is_chosen() {
        let values = ["a", "b"].map(str::to_owned);
        let of = |errors: &[f64]| {
            lowest(TrainingMethod::Noisy, Choice::Noise, &values, errors)
                .unwrap()
                .value
        };
        assert_eq!(of(&[0.1, 0.3, 0.2, 0.1]), "b");
        assert_eq!(of(&[0.2, 0.1, 0.1, 0.2]), "a");
    }
}
