//! Band to tridiagonal: the second stage of a reduction in two.
//!
//! Sweep k takes column k to tridiagonal form by one Householder reflection of its b
//! entries below the diagonal, which leaves a bulge b rows further down; a reflection each
//! chases it b rows on until it falls off the end (Bischof, Lang & Sun 2000, "A framework
//! for symmetric band reduction", ACM TOMS 26; with only the first column of each bulge
//! taken away, as Haidar, Ltaief & Dongarra 2011, "Parallel reduction to condensed forms",
//! SC11). 6n²b operations, values only.
#![allow(clippy::inline_always, reason = "see kernels.rs")]

use std::mem::take;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::kernels::{
    LANES, add_scaled, add_scaled_and_dot, add_scaled_then_dot, add_two_scaled, dot, padded,
    reflection,
};

/// The widest band taken.
pub(super) const WIDEST: usize = 64;

/// Sweeps that run behind one another over the same columns while these are in the cache,
/// and steps each makes before the next task. With 8, short bands keep one core waiting.
const GROUP: usize = 4;

/// The lower half of a symmetric band matrix, column by column.
///
/// Column j begins at `2·width·j` and holds rows j to j + 2·width − 1: the diagonal, `width`
/// entries below it, and room for the bulge. `width` is a multiple of [`LANES`], at
/// most [`WIDEST`]; what lies past the last row is zero.
pub(super) struct Band {
    size: usize,
    width: usize,
    columns: Vec<f64>,
}

/// A symmetric tridiagonal matrix.
pub(super) struct Tridiagonal {
    /// n entries.
    pub diagonal: Vec<f64>,
    /// n − 1 entries below the diagonal.
    pub below: Vec<f64>,
}

impl Band {
    pub(super) fn zeros(size: usize, width: usize) -> Self {
        assert!(width > 0 && width <= WIDEST && width.is_multiple_of(LANES));
        Self {
            size,
            width,
            columns: vec![0.0; 2 * width * size],
        }
    }

    /// Rows j to j + 2·width − 1 of column j.
    pub(super) fn column_mut(&mut self, j: usize) -> &mut [f64] {
        let height = 2 * self.width;
        &mut self.columns[j * height..(j + 1) * height]
    }

    /// The tridiagonal matrix of the same eigenvalues.
    pub(super) fn into_tridiagonal(mut self) -> Tridiagonal {
        self.chase();
        let height = 2 * self.width;
        let diagonal = self.columns.iter().step_by(height).copied().collect();
        let below = self.columns.iter().skip(1).step_by(height).copied();
        let below = below.take(self.size.saturating_sub(1)).collect();
        Tridiagonal { diagonal, below }
    }

    /// All sweeps, in waves of tasks that touch no column in common.
    ///
    /// Step s of sweep k + 1 touches the first column of step s + 1 of sweep k, and no later
    /// one. In task (g, p) the sweep j of group g therefore makes steps
    /// p·GROUP − j to (p + 1)·GROUP − j, and waits for the task (g − 1, p + 1): wave p + 2g
    /// may run at once. Every task does the same whoever runs it.
    fn chase(&mut self) {
        let (size, width) = (self.size, self.width);
        let sweeps = size.saturating_sub(2);
        let mut waiting = (0..sweeps).step_by(GROUP);
        let mut running: Vec<SweepGroup> = Vec::new();
        for wave in 0.. {
            if wave % 2 == 0 {
                running.extend(
                    waiting
                        .next()
                        .map(|first| SweepGroup::new(first, sweeps, width)),
                );
            }
            if running.is_empty() && waiting.len() == 0 {
                break;
            }
            let mut rest = self.columns.as_mut_slice();
            let mut cut = 0;
            let mut tasks = Vec::with_capacity(running.len());
            for group in running.iter_mut().rev() {
                let (from, to) = group.columns(size, width);
                let (_, after) = take(&mut rest).split_at_mut((from - cut) * 2 * width);
                let (columns, after) = after.split_at_mut((to - from) * 2 * width);
                tasks.push(Task {
                    group,
                    columns,
                    from,
                    size,
                    width,
                });
                (rest, cut) = (after, to);
            }
            let tasks = tasks.into_par_iter().with_max_len(1);
            tasks.for_each(|task| Arch::new().dispatch(task));
            running.retain(|group| !group.is_done(size, width));
        }
    }
}

/// GROUP sweeps one behind the other, and the reflections they carry along.
struct SweepGroup {
    /// The column of the first sweep.
    first: usize,
    /// Tasks done.
    tasks: usize,
    sweeps: Vec<Sweep>,
}

/// Where a sweep stands.
struct Sweep {
    /// The reflection that made the last bulge vanish, zeros behind it.
    vector: [f64; WIDEST + LANES],
    tau: f64,
}

impl SweepGroup {
    fn new(first: usize, sweeps: usize, width: usize) -> Self {
        debug_assert!(width <= WIDEST);
        let idle = || Sweep {
            vector: [0.0; WIDEST + LANES],
            tau: 0.0,
        };
        let count = GROUP.min(sweeps - first);
        Self {
            first,
            tasks: 0,
            sweeps: (0..count).map(|_| idle()).collect(),
        }
    }

