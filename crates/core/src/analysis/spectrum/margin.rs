//! What the density route leaves open of a spectrum, docs/theory.md §3: nothing of an exact one.

use std::collections::BTreeMap;

use crate::audit;
use randomlike_maths::linalg::density::{Bounded, Density};
use randomlike_maths::nulls::{Figure, Figures, Shape, bottom_statistic};
use randomlike_maths::stats::laws::edges;
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;

/// Points of the distribution function in an audit: steps of 1/1024 of the share.
const GRID: usize = 1025;
/// Points at which two laws of different scale are compared.
const POINTS: usize = 400;
/// A smallest value is known when its error is this share of it.
const KNOWN: f64 = 0.1;

/// How far each figure may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Margin {
    /// Of KS, scale from the root mean square.
    pub ks_rms: f64,
    /// Of KS, scale from the median.
    pub ks_median: f64,
    /// Of W₁ in units of s√N.
    pub wasserstein: f64,
    /// Of the scale from the median, as a share of it.
    pub scale: f64,
    /// Of the largest and the smallest value; the latter unknown where it may be zero.
    pub largest: f64,
    pub smallest: Option<f64>,
    /// Values at the top that are single ones, not points of a distribution.
    pub single: usize,
}

impl Margin {
    /// Of all m values.
    pub const fn none(m: usize) -> Self {
        Self {
            ks_rms: 0.0,
            ks_median: 0.0,
            wasserstein: 0.0,
            scale: 0.0,
            largest: 0.0,
            smallest: Some(0.0),
            single: m,
        }
    }

    /// The scale moves KS by the change of the law, F(ν(1 + c)) − F(ν), and W₁ by c times the
    /// mean of ν, which is at most s_rms/s_med.
    pub fn of(found: &Density, shape: Shape, figures: &Figures, law: MarchenkoPastur) -> Self {
        let error = found.error() + 0.5 / shape.m as f64;
        let unit = figures.sigma_median * (shape.n as f64).sqrt();
        let median = law.median() * unit;
        let [low, high] = [0.5 - error, 0.5 + error].map(|share| found.quantile(share));
        let scale = f64::max(high - median, median - low).max(0.0) / median;
        let moved = |i: usize| {
            let v = 1.1 * law.upper() * i as f64 / POINTS as f64;
            f64::max(
                law.cdf(v * (1.0 + scale)) - law.cdf(v),
                law.cdf(v) - law.cdf(v * (1.0 - scale).max(0.0)),
            )
        };
        let of_law = (0..=POINTS).map(moved).fold(0.0, f64::max);
        let mean = figures.sigma_rms / figures.sigma_median;
        let end = |ends: &[Bounded]| ends.first().copied();
        let smallest = end(&found.bottom).filter(|b| b.error <= KNOWN * b.value);
        Self {
            ks_rms: error,
            ks_median: error + of_law,
            wasserstein: found.wasserstein_error / unit + scale * mean,
            scale,
            largest: end(&found.top).map_or(0.0, |top| top.error),
            smallest: smallest.map(|bottom| bottom.error),
            single: found.exact,
        }
    }

    /// The value of a figure that is nearest to what chance makes, within the margin.
    pub fn nearest(
        &self,
        figures: &Figures,
        (shape, scale): (Shape, f64),
        ends: (f64, f64),
    ) -> impl Fn(Figure) -> Option<f64> {
        let (margin, figures) = (*self, *figures);
        let m = shape.m as f64;
        let exact = margin == Self::none(shape.m);
        move |figure| {
            let value = figures.get(figure)?;
            if exact {
                return Some(value);
            }
            let less = |by: f64| (value - m * by).max(0.0);
            Some(match figure {
                Figure::KsMedian => less(margin.ks_median),
                Figure::KsRms => less(margin.ks_rms),
                Figure::Wasserstein => less(margin.wasserstein),
                Figure::ScaleRatio => value.signum() * (value.abs() - m * margin.scale).max(0.0),
                Figure::Top => {
                    edges::upper_statistic(shape.n, shape.m, scale, ends.0 - margin.largest)
                }
                Figure::Bottom => bottom_statistic(shape, scale, ends.1 + margin.smallest?),
                Figure::LevelRatio => return None,
            })
        }
    }
}

/// How many values lie outside a threshold: at least, and at most where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside {
    pub least: usize,
    pub most: Option<usize>,
}

impl Outside {
    pub fn exactly(count: usize) -> Self {
        Self {
            least: count,
            most: Some(count),
        }
    }

    /// Of the largest values that are known, a threshold that may be off by a share.
    pub fn above(known: &[Bounded], threshold: f64, share: f64) -> Self {
        Self::of(known, |b| {
            let surely = b.value - b.error > threshold * (1.0 + share);
            (surely, b.value + b.error > threshold * (1.0 - share))
        })
    }

    /// Of the smallest; a threshold of zero leaves nothing below.
    pub fn below(known: &[Bounded], threshold: f64, share: f64) -> Self {
        Self::of(known, |b| {
            let surely = b.value + b.error < threshold * (1.0 - share);
            (surely, b.value - b.error < threshold * (1.0 + share))
        })
    }

