//! A layer's singular values beside their law: the density, and the distance whose largest
//! value is KS.

use std::collections::BTreeMap;

use super::panel::{Axis, Bar, Mark, Panel, Role, steps, trace};
use randomlike_core::audit::{Law, Spectrum};
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;

/// Points of a curve.
const STEPS: usize = 400;
/// How far the axis of a rectangular layer may run, in upper edges of its law.
const REACH: f64 = 2.5;

/// The density, and the distance of the distribution function from the law's, as stored and
/// balanced.
pub(super) fn panels(spectrum: &Spectrum, balanced: Option<&Spectrum>) -> Option<[Panel; 2]> {
    let view = View::new(spectrum)?;
    let balanced = balanced.and_then(View::new);
    Some([
        view.density(balanced.as_ref()),
        view.distance(balanced.as_ref()),
    ])
}

/// The density alone, for the overview.
pub(super) fn thumbnail(spectrum: &Spectrum, balanced: Option<&Spectrum>) -> Option<Panel> {
    let balanced = balanced.and_then(View::new);
    Some(View::new(spectrum)?.density(balanced.as_ref()))
}

/// Singular values on the scale of the law, ν = σ/(s_med·√N), descending.
struct View<'a> {
    spectrum: &'a Spectrum,
    law: MarchenkoPastur,
    nu: Vec<f64>,
    /// σ of ν = 1.
    unit: f64,
}

impl<'a> View<'a> {
    fn new(spectrum: &'a Spectrum) -> Option<Self> {
        let law = MarchenkoPastur::new(spectrum.aspect)?;
        let unit = spectrum.edge_upper / law.upper();
        if unit.is_nan() || unit <= 0.0 {
            return None;
        }
        Some(Self {
            spectrum,
            law,
            nu: spectrum.singular_values.iter().map(|s| s / unit).collect(),
            unit,
        })
    }

