//! The committed tables of nulls and what lies between their rows, docs/theory.md §3.
//!
//! A row is a shape: M a power of two, N − M = 0, 1, 2, 4, … up to 128 M, and at the levels of
//! [`LEVELS`] the quantiles of each statistic. Between rows quantiles are taken in ln M and in
//! ln(N − M + 1). Below the smallest M its quantiles are taken, beyond the largest they move as
//! their medians did last.
//!
//! From [`FEW`] values on a row has too few draws for its far quantiles: [`of_few`].

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::Shape;
use super::balanced::{COLUMNS, EntryStatistic};
use super::marginal::{Marginal, figures_of};
use super::statistic::{FarEnd, NullStatistic};
use crate::linalg::SpectrumError;

/// Levels of the quantiles.
pub const LEVELS: [f64; 11] = [
    0.001, 0.005, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.995, 0.999,
];

/// Places among [`LEVELS`].
const Q005: usize = 1;
const Q01: usize = 2;
const MEDIAN: usize = 5;
const Q95: usize = 7;
const Q99: usize = 8;
const Q995: usize = 9;

/// Quantiles of one statistic at [`LEVELS`].
pub type Quantiles = [f64; LEVELS.len()];

/// Where a null comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The committed tables, between their rows.
    Table,
    /// Beyond their shapes.
    Extrapolated,
    /// Draws of the shape itself.
    Simulated,
}

/// What random matrices a null is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ensemble {
    /// Matrices of independent entries.
    #[default]
    Independent,
    /// The same, balanced.
    Balanced,
}

/// The nulls of all figures at one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Null {
    quantiles: All,
    /// Where they come from.
    pub origin: Origin,
    /// How many matrices were drawn, if they were for this shape.
    pub draws: Option<usize>,
    /// Of the entries, as far as the tables go.
    pub excess_kurtosis: f64,
}

impl Null {
    /// From the tables, for independent entries of this excess kurtosis.
    pub fn at(shape: Shape, excess_kurtosis: f64) -> Option<Self> {
        let mut null = NORMAL.at(shape)?;
        null.bend(shape, excess_kurtosis);
        Some(null)
    }

    /// From seeded Gaussian draws of the shape itself, bent as the tables say where the excess
    /// kurtosis is not 0.
    ///
    /// # Errors
    /// When an iteration does not converge.
    pub fn simulated(
        shape: Shape,
        excess_kurtosis: f64,
        draws: usize,
        seed: u64,
    ) -> Result<Option<Self>, SpectrumError> {
        let null = Self::drawn(Marginal::Normal, shape, draws, seed)?;
        Ok(null.map(|mut null| {
            null.bend(shape, excess_kurtosis);
            null
        }))
    }

    /// From seeded draws of matrices with independent entries of one law; nothing for fewer than
    /// two draws or four values.
    ///
    /// # Errors
    /// When an iteration does not converge.
    pub fn drawn(
        law: Marginal,
        shape: Shape,
        draws: usize,
        seed: u64,
    ) -> Result<Option<Self>, SpectrumError> {
        let drawn = figures_of(law, shape, draws, seed)?;
        let of = |statistic: NullStatistic| {
            quantiles(drawn.iter().filter_map(|f| f.get(statistic)).collect())
        };
        let all: Option<Vec<Quantiles>> = NullStatistic::ALL.into_iter().map(of).collect();
        Ok(all
            .and_then(|all| all.try_into().ok())
            .map(|quantiles| Self {
                quantiles,
                origin: Origin::Simulated,
                draws: Some(draws),
                excess_kurtosis: law.excess_kurtosis(),
            }))
    }

    /// The quantiles of one statistic.
    pub const fn quantiles(&self, statistic: NullStatistic) -> &Quantiles {
        &self.quantiles[statistic as usize]
    }

    /// Its median.
    pub const fn median(&self, statistic: NullStatistic) -> f64 {
        self.quantiles(statistic)[MEDIAN]
    }

    /// What chance passes once in 100 draws: the low end where low values count, the high end
    /// where high ones do; where both do, each once in 200.
    pub const fn limits(&self, statistic: NullStatistic) -> (Option<f64>, Option<f64>) {
        let q = self.quantiles(statistic);
        match statistic.side() {
            FarEnd::High => (None, Some(q[Q99])),
            FarEnd::Low => (Some(q[Q01]), None),
            FarEnd::Both => (Some(q[Q005]), Some(q[Q995])),
        }
    }