    fn of(known: &[Bounded], is_outside: impl Fn(&Bounded) -> (bool, bool)) -> Self {
        let outside: Vec<(bool, bool)> = known.iter().map(is_outside).collect();
        let possible = outside.iter().take_while(|o| o.1).count();
        Self {
            least: outside.iter().take_while(|o| o.0).count(),
            most: (possible < known.len()).then_some(possible),
        }
    }

    /// The count, where it is known.
    pub fn count(self) -> Option<usize> {
        self.most.filter(|most| *most == self.least)
    }
}

/// The density's part of an audit.
pub(super) fn facts(
    found: &Density,
    margin: &Margin,
    (sigma_median, above): (f64, Outside),
) -> audit::Density {
    let single = "it needs single values, and the density route has a distribution";
    let mut not_measured: BTreeMap<String, String> = [
        ("singular_values", single),
        (
            "matrix_rank",
            "what is zero to rounding is told by single values",
        ),
        (
            "rank_loss",
            "what is zero to rounding is told by single values",
        ),
        ("entropy", "it is relative to the rank, which is not known"),
        ("level_ratio", single),
        ("power_law", "a tail of interpolated values has no fit"),
        ("alpha_weighted", "it needs the power law"),
        ("log_alpha_norm", "it needs the power law"),
    ]
    .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
    .into();
    let mut leave_out = |name: &str, reason: &str| {
        not_measured.insert(name.to_owned(), reason.to_owned());
    };
    if margin.smallest.is_none() {
        let reason = "Lanczos steps on the Gram matrix do not tell it from zero";
        leave_out("smallest", reason);
        leave_out("outliers_below", reason);
    }
    if above.count().is_none() {
        leave_out(
            "outliers_above",
            "errors leave open how many of the largest values are above",
        );
    }
    audit::Density {
        count: found.size,
        probes: found.probes,
        steps: found.steps,
        products: found.products,
        seed: found.seed,
        ks_error: margin.ks_rms,
        sampling_error: found.sampling,
        resolution_error: found.resolution,
        rounding_error: found.rounding,
        sigma_median_error: margin.scale * sigma_median,
        ks_median_error: margin.ks_median,
        wasserstein_error: margin.wasserstein,
        effective_rank_error: found.entropy.value.exp() * (found.entropy.error.exp() - 1.0),
        moments: found.moments.to_vec(),
        top: found.top.clone(),
        exact: found.exact,
        bottom: if margin.smallest.is_some() {
            found.bottom.clone()
        } else {
            Vec::new()
        },
        outliers_above_least: above.least,
        outliers_above_most: above.most,
        cdf: found.grid(GRID),
        not_measured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn known(value: f64, error: f64) -> Bounded {
        Bounded { value, error }
    }

    // 10 ± .1, 5 ± .5 and 3 ± .1.
    #[test]
    fn outliers_are_counted_where_errors_allow() {
        let top = [known(10.0, 0.1), known(5.0, 0.5), known(3.0, 0.1)];
        let above = |threshold, share| {
            let outside = Outside::above(&top, threshold, share);
            (outside.least, outside.most, outside.count())
        };
        assert_eq!(above(11.0, 0.0), (0, Some(0), Some(0)));
        assert_eq!(above(4.0, 0.0), (2, Some(2), Some(2)));
        assert_eq!(above(5.2, 0.0), (1, Some(2), None));
        // A threshold from 3.6 to 4.4 leaves 5 ± .5 above, one from 3.2 to 4.8 does not.
        assert_eq!(above(4.0, 0.1).2, Some(2));
        assert_eq!(above(4.0, 0.2), (1, Some(2), None));
        // All that are known are above: there may be more.
        assert_eq!(above(2.0, 0.0), (3, None, None));
        let bottom = [known(1.0, 0.1), known(2.0, 0.1)];
        let below = |threshold| Outside::below(&bottom, threshold, 0.0).count();
        assert_eq!(
            (below(0.5), below(1.5), below(1.05)),
            (Some(0), Some(1), None)
        );
        assert_eq!(Outside::below(&bottom, 0.0, 0.0).count(), Some(0));
    }

    // KS of 6 over m = 100 values, .01 open: 5 at least. Nothing is open of all values.
    #[test]
    fn the_nearest_value_is_the_figure_less_its_margin() {
        let shape = Shape::new(200, 100).unwrap();
        let law = MarchenkoPastur::new(0.5).unwrap();
        let at = |i: u32| law.quantile(1.0 - (f64::from(i) + 0.5) / 100.0);
        let values: Vec<f64> = (0..100).map(|i| at(i) * 200_f64.sqrt()).collect();
        let figures = randomlike_maths::nulls::of_values(&values, shape).unwrap();
        let ends = (values[0], values[99]);
        let of = |margin: Margin, figure| {
            margin.nearest(&figures, (shape, figures.sigma_median), ends)(figure)
        };
        let none = Margin::none(100);
        let open = Margin {
            ks_median: 0.002,
            smallest: None,
            ..none
        };
        let whole = of(none, Figure::KsMedian).unwrap();
        assert_eq!(Some(whole), figures.get(Figure::KsMedian));
        assert!((of(open, Figure::KsMedian).unwrap() - (whole - 0.2).max(0.0)).abs() < 1e-12);
        assert!(of(none, Figure::Bottom).is_some() && of(open, Figure::Bottom).is_none());
    }
}
