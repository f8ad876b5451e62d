//! `inspect`: audit, judge, draw.

use std::fmt::Write as _;

use randomlike::audit::{Audit, ChainFacts, LayerFacts, LayerShadow, Section, Spectrum};
use randomlike::label::Labelled;
use randomlike::report::ledger_sentences::TotalsOf;
use randomlike::report::sentences::finding_sentences;
use randomlike::report::{Bundle, fact_sentences, json, write};
use randomlike::verdict::{FindingOutcome, Judgement, judge};

use super::{Done, HOLDS, audit, read_policy};
use crate::args::Inspect;
use crate::terminal::{self, WIDTH};

const KEY: &str = "on law: share of the singular values on their law, as stored or with the scale \
    of each unit divided out, whichever is more. KS: distance of the weights to a bell curve. \
    spectrum: distance of the singular values to their law, relative to the null's 99th \
    percentile. Both as stored → with scales divided out.";

/// Runs the command.
pub fn run(args: &Inspect) -> Done {
    args.measuring.engine()?;
    let policy = read_policy(args.policy.as_deref())?;
    // A folder that cannot be written is refused before the long part.
    let destination = args
        .out
        .as_deref()
        .map(|out| write::prepare(out, json::AUDIT));
    let destination = destination.transpose()?;
    let audit = audit(&args.source, &args.measuring, args.deeper)?;
    let judgement = judge(&audit, &policy)?;
    if let Some(destination) = destination {
        destination.commit(&Bundle::render(&audit, &judgement)?.files)?;
    }
    if args.json {
        terminal::print(&json::audit(&audit, &judgement.labels)?)?;
    } else {
        terminal::print(page(args, &audit, &judgement).as_bytes())?;
    }
    Ok(HOLDS)
}

fn page(args: &Inspect, audit: &Audit, judgement: &Judgement) -> String {
    let mut page = format!(
        "{}\n{}",
        terminal::heading(&terminal::cut(&audit.source.uri, WIDTH)),
        super::ledger(&audit.whole_ledger(), TotalsOf::Audit),
    );
    let layers = terminal::counted(audit.layers.len() as u64, "layer");
    let tensors = terminal::counted(audit.source.tensors as u64, "tensor");
    let _ = writeln!(page, "{layers} of {tensors}\n");
    page += &overview(&audit.layers, &judgement.labels.layers);
    for (layer, labelled) in audit.layers.iter().zip(&judgement.labels.layers) {
        page.push('\n');
        page += &verdict(layer, labelled, judgement);
    }
    for facts in &audit.chains {
        page.push('\n');
        page += &chain(facts);
    }
    page.push('\n');
    page += &ending(args, audit);
    page
}

/// The table: a line a layer.
fn overview(layers: &[LayerFacts], labels: &[Labelled]) -> String {
    let header = ["layer", "in→out", "label", "on law", "KS", "spectrum"];
    let mut rows: Vec<Vec<String>> = {
        let layers = layers.iter().zip(labels);
        layers.map(|(layer, found)| row(layer, found)).collect()
    };
    let room = room(&header, &rows);
    for row in &mut rows {
        row[0] = terminal::cut(&row[0], room);
    }
    terminal::table(&header, rows, &[3, 4, 5]) + "\n" + &terminal::wrap(KEY, 0)
}

