//! All methods with all seeds, paired: one seed has one subset, one set of first weights and one
//! order of batches. Finished runs and the state of half-finished ones are kept in a folder.

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::data::Dataset;
use super::method::Method;
use super::run::{Outcome, Plan, Run, Sets};
use super::state::{self, Stored};
use super::{Fault, fault};
use crate::report::write::write_file;

/// What is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// What is the same for every run.
    pub plan: Plan,
    /// The methods.
    pub methods: Vec<Method>,
    /// The seeds.
    pub seeds: Vec<u64>,
}

/// A run that came to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// How it came out.
    pub outcome: Outcome,
    /// The plan it followed.
    pub plan: Plan,
}

/// Told how many steps are done, of how many.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Steps between two savings of a run's state.
const SAVE: usize = 500;

/// Runs what is not finished yet in `folder`, `workers` at a time, and answers every run in the
/// order of seeds and methods. Results do not depend on the workers.
///
/// # Errors
/// When the plan does not fit the data, or a file cannot be read or written.
pub fn run_all(
    data: &Dataset,
    experiment: &Experiment,
    folder: &Path,
    workers: usize,
    progress: Progress<'_>,
) -> Result<Vec<Outcome>, Fault> {
    check(data, &experiment.plan)?;
    let queue: Mutex<VecDeque<u64>> = Mutex::new(experiment.seeds.iter().copied().collect());
    let shared = Shared {
        data,
        experiment,
        folder,
        done: Mutex::new(0),
        progress,
    };
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                // A pool of one: products of one run do not wait for another run's.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                while let Some(seed) = next(&queue) {
                    let outcomes = match &pool {
                        Ok(pool) => pool.install(|| shared.seed(seed)),
                        Err(error) => Err(fault(error.to_string())),
                    };
                    let failed = outcomes.is_err();
                    if let Ok(mut results) = results.lock() {
                        results.push((seed, outcomes));
                    }
                    if failed {
                        return;
                    }
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .map_err(|_| fault("a worker stopped without a word".into()))?;
    let place = |seed: u64| experiment.seeds.iter().position(|&s| s == seed);
    results.sort_by_key(|(seed, _)| place(*seed));
    let mut all = Vec::new();
    for (_, outcomes) in results {
        all.extend(outcomes?);
    }
    Ok(all)
}

fn next(queue: &Mutex<VecDeque<u64>>) -> Option<u64> {
    queue.lock().ok()?.pop_front()
}

fn check(data: &Dataset, plan: &Plan) -> Result<(), Fault> {
    let inputs = data.shape.length().unwrap_or(0);
    let (first, last) = (plan.layers.first(), plan.layers.last());
    let share = |share: f64| share > 0.0 && share <= 1.0;
    let rate = |rate: f64| (0.0..1.0).contains(&rate);
    let recipe = &plan.recipe;
    let text = if plan.layers.len() < 3 || plan.layers.contains(&0) {
        "a net needs inputs, at least one hidden layer and classes, none of them 0".to_owned()
    } else if first != Some(&inputs) {
        format!("the images have {inputs} pixels, and the net takes {first:?} inputs")
    } else if last != Some(&data.classes) {
        format!(
            "there are {} classes, and the net ends in {last:?}",
            data.classes
        )
    } else if plan.steps == 0 || plan.batch == 0 || plan.every == 0 {
        "steps, batch and the steps between looks must be 1 or more".to_owned()
    } else if plan.train_size < data.classes || plan.validation_size == 0 {
        "there must be an image of each class to train on, and some to validate with".to_owned()
    } else if !share(recipe.keep_input) || !share(recipe.keep_hidden) || recipe.copies == 0 {
        "kept shares must be above 0 and at most 1, and copies 1 or more".to_owned()
    } else if ![recipe.noise, recipe.dropout_input, recipe.dropout_hidden]
        .into_iter()
        .all(rate)
    {
        "rates of dropout and noise must be 0 or more and below 1".to_owned()
    } else if !(recipe.weight >= 0.0 && recipe.weight.is_finite() && plan.rule.rate() > 0.0) {
        "the weight of copies must be 0 or more, the step size above 0".to_owned()
    } else {
        return Ok(());
    };
    Err(fault(text))
}

