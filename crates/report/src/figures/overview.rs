//! One sheet for a whole checkpoint: a row of small pictures a layer, or, when there are
//! too many for that, each figure along the layers.

use super::canvas::{Canvas, Detail, Place, Weight, picture};
use super::panel::{Axis, Mark, Panel, Role, Scale, Series};
use super::{
    WIDTH, balanced_spectrum, balanced_weights, biases, figure, printable, spectrum, weights,
};
use crate::Result;
use randomlike_core::audit::{Audit, GaussianDistance, LayerFacts};
use randomlike_core::number_format::counted;
use randomlike_judge::label::{Label, Labelled};
use randomlike_judge::verdict::{FindingOutcome, Judgement};

/// Most layers that get a row of their own.
const MOST_ROWS: usize = 24;
const TOP: u32 = 84;
const ROW: u32 = 112;
/// Left edges of the columns: words, weights, biases, spectrum.
const COLUMNS: [u32; 4] = [20, 400, 670, 900];
/// Height of a figure along the layers.
const ALONG: u32 = 300;

/// Draws the sheet.
pub(super) fn draw(audit: &Audit, judgement: &Judgement) -> Result<Vec<u8>> {
    if audit.layers.len() > MOST_ROWS {
        return along_the_layers(audit);
    }
    let height = TOP + ROW * audit.layers.len() as u32 + 10;
    picture("overview.png", WIDTH, height, |canvas| {
        heading(canvas, audit)?;
        canvas.key(&key(), (COLUMNS[1], 31), WIDTH - COLUMNS[1])?;
        let names = [
            "layer",
            "weights, in sd from their mean",
            "biases, sorted",
            "singular values",
        ];
        for (name, left) in names.into_iter().zip(COLUMNS) {
            canvas.text(name, (left, 58), 13, Weight::Quiet, false)?;
        }
        let labelled = audit.layers.iter().zip(&judgement.labels.layers);
        labelled.zip(0..).try_for_each(|((layer, labelled), i)| {
            row(canvas, layer, labelled, judgement, TOP + ROW * i)
        })
    })
}

/// What the small pictures have no room to say.
fn key() -> [Series; 6] {
    let series = |mark, name: &str| Series {
        mark,
        name: Some(name.to_owned()),
    };
    [
        series(Mark::Bars(Role::Measured, Vec::new()), "as stored"),
        series(Mark::Curve(Role::Balanced, Vec::new()), "balanced"),
        series(Mark::Curve(Role::Law, Vec::new()), "normal; law; median"),
        series(Mark::Dashes(Role::Alternative, Vec::new()), "better fit"),
        series(Mark::Vertical(Role::Reference, 0.0), "edges; zero"),
        series(Mark::Ticks(Role::Outlier, Vec::new()), "outliers"),
    ]
}

fn heading(canvas: &Canvas<'_>, audit: &Audit) -> Result<()> {
    let uri = canvas.fitted(&printable(&audit.source.uri), WIDTH - 40, 18, Weight::Bold);
    canvas.text(&uri, (20, 10), 18, Weight::Bold, false)?;
    let counts = format!(
        "{}, {} skipped",
        counted(audit.layers.len() as u64, "layer"),
        counted(audit.skipped.len() as u64, "tensor")
    );
    canvas.text(&counts, (20, 33), 13, Weight::Quiet, false)
}

fn row(
    canvas: &Canvas<'_>,
    layer: &LayerFacts,
    labelled: &Labelled,
    judgement: &Judgement,
    top: u32,
) -> Result<()> {
    let line = Place {
        left: 20,
        top: top - 4,
        width: WIDTH - 40,
        height: 1,
    };
    canvas.fill(line, (0xdd, 0xe0, 0xe4))?;
    words(canvas, layer, labelled, judgement, top)?;
    let panels = [
        layer
            .weights
            .measured()
            .and_then(|weights| weights::thumbnail(weights, balanced_weights(layer))),
        layer.biases.measured().map(biases::panel),
        layer
            .spectrum
            .measured()
            .and_then(|spectrum| spectrum::thumbnail(spectrum, balanced_spectrum(layer))),
    ];
    let ends = [COLUMNS[2] - 30, COLUMNS[3] - 30, WIDTH - 20];
    let absent = [
        "not measured",
        if layer.bias.is_none() {
            "no bias"
        } else {
            "not measured"
        },
        "not measured",
    ];
    for (i, panel) in panels.iter().enumerate() {
        let left = COLUMNS[i + 1];
        let place = Place {
            left,
            top: top + 6,
            width: ends[i] - left,
            height: ROW - 22,
        };
        match panel {
            Some(panel) => canvas.panel(panel, place, Detail::Thumbnail)?,
            None => canvas.text(absent[i], (left, top + 40), 13, Weight::Quiet, false)?,
        }
    }
    Ok(())
}

