//! Two checkpoints side by side: one picture of all layers, and for each layer both spectra and
//! the spectrum of the difference.

use rayon::prelude::*;

use super::canvas::{Detail, Place, picture};
use super::panel::{Axis, Bar, Mark, Panel, Role, Scale, trace};
use super::{Figure, HEADING, HEIGHT, WIDTH, figure_of, grid, heading, printable, side_by_side};
use super::{slug, spectrum};
use crate::Result;
use randomlike_core::audit::{Audit, LayerFacts, Spectrum};
use randomlike_core::number_format::counted;
use randomlike_judge::compare::{
    Comparison, Difference, DifferenceKind, Pair, SpectraDistance, scaled,
};
use randomlike_maths::stats::laws::marchenko_pastur::MarchenkoPastur;

/// Most layers that are named one by one in the overview.
const MOST_NAMES: usize = 24;
/// Characters of a layer's name in the overview.
const SHOWN: usize = 30;
/// Points of a curve.
const STEPS: usize = 300;
/// How far the axis of a spectrum runs, in upper edges of its law.
const REACH: f64 = 2.5;

/// The pictures of one pair; none of what was not measured, or did not change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairFigures {
    /// Both spectra beside the law, and the distance between them.
    pub spectra: Option<Figure>,
    /// The singular values of the difference, their energy and their law.
    pub difference: Option<Figure>,
}

/// Every picture of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComparisonFigures {
    /// All layers at a glance; none where neither spectra nor differences were measured.
    pub overview: Option<Figure>,
    /// The pairs', in the order of the comparison.
    pub pairs: Vec<PairFigures>,
}

