//! Are singular vectors spread over all units as random ones are? docs/theory.md §3.

use rand::seq::index;

use super::{Entry, stored_sides};
use crate::audit::{
    Component, Part, Section, SingularVector, Spectrum, Unmeasured, VectorFacts, VectorNull,
    VectorSides, Vectors,
};
use crate::layers::{Layer, Orientation};
use randomlike_maths::linalg::{Matrix, SingularTriple, singular_vectors};
use randomlike_maths::random_streams::{Purpose, generator};
use randomlike_maths::stats::porter_thomas;

/// Longest smaller side: three matrices of that side are held, 1.6 GB.
const MOST: usize = 8192;
/// Sine of the angle from which a vector is not known: its components would be off by some
/// hundredth of their size.
const UNKNOWN: f64 = 0.01;
/// Components that are named.
const NAMED: usize = 5;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct VectorPlan {
    /// Vectors of each part; nothing when none were asked for.
    pub count: Option<usize>,
    pub seed: u64,
}

impl VectorPlan {
    pub(super) fn measure<T: Entry>(
        &self,
        entries: &[T],
        layer: &Layer,
        spectrum: &Section<Spectrum>,
    ) -> Section<Vectors> {
        let measured = self.places(layer, spectrum).and_then(|(count, places)| {
            let (rows, cols) = stored_sides(layer);
            let matrix = Matrix::new(entries, rows, cols).ok_or(Unmeasured::WrongShape)?;
            let at: Vec<usize> = places.iter().map(|place| place.1).collect();
            let triples = singular_vectors(matrix, &at)
                .map_err(|fault| Unmeasured::Fault(fault.to_string()))?;
            Ok(facts(layer, count, &places, &triples))
        });
        match measured {
            Ok(facts) => Section::Measured(facts),
            Err(reason) => Section::Skipped { reason },
        }
    }

    /// K, and which singular values are looked at, by falling value.
    fn places(
        &self,
        layer: &Layer,
        spectrum: &Section<Spectrum>,
    ) -> Result<(usize, Vec<(Part, usize)>), Unmeasured> {
        let count = self.count.ok_or(Unmeasured::VectorsNotAskedFor)?;
        let spectrum = match spectrum {
            Section::Measured(spectrum) => spectrum,
            Section::Skipped { reason } => return Err(reason.clone()),
        };
        let side = layer.fan_in.min(layer.fan_out);
        if side > MOST {
            return Err(Unmeasured::TooLargeForVectors { side, limit: MOST });
        }
        Ok((count, places(spectrum, count, self.seed)))
    }
}

/// The first and the last `count`, and a seeded draw of as many between the outlier thresholds.
fn places(spectrum: &Spectrum, count: usize, seed: u64) -> Vec<(Part, usize)> {
    let values = &spectrum.singular_values;
    let top = count.min(values.len());
    let bottom = values.len() - count.min(values.len() - top);
    let thresholds = spectrum.outlier_threshold_below..=spectrum.outlier_threshold_above;
    let inside: Vec<usize> = (top..bottom)
        .filter(|&i| thresholds.contains(&values[i]))
        .collect();
    let mut rng = generator(seed, Purpose::Bulk, 0);
    let mut drawn: Vec<usize> = index::sample(&mut rng, inside.len(), count.min(inside.len()))
        .iter()
        .map(|at| inside[at])
        .collect();
    drawn.sort_unstable();
    let of = |part| move |at| (part, at);
    let bulk = drawn.into_iter().map(of(Part::Bulk));
    let ends = |part, range: std::ops::Range<usize>| range.map(of(part));
    ends(Part::Top, 0..top)
        .chain(bulk)
        .chain(ends(Part::Bottom, bottom..values.len()))
        .collect()
}

fn facts(
    layer: &Layer,
    count: usize,
    places: &[(Part, usize)],
    triples: &[SingularTriple],
) -> Vectors {
    let vector = |(&(part, index), triple): (&(Part, usize), &SingularTriple)| SingularVector {
        part,
        index,
        singular_value: triple.value,
        sides: sides(layer, triple),
    };
    Vectors {
        count,
        residual: triples.iter().map(|t| t.residual).fold(0.0, f64::max),
        inputs: null(layer.fan_in),
        outputs: null(layer.fan_out),
        vectors: places.iter().zip(triples).map(vector).collect(),
    }
}

fn null(length: usize) -> VectorNull {
    let (participation, participation_std) = porter_thomas::participation_null(length);
    VectorNull {
        length,
        ks_q95: porter_thomas::KS_Q95,
        ks_q99: porter_thomas::KS_Q99,
        participation,
        participation_std,
    }
}

fn sides(layer: &Layer, triple: &SingularTriple) -> Section<VectorSides> {
    if triple.angle > UNKNOWN {
        return Section::Skipped {
            reason: Unmeasured::NoVectorOfItsOwn,
        };
    }
    let (inputs, outputs) = match layer.orientation {
        Orientation::InOut => (&triple.left, &triple.right),
        Orientation::OutIn => (&triple.right, &triple.left),
    };
    Section::Measured(VectorSides {
        angle: triple.angle,
        inputs: one(inputs),
        outputs: one(outputs),
    })
}

fn one(vector: &[f64]) -> VectorFacts {
    let mut order: Vec<usize> = (0..vector.len()).collect();
    order.sort_by(|&a, &b| vector[b].abs().total_cmp(&vector[a].abs()).then(a.cmp(&b)));
    let component = |&index: &usize| Component {
        index,
        share: vector[index] * vector[index],
    };
    VectorFacts {
        ks: porter_thomas::ks(vector),
        participation: porter_thomas::participation(vector),
        largest: order.iter().take(NAMED).map(component).collect(),
    }
}
