//! All methods with all seeds, paired: one seed has one subset, one set of first weights and one
//! order of batches. Finished runs and the state of half-finished ones are kept in a folder.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::data::Dataset;
use super::finished_runs::{self, finished, write_finished};
use super::gradient::Batch;
use super::method::TrainingMethod;
use super::method_settings::MethodSettings;
use super::net::Net;
use super::net_facts::{NetLayerFacts, measure_net};
use super::run::{Evaluation, Run, Sets, TrainingPlan, error_of, first_net, test_set};
use super::state::write_net;
use super::workers::in_parallel;
use super::{Error, fault};

/// Most steps of a run: more would be a slip of the finger.
const MOST_STEPS: usize = 100_000_000;

/// What is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// What is the same for every run.
    pub plan: TrainingPlan,
    /// The methods, each with its settings.
    pub arms: Vec<MethodSettings>,
    /// The seeds.
    pub seeds: Vec<u64>,
}

/// How a run came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunOutcome {
    /// The method.
    pub method: TrainingMethod,
    /// The seed of subset, first weights, order and everything drawn.
    pub seed: u64,
    /// Share of the test images that the net gets wrong, at the end.
    pub test_error: f64,
    /// Looks at the validation set, the last at the end.
    pub curve: Vec<Evaluation>,
    /// What the inspector finds in the trained net.
    pub inside: Vec<NetLayerFacts>,
}

/// The net every method of a seed starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UntrainedNet {
    /// The seed.
    pub seed: u64,
    /// What the inspector finds in it.
    pub inside: Vec<NetLayerFacts>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Results {
    /// The nets before training, in the order of seeds.
    pub starts: Vec<UntrainedNet>,
    /// The runs, in the order of seeds and arms.
    pub outcomes: Vec<RunOutcome>,
}

/// Told how many steps are done, of how many.
pub type StepsDone<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Runs what is not finished yet in `folder`, `workers` at a time, and answers every run.
/// Results do not depend on the workers.
///
/// # Errors
/// When the plan does not fit the data, or a file cannot be read or written.
pub fn run_all(
    data: &Dataset,
    experiment: &Experiment,
    folder: impl AsRef<Path>,
    workers: usize,
    progress: StepsDone<'_>,
) -> Result<Results, Error> {
    let folder = folder.as_ref();
    check(data, &experiment.plan)?;
    finished_runs::create_folder(folder)?;
    let shared = Shared {
        data,
        test: test_set(data),
        experiment,
        folder,
        steps: Steps::new(experiment.arms.len() * experiment.seeds.len(), progress),
    };
    let starts = in_parallel(experiment.seeds.clone(), workers, |seed| shared.start(seed))?;
    let arms = experiment.arms.iter();
    let tasks = experiment
        .seeds
        .iter()
        .flat_map(|&seed| arms.clone().map(move |arm| (arm, seed)));
    let outcomes = in_parallel(tasks.collect(), workers, |(arm, seed)| {
        shared.run(arm, seed)
    })?;
    Ok(Results { starts, outcomes })
}

/// The file of a net that every method of a seed starts from.
pub fn start_file(folder: impl AsRef<Path>, seed: u64) -> PathBuf {
    folder.as_ref().join(format!("start-{seed}.safetensors"))
}

/// The file of a trained net.
pub fn net_file(folder: impl AsRef<Path>, method: TrainingMethod, seed: u64) -> PathBuf {
    folder
        .as_ref()
        .join(format!("{}-{seed}.safetensors", method.name()))
}

/// Whether a plan fits the data.
pub(super) fn check(data: &Dataset, plan: &TrainingPlan) -> Result<(), Error> {
    let inputs = data.shape.length().unwrap_or(0);
    let (first, last) = (plan.layers.first(), plan.layers.last());
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
    } else if plan.steps > MOST_STEPS {
        format!("a run has at most {MOST_STEPS} steps")
    } else {
        return Ok(());
    };
    Err(fault(text))
}

/// Steps of runs side by side, counted together.
pub(super) struct Steps<'a> {
    done: Mutex<usize>,
    runs: usize,
    progress: StepsDone<'a>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(runs: usize, progress: StepsDone<'a>) -> Self {
        Self {
            done: Mutex::new(0),
            runs,
            progress,
        }
    }

    /// Counts steps of a run of this plan.
    pub(super) fn went(&self, plan: &TrainingPlan, steps: usize) {
        if let Ok(mut done) = self.done.lock() {
            *done += steps;
            (self.progress)(*done, self.runs * plan.steps);
        }
    }
}

