//! Wall and CPU time of what runs in this process.

use std::fs;
use std::time::Instant;

/// A point in time.
#[derive(Clone, Copy)]
pub struct Clock {
    wall: Instant,
    cpu: Option<f64>,
}

/// Seconds between two.
#[derive(Clone, Copy)]
pub struct Seconds {
    pub wall: f64,
    /// Nothing where the system does not tell it.
    pub cpu: Option<f64>,
}

impl Clock {
    pub fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu(),
        }
    }

    pub fn elapsed(self) -> Seconds {
        let now = Self::now();
        Seconds {
            wall: now.wall.duration_since(self.wall).as_secs_f64(),
            cpu: self.cpu.zip(now.cpu).map(|(from, to)| to - from),
        }
    }
}

impl Seconds {
    /// Without what another part took.
    pub fn less(self, other: Self) -> Self {
        Self {
            wall: self.wall - other.wall,
            cpu: self.cpu.zip(other.cpu).map(|(all, part)| all - part),
        }
    }
}

/// CPU seconds of all threads that are alive, which those of the pool are to the end; Linux counts
/// them in nanoseconds.
fn cpu() -> Option<f64> {
    let threads = fs::read_dir("/proc/self/task").ok()?;
    let mut nanoseconds = 0.0;
    for thread in threads {
        let counted = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += counted.split_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(1e-9 * nanoseconds)
}
