//! The flags of `train`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use randomlike::train::{Choice, NetDtype, Schedule};

use super::{seeds, threads};

pub(super) const EXAMPLES: &str = "\
Examples:
  randomlike train --data /usr/share/datasets/fashion-mnist --out runs
  randomlike train --data mnist --out runs --seeds 20 --methods backprop,shadow
  randomlike train --data mnist --out runs --optimiser auto --noise .5,.7,.9
  randomlike train --data cifar-10-batches-bin --out runs --layers 3072,512,10

Each step adds copies of the batch to the loss, labelled by the net itself:
`shadow` draws them from the reversed net, `noisy` drops a part of the inputs,
`shuffled` reverses weights in random order. Flags under \"Choices\" take several
values: each method then gets the one with the lowest validation error, one
choice after the other, on seeds that no table uses. Finished runs are kept: the
same command goes on where it was interrupted. The data are idx files (plain or
.gz) or CIFAR's binary ones; Debian has Fashion-MNIST as dataset-fashion-mnist.";

/// The optimisers that `auto` stands for.
const OPTIMISERS: [&str; 3] = ["adam:0.001", "adam:0.003", "sgd:0.05:0.9"];

#[derive(Debug, Args)]
pub struct Training {
    /// Folder with idx files or CIFAR's binary files.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for runs.json, the figures and the trained nets.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Units of each level [default: the pixels, 256, 256, the classes].
    #[arg(long, value_name = "N0,N1,...", value_delimiter = ',')]
    pub layers: Vec<usize>,
    /// Methods [default: all]: backprop, dropout, shadow, shadow+dropout, noisy,
    /// noisy+dropout, shuffled.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Seeds; every method runs with each.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = seeds)]
    pub seeds: usize,
    /// The first of them.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub first_seed: u32,
    /// Images trained on, as many of each class.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub train_size: usize,
    /// Training images held back to watch the runs and to choose by.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub validation_size: usize,
    /// Steps of a run.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub steps: usize,
    /// Images a step.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub batch: usize,
    /// Steps between two looks at the validation set.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub every: usize,
    /// How the step size falls.
    #[arg(long, value_enum, default_value_t = ScheduleName::Linear)]
    pub schedule: ScheduleName,
    /// Seeds to choose with, where a choice has several values.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = seeds)]
    pub tuning_seeds: usize,
    /// Type of the weights in the files of the trained nets.
    #[arg(long, value_enum, default_value_t = StoredName::F32)]
    pub store: StoredName,
    /// Print runs.json instead of the tables.
    #[arg(long)]
    pub json: bool,
    /// Runs at a time; all processors when left out. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub choices: Choices,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Choices, several values of which are tried")]
pub struct Choices {
    /// adam:RATE, sgd:RATE:MOMENTUM, or auto for adam:0.001, adam:0.003 and
    /// sgd:0.05:0.9.
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        default_value = "adam:0.001"
    )]
    pub optimiser: Vec<String>,
    /// Dropout of the inputs.
    #[arg(
        long,
        value_name = "RATE",
        value_delimiter = ',',
        default_value = "0.2"
    )]
    pub dropout_input: Vec<String>,
    /// Dropout of the hidden levels.
    #[arg(
        long,
        value_name = "RATE",
        value_delimiter = ',',
        default_value = "0.2"
    )]
    pub dropout_hidden: Vec<String>,
    /// Share of the inputs dropped in a noisy copy.
    #[arg(
        long,
        value_name = "RATE",
        value_delimiter = ',',
        default_value = "0.7"
    )]
    pub noise: Vec<String>,
    /// Weight of the loss on copies.
    #[arg(
        long,
        value_name = "WEIGHT",
        value_delimiter = ',',
        default_value = "1"
    )]
    pub copy_weight: Vec<String>,
    /// Label of a copy: soft (the net's output), true or argmax.
    #[arg(
        long,
        value_name = "LABEL",
        value_delimiter = ',',
        default_value = "soft"
    )]
    pub copy_label: Vec<String>,
    /// Copies of each image a step.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1")]
    pub copies: Vec<String>,
    /// Hidden level whose code a shadow is drawn from: top, or 1, 2, ... from the
    /// input up.
    #[arg(
        long,
        value_name = "LEVEL",
        value_delimiter = ',',
        default_value = "top"
    )]
    pub copy_level: Vec<String>,
    /// Size of a shadow: theory (α = 2/(ρns²)), or norm, as long as its original.
    #[arg(
        long,
        value_name = "SCALE",
        value_delimiter = ',',
        default_value = "theory"
    )]
    pub copy_scale: Vec<String>,
    /// Biases on the way down: none, or own (a hidden level's own).
    #[arg(
        long,
        value_name = "BIASES",
        value_delimiter = ',',
        default_value = "none"
    )]
    pub copy_biases: Vec<String>,
    /// Share of the inputs kept in a shadow.
    #[arg(long, value_name = "SHARE", value_delimiter = ',', default_value = "1")]
    pub keep_input: Vec<String>,
    /// Share of each hidden level kept on the way down.
    #[arg(
        long,
        value_name = "SHARE",
        value_delimiter = ',',
        default_value = "0.5"
    )]
    pub keep_hidden: Vec<String>,
}

