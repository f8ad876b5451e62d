//! One run: a net, a method, a seed.

use std::path::Path;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::copies::copies;
use super::data::{Dataset, Images};
use super::gradient::{Batch, gradient};
use super::matrix::Matrix;
use super::method::{CopySource, TrainingMethod};
use super::method_settings::MethodSettings;
use super::net::{self, Net};
use super::optimiser::{Optimiser, Schedule};
use super::split::balanced;
use super::state::{self, NetDtype};
use super::{Error, fault};

/// What is the same for every method and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingPlan {
    /// Inputs, units of each hidden layer, classes.
    pub layers: Vec<usize>,
    /// Images trained on.
    pub train_size: usize,
    /// Images of the validation set, of the training files and not trained on.
    pub validation_size: usize,
    /// Steps.
    pub steps: usize,
    /// Images a step.
    pub batch: usize,
    /// Steps between two looks at the validation set.
    pub every: usize,
    /// How the step size falls.
    pub schedule: Schedule,
    /// Type of the weights in the file of a trained net.
    pub stored: NetDtype,
}

/// A look at the validation set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Steps done.
    pub step: usize,
    /// Share of the images that the net gets wrong.
    pub real_error: f64,
    /// The same on their shadows.
    pub synthetic_error: f64,
    /// Share of the images whose shadow is given the class the image is given.
    pub agreement: f64,
}

/// What the streams of one seed are for.
#[derive(Debug, Clone, Copy)]
enum RunStream {
    Subset = 0,
    Weights = 1,
    Order = 2,
    Step = 3,
    Evaluation = 4,
}

fn generator(seed: u64, stream: RunStream, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((stream as u64) << 40 | index as u64);
    rng
}

/// Images a run learns from and is watched on. The test set is not among them.
pub(super) struct Sets {
    train: Batch,
    validation: Batch,
}

impl Sets {
    /// The sets of a seed, all from the training files.
    pub(super) fn new(data: &Dataset, plan: &TrainingPlan, seed: u64) -> Result<Self, Error> {
        let mut rng = generator(seed, RunStream::Subset, 0);
        let mut choose = |count, taken: &[usize]| {
            let chosen = balanced(&data.train.labels, data.classes, count, taken, &mut rng);
            chosen.ok_or_else(|| {
                fault(format!(
                    "the data has too few images of a class for {} to train on and {} to \
                     validate with",
                    plan.train_size, plan.validation_size
                ))
            })
        };
        let train = choose(plan.train_size, &[])?;
        let validation = choose(plan.validation_size, &train)?;
        Ok(Self {
            train: batch(&data.train, &train),
            validation: batch(&data.train, &validation),
        })
    }
}

/// All the test images.
pub(super) fn test_set(data: &Dataset) -> Batch {
    let all: Vec<usize> = (0..data.test.count()).collect();
    batch(&data.test, &all)
}

/// Share of these images that a net gets wrong.
pub(super) fn error_of(net: &Net, images: &Batch) -> f64 {
    let logits = net.forward(&images.inputs, &[]).logits;
    error(&net::argmax(&logits), &images.labels)
}

/// These images, pixel/255.
fn batch(images: &Images, chosen: &[usize]) -> Batch {
    let size = images.pixels.len() / images.count().max(1);
    let mut inputs = Vec::with_capacity(size * chosen.len());
    for &image in chosen {
        let pixels = &images.pixels[image * size..][..size];
        inputs.extend(pixels.iter().map(|&p| f32::from(p) / 255.0));
    }
    Batch {
        inputs: Matrix {
            rows: chosen.len(),
            cols: size,
            entries: inputs,
        },
        labels: chosen.iter().map(|&image| images.labels[image]).collect(),
    }
}

