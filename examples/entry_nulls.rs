//! Where `src/nulls/uniform.tsv` and `src/nulls/laplace.tsv` come from: quantiles of the figures
//! of spectra of matrices with independent entries of another law than the normal one.
//!
//! `cargo run --release --example entry_nulls -- laplace > src/nulls/laplace.tsv`

use std::process::ExitCode;

use randomlike::nulls::{Marginal, Null, Shape};

const SEED: u64 = 2;
const DRAWS: usize = 4000;

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    let law = Marginal::ALL
        .into_iter()
        .find(|law| Some(law.name()) == name.as_deref());
    let Some(law) = law else {
        eprintln!("entry_nulls uniform|laplace");
        return ExitCode::from(2);
    };
    println!(
        "# cargo run --release --example entry_nulls -- {}",
        law.name()
    );
    println!("{}", Null::header());
    for m in [8, 16, 32, 64, 128, 256] {
        for gap in [0, m / 8, m, 4 * m, 16 * m] {
            let null = Shape::new(m + gap, m)
                .and_then(|shape| Null::drawn(law, shape, DRAWS, SEED).ok().flatten());
            let Some(null) = null else {
                eprintln!("no spectra for {m} values of {}", m + gap);
                return ExitCode::FAILURE;
            };
            println!("{}", null.row(m, gap));
        }
        eprintln!("{m}");
    }
    ExitCode::SUCCESS
}
