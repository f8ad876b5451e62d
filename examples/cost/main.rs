//! What parts of an audit take against the side of a square layer of normal float32 weights, and
//! the figure of it.
//!
//! ```text
//! cargo run --release --example cost -- measure > docs/cost.tsv
//! cargo run --release --example cost -- draw docs/cost.tsv docs/figures/cost.png
//! ```
//!
//! The exact spectrum is of the default engine. Controls and shadow are what `inspect` spends on
//! them, from its second stage to its end without the digest of the file; `inspect` is the whole of
//! it with figures and report.

mod clock;
mod measure;
mod table;

use std::path::Path;
use std::process::ExitCode;

use randomlike::report::figures::{self, Cost};
use randomlike::report::write;
use randomlike::stats::PowerFit;

const USAGE: &str = "cost measure [--sizes N,N,...] [--turns T] [--seed S]\ncost draw TABLE FIGURE";

type Done = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.split_first() {
        Some((&"measure", rest)) => {
            measure::Options::of(rest).map(|options| measure::run(&options))
        }
        Some((&"draw", &[table, figure])) => Some(draw(Path::new(table), Path::new(figure))),
        _ => None,
    };
    match done {
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(fault)) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

/// Draws the figure and prints the fitted exponents as a table for docs/performance.md.
fn draw(from: &Path, to: &Path) -> Done {
    let text = std::fs::read_to_string(from)?;
    let costs = table::read(&text)?;
    let head = text.lines().next().unwrap_or_default();
    let figure = figures::cost_figure(&costs, head.trim_start_matches(['#', ' ']))?;
    write::write_file(to, |out| out.write_all(&figure.png))?;
    println!("| part | wall, from 1024 on | wall, all | CPU, from 1024 on | CPU, all |");
    println!("|---|---|---|---|---|");
    for Cost { part, wall, cpu } in &costs {
        let cells = [
            Cost::of_large(wall),
            PowerFit::fit(wall),
            Cost::of_large(cpu),
            PowerFit::fit(cpu),
        ];
        let cells = cells.map(|fit| fit.map_or("-".into(), |fit| format!("{:.2}", fit.exponent)));
        println!("| {part} | {} |", cells.join(" | "));
    }
    Ok(())
}
