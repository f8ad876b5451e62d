//! Panels to pixels. The one place that knows the drawing library, the font and the colours.

use std::ops::Range;
use std::sync::OnceLock;

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    BitMapBackend, Cartesian2d, Circle, Color, DrawingArea, IntoDrawingArea, PathElement, Polygon,
    RGBColor, Rectangle, TRANSPARENT, Text, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle, register_font};

use super::numbers::numbers;
use super::panel::{Axis, Bar, Mark, Panel, Role, Scale, Series};
use super::png;
use crate::{Error, Result};

/// Pictures are drawn at this multiple of their size and averaged down: smooth edges.
const OVERSAMPLING: u32 = 2;
/// Height of a row of a legend.
const ROW: u32 = 20;
const FONT: &str = "figure";
/// How much of its colour a band has.
const BAND: f64 = 0.22;

const INK: RGBColor = RGBColor(0x22, 0x26, 0x2b);
const QUIET: RGBColor = RGBColor(0x66, 0x6d, 0x75);
const GRID: RGBColor = RGBColor(0xe6, 0xe8, 0xeb);
const AXIS: RGBColor = RGBColor(0x9a, 0xa1, 0xa8);

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Chart<'a, 'b> =
    ChartContext<'a, BitMapBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What x and y go from and to.
type Plot<'a> = (&'a Range<f64>, &'a Range<f64>);

/// A rectangle in pixels of the finished picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// How much of a panel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Axes with numbers and names, and a legend.
    Full,
    /// The marks on a bare axis.
    Thumbnail,
}

/// A weight of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
    Quiet,
}

/// Draws a picture and encodes it as PNG.
pub(super) fn picture(
    what: &str,
    width: u32,
    height: u32,
    draw: impl FnOnce(&Canvas<'_>) -> Result<()>,
) -> Result<Vec<u8>> {
    fonts(what)?;
    let (wide, high) = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut pixels = vec![0xff; wide as usize * high as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (wide, high)).into_drawing_area();
        let canvas = Canvas { area, what };
        canvas.area.fill(&WHITE).map_err(|e| canvas.fault(e))?;
        draw(&canvas)?;
        canvas.area.present().map_err(|e| canvas.fault(e))?;
    }
    png::encode(
        &png::averaged(&pixels, width, height, OVERSAMPLING),
        width,
        height,
    )
    .map_err(|reason| Error::Draw {
        what: what.to_owned(),
        reason,
    })
}

/// The fonts travel with the program: the system's would draw differently everywhere.
fn fonts(what: &str) -> Result<()> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = *DONE.get_or_init(|| {
        let regular = include_bytes!("fonts/DejaVuSans.ttf");
        let bold = include_bytes!("fonts/DejaVuSans-Bold.ttf");
        register_font(FONT, FontStyle::Normal, regular).is_ok()
            && register_font(FONT, FontStyle::Bold, bold).is_ok()
    });
    if done {
        Ok(())
    } else {
        Err(Error::Draw {
            what: what.to_owned(),
            reason: "the font that comes with the program cannot be read".to_owned(),
        })
    }
}

/// A picture being drawn. All measures are pixels of the finished picture.
pub(super) struct Canvas<'a> {
    area: Area<'a>,
    what: &'a str,
}

