//! Enough of the checkpoint could be judged.

use serde::Deserialize;

use super::{
    Case, Check, CheckDefinition, Finding, FindingOutcome, FindingValue, LimitRange, Rule, Ruling,
    Subject, Unit,
};
use randomlike_checkpoint::Dtype;
use randomlike_core::audit::{Audit, LayerFacts, Settings, Skipped, TensorSkip};
use randomlike_core::layers;

pub(super) static CHECK: CheckDefinition = CheckDefinition {
    name: "covered",
    description: "Enough of the checkpoint could be judged.",
    measures: "How many layers, with which share of the weights, had their weights and spectrum \
               measured and enough of them for weights-gaussian or quarter-circle to tell. There \
               is no null: the limits are a count and a share.",
    leaves_open: "Anything about the layers that were not judged: they may be random-like or not.",
    policy: r#"# A layer counts when its weights and spectrum were measured, and weights-gaussian or
# quarter-circle had enough of them to tell.
level = "deny"
# A judgement needs at least one layer behind it; less than 1 is refused.
min_layers = 1
# Share of the weights in such layers, from 0 to 1. Whole is every weight of every layer
# and every matrix in a dtype that is not read (integers without scales, packed 4-bit). Small output layers
# cannot be judged, so not all of it can be asked for; with half of it unseen, nothing is
# said about the net.
min_share = 0.5
"#,
    ranges: &[
        LimitRange {
            key: "min_layers",
            // A gate that asks for no layer would pass what nobody looked at.
            range: 1.0..=f64::MAX,
            wanted: "1 or more",
        },
        LimitRange {
            key: "min_share",
            range: 0.0..=1.0,
            wanted: "a share from 0 to 1",
        },
    ],
    subject: Subject::Checkpoint,
    measured: "{judged} of {layers:layer} judged, {share} % of the weights[; \
               {unread:matrix-shaped tensor} could not be read (dtype {dtype})]",
    limit: "at least {min_layers:layer} judged, with {min_share:%} % of the weights",
    read: |table| Rule::checkpoint(table, Limits::judge),
};

static ENOUGH: Case = Case::new(
    "enough",
    "The findings speak for the layers of this checkpoint.",
);
static TOO_LITTLE: Case = Case::new(
    "too-little",
    "Too little of this checkpoint was seen for the findings to speak for it.",
);

#[derive(Deserialize)]
struct Limits {
    /// Layers that must have been judged.
    min_layers: usize,
    /// Share of the weights that must lie in them.
    min_share: f64,
}

impl Limits {
    /// `findings` are those of each layer, in the order of the audit.
    fn judge(&self, audit: &Audit, findings: &[Vec<Finding>]) -> Ruling {
        let judged: Vec<_> = audit
            .layers
            .iter()
            .zip(findings)
            .filter(|(layer, findings)| is_judged(layer, findings))
            .map(|(layer, _)| layer)
            .collect();
        let unread = |skipped: &&Skipped| is_unread(skipped, &audit.settings);
        let unread: Vec<_> = audit.skipped.iter().filter(unread).collect();
        let whole = audit.layers.iter().map(weights).sum::<f64>()
            + unread.iter().map(|s| entries(s)).sum::<f64>();
        let seen = judged.iter().map(|layer| weights(layer)).sum::<f64>();
        let holds = judged.len() >= self.min_layers && seen >= self.min_share * whole;
        let case = if holds { &ENOUGH } else { &TOO_LITTLE };
        let ruling = Ruling::judged(holds, case).values([
            FindingValue::count("judged", judged.len() as u64).at_least(self.min_layers as f64),
            FindingValue::count("layers", audit.layers.len() as u64),
            FindingValue::new("share", percent(seen, whole))
                .unit(Unit::Percent)
                .at_least(100.0 * self.min_share),
        ]);
        match unread.first() {
            None => ruling,
            Some(first) => ruling
                .values([FindingValue::count("unread", unread.len() as u64)])
                .named("dtype", first.tensor.dtype.name()),
        }
    }
}

// Facts about a layer too small to tell anything by are no judgement of it.
fn is_judged(layer: &LayerFacts, findings: &[Finding]) -> bool {
    let told = |finding: &Finding| {
        matches!(finding.check, Check::WeightsGaussian | Check::QuarterCircle)
            && finding.outcome != FindingOutcome::Skipped
    };
    layer.weights.measured().is_some()
        && layer.spectrum.measured().is_some()
        && findings.iter().any(told)
}

// A matrix, or a stack of them, that nobody asked to leave out: most likely a quantised
// layer. Logical masks and 64-bit indices are buffers.
fn is_unread(skipped: &Skipped, settings: &Settings) -> bool {
    matches!(skipped.tensor.shape.len(), 2 | 3)
        && !skipped.tensor.is_read()
        && !matches!(skipped.tensor.dtype, Dtype::Bool | Dtype::I64 | Dtype::U64)
        && !is_left_out(skipped, settings)
}

/// The user's choice. An audit of an older version has no kind of reason, but its patterns.
fn is_left_out(skipped: &Skipped, settings: &Settings) -> bool {
    match &skipped.reason {
        TensorSkip::Excluded { .. } | TensorSkip::NotIncluded => true,
        TensorSkip::Other(_) => {
            let name = &skipped.tensor.tensor;
            layers::leaves_out(&settings.include, &settings.exclude, name)
        }
        _ => false,
    }
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