    /// First and one past the last column of the next task.
    fn columns(&self, size: usize, width: usize) -> (usize, usize) {
        let from = if self.tasks == 0 {
            self.first
        } else {
            self.first + GROUP + ((self.tasks - 1) * GROUP + 1) * width
        };
        let to = self.first + 1 + (self.tasks + 1) * GROUP * width;
        (from.min(size), to.min(size))
    }

    fn is_done(&self, size: usize, width: usize) -> bool {
        let (from, _) = self.columns(size, width);
        from == size
    }
}

/// Part of a wave: what one group does to the columns that begin with column `from`.
struct Task<'a> {
    group: &'a mut SweepGroup,
    columns: &'a mut [f64],
    from: usize,
    size: usize,
    width: usize,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            group,
            columns,
            from,
            size,
            width,
        } = self;
        let height = 2 * width;
        for (j, sweep) in group.sweeps.iter_mut().enumerate() {
            let k = group.first + j;
            let begin = (group.tasks * GROUP).saturating_sub(j);
            let end = (group.tasks + 1) * GROUP - j;
            for step in begin..end {
                let top = k + 1 + step * width;
                if top >= size {
                    break;
                }
                if step == 0 {
                    sweep.begin(
                        simd,
                        &mut columns[(k - from) * height..],
                        width.min(size - top),
                    );
                }
                sweep.step(
                    simd,
                    &mut columns[(top - from) * height..],
                    width,
                    size - top,
                );
            }
        }
        group.tasks += 1;
    }
}

impl Sweep {
    /// Takes a column's `length` entries below the diagonal to one.
    #[inline(always)]
    fn begin<S: Simd>(&mut self, simd: S, column: &mut [f64], length: usize) {
        let below = &mut column[1..=length];
        self.vector[..length].copy_from_slice(below);
        let (beta, tau) = reflection(simd, &mut self.vector[..length]);
        self.tau = tau;
        below.fill(0.0);
        below[0] = beta;
    }

    /// Applies the reflection from both sides to the block on the diagonal, from the right
    /// to the block below it, and takes that one's first column to a single entry by the
    /// next reflection.
    ///
    /// `columns` begins with the block's first column; `rows` are left in the matrix.
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, columns: &mut [f64], width: usize, rows: usize) {
        let height = 2 * width;
        let length = width.min(rows);
        let below = width.min(rows - length);
        let (v, tau) = (self.vector, self.tau);
        if tau != 0.0 {
            two_sided(simd, columns, height, &v, tau, length);
        }
        if below == 0 {
            return;
        }
        // The block below lies under `width` full columns.
        let deep = padded(below);
        let mut product = [0.0; WIDEST];
        let product = &mut product[..deep];
        for j in 0..width {
            add_scaled(
                simd,
                product,
                v[j],
                &columns[j * height + width - j..][..deep],
            );
        }
        let next = &mut self.vector;
        next.fill(0.0);
        let first = &mut columns[width..][..deep];
        add_scaled(simd, first, -tau, product);
        next[..below].copy_from_slice(&first[..below]);
        let (beta, next_tau) = reflection(simd, &mut next[..below]);
        self.tau = next_tau;
        first.fill(0.0);
        first[0] = beta;
        let next = &next[..deep];
        for j in 1..width {
            let column = &mut columns[j * height + width - j..][..deep];
            let share = add_scaled_then_dot(simd, column, -tau * v[j], product, next);
            add_scaled(simd, column, -next_tau * share, next);
        }
    }
}

/// A ← HAH of the `length` rows and columns on the diagonal, lower half, as A − vwᵀ − wvᵀ
/// with w = τAv − ½τ²(vᵀAv)v (Golub & Van Loan §8.3.1).
///
/// v is zero past `length`, so whole lanes may be read and written past the block.
#[inline(always)]
fn two_sided<S: Simd>(
    simd: S,
    columns: &mut [f64],
    height: usize,
    v: &[f64; WIDEST + LANES],
    tau: f64,
    length: usize,
) {
    let mut w = [0.0; WIDEST + LANES];
    for j in 0..length {
        let column = &columns[j * height..][..height];
        let deep = padded(length - 1 - j);
        let (head, tail) = w[j..].split_first_mut().expect("j < length");
        let sum = add_scaled_and_dot(
            simd,
            &mut tail[..deep],
            v[j],
            &column[1..=deep],
            &v[j + 1..][..deep],
        );
        *head = column[0].mul_add(v[j], *head) + sum;
    }
    w[length..].fill(0.0);
    let half = -0.5 * tau * tau * dot(simd, &w[..length], &v[..length]);
    for (w, &v) in w[..length].iter_mut().zip(v) {
        *w = tau.mul_add(*w, half * v);
    }
    for j in 0..length {
        let deep = padded(length - j);
        let column = &mut columns[j * height..][..deep];
        add_two_scaled(
            simd,
            column,
            (-v[j], &w[j..][..deep]),
            (-w[j], &v[j..][..deep]),
        );
    }
}
