//! How far the density route is from all singular values, and what both take.
//!
//! A line for each matrix and seed: the largest distance of the two distribution functions beside
//! the bounds that are stated (99 % of the directions and resolution together; resolution
//! alone; what holds whatever the spectrum), KS and W₁ to the law of Marchenko and Pastur by both
//! routes, the worst moment and extreme values in units of their stated errors, and seconds
//! (processor seconds of the process beside them).
//!
//! `cargo run --release --example density_accuracy -- --shapes 1024x1024,4096x4096 --seeds 3`
//!
//! `--kinds gaussian,row-scales,power,duplicated,spikes` changes what is drawn, `--steps` and
//! `--probes` what is taken, `--large` draws one 8192×28672 matrix in bf16, `--density-only`
//! leaves the exact route out, to see the memory of the density route alone.

use std::process::ExitCode;
use std::time::Instant;

use half::bf16;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::linalg::density::{Bounded, Density, Options, Stored, density};
use randomlike::linalg::{Engine, Matrix, singular_values};
use randomlike::nulls::{Figure, Shape, of_values};
use rayon::prelude::*;

const USAGE: &str = "density_accuracy [--shapes NxM,...] [--kinds K,...] [--seeds S] \
                     [--steps K] [--probes P] [--large] [--density-only]";

struct Arguments {
    shapes: Vec<(usize, usize)>,
    kinds: Vec<String>,
    seeds: u64,
    steps: usize,
    probes: Option<usize>,
    large: bool,
    exact: bool,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!(
        "shape        kind        seed  distance   bound  resolution  widest   KS exact  KS density  \
         W1 exact  W1 density  moment  top/err  probes  exact s (cpu)  density s (cpu)  ratio"
    );
    let mut held = true;
    for &(rows, cols) in &arguments.shapes {
        for kind in &arguments.kinds {
            for seed in 0..arguments.seeds {
                held &= if arguments.large {
                    let entries: Vec<bf16> = drawn(kind, rows, cols, seed, bf16::from_f64);
                    line(&entries, (rows, cols), (kind, seed), &arguments).is_some()
                } else {
                    let entries: Vec<f32> = drawn(kind, rows, cols, seed, |x| x as f32);
                    line(&entries, (rows, cols), (kind, seed), &arguments).is_some()
                };
            }
        }
    }
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn line<T: Stored>(
    entries: &[T],
    (rows, cols): (usize, usize),
    (kind, seed): (&str, u64),
    arguments: &Arguments,
) -> Option<()> {
    let matrix = Matrix::new(entries, rows, cols)?;
    let options = Options {
        steps: arguments.steps,
        probes: arguments.probes,
        seed,
        ..Options::default()
    };
    let (found, seconds, cpu) = timed(|| density(matrix, &options).ok());
    let found = found?;
    let shape = Shape::new(rows, cols)?;
    let figures = of_values(&found.values(), shape)?;
    let of = |figure: Figure, figures: &randomlike::nulls::Figures| {
        figures.get(figure).unwrap_or(f64::NAN) / shape.m as f64
    };
    if !arguments.exact {
        let (top, bottom) = (found.top.first()?, found.bottom.first()?);
        println!(
            "{rows}x{cols} {kind} {seed}: bound {:.5} resolution {:.5} widest  {:.5} KS {:.5} probes {} \
             products {} top {:.5} within {:.1e} bottom {:.5} within {:.1e}, {seconds:.1} s, \
             cpu {cpu:.1} s, peak {}",
            found.error(),
            found.resolution,
            found.widest,
            of(Figure::KsMedian, &figures),
            found.probes,
            found.products,
            top.value,
            top.error / top.value,
            bottom.value,
            bottom.error / bottom.value,
            peak().unwrap_or_default()
        );
        return Some(());
    }
    let (exact, exact_seconds, exact_cpu) = timed(|| singular_values(matrix, Engine::Faer).ok());
    let exact = exact?;
    let figures_exact = of_values(&exact, shape)?;
    println!(
        "{:11}  {kind:10}  {seed:4}  {:8.5}  {:6.5}  {:10.5}  {:7.5}  {:8.5}  {:10.5}  {:8.5}  \
         {:10.5}  {:6.2}  {:7.2}  {:6}  {exact_seconds:6.1} ({exact_cpu:5.1})  {seconds:7.1} \
         ({cpu:5.1})  {:5.2}",
        format!("{rows}x{cols}"),
        distance(&found, &exact),
        found.error(),
        found.resolution,
        found.widest,
        of(Figure::KsMedian, &figures_exact),
        of(Figure::KsMedian, &figures),
        of(Figure::Wasserstein, &figures_exact),
        of(Figure::Wasserstein, &figures),
        worst_moment(&found, &exact),
        worst_end(&found, &exact),
        found.probes,
        cpu / exact_cpu,
    );
    for (which, ends, exact) in [
        ("top", &found.top, exact.first()?),
        ("bottom", &found.bottom, exact.last()?),
    ] {
        let Bounded { value, error } = ends.first()?;
        eprintln!("  {which} {value:.6} within {error:.1e}, exact {exact:.6}");
    }
    Some(())
}

/// Of the distribution functions, at the steps of the exact one, single precision of λ left
/// to each.
fn distance(found: &Density, exact: &[f64]) -> f64 {
    let size = exact.len() as f64;
    let rounding = |s: f64| (1e-6 * exact[0] * exact[0] / s).min(1e-3 * exact[0]);
    let gaps = exact.iter().rev().enumerate().map(|(i, &s)| {
        let below = found.cdf(s - rounding(s)) - i as f64 / size;
        f64::max(below, (i + 1) as f64 / size - found.cdf(s + rounding(s)))
    });
    gaps.fold(0.0, f64::max)
}

fn worst_moment(found: &Density, exact: &[f64]) -> f64 {
    let moments = (1..).zip(&found.moments).map(|(power, moment)| {
        let powers = exact.iter().map(|s| s.powi(2 * power));
        let mean = powers.sum::<f64>() / exact.len() as f64;
        (moment.value - mean).abs() / moment.error
    });
    moments.fold(0.0, f64::max)
}

/// In units of the stated errors; largest values only, by rank.
fn worst_end(found: &Density, exact: &[f64]) -> f64 {
    let ends = found.top.iter().zip(exact);
    ends.map(|(top, exact)| (top.value - exact).abs() / top.error)
        .fold(0.0, f64::max)
}

/// Row by row, each from a stream of its own.
fn drawn<T: Send>(
    kind: &str,
    rows: usize,
    cols: usize,
    seed: u64,
    store: impl Fn(f64) -> T + Sync,
) -> Vec<T> {
    let row = |i: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(i as u64);
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let scale = if kind == "row-scales" {
            (0.5 * normal()).exp()
        } else {
            1.0
        };
        let mut row: Vec<f64> = (0..cols).map(|_| scale * normal()).collect();
        for j in 0..cols {
            match kind {
                // Population values fall as a power, as those of trained layers may.
                "power" => row[j] *= ((j + 1) as f64).powf(-0.5),
                "duplicated" if j >= cols / 2 => row[j] = row[j - cols / 2],
                // Eight directions of period 2ᵏ, the strongest 80 times the noise's norm.
                "spikes" => {
                    let signs = (0..8).map(|k| {
                        let sign = if ((i >> k) ^ (j >> k)) & 1 == 0 {
                            1.0
                        } else {
                            -1.0
                        };
                        sign * 0.25 / f64::from(1 << k)
                    });
                    row[j] += signs.sum::<f64>();
                }
                _ => {}
            }
        }
        row.into_iter().map(|x| store(0.03 * x)).collect::<Vec<T>>()
    };
    let rows: Vec<Vec<T>> = (0..rows).into_par_iter().map(row).collect();
    rows.into_iter().flatten().collect()
}

