//! Where `src/nulls/table.tsv` comes from: quantiles of the figures of spectra of Gaussian matrices
//! by shape.
//!
//! `cargo run --release --example spectrum_nulls > src/nulls/table.tsv`

use std::process::ExitCode;

use randomlike::nulls::{Figure, LEVELS, Null, Shape};

const USAGE: &str = "spectrum_nulls [--largest M] [--work W] [--seed S]";

struct Options {
    /// The largest M.
    largest: usize,
    /// Draws of an M are this over M², at least 200 and at most 4000.
    work: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!(
        "# cargo run --release --example spectrum_nulls -- --largest {} --work {} --seed {}",
        options.largest, options.work, options.seed
    );
    let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
    println!(
        "# M, N - M, then for each of {} the quantiles at {LEVELS:?}",
        names.join(", ")
    );
    let sizes = (3..)
        .map(|i| 1_usize << i)
        .take_while(|m| *m <= options.largest);
    for m in sizes {
        let powers = (0..)
            .map(|i| 1_usize << i)
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
    let draws = (options.work / (m * m)).clamp(200, 4000);
    let null = Null::simulated(Shape::new(m + gap, m)?, draws, options.seed).ok()??;
    let quantiles = Figure::ALL
        .into_iter()
        .flat_map(|figure| null.quantiles(figure))
        .map(|q| format!("{q:.4}"));
    let fields: Vec<String> = [m.to_string(), gap.to_string()]
        .into_iter()
        .chain(quantiles)
        .collect();
    Some(fields.join("\t"))
}

fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        largest: 512,
        work: 1 << 28,
        seed: 1,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--largest" => options.largest = value.parse().ok()?,
            "--work" => options.work = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(options)
}
