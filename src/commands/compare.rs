//! `compare`: two checkpoints or audits side by side.

use std::error::Error;
use std::path::Path;

use randomlike::analysis::Progress;
use randomlike::audit::{Audit, Section};
use randomlike::checkpoint::Checkpoint;
use randomlike::compare::{
    self, ChainPair, ComparedAudit, ComparedFigure, Comparison, FigureSides, MatchedBy, Pair,
    Unmatched,
};
use randomlike::policy::Policy;
use randomlike::report::{Bundle, fact_sentences, json, write};

use super::{Done, HOLDS, is_audit, measure_undigested};
use crate::args::{Compare, Fetching, Measuring, limit_threads};
use crate::terminal::{self, Bar, WIDTH};

const KEY: &str = "size: norm of B − A over that of A. spectra: W₁ between the singular values, \
    over what two random matrices reach once in 100. most changed: the figure that moved by the \
    most of its own units, the standard error of the difference of two independent draws.";

const CAUTION: &str = "A and B are taken for independent draws. A fine-tune keeps most of A's \
    weights: chance cancels, and a change below one unit may still be a real one. A dash: no \
    theory gives the figure's error.";

/// Runs the command.
pub fn run(args: &Compare) -> Done {
    args.measuring.engine()?;
    let destination = args
        .out
        .as_deref()
        .map(|out| write::prepare(out, json::COMPARISON));
    let destination = destination.transpose()?;
    let sources = [
        Source::open(&args.a, args.measuring.fetching)?,
        Source::open(&args.b, args.measuring.fetching)?,
    ];
    refuse_idle_flags(&sources, &args.measuring)?;
    limit_threads(args.measuring.threads)?;
    let [a, b] = sources;
    let (a, b) = (a.measured(&args.measuring)?, b.measured(&args.measuring)?);
    let bar = Bar::new();
    let policy = Policy::default();
    let mut show = |progress: Progress<'_>| bar.show(&progress);
    let comparison = compare::compare(a.side(), b.side(), &policy, &mut show);
    bar.clear();
    let comparison = comparison?;
    if let Some(destination) = destination {
        let bundle = Bundle::of_comparison(&comparison, &a.audit, &b.audit)?;
        destination.commit(&bundle.files)?;
    }
    if args.json {
        terminal::print(&json::comparison(&comparison)?)?;
    } else {
        terminal::print(page(args, &comparison).as_bytes())?;
    }
    Ok(HOLDS)
}

/// One of the two as it was given.
enum Source {
    Audit(Box<Audit>),
    Checkpoint(Box<Checkpoint>),
}

/// One of the two with its facts.
struct MeasuredSource {
    audit: Audit,
    checkpoint: Option<Checkpoint>,
}

impl Source {
    fn open(path: &Path, fetching: Fetching) -> Result<Self, Box<dyn Error>> {
        Ok(if is_audit(path)? {
            Self::Audit(Box::new(json::read_audit(path)?))
        } else {
            Self::Checkpoint(Box::new(super::open(path, fetching)?))
        })
    }

    fn measured(self, measuring: &Measuring) -> Result<MeasuredSource, Box<dyn Error>> {
        Ok(match self {
            Self::Audit(audit) => MeasuredSource {
                audit: *audit,
                checkpoint: None,
            },
            Self::Checkpoint(checkpoint) => MeasuredSource {
                audit: measure_undigested(&checkpoint, measuring)?,
                checkpoint: Some(*checkpoint),
            },
        })
    }
}

impl MeasuredSource {
    const fn side(&self) -> ComparedAudit<'_> {
        ComparedAudit {
            audit: &self.audit,
            checkpoint: self.checkpoint.as_ref(),
        }
    }
}

/// Flags that would change nothing are a mistake of whoever typed them.
fn refuse_idle_flags(sources: &[Source; 2], measuring: &Measuring) -> Result<(), Box<dyn Error>> {
    let audits = sources.iter().all(|s| matches!(s, Source::Audit(_)));
    if audits && measuring.is_given() {
        return Err(
            "both sides are audits: their layers, engine and draws were chosen when they \
                    were measured, so `--conv`, `--include`, `--exclude`, `--min-size`, `--engine`, \
                    \
                    `--seed` and `--assume-relu` need a checkpoint on one side"
                .into(),
        );
    }
    Ok(())
}

fn page(args: &Compare, comparison: &Comparison) -> String {
    let side = |name: &str, uri: &str| {
        terminal::heading(&terminal::cut(&format!("{name}: {uri}"), WIDTH)) + "\n"
    };
    let mut page = side("A", &comparison.a.uri) + &side("B", &comparison.b.uri);
    page += &terminal::wrap(&counts(comparison), 0);
    for note in &comparison.notes {
        page += &terminal::wrap(note, 0);
    }
    page.push('\n');
    page += &overview(&comparison.layers);
    for pair in &comparison.layers {
        page.push('\n');
        page += &details(pair);
    }
    for pair in &comparison.chains {
        page.push('\n');
        page += &chain(pair);
    }
    page += &unmatched("A", &comparison.only_in_a);
    page += &unmatched("B", &comparison.only_in_b);
    page.push('\n');
    page += &terminal::wrap(CAUTION, 0);
    page + &ending(args)
}

fn counts(comparison: &Comparison) -> String {
    format!(
        "{} in both, {} in A only, {} in B only",
        terminal::counted(comparison.layers.len() as u64, "layer"),
        comparison.only_in_a.len(),
        comparison.only_in_b.len()
    )
}

