//! The weights of B less those of A: their size, their spectrum and its law; docs/compare.md.

use serde::{Deserialize, Serialize};

use super::difference_kind::{self, DifferenceKind};
use super::{ComparedAudit, Comparison, LayerSide, Pair};
use crate::Result;
use crate::label::LabelLimits;
use crate::policy::Policy;
use randomlike_checkpoint::{Checkpoint, Dtype};
use randomlike_core::analysis::{self, Progress};
use randomlike_core::audit::{Audit, Orientation, OrientationFrom, Section, Spectrum, Weights};
use randomlike_core::finite::finite_or_skipped;
use randomlike_core::layers::{self, Layer, Selection};
use randomlike_core::skip::{ComparedSide, Unmeasured};
use randomlike_maths::linalg::Engine;
use randomlike_maths::stats::laws::edges;
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;

/// Chance by which rounding alone passes its edge.
const ROUNDING_LEVEL: f64 = 0.01;

/// Facts about B − A, both laid out as A is stored. σ are in the weights' own units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// `‖B − A‖_F/‖A‖_F`; absent when A is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_norm: Option<f64>,
    /// Cosine of A and B as vectors; absent when one is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
    /// Share of the weights that are not the same.
    pub changed_fraction: f64,
    /// Weights whose number is the same bit for bit on both sides, each in its own dtype widened to 64
    /// bits, which keeps every number apart; absent in comparisons of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identical: Option<u64>,
    /// Largest change of a weight.
    pub largest: f64,
    /// Root mean square of what storing both sides in their dtypes rounds away: ulp/√12 each.
    pub rounding: f64,
    /// Singular value that rounding alone stays below in 99 of 100 cases (Johnstone 2001), or
    /// σ₁·N·ε of the 64-bit arithmetic if that is more.
    pub rounding_edge: f64,
    /// Singular values above `rounding_edge`.
    pub rank_above_rounding: usize,
    /// Fewest singular values that hold 90 % of Σσ².
    pub rank_90: usize,
    /// Fewest singular values that hold 99 % of Σσ².
    pub rank_99: usize,
    /// Σσ²/σ₁²; absent when nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_rank: Option<f64>,
    /// The distribution of its entries.
    pub weights: Section<Weights>,
    /// All singular values, descending, where `spectrum` does not hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub singular_values: Vec<f64>,
    /// Its singular values beside their law.
    pub spectrum: Section<Spectrum>,
    /// Share of Σσ² in the largest k values, for some k.
    pub energy: Vec<EnergyShare>,
    /// Whether B's sides were exchanged: the two orientations contradict each other, and one of
    /// them is known from less than the other, or both are only assumed.
    pub transposed: bool,
    /// ‖Bᵀ − A‖_F/‖A‖_F where the layer is square and its sides could be exchanged unnoticed;
    /// absent when A is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned_norm: Option<f64>,
    /// One word for it, by the rule of docs/compare.md.
    pub kind: DifferenceKind,
    /// The figures that decided it, in words.
    pub kind_reason: String,
}

/// How much of Σσ² the largest values hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EnergyShare {
    /// How many values.
    pub k: usize,
    /// Their share.
    pub share: f64,
    /// The share the law gives them for independent random numbers of this shape.
    pub random: f64,
}

impl Difference {
    /// All singular values, descending.
    pub fn values(&self) -> &[f64] {
        self.spectrum
            .measured()
            .map_or(&self.singular_values, |spectrum| &spectrum.singular_values)
    }
}

