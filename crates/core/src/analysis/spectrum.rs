//! Are the singular values on the Marchenko–Pastur law? docs/theory.md §3.

mod bulk;
mod margin;
mod nulls;

use std::borrow::Cow;

use self::margin::{Margin, Outside};
use super::{Entry, Lost, Options, stored_sides};
use crate::Result;
use crate::audit::{Law, Route, Section, Spectrum, SpectrumMethod, Weights};
use crate::layers::Layer;
use randomlike_maths::linalg::density::{self, Density};
use randomlike_maths::linalg::{self, Device, Engine, Matrix, SpectrumError};
use randomlike_maths::nulls::{Figure, Null, Shape, largest_at, of_values, smallest_at};
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;
use randomlike_maths::stats::{PowerLaw, level_ratio};

/// An extreme value is an outlier when a random matrix passes it this rarely.
pub(super) const OUTLIER_LEVEL: f64 = 0.01;

/// What a spectrum depends on of the law of the entries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct EntryLaw {
    pub excess_kurtosis: f64,
    /// |mean|/std; nothing for equal entries.
    pub mean: Option<f64>,
}

impl EntryLaw {
    pub fn of(weights: &Weights) -> Self {
        Self {
            excess_kurtosis: weights.gaussian.as_ref().map_or(0.0, |g| g.excess_kurtosis),
            mean: (weights.std > 0.0).then(|| weights.mean.abs() / weights.std),
        }
    }
}

/// How the null of a layer's shape is found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NullPlan {
    /// So many matrices of the shape are drawn; without, tables are enough.
    pub simulate: Option<usize>,
    pub seed: u64,
}

impl NullPlan {
    pub const fn of(options: &Options) -> Self {
        Self {
            simulate: options.simulate_null,
            seed: options.seed,
        }
    }
}

/// How singular values are found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub engine: Engine,
    pub method: SpectrumMethod,
    pub device: Device,
    /// Of the directions.
    pub seed: u64,
}

impl Way {
    pub const fn of(options: &Options) -> Self {
        Self {
            engine: options.engine,
            method: options.method,
            device: options.device,
            seed: options.seed,
        }
    }

    /// All of them.
    pub const fn exact(engine: Engine) -> Self {
        Self {
            engine,
            method: SpectrumMethod::Exact,
            device: Device::Cpu,
            seed: 0,
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// All singular values, descending.
    All(Vec<f64>),
    /// Their distribution, and why it had to do.
    Density(Box<Density>, String),
}

impl Values {
    /// All of them; none where there is a distribution alone.
    pub fn all(&self) -> &[f64] {
        match self {
            Self::All(values) => values,
            Self::Density(..) => &[],
        }
    }

    /// Those that are zero to rounding, which a distribution does not tell.
    pub fn lost(&self, dtype: &str) -> Lost {
        match self {
            Self::All(values) => Lost::among(values, dtype),
            Self::Density(found, _) => Lost::unknown(found.size),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::All(values) => values.len(),
            Self::Density(found, _) => found.size,
        }
    }

    fn largest(&self) -> Option<f64> {
        match self {
            Self::All(values) => values.first().copied(),
            Self::Density(found, _) => found.top.first().map(|top| top.value),
        }
    }
}

/// The singular values, or why this layer has none.
pub(super) fn values<T: Entry>(
    entries: &[T],
    layer: &Layer,
    way: Way,
) -> Result<std::result::Result<Values, String>> {
    let (rows, cols) = stored_sides(layer);
    let Some(matrix) = Matrix::new(entries, rows, cols) else {
        return Ok(Err("the tensor does not have the layer's shape".into()));
    };
    let found = match way.method.route(rows.min(cols)) {
        (Route::Exact, _) => linalg::singular_values(matrix, way.engine).map(Values::All),
        (Route::Density, reason) => {
            let options = density::Options {
                seed: way.seed,
                ..density::Options::default()
            };
            density::on(matrix, way.device, &options)
                .map(|found| Values::Density(Box::new(found), reason))
        }
    };
    match found {
        // The engine or device is missing for every layer; the other faults are this layer's own.
        Err(fault @ (SpectrumError::NotBuilt | SpectrumError::NoDevice(_))) => Err(fault.into()),
        other => Ok(other.map_err(|fault| fault.to_string())),
    }
}

/// What the values say; `epsilon` is that of the arithmetic the rank is judged in.
pub(super) fn measure(
    values: std::result::Result<Values, String>,
    layer: &Layer,
    entries: EntryLaw,
    (epsilon, plan): (f64, NullPlan),
) -> Section<Spectrum> {
    let skipped = |reason: &str| Section::Skipped {
        reason: reason.into(),
    };
    let values = match values {
        Ok(values) => values,
        Err(reason) => return skipped(&reason),
    };
    let (rows, cols) = stored_sides(layer);
    match values.largest() {
        Some(largest) if largest > 0.0 => {
            let seen = Seen {
                shape: Shape {
                    n: rows.max(cols),
                    m: rows.min(cols),
                },
                entries,
                epsilon,
                plan,
            };
            seen.facts(&values)
                .map_or_else(|reason| skipped(&reason), Section::Measured)
        }
        Some(_) => skipped("all weights are zero"),
        None if values.count() > 0 => skipped("no largest singular value was found"),
        None => skipped("the tensor is empty"),
    }
}

/// Figures that need every value.
#[derive(Debug, Clone, Copy, Default)]
struct Single {
    matrix_rank: Option<usize>,
    level_ratio: Option<f64>,
    between: usize,
    power_law: Option<PowerLaw>,
    log_alpha_norm: Option<f64>,
}

/// Where outliers begin, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Edges {
    /// The scale they are found on.
    sigma: f64,
    above: f64,
    below: f64,
    /// The smallest value, where it is known.
    smallest: Option<f64>,
    outside_above: Outside,
    outside_below: Outside,
}

/// The scale that edges are found on, and the share it may be off by.
#[derive(Debug, Clone, Copy)]
struct Scale {
    sigma: f64,
    share: f64,
}

impl Scale {
    const fn of(sigma: f64) -> Self {
        Self { sigma, share: 0.0 }
    }

