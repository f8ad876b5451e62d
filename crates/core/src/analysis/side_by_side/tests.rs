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

fn jobs(layers: &[Layer]) -> Vec<Job<'_>> {
    let options = Options::default();
    let job = |layer| Job {
        layer,
        memory: ExpectedMemory::for_layer(layer, &options),
        time: ExpectedTime::for_layer(layer, &options),
    };
    layers.iter().map(job).collect()
}

/// Facts of a small matrix under the layer's name. A side of 3 is a fault, one of 4 a panic.
fn facts(layer: &Layer, stage: &mut dyn FnMut(Stage)) -> Result<LayerFacts> {
    stage(Stage::Spectrum);
    assert_ne!(layer.fan_in, 4, "planted");
    if layer.fan_in == 3 {
        let (uri, tensor) = (layer.name.clone(), layer.name.clone());
        return Err(Missing::NoTensor { uri, tensor }.into());
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
    let jobs = jobs(&layers);
    let largest = jobs.iter().map(|job| job.memory.peak).max().unwrap();
    let mut seen = Vec::new();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    let facts = pool.unwrap().install(|| {
        measure(
            &jobs,
            bytes.max(largest),
            &facts,
            &mut |place, stage, done| {
                seen.push((place, stage, done));
            },
        )
    });
    (facts, seen)
}

/// Threads, and bytes for one large layer, for two, or for all.
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
fn facts_come_in_order_and_what_is_done_only_grows() {
    let sides = [2, 2, 2, 2, 1000, 2, 1000, 1200, 2, 2];
    for (threads, bytes) in WAYS {
        let (facts, mut seen) = run(&sides, threads, bytes);
        let facts = facts.unwrap();
        assert_eq!(facts.len(), sides.len());
        for (place, facts) in facts.iter().enumerate() {
            assert_eq!(facts.name, place.to_string());
            assert!(matches!(facts.weights, Section::Measured(_)));
        }
        assert!(seen.iter().all(|&(.., done)| done >= 0.0));
        assert!(seen.is_sorted_by_key(|&(.., done)| done));
        seen.sort_by_key(|&(place, ..)| place);
        let stages = [Stage::Read, Stage::Spectrum, Stage::Shadow];
        let all = (0..sides.len()).flat_map(|place| stages.map(|stage| (place, stage)));
        assert!(seen.iter().map(|&(place, stage, _)| (place, stage)).eq(all));
    }
}

// The first is not done before the second is.
#[test]
fn two_layers_run_side_by_side_and_keep_their_order() {
    let layers = layers(&[2, 2]);
    let (done, is_done) = mpsc::channel();
    let is_done = Mutex::new(is_done);
    let measure_layer = |layer: &Layer, stage: &mut dyn FnMut(Stage)| {
        if layer.name == "0" {
            is_done.lock().unwrap().recv().unwrap();
        } else {
            done.send(()).unwrap();
        }
        facts(layer, stage)
    };
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let found = pool
        .install(|| measure(&jobs(&layers), u64::MAX, &measure_layer, &mut |_, _, _| ()))
        .unwrap();
    assert_eq!((&*found[0].name, &*found[1].name), ("0", "1"));
}

#[test]
fn the_first_fault_in_order_is_told() {
    for sides in [
        &[2, 2, 3, 2, 3, 2][..],
        &[1000, 3, 3],
        &[1000, 1000, 3],
        &[3],
    ] {
        let first = sides.iter().position(|&side| side == 3).unwrap();
        for (threads, bytes) in WAYS {
            match run(sides, threads, bytes).0 {
                Err(Error::Checkpoint(Missing::NoTensor { uri, .. })) => {
                    assert_eq!(uri, first.to_string());
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_panic_is_passed_on_and_nobody_waits_for_ever() {
    for (threads, bytes) in WAYS {
        let sides = [1000, 4, 1000, 2];
        let measured = std::panic::catch_unwind(|| run(&sides, threads, bytes));
        assert!(measured.is_err());
    }
}

/// Places of all that may start now.
fn start_all<'a>(queue: &'a Queue<'_>) -> Vec<Started<'a>> {
    let mut free = queue.free();
    std::iter::from_fn(|| queue.start(&mut free)).collect()
}

fn places(started: &[Started<'_>]) -> Vec<usize> {
    started.iter().map(|job| job.place).collect()
}

fn with_memory(layers: &[Layer], peak: u64, after: u64) -> Vec<Job<'_>> {
    let mut jobs = jobs(layers);
    for job in &mut jobs {
        job.memory = ExpectedMemory { peak, after };
    }
    jobs
}

/// As on a machine with that many cores, or with more.
fn queue<'a>(jobs: &'a [Job<'a>], bytes: u64, threads: usize, at_a_time: usize) -> Queue<'a> {
    let queue = Queue::new(jobs, bytes, threads);
    queue.free().threads = at_a_time * threads;
    queue
}

#[test]
fn without_memory_layers_go_one_by_one() {
    let layers = layers(&[1000, 2, 1000]);
    let jobs = with_memory(&layers, 100, 100);
    let queue = queue(&jobs, 150, 4, 2);
    for place in 0..3 {
        assert_eq!(places(&start_all(&queue)), [place]);
    }
    assert_eq!(queue.free().bytes, 150);
}

#[test]
fn what_a_layer_no_longer_takes_is_free_for_the_next() {
    let layers = layers(&[1000, 1000]);
    let jobs = with_memory(&layers, 100, 40);
    let queue = queue(&jobs, 140, 4, 2);
    let mut first = start_all(&queue);
    assert_eq!(places(&first), [0]);
    first[0].keep(40);
    assert_eq!(places(&start_all(&queue)), [1]);
    drop(first);
    assert_eq!(queue.free().bytes, 140);
}

#[test]
fn two_large_ones_run_and_as_many_small_ones_as_there_are_threads() {
    let large = layers(&[1000; 5]);
    let jobs = with_memory(&large, 1, 1);
    assert_eq!(places(&start_all(&queue(&jobs, 1000, 8, 2))), [0, 1]);
    // On a machine with more cores a second would take more threads than were asked for.
    assert_eq!(places(&start_all(&queue(&jobs, 1000, 8, 1))), [0]);
    let small = layers(&[2; 5]);
    let jobs = with_memory(&small, 1, 1);
    assert_eq!(places(&start_all(&queue(&jobs, 1000, 3, 1))), [0, 1, 2]);
}

// The second does not fit beside the first, the others do: one of them passes it.
#[test]
fn one_later_layer_starts_beside_a_large_one() {
    let layers = layers(&[1000, 1000, 2, 2]);
    let mut jobs = with_memory(&layers, 10, 10);
    jobs[0].memory.peak = 100;
    jobs[1].memory.peak = 100;
    let queue = queue(&jobs, 150, 4, 2);
    let mut running = start_all(&queue);
    assert_eq!(places(&running), [0, 2]);
    running.truncate(1);
    assert_eq!(places(&start_all(&queue)), [0; 0]);
    drop(running);
    assert_eq!(places(&start_all(&queue)), [1, 3]);
}