    /// How often chance goes as far, between .001 and 1: farther than the table knows is .001,
    /// two-sided where both ends count .002.
    pub fn p(&self, statistic: NullStatistic, value: f64) -> f64 {
        let below = share_below(self.quantiles(statistic), value);
        let p = match statistic.side() {
            FarEnd::High => 1.0 - below,
            FarEnd::Low => below,
            FarEnd::Both => (2.0 * below.min(1.0 - below)).min(1.0),
        };
        // No draw knows more digits.
        (1e6 * p).round() / 1e6
    }

    /// What [`Self::row`] writes, in words, for the head of a table.
    pub fn header() -> String {
        table_header(NullStatistic::ALL.iter().map(|statistic| statistic.name()))
    }

    /// A row of a table.
    pub fn row(&self, m: usize, gap: usize) -> String {
        table_row(m, gap, &self.quantiles)
    }

    /// Moves the quantiles from normal entries to those of another excess kurtosis, in proportion
    /// to it, as the corrections of order 1/M are; not beyond the laws of the tables.
    fn bend(&mut self, shape: Shape, excess_kurtosis: f64) {
        let (table, law) = if excess_kurtosis < 0.0 {
            (&*UNIFORM, Marginal::Uniform)
        } else {
            (&*LAPLACE, Marginal::Laplace)
        };
        let share = (excess_kurtosis / law.excess_kurtosis()).clamp(0.0, 1.0);
        self.excess_kurtosis = share * law.excess_kurtosis();
        if let Some(bend) = table.bend(shape) {
            self.add(&bend, share);
        }
    }
}

/// The head of a table of these statistics.
pub(super) fn table_header<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    format!(
        "# M, N - M, then for each of {} the quantiles at {LEVELS:?}",
        names.join(", ")
    )
}

/// Its row of M values.
pub(super) fn table_row(m: usize, gap: usize, quantiles: &[Quantiles]) -> String {
    let quantiles = quantiles.iter().flatten();
    let fields: Vec<String> = [m.to_string(), gap.to_string()]
        .into_iter()
        .chain(quantiles.map(|q| format!("{q:.4}")))
        .collect();
    fields.join("\t")
}

/// Order statistics at [`LEVELS`], between neighbours in proportion; nothing for fewer than two.
pub(super) fn quantiles(mut values: Vec<f64>) -> Option<Quantiles> {
    if values.len() < 2 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let at = |level: f64| {
        let rank = (level * (values.len() - 1) as f64).max(0.0);
        let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
        values[low] + rank.fract() * (values[high] - values[low])
    };
    Some(LEVELS.map(at))
}

/// P(statistic ≤ value): between the levels by the normal scale, as the quantiles of a nearly
/// normal statistic lie on a line there; not beyond the first and the last.
fn share_below(quantiles: &Quantiles, value: f64) -> f64 {
    let last = LEVELS.len() - 1;
    let at = quantiles.partition_point(|&q| q <= value);
    if at == 0 || at > last {
        return LEVELS[at.min(last)];
    }
    let (low, high) = (quantiles[at - 1], quantiles[at]);
    let share = (value - low) / (high - low);
    let normal = Normal::standard();
    let (from, to) = (
        normal.inverse_cdf(LEVELS[at - 1]),
        normal.inverse_cdf(LEVELS[at]),
    );
    normal.cdf(from + share * (to - from))
}

/// Independent normal entries: `examples/spectrum_nulls.rs`.
static NORMAL: LazyLock<SpectrumTable> =
    LazyLock::new(|| Table::parse(include_str!("normal.tsv")).shaped(FEW));
/// How far the quantiles of other laws lie from those: `examples/entry_nulls.rs`.
static UNIFORM: LazyLock<SpectrumTable> =
    LazyLock::new(|| Table::parse(include_str!("uniform.tsv")).less(&NORMAL));
static LAPLACE: LazyLock<SpectrumTable> =
    LazyLock::new(|| Table::parse(include_str!("laplace.tsv")).less(&NORMAL));
