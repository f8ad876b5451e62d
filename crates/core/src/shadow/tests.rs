use super::*;
use crate::layers::Orientation;
use code::Draw;
use matrix::ScaledMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use randomlike_maths::random_streams::Purpose;
use rayon::prelude::*;
use run::{Block, Return};

/// Shapes with fewer, as many and more outputs than inputs.
const SHAPES: [(usize, usize); 3] = [(700, 250), (400, 400), (300, 700)];
const RHOS: [f64; 3] = [0.3, 0.5, 0.8];
const K: usize = 20;
/// Matrices, each with one draw: the predictions are averages over W too.
const MATRICES: u64 = 160;

fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect()
}

/// How the reverse model is built, rightly or wrongly.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Model {
    Right,
    /// α = 2/(ρ·n) on entries of rms 2.
    AlphaWithoutScale,
    /// α with 1 − ρ for ρ.
    OtherShare,
    /// x = r(αWᵀh): of a square layer only.
    Transposed,
}

/// One return for each of [`MATRICES`] Gaussian matrices.
fn returns(model: Model, (n, m): (usize, usize), rho: f64) -> Vec<Return> {
    let plan = ShadowPlan {
        k: K,
        rho,
        ..ShadowPlan::default()
    };
    let alpha = match model {
        Model::Right | Model::Transposed => 2.0 / (rho * n as f64),
        Model::AlphaWithoutScale => 4.0 * 2.0 / (rho * n as f64),
        Model::OtherShare => 2.0 / ((1.0 - rho) * n as f64),
    };
    let one = |seed: u64| {
        let entries = normal(seed, n * m);
        let build = |orientation| ScaledMatrix::new(&entries[..], n, m, orientation).unwrap();
        let up = build(Orientation::InOut);
        let down = match model {
            Model::Transposed => build(Orientation::OutIn),
            _ => up.clone(),
        };
        let draws = vec![Draw::new(&plan, Purpose::Scored, seed, n, m)];
        let draws = Block::new(draws, (n, m), plan.keep);
        run::block((&down, &up), alpha, &draws).remove(0)
    };
    (0..MATRICES).into_par_iter().map(one).collect()
}

fn mean(returns: &[Return], f: impl Fn(&Return) -> f64) -> Estimate {
    Estimate::of(&returns.iter().map(f).collect::<Vec<_>>()).unwrap()
}

/// How many standard errors a mean is from what is predicted.
fn off(estimate: Estimate, predicted: f64) -> f64 {
    (estimate.mean - predicted).abs() / estimate.error
}

/// The farthest of all predictions on z, in standard errors.
fn farthest(returns: &[Return], sizes: Sizes) -> f64 {
    let gains: Vec<f64> = returns
        .iter()
        .map(|r| run::gain(&r.draw.code, &r.z))
        .collect();
    let gain = Estimate::of(&gains).unwrap();
    let std = gain.error * (gains.len() as f64).sqrt();
    let std_error = sizes.gain_std() / (2.0 * gains.len() as f64).sqrt();
    // Squares over their predicted variance, on the coordinates of h that are zero or not.
    let variance = |positive: bool| {
        mean(returns, |r| {
            let of = |(i, &h): (usize, &f32)| {
                let h = f64::from(h);
                (f64::from(r.z[i]) - h).powi(2) / sizes.variance(h)
            };
            let chosen = r.draw.code.values.iter().enumerate();
            let chosen = chosen.filter(|(_, h)| (**h > 0.0) == positive);
            let count = chosen.clone().count() as f64;
            chosen.map(of).sum::<f64>() / count
        })
    };
    let dropped = sizes.dropped(0.5);
    [
        off(gain, 1.0),
        (std - sizes.gain_std()).abs() / std_error,
        off(variance(true), 1.0),
        off(variance(false), 1.0),
        off(
            mean(returns, |r| run::linear_error(&r.draw.code, &r.z)),
            sizes.linear_error(),
        ),
        off(
            mean(returns, |r| run::linear_error(&r.draw.code, &r.z_dropped)),
            dropped.linear_error(),
        ),
    ]
    .into_iter()
    .fold(0.0, f64::max)
}

fn sizes((n, m): (usize, usize), rho: f64) -> Sizes {
    Sizes { n, m, k: K, rho }
}

