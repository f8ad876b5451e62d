//! What libraries start a layer with.

use randomlike_maths::stats::laws::initial::InitialLaw;

/// A law and its scale at the shape of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct KnownLaw {
    pub name: &'static str,
    pub law: InitialLaw,
    pub std: f64,
}

/// A layer as an initialiser sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct InitialShape {
    pub fan_in: usize,
    pub fan_out: usize,
    /// Blocks of the net, where names count them.
    pub blocks: Option<usize>,
}

impl InitialShape {
    /// All that have a scale at this shape.
    pub fn known(self) -> Vec<KnownLaw> {
        let (n, m) = (self.fan_in as f64, self.fan_out as f64);
        let law = |law, name, std: f64| KnownLaw { name, law, std };
        let uniform = |name, variance: f64| law(InitialLaw::Uniform, name, variance.sqrt());
        let limit = |name, half: f64| law(InitialLaw::Uniform, name, half / 3.0_f64.sqrt());
        let normal = |name, std: f64| law(InitialLaw::Normal, name, std);
        // Keras and JAX widen the law so that what is left after the cut has the variance;
        // TensorFlow 1 and BERT do not.
        let cut = |name, variance: f64| law(InitialLaw::TruncatedNormal, name, variance.sqrt());
        let cut_as_it_is = |name, std| {
            law(
                InitialLaw::TruncatedNormal,
                name,
                InitialLaw::after_cut(std),
            )
        };
        let glorot = 2.0 / (n + m);
        let mut known = vec![
            uniform("glorot-uniform", glorot),
            normal("glorot-normal", glorot.sqrt()),
            cut("glorot-normal-truncated", glorot),
            uniform("kaiming-uniform", 2.0 / n),
            normal("kaiming-normal", (2.0 / n).sqrt()),
            cut("he-normal-truncated", 2.0 / n),
            uniform("kaiming-uniform-fan-out", 2.0 / m),
            normal("kaiming-normal-fan-out", (2.0 / m).sqrt()),
            uniform("lecun-uniform", 1.0 / n),
            normal("lecun-normal", (1.0 / n).sqrt()),
            cut("lecun-normal-truncated", 1.0 / n),
            normal("t5-query", (64.0 * n).sqrt().recip()),
            normal("normal-fan-out", m.sqrt().recip()),
            limit("pytorch-linear", n.sqrt().recip()),
            limit("siren-first", n.recip()),
            limit("siren-hidden", (6.0 / n).sqrt() / 30.0),
            limit("keras-uniform-0.05", 0.05),
            normal("keras-normal-0.05", 0.05),
            cut_as_it_is("keras-normal-truncated-0.05", 0.05),
            normal("bert-0.02", 0.02),
            normal("gpt2-0.02", 0.02),
            normal("llama-0.02", 0.02),
            cut_as_it_is("bert-0.02-truncated", 0.02),
            normal("caffe-alexnet-0.005", 0.005),
            normal("caffe-alexnet-0.01", 0.01),
        ];
        // Half-width 1/√hidden; an LSTM stacks four gates, a GRU three.
        let gates = [("pytorch-rnn", 1), ("pytorch-gru", 3), ("pytorch-lstm", 4)];
        let stacked = gates
            .into_iter()
            .filter(|(_, gates)| self.fan_out.is_multiple_of(*gates));
        known.extend(
            stacked
                .map(|(name, gates)| limit(name, ((self.fan_out / gates) as f64).sqrt().recip())),
        );
        if let Some(blocks) = self.blocks {
            let std = 0.02 / (2.0 * blocks as f64).sqrt();
            known.push(normal("gpt2-residual", std));
        }
        known
    }
}
