//! The default engine: pure Rust. Products, small eigenvalue problems and the direct
//! decomposition are faer's; from [`CROSSOVER`] rows on, eigenvalues come in two stages.

use std::num::NonZeroUsize;

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::{evd, svd};
use faer::{Mat, MatRef, Par, Spec};

use super::{Matrix, SpectrumError, two_stage};

/// Work is cut into this many parts whatever the number of threads, so that sums are
/// taken in the same order everywhere. Four parts took a quarter longer on two cores.
pub(super) const PARTS: Par = Par::Rayon(NonZeroUsize::new(2).expect("2 is not 0"));

const NAME: &str = "faer";

/// Rows from which the reduction in two stages is not the slower: `examples/spectrum_time.rs`
/// has the two even here, 1.2 times at 1024 rows, twice at 2048, 3.6 times at 4096.
pub(super) const CROSSOVER: usize = 512;

/// Entries below the diagonal that the first of the two stages leaves. Its time hardly
/// depends on them, but the second's grows with them; below 32 its products get too thin.
const BAND: usize = 32;

/// Eigenvalues of a symmetric matrix of which only the lower half is read.
pub(super) fn eigenvalues(gram: Mat<f64>) -> Result<Vec<f64>, SpectrumError> {
    if gram.nrows() < CROSSOVER {
        one_stage(&gram)
    } else {
        two_stage::eigenvalues(gram, BAND).ok_or(SpectrumError::NoConvergence(NAME))
    }
}

/// By faer's own reduction, a matrix-vector product for every column.
pub(super) fn one_stage(gram: &Mat<f64>) -> Result<Vec<f64>, SpectrumError> {
    let size = gram.nrows();
    let mut values = Diag::zeros(size);
    let scratch = evd::self_adjoint_evd_scratch::<f64>(
        size,
        evd::ComputeEigenvectors::No,
        PARTS,
        Spec::default(),
    );
    evd::self_adjoint_evd(
        gram.as_ref(),
        values.as_mut(),
        None,
        PARTS,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .map_err(|_| SpectrumError::NoConvergence(NAME))?;
    Ok(values.column_vector().iter().copied().collect())
}

/// Singular values without the detour over the Gram matrix.
pub(super) fn singular_values<T: Copy + Into<f64> + Sync>(
    matrix: Matrix<'_, T>,
) -> Result<Vec<f64>, SpectrumError> {
    let entries: Vec<f64> = matrix.entries.iter().map(|&w| w.into()).collect();
    let (rows, cols) = (matrix.rows, matrix.cols);
    let view = MatRef::from_row_major_slice(&entries, rows, cols);
    // A tall column-major view is what the library is fastest on.
    values_of(if cols > rows { view.transpose() } else { view })
}

/// The singular values of a tall matrix.
pub(super) fn values_of(view: MatRef<'_, f64>) -> Result<Vec<f64>, SpectrumError> {
    let mut values = Diag::zeros(view.ncols());
    let scratch = svd::svd_scratch::<f64>(
        view.nrows(),
        view.ncols(),
        svd::ComputeSvdVectors::No,
        svd::ComputeSvdVectors::No,
        PARTS,
        Spec::default(),
    );
    svd::svd(
        view,
        values.as_mut(),
        None,
        None,
        PARTS,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .map_err(|_| SpectrumError::NoConvergence(NAME))?;
    Ok(values.column_vector().iter().copied().collect())
}

/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix, on one core.
///
/// # Errors
/// When the iteration does not converge.
pub(super) fn eigen(matrix: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>), SpectrumError> {
    let size = matrix.nrows();
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
    Ok((values.column_vector().iter().copied().collect(), vectors))
}
