//! Draws through one matrix: down, dropped, up, and what comes back.

use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::ShadowPlan;
use super::code::{Code, Draw};
use super::columns::{Columns, relu};
use super::matrix::ScaledMatrix;
use randomlike_maths::random_streams::Purpose;
use randomlike_maths::stats::maximize;

/// Most draws that run together: a product with fewer columns waits for the matrix.
pub(super) const BLOCK: usize = 96;

/// What came back from one draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Return {
    pub draw: Arc<Draw>,
    /// z = Wᵀx, before bias and ReLU.
    pub z: Vec<f32>,
    /// The same with 1 − q of x dropped and the rest divided by q.
    pub z_dropped: Vec<f32>,
}

/// Draws that several matrices run on, and what they hold, a draw a column.
#[derive(Debug)]
pub(super) struct Block {
    draws: Vec<Arc<Draw>>,
    codes: Columns,
    /// 1 for what is kept on the way down, 0 for the rest.
    down: Columns,
    /// 1/q for what is kept on the way up, 0 for the rest.
    up: Columns,
}

impl Block {
    /// At most [`BLOCK`] draws of a layer of `n` inputs and `m` outputs.
    pub(super) fn new(draws: Vec<Draw>, (n, m): (usize, usize), keep: f64) -> Self {
        let kept = |kept: bool| f32::from(u8::from(kept));
        let of = |length, entry: &dyn Fn(&Draw, usize) -> f32| {
            Columns::new(length, draws.len(), |draw, i| entry(&draws[draw], i))
        };
        Self {
            codes: of(m, &|draw, i| draw.code.values[i]),
            down: of(n, &|draw, i| kept(draw.down[i])),
            up: of(n, &|draw, i| kept(draw.up[i]) / keep as f32),
            draws: draws.into_iter().map(Arc::new).collect(),
        }
    }
}

/// `count` draws for `purpose`, in order.
pub(super) fn draws(
    plan: &ShadowPlan,
    purpose: Purpose,
    count: usize,
    (n, m): (usize, usize),
) -> Vec<Draw> {
    (0..count)
        .into_par_iter()
        .map(|i| Draw::new(plan, purpose, i as u64, n, m))
        .collect()
}

/// All draws in order, block by block.
pub(super) fn blocks(draws: Vec<Draw>, shape: (usize, usize), keep: f64) -> Vec<Block> {
    let mut draws = draws.into_iter();
    let mut blocks = Vec::new();
    loop {
        let some: Vec<Draw> = draws.by_ref().take(BLOCK).collect();
        if some.is_empty() {
            return blocks;
        }
        blocks.push(Block::new(some, shape, keep));
    }
}

/// What comes back of every draw from one matrix, in order.
pub(super) fn returns(matrix: &ScaledMatrix<'_>, rho: f64, blocks: &[Block]) -> Vec<Return> {
    let alpha = alpha(rho, matrix);
    let returns = blocks.iter();
    returns
        .flat_map(|one| block((matrix, matrix), alpha, one))
        .collect()
}

/// α = 2/(ρ·n·s²), and s = 1 after scaling.
fn alpha(rho: f64, matrix: &ScaledMatrix<'_>) -> f64 {
    2.0 / (rho * matrix.n as f64)
}

/// x = r(αWh) ⊙ drop by the first matrix, z = Wᵀx by the second, which is the same one.
pub(super) fn block(
    (down, up): (&ScaledMatrix<'_>, &ScaledMatrix<'_>),
    alpha: f64,
    block: &Block,
) -> Vec<Return> {
    let (inputs, z) = returned((down, up), alpha, block);
    let z_dropped = up.up(&inputs.times(&block.up)).separate();
    let back = block.draws.iter().zip(z).zip(z_dropped);
    back.map(|((draw, z), z_dropped)| Return {
        draw: Arc::clone(draw),
        z,
        z_dropped,
    })
    .collect()
}

/// x and z, a draw a column of x.
fn returned(
    (down, up): (&ScaledMatrix<'_>, &ScaledMatrix<'_>),
    alpha: f64,
    block: &Block,
) -> (Columns, Vec<Vec<f32>>) {
    let inputs = reversed(down.down(&block.codes), alpha, &block.down);
    let z = up.up(&inputs).separate();
    (inputs, z)
}