/// Measures the difference of every pair, where both sides have their weights.
pub(super) fn add(
    comparison: &mut Comparison,
    a: ComparedAudit<'_>,
    b: ComparedAudit<'_>,
    policy: &Policy,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    let (Some(from), Some(to)) = (a.checkpoint, b.checkpoint) else {
        let reason = missing(a, b);
        for pair in &mut comparison.layers {
            pair.difference = Section::Skipped {
                reason: reason.clone(),
            };
        }
        return Ok(());
    };
    let (from, to) = (Source::new(from, a.audit)?, Source::new(to, b.audit)?);
    let engine = b.audit.settings.engine;
    let layers = comparison.layers.len();
    for (index, pair) in comparison.layers.iter_mut().enumerate() {
        progress(Progress {
            layer: &pair.a.name,
            index,
            layers,
            stage: "difference",
            done: index as f64 / layers as f64,
        });
        let limits = *policy.for_layer(&pair.a.name)?.labels();
        pair.difference = of_pair(pair, &from, &to, engine, &limits)?;
    }
    from.checkpoint.unchanged()?;
    Ok(to.checkpoint.unchanged()?)
}

fn missing(a: ComparedAudit<'_>, b: ComparedAudit<'_>) -> Unmeasured {
    let sides = [(ComparedSide::A, a), (ComparedSide::B, b)].into_iter();
    let audits = sides.filter(|(_, side)| side.checkpoint.is_none());
    Unmeasured::NoWeightsToSubtract {
        sides: audits.map(|(side, _)| side).collect(),
    }
}

/// A checkpoint and its layers, in the order of its audit.
struct Source<'a> {
    checkpoint: &'a Checkpoint,
    layers: Vec<Layer>,
}

impl<'a> Source<'a> {
    fn new(checkpoint: &'a Checkpoint, audit: &Audit) -> Result<Self> {
        let settings = &audit.settings;
        let selection = Selection {
            include: settings.include.clone(),
            exclude: settings.exclude.clone(),
            conv: settings.conv,
            embeddings: settings.embeddings,
            min_size: settings.min_size,
        };
        Ok(Self {
            checkpoint,
            layers: layers::of(checkpoint, &selection)?.layers,
        })
    }

    fn matrix(&self, side: &LayerSide) -> Result<StoredMatrix<'_>> {
        let missing = || randomlike_checkpoint::Error::NoTensor {
            uri: self.checkpoint.uri().to_owned(),
            tensor: side.name.clone(),
        };
        let layer = self.layers.get(side.index).ok_or_else(missing)?;
        let entries = layer.weights(self.checkpoint)?.widened();
        Ok(StoredMatrix { layer, entries })
    }
}

/// A layer's weights as they are stored.
struct StoredMatrix<'a> {
    layer: &'a Layer,
    entries: Vec<f64>,
}

fn of_pair(
    pair: &Pair,
    from: &Source<'_>,
    to: &Source<'_>,
    engine: Engine,
    limits: &LabelLimits,
) -> Result<Section<Difference>> {
    let skipped = |reason| Ok(Section::Skipped { reason });
    let Some(orientation) = orientation_of_b(&pair.a, &pair.b) else {
        let [a, b] = [&pair.a, &pair.b].map(|side| (side.fan_in, side.fan_out));
        return skipped(Unmeasured::ShapesDiffer { a, b });
    };
    let (a, mut b) = (from.matrix(&pair.a)?, to.matrix(&pair.b)?);
    if orientation != a.layer.orientation {
        b.entries = transposed(&b.entries, stored_columns(b.layer));
    }
    for (side, stored) in [(ComparedSide::A, &a), (ComparedSide::B, &b)] {
        let count = stored.entries.iter().filter(|w| !w.is_finite()).count();
        if count > 0 {
            return skipped(Unmeasured::SideNotFinite { side, count });
        }
    }
    let mut difference = measured(&a, &b, engine, limits)?;
    difference.transposed = orientation != pair.b.orientation;
    Ok(finite_or_skipped(Section::Measured(difference)))
}

/// How B lies if both have one shape. Where their sides are exchanged, the side that knows its
/// orientation from less yields: a bias tells more than a name, and a name more than nothing.
fn orientation_of_b(a: &LayerSide, b: &LayerSide) -> Option<Orientation> {
    let exchanged = match b.orientation {
        Orientation::OutIn => Orientation::InOut,
        Orientation::InOut => Orientation::OutIn,
    };
    let (known_a, known_b) = (certainty(a), certainty(b));
    if (a.fan_in, a.fan_out) == (b.fan_in, b.fan_out) {
        Some(b.orientation)
    } else if (a.fan_in, a.fan_out) == (b.fan_out, b.fan_in) && (known_a != known_b || known_a == 0)
    {
        Some(exchanged)
    } else {
        None
    }
}

