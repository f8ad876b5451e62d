use super::*;
use crate::Error;
use crate::analysis::{Options, in_memory, measure_entries};
use crate::audit::Section;
use randomlike_checkpoint::Error as Missing;

fn layers(sides: &[usize]) -> Vec<Layer> {
    let named = |(i, &side): (usize, &usize)| Layer {
        name: i.to_string(),
        ..in_memory(side, side)
    };
    sides.iter().enumerate().map(named).collect()
}

fn place(layer: &Layer) -> usize {
    layer.name.parse().unwrap()
}

fn fault(layer: &Layer) -> Error {
    let (uri, tensor) = (layer.name.clone(), layer.name.clone());
    Missing::NoTensor { uri, tensor }.into()
}

/// Facts of a small matrix under the layer's name; later layers are done first. A side of 3 is a
/// fault at measuring, one of 5 at reading.
fn facts(layer: &Layer, read: usize, stage: &mut dyn FnMut(Stage)) -> Result<LayerFacts> {
    assert_eq!(read, place(layer), "what was read is of another layer");
    stage(Stage::Spectrum);
    let early = 20_u64.saturating_sub(2 * read as u64);
    thread::sleep(std::time::Duration::from_millis(early));
    if layer.fan_in == 3 {
        return Err(fault(layer));
    }
    stage(Stage::Shadow);
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

type Seen = Vec<(usize, Stage, f64)>;

fn run(sides: &[usize], threads: usize, bytes: u64) -> (Result<Vec<LayerFacts>>, Seen) {
    let layers = layers(sides);
    let options = Options::default();
    let needs: Vec<Need> = layers.iter().map(|l| Need::of(l, &options)).collect();
    let costs: Vec<Cost> = layers.iter().map(|l| Cost::of(l, &options)).collect();
    let largest = needs.iter().map(|need| need.peak).max().unwrap();
    let plan = Plan {
        layers: &layers,
        needs: &needs,
        costs: &costs,
        bytes: bytes.max(largest),
    };
    let work = Work {
        read: &|layer| match layer.fan_in {
            5 => Err(fault(layer)),
            _ => Ok(place(layer)),
        },
        measure: &facts,
    };
    let mut seen = Vec::new();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let facts = pool.unwrap().install(|| {
        measure(&plan, &work, &mut |place, stage, done| {
            seen.push((place, stage, done));
        })
    });
    (facts, seen)
}

/// Threads, and room for one large layer, for two, or for all.
const WAYS: [(usize, u64); 6] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (2, 1 << 28),
    (3, 1 << 29),
    (8, 1 << 40),
];

// Runs of small layers with large ones between and a small one alone.
#[test]
fn facts_and_progress_come_in_order_whatever_the_threads_and_the_room() {
    let sides = [2, 2, 2, 2, 1000, 2, 1000, 1200, 2, 2];
    for (threads, bytes) in WAYS {
        let (facts, seen) = run(&sides, threads, bytes);
        let facts = facts.unwrap();
        let stages = [Stage::Read, Stage::Spectrum, Stage::Shadow];
        let all = (0..sides.len()).flat_map(|place| stages.map(|stage| (place, stage)));
        let order: Vec<_> = seen
            .iter()
            .map(|&(place, stage, _)| (place, stage))
            .collect();
        assert_eq!(order, all.collect::<Vec<_>>());
        assert_eq!(facts.len(), sides.len());
        for (place, facts) in facts.iter().enumerate() {
            assert_eq!(facts.name, place.to_string());
            assert!(matches!(facts.weights, Section::Measured(_)));
        }
    }
}

#[test]
fn what_is_done_only_grows_and_counts_layers_that_are_not_told_yet() {
    for (threads, bytes) in WAYS {
        let (_, seen) = run(&[1000, 2, 2, 1000], threads, bytes);
        assert!(seen.iter().all(|&(.., done)| done >= 0.0));
        assert!(seen.is_sorted_by_key(|&(_, _, done)| done));
    }
    let (layers, costs) = (layers(&[2, 2]), [2.0, 3.0]);
    let costs = costs.map(|shadow| Cost {
        read: 0.25,
        spectrum: 0.5,
        shadow,
    });
    let plan = Plan {
        layers: &layers,
        needs: &[],
        costs: &costs,
        bytes: 0,
    };
    let mut seen = Vec::new();
    let mut progress = |place, stage, done| seen.push((place, stage, done));
    let mut teller = Teller::new(&plan, &mut progress);
    teller.stage(0, Stage::Read);
    teller.stage(1, Stage::Read);
    teller.stage(1, Stage::Spectrum);
    teller.stage(0, Stage::Shadow);
    assert_eq!(seen, [(0, Stage::Read, 0.0), (0, Stage::Shadow, 1.0)]);
}

#[test]
fn the_first_fault_in_order_is_told() {
    for sides in [
        &[2, 2, 3, 2, 3, 2][..],
        &[2, 2, 5, 2, 3, 2],
        &[1000, 3, 3],
        &[1000, 1000, 5, 3],
        &[3],
        &[5],
    ] {
        let first = sides.iter().position(|side| [3, 5].contains(side)).unwrap();
        for (threads, bytes) in WAYS {
            let (facts, seen) = run(sides, threads, bytes);
            match facts {
                Err(Error::Checkpoint(Missing::NoTensor { uri, .. })) => {
                    assert_eq!(uri, first.to_string());
                }
                other => panic!("{other:?}"),
            }
            assert!(seen.iter().all(|&(place, ..)| place <= first));
        }
    }
}

// Two layers of 1000² fit, three do not: the third is read before one of them is done.
#[test]
fn the_next_layer_is_read_while_others_are_measured() {
    let layers = layers(&[1000, 1000, 1000]);
    let need = Need {
        read: 10,
        peak: 100,
        after: 100,
    };
    let cost = Cost {
        read: 0.0,
        spectrum: 1.0,
        shadow: 0.0,
    };
    let plan = Plan {
        layers: &layers,
        needs: &[need; 3],
        costs: &[cost; 3],
        bytes: 110,
    };
    let (told, waits) = mpsc::channel();
    let waits = Mutex::new(waits);
    let work = Work {
        read: &|layer| {
            told.send(place(layer)).unwrap();
            Ok(place(layer))
        },
        measure: &|layer, read, stage| {
            // Each waits until the next one was read.
            if read < 2 {
                while waits.lock().unwrap().recv().unwrap() != read + 1 {}
            }
            facts(layer, read, stage)
        },
    };
    let pool = ThreadPoolBuilder::new().num_threads(2).build();
    let facts = pool
        .unwrap()
        .install(|| measure(&plan, &work, &mut |_, _, _| ()));
    assert_eq!(facts.unwrap().len(), 3);
}

#[test]
fn a_panic_is_passed_on_and_nobody_waits_for_ever() {
    let layers = layers(&[1000, 1000, 2, 2]);
    let options = Options::default();
    let needs: Vec<Need> = layers.iter().map(|l| Need::of(l, &options)).collect();
    let costs: Vec<Cost> = layers.iter().map(|l| Cost::of(l, &options)).collect();
    let plan = Plan {
        layers: &layers,
        needs: &needs,
        costs: &costs,
        bytes: needs[0].peak,
    };
    let work = Work {
        read: &|layer| Ok(place(layer)),
        measure: &|_, _, _| panic!("planted"),
    };
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let measured = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.install(|| measure(&plan, &work, &mut |_, _, _| ()))
    }));
    assert!(measured.is_err());
}
