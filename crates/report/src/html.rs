//! `report.html`: one file that opens offline, a section a layer, the verdict in words
//! beside each picture.

mod balanced;
mod controls;
mod spectrum;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::ledger_sentences::{self, TotalsOf};

use super::figures::{Figure, Figures, LayerFigures, label_and_share, label_colour};
use super::{fact_sentences, template};
use crate::Result;
use crate::sentences::{FindingSentences, finding_numbers, finding_sentences};
use randomlike_core::audit::{
    Audit, ChainFacts, ChainShadow, LayerFacts, Orientation, OrientationFrom, Section, Skipped,
};
use randomlike_core::number_format::{counted, figure, grouped};
use randomlike_core::shadow::{Estimate, LevelReturn, Recovery, Reversal};
use randomlike_judge::checks::Subject;
use randomlike_judge::label::{Label, Labelled};
use randomlike_judge::verdict::{Finding, FindingOutcome, Judgement, Severity};

const TEMPLATE: &str = include_str!("report.html");

/// The page's bytes.
pub fn page(audit: &Audit, judgement: &Judgement, figures: &Figures) -> Result<Vec<u8>> {
    template::render(
        "report.html",
        TEMPLATE,
        Page::new(audit, judgement, figures),
    )
}

#[derive(Serialize)]
struct Page<'a> {
    source: &'a str,
    tool: String,
    engine: &'static str,
    files: Vec<File<'a>>,
    /// "4 layers of 9 tensors and 674 604 parameters; 2 tensors skipped".
    counts: String,
    beside: Option<String>,
    premise: Option<String>,
    symmetry: String,
    imports: Option<String>,
    holds: bool,
    overview: Picture<'a>,
    whole: Vec<Verdict>,
    layers: Vec<Layer<'a>>,
    chains: Vec<Chain<'a>>,
    labels: Vec<LabelWord>,
    skipped: Vec<SkippedRow<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    bytes: String,
    sha256: &'a str,
    link: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Picture<'a> {
    alt: &'a str,
    base64: String,
}

#[derive(Serialize)]
struct Verdict {
    check: &'static str,
    outcome: &'static str,
    word: &'static str,
    #[serde(flatten)]
    sentences: FindingSentences,
    /// The numbers, unrounded.
    numbers: String,
}

/// Layers that feed each other.
#[derive(Serialize)]
struct Chain<'a> {
    name: String,
    /// Sizes, what was kept, and the theorem's conditions.
    drawn: Option<String>,
    picture: Option<Picture<'a>>,
    absent: Option<String>,
    ratio: Option<String>,
    levels: Vec<[String; 8]>,
}

#[derive(Serialize)]
pub(super) struct LabelWord {
    name: &'static str,
    colour: String,
    meaning: &'static str,
}

#[derive(Serialize)]
struct SkippedRow<'a> {
    tensor: &'a str,
    dtype: &'a str,
    shape: String,
    reason: String,
}

#[derive(Serialize)]
struct Layer<'a> {
    anchor: String,
    name: &'a str,
    shape: String,
    tensor: &'a str,
    dtype: &'a str,
    decoded: Option<&'a str>,
    orientation: String,
    label: LabelWord,
    share: String,
    reason: &'a str,
    passed: usize,
    failed: usize,
    skipped: usize,
    health: Vec<Verdict>,
    sections: Vec<PageSection<'a>>,
}

/// A picture, the verdicts that belong to it and the figures behind them.
#[derive(Serialize)]
struct PageSection<'a> {
    title: &'static str,
    /// What is seen, where the title does not say it.
    note: Option<&'static str>,
    picture: Option<Picture<'a>>,
    /// Whether there is a picture where something differs.
    drawn: bool,
    absent: Option<String>,
    /// What is to be read beside the picture where nothing is judged.
    words: Vec<String>,
    verdicts: Vec<Verdict>,
    figures: Vec<(&'static str, String)>,
}

