//! Amounts of memory as people write them.

use bytesize::ByteSize;

/// Bytes of `800MiB`, `2GB` or `1.5 GB`: a number and a unit.
pub fn bytes(text: &str) -> Result<u64, String> {
    // The library takes a number alone for bytes and `G` for `GB`.
    let is_whole = text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(['b', 'B']);
    let amount = text.parse().ok().filter(|_| is_whole);
    let bytes = amount.map(|amount: ByteSize| amount.as_u64());
    bytes
        .filter(|bytes| (1..u64::MAX).contains(bytes))
        .ok_or_else(|| "give a number and a unit, such as 2GB or 800MiB".into())
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