/// Balanced matrices of three laws, by their excess kurtosis: `examples/balanced_nulls.rs`.
static BALANCED: LazyLock<[BalancedLaw; 3]> = LazyLock::new(|| {
    [
        BalancedLaw::parse(Marginal::Uniform, include_str!("balanced_uniform.tsv")),
        BalancedLaw::parse(Marginal::Normal, include_str!("balanced_normal.tsv")),
        BalancedLaw::parse(Marginal::Laplace, include_str!("balanced_laplace.tsv")),
    ]
});

/// The first M with too few draws for more than a median.
const FEW: usize = 2048;

/// Balanced matrices of independent entries of one law.
#[derive(Debug, Clone)]
struct BalancedLaw {
    law: Marginal,
    entries: Table<{ EntryStatistic::ALL.len() }>,
    /// How far the quantiles of their spectra lie from those of normal entries that were not
    /// balanced.
    bend: SpectrumTable,
}

impl BalancedLaw {
    fn parse(law: Marginal, text: &str) -> Self {
        let (entries, spectrum) = Table::<COLUMNS>::parse(text).split();
        Self {
            law,
            entries,
            bend: spectrum.less(&NORMAL),
        }
    }

    /// The excess kurtosis of the entries of S, in half of the draws less.
    fn excess_kurtosis(&self, shape: Shape) -> Option<f64> {
        let count = (shape.n as f64) * (shape.m as f64);
        let of_shape = self.entries.same_aspect(shape)?;
        Some(
            self.law.excess_kurtosis()
                + of_shape[EntryStatistic::ExcessKurtosis as usize][MEDIAN] / count.sqrt(),
        )
    }
}

impl Null {
    /// From the tables of an ensemble, for entries of this excess kurtosis.
    pub fn of(ensemble: Ensemble, shape: Shape, excess_kurtosis: f64) -> Option<Self> {
        match ensemble {
            Ensemble::Independent => Self::at(shape, excess_kurtosis),
            Ensemble::Balanced => Self::balanced(shape, excess_kurtosis),
        }
    }

    /// From the tables, for balanced matrices of independent entries, whose excess kurtosis after
    /// balancing is this one: the quantiles lie between those of the tables' laws in proportion.
    pub fn balanced(shape: Shape, excess_kurtosis: f64) -> Option<Self> {
        let mut null = NORMAL.at(shape)?;
        let laws = &*BALANCED;
        let mut knots = [0.0; 3];
        for (knot, law) in knots.iter_mut().zip(laws) {
            *knot = law.excess_kurtosis(shape)?;
        }
        let low = usize::from(excess_kurtosis > knots[1]);
        let share = (excess_kurtosis - knots[low]) / (knots[low + 1] - knots[low]);
        let share = share.clamp(0.0, 1.0);
        let (from, to) = (laws[low].bend.bend(shape)?, laws[low + 1].bend.bend(shape)?);
        null.add(&between(&from, &to, share), 1.0);
        null.excess_kurtosis = knots[low] + share * (knots[low + 1] - knots[low]);
        Some(null)
    }

    /// Adds so much of a table of differences.
    fn add(&mut self, bend: &All, share: f64) {
        for (quantiles, bend) in self.quantiles.iter_mut().zip(bend) {
            for (quantile, bend) in quantiles.iter_mut().zip(bend) {
                *quantile += share * bend;
            }
            quantiles.sort_unstable_by(f64::total_cmp);
        }
    }
}

/// The entries of balanced matrices of independent normal entries, in the units of the figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntryNull([Quantiles; EntryStatistic::ALL.len()]);

impl EntryNull {
    /// From the tables; beyond their largest shapes those of the same aspect.
    pub fn at(shape: Shape) -> Option<Self> {
        let normal = &BALANCED[1];
        let unit = ((shape.n as f64) * (shape.m as f64)).sqrt().recip();
        let quantiles = normal.entries.same_aspect(shape)?;
        Some(Self(quantiles.map(|of_one| of_one.map(|q| q * unit))))
    }

    /// Half of the balanced matrices stay below.
    pub const fn median(&self, statistic: EntryStatistic) -> f64 {
        self.0[statistic as usize][MEDIAN]
    }

    /// 95 in 100 stay below.
    pub const fn q95(&self, statistic: EntryStatistic) -> f64 {
        self.0[statistic as usize][Q95]
    }

    /// All but one in 1000 at either end lie between.
    pub const fn range(&self, statistic: EntryStatistic) -> (f64, f64) {
        let quantiles = &self.0[statistic as usize];
        (quantiles[0], quantiles[LEVELS.len() - 1])
    }
}

