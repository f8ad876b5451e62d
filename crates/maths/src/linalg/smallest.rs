//! The few smallest singular values, where the eigenvalues of the Gram matrix no longer tell them.
//!
//! What AᵀA has lost A still has. With μ a small share of σ₁ the matrix of A above μ·1 has the singular
//! values √(σ² + μ²), and so has its R, by Householder reflections, to a few ε·σ₁ (Higham 2002,
//! theorem 19.4). A block V of directions is drawn to the smallest by inverse iteration: V ←
//! orth(R⁻ᵀV), V ← orth(R⁻¹V), each round by (σᵢ² + μ²)/(σⱼ² + μ²) against the first σⱼ for which
//! there is no room (Golub & Van Loan 2013, §8.2.4). The values are those of R·V, less μ². Without μ
//! the first of several zeros would drown the others.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::qr::no_pivoting::factor;
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Accum, Mat, MatMut, MatRef, Spec};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::Matrix;
use super::faer_engine::{self, PARTS};

/// Most values that are looked for; more are taken by a whole decomposition.
pub(super) const MOST: usize = 32;
/// Directions beside those: the more there are, the faster a round.
const SPARE: usize = 8;
/// Rounds, of which two or three are enough unless values lie close.
const ROUNDS: usize = 40;
/// μ over σ₁. Some ten ε·σ₁ in √(σ² + μ²) are √(20·ε·μ·σ₁) in σ at most, 2e-13 of σ₁.
const FLOOR: f64 = 1e-11;
/// Share of σ₁ by which a value may still move from one round to the next.
const SETTLED: f64 = 1e-11;
/// Length that is left of a vector of 1 in which nothing is left but rounding.
const NOTHING: f64 = 1e-12;
const SEED: u64 = 1;

/// The `count` smallest singular values, descending, of a matrix whose largest is `largest`; nothing
/// where they do not settle.
pub(super) fn values<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
    count: usize,
    largest: f64,
) -> Option<Vec<f64>> {
    let floor = FLOOR * largest;
    let r = triangle(matrix, floor);
    let size = r.ncols();
    let width = (count + SPARE).min(size);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut block = Mat::from_fn(size, width, |_, _| StandardNormal.sample(&mut rng));
    orthonormalise(block.as_mut(), &mut rng)?;
    let mut before = vec![f64::INFINITY; count];
    for _ in 0..ROUNDS {
        solve_lower_triangular_in_place(r.transpose(), block.as_mut(), PARTS);
        orthonormalise(block.as_mut(), &mut rng)?;
        solve_upper_triangular_in_place(r.as_ref(), block.as_mut(), PARTS);
        orthonormalise(block.as_mut(), &mut rng)?;
        let above = smallest_of(r.as_ref(), block.as_ref(), count)?;
        let square = |s: f64| (s - floor) * (s + floor);
        let found: Vec<f64> = above.iter().map(|&s| square(s).max(0.0).sqrt()).collect();
        let moved = found.iter().zip(&before).map(|(a, b)| (a - b).abs());
        if moved.fold(0.0, f64::max) <= SETTLED * largest {
            return Some(found);
        }
        before = found;
    }
    None
}

/// R of A, or of Aᵀ where that is the taller, above `floor`·1.
fn triangle<T: Copy + Into<f64> + Sync>(matrix: Matrix<'_, T>, floor: f64) -> Mat<f64> {
    let Matrix {
        entries,
        rows,
        cols,
    } = matrix;
    let (tall, size) = (rows.max(cols), rows.min(cols));
    let mut stacked = Mat::from_fn(tall + size, size, |i, j| {
        if i >= tall {
            return if i - tall == j { floor } else { 0.0 };
        }
        let at = if cols > rows {
            j * cols + i
        } else {
            i * cols + j
        };
        entries[at].into()
    });
    let block = factor::recommended_block_size::<f64>(tall + size, size);
    let mut factors = Mat::zeros(block, size);
    let spec = Spec::default();
    let scratch = factor::qr_in_place_scratch::<f64>(tall + size, size, block, PARTS, spec);
    factor::qr_in_place(
        stacked.as_mut(),
        factors.as_mut(),
        PARTS,
        MemStack::new(&mut MemBuffer::new(scratch)),
        spec,
    );
    stacked.subrows(0, size).to_owned()
}