// Six predictions at nine places, each within four standard errors.
#[test]
fn gaussian_matrices_return_what_theory_says() {
    for shape in SHAPES {
        for rho in RHOS {
            let found = farthest(&returns(Model::Right, shape, rho), sizes(shape, rho));
            assert!(found < 4.0, "{shape:?} {rho}: {found}");
        }
    }
}

#[test]
fn wrong_models_do_not() {
    let wrong = [
        (Model::AlphaWithoutScale, SHAPES[0]),
        (Model::OtherShare, SHAPES[0]),
        (Model::Transposed, SHAPES[1]),
    ];
    for (model, shape) in wrong {
        let found = farthest(&returns(model, shape, 0.3), sizes(shape, 0.3));
        assert!(found > 10.0, "{model:?}: {found}");
    }
}

fn stored(entries: &[f64], fan_in: usize, fan_out: usize) -> StoredLayer<'_, f64> {
    StoredLayer {
        entries,
        fan_in,
        fan_out,
        orientation: Orientation::InOut,
        bias: None,
    }
}

// docs/theory.md §5, the printed row: R = .067 and .068 simulated.
#[test]
fn the_printed_error_comes_back() {
    let entries = normal(1, 4000 * 400);
    let plan = ShadowPlan {
        k: 20,
        ..ShadowPlan::default()
    };
    let found = measure(&stored(&entries, 4000, 400), &plan).unwrap();
    let error = found.layer.calibrated.relative_error;
    assert!(off(error, found.predicted) < 4.0, "{error:?}");
    assert!((found.predicted - 0.067).abs() < 5e-4);
    let dropout = found.layer.dropout.calibrated.relative_error;
    assert!(
        off(dropout, found.layer.dropout.predicted) < 4.0,
        "{dropout:?}"
    );
    assert!((dropout.mean / error.mean - 2.0).abs() < 0.3);
    // The theorem asks for ρn < k², 2000 < 400: the prediction holds all the same.
    assert!(!found.meets_the_theorem);
    assert!((found.ratio.mean - 1.0).abs() < 4.0 * found.ratio.error);
    assert_eq!(found.shuffles, 8, "400 outputs, 1.6 million weights");
    assert!((found.layer.bias / (-0.0316) - 1.0).abs() < 0.4);
}

// A rank-one part of twice the noise: what comes back is that direction, not the code.
#[test]
fn structure_is_worse_than_its_shuffled_control() {
    let (n, m) = (600, 300);
    let (u, v) = (normal(5, n), normal(6, m));
    let entries: Vec<f64> = normal(4, n * m)
        .iter()
        .enumerate()
        .map(|(at, w)| w + 0.5 * u[at / m] * v[at % m])
        .collect();
    let found = measure(&stored(&entries, n, m), &ShadowPlan::for_layer(n, m, 0)).unwrap();
    assert!(
        found.ratio.mean - 4.0 * found.ratio.error > 1.5,
        "{:?}",
        found.ratio
    );
}

