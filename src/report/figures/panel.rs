//! What a plot shows, before it is drawn: axes and marks, no pixels.

/// The part something plays in a plot. Colours follow parts, so that the law is the same
/// colour in every figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What was measured.
    Measured,
    /// What the theory says.
    Law,
    /// Another law that fits better.
    Alternative,
    /// What lies outside.
    Outlier,
    /// Lines to compare with.
    Reference,
}

/// One bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    pub from: f64,
    pub to: f64,
    pub height: f64,
}

/// Something drawn in a plot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    Bars(Part, Vec<Bar>),
    Curve(Part, Vec<(f64, f64)>),
    Dashes(Part, Vec<(f64, f64)>),
    Dots(Part, Vec<(f64, f64)>),
    /// The ground between two curves: x, the lower and the upper one.
    Band(Part, Vec<(f64, f64, f64)>),
    /// A dashed line across the plot at x.
    Vertical(Part, f64),
    /// A dashed line across the plot at y.
    Horizontal(Part, f64),
    /// Values marked below the curve, on the x axis; those beyond its end are counted there.
    Ticks(Part, Vec<f64>),
}

impl Mark {
    pub(super) const fn part(&self) -> Part {
        match self {
            Self::Bars(part, _)
            | Self::Curve(part, _)
            | Self::Dashes(part, _)
            | Self::Dots(part, _)
            | Self::Band(part, _)
            | Self::Vertical(part, _)
            | Self::Horizontal(part, _)
            | Self::Ticks(part, _) => *part,
        }
    }
}

/// A mark and its line in the legend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub mark: Mark,
    pub name: Option<String>,
}

/// How the ends of an axis are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scale {
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
pub(super) struct Axis {
    pub from: f64,
    pub to: f64,
    pub label: String,
    pub scale: Scale,
}

impl Axis {
    pub(super) fn linear(from: f64, to: f64, label: &str) -> Self {
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
pub(super) struct Panel {
    pub x: Axis,
    pub y: Axis,
    /// When set, one unit of x is drawn as long as this many units of y, and the x axis ends
    /// where the plot does.
    pub unit: Option<f64>,
    pub series: Vec<Series>,
}

impl Panel {
    pub(super) const fn new(x: Axis, y: Axis) -> Self {
        Self {
            x,
            y,
            unit: None,
            series: Vec::new(),
        }
    }

    /// Adds a mark with a line in the legend.
    pub(super) fn named(mut self, mark: Mark, name: impl Into<String>) -> Self {
        self.series.push(Series {
            mark,
            name: Some(name.into()),
        });
        self
    }

    /// Adds a mark that needs no line in the legend.
    pub(super) fn bare(mut self, mark: Mark) -> Self {
        self.series.push(Series { mark, name: None });
        self
    }
}

/// `f` at `count` + 1 equal steps from `from` to `to`.
pub(super) fn trace(from: f64, to: f64, count: usize, f: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..=count)
        .map(|i| from + (to - from) * i as f64 / count as f64)
        .map(|x| (x, f(x)))
        .collect()
}
