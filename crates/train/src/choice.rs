//! What can be chosen for an arm, by name: the flags of `train`, and what is tried on validation
//! data where several values are given.

use std::fmt::Display;
use std::str::FromStr;

use super::method::{CopySource, TrainingMethod};
use super::method_settings::{CopyLabel, CopyScale, MethodSettings};
use super::{Error, fault};

/// One thing that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Optimiser and its first step size.
    Optimiser,
    /// Dropout rate of the input.
    DropoutInput,
    /// Dropout rate of the hidden levels.
    DropoutHidden,
    /// Share of the inputs dropped in a noisy copy.
    Noise,
    /// Weight of the loss on copies.
    CopyWeight,
    /// Label of a copy.
    CopyLabel,
    /// Copies of each image a step.
    Copies,
    /// The level whose code is reversed.
    CopyLevel,
    /// How large a shadow is.
    CopyScale,
    /// Biases on the way down.
    CopyBiases,
    /// Share of the inputs kept in a shadow.
    KeepInput,
    /// Share of each hidden level kept on the way down.
    KeepHidden,
}

impl Choice {
    /// All of them, in the order they are chosen in.
    pub const ALL: [Self; 12] = [
        Self::Optimiser,
        Self::DropoutInput,
        Self::DropoutHidden,
        Self::Noise,
        Self::CopyWeight,
        Self::CopyLabel,
        Self::Copies,
        Self::CopyLevel,
        Self::CopyScale,
        Self::CopyBiases,
        Self::KeepInput,
        Self::KeepHidden,
    ];