#[test]
fn scale_orientation_and_threads_do_not_matter() {
    let (n, m) = (200, 150);
    let entries = normal(8, n * m);
    let bias: Vec<f64> = normal(9, m).iter().map(|b| b - 1.0).collect();
    let scaled = |c: f64| entries.iter().map(|w| c * w).collect::<Vec<f64>>();
    let turned: Vec<f64> = (0..n * m).map(|at| entries[at % n * m + at / n]).collect();
    let plan = ShadowPlan::for_layer(n, m, 3);
    let run = |entries: &[f64], orientation, factor: f64, threads| {
        let bias: Vec<f64> = bias.iter().map(|b| factor * b).collect();
        let stored = StoredLayer {
            orientation,
            bias: Some(&bias),
            ..stored(entries, n, m)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build()
            .unwrap()
            .install(|| measure(&stored, &plan).unwrap())
    };
    let one = run(&entries, Orientation::InOut, 1.0, 1);
    assert_eq!(one, run(&entries, Orientation::InOut, 1.0, 4));
    assert_eq!(one, run(&scaled(1024.0), Orientation::InOut, 1024.0, 2));
    assert_eq!(one, run(&turned, Orientation::OutIn, 1.0, 2));
    assert!(one.layer.own_bias.is_some() && one.controls.shuffled.own_bias.is_none());
    // More than one shuffle, and a sweep around the plan's own k.
    assert!(one.shuffles > 1 && one.sweep.len() >= 5);
}

// At the plan's k the sweep has the draws of the layer itself; at the others each draw is the
// first of its kind, and a Gaussian layer lies on its controls.
#[test]
fn the_sweep_agrees_with_the_layer_and_a_gaussian_one_with_its_controls() {
    let (n, m) = (2000, 300);
    let entries = normal(12, n * m);
    let plan = ShadowPlan::for_layer(n, m, 0);
    let found = measure(&stored(&entries, n, m), &plan).unwrap();
    let own = found.sweep.iter().find(|point| point.k == plan.k).unwrap();
    let (layer, controls) = (&found.layer, &found.controls);
    let same = |a: f64, b: Estimate| assert!((a / b.mean - 1.0).abs() < 1e-12, "{a} {b:?}");
    same(own.relative_error, layer.calibrated.relative_error);
    same(own.gaussian, controls.gaussian.calibrated.relative_error);
    same(own.shuffled, controls.shuffled.calibrated.relative_error);
    for point in &found.sweep {
        assert!(point.q05 < point.relative_error && point.relative_error < point.q95);
        for control in [point.gaussian, point.shuffled] {
            let apart = (point.relative_error / control - 1.0).abs();
            assert!(apart < 0.35, "{point:?}");
        }
    }
    let [first, .., last] = found.sweep.as_slice() else {
        panic!("a sweep of one k");
    };
    assert_eq!((first.k, last.k), (2, m / 2));
    assert!(last.relative_error > 4.0 * first.relative_error);
}

// What came back, as the layer's own figures have it: the pairs of a draw give its error.
#[test]
fn pairs_are_a_bounded_sample_of_what_came_back() {
    let (n, m) = (800, 1200);
    let entries = normal(13, n * m);
    for k in [5, 40, 700] {
        let plan = ShadowPlan {
            k,
            ..ShadowPlan::default()
        };
        let pairs = measure(&stored(&entries, n, m), &plan).unwrap().pairs;
        assert!(pairs.positive.len() <= 300 && pairs.zeros.len() <= 300);
        assert!(pairs.positive.len() >= (k * pairs.draws).min(200));
        assert!(
            pairs
                .positive
                .iter()
                .all(|pair| pair.0 > 0.0 && pair.1 >= 0.0)
        );
        let square: f64 = pairs.positive.iter().map(|pair| pair.0 * pair.0).sum();
        let all = pairs.positive.len() == k * pairs.draws;
        assert!(
            !all || (square / pairs.draws as f64 - 1.0).abs() < 0.01,
            "{square}"
        );
        assert!(pairs.zeros.iter().all(|back| *back >= 0.0));
    }
}

// More draws do not change the first ones, so batches of any size add up.
#[test]
fn a_draw_does_not_depend_on_the_others() {
    for (n, m) in [(90, 60), (700, 610)] {
        let entries = normal(10, n * m);
        let matrix = ScaledMatrix::new(&entries[..], n, m, Orientation::InOut).unwrap();
        let plan = ShadowPlan::for_layer(n, m, 4);
        let some = |count| {
            let draws = run::draws(&plan, Purpose::Scored, count, (n, m));
            let blocks = run::blocks(draws, (n, m), plan.keep);
            run::returns(&matrix, plan.rho, &blocks)
        };
        let all = some(130);
        for count in [1, 37, 96, 97] {
            assert_eq!(some(count), all[..count]);
        }
    }
}

#[test]
fn what_has_no_shadow_is_refused_with_a_reason() {
    let entries = normal(11, 60);
    let plan = ShadowPlan {
        k: 2,
        ..ShadowPlan::default()
    };
    let refused =
        |entries: &[f64], n, m, plan: ShadowPlan| match measure(&stored(entries, n, m), &plan) {
            Err(ShadowError::NotApplicable(reason)) => reason,
            other => panic!("{other:?}"),
        };
    assert!(refused(&entries, 1, 60, plan).contains("two inputs"));
    assert!(refused(&entries, 60, 1, ShadowPlan::for_layer(60, 1, 0)).contains("no positive"));
    assert!(refused(&entries, 30, 2, plan).contains("no zero"));
    assert!(refused(&[0.0; 60], 10, 6, plan).contains("all zero"));
    assert!(refused(&entries, 10, 6, ShadowPlan { rho: 0.0, ..plan }).contains("kept share"));
    assert!(refused(&entries, 10, 6, ShadowPlan { trials: 1, ..plan }).contains("two draws"));
}
