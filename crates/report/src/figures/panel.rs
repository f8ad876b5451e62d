//! What a plot shows, before it is drawn: axes and marks, no pixels.

/// What something stands for in a plot. Colours follow roles, so that the law is the same
/// colour in every figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What was measured.
    Measured,
    /// What the theory says.
    Law,
    /// Another law that fits better.
    Alternative,
    /// What was measured with the scales of units divided out.
    Balanced,
    /// What lies outside.
    Outlier,
    /// Lines to compare with.
    Reference,
}

/// One bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Its left end.
    pub from: f64,
    /// Its right end.
    pub to: f64,
    /// Its height.
    pub height: f64,
}

/// Something drawn in a plot.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A histogram.
    Bars(Role, Vec<Bar>),
    /// A line through points.
    Curve(Role, Vec<(f64, f64)>),
    /// A dashed line through points.
    Dashes(Role, Vec<(f64, f64)>),
    /// Points.
    Dots(Role, Vec<(f64, f64)>),
    /// The ground between two curves: x, the lower and the upper one.
    Band(Role, Vec<(f64, f64, f64)>),
    /// A dashed line across the plot at x.
    Vertical(Role, f64),
    /// A dashed line across the plot at y.
    Horizontal(Role, f64),
    /// Values marked below the curve, on the x axis; those beyond its end are counted there.
    Ticks(Role, Vec<f64>),
}

impl Mark {
    /// Whose colour it has.
    pub const fn role(&self) -> Role {
        match self {
            Self::Bars(role, _)
            | Self::Curve(role, _)
            | Self::Dashes(role, _)
            | Self::Dots(role, _)
            | Self::Band(role, _)
            | Self::Vertical(role, _)
            | Self::Horizontal(role, _)
            | Self::Ticks(role, _) => *role,
        }
    }
}

/// A mark and its line in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The mark.
    pub mark: Mark,
    /// Its line in the legend, if it has one.
    pub name: Option<String>,
}

/// How the ends of an axis are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scale {
    /// Values as they are.
    Linear,
    /// Values are decimal logarithms.
    Log10,
    /// Values are binary logarithms, and powers of two are written.
    Log2,
    /// Only whole numbers are written.
    Whole,
    /// A name at each whole number from 0.
    Names(Vec<String>),
}

/// One axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Value at its beginning.
    pub from: f64,
    /// Value at its end.
    pub to: f64,
    /// What is written beside it.
    pub label: String,
    /// How its ends are written.
    pub scale: Scale,
}

impl Axis {
    /// An axis of plain values.
    pub fn linear(from: f64, to: f64, label: &str) -> Self {
        Self {
            from,
            to,
            label: label.to_owned(),
            scale: Scale::Linear,
        }
    }
}

/// One plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// When set, one unit of x is drawn as long as this many units of y, and the x axis ends
    /// where the plot does.
    pub unit: Option<f64>,
    /// The marks, in the order they are drawn.
    pub series: Vec<Series>,
}

impl Panel {
    /// An empty plot.
    pub const fn new(x: Axis, y: Axis) -> Self {
        Self {
            x,
            y,
            unit: None,
            series: Vec::new(),
        }
    }

    /// Adds a mark with a line in the legend.
    #[must_use]
    pub fn named(mut self, mark: Mark, name: impl Into<String>) -> Self {
        self.series.push(Series {
            mark,
            name: Some(name.into()),
        });
        self
    }

    /// Adds a mark that needs no line in the legend.
    #[must_use]
    pub fn bare(mut self, mark: Mark) -> Self {
        self.series.push(Series { mark, name: None });
        self
    }
}

/// `f` at `count` + 1 equal steps from `from` to `to`.
pub fn trace(from: f64, to: f64, count: usize, f: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..=count)
        .map(|i| from + (to - from) * i as f64 / count as f64)
        .map(|x| (x, f(x)))
        .collect()
}

/// The outline of bars as steps, down to `base` at both ends and between bars that do not touch.
pub fn steps(bars: &[Bar], base: f64) -> Vec<(f64, f64)> {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for bar in bars {
        match steps.last() {
            Some(&(end, _)) if bar.from > end + 1e-9 * end.abs().max(1.0) => {
                steps.extend([(end, base), (bar.from, base)]);
            }
            None => steps.push((bar.from, base)),
            Some(_) => {}
        }
        steps.extend([(bar.from, bar.height), (bar.to, bar.height)]);
    }
    steps.extend(bars.last().map(|bar| (bar.to, base)));
    steps
}
