//! Balanced random matrices: S of independent entries, docs/theory.md §9.
//!
//! Balancing takes the scale of each row and column out of the noise too, so S of a random matrix
//! is no random matrix: M·KS has a median 4 to 10 % higher, the largest value is lower by about
//! one unit of Tracy and Widom, the smallest of a rectangle is higher, and the entries have
//! shorter tails, by −6(1/N + 1/M) in the excess kurtosis of normal ones. So S has tables of its
//! own, `balanced_*.tsv`, for the spectrum and for the entries.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::draws::of_shape;
use super::statistic::{self, NullStatistic};
use super::table::{Quantiles, quantiles, table_header, table_row};
use super::{Marginal, Shape};
use crate::balance::balance;
use crate::linalg::{self, Engine, Matrix, SpectrumError};
use crate::stats::{GaussianDistance, Sample};

/// A figure of the entries of S, in a unit in which it depends on the aspect alone, count = N·M.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryStatistic {
    /// √count·KS to the fitted normal.
    Ks,
    /// √count·W₁/sd.
    Wasserstein,
    /// √count·(excess kurtosis of S − that of the law of the entries).
    ExcessKurtosis,
}

impl EntryStatistic {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Ks, Self::Wasserstein, Self::ExcessKurtosis];

    const fn name(self) -> &'static str {
        match self {
            Self::Ks => "ks",
            Self::Wasserstein => "wasserstein",
            Self::ExcessKurtosis => "excess_kurtosis",
        }
    }
}

/// Figures of the entries, then those of the spectrum.
pub(super) const COLUMNS: usize = EntryStatistic::ALL.len() + NullStatistic::ALL.len();

/// What a number of balanced random matrices of one shape are like.
#[derive(Debug, Clone)]
pub struct BalancedDraws([Quantiles; COLUMNS]);

impl BalancedDraws {
    /// Of seeded draws; draw i has the generator's stream i. Nothing for fewer than two draws.
    ///
    /// # Errors
    /// When an iteration does not converge.
    pub fn drawn(
        law: Marginal,
        shape: Shape,
        draws: usize,
        seed: u64,
    ) -> Result<Option<Self>, SpectrumError> {
        let count = (shape.n * shape.m) as f64;
        let one = |stream: usize| -> Result<[Option<f64>; COLUMNS], SpectrumError> {
            let mut rng = ChaCha8Rng::seed_from_u64(of_shape(seed, shape));
            rng.set_stream(stream as u64);
            let entries = law.draw(shape.n * shape.m, &mut rng);
            let Ok(balanced) = balance(&entries, shape.m) else {
                return Ok([None; COLUMNS]);
            };
            let mut figures = [None; COLUMNS];
            if let Some(sample) = Sample::from_f32(&balanced.entries) {
                // The distances of another law are no null of anything.
                if law == Marginal::Normal {
                    let (ks, wasserstein) = GaussianDistance::distances(&sample);
                    figures[0] = Some(count.sqrt() * ks);
                    figures[1] = Some(count.sqrt() * wasserstein);
                } else {
                    (figures[0], figures[1]) = (Some(0.0), Some(0.0));
                }
                let kurtosis = sample.moments().excess_kurtosis;
                figures[2] = kurtosis.map(|k| count.sqrt() * (k - law.excess_kurtosis()));
            }
            let Some(matrix) = Matrix::new(&balanced.entries, shape.n, shape.m) else {
                return Ok(figures);
            };
            let values = linalg::singular_values(matrix, Engine::Faer)?;
            let spectrum = statistic::spectrum_statistics(&values, shape);
            for (place, statistic) in NullStatistic::ALL.into_iter().enumerate() {
                figures[EntryStatistic::ALL.len() + place] =
                    spectrum.and_then(|figures| figures.get(statistic));
            }
            Ok(figures)
        };
        let all: Vec<_> = (0..draws)
            .into_par_iter()
            .map(one)
            .collect::<Result<_, _>>()?;
        let of = |column: usize| quantiles(all.iter().filter_map(|f| f[column]).collect());
        let columns: Option<Vec<Quantiles>> = (0..COLUMNS).map(of).collect();
        let columns = columns.and_then(|columns| columns.try_into().ok());
        Ok(columns.map(Self))
    }

    /// What [`Self::row`] writes, in words, for the head of a table.
    pub fn header() -> String {
        let entries = EntryStatistic::ALL.iter().map(|s| s.name());
        table_header(entries.chain(NullStatistic::ALL.iter().map(|s| s.name())))
    }

    /// A row of a table.
    pub fn row(&self, m: usize, gap: usize) -> String {
        table_row(m, gap, &self.0)
    }
}