/// The order in which `layers` asks for an orientation, from the last.
const fn certainty(side: &LayerSide) -> u8 {
    match side.orientation_from {
        OrientationFrom::Assumption => 0,
        OrientationFrom::Neighbours => 1,
        OrientationFrom::Naming => 2,
        OrientationFrom::BiasLength => 3,
    }
}

/// Length of a stored row.
const fn stored_columns(layer: &Layer) -> usize {
    match layer.orientation {
        Orientation::OutIn => layer.fan_in,
        Orientation::InOut => layer.fan_out,
    }
}

fn transposed(entries: &[f64], columns: usize) -> Vec<f64> {
    let rows = entries.len() / columns.max(1);
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| entries[row * columns + column]))
        .collect()
}

/// ‖Bᵀ − A‖_F of two square matrices.
fn to_transpose(a: &[f64], b: &[f64], side: usize) -> f64 {
    let square = |(row, of_a): (usize, &[f64])| -> f64 {
        let of_b = b.iter().skip(row).step_by(side.max(1));
        of_a.iter().zip(of_b).map(|(a, b)| (b - a).powi(2)).sum()
    };
    let rows = a.chunks(side.max(1)).enumerate();
    rows.map(square).sum::<f64>().sqrt()
}

fn measured(
    a: &StoredMatrix<'_>,
    b: &StoredMatrix<'_>,
    engine: Engine,
    limits: &LabelLimits,
) -> Result<Difference> {
    let entries: Vec<f64> = a
        .entries
        .iter()
        .zip(&b.entries)
        .map(|(a, b)| b - a)
        .collect();
    let (type_a, type_b) = (&a.layer.weight.dtype, &b.layer.weight.dtype);
    let within = |(x, y): (&f64, &f64)| (y - x).abs() <= 0.5 * (ulp(*x, type_a) + ulp(*y, type_b));
    let within_rounding = a.entries.iter().zip(&b.entries).all(within);
    let rounding = rounding(&a.entries, type_a).hypot(rounding(&b.entries, type_b));
    let epsilon = epsilon(type_a).max(epsilon(type_b));
    let facts = analysis::of_matrix(&entries, a.layer, engine, epsilon)?;
    let values = facts.singular_values;
    let (n, m) = (a.layer.fan_in, a.layer.fan_out);
    let largest = values.first().copied().filter(|s| *s > 0.0);
    // What the arithmetic leaves of a zero, as numpy's matrix_rank has it.
    let arithmetic = largest.unwrap_or(0.0) * n.max(m) as f64 * f64::EPSILON;
    let edge = edges::upper_threshold(n, m, rounding, ROUNDING_LEVEL).max(arithmetic);
    let square = |of: &[f64]| of.iter().map(|w| w * w).sum::<f64>();
    let product: f64 = a.entries.iter().zip(&b.entries).map(|(a, b)| a * b).sum();
    let (size_a, size_b) = (square(&a.entries).sqrt(), square(&b.entries).sqrt());
    let both = a.entries.iter().zip(&b.entries);
    let identical = both.filter(|(a, b)| a.to_bits() == b.to_bits()).count();
    let changed = entries.iter().filter(|d| **d != 0.0).count();
    let mut difference = Difference {
        relative_norm: (size_a > 0.0).then(|| square(&entries).sqrt() / size_a),
        cosine: (size_a > 0.0 && size_b > 0.0).then(|| product / size_a / size_b),
        changed_fraction: changed as f64 / entries.len().max(1) as f64,
        identical: Some(identical as u64),
        largest: entries.iter().map(|d| d.abs()).fold(0.0, f64::max),
        rounding,
        rounding_edge: edge,
        rank_above_rounding: values.iter().filter(|s| **s > edge).count(),
        rank_90: holding(&values, 0.90),
        rank_99: holding(&values, 0.99),
        stable_rank: largest.map(|largest| square(&values) / (largest * largest)),
        weights: facts.weights,
        energy: energy(&values, n, m),
        singular_values: if facts.spectrum.measured().is_some() {
            Vec::new()
        } else {
            values
        },
        spectrum: facts.spectrum,
        transposed: false,
        turned_norm: (n == m && size_a > 0.0)
            .then(|| to_transpose(&a.entries, &b.entries, n) / size_a),
        kind: DifferenceKind::Undecided,
        kind_reason: String::new(),
    };
    (difference.kind, difference.kind_reason) =
        difference_kind::decide(&difference, within_rounding, limits);
    Ok(difference)
}

