//! Orientation of layers that neither a bias nor a name tells: by the sizes of those beside them.

use super::{Layer, Orientation, OrientationFrom};

/// Layers known by nothing else are turned to fit the layer before or after, or, where
/// these are not known either, all of them to fit one another.
pub(super) fn orient_by_neighbours(layers: &mut [Layer]) {
    let count = layers.len();
    for i in (0..count).chain((0..count).rev()) {
        if !is_known(&layers[i]) {
            orient_between(layers, i);
        }
    }
    for run in layers.chunk_by_mut(|a, b| is_known(a) == is_known(b)) {
        if !is_known(&run[0]) {
            orient_together(run);
        }
    }
}

/// Slices of a stack lie side by side, not one after the other: none is turned to fit.
fn is_known(layer: &Layer) -> bool {
    layer.slice.is_some() || layer.orientation_from != OrientationFrom::Assumption
}

fn orient_between(layers: &mut [Layer], i: usize) {
    let known = |other: &&Layer| is_known(other) && other.slice.is_none();
    let before = i.checked_sub(1).and_then(|j| layers.get(j));
    let before = before.filter(known).map(|l| l.fan_out);
    let after = layers.get(i + 1).filter(known).map(|l| l.fan_in);
    let layer = &layers[i];
    let fits = |fan_in, fan_out| before == Some(fan_in) || after == Some(fan_out);
    let as_is = fits(layer.fan_in, layer.fan_out);
    let turned = fits(layer.fan_out, layer.fan_in);
    if as_is != turned {
        settle(&mut layers[i], turned);
    }
}

fn orient_together(run: &mut [Layer]) {
    let chained = |fits: fn(&Layer, &Layer) -> bool| {
        run.len() > 1 && run.windows(2).all(|pair| fits(&pair[0], &pair[1]))
    };
    let as_is = chained(|a, b| a.fan_out == b.fan_in);
    let turned = chained(|a, b| a.fan_in == b.fan_out);
    if as_is != turned {
        for layer in run {
            settle(layer, turned);
        }
    }
}

/// The orientation is as assumed, or the other one.
fn settle(layer: &mut Layer, turned: bool) {
    layer.orientation_from = OrientationFrom::Neighbours;
    if turned {
        std::mem::swap(&mut layer.fan_in, &mut layer.fan_out);
        layer.orientation = Orientation::InOut;
    }
}
