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
    fn names_cannot_steer_the_terminal() {
        assert_eq!(cut("a\u{1b}[31mb\n", 20), "a\u{fffd}[31mb\u{fffd}");
    }
}
