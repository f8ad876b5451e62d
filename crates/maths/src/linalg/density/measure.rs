//! A spectrum as the weighted points of a Gauss rule: its distribution function, moments, and how
//! far probes can be from the trace.
//!
//! A unit vector v at random has the measure Σ(vᵀuᵢ)²δ(λᵢ). For a function f the mean over P
//! probes has the variance 2/(PM)·(1 − b/M)·Var f, where Var is over the spectrum and b probes at a
//! time are at right angles (second moments of a Haar frame). At f = 1(λ ≤ x) that is
//! F(1 − F): the error is a Brownian bridge, .25 at its middle.
//!
//! The mean of λ is known exactly, from the squares of the entries. Weights are therefore
//! multiplied by 1 + e·(λ − μ)/V, e what the mean lacks and μ, V mean and variance: a regression on
//! λ (calibration, Deville & Särndal 1992) that leaves F(1 − F) − C²/V, C(x) = ∫^x (λ − μ) dF. For a
//! flat spectrum that is a quarter at its middle, so half the error.
//!
//! Where the density is smooth, the rule's weights up to a node, half of its own counted, are the
//! distribution function there up to O(1/k²), the trapezoidal rule in the angle. A node that is a
//! point of the measure itself, as its residual tells, is a step.

use super::gauss::Node;

/// Curves have this many pieces between two nodes.
const PIECES: usize = 8;

/// A residual up to this share of the distance to the next node makes a step of a node.
const ISOLATED: f64 = 1e-4;

/// Weighted points, ascending, with weights that sum to 1.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    nodes: Vec<Node>,
    /// A step up to this is at zero.
    floor: f64,
}

/// How the probes were drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probes {
    pub count: usize,
    /// At right angles to each other.
    pub together: usize,
    /// M.
    pub size: usize,
}

impl Probes {
    /// Variance of a mean over the probes, in variances of the function over the spectrum.
    pub fn variance(self) -> f64 {
        let (count, size) = (self.count.max(1) as f64, self.size.max(1) as f64);
        2.0 / (count * (size + 2.0)) * (1.0 - self.together as f64 / size).max(0.0)
    }
}

impl Measure {
    /// What cannot be told from zero is zero.
    pub fn new(nodes: &[Node], floor: f64) -> Self {
        let total: f64 = nodes.iter().map(|node| node.weight).sum();
        let point = |(i, node): (usize, &Node)| {
            let gap = |j: Option<usize>| {
                let other = j.and_then(|j| nodes.get(j));
                other.map_or(f64::INFINITY, |other| (other.value - node.value).abs())
            };
            let apart = f64::min(gap(i.checked_sub(1)), gap(Some(i + 1)));
            let apart = if apart.is_finite() { apart } else { 0.0 };
            // A Ritz value moves by the square of its residual over the distance, and all but
            // that over the distance once more is its own weight (Parlett 1980, §11.7).
            let residual = if node.residual <= ISOLATED * apart {
                0.0
            } else {
                node.residual
            };
            let is_zero = node.value <= floor && residual <= 0.0;
            Node {
                value: if is_zero { 0.0 } else { node.value.max(0.0) },
                weight: if total > 0.0 {
                    node.weight / total
                } else {
                    0.0
                },
                residual,
            }
        };
        Self {
            nodes: nodes.iter().enumerate().map(point).collect(),
            floor,
        }
    }

    /// ∫ f dF.
    pub fn mean(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.nodes
            .iter()
            .map(|node| node.weight * f(node.value))
            .sum()
    }

    /// Mean and variance of λ.
    fn spread(&self) -> (f64, f64) {
        let mean = self.mean(|x| x);
        (mean, self.mean(|x| (x - mean).powi(2)))
    }

    /// With this mean, which is the trace's own.
    pub fn calibrated(mut self, mean: f64) -> Self {
        let (found, variance) = self.spread();
        if variance > 0.0 {
            let slope = (mean - found) / variance;
            for node in &mut self.nodes {
                node.weight *= (1.0 + slope * (node.value - found)).max(0.0);
            }
        }
        Self::new(&self.nodes, self.floor)
    }

    /// The most that a distribution function with the moments of this rule can differ from
    /// [`curve`].
    ///
    /// Chebyshev, Markov and Stieltjes: with nodes xⱼ and cumulative weights Wⱼ every such F has
    /// F(xⱼ−) ≥ Wⱼ₋₁ and F(xⱼ) ≤ Wⱼ, so between xⱼ and xⱼ₊₁ it lies between Wⱼ₋₁ and Wⱼ₊₁ (Szegő,
    /// Orthogonal Polynomials, §3.41), and the curve between Wⱼ₋₁ + wⱼ/2 and Wⱼ + wⱼ₊₁/2.
    /// What is within a step's residual of it is known, so it counts for nothing.
    ///
    /// [`curve`]: Self::curve
    pub fn widest(&self) -> f64 {
        let open = |node: Option<&Node>| match node {
            Some(node) if !is_step(node) => node.weight,
            _ => 0.0,
        };
        let between = |j: usize| {
            let before = open(j.checked_sub(1).and_then(|j| self.nodes.get(j)));
            let after = open(self.nodes.get(j));
            before + after - 0.5 * before.min(after)
        };
        (0..=self.nodes.len()).map(between).fold(0.0, f64::max)
    }

