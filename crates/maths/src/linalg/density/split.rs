//! A spectrum in two: the largest values as they are, and the rest that is sampled, docs/theory.md §3.

use super::curve::Point;
use super::ends::Ends;
use super::measure::Measure;

/// Which values the distribution holds as they are, and what is left to be sampled.
pub(super) struct Split {
    size: usize,
    /// Descending.
    pub top: Vec<f64>,
    /// Mean of the rest.
    mean: f64,
    /// Where the distribution function of the rest begins and ends.
    start: f64,
    end: f64,
}

impl Split {
    pub fn new(ends: &Ends, (size, mean): (usize, f64)) -> Self {
        let top: Vec<f64> = ends.top[..ends.exact]
            .iter()
            .map(|pair| pair.value)
            .collect();
        let total = size as f64 * mean - top.iter().sum::<f64>();
        let bottom = ends.bottom.first().map_or(0.0, |pair| pair.value.max(0.0));
        Self {
            size,
            mean: total.max(0.0) / (size - top.len()).max(1) as f64,
            start: if ends.has_hard_edge() { 0.0 } else { bottom },
            end: ends.next(),
            top,
        }
    }

    /// Of all values, those that are sampled.
    pub fn share(&self) -> f64 {
        1.0 - self.top.len() as f64 / self.size.max(1) as f64
    }

    pub fn rest(&self, measure: Measure) -> Measure {
        measure.calibrated(self.mean)
    }

    pub fn curve(&self, rest: &Measure, unit: f64) -> Vec<Point> {
        let point = |sigma: f64, share: f64| Point {
            sigma: unit * sigma,
            share,
        };
        let size = self.size as f64;
        let most = self.top.last().map_or(f64::INFINITY, |x| x.sqrt());
        let sampled = rest.curve(self.start, self.end);
        let top = self.top.iter().enumerate().rev();
        let top = top.flat_map(|(i, &x)| {
            let above = |count: usize| point(x.sqrt(), 1.0 - count as f64 / size);
            [above(i + 1), above(i)]
        });
        let sampled = sampled
            .into_iter()
            .map(|(x, f)| point(x.min(most), self.share() * f));
        sampled.chain(top).collect()
    }
}
