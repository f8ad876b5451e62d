//! The page of a comparison: one file that opens offline, a section a layer.

use serde::Serialize;

use super::figures::{self, ComparisonFigures, PairFigures};
use super::html::{LabelWord, Picture, label_word, number, picture, share};
use super::template;
use crate::Result;
use randomlike_core::audit::{Orientation, Section, SourceFacts};
use randomlike_core::number_format::{counted, grouped};
use randomlike_judge::compare::{
    ChainPair, ComparedFigure, Comparison, Difference, DifferenceKind, FigureSides, LayerSide,
    MatchedBy, Pair, Unmatched,
};

const TEMPLATE: &str = include_str!("comparison.html");

/// The page's bytes.
pub(super) fn page(comparison: &Comparison, figures: &ComparisonFigures) -> Result<Vec<u8>> {
    template::render("comparison.html", TEMPLATE, Page::new(comparison, figures))
}

#[derive(Serialize)]
struct Page<'a> {
    a: &'a str,
    b: &'a str,
    tool: String,
    counts: String,
    notes: &'a [String],
    overview: Option<Picture<'a>>,
    kinds: [(&'static str, &'static str); 6],
    layers: Vec<Layer<'a>>,
    chains: Vec<Chain<'a>>,
    unmatched: Vec<[String; 4]>,
    files: Vec<[String; 4]>,
}

#[derive(Serialize)]
struct Layer<'a> {
    anchor: String,
    name: String,
    shape: String,
    stored: String,
    by_shape: bool,
    label_a: LabelWord,
    label_b: LabelWord,
    kind: &'static str,
    size: String,
    /// "0.012 (0.021)".
    distance: String,
    largest: String,
    difference: Option<Delta<'a>>,
    no_difference: Option<String>,
    spectra_picture: Option<Picture<'a>>,
    no_spectra: Option<String>,
    figures: Vec<Row<'a>>,
    /// Whether any figure changed.
    moved: bool,
    missing: Vec<String>,
}

#[derive(Serialize)]
struct Delta<'a> {
    meaning: &'static str,
    reason: &'a str,
    sides: Option<String>,
    picture: Option<Picture<'a>>,
    figures: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Chain<'a> {
    name: String,
    in_b: Option<String>,
    figures: Vec<Row<'a>>,
    missing: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    cells: [String; 4],
    /// Whether nothing changed.
    still: bool,
}

impl<'a> Page<'a> {
    fn new(comparison: &'a Comparison, figures: &'a ComparisonFigures) -> Self {
        let layers = comparison.layers.iter().zip(&figures.pairs).enumerate();
        let only = |side: &'static str, of: &'a [Unmatched]| {
            of.iter().map(move |layer| {
                let shape = format!("{} in, {} out", layer.fan_in, layer.fan_out);
                [side.into(), layer.name.clone(), shape, layer.reason.clone()]
            })
        };
        let (in_a, in_b) = (&comparison.only_in_a, &comparison.only_in_b);
        Self {
            a: &comparison.a.uri,
            b: &comparison.b.uri,
            tool: format!("{} {}", comparison.tool.name, comparison.tool.version),
            counts: format!(
                "{} in both, {} in A only, {} in B only",
                counted(comparison.layers.len() as u64, "layer"),
                in_a.len(),
                in_b.len()
            ),
            notes: &comparison.notes,
            overview: figures.overview.as_ref().map(picture),
            kinds: DifferenceKind::ALL.map(|kind| (kind.name(), kind.meaning())),
            layers: layers
                .map(|(i, (pair, figures))| Layer::new(i, pair, figures))
                .collect(),
            chains: comparison.chains.iter().map(Chain::new).collect(),
            unmatched: only("A", in_a).chain(only("B", in_b)).collect(),
            files: files("A", &comparison.a)
                .chain(files("B", &comparison.b))
                .collect(),
        }
    }
}

fn files<'a>(side: &'a str, source: &'a SourceFacts) -> impl Iterator<Item = [String; 4]> + 'a {
    source.files.iter().map(move |file| {
        let bytes = grouped(file.bytes);
        [side.into(), file.path.clone(), bytes, file.sha256.clone()]
    })
}