    /// Points (σ, share below) of the distribution function over σ = √λ, ascending in both, between
    /// the λ of `start` and `end`: monotone cubics between nodes (Fritsch & Butland 1984), steps at the nodes
    /// that are points.
    pub fn curve(&self, start: f64, end: f64) -> Vec<(f64, f64)> {
        let mut curve = Vec::new();
        let mut piece: Vec<(f64, f64)> = Vec::new();
        let mut sum = 0.0;
        let first = self.nodes.first().map_or(0.0, |node| node.value);
        if self.nodes.first().is_some_and(|node| !is_step(node)) {
            piece.push((start.min(first).sqrt(), 0.0));
        }
        for node in &self.nodes {
            let sigma = node.value.sqrt();
            if is_step(node) {
                piece.push((sigma, sum));
                curve.append(&mut smooth(&piece));
                piece = vec![(sigma, (sum + node.weight).min(1.0))];
            } else {
                piece.push((sigma, sum + 0.5 * node.weight));
            }
            sum = (sum + node.weight).min(1.0);
        }
        let last = self.nodes.last().map_or(0.0, |node| node.value);
        let open = self.nodes.last().is_some_and(|node| !is_step(node));
        let end = if open { last.max(end) } else { last };
        piece.push((end.sqrt(), 1.0));
        curve.append(&mut smooth(&piece));
        curve
    }

    /// Variance that the calibration leaves of 1(λ ≤ x), at σ = √x of every node.
    pub fn left_variances(&self) -> Vec<(f64, f64)> {
        let (mean, variance) = self.spread();
        let (mut share, mut moment) = (0.0, 0.0);
        let at = |node: &Node| {
            let (w, x) = (node.weight, node.value);
            let (middle, half) = (share + 0.5 * w, moment + 0.5 * w * (x - mean));
            share += w;
            moment += w * (x - mean);
            let explained = if variance > 0.0 {
                half * half / variance
            } else {
                0.0
            };
            (x.sqrt(), (middle * (1.0 - middle) - explained).max(0.0))
        };
        self.nodes.iter().map(at).collect()
    }

    /// Variance that the calibration leaves of f(λ).
    pub fn left_variance(&self, f: impl Fn(f64) -> f64) -> f64 {
        let (mean, variance) = self.spread();
        let level = self.mean(&f);
        let total = self.mean(|x| (f(x) - level).powi(2));
        let shared = self.mean(|x| (f(x) - level) * (x - mean));
        if variance > 0.0 {
            (total - shared * shared / variance).max(0.0)
        } else {
            total
        }
    }
}

/// The points with [`PIECES`] straight lines between two for the cubic through them.
fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let Some(&last) = points.last() else {
        return Vec::new();
    };
    let slope = |a: (f64, f64), b: (f64, f64)| {
        let run = b.0 - a.0;
        if run > 0.0 { (b.1 - a.1) / run } else { 0.0 }
    };
    let secants: Vec<f64> = points.windows(2).map(|p| slope(p[0], p[1])).collect();
    let tangent = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| secants.get(i)).copied();
        match (before, secants.get(i).copied()) {
            (Some(a), Some(b)) if a > 0.0 && b > 0.0 => {
                let (h, k) = (points[i].0 - points[i - 1].0, points[i + 1].0 - points[i].0);
                let share = (h + 2.0 * k) / (3.0 * (h + k));
                a * b / (share * b + (1.0 - share) * a)
            }
            // A straight way to the ends.
            (Some(a), None) => a,
            (None, Some(b)) => b,
            _ => 0.0,
        }
    };
    let mut curve = Vec::with_capacity(points.len() * PIECES);
    for (i, pair) in points.windows(2).enumerate() {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        let (run, from, to) = (x1 - x0, tangent(i), tangent(i + 1));
        for piece in 0..PIECES {
            let t = piece as f64 / PIECES as f64;
            let u = 1.0 - t;
            // Hermite's basis.
            let y = y0 * (1.0 + 2.0 * t) * u * u
                + y1 * (3.0 - 2.0 * t) * t * t
                + run * (from * t * u * u - to * t * t * u);
            curve.push((x0 + t * run, y.clamp(y0, y1)));
        }
    }
    curve.push(last);
    curve
}

/// Whether a node is a point of the measure.
fn is_step(node: &Node) -> bool {
    node.residual <= 0.0
}