/// What `work` returns, its seconds, and the processor seconds of the process in it.
fn timed<R>(work: impl FnOnce() -> R) -> (R, f64, f64) {
    let (start, before) = (Instant::now(), processor().unwrap_or(f64::NAN));
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    (result, seconds, processor().unwrap_or(f64::NAN) - before)
}

/// User seconds of this process, where the system has a /proc with ticks of 10 ms.
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after = stat.rsplit_once(") ")?.1;
    let ticks: f64 = after.split(' ').nth(11)?.parse().ok()?;
    Some(ticks / 100.0)
}

/// The most memory that was held, as the system says it.
fn peak() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(
        line.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn arguments(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        shapes: vec![(1024, 1024), (2048, 1024), (2048, 2048), (4096, 4096)],
        kinds: vec!["gaussian".to_owned()],
        seeds: 1,
        steps: Options::default().steps,
        probes: None,
        large: false,
        exact: true,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--large" => {
                arguments.large = true;
                arguments.shapes = vec![(28672, 8192)];
                continue;
            }
            "--density-only" => {
                arguments.exact = false;
                continue;
            }
            _ => {}
        }
        let value = words.next()?;
        match word.as_str() {
            "--shapes" => {
                let shape = |text: &str| {
                    let (rows, cols) = text.split_once('x')?;
                    Some((rows.parse().ok()?, cols.parse().ok()?))
                };
                arguments.shapes = value.split(',').map(shape).collect::<Option<_>>()?;
            }
            "--kinds" => arguments.kinds = value.split(',').map(str::to_owned).collect(),
            "--seeds" => arguments.seeds = value.parse().ok()?,
            "--steps" => arguments.steps = value.parse().ok()?,
            "--probes" => arguments.probes = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(arguments)
}
