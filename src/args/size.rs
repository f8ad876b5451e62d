//! Amounts of memory as people write them.

/// Bytes of a unit, in lower case.
const UNITS: [(&str, u64); 9] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
];

/// Bytes of `800MiB`, `2GB` or `1.5 GB`: a number and a unit.
pub fn bytes(text: &str) -> Result<u64, String> {
    let amount = || {
        let text = text.to_ascii_lowercase();
        let ends =
            |(unit, bytes): &(&str, u64)| Some((text.strip_suffix(unit)?.trim_end(), *bytes));
        let (number, unit) = UNITS
            .iter()
            .find_map(ends)
            .map(|(n, unit)| (n.to_owned(), unit))?;
        let is_plain = number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.');
        let number: f64 = number.parse().ok().filter(|_| is_plain)?;
        let bytes = number * unit as f64;
        (bytes >= 1.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
    };
    amount().ok_or_else(|| "give a number and a unit, such as 2GB or 800MiB".into())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn a_number_and_a_unit() {
        for (text, expected) in [
            ("2GB", 2_000_000_000),
            ("800MiB", 838_860_800),
            ("1.5 gb", 1_500_000_000),
            ("1TiB", 1_099_511_627_776),
            ("100kB", 100_000),
            ("12B", 12),
            ("0.5KiB", 512),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "2",
            "GB",
            "-2GB",
            "+2GB",
            "0GB",
            "0.1B",
            "1e3MB",
            "infGB",
            "nanGB",
            "1.2.3GB",
            "2 G",
            "2GBB",
            ".5GB",
            "999999999TB",
            "²GB",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
