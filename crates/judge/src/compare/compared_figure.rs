//! One figure on both sides, and its change in units of its own uncertainty.

use serde::{Deserialize, Serialize};

use randomlike_core::number_format::figure;
use randomlike_core::skip::Unmeasured;

/// A figure and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedFigure {
    /// Its name: section and field of `audit.json`, such as `weights.excess_kurtosis`.
    pub name: String,
    /// What is known of it.
    #[serde(flatten)]
    pub sides: FigureSides,
}

/// Where a figure is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum FigureSides {
    /// On both sides.
    Compared(FigureChange),
    /// On one: it has been lost on the way from A to B.
    OnlyInA {
        /// The figure in A.
        a: f64,
        /// Why B has none.
        #[serde(flatten)]
        reason: Unmeasured,
    },
    /// On one: B has it for the first time.
    OnlyInB {
        /// The figure in B.
        b: f64,
        /// Why A has none.
        #[serde(flatten)]
        reason: Unmeasured,
    },
    /// On neither.
    Skipped {
        /// Why A has none.
        #[serde(flatten)]
        reason: Unmeasured,
    },
}

/// A figure on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FigureChange {
    /// In A.
    pub a: f64,
    /// In B.
    pub b: f64,
    /// b − a.
    pub change: f64,
    /// √(error of a² + error of b²), as if both were independent draws; absent where no theory
    /// gives an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<f64>,
    /// The change in that unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<f64>,
}

/// A figure on one side, with its standard error where theory gives one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub value: f64,
    pub error: Option<f64>,
}

impl Reading {
    pub(super) const fn plain(value: f64) -> Self {
        Self { value, error: None }
    }

    pub(super) const fn with(value: f64, error: f64) -> Self {
        Self {
            value,
            error: Some(error),
        }
    }
}

impl ComparedFigure {
    /// The change, where both sides have the figure.
    pub const fn change(&self) -> Option<&FigureChange> {
        match &self.sides {
            FigureSides::Compared(change) => Some(change),
            _ => None,
        }
    }

    /// A, B, the change and the change in units, as tables write them; a dash where there is
    /// nothing to write.
    pub fn words(&self) -> [String; 4] {
        let dash = || "–".to_owned();
        let number = figure_format(&self.name);
        match &self.sides {
            FigureSides::Compared(change) => [
                number(change.a),
                number(change.b),
                signed(change.change, number),
                change
                    .units
                    .map_or_else(dash, |units| signed(units, hundredths)),
            ],
            FigureSides::OnlyInA { a, .. } => [number(*a), dash(), dash(), dash()],
            FigureSides::OnlyInB { b, .. } => [dash(), number(*b), dash(), dash()],
            FigureSides::Skipped { .. } => [dash(), dash(), dash(), dash()],
        }
    }
}

/// Figures that count something, written without decimals.
const COUNTS: [&str; 4] = [
    "non_finite",
    "spectrum.rank_loss",
    "spectrum.outliers_above",
    "spectrum.outliers_below",
];

/// Whether a figure counts something.
pub(crate) fn is_count(name: &str) -> bool {
    COUNTS.contains(&name)
}

/// How a figure of this name is written: counts without decimals.
pub fn figure_format(name: &str) -> fn(f64) -> String {
    if is_count(name) { whole } else { number }
}

fn whole(value: f64) -> String {
    format!("{value:.0}").replace('-', "−")
}

fn number(value: f64) -> String {
    figure(value).replace('-', "−")
}

/// To two decimals below 10, where a unit more or less matters, and three digits above.
fn hundredths(units: f64) -> String {
    if units.abs() >= 10.0 {
        return number(units);
    }
    let text = format!("{units:.2}");
    match text.as_str() {
        "0.00" | "-0.00" => "0".to_owned(),
        _ => text.replace('-', "−"),
    }
}

fn signed(value: f64, words: fn(f64) -> String) -> String {
    let text = words(value);
    if value > 0.0 && text != "0" {
        format!("+{text}")
    } else {
        text
    }
}