/// Fewest of the descending values that hold this share of Σσ²; 0 where all are zero.
fn holding(values: &[f64], share: f64) -> usize {
    let total: f64 = values.iter().map(|s| s * s).sum();
    if total <= 0.0 {
        return 0;
    }
    let mut held = 0.0;
    let reaches = |s: &f64| {
        held += s * s;
        held >= share * total
    };
    values
        .iter()
        .position(reaches)
        .map_or(values.len(), |at| at + 1)
}

/// Shares of the largest 1, 2, 3, 4, 6, 8, 12, … values and of all.
fn energy(values: &[f64], fan_in: usize, fan_out: usize) -> Vec<EnergyShare> {
    let count = values.len();
    let aspect = fan_in.min(fan_out) as f64 / fan_in.max(fan_out).max(1) as f64;
    let Some(law) = MarchenkoPastur::new(aspect) else {
        return Vec::new();
    };
    let of_law = |i: usize| law.quantile(1.0 - (i as f64 + 0.5) / count as f64);
    let random = running(&(0..count).map(of_law).collect::<Vec<_>>());
    let found = running(values);
    if found.is_empty() || random.is_empty() {
        return Vec::new();
    }
    steps(count)
        .map(|k| EnergyShare {
            k,
            share: found[k - 1],
            random: random[k - 1],
        })
        .collect()
}

/// Share of Σσ² in the first k values, for every k; nothing where all are zero.
fn running(values: &[f64]) -> Vec<f64> {
    let total: f64 = values.iter().map(|s| s * s).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let add = |held: &mut f64, s: &f64| {
        *held += s * s;
        Some(*held / total)
    };
    values.iter().scan(0.0, add).collect()
}

/// 1, 2, 3, 4, 6, 8, 12, 16, … below `count`, and `count`.
fn steps(count: usize) -> impl Iterator<Item = usize> {
    let powers = (0..usize::BITS - 1).map(|bits| 1_usize << bits);
    powers
        .flat_map(|power| [power, power + power / 2])
        .scan(0, |last, k| {
            let fresh = k > *last;
            *last = k;
            Some((k, fresh))
        })
        .filter_map(|(k, fresh)| fresh.then_some(k))
        .take_while(move |&k| k < count)
        .chain(std::iter::once(count))
}

/// Bits of the significand, the leading one included, and the smallest normal exponent.
const fn format(dtype: &Dtype) -> (i32, i32) {
    match dtype {
        Dtype::BF16 => (8, -126),
        Dtype::F16 => (11, -14),
        Dtype::F32 => (24, -126),
        _ => (53, -1022),
    }
}

/// The machine epsilon that ranks are judged with: that of the arithmetic, not of the storage.
fn epsilon(dtype: &Dtype) -> f64 {
    if *dtype == Dtype::F64 {
        f64::EPSILON
    } else {
        f64::from(f32::EPSILON)
    }
}

/// Distance of neighbouring numbers of the dtype at `value` (IEEE 754).
fn ulp(value: f64, dtype: &Dtype) -> f64 {
    let (bits, least) = format(dtype);
    let exponent = if value == 0.0 {
        least
    } else {
        // Bits 52 to 62 hold the exponent; a subnormal has 0 there.
        let biased = (value.to_bits() >> 52) & 0x7ff;
        (biased as i32 - 1023).max(least)
    };
    2_f64.powi(exponent - (bits - 1))
}

