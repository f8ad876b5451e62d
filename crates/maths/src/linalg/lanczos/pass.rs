//! AᵀA·v in one pass through rows of A.
//!
//! Memory is what a pass waits for, so products are in single precision: at most [`STRETCH`] of
//! one row and [`TOGETHER`]·[`ROWS`] rows before a sum is added to one in double.

use pulp::{Scalar256b, Simd, WithSimd};

/// Rows that share a load of the vector.
pub(super) const ROWS: usize = 4;
/// Bundles of rows that are added up in single precision.
const TOGETHER: usize = 32;
/// Entries of a row that are.
const STRETCH: usize = 1024;

/// Σ a(aᵀv) over the rows a, of `v.len()` entries each; `entry` answers what one stands for.
///
/// The same to the last bit on every processor: eight sums side by side, nothing fused.
pub(super) fn sum(
    rows: &[f32],
    entry: Option<&(impl Fn(f32) -> f32 + Sync)>,
    v: &[f32],
) -> Vec<f64> {
    let mut sum = vec![0.0; v.len()];
    let pass = Pass {
        rows,
        entry,
        v,
        sum: &mut sum,
    };
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(simd) = pulp::x86::V3::try_new() {
        Simd::vectorize(simd, pass);
        return sum;
    }
    Simd::vectorize(Scalar256b, pass);
    sum
}

struct Pass<'a, F> {
    rows: &'a [f32],
    entry: Option<&'a F>,
    v: &'a [f32],
    sum: &'a mut [f64],
}

impl<F: Fn(f32) -> f32> WithSimd for Pass<'_, F> {
    type Output = ();

    #[expect(
        clippy::inline_always,
        reason = "dispatched loops are vectors only where inlined"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let cols = self.v.len();
        let mut single = vec![0.0; cols];
        let mut changed = vec![0.0; self.entry.map_or(0, |_| ROWS * cols)];
        for together in self.rows.chunks(TOGETHER * ROWS * cols) {
            single.fill(0.0);
            for bundle in together.chunks(ROWS * cols) {
                let bundle = match self.entry {
                    Some(entry) => {
                        let changed = &mut changed[..bundle.len()];
                        for (to, &from) in changed.iter_mut().zip(bundle) {
                            *to = entry(from);
                        }
                        &*changed
                    }
                    None => bundle,
                };
                if bundle.len() == ROWS * cols {
                    let rows: [&[f32]; ROWS] = std::array::from_fn(|i| &bundle[i * cols..][..cols]);
                    add(simd, rows, self.v, &mut single);
                } else {
                    for row in bundle.chunks_exact(cols) {
                        add(simd, [row], self.v, &mut single);
                    }
                }
            }
            for (sum, &single) in self.sum.iter_mut().zip(&single) {
                *sum += f64::from(single);
            }
        }
    }
}

/// sum ← sum + Σ a(aᵀv) over R rows.
#[expect(
    clippy::inline_always,
    reason = "dispatched loops are vectors only where inlined"
)]
#[inline(always)]
fn add<S: Simd, const R: usize>(simd: S, rows: [&[f32]; R], v: &[f32], sum: &mut [f32]) {
    let mut products = [0.0; R];
    for (at, v) in v.chunks(STRETCH).enumerate() {
        let stretch = rows.map(|row| &row[at * STRETCH..][..v.len()]);
        let inner = inner(simd, stretch, v);
        for (product, inner) in products.iter_mut().zip(inner) {
            *product += f64::from(inner);
        }
    }
    let products = products.map(|product| product as f32);
    let (sum, sum_rest) = S::as_mut_simd_f32s(sum);
    let parts = rows.map(|row| S::as_simd_f32s(row));
    let factors = products.map(|product| simd.splat_f32s(product));
    let heads = parts.map(|(head, _)| &head[..sum.len()]);
    for (c, sum) in sum.iter_mut().enumerate() {
        for (row, &factor) in heads.iter().zip(&factors) {
            *sum = simd.add_f32s(*sum, simd.mul_f32s(factor, row[c]));
        }
    }
    for (&product, (_, rest)) in products.iter().zip(&parts) {
        for (sum, &a) in sum_rest.iter_mut().zip(*rest) {
            *sum += product * a;
        }
    }
}

/// aᵀv of each row a.
#[expect(
    clippy::inline_always,
    reason = "dispatched loops are vectors only where inlined"
)]
#[inline(always)]
fn inner<S: Simd, const R: usize>(simd: S, rows: [&[f32]; R], v: &[f32]) -> [f32; R] {
    let (v, v_rest) = S::as_simd_f32s(v);
    let parts = rows.map(|row| S::as_simd_f32s(row));
    let heads = parts.map(|(head, _)| &head[..v.len()]);
    let mut sums = [simd.splat_f32s(0.0); R];
    for (c, &v) in v.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(&heads) {
            *sum = simd.add_f32s(*sum, simd.mul_f32s(row[c], v));
        }
    }
    let mut products = [0.0; R];
    for ((product, sums), (_, rest)) in products.iter_mut().zip(&sums).zip(&parts) {
        let lanes: &[f32] = pulp::bytemuck::cast_slice(std::slice::from_ref(sums));
        *product = lanes.iter().sum();
        for (&a, v) in rest.iter().zip(v_rest) {
            *product += a * v;
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::tests::normal;

    /// 531 rows and 1100 columns leave remainders of bundles, stretches and lanes.
    fn example() -> (Vec<f32>, Vec<f32>) {
        let single = |seed, count| normal(seed, count).iter().map(|&w| w as f32).collect();
        (single(1, 531 * 1100), single(2, 1100))
    }

    // Term by term in double precision.
    #[test]
    fn a_pass_is_a_transposed_times_a_times_v() {
        let (rows, v) = example();
        let mut wanted = vec![0.0; v.len()];
        for row in rows.chunks_exact(v.len()) {
            let product: f64 = row
                .iter()
                .zip(&v)
                .map(|(&a, &v)| f64::from(a) * f64::from(v))
                .sum();
            for (sum, &a) in wanted.iter_mut().zip(row) {
                *sum += product * f64::from(a);
            }
        }
        let length = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>().sqrt();
        let twice = |w: f32| 2.0 * w;
        for (found, factor) in [
            (sum(&rows, None::<&fn(f32) -> f32>, &v), 1.0),
            (sum(&rows, Some(&twice), &v), 4.0),
        ] {
            let off: Vec<f64> = found
                .iter()
                .zip(&wanted)
                .map(|(f, w)| f - factor * w)
                .collect();
            assert!(length(&off) < 4.0 * f64::from(f32::EPSILON) * factor * length(&wanted));
        }
    }

    #[test]
    fn the_processor_does_not_show() {
        let (rows, v) = example();
        let mut plain = vec![0.0; v.len()];
        let pass = Pass {
            rows: &rows,
            entry: None::<&fn(f32) -> f32>,
            v: &v,
            sum: &mut plain,
        };
        Simd::vectorize(Scalar256b, pass);
        assert_eq!(plain, sum(&rows, None::<&fn(f32) -> f32>, &v));
    }
}
