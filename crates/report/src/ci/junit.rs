//! JUnit XML, as GitLab and Jenkins read it: a suite a layer, a case a check.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Gate, LayerFindings, severity, subject};
use crate::sentences::{FindingSentences, finding_sentences};
use randomlike_core::display_names::{cut, harmless};
use randomlike_judge::verdict::{Finding, FindingOutcome, Severity};

/// Most characters of a name in an attribute.
const LONGEST: usize = 1000;

/// The whole document. Failures at level deny are failures; those at warn and allow are told in
/// the output of a case that passed; what was not judged is skipped, with the reason.
///
/// # Errors
/// None that writing to memory could have.
pub fn document(gate: &Gate<'_>) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let groups = gate.groups();
    let all = groups.iter().flat_map(|group| &group.findings).copied();
    let whole = Counts::count(all).attributes();
    writer
        .create_element("testsuites")
        .with_attribute(("name", "randomlike"))
        .with_attributes(whole.iter().map(|(key, count)| (*key, count.as_str())))
        .write_inner_content(|writer| {
            groups
                .iter()
                .filter(|group| !group.findings.is_empty())
                .try_for_each(|group| suite(writer, gate, group))
        })?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

/// How many cases came out how.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    skipped: usize,
}

impl Counts {
    fn count<'a>(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            counts.tests += 1;
            counts.failures += usize::from(is_failure(finding));
            counts.skipped += usize::from(finding.outcome == FindingOutcome::Skipped);
        }
        counts
    }

    fn attributes(&self) -> [(&'static str, String); 4] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", "0".to_owned()),
            ("skipped", self.skipped.to_string()),
        ]
    }
}

fn is_failure(finding: &Finding) -> bool {
    finding.outcome == FindingOutcome::Fail && finding.level == Severity::Deny
}

fn suite(
    writer: &mut Writer<Vec<u8>>,
    gate: &Gate<'_>,
    group: &LayerFindings<'_>,
) -> io::Result<()> {
    let name = attribute(group.layer.unwrap_or(&gate.audit.source.uri));
    let counts = Counts::count(group.findings.iter().copied()).attributes();
    writer
        .create_element("testsuite")
        .with_attribute(("name", name.as_str()))
        .with_attributes(counts.iter().map(|(key, count)| (*key, count.as_str())))
        .write_inner_content(|writer| {
            properties(writer, gate, group)?;
            group
                .findings
                .iter()
                .try_for_each(|finding| case(writer, &name, finding))
        })?;
    Ok(())
}

