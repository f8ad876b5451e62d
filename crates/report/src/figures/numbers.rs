//! How the numbers of an axis are written.

use super::panel::{Axis, Scale};

/// Writes a number of this axis; nothing where only powers or whole numbers are written.
pub(super) fn numbers(axis: &Axis) -> impl Fn(&f64) -> String + use<> {
    let (scale, span) = (axis.scale.clone(), axis.to - axis.from);
    move |&value| match &scale {
        Scale::Linear => linear(value, span),
        Scale::Log2 => power_of_two(value),
        Scale::Whole if (value - value.round()).abs() > 1e-6 => String::new(),
        Scale::Whole => format!("{value:.0}"),
        Scale::Names(_) if value < -1e-6 || (value - value.round()).abs() > 1e-6 => String::new(),
        Scale::Names(names) => names
            .get(value.round() as usize)
            .cloned()
            .unwrap_or_default(),
        Scale::Log10 if span < 2.5 => two_digits(value),
        Scale::Log10 => power_of_ten(value),
    }
}

/// As many decimals as the span of the axis asks for.
fn linear(value: f64, span: f64) -> String {
    let magnitude = (span / 10.0).log10().floor();
    if !(-5.0..6.0).contains(&magnitude) {
        return format!("{value:.1e}");
    }
    let decimals = (-magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    let text = if decimals > 0 {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    match text {
        "-0" => "0".to_owned(),
        text => text.replace('-', "−"),
    }
}

/// 0.0032 for −2.5.
fn two_digits(value: f64) -> String {
    let decimals = (1.0 - (value + 1e-9).floor()).max(0.0) as usize;
    format!("{:.decimals$}", 10_f64.powf(value))
}

/// 8 for 3; nothing between the powers and below 1.
fn power_of_two(value: f64) -> String {
    let whole = value.round();
    if (value - whole).abs() > 1e-6 || !(0.0..63.0).contains(&whole) {
        return String::new();
    }
    (1_u64 << whole as u32).to_string()
}

/// 10⁻³ for −3; nothing between the powers.
fn power_of_ten(value: f64) -> String {
    if (value - value.round()).abs() > 1e-6 {
        return String::new();
    }
    let raised = |c: char| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    let exponent: String = (value.round() as i64)
        .to_string()
        .chars()
        .map(raised)
        .collect();
    format!("10{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_axes() {
        assert_eq!(linear(0.25, 1.0), "0.2");
        assert_eq!(linear(-0.05, 0.4), "−0.05");
        assert_eq!([linear(-0.0, 8.0), linear(2.0, 8.0)], ["0", "2"]);
        assert_eq!(linear(2500.0, 9000.0), "2500");
        assert_eq!(power_of_ten(-3.0), "10⁻³");
        assert_eq!([power_of_two(3.0), power_of_two(0.5)], ["8", ""]);
        let whole = numbers(&Axis {
            scale: Scale::Whole,
            ..Axis::linear(0.6, 3.4, "")
        });
        assert_eq!([whole(&2.0), whole(&2.5)], ["2", ""]);
        let names = numbers(&Axis {
            scale: Scale::Names(vec!["a".into(), "b".into()]),
            ..Axis::linear(-0.5, 2.5, "")
        });
        assert_eq!(
            [-1.0, 0.0, 0.5, 1.0, 2.0].map(|x| names(&x)),
            ["", "a", "", "b", ""]
        );
        assert_eq!([two_digits(-2.5), two_digits(0.0)], ["0.0032", "1.0"]);
        assert_eq!([power_of_ten(-2.5), power_of_ten(-1e-9)], ["", "10⁰"]);
    }
}
