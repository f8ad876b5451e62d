//! Layers beside each other: one is read and another measured, and two fill each other's gaps.
//!
//! A small layer takes one thread, for there is too little in it to share out; a large one all of
//! them. Which runs when is a matter of threads and memory. What is measured of a layer depends on
//! the layer alone, facts and progress come in the order of the layers, and the first fault in
//! that order is the one that is told. So nothing shows what ran beside what.

mod room;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::cost::Cost;
use super::memory::Need;
use crate::Result;
use crate::audit::LayerFacts;
use crate::layers::Layer;
use room::{Job, Room, Start};

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

    /// What is done of a layer that comes to this stage.
    const fn before(self, cost: &Cost) -> f64 {
        match self {
            Self::Read => 0.0,
            Self::Spectrum => cost.read,
            Self::Shadow => cost.read + cost.spectrum,
        }
    }
}

/// Facts of a layer from what was read of it; told of each stage it comes to.
type Measure<'a, R> = dyn Fn(&Layer, R, &mut dyn FnMut(Stage)) -> Result<LayerFacts> + Sync + 'a;

/// The two halves of a layer's way.
pub(super) struct Work<'a, R> {
    pub read: &'a (dyn Fn(&Layer) -> Result<R> + Sync),
    pub measure: &'a Measure<'a, R>,
}

impl<R> Work<'_, R> {
    fn whole(
        &self,
        layer: &Layer,
        read: Option<Result<R>>,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<LayerFacts> {
        stage(Stage::Read);
        let read = read.unwrap_or_else(|| (self.read)(layer))?;
        (self.measure)(layer, read, stage)
    }
}

/// Layers with what each needs and takes, and the bytes they may take together.
pub(super) struct Plan<'a> {
    pub layers: &'a [Layer],
    pub needs: &'a [Need],
    pub costs: &'a [Cost],
    pub bytes: u64,
}

/// Facts of every layer, in order. `progress` is told the place of a layer, a stage, and the
/// expected seconds of all that is done.
pub(super) fn measure<R: Send>(
    plan: &Plan<'_>,
    work: &Work<'_, R>,
    progress: &mut dyn FnMut(usize, Stage, f64),
) -> Result<Vec<LayerFacts>> {
    let threads = rayon::current_num_threads();
    let mut teller = Teller::new(plan, progress);
    if threads == 1 || plan.layers.len() == 1 {
        for (place, layer) in plan.layers.iter().enumerate() {
            let facts = work.whole(layer, None, &mut |stage| teller.stage(place, stage));
            teller.facts(place, facts)?;
        }
        return Ok(teller.told);
    }
    let crew = Crew::new(plan, threads);
    let any_large = plan.layers.iter().any(is_large);
    // One more than there are threads: reading ahead is waiting for the disk.
    let workers = threads.min(plan.layers.len()) + usize::from(any_large);
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (crew, send) = (&crew, send.clone());
            scope.spawn(move || crew.serve(plan.layers, work, &send));
        }
        drop(send);
        for told in receive {
            match told {
                Told::Stage(place, stage) => teller.stage(place, stage),
                Told::Facts(place, facts) => teller.facts(place, *facts)?,
            }
        }
        Ok(teller.told)
    })
}

fn is_large(layer: &Layer) -> bool {
    layer.fan_in.saturating_mul(layer.fan_out) > SMALL
}

/// What a worker tells of the layer with a place.
enum Told {
    Stage(usize, Stage),
    Facts(usize, Box<Result<LayerFacts>>),
}

/// Workers and what they share.
struct Crew<R> {
    state: Mutex<State<R>>,
    /// Something ended: others may start.
    changed: Condvar,
    threads: usize,
}

struct State<R> {
    room: Room,
    /// The layer that was read ahead.
    ahead: Option<Result<R>>,
    /// Pools of all threads that nobody uses now. Pools of their own: in a shared one a layer
    /// that waits would take up another.
    pools: Vec<ThreadPool>,
}

impl<R: Send> Crew<R> {
    fn new(plan: &Plan<'_>, threads: usize) -> Self {
        let all = thread::available_parallelism().map_or(1, usize::from);
        let jobs = plan.layers.iter().zip(plan.needs).zip(plan.costs);
        let job = |((layer, &need), cost): ((&Layer, &Need), &Cost)| Job {
            need,
            cost: cost.whole(),
            is_large: is_large(layer),
        };
        let room = Room::new(jobs.map(job).collect(), plan.bytes, threads, threads >= all);
        Self {
            state: Mutex::new(State {
                room,
                ahead: None,
                pools: Vec::new(),
            }),
            changed: Condvar::new(),
            threads,
        }
    }