/// Shapes of one M, by N − M.
#[derive(Debug, Clone)]
struct Row<const K: usize> {
    gap: usize,
    quantiles: [Quantiles; K],
}

/// Quantiles of K statistics by shape.
#[derive(Debug, Clone)]
struct Table<const K: usize> {
    /// By M, ascending.
    sizes: Vec<(usize, Vec<Row<K>>)>,
}

type SpectrumTable = Table<{ NullStatistic::ALL.len() }>;

impl<const K: usize> Table<K> {
    /// The table as the generator writes it; a line it did not write is left out, which a test
    /// would see.
    fn parse(text: &str) -> Self {
        let mut sizes: Vec<(usize, Vec<Row<K>>)> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((m, row)) = parse_row(line) else {
                continue;
            };
            match sizes.last_mut() {
                Some((last, rows)) if *last == m => rows.push(row),
                _ => sizes.push((m, vec![row])),
            }
        }
        Self { sizes }
    }

    /// The first A statistics and the B after them.
    fn split<const A: usize, const B: usize>(self) -> (Table<A>, Table<B>) {
        fn part<const K: usize, const P: usize>(table: &Table<K>, from: usize) -> Table<P> {
            let row = |row: &Row<K>| Row {
                gap: row.gap,
                quantiles: std::array::from_fn(|i| row.quantiles[from + i]),
            };
            let sizes = table.sizes.iter();
            let sizes = sizes.map(|(m, rows)| (*m, rows.iter().map(row).collect()));
            Table {
                sizes: sizes.collect(),
            }
        }
        (part(&self, 0), part(&self, A))
    }

    /// Of statistics that depend on the aspect alone: beyond the largest M those of its rows.
    fn same_aspect(&self, shape: Shape) -> Option<[Quantiles; K]> {
        let largest = self.sizes.last()?.0;
        Some(self.quantiles(shape.at_most(largest))?.0)
    }

    /// Between the rows, and whether it is beyond them.
    fn quantiles(&self, shape: Shape) -> Option<([Quantiles; K], Origin)> {
        let (first, last) = (self.sizes.first()?.0, self.sizes.len() - 1);
        let (m, gap) = (shape.m.max(first), shape.n - shape.m);
        let above = self.sizes.partition_point(|(size, _)| *size < m);
        let here = |i: usize| of_size(&self.sizes[i].1, gap);
        if above > last {
            let (one, two) = (here(last.checked_sub(1)?)?, here(last)?);
            let octaves = (m as f64 / self.sizes[last].0 as f64).log2();
            return Some((moved_on(&one, &two, octaves), Origin::Extrapolated));
        }
        let high = here(above)?;
        let size = self.sizes[above].0;
        let quantiles = if size == m {
            high
        } else {
            let low = above.checked_sub(1)?;
            let from = self.sizes[low].0 as f64;
            let share = (m as f64 / from).ln() / (size as f64 / from).ln();
            between(&here(low)?, &high, share)
        };
        let origin = if shape.m < first {
            Origin::Extrapolated
        } else {
            Origin::Table
        };
        Some((quantiles, origin))
    }
}

impl SpectrumTable {
    /// Rows from `few` values on, which have too few draws, with the quantiles of the last M before
    /// them: [`of_few`].
    fn shaped(mut self, few: usize) -> Self {
        let whole = self.sizes.partition_point(|(m, _)| *m < few);
        let (known, few) = self.sizes.split_at_mut(whole);
        let Some((size, rows)) = known.last() else {
            return self;
        };
        for (m, few) in few {
            for row in few {
                if let Some(quantiles) = of_few(row, *m, *size, rows) {
                    row.quantiles = quantiles;
                }
            }
        }
        self
    }

    /// The difference of each row to `base`.
    fn less(mut self, base: &Self) -> Self {
        for (m, rows) in &mut self.sizes {
            for row in rows {
                let shape = Shape {
                    n: *m + row.gap,
                    m: *m,
                };
                let Some((base, _)) = base.quantiles(shape) else {
                    continue;
                };
                let pairs = row.quantiles.iter_mut().flatten();
                pairs
                    .zip(base.iter().flatten())
                    .for_each(|(q, base)| *q -= base);
            }
        }
        self
    }

