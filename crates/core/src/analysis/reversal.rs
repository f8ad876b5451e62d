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
        self.run((entries, layer, bias), |stored, plan| {
            shadow::measure_beside(stored, plan, beside, room)
        })
    }

    /// The default plan on S of a layer, or why there is nothing to run.
    pub(super) fn measure_balanced(
        &self,
        entries: &[f32],
        layer: &Layer,
        bias: Option<&[f64]>,
    ) -> Section<BalancedShadow> {
        self.run((entries, layer, bias), |stored, plan| {
            let mut plan = *plan;
            // Of a large layer one draw is like the next: 20 tell the ratio as well as it matters.
            if stored.fan_in.min(stored.fan_out) >= LARGE {
                (plan.trials, plan.calibration) = (20, 12);
            }
            shadow::measure_balanced(stored, &plan)
        })
    }

    /// What `measure` finds by the default plan, or why there is nothing to run.
    fn run<T, F>(
        &self,
        (entries, layer, bias): (&[T], &Layer, Option<&[f64]>),
        measure: impl FnOnce(&StoredLayer<'_, T>, &ShadowPlan) -> Result<F, ShadowError>,
    ) -> Section<F> {
        if let Some(reason) = &self.refused {
            return Section::Skipped {
                reason: reason.clone(),
            };
        }
        let stored = StoredLayer {
            entries,
            fan_in: layer.fan_in,
            fan_out: layer.fan_out,
            orientation: layer.orientation,
            bias,
        };
        let plan = ShadowPlan::for_layer(layer.fan_in, layer.fan_out, self.seed);
        measure(&stored, &plan).map_or_else(
            |fault| Section::Skipped {
                reason: Unmeasured::Fault(fault.to_string()),
            },
            Section::Measured,
        )
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
