//! Small layers side by side, a thread each: there is too little in one to share it out.
//!
//! What is measured of a layer depends on the layer alone, facts and progress come in the order
//! of the layers, and the first fault in that order is the one that is told. So nothing shows how
//! many threads there were.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::Result;
use crate::audit::LayerFacts;
use crate::layers::Layer;

/// Most entries of a small layer, 512×512: from there on products are large enough for two
/// threads, and the copies of several layers would be large too.
const SMALL: usize = 1 << 18;

/// Facts of one layer; told of each stage it comes to.
pub(super) type Work<'a> =
    dyn Fn(&Layer, &mut dyn FnMut(&'static str)) -> Result<LayerFacts> + Sync + 'a;

/// Facts of every layer, in order. `progress` is told the place of a layer and a stage.
pub(super) fn measure(
    layers: &[Layer],
    work: &Work<'_>,
    progress: &mut dyn FnMut(usize, &'static str),
) -> Result<Vec<LayerFacts>> {
    let mut facts = Vec::with_capacity(layers.len());
    let alike = layers.chunk_by(|one, next| is_small(one) == is_small(next));
    for run in alike {
        let first = facts.len();
        let mut progress = |place: usize, stage| progress(first + place, stage);
        if run.len() > 1 && is_small(&run[0]) {
            facts.extend(together(run, work, &mut progress)?);
            continue;
        }
        for (place, layer) in run.iter().enumerate() {
            facts.push(work(layer, &mut |stage| progress(place, stage))?);
        }
    }
    Ok(facts)
}

fn is_small(layer: &Layer) -> bool {
    layer.fan_in.saturating_mul(layer.fan_out) <= SMALL
}

/// A layer's facts, or its fault, and the stages it came to.
type Told = (Vec<&'static str>, Result<LayerFacts>);

fn together(
    layers: &[Layer],
    work: &Work<'_>,
    progress: &mut dyn FnMut(usize, &'static str),
) -> Result<Vec<LayerFacts>> {
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel::<(usize, Told)>();
    std::thread::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(layers.len()) {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                // A pool of one: what a layer waits for does not wait for another layer.
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                while let Some((place, layer)) = taken(layers, next) {
                    let told = || told(layer, work);
                    let told = pool
                        .as_ref()
                        .map_or_else(|_| told(), |pool| pool.install(told));
                    // Nobody listens after a fault.
                    if send.send((place, told)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        in_order(receive, layers.len(), progress)
    })
}

fn taken<'a>(layers: &'a [Layer], next: &AtomicUsize) -> Option<(usize, &'a Layer)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, layers.get(place)?))
}

fn told(layer: &Layer, work: &Work<'_>) -> Told {
    let mut stages = Vec::new();
    let facts = work(layer, &mut |stage| stages.push(stage));
    (stages, facts)
}

/// Takes what comes in any order and hands it on by place.
fn in_order(
    receive: mpsc::Receiver<(usize, Told)>,
    count: usize,
    progress: &mut dyn FnMut(usize, &'static str),
) -> Result<Vec<LayerFacts>> {
    let mut early: Vec<Option<Told>> = (0..count).map(|_| None).collect();
    let mut facts = Vec::with_capacity(count);
    for (place, told) in receive {
        early[place] = Some(told);
        while let Some((stages, result)) = early.get_mut(facts.len()).and_then(Option::take) {
            for stage in stages {
                progress(facts.len(), stage);
            }
            facts.push(result?);
        }
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Options, in_memory, measure_entries};
    use crate::{Error, audit::Section};

    fn layers(sides: &[usize]) -> Vec<Layer> {
        let named = |(i, &side): (usize, &usize)| Layer {
            name: i.to_string(),
            ..in_memory(side, side)
        };
        sides.iter().enumerate().map(named).collect()
    }

    /// Facts of a small matrix under the layer's name; later layers are done first.
    fn work(layer: &Layer, stage: &mut dyn FnMut(&'static str)) -> Result<LayerFacts> {
        stage("read");
        let place: u64 = layer.name.parse().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(
            20_u64.saturating_sub(2 * place),
        ));
        if layer.fan_in == 3 {
            let (uri, tensor) = (layer.name.clone(), layer.name.clone());
            return Err(Error::NoTensor { uri, tensor });
        }
        stage("shadow");
        let options = Options {
            alone: true,
            ..Options::default()
        };
        let audit = measure_entries(&[1.0, 2.0, 3.0, 5.0], (2, 2), &options)?;
        let facts = audit.layers.into_iter().next().unwrap();
        Ok(LayerFacts {
            name: layer.name.clone(),
            ..facts
        })
    }

    // Runs of small layers with a large one between and a small one alone.
    #[test]
    fn facts_and_progress_come_in_order() {
        let layers = layers(&[2, 2, 2, 2, 1000, 2, 1000, 2, 2]);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let mut seen = Vec::new();
            let facts = pool.unwrap().install(|| {
                measure(&layers, &work, &mut |place, stage| {
                    seen.push((place, stage));
                })
            });
            let facts = facts.unwrap();
            let stages = (0..9).flat_map(|place| [(place, "read"), (place, "shadow")]);
            assert_eq!(seen, stages.collect::<Vec<_>>());
            for (place, facts) in facts.iter().enumerate() {
                assert_eq!(facts.name, place.to_string());
                assert!(matches!(facts.weights, Section::Measured(_)));
            }
        }
    }

    #[test]
    fn the_first_fault_in_order_is_told() {
        for sides in [&[2, 2, 3, 2, 3, 2][..], &[1000, 3, 3], &[3]] {
            let first = sides.iter().position(|&side| side == 3).unwrap();
            match measure(&layers(sides), &work, &mut |_, _| ()) {
                Err(Error::NoTensor { uri, .. }) => assert_eq!(uri, first.to_string()),
                other => panic!("{other:?}"),
            }
        }
    }
}
