//! What a person sees: text on standard output, everything else on standard error.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use randomlike::analysis::{Progress, time_left};
use randomlike::verdict::{Finding, FindingOutcome, Severity};
use textwrap::{Options, WordSeparator, WordSplitter};

pub use randomlike::display_names::{cut, harmless};

/// Columns of a page.
pub const WIDTH: usize = 80;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const DIM: Style = Style::new().dimmed();

/// Writes to standard output. A reader that went away wants no more, which is no fault.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells on standard error why the work could not be done.
pub fn complain(fault: &dyn Error) {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // Most messages already quote their cause.
        if !text.contains(&inner_text) {
            let _ = write!(text, "\n  because {inner_text}");
        }
        cause = inner.source();
    }
    // With standard error gone there is nowhere left to complain.
    let _ = writeln!(anstream::stderr(), "{RED}error:{RED:#} {}", harmless(&text));
}

/// Says something beside the output, on standard error.
pub fn remark(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", harmless(text));
}

/// `text` broken at spaces to fit the page, every line after `indent` spaces.
pub fn wrap(text: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let page = Options::new(WIDTH)
        .initial_indent(&margin)
        .subsequent_indent(&margin)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let text = harmless(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    textwrap::fill(&words.join(" "), page) + "\n"
}

/// `count` with a comma between thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `count` and the noun, in the plural unless there is one.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A heading in bold.
pub fn heading(text: &str) -> String {
    format!("{BOLD}{}{BOLD:#}", harmless(text))
}

/// A heading in bold, broken to fit the page.
pub fn headed(text: &str) -> String {
    let lines = wrap(text, 0);
    lines.lines().map(|line| heading(line) + "\n").collect()
}

/// A word of at most four letters for a finding, in its colour.
pub fn mark(finding: &Finding) -> String {
    let (word, style) = match (finding.outcome, finding.level) {
        (FindingOutcome::Pass, _) => ("pass", GREEN),
        (FindingOutcome::Skipped, _) => ("skip", DIM),
        (FindingOutcome::Fail, Severity::Deny) => ("FAIL", RED),
        (FindingOutcome::Fail, Severity::Warn) => ("warn", YELLOW),
        (FindingOutcome::Fail, Severity::Allow) => ("note", DIM),
    };
    format!("{style}{word}{style:#}")
}

/// A table without lines, two spaces between columns; `right` are the columns of numbers.
pub fn table(header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(header.to_vec())
        .add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// Progress over layers; hidden where standard error is no terminal.
pub struct Bar {
    bar: ProgressBar,
    clock: Arc<Mutex<Clock>>,
}

/// Steps of the bar that stand for the whole work.
const WHOLE: u64 = 1000;

impl Bar {
    /// A bar that shows nothing yet.
    pub fn new() -> Self {
        let bar = ProgressBar::new(WHOLE);
        let clock = Arc::new(Mutex::new(Clock::starting(Instant::now())));
        let template = "{bar:20} {prefix} {elapsed}{left} {msg}";
        if let Some(style) = style(template, Arc::clone(&clock)) {
            bar.set_style(style);
        }
        // A layer can take ten seconds: the clock shows that it is being worked on.
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, clock }
    }

    /// Where the work is.
    pub fn show(&self, progress: &Progress<'_>) {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.reach(progress.done, Instant::now());
        drop(clock);
        self.bar.set_position((progress.done * WHOLE as f64) as u64);
        self.tell(
            progress.layer,
            progress.index,
            progress.layers,
            progress.stage,
        );
    }

    /// At `stage` of the layer with this index, of so many that all take as long.
    pub fn stand(&self, layer: &str, index: usize, layers: usize, stage: &str) {
        self.bar
            .set_position(index as u64 * WHOLE / layers.max(1) as u64);
        self.tell(layer, index, layers, stage);
    }

    fn tell(&self, layer: &str, index: usize, layers: usize, stage: &str) {
        self.bar.set_prefix(format!("{index}/{layers}"));
        self.bar.set_message(format!("{}: {stage}", cut(layer, 24)));
    }

    /// A bar over steps of some work, with the time that is left.
    pub fn of_steps(work: &'static str) -> Self {
        let bar = Self::new();
        let template = "{msg}: {bar:20} {percent} % of {len} steps, about {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.bar.set_style(style);
        }
        bar.bar.set_message(work);
        bar
    }

    /// So many of so many steps are done.
    pub fn steps(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    /// Leaves the terminal as it was.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Progress over the bytes of files that are fetched, one after the other.
pub struct Download {
    bar: ProgressBar,
    clock: Arc<Mutex<Clock>>,
    /// The file, and its bytes that were there before.
    current: Option<(String, u64)>,
}

impl Download {
    /// Shows nothing until a file is known.
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            clock: Arc::new(Mutex::new(Clock::starting(Instant::now()))),
            current: None,
        }
    }

    /// So many bytes of a file are there.
    pub fn bytes(&mut self, file: &str, done: u64, of: u64) {
        let before = match &self.current {
            Some((current, before)) if current == file => *before,
            _ => {
                self.begin(file, done, of);
                done
            }
        };
        let fetched = done.saturating_sub(before) as f64;
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.reach(
            fetched / of.saturating_sub(before).max(1) as f64,
            Instant::now(),
        );
        drop(clock);
        self.bar.set_position(done);
    }

    /// A bar of its own for each file: nothing is drawn while one's numbers stand beside another's
    /// name.
    fn begin(&mut self, file: &str, done: u64, of: u64) {
        self.bar.finish_and_clear();
        self.clock = Arc::new(Mutex::new(Clock::starting(Instant::now())));
        self.current = Some((file.to_owned(), done));
        self.bar = ProgressBar::hidden();
        let template = "{msg}: {bar:20} {bytes} of {total_bytes}{left}";
        if let Some(style) = style(template, Arc::clone(&self.clock)) {
            self.bar.set_style(style);
        }
        self.bar.set_message(cut(file, 30));
        self.bar.set_length(of);
        self.bar.set_position(done);
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }

    /// Leaves the terminal as it was.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A style in which `{left}` is what the clock says.
fn style(template: &str, clock: Arc<Mutex<Clock>>) -> Option<ProgressStyle> {
    let style = ProgressStyle::with_template(template).ok()?;
    Some(style.with_key(
        "left",
        move |_: &ProgressState, out: &mut dyn fmt::Write| {
            let clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
            // A line of progress that cannot be written is drawn again soon.
            let _ = out.write_str(&clock.words(Instant::now()));
        },
    ))
}

/// When the work began, and what was left of it when something was last heard of it.
struct Clock {
    began: Instant,
    left: Option<(Instant, Duration)>,
}

impl Clock {
    const fn starting(began: Instant) -> Self {
        Self { began, left: None }
    }

    fn reach(&mut self, done: f64, now: Instant) {
        let left = time_left(now - self.began, done);
        self.left = left.map(|left| (now, left));
    }

    fn words(&self, now: Instant) -> String {
        self.left.map_or_else(String::new, |(heard, left)| {
            format!(", {}", rest(left.saturating_sub(now - heard)))
        })
    }
}

/// `about 3 min left`: two figures at most, for it is an estimate.
fn rest(left: Duration) -> String {
    match left.as_secs() {
        0 => "nearly done".to_owned(),
        seconds @ 1..90 => format!("about {seconds} s left"),
        seconds @ 90..5400 => format!("about {} min left", (seconds + 30) / 60),
        seconds => format!("about {} h left", (seconds + 1800) / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 58_631_144].map(grouped),
            ["0", "999", "1,000", "58,631,144"]
        );
    }

    #[test]
    fn what_is_left_has_two_figures() {
        let words = |seconds| rest(Duration::from_secs(seconds));
        assert_eq!(words(0), "nearly done");
        assert_eq!(words(89), "about 89 s left");
        assert_eq!(words(91), "about 2 min left");
        assert_eq!(words(5399), "about 90 min left");
        assert_eq!(words(9000), "about 3 h left");
    }

    // The bar's tick draws between two words of the work.
    #[test]
    fn the_clock_runs_down_and_is_silent_at_first() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let mut clock = Clock::starting(began);
        clock.reach(0.001, after(60));
        assert_eq!(clock.words(after(60)), "");
        clock.reach(0.5, after(60));
        assert_eq!(clock.words(after(60)), ", about 60 s left");
        assert_eq!(clock.words(after(91)), ", about 29 s left");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(
            [counted(1, "layer"), counted(1200, "layer")],
            ["1 layer", "1,200 layers"]
        );
    }

    #[test]
    fn lines_fit_the_page() {
        let text = "word ".repeat(60);
        assert!(
            wrap(&text, 6)
                .lines()
                .all(|line| line.len() <= WIDTH && line.starts_with("      word"))
        );
        assert_eq!(wrap("one", 2), "  one\n");
    }
}
