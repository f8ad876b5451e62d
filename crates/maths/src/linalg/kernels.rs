//! Loops over columns in the widest vectors of the processor, as faer chooses them.
//!
//! Where a function says so, lengths are multiples of [`LANES`]: callers pad with zeros.
#![allow(
    clippy::inline_always,
    reason = "vector code arises only where a loop is inlined into what `pulp` dispatches"
)]

use pulp::Simd;

/// Whole vectors of any processor: one of AVX-512, two of AVX2, four of NEON.
pub(super) const LANES: usize = 8;

/// The least square of a norm that still has all its digits. What is shorter than its
/// root, 1e-145, counts as zero beside a matrix scaled to 1.
pub(super) const LEAST_SQUARE: f64 = 1e-290;

/// `length` rounded up to whole lanes.
#[inline(always)]
pub(super) const fn padded(length: usize) -> usize {
    length.div_ceil(LANES) * LANES
}

/// A distance between neighbouring lines of `length` numbers that is an odd number of cache
/// lines of eight: so many lines in a row as there are sets of a cache fall into different ones,
/// where 4096 numbers apart all fall into the same.
pub(super) const fn spread(length: usize) -> usize {
    (length.div_ceil(LANES) | 1) * LANES
}

/// xᵀy of equal lengths.
#[inline(always)]
pub(super) fn dot<S: Simd>(simd: S, x: &[f64], y: &[f64]) -> f64 {
    let (x, x_rest) = S::as_simd_f64s(x);
    let (y, y_rest) = S::as_simd_f64s(y);
    let (x, x_last) = x.as_chunks::<4>();
    let (y, y_last) = y.as_chunks::<4>();
    // Four sums at a time: each addition takes four cycles.
    let mut sums = [simd.splat_f64s(0.0); 4];
    for (x, y) in x.iter().zip(y) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum = simd.mul_add_e_f64s(x, y, *sum);
        }
    }
    for (&x, &y) in x_last.iter().zip(y_last) {
        sums[0] = simd.mul_add_e_f64s(x, y, sums[0]);
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    let sums = [
        simd.add_f64s(sums[0], sums[1]),
        simd.add_f64s(sums[2], sums[3]),
    ];
    simd.reduce_sum_f64s(simd.add_f64s(sums[0], sums[1])) + rest
}

/// y ← y + a·x of equal lengths.
#[inline(always)]
pub(super) fn add_scaled<S: Simd>(simd: S, y: &mut [f64], a: f64, x: &[f64]) {
    let factor = simd.splat_f64s(a);
    let (y, y_rest) = S::as_mut_simd_f64s(y);
    let (x, x_rest) = S::as_simd_f64s(x);
    for (y, &x) in y.iter_mut().zip(x) {
        *y = simd.mul_add_e_f64s(factor, x, *y);
    }
    for (y, x) in y_rest.iter_mut().zip(x_rest) {
        *y += a * x;
    }
}

/// y ← y + a·x, and xᵀz of the same x. Lengths are whole lanes.
#[inline(always)]
pub(super) fn add_scaled_and_dot<S: Simd>(
    simd: S,
    y: &mut [f64],
    a: f64,
    x: &[f64],
    z: &[f64],
) -> f64 {
    let a = simd.splat_f64s(a);
    let mut sum = simd.splat_f64s(0.0);
    let (y, x, z) = (
        S::as_mut_simd_f64s(y).0,
        S::as_simd_f64s(x).0,
        S::as_simd_f64s(z).0,
    );
    for ((y, &x), &z) in y.iter_mut().zip(x).zip(z) {
        sum = simd.mul_add_e_f64s(x, z, sum);
        *y = simd.mul_add_e_f64s(a, x, *y);
    }
    simd.reduce_sum_f64s(sum)
}

/// y ← y + a·x, and yᵀz of the new y. Lengths are whole lanes.
#[inline(always)]
pub(super) fn add_scaled_then_dot<S: Simd>(
    simd: S,
    y: &mut [f64],
    a: f64,
    x: &[f64],
    z: &[f64],
) -> f64 {
    let a = simd.splat_f64s(a);
    let mut sum = simd.splat_f64s(0.0);
    let (y, x, z) = (
        S::as_mut_simd_f64s(y).0,
        S::as_simd_f64s(x).0,
        S::as_simd_f64s(z).0,
    );
    for ((y, &x), &z) in y.iter_mut().zip(x).zip(z) {
        *y = simd.mul_add_e_f64s(a, x, *y);
        sum = simd.mul_add_e_f64s(*y, z, sum);
    }
    simd.reduce_sum_f64s(sum)
}

/// z ← z + a·x + b·y. Lengths are whole lanes.
#[inline(always)]
pub(super) fn add_two_scaled<S: Simd>(
    simd: S,
    z: &mut [f64],
    (a, x): (f64, &[f64]),
    (b, y): (f64, &[f64]),
) {
    let (a, b) = (simd.splat_f64s(a), simd.splat_f64s(b));
    let (z, x, y) = (
        S::as_mut_simd_f64s(z).0,
        S::as_simd_f64s(x).0,
        S::as_simd_f64s(y).0,
    );
    for ((z, &x), &y) in z.iter_mut().zip(x).zip(y) {
        *z = simd.mul_add_e_f64s(a, x, simd.mul_add_e_f64s(b, y, *z));
    }
}

/// A Householder reflection H = 1 − τvvᵀ with v₀ = 1 that takes x to βe₀ (Golub & Van Loan,
/// Matrix Computations, §5.1). Overwrites x with v and returns (β, τ); τ is 0, and
/// H the identity, where all but x₀ is zero.
#[inline(always)]
pub(super) fn reflection<S: Simd>(simd: S, x: &mut [f64]) -> (f64, f64) {
    let Some((head, tail)) = x.split_first_mut() else {
        return (0.0, 0.0);
    };
    let first = *head;
    *head = 1.0;
    let square = dot(simd, tail, tail);
    if square < LEAST_SQUARE {
        tail.fill(0.0);
        return (first, 0.0);
    }
    let beta = -first.mul_add(first, square).sqrt().copysign(first);
    // No cancellation: β has the other sign.
    let scale = 1.0 / (first - beta);
    for x in tail {
        *x *= scale;
    }
    (beta, (beta - first) / beta)
}
