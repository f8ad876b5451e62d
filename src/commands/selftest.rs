//! `selftest`: planted truths through the whole road, expected and obtained side by side.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use randomlike::selftest::{self, Options, TRUTHS, Tried, Truth, Verdict};
use randomlike::verdict::FindingOutcome;
use serde::Serialize;

use super::{Done, FAILED, HOLDS, read_policy};
use crate::args::{Selftest, engine, limit_threads};
use crate::terminal::{self, Bar};

/// Layout version of `--json`.
const SCHEMA_VERSION: u32 = 1;

/// Runs the command.
pub fn run(args: &Selftest) -> Done {
    let truths = chosen(&args.kinds)?;
    let options = options(args)?;
    limit_threads(args.threads)?;
    let bar = Bar::new();
    let tried = selftest::run(&truths, &options, &mut |progress| {
        bar.stand(
            progress.planted,
            progress.index,
            progress.truths,
            progress.stage,
        );
    });
    bar.clear();
    let tried = tried?;
    let page = if args.json {
        object(&tried, options.seed)?
    } else {
        page(&tried)
    };
    terminal::print(page.as_bytes())?;
    Ok(if tried.iter().all(Tried::as_planted) {
        HOLDS
    } else {
        ExitCode::from(FAILED)
    })
}

fn options(args: &Selftest) -> Result<Options, Box<dyn Error>> {
    let default = Options::default();
    Ok(Options {
        seed: args.seed.unwrap_or(default.seed),
        engine: engine(args.engine)?,
        policy: read_policy(args.policy.as_deref())?,
    })
}

/// The truths of these kinds, or all.
fn chosen(kinds: &[String]) -> Result<Vec<Truth>, Box<dyn Error>> {
    for kind in kinds {
        if !TRUTHS.iter().any(|truth| truth.kind.to_string() == *kind) {
            let mut planted: Vec<String> = Vec::new();
            for truth in TRUTHS {
                let kind = truth.kind.to_string();
                if !planted.contains(&kind) {
                    planted.push(kind);
                }
            }
            let planted = planted.join(", ");
            return Err(format!("KIND cannot be `{kind}`; planted are {planted}").into());
        }
    }
    let is_chosen = |truth: &&Truth| kinds.is_empty() || kinds.contains(&truth.kind.to_string());
    Ok(TRUTHS.iter().filter(is_chosen).copied().collect())
}

fn page(tried: &[Tried]) -> String {
    let rows = tried.iter().map(row).collect();
    let header = ["", "planted", "must come out", "came out"];
    let mut page = terminal::table(&header, rows, &[]);
    let wrong: Vec<&Tried> = tried.iter().filter(|tried| !tried.as_planted()).collect();
    for tried in &wrong {
        let _ = write!(
            page,
            "\n{}\n{}",
            terminal::heading(&tried.truth.to_string()),
            mismatches(tried)
        );
    }
    let _ = write!(
        page,
        "\n{}",
        terminal::wrap(&summary(tried, wrong.len()), 0)
    );
    page
}

/// Failed checks a line each, then how many are skipped, then the label.
fn row(tried: &Tried) -> Vec<String> {
    let mark = if tried.as_planted() { "ok" } else { "NO" };
    let expected = |verdict: &Verdict| verdict.expected;
    let label = tried.label.as_ref();
    let must = Column {
        outcomes: outcomes(tried, expected),
        label: label.map(|label| label.expected.name()),
        nothing: tried.truth.leaves_nothing(),
    };
    let did = Column {
        outcomes: outcomes(tried, |verdict| verdict.obtained),
        label: label.map(|label| label.obtained.name()),
        nothing: tried.nothing_measured.is_some(),
    };
    vec![
        mark.to_owned(),
        tried.truth.to_string().replace(", ", "\n"),
        must.to_string(),
        did.to_string(),
    ]
}

/// What is shown of one side: an outcome that theory leaves open is not.
struct Column {
    outcomes: Vec<(&'static str, FindingOutcome)>,
    label: Option<&'static str>,
    nothing: bool,
}

fn outcomes(
    tried: &Tried,
    side: impl Fn(&Verdict) -> Option<FindingOutcome>,
) -> Vec<(&'static str, FindingOutcome)> {
    let told = tried.verdicts.iter().filter(|v| v.expected.is_some());
    told.filter_map(|verdict| Some((verdict.check.name(), side(verdict)?)))
        .collect()
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.nothing {
            return f.write_str("nothing measured");
        }
        let are = |outcome| self.outcomes.iter().filter(move |(_, it)| *it == outcome);
        for (check, _) in are(FindingOutcome::Fail) {
            writeln!(f, "{check}")?;
        }
        let skipped = are(FindingOutcome::Skipped).count();
        if skipped > 0 {
            writeln!(f, "{skipped} skipped")?;
        }
        write!(f, "[{}]", self.label.unwrap_or("no layer"))
    }
}