/// What all workers see.
struct Shared<'a> {
    data: &'a Dataset,
    experiment: &'a Experiment,
    folder: &'a Path,
    done: Mutex<usize>,
    progress: Progress<'a>,
}

impl Shared<'_> {
    fn seed(&self, seed: u64) -> Result<Vec<Outcome>, Fault> {
        let plan = &self.experiment.plan;
        let sets = Sets::new(self.data, plan, seed)?.ok_or_else(|| {
            fault(format!(
                "the data has too few images of a class for {} to train on and {} to validate with",
                plan.train_size, plan.validation_size
            ))
        })?;
        let methods = self.experiment.methods.iter();
        methods
            .map(|&method| self.run(&sets, method, seed))
            .collect()
    }

    fn run(&self, sets: &Sets, method: Method, seed: u64) -> Result<Outcome, Fault> {
        let plan = &self.experiment.plan;
        let place = |end: &str| self.folder.join(format!("{}-{seed}.{end}", method.name()));
        if let Some(outcome) = finished(&place("json"), plan)? {
            self.went(plan.steps);
            return Ok(outcome);
        }
        let kept = place("state.safetensors");
        let mut run = Run::resumed_or_new(plan, sets, method, seed, &kept)?;
        self.went(run.steps());
        while run.steps() < plan.steps {
            let before = run.steps();
            run.advance(before + SAVE.min(plan.every))?;
            self.went(run.steps() - before);
            if run.steps().is_multiple_of(SAVE) && run.steps() < plan.steps {
                run.save(&kept)?;
            }
        }
        let (outcome, net) = run.finish()?;
        let metadata = [
            ("method", method.name().to_owned()),
            ("seed", seed.to_string()),
            ("train_size", plan.train_size.to_string()),
        ];
        state::write_net(&net, Stored::F32, &metadata, &place("safetensors"))?;
        let facts = Finished {
            outcome: outcome.clone(),
            plan: plan.clone(),
        };
        write_json(&place("json"), &facts)?;
        if kept.exists() {
            fs::remove_file(&kept).map_err(|source| crate::Error::Io {
                action: "remove",
                path: kept,
                source,
            })?;
        }
        Ok(outcome)
    }

    fn went(&self, steps: usize) {
        let runs = self.experiment.methods.len() * self.experiment.seeds.len();
        if let Ok(mut done) = self.done.lock() {
            *done += steps;
            (self.progress)(*done, runs * self.experiment.plan.steps);
        }
    }
}

