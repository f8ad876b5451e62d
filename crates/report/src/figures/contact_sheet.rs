//! Shadow samples as pictures, beside the real inputs where there are any.

use super::canvas::{Canvas, Place, Weight, picture};
use super::{HEADING, WIDTH, heading};
use crate::{Error, Result};
use randomlike_core::shadow::ChainRun;

/// How the numbers of an input make a picture: channels × rows × columns, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// Numbers in one picture; nothing when there are too many to count.
    pub fn length(self) -> Option<usize> {
        self.channels
            .checked_mul(self.height)?
            .checked_mul(self.width)
    }
}

const MARGIN: u32 = 20;
const GAP: u32 = 8;
const CAPTION: u32 = 24;
/// Sides of the cells, about.
const CELL: u32 = 84;
/// Widest and highest picture that is drawn.
const LARGEST: usize = 1000;

/// A caption and the samples below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the samples are.
    pub caption: String,
    /// Numbers of a picture each.
    pub samples: Vec<Vec<f32>>,
}

/// Draws rows of samples, as many of each as there is room for.
pub(super) fn draw(
    file: &str,
    name: &str,
    title: &str,
    rows: &[Row],
    shape: ImageShape,
) -> Result<Vec<u8>> {
    let (high, wide) = (side(shape.height)?, side(shape.width)?);
    let zoom = (CELL / high.max(wide)).max(1);
    let cell = (wide * zoom, high * zoom);
    let columns = ((WIDTH - 2 * MARGIN + GAP) / (cell.0 + GAP)).max(1);
    let row_height = CAPTION + cell.1 + GAP;
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let height = HEADING + row_height.saturating_mul(count) + MARGIN;
    picture(file, WIDTH.max(cell.0 + 2 * MARGIN), height, |canvas| {
        heading(canvas, WIDTH, name, title)?;
        for (row, top) in rows.iter().zip((HEADING..).step_by(row_height as usize)) {
            canvas.text(&row.caption, (MARGIN, top), 13, Weight::Regular, false)?;
            let samples = row.samples.iter().take(columns as usize);
            for (sample, left) in samples.zip((MARGIN..).step_by((cell.0 + GAP) as usize)) {
                image(canvas, sample, shape, (left, top + CAPTION), zoom)?;
            }
        }
        Ok(())
    })
}

fn side(length: usize) -> Result<u32> {
    let fits = u32::try_from(length).ok().filter(|_| length <= LARGEST);
    fits.ok_or_else(|| Error::Draw {
        what: "the contact sheet".into(),
        reason: format!("a picture may have at most {LARGEST} rows and columns"),
    })
}

/// Shadows of random codes, then real inputs and their shadows from each level.
pub(super) fn of_chain(run: &ChainRun) -> Vec<Row> {
    let top = run.facts.random.levels.len();
    let mut rows = vec![Row {
        caption: format!("shadows of random codes at level {top}"),
        samples: run.random_shadows.clone(),
    }];
    if let Some(first) = run.real_shadows.first() {
        rows.push(Row {
            caption: "real inputs".into(),
            samples: first.iter().map(|(real, _)| real.clone()).collect(),
        });
    }
    for (pairs, level) in run.real_shadows.iter().zip(1..) {
        rows.push(Row {
            caption: format!("their shadows, from the net's own codes at level {level}"),
            samples: pairs.iter().map(|(_, own)| own.clone()).collect(),
        });
    }
    rows
}

fn image(
    canvas: &Canvas<'_>,
    sample: &[f32],
    shape: ImageShape,
    (left, top): (u32, u32),
    zoom: u32,
) -> Result<()> {
    let low = sample.iter().copied().fold(f32::INFINITY, f32::min);
    let high = sample.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let plane = shape.height * shape.width;
    let byte = |channel: usize, at: usize| {
        let channel = if shape.channels == 1 { 0 } else { channel };
        let value = sample.get(channel * plane + at).map_or(0.0, |&v| v - low);
        (255.0 * value / (high - low).max(f32::MIN_POSITIVE)).round() as u8
    };
    for at in 0..plane {
        let (x, y) = ((at % shape.width) as u32, (at / shape.width) as u32);
        let place = Place {
            left: left + x * zoom,
            top: top + y * zoom,
            width: zoom,
            height: zoom,
        };
        canvas.fill(place, (byte(0, at), byte(1, at), byte(2, at)))?;
    }
    Ok(())
}