    /// The median of a sampled distribution is too far off to judge an edge by, where the squares
    /// of the entries are known: the root mean square of all but the largest values that are
    /// beyond the law surely, where it is within the error of the median; otherwise the median.
    fn beside(
        found: &Density,
        (sigma_median, share): (f64, f64),
        above: f64,
        shape: Shape,
    ) -> Self {
        let outside = Outside::above(&found.top, above, share).least;
        let top = found.top.iter().take(outside.min(found.exact));
        let squares: f64 = top.map(|top| top.value * top.value).sum();
        let left = (shape.n - outside) as f64 * (shape.m - outside) as f64;
        let rms = ((found.total - squares).max(0.0) / left).sqrt();
        if (rms - sigma_median).abs() <= share * sigma_median {
            Self::of(rms)
        } else {
            Self {
                sigma: sigma_median,
                share,
            }
        }
    }
}

/// What the facts of a spectrum depend on beside its values.
struct Seen {
    shape: Shape,
    entries: EntryLaw,
    epsilon: f64,
    plan: NullPlan,
}

impl Seen {
    fn facts(&self, found: &Values) -> std::result::Result<Spectrum, String> {
        const NO_SCALE: &str = "more than half of the singular values are zero to rounding, which leaves the law no scale";
        let shape = self.shape;
        let (n, m) = (shape.n as f64, shape.m as f64);
        let law = MarchenkoPastur::new(m / n).ok_or(NO_SCALE)?;
        let (values, density): (Cow<'_, [f64]>, _) = match found {
            Values::All(values) => (Cow::Borrowed(values), None),
            Values::Density(found, reason) => (Cow::Owned(found.values()), Some((found, reason))),
        };
        let figures = of_values(&values, shape).ok_or(NO_SCALE)?;
        let null = self.null()?;
        let sigma_median = figures.sigma_median;
        let margin = density.map_or(Margin::none(shape.m), |(found, _)| {
            Margin::of(found, shape, &figures, law)
        });
        let total: f64 = density.map_or_else(
            || values.iter().map(|s| s * s).sum(),
            |(found, _)| found.total,
        );
        let edges = self.edges(found, (&values, sigma_median), &null, &margin);
        let Edges {
            sigma,
            above,
            below,
            ..
        } = edges;
        let largest = found.largest().unwrap_or(values[0]);
        let smallest = edges.smallest;
        let single = self.single(found.all(), (below, above), total);
        let edge_upper = sigma_median * n.sqrt() * law.upper();
        let over_m = |figure: Figure| figures.get(figure).unwrap_or(0.0) / m;
        let ends = (largest, smallest.unwrap_or(0.0));
        let nearest = margin.nearest(&figures, (shape, sigma), ends);
        let of_chance = nulls::facts(
            &figures,
            &nearest,
            (single.level_ratio, single.between),
            &null,
            (shape, sigma),
        );
        let bulk = bulk::largest(&values, (shape, null.excess_kurtosis), margin);
        let entropy =
            density.map_or_else(|| shannon(&values, total), |(found, _)| found.entropy.value);
        Ok(Spectrum {
            law: if law.is_square() {
                Law::QuarterCircle
            } else {
                Law::MarchenkoPastur
            },
            aspect: m / n,
            method: density.map_or(Route::Exact, |_| Route::Density),
            method_reason: density.map(|(_, reason)| reason.clone()),
            density: density.map(|(found, _)| {
                margin::facts(found, &margin, (sigma_median, edges.outside_above))
            }),
            spectral_norm: largest,
            smallest,
            frobenius_norm: total.sqrt(),
            stable_rank: total / (largest * largest),
            effective_rank: entropy.exp(),
            entropy: single
                .matrix_rank
                .filter(|rank| *rank > 1)
                .map(|rank| entropy / (rank as f64).ln()),
            matrix_rank: single.matrix_rank,
            rank_loss: single.matrix_rank.map(|rank| shape.m - rank),
            sigma_rms: density.map_or(figures.sigma_rms, |_| (total / (n * m)).sqrt()),
            sigma_median,
            edge_lower: sigma_median * n.sqrt() * law.lower(),
            edge_upper,
            ks_rms: over_m(Figure::KsRms),
            ks_median: over_m(Figure::KsMedian),
            ks_null_q99: null.limits(Figure::KsMedian).1.unwrap_or(m) / m,
            wasserstein: over_m(Figure::Wasserstein),
            outlier_threshold_above: above,
            outlier_threshold_below: below,
            outliers_above: edges.outside_above.count(),
            outliers_below: edges.outside_below.count(),
            mean_visibility: self.entries.mean.map(|mean| mean * (n * m).powf(0.25)),
            level_ratio: single.level_ratio,
            power_law: single.power_law,
            alpha_weighted: single
                .power_law
                .map(|fit| fit.alpha * (largest * largest).log10()),
            log_alpha_norm: single.log_alpha_norm,
            log_norm: Some(total.log10()),
            log_spectral_norm: Some((largest * largest).log10()),
            mp_softrank: (edge_upper / largest).powi(2),
            nulls: Section::of(of_chance, "a spectrum of one value has no null"),
            bulk: bulk.map_or_else(|reason| Section::Skipped { reason }, Section::Measured),
            singular_values: found.all().to_vec(),
        })
    }

