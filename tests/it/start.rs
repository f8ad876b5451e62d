//! Distance from the initialiser: draws of every law get their word, drifts are found as
//! docs/theory.md §10 says, and evidence beside the weights is named. Sizes are small;
//! `cargo run --release --example start_words -- 200` has more draws.

use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike::analysis::{self, Options};
use randomlike::audit::{BiasAtStart, Start};
use randomlike::checkpoint::Checkpoint;
use randomlike::label::Label;
use randomlike::policy::Policy;
use randomlike::start_word::StartWord;

use crate::shadow::write;

/// The nearest initialiser of a matrix, inputs by outputs, and its word.
fn start(entries: &[f64], shape: (usize, usize)) -> (Start, StartWord) {
    let options = Options {
        alone: true,
        ..Options::default()
    };
    let audit = analysis::measure_entries(entries, shape, &options).unwrap();
    let start = audit.layers[0].start.measured().unwrap().clone();
    let word = Policy::default().rules().labels().start.word(&start);
    (start, word)
}

fn draws(seed: u64, count: usize, mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| draw(&mut rng)).collect()
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn even(rng: &mut ChaCha8Rng) -> f64 {
    2.0 * rng.random::<f64>() - 1.0
}

fn cut(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let z = normal(rng);
        if z.abs() <= 2.0 {
            return z;
        }
    }
}

/// Scales by the libraries' documentation, by inputs and outputs.
type Draw = fn(f64, f64, &mut ChaCha8Rng) -> f64;
const LAWS: [(&str, Draw); 17] = [
    ("glorot-uniform", |n, m, rng| {
        (6.0 / (n + m)).sqrt() * even(rng)
    }),
    ("glorot-normal", |n, m, rng| {
        (2.0 / (n + m)).sqrt() * normal(rng)
    }),
    ("kaiming-uniform", |n, _, rng| (6.0 / n).sqrt() * even(rng)),
    ("kaiming-normal", |n, _, rng| (2.0 / n).sqrt() * normal(rng)),
    ("lecun-normal", |n, _, rng| normal(rng) / n.sqrt()),
    ("lecun-uniform", |n, _, rng| (3.0 / n).sqrt() * even(rng)),
    ("pytorch-linear", |n, _, rng| even(rng) / n.sqrt()),
    ("pytorch-lstm", |_, m, rng| even(rng) / (m / 4.0).sqrt()),
    ("pytorch-gru", |_, m, rng| even(rng) / (m / 3.0).sqrt()),
    ("siren-first", |n, _, rng| even(rng) / n),
    ("siren-hidden", |n, _, rng| {
        (6.0 / n).sqrt() / 30.0 * even(rng)
    }),
    ("bert-0.02", |_, _, rng| 0.02 * normal(rng)),
    ("bert-0.02-truncated", |_, _, rng| 0.02 * cut(rng)),
    // Keras and JAX divide by .87962566, the standard deviation of the cut law.
    ("lecun-normal-truncated", |n, _, rng| {
        cut(rng) / n.sqrt() / 0.879_625_66
    }),
    ("he-normal-truncated", |n, _, rng| {
        (2.0 / n).sqrt() * cut(rng) / 0.879_625_66
    }),
    ("glorot-normal-truncated", |n, m, rng| {
        (2.0 / (n + m)).sqrt() * cut(rng) / 0.879_625_66
    }),
    ("t5-query", |n, _, rng| normal(rng) / (64.0 * n).sqrt()),
];

// Five tests at 1 in 1000: of 51 cells with 6 draws, 306 in all, 4 or more wrong are a chance of 1
// in 1000 at .5 %.
#[test]
fn draws_of_every_law_are_untouched() {
    let mut wrong = Vec::new();
    for (n, m) in [(60, 36), (210, 96), (500, 396)] {
        for (law, draw) in LAWS {
            for seed in 0..6 {
                let entries = draws(seed, n * m, |rng| draw(n as f64, m as f64, rng));
                let (start, word) = start(&entries, (n, m));
                let named = start.law == law || start.aliases.iter().any(|alias| alias == law);
                if word != StartWord::Untouched || !named {
                    wrong.push((law, n, seed, start.law, word));
                }
            }
        }
    }
    assert!(wrong.len() <= 4, "{wrong:?}");
}

// docs/theory.md §10: shrinkage .0044 and drift .0092 of a uniform law at 524,288 weights.
#[test]
fn a_layer_that_barely_moved_is_found_and_both_figures_recovered() {
    let (n, m) = (1024, 512);
    let half = (6.0 / (n + m) as f64).sqrt();
    let std = half / 3.0_f64.sqrt();
    let entries = draws(1, n * m, |rng| {
        let drift = 0.0092 * std * normal(rng);
        (1.0 - 0.0044) * half * even(rng) + drift
    });
    let (start, word) = start(&entries, (n, m));
    assert_eq!(
        (word, start.law.as_str()),
        (StartWord::BarelyMoved, "glorot-uniform")
    );
    assert!(
        (start.shrinkage.unwrap() / 0.0044 - 1.0).abs() < 0.2,
        "{start:?}"
    );
    assert!(
        (start.drift.unwrap() / 0.0092 - 1.0).abs() < 0.2,
        "{start:?}"
    );
    assert!((start.scale_ratio - 0.9957).abs() < 0.001);
}