impl FigureSides {
    /// Of two sides, each with the figure or the reason for having none.
    pub(super) fn from_readings(
        a: Result<Reading, Unmeasured>,
        b: Result<Reading, Unmeasured>,
    ) -> Self {
        match (a, b) {
            (Ok(a), Ok(b)) => FigureChange::between(a, b).map_or_else(
                || Self::Skipped {
                    reason: Unmeasured::ChangeOutOfRange,
                },
                Self::Compared,
            ),
            (Ok(a), Err(reason)) => Self::OnlyInA { a: a.value, reason },
            (Err(reason), Ok(b)) => Self::OnlyInB { b: b.value, reason },
            (Err(reason), Err(_)) => Self::Skipped { reason },
        }
    }
}

impl FigureChange {
    fn between(a: Reading, b: Reading) -> Option<Self> {
        let change = b.value - a.value;
        let unit = a.error.zip(b.error).map(|(a, b)| a.hypot(b));
        // Constant entries have no error, and a change then no unit.
        let unit = unit.filter(|unit| *unit > 0.0 && unit.is_finite());
        let units = unit.map(|unit| change / unit).filter(|u| u.is_finite());
        change.is_finite().then_some(Self {
            a: a.value,
            b: b.value,
            change,
            unit: units.and(unit),
            units,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 3-4-5: errors of 3 and 4 make a unit of 5.
    #[test]
    fn a_change_by_hand() {
        let found =
            FigureChange::between(Reading::with(1.0, 3.0), Reading::with(11.0, 4.0)).unwrap();
        assert_eq!(
            (found.change, found.unit, found.units),
            (10.0, Some(5.0), Some(2.0))
        );
    }

    #[test]
    fn without_an_error_on_both_sides_there_is_no_unit() {
        let one = FigureChange::between(Reading::plain(1.0), Reading::with(2.0, 1.0)).unwrap();
        assert_eq!((one.change, one.unit, one.units), (1.0, None, None));
        let constant =
            FigureChange::between(Reading::with(1.0, 0.0), Reading::with(2.0, 0.0)).unwrap();
        assert_eq!((constant.unit, constant.units), (None, None));
    }

    #[test]
    fn words_of_a_table() {
        let of = |a, b| ComparedFigure {
            name: "x".into(),
            sides: FigureSides::from_readings(Ok(a), Ok(b)),
        };
        let more = of(Reading::with(1.0, 3.0), Reading::with(11.0, 4.0));
        assert_eq!(more.words(), ["1.00", "11.0", "+10.0", "+2.00"]);
        let less = of(Reading::with(1.0, 0.3), Reading::with(0.0, 0.4));
        assert_eq!(less.words(), ["1.00", "0", "−1.00", "−2.00"]);
        let little = of(Reading::with(0.0, 0.3), Reading::with(0.001, 0.4));
        assert_eq!(little.words(), ["0", "0.00100", "+0.00100", "0"]);
        let same = of(Reading::plain(1.0), Reading::plain(1.0));
        assert_eq!(same.words(), ["1.00", "1.00", "0", "–"]);
        let counted = ComparedFigure {
            name: "spectrum.outliers_above".into(),
            sides: FigureSides::from_readings(Ok(Reading::plain(18.0)), Ok(Reading::plain(0.0))),
        };
        assert_eq!(counted.words(), ["18", "0", "−18", "–"]);
    }

    #[test]
    fn what_is_missing_is_said_and_never_a_number() {
        let reading = || Ok(Reading::plain(1.0));
        let gone = || Err(Unmeasured::NoBias);
        let only = |sides: FigureSides| serde_json::to_value(sides).unwrap();
        let lost = only(FigureSides::from_readings(reading(), gone()));
        assert_eq!(
            lost,
            serde_json::json!({
                "status": "only-in-a",
                "a": 1.0,
                "reason": "not applicable: the layer has no bias",
                "reason_kind": "no-bias",
            })
        );
        assert_eq!(
            only(FigureSides::from_readings(gone(), reading()))["status"],
            "only-in-b"
        );
        assert_eq!(
            only(FigureSides::from_readings(gone(), gone()))["status"],
            "skipped"
        );
        let huge =
            FigureSides::from_readings(Ok(Reading::plain(-1.7e308)), Ok(Reading::plain(1.7e308)));
        assert!(matches!(huge, FigureSides::Skipped { .. }));
    }
}