impl<'a> Page<'a> {
    fn new(audit: &'a Audit, judgement: &'a Judgement, figures: &'a Figures) -> Self {
        let layers = audit.layers.iter().zip(&figures.layers).enumerate();
        let ledger = audit.whole_ledger();
        Self {
            source: &audit.source.uri,
            tool: format!("{} {}", audit.tool.name, audit.tool.version),
            engine: audit.settings.engine.name(),
            files: audit
                .source
                .files
                .iter()
                .map(|file| File {
                    path: &file.path,
                    bytes: grouped(file.bytes),
                    sha256: &file.sha256,
                    link: file.link.as_deref(),
                })
                .collect(),
            counts: format!(
                "{} of {}: {}",
                counted(audit.layers.len() as u64, "layer"),
                counted(audit.source.tensors as u64, "tensor"),
                ledger_sentences::totals(&ledger, TotalsOf::Audit),
            ),
            beside: ledger_sentences::beside(&ledger),
            premise: audit.premise(),
            symmetry: audit.scale_symmetry(),
            imports: fact_sentences::imports(audit.source.imports()),
            holds: !judgement.fails(),
            overview: picture(&figures.overview),
            whole: judgement.for_checkpoint().map(verdict).collect(),
            layers: layers
                .zip(&judgement.labels.layers)
                .map(|((i, (layer, figures)), labelled)| {
                    Layer::new(i, layer, labelled, judgement, figures)
                })
                .collect(),
            chains: audit
                .chains
                .iter()
                .zip(&figures.chains)
                .map(|(chain, figure)| Chain::new(chain, figure.as_ref()))
                .collect(),
            labels: Label::ALL.map(label_word).into(),
            skipped: audit.skipped.iter().map(skipped).collect(),
        }
    }
}

impl<'a> Chain<'a> {
    fn new(chain: &'a ChainFacts, figure: Option<&'a Figure>) -> Self {
        let measured = chain.shadow.measured();
        let list = |numbers: &[usize], between| {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            numbers.join(between)
        };
        Self {
            name: chain.layers.join(" → "),
            drawn: measured.map(|chain| {
                format!(
                    "{} units, k = {}; {}, seeded. {}",
                    list(&chain.sizes, " → "),
                    list(&chain.k, ", "),
                    counted(chain.trials as u64, "random code"),
                    chain.theorem.words()
                )
            }),
            picture: figure.map(picture),
            absent: reason(&chain.shadow),
            ratio: measured.map(|chain| with_error(&chain.random.ratio)),
            levels: measured.map_or_else(Vec::new, levels),
        }
    }
}

/// A row a level of the way up.
fn levels(chain: &ChainShadow) -> Vec<[String; 8]> {
    let descent = &chain.random;
    let rows = descent.levels.iter().enumerate().map(|(at, level)| {
        let error = |recovery: &Recovery| figure(recovery.relative_error.mean);
        let control = |levels: &[LevelReturn]| {
            let level = levels.get(at);
            level.map_or_else(|| "–".to_owned(), |level| error(&level.calibrated))
        };
        [
            level.level.to_string(),
            figure(level.nonzeros),
            with_error(&level.calibrated.relative_error),
            error(&level.no_bias),
            level
                .own_bias
                .as_ref()
                .map_or_else(|| "–".to_owned(), error),
            error(&level.dropout.calibrated),
            control(&descent.controls.shuffled),
            control(&descent.controls.gaussian),
        ]
    });
    rows.collect()
}