/// Root mean square of the error of rounding to the nearest: ulp/√12, uniform between halves.
fn rounding(entries: &[f64], dtype: &Dtype) -> f64 {
    let square = entries.iter().map(|w| ulp(*w, dtype).powi(2)).sum::<f64>();
    (square / 12.0 / entries.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    // The next number up, by bits.
    #[test]
    fn a_last_place_is_the_distance_to_the_next_number() {
        for value in [1.0, 0.03, 1.999, 700.0, 3e-6] {
            let f = |x: f32| f64::from(x);
            let single = value as f32;
            let next = f(f32::from_bits(single.to_bits() + 1)) - f(single);
            assert!(
                (ulp(f(single), &Dtype::F32) - next).abs() <= 0.0,
                "F32 {value}"
            );
            let brain = bf16::from_f64(value);
            let next = bf16::from_bits(brain.to_bits() + 1).to_f64() - brain.to_f64();
            assert!(
                (ulp(brain.to_f64(), &Dtype::BF16) - next).abs() <= 0.0,
                "BF16 {value}"
            );
            let small = f16::from_f64(value);
            let next = f16::from_bits(small.to_bits() + 1).to_f64() - small.to_f64();
            assert!(
                (ulp(small.to_f64(), &Dtype::F16) - next).abs() <= 0.0,
                "F16 {value}"
            );
        }
        assert!((ulp(1.0, &Dtype::F64) - f64::EPSILON).abs() <= 0.0);
        assert!((ulp(0.0, &Dtype::F16) - 2_f64.powi(-24)).abs() <= 0.0);
    }

    #[test]
    fn energy_by_hand() {
        let values = [3.0, 2.0, 1.0, 1.0, 1.0];
        // Squares 9, 4, 1, 1, 1 of 16.
        let shares = energy(&values, 5, 5);
        let found: Vec<(usize, f64)> = shares.iter().map(|e| (e.k, e.share)).collect();
        assert_eq!(
            found,
            [(1, 0.5625), (2, 0.8125), (3, 0.875), (4, 0.9375), (5, 1.0)]
        );
        assert_eq!((holding(&values, 0.9), holding(&values, 0.99)), (4, 5));
        assert_eq!(
            (holding(&[0.0; 3], 0.9), energy(&[0.0; 3], 3, 3).len()),
            (0, 0)
        );
        assert_eq!(
            steps(20).collect::<Vec<_>>(),
            [1, 2, 3, 4, 6, 8, 12, 16, 20]
        );
        assert_eq!(steps(1).collect::<Vec<_>>(), [1]);
    }

    // Of the quarter circle the values above 1 are 39.1 % and hold 80.5 % of the energy:
    // F(1) = (√3/2 + π/3)/π and (2π/3 + √3/4)/π.
    #[test]
    fn the_law_s_share_of_energy() {
        let values = vec![1.0; 1000];
        let shares = energy(&values, 1000, 1000);
        let near = shares.iter().find(|e| e.k == 384).unwrap();
        assert!((near.share - 0.384).abs() < 1e-9);
        let above_one: f64 = 1000.0
            * (1.0 - (3_f64.sqrt() / 2.0 + std::f64::consts::FRAC_PI_3) / std::f64::consts::PI);
        assert!((above_one - 391.0).abs() < 1.0);
        assert!((near.random - 0.805).abs() < 0.012, "{}", near.random);
    }

    #[test]
    fn transposing_by_hand() {
        // 2×3 to 3×2.
        let found = transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3);
        assert_eq!(found, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        // {1, 2; 3, 4} to {1, 3; 2, 4} turned, and to itself turned.
        let a = [1.0, 2.0, 3.0, 4.0];
        assert!(to_transpose(&a, &[1.0, 3.0, 2.0, 4.0], 2) <= 0.0);
        assert!((to_transpose(&a, &a, 2) - 2_f64.sqrt()).abs() < 1e-12);
    }
}