/// What did not come out as it must, in words with figures, and why it must.
fn mismatches(tried: &Tried) -> String {
    let mut text = String::new();
    for verdict in tried.verdicts.iter().filter(|v| !v.as_planted()) {
        let (must, did) = (verdict.expected.map_or("speak", verb), obtained(verdict));
        let _ = writeln!(text, "  {} must {must} and {did}", verdict.check.name());
        if verdict.obtained.is_some() {
            text += &terminal::wrap(&verdict.measured, 8);
            text += &terminal::wrap(&format!("limit: {}", verdict.limit), 8);
        }
    }
    if let Some(label) = tried.label.as_ref().filter(|label| !label.as_planted()) {
        let (must, is) = (label.expected.name(), label.obtained.name());
        text += &terminal::wrap(&format!("the label must be {must} and is {is}"), 2);
        text += &terminal::wrap(&label.reason, 8);
    }
    match &tried.nothing_measured {
        Some(reason) if !tried.truth.leaves_nothing() => {
            text += &terminal::wrap(&format!("nothing was measured: {reason}"), 2);
        }
        None if tried.truth.leaves_nothing() => {
            text += "  nothing must be measured, and something was\n";
        }
        _ => {}
    }
    if !tried.same_from_json {
        text += "  audit.json, read back, gives another judgement\n";
    }
    text + &terminal::wrap(
        &format!("By theory (docs/theory.md): {}.", tried.truth.why),
        2,
    )
}

const fn verb(outcome: FindingOutcome) -> &'static str {
    match outcome {
        FindingOutcome::Pass => "pass",
        FindingOutcome::Fail => "fail",
        FindingOutcome::Skipped => "be skipped",
    }
}

const fn obtained(verdict: &Verdict) -> &'static str {
    match verdict.obtained {
        Some(FindingOutcome::Pass) => "passed",
        Some(FindingOutcome::Fail) => "failed",
        Some(FindingOutcome::Skipped) => "was skipped",
        None => "said nothing",
    }
}

fn summary(tried: &[Tried], wrong: usize) -> String {
    let counts = Counts::of(tried);
    let open = match counts.open {
        0 => String::new(),
        open => format!(", {open} left open"),
    };
    let verdict = match wrong {
        0 => "all as planted".to_owned(),
        1 => "1 truth did not come out as planted".to_owned(),
        wrong => format!("{wrong} truths did not come out as planted"),
    };
    format!(
        "{}, {} and {}: {verdict}{open}.",
        terminal::counted(tried.len() as u64, "truth"),
        terminal::counted(counts.verdicts, "verdict"),
        terminal::counted(counts.labels, "label")
    )
}

/// How many things were compared.
#[derive(Serialize)]
struct Counts {
    verdicts: u64,
    open: u64,
    labels: u64,
}

impl Counts {
    fn of(tried: &[Tried]) -> Self {
        let all = || tried.iter().flat_map(|tried| &tried.verdicts);
        let open = all().filter(|v| v.expected.is_none()).count();
        Self {
            verdicts: (all().count() - open) as u64,
            open: open as u64,
            labels: tried.iter().filter(|tried| tried.label.is_some()).count() as u64,
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    schema_version: u32,
    seed: u64,
    as_planted: bool,
    counts: Counts,
    truths: Vec<TruthObject<'a>>,
}

#[derive(Serialize)]
struct TruthObject<'a> {
    as_planted: bool,
    #[serde(flatten)]
    tried: &'a Tried,
}

fn object(tried: &[Tried], seed: u64) -> Result<String, serde_json::Error> {
    let truths = tried.iter().map(|tried| TruthObject {
        as_planted: tried.as_planted(),
        tried,
    });
    let object = Object {
        schema_version: SCHEMA_VERSION,
        seed,
        as_planted: tried.iter().all(Tried::as_planted),
        counts: Counts::of(tried),
        truths: truths.collect(),
    };
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}