/// The label of a layer, of the checkpoint by what it was judged, and the numbers of the findings;
/// schemas of JUnit XML know properties of a suite alone.
fn properties(
    writer: &mut Writer<Vec<u8>>,
    gate: &Gate<'_>,
    group: &LayerFindings<'_>,
) -> io::Result<()> {
    let of_layer = group.label.map(|label| ("label", label.name().to_owned()));
    let notes = gate
        .judgement
        .notes
        .iter()
        .map(|note| ("note", note.clone()));
    let of_checkpoint = [("baseline", gate.baseline), ("policy", gate.policy)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.to_owned())))
        .chain(notes)
        .filter(|_| group.layer.is_none());
    let named = |(key, value): (&str, String)| (key.to_owned(), value);
    let known: Vec<_> = of_layer
        .into_iter()
        .chain(of_checkpoint)
        .map(named)
        .chain(group.findings.iter().copied().flat_map(numbers))
        .collect();
    if known.is_empty() {
        return Ok(());
    }
    writer
        .create_element("properties")
        .write_inner_content(|writer| {
            for (key, value) in known {
                writer
                    .create_element("property")
                    .with_attributes([("name", key.as_str()), ("value", &attribute(&value))])
                    .write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}

/// `weights-gaussian.ks` and its limit, where it has one.
fn numbers(finding: &Finding) -> Vec<(String, String)> {
    let mut numbers = Vec::new();
    for value in &finding.values {
        let name = format!("{}.{}", subject(finding), value.name);
        let limit = value
            .limit
            .map(|limit| (format!("{name}.limit"), limit.to_string()));
        numbers.push((name, value.value.to_string()));
        numbers.extend(limit);
    }
    numbers
}

fn case(writer: &mut Writer<Vec<u8>>, suite: &str, finding: &Finding) -> io::Result<()> {
    let name = attribute(&match finding.outcome {
        FindingOutcome::Fail => subject(finding),
        FindingOutcome::Pass | FindingOutcome::Skipped => finding.check.name().to_owned(),
    });
    let element = writer
        .create_element("testcase")
        .with_attributes([("classname", suite), ("name", &name)]);
    if finding.outcome == FindingOutcome::Pass {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        let FindingSentences {
            measured,
            limit,
            meaning,
        } = finding_sentences(finding);
        let message = attribute(&measured);
        if finding.outcome == FindingOutcome::Skipped {
            let skipped = writer.create_element("skipped");
            skipped
                .with_attribute(("message", message.as_str()))
                .write_empty()?;
            return Ok(());
        }
        let text = xml(&format!("{measured}\nlimit: {limit}\n{meaning}"));
        if is_failure(finding) {
            writer
                .create_element("failure")
                .with_attributes([("message", message.as_str()), ("type", &name)])
                .write_text_content(BytesText::new(&text))?;
        } else {
            let text = format!("{}: {text}", severity(finding.level));
            writer
                .create_element("system-out")
                .write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// One line that fits an attribute.
fn attribute(text: &str) -> String {
    xml(&cut(text, LONGEST))
}

/// `text` without what XML 1.0 forbids; the writer escapes the rest.
fn xml(text: &str) -> String {
    harmless(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;

    use super::super::tests::{hostile, mixed, with_gate};
    use super::*;
    use randomlike_core::audit::example as facts;

    /// Element names with their attributes, read back.
    fn read(text: &str) -> Vec<(String, Vec<(String, String)>)> {
        let mut reader = Reader::from_str(text);
        let mut elements = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return elements,
                Event::Start(tag) | Event::Empty(tag) => {
                    let attributes = tag.attributes().map(|attribute| {
                        let attribute = attribute.unwrap();
                        let value = quick_xml::escape::unescape(&attribute.value).unwrap();
                        (attribute.key.0.to_owned(), value.into_owned())
                    });
                    let attributes = attributes.collect();
                    elements.push((tag.name().0.to_owned(), attributes));
                }
                _ => {}
            }
        }
    }

    fn count(elements: &[(String, Vec<(String, String)>)], name: &str) -> usize {
        elements.iter().filter(|(tag, _)| tag == name).count()
    }

    #[test]
    fn a_gate_that_holds_has_no_failure() {
        let audit = facts::audit(vec![facts::layer("a")]);
        let text = with_gate(&audit, "", |gate| document(&gate).unwrap());
        let elements = read(&text);
        assert_eq!(count(&elements, "testsuite"), 2);
        assert_eq!(count(&elements, "testcase"), 10);
        assert_eq!(count(&elements, "failure") + count(&elements, "skipped"), 0);
        assert!(text.contains("<property name=\"label\" value=\"random-like\"/>"));
    }

    #[test]
    fn levels_are_failures_outputs_and_reasons() {
        let (text, failures) = with_gate(&mixed("odd"), "", |gate| {
            let failures = gate.judgement.count(FindingOutcome::Fail, Severity::Deny);
            (document(&gate).unwrap(), failures)
        });
        let elements = read(&text);
        assert!(failures > 0);
        assert_eq!(count(&elements, "failure"), failures);
        assert!(
            elements[0]
                .1
                .contains(&("failures".into(), failures.to_string()))
        );
        assert!(text.contains("<system-out>warning: "));
        assert!(text.contains("<skipped message=\"not measured: too small"));
        let noted =
            "weights-gaussian = { level = \"allow\" }\nquarter-circle = { level = \"allow\" }";
        let text = with_gate(&mixed("odd"), noted, |gate| document(&gate).unwrap());
        assert!(text.contains("<system-out>note: "));
    }

    #[test]
    fn names_are_text() {
        let text = with_gate(&mixed(&hostile()), "", |gate| document(&gate).unwrap());
        assert!(!text.contains(['\u{0}', '\u{1b}', '\u{ffff}', '\u{202e}', '\r']));
        assert!(!text.contains("<script") && !text.contains("]]>"));
        let elements = read(&text);
        assert_eq!(count(&elements, "testsuite"), 4);
        let named = |(_, attributes): &(String, Vec<(String, String)>)| {
            attributes.iter().any(|(key, value)| {
                key == "name"
                    && value.starts_with("</testcase>]]>\"'&amp;|")
                    && value.ends_with("xend")
            })
        };
        assert_eq!(elements.iter().filter(|element| named(element)).count(), 1);
    }
}
