//! Layers measured side by side, started in the order of the file as threads and memory allow.
//!
//! A small layer takes one thread, for there is too little in it to share out; a large one all of
//! them, and two large ones fill each other's gaps. What is measured of a layer depends on the
//! layer alone, facts come in the order of the layers, and of several faults the first in that
//! order is told: nothing shows what ran beside what.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::expected_memory::ExpectedMemory;
use super::expected_time::ExpectedTime;
use crate::Result;
use crate::audit::LayerFacts;
use crate::layers::Layer;

/// Most entries of a small layer, 512×512: from there on products are large enough for two
/// threads.
const SMALL: usize = 1 << 18;

/// What a layer comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Read,
    Spectrum,
    Shadow,
}

impl Stage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Spectrum => "weights and spectrum",
            Self::Shadow => "shadow",
        }
    }

    /// Seconds of a layer that are over when it comes to this stage.
    const fn seconds_before(self, time: &ExpectedTime) -> f64 {
        match self {
            Self::Read => 0.0,
            Self::Spectrum => time.read,
            Self::Shadow => time.read + time.spectrum,
        }
    }
}

/// A layer and what it is expected to take.
pub(super) struct Job<'a> {
    pub layer: &'a Layer,
    pub memory: ExpectedMemory,
    pub time: ExpectedTime,
}

impl Job<'_> {
    const fn is_large(&self) -> bool {
        self.layer.fan_in.saturating_mul(self.layer.fan_out) > SMALL
    }
}

/// Reads and measures a layer, and tells of each stage it comes to after [`Stage::Read`].
type MeasureLayer<'a> = dyn Fn(&Layer, &mut dyn FnMut(Stage)) -> Result<LayerFacts> + Sync + 'a;

/// Facts of every layer, in order, taking `bytes` at most together; each job alone fits into
/// them. `progress` is told the place of a layer, the stage it comes to, and the expected seconds
/// of all that is done.
pub(super) fn measure(
    jobs: &[Job<'_>],
    bytes: u64,
    measure_layer: &MeasureLayer<'_>,
    progress: &mut dyn FnMut(usize, Stage, f64),
) -> Result<Vec<LayerFacts>> {
    let queue = Queue::new(jobs, bytes, rayon::current_num_threads());
    let (tell, told) = mpsc::channel();
    let mut facts: Vec<(usize, Result<LayerFacts>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..queue.threads.min(jobs.len()))
            .map(|_| {
                let (queue, tell) = (&queue, tell.clone());
                scope.spawn(move || queue.work(measure_layer, &tell))
            })
            .collect();
        drop(tell);
        let (mut done, mut done_of) = (0.0, vec![0.0; jobs.len()]);
        for (place, stage) in told {
            let before = stage.seconds_before(&jobs[place].time);
            done += before - done_of[place];
            done_of[place] = before;
            progress(place, stage, done);
        }
        let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .flat_map(|facts| facts.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    facts.sort_by_key(|&(place, _)| place);
    facts.into_iter().map(|(_, facts)| facts).collect()
}

/// Jobs that wait, in order, and what is free for them.
struct Queue<'a> {
    jobs: &'a [Job<'a>],
    threads: usize,
    free: Mutex<Free>,
    /// Something became free.
    changed: Condvar,
}

struct Free {
    /// Places of jobs that wait, ascending.
    waiting: VecDeque<usize>,
    /// Whether a later job began while the first of them did not fit.
    is_passed: bool,
    bytes: u64,
    threads: usize,
}

/// A job that was started; gives back what it takes when it is dropped.
struct Started<'a> {
    queue: &'a Queue<'a>,
    place: usize,
    bytes: u64,
    threads: usize,
}

impl<'a> Queue<'a> {
    fn new(jobs: &'a [Job<'a>], bytes: u64, threads: usize) -> Self {
        // Two layers that are shared out among all cores may run at a time: where one has a stage
        // for one core, the other has work. Where the machine has more cores than may be used, a
        // second layer would use them.
        let all = thread::available_parallelism().map_or(1, usize::from);
        let at_a_time = if threads >= all { 2 } else { 1 };
        Self {
            jobs,
            threads,
            free: Mutex::new(Free {
                waiting: (0..jobs.len()).collect(),
                is_passed: false,
                bytes,
                threads: at_a_time * threads,
            }),
            changed: Condvar::new(),
        }
    }

    /// Measures layers until none waits: each with its place.
    fn work(
        &self,
        measure_layer: &MeasureLayer<'_>,
        tell: &mpsc::Sender<(usize, Stage)>,
    ) -> Vec<(usize, Result<LayerFacts>)> {
        let mut measured = Vec::new();
        let one_thread = pool(1);
        while let Some(mut started) = self.next() {
            let place = started.place;
            let job = &self.jobs[place];
            let measure = || {
                let mut stage = |stage| {
                    if stage == Stage::Shadow {
                        started.keep(job.memory.after);
                    }
                    // Whoever listens has gone only after a panic.
                    let _ = tell.send((place, stage));
                };
                stage(Stage::Read);
                measure_layer(job.layer, &mut stage)
            };
            // A pool of its own: in a shared one a layer that waits would take up another.
            let facts = if job.is_large() {
                within(pool(self.threads).as_ref(), measure)
            } else {
                within(one_thread.as_ref(), measure)
            };
            if facts.is_err() {
                self.stop_at(place);
            }
            measured.push((place, facts));
        }
        measured
    }

    /// A job, as soon as one may start; nothing when none waits.
    fn next(&self) -> Option<Started<'_>> {
        let mut free = self.free();
        while !free.waiting.is_empty() {
            if let Some(started) = self.start(&mut free) {
                return Some(started);
            }
            let changed = self.changed.wait(free);
            free = changed.unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// The first job that waits, if it fits, or the first later one that does. One may pass it and
    /// no more: many small ones, which always fit, would keep a large one waiting to the end.
    fn start(&self, free: &mut Free) -> Option<Started<'_>> {
        let considered = if free.is_passed { 1 } else { self.jobs.len() };
        let mut considered = free.waiting.iter().take(considered);
        let fits = |&place: &usize| {
            self.jobs[place].memory.peak <= free.bytes && self.threads(place) <= free.threads
        };
        let at = considered.position(fits)?;
        let place = free.waiting.remove(at)?;
        free.is_passed = at > 0;
        let started = Started {
            queue: self,
            place,
            bytes: self.jobs[place].memory.peak,
            threads: self.threads(place),
        };
        free.bytes -= started.bytes;
        free.threads -= started.threads;
        Some(started)
    }

    const fn threads(&self, place: usize) -> usize {
        if self.jobs[place].is_large() {
            self.threads
        } else {
            1
        }
    }

    /// No job from this place on is started.
    fn stop_at(&self, place: usize) {
        self.free().waiting.retain(|&waiting| waiting < place);
        self.changed.notify_all();
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Started<'_> {
    /// Gives back all but `bytes`.
    fn keep(&mut self, bytes: u64) {
        self.queue.free().bytes += self.bytes - bytes;
        self.bytes = bytes;
        self.queue.changed.notify_all();
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.queue.stop_at(0);
        }
        let mut free = self.queue.free();
        free.bytes += self.bytes;
        free.threads += self.threads;
        self.queue.changed.notify_all();
    }
}

fn pool(threads: usize) -> Option<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().ok()
}

/// In the pool, or where the system gives none, here.
fn within<T: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> T {
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

#[cfg(test)]
mod tests;