// §10: of 10⁵ uniform weights any entry outside shows a drift of 1e-4; a normal law hides .1 sd,
// and shows .3 in W₁.
#[test]
fn drifts_are_seen_as_far_as_theory_says() {
    let (n, m) = (400, 250);
    let of_uniform = |drift: f64| {
        let half = 1.0 / (n as f64).sqrt();
        let std = half / 3.0_f64.sqrt();
        let entries = draws(2, n * m, |rng| {
            let moved = drift * std * normal(rng);
            half * even(rng) + moved
        });
        start(&entries, (n, m)).1
    };
    assert_eq!(of_uniform(0.0), StartWord::Untouched);
    assert_eq!(of_uniform(0.005), StartWord::BarelyMoved);
    assert_eq!(of_uniform(0.3), StartWord::Moved);
    let of_normal = |drift: f64| {
        let std = (2.0 / n as f64).sqrt();
        let entries = draws(3, n * m, |rng| {
            let moved = drift * normal(rng);
            std * (normal(rng) + moved)
        });
        start(&entries, (n, m)).1
    };
    assert_eq!(of_normal(0.05), StartWord::Untouched);
    assert_eq!(of_normal(0.3), StartWord::Moved);
}

// The nearest is named where the scale alone differs.
#[test]
fn another_scale_of_a_known_law_is_named() {
    let (n, m) = (300, 200);
    let entries = draws(4, n * m, |rng| 1.06 * (6.0 / 500.0_f64).sqrt() * even(rng));
    let (start, word) = start(&entries, (n, m));
    assert_eq!(
        (start.law.as_str(), word),
        ("glorot-uniform", StartWord::Moved)
    );
    assert!((start.scale_ratio - 1.06).abs() < 0.01);
    // W₁ of a scale 1 + d, d = .06, is .866·d of a uniform law (§10).
    assert!((start.distance - 0.052).abs() < 0.004, "{start:?}");
}

// Of 300 rows 60 are still N(0, .02²); the others have the scale of a trained embedding.
#[test]
fn rows_that_no_data_touched_are_counted() {
    let (rows, width, fresh) = (300, 96, 60);
    let scales = draws(5, rows, |rng| (0.3 * normal(rng)).exp());
    let mut row = 0;
    let entries = draws(6, rows * width, |rng| {
        let at = row / width;
        row += 1;
        let scale = if at < fresh { 0.02 } else { 0.11 * scales[at] };
        scale * normal(rng)
    });
    let (start, _) = start(&entries, (rows, width));
    let found = start.rows.unwrap();
    assert_eq!((found.of, found.are_outputs), (300, false));
    let names = ["bert-0.02", "gpt2-0.02", "llama-0.02"];
    assert!(names.contains(&found.law.as_str()), "{found:?}");
    // 98 in 100 of 60 match; how many there are is known to √30/.3266 = 17.
    assert!((50..=70).contains(&found.fresh), "{found:?}");
    // Rows of many scales around the law's are none of its own.
    let mut row = 0;
    let entries = draws(7, rows * width, |rng| {
        let at = row / width;
        row += 1;
        0.02 * scales[at] * normal(rng)
    });
    let all_trained = self::start(&entries, (rows, width)).0;
    assert!(all_trained.rows.is_none_or(|rows| rows.share < 0.05));
}

// As the pooler of all-MiniLM-L6-v2: on the law, at .45 of BERT's scale, every bias exactly 0.
#[test]
fn a_bias_of_zeros_is_evidence_beside_a_random_like_layer() {
    let folder = tempfile::tempdir().unwrap();
    let weights: Vec<f32> = draws(8, 384 * 384, |rng| 0.0089 * normal(rng))
        .iter()
        .map(|&w| w as f32)
        .collect();
    let bias = vec![0.0_f32; 384];
    let tensors: [(&str, &[usize], Vec<f32>); 2] = [
        ("pooler.dense.weight", &[384, 384], weights),
        ("pooler.dense.bias", &[384], bias),
    ];
    let path = folder.path().join("pooler.safetensors");
    write(&path, "{}", &tensors);
    let checkpoint = Checkpoint::open(&path).unwrap();
    let audit = analysis::measure(&checkpoint, &Options::default(), &mut |_| {}).unwrap();
    let start = audit.layers[0].start.measured().unwrap();
    assert_eq!(start.bias, Some(BiasAtStart::Zero));
    let labels = Policy::default().labels(&audit).unwrap();
    assert_eq!(labels.layers[0].label, Label::RandomLike);
    assert_eq!(labels.layers[0].start, Some(StartWord::Moved));
}

// A published net that was never trained below its last layer.
#[test]
fn the_hidden_layers_of_guesslang_are_untouched() {
    let checkpoint = Checkpoint::open(Path::new("fixtures/guesslang_vscode.safetensors")).unwrap();
    let options = Options {
        alone: true,
        ..Options::default()
    };
    let audit = analysis::measure(&checkpoint, &options, &mut |_| {}).unwrap();
    let labels = Policy::default().labels(&audit).unwrap();
    for (layer, labelled) in audit.layers.iter().zip(&labels.layers).take(3) {
        assert_eq!(labelled.start, Some(StartWord::Untouched), "{}", layer.name);
        assert_eq!(labelled.label, Label::AtInitialisation);
        assert_eq!(layer.start.measured().unwrap().law, "glorot-uniform");
    }
}
