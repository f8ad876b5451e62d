//! Where the limits of `shadow-reversible` come from: the ratio of a layer's error to its
//! shuffled control's, for independent entries, by shape. The last columns are the error the
//! ratio states, the 99 % point of its distance from 1 in those errors, and how many layers
//! of a thousand the default policy fails or would fail if it did not skip them.
//!
//! `cargo run --release --example shadow_null -- --layers 400 --shapes 32x32,512x32,256x128`

use std::process::ExitCode;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::checks::Check;
use randomlike::layers::Orientation;
use randomlike::policy::Policy;
use randomlike::shadow::{LayerShadow, ShadowPlan, StoredLayer, measure};
use rayon::prelude::*;

const USAGE: &str = "shadow_null [--layers N] [--shapes NxM,NxM,...] [--seed S]";

#[derive(Clone, Copy)]
enum Law {
    Normal,
    Uniform,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let policy = Policy::default();
    println!("{} layers a row, seed {}", options.layers, options.seed);
    println!("   n x m      law      k  error  ratio     sd    99 %  stated   z 99 %  ‰ failing");
    for &(n, m) in &options.shapes {
        for (name, law) in [("normal", Law::Normal), ("uniform", Law::Uniform)] {
            let Some(found) = shadows(n, m, law, &options) else {
                eprintln!("{n}x{m} has no shadow");
                return ExitCode::FAILURE;
            };
            let of = |f: &dyn Fn(&LayerShadow) -> f64| found.iter().map(f).collect::<Vec<f64>>();
            let ratios = of(&|s| s.ratio.mean);
            let errors = of(&|s| s.ratio.error);
            let control = of(&|s| s.controls.shuffled.calibrated.relative_error.mean);
            let far = of(&|s| (s.ratio.mean - 1.0) / s.ratio.error);
            let limit = |key| policy.rules().limit(Check::ShadowReversible, key);
            let (max_ratio, noise) = limit("max_ratio")
                .zip(limit("noise"))
                .expect("the default policy has both");
            let fails = |s: &&LayerShadow| {
                let LayerShadow { ratio, .. } = s;
                ratio.mean > max_ratio && ratio.mean - 1.0 > noise * ratio.error
            };
            let failing = found.iter().filter(fails).count() as f64 / found.len() as f64;
            println!(
                "{n:5}x{m:<5} {name:7} {:4}  {:.3}  {:.4}  {:.4}  {:.4}  {:.4}  {:5.2}  {:5.1}",
                found[0].k,
                mean(&control),
                mean(&ratios),
                sd(&ratios),
                upper(&ratios),
                mean(&errors),
                upper(&far),
                1000.0 * failing,
            );
        }
    }
    ExitCode::SUCCESS
}

struct Options {
    layers: u64,
    shapes: Vec<(usize, usize)>,
    seed: u64,
}

/// Measured layers, each of other entries, codes and controls.
fn shadows(n: usize, m: usize, law: Law, options: &Options) -> Option<Vec<LayerShadow>> {
    let one = |stream: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(stream);
        let entry = |_| match law {
            Law::Normal => StandardNormal.sample(&mut rng),
            Law::Uniform => rng.random::<f32>() - 0.5,
        };
        let entries: Vec<f32> = (0..n * m).map(entry).collect();
        let stored = StoredLayer {
            entries: &entries,
            fan_in: n,
            fan_out: m,
            orientation: Orientation::InOut,
            bias: None,
        };
        measure(&stored, &ShadowPlan::for_layer(n, m, stream)).ok()
    };
    (0..options.layers).into_par_iter().map(one).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn sd(values: &[f64]) -> f64 {
    let mean = mean(values);
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (square / (values.len() as f64 - 1.0)).sqrt()
}

/// The 99 % point.
fn upper(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = 0.99 * (sorted.len() - 1) as f64;
    let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
    sorted[low] + rank.fract() * (sorted[high] - sorted[low])
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        layers: 400,
        shapes: shapes("32x32,64x64,512x32,70x512,256x128,1024x1024")?,
        seed: 1,
    };
    while let Some(name) = args.next() {
        let value = args.next()?;
        match name.as_str() {
            "--layers" => options.layers = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--shapes" => options.shapes = shapes(&value)?,
            _ => return None,
        }
    }
    (options.layers > 1).then_some(options)
}

fn shapes(text: &str) -> Option<Vec<(usize, usize)>> {
    let one = |shape: &str| {
        let (n, m) = shape.split_once('x')?;
        Some((n.parse().ok()?, m.parse().ok()?))
    };
    text.split(',').map(one).collect()
}
