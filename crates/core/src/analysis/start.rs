//! How far a layer is from the nearest known initialiser, docs/theory.md §10.
//!
//! Nothing is fitted: each law has the scale its library prescribes at the layer's shape. W₁ and KS
//! see the shape of a law and are slow to see its scale, so mean and scale are beside them.

mod known;
mod rows;

use crate::audit::{BiasAtStart, Initializer, Spectrum, Start};
use crate::layers::{Layer, Orientation};
use known::{InitialShape, KnownLaw};
use randomlike_checkpoint::Dtype;
use randomlike_maths::stats::laws::initial::InitialLaw;
use randomlike_maths::stats::{GaussianDistance, Sample};

use super::{Entry, stored_sides};

/// Spread of the singular values over their mean up to which a matrix is compared with orthogonal
/// ones, and as a share of that of independent entries, which is about √(M/N)/2.
const NEARLY_ORTHOGONAL: f64 = 0.05;
const OF_INDEPENDENT: f64 = 0.2;
/// Fewest values of which that says something.
const FEWEST_VALUES: usize = 8;
/// Shrinkage and drift beyond which a law says nothing of where weights came from.
const MOST_IMPLIED: f64 = 0.2;
/// Bins by which the nearest of several laws is found.
const GROUPS: usize = 1 << 13;
/// Most values of a grid of 8 bits.
const GRID: u64 = 256;
/// The least spread that is told from rounding in single precision.
const ROUNDING: f64 = 1e-5;

/// What is known of a layer beside its entries.
#[derive(Clone, Copy)]
pub(super) struct Clues<'a> {
    pub layer: &'a Layer,
    /// Blocks of the net.
    pub blocks: Option<usize>,
    pub bias: Option<&'a [f64]>,
    pub spectrum: Option<&'a Spectrum>,
}

impl Clues<'_> {
    pub(super) fn start<T: Entry>(&self, entries: &[T], sample: &Sample) -> Start {
        let mut start = self.of_sample(sample);
        start.bias = self.bias.and_then(one_number);
        if !start.is_law_of_draws() {
            let (_, width) = stored_sides(self.layer);
            let units = rows::Units::of(entries, width);
            let rows_are_outputs = self.layer.orientation == Orientation::OutIn;
            let slack = self.slack(sample);
            start.rows =
                units.and_then(|units| units.at_start(&self.known(), slack, rows_are_outputs));
        }
        start
    }

    /// How far beyond the end of a support storing an entry may take it; nothing where the entries
    /// lie on a grid of 8 bits, whatever their dtype.
    fn slack(&self, sample: &Sample) -> Option<f64> {
        let distinct = sample.distinct();
        let is_grid = distinct <= GRID && 4 * distinct < sample.count();
        slack(&self.layer.weight.dtype).filter(|_| !is_grid)
    }

    fn known(&self) -> Vec<KnownLaw> {
        let shape = InitialShape {
            fan_in: self.layer.fan_in,
            fan_out: self.layer.fan_out,
            blocks: self.blocks,
        };
        shape.known()
    }

    fn of_sample(&self, sample: &Sample) -> Start {
        if sample.min() >= sample.max() {
            let name = if sample.min() == 0.0 {
                "zero"
            } else {
                "constant"
            };
            return constant(name, sample.count());
        }
        if let Some(spectrum) = self.spectrum
            && let Some(start) = self.orthogonal(sample, spectrum)
        {
            return start;
        }
        let coarse = sample.coarsened(GROUPS);
        let known = self.known();
        let rms = sample.moments().rms;
        let off = |law: &KnownLaw| (rms / law.std).ln().abs();
        let closest = InitialLaw::ALL.into_iter().filter_map(|family| {
            let of_family = known.iter().filter(|known| known.law == family);
            of_family.min_by(|a, b| off(a).total_cmp(&off(b)))
        });
        // In units of both scales alike: a law of a larger scale is not nearer for that.
        let distance =
            |law: &KnownLaw| law.law.wasserstein(&coarse, law.std) * (law.std / rms).sqrt();
        let nearest = closest.min_by(|a, b| distance(a).total_cmp(&distance(b)));
        let Some(nearest) = nearest else {
            return constant("constant", sample.count());
        };
        let mut start = self.beside(nearest, sample);
        let same =
            |law: &&KnownLaw| law.name != start.law && (law.std / start.std - 1.0).abs() < 1e-9;
        let family = known
            .iter()
            .find(|law| law.name == start.law)
            .map(|law| law.law);
        let others = known
            .iter()
            .filter(|law| Some(law.law) == family)
            .filter(same);
        start.aliases = others.map(|law| law.name.to_owned()).collect();
        start
    }

    /// Distances to one law.
    fn beside(&self, known: &KnownLaw, sample: &Sample) -> Start {
        let &KnownLaw { name, law, std } = known;
        let root = (sample.count() as f64).sqrt();
        let moments = sample.moments();
        let (distance_floor, ks_floor) = law.floors();
        let coarse = sample.coarsened(GaussianDistance::GROUPS);
        let distance = law.wasserstein(&coarse, std);
        let scale_ratio = moments.rms / std;
        let bounds = law.edge().zip(self.slack(sample));
        let outside = bounds.map(|((edge, _), slack)| {
            let most = edge * std * (1.0 + slack);
            let beyond = sample.count() - sample.below(most.next_up()) + sample.below(-most);
            beyond as f64 / sample.count() as f64
        });
        let moved = outside
            .and_then(|share| law.shrinkage_and_drift(scale_ratio, share))
            .filter(|(shrinkage, drift)| shrinkage.abs() <= MOST_IMPLIED && *drift <= MOST_IMPLIED);
        Start {
            law: name.to_owned(),
            aliases: Vec::new(),
            count: sample.count(),
            std,
            distance,
            distance_floor: distance_floor / root,
            ks: law.ks(sample, std),
            ks_floor: ks_floor / root,
            scale_ratio,
            scale_ratio_error: law.scale_error() / root,
            mean_in_errors: moments.mean / std * root,
            is_bounded: law.edge().is_some(),
            outside,
            shrinkage: moved.map(|(shrinkage, _)| shrinkage),
            drift: moved.map(|(_, drift)| drift),
            moved_at_least: (distance - distance_floor / root).max(0.0),
            singular_value_spread: None,
            bias: None,
            rows: None,
        }
    }

    /// All singular values of an orthogonal matrix times a gain are that gain.
    fn orthogonal(&self, sample: &Sample, spectrum: &Spectrum) -> Option<Start> {
        let values = &spectrum.singular_values;
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / count;
        let spread = variance.sqrt() / mean;
        let independent = 0.5 * spectrum.aspect.sqrt();
        if values.len() < FEWEST_VALUES
            || spread > NEARLY_ORTHOGONAL.min(OF_INDEPENDENT * independent)
        {
            return None;
        }
        let longer = self.layer.fan_in.max(self.layer.fan_out) as f64;
        let std = mean / longer.sqrt();
        let law = KnownLaw {
            name: "orthogonal",
            law: InitialLaw::Normal,
            std,
        };
        let floor = ROUNDING.max(2.0 * slack(&self.layer.weight.dtype).unwrap_or(0.0));
        Some(Start {
            distance: spread,
            distance_floor: floor,
            moved_at_least: 0.0,
            singular_value_spread: Some(spread),
            ..self.beside(&law, sample)
        })
    }
}