/// A run that was finished earlier; one with another plan is not this one.
fn finished(path: &PathBuf, plan: &Plan) -> Result<Option<Outcome>, Fault> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = fs::read(path).map_err(|source| crate::Error::Io {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let found: Finished = serde_json::from_slice(&bytes)
        .map_err(|error| fault(format!("`{}` is no run of ours: {error}", path.display())))?;
    if found.plan != *plan {
        return Err(fault(format!(
            "`{}` is a run with other settings; give a new folder",
            path.display()
        )));
    }
    Ok(Some(found.outcome))
}

/// Writes indented JSON, whole or not at all.
pub(super) fn write_json<T: Serialize>(path: &Path, facts: &T) -> Result<(), Fault> {
    let text = serde_json::to_string_pretty(facts).map_err(|e| fault(e.to_string()))? + "\n";
    Ok(write_file(path, |out: &mut dyn Write| {
        out.write_all(text.as_bytes())
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::ImageShape;
    use crate::train::data::Images;
    use crate::train::{Recipe, Rule};

    /// Images of 3×3 in which the bright pixel is the class, give or take.
    fn data() -> Dataset {
        let images = |count: usize, start: usize| {
            let labels: Vec<u8> = (0..count).map(|i| ((start + i) % 3) as u8).collect();
            let pixel = |i: usize, p: usize| {
                let bright = p == usize::from(labels[i]) || (i * 7 + p * 5).is_multiple_of(11);
                if bright {
                    200 + (i % 50) as u8
                } else {
                    (i * p % 60) as u8
                }
            };
            let pixels = (0..count * 9).map(|at| pixel(at / 9, at % 9)).collect();
            Images { pixels, labels }
        };
        Dataset {
            shape: ImageShape {
                channels: 1,
                height: 3,
                width: 3,
            },
            classes: 3,
            train: images(120, 0),
            test: images(30, 1),
        }
    }

    fn experiment(seeds: &[u64]) -> Experiment {
        Experiment {
            plan: Plan {
                layers: vec![9, 12, 8, 3],
                train_size: 30,
                validation_size: 30,
                steps: 650,
                batch: 10,
                every: 100,
                rule: Rule::Adam { rate: 1e-3 },
                recipe: Recipe::default(),
            },
            methods: vec![Method::Backprop, Method::ShadowDropout],
            seeds: seeds.to_vec(),
        }
    }

    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (
                    entry.file_name().into_string().unwrap(),
                    fs::read(entry.path()).unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn workers_and_interruptions_do_not_show() {
        let (data, experiment) = (data(), experiment(&[4, 5, 6]));
        let run = |folder: &Path, workers| {
            run_all(&data, &experiment, folder, workers, &|_, _| ()).unwrap()
        };
        let [one, other] = [1, 3].map(|workers| {
            let home = tempfile::tempdir().unwrap();
            let outcomes = run(home.path(), workers);
            (outcomes, files(home.path()))
        });
        assert_eq!(one.0, other.0);
        assert!(one.1 == other.1);
        assert_eq!(one.0.len(), 6);
        assert!(one.1.len() == 12, "a net and its facts for each run");
        // One run finished, one stopped after 500 steps, four not begun.
        let home = tempfile::tempdir().unwrap();
        let sets = Sets::new(&data, &experiment.plan, 5).unwrap().unwrap();
        let method = Method::ShadowDropout;
        let mut half = Run::new(&experiment.plan, &sets, method, 5).unwrap();
        half.advance(500).unwrap();
        let state = home.path().join("shadow+dropout-5.state.safetensors");
        half.save(&state).unwrap();
        for (name, bytes) in one
            .1
            .iter()
            .filter(|(name, _)| name.starts_with("backprop-4"))
        {
            fs::write(home.path().join(name), bytes).unwrap();
        }
        assert_eq!(run(home.path(), 2), one.0);
        assert!(files(home.path()) == one.1);
        // Training does something: chance is two thirds wrong.
        assert!(one.0.iter().all(|outcome| outcome.test_error < 0.5));
        assert!(one.0[0].curve[0].real_error > 0.5);
    }

    #[test]
    fn a_run_with_other_settings_is_not_taken_for_this_one() {
        let (data, mut experiment) = (data(), experiment(&[1]));
        experiment.plan.steps = 20;
        let home = tempfile::tempdir().unwrap();
        let run = |experiment: &Experiment| run_all(&data, experiment, home.path(), 1, &|_, _| ());
        run(&experiment).unwrap();
        experiment.plan.batch = 5;
        let said = run(&experiment).unwrap_err().to_string();
        assert!(said.contains("other settings"), "{said}");
    }

    #[test]
    fn plans_that_do_not_fit_are_refused() {
        let data = data();
        let refused = |change: fn(&mut Plan), wanted: &str| {
            let mut experiment = experiment(&[1]);
            change(&mut experiment.plan);
            let home = tempfile::tempdir().unwrap();
            let fault = run_all(&data, &experiment, home.path(), 1, &|_, _| ()).unwrap_err();
            assert!(fault.to_string().contains(wanted), "{fault}");
        };
        refused(|plan| plan.layers = vec![9, 3], "hidden layer");
        refused(|plan| plan.layers[0] = 8, "9 pixels");
        refused(|plan| plan.layers[3] = 4, "3 classes");
        refused(|plan| plan.train_size = 300, "too few images");
        refused(|plan| plan.recipe.noise = 1.0, "rates");
        refused(|plan| plan.recipe.keep_input = 0.0, "kept shares");
        refused(|plan| plan.recipe.weight = f64::NAN, "weight of copies");
        refused(|plan| plan.batch = 0, "1 or more");
    }
}
