//! Enough of the checkpoint could be judged.

use randomlike_checkpoint::Dtype;
use serde::Deserialize;

use super::figure::{counted, figure};
use super::{Check, Finding, Level, Outcome, Ruling};
use randomlike_core::audit::{Audit, LayerFacts, Skipped};

/// Level and limits of the check.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// What a failure means for the gate.
    pub level: Level,
    /// Layers that must have been judged.
    pub min_layers: usize,
    /// Share of the weights that must lie in them.
    pub min_share: f64,
}

impl Covered {
    /// `findings` are those of each layer, in the order of the audit.
    pub(super) fn judge(&self, audit: &Audit, findings: &[Vec<Finding>]) -> Ruling {
        let judged: Vec<_> = audit
            .layers
            .iter()
            .zip(findings)
            .filter(|(layer, findings)| is_judged(layer, findings))
            .map(|(layer, _)| layer)
            .collect();
        let unread: Vec<_> = audit.skipped.iter().filter(|s| is_unread(s)).collect();
        let whole = audit.layers.iter().map(weights).sum::<f64>()
            + unread.iter().map(|s| entries(s)).sum::<f64>();
        let seen = judged.iter().map(|layer| weights(layer)).sum::<f64>();
        let holds = judged.len() >= self.min_layers && seen >= self.min_share * whole;
        let measured = format!(
            "{} of {} judged, {} % of the weights{}",
            judged.len(),
            counted(audit.layers.len() as u64, "layer"),
            figure(percent(seen, whole)),
            and_unread(&unread)
        );
        let limit = format!(
            "at least {} judged, with {} % of the weights",
            counted(self.min_layers as u64, "layer"),
            100.0 * self.min_share
        );
        let meaning = if holds {
            "The findings speak for the layers of this checkpoint."
        } else {
            "Too little of this checkpoint was seen for the findings to speak for it."
        };
        Ruling::new(holds, measured, limit, meaning.to_owned())
    }
}

// Facts about a layer too small to tell anything by are no judgement of it.
fn is_judged(layer: &LayerFacts, findings: &[Finding]) -> bool {
    let told = |finding: &Finding| {
        matches!(finding.check, Check::WeightsGaussian | Check::QuarterCircle)
            && finding.outcome != Outcome::Skipped
    };
    layer.weights.measured().is_some()
        && layer.spectrum.measured().is_some()
        && findings.iter().any(told)
}

// A matrix, or a stack of them, that nobody asked to leave out: most likely a quantised
// layer. Logical masks and 64-bit indices are buffers.
fn is_unread(skipped: &Skipped) -> bool {
    matches!(skipped.tensor.shape.len(), 2 | 3)
        && !skipped.tensor.is_read()
        && !matches!(skipped.tensor.dtype, Dtype::Bool | Dtype::I64 | Dtype::U64)
        && !skipped.reason.starts_with("matches ")
}

fn weights(layer: &LayerFacts) -> f64 {
    layer.fan_in as f64 * layer.fan_out as f64
}

fn entries(skipped: &Skipped) -> f64 {
    skipped
        .tensor
        .shape
        .iter()
        .map(|&side| side as f64)
        .product()
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        100.0 * part / whole
    } else {
        0.0
    }
}

fn and_unread(unread: &[&Skipped]) -> String {
    unread.first().map_or_else(String::new, |first| {
        let tensors = counted(unread.len() as u64, "matrix-shaped tensor");
        format!(
            "; {tensors} could not be read (dtype {})",
            first.tensor.dtype
        )
    })
}
