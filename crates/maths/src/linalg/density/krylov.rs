//! Block Lanczos steps on a symmetric matrix that is known by its products alone.
//!
//! Golub & Underwood (1977): from an M×b block Q₁ with orthonormal columns,
//! A·Qⱼ = Qⱼ₋₁Rⱼ₋₁ᵀ + QⱼDⱼ + Qⱼ₊₁Rⱼ, here with full reorthogonalisation, twice a step. The
//! block tridiagonal T of the Dⱼ and Rⱼ is A in the basis of all Qⱼ: its eigenvalues θ lie
//! within ‖Rₖs‖ of eigenvalues of A, s the last b entries of T's eigenvector (Parlett 1980,
//! §11.7). Basis and products are in single precision, T in double.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::column::{divide, dot, remove};
use super::gauss::{Jacobi, Node};
use crate::linalg::SpectrumError;
use crate::linalg::pure::eigen;

/// What is left of a column that lay in the basis: this share of ‖A‖ is rounding.
const ROUNDING: f64 = 16.0 * f32::EPSILON as f64;

/// The steps taken so far.
pub(super) struct Krylov {
    size: usize,
    width: usize,
    rng: ChaCha8Rng,
    /// What is kept out and Q₁, Q₂, …: size×(columns so far), column by column.
    basis: Vec<f32>,
    /// Numbers of the basis that belong to what is kept out.
    before: usize,
    /// Columns of each block of the basis; the last is still to be multiplied.
    widths: Vec<usize>,
    /// Dⱼ, and Rⱼ below it.
    diagonal: Vec<Mat<f64>>,
    below: Vec<Mat<f64>>,
    /// A lower bound of ‖A‖, or what its products are rounded against.
    norm: f64,
}

/// An eigenvalue θ of T.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ritz {
    pub value: f64,
    /// An eigenvalue of A is within this, but for the rounding of products.
    pub residual: f64,
}

/// Orthonormal columns that steps keep out of: Q is at right angles to them, and T is the matrix
/// on what is left.
#[derive(Debug, Clone, Default)]
pub(super) struct Aside {
    /// size×count, column by column.
    pub columns: Vec<f32>,
    /// What products are rounded against, in eigenvalues.
    pub norm: f64,
}

/// The eigenvalues of T, ascending, and their vectors.
pub(super) struct Decomposition {
    pub pairs: Vec<Ritz>,
    vectors: Mat<f64>,
}

impl Ritz {
    /// As one of all `size` eigenvalues.
    pub fn point(self, size: usize) -> Node {
        Node {
            value: self.value,
            weight: 1.0 / size as f64,
            residual: self.residual,
        }
    }
}

impl Krylov {
    /// From a random block of at most `width` columns at right angles to `aside`.
    pub fn random(size: usize, width: usize, mut rng: ChaCha8Rng, aside: &Aside) -> Self {
        let count = size * width.min(size);
        let draw = |_| {
            let x: f64 = StandardNormal.sample(&mut rng);
            x as f32
        };
        let start: Vec<f32> = (0..count).map(draw).collect();
        Self::from_block(size, &start, rng, aside)
    }

    /// From the span of these columns, less what lies in `aside`.
    pub fn from_block(size: usize, start: &[f32], rng: ChaCha8Rng, aside: &Aside) -> Self {
        let width = start.len() / size.max(1);
        let mut krylov = Self {
            size,
            width,
            rng,
            basis: aside.columns.clone(),
            before: aside.columns.len(),
            widths: Vec::new(),
            diagonal: Vec::new(),
            below: Vec::new(),
            norm: 0.0,
        };
        krylov.extend(start);
        // What made the start orthonormal is no part of T.
        krylov.below.clear();
        krylov.norm = aside.norm;
        krylov
    }

    /// Blocks that have been multiplied.
    pub fn steps(&self) -> usize {
        self.diagonal.len()
    }

