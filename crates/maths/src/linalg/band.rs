//! Dense symmetric to band: the first stage of a reduction in two.
//!
//! Panel by panel of b columns, what lies below the band is taken to a triangle by a
//! product of reflections Q = 1 − VTVᵀ (compact WY; recursive QR of Elmroth & Gustavson
//! 2000, IBM J. Res. Dev. 44), and the rest becomes QᵀAQ = A − VWᵀ − WVᵀ with
//! W = X − ½VTᵀVᵀX, X = AVT (Bischof, Lang & Sun 2000, "A framework for symmetric band
//! reduction", ACM TOMS 26; Golub & Van Loan §8.3.1 for one column). ⁴⁄₃n³ operations,
//! nearly all in matrix products.
#![allow(clippy::inline_always, reason = "see kernels.rs")]

use faer::linalg::matmul::matmul;
use faer::mat::AsMatRef;
use faer::reborrow::{IntoConst, Reborrow, ReborrowMut};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::bulge::Band;
use super::kernels::{add_scaled, dot, reflection};

/// Rows and columns of a tile, the unit of work of one thread. Tiles stand at multiples
/// of TILE whatever the panel. Those on the diagonal hold both halves, the others
/// only exist below it. 256 rows took 7 % longer at
/// n = 4096, and a third longer at n = 512.
const TILE: usize = 128;

/// Columns reflected one by one before the others follow in matrix products.
const NARROW: usize = 8;

/// A band matrix with the eigenvalues of `matrix`, of which only the lower half is read.
pub(super) fn reduce(mut matrix: Mat<f64>, width: usize) -> Band {
    let size = matrix.nrows();
    mirror_tiles(&mut matrix);
    let mut band = Band::zeros(size, width);
    let below = matrix.as_ref().get(width.min(size).., ..width.min(size));
    let mut panel = Panel::factor(below);
    let mut start = 0;
    loop {
        panel.store(matrix.as_ref(), start, &mut band);
        start += width;
        if start >= size {
            return band;
        }
        let sides = panel.two_sided(matrix.as_ref(), start);
        panel = update(matrix.as_mut(), sides.transpose(), start, width);
    }
}

/// Fills both halves of the tiles on the diagonal: their products are then like any other.
fn mirror_tiles(matrix: &mut Mat<f64>) {
    let size = matrix.nrows();
    for j in 0..size {
        for i in j + 1..tile_end(j).min(size) {
            matrix[(j, i)] = matrix[(i, j)];
        }
    }
}

/// One past the last row of the tile that holds this one.
const fn tile_end(row: usize) -> usize {
    (row / TILE + 1) * TILE
}

/// Splits a matrix, whose first row is row `start` of the whole, where tiles end.
fn row_tiles(matrix: MatMut<'_, f64>, start: usize) -> Vec<(usize, MatMut<'_, f64>)> {
    let (mut rest, mut row) = (matrix, start);
    let mut tiles = Vec::new();
    while rest.nrows() > 0 {
        let height = (tile_end(row) - row).min(rest.nrows());
        let (tile, below) = rest.split_at_row_mut(height);
        tiles.push((row, tile));
        (rest, row) = (below, row + height);
    }
    tiles
}

/// What lies below the band in `width` columns, as V, T and the triangle R.
struct Panel {
    /// V, m×k with unit diagonal and zeros above it, column by column.
    vectors: Vec<f64>,
    /// T, k×k, upper triangle.
    factor: Mat<f64>,
    /// R, min(m, width)×width.
    triangle: Mat<f64>,
}

impl Panel {
    /// Of the m×width block under the band. A last panel of m ≤ width rows has
    /// only m − 1 columns with anything below the triangle.
    fn factor(block: MatRef<'_, f64>) -> Self {
        let (rows, width) = block.shape();
        let count = width.min(rows.saturating_sub(1));
        let mut vectors: Vec<f64> = Vec::with_capacity(rows * count);
        for column in block.subcols(0, count).col_iter() {
            vectors.extend(column.iter());
        }
        let mut factor = Mat::zeros(count, count);
        let mut triangle = Mat::zeros(rows.min(width), width);
        let (left, mut right) = triangle.as_mut().split_at_col_mut(count);
        factor_columns(&mut vectors, rows, 0, left, factor.as_mut());
        if count < width {
            right.copy_from(block.subcols(count, width - count));
            let v = MatRef::from_column_major_slice(&vectors, rows, count);
            apply_transposed(v, factor.as_ref(), right);
        }
        Self {
            vectors,
            factor,
            triangle,
        }
    }