impl ComparisonFigures {
    /// Draws a comparison of `a` and `b`, which hold the singular values.
    pub fn draw(comparison: &Comparison, a: &Audit, b: &Audit) -> Result<Self> {
        let of_pair = |(index, pair): (usize, &Pair)| {
            Ok(PairFigures {
                spectra: spectra(
                    index,
                    pair,
                    a.layers.get(pair.a.index),
                    b.layers.get(pair.b.index),
                )?,
                difference: difference(index, pair, a.layers.get(pair.a.index))?,
            })
        };
        Ok(Self {
            overview: overview(comparison)?,
            pairs: comparison
                .layers
                .par_iter()
                .enumerate()
                .map(of_pair)
                .collect::<Result<_>>()?,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Figure> {
        let of_pairs = self.pairs.iter();
        let of_pairs = of_pairs.flat_map(|pair| [&pair.spectra, &pair.difference]);
        std::iter::once(&self.overview).chain(of_pairs).flatten()
    }
}

fn file(index: usize, pair: &Pair, kind: &str) -> String {
    format!("{:02}-{}-{kind}.png", index + 1, slug(&pair.a.name))
}

fn spectra(
    index: usize,
    pair: &Pair,
    a: Option<&LayerFacts>,
    b: Option<&LayerFacts>,
) -> Result<Option<Figure>> {
    let measured = |layer: Option<&LayerFacts>| layer.and_then(|l| l.spectrum.measured()).cloned();
    let (Some(distance), Some(a), Some(b)) = (pair.spectra.measured(), measured(a), measured(b))
    else {
        return Ok(None);
    };
    let Some(panels) = both_spectra(&a, &b, distance) else {
        return Ok(None);
    };
    let title = format!(
        "singular values of A and B, each on its own scale; B's scale is {} times A's",
        figure_of(distance.scale_ratio)
    );
    let file = file(index, pair, "spectra");
    Ok(Some(Figure {
        png: side_by_side(&file, &pair.name(), &title, &panels)?,
        alt: format!("spectra of {}: {title}", pair.name()),
        file,
    }))
}

fn both_spectra(a: &Spectrum, b: &Spectrum, distance: &SpectraDistance) -> Option<[Panel; 2]> {
    let law = MarchenkoPastur::new(a.aspect)?;
    let (nu_a, nu_b) = (scaled(a)?, scaled(b)?);
    let largest = nu_a.first()?.max(*nu_b.first()?);
    let smallest = nu_a.last()?.min(*nu_b.last()?);
    let width = law.upper() - law.lower();
    let end = 1.04 * largest.clamp(1.1 * law.upper(), REACH * law.upper());
    let start = (smallest.min(law.lower()) - 0.12 * width).max(0.0);
    let bins = (2.0 * nu_a.len() as f64).sqrt().clamp(6.0, 64.0).round();
    let view = View {
        from: start,
        to: end,
        bin: width / bins,
    };
    Some([
        view.density(&nu_a, &nu_b, law),
        view.distance(&nu_a, &nu_b, distance),
    ])
}

/// The part of the axis that is drawn, and the width of a bin.
struct View {
    from: f64,
    to: f64,
    bin: f64,
}

const NU: &str = "singular value over s·√N, s from the median";

impl View {
    fn density(&self, a: &[f64], b: &[f64], law: MarchenkoPastur) -> Panel {
        let (bars_a, bars_b) = (self.bars(a), self.bars(b));
        let curve = trace(law.lower(), law.upper(), STEPS, |v| law.density(v));
        let heights = bars_a.iter().chain(&bars_b).map(|bar| bar.height);
        let top = heights.chain(curve.iter().map(|p| p.1)).fold(0.0, f64::max);
        let mut panel = Panel::new(
            Axis::linear(self.from, self.to, NU),
            Axis::linear(0.0, 1.1 * top, "density"),
        )
        .named(Mark::Bars(Role::Measured, bars_a), "A")
        .named(Mark::Curve(Role::Alternative, outline(&bars_b)), "B")
        .named(Mark::Curve(Role::Law, curve), "random matrix");
        for (name, role, values) in [("A", Role::Measured, a), ("B", Role::Alternative, b)] {
            let beyond: Vec<f64> = values.iter().copied().filter(|&v| v >= self.to).collect();
            if let Some(farthest) = beyond.first() {
                let name = format!(
                    "{} of {name} beyond, up to {}",
                    beyond.len(),
                    figure_of(*farthest)
                );
                panel = panel.named(Mark::Dots(role, Vec::new()), name);
            }
        }
        panel
    }

    /// Every bin of the axis, empty ones too: an outline needs them.
    fn bars(&self, values: &[f64]) -> Vec<Bar> {
        // An audit that somebody wrote may hold a law without width.
        let bins = (((self.to - self.from) / self.bin).ceil() as usize).clamp(1, 2000);
        let mut counts = vec![0_u32; bins];
        for &v in values.iter().filter(|&&v| v >= self.from && v < self.to) {
            counts[(((v - self.from) / self.bin) as usize).min(bins - 1)] += 1;
        }
        let bar = |(i, count): (usize, u32)| Bar {
            from: self.from + i as f64 * self.bin,
            // The last may reach past the axis, and ends with it.
            to: self.to.min(self.from + (i + 1) as f64 * self.bin),
            height: f64::from(count) / (values.len() as f64 * self.bin),
        };
        counts.into_iter().enumerate().map(bar).collect()
    }

    /// The share of B's values below each point less that of A's.
    fn distance(&self, a: &[f64], b: &[f64], distance: &SpectraDistance) -> Panel {
        let below = |values: &[f64], v: f64| {
            let above = values.partition_point(|&x| x > v);
            1.0 - above as f64 / values.len() as f64
        };
        let curve = trace(self.from, self.to, 2 * STEPS, |v| below(b, v) - below(a, v));
        let chance = distance.ks_null_q99;
        let top = curve.iter().map(|p| p.1.abs()).fold(1.5 * chance, f64::max);
        let name = format!(
            "B minus A: KS {}, W₁ {}",
            figure_of(distance.ks),
            figure_of(distance.wasserstein)
        );
        Panel::new(
            Axis::linear(self.from, self.to, NU),
            Axis::linear(-1.1 * top, 1.1 * top, "share below, B minus A"),
        )
        .named(Mark::Curve(Role::Measured, curve), name)
        .bare(Mark::Curve(
            Role::Law,
            vec![(self.from, 0.0), (self.to, 0.0)],
        ))
        .named(
            Mark::Horizontal(Role::Reference, chance),
            format!(
                "99 % of pairs of random matrices stay within ±{}",
                figure_of(chance)
            ),
        )
        .bare(Mark::Horizontal(Role::Reference, -chance))
    }
}

/// The upper side of bars that lie side by side.
fn outline(bars: &[Bar]) -> Vec<(f64, f64)> {
    let tops = |bar: &Bar| [(bar.from, bar.height), (bar.to, bar.height)];
    bars.iter().flat_map(tops).collect()
}

fn difference(index: usize, pair: &Pair, a: Option<&LayerFacts>) -> Result<Option<Figure>> {
    let Some(found) = pair.difference.measured() else {
        return Ok(None);
    };
    if found.kind == DifferenceKind::Unchanged || found.energy.len() < 2 {
        return Ok(None);
    }
    let title = format!(
        "the weights of B less those of A: {}; {} of A's norm, {} % of the weights differ",
        found.kind.name(),
        found
            .relative_norm
            .map_or_else(|| "–".to_owned(), figure_of),
        figure_of(100.0 * found.changed_fraction)
    );
    let of_a = a.and_then(|layer| layer.spectrum.measured());
    let mut panels = vec![by_rank(found, of_a, pair), energy(found)];
    // Where most values are rounding, its law says nothing of the change.
    let bulk = 2 * found.rank_above_rounding > found.values().len();
    let law = found.spectrum.measured().filter(|_| bulk);
    panels.extend(
        law.and_then(|law| spectrum::panels(law, None))
            .into_iter()
            .flatten(),
    );
    let file = file(index, pair, "difference");
    Ok(Some(Figure {
        png: grid(&file, &pair.name(), &title, &panels)?,
        alt: format!("difference of {}: {title}", pair.name()),
        file,
    }))
}

/// Ranks as binary logarithms, so that the few first ones have room.
fn ranks(values: &[f64]) -> Vec<(f64, f64)> {
    let at = |(i, v): (usize, &f64)| (((i + 1) as f64).log2(), v.log10());
    let points = values.iter().enumerate().map(at);
    points.filter(|point| point.1.is_finite()).collect()
}

fn rank_axis(count: usize) -> Axis {
    Axis {
        scale: Scale::Log2,
        ..Axis::linear(
            -0.2,
            (count.max(2) as f64).log2() + 0.2,
            "singular values, largest first",
        )
    }
}

/// The singular values of the difference, of A, and of a random matrix of the same norm.
fn by_rank(found: &Difference, a: Option<&Spectrum>, pair: &Pair) -> Panel {
    let values = found.values();
    let difference = ranks(values);
    let of_a = a.map_or_else(Vec::new, |a| ranks(&a.singular_values));
    let random = ranks(&random_of_the_norm(values, pair));
    let heights = |points: &[(f64, f64)]| points.iter().map(|p| p.1).collect::<Vec<_>>();
    let all = [heights(&difference), heights(&of_a), heights(&random)].concat();
    let top = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Zeros to rounding lie some 16 decades down and would leave the rest no room.
    let lowest = all.iter().copied().fold(f64::INFINITY, f64::min);
    let low = lowest.max(top - 9.0);
    let rounding = found.rounding_edge.log10();
    let margin = 0.05 * (top - low).max(0.2);
    let y = Axis {
        scale: Scale::Log10,
        ..Axis::linear(low - margin, top + margin, "singular value")
    };
    let mut panel = Panel::new(rank_axis(values.len()), y)
        .named(Mark::Curve(Role::Reference, of_a), "A")
        .named(Mark::Dashes(Role::Law, random), "random matrix of its norm")
        .named(
            Mark::Curve(Role::Measured, difference.clone()),
            "difference",
        );
    if difference.len() <= 64 {
        panel = panel.bare(Mark::Dots(Role::Measured, difference));
    }
    // Far below everything it says nothing, and would squeeze the rest.
    if rounding >= low && rounding <= top {
        panel = panel.named(Mark::Horizontal(Role::Outlier, rounding), "rounding");
    }
    panel
}

/// Quantiles of the law, scaled to the norm of `values`.
fn random_of_the_norm(values: &[f64], pair: &Pair) -> Vec<f64> {
    let (n, m) = (pair.a.fan_in, pair.a.fan_out);
    let aspect = n.min(m) as f64 / n.max(m).max(1) as f64;
    let Some(law) = MarchenkoPastur::new(aspect) else {
        return Vec::new();
    };
    let count = values.len() as f64;
    let quantiles: Vec<f64> = (0..values.len())
        .map(|i| law.quantile(1.0 - (i as f64 + 0.5) / count))
        .collect();
    let norm = |of: &[f64]| of.iter().map(|s| s * s).sum::<f64>().sqrt();
    let scale = norm(values) / norm(&quantiles);
    quantiles.iter().map(|q| q * scale).collect()
}

/// Share of Σσ² in the largest values.
fn energy(found: &Difference) -> Panel {
    let points = |of: fn(&randomlike_judge::compare::EnergyShare) -> f64| -> Vec<(f64, f64)> {
        let at = |e: &randomlike_judge::compare::EnergyShare| ((e.k as f64).log2(), of(e));
        found.energy.iter().map(at).collect()
    };
    let measured = points(|e| e.share);
    Panel::new(
        rank_axis(found.values().len()),
        Axis::linear(0.0, 1.05, "share of Σσ² in the largest"),
    )
    .named(
        Mark::Curve(Role::Measured, measured.clone()),
        format!("difference: 90 % in {}", found.rank_90),
    )
    .bare(Mark::Dots(Role::Measured, measured))
    .named(
        Mark::Dashes(Role::Law, points(|e| e.random)),
        "random matrix",
    )
    .named(Mark::Horizontal(Role::Reference, 0.9), "90 %")
}

/// A figure of a pair along the layers.
struct PairFigure {
    label: &'static str,
    of: fn(&Pair) -> Option<f64>,
    /// Where chance ends.
    chance: Option<f64>,
}

const QUANTITIES: [PairFigure; 2] = [
    PairFigure {
        label: "size of the difference over that of A",
        of: |pair| pair.difference.measured()?.relative_norm,
        chance: None,
    },
    PairFigure {
        label: "W₁ between spectra over what chance reaches once in 100",
        of: |pair| {
            let spectra = pair.spectra.measured()?;
            Some(spectra.wasserstein / spectra.wasserstein_null_q99)
        },
        chance: Some(1.0),
    },
];

fn overview(comparison: &Comparison) -> Result<Option<Figure>> {
    let panels: Vec<Panel> = QUANTITIES
        .iter()
        .filter_map(|quantity| along(&comparison.layers, quantity))
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let file = "overview.png".to_owned();
    let count = comparison.layers.len();
    let name = format!("A: {}    B: {}", comparison.a.uri, comparison.b.uri);
    let title = format!("{} in both, one dot each", counted(count as u64, "layer"));
    let high = if count > MOST_NAMES {
        HEIGHT
    } else {
        HEADING + 110 + 24 * count as u32
    };
    let png = picture(&file, WIDTH, high, |canvas| {
        heading(canvas, WIDTH, &name, &title)?;
        let each = WIDTH / panels.len() as u32;
        panels.iter().zip(0..).try_for_each(|(panel, i)| {
            let place = Place {
                left: i * each,
                top: HEADING,
                width: each - 6,
                height: high - HEADING - 4,
            };
            canvas.panel(panel, place, Detail::Full)
        })
    })?;
    Ok(Some(Figure {
        alt: format!("overview: {title}"),
        file,
        png,
    }))
}

/// By name where there are few, by position where there are many; nothing where no pair has
/// the figure.
fn along(pairs: &[Pair], quantity: &PairFigure) -> Option<Panel> {
    let found: Vec<(usize, f64)> = pairs
        .iter()
        .enumerate()
        .filter_map(|(i, pair)| Some((i, (quantity.of)(pair)?)))
        .collect();
    let largest = found.iter().map(|p| p.1).reduce(f64::max)?;
    let end = 1.08 * largest.max(1.05 * quantity.chance.unwrap_or(0.0)).max(1e-6);
    let few = pairs.len() <= MOST_NAMES;
    let values = Axis::linear(if few { -0.04 * end } else { 0.0 }, end, quantity.label);
    let last = pairs.len() as f64 - 1.0;
    let place = |&(i, value): &(usize, f64)| {
        if few {
            (value, last - i as f64)
        } else {
            (i as f64 + 1.0, value)
        }
    };
    let dots = Mark::Dots(Role::Measured, found.iter().map(place).collect());
    let panel = if few {
        Panel::new(values, names(pairs))
    } else {
        let positions = Axis::linear(0.0, last + 2.0, "layer, in the order of the table");
        Panel::new(positions, values)
    };
    let line = |at| {
        if few {
            Mark::Vertical(Role::Reference, at)
        } else {
            Mark::Horizontal(Role::Reference, at)
        }
    };
    let panel = panel.named(dots, "layers");
    Some(match quantity.chance {
        Some(at) => panel.named(line(at), "pairs of random matrices, 99 % point"),
        None => panel,
    })
}

fn names(pairs: &[Pair]) -> Axis {
    let shown = |pair: &Pair| {
        let name: Vec<char> = printable(&pair.a.name).chars().collect();
        if name.len() <= SHOWN {
            return name.into_iter().collect::<String>();
        }
        let tail = &name[name.len() - SHOWN + 9..];
        name[..8].iter().chain(&['…']).chain(tail).collect()
    };
    Axis {
        scale: Scale::Names(pairs.iter().rev().map(shown).collect()),
        ..Axis::linear(-0.6, pairs.len() as f64 - 0.4, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;
    use randomlike_judge::compare::{Matching, audits};
    use randomlike_judge::policy::Policy;

    fn spectrum_of(layer: &LayerFacts) -> Spectrum {
        layer.spectrum.measured().unwrap().clone()
    }

    // Half of B's values moved from ν = 1 to 2: the curve steps by ½ between.
    #[test]
    fn the_distance_drawn_is_that_of_the_facts() {
        let mut a = spectrum_of(&facts::layer("a"));
        let unit = 0.03 * 512_f64.sqrt();
        a.singular_values = vec![unit; 256];
        let mut b = a.clone();
        b.singular_values[..128].fill(2.0 * unit);
        let pair = audits(
            &facts::audit(vec![facts::with_spectrum(facts::layer("a"), |s| {
                *s = a.clone();
            })]),
            &facts::audit(vec![facts::with_spectrum(facts::layer("a"), |s| {
                *s = b.clone();
            })]),
            Matching::ByName,
            &Policy::default(),
        );
        let pair = pair.unwrap().layers.remove(0);
        let distance = pair.spectra.measured().unwrap();
        assert!((distance.ks - 0.5).abs() < 1e-12);
        let [density, drawn] = both_spectra(&a, &b, distance).unwrap();
        let Mark::Curve(_, curve) = &drawn.series[0].mark else {
            panic!("the first mark is the distance");
        };
        let lowest = curve.iter().map(|p| p.1).fold(0.0, f64::min);
        assert!((lowest + 0.5).abs() < 1e-12, "{lowest}");
        let Mark::Bars(_, bars) = &density.series[0].mark else {
            panic!("the first mark is A");
        };
        let mass: f64 = bars
            .iter()
            .map(|bar| bar.height * (bar.to - bar.from))
            .sum();
        assert!((mass - 1.0).abs() < 1e-9, "{mass}");
    }

    #[test]
    fn what_was_not_measured_has_no_picture() {
        let a = facts::audit(vec![facts::layer("a"), facts::unmeasured("b")]);
        let comparison = audits(&a, &a, Matching::ByName, &Policy::default()).unwrap();
        let figures = ComparisonFigures::draw(&comparison, &a, &a).unwrap();
        assert!(figures.pairs[0].spectra.is_some() && figures.pairs[1].spectra.is_none());
        assert!(figures.pairs.iter().all(|pair| pair.difference.is_none()));
        assert_eq!(figures.iter().count(), 2);
        let none = facts::audit(vec![facts::unmeasured("b")]);
        let comparison = audits(&none, &none, Matching::ByName, &Policy::default()).unwrap();
        let figures = ComparisonFigures::draw(&comparison, &none, &none).unwrap();
        assert_eq!(figures.iter().count(), 0);
    }

    #[test]
    fn many_layers_are_drawn_by_position() {
        let layers = |count: usize| (0..count).map(|i| facts::layer(&format!("l{i}"))).collect();
        for (count, by_name) in [(24, true), (25, false)] {
            let audit = facts::audit(layers(count));
            let pairs = audits(&audit, &audit, Matching::ByName, &Policy::default())
                .unwrap()
                .layers;
            let panel = along(&pairs, &QUANTITIES[1]).unwrap();
            assert_eq!(matches!(panel.y.scale, Scale::Names(_)), by_name);
            assert!(
                along(&pairs, &QUANTITIES[0]).is_none(),
                "no weights, no size"
            );
        }
    }
}