/// Gram and Schmidt, twice; a column of which nothing is left is drawn anew. Nothing where one left
/// the range of numbers.
fn orthonormalise(mut block: MatMut<'_, f64>, rng: &mut ChaCha8Rng) -> Option<()> {
    for at in 0..block.ncols() {
        let (before, after) = block.as_mut().split_at_col_mut(at);
        let mut column = after.col_mut(0);
        let length = column.norm_l2();
        if !length.is_finite() {
            return None;
        }
        if length > 0.0 {
            column *= faer::Scale(1.0 / length);
        }
        loop {
            let mut left = 1.0;
            for _ in 0..2 {
                for other in before.as_ref().col_iter() {
                    let share = other.transpose() * column.as_ref();
                    faer::zip!(column.as_mut(), other)
                        .for_each(|faer::unzip!(x, o)| *x -= share * *o);
                }
                left = column.norm_l2();
                if left > NOTHING {
                    column *= faer::Scale(1.0 / left);
                }
            }
            if left > NOTHING {
                break;
            }
            for i in 0..column.nrows() {
                column[i] = StandardNormal.sample(rng);
            }
        }
    }
    Some(())
}

/// The smallest singular values of R·V, descending.
fn smallest_of(r: MatRef<'_, f64>, v: MatRef<'_, f64>, count: usize) -> Option<Vec<f64>> {
    let mut product = Mat::zeros(v.nrows(), v.ncols());
    triangular::matmul(
        product.as_mut(),
        BlockStructure::Rectangular,
        Accum::Replace,
        r,
        BlockStructure::TriangularUpper,
        v,
        BlockStructure::Rectangular,
        1.0,
        PARTS,
    );
    let mut values = faer_engine::values_of(product.as_ref()).ok()?;
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let from = values.len().checked_sub(count)?;
    Some(values.split_off(from))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, planted};
    use super::*;

    fn smallest_values(
        entries: &[f64],
        rows: usize,
        cols: usize,
        count: usize,
    ) -> Option<Vec<f64>> {
        values(Matrix::new(entries, rows, cols).unwrap(), count, 1.0)
    }

    // Values that fall from 1 to far below what their squares could tell, between two reflections.
    #[test]
    fn planted_values_come_back() {
        for (rows, cols) in [(60, 40), (40, 60), (50, 50)] {
            let size = rows.min(cols);
            for least in [1e-7_f64, 1e-10, 1e-15] {
                let share = |i: usize| i as f64 / (size - 1) as f64;
                let planted_values: Vec<f64> = (0..size).map(|i| least.powf(share(i))).collect();
                let found =
                    smallest_values(&planted(&planted_values, rows, cols), rows, cols, 6).unwrap();
                for (found, planted) in found.iter().zip(&planted_values[size - 6..]) {
                    assert!((found - planted).abs() < 1e-12, "{found} {planted}");
                }
            }
        }
    }

    // Three outputs that are others' copies and one that is zero: four values of zero.
    #[test]
    fn lost_directions_are_zeros() {
        let (rows, cols) = (80, 50);
        let mut entries: Vec<f64> = normal(3, rows * cols).iter().map(|w| w / 20.0).collect();
        for row in entries.chunks_mut(cols) {
            (row[10], row[20], row[49], row[30]) = (row[11], row[11], row[0], 0.0);
        }
        let found = smallest_values(&entries, rows, cols, 5).unwrap();
        assert!(found[1..].iter().all(|s| s.abs() < 1e-12), "{found:?}");
        // The next is no zero: a 80x46 random matrix ends near (√80 − √46)/20.
        assert!(found[0] > 0.05, "{found:?}");
    }

    #[test]
    fn threads_do_not_show() {
        let entries: Vec<f64> = normal(5, 90 * 90).iter().map(|w| w / 19.0).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| smallest_values(&entries, 90, 90, 2))
        };
        assert_eq!(with(1), with(5));
    }

    #[test]
    fn what_is_no_number_has_no_values() {
        assert_eq!(smallest_values(&[f64::NAN, 1.0, 2.0, 3.0], 2, 2, 1), None);
        assert_eq!(smallest_values(&[1.0], 1, 1, 1), Some(vec![1.0]));
    }
}