    /// Puts the columns from `start` on into the band: the block on the diagonal, then R.
    fn store(&self, matrix: MatRef<'_, f64>, start: usize, band: &mut Band) {
        let size = matrix.nrows();
        let width = self.triangle.ncols();
        let below = (start + width).min(size);
        for j in start..below {
            let column = band.column_mut(j);
            for i in j..below {
                column[i - j] = matrix[(i, j)];
            }
            for i in 0..self.triangle.nrows().min(j - start + 1) {
                column[below + i - j] = self.triangle[(i, j - start)];
            }
        }
    }

    /// V, W and V again side by side, of what is left from row and column `start` on; the
    /// transpose, so that what is multiplied with many columns lies row by row: a third faster
    /// than column by column.
    fn two_sided(&self, matrix: MatRef<'_, f64>, start: usize) -> Mat<f64> {
        let rows = matrix.nrows() - start;
        let count = self.factor.ncols();
        let vectors = MatRef::from_column_major_slice(&self.vectors, rows, count);
        let mut turned = Mat::zeros(3 * count, rows);
        turned.subrows_mut(0, count).copy_from(vectors.transpose());
        turned
            .subrows_mut(2 * count, count)
            .copy_from(vectors.transpose());
        let (v, rest) = turned.split_at_row_mut(count);
        let (v, mut sides) = (v.into_const().transpose(), rest.transpose_mut());
        let share = |(first, mut x): (usize, MatMut<'_, f64>)| {
            let mut product = Mat::zeros(count, x.nrows());
            multiply_tile(matrix, v, start, first, product.as_mut().transpose_mut());
            let product = product.transpose();
            multiply(x.rb_mut(), Accum::Replace, product, &self.factor, 1.0);
            let mut share = Mat::<f64>::zeros(count, count);
            let v = v.subrows(first - start, x.nrows());
            multiply(share.as_mut(), Accum::Replace, v.transpose(), x.rb(), 1.0);
            share
        };
        let x = row_tiles(sides.rb_mut().subcols_mut(0, count), start);
        let shares: Vec<Mat<f64>> = x.into_par_iter().with_max_len(1).map(share).collect();
        let mut projection = Mat::<f64>::zeros(count, count);
        for share in shares {
            projection += share;
        }
        let mut half = Mat::zeros(count, count);
        multiply(
            half.as_mut(),
            Accum::Replace,
            self.factor.transpose(),
            &projection,
            0.5,
        );
        let w = row_tiles(sides.subcols_mut(0, count), start);
        w.into_par_iter().with_max_len(1).for_each(|(first, w)| {
            let v = v.subrows(first - start, w.nrows());
            multiply(w, Accum::Add, v, &half, -1.0);
        });
        turned
    }
}

/// QR of `columns`, each of `rows` numbers and reduced already above row `top`, where the
/// first has its pivot. Leaves V in their place; R goes to `triangle`, T to `factor`.
fn factor_columns(
    columns: &mut [f64],
    rows: usize,
    top: usize,
    mut triangle: MatMut<'_, f64>,
    mut factor: MatMut<'_, f64>,
) {
    let count = factor.ncols();
    if count <= NARROW {
        Arch::new().dispatch(Narrow {
            columns,
            rows,
            top,
            triangle,
            factor,
        });
        return;
    }
    let half = count / 2;
    let (left, right) = columns.split_at_mut(half * rows);
    let (triangle_left, triangle_right) = triangle.rb_mut().split_at_col_mut(half);
    let (mut first, mut corner, _, mut second) = factor.rb_mut().split_at_mut(half, half);
    factor_columns(left, rows, top, triangle_left, first.rb_mut());
    let v = MatRef::from_column_major_slice(left, rows, half);
    let rest = MatMut::from_column_major_slice_mut(right, rows, count - half);
    apply_transposed(v, first.rb(), rest);
    factor_columns(right, rows, top + half, triangle_right, second.rb_mut());
    let rest = MatRef::from_column_major_slice(right, rows, count - half);
    let mut overlap = Mat::zeros(half, count - half);
    let mut turned = Mat::zeros(half, count - half);
    multiply(overlap.as_mut(), Accum::Replace, v.transpose(), rest, 1.0);
    multiply(turned.as_mut(), Accum::Replace, first.rb(), &overlap, -1.0);
    multiply(corner.rb_mut(), Accum::Replace, &turned, second.rb(), 1.0);
}

/// The same, one reflection after the other.
struct Narrow<'a> {
    columns: &'a mut [f64],
    rows: usize,
    top: usize,
    triangle: MatMut<'a, f64>,
    factor: MatMut<'a, f64>,
}

