//! Why shuffled weights have a singular value above the edge of their law.
//!
//! A direction of strength θ shows above s·(NM)^¼ (BBP; docs/theory.md §3). The mean is one of
//! strength |mean|·√(NM), and a single entry w one of strength |w|. Each is taken away to see
//! whether the outlier goes with it.

use super::{matrix, threshold};
use crate::audit::{Cause, Trap};
use crate::controls::{self, ControlMatrix};
use randomlike_maths::linalg::{Lanczos, SpectrumError};

/// Visibility above which an entry is taken away: two such in one line show together only
/// above .7 each.
const LARGE: f64 = 0.5;

/// What takes the outlier away; values in the units of `entries`.
pub(super) fn explained(entries: &ControlMatrix<'_>, seed: u64) -> Result<Trap, SpectrumError> {
    let whole = EntrySpread::within(entries.stored, None);
    let visible = whole.std * (entries.stored.len() as f64).powf(0.25);
    let limit = LARGE * visible;
    let rest = EntrySpread::within(entries.stored, Some((whole.mean, limit)));
    let large_entries = (whole.count - rest.count) as u64;
    let (whole_limit, rest_limit) = (whole.threshold(entries), rest.threshold(entries));
    // An entry that is taken away leaves the mean of the others.
    let kept = |w: f64| {
        if (w - whole.mean).abs() > limit {
            rest.mean
        } else {
            w
        }
    };
    let asked = |asked: bool, top: &dyn Fn() -> Result<f64, SpectrumError>| {
        (large_entries > 0 && asked).then(top).transpose()
    };
    let without_mean = largest(entries, |w| w - whole.mean, seed)?;
    let mean = without_mean <= whole_limit;
    let without_large_entries = asked(true, &|| largest(entries, kept, seed))?;
    let single = without_large_entries.is_some_and(|s| s <= rest_limit);
    let without_both = asked(!mean && !single, &|| {
        largest(entries, |w| kept(w) - rest.mean, seed)
    })?;
    let both = without_both.is_some_and(|s| s <= rest_limit);
    Ok(Trap {
        cause: match (mean, single, both) {
            (true, ..) => Cause::Mean,
            (_, true, _) => Cause::SingleEntries,
            (.., true) => Cause::MeanAndSingleEntries,
            _ => Cause::Unexplained,
        },
        mean_visibility: whole.mean.abs() / visible * (whole.count as f64).sqrt(),
        entry_visibility: whole.farthest / visible,
        large_entries,
        without_mean,
        without_large_entries,
        without_both,
    })
}

/// σ₁ of what `entry` makes of the entries.
fn largest(
    entries: &ControlMatrix<'_>,
    entry: impl Fn(f64) -> f64 + Sync,
    seed: u64,
) -> Result<f64, SpectrumError> {
    let top = Lanczos::changed(matrix(entries), |w| entry(f64::from(w)) as f32, seed).top(1)?;
    Ok(top.values.first().copied().unwrap_or(0.0))
}

/// Where entries lie and how far they spread.
struct EntrySpread {
    count: usize,
    mean: f64,
    std: f64,
    /// Largest distance from the mean.
    farthest: f64,
}

impl EntrySpread {
    /// Of the entries, or of those within a distance of a number.
    fn within(entries: &[f32], within: Option<(f64, f64)>) -> Self {
        let kept = |w: f64| within.is_none_or(|(centre, limit)| (w - centre).abs() <= limit);
        let sum = |f: &(dyn Fn(f64) -> f64 + Sync)| {
            controls::sum(entries, |w| if kept(w) { f(w) } else { 0.0 })
        };
        let count = sum(&|_| 1.0);
        let mean = sum(&|w| w) / count.max(1.0);
        let square = sum(&|w| (w - mean) * (w - mean)) / count.max(1.0);
        let distances = entries.iter().map(|&w| (f64::from(w) - mean).abs());
        Self {
            count: count as usize,
            mean,
            std: square.sqrt(),
            farthest: distances.fold(0.0, f64::max),
        }
    }

    fn threshold(&self, entries: &ControlMatrix<'_>) -> f64 {
        threshold(entries.n, entries.m, self.std)
    }
}