    fn name(&self) -> &'static str {
        match self.spectrum.law {
            Law::QuarterCircle => "quarter circle",
            Law::MarchenkoPastur => "Marchenko–Pastur law",
        }
    }

    /// Where the axis ends: past the edge, and past the largest value unless that is far.
    fn end(&self) -> f64 {
        let largest = self.nu.first().copied().unwrap_or(0.0);
        let edge = self.law.upper();
        1.04 * largest.clamp(1.1 * edge, REACH * edge)
    }

    fn start(&self) -> f64 {
        let smallest = self.nu.last().copied().unwrap_or(0.0);
        let edges = self.law.upper() - self.law.lower();
        if self.law.is_square() {
            0.0
        } else {
            (smallest.min(self.law.lower()) - 0.12 * edges).max(0.0)
        }
    }

    fn density(&self, balanced: Option<&Self>) -> Panel {
        let bars = self.bars();
        let outline: Vec<Bar> = balanced.map_or_else(Vec::new, Self::bars);
        let outline: Vec<Bar> = outline
            .into_iter()
            .filter(|b| b.from < self.end())
            .collect();
        let peak = trace(self.law.lower(), self.law.upper(), STEPS, |v| {
            self.law.density(v)
        });
        let top = bars
            .iter()
            .chain(&outline)
            .map(|bar| bar.height)
            .chain(peak.iter().map(|p| p.1))
            .fold(0.0, f64::max);
        let mut panel = Panel::new(
            Axis::linear(self.start(), self.end(), X),
            Axis::linear(0.0, 1.1 * top, "density"),
        );
        // The curve √(4 − ν²)/π is a circle where one unit of ν is as long as 1/π of density.
        panel.unit = self.law.is_square().then_some(std::f64::consts::FRAC_1_PI);
        let panel = panel
            .named(
                Mark::Bars(Role::Measured, bars),
                format!("{} singular values as stored", self.nu.len()),
            )
            .named(Mark::Curve(Role::Law, peak), self.name());
        let panel = if outline.is_empty() {
            panel
        } else {
            panel.named(
                Mark::Curve(Role::Balanced, steps(&outline, 0.0)),
                "balanced",
            )
        };
        self.outliers(self.edges(self.bulk(panel)))
    }

    /// The law of the part that is on it, where that is not all of the spectrum.
    fn bulk(&self, panel: Panel) -> Panel {
        let curve = self.spectrum.bulk.measured().and_then(|bulk| {
            let m = self
                .nu
                .len()
                .checked_sub(bulk.above.checked_add(bulk.below)?)?;
            let n = (self.nu.len() as f64 / self.spectrum.aspect).round() - bulk.above as f64;
            let law = MarchenkoPastur::new(m as f64 / n)?;
            let unit = bulk.edge_upper / law.upper() / self.unit;
            let density = |v: f64| bulk.share * law.density(v / unit) / unit;
            let ends = [law.lower() * unit, law.upper() * unit];
            // A file of strangers may hold any numbers.
            let sound = unit > 0.0 && ends[1] <= 8.0 * self.law.upper() && m < self.nu.len();
            sound.then(|| {
                let name = format!("law of {} % of them", super::figure(100.0 * bulk.share));
                (trace(ends[0], ends[1], STEPS, density), name)
            })
        });
        match curve {
            Some((curve, name)) => panel.named(Mark::Dashes(Role::Alternative, curve), name),
            None => panel,
        }
    }

    fn edges(&self, panel: Panel) -> Panel {
        let upper = Mark::Vertical(Role::Reference, self.law.upper());
        if self.law.is_square() {
            return panel.named(upper, "its edge");
        }
        panel
            .named(upper, "its edges")
            .bare(Mark::Vertical(Role::Reference, self.law.lower()))
    }

    fn outliers(&self, panel: Panel) -> Panel {
        let s = self.spectrum;
        let outside: Vec<f64> = self
            .nu
            .iter()
            .copied()
            .filter(|v| {
                let sigma = v * self.unit;
                sigma > s.outlier_threshold_above || sigma < s.outlier_threshold_below
            })
            .collect();
        if outside.is_empty() {
            return panel;
        }
        let name = format!(
            "outliers: {} above, {} below",
            s.outliers_above, s.outliers_below
        );
        panel.named(Mark::Ticks(Role::Outlier, outside), name)
    }

    /// Bins of one width; those that hold nothing are left out, and so is what lies beyond
    /// any axis.
    fn bars(&self) -> Vec<Bar> {
        let (start, width) = (self.start(), self.bin_width());
        let mut counts = BTreeMap::new();
        for &v in self.nu.iter().filter(|&&v| v <= 8.0 * self.law.upper()) {
            *counts.entry(((v - start) / width) as u32).or_insert(0_u32) += 1;
        }
        let bar = |(bin, count): (u32, u32)| Bar {
            from: start + f64::from(bin) * width,
            to: start + f64::from(bin + 1) * width,
            height: f64::from(count) / (self.nu.len() as f64 * width),
        };
        counts.into_iter().map(bar).collect()
    }

    /// About √(2M) bins over the support of the law, 6 at least and 64 at most.
    fn bin_width(&self) -> f64 {
        let bins = (2.0 * self.nu.len() as f64).sqrt().clamp(6.0, 64.0).round();
        (self.law.upper() - self.law.lower()) / bins
    }

    /// How far the share of values below each ν is from the law's, step by step.
    fn stairs(&self, start: f64, end: f64) -> Vec<(f64, f64)> {
        let count = self.nu.len() as f64;
        let mut stairs = vec![(start, -self.law.cdf(start))];
        let shown = self.nu.iter().rev().take_while(|&&v| v <= end);
        for (i, &v) in shown.enumerate() {
            let law = self.law.cdf(v);
            stairs.push((v, i as f64 / count - law));
            stairs.push((v, (i + 1) as f64 / count - law));
        }
        stairs
    }

    /// These steps, and how far they go by chance.
    fn distance(&self, balanced: Option<&Self>) -> Panel {
        let (start, end) = (self.start(), self.end());
        let stairs = self.stairs(start, end);
        let of_balanced = balanced.map(|balanced| balanced.stairs(start, end));
        let chance = self.spectrum.ks_null_q99;
        let top = stairs
            .iter()
            .chain(of_balanced.iter().flatten())
            .map(|p| p.1.abs())
            .fold(1.5 * chance, f64::max);
        let y = Axis::linear(-1.1 * top, 1.1 * top, "share below, minus the law's");
        let ks = super::figure(self.spectrum.ks_median);
        let ks = format!("as stored, KS {ks}");
        let panel = Panel::new(Axis::linear(start, end, X), y)
            .named(Mark::Curve(Role::Measured, thinned(&stairs)), ks);
        let panel = match balanced.zip(of_balanced) {
            None => panel,
            Some((balanced, stairs)) => panel.named(
                Mark::Curve(Role::Balanced, thinned(&stairs)),
                format!(
                    "balanced, KS {}",
                    super::figure(balanced.spectrum.ks_median)
                ),
            ),
        };
        panel
            .named(
                Mark::Curve(Role::Law, vec![(start, 0.0), (end, 0.0)]),
                self.name(),
            )
            .named(
                Mark::Horizontal(Role::Reference, chance),
                format!(
                    "99 % of random matrices stay within ±{}",
                    super::figure(chance)
                ),
            )
            .bare(Mark::Horizontal(Role::Reference, -chance))
    }
}

