//! What a layer takes of memory while it is measured; docs/performance.md, "Memory".
//!
//! `bench/memory.py` holds it against what the system counts.

use super::Options;
use super::expected_time::width;
use crate::layers::Layer;
use crate::{Error, Result};
use randomlike_checkpoint::Dtype;

/// Beside the layers: the program, stacks, facts, and what the allocator keeps.
const BESIDE: u64 = 64 << 20;
/// Part of the largest layer's need that is added where no size was asked for, for the bytes of
/// the next one.
const MARGIN: f64 = 0.25;

/// Bytes a layer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExpectedMemory {
    /// At most while it is measured. A direct decomposition is not in it: only the spectrum
    /// tells whether it takes place.
    pub peak: u64,
    /// From the shadow stage on, when the sorted copy and the Gram matrix are gone.
    pub after: u64,
}

/// Most bins of the weights.
const GROUPS: f64 = (1_u32 << 18) as f64;

impl ExpectedMemory {
    pub(super) fn for_layer(layer: &Layer, options: &Options) -> Self {
        let (n, m) = (layer.fan_in as f64, layer.fan_out as f64);
        let (longer, shorter, count) = (n.max(m), n.min(m), n * m);
        let read = width(&layer.weight.dtype) * count;
        let gram = gram(longer, shorter);
        let spectrum = statistics(&layer.weight.dtype, count) + gram;
        let exact = options.full_controls || shorter <= 256.0;
        let controls = controls(&layer.weight.dtype, n, m) + if exact { gram } else { 0.0 };
        let vectors = options.vectors.map_or(0.0, |_| 3.0 * gram);
        let controls = if options.alone { 0.0 } else { controls };
        let after = controls.max(vectors);
        // S in single precision beside its own sorted copy and Gram matrix, then beside a control
        // and what it is balanced to.
        let balanced_spectrum = statistics(&Dtype::F32, count) + gram;
        let of_controls = 8.0 * count + 256.0 * 12.0 * (n + m);
        let of_controls = if options.alone { 0.0 } else { of_controls };
        let balanced = 4.0 * count + balanced_spectrum.max(of_controls);
        Self {
            peak: (read + spectrum.max(balanced).max(after)) as u64,
            after: (read + after) as u64,
        }
    }
}

/// The sorted copy or the counts, and what is binned of them.
fn statistics(dtype: &Dtype, count: f64) -> f64 {
    let sorted = match dtype {
        Dtype::F64 => 8.0 * count,
        Dtype::F16 | Dtype::BF16 => 4e6_f64.min(40.0 * count),
        _ => 4.0 * count,
    };
    sorted + 64.0 * count.min(GROUPS)
}

/// Gram matrix in f64, the panel it is summed from, and the sides of its reduction.
fn gram(longer: f64, shorter: f64) -> f64 {
    8.0 * shorter * (shorter + longer.min(512.0) + 256.0)
}

/// Of controls and shadow model: one control in single precision, W/s where the entries have 64
/// bits, panels where they have 16, and the draws.
fn controls(dtype: &Dtype, n: f64, m: f64) -> f64 {
    let copies = match dtype {
        Dtype::F64 => 2.0,
        Dtype::F16 | Dtype::BF16 => 1.25,
        _ => 1.0,
    };
    copies * 4.0 * n * m + 256.0 * 12.0 * (n + m)
}

/// The bytes that may be taken by layers at a time: of those given to the program, or as many as
/// the largest layer takes and some more.
pub(super) fn for_layers<'a>(
    layers: impl Iterator<Item = (&'a Layer, ExpectedMemory)>,
    given: Option<u64>,
) -> Result<u64> {
    let Some((largest, ExpectedMemory { peak, .. })) = layers.max_by_key(|(_, memory)| memory.peak)
    else {
        return Ok(0);
    };
    let Some(given) = given else {
        return Ok(peak.saturating_add((MARGIN * peak as f64) as u64 + BESIDE));
    };
    let needed = peak.saturating_add(BESIDE);
    if given < needed {
        return Err(Error::Room {
            layer: largest.name.clone(),
            needed,
            given,
        });
    }
    Ok(given - BESIDE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::in_memory;

    fn layers(sides: &[(usize, usize)]) -> Vec<Layer> {
        sides.iter().map(|&(n, m)| in_memory(n, m)).collect()
    }

    fn expected(layer: &Layer) -> (&Layer, ExpectedMemory) {
        let memory = ExpectedMemory::for_layer(layer, &Options::default());
        (layer, memory)
    }

    fn bytes(layers: &[Layer], given: Option<u64>) -> Result<u64> {
        for_layers(layers.iter().map(expected), given)
    }

    #[test]
    fn left_out_it_is_the_largest_layer_a_quarter_more_and_a_constant() {
        let layers = layers(&[(10, 10), (3000, 2000), (50, 60)]);
        let peak = expected(&layers[1]).1.peak;
        assert!(layers.iter().all(|layer| expected(layer).1.peak <= peak));
        let most = bytes(&layers, None).unwrap();
        assert!(most > peak + peak / 4 && most < peak + peak / 4 + 2 * BESIDE);
        assert_eq!(bytes(&[], None).unwrap(), 0);
        assert_eq!(bytes(&[], Some(1)).unwrap(), 0);
    }

    #[test]
    fn what_is_given_holds_each_layer_or_names_the_largest() {
        let layers = layers(&[(10, 10), (600, 500)]);
        let least = expected(&layers[1]).1.peak + BESIDE;
        assert_eq!(bytes(&layers, Some(least)).unwrap(), least - BESIDE);
        match bytes(&layers, Some(least - 1)) {
            Err(Error::Room { needed, given, .. }) => {
                assert_eq!((needed, given), (least, least - 1));
            }
            other => panic!("{other:?}"),
        }
    }

    // AlexNet's fc6 in f64: the weights, S, a control of it, what that is balanced to, and the
    // draws; the sorted copy and the Gram matrix take less.
    #[test]
    fn the_parts_add_up_by_hand() {
        let memory = ExpectedMemory::for_layer(&in_memory(9216, 4096), &Options::default());
        let count = 9216 * 4096;
        let draws = 256 * 12 * (9216 + 4096);
        assert_eq!(memory.peak, 8 * count + 4 * count + 8 * count + draws);
        // Then W/s, a control, and 96 draws of three states in single precision.
        let after = 8 * count + 2 * 4 * count + 256 * 12 * (9216 + 4096);
        assert_eq!(memory.after, after);
    }

    #[test]
    fn what_is_asked_for_takes_more_and_what_is_left_out_less() {
        let layer = in_memory(16, 20_000);
        let peak = |options: &Options| ExpectedMemory::for_layer(&layer, options).peak;
        let alone = Options {
            alone: true,
            ..Options::default()
        };
        assert!(peak(&alone) < peak(&Options::default()));
        let layer = in_memory(6000, 6000);
        let peak = |options: &Options| ExpectedMemory::for_layer(&layer, options).peak;
        let vectors = Options {
            vectors: Some(2),
            ..Options::default()
        };
        assert!(peak(&vectors) > peak(&Options::default()));
    }
}