fn words(
    canvas: &Canvas<'_>,
    layer: &LayerFacts,
    labelled: &Labelled,
    judgement: &Judgement,
    top: u32,
) -> Result<()> {
    let left = COLUMNS[0];
    let room = COLUMNS[1] - left - 24;
    let name = canvas.fitted(&printable(&layer.name), room, 15, Weight::Bold);
    canvas.text(&name, (left, top + 8), 15, Weight::Bold, false)?;
    let shape = format!("{} in, {} out", layer.fan_in, layer.fan_out);
    canvas.text(&shape, (left, top + 30), 13, Weight::Quiet, false)?;
    let chip = Place {
        left,
        top: top + 52,
        width: 10,
        height: 10,
    };
    canvas.fill(chip, colour(labelled.label))?;
    canvas.text(
        &label_and_share(labelled),
        (left + 16, top + 49),
        14,
        Weight::Regular,
        false,
    )?;
    let with = |outcome| {
        judgement
            .for_layer(&layer.name)
            .filter(move |f| f.outcome == outcome)
            .count()
    };
    let checks = format!(
        "{} checks pass, {} fail, {} not judged",
        with(FindingOutcome::Pass),
        with(FindingOutcome::Fail),
        with(FindingOutcome::Skipped)
    );
    canvas.text(&checks, (left, top + 70), 12, Weight::Quiet, false)?;
    let start = start_in_short(layer, labelled);
    let start = canvas.fitted(&start, room, 12, Weight::Quiet);
    canvas.text(&start, (left, top + 86), 12, Weight::Quiet, false)
}

/// The word, and the share of the singular values on the law beside it.
pub fn label_and_share(labelled: &Labelled) -> String {
    let name = labelled.label.name();
    match labelled.share {
        None => name.to_owned(),
        Some(share) => {
            let view = labelled.view.map_or("", |view| view.words());
            format!("{name}, {:.0} % {view}", 100.0 * share)
        }
    }
}

/// The distance from the nearest initialiser in one line.
fn start_in_short(layer: &LayerFacts, labelled: &Labelled) -> String {
    let (Some(start), Some(word)) = (layer.start.measured(), labelled.start) else {
        return String::new();
    };
    let word = word.name().replace('-', " ");
    if start.is_constant() {
        return format!("{word}: {}", start.law);
    }
    format!("{word}: {} sd from {}", figure(start.distance), start.law)
}

/// The colour of a label in pictures and on the page.
pub const fn colour(label: Label) -> (u8, u8, u8) {
    match label {
        Label::RandomLike => (0x1b, 0x7f, 0x57),
        Label::RandomLikeUpToScales => (0x3f, 0xb2, 0x7f),
        Label::RandomNotGaussian => (0x4a, 0xa8, 0xb5),
        Label::RandomBulkWithSpikes => (0x8a, 0xb8, 0x3a),
        Label::PartlyRandom => (0xd6, 0xb9, 0x2f),
        Label::GaussianStructured => (0xe0, 0x8a, 0x2e),
        Label::Structured => (0xd9, 0x6a, 0x5a),
        Label::AtInitialisation => (0x6f, 0x4f, 0xb0),
        Label::BarelyMoved => (0xb0, 0x9a, 0xdc),
        Label::HeavyTailed => (0xb0, 0x2f, 0x1a),
        Label::RankDeficient => (0x9c, 0x4a, 0x1a),
        Label::Undecided => (0x8a, 0x91, 0x99),
    }
}

