//! One sheet for a whole checkpoint: a row of small pictures a layer, or, when there are
//! too many for that, each figure along the layers.

use super::canvas::{Canvas, Detail, Place, Weight, picture};
use super::panel::{Axis, Mark, Panel, Role, Scale, Series};
use super::{WIDTH, biases, printable, spectrum, weights};
use crate::Result;
use randomlike_core::audit::{Audit, GaussianDistance, LayerFacts};
use randomlike_core::number_format::counted;
use randomlike_judge::label::Label;
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
            row(canvas, layer, labelled.label, judgement, TOP + ROW * i)
        })
    })
}

/// What the small pictures have no room to say.
fn key() -> [Series; 5] {
    let series = |mark, name: &str| Series {
        mark,
        name: Some(name.to_owned()),
    };
    [
        series(Mark::Bars(Role::Measured, Vec::new()), "measured"),
        series(
            Mark::Curve(Role::Law, Vec::new()),
            "normal; quarter circle or MP; median",
        ),
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
    label: Label,
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
    words(canvas, layer, label, judgement, top)?;
    let panels = [
        layer.weights.measured().and_then(weights::thumbnail),
        layer.biases.measured().map(biases::panel),
        layer.spectrum.measured().and_then(spectrum::thumbnail),
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
    label: Label,
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
    canvas.fill(chip, colour(label))?;
    canvas.text(
        label.name(),
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
    canvas.text(&checks, (left, top + 72), 12, Weight::Quiet, false)
}

/// The colour of a label in pictures and on the page.
pub const fn colour(label: Label) -> (u8, u8, u8) {
    match label {
        Label::RandomLike => (0x2a, 0x9d, 0x6f),
        Label::RandomBulkWithSpikes => (0x8a, 0xb8, 0x3a),
        Label::AtInitialisation => (0x8b, 0x6f, 0xc4),
        Label::HeavyTailed => (0xc2, 0x3b, 0x22),
        Label::RankDeficient => (0x9c, 0x4a, 0x1a),
        Label::Undecided => (0x8a, 0x91, 0x99),
    }
}

/// Three figures against the position of the layer.
fn along_the_layers(audit: &Audit) -> Result<Vec<u8>> {
    let floor = along(audit, |layer| Some(gaussian(layer)?.ks_floor));
    let weights = along(audit, |layer| Some(gaussian(layer)?.ks));
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
        dots(audit, "KS of weights to normal", &[&weights, &floor])
            .named(Mark::Dots(Role::Measured, weights), "weights")
            .named(
                Mark::Dots(Role::Reference, floor),
                "what 5 % of normal samples reach",
            ),
        dots(audit, "KS of spectrum over null", &[&null, &[(0.0, 0.0)]])
            .named(Mark::Dots(Role::Measured, null), "singular values")
            .named(one.clone(), "what 1 % of random matrices reach"),
        dots(audit, "largest value over edge", &[&edge, &[(0.0, 0.0)]])
            .named(Mark::Dots(Role::Measured, edge), "largest singular value")
            .named(one, "edge of the law"),
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
