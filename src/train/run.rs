//! One run: a net, a method, a seed.

use std::path::Path;

use candle_core::{D, Device, Result, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::data::{Dataset, Images};
use super::method::{self, Batch, Method, Recipe, Source};
use super::net::{self, Net};
use super::optimiser::{Optimiser, Rule};
use super::split::balanced;
use super::{Fault, fault, state};

/// What is the same for every method and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
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
    /// The optimiser. Its step size falls to 0 in a line.
    pub rule: Rule,
    /// The choices the paper leaves open.
    pub recipe: Recipe,
}

/// A look at the validation set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Steps done.
    pub step: usize,
    /// Share of the images that the net gets wrong.
    pub real_error: f64,
    /// The same on their shadows.
    pub synthetic_error: f64,
    /// Share of the images whose shadow is given the class the image is given.
    pub agreement: f64,
}

/// How a run came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The method.
    pub method: Method,
    /// The seed of subset, first weights, order and everything drawn.
    pub seed: u64,
    /// The rule it was run with.
    pub rule: Rule,
    /// Share of the test images that the net gets wrong, at the end.
    pub test_error: f64,
    /// Looks at the validation set, the last at the end.
    pub curve: Vec<Look>,
}

/// What the streams of one seed are for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Subset = 0,
    Weights = 1,
    Order = 2,
    Step = 3,
    Look = 4,
}

fn generator(seed: u64, purpose: Purpose, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 40 | index as u64);
    rng
}

/// Images of one run, on the device.
pub(super) struct Sets {
    train: Batch,
    validation: Batch,
    test: Batch,
}

impl Sets {
    /// The sets of a seed; nothing where a class has too few images.
    pub(super) fn new(data: &Dataset, plan: &Plan, seed: u64) -> Result<Option<Self>> {
        let mut rng = generator(seed, Purpose::Subset, 0);
        let labels = &data.train.labels;
        let choose = |count, taken: &[usize], rng: &mut ChaCha8Rng| {
            balanced(labels, data.classes, count, taken, rng)
        };
        let Some(train) = choose(plan.train_size, &[], &mut rng) else {
            return Ok(None);
        };
        let Some(validation) = choose(plan.validation_size, &train, &mut rng) else {
            return Ok(None);
        };
        let all: Vec<usize> = (0..data.test.count()).collect();
        Ok(Some(Self {
            train: batch(&data.train, &train)?,
            validation: batch(&data.train, &validation)?,
            test: batch(&data.test, &all)?,
        }))
    }
}

/// These images, pixel/255.
fn batch(images: &Images, chosen: &[usize]) -> Result<Batch> {
    let size = images.pixels.len() / images.count().max(1);
    let mut inputs = Vec::with_capacity(size * chosen.len());
    for &image in chosen {
        let pixels = &images.pixels[image * size..][..size];
        inputs.extend(pixels.iter().map(|&p| f32::from(p) / 255.0));
    }
    Ok(Batch {
        inputs: Tensor::from_vec(inputs, (chosen.len(), size), &Device::Cpu)?,
        labels: chosen.iter().map(|&image| images.labels[image]).collect(),
    })
}

/// A run that can stop after any step and go on.
pub(super) struct Run<'a> {
    plan: &'a Plan,
    sets: &'a Sets,
    method: Method,
    seed: u64,
    net: Net,
    optimiser: Optimiser,
    step: usize,
    curve: Vec<Look>,
}

impl<'a> Run<'a> {
    pub(super) fn new(plan: &'a Plan, sets: &'a Sets, method: Method, seed: u64) -> Result<Self> {
        let net = Net::new(&plan.layers, &mut generator(seed, Purpose::Weights, 0))?;
        let optimiser = Optimiser::new(plan.rule, net.parameters())?;
        Ok(Self {
            plan,
            sets,
            method,
            seed,
            net,
            optimiser,
            step: 0,
            curve: Vec::new(),
        })
    }

    /// Steps done.
    pub(super) const fn steps(&self) -> usize {
        self.step
    }

    /// Goes on to this step, at most to the last.
    pub(super) fn advance(&mut self, to: usize) -> Result<()> {
        let end = to.min(self.plan.steps);
        while self.step < end {
            if self.step.is_multiple_of(self.plan.every.max(1)) {
                self.look()?;
            }
            let batch = self.batch()?;
            // A stream a step: what is drawn does not depend on where a run was resumed.
            let mut rng = generator(self.seed, Purpose::Step, self.step);
            let recipe = &self.plan.recipe;
            let loss = method::loss(&self.net, &batch, self.method, recipe, &mut rng)?;
            let gradients = loss.objective.backward()?;
            let share = 1.0 - self.step as f64 / self.plan.steps as f64;
            self.optimiser
                .step(self.net.parameters(), &gradients, share)?;
            self.step += 1;
        }
        Ok(())
    }