/// Four figures against the position of the layer.
fn along_the_layers(audit: &Audit) -> Result<Vec<u8>> {
    let floor = along(audit, |layer| Some(gaussian(layer)?.ks_floor));
    let weights = along(audit, |layer| Some(gaussian(layer)?.ks));
    let balanced = along(audit, |layer| Some(balanced_weights(layer)?.gaussian.ks));
    let balanced_null = along(audit, |layer| {
        let spectrum = balanced_spectrum(layer)?;
        Some(spectrum.ks_median / spectrum.ks_null_q99)
    });
    let start = along(audit, |layer| Some(layer.start.measured()?.distance));
    let drawn = along(audit, |layer| Some(layer.start.measured()?.distance_floor));
    let null = along(audit, |layer| {
        let spectrum = layer.spectrum.measured()?;
        Some(spectrum.ks_median / spectrum.ks_null_q99)
    });
    let edge = along(audit, |layer| {
        let spectrum = layer.spectrum.measured()?;
        Some(spectrum.spectral_norm / spectrum.edge_upper)
    });
    let one = Mark::Horizontal(Role::Reference, 0.0);
    let panels = [
        dots(
            audit,
            "KS of weights to normal",
            &[&weights, &balanced, &floor],
        )
        .named(Mark::Dots(Role::Measured, weights), "as stored")
        .named(Mark::Dots(Role::Balanced, balanced), "balanced")
        .named(
            Mark::Dots(Role::Reference, floor),
            "what 5 % of normal samples reach",
        ),
        dots(
            audit,
            "KS of spectrum over null",
            &[&null, &balanced_null, &[(0.0, 0.0)]],
        )
        .named(Mark::Dots(Role::Measured, null), "as stored")
        .named(Mark::Dots(Role::Balanced, balanced_null), "balanced")
        .named(one.clone(), "what 1 % of random matrices reach"),
        dots(audit, "largest value over edge", &[&edge, &[(0.0, 0.0)]])
            .named(Mark::Dots(Role::Measured, edge), "largest singular value")
            .named(one, "edge of the law"),
        dots(audit, "W₁/sd to nearest initialiser", &[&start, &drawn])
            .named(Mark::Dots(Role::Measured, start), "weights")
            .named(
                Mark::Dots(Role::Reference, drawn),
                "what 0.1 % of draws reach",
            ),
    ];
    let height = TOP + ALONG * panels.len() as u32;
    picture("overview.png", WIDTH, height, |canvas| {
        heading(canvas, audit)?;
        panels.iter().zip(0..).try_for_each(|(panel, i)| {
            let place = Place {
                left: 0,
                top: TOP - 20 + ALONG * i,
                width: WIDTH - 10,
                height: ALONG,
            };
            canvas.panel(panel, place, Detail::Full)
        })
    })
}

fn gaussian(layer: &LayerFacts) -> Option<&GaussianDistance> {
    layer.weights.measured()?.gaussian.as_ref()
}

/// The position of each layer that has the figure, and the figure's logarithm.
fn along(audit: &Audit, figure: impl Fn(&LayerFacts) -> Option<f64>) -> Vec<(f64, f64)> {
    (1_u32..)
        .zip(&audit.layers)
        .filter_map(|(i, layer)| Some((f64::from(i), figure(layer)?.log10())))
        .filter(|(_, y)| y.is_finite())
        .collect()
}

/// Axes that hold all points, the vertical one logarithmic.
fn dots(audit: &Audit, name: &str, points: &[&[(f64, f64)]]) -> Panel {
    let heights = || points.iter().copied().flatten().map(|point| point.1);
    let low = heights().reduce(f64::min).unwrap_or(-1.0);
    let high = heights().reduce(f64::max).unwrap_or(1.0);
    let margin = 0.1 + 0.06 * (high - low);
    let y = Axis {
        from: low - margin,
        to: high + margin,
        label: name.to_owned(),
        scale: Scale::Log10,
    };
    let end = audit.layers.len() as f64 + 1.0;
    Panel::new(
        Axis::linear(0.0, end, "layer, in the order of the table"),
        y,
    )
}