/// What the other columns leave for the names.
fn room(header: &[&str], rows: &[Vec<String>]) -> usize {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([header[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let others: usize = (1..header.len()).map(|column| width(column) + 2).sum();
    WIDTH.saturating_sub(others).max(8)
}

fn row(layer: &LayerFacts, labelled: &Labelled) -> Vec<String> {
    let balanced = layer.balanced.measured();
    let weights = layer.weights.measured();
    let stored = weights.and_then(|weights| weights.gaussian.as_ref());
    let left = balanced.and_then(|balanced| balanced.weights.measured());
    let short = |ks: f64| format!("{ks:.4}");
    let ks = both(
        stored.map(|facts| short(facts.ks)),
        left.map(|weights| short(weights.gaussian.ks)),
    );
    let times = |s: &Spectrum| format!("{:.1}×", s.ks_median / s.ks_null_q99);
    let spectrum = both(
        layer.spectrum.measured().map(times),
        balanced.and_then(|balanced| balanced.spectrum.measured().map(times)),
    );
    let share = labelled.share;
    vec![
        layer.name.clone(),
        format!("{}→{}", layer.fan_in, layer.fan_out),
        labelled.label.name().to_owned(),
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
        ks,
        spectrum,
    ]
}

/// A figure as stored → balanced, as far as they were measured.
fn both(stored: Option<String>, balanced: Option<String>) -> String {
    match (stored, balanced) {
        (Some(stored), Some(balanced)) => format!("{stored}→{balanced}"),
        (Some(stored), None) => stored,
        (None, _) => "-".to_owned(),
    }
}

/// The label with its reason, and a sentence for each check that did not pass.
fn verdict(layer: &LayerFacts, labelled: &Labelled, judgement: &Judgement) -> String {
    let mut text = terminal::heading(&terminal::cut(&layer.name, WIDTH)) + "\n";
    text += &terminal::wrap(
        &format!("{}: {}", labelled.label.name(), labelled.reason),
        2,
    );
    if let (Some(start), Some(word)) = (layer.start.measured(), labelled.start) {
        text += &terminal::wrap(&fact_sentences::start_in_short(start, word), 2);
        for sentence in fact_sentences::start(start) {
            text += &terminal::wrap(&sentence, 2);
        }
    }
    if let Some(decoded) = &layer.weight.decoded {
        text += &terminal::wrap(&format!("read as {decoded}"), 2);
    }
    let spectrum = layer.spectrum.measured();
    if let Some(chance) = spectrum.and_then(fact_sentences::spectrum_in_short) {
        text += &terminal::wrap(&chance, 2);
    }
    if let Some(distances) = layer
        .balanced
        .measured()
        .and_then(|balanced| fact_sentences::three_distances(layer, balanced))
    {
        text += &terminal::wrap(&distances, 2);
    }
    if let Some(controls) = layer.controls.measured() {
        text += &terminal::wrap(&fact_sentences::controls_in_short(controls), 2);
    }
    for sentence in layer
        .vectors
        .measured()
        .map_or_else(Vec::new, fact_sentences::vectors)
    {
        text += &terminal::wrap(&sentence, 2);
    }
    if let Some(shadow) = layer.shadow.measured() {
        text += &terminal::wrap(&in_reverse(shadow), 2);
    }
    let with = |outcome| {
        judgement
            .for_layer(&layer.name)
            .filter(move |finding| finding.outcome == outcome)
    };
    for finding in with(FindingOutcome::Fail) {
        let sentence = terminal::wrap(&finding_sentences(finding).meaning, 8);
        let _ = writeln!(text, "  {}  {}", terminal::mark(finding), sentence.trim());
    }
    let skipped: Vec<_> = with(FindingOutcome::Skipped)
        .map(|finding| finding.check.name())
        .collect();
    let mut rest = format!(
        "{} of {} checks pass",
        with(FindingOutcome::Pass).count(),
        judgement.for_layer(&layer.name).count()
    );
    if !skipped.is_empty() {
        let _ = write!(
            rest,
            "; not measured or not applicable: {}",
            skipped.join(", ")
        );
    }
    text + &terminal::wrap(&rest, 2)
}

/// What came back of codes sent down and up again.
fn in_reverse(shadow: &LayerShadow) -> String {
    format!(
        "in reverse: error {:.3} at k = {}, its weights shuffled {:.3}, ratio {:.2} ± {:.2}",
        shadow.layer.calibrated.relative_error.mean,
        shadow.k,
        shadow.controls.shuffled.calibrated.relative_error.mean,
        shadow.ratio.mean,
        shadow.ratio.error
    )
}

/// What came back along layers that feed each other.
fn chain(chain: &ChainFacts) -> String {
    let mut text = terminal::headed(&chain.layers.join(" → "));
    text += &match &chain.shadow {
        Section::Skipped { reason } => terminal::wrap(&format!("not run: {reason}"), 2),
        Section::Measured(facts) => terminal::wrap(
            &format!(
                "in reverse: error {:.3} at the top, {:.2} ± {:.2} times the shuffled chain's. {}",
                facts.top.relative_error.mean,
                facts.random.ratio.mean,
                facts.random.ratio.error,
                facts.theorem.words()
            ),
            2,
        ),
    };
    text
}

fn ending(args: &Inspect, audit: &Audit) -> String {
    let source = args.source.display();
    let mut text = String::new();
    let symmetry = audit.scale_symmetry();
    text += &terminal::wrap(&symmetry, 0);
    if let Some(premise) = audit.premise() {
        text += &terminal::wrap(&premise, 0);
    }
    if let Some(imports) = fact_sentences::imports(audit.source.imports()) {
        text += &terminal::wrap(&imports, 0);
    }
    if !audit.skipped.is_empty() {
        text += &terminal::wrap(
            &format!("`randomlike layers {source}` says why tensors were skipped."),
            0,
        );
    }
    text += &match &args.out {
        Some(out) => terminal::wrap(
            &format!(
                "Open {} to see it all; the pictures are in {}, every fact in {}.",
                out.join("report.html").display(),
                out.join("figures").display(),
                out.join("audit.json").display()
            ),
            0,
        ),
        None => terminal::wrap(
            "Add `--out DIR` for the pictures, report.html and audit.json.",
            0,
        ),
    };
    text
}