impl Canvas<'_> {
    fn fault(&self, error: impl std::fmt::Display) -> Error {
        Error::Draw {
            what: self.what.to_owned(),
            reason: error.to_string(),
        }
    }

    /// Writes `text` with its top left corner, or top right when `right`, at (x, y).
    pub(super) fn text(
        &self,
        text: &str,
        (x, y): (u32, u32),
        size: u32,
        weight: Weight,
        right: bool,
    ) -> Result<()> {
        let anchor = Pos::new(if right { HPos::Right } else { HPos::Left }, VPos::Top);
        let style = type_of(size, weight).pos(anchor);
        // The library's box begins above the letters.
        let at = (px(x), px(y + size / 3));
        self.area
            .draw(&Text::new(text.to_owned(), at, style))
            .map_err(|e| self.fault(e))
    }

    /// `text`, cut in the middle until it is at most `width` wide.
    pub(super) fn fitted(&self, text: &str, width: u32, size: u32, weight: Weight) -> String {
        let whole: Vec<char> = text.chars().collect();
        let mut kept = whole.len();
        let mut shown = text.to_owned();
        while kept > 3 && self.width(&shown, size, weight) > width {
            kept -= 1;
            let (head, tail) = (kept - kept / 2, kept / 2);
            shown = whole[..head]
                .iter()
                .chain(&['…'])
                .chain(&whole[whole.len() - tail..])
                .collect();
        }
        shown
    }

    fn width(&self, text: &str, size: u32, weight: Weight) -> u32 {
        self.area
            .estimate_text_size(text, &type_of(size, weight))
            .map_or(0, |(width, _)| width / OVERSAMPLING)
    }

    /// A filled rectangle, for chips and separators.
    pub(super) fn fill(&self, place: Place, (r, g, b): (u8, u8, u8)) -> Result<()> {
        let corners = [
            (px(place.left), px(place.top)),
            (px(place.left + place.width), px(place.top + place.height)),
        ];
        self.area
            .draw(&Rectangle::new(corners, RGBColor(r, g, b).filled()))
            .map_err(|e| self.fault(e))
    }

    /// Draws one panel.
    pub(super) fn panel(&self, panel: &Panel, place: Place, detail: Detail) -> Result<()> {
        if !(is_drawable(&panel.x) && is_drawable(&panel.y)) {
            let at = (place.left + 12, place.top + place.height / 2);
            return self.text("out of any axis's range", at, 13, Weight::Quiet, false);
        }
        let area = self.area.clone().shrink(
            (px(place.left), px(place.top)),
            (place.width * OVERSAMPLING, place.height * OVERSAMPLING),
        );
        match detail {
            Detail::Full => self.full(panel, &area, place),
            Detail::Thumbnail => self.thumbnail(panel, &area, place),
        }
    }

    fn full(&self, panel: &Panel, area: &Area<'_>, place: Place) -> Result<()> {
        const MARGIN: u32 = 12;
        const NUMBERS: u32 = 56;
        const BOTTOM: u32 = 44;
        const RIGHT: u32 = 14;
        let small = type_of(12, Weight::Quiet);
        let (left, y_labels) = match &panel.y.scale {
            Scale::Names(names) => {
                let widths = names.iter().map(|name| self.width(name, 12, Weight::Quiet));
                (widths.max().unwrap_or(0) + 8, names.len() + 1)
            }
            _ => (NUMBERS, 6),
        };
        let legend = self.legend(panel, place)?;
        let inner = (
            place.width.saturating_sub(MARGIN + left + RIGHT),
            place.height - legend - BOTTOM,
        );
        let (x, y) = (x_range(panel, inner), panel.y.from..panel.y.to);
        let mut chart = ChartBuilder::on(area)
            .margin_top(legend * OVERSAMPLING)
            .margin_left(MARGIN * OVERSAMPLING)
            .margin_right(RIGHT * OVERSAMPLING)
            .set_label_area_size(LabelAreaPosition::Left, left * OVERSAMPLING)
            .set_label_area_size(LabelAreaPosition::Bottom, BOTTOM * OVERSAMPLING)
            .build_cartesian_2d(x, y)
            .map_err(|e| self.fault(e))?;
        let name = type_of(13, Weight::Regular);
        let (x_number, y_number) = (numbers(&panel.x), numbers(&panel.y));
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(OVERSAMPLING))
            .axis_style(AXIS.stroke_width(OVERSAMPLING))
            .label_style(small)
            .axis_desc_style(name)
            .x_labels(9)
            .y_labels(y_labels)
            .x_label_formatter(&x_number)
            .y_label_formatter(&y_number)
            .x_desc(panel.x.label.as_str())
            .y_desc(panel.y.label.as_str())
            .draw()
            .map_err(|e| self.fault(e))?;
        self.marks(panel, &mut chart, 1.0)
    }

    fn thumbnail(&self, panel: &Panel, area: &Area<'_>, place: Place) -> Result<()> {
        let (x, y) = (
            x_range(panel, (place.width, place.height)),
            panel.y.from..panel.y.to,
        );
        let mut chart = ChartBuilder::on(area)
            .build_cartesian_2d(x.clone(), y)
            .map_err(|e| self.fault(e))?;
        let ground = vec![(x.start, panel.y.from), (x.end, panel.y.from)];
        let line = PathElement::new(ground, AXIS.stroke_width(OVERSAMPLING));
        chart
            .plotting_area()
            .draw(&line)
            .map_err(|e| self.fault(e))?;
        self.marks(panel, &mut chart, 0.7)
    }

    /// The names of the marks, in rows from the top of the panel; answers their height.
    fn legend(&self, panel: &Panel, place: Place) -> Result<u32> {
        const INDENT: u32 = 68;
        let left = place.left + INDENT;
        let rows = self.key(&panel.series, (left, place.top + 2), place.width - INDENT)?;
        Ok(rows * ROW + 8)
    }

    /// A swatch and a name for each named mark, in rows from (left, top); answers how many.
    pub(super) fn key(
        &self,
        series: &[Series],
        (left, top): (u32, u32),
        width: u32,
    ) -> Result<u32> {
        const SIZE: u32 = 13;
        const SWATCH: u32 = 22;
        const GAP: u32 = 18;
        let (mut x, mut row) = (left, 0);
        for Series { mark, name } in series {
            let Some(name) = name else { continue };
            let length = SWATCH + 6 + self.width(name, SIZE, Weight::Regular);
            if x > left && x + length > left + width {
                (x, row) = (left, row + 1);
            }
            let y = top + row * ROW;
            self.swatch(mark, (x, y + 8), SWATCH)?;
            self.text(name, (x + SWATCH + 6, y), SIZE, Weight::Regular, false)?;
            x += length + GAP;
        }
        Ok(row + 1)
    }

    fn swatch(&self, mark: &Mark, (x, y): (u32, u32), width: u32) -> Result<()> {
        let colour = colour(mark.role());
        let drawn = match mark {
            Mark::Bars(..) => self.area.draw(&Rectangle::new(
                [(px(x), px(y - 5)), (px(x + width), px(y + 5))],
                colour.mix(0.45).filled(),
            )),
            Mark::Band(..) => self.area.draw(&Rectangle::new(
                [(px(x), px(y - 5)), (px(x + width), px(y + 5))],
                colour.mix(BAND).filled(),
            )),
            Mark::Dots(..) => self.area.draw(&Circle::new(
                (px(x + width / 2), px(y)),
                px(3),
                colour.filled(),
            )),
            Mark::Ticks(..) => self.area.draw(&Polygon::new(
                triangle((px(x + width / 2), px(y - 5)), 1.0),
                colour.filled(),
            )),
            Mark::Curve(..) => self.area.draw(&PathElement::new(
                vec![(px(x), px(y)), (px(x + width), px(y))],
                stroke(colour, line(mark.role())),
            )),
            Mark::Dashes(..) | Mark::Vertical(..) | Mark::Horizontal(..) => {
                let third = width / 3;
                let halves = [(x, x + third), (x + 2 * third, x + width)];
                halves.into_iter().try_for_each(|(from, to)| {
                    self.area.draw(&PathElement::new(
                        vec![(px(from), px(y)), (px(to), px(y))],
                        stroke(colour, 2.0),
                    ))
                })
            }
        };
        drawn.map_err(|e| self.fault(e))
    }

    fn marks(&self, panel: &Panel, chart: &mut Chart<'_, '_>, thickness: f64) -> Result<()> {
        panel
            .series
            .iter()
            .try_for_each(|series| self.mark(&series.mark, chart, thickness))
    }

    fn mark(&self, mark: &Mark, chart: &mut Chart<'_, '_>, thickness: f64) -> Result<()> {
        let area = chart.plotting_area();
        let (xs, ys) = (chart.x_range(), chart.y_range());
        let plot = (&xs, &ys);
        let hue = colour(mark.role());
        let drawn = match mark {
            Mark::Bars(_, bars) => bars
                .iter()
                .filter_map(|bar| clipped(bar, &xs, &ys))
                .try_for_each(|corners| {
                    area.draw(&Rectangle::new(corners, hue.mix(0.45).filled()))
                }),
            Mark::Band(_, points) => {
                let inside =
                    |x: f64, y: f64| (x.clamp(xs.start, xs.end), y.clamp(ys.start, ys.end));
                let low = points.iter().map(|&(x, low, _)| inside(x, low));
                let high = points.iter().rev().map(|&(x, _, high)| inside(x, high));
                let outline: Vec<_> = low.chain(high).collect();
                area.draw(&Polygon::new(outline, hue.mix(BAND).filled()))
            }
            // Piece by piece: the library lets the joints of sharp turns run out in spikes.
            Mark::Curve(role, points) => runs(points, plot)
                .iter()
                .flat_map(|run| run.windows(2))
                .try_for_each(|piece| {
                    let style = stroke(hue, line(*role) * thickness);
                    area.draw(&PathElement::new(piece.to_vec(), style))
                }),
            Mark::Dashes(_, points) => {
                dashes(area, points, plot).into_iter().try_for_each(|dash| {
                    area.draw(&PathElement::new(dash, stroke(hue, 2.0 * thickness)))
                })
            }
            Mark::Dots(_, points) => in_plot(points, plot).try_for_each(|&at| {
                let size = if points.len() > 60 { 2.2 } else { 3.5 };
                let radius = (size * thickness * f64::from(OVERSAMPLING)).round() as i32;
                area.draw(&Circle::new(at, radius, hue.filled()))
            }),
            Mark::Vertical(_, x) => dashes(area, &[(*x, ys.start), (*x, ys.end)], plot)
                .into_iter()
                .try_for_each(|dash| {
                    area.draw(&PathElement::new(dash, stroke(hue, 1.4 * thickness)))
                }),
            Mark::Horizontal(_, y) => dashes(area, &[(xs.start, *y), (xs.end, *y)], plot)
                .into_iter()
                .try_for_each(|dash| {
                    area.draw(&PathElement::new(dash, stroke(hue, 1.4 * thickness)))
                }),
            Mark::Ticks(_, values) => return self.ticks(values, hue, chart, thickness),
        };
        drawn.map_err(|e| self.fault(e))
    }

    /// A triangle on the axis for each value, and a count of those that lie beyond it.
    fn ticks(
        &self,
        values: &[f64],
        hue: RGBColor,
        chart: &Chart<'_, '_>,
        thickness: f64,
    ) -> Result<()> {
        let (xs, ys) = (chart.x_range(), chart.y_range());
        let (area, canvas) = (
            chart.plotting_area(),
            chart.plotting_area().strip_coord_spec(),
        );
        let (left, top) = canvas.get_base_pixel();
        for &value in values.iter().filter(|v| xs.contains(v)) {
            let (x, y) = area.map_coordinate(&(value, ys.start));
            let height = (10.0 * thickness * f64::from(OVERSAMPLING)) as i32;
            let tip = (x - left, y - top - height);
            let shape = Polygon::new(triangle(tip, thickness), hue.filled());
            canvas.draw(&shape).map_err(|e| self.fault(e))?;
        }
        let beyond: Vec<f64> = values.iter().copied().filter(|&v| v >= xs.end).collect();
        let Some(farthest) = beyond.iter().copied().reduce(f64::max) else {
            return Ok(());
        };
        let text = if thickness < 1.0 {
            format!("+{}", beyond.len())
        } else {
            format!(
                "{} beyond, up to {} →",
                beyond.len(),
                super::figure(farthest)
            )
        };
        let (width, _) = canvas.dim_in_pixel();
        let style = type_of(12, Weight::Regular)
            .color(&hue)
            .pos(Pos::new(HPos::Right, VPos::Top));
        let at = (width.cast_signed() - px(3), px(10));
        canvas
            .draw(&Text::new(text, at, style))
            .map_err(|e| self.fault(e))
    }
}