    /// Where outliers begin, and how many there are.
    fn edges(
        &self,
        found: &Values,
        (values, sigma_median): (&[f64], f64),
        null: &Null,
        margin: &Margin,
    ) -> Edges {
        let shape = self.shape;
        let (_, top) = null.limits(Figure::Top);
        let (bottom, _) = null.limits(Figure::Bottom);
        let largest_on = |scale: f64| {
            let at = |top: f64| largest_at(shape, scale, top);
            top.map_or(f64::INFINITY, at)
        };
        let scale = match found {
            Values::All(_) => Scale::of(sigma_median),
            Values::Density(found, _) => {
                let above = largest_on(sigma_median);
                Scale::beside(found, (sigma_median, margin.scale), above, shape)
            }
        };
        let above = largest_on(scale.sigma);
        let below = bottom.map_or(0.0, |bottom| smallest_at(shape, scale.sigma, bottom));
        let (smallest, outside_above, outside_below) = match found {
            Values::All(_) => (
                values.last().copied(),
                Outside::exactly(values.iter().filter(|&&s| s > above).count()),
                Outside::exactly(values.iter().filter(|&&s| s < below).count()),
            ),
            Values::Density(found, _) => {
                let known = margin.smallest.map_or(&[][..], |_| &found.bottom);
                (
                    known.first().map(|bottom| bottom.value),
                    Outside::above(&found.top, above, scale.share),
                    Outside::below(known, below, scale.share),
                )
            }
        };
        Edges {
            sigma: scale.sigma,
            above,
            below,
            smallest,
            outside_above,
            outside_below,
        }
    }

    /// What only single values give; nothing of none.
    fn single(&self, values: &[f64], (below, above): (f64, f64), total: f64) -> Single {
        let Some(&largest) = values.first().filter(|_| total > 0.0) else {
            return Single::default();
        };
        let between: Vec<f64> = values
            .iter()
            .copied()
            .filter(|&s| s <= above && s >= below)
            .collect();
        let lambda: Vec<f64> = values.iter().map(|s| s * s).collect();
        let power_law = PowerLaw::fit(&lambda);
        let floor = largest * self.shape.n as f64 * self.epsilon;
        Single {
            matrix_rank: Some(values.iter().filter(|&&s| s > floor).count()),
            level_ratio: level_ratio(&between),
            between: between.len(),
            power_law,
            log_alpha_norm: power_law.map(|fit| log_alpha_norm(&lambda, fit.alpha)),
        }
    }

