//! The layer in reverse and forward again, where the theory's premise holds.

use super::Options;
use crate::audit::{
    ActivationSource, BalancedShadow, ChainShadow, LayerShadow, Premise, Section, Unmeasured,
};
use crate::controls::{self, Control};
use crate::layers::Layer;
use crate::shadow::activation::is_relu;
use crate::shadow::{self, ChainPlan, ShadowError, ShadowPlan, StoredLayer};
use randomlike_checkpoint::Checkpoint;

/// Inputs and outputs from which S is run with fewer draws.
const LARGE: usize = 512;

/// What is run on every layer of a checkpoint.
pub(super) struct Model {
    /// What it rests on.
    pub premise: Premise,
    /// Why it is not run.
    refused: Option<Unmeasured>,
    seed: u64,
}

impl Model {
    /// `named` is the activation and where it was named.
    pub(super) fn new(named: Option<&(String, ActivationSource)>, options: &Options) -> Self {
        let premise = match named {
            None => Premise::ReluAssumed,
            Some((name, _)) if is_relu(name) => Premise::ReluNamed,
            Some(_) if options.assume_relu => Premise::ReluAgainstName,
            Some(_) => Premise::NotRelu,
        };
        let refused = named.filter(|_| premise == Premise::NotRelu);
        Self {
            premise,
            refused: refused.map(|(name, place)| Unmeasured::NotRelu {
                activation: name.clone(),
                place: *place,
            }),
            seed: options.seed,
        }
    }

    /// Whether there is anything to run.
    pub(super) const fn runs(&self) -> bool {
        self.refused.is_none()
    }

    /// The default plan on one layer, or why there is nothing to run; `beside` sees each control,
    /// which is in `room`.
    pub(super) fn measure<T: controls::Scaled>(
        &self,
        entries: &[T],
        layer: &Layer,
        bias: Option<&[f64]>,
        beside: &mut dyn FnMut(Control, &controls::ControlMatrix<'_>),
        room: &mut Vec<f32>,
    ) -> Section<LayerShadow> {
        if let Some(reason) = &self.refused {
            return Section::Skipped {
                reason: reason.clone(),
            };
        }
        let (n, m) = (layer.fan_in, layer.fan_out);
        let stored = StoredLayer {
            entries,
            fan_in: n,
            fan_out: m,
            orientation: layer.orientation,
            bias,
        };
        match shadow::measure_beside(
            &stored,
            &ShadowPlan::for_layer(n, m, self.seed),
            beside,
            room,
        ) {
            Ok(facts) => Section::Measured(facts),
            Err(fault) => Section::Skipped {
                reason: Unmeasured::Fault(fault.to_string()),
            },
        }
    }
}

impl Model {
    /// The default plan on S of a layer, or why there is nothing to run.
    pub(super) fn measure_balanced(
        &self,
        entries: &[f32],
        layer: &Layer,
        bias: Option<&[f64]>,
    ) -> Section<BalancedShadow> {
        if let Some(reason) = &self.refused {
            return Section::Skipped {
                reason: reason.clone(),
            };
        }
        let (n, m) = (layer.fan_in, layer.fan_out);
        let stored = StoredLayer {
            entries,
            fan_in: n,
            fan_out: m,
            orientation: layer.orientation,
            bias,
        };
        let mut plan = ShadowPlan::for_layer(n, m, self.seed);
        // Of a large layer one draw is like the next: the ratio of 20 is known as well as it matters.
        if n.min(m) >= LARGE {
            (plan.trials, plan.calibration) = (20, 12);
        }
        match shadow::measure_balanced(&stored, &plan) {
            Ok(facts) => Section::Measured(facts),
            Err(fault) => Section::Skipped {
                reason: Unmeasured::Fault(fault.to_string()),
            },
        }
    }

    /// The default plan on layers that feed each other, or why there is nothing to run.
    pub(super) fn measure_chain(
        &self,
        checkpoint: &Checkpoint,
        layers: &[&Layer],
        progress: &dyn Fn(usize),
    ) -> crate::Result<Section<ChainShadow>> {
        if let Some(reason) = &self.refused {
            return Ok(Section::Skipped {
                reason: reason.clone(),
            });
        }
        let plan = ChainPlan::for_layers(layers, self.seed);
        match shadow::of_chain(checkpoint, layers, &plan, None, progress) {
            Ok(run) => Ok(Section::Measured(run.facts)),
            Err(ShadowError::Read(error)) => Err(*error),
            Err(fault) => Ok(Section::Skipped {
                reason: Unmeasured::Fault(fault.to_string()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_premise_follows_what_is_named() {
        let premise = |name: Option<&str>, assume_relu| {
            let options = Options {
                assume_relu,
                ..Options::default()
            };
            let named = name.map(|name| (name.to_owned(), ActivationSource::Config));
            let model = Model::new(named.as_ref(), &options);
            (model.premise, model.refused)
        };
        assert_eq!(premise(None, false), (Premise::ReluAssumed, None));
        assert_eq!(premise(Some("relu"), false), (Premise::ReluNamed, None));
        assert_eq!(
            premise(Some("gelu"), true),
            (Premise::ReluAgainstName, None)
        );
        let (refused, reason) = premise(Some("gelu"), false);
        assert_eq!(refused, Premise::NotRelu);
        let reason = reason.unwrap().to_string();
        assert!(
            reason.contains("config.json names the activation `gelu`"),
            "{reason}"
        );
    }
}