/// Whether the library can divide an axis. An audit that somebody wrote may hold any number,
/// and on some of them it never ends.
fn is_drawable(axis: &Axis) -> bool {
    let (span, largest) = (axis.to - axis.from, axis.from.abs().max(axis.to.abs()));
    span > 1e-9 * largest && (1e-100..1e100).contains(&span)
}

const fn px(length: u32) -> i32 {
    (length * OVERSAMPLING).cast_signed()
}

fn type_of(size: u32, weight: Weight) -> TextStyle<'static> {
    let (style, ink) = match weight {
        Weight::Regular => (FontStyle::Normal, INK),
        Weight::Bold => (FontStyle::Bold, INK),
        Weight::Quiet => (FontStyle::Normal, QUIET),
    };
    FontDesc::new(
        FontFamily::Name(FONT),
        f64::from(size * OVERSAMPLING),
        style,
    )
    .color(&ink)
}

/// Hues that stay apart for colour-blind eyes (Okabe & Ito 2008).
const fn colour(role: Role) -> RGBColor {
    match role {
        Role::Measured => RGBColor(0x2f, 0x7f, 0xb8),
        Role::Law => RGBColor(0x1d, 0x1f, 0x21),
        Role::Alternative => RGBColor(0xe0, 0x7b, 0x00),
        Role::Balanced => RGBColor(0x7a, 0x3e, 0xb1),
        Role::Outlier => RGBColor(0xc2, 0x3b, 0x22),
        Role::Reference => RGBColor(0x8a, 0x91, 0x99),
    }
}

