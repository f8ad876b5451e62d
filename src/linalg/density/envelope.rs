//! Between which distribution functions a measure lies of which only moments are known.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd;
use faer::{Mat, Par, Spec};

use super::measure::Measure;
use crate::linalg::SpectrumError;

/// The most that a distribution function can differ from that of `measure` when both have the
/// same moments up to 2k − 1.
///
/// Chebyshev, Markov and Stieltjes: with nodes xⱼ of the k-point Gauss rule of these moments and
/// cumulative weights Wⱼ, every such F has F(xⱼ−) ≥ Wⱼ₋₁ and F(xⱼ) ≤ Wⱼ, so between xⱼ and
/// xⱼ₊₁ it lies between Wⱼ₋₁ and Wⱼ₊₁ (Szegő, Orthogonal Polynomials, §3.41).
///
/// # Errors
/// When the rule's eigenvalue problem does not converge.
pub(super) fn widest(measure: &Measure, k: usize) -> Result<f64, SpectrumError> {
    let (nodes, weights) = gauss(measure, k)?;
    let mut sums = vec![0.0, 0.0];
    sums.extend(weights.iter().scan(0.0, |sum, w| {
        *sum += w;
        Some(*sum)
    }));
    sums.push(1.0);
    // sums[j + 1] is W of the first j nodes.
    let share = |x: f64, with: bool| {
        let count = measure
            .points
            .partition_point(|&p| if with { p <= x } else { p < x });
        measure.weights[..count].iter().sum::<f64>()
    };
    let between = |j: usize| {
        let from = (j > 0).then(|| nodes[j - 1]);
        let to = nodes.get(j).copied();
        let (low, high) = (sums[j], sums[j + 2]);
        let least = from.map_or(0.0, |x| share(x, true));
        let most = to.map_or(1.0, |x| share(x, false));
        f64::max(high - least, most - low)
    };
    Ok((0..=nodes.len()).map(between).fold(0.0, f64::max).min(1.0))
}

/// Nodes, ascending, and weights of the k-point Gauss rule: the Stieltjes procedure as Lanczos
/// steps on the diagonal matrix of points, started from the roots of the weights (Gautschi 2004,
/// §2.2.3), fully reorthogonalised.
fn gauss(measure: &Measure, k: usize) -> Result<(Vec<f64>, Vec<f64>), SpectrumError> {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let scale = measure.points.last().copied().unwrap_or(0.0);
    let mut basis: Vec<Vec<f64>> = vec![measure.weights.iter().map(|w| w.sqrt()).collect()];
    let (mut alpha, mut beta) = (Vec::new(), Vec::new());
    while let Some(last) = basis.last().filter(|_| alpha.len() < k) {
        let mut next: Vec<f64> = last.iter().zip(&measure.points).map(|(v, x)| v * x).collect();
        alpha.push(dot(last, &next));
        for _ in 0..2 {
            for other in &basis {
                let share = dot(other, &next);
                next.iter_mut().zip(other).for_each(|(x, o)| *x -= share * o);
            }
        }
        let length = dot(&next, &next).sqrt();
        // The measure has no more points than this.
        if length <= 1e-13 * scale || basis.len() == measure.points.len() {
            break;
        }
        next.iter_mut().for_each(|x| *x /= length);
        beta.push(length);
        basis.push(next);
    }
    let size = alpha.len();
    let matrix = Mat::from_fn(size, size, |i, j| match i.abs_diff(j) {
        0 => alpha[i],
        1 => beta[i.min(j)],
        _ => 0.0,
    });
    let (mut values, mut vectors) = (Diag::zeros(size), Mat::zeros(size, size));
    let (yes, spec) = (evd::ComputeEigenvectors::Yes, Spec::default());
    let scratch = evd::self_adjoint_evd_scratch::<f64>(size, yes, Par::Seq, spec);
    evd::self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        spec,
    )
    .map_err(|_| SpectrumError::NoConvergence("faer"))?;
    let weights = (0..size).map(|i| vectors[(0, i)].powi(2)).collect();
    Ok((values.column_vector().iter().copied().collect(), weights))
}