/// The table: a line a pair.
fn overview(pairs: &[Pair]) -> String {
    let header = ["layer", "difference", "size", "spectra", "most changed"];
    let rows: Vec<Vec<String>> = pairs.iter().map(row).collect();
    terminal::table(&header, rows, &[2, 3]) + "\n" + &terminal::wrap(KEY, 0)
}

fn row(pair: &Pair) -> Vec<String> {
    let dash = || "–".to_owned();
    let difference = pair.difference.measured();
    let size = difference.and_then(|found| found.relative_norm);
    let most = pair.largest_change().filter(|(_, units)| *units != 0.0);
    vec![
        terminal::cut(&pair.a.name, 18),
        difference.map_or_else(dash, |found| found.kind.name().to_owned()),
        size.map_or_else(dash, share),
        pair.spectra.measured().map_or_else(dash, |found| {
            format!("{:.2}×", found.wasserstein / found.wasserstein_null_q99)
        }),
        most.map_or_else(dash, |(figure, _)| {
            let [.., units] = figure.words();
            format!("{} {units}", figure.name)
        }),
    ]
}

/// Four decimals, and an exponent where they would hide the size.
fn share(size: f64) -> String {
    if size > 0.0 && !(1e-3..1e4).contains(&size) {
        format!("{size:.1e}")
    } else {
        format!("{size:.4}")
    }
}

/// The difference in words, and every figure that is not the same on both sides.
fn details(pair: &Pair) -> String {
    let mut text = terminal::heading(&terminal::cut(&pair.name(), WIDTH)) + "\n";
    if pair.matched_by == MatchedBy::Shape {
        text += &terminal::wrap("matched by shape: the names differ", 2);
    }
    let labels = match (pair.a.label.name(), pair.b.label.name()) {
        (a, b) if a == b => format!("{a} in both"),
        (a, b) => format!("{a} in A, {b} in B"),
    };
    text += &terminal::wrap(&labels, 2);
    text += &terminal::wrap(&difference(pair), 2);
    text + &figures(&pair.figures)
}

/// What comes back along layers that feed each other.
fn chain(pair: &ChainPair) -> String {
    let mut text = terminal::headed(&pair.name());
    if pair.a != pair.b {
        text += &terminal::wrap(&format!("in B: {}", pair.b.join(" → ")), 2);
    }
    text + &figures(&pair.figures)
}

/// A table of those that are not the same on both sides, and a line on the others.
fn figures(figures: &[ComparedFigure]) -> String {
    let changed: Vec<&ComparedFigure> = figures.iter().filter(|f| is_changed(f)).collect();
    let text = if changed.is_empty() {
        String::new()
    } else {
        table(&changed)
    };
    text + &the_rest(figures)
}

fn difference(pair: &Pair) -> String {
    match &pair.difference {
        Section::Skipped { reason } => format!("difference not measured: {reason}"),
        Section::Measured(found) => {
            let sides = found
                .sides()
                .map_or_else(String::new, |told| format!(". {told}"));
            let weights = pair.a.fan_in * pair.a.fan_out;
            let identical = fact_sentences::identical(found, weights);
            let identical = identical.map_or_else(String::new, |same| format!("; {same}"));
            format!(
                "difference: {}: {}{identical}{sides}",
                found.kind.name(),
                found.kind_reason
            )
        }
    }
}

/// Whether the two sides differ: by their figure, or by having one.
fn is_changed(figure: &ComparedFigure) -> bool {
    match &figure.sides {
        FigureSides::Compared(change) => change.change != 0.0,
        FigureSides::OnlyInA { .. } | FigureSides::OnlyInB { .. } => true,
        FigureSides::Skipped { .. } => false,
    }
}

fn table(figures: &[&ComparedFigure]) -> String {
    let row = |figure: &&ComparedFigure| {
        let mut cells = vec![format!("  {}", figure.name)];
        cells.extend(figure.words());
        cells
    };
    let header = ["  figure", "A", "B", "change", "in its units"];
    terminal::table(&header, figures.iter().map(row).collect(), &[1, 2, 3, 4])
}

/// What is equal, and why the others are missing, in a line each.
fn the_rest(figures: &[ComparedFigure]) -> String {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for figure in figures {
        let line = match &figure.sides {
            FigureSides::Compared(change) if change.change == 0.0 => "are the same".to_owned(),
            FigureSides::Compared(_) => continue,
            FigureSides::OnlyInA { reason, .. } => format!("are not in B: {reason}"),
            FigureSides::OnlyInB { reason, .. } => format!("are not in A: {reason}"),
            FigureSides::Skipped { reason } => format!("are in neither: {reason}"),
        };
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => lines.push((line, 1)),
        }
    }
    let line = |(line, count): (String, usize)| {
        let (figures, line) = match count {
            1 => ("1 figure".to_owned(), line.replacen("are", "is", 1)),
            _ => (format!("{count} figures"), line),
        };
        terminal::wrap(&format!("{figures} {line}"), 2)
    };
    lines.into_iter().map(line).collect()
}

fn unmatched(side: &str, layers: &[Unmatched]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", terminal::heading(&format!("in {side} only")));
    for layer in layers {
        let line = format!(
            "{} {}→{}: {}",
            layer.name, layer.fan_in, layer.fan_out, layer.reason
        );
        text += &terminal::wrap(&line, 2);
    }
    text
}

fn ending(args: &Compare) -> String {
    let text = match &args.out {
        Some(out) => format!(
            "Open {} to see it all; the pictures are in {}, every fact in {}.",
            out.join("report.html").display(),
            out.join("figures").display(),
            out.join(json::COMPARISON).display()
        ),
        None => "Add `--out DIR` for the pictures, report.html and comparison.json.".to_owned(),
    };
    terminal::wrap(&text, 0)
}
