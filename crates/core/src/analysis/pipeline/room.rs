//! Which layer may start next, by threads and memory. Decides only; nothing runs here.

use std::collections::VecDeque;

use crate::analysis::memory::Need;

/// Large layers that are measured beside each other: where one has a stage for one core, the
/// other has work.
const LARGE: usize = 2;

/// A layer to be measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Job {
    pub need: Need,
    /// Expected seconds.
    pub cost: f64,
    /// Shared out among all threads; a small one has one.
    pub is_large: bool,
}

/// What a worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Read the layer with this place, unless it was read ahead, and measure it.
    Measure(usize),
    /// Only read it: there is room for its bytes, and not yet for the rest.
    ReadAhead(usize),
}

/// Layers that wait, and what those that run have taken.
#[derive(Debug)]
pub(super) struct Room {
    jobs: Vec<Job>,
    /// Places that have not started, in order.
    waiting: VecDeque<usize>,
    /// Bytes that are free.
    free: u64,
    threads: usize,
    /// Whether a large layer, with all threads, may have others beside it.
    is_shared: bool,
    running: Running,
    ahead: Option<Ahead>,
    passing: Option<Passing>,
}

#[derive(Debug, Default)]
struct Running {
    small: usize,
    large: usize,
    /// Expected seconds of all that run.
    cost: f64,
}

/// The first layer that waits, when its bytes are taken already.
#[derive(Debug)]
struct Ahead {
    place: usize,
    is_read: bool,
}

/// Later layers may pass the first one while it waits, but not for longer than those run that
/// it waits for.
#[derive(Debug)]
struct Passing {
    place: usize,
    left: f64,
}

impl Room {
    /// `bytes` hold each job alone. Where `threads` are not all the machine has, a large layer
    /// with all of them leaves none to others.
    pub(super) fn new(jobs: Vec<Job>, bytes: u64, threads: usize, is_shared: bool) -> Self {
        Self {
            waiting: (0..jobs.len()).collect(),
            jobs,
            free: bytes,
            threads,
            is_shared,
            running: Running::default(),
            ahead: None,
            passing: None,
        }
    }

    /// Whether no layer waits any more.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What may start now; it counts as started.
    pub(super) fn next(&mut self) -> Option<Start> {
        let &first = self.waiting.front()?;
        if self.fits(first) {
            self.passing = None;
            return Some(self.start(0));
        }
        if let Some(at) = self.passes(first) {
            return Some(self.start(at));
        }
        let job = self.jobs[first];
        if self.ahead.is_none() && job.is_large && job.need.read <= self.free {
            self.free -= job.need.read;
            self.ahead = Some(Ahead {
                place: first,
                is_read: false,
            });
            return Some(Start::ReadAhead(first));
        }
        None
    }

    /// The layer that is read ahead.
    pub(super) fn ahead(&self) -> Option<usize> {
        self.ahead.as_ref().map(|ahead| ahead.place)
    }

