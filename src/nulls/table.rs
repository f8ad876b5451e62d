//! The committed table of nulls and what lies between its rows.
//!
//! A row is a shape: M a power of two, N − M = 0, 1, 2, 4, … up to 128 M, and at the levels of
//! [`LEVELS`] the quantiles of each figure. Between rows quantiles are taken in ln M and in
//! ln(N − M + 1); beyond the largest M they move as their medians did last.

use std::sync::LazyLock;

use statrs::distribution::{ContinuousCDF, Normal};

use super::figure::{Figure, Figures, Side};
use super::{Shape, figures};
use crate::linalg::SpectrumError;

/// Levels of the quantiles.
pub const LEVELS: [f64; 11] = [
    0.001, 0.005, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.995, 0.999,
];

/// The place of the median and of the 99 % point among [`LEVELS`].
const MEDIAN: usize = 5;
const Q99: usize = 8;

/// Quantiles of one figure at [`LEVELS`].
pub type Quantiles = [f64; LEVELS.len()];

/// Where a null comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The committed table, between its rows.
    Table,
    /// Beyond its largest M.
    Extrapolated,
    /// Draws of the shape itself.
    Simulated {
        /// How many.
        draws: usize,
    },
}

/// The nulls of all figures at one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Null {
    quantiles: [Quantiles; Figure::ALL.len()],
    /// Where they come from.
    pub origin: Origin,
}

impl Null {
    /// From the table; nothing below its smallest M.
    pub fn at(shape: Shape) -> Option<Self> {
        TABLE.at(shape)
    }

    /// From seeded draws of the shape itself.
    ///
    /// # Errors
    /// When an iteration does not converge.
    pub fn simulated(shape: Shape, draws: usize, seed: u64) -> Result<Option<Self>, SpectrumError> {
        let drawn = figures(shape, draws, seed)?;
        let of = |figure: Figure| quantiles(drawn.iter().map(|f| f.get(figure)).collect());
        let all: Option<Vec<Quantiles>> = Figure::ALL.into_iter().map(of).collect();
        Ok(all
            .and_then(|all| all.try_into().ok())
            .map(|quantiles| Self {
                quantiles,
                origin: Origin::Simulated { draws },
            }))
    }

    /// The quantiles of one figure.
    pub const fn quantiles(&self, figure: Figure) -> &Quantiles {
        &self.quantiles[figure as usize]
    }

    /// Its 99 % point, the end that counts where there are two.
    pub const fn q99(&self, figure: Figure) -> f64 {
        self.quantiles[figure as usize][Q99]
    }

    /// How often chance goes as far, between .001 and 1: farther than the table knows is .001,
    /// two-sided where both ends count .002.
    pub fn p(&self, figure: Figure, found: &Figures) -> f64 {
        let below = share_below(self.quantiles(figure), found.get(figure));
        match figure.side() {
            Side::High => 1.0 - below,
            Side::Low => below,
            Side::Both => (2.0 * below.min(1.0 - below)).min(1.0),
        }
    }
}

/// Order statistics at [`LEVELS`], between neighbours in proportion; nothing for fewer than two.
fn quantiles(mut values: Vec<f64>) -> Option<Quantiles> {
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

/// P(figure ≤ value): between the levels by the normal scale, as the quantiles of a nearly normal
/// figure lie on a line there; not beyond the first and the last.
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

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("table.tsv")));

/// Shapes of one M, by N − M.
#[derive(Debug, Clone)]
struct Row {
    gap: usize,
    quantiles: [Quantiles; Figure::ALL.len()],
}

#[derive(Debug, Clone)]
struct Table {
    /// By M, ascending.
    sizes: Vec<(usize, Vec<Row>)>,
}

