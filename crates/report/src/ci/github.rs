//! GitHub Actions: annotations as workflow commands, and the job's summary as Markdown.

use std::fmt::Write as _;

use super::super::fact_sentences;
use super::{Gate, LayerFindings, SHOWN, in_one_line, severity};
use randomlike_core::display_names::{cut, harmless};
use randomlike_judge::verdict::{Finding, FindingOutcome, Severity};

/// Most layers in the summary; GitHub refuses one above 1 MiB.
const ROWS: usize = 500;

/// A workflow command for each failure, and the verdict in a sentence.
pub fn commands(gate: &Gate<'_>) -> String {
    let mut text = String::new();
    for finding in &gate.judgement.findings {
        if finding.outcome == FindingOutcome::Fail {
            text += &command(gate.file, finding);
        }
    }
    let _ = writeln!(text, "{}", fact_sentences::gate(gate.judgement));
    text
}

fn command(file: &str, finding: &Finding) -> String {
    let kind = match finding.level {
        Severity::Allow => "notice",
        Severity::Warn => "warning",
        Severity::Deny => "error",
    };
    let about = finding
        .layer
        .as_deref()
        .map_or_else(String::new, |layer| format!(": {}", cut(layer, SHOWN)));
    let title = format!("randomlike {}{about}", finding.check.name());
    format!(
        "::{kind} file={},title={}::{}\n",
        property(file),
        property(&title),
        data(&in_one_line(finding))
    )
}

/// The text of a command, with the escapes that end no line.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    let text = text.replace('\r', "%0D").replace('\n', "%0A");
    harmless(&text)
}

/// The value of a property, which a comma or a colon would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The job's summary: a table of the layers, those with failures first.
pub fn summary(gate: &Gate<'_>) -> String {
    let mut groups = gate.groups();
    groups.sort_by_key(|group| !has_failure(group));
    groups.retain(|group| group.layer.is_some() || has_failure(group));
    let mut text = format!("### randomlike: {}\n\n", markdown(gate.file));
    let beside = [("policy", gate.policy), ("baseline", gate.baseline)];
    for (what, named) in beside {
        if let Some(named) = named {
            let _ = writeln!(text, "{what}: {}  ", markdown(named));
        }
    }
    let _ = writeln!(text, "{}\n", fact_sentences::gate(gate.judgement));
    text += "| layer | label | failing checks |\n|---|---|---|\n";
    for group in groups.iter().take(ROWS) {
        text += &row(group);
    }
    if groups.len() > ROWS {
        let _ = writeln!(text, "\nand {} more layers", groups.len() - ROWS);
    }
    text + "\n"
}

fn failures<'a>(group: &LayerFindings<'a>) -> impl Iterator<Item = &'a Finding> {
    let failed = |finding: &&Finding| finding.outcome == FindingOutcome::Fail;
    group.findings.iter().copied().filter(failed)
}

fn has_failure(group: &LayerFindings<'_>) -> bool {
    failures(group).next().is_some()
}

fn row(group: &LayerFindings<'_>) -> String {
    let mut failing: Vec<_> = failures(group)
        .map(|finding| format!("{} ({})", finding.check.name(), severity(finding.level)))
        .collect();
    failing.dedup();
    format!(
        "| {} | {} | {} |\n",
        group
            .layer
            .map_or_else(|| "*the checkpoint*".to_owned(), markdown),
        group.label.map_or("", |label| label.name()),
        failing.join(", ")
    )
}

/// A name as text in a table: every sign that Markdown or HTML could read is an entity.
fn markdown(name: &str) -> String {
    let name = cut(name, SHOWN);
    // Only such a dot begins a link.
    let links = name.to_ascii_lowercase().contains("www.");
    name.chars().fold(String::new(), |mut text, c| {
        if c.is_ascii_punctuation() && (links || !matches!(c, '.' | '-')) {
            let _ = write!(text, "&#{};", u32::from(c));
        } else {
            text.push(c);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile, mixed, with_gate};
    use super::*;
    use randomlike_core::audit::example as facts;

    #[test]
    fn a_gate_that_holds_annotates_nothing() {
        let audit = facts::audit(vec![facts::layer("a")]);
        let (text, page) = with_gate(&audit, "", |gate| (commands(&gate), summary(&gate)));
        assert_eq!(
            text,
            "The gate holds: 0 failed, 0 warned, 10 passed, 0 skipped.\n"
        );
        assert!(page.contains("| a | random-like |  |"), "{page}");
        assert!(!page.contains("checkpoint"));
    }

    #[test]
    fn levels_are_errors_warnings_and_notices() {
        let text = with_gate(&mixed("a,b:c%"), "", |gate| commands(&gate));
        let title = "file=nets/a b.safetensors,title=randomlike weights-gaussian%3A a%2Cb%3Ac%25::";
        assert!(text.contains(&format!("::error {title}")), "{text}");
        assert!(text.contains("::warning file="));
        let lenient = "spectral-edge = { level = \"allow\" }";
        let text = with_gate(&mixed("odd"), lenient, |gate| commands(&gate));
        assert!(text.contains("::notice file="));
    }

    #[test]
    fn a_name_can_neither_begin_a_command_nor_markup() {
        let audit = mixed(&hostile());
        let (text, page) = with_gate(&audit, "", |gate| (commands(&gate), summary(&gate)));
        let (lines, last) = text.trim_end().rsplit_once('\n').unwrap();
        assert!(last.starts_with("The gate fails"));
        for line in lines.lines() {
            assert!(line.starts_with("::error file=") || line.starts_with("::warning file="));
            assert!(line.len() < 2000);
        }
        assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']));
        let rows = page.lines().filter(|line| line.starts_with('|'));
        for row in rows {
            assert_eq!(row.matches('|').count(), 4, "{row}");
        }
        assert!(!page.contains(['<', '`', '[', '@']), "{page}");
        assert!(!page.to_lowercase().contains("www."));
    }

    #[test]
    fn escapes_are_the_documented_ones() {
        assert_eq!(data("50 %: a,\r\nb\u{1b}"), "50 %25: a,%0D%0Ab\u{fffd}");
        assert_eq!(property("50 %: a,\n"), "50 %25%3A a%2C%0A");
    }

    #[test]
    fn failures_come_first_and_the_table_ends() {
        let mut layers: Vec<_> = (0..600).map(|i| facts::layer(&format!("l{i}"))).collect();
        layers[599] = mixed("odd").layers[1].clone();
        let page = with_gate(&facts::audit(layers), "", |gate| summary(&gate));
        let first = page.lines().find(|line| line.starts_with("| odd "));
        let said = "weights-gaussian (error), spectral-edge (warning)";
        assert!(first.unwrap().contains(said), "{first:?}");
        assert!(page.contains("and 100 more layers"));
    }
}