/// What all workers see.
struct Shared<'a> {
    data: &'a Dataset,
    test: Batch,
    experiment: &'a Experiment,
    folder: &'a Path,
    steps: Steps<'a>,
}

impl Shared<'_> {
    fn start(&self, seed: u64) -> Result<UntrainedNet, Error> {
        let plan = &self.experiment.plan;
        let file = start_file(self.folder, seed);
        let facts = file.with_extension("json");
        if let Some(start) = finished(&facts, plan, None)? {
            return Ok(start);
        }
        write(&first_net(plan, seed), "start", plan, seed, &file)?;
        let start = UntrainedNet {
            seed,
            inside: measure_net(&file)?,
        };
        write_finished(&facts, plan, None, &start)?;
        Ok(start)
    }

    fn run(&self, arm: &MethodSettings, seed: u64) -> Result<RunOutcome, Error> {
        let (plan, method) = (&self.experiment.plan, arm.method);
        let file = net_file(self.folder, method, seed);
        let (facts, state) = (
            file.with_extension("json"),
            file.with_extension("state.safetensors"),
        );
        if let Some(outcome) = finished(&facts, plan, Some(arm))? {
            self.steps.went(plan, plan.steps);
            return Ok(outcome);
        }
        let sets = Sets::new(self.data, plan, seed)?;
        let went = |steps| self.steps.went(plan, steps);
        let (curve, net) = Run::finished_at(plan, &sets, arm, seed, &state, went)?;
        write(&net, method.name(), plan, seed, &file)?;
        let outcome = RunOutcome {
            method,
            seed,
            test_error: error_of(&net, &self.test),
            curve,
            inside: measure_net(&file)?,
        };
        write_finished(&facts, plan, Some(arm), &outcome)?;
        finished_runs::remove_state(&state)?;
        Ok(outcome)
    }
}

fn write(
    net: &Net,
    method: &str,
    plan: &TrainingPlan,
    seed: u64,
    file: &Path,
) -> Result<(), Error> {
    let metadata = [
        ("method", method.to_owned()),
        ("seed", seed.to_string()),
        ("train_size", plan.train_size.to_string()),
    ];
    write_net(net, plan.stored, &metadata, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;
    use crate::{NetDtype, Recipe, Rule, Schedule};
    use randomlike_report::figures::ImageShape;
    use std::fs;

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
            plan: TrainingPlan {
                layers: vec![9, 12, 8, 3],
                train_size: 30,
                validation_size: 30,
                steps: 650,
                batch: 10,
                every: 100,
                schedule: Schedule::Linear,
                stored: NetDtype::F32,
            },
            arms: [TrainingMethod::Backprop, TrainingMethod::ShadowDropout]
                .map(|method| MethodSettings {
                    method,
                    optimiser: Rule::Adam { rate: 1e-3 },
                    recipe: Recipe::default(),
                })
                .to_vec(),
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
        assert_eq!((one.0.starts.len(), one.0.outcomes.len()), (3, 6));
        assert!(
            one.1.len() == 18,
            "a net and its facts for each run and start"
        );
        // One run finished, one stopped after 500 steps, four not begun.
        let home = tempfile::tempdir().unwrap();
        let sets = Sets::new(&data, &experiment.plan, 5).unwrap();
        let mut half = Run::new(&experiment.plan, &sets, &experiment.arms[1], 5);
        half.advance(500);
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
        assert!(
            one.0
                .outcomes
                .iter()
                .all(|outcome| outcome.test_error < 0.5)
        );
        assert!(one.0.outcomes[0].curve[0].real_error > 0.5);
        // Methods of a seed start alike, and end otherwise.
        let looks = |at: usize| &one.0.outcomes[at].curve;
        assert_eq!(looks(0)[0], looks(1)[0]);
        assert_ne!(one.0.outcomes[0].inside, one.0.starts[0].inside);
        assert!(one.0.starts[0].inside[0].edge_ratio.is_some());
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
        let refused = |change: fn(&mut TrainingPlan), wanted: &str| {
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
        refused(|plan| plan.steps = usize::MAX, "at most");
        refused(|plan| plan.batch = 0, "1 or more");
    }
}
