//! Do the weights still match the law and scale of a known initialiser?
//!
//! Nothing is fitted: each law has the scale its library prescribes at the layer's shape.
//! KS sees the shape of a law and is slow to see its scale (at 2176 weights a standard
//! deviation 22 % off stayed within the limit), so mean and standard deviation are tested
//! beside it. An untouched layer misses one of the three about three times in a thousand.

use crate::audit::Initializer;
use crate::layers::Layer;
use randomlike_maths::stats::laws::normal;
use randomlike_maths::stats::{Moments, Sample};

/// Fewest weights: below, the limit on KS (.049) no longer tells uniform from normal (.057).
const FEWEST: u64 = 1600;
/// √count·KS to a law known in full stays below this in 99.9 % of samples (Kolmogorov 1933).
const KOLMOGOROV_999: f64 = 1.949;
/// A normal variable stays within this many standard deviations in 99.9 % of draws.
const NORMAL_999: f64 = 3.29;
/// Standard deviation of N(0, 1) cut at ±2.
const CUT_STD: f64 = 0.879_625_661_034_239_8;

#[derive(Clone, Copy)]
enum InitializerLaw {
    /// ± the half-width.
    Uniform(f64),
    /// Standard deviation.
    Normal(f64),
    /// N(0, s²) cut at ±2s.
    Cut(f64),
}

impl InitializerLaw {
    fn std(self) -> f64 {
        match self {
            Self::Uniform(half) => half / 3.0_f64.sqrt(),
            Self::Normal(std) => std,
            Self::Cut(s) => s * CUT_STD,
        }
    }

    /// docs/theory.md §1.
    const fn excess_kurtosis(self) -> f64 {
        match self {
            Self::Uniform(_) => -1.2,
            Self::Normal(_) => 0.0,
            Self::Cut(_) => -0.6345,
        }
    }

    /// Whether mean and standard deviation are those of draws from this law, to sampling
    /// error: std/√count, and relatively √((excess kurtosis + 2)/count)/2.
    fn has_moments(self, count: f64, moments: Moments) -> bool {
        let std = self.std();
        let spread = 0.5 * ((self.excess_kurtosis() + 2.0) / count).sqrt();
        moments.mean.abs() <= NORMAL_999 * std / count.sqrt()
            && (moments.std / std - 1.0).abs() <= NORMAL_999 * spread
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
fn known(n: f64, m: f64) -> Vec<(&'static str, InitializerLaw)> {
    let uniform = |variance: f64| InitializerLaw::Uniform((3.0 * variance).sqrt());
    let normal = |variance: f64| InitializerLaw::Normal(variance.sqrt());
    // Keras widens the law so that what is left after the cut has the variance.
    let cut = |variance: f64| InitializerLaw::Cut(variance.sqrt() / CUT_STD);
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
        ("pytorch-linear", InitializerLaw::Uniform(1.0 / n.sqrt())),
        ("bert-0.02", InitializerLaw::Normal(0.02)),
        ("bert-0.02-truncated", InitializerLaw::Cut(0.02)),
        ("caffe-alexnet-0.005", InitializerLaw::Normal(0.005)),
        ("caffe-alexnet-0.01", InitializerLaw::Normal(0.01)),
    ]
}

/// The initialiser with the smallest KS distance, of those within every limit.
pub(super) fn recognise(sample: &Sample, layer: &Layer) -> Option<Initializer> {
    let count = sample.count() as f64;
    let ks_limit = KOLMOGOROV_999 / count.sqrt();
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
        .filter(|(_, law)| law.has_moments(count, sample.moments()))
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
    use crate::layers::{Orientation, OrientationFrom};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};
    use randomlike_checkpoint::{Dtype, TensorFacts};
    use rayon::prelude::*;

    fn layer(fan_in: usize, fan_out: usize) -> Layer {
        Layer {
            name: "w".into(),
            weight: TensorFacts::new("w", Dtype::F32, [fan_out, fan_in]),
            slice: None,
            bias: None,
            bias_row: None,
            fan_in,
            fan_out,
            orientation: Orientation::OutIn,
            orientation_from: OrientationFrom::Assumption,
        }
    }

    fn name_of(mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> Option<String> {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let entries: Vec<f64> = (0..30_000).map(|_| draw(&mut rng)).collect();
        recognise(&Sample::from_f64(&entries).unwrap(), &layer(300, 100)).map(|found| found.name)
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

    fn draw(law: InitializerLaw, rng: &mut ChaCha8Rng) -> f64 {
        let mut normal = || -> f64 { StandardNormal.sample(rng) };
        match law {
            InitializerLaw::Normal(std) => std * normal(),
            InitializerLaw::Cut(s) => loop {
                let z = normal();
                if z.abs() <= 2.0 {
                    return s * z;
                }
            },
            InitializerLaw::Uniform(half) => half * (2.0 * rng.random::<f64>() - 1.0),
        }
    }

    /// Of how many layers of this shape, and in how many of them each law was found again
    /// after its draws were multiplied by `scale` and moved by `shift` standard deviations.
    fn found(fan_in: usize, fan_out: usize, scale: f64, shift: f64) -> (usize, usize) {
        let layer = layer(fan_in, fan_out);
        let laws = known(fan_in as f64, fan_out as f64);
        // Every case has draws of its own.
        let cases: Vec<_> = (0..).zip(laws.repeat(SEEDS)).collect();
        let is_found = |&(seed, (name, law)): &(u64, (&str, InitializerLaw))| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let entries: Vec<f64> = (0..fan_in * fan_out)
                .map(|_| scale * draw(law, &mut rng) + shift * law.std())
                .collect();
            let found = recognise(&Sample::from_f64(&entries).unwrap(), &layer);
            found.is_some_and(|it| it.name == name || it.aliases.iter().any(|alias| alias == name))
        };
        let found = cases.par_iter().filter(|&case| is_found(case)).count();
        (cases.len(), found)
    }

    /// Layers of 2000, 20,000 and 200,000 weights.
    const SHAPES: [(usize, usize); 3] = [(50, 40), (200, 100), (500, 400)];
    /// Layers of each law and shape.
    const SEEDS: usize = 20;

    // At most .3 % are missed: of 320 .96 on average, and 6 or more in one case of 1000.
    #[test]
    fn untouched_layers_are_recognised() {
        for (fan_in, fan_out) in SHAPES {
            let (all, found) = found(fan_in, fan_out, 1.0, 0.0);
            assert!(all - found < 6, "{fan_in}x{fan_out}: {found} of {all}");
        }
    }

    // 10 % is 6.3 standard errors of a normal's std at 2000 weights: one in 500 may stay
    // within the limit. .1 sd is 4.5 standard errors of the mean there, and one in 8 may.
    // Of 320 that is more than 4, and more than 56, in one case of 1000.
    #[test]
    fn layers_that_moved_are_not() {
        for (scale, shift, near) in [(1.1, 0.0, 4), (0.9, 0.0, 4), (1.0, 0.1, 56)] {
            for (shape, most) in SHAPES.into_iter().zip([near, 0, 0]) {
                let (all, found) = found(shape.0, shape.1, scale, shift);
                assert!(found <= most, "{scale} {shift} {shape:?}: {found} of {all}");
            }
        }
    }
}
