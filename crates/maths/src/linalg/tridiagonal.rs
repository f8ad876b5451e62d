//! Eigenvalues of a symmetric tridiagonal matrix by the root-free QL iteration of Pal,
//! Walker and Kahan (Parlett, The Symmetric Eigenvalue Problem, §8.15).

use super::bulge::Tridiagonal;
use super::kernels::LEAST_SQUARE;

/// Iterations an eigenvalue may take; two are usual.
const ITERATIONS: usize = 40;

/// All eigenvalues in no order, or nothing when the iteration does not converge.
///
/// The matrix is scaled to about 1. Entries below the diagonal count as zero from ε of the
/// norm on: that moves no eigenvalue by more than 2ε of it.
pub(super) fn eigenvalues(matrix: Tridiagonal) -> Option<Vec<f64>> {
    let Tridiagonal {
        diagonal: mut d,
        below,
    } = matrix;
    let largest = d.iter().chain(&below).fold(0.0, |m: f64, x| m.max(x.abs()));
    let negligible = (f64::EPSILON * largest).powi(2);
    let mut squares: Vec<f64> = below.iter().map(|e| e * e).collect();
    let mut budget = ITERATIONS * d.len();
    let mut first = 0;
    while first < d.len() {
        // The block at work: up to the first entry that is as good as zero.
        let length = squares[first..]
            .iter()
            .take_while(|&&square| square > negligible)
            .count();
        if length == 0 {
            first += 1;
            continue;
        }
        budget = budget.checked_sub(1)?;
        let last = first + length;
        if let Some(square) = squares.get_mut(last) {
            *square = 0.0;
        }
        sweep(&mut d[first..=last], &mut squares[first..last]);
    }
    d.iter().all(|x| x.is_finite()).then_some(d)
}

/// One QL step of an unreduced block, from the last row up to the first, on the squares of
/// the entries below the diagonal, with Wilkinson's shift of the first two rows.
fn sweep(d: &mut [f64], squares: &mut [f64]) {
    let shift = shift(d[0], d[1], squares[0]);
    let last = squares.len();
    let (mut cosine, mut sine) = (1.0, 0.0);
    let mut gamma = d[last] - shift;
    let mut p = gamma * gamma;
    for i in (0..last).rev() {
        let square = squares[i];
        let r = p + square;
        if i + 1 < last {
            squares[i + 1] = sine * r;
        }
        let before = cosine;
        if p < LEAST_SQUARE {
            p = 0.0;
        }
        // Two divisions side by side instead of one after the other.
        let (whole, inverse) = (p / r, r / p);
        cosine = whole;
        sine = square / r;
        let kept = gamma;
        gamma = cosine * (d[i] - shift) - sine * kept;
        d[i + 1] = kept + (d[i] - gamma);
        p = if p == 0.0 {
            before * square
        } else {
            gamma * gamma * inverse
        };
    }
    squares[0] = sine * p;
    d[0] = shift + gamma;
}

/// The eigenvalue of [a, e; e, b] nearer to a, from e².
fn shift(a: f64, b: f64, square: f64) -> f64 {
    let half = 0.5 * (b - a);
    let root = (half * half + square).sqrt().copysign(half);
    a - square / (half + root)
}
