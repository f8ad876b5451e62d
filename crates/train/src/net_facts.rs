//! What the inspector finds in a net of ours, in four figures a layer.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use randomlike_checkpoint::Checkpoint;
use randomlike_core::analysis::{self, Options};
use randomlike_core::audit::{LayerFacts, Section};

/// A layer, in figures. What could not be measured is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetLayerFacts {
    /// Its name.
    pub layer: String,
    /// Excess kurtosis of its weights, 0 for a bell curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess_kurtosis: Option<f64>,
    /// std(b)/(rms(W)·√fan_in), 0 for constant biases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_spread: Option<f64>,
    /// σ₁ over the upper edge of the Marchenko–Pastur law of its shape, near 1 for a random matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge_ratio: Option<f64>,
    /// Error of codes sent down and up again, over that with its weights in random order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversal_ratio: Option<f64>,
}

/// Measures the net at `path` as `inspect` does.
pub(super) fn measure_net(path: &Path) -> Result<Vec<NetLayerFacts>, Error> {
    let checkpoint = Checkpoint::open(path)?;
    let audit = analysis::measure(&checkpoint, &Options::default(), &mut |_| ())?;
    Ok(audit.layers.iter().map(figures).collect())
}

fn figures(layer: &LayerFacts) -> NetLayerFacts {
    let biases = match &layer.biases {
        Section::Measured(biases) => biases.spread_ratio,
        Section::Skipped { .. } => None,
    };
    let spectrum = layer.spectrum.measured();
    NetLayerFacts {
        layer: layer.name.clone(),
        excess_kurtosis: layer
            .weights
            .measured()
            .and_then(|weights| weights.gaussian.as_ref())
            .map(|gaussian| gaussian.excess_kurtosis),
        bias_spread: biases,
        edge_ratio: spectrum.map(|s| s.spectral_norm / s.edge_upper),
        reversal_ratio: layer.shadow.measured().map(|shadow| shadow.ratio.mean),
    }
}
