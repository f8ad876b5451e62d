//! How long a layer takes beside others: the model of docs/performance.md, "By layer".
//!
//! Seconds of two cores of one machine, by `examples/layer_cost.rs`; only their ratios matter.

use super::Options;
use crate::layers::Layer;
use randomlike_checkpoint::Dtype;

/// Seconds of each stage of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExpectedTime {
    pub read: f64,
    pub spectrum: f64,
    pub shadow: f64,
}

/// Most bins of a sample.
const BINS: f64 = (1_u32 << 18) as f64;

impl ExpectedTime {
    pub(super) fn for_layer(layer: &Layer, options: &Options) -> Self {
        let (n, m) = (layer.fan_in as f64, layer.fan_out as f64);
        let (longer, shorter, count) = (n.max(m), n.min(m), n * m);
        let width = width(&layer.weight.dtype);
        // 16-bit entries are counted, the others sorted.
        let sort = if width > 2.0 {
            count.max(1.0).log2()
        } else {
            1.0
        };
        let products = |gram: f64, reduction: f64| {
            gram * longer * shorter.powi(2) + reduction * shorter.powi(3)
        };
        let exact = products(9e-12, 2.1e-11);
        let statistics = 4e-10 * sort * count + 2.5e-7 * count.min(BINS);
        let part = shorter.min(256.0);
        let part_longer = (part * longer / shorter).min(2048.0);
        let signs = 9e-12 * part_longer * part.powi(2) + 2.1e-11 * part.powi(3);
        let is_exact = options.full_controls || shorter <= 256.0;
        let controls = if is_exact { 3.0 * exact } else { 0.0 };
        let vectors = options
            .vectors
            .map_or(0.0, |_| 10.0 * products(0.0, 2.1e-11));
        Self {
            read: 7e-10 * width * count,
            // As stored, balanced, and some twenty parts with random signs.
            spectrum: 2e-3 + 2.0 * (exact + statistics) + 23.0 * signs,
            shadow: if options.alone {
                vectors
            } else {
                2e-3 + 3.2e-11 * draws(shorter) * count + controls + vectors
            },
        }
    }

    /// Of the whole layer.
    pub(super) fn whole(&self) -> f64 {
        self.read + self.spectrum + self.shadow
    }
}

/// Of one way through a layer in a chain, down or up.
pub(super) fn crossing(layer: &Layer) -> f64 {
    2.5e-8 * layer.fan_in as f64 * layer.fan_out as f64
}

/// Bytes of an entry as it is read; what has 8 bits or fewer becomes a number of 32.
pub(super) const fn width(dtype: &Dtype) -> f64 {
    match dtype {
        Dtype::F64 => 8.0,
        Dtype::F16 | Dtype::BF16 => 2.0,
        _ => 4.0,
    }
}

/// Operations of the shadow model on an entry: more orders of a small layer are drawn.
const fn draws(shorter: f64) -> f64 {
    if shorter >= 512.0 {
        5000.0
    } else if shorter >= 128.0 {
        13_000.0
    } else {
        23_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::in_memory;

    fn time(sides: (usize, usize)) -> ExpectedTime {
        ExpectedTime::for_layer(&in_memory(sides.0, sides.1), &Options::default())
    }

    #[test]
    fn a_larger_layer_takes_longer_at_every_stage() {
        for pair in [(8, 8), (64, 64), (512, 600), (4096, 4096), (9216, 4096)].windows(2) {
            let (small, large) = (time(pair[0]), time(pair[1]));
            assert!(small.read < large.read && small.spectrum < large.spectrum);
            assert!(small.shadow < large.shadow, "{pair:?}");
        }
        let twice = (time((100, 900)), time((900, 100)));
        assert_eq!(twice.0, twice.1);
    }

    #[test]
    fn what_is_left_out_takes_no_time_and_what_is_asked_for_does() {
        let layer = in_memory(512, 512);
        let with = |options: &Options| ExpectedTime::for_layer(&layer, options);
        let all = with(&Options::default());
        let alone = Options {
            alone: true,
            ..Options::default()
        };
        assert!(with(&alone).shadow <= 0.0);
        let vectors = Options {
            vectors: Some(3),
            ..Options::default()
        };
        let full = Options {
            full_controls: true,
            ..Options::default()
        };
        assert!(with(&vectors).whole() > all.whole() && with(&full).whole() > all.whole());
    }
}
