//! All layers of a checkpoint side by side and then its chains, each told of as a share of the
//! whole.

use std::cell::RefCell;

use super::expected_memory::ExpectedMemory;
use super::expected_time::{self, ExpectedTime};
use super::side_by_side::{self, Job, Stage};
use super::{Numbers, Options, Progress, reversal, start};
use crate::Result;
use crate::audit::{ChainFacts, LayerFacts};
use crate::finite::finite_or_skipped;
use crate::layers::{self, Layer};
use randomlike_checkpoint::{Checkpoint, Entries};

/// All layers of a checkpoint, and what is done with them.
pub(super) struct WholeCheckpoint<'a> {
    pub checkpoint: &'a Checkpoint,
    pub options: &'a Options,
    pub shadow: &'a reversal::Model,
    pub layers: &'a [Layer],
}

impl<'a> WholeCheckpoint<'a> {
    /// Each layer and what it is expected to take.
    pub(super) fn jobs(&self) -> Vec<Job<'a>> {
        let job = |layer| Job {
            layer,
            memory: ExpectedMemory::for_layer(layer, self.options),
            time: ExpectedTime::for_layer(layer, self.options),
        };
        self.layers.iter().map(job).collect()
    }

    /// Layers in at most `bytes` at a time, then chains.
    pub(super) fn measure(
        &self,
        jobs: &[Job<'_>],
        bytes: u64,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(Vec<LayerFacts>, Vec<ChainFacts>)> {
        let chains = layers::chains(self.layers);
        let crossed = chains.iter().flatten().filter(|_| self.shadow.runs());
        let crossings = crossed.map(|&at| 2.0 * expected_time::crossing(&self.layers[at]));
        let of_layers: f64 = jobs.iter().map(|job| job.time.whole()).sum();
        let total = of_layers + crossings.sum::<f64>();
        let blocks = start::blocks(self.layers.iter().map(|layer| layer.name.as_str()));
        let measure_layer = |layer: &Layer, stage: &mut dyn FnMut(Stage)| {
            let read = Read::new(self.checkpoint, layer)?;
            let numbers = Numbers {
                layer,
                blocks,
                bias: read.bias.as_deref(),
                options: self.options,
                shadow: self.shadow,
            };
            read.measured(&numbers, stage)
        };
        // Added up in the order in which layers end: the last digit may differ from `of_layers`.
        let mut reached = of_layers;
        let facts =
            side_by_side::measure(jobs, bytes, &measure_layer, &mut |index, stage, done| {
                reached = reached.max(done);
                progress(Progress {
                    layer: &self.layers[index].name,
                    index,
                    layers: jobs.len(),
                    stage: stage.name(),
                    done: done / total,
                });
            })?;
        let chains = self.chains(&chains, (reached, total), progress)?;
        Ok((facts, chains))
    }

    /// `done` of the expected seconds are over, `total` in all.
    fn chains(
        &self,
        chains: &[Vec<usize>],
        (mut done, total): (f64, f64),
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<ChainFacts>> {
        let mut facts = Vec::with_capacity(chains.len());
        for (index, chain) in chains.iter().enumerate() {
            let chain: Vec<&Layer> = chain.iter().map(|&at| &self.layers[at]).collect();
            // The library is told of layers by shared reference; who listens may change.
            let told = RefCell::new((&mut *progress, Crossed::new(&chain)));
            let tell = |layer: usize| {
                let (progress, crossed) = &mut *told.borrow_mut();
                progress(Progress {
                    layer: &chain[layer].name,
                    index,
                    layers: chains.len(),
                    stage: "chain",
                    done: (done + crossed.before(layer)) / total,
                });
            };
            facts.push(ChainFacts {
                layers: chain.iter().map(|layer| layer.name.clone()).collect(),
                shadow: finite_or_skipped(self.shadow.measure_chain(
                    self.checkpoint,
                    &chain,
                    &tell,
                )?),
            });
            let crossed = if self.shadow.runs() { 2.0 } else { 0.0 };
            done += crossed
                * chain
                    .iter()
                    .map(|layer| expected_time::crossing(layer))
                    .sum::<f64>();
        }
        Ok(facts)
    }
}

/// How much of a chain is done: down to its lowest layer, through that one both ways, and up.
struct Crossed<'a> {
    chain: &'a [&'a Layer],
    /// Expected seconds of the layers that were crossed, and of the one that is.
    done: f64,
    now: f64,
}

impl<'a> Crossed<'a> {
    const fn new(chain: &'a [&'a Layer]) -> Self {
        let (done, now) = (0.0, 0.0);
        Self { chain, done, now }
    }

    /// Expected seconds before this layer, which is next.
    fn before(&mut self, layer: usize) -> f64 {
        self.done += self.now;
        let ways = if layer == 0 { 2.0 } else { 1.0 };
        self.now = ways * expected_time::crossing(self.chain[layer]);
        self.done
    }
}

/// A layer's numbers as they come from the file.
struct Read {
    weights: Entries,
    bias: Option<Vec<f64>>,
}

impl Read {
    /// Of a stack only the layer's slice.
    fn new(checkpoint: &Checkpoint, layer: &Layer) -> Result<Self> {
        Ok(Self {
            weights: layer.weights(checkpoint)?,
            bias: layer.biases(checkpoint)?,
        })
    }

    fn measured(&self, numbers: &Numbers<'_>, stage: &mut dyn FnMut(Stage)) -> Result<LayerFacts> {
        match &self.weights {
            Entries::F64(w) => numbers.facts(w, stage),
            Entries::F32(w) => numbers.facts(w, stage),
            Entries::F16(w) => numbers.facts(w, stage),
            Entries::BF16(w) => numbers.facts(w, stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::in_memory;

    // Down through the upper two, both ways through the lowest, up through the upper two.
    #[test]
    fn a_chain_is_done_when_every_layer_was_crossed_twice() {
        let layers = [in_memory(30, 20), in_memory(20, 10), in_memory(10, 40)];
        let chain: Vec<&Layer> = layers.iter().collect();
        let mut crossed = Crossed::new(&chain);
        let one_way = expected_time::crossing(&layers[1]);
        let ways = [2, 1, 0, 1, 2].map(|layer| crossed.before(layer) / one_way);
        let expected = [0.0, 2.0, 3.0, 9.0, 10.0];
        assert!(
            ways.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9),
            "{ways:?}"
        );
    }
}