/// The first, lowest, highest and last point of each of at most 400 stretches: more than a
/// picture has room for looks the same.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const STRETCHES: usize = 400;
    let length = points.len().div_ceil(STRETCHES);
    if length <= 4 {
        return points.to_vec();
    }
    let stretch = |part: &[(f64, f64)]| {
        let by_height = |a: &usize, b: &usize| part[*a].1.total_cmp(&part[*b].1);
        let lowest = (0..part.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..part.len()).max_by(by_height).unwrap_or(0);
        let mut kept = vec![0, lowest, highest, part.len() - 1];
        kept.sort_unstable();
        kept.dedup();
        kept.into_iter().map(|i| part[i]).collect::<Vec<_>>()
    };
    points.chunks(length).flat_map(stretch).collect()
}

const X: &str = "singular value over s·√N, s from the median";

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

    // The quantiles of the law at (i + ½)/M: no further from it than half a step.
    #[test]
    fn the_largest_distance_drawn_is_ks() {
        let layer = facts::layer("a");
        let mut spectrum = layer.spectrum.measured().unwrap().clone();
        let law = MarchenkoPastur::new(spectrum.aspect).unwrap();
        let unit = spectrum.edge_upper / law.upper();
        let exact = |i: u32| unit * law.quantile((f64::from(i) + 0.5) / 256.0);
        spectrum.singular_values = (0..256).rev().map(exact).collect();
        let [_, distance] = panels(&spectrum, None).unwrap();
        let Mark::Curve(_, stairs) = &distance.series[0].mark else {
            panic!("the first mark is what was measured");
        };
        let largest = stairs.iter().map(|p| p.1.abs()).fold(0.0, f64::max);
        assert!((largest - 0.5 / 256.0).abs() < 1e-9, "{largest}");
    }

    #[test]
    fn a_long_curve_keeps_its_extremes() {
        let points: Vec<(f64, f64)> = (0..9000)
            .map(|i| (f64::from(i), f64::from(i).sin()))
            .collect();
        let kept = thinned(&points);
        let top = |points: &[(f64, f64)]| points.iter().map(|p| p.1).fold(-1.0, f64::max);
        assert!(kept.len() <= 1600 && kept.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(top(&kept).to_bits(), top(&points).to_bits());
        assert_eq!(thinned(&points[..40]), points[..40]);
    }

    #[test]
    fn bars_cover_every_value_up_to_the_end_of_the_axis() {
        let layer = facts::layer("a");
        let view = View::new(layer.spectrum.measured().unwrap()).unwrap();
        let mass: f64 = view.bars().iter().map(|b| b.height * (b.to - b.from)).sum();
        assert!((mass - 1.0).abs() < 1e-9, "{mass}");
        let [density, _] = panels(layer.spectrum.measured().unwrap(), None).unwrap();
        assert_eq!(density.unit, None);
    }
}
