//! How often a layer that drifted is called `untouched`, `barely-moved` or `moved`: the table of
//! docs/labels.md.
//!
//! `cargo run --release --example start_words -- 200`

use std::process::ExitCode;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::Result;
use randomlike::analysis::{Options, measure_entries};
use randomlike::policy::Policy;
use randomlike::start_word::StartWord;

/// Inputs and outputs: 10⁴, 10⁵ and 5·10⁵ weights, about.
const SHAPES: [(usize, usize); 3] = [(125, 80), (400, 250), (1024, 512)];
const DRIFTS: [f64; 5] = [0.0, 0.005, 0.02, 0.1, 0.3];

fn main() -> ExitCode {
    let draws = std::env::args().nth(1).and_then(|draws| draws.parse().ok());
    let Some(draws) = draws else {
        eprintln!("start_words DRAWS");
        return ExitCode::from(2);
    };
    println!("| law | weights | drift, of sd | untouched | barely-moved | moved |");
    println!("|---|---|---|---|---|---|");
    for is_uniform in [true, false] {
        for shape in SHAPES {
            for drift in DRIFTS {
                if let Err(fault) = row(is_uniform, shape, drift, draws) {
                    eprintln!("{fault}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    ExitCode::SUCCESS
}

/// Of so many layers, in percent.
fn row(is_uniform: bool, (n, m): (usize, usize), drift: f64, draws: u64) -> Result<()> {
    let policy = Policy::default();
    let options = Options {
        alone: true,
        ..Options::default()
    };
    let std = (1.0 / n as f64 / if is_uniform { 3.0 } else { 1.0 }).sqrt();
    let mut words = [0_u32; 3];
    for seed in 0..draws {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let normal = |rng: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(rng) };
        let entries: Vec<f64> = (0..n * m)
            .map(|_| {
                let drawn = if is_uniform {
                    3.0_f64.sqrt() * (2.0 * rng.random::<f64>() - 1.0)
                } else {
                    normal(&mut rng)
                };
                std * (drawn + drift * normal(&mut rng))
            })
            .collect();
        let audit = measure_entries(&entries, (n, m), &options)?;
        let start = audit.layers[0].start.measured();
        match start.map(|start| policy.rules().labels().start.word(start)) {
            Some(StartWord::Untouched) => words[0] += 1,
            Some(StartWord::BarelyMoved) => words[1] += 1,
            _ => words[2] += 1,
        }
    }
    let percent = words.map(|count| format!("{:.0}", 100.0 * f64::from(count) / draws as f64));
    let law = if is_uniform { "uniform" } else { "normal" };
    println!("| {law} | {} | {drift} | {} |", n * m, percent.join(" | "));
    Ok(())
}