impl Table {
    /// The table as the generator writes it; a line it did not write is left out, which a test
    /// would see.
    fn parse(text: &str) -> Self {
        let mut sizes: Vec<(usize, Vec<Row>)> = Vec::new();
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

    fn at(&self, shape: Shape) -> Option<Null> {
        let (m, gap) = (shape.m, shape.n - shape.m);
        let above = self.sizes.partition_point(|(size, _)| *size < m);
        let last = self.sizes.len().checked_sub(1)?;
        let here = |i: usize| of_size(&self.sizes[i].1, gap);
        if above > last {
            let (one, two) = (here(last.checked_sub(1)?)?, here(last)?);
            let octaves = (m as f64 / self.sizes[last].0 as f64).log2();
            return Some(Null {
                quantiles: moved_on(&one, &two, octaves),
                origin: Origin::Extrapolated,
            });
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
        Some(Null {
            quantiles,
            origin: Origin::Table,
        })
    }
}

type All = [Quantiles; Figure::ALL.len()];

fn between(from: &All, to: &All, share: f64) -> All {
    let mut all = *from;
    for (from, to) in all.iter_mut().flatten().zip(to.iter().flatten()) {
        *from += share * (to - *from);
    }
    all
}

/// The quantiles of `two`, each figure moved by what its median moved from `one`, times `octaves`.
fn moved_on(one: &All, two: &All, octaves: f64) -> All {
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
fn of_size(rows: &[Row], gap: usize) -> Option<All> {
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

fn parse_row(line: &str) -> Option<(usize, Row)> {
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
        Null::at(Shape::new(n, m).unwrap()).unwrap()
    }

    // Every line is read: gaps 0, 1, 2, 4, … 128 M for each M.
    #[test]
    fn the_table_is_whole() {
        for (m, rows) in &TABLE.sizes {
            assert!(m.is_power_of_two());
            let gaps: Vec<usize> = rows.iter().map(|row| row.gap).collect();
            let powers = (0..).map(|i| 1 << i).take_while(|gap| *gap <= 128 * m);
            let expected: Vec<usize> = std::iter::once(0).chain(powers).collect();
            assert_eq!(gaps, expected, "{m}");
            for quantiles in rows.iter().flat_map(|row| &row.quantiles) {
                assert!(quantiles.is_sorted());
            }
        }
        assert_eq!(TABLE.sizes.first().map(|(m, _)| *m), Some(8));
    }

    // Square, s known: the median of √N σ_min is .5447 and its 1 % point .0100 (Edelman 1988). At
    // M = 256 the scale from the median costs less than a hundredth, and of 4000 draws 40 lie below
    // the 1 % point: three standard errors are half of it.
    #[test]
    fn the_smallest_value_of_a_square() {
        let bottom = *at(256, 256).quantiles(Figure::Bottom);
        let t = |i: usize| bottom[i].exp() / 2.0;
        assert!((t(MEDIAN) - 0.5447).abs() < 0.03, "{}", t(MEDIAN));
        assert!((t(2) / 0.010_0 - 1.0).abs() < 0.5, "{}", t(2));
    }

    // Tracy–Widom, β = 1: median −1.2686, 99 % point 2.0234 (Johnstone 2001).
    #[test]
    fn the_largest_value_is_tracy_widom() {
        let top = *at(2048, 512).quantiles(Figure::Top);
        assert!((top[MEDIAN] + 1.2686).abs() < 0.15, "{}", top[MEDIAN]);
        assert!((top[Q99] - 2.0234).abs() < 0.4, "{}", top[Q99]);
    }

    // THEORY's simulation: M·KS with the scale from rms has its 99 % point at 3.0 to 3.4.
    #[test]
    fn the_distance_to_the_law() {
        let null = at(512, 256);
        let q99 = null.q99(Figure::KsRms);
        assert!((2.9..=3.6).contains(&q99), "{q99}");
    }

    // Shapes between the rows, against draws of the shape itself.
    #[test]
    fn between_rows_it_is_what_draws_give() {
        for (n, m) in [(96, 90), (150, 48), (40, 23), (300, 12)] {
            let shape = Shape::new(n, m).unwrap();
            let own = Null::simulated(shape, 2000, 7).unwrap().unwrap();
            let table = Null::at(shape).unwrap();
            for figure in Figure::ALL {
                let (own, table) = (own.quantiles(figure), table.quantiles(figure));
                // Five standard errors of a median of 2000 draws: 1.25·5/√2000 = .14 sd.
                let sd = (own[7] - own[3]) / 3.29;
                let apart = (own[MEDIAN] - table[MEDIAN]).abs() / sd;
                assert!(apart < 0.2, "{figure:?} {n}x{m}: {apart}");
            }
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

    // Below the table's first M nothing is known; beyond its last the medians go on.
    #[test]
    fn beyond_the_table() {
        assert_eq!(Null::at(Shape::new(100, 5).unwrap()), None);
        let far = at(1 << 17, 1 << 17);
        assert_eq!(far.origin, Origin::Extrapolated);
        assert!(far.q99(Figure::KsMedian) > at(512, 512).q99(Figure::KsMedian));
    }
}