/// z of every draw of a block, with its code.
pub(super) fn codes_and_returns<'a>(
    matrix: &ScaledMatrix<'_>,
    rho: f64,
    block: &'a Block,
) -> Vec<(&'a Code, Vec<f32>)> {
    let (_, z) = returned((matrix, matrix), alpha(rho, matrix), block);
    let codes = block.draws.iter().map(|draw| &draw.code);
    codes.zip(z).collect()
}

/// One step of the way down, eq. 4: r(α·Wh) ⊙ mask, from W·h.
pub(super) fn reversed(product: Columns, alpha: f64, mask: &Columns) -> Columns {
    let alpha = alpha as f32;
    product.map(|_, x| relu(x * alpha)).times(mask)
}

/// What one draw's code and its return have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    /// ‖h̃ − h‖²/‖h‖².
    pub error: f64,
    /// Cosine of h̃ and h; 0 when nothing came back.
    pub cosine: f64,
    /// (h̃ᵢ − hᵢ)²/τ², mean over all m coordinates, τ the mean of the k positive ones.
    pub per_coordinate: f64,
    /// The same, mean over the k positive coordinates.
    pub per_positive: f64,
    /// Share of the k positive coordinates among the k largest of h̃.
    pub support: f64,
    /// Share of the zeros of h that are zero in h̃; nothing without zeros.
    pub zeros: Option<f64>,
}

/// Scores h̃ = r(z + b) against `code`; `bias` answers b of a coordinate.
///
/// Generic over `bias`, so that a constant costs no call a coordinate.
pub(super) fn score(code: &Code, z: &[f32], bias: impl Fn(usize) -> f64) -> Score {
    let back: Vec<f64> = z
        .iter()
        .enumerate()
        .map(|(i, &z)| (f64::from(z) + bias(i)).max(0.0))
        .collect();
    let (mut error, mut dot, mut norm, mut square, mut silent) = (0.0, 0.0, 0.0, 0.0, 0);
    for (&h, &b) in code.values.iter().zip(&back) {
        let h = f64::from(h);
        error += (b - h) * (b - h);
        dot += b * h;
        norm += b * b;
        square += h * h;
        silent += usize::from(h <= 0.0 && b <= 0.0);
    }
    let at = |&i: &usize| (back[i] - f64::from(code.values[i])).powi(2);
    let positive: f64 = code.support.iter().map(at).sum();
    let (length, k) = (code.values.len(), code.support.len());
    let tau = code.values.iter().map(|&h| f64::from(h)).sum::<f64>() / k as f64;
    let zeros = length - k;
    Score {
        error: error / square,
        cosine: if norm > 0.0 {
            dot / (norm * square).sqrt()
        } else {
            0.0
        },
        per_coordinate: error / (length as f64 * tau * tau),
        per_positive: positive / (k as f64 * tau * tau),
        support: recall(&code.support, &back),
        zeros: (zeros > 0).then(|| silent as f64 / zeros as f64),
    }
}

/// z·h/‖h‖².
pub(super) fn gain(code: &Code, z: &[f32]) -> f64 {
    let pairs = code.support.iter();
    let product: f64 = pairs
        .map(|&i| f64::from(code.values[i]) * f64::from(z[i]))
        .sum();
    product / code.square()
}

/// ‖z − h‖²/‖h‖², before bias and ReLU.
pub(super) fn linear_error(code: &Code, z: &[f32]) -> f64 {
    let pairs = code.values.iter().zip(z);
    let error: f64 = pairs
        .map(|(&h, &z)| (f64::from(z) - f64::from(h)).powi(2))
        .sum();
    error / code.square()
}

/// Ties at the edge count by position, and a coordinate that is not positive never counts.
fn recall(support: &[usize], back: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..back.len()).filter(|&i| back[i] > 0.0).collect();
    // Which are the largest, not in what order they come.
    if let Some(last) = support
        .len()
        .checked_sub(1)
        .filter(|&last| last < order.len())
    {
        order.select_nth_unstable_by(last, |&a, &b| back[b].total_cmp(&back[a]).then(a.cmp(&b)));
    }
    order.truncate(support.len());
    let found = order.iter().filter(|i| support.binary_search(i).is_ok());
    found.count() as f64 / support.len() as f64
}