fn constant(name: &str, count: u64) -> Start {
    Start {
        law: name.into(),
        aliases: Vec::new(),
        count,
        std: 0.0,
        distance: 0.0,
        distance_floor: 0.0,
        ks: 0.0,
        ks_floor: 0.0,
        scale_ratio: 1.0,
        scale_ratio_error: 0.0,
        mean_in_errors: 0.0,
        is_bounded: false,
        outside: None,
        shrinkage: None,
        drift: None,
        moved_at_least: 0.0,
        singular_value_spread: None,
        bias: None,
        rows: None,
    }
}

/// The one number in every place, if there is one.
fn one_number(bias: &[f64]) -> Option<BiasAtStart> {
    let (&first, rest) = bias.split_first()?;
    let same = first.is_finite() && rest.iter().all(|b| b.total_cmp(&first).is_eq());
    same.then_some(if first == 0.0 {
        BiasAtStart::Zero
    } else {
        BiasAtStart::Constant(first)
    })
}

/// Relative distance by which storing an entry may take it over the end of a support: one unit in
/// the last place. Nothing for what has fewer than 16 bits.
const fn slack(dtype: &Dtype) -> Option<f64> {
    match dtype {
        Dtype::F64 | Dtype::F32 => Some(2.4e-7),
        Dtype::F16 => Some(9.8e-4),
        Dtype::BF16 => Some(7.9e-3),
        _ => None,
    }
}

/// What a layer that cannot be told from draws still matches.
pub(super) fn initializer(start: &Start) -> Option<Initializer> {
    (start.is_law_of_draws() && start.singular_value_spread.is_none()).then(|| Initializer {
        name: start.law.clone(),
        aliases: start.aliases.clone(),
        std: start.std,
        ks: start.ks,
        ks_limit: start.ks_floor,
    })
}

/// Blocks of the net that these names count: one more than the largest number between dots.
pub(super) fn blocks<'a>(names: impl Iterator<Item = &'a str>) -> Option<usize> {
    let number = |part: &str| part.parse::<usize>().ok().filter(|&number| number < 1000);
    let numbers = names.flat_map(|name| name.split('.').filter_map(number));
    numbers.max().map(|most| most + 1)
}