    /// The images of this step: an epoch is a permutation, the last incomplete batch left out.
    fn batch(&self) -> Result<Batch> {
        let train = &self.sets.train;
        let count = train.labels.len();
        let batch = self.plan.batch.min(count);
        let each = count / batch;
        let (epoch, at) = (self.step / each, self.step % each);
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.shuffle(&mut generator(self.seed, Purpose::Order, epoch));
        let chosen = &order[at * batch..][..batch];
        Ok(Batch {
            inputs: train
                .inputs
                .index_select(&Tensor::new(chosen, &Device::Cpu)?, 0)?,
            labels: chosen.iter().map(|&i| train.labels[i as usize]).collect(),
        })
    }

    fn look(&mut self) -> Result<()> {
        let validation = &self.sets.validation;
        let layers = self.net.frozen();
        let clean = net::forward(&layers, &validation.inputs, &[])?;
        let real = classes(&clean.logits)?;
        let mut rng = generator(self.seed, Purpose::Look, self.step);
        let source = match self.method {
            Method::Shuffled => Source::Shuffled,
            _ => Source::Shadow,
        };
        let recipe = &self.plan.recipe;
        let copies = method::copies(&self.net, validation, &clean, source, recipe, &mut rng)?;
        // Weights that give no shadow give inputs of zeros.
        let copies = match copies {
            Some(copies) => copies,
            None => validation.inputs.zeros_like()?,
        };
        let synthetic = classes(&net::forward(&layers, &copies, &[])?.logits)?;
        let same = real.iter().zip(&synthetic).filter(|(a, b)| a == b).count();
        self.curve.push(Look {
            step: self.step,
            real_error: error(&real, &validation.labels),
            synthetic_error: error(&synthetic, &validation.labels),
            agreement: same as f64 / real.len() as f64,
        });
        Ok(())
    }

    /// The last look, and the test set's only one.
    pub(super) fn finish(mut self) -> Result<(Outcome, Net)> {
        self.advance(self.plan.steps)?;
        self.look()?;
        let test = &self.sets.test;
        let logits = net::forward(&self.net.frozen(), &test.inputs, &[])?.logits;
        let outcome = Outcome {
            method: self.method,
            seed: self.seed,
            rule: self.plan.rule,
            test_error: error(&classes(&logits)?, &test.labels),
            curve: self.curve,
        };
        Ok((outcome, self.net))
    }
}

fn classes(logits: &Tensor) -> Result<Vec<u32>> {
    logits.argmax(D::Minus1)?.to_vec1()
}

fn error(given: &[u32], labels: &[u8]) -> f64 {
    let wrong = given
        .iter()
        .zip(labels)
        .filter(|(g, l)| **g != u32::from(**l));
    wrong.count() as f64 / labels.len().max(1) as f64
}

impl<'a> Run<'a> {
    /// The run whose state was saved at `path`, or one from the beginning where there is none.
    pub(super) fn resumed_or_new(
        plan: &'a Plan,
        sets: &'a Sets,
        method: Method,
        seed: u64,
        path: &Path,
    ) -> std::result::Result<Self, Fault> {
        if !path.is_file() {
            return Ok(Self::new(plan, sets, method, seed)?);
        }
        let kept = state::read_state(path, plan.rule)?;
        let notes: Notes = serde_json::from_str(&kept.notes)
            .map_err(|e| fault(format!("`{}` is no state of ours: {e}", path.display())))?;
        let same = notes.plan == *plan && notes.method == method && notes.seed == seed;
        if !same || kept.net.sizes != plan.layers || kept.step > plan.steps {
            let path = path.display();
            return Err(fault(format!(
                "`{path}` is the state of a run with other settings; give a new folder"
            )));
        }
        Ok(Self {
            plan,
            sets,
            method,
            seed,
            net: kept.net,
            optimiser: kept.optimiser,
            step: kept.step,
            curve: notes.curve,
        })
    }

    /// Keeps what is needed to go on as if nothing had happened.
    pub(super) fn save(&self, path: &Path) -> std::result::Result<(), Fault> {
        let notes = Notes {
            plan: self.plan.clone(),
            method: self.method,
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
    plan: Plan,
    method: Method,
    seed: u64,
    curve: Vec<Look>,
}