/// A run that can stop after any step and go on.
pub(super) struct Run<'a> {
    plan: &'a TrainingPlan,
    sets: &'a Sets,
    arm: &'a MethodSettings,
    seed: u64,
    net: Net,
    optimiser: Optimiser,
    step: usize,
    curve: Vec<Evaluation>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        plan: &'a TrainingPlan,
        sets: &'a Sets,
        arm: &'a MethodSettings,
        seed: u64,
    ) -> Self {
        let net = first_net(plan, seed);
        let optimiser = Optimiser::new(arm.optimiser, &net);
        Self {
            plan,
            sets,
            arm,
            seed,
            net,
            optimiser,
            step: 0,
            curve: Vec::new(),
        }
    }

    /// Goes on to this step, at most to the last.
    pub(super) fn advance(&mut self, to: usize) {
        let end = to.min(self.plan.steps);
        while self.step < end {
            if self.step.is_multiple_of(self.plan.every.max(1)) {
                self.look();
            }
            let batch = self.batch();
            // A stream a step: what is drawn does not depend on where a run was resumed.
            let mut rng = generator(self.seed, RunStream::Step, self.step);
            let MethodSettings { method, recipe, .. } = self.arm;
            let gradient = gradient(&self.net, &batch, *method, recipe, &mut rng);
            let share = self.plan.schedule.share(self.step, self.plan.steps);
            self.optimiser.step(&mut self.net, &gradient, share);
            self.step += 1;
        }
    }

    /// The images of this step: an epoch is a permutation, the last incomplete batch left out.
    fn batch(&self) -> Batch {
        let train = &self.sets.train;
        let count = train.labels.len();
        let batch = self.plan.batch.min(count);
        let each = count / batch;
        let (epoch, at) = (self.step / each, self.step % each);
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.shuffle(&mut generator(self.seed, RunStream::Order, epoch));
        let chosen = &order[at * batch..][..batch];
        let chosen = chosen.iter().map(|&image| image as usize);
        Batch {
            inputs: train.inputs.select(chosen.clone()),
            labels: chosen.map(|image| train.labels[image]).collect(),
        }
    }

    fn look(&mut self) {
        let validation = &self.sets.validation;
        let clean = self.net.forward(&validation.inputs, &[]);
        let real = net::argmax(&clean.logits);
        let mut rng = generator(self.seed, RunStream::Evaluation, self.step);
        let source = match self.arm.method {
            TrainingMethod::Shuffled => CopySource::Shuffled,
            _ => CopySource::Shadow,
        };
        let copies = copies(&self.net, &clean, source, &self.arm.recipe, &mut rng);
        // Weights that give no shadow give inputs of zeros.
        let copies = copies.unwrap_or_else(|| {
            let Matrix { rows, cols, .. } = validation.inputs;
            Matrix::zeros(rows, cols)
        });
        let synthetic = net::argmax(&self.net.forward(&copies, &[]).logits);
        let same = real.iter().zip(&synthetic).filter(|(a, b)| a == b).count();
        self.curve.push(Evaluation {
            step: self.step,
            real_error: error(&real, &validation.labels),
            synthetic_error: error(&synthetic, &validation.labels),
            agreement: same as f64 / real.len() as f64,
        });
    }

    /// Every look, the last at the end, and the trained net.
    pub(super) fn finish(mut self) -> (Vec<Evaluation>, Net) {
        self.advance(self.plan.steps);
        self.look();
        (self.curve, self.net)
    }
}

/// The net every method of a seed starts from.
pub(super) fn first_net(plan: &TrainingPlan, seed: u64) -> Net {
    Net::new(&plan.layers, &mut generator(seed, RunStream::Weights, 0))
}

fn error(given: &[u8], labels: &[u8]) -> f64 {
    let wrong = given.iter().zip(labels).filter(|(g, l)| g != l);
    wrong.count() as f64 / labels.len().max(1) as f64
}

/// Steps between two savings of a run's state.
const SAVE: usize = 500;

impl<'a> Run<'a> {
    /// Goes to the end, keeping its state at `path` on the way and going on from a state that
    /// lies there; `went` is told of steps done.
    pub(super) fn finished_at(
        plan: &'a TrainingPlan,
        sets: &'a Sets,
        arm: &'a MethodSettings,
        seed: u64,
        path: &Path,
        went: impl Fn(usize),
    ) -> Result<(Vec<Evaluation>, Net), Error> {
        let mut run = if path.is_file() {
            Self::resumed(plan, sets, arm, seed, path)?
        } else {
            Self::new(plan, sets, arm, seed)
        };
        went(run.step);
        while run.step < plan.steps {
            let before = run.step;
            run.advance(before + SAVE.min(plan.every));
            went(run.step - before);
            if run.step.is_multiple_of(SAVE) && run.step < plan.steps {
                run.save(path)?;
            }
        }
        Ok(run.finish())
    }

    fn resumed(
        plan: &'a TrainingPlan,
        sets: &'a Sets,
        arm: &'a MethodSettings,
        seed: u64,
        path: &Path,
    ) -> Result<Self, Error> {
        let kept = state::read_state(path, arm.optimiser)?;
        let notes: Notes = serde_json::from_str(&kept.notes)
            .map_err(|e| fault(format!("`{}` is no state of ours: {e}", path.display())))?;
        let same = notes.plan == *plan && notes.arm == *arm && notes.seed == seed;
        if !same || kept.net.sizes() != plan.layers || kept.step > plan.steps {
            let path = path.display();
            return Err(fault(format!(
                "`{path}` is the state of a run with other settings; give a new folder"
            )));
        }
        Ok(Self {
            plan,
            sets,
            arm,
            seed,
            net: kept.net,
            optimiser: kept.optimiser,
            step: kept.step,
            curve: notes.curve,
        })
    }

    /// Keeps what is needed to go on as if nothing had happened.
    pub(super) fn save(&self, path: &Path) -> Result<(), Error> {
        let notes = Notes {
            plan: self.plan.clone(),
            arm: self.arm.clone(),
            seed: self.seed,
            curve: self.curve.clone(),
        };
        let notes = serde_json::to_string(&notes).map_err(|e| fault(e.to_string()))?;
        state::write_state(&self.net, &self.optimiser, self.step, &notes, path)
    }
}

/// What is kept beside the tensors.
#[derive(Serialize, Deserialize)]
struct Notes {
    plan: TrainingPlan,
    arm: MethodSettings,
    seed: u64,
    curve: Vec<Evaluation>,
}