    /// Of independent entries with the excess kurtosis of the weights.
    fn null(&self) -> std::result::Result<Null, String> {
        let kurtosis = self.entries.excess_kurtosis;
        let NullPlan { simulate, seed } = self.plan;
        let null = match simulate {
            None => Null::at(self.shape, kurtosis),
            Some(draws) => Null::simulated(self.shape, kurtosis, draws, seed)
                .map_err(|fault| fault.to_string())?,
        };
        null.ok_or_else(|| "two draws at least make a null".to_owned())
    }
}

/// KS distance to the law of n×m entries, n ≥ m, the scale from the median of the descending
/// `values`; nothing where that is zero to rounding.
pub(super) fn ks_median(values: &[f64], n: usize, m: usize) -> Option<f64> {
    let (_, [ks, _, _]) = randomlike_maths::nulls::fit(values, Shape { n, m })?;
    Some(ks / m as f64)
}

/// log₁₀ Σ λ^α, relative to the largest term, which may pass the range of f64 itself.
fn log_alpha_norm(lambda: &[f64], alpha: f64) -> f64 {
    let terms: Vec<f64> = lambda.iter().map(|l| alpha * l.log10()).collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rest: f64 = terms.iter().map(|t| 10_f64.powf(t - largest)).sum();
    largest + rest.log10()
}

/// −Σ p ln p with p = σ²/Σσ².
fn shannon(values: &[f64], total: f64) -> f64 {
    values
        .iter()
        .map(|s| s * s / total)
        .filter(|&p| p > 0.0)
        .map(|p| -p * p.ln())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn of(entries: &[f64], rows: usize, cols: usize) -> Spectrum {
        let values =
            linalg::singular_values(Matrix::new(entries, rows, cols).unwrap(), Engine::Faer)
                .unwrap();
        let seen = Seen {
            shape: Shape::new(rows, cols).unwrap(),
            entries: EntryLaw::default(),
            epsilon: f64::EPSILON,
            plan: NullPlan::default(),
        };
        seen.facts(&Values::All(values)).unwrap()
    }

    fn normal(seed: u64, count: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect()
    }

    // The null must be passed about once in a hundred: at most 6 of 200 (chance 1.6 %).
    #[test]
    fn random_matrices_stay_below_the_null() {
        for (rows, cols) in [(128, 64), (80, 80)] {
            let beyond = (0..200)
                .filter(|&seed| {
                    let s = of(&normal(seed, rows * cols), rows, cols);
                    s.ks_median > s.ks_null_q99
                })
                .count();
            assert!(beyond <= 6, "{beyond} of 200 at {rows}x{cols}");
        }
    }

    #[test]
    fn planted_spikes_are_outliers_and_leave_the_bulk() {
        let mut entries = normal(1, 200 * 100);
        for (i, w) in entries.iter_mut().enumerate() {
            *w += 0.5 * f64::from(u8::from((i / 100) % 2 == 0)) - 0.25;
        }
        let s = of(&entries, 200, 100);
        assert_eq!((s.outliers_above, s.rank_loss), (Some(1), Some(0)));
        assert!(s.ks_median < 2.0 * s.ks_null_q99 + 0.01);
    }

    #[test]
    fn unequal_rows_leave_the_law() {
        let scale = normal(2, 200);
        let entries: Vec<f64> = normal(3, 200 * 100)
            .iter()
            .enumerate()
            .map(|(i, w)| w * (0.5 * scale[i / 100]).exp())
            .collect();
        let s = of(&entries, 200, 100);
        assert!(s.ks_rms > 2.0 * s.ks_null_q99 && s.ks_median > 1.5 * s.ks_null_q99);
    }

    // 10^(200) + 10^(600): the second alone passes f64.
    #[test]
    fn a_norm_beyond_the_range_of_numbers() {
        assert!((log_alpha_norm(&[1000.0, 10.0, 0.0], 200.0) - 600.0).abs() < 1e-9);
        assert!((log_alpha_norm(&[2.0, 3.0], 2.0) - 13.0_f64.log10()).abs() < 1e-12);
    }

    // diag(3, 4): p = 9/25 and 16/25.
    #[test]
    fn a_diagonal_by_hand() {
        let s = of(&[3.0, 0.0, 0.0, 4.0], 2, 2);
        assert_eq!(s.law, Law::QuarterCircle);
        assert!((s.spectral_norm - 4.0).abs() < 1e-12 && (s.frobenius_norm - 5.0).abs() < 1e-12);
        assert!((s.stable_rank - 25.0 / 16.0).abs() < 1e-12);
        assert!((s.effective_rank.ln() - 0.653_418_2).abs() < 1e-6);
    }
}