/// What was measured is drawn wider, so that it shows below a law it follows.
const fn line(role: Role) -> f64 {
    match role {
        Role::Measured => 3.5,
        _ => 2.0,
    }
}

fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    let width = (width * f64::from(OVERSAMPLING)).round().max(1.0) as u32;
    colour.stroke_width(width)
}

/// A triangle that points up to `tip`.
fn triangle((x, y): (i32, i32), thickness: f64) -> Vec<(i32, i32)> {
    let size = |length: f64| (length * thickness * f64::from(OVERSAMPLING)).round() as i32;
    vec![
        (x, y),
        (x - size(4.0), y + size(9.0)),
        (x + size(4.0), y + size(9.0)),
    ]
}

/// The x range, stretched to the plot's own proportions where the panel fixes its units.
fn x_range(panel: &Panel, (width, height): (u32, u32)) -> Range<f64> {
    let end = panel.unit.map_or(panel.x.to, |unit| {
        let across = (panel.y.to - panel.y.from) / f64::from(height.max(1));
        panel.x.from + f64::from(width) * across / unit
    });
    panel.x.from..end
}

/// The part of a bar that lies in the plot.
fn clipped(bar: &Bar, xs: &Range<f64>, ys: &Range<f64>) -> Option<[(f64, f64); 2]> {
    let (from, to) = (bar.from.max(xs.start), bar.to.min(xs.end));
    let top = bar.height.min(ys.end);
    (from < to && top > ys.start).then_some([(from, ys.start), (to, top)])
}