impl WithSimd for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            columns,
            rows,
            top,
            mut triangle,
            mut factor,
        } = self;
        for c in 0..factor.ncols() {
            let pivot = top + c;
            let (done, rest) = columns.split_at_mut((c + 1) * rows);
            let (before, column) = done.split_at_mut(c * rows);
            let (above, vector) = column.split_at_mut(pivot);
            let (beta, tau) = reflection(simd, vector);
            for (i, above) in above.iter_mut().enumerate() {
                triangle[(i, c)] = std::mem::take(above);
            }
            triangle[(pivot, c)] = beta;
            for other in rest.chunks_exact_mut(rows) {
                let other = &mut other[pivot..];
                add_scaled(simd, other, -tau * dot(simd, vector, other), vector);
            }
            // T's new column is −τ·T·(Vᵀv) above τ.
            let overlaps: Vec<f64> = before
                .chunks_exact(rows)
                .map(|other| dot(simd, &other[pivot..], vector))
                .collect();
            for i in 0..c {
                let sum: f64 = (i..c).map(|l| factor[(i, l)] * overlaps[l]).sum();
                factor[(i, c)] = -tau * sum;
            }
            factor[(c, c)] = tau;
        }
    }
}

/// C ← QᵀC = C − V·Tᵀ·(VᵀC).
fn apply_transposed(v: MatRef<'_, f64>, factor: MatRef<'_, f64>, c: MatMut<'_, f64>) {
    let mut overlap = Mat::zeros(v.ncols(), c.ncols());
    let mut turned = Mat::zeros(v.ncols(), c.ncols());
    multiply(overlap.as_mut(), Accum::Replace, v.transpose(), c.rb(), 1.0);
    multiply(
        turned.as_mut(),
        Accum::Replace,
        factor.transpose(),
        &overlap,
        1.0,
    );
    multiply(c, Accum::Add, v, &turned, -1.0);
}

/// The rows of A·V that begin with row `first`, for the symmetric A that begins with row
/// and column `start`: what is left of the tile on the diagonal as stored, the tile itself,
/// and what is below it, transposed.
fn multiply_tile(
    matrix: MatRef<'_, f64>,
    v: MatRef<'_, f64>,
    start: usize,
    first: usize,
    mut product: MatMut<'_, f64>,
) {
    let rows = product.nrows();
    let past = first + rows;
    let left = matrix.submatrix(first, start, rows, past - start);
    multiply(
        product.rb_mut(),
        Accum::Replace,
        left,
        v.subrows(0, past - start),
        1.0,
    );
    let below = matrix.submatrix(past, first, matrix.nrows() - past, rows);
    let v = v.subrows(past - start, matrix.nrows() - past);
    multiply(product, Accum::Add, below.transpose(), v, 1.0);
}

/// A − VWᵀ − WVᵀ from row and column `start` on, and the next panel's factors: that one's
/// columns come first, so that its factors are found while the others follow.
fn update(matrix: MatMut<'_, f64>, sides: MatRef<'_, f64>, start: usize, width: usize) -> Panel {
    let size = matrix.nrows();
    let left = matrix.submatrix_mut(start, start, size - start, size - start);
    let width = width.min(size - start);
    let count = sides.ncols() / 3;
    let (minuend, factor) = (sides.subcols(0, 2 * count), sides.subcols(count, 2 * count));
    let (mut panel, mut rest) = left.split_at_col_mut(width);
    row_tiles(panel.rb_mut(), start)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(first, tile)| {
            let minuend = minuend.subrows(first - start, tile.nrows());
            multiply(
                tile,
                Accum::Add,
                minuend,
                factor.subrows(0, width).transpose(),
                -1.0,
            );
        });
    let next = start + width;
    let tiles = row_tiles(rest.rb_mut().transpose_mut(), next);
    let subtract = |(first, tile): (usize, MatMut<'_, f64>)| {
        let columns = tile.nrows();
        let tile = tile
            .transpose_mut()
            .subrows_mut(first - start, size - first);
        let minuend = minuend.subrows(first - start, size - first);
        let factor = factor.subrows(first - start, columns).transpose();
        multiply(tile, Accum::Add, minuend, factor, -1.0);
    };
    rayon::join(
        || Panel::factor(panel.rb().subrows(width, size - next)),
        || tiles.into_par_iter().with_max_len(1).for_each(subtract),
    )
    .0
}

/// C ← αAB or C + αAB on the thread that asks for it.
fn multiply(
    c: MatMut<'_, f64>,
    accum: Accum,
    a: impl AsMatRef<T = f64, Rows = usize, Cols = usize>,
    b: impl AsMatRef<T = f64, Rows = usize, Cols = usize>,
    alpha: f64,
) {
    matmul(c, accum, a, b, alpha, Par::Seq);
}
