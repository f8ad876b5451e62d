//! Singular vectors: eigenvectors of the Gram matrix of the smaller side, and what the matrix
//! makes of them.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd;
use faer::{Mat, Spec};
use rayon::prelude::*;

use super::faer_engine::PARTS;
use super::{Matrix, SpectrumError, gram};

/// Parts a sum over rows is cut into, whatever the number of threads.
const SUMS: usize = 16;
/// Rounding of an eigenvalue of the Gram matrix, in ε·λ₁.
const ROUNDING: f64 = 8.0;

/// A singular value with its two vectors of length 1, the largest component of the longer
/// one's side above 0.
#[derive(Debug, Clone, PartialEq)]
pub struct SingularTriple {
    /// σ.
    pub value: f64,
    /// A component a row.
    pub left: Vec<f64>,
    /// A component a column.
    pub right: Vec<f64>,
    /// ‖Aᵀu − σv‖/σ₁ when Av = σu, or the same with sides exchanged.
    pub residual: f64,
    /// Distance to the nearest other value, less what that may be wrong by; below 0 when they
    /// cannot be told apart. A value of a matrix that is not square is never farther from 0.
    pub gap: f64,
    /// Bound on the sine of the angle to the true vectors, residual over gap (Davis & Kahan
    /// 1970, for [[0, A], [Aᵀ, 0]]); infinite without a gap.
    pub angle: f64,
}

/// The triples at these places of the descending order, each place below min(rows, cols).
///
/// All eigenvectors are computed: for a smaller side of M, 3·8·M² bytes and some 10 M³
/// operations.
///
/// # Errors
/// When the decomposition does not converge.
pub fn singular_vectors<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    places: &[usize],
) -> Result<Vec<SingularTriple>, SpectrumError> {
    let (values, vectors) = eigenvectors(&gram::lower(matrix))?;
    let size = values.len();
    let triple = |&place: &usize| {
        let column = vectors.col(size - 1 - place);
        let small: Vec<f64> = column.iter().copied().collect();
        triple(matrix, small, place, &values)
    };
    Ok(places
        .iter()
        .filter(|&&place| place < size)
        .map(triple)
        .collect())
}

/// Square roots of the eigenvalues, descending, and eigenvectors by rising eigenvalue.
fn eigenvectors(gram: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>), SpectrumError> {
    let size = gram.nrows();
    let (mut values, mut vectors) = (Diag::zeros(size), Mat::zeros(size, size));
    let (yes, spec) = (evd::ComputeEigenvectors::Yes, Spec::default());
    let scratch = evd::self_adjoint_evd_scratch::<f64>(size, yes, PARTS, spec);
    evd::self_adjoint_evd(
        gram.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        PARTS,
        MemStack::new(&mut MemBuffer::new(scratch)),
        spec,
    )
    .map_err(|_| SpectrumError::NoConvergence("faer"))?;
    let rising = values.column_vector().iter();
    let falling = rising.rev().map(|l| l.max(0.0).sqrt()).collect();
    Ok((falling, vectors))
}

fn triple<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    mut small: Vec<f64>,
    place: usize,
    values: &[f64],
) -> SingularTriple {
    let is_tall = matrix.cols <= matrix.rows;
    let times = |tall: bool, v: &[f64]| {
        if tall {
            by_rows(matrix, v)
        } else {
            by_columns(matrix, v)
        }
    };
    let mut large = times(is_tall, &small);
    let value = norm(&large);
    let largest = values[0];
    // What is left of a zero is rounding and no vector.
    let scale = if value > 0.0 { 1.0 / value } else { 0.0 };
    let sign = positive(&large) * scale;
    for x in &mut large {
        *x *= sign;
    }
    for x in &mut small {
        *x *= sign.signum();
    }
    let mut left_over = times(!is_tall, &large);
    left_over
        .iter_mut()
        .zip(&small)
        .for_each(|(x, v)| *x -= value * v);
    let residual = norm(&left_over) + ROUNDING * f64::EPSILON * largest;
    let gap = gap(place, value, values, matrix.rows == matrix.cols);
    let (left, right) = if is_tall {
        (large, small)
    } else {
        (small, large)
    };
    SingularTriple {
        value,
        left,
        right,
        residual: if largest > 0.0 {
            residual / largest
        } else {
            0.0
        },
        gap,
        angle: if gap > 0.0 {
            residual / gap
        } else {
            f64::INFINITY
        },
    }
}

/// Distance of `value` to the nearest other eigenvalue of [[0, A], [Aᵀ, 0]]: the others, −σ, and
/// 0 when A is not square. Values of the Gram matrix are wrong by some ε·σ₁²/2σ.
fn gap(place: usize, value: f64, values: &[f64], is_square: bool) -> f64 {
    let rounding = ROUNDING * f64::EPSILON * values[0] * values[0];
    let wrong = |s: f64| {
        rounding
            .sqrt()
            .min(rounding / (2.0 * s).max(f64::MIN_POSITIVE))
    };
    let before = place.checked_sub(1).map(|i| values[i]);
    let after = values.get(place + 1).copied();
    let others = [before, after].into_iter().flatten();
    let gaps = others.map(|s| (s - value).abs() - wrong(s));
    let mirror = if is_square { 2.0 * value } else { value };
    gaps.fold(mirror - wrong(value), f64::min)
}

