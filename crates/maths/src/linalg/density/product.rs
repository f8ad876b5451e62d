//! The smaller of WᵀW and WWᵀ times a block of vectors, in one pass through W.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use crate::linalg::{Matrix, SpectrumError};

/// A pass is cut into this many parts whatever the number of threads, so that sums are taken
/// in the same order everywhere.
const PARTS: usize = 16;

/// Length of the longer side that is held in single precision at a time: 8 MB a thread at
/// M = 8192.
const PANEL: usize = 256;

/// Multiplies blocks by A = WᵀW/u² or WWᵀ/u², the smaller of the two, M×M, u a unit in which the
/// mean eigenvalue is about 1.
///
/// What a device has to offer for the density of a spectrum.
pub trait GramProduct {
    /// M, the smaller side of W.
    fn size(&self) -> usize;

    /// u: a singular value of W is u·√λ of A.
    fn unit(&self) -> f64;

    /// tr A/M, from the squares of all entries.
    fn mean(&self) -> f64;

    /// A·block in single precision; both are M×columns, column by column. The same bits for the
    /// same block.
    ///
    /// # Errors
    /// When the device does not answer.
    fn times(&self, block: &[f32]) -> Result<Vec<f32>, SpectrumError>;
}

/// Entries that can be read in single precision a stretch at a time.
pub trait Stored: Copy + Into<f64> + Sync {
    /// to ← scale·from, rounded to single precision.
    fn scaled(from: &[Self], scale: f64, to: &mut [f32]);
}

impl Stored for f64 {
    fn scaled(from: &[Self], scale: f64, to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = (from * scale) as f32;
        }
    }
}

impl Stored for f32 {
    fn scaled(from: &[Self], scale: f64, to: &mut [f32]) {
        to.copy_from_slice(from);
        rescale(to, scale);
    }
}

impl Stored for f16 {
    fn scaled(from: &[Self], scale: f64, to: &mut [f32]) {
        from.convert_to_f32_slice(to);
        rescale(to, scale);
    }
}

impl Stored for bf16 {
    fn scaled(from: &[Self], scale: f64, to: &mut [f32]) {
        // The upper half of an f32, in a loop that becomes vectors; entries are finite.
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from_bits(u32::from(from.to_bits()) << 16);
        }
        rescale(to, scale);
    }
}

/// In single precision where it holds the factor.
fn rescale(entries: &mut [f32], scale: f64) {
    let single = scale as f32;
    if single.is_normal() {
        for entry in entries {
            *entry *= single;
        }
    } else {
        for entry in entries {
            *entry = (f64::from(*entry) * scale) as f32;
        }
    }
}

/// Products on the processor, entries read where they lie.
#[derive(Debug, Clone, Copy)]
pub struct InPlace<'a, T> {
    matrix: Matrix<'a, T>,
    /// A power of two.
    unit: f64,
    mean: f64,
}

impl<'a, T: Stored> InPlace<'a, T> {
    /// Two passes, for the largest entry and the sum of squares.
    ///
    /// # Errors
    /// When an entry is not finite.
    pub fn new(matrix: Matrix<'a, T>) -> Result<Self, SpectrumError> {
        let size = matrix.rows.min(matrix.cols).max(1) as f64;
        let length = matrix.entries.len().div_ceil(PARTS).max(1);
        let largest = |part: &[T]| {
            let sizes = part.iter().map(|&w| w.into().abs());
            sizes.max_by(f64::total_cmp).unwrap_or(0.0)
        };
        let parts = matrix.entries.par_chunks(length);
        let largest = parts
            .map(largest)
            .max_by(f64::total_cmp)
            .filter(|&w| w > 0.0);
        let Some(largest) = largest else {
            return Ok(Self {
                matrix,
                unit: 1.0,
                mean: 0.0,
            });
        };
        if !largest.is_finite() {
            return Err(SpectrumError::TooLarge);
        }
        let squares = |part: &[T]| -> f64 {
            part.iter()
                .map(|&w| w.into() / largest)
                .map(|w| w * w)
                .sum()
        };
        let parts: Vec<f64> = matrix.entries.par_chunks(length).map(squares).collect();
        let mean = parts.into_iter().sum::<f64>() / size;
        // Two factors, as their product may leave the range on the way.
        let exponent = (largest.log2() + 0.5 * mean.log2()).round();
        let unit = exponent.clamp(-1000.0, 1000.0).exp2();
        let share = largest / unit;
        Ok(Self {
            matrix,
            unit,
            mean: mean * share * share,
        })
    }

    /// The panel's share of A·block, added to `sum`.
    fn add_panel(
        &self,
        (start, length): (usize, usize),
        block: MatRef<'_, f32>,
        panel: &mut [f32],
        (between, sum): (&mut [f32], &mut [f32]),
    ) {
        let Matrix { rows, cols, .. } = self.matrix;
        let (small, columns) = (rows.min(cols), block.ncols());
        let panel = &mut panel[..small * length];
        let view = if cols <= rows {
            let entries = &self.matrix.entries[start * cols..][..panel.len()];
            T::scaled(entries, 1.0 / self.unit, panel);
            MatRef::from_column_major_slice(panel, small, length)
        } else {
            let rows = self.matrix.entries.chunks_exact(cols);
            for (to, row) in panel.chunks_exact_mut(length).zip(rows) {
                T::scaled(&row[start..][..length], 1.0 / self.unit, to);
            }
            MatRef::from_row_major_slice(panel, small, length)
        };
        let mut between =
            MatMut::from_column_major_slice_mut(&mut between[..length * columns], length, columns);
        matmul(
            &mut between,
            Accum::Replace,
            view.transpose(),
            block,
            1.0,
            Par::Seq,
        );
        let sum = MatMut::from_column_major_slice_mut(sum, small, columns);
        matmul(sum, Accum::Add, view, between.as_ref(), 1.0, Par::Seq);
    }
}

impl<T: Stored> GramProduct for InPlace<'_, T> {
    fn size(&self) -> usize {
        self.matrix.rows.min(self.matrix.cols)
    }

    fn unit(&self) -> f64 {
        self.unit
    }

    fn mean(&self) -> f64 {
        self.mean
    }

    fn times(&self, block: &[f32]) -> Result<Vec<f32>, SpectrumError> {
        let (size, large) = (self.size(), self.matrix.rows.max(self.matrix.cols));
        if size == 0 || block.is_empty() {
            return Ok(Vec::new());
        }
        let columns = block.len() / size;
        let vectors = MatRef::from_column_major_slice(block, size, columns);
        let length = large.div_ceil(PARTS).max(PANEL.min(large));
        let starts: Vec<usize> = (0..large).step_by(length).collect();
        let part = |&start: &usize| {
            let end = (start + length).min(large);
            let mut sum = vec![0.0; block.len()];
            let mut panel = vec![0.0; size * PANEL.min(length)];
            let mut between = vec![0.0; columns * PANEL.min(length)];
            for at in (start..end).step_by(PANEL) {
                let range = (at, PANEL.min(end - at));
                self.add_panel(range, vectors, &mut panel, (&mut between, &mut sum));
            }
            sum
        };
        let parts: Vec<Vec<f32>> = starts.par_iter().map(part).collect();
        let mut product = vec![0.0; block.len()];
        product
            .par_chunks_mut(size)
            .enumerate()
            .for_each(|(column, to)| {
                for part in &parts {
                    let from = &part[column * size..][..size];
                    to.iter_mut().zip(from).for_each(|(x, p)| *x += p);
                }
            });
        Ok(product)
    }
}
