//! Do the weights still match the law and scale of a known initialiser?
//!
//! Nothing is fitted: each law has the scale its library prescribes at the layer's shape,
//! so a layer whose scale moved by a few sampling errors no longer matches.

use crate::audit::Initializer;
use crate::layers::Layer;
use crate::stats::Sample;
use crate::stats::laws::normal;

/// Fewest weights: below, the limit on KS (.049) no longer tells uniform from normal (.057).
const FEWEST: u64 = 1600;
/// √count·KS to a law known in full stays below this in 99.9 % of samples (Kolmogorov 1933).
const KOLMOGOROV_999: f64 = 1.949;
/// Standard deviation of N(0, 1) cut at ±2.
const CUT_STD: f64 = 0.879_625_661_034_239_8;

#[derive(Clone, Copy)]
enum Law {
    /// ± the half-width.
    Uniform(f64),
    /// Standard deviation.
    Normal(f64),
    /// N(0, s²) cut at ±2s.
    Cut(f64),
}

impl Law {
    fn std(self) -> f64 {
        match self {
            Self::Uniform(half) => half / 3.0_f64.sqrt(),
            Self::Normal(std) => std,
            Self::Cut(s) => s * CUT_STD,
        }
    }

    fn cdf(self, w: f64) -> f64 {
        match self {
            Self::Uniform(half) => (0.5 + 0.5 * w / half).clamp(0.0, 1.0),
            Self::Normal(std) => normal::cdf(w / std),
            Self::Cut(s) => {
                let tail = normal::cdf(-2.0);
                ((normal::cdf(w / s) - tail) / (1.0 - 2.0 * tail)).clamp(0.0, 1.0)
            }
        }
    }
}

/// What libraries start a layer of n inputs and m outputs with.
fn known(n: f64, m: f64) -> Vec<(&'static str, Law)> {
    let uniform = |variance: f64| Law::Uniform((3.0 * variance).sqrt());
    let normal = |variance: f64| Law::Normal(variance.sqrt());
    // Keras widens the law so that what is left after the cut has the variance.
    let cut = |variance: f64| Law::Cut(variance.sqrt() / CUT_STD);
    let glorot = 2.0 / (n + m);
    vec![
        ("glorot-uniform", uniform(glorot)),
        ("glorot-normal", normal(glorot)),
        ("glorot-normal-truncated", cut(glorot)),
        ("kaiming-uniform", uniform(2.0 / n)),
        ("kaiming-normal", normal(2.0 / n)),
        ("he-normal-truncated", cut(2.0 / n)),
        ("kaiming-uniform-fan-out", uniform(2.0 / m)),
        ("kaiming-normal-fan-out", normal(2.0 / m)),
        ("lecun-uniform", uniform(1.0 / n)),
        ("lecun-normal", normal(1.0 / n)),
        ("lecun-normal-truncated", cut(1.0 / n)),
        ("pytorch-linear", Law::Uniform(1.0 / n.sqrt())),
        ("bert-0.02", Law::Normal(0.02)),
        ("bert-0.02-truncated", Law::Cut(0.02)),
        ("caffe-alexnet-0.005", Law::Normal(0.005)),
        ("caffe-alexnet-0.01", Law::Normal(0.01)),
    ]
}

/// The initialiser with the smallest KS distance, when it is within the limit.
pub(super) fn recognise(sample: &Sample, layer: &Layer) -> Option<Initializer> {
    let ks_limit = KOLMOGOROV_999 / (sample.count() as f64).sqrt();
    if sample.min() >= sample.max() {
        let name = if sample.min() == 0.0 {
            "zero"
        } else {
            "constant"
        };
        return Some(Initializer {
            name: name.into(),
            aliases: Vec::new(),
            std: 0.0,
            ks: 0.0,
            ks_limit,
        });
    }
    if sample.count() < FEWEST {
        return None;
    }
    let mut matches: Vec<(f64, &str, f64)> = known(layer.fan_in as f64, layer.fan_out as f64)
        .into_iter()
        .map(|(name, law)| (sample.ks(|w| law.cdf(w)), name, law.std()))
        .filter(|found| found.0 <= ks_limit)
        .collect();
    matches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let &(ks, name, std) = matches.first()?;
    let aliases = matches[1..]
        .iter()
        .map(|found| found.1.to_owned())
        .collect();
    Some(Initializer {
        name: name.into(),
        aliases,
        std,
        ks,
        ks_limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::TensorFacts;
    use crate::layers::{Orientation, OrientationFrom};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn name_of(mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> Option<String> {
        let weight = TensorFacts {
            tensor: "w".into(),
            dtype: "F32".into(),
            shape: vec![100, 300],
        };
        let layer = Layer {
            name: "w".into(),
            weight,
            slice: None,
            bias: None,
            fan_in: 300,
            fan_out: 100,
            orientation: Orientation::OutIn,
            orientation_from: OrientationFrom::Assumption,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let entries: Vec<f64> = (0..30_000).map(|_| draw(&mut rng)).collect();
        recognise(&Sample::from_f64(&entries).unwrap(), &layer).map(|found| found.name)
    }

    // Scales by the libraries' documentation, written out for 300 inputs and 100 outputs.
    #[test]
    fn each_law_at_its_scale() {
        let normal = |std: f64| {
            name_of(|rng| {
                let z: f64 = StandardNormal.sample(rng);
                std * z
            })
        };
        assert_eq!(normal(0.070_711).as_deref(), Some("glorot-normal"));
        assert_eq!(normal(0.081_650).as_deref(), Some("kaiming-normal"));
        assert_eq!(normal(0.057_735).as_deref(), Some("lecun-normal"));
        assert_eq!(normal(0.02).as_deref(), Some("bert-0.02"));
        assert_eq!(normal(0.005).as_deref(), Some("caffe-alexnet-0.005"));
        assert_eq!(normal(0.05), None);
        let uniform = |half: f64| name_of(|rng| half * (2.0 * rng.random::<f64>() - 1.0));
        assert_eq!(uniform(0.122_474).as_deref(), Some("glorot-uniform"));
        assert_eq!(uniform(0.141_421).as_deref(), Some("kaiming-uniform"));
        assert_eq!(uniform(0.1).as_deref(), Some("lecun-uniform"));
        assert_eq!(uniform(0.057_735).as_deref(), Some("pytorch-linear"));
        assert_eq!(uniform(0.13), None);
        assert_eq!(name_of(|_| 0.0).as_deref(), Some("zero"));
        assert_eq!(name_of(|_| 0.3).as_deref(), Some("constant"));
    }
}