impl<'a> Layer<'a> {
    fn new(
        index: usize,
        layer: &'a LayerFacts,
        labelled: &'a Labelled,
        judgement: &'a Judgement,
        figures: &'a LayerFigures,
    ) -> Self {
        let count = |outcome| {
            let of_layer = judgement.for_layer(&layer.name);
            of_layer.filter(|f| f.outcome == outcome).count()
        };
        Self {
            anchor: format!("layer-{}", index + 1),
            name: &layer.name,
            shape: format!("{} in, {} out", layer.fan_in, layer.fan_out),
            tensor: &layer.weight.tensor,
            dtype: layer.weight.dtype.name(),
            decoded: layer.weight.decoded.as_deref(),
            orientation: orientation(layer),
            label: label_word(labelled.label),
            share: label_and_share(labelled),
            reason: &labelled.reason,
            passed: count(FindingOutcome::Pass),
            failed: count(FindingOutcome::Fail),
            skipped: count(FindingOutcome::Skipped),
            health: verdicts(judgement, layer, Subject::Entries),
            sections: [
                Some(PageSection {
                    title: "Edge weights",
                    note: None,
                    picture: figures.weights.as_ref().map(picture),
                    drawn: true,
                    absent: reason(&layer.weights),
                    words: Vec::new(),
                    verdicts: verdicts(judgement, layer, Subject::Weights),
                    figures: weight_figures(layer),
                }),
                Some(PageSection {
                    title: "Biases",
                    note: None,
                    picture: figures.biases.as_ref().map(picture),
                    drawn: true,
                    absent: reason(&layer.biases),
                    words: Vec::new(),
                    verdicts: verdicts(judgement, layer, Subject::Biases),
                    figures: bias_figures(layer),
                }),
                Some(PageSection {
                    title: "Singular values",
                    note: None,
                    picture: figures.spectrum.as_ref().map(picture),
                    drawn: true,
                    absent: reason(&layer.spectrum),
                    words: layer
                        .spectrum
                        .measured()
                        .map_or_else(Vec::new, fact_sentences::spectrum),
                    verdicts: verdicts(judgement, layer, Subject::Spectrum),
                    figures: spectrum::figures(layer),
                }),
                Some(PageSection {
                    title: "Up to the scales of units",
                    note: layer.balanced.measured().map(|_| balanced::UP_TO_SCALES),
                    picture: None,
                    drawn: false,
                    absent: reason(&layer.balanced),
                    words: layer.balanced.measured().map_or_else(Vec::new, |balanced| {
                        fact_sentences::balanced(layer, balanced)
                    }),
                    verdicts: Vec::new(),
                    figures: balanced::balanced(layer),
                }),
                Some(PageSection {
                    title: "Distance from the initialiser",
                    note: layer.start.measured().map(|_| balanced::START),
                    picture: None,
                    drawn: false,
                    absent: reason(&layer.start),
                    words: layer
                        .start
                        .measured()
                        .map_or_else(Vec::new, fact_sentences::start),
                    verdicts: Vec::new(),
                    figures: balanced::start(layer),
                }),
                Some(controls_part(layer, figures)),
                vectors_part(layer, figures),
                Some(PageSection {
                    title: "In reverse and forward again",
                    note: layer.shadow.measured().map(|_| IN_REVERSE),
                    picture: figures.shadow.as_ref().map(picture),
                    drawn: true,
                    absent: reason(&layer.shadow),
                    words: Vec::new(),
                    verdicts: verdicts(judgement, layer, Subject::Shadow),
                    figures: shadow_figures(layer),
                }),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}

fn controls_part<'a>(layer: &'a LayerFacts, figures: &'a LayerFigures) -> PageSection<'a> {
    let measured = layer.controls.measured();
    PageSection {
        title: "Beside what chance makes of its weights",
        note: measured.map(|_| controls::CONTROLS),
        picture: figures.controls.as_ref().map(picture),
        drawn: true,
        absent: reason(&layer.controls),
        words: measured.map_or_else(Vec::new, fact_sentences::controls),
        verdicts: Vec::new(),
        figures: controls::controls(layer),
    }
}

/// Nothing where vectors were not asked for.
fn vectors_part<'a>(layer: &'a LayerFacts, figures: &'a LayerFigures) -> Option<PageSection<'a>> {
    let vectors = layer.vectors.measured()?;
    Some(PageSection {
        title: "Singular vectors",
        note: Some(controls::VECTORS),
        picture: figures.vectors.as_ref().map(picture),
        drawn: true,
        absent: figures
            .vectors
            .is_none()
            .then(|| "no vector could be told from its neighbours".to_owned()),
        words: fact_sentences::vectors(vectors),
        verdicts: Vec::new(),
        figures: controls::vectors(layer),
    })
}

const IN_REVERSE: &str = "Sparse random codes h are sent down, x = r(αWh) with half of x dropped, \
    and up again, r(Wᵀx + b), b the best constant, chosen on other draws. The error is \
    ‖h̃ − h‖²/‖h‖²: 0 when all comes back, 1 when nothing does. The null is a random matrix: the \
    layer's own weights in random order, on the same codes. A layer on its null is random-like, \
    and so is one that was never trained: it is no praise. Where the shuffled weights return \
    nothing either, a ratio near 1 says nothing.";

pub(super) fn picture(figure: &Figure) -> Picture<'_> {
    Picture {
        alt: &figure.alt,
        base64: BASE64_STANDARD.encode(&figure.png),
    }
}

/// A mean and its standard error.
fn with_error(estimate: &Estimate) -> String {
    format!("{} ± {}", number(estimate.mean), number(estimate.error))
}

fn reason<T>(section: &Section<T>) -> Option<String> {
    match section {
        Section::Measured(_) => None,
        Section::Skipped { reason } => Some(reason.to_string()),
    }
}

fn verdicts(judgement: &Judgement, layer: &LayerFacts, subject: Subject) -> Vec<Verdict> {
    judgement
        .for_layer(&layer.name)
        .filter(|finding| finding.check.subject() == subject)
        .map(verdict)
        .collect()
}

fn verdict(finding: &Finding) -> Verdict {
    let (outcome, word) = match (finding.outcome, finding.level) {
        (FindingOutcome::Pass, _) => ("pass", "pass"),
        (FindingOutcome::Skipped, _) => ("skip", "not judged"),
        (FindingOutcome::Fail, Severity::Deny) => ("fail", "fail"),
        (FindingOutcome::Fail, Severity::Warn) => ("warn", "warning"),
        (FindingOutcome::Fail, Severity::Allow) => ("skip", "noted"),
    };
    Verdict {
        check: finding.check.name(),
        outcome,
        word,
        sentences: finding_sentences(finding),
        numbers: finding_numbers(finding).join("; "),
    }
}

pub(super) fn label_word(label: Label) -> LabelWord {
    let (r, g, b) = label_colour(label);
    LabelWord {
        name: label.name(),
        colour: format!("#{r:02x}{g:02x}{b:02x}"),
        meaning: label.meaning(),
    }
}

fn skipped(skipped: &Skipped) -> SkippedRow<'_> {
    let sides: Vec<String> = skipped
        .tensor
        .shape
        .iter()
        .map(ToString::to_string)
        .collect();
    SkippedRow {
        tensor: &skipped.tensor.tensor,
        dtype: skipped.tensor.dtype.name(),
        shape: sides.join("×"),
        reason: skipped.reason.to_string(),
    }
}

fn orientation(layer: &LayerFacts) -> String {
    let stored = match layer.orientation {
        Orientation::OutIn => "(out, in)",
        Orientation::InOut => "(in, out)",
    };
    let from = match layer.orientation_from {
        OrientationFrom::BiasLength => "the length of the bias",
        OrientationFrom::Naming => "the naming",
        OrientationFrom::Neighbours => "the sizes of the neighbouring layers",
        OrientationFrom::Assumption => return format!("{stored}, assumed: nothing tells"),
    };
    format!("{stored}, known from {from}")
}

fn weight_figures(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    let Some(w) = layer.weights.measured() else {
        return Vec::new();
    };
    let mut rows = vec![
        ("weights", grouped(w.count)),
        ("distinct values", grouped(w.distinct)),
        ("mean", number(w.mean)),
        ("sd", number(w.std)),
        (
            "min … max",
            format!("{} … {}", number(w.min), number(w.max)),
        ),
        ("exact zeros", share(w.zero_fraction)),
    ];
    rows.extend(w.skewness.map(|value| ("skewness", number(value))));
    if let Some(g) = &w.gaussian {
        rows.extend([
            ("excess kurtosis", number(g.excess_kurtosis)),
            ("KS to normal (floor)", with_floor(g.ks, g.ks_floor)),
            (
                "W₁/sd (floor)",
                with_floor(g.wasserstein, g.wasserstein_floor),
            ),
            ("negentropy, nats a weight", number(g.negentropy)),
            ("Anderson–Darling A²/count", number(g.anderson_darling)),
            ("QQ correlation", format!("{:.5}", g.qq_correlation)),
        ]);
    }
    if let Some(family) = &w.family {
        let gain = format!(
            "{} (+{} nats a weight)",
            family.best,
            number(family.best.gain)
        );
        rows.push(("best family", gain));
    }
    rows
}

fn bias_figures(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    let Some(b) = layer.biases.measured() else {
        return Vec::new();
    };
    let mut rows = vec![
        ("biases", grouped(b.count)),
        ("mean", number(b.mean)),
        ("sd", number(b.std)),
        ("median", number(b.median)),
        ("median absolute deviation", number(b.mad)),
        (
            "min … max",
            format!("{} … {}", number(b.min), number(b.max)),
        ),
        ("share above 0", share(b.positive_fraction)),
    ];
    rows.extend(b.cv.map(|value| ("sd/|mean|", number(value))));
    rows.extend(
        b.spread_ratio
            .map(|value| ("sd/(rms(W)·√fan_in)", number(value))),
    );
    rows.extend(
        b.mean_ratio
            .map(|value| ("|mean|/(rms(W)·√fan_in)", number(value))),
    );
    rows
}

fn shadow_figures(layer: &LayerFacts) -> Vec<(&'static str, String)> {
    let Some(s) = layer.shadow.measured() else {
        return Vec::new();
    };
    let error = |r: &Reversal| with_error(&r.calibrated.relative_error);
    let own = &s.layer;
    let theorem = if s.meets_the_theorem { "yes" } else { "no" };
    let mut rows = vec![
        (
            "k, ρ, draws",
            format!("{}, {}, {}", s.k, number(s.rho), s.trials),
        ),
        ("k < ρn < k², the theorem's condition", theorem.to_owned()),
        ("relative error", error(own)),
        ("theory, Gaussian matrix", number(s.predicted)),
        ("a Gaussian matrix", error(&s.controls.gaussian)),
        ("its weights shuffled", error(&s.controls.shuffled)),
        ("orders they were shuffled into", s.shuffles.to_string()),
        (
            "error over that of the shuffled weights",
            with_error(&s.ratio),
        ),
        ("cosine of h̃ and h", with_error(&own.calibrated.cosine)),
        ("gain before bias and ReLU", with_error(&own.gain)),
        (
            "positive coordinates found",
            with_error(&own.calibrated.support_recall),
        ),
        (
            "error without a bias",
            with_error(&own.no_bias.relative_error),
        ),
        (
            "error with half of x dropped again (theory)",
            format!(
                "{} ({})",
                with_error(&own.dropout.calibrated.relative_error),
                number(own.dropout.predicted)
            ),
        ),
    ];
    rows.extend(own.own_bias.as_ref().map(|r| {
        (
            "error with the layer's own bias",
            with_error(&r.relative_error),
        )
    }));
    rows
}

pub(super) fn number(value: f64) -> String {
    figure(value).replace('-', "−")
}

fn with_floor(value: f64, floor: f64) -> String {
    format!("{} ({})", number(value), number(floor))
}

pub(super) fn share(value: f64) -> String {
    format!("{} %", number(100.0 * value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;
    use randomlike_judge::policy::Policy;
    use randomlike_judge::verdict::{Check, judge};

    fn page_naming(name: &str) -> String {
        let mut audit = facts::audit(vec![facts::layer(name), facts::unmeasured("b")]);
        audit.source.uri = format!("{name}.safetensors");
        let judgement = judge(&audit, &Policy::default()).unwrap();
        let figures = Figures::draw(&audit, &judgement).unwrap();
        String::from_utf8(page(&audit, &judgement, &figures).unwrap()).unwrap()
    }

    #[test]
    fn every_layer_picture_and_verdict_is_on_the_page() {
        let html = page_naming("classifier.1");
        assert_eq!(html.matches("data:image/png;base64,").count(), 7);
        for check in Check::of_one_audit() {
            assert!(html.contains(check.name()), "{}", check.name());
        }
        assert!(html.contains("not measured: too small"));
        assert!(html.contains("assumes ReLU: nothing names the activation"));
    }

    #[test]
    fn names_are_text_and_the_page_asks_for_nothing() {
        let html = page_naming("<script>alert(1)</script>\"'");
        assert!(!html.contains("<script"));
        assert!(html.contains("&lt;script&gt;"));
        // One, by which the page forbids itself both.
        assert_eq!(html.matches("http-equiv").count(), 1);
        assert!(html.contains("default-src 'none'") && !html.contains("src=\"http"));
    }
}