    /// The layer that was to be read ahead is there.
    pub(super) fn arrived(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.is_read = true;
        }
    }

    /// The layer with this place needs no more than what it takes after its spectrum.
    pub(super) fn shrank(&mut self, place: usize) {
        let need = &mut self.jobs[place].need;
        self.free += need.peak - need.after;
        need.peak = need.after;
    }

    /// The layer with this place is measured and gone.
    pub(super) fn finished(&mut self, place: usize) {
        let job = self.jobs[place];
        self.free += job.need.peak;
        self.running.cost -= job.cost;
        if job.is_large {
            self.running.large -= 1;
        } else {
            self.running.small -= 1;
        }
    }

    /// Starts nothing from `place` on.
    pub(super) fn stop_at(&mut self, place: usize) {
        self.waiting.retain(|&waiting| waiting < place);
    }

    /// Index in `waiting` of a layer that fits and is done before the first could begin.
    fn passes(&mut self, first: usize) -> Option<usize> {
        let fresh = Passing {
            place: first,
            left: self.running.cost,
        };
        let known = self.passing.take().filter(|known| known.place == first);
        let mut passing = known.unwrap_or(fresh);
        let later = self.waiting.iter().skip(1);
        let passes = |&place: &usize| self.jobs[place].cost <= passing.left && self.fits(place);
        let has_thread = self.has_thread(false) || self.has_thread(true);
        let at = has_thread.then(|| later.copied().position(|place| passes(&place)));
        let at = at.flatten().map(|at| at + 1);
        if let Some(at) = at {
            passing.left -= self.jobs[self.waiting[at]].cost;
        }
        self.passing = Some(passing);
        at
    }

    fn start(&mut self, at: usize) -> Start {
        let place = self.waiting.remove(at).expect("found among those waiting");
        let job = self.jobs[place];
        self.free = self.free + self.held(place) - job.need.peak;
        self.ahead.take_if(|ahead| ahead.place == place);
        self.running.cost += job.cost;
        if job.is_large {
            self.running.large += 1;
        } else {
            self.running.small += 1;
        }
        Start::Measure(place)
    }

    fn fits(&self, place: usize) -> bool {
        let job = self.jobs[place];
        let is_on_its_way = self
            .ahead
            .as_ref()
            .is_some_and(|ahead| ahead.place == place && !ahead.is_read);
        !is_on_its_way
            && self.has_thread(job.is_large)
            && job.need.peak <= self.free + self.held(place)
    }

    /// Bytes that a layer has taken before it starts.
    fn held(&self, place: usize) -> u64 {
        let ahead = self.ahead.as_ref().filter(|ahead| ahead.place == place);
        ahead.map_or(0, |_| self.jobs[place].need.read)
    }

    const fn has_thread(&self, is_large: bool) -> bool {
        let Running { small, large, .. } = self.running;
        match (is_large, self.is_shared) {
            (true, true) => large < LARGE,
            (true, false) => large == 0 && small == 0,
            (false, true) => small < self.threads,
            (false, false) => small < self.threads && large == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Start::{Measure, ReadAhead};

    /// Bytes read and at the peak, and expected seconds; large from 100 bytes on.
    fn room(jobs: &[(u64, u64, f64)], bytes: u64, threads: usize) -> Room {
        let job = |&(read, peak, cost): &(u64, u64, f64)| Job {
            need: Need {
                read,
                peak,
                after: peak / 2,
            },
            cost,
            is_large: peak >= 100,
        };
        Room::new(jobs.iter().map(job).collect(), bytes, threads, true)
    }

    /// All that may start now.
    fn all(room: &mut Room) -> Vec<Start> {
        std::iter::from_fn(|| room.next()).collect()
    }

    // Shaped as AlexNet's: the third fits beside the first, of the second only the bytes.
    #[test]
    fn a_later_layer_starts_beside_a_large_one_and_the_next_is_read_ahead() {
        let mut room = room(&[(150, 560, 8.0), (67, 390, 5.0), (16, 150, 1.0)], 800, 2);
        assert_eq!(all(&mut room), [Measure(0), Measure(2), ReadAhead(1)]);
        room.finished(2);
        assert_eq!(all(&mut room), []);
        room.finished(0);
        assert_eq!(room.next(), None, "it is not there yet");
        room.arrived();
        assert_eq!(all(&mut room), [Measure(1)]);
        room.finished(1);
        assert!(room.is_empty() && room.free == 800);
    }

    // The second begins while the first has its spectrum behind it, and no earlier.
    #[test]
    fn what_a_layer_no_longer_takes_is_room_for_the_next() {
        let mut room = room(&[(50, 500, 8.0), (50, 300, 5.0), (50, 290, 5.0)], 550, 2);
        assert_eq!(all(&mut room), [Measure(0), ReadAhead(1)]);
        room.arrived();
        assert_eq!(all(&mut room), []);
        room.shrank(0);
        assert_eq!(all(&mut room), [Measure(1)]);
        room.finished(0);
        assert_eq!(all(&mut room), [ReadAhead(2)]);
        room.shrank(1);
        room.arrived();
        assert_eq!(all(&mut room), [Measure(2)]);
        room.finished(1);
        room.finished(2);
        assert_eq!(room.free, 550);
    }

    #[test]
    fn without_room_layers_go_one_by_one_in_order() {
        let mut room = room(&[(40, 100, 1.0); 3], 100, 8);
        for place in 0..3 {
            assert_eq!(all(&mut room), [Measure(place)]);
            room.finished(place);
        }
        assert!(room.is_empty());
    }

    #[test]
    fn with_room_two_large_ones_run_and_as_many_small_ones_as_there_are_threads() {
        let mut large = room(&[(0, 100, 1.0); 5], u64::MAX, 8);
        assert_eq!(all(&mut large), [Measure(0), Measure(1), ReadAhead(2)]);
        let mut small = room(&[(1, 2, 1.0); 5], u64::MAX, 3);
        assert_eq!(all(&mut small), [Measure(0), Measure(1), Measure(2)]);
    }

    // Endless small ones that fit must not keep a large one waiting.
    #[test]
    fn a_large_layer_is_not_passed_for_ever() {
        let mut jobs = vec![(10, 300, 10.0), (400, 900, 10.0)];
        jobs.resize(100, (1, 20, 3.0));
        let mut room = room(&jobs, 1000, 2);
        assert_eq!(
            all(&mut room),
            [Measure(0), Measure(2), Measure(3), ReadAhead(1)]
        );
        room.arrived();
        room.finished(2);
        assert_eq!(all(&mut room), [Measure(4)]);
        room.finished(3);
        assert_eq!(all(&mut room), [], "9 of 10 seconds are used up");
        room.finished(4);
        room.finished(0);
        assert_eq!(all(&mut room)[0], Measure(1));
    }

    #[test]
    fn held_to_fewer_threads_than_the_machine_has_a_large_layer_runs_alone() {
        let mut room = room(&[(1, 2, 1.0), (1, 100, 9.0), (1, 2, 1.0)], 1000, 2);
        room.is_shared = false;
        assert_eq!(all(&mut room), [Measure(0), Measure(2), ReadAhead(1)]);
        room.arrived();
        room.finished(0);
        assert_eq!(all(&mut room), []);
        room.finished(2);
        assert_eq!(all(&mut room), [Measure(1)]);
    }

    #[test]
    fn after_a_fault_only_earlier_layers_start() {
        let mut room = room(&[(1, 2, 1.0); 9], 1000, 2);
        assert_eq!(all(&mut room), [Measure(0), Measure(1)]);
        room.stop_at(3);
        room.finished(1);
        assert_eq!(all(&mut room), [Measure(2)]);
        room.finished(0);
        assert_eq!(all(&mut room), []);
        assert!(room.is_empty());
    }
}