impl<'a> Layer<'a> {
    fn new(index: usize, pair: &'a Pair, figures: &'a PairFigures) -> Self {
        let difference = pair.difference.measured();
        let dash = || "–".to_owned();
        let figures_of = rows(&pair.figures);
        Self {
            anchor: format!("layer-{}", index + 1),
            name: pair.name(),
            shape: shape(pair),
            stored: stored(pair),
            by_shape: pair.matched_by == MatchedBy::Shape,
            label_a: label_word(pair.a.label),
            label_b: label_word(pair.b.label),
            kind: difference.map_or("–", |found| found.kind.name()),
            size: difference
                .and_then(|found| found.relative_norm)
                .map_or_else(dash, number),
            distance: pair.spectra.measured().map_or_else(dash, |found| {
                format!(
                    "{} ({})",
                    number(found.wasserstein),
                    number(found.wasserstein_null_q99)
                )
            }),
            largest: largest(pair),
            difference: difference.map(|found| delta(found, figures.difference.as_ref())),
            no_difference: reason(&pair.difference),
            spectra_picture: figures.spectra.as_ref().map(picture),
            no_spectra: reason(&pair.spectra),
            moved: figures_of.iter().any(|row| !row.still),
            figures: figures_of,
            missing: missing(&pair.figures),
        }
    }
}

impl<'a> Chain<'a> {
    fn new(pair: &'a ChainPair) -> Self {
        Self {
            name: pair.name(),
            in_b: (pair.a != pair.b).then(|| pair.b.join(" → ")),
            figures: rows(&pair.figures),
            missing: missing(&pair.figures),
        }
    }
}

fn largest(pair: &Pair) -> String {
    match pair.largest_change() {
        Some((figure, units)) if units != 0.0 => {
            let [.., words] = figure.words();
            format!("{} {words}", figure.name)
        }
        _ => "–".to_owned(),
    }
}

fn reason<T>(section: &Section<T>) -> Option<String> {
    match section {
        Section::Measured(_) => None,
        Section::Skipped { reason } => Some(reason.to_string()),
    }
}

fn shape(pair: &Pair) -> String {
    let of = |side: &LayerSide| format!("{} in, {} out", side.fan_in, side.fan_out);
    let (a, b) = (of(&pair.a), of(&pair.b));
    if a == b {
        a
    } else {
        format!("{a} in A; {b} in B")
    }
}

fn stored(pair: &Pair) -> String {
    let of = |side: &LayerSide| {
        let orientation = match side.orientation {
            Orientation::OutIn => "(out, in)",
            Orientation::InOut => "(in, out)",
        };
        format!("{} {orientation}", side.dtype)
    };
    format!("stored as {} in A, {} in B", of(&pair.a), of(&pair.b))
}

fn rows(figures: &[ComparedFigure]) -> Vec<Row<'_>> {
    let is_still = |figure: &ComparedFigure| figure.change().is_some_and(|c| c.change == 0.0);
    figures
        .iter()
        .filter(|figure| !matches!(figure.sides, FigureSides::Skipped { .. }))
        .map(|figure| Row {
            name: &figure.name,
            cells: figure.words(),
            still: is_still(figure),
        })
        .collect()
}

/// A sentence for each reason why figures are missing.
fn missing(figures: &[ComparedFigure]) -> Vec<String> {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for figure in figures {
        let sentence = match &figure.sides {
            FigureSides::Compared(_) => continue,
            FigureSides::OnlyInA { reason, .. } => format!("not in B: {reason}"),
            FigureSides::OnlyInB { reason, .. } => format!("not in A: {reason}"),
            FigureSides::Skipped { reason } => format!("in neither: {reason}"),
        };
        match told.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, names)) => names.push(&figure.name),
            None => told.push((sentence, vec![&figure.name])),
        }
    }
    told.into_iter()
        .map(|(sentence, names)| format!("{}: {sentence}.", names.join(", ")))
        .collect()
}