    /// Takes up layers until none is left.
    fn serve(&self, layers: &[Layer], work: &Work<'_, R>, send: &mpsc::Sender<Told>) {
        let _alarm = Alarm(self);
        let own = ThreadPoolBuilder::new().num_threads(1).build().ok();
        while let Some((start, ahead)) = self.next() {
            match start {
                Start::ReadAhead(place) => {
                    let read = (work.read)(&layers[place]);
                    let mut state = self.state();
                    state.ahead = Some(read);
                    state.room.arrived();
                }
                Start::Measure(place) => {
                    let layer = &layers[place];
                    // Nobody listens after a fault.
                    let tell = |told| {
                        let _ = send.send(told);
                    };
                    let measure = || {
                        work.whole(layer, ahead, &mut |stage| {
                            tell(Told::Stage(place, stage));
                            if stage == Stage::Shadow {
                                self.state().room.shrank(place);
                                self.changed.notify_all();
                            }
                        })
                    };
                    let facts = if is_large(layer) {
                        self.with_all_threads(measure)
                    } else {
                        within(own.as_ref(), measure)
                    };
                    let is_fault = facts.is_err();
                    tell(Told::Facts(place, Box::new(facts)));
                    let mut state = self.state();
                    state.room.finished(place);
                    if is_fault {
                        state.room.stop_at(place);
                    }
                }
            }
            self.changed.notify_all();
        }
    }

    /// What may start, as soon as something may, with what was read ahead of it; nothing when no
    /// layer waits.
    fn next(&self) -> Option<(Start, Option<Result<R>>)> {
        let mut state = self.state();
        while !state.room.is_empty() {
            let ahead = state.room.ahead();
            if let Some(start) = state.room.next() {
                let is_ahead = matches!(start, Start::Measure(place) if ahead == Some(place));
                let read = is_ahead.then(|| state.ahead.take()).flatten();
                return Some((start, read));
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn with_all_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let pool = self.state().pools.pop();
        let new = || ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.or_else(|| new().ok());
        let done = within(pool.as_ref(), work);
        self.state().pools.extend(pool);
        done
    }

    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the pool, or where there is none, here.
fn within<T: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> T {
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// A worker that panics frees no room: the others must not wait for it.
struct Alarm<'a, R: Send>(&'a Crew<R>);

impl<R: Send> Drop for Alarm<'_, R> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.state().room.stop_at(0);
            self.0.changed.notify_all();
        }
    }
}

/// Takes what comes in any order and tells it by place.
struct Teller<'a> {
    costs: &'a [Cost],
    progress: &'a mut dyn FnMut(usize, Stage, f64),
    /// What came of layers that are not told yet, by place.
    early: Vec<Early>,
    told: Vec<LayerFacts>,
    /// Expected seconds of what is done of each layer, and of all.
    done: Vec<f64>,
    done_of_all: f64,
}

#[derive(Default)]
struct Early {
    stages: Vec<Stage>,
    facts: Option<Result<LayerFacts>>,
}

impl<'a> Teller<'a> {
    fn new(plan: &Plan<'a>, progress: &'a mut dyn FnMut(usize, Stage, f64)) -> Self {
        Self {
            costs: plan.costs,
            progress,
            early: plan.layers.iter().map(|_| Early::default()).collect(),
            told: Vec::with_capacity(plan.layers.len()),
            done: vec![0.0; plan.layers.len()],
            done_of_all: 0.0,
        }
    }

    fn stage(&mut self, place: usize, stage: Stage) {
        self.reaches(place, stage.before(&self.costs[place]));
        if place == self.told.len() {
            (self.progress)(place, stage, self.done_of_all);
        } else {
            self.early[place].stages.push(stage);
        }
    }

    /// Tells of all layers up to the first that has no facts yet, or its fault.
    fn facts(&mut self, place: usize, facts: Result<LayerFacts>) -> Result<()> {
        self.reaches(place, self.costs[place].whole());
        self.early[place].facts = Some(facts);
        while let Some(early) = self.early.get_mut(self.told.len()) {
            for stage in early.stages.drain(..) {
                (self.progress)(self.told.len(), stage, self.done_of_all);
            }
            let Some(facts) = early.facts.take() else {
                break;
            };
            self.told.push(facts?);
        }
        Ok(())
    }

    fn reaches(&mut self, place: usize, done: f64) {
        self.done_of_all += done - self.done[place];
        self.done[place] = done;
    }
}

#[cfg(test)]
mod tests;