/// Whether a point lies in the plot. Of one far outside it the library draws every step of the way.
fn is_in_plot(&(x, y): &(f64, f64), (xs, ys): Plot<'_>) -> bool {
    // The last point of a curve may be rounded past the end of its axis.
    let rounded = 1e-6 * (xs.end - xs.start);
    (xs.start - rounded..=xs.end + rounded).contains(&x) && (ys.start..=ys.end).contains(&y)
}

/// The points of a mark that lie in the plot.
fn in_plot<'a>(points: &'a [(f64, f64)], plot: Plot<'a>) -> impl Iterator<Item = &'a (f64, f64)> {
    points.iter().filter(move |point| is_in_plot(point, plot))
}

/// The parts of a curve that lie in the plot.
fn runs(points: &[(f64, f64)], plot: Plot<'_>) -> Vec<Vec<(f64, f64)>> {
    points
        .split(|point| !is_in_plot(point, plot))
        .filter(|run| run.len() > 1)
        .map(<[_]>::to_vec)
        .collect()
}

/// A curve cut into dashes of equal length on the picture.
fn dashes(
    area: &DrawingArea<BitMapBackend<'_>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    points: &[(f64, f64)],
    plot: Plot<'_>,
) -> Vec<Vec<(f64, f64)>> {
    const DASH: f64 = 7.0;
    const GAP: f64 = 4.0;
    let place = |p: &(f64, f64)| {
        let (x, y) = area.map_coordinate(p);
        (f64::from(x), f64::from(y))
    };
    let (dash, whole) = (
        DASH * f64::from(OVERSAMPLING),
        (DASH + GAP) * f64::from(OVERSAMPLING),
    );
    let mut found: Vec<Vec<(f64, f64)>> = Vec::new();
    let (mut travelled, mut open) = (0.0, false);
    for pair in points.windows(2) {
        let (a, b) = (place(&pair[0]), place(&pair[1]));
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        if !pair.iter().all(|point| is_in_plot(point, plot)) || length <= 0.0 {
            continue;
        }
        let steps = (length / 2.0).ceil();
        for i in 0..steps as usize {
            let at = |share: f64| {
                (
                    pair[0].0 + (pair[1].0 - pair[0].0) * share,
                    pair[0].1 + (pair[1].1 - pair[0].1) * share,
                )
            };
            let (from, to) = (i as f64 / steps, (i + 1) as f64 / steps);
            if travelled % whole < dash {
                match found.last_mut() {
                    Some(last) if open => last.push(at(to)),
                    _ => found.push(vec![at(from), at(to)]),
                }
                open = true;
            } else {
                open = false;
            }
            travelled += length / steps;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    // One unit of ν as long as 1/π of density: 300 pixels for a height of .6, so 500 per
    // unit of density and 159 per unit of ν.
    #[test]
    fn the_quarter_circle_is_round() {
        let mut panel = Panel::new(Axis::linear(0.0, 9.0, ""), Axis::linear(0.0, 0.6, ""));
        panel.unit = Some(std::f64::consts::FRAC_1_PI);
        let range = x_range(&panel, (477, 300));
        assert!((range.end - 477.0 * std::f64::consts::PI / 500.0).abs() < 1e-9);
    }

    #[test]
    fn an_axis_that_cannot_be_divided_is_not() {
        let of = |from, to| is_drawable(&Axis::linear(from, to, ""));
        assert!(of(0.0, 1e-30) && of(-4.0, 4.0) && of(1e9, 1e9 + 10.0));
        for (from, to) in [
            (1.7e308, 6.0),
            (-1e308, 1e308),
            (1.0, 1.0),
            (1e15, 1e15 + 1.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
        ] {
            assert!(!of(from, to), "{from} {to}");
        }
    }

    #[test]
    fn what_lies_outside_is_cut() {
        let bar = Bar {
            from: 1.0,
            to: 3.0,
            height: 5.0,
        };
        assert_eq!(
            clipped(&bar, &(0.0..2.0), &(0.0..4.0)),
            Some([(1.0, 0.0), (2.0, 4.0)])
        );
        assert_eq!(clipped(&bar, &(4.0..5.0), &(0.0..4.0)), None);
        let curve = [(0.0, 1.0), (1.0, 1.0), (2.0, 9.0), (3.0, 1.0), (4.0, 1.0)];
        assert_eq!(runs(&curve, (&(0.0..9.0), &(0.0..2.0))).len(), 2);
        assert_eq!(runs(&curve, (&(0.0..3.5), &(0.0..2.0))).len(), 1);
        let far = [(0.0, 1.0), (1e19, 1.0), (2.0, f64::NAN)];
        assert_eq!(in_plot(&far, (&(0.0..9.0), &(0.0..2.0))).count(), 1);
    }
}