fn delta<'a>(found: &'a Difference, figure: Option<&'a figures::Figure>) -> Delta<'a> {
    Delta {
        meaning: found.kind.meaning(),
        reason: &found.kind_reason,
        sides: found.sides(),
        picture: figure.map(picture),
        figures: delta_figures(found),
    }
}

fn delta_figures(found: &Difference) -> Vec<(&'static str, String)> {
    let size = found.values().len();
    let of = |rank: usize| format!("{rank} of {size}");
    let mut rows = vec![
        ("weights that differ", share(found.changed_fraction)),
        ("largest change of a weight", number(found.largest)),
    ];
    rows.extend(
        found
            .identical
            .map(|same| ("the same bit for bit", grouped(same))),
    );
    rows.extend(found.relative_norm.map(|v| ("norm over A's", number(v))));
    rows.extend(
        found
            .cosine
            .map(|v| ("cosine of A and B", format!("{v:.6}"))),
    );
    if found.kind == DifferenceKind::Unchanged {
        return rows;
    }
    rows.extend([
        ("singular values with 90 % of the energy", of(found.rank_90)),
        ("singular values with 99 % of the energy", of(found.rank_99)),
        (
            "singular values above rounding",
            of(found.rank_above_rounding),
        ),
        (
            "what rounding alone stays below",
            number(found.rounding_edge),
        ),
    ]);
    rows.extend(found.stable_rank.map(|v| ("stable rank", number(v))));
    if let Some(weights) = found.weights.measured() {
        rows.push(("mean of the changes", number(weights.mean)));
        rows.push(("sd of the changes", number(weights.std)));
        rows.extend(weights.gaussian.as_ref().map(|g| {
            let text = format!("{} ({})", number(g.ks), number(g.ks_floor));
            ("KS of the changes to normal (floor)", text)
        }));
        rows.extend(
            (weights.gaussian.as_ref())
                .map(|g| ("their excess kurtosis", number(g.excess_kurtosis))),
        );
    }
    match &found.spectrum {
        Section::Measured(s) => rows.extend([
            (
                "KS to the law (null's 99 % point)",
                format!("{} ({})", number(s.ks_median), number(s.ks_null_q99)),
            ),
            (
                "outliers above, below",
                format!("{}, {}", s.outliers_above, s.outliers_below),
            ),
        ]),
        Section::Skipped { reason } => rows.push(("law of its spectrum", reason.to_string())),
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;
    use randomlike_judge::compare::{Matching, audits};
    use randomlike_judge::policy::Policy;

    fn page_naming(name: &str) -> String {
        let a = facts::audit(vec![facts::layer(name), facts::unmeasured("b")]);
        let b = facts::audit(vec![facts::layer(name), facts::layer("c")]);
        let comparison = audits(&a, &b, Matching::ByName, &Policy::default()).unwrap();
        let figures = ComparisonFigures::draw(&comparison, &a, &b).unwrap();
        String::from_utf8(page(&comparison, &figures).unwrap()).unwrap()
    }

    #[test]
    fn every_pair_figure_and_word_is_on_the_page() {
        let html = page_naming("classifier.1");
        assert_eq!(html.matches("data:image/png;base64,").count(), 2);
        for kind in DifferenceKind::ALL {
            assert!(html.contains(kind.name()), "{}", kind.name());
        }
        assert!(html.contains("weights.excess_kurtosis") && html.contains("shadow.ratio"));
        assert!(html.contains("an audit holds no weights"));
        assert!(html.contains("no layer has this name on the other side"));
    }

    #[test]
    fn names_are_text_and_the_page_asks_for_nothing() {
        let html = page_naming("<script>alert(1)</script>\"'");
        assert!(!html.contains("<script"));
        assert!(html.contains("&lt;script&gt;"));
        // One, by which the page forbids itself both.
        assert_eq!(html.matches("http-equiv").count(), 1);
        assert!(html.contains("default-src 'none'") && !html.contains("src=\"http"));
    }
}