/// A·v.
fn by_rows<T: Copy + Into<f64> + Sync>(matrix: Matrix<'_, T>, v: &[f64]) -> Vec<f64> {
    let rows = matrix.entries.par_chunks(matrix.cols.max(1));
    rows.map(|row| row.iter().zip(v).map(|(&w, v)| w.into() * v).sum())
        .collect()
}

/// Aᵀ·u.
fn by_columns<T: Copy + Into<f64> + Sync>(matrix: Matrix<'_, T>, u: &[f64]) -> Vec<f64> {
    let height = matrix.rows.div_ceil(SUMS).max(1);
    let parts: Vec<Vec<f64>> = matrix
        .entries
        .par_chunks((height * matrix.cols).max(1))
        .zip(u.par_chunks(height))
        .map(|(rows, u)| {
            let mut sum = vec![0.0; matrix.cols];
            for (row, u) in rows.chunks(matrix.cols).zip(u) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(s, &w)| *s += u * w.into());
            }
            sum
        })
        .collect();
    let mut product = vec![0.0; matrix.cols];
    for part in parts {
        product.iter_mut().zip(part).for_each(|(x, p)| *x += p);
    }
    product
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The sign that makes the largest component positive.
fn positive(x: &[f64]) -> f64 {
    let largest = x.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    largest.map_or(1.0, |x| if x < 0.0 { -1.0 } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, planted};
    use super::super::{Engine, singular_values};
    use super::*;

    fn triples_at(
        entries: &[f64],
        rows: usize,
        cols: usize,
        places: &[usize],
    ) -> Vec<SingularTriple> {
        singular_vectors(Matrix::new(entries, rows, cols).unwrap(), places).unwrap()
    }

    // W = Σσuvᵀ: all triples together give the matrix back, in every shape.
    #[test]
    fn all_triples_make_the_matrix() {
        for (rows, cols) in [(30, 20), (20, 30), (25, 25)] {
            let entries = normal(4, rows * cols);
            let all: Vec<usize> = (0..rows.min(cols)).collect();
            let triples = triples_at(&entries, rows, cols, &all);
            let exact = singular_values(Matrix::new(&entries, rows, cols).unwrap(), Engine::Faer);
            for (at, w) in entries.iter().enumerate() {
                let term = |t: &SingularTriple| t.value * t.left[at / cols] * t.right[at % cols];
                assert!((triples.iter().map(term).sum::<f64>() - w).abs() < 1e-12);
            }
            for (t, exact) in triples.iter().zip(exact.unwrap()) {
                assert!(
                    (t.value - exact).abs() < 1e-12 && t.residual < 1e-13,
                    "{}",
                    t.residual
                );
                assert!(
                    (norm(&t.left) - 1.0).abs() < 1e-12 && (norm(&t.right) - 1.0).abs() < 1e-12
                );
                assert!(t.angle < 1e-9 && t.gap > 0.0, "{} {}", t.angle, t.gap);
            }
        }
    }

    // diag(3, 2, 2, 0) says which vectors there are: e₁; any two in the plane of e₂ and e₃; and
    // e₄ without a partner on the longer side.
    #[test]
    fn what_cannot_be_told_apart_has_no_gap() {
        let mut entries = vec![0.0; 20];
        (entries[0], entries[5], entries[10]) = (3.0, 2.0, 2.0);
        let triples = triples_at(&entries, 5, 4, &[0, 1, 2, 3]);
        assert!(
            (triples[0].left[0] - 1.0).abs() < 1e-12 && (triples[0].right[0] - 1.0).abs() < 1e-12
        );
        assert!((triples[0].gap - 1.0).abs() < 1e-9 && triples[0].angle < 1e-12);
        for at in [1, 2, 3] {
            assert!(
                triples[at].gap <= 0.0 && triples[at].angle.is_infinite(),
                "{at}"
            );
        }
        assert!(triples_at(&[0.0; 6], 2, 3, &[0])[0].angle.is_infinite());
        assert!(triples_at(&normal(1, 6), 2, 3, &[5]).is_empty());
    }

    // A reflection has no two equal values here, but two that differ by 1e-13 of the largest.
    #[test]
    fn the_angle_grows_as_the_gap_closes() {
        let angle =
            |gap: f64| triples_at(&planted(&[1.0, 0.5, 0.5 - gap], 8, 3), 8, 3, &[1])[0].angle;
        assert!(angle(0.1) < 1e-12 && angle(1e-6) > 1e3 * angle(0.1));
        assert!(angle(1e-15) > 1.0);
    }

    #[test]
    fn threads_do_not_show() {
        let entries = normal(8, 300 * 200);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| triples_at(&entries, 300, 200, &[0, 7, 199]))
        };
        assert_eq!(with(1), with(5));
    }
}