    /// Of a table of differences: beyond its largest M they are constant in the units of the
    /// figures of the bulk, and at the edges fall as M^(−1/3), a correction of order 1/M in units
    /// of M^(−2/3).
    fn bend(&self, shape: Shape) -> Option<All> {
        let largest = self.sizes.last()?.0;
        let mut bend = self.same_aspect(shape)?;
        if shape.m > largest {
            let smaller = (largest as f64 / shape.m as f64).cbrt();
            for statistic in [NullStatistic::Top, NullStatistic::Bottom] {
                bend[statistic as usize] = bend[statistic as usize].map(|q| smaller * q);
            }
        }
        Some(bend)
    }

    fn at(&self, shape: Shape) -> Option<Null> {
        let (quantiles, origin) = self.quantiles(shape)?;
        Some(Null {
            quantiles,
            origin,
            draws: None,
            excess_kurtosis: 0.0,
        })
    }
}

/// The quantiles of a row with few draws of M values, from the rows of a smaller size.
///
/// Of KS and W₁ the median is the row's own, which 32 draws know to a quarter of the spread. The
/// spread of these, and of the ratio of scales, grows as √(ln M) at one aspect, as the number of
/// values below a point spreads (O'Rourke 2010). The largest value and the spacings have come to
/// their limits. ln σ_M depends on N − M and scales as its spread at the edge, τ/μ of Johnstone
/// (2001) with minus signs, ((√N + √M)/(N − M + 1))^(2/3)·(NM)^(−1/6). Derived; a test takes the
/// rows of 1024 values from those of 256 so.
fn of_few(
    row: &Row<{ NullStatistic::ALL.len() }>,
    m: usize,
    size: usize,
    rows: &[Row<{ NullStatistic::ALL.len() }>],
) -> Option<All> {
    let smaller = size as f64 / m as f64;
    let mut all = of_size(rows, (row.gap as f64 * smaller).round() as usize)?;
    let wider = ((m as f64).ln() / (size as f64).ln()).sqrt();
    for statistic in [
        NullStatistic::KsMedian,
        NullStatistic::KsRms,
        NullStatistic::Wasserstein,
        NullStatistic::ScaleRatio,
    ] {
        let quantiles = &mut all[statistic as usize];
        let from = quantiles[MEDIAN];
        let to = if statistic == NullStatistic::ScaleRatio {
            from
        } else {
            row.quantiles[statistic as usize][MEDIAN]
        };
        *quantiles = quantiles.map(|q| to + wider * (q - from));
    }
    let edge = |m: usize| {
        let (n, m) = ((m + row.gap) as f64, m as f64);
        ((n.sqrt() + m.sqrt()) / (n - m + 1.0)).powf(2.0 / 3.0) * (n * m).powf(-1.0 / 6.0)
    };
    let narrower = edge(m) / edge(size);
    let bottom = of_size(rows, row.gap)?[NullStatistic::Bottom as usize];
    all[NullStatistic::Bottom as usize] = bottom.map(|q| narrower * q);
    Some(all)
}

type All = [Quantiles; NullStatistic::ALL.len()];

fn between<const K: usize>(
    from: &[Quantiles; K],
    to: &[Quantiles; K],
    share: f64,
) -> [Quantiles; K] {
    let mut all = *from;
    for (from, to) in all.iter_mut().flatten().zip(to.iter().flatten()) {
        *from += share * (to - *from);
    }
    all
}

/// The quantiles of `two`, each statistic moved by what its median moved from `one`, times
/// `octaves`.
fn moved_on<const K: usize>(
    one: &[Quantiles; K],
    two: &[Quantiles; K],
    octaves: f64,
) -> [Quantiles; K] {
    let mut all = *two;
    for (quantiles, before) in all.iter_mut().zip(one) {
        let step = octaves * (quantiles[MEDIAN] - before[MEDIAN]);
        for quantile in quantiles {
            *quantile += step;
        }
    }
    all
}

/// Between the gaps of one M; beyond the widest, the widest.
fn of_size<const K: usize>(rows: &[Row<K>], gap: usize) -> Option<[Quantiles; K]> {
    let above = rows.partition_point(|row| row.gap < gap);
    let Some(high) = rows.get(above) else {
        return rows.last().map(|row| row.quantiles);
    };
    if high.gap == gap {
        return Some(high.quantiles);
    }
    let low = rows.get(above.checked_sub(1)?)?;
    let place = |gap: usize| (gap as f64).ln_1p();
    let share = (place(gap) - place(low.gap)) / (place(high.gap) - place(low.gap));
    Some(between(&low.quantiles, &high.quantiles, share))
}