impl Choices {
    /// The values of a choice.
    pub fn values(&self, choice: Choice) -> Vec<String> {
        let values = match choice {
            Choice::Optimiser => &self.optimiser,
            Choice::DropoutInput => &self.dropout_input,
            Choice::DropoutHidden => &self.dropout_hidden,
            Choice::Noise => &self.noise,
            Choice::CopyWeight => &self.copy_weight,
            Choice::CopyLabel => &self.copy_label,
            Choice::Copies => &self.copies,
            Choice::CopyLevel => &self.copy_level,
            Choice::CopyScale => &self.copy_scale,
            Choice::CopyBiases => &self.copy_biases,
            Choice::KeepInput => &self.keep_input,
            Choice::KeepHidden => &self.keep_hidden,
        };
        let auto = choice == Choice::Optimiser && *values == ["auto"];
        if auto {
            OPTIMISERS.map(str::to_owned).to_vec()
        } else {
            values.clone()
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ScheduleName {
    /// In a line to 0.
    Linear,
    /// Along half a cosine to 0.
    Cosine,
    /// Not at all.
    Constant,
}

impl From<ScheduleName> for Schedule {
    fn from(name: ScheduleName) -> Self {
        match name {
            ScheduleName::Linear => Self::Linear,
            ScheduleName::Cosine => Self::Cosine,
            ScheduleName::Constant => Self::Constant,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StoredName {
    /// As they were trained.
    F32,
    /// Rounded to 16 bits.
    F16,
}

impl From<StoredName> for NetDtype {
    fn from(name: StoredName) -> Self {
        match name {
            StoredName::F32 => Self::F32,
            StoredName::F16 => Self::F16,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use randomlike::train::{
        Choice, CopyLabel, CopyScale, MethodSettings, Recipe, Rule, TrainingMethod,
    };

    use crate::args::{Cli, Command};

    // The defaults are written in the help and in the library; each starts from another value.
    #[test]
    fn the_flags_defaults_are_the_librarys() {
        let flags = ["randomlike", "train", "--data", "a", "--out", "b"];
        let Command::Train(training) = Cli::parse_from(flags).command else {
            panic!("another command");
        };
        let mut arm = MethodSettings {
            method: TrainingMethod::Shadow,
            optimiser: Rule::Adam { rate: 0.5 },
            recipe: Recipe {
                copy_weight: 9.0,
                copy_label: CopyLabel::True,
                copies: 9,
                copy_level: Some(9),
                copy_scale: CopyScale::Norm,
                copy_biases: true,
                keep_input: 0.9,
                keep_hidden: 0.9,
                noise: 0.9,
                dropout_input: 0.9,
                dropout_hidden: 0.9,
            },
        };
        for choice in Choice::ALL {
            for value in training.choices.values(choice) {
                choice.set(&mut arm, &value).unwrap();
            }
        }
        assert_eq!(arm.recipe, Recipe::default());
        assert_eq!(arm.optimiser, Rule::Adam { rate: 1e-3 });
    }
}
