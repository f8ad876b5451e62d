//! Loops over short columns, written so that the compiler turns them into vector code.
//!
//! Lengths are multiples of [`LANES`] where a function says so: callers pad with zeros, and
//! no loop has a scalar rest. Sums run in [`LANES`] interleaved partial sums, always in the
//! same order.
#![allow(
    clippy::inline_always,
    reason = "vector code arises only where a loop is inlined into what `pulp` dispatches"
)]

/// Numbers taken at a time: one AVX-512 register, two AVX2 or four NEON registers.
pub(super) const LANES: usize = 8;

/// The least square of a norm that still has all its digits. What is shorter than its
/// root, 1e-145, counts as zero beside a matrix scaled to 1.
pub(super) const LEAST_SQUARE: f64 = 1e-290;

/// `length` rounded up to whole lanes.
#[inline(always)]
pub(super) const fn padded(length: usize) -> usize {
    length.div_ceil(LANES) * LANES
}

#[inline(always)]
fn total(lanes: [f64; LANES]) -> f64 {
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6]))
        + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
}

#[inline(always)]
fn lanes(chunk: &[f64]) -> &[f64; LANES] {
    chunk.first_chunk().expect("a whole chunk")
}

#[inline(always)]
fn lanes_mut(chunk: &mut [f64]) -> &mut [f64; LANES] {
    chunk.first_chunk_mut().expect("a whole chunk")
}

/// xᵀy of any equal lengths.
#[inline(always)]
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [[0.0; LANES]; 4];
    let whole = x.len().min(y.len()) / (4 * LANES) * (4 * LANES);
    let (x, x_rest) = x.split_at(whole);
    let (y, y_rest) = y.split_at(whole);
    for (x, y) in x.chunks_exact(4 * LANES).zip(y.chunks_exact(4 * LANES)) {
        for (at, sums) in sums.iter_mut().enumerate() {
            let (x, y) = (lanes(&x[at * LANES..]), lanes(&y[at * LANES..]));
            for l in 0..LANES {
                sums[l] = x[l].mul_add(y[l], sums[l]);
            }
        }
    }
    let mut rest = 0.0;
    for (&x, &y) in x_rest.iter().zip(y_rest) {
        rest = x.mul_add(y, rest);
    }
    let mut all = [0.0; LANES];
    for l in 0..LANES {
        all[l] = (sums[0][l] + sums[1][l]) + (sums[2][l] + sums[3][l]);
    }
    total(all) + rest
}

/// y ← y + a·x.
#[inline(always)]
pub(super) fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = a.mul_add(x, *y);
    }
}

/// y ← y + a·x, and xᵀz of the same x. Lengths are whole lanes.
#[inline(always)]
pub(super) fn add_scaled_and_dot(y: &mut [f64], a: f64, x: &[f64], z: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let rows = y.chunks_exact_mut(LANES).zip(x.chunks_exact(LANES));
    for ((y, x), z) in rows.zip(z.chunks_exact(LANES)) {
        let (y, x, z) = (lanes_mut(y), lanes(x), lanes(z));
        for l in 0..LANES {
            sums[l] = x[l].mul_add(z[l], sums[l]);
            y[l] = a.mul_add(x[l], y[l]);
        }
    }
    total(sums)
}

/// y ← y + a·x, and yᵀz of the new y. Lengths are whole lanes.
#[inline(always)]
pub(super) fn add_scaled_then_dot(y: &mut [f64], a: f64, x: &[f64], z: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let rows = y.chunks_exact_mut(LANES).zip(x.chunks_exact(LANES));
    for ((y, x), z) in rows.zip(z.chunks_exact(LANES)) {
        let (y, x, z) = (lanes_mut(y), lanes(x), lanes(z));
        for l in 0..LANES {
            y[l] = a.mul_add(x[l], y[l]);
            sums[l] = y[l].mul_add(z[l], sums[l]);
        }
    }
    total(sums)
}

/// z ← z + a·x + b·y. Lengths are whole lanes.
#[inline(always)]
pub(super) fn add_two_scaled(z: &mut [f64], a: f64, x: &[f64], b: f64, y: &[f64]) {
    let rows = z.chunks_exact_mut(LANES).zip(x.chunks_exact(LANES));
    for ((z, x), y) in rows.zip(y.chunks_exact(LANES)) {
        let (z, x, y) = (lanes_mut(z), lanes(x), lanes(y));
        for l in 0..LANES {
            z[l] = a.mul_add(x[l], b.mul_add(y[l], z[l]));
        }
    }
}

/// A Householder reflection H = 1 − τvvᵀ with v₀ = 1 that takes x to βe₀ (Golub & Van Loan,
/// Matrix Computations, §5.1). Overwrites x with v and returns (β, τ); τ is 0, and
/// H the identity, where all but x₀ is zero.
#[inline(always)]
pub(super) fn reflection(x: &mut [f64]) -> (f64, f64) {
    let Some((head, tail)) = x.split_first_mut() else {
        return (0.0, 0.0);
    };
    let first = *head;
    *head = 1.0;
    let square = dot(tail, tail);
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
