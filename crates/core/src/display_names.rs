//! Names that come from strangers, in one line of text.

/// `text` without the control characters that a file's names could send to a terminal.
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

/// `name` in at most `width` characters, cut near its beginning: layers differ at the end.
pub fn cut(name: &str, width: usize) -> String {
    let name: Vec<char> = harmless(name).replace('\n', "\u{fffd}").chars().collect();
    if name.len() <= width || width == 0 {
        return name.into_iter().collect();
    }
    let head = (width - 1) / 4;
    let tail = width - 1 - head;
    name[..head]
        .iter()
        .chain(&['…'])
        .chain(&name[name.len() - tail..])
        .collect()
}

/// Names that are told one by one, and the room for each.
const TOLD: (usize, usize) = (5, 60);

/// The first of these names, and how many more there are; nothing where there are none.
pub fn some_of<'a>(all: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (count, width) = TOLD;
    let mut all = all.into_iter();
    let told: Vec<String> = all
        .by_ref()
        .take(count)
        .map(|name| cut(name, width))
        .collect();
    if told.is_empty() {
        return None;
    }
    Some(match all.count() {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_end() {
        assert_eq!(cut("classifier.1", 12), "classifier.1");
        assert_eq!(cut("model.layers.12.mlp.down_proj", 12), "mo…down_proj");
        assert_eq!(cut("änderung", 5), "ä…ung");
    }

    #[test]
    fn many_names_are_counted() {
        assert_eq!(some_of([]), None);
        assert_eq!(some_of(["a", "b"]).unwrap(), "a, b");
        assert_eq!(some_of(["a"; 7]).unwrap(), "a, a, a, a, a and 2 more");
        assert_eq!(some_of([&*"x".repeat(99)]).unwrap().chars().count(), 60);
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(cut("a\u{1b}[31mb\n", 20), "a\u{fffd}[31mb\u{fffd}");
    }
}
