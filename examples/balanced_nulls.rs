//! Where `crates/maths/src/nulls/balanced_*.tsv` come from: quantiles of the figures of balanced
//! random matrices, of their entries and of their spectra.
//!
//! `cargo run --release --example balanced_nulls -- laplace > crates/maths/src/nulls/balanced_laplace.tsv`

use std::process::ExitCode;

use randomlike::nulls::{BalancedDraws, Marginal, Shape};

const SEED: u64 = 3;
const DRAWS: usize = 4000;
/// Most entries that are drawn for a row of the table.
const ENTRIES: usize = 1 << 31;

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    let law = [Marginal::Normal, Marginal::Uniform, Marginal::Laplace]
        .into_iter()
        .find(|law| Some(law.name()) == name.as_deref());
    let Some(law) = law else {
        eprintln!("balanced_nulls normal|uniform|laplace");
        return ExitCode::from(2);
    };
    println!(
        "# cargo run --release --example balanced_nulls -- {}",
        law.name()
    );
    println!("{}", BalancedDraws::header());
    for m in [8, 16, 32, 64, 128, 256] {
        for gap in [0, m / 8, m, 4 * m, 16 * m, 64 * m] {
            let draws = DRAWS.min(ENTRIES / ((m + gap) * m));
            let drawn = Shape::new(m + gap, m)
                .and_then(|shape| BalancedDraws::drawn(law, shape, draws, SEED).ok().flatten());
            let Some(drawn) = drawn else {
                eprintln!("no spectra for {m} values of {}", m + gap);
                return ExitCode::FAILURE;
            };
            println!("{}", drawn.row(m, gap));
        }
        eprintln!("{m}");
    }
    ExitCode::SUCCESS
}