/// The constant b ≤ 0 with the least mean relative error of r(z + b), by golden section on −b
/// from 0 to the largest coordinate that came back.
pub(super) fn calibrated<'a>(pairs: &[(&'a Code, &'a [f32])]) -> f64 {
    let returned = pairs.iter().flat_map(|(_, z)| *z);
    let highest = f64::from(returned.copied().fold(0.0, f32::max));
    let blocks: Vec<DrawLanes> = pairs.chunks(LANES).map(DrawLanes::of).collect();
    let error = |cut: f64| {
        let each: Vec<[f64; LANES]> = blocks.par_iter().map(|block| block.errors(cut)).collect();
        each.iter().flatten().take(pairs.len()).sum::<f64>()
    };
    -maximize(|cut| -error(cut), 0.0, highest, 1e-4 * highest)
}

/// Draws whose errors are added up side by side.
const LANES: usize = 16;

/// Some draws, coordinate by coordinate: each sum goes in the order of the coordinates, and the
/// processor has several to add to at a time. Lanes without a draw are zero.
struct DrawLanes {
    /// h and z of each draw.
    coordinates: Vec<([f32; LANES], [f32; LANES])>,
    /// ‖h‖², 1 without a draw.
    squares: [f64; LANES],
}

impl DrawLanes {
    fn of(pairs: &[(&Code, &[f32])]) -> Self {
        let length = pairs.first().map_or(0, |(code, _)| code.values.len());
        let mut coordinates = vec![([0.0; LANES], [0.0; LANES]); length];
        let mut squares = [1.0; LANES];
        for (lane, (code, z)) in pairs.iter().enumerate() {
            squares[lane] = code.square();
            let entries = code.values.iter().zip(*z);
            for ((codes, returns), (&h, &z)) in coordinates.iter_mut().zip(entries) {
                (codes[lane], returns[lane]) = (h, z);
            }
        }
        Self {
            coordinates,
            squares,
        }
    }

    /// ‖r(z − cut) − h‖²/‖h‖² of each draw.
    fn errors(&self, cut: f64) -> [f64; LANES] {
        let sums = Arch::new().dispatch(Errors { of: self, cut });
        std::array::from_fn(|lane| sums[lane] / self.squares[lane])
    }
}

struct Errors<'a> {
    of: &'a DrawLanes,
    cut: f64,
}

impl WithSimd for Errors<'_> {
    type Output = [f64; LANES];

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "vector code arises only where a loop is inlined into what `pulp` dispatches"
    )]
    fn with_simd<S: Simd>(self, _: S) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (codes, returns) in &self.of.coordinates {
            for lane in 0..LANES {
                let back = (f64::from(returns[lane]) - self.cut).max(0.0);
                let off = back - f64::from(codes[lane]);
                sums[lane] += off * off;
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        Code::from_values(vec![0.6, 0.0, 0.8, 0.0])
    }

    // h̃ = (.5, .7, 0, 0) from z = (.6, .8, 0, −1) and b = −.1; h = (.6, 0, .8, 0), τ = .7.
    #[test]
    fn a_score_by_hand() {
        let z = [0.6, 0.8, 0.0, -1.0];
        let s = score(&code(), &z, |_| -0.1);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        near(s.error, 0.01 + 0.49 + 0.64);
        near(s.cosine, 0.3 / 0.74_f64.sqrt());
        near(s.per_coordinate, 1.14 / (4.0 * 0.49));
        near(s.per_positive, (0.01 + 0.64) / (2.0 * 0.49));
        near(s.support, 0.5);
        near(s.zeros.unwrap(), 0.5);
        near(gain(&code(), &z), 0.36);
        near(linear_error(&code(), &z), 0.64 + 0.64 + 1.0);
    }

    #[test]
    fn nothing_back_is_no_support() {
        let s = score(&code(), &[-1.0; 4], |_| 0.0);
        assert_eq!((s.support, s.cosine, s.zeros), (0.0, 0.0, Some(1.0)));
        assert!((s.error - 1.0).abs() < 1e-6);
    }

    // z = h + .2 on the zeros: the cut that is best is that of least (2·(.2 − c)² + 2c²).
    #[test]
    fn the_best_constant_by_hand() {
        let (code, z) = (code(), [0.6, 0.2, 0.8, 0.2]);
        assert!((calibrated(&[(&code, &z)]) + 0.1).abs() < 1e-3);
    }
}