    /// Its name on the command line and in runs.json.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Optimiser => "optimiser",
            Self::DropoutInput => "dropout-input",
            Self::DropoutHidden => "dropout-hidden",
            Self::Noise => "noise",
            Self::CopyWeight => "copy-weight",
            Self::CopyLabel => "copy-label",
            Self::Copies => "copies",
            Self::CopyLevel => "copy-level",
            Self::CopyScale => "copy-scale",
            Self::CopyBiases => "copy-biases",
            Self::KeepInput => "keep-input",
            Self::KeepHidden => "keep-hidden",
        }
    }

    /// Whether a run of this method comes out otherwise when it is chosen otherwise.
    pub const fn concerns(self, method: TrainingMethod) -> bool {
        let source = method.source();
        match self {
            Self::Optimiser => true,
            Self::DropoutInput | Self::DropoutHidden => method.drops(),
            Self::Noise => matches!(source, Some(CopySource::Noise)),
            Self::CopyWeight | Self::CopyLabel | Self::Copies => source.is_some(),
            Self::CopyLevel
            | Self::CopyScale
            | Self::CopyBiases
            | Self::KeepInput
            | Self::KeepHidden => matches!(source, Some(CopySource::Shadow | CopySource::Shuffled)),
        }
    }

    /// Chooses it for an arm.
    ///
    /// # Errors
    /// When the value is none it can have.
    pub fn set(self, arm: &mut MethodSettings, value: &str) -> Result<(), Error> {
        let recipe = &mut arm.recipe;
        match self {
            Self::Optimiser => arm.optimiser = value.parse().map_err(|e| self.fault(value, e))?,
            Self::DropoutInput => recipe.dropout_input = self.rate(value)?,
            Self::DropoutHidden => recipe.dropout_hidden = self.rate(value)?,
            Self::Noise => recipe.noise = self.rate(value)?,
            Self::CopyWeight => recipe.copy_weight = self.weight(value)?,
            Self::CopyLabel => {
                recipe.copy_label = match value {
                    "soft" => CopyLabel::Soft,
                    "true" => CopyLabel::True,
                    "argmax" => CopyLabel::Argmax,
                    _ => return Err(self.fault(value, "there are soft, true and argmax")),
                }
            }
            Self::Copies => {
                let copies = self.number(value, "a whole number from 1 to 100")?;
                recipe.copies = Some(copies)
                    .filter(|copies| (1..=100).contains(copies))
                    .ok_or_else(|| self.fault(value, "a whole number from 1 to 100"))?;
            }
            Self::CopyLevel => {
                recipe.copy_level = match value {
                    "top" => None,
                    _ => Some(self.number(value, "`top`, or a level from 1")?),
                }
            }
            Self::CopyScale => {
                recipe.copy_scale = match value {
                    "theory" => CopyScale::Theory,
                    "norm" => CopyScale::Norm,
                    _ => return Err(self.fault(value, "there are theory and norm")),
                }
            }
            Self::CopyBiases => {
                recipe.copy_biases = match value {
                    "none" => false,
                    "own" => true,
                    _ => return Err(self.fault(value, "there are none and own")),
                }
            }
            Self::KeepInput => recipe.keep_input = self.share(value)?,
            Self::KeepHidden => recipe.keep_hidden = self.share(value)?,
        }
        Ok(())
    }

    fn number<T: FromStr>(self, value: &str, wanted: &str) -> Result<T, Error> {
        value.parse().map_err(|_| self.fault(value, wanted))
    }

    fn within(self, value: &str, inside: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, Error> {
        let number = self.number(value, wanted)?;
        let inside = inside(number);
        inside
            .then_some(number)
            .ok_or_else(|| self.fault(value, wanted))
    }

    fn rate(self, value: &str) -> Result<f64, Error> {
        let inside = |x: f64| (0.0..1.0).contains(&x);
        self.within(value, inside, "a rate is from 0 to below 1")
    }

    fn share(self, value: &str) -> Result<f64, Error> {
        let inside = |x: f64| x > 0.0 && x <= 1.0;
        self.within(value, inside, "a share kept is above 0 and at most 1")
    }

    fn weight(self, value: &str) -> Result<f64, Error> {
        let inside = |x: f64| (0.0..=1e6).contains(&x);
        self.within(value, inside, "a weight is 0 or more")
    }

    fn fault(self, value: &str, wanted: impl Display) -> Error {
        fault(format!("`--{} {value}`: {wanted}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Recipe, Rule};

    fn arm() -> MethodSettings {
        MethodSettings {
            method: TrainingMethod::Shadow,
            optimiser: Rule::Adam { rate: 1e-3 },
            recipe: Recipe::default(),
        }
    }

    // A value other than the default changes the arm, whatever is chosen.
    #[test]
    fn every_choice_is_kept() {
        let values = [
            "sgd:0.05:0.9",
            "0.3",
            "0.4",
            "0.1",
            "2",
            "argmax",
            "2",
            "1",
            "norm",
            "own",
            "0.5",
            "0.25",
        ];
        let mut all = Vec::new();
        for (choice, value) in Choice::ALL.into_iter().zip(values) {
            let mut changed = arm();
            choice.set(&mut changed, value).unwrap();
            assert_ne!(changed, arm(), "{}", choice.name());
            assert!(!all.contains(&changed));
            all.push(changed);
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        let refused = |choice: Choice, value: &str, wanted: &str| {
            let fault = choice.set(&mut arm(), value).unwrap_err().to_string();
            assert!(
                fault.contains(wanted) && fault.contains(choice.name()),
                "{fault}"
            );
        };
        refused(Choice::Optimiser, "rmsprop", "adam or sgd");
        refused(Choice::Optimiser, "adam:0", "above 0");
        refused(Choice::Optimiser, "sgd:0.1:1", "momentum");
        refused(Choice::Optimiser, "adam:0.1:0.9", "adam:RATE");
        refused(Choice::DropoutHidden, "1", "below 1");
        refused(Choice::KeepInput, "0", "above 0");
        refused(Choice::CopyWeight, "nan", "0 or more");
        refused(Choice::CopyLabel, "hard", "soft, true and argmax");
        refused(Choice::Copies, "0", "from 1");
        refused(Choice::CopyLevel, "bottom", "`top`");
        refused(Choice::CopyScale, "unit", "theory and norm");
        refused(Choice::CopyBiases, "all", "none and own");
    }

    #[test]
    fn only_what_matters_is_tried() {
        assert!(Choice::Optimiser.concerns(TrainingMethod::Backprop));
        assert!(!Choice::CopyWeight.concerns(TrainingMethod::Dropout));
        assert!(Choice::CopyWeight.concerns(TrainingMethod::Noisy));
        assert!(!Choice::KeepHidden.concerns(TrainingMethod::Noisy));
        assert!(!Choice::Noise.concerns(TrainingMethod::Shadow));
        assert!(!Choice::DropoutInput.concerns(TrainingMethod::Shadow));
    }
}
