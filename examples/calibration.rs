//! Where docs/calibration.md comes from: how often chance alone raises each alarm, and how often
//! each planted truth does.
//!
//! `cargo run --release --example calibration > docs/calibration.md`

use std::fmt::Write as _;
use std::process::ExitCode;

use randomlike::Result;
use randomlike::calibration::{Alarm, Counts, Truth, alarms, balanced_alarms, verdicts};
use randomlike::label::Label;
use randomlike::nulls::Marginal;
use randomlike::verdict::Check;

const USAGE: &str = "calibration [--draws PERCENT] [--seed S]";

/// Inputs, outputs and draws.
const SHAPES: [(usize, usize, usize); 11] = [
    (64, 16, 2000),
    (32, 32, 2000),
    (512, 32, 2000),
    (64, 64, 2000),
    (64, 1024, 2000),
    (128, 128, 2000),
    (256, 128, 2000),
    (256, 256, 1000),
    (512, 256, 1000),
    (1024, 512, 300),
    (2048, 1024, 60),
];

const TRUTHS: [(Truth, usize, usize, usize); 29] = [
    (Truth::Spike(1.2), 1000, 500, 200),
    (Truth::Spike(1.4), 1000, 500, 200),
    (Truth::Spike(2.0), 1000, 500, 100),
    (Truth::Spike(1.4), 256, 128, 200),
    (Truth::Spike(2.0), 256, 128, 200),
    (Truth::Spike(2.0), 64, 64, 200),
    (Truth::LowRank(1.4), 1000, 500, 100),
    (Truth::LowRank(2.0), 256, 128, 200),
    (Truth::OutputScales(0.2), 1000, 500, 100),
    (Truth::OutputScales(0.2), 256, 128, 200),
    (Truth::Scales(0.1), 128, 128, 500),
    (Truth::Scales(0.3), 256, 64, 500),
    (Truth::Scales(0.5), 256, 128, 500),
    (Truth::Scales(1.0), 96, 384, 500),
    (Truth::Scales(1.0), 1000, 500, 60),
    (Truth::ScaledSpike(0.3), 256, 128, 200),
    (Truth::ScaledSpike(0.5), 256, 256, 200),
    (Truth::ScaledSpike(1.0), 1000, 500, 60),
    (Truth::Logistic, 200, 90, 500),
    (Truth::Independent(Marginal::Laplace), 128, 128, 200),
    (Truth::StudentT5, 128, 128, 200),
    (Truth::StudentT5, 512, 256, 100),
    (Truth::Independent(Marginal::Uniform), 256, 128, 500),
    (Truth::Independent(Marginal::Normal), 64, 64, 1000),
    (Truth::TenSigma(0.01), 1000, 500, 100),
    (Truth::TenSigma(0.01), 256, 128, 200),
    (Truth::Duplicated(0.1), 256, 128, 200),
    (Truth::Untouched, 256, 128, 1000),
    (Truth::Independent(Marginal::Normal), 256, 128, 1000),
];