    /// The block to be multiplied next; empty when the basis spans the whole space.
    pub fn next(&self) -> &[f32] {
        if self.widths.len() == self.steps() {
            return &[];
        }
        let width = self.widths.last().copied().unwrap_or(0);
        &self.basis[self.basis.len() - width * self.size..]
    }

    /// Takes a step with A times the block that was next.
    pub fn absorb(&mut self, product: &[f32]) {
        let next = self.next();
        let width = next.len() / self.size;
        let columns = |block: &[f32], i: usize| {
            let column = &block[i * self.size..][..self.size];
            column.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>()
        };
        let left: Vec<Vec<f64>> = (0..width).map(|i| columns(next, i)).collect();
        let right: Vec<Vec<f64>> = (0..width).map(|i| columns(product, i)).collect();
        let whole = Mat::from_fn(width, width, |i, j| dot(&left[i], &right[j]));
        let block = Mat::from_fn(width, width, |i, j| 0.5 * (whole[(i, j)] + whole[(j, i)]));
        self.norm = f64::max(self.norm, block.norm_max());
        self.diagonal.push(block);
        self.extend(product);
    }

    /// Adds what `block` has beyond the basis, and R: block = (old basis)·… + (new block)·R.
    fn extend(&mut self, block: &[f32]) {
        let length = self.basis.len() / self.size.max(1);
        let width = self.width.min(self.size - length);
        let mut rest = block.to_vec();
        self.project(&mut rest);
        let (mut columns, first) = self.triangular(&rest, width, ROUNDING * self.norm);
        self.project(&mut columns);
        let (columns, second) = self.triangular(&columns, width, 0.5);
        if width > 0 {
            self.basis.extend(columns);
            self.widths.push(width);
        }
        let r = &second * &first;
        self.norm = f64::max(self.norm, r.norm_max());
        self.below.push(r);
    }

    /// block ← block − QQᵀ·block.
    fn project(&self, block: &mut [f32]) {
        let size = self.size.max(1);
        let (length, columns) = (self.basis.len() / size, block.len() / size);
        if length == 0 || columns == 0 {
            return;
        }
        let basis = MatRef::from_column_major_slice(&self.basis, self.size, length);
        let mut shares = Mat::<f32>::zeros(length, columns);
        let mut block = MatMut::from_column_major_slice_mut(block, self.size, columns);
        matmul(
            &mut shares,
            Accum::Replace,
            basis.transpose(),
            block.as_ref(),
            1.0,
            Par::Seq,
        );
        matmul(
            &mut block,
            Accum::Add,
            basis,
            shares.as_ref(),
            -1.0,
            Par::Seq,
        );
    }

    /// `width` orthonormal columns and R, width×columns, with block = columns·R: Gram–Schmidt in
    /// double precision, twice. A column with no more than `floor` of its own adds none; random ones at
    /// right angles to the basis make up the number, with zeros in R.
    fn triangular(&mut self, block: &[f32], width: usize, floor: f64) -> (Vec<f32>, Mat<f64>) {
        let count = block.len() / self.size.max(1);
        let mut found: Vec<Vec<f64>> = Vec::with_capacity(width);
        let mut r = Mat::zeros(width, count);
        for j in 0..count {
            let column = &block[j * self.size..][..self.size];
            let mut column: Vec<f64> = column.iter().map(|&x| f64::from(x)).collect();
            for _ in 0..2 {
                for (i, other) in found.iter().enumerate() {
                    r[(i, j)] += remove(&mut column, other);
                }
            }
            let length = dot(&column, &column).sqrt();
            if found.len() < width && length > floor {
                r[(found.len(), j)] = length;
                divide(&mut column, length);
                found.push(column);
            }
        }
        while found.len() < width {
            let draw = |_| {
                let x: f64 = StandardNormal.sample(&mut self.rng);
                x as f32
            };
            let mut fresh: Vec<f32> = (0..self.size).map(draw).collect();
            self.project(&mut fresh);
            self.project(&mut fresh);
            let mut fresh: Vec<f64> = fresh.iter().map(|&x| f64::from(x)).collect();
            for _ in 0..2 {
                for other in &found {
                    remove(&mut fresh, other);
                }
            }
            let length = dot(&fresh, &fresh).sqrt();
            divide(&mut fresh, length);
            found.push(fresh);
        }
        let columns = found.into_iter().flatten().map(|x| x as f32).collect();
        (columns, r)
    }

