//! The parts of an audit, timed.

use std::process::Command;
use std::time::Instant;

use randomlike::analysis::{self, measure_weights};
use randomlike::checkpoint::{Checkpoint, Entries};
use randomlike::linalg::{Engine, GRAM_FLOOR, Matrix, singular_values};
use randomlike::policy::Policy;
use randomlike::report::{Bundle, json, write};
use randomlike::synth::{self, Bias, Kind};
use randomlike::verdict::judge;

use crate::Done;
use crate::clock::{Clock, Seconds};
use crate::table::{HEADER, Row};

/// A small layer is measured until it has taken so many seconds, or so often.
const ENOUGH: f64 = 1.0;
const MOST: usize = 25;

pub struct Options {
    sizes: Vec<usize>,
    turns: usize,
    seed: u64,
}

impl Options {
    pub fn of(arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            sizes: vec![256, 512, 1024, 2048, 4096, 8192],
            turns: 3,
            seed: 1,
        };
        for pair in arguments.chunks(2) {
            match *pair {
                ["--sizes", sizes] => {
                    let sizes: Result<_, _> = sizes.split(',').map(str::parse).collect();
                    options.sizes = sizes.ok()?;
                }
                ["--turns", turns] => options.turns = turns.parse().ok()?,
                ["--seed", seed] => options.seed = seed.parse().ok()?,
                _ => return None,
            }
        }
        (options.turns > 0).then_some(options)
    }
}

/// The parts, in the order they are timed.
const PARTS: [&str; 4] = [
    "weights' statistics",
    "exact spectrum",
    "controls and shadow",
    "whole inspect",
];

/// Writes the table to standard output, a size at a time.
pub fn run(options: &Options) -> Done {
    println!("# {}", machine(options.seed));
    println!("{HEADER}");
    for &side in &options.sizes {
        for row in size(side, options)? {
            println!("{row}");
        }
    }
    Ok(())
}

fn size(side: usize, options: &Options) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("square.safetensors");
    let square = synth::Options {
        inputs: side,
        outputs: side,
        seed: options.seed,
        bias: Bias::Absent,
        ..synth::Options::default()
    };
    synth::write(Kind::Gaussian, &square, &file)?;
    let mut turns = Vec::new();
    let start = Instant::now();
    while turns.len() < options.turns
        || (turns.len() < MOST && start.elapsed().as_secs_f64() < ENOUGH)
    {
        turns.push(turn(&file, side)?);
    }
    let rows = PARTS.iter().enumerate();
    Ok(rows
        .map(|(at, part)| Row::of(side, part, turns.iter().map(|turn| turn[at])))
        .collect())
}

/// Seconds of every part, one after the other.
fn turn(
    file: &std::path::Path,
    side: usize,
) -> Result<[Seconds; PARTS.len()], Box<dyn std::error::Error>> {
    let (weights, spectrum) = alone(file, side)?;
    let whole = Clock::now();
    let checkpoint = Checkpoint::open(file)?;
    let mut beside = whole;
    let options = analysis::Options::default();
    let audit = analysis::measure(&checkpoint, &options, &mut |progress| {
        if progress.stage == "shadow" {
            beside = Clock::now();
        }
    })?;
    let beside = beside.elapsed();
    let judgement = judge(&audit, &Policy::default())?;
    let report = file.with_file_name("report");
    write::prepare(&report, json::AUDIT)?.commit(&Bundle::render(&audit, &judgement)?.files)?;
    let whole = whole.elapsed();
    let digest = Clock::now();
    checkpoint.digest()?;
    Ok([weights, spectrum, beside.less(digest.elapsed()), whole])
}

/// The weights' statistics and the spectrum, each by itself.
fn alone(
    file: &std::path::Path,
    side: usize,
) -> Result<(Seconds, Seconds), Box<dyn std::error::Error>> {
    let checkpoint = Checkpoint::open(file)?;
    let tensor = checkpoint.tensors().first().ok_or("no tensor")?;
    let Entries::F32(entries) = checkpoint.read(&tensor.tensor)? else {
        return Err("the square is not of float32".into());
    };
    let clock = Clock::now();
    measure_weights(&entries, (side, side));
    let weights = clock.elapsed();
    let matrix = Matrix::new(&entries, side, side).ok_or("the square is not square")?;
    let clock = Clock::now();
    let values = singular_values(matrix, Engine::Faer)?;
    let spectrum = clock.elapsed();
    if values.last() <= values.first().map(|s| s * GRAM_FLOOR).as_ref() {
        eprintln!("{side}: by the direct decomposition, which takes several times as long");
    }
    Ok((weights, spectrum))
}

/// Version, machine, date and seed.
fn machine(seed: u64) -> String {
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = facts.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    let date = Command::new("date").arg("+%F").output();
    let date = date.map_or_else(
        |_| "no date".to_owned(),
        |date| String::from_utf8_lossy(&date.stdout).trim().to_owned(),
    );
    format!(
        "randomlike {}; {}, {} threads; {date}; normal float32 squares, seed {seed}",
        env!("CARGO_PKG_VERSION"),
        name.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        rayon::current_num_threads(),
    )
}
