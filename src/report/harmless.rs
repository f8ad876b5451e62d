//! Names from strangers as text that does nothing.

/// The text without what moves a cursor, rings a bell or turns the direction of writing; lines stay.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            // What turns the direction of writing would turn the rest of the line too.
            let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if (c.is_control() && c != '\n') || turns {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_acts_is_replaced() {
        assert_eq!(
            harmless("a\u{1b}[2J\u{7}\r\nß\u{202e}"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}\nß\u{fffd}"
        );
    }
}
