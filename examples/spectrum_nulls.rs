//! Where `src/nulls/normal.tsv` comes from: quantiles of the figures of spectra of Gaussian matrices
//! by shape.
//!
//! `cargo run --release --example spectrum_nulls > src/nulls/normal.tsv`

use std::process::ExitCode;

use randomlike::nulls::{Marginal, Null, Shape};

const USAGE: &str = "spectrum_nulls [--smallest M] [--largest M] [--work W] [--seed S]";
/// Sizes up to which N − M = 0, 1, 2, 4, …; beyond it goes in steps of four.
const CLOSE: usize = 1024;

struct Options {
    /// The smallest M, a power of two.
    smallest: usize,
    /// The largest M.
    largest: usize,
    /// Draws of an M are this over M², at least 32 and at most 4000.
    work: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!(
        "# cargo run --release --example spectrum_nulls -- --smallest {} --largest {} --work {} --seed {}",
        options.smallest, options.largest, options.work, options.seed
    );
    println!("{}", Null::header());
    let sizes = std::iter::successors(Some(options.smallest), |m| Some(2 * m))
        .take_while(|m| *m <= options.largest);
    for m in sizes {
        let step = if m > CLOSE { 4 } else { 2 };
        let powers = std::iter::successors(Some(1), |gap| Some(step * gap))
            .take_while(|gap| *gap <= 128 * m);
        for gap in std::iter::once(0).chain(powers) {
            let Some(row) = row(m, gap, &options) else {
                eprintln!("no spectra for {m} values of {}", m + gap);
                return ExitCode::FAILURE;
            };
            println!("{row}");
        }
        eprintln!("{m}");
    }
    ExitCode::SUCCESS
}

fn row(m: usize, gap: usize, options: &Options) -> Option<String> {
    let draws = (options.work / (m * m)).clamp(32, 4000);
    let null = Null::drawn(
        Marginal::Normal,
        Shape::new(m + gap, m)?,
        draws,
        options.seed,
    )
    .ok()??;
    Some(null.row(m, gap))
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        smallest: 8,
        largest: 16_384,
        work: 1 << 31,
        seed: 1,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--smallest" => options.smallest = value.parse().ok().filter(|m| *m > 0)?,
            "--largest" => options.largest = value.parse().ok()?,
            "--work" => options.work = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}
