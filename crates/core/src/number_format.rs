//! Numbers as sentences, tables and pictures show them.

use std::fmt;

use crate::audit::NullFact;

/// `value` to three significant digits, without an exponent while it stays short.
pub fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-6.0..6.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = (2.0 - magnitude).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// How often chance goes as far as a fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Chance {
    /// So often, in percent.
    Percent(f64),
    /// Less often than this, in percent: where the tables end.
    Under(f64),
}

/// How often chance goes as far as this fact.
pub fn chance(fact: &NullFact) -> Chance {
    let ends = f64::from(u8::from(fact.low.is_some())) + f64::from(u8::from(fact.high.is_some()));
    // The tables end at .1 % on either side.
    if fact.p <= 1.000_1e-3 * ends {
        Chance::Under(0.1 * ends)
    } else {
        Chance::Percent(100.0 * fact.p)
    }
}

impl Chance {
    /// The percentage without its sign.
    pub fn percent(self) -> String {
        match self {
            Self::Percent(percent) => figure(percent),
            Self::Under(percent) => format!("under {percent:.1}"),
        }
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

/// `count noun`, in the plural unless there is one.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// `count` with a thin space between thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits() {
        let cases = [
            (0.0, "0"),
            (0.020_97, "0.0210"),
            (-0.634_5, "-0.634"),
            (1.5, "1.50"),
            (123.4, "123"),
            (12_345.0, "12345"),
            (1.234e-9, "1.23e-9"),
            (2.5e9, "2.50e9"),
        ];
        for (value, words) in cases {
            assert_eq!(figure(value), words);
        }
    }

    // The tables know .1 % on either side.
    #[test]
    fn chance_ends_where_the_tables_do() {
        let fact = |p, low| NullFact {
            observed: 1.0,
            median: 1.0,
            low,
            high: Some(2.0),
            p,
        };
        assert_eq!(chance(&fact(0.25, None)).to_string(), "25.0 %");
        assert_eq!(chance(&fact(0.001, None)).to_string(), "under 0.1 %");
        assert_eq!(chance(&fact(0.0015, None)).to_string(), "0.150 %");
        assert_eq!(chance(&fact(0.002, Some(0.5))).to_string(), "under 0.2 %");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [grouped(999), grouped(58_631_144)],
            ["999", "58\u{2009}631\u{2009}144"]
        );
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "value"), "1 value");
        assert_eq!(counted(0, "value"), "0 values");
    }
}