    /// The eigenvalues of T.
    ///
    /// # Errors
    /// When T is not finite, or its decomposition does not converge.
    pub fn decompose(&self) -> Result<Decomposition, SpectrumError> {
        let (matrix, last) = self.assemble()?;
        let (values, vectors) = eigen(&matrix)?;
        let size = values.len();
        let left = self.below.get(self.steps().wrapping_sub(1));
        let residuals = left.map(|r| r * vectors.subrows(size - last, last));
        let pair = |(i, &value): (usize, &f64)| Ritz {
            value,
            residual: residuals.as_ref().map_or(0.0, |r| r.col(i).norm_l2()),
        };
        Ok(Decomposition {
            pairs: values.iter().enumerate().map(pair).collect(),
            vectors,
        })
    }

    /// The Gauss rule of the mean measure of the start block's columns, one point a step: Lanczos
    /// steps on X ↦ TX from the first b columns of the identity over √b.
    ///
    /// # Errors
    /// When T is not finite, or an eigenvalue problem does not converge.
    pub fn rule(&self) -> Result<Vec<Node>, SpectrumError> {
        let (matrix, _) = self.assemble()?;
        let size = matrix.nrows();
        let first = self.widths.first().copied().unwrap_or(0);
        let mut start = vec![0.0; size * first];
        for i in 0..first {
            start[i * size + i] = 1.0 / (first as f64).sqrt();
        }
        let apply = |block: &[f64]| {
            let mut product = vec![0.0; block.len()];
            let block = MatRef::from_column_major_slice(block, size, first);
            let view = MatMut::from_column_major_slice_mut(&mut product, size, first);
            matmul(view, Accum::Replace, &matrix, block, 1.0, Par::Seq);
            product
        };
        Jacobi::new(start, apply, (self.steps(), self.norm)).rule(self.steps())
    }

    /// T, and the columns of its last block.
    fn assemble(&self) -> Result<(Mat<f64>, usize), SpectrumError> {
        let steps = self.steps();
        let size = self.widths[..steps].iter().sum();
        let mut matrix = Mat::zeros(size, size);
        let (mut at, mut last) = (0, 0);
        for step in 0..steps {
            let width = self.widths[step];
            let block = &self.diagonal[step];
            for (i, j) in (0..width).flat_map(|i| (0..width).map(move |j| (i, j))) {
                matrix[(at + i, at + j)] = block[(i, j)];
            }
            if step + 1 < steps {
                let r = &self.below[step];
                let (rows, columns) = (r.nrows(), r.ncols());
                for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                    matrix[(at + width + i, at + j)] = r[(i, j)];
                    matrix[(at + j, at + width + i)] = r[(i, j)];
                }
            }
            at += width;
            last = width;
        }
        let finite = matrix
            .col_iter()
            .all(|column| column.iter().all(|x| x.is_finite()));
        finite
            .then_some((matrix, last))
            .ok_or(SpectrumError::TooLarge)
    }

    /// Approximate eigenvectors, size×count, of the pairs with these numbers in `of`.
    pub fn vectors(&self, of: &Decomposition, numbers: &[usize]) -> Vec<f32> {
        let length = of.vectors.nrows();
        let shares = Mat::from_fn(length, numbers.len(), |i, j| {
            of.vectors[(i, numbers[j])] as f32
        });
        let basis = &self.basis[self.before..][..length * self.size];
        let basis = MatRef::from_column_major_slice(basis, self.size, length);
        let mut vectors = vec![0.0; self.size * numbers.len()];
        let view = MatMut::from_column_major_slice_mut(&mut vectors, self.size, numbers.len());
        matmul(view, Accum::Replace, basis, &shares, 1.0, Par::Seq);
        vectors
    }
}