fn main() -> ExitCode {
    let Some((percent, seed)) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match page(percent, seed) {
        Ok(page) => {
            print!("{page}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn page(percent: usize, seed: u64) -> Result<String> {
    let draws = |full: usize| (full * percent / 100).max(1);
    let mut page = HEAD.to_owned();
    let _ = writeln!(
        page,
        "Seed {seed}, {percent} % of the full number of draws.\n"
    );
    page += FALSE_ALARMS;
    page += &alarm_columns();
    let mut range = (f64::INFINITY, 0.0_f64);
    for law in Marginal::ALL {
        for (n, m, full) in SHAPES {
            let counts = alarms(Truth::Independent(law), (n, m), draws(full), seed)?;
            let rates = rates(&counts, n.min(m));
            let _ = writeln!(
                page,
                "| {} | {n}×{m} | {} | {rates} |",
                law.name(),
                counts.draws
            );
            eprintln!("{} {n}x{m}", law.name());
            if counts.draws >= 1000 {
                for alarm in told(n.min(m)) {
                    let rate = counts.alarm(alarm);
                    range = (range.0.min(rate), range.1.max(rate));
                }
            }
        }
    }
    let _ = writeln!(
        page,
        "\nWith 1000 draws and more the rates run from {:.2} to {:.2} %.\n",
        range.0, range.1
    );
    page += BALANCED;
    page += &alarm_columns();
    for law in Marginal::ALL {
        for (n, m, full) in SHAPES {
            // A draw is a matrix, and not its bidiagonal form.
            let full = (full / 2).min(100_000_000 / (n * m));
            let counts = balanced_alarms(Truth::Independent(law), (n, m), draws(full), seed)?;
            let rates = rates(&counts, n.min(m));
            let _ = writeln!(
                page,
                "| {} | {n}×{m} | {} | {rates} |",
                law.name(),
                counts.draws
            );
            eprintln!("balanced {} {n}x{m}", law.name());
        }
    }
    page.push('\n');
    page += DETECTION;
    for (truth, n, m, full) in TRUTHS {
        let counts = verdicts(truth, (n, m), draws(full), seed)?;
        let _ = writeln!(page, "{}", found(truth, (n, m), &counts));
        eprintln!("{truth} {n}x{m}");
    }
    page += FOOT;
    Ok(page)
}

/// The head of a table of alarms.
fn alarm_columns() -> String {
    let columns: Vec<&str> = Alarm::ALL.iter().map(|alarm| alarm.name()).collect();
    format!(
        "| entries | inputs × outputs | draws | {} |\n|---|---|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    )
}

/// Fewer than 32 values have no bulk.
fn told(values: usize) -> impl Iterator<Item = Alarm> {
    let told = move |alarm: &Alarm| values >= 32 || *alarm != Alarm::Bulk;
    Alarm::ALL.into_iter().filter(told)
}

fn rates(counts: &Counts, values: usize) -> String {
    let rate = |alarm| {
        let told = told(values).any(|told| told == alarm);
        told.then(|| format!("{:.2}", counts.alarm(alarm)))
    };
    let rates = Alarm::ALL.map(|alarm| rate(alarm).unwrap_or_else(|| "-".to_owned()));
    rates.join(" | ")
}

fn found(truth: Truth, (n, m): (usize, usize), counts: &Counts) -> String {
    let shown = [
        Alarm::KsMedian,
        Alarm::Wasserstein,
        Alarm::ScaleRatio,
        Alarm::Largest,
        Alarm::Smallest,
        Alarm::Bulk,
    ];
    let alarms = shown.map(|alarm| format!("{:.0}", counts.alarm(alarm)));
    let checks = [
        Check::QuarterCircle,
        Check::WeightsGaussian,
        Check::MovedFromInitialisation,
    ];
    let checks = checks.map(|check| format!("{:.0}", counts.fails(check)));
    let labels: Vec<String> = Label::ALL
        .into_iter()
        .filter(|&label| counts.label(label) > 0.0)
        .map(|label| format!("{} {:.0}", label.name(), counts.label(label)))
        .collect();
    format!(
        "| {truth} | {n}×{m} | {} | {} | {} | {} |",
        counts.draws,
        alarms.join(" | "),
        checks.join(" | "),
        labels.join(", ")
    )
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<(usize, u64)> {
    let (mut percent, mut seed) = (100, 1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--draws" => percent = value.parse().ok().filter(|p| *p > 0)?,
            "--seed" => seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some((percent, seed))
}

const HEAD: &str = "# Calibration: false alarms and misses

Written by `cargo run --release --example calibration > docs/calibration.md`; a test runs the
smaller shapes. `--draws 10` takes a tenth of the time. Every draw has a stream of its own of one
seed, so the page is the same whatever the number of threads.

";

const FALSE_ALARMS: &str = "## False alarms

Matrices of independent entries, in percent of the draws: a figure is beyond what one random matrix
in 100 reaches. *largest* and *smallest* are the tests of `spectral-edge`; *bulk* says that not all
of the spectrum is on the law, KS, largest and smallest value tested at 1 % together. The nulls are
those of normal entries, bent for the excess kurtosis of the matrix itself (uniform -1.2, t10 1,
Laplace 3); t10 entries took no part in making them.

";

const BALANCED: &str = "## False alarms, balanced

The same with the scales of rows and columns divided out, beside the nulls of balanced matrices of
that shape and of the excess kurtosis that is left.

";

const DETECTION: &str = "## Planted truths

In percent of the draws: the same alarms, three checks of the default policy that fail, and the
labels. A spike is a rank-one signal in units of the threshold s(NM)^(1/4), below which none can be
seen (Baik, Ben Arous & Péché 2005; Benaych-Georges & Nadakuditi 2012).

| planted | inputs × outputs | draws | KS | W₁ | scales | largest | smallest | bulk | `quarter-circle` | `weights-gaussian` | `moved-from-initialisation` | labels |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

const FOOT: &str = "
What it does not show: entries with an excess kurtosis above 3 have the nulls of Laplace entries,
which are then too narrow as stored; balancing takes most of such tails. What large entries do to the
largest singular value is told by the shuffled control.
";
