//! Where a long measurement stands, and how long the rest will take.

use std::time::Duration;

/// Where a long measurement stands. Layers that run side by side come in any order, `done` only
/// grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress<'a> {
    /// The layer being measured.
    pub layer: &'a str,
    /// Its position, from 0.
    pub index: usize,
    /// Number of layers.
    pub layers: usize,
    /// `read`, `weights and spectrum`, `shadow`, `chain`, or `difference`.
    pub stage: &'static str,
    /// Share of the whole work that is done, from 0 to 1, what is done of later layers included.
    pub done: f64,
}

/// Share of the work before which nothing is said of the rest: it would jump.
const TOO_EARLY: f64 = 0.03;

/// What is left when `done` of the work, a share, took `elapsed`.
pub fn time_left(elapsed: Duration, done: f64) -> Option<Duration> {
    (TOO_EARLY..=1.0)
        .contains(&done)
        .then(|| elapsed.mul_f64((1.0 - done) / done))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn after_the_first_of_two_equal_layers_as_much_is_left() {
        assert_eq!(time_left(7 * SECOND, 0.5), Some(7 * SECOND));
        assert_eq!(time_left(9 * SECOND, 0.9), Some(SECOND));
        assert_eq!(time_left(9 * SECOND, 1.0), Some(Duration::ZERO));
    }

    #[test]
    fn at_an_even_speed_ever_less_is_left() {
        let left = |percent: u32| time_left(percent * SECOND, f64::from(percent) / 100.0);
        let all: Vec<Duration> = (3..=100).map(|percent| left(percent).unwrap()).collect();
        assert!(all.is_sorted_by(|before, after| before > after));
    }

    #[test]
    fn nothing_is_said_too_early_or_of_nonsense() {
        for done in [0.0, 0.029, 1.1, f64::NAN, -0.5] {
            assert_eq!(time_left(SECOND, done), None, "{done}");
        }
        assert!(time_left(SECOND, 0.03).is_some());
    }
}