fn parse_row<const K: usize>(line: &str) -> Option<(usize, Row<K>)> {
    let mut fields = line.split('\t');
    let m = fields.next()?.parse().ok()?;
    let gap = fields.next()?.parse().ok()?;
    let numbers: Vec<f64> = fields.map(|f| f.parse().ok()).collect::<Option<_>>()?;
    let figures: Vec<Quantiles> = numbers
        .chunks(LEVELS.len())
        .map(|chunk| chunk.try_into().ok())
        .collect::<Option<_>>()?;
    let quantiles = figures.try_into().ok()?;
    Some((m, Row { gap, quantiles }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: usize, m: usize) -> Null {
        Null::at(Shape::new(n, m).unwrap(), 0.0).unwrap()
    }

    // Every line is read: gaps 0, 1, 2, 4, … 128 M for each M.
    #[test]
    fn the_table_is_whole() {
        for (m, rows) in &NORMAL.sizes {
            assert!(m.is_power_of_two());
            let gaps: Vec<usize> = rows.iter().map(|row| row.gap).collect();
            let step = if *m > 1024 { 4 } else { 2 };
            let powers = std::iter::successors(Some(1), |gap| Some(step * gap));
            let powers = powers.take_while(|gap| *gap <= 128 * m);
            let expected: Vec<usize> = std::iter::once(0).chain(powers).collect();
            assert_eq!(gaps, expected, "{m}");
            for quantiles in rows.iter().flat_map(|row| &row.quantiles) {
                assert!(quantiles.is_sorted());
            }
        }
        assert_eq!(NORMAL.sizes.first().map(|(m, _)| *m), Some(8));
    }

    // Square, s known: the median of √N σ_min is .5447 and its 1 % point .0100 (Edelman 1988). At
    // M = 256 the scale from the median costs less than a hundredth, and of 4000 draws 40 lie below
    // the 1 % point: three standard errors are half of it.
    #[test]
    fn the_smallest_value_of_a_square() {
        let bottom = *at(256, 256).quantiles(NullStatistic::Bottom);
        let t = |i: usize| bottom[i].exp() / 2.0;
        assert!((t(MEDIAN) - 0.5447).abs() < 0.03, "{}", t(MEDIAN));
        assert!((t(2) / 0.010_0 - 1.0).abs() < 0.5, "{}", t(2));
    }

    // Tracy–Widom, β = 1: median −1.2686, 99 % point 2.0234 (Johnstone 2001).
    #[test]
    fn the_largest_value_is_tracy_widom() {
        let top = *at(2048, 512).quantiles(NullStatistic::Top);
        assert!((top[MEDIAN] + 1.2686).abs() < 0.15, "{}", top[MEDIAN]);
        assert!((top[Q99] - 2.0234).abs() < 0.4, "{}", top[Q99]);
    }

    // THEORY's simulation: M·KS with the scale from rms has its 99 % point at 3.0 to 3.4.
    #[test]
    fn the_distance_to_the_law() {
        let null = at(512, 256);
        let q99 = null.limits(NullStatistic::KsRms).1.unwrap();
        assert!((2.9..=3.6).contains(&q99), "{q99}");
    }

    // Shapes between the rows, against draws of the shape itself.
    #[test]
    fn between_rows_it_is_what_draws_give() {
        for (n, m) in [(96, 90), (150, 48), (40, 23), (300, 12)] {
            let shape = Shape::new(n, m).unwrap();
            let own = Null::simulated(shape, 0.0, 2000, 7).unwrap().unwrap();
            let table = Null::at(shape, 0.0).unwrap();
            for statistic in NullStatistic::ALL {
                let (own, table) = (own.quantiles(statistic), table.quantiles(statistic));
                // Five standard errors of a median of 2000 draws: 1.25·5/√2000 = .14 sd.
                let sd = (own[7] - own[3]) / 3.29;
                let apart = (own[MEDIAN] - table[MEDIAN]).abs() / sd;
                assert!(apart < 0.2, "{statistic:?} {n}x{m}: {apart}");
            }
        }
    }

    // What few draws are given, where there are many: limits at 1 % within a fifth of the distance
    // to the median, which 4000 draws know to a fifteenth or so on either side.
    #[test]
    fn rows_of_few_draws_against_rows_of_many() {
        let whole = SpectrumTable::parse(include_str!("normal.tsv"));
        let few = whole.clone().shaped(512);
        for m in [512, 1024] {
            for gap in [0, 1, 64, 512, 2048, 16_384] {
                let shape = Shape::new(m + gap, m).unwrap();
                let (few, whole) = (few.at(shape).unwrap(), whole.at(shape).unwrap());
                for statistic in NullStatistic::ALL {
                    let (a, b) = (few.quantiles(statistic), whole.quantiles(statistic));
                    for limit in [Q01, Q99] {
                        let ratio = (a[limit] - b[MEDIAN]) / (b[limit] - b[MEDIAN]);
                        assert!(
                            (ratio - 1.0).abs() < 0.2,
                            "{statistic:?} {m} {gap}: {ratio}"
                        );
                    }
                }
            }
        }
    }

    // Beyond M = 1024. Of 120 draws the
    // median is known to .11 of their spread.
    #[test]
    fn between_rows_of_few_draws() {
        let shape = Shape::new(2000, 1500).unwrap();
        let own = Null::simulated(shape, 0.0, 120, 7).unwrap().unwrap();
        let table = Null::at(shape, 0.0).unwrap();
        for statistic in NullStatistic::ALL {
            let (own, table) = (own.quantiles(statistic), table.quantiles(statistic));
            let spread = own[7] - own[3];
            let apart = (own[MEDIAN] - table[MEDIAN]).abs() / (spread / 3.29);
            assert!(apart < 0.45, "{statistic:?}: {apart}");
            // 5 to 95 %: known to a sixth.
            let ratio = (table[7] - table[3]) / spread;
            assert!((ratio - 1.0).abs() < 0.5, "{statistic:?}: {ratio}");
        }
    }

    #[test]
    fn a_value_has_a_share_below_it() {
        let quantiles = LEVELS.map(|level| Normal::standard().inverse_cdf(level));
        for z in [-2.9, -1.0, 0.3, 2.5] {
            let share = share_below(&quantiles, z);
            assert!((share - Normal::standard().cdf(z)).abs() < 1e-9);
        }
        assert!((share_below(&quantiles, 9.0) - 0.999).abs() < 1e-12);
        assert!((share_below(&quantiles, -9.0) - 0.001).abs() < 1e-12);
    }

    // Below the table's first M its quantiles are taken; beyond its last the medians go on.
    #[test]
    fn beyond_the_table() {
        let near = at(100, 5);
        assert_eq!(
            (near.origin, near.quantiles),
            (Origin::Extrapolated, at(103, 8).quantiles)
        );
        let far = at(1 << 17, 1 << 17);
        assert_eq!(far.origin, Origin::Extrapolated);
        assert!(far.median(NullStatistic::KsMedian) > at(512, 512).median(NullStatistic::KsMedian));
    }

    // A fourth cumulant moves M·KS at every size and the edges ever less: universality.
    #[test]
    fn laplace_entries_have_wider_nulls() {
        let q99 = |m: usize, kurtosis: f64, statistic: NullStatistic| {
            let null = Null::at(Shape::new(2 * m, m).unwrap(), kurtosis).unwrap();
            null.limits(statistic).1.unwrap()
        };
        for m in [64, 256, 4096] {
            let wider = |statistic| q99(m, 3.0, statistic) - q99(m, 0.0, statistic);
            assert!(wider(NullStatistic::KsRms) > 0.3, "{m}");
            assert!(
                q99(m, -1.2, NullStatistic::Top) < q99(m, 0.0, NullStatistic::Top),
                "{m}"
            );
            // No further than the laws of the tables.
            assert!(
                (q99(m, 9.0, NullStatistic::Top) - q99(m, 3.0, NullStatistic::Top)).abs() < 1e-12
            );
        }
        let top = |m| q99(m, 3.0, NullStatistic::Top) - q99(m, 0.0, NullStatistic::Top);
        assert!(top(64) > 1.5 * top(512) && top(512) > 1.5 * top(4096));
    }
}
