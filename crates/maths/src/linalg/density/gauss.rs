//! Gauss rules: k points that share the first 2k moments of a measure.

use faer::Mat;

use crate::linalg::SpectrumError;
use crate::linalg::pure::eigen;

/// What is left of a vector that lay in the span of the others, as a share of the norm.
const NOTHING: f64 = 1e-13;

/// The tridiagonal matrix of a measure's orthogonal polynomials.
#[derive(Debug, Clone)]
pub(super) struct Jacobi {
    alpha: Vec<f64>,
    /// One for each step; the last is 0 where the measure has no more points.
    beta: Vec<f64>,
}

/// A point of a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub value: f64,
    pub weight: f64,
    /// How far it is from a node of the rule with one point less: nodes between which the measure
    /// goes on move by half their distance, those that are points of it no more.
    pub residual: f64,
}

impl Jacobi {
    /// k Lanczos steps on a symmetric operator from a start of norm 1 (the Stieltjes procedure;
    /// Gautschi 2004, §2.2.3), fully reorthogonalised; `norm` is about the operator's.
    pub fn new(
        start: Vec<f64>,
        apply: impl Fn(&[f64]) -> Vec<f64>,
        (steps, norm): (usize, f64),
    ) -> Self {
        let mut basis = vec![start];
        let (mut alpha, mut beta) = (Vec::new(), Vec::new());
        while let Some(last) = basis.last().filter(|_| alpha.len() < steps) {
            let mut next = apply(last);
            alpha.push(super::column::dot(last, &next));
            for _ in 0..2 {
                for other in &basis {
                    super::column::remove(&mut next, other);
                }
            }
            let length = super::column::dot(&next, &next).sqrt();
            if length <= NOTHING * norm {
                beta.push(0.0);
                break;
            }
            super::column::divide(&mut next, length);
            beta.push(length);
            basis.push(next);
        }
        Self { alpha, beta }
    }

    /// Of points with weights that sum to 1, ascending or not. Those within `same` of each other
    /// are one: a block finds a value with its own rounding.
    pub fn of_points(points: &[(f64, f64)], same: f64, steps: usize) -> Self {
        let mut sorted = points.to_vec();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut points: Vec<(f64, f64)> = Vec::with_capacity(sorted.len());
        for (value, weight) in sorted {
            match points.last_mut() {
                Some(last) if value - last.0 <= same => {
                    let both = last.1 + weight;
                    let share = if both > 0.0 { weight / both } else { 0.5 };
                    *last = (last.0 + share * (value - last.0), both);
                }
                _ => points.push((value, weight)),
            }
        }
        let norm = points.iter().map(|p| p.0.abs()).fold(0.0, f64::max);
        let start = points.iter().map(|p| p.1.max(0.0).sqrt()).collect();
        let apply = |v: &[f64]| v.iter().zip(&points).map(|(v, p)| v * p.0).collect();
        Self::new(start, apply, (steps, norm))
    }

    /// The rule of at most `count` points, ascending (Golub & Welsch 1969).
    ///
    /// # Errors
    /// When it is not finite, or the eigenvalue problem does not converge.
    pub fn rule(&self, count: usize) -> Result<Vec<Node>, SpectrumError> {
        let size = count.min(self.alpha.len());
        if self.alpha.iter().chain(&self.beta).any(|x| !x.is_finite()) {
            return Err(SpectrumError::TooLarge);
        }
        let (values, vectors) = eigen(&self.leading(size))?;
        let is_whole = size == self.alpha.len() && self.beta.last() == Some(&0.0);
        let before = if size > 1 && !is_whole {
            eigen(&self.leading(size - 1))?.0
        } else {
            Vec::new()
        };
        let moved = |value: f64| {
            let gaps = before.iter().map(|x| (x - value).abs());
            gaps.fold(f64::INFINITY, f64::min)
        };
        let node = |(i, &value): (usize, &f64)| Node {
            value,
            weight: vectors[(0, i)].powi(2),
            residual: if is_whole { 0.0 } else { moved(value) },
        };
        Ok(values.iter().enumerate().map(node).collect())
    }

    fn leading(&self, size: usize) -> Mat<f64> {
        Mat::from_fn(size, size, |i, j| match i.abs_diff(j) {
            0 => self.alpha[i],
            1 => self.beta[i.min(j)],
            _ => 0.0,
        })
    }
}
