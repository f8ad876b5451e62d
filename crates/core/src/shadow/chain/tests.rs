use super::*;
use crate::layers::Orientation;
use crate::shadow::Sizes;
use crate::shadow::matrix::ScaledMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Weights and biases of a chain, (in, out).
struct Net {
    sizes: Vec<usize>,
    weights: Vec<Vec<f64>>,
    biases: Vec<Option<Vec<f64>>>,
}

fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let drawn = (0..count).map(|_| StandardNormal.sample(&mut rng));
    drawn.collect()
}

impl Net {
    fn gaussian(sizes: &[usize], seed: u64) -> Self {
        let pairs = sizes.windows(2).zip(100 * seed..);
        Self {
            sizes: sizes.to_vec(),
            weights: pairs.map(|(s, seed)| normal(seed, s[0] * s[1])).collect(),
            biases: vec![None; sizes.len() - 1],
        }
    }

    fn matrix(&self, j: usize) -> ScaledMatrix<'static> {
        let (n, m) = (self.sizes[j], self.sizes[j + 1]);
        let scaled = ScaledMatrix::new(self.weights[j].clone(), n, m, Orientation::InOut);
        scaled.unwrap()
    }

    fn with<T>(&self, plan: &ChainPlan, controlled: bool, f: impl FnOnce(&Chain<'_>) -> T) -> T {
        f(&Chain {
            sizes: &self.sizes,
            plan,
            matrix: &|j| Ok(self.matrix(j)),
            biases: &self.biases,
            controlled,
            progress: &|_| (),
        })
    }

    /// What random codes come back as, level by level.
    fn random(&self, plan: &ChainPlan) -> Vec<LevelReturn> {
        self.with(plan, false, |chain| {
            let mut outcomes = descent::run(chain, &[random(&self.sizes, plan)]).unwrap();
            outcomes.remove(0).levels
        })
    }
}

fn plan(k: &[usize]) -> ChainPlan {
    ChainPlan {
        k: k.to_vec(),
        keep: 0.5,
        trials: 32,
        calibration: 32,
        seed: 0,
    }
}

/// Mean over nets and its standard error, of one figure of one level.
fn over_nets(
    sizes: &[usize],
    k: &[usize],
    nets: u64,
    figure: impl Fn(&[LevelReturn]) -> f64 + Sync,
) -> Estimate {
    let each: Vec<f64> = (1..=nets)
        .map(|seed| {
            let plan = ChainPlan { seed, ..plan(k) };
            figure(&Net::gaussian(sizes, seed).random(&plan))
        })
        .collect();
    Estimate::of(&each).unwrap()
}

// A chain of one layer is that layer, with ρ = k₀/n₀. Without a bias the error is exact but for
// positive coordinates that noise turns negative: half of the variance 2/(ρn) on each zero, the
// variances of docs/theory.md §5 on the others, which add up to (2k + 4)/(ρn) − 1/n.
#[test]
fn one_layer_comes_back_as_theory_says() {
    let found = over_nets(&[1200, 300], &[600, 8], 30, |levels| {
        levels[0].no_bias.relative_error.mean
    });
    let predicted = (292.0 + 20.0) / 600.0 - 1.0 / 1200.0;
    assert!(
        (found.mean - predicted).abs() < 4.0 * found.error,
        "{found:?}"
    );
    // With the best constant: what is printed for n = 3000, m = 300, k = 15, simulated .069.
    let found = over_nets(&[3000, 300], &[1500, 15], 10, |levels| {
        levels[0].calibrated.relative_error.mean
    });
    let predicted = Sizes {
        n: 3000,
        m: 300,
        k: 15,
        rho: 0.5,
    }
    .relative_error();
    assert!(
        (found.mean - predicted).abs() < 4.0 * found.error,
        "{found:?}"
    );
}

// Simulated with numpy 1.26: 40 nets, 32 draws to calibrate on and 32 to score, golden section
// on the mean relative error of each level from below; mean ± standard error over nets.
#[test]
fn two_and_three_layers_come_back_as_another_simulation_says() {
    let two = (&[1000, 500, 200][..], &[500, 250, 30][..]);
    let three = (&[800, 600, 400, 150][..], &[400, 250, 100, 12][..]);
    for ((sizes, k), level, error, per_coordinate) in [
        (two, 1, (0.5211, 0.0023), (0.20450, 0.00140)),
        (two, 2, (0.6937, 0.0028), (0.11246, 0.00045)),
        (three, 1, (0.6267, 0.0019), (0.20591, 0.00092)),
        (three, 2, (0.8611, 0.0027), (0.16746, 0.00093)),
        (three, 3, (0.9913, 0.0041), (0.08545, 0.00035)),
    ] {
        let of = |figure: fn(&Recovery) -> f64| {
            over_nets(sizes, k, 30, |levels| figure(&levels[level - 1].calibrated))
        };
        let found = [
            (of(|r| r.relative_error.mean), error),
            (of(|r| r.per_coordinate_error.mean), per_coordinate),
        ];
        for (found, (wanted, its_error)) in found {
            let error = found.error.hypot(its_error);
            assert!(
                (found.mean - wanted).abs() < 4.0 * error,
                "{sizes:?} {level}: {found:?} {wanted}"
            );
        }
    }
}

// With the constants that were chosen as the checkpoint's own biases, its own biases give the
// same; the biases go with the scale of the layers.
#[test]
fn own_biases_that_are_the_chosen_constants_give_the_same() {
    let sizes = [300, 200, 100];
    let plan = plan(&[150, 80, 10]);
    let mut net = Net::gaussian(&sizes, 3);
    for (weights, factor) in net.weights.iter_mut().zip([7.0, 0.02]) {
        for w in weights {
            *w *= factor;
        }
    }
    let mut scale = random(&sizes, &plan).unit;
    let found = net.random(&plan);
    for (layer, level) in found.iter().enumerate() {
        assert_eq!(level.own_bias, None);
        scale *= net.matrix(layer).rms;
        net.biases[layer] = Some(vec![level.bias * scale; sizes[layer + 1]]);
    }
    for level in net.random(&plan) {
        let (own, calibrated) = (level.own_bias.unwrap(), level.calibrated);
        let far = own.relative_error.mean / calibrated.relative_error.mean - 1.0;
        assert!(far.abs() < 1e-5, "{} {far}", level.level);
        assert!(level.no_bias.relative_error.mean > 1.01 * own.relative_error.mean);
    }
}

// Scales as powers of two are exact; others round the entries.
#[test]
fn scale_threads_and_the_number_of_draws_do_not_matter() {
    let sizes = [90, 70, 50, 30];
    let plan = plan(&[45, 30, 20, 6]);
    let net = Net::gaussian(&sizes, 5);
    let scaled = |factor: f64| Net {
        sizes: net.sizes.clone(),
        weights: net
            .weights
            .iter()
            .map(|w| w.iter().map(|w| factor * w).collect())
            .collect(),
        biases: net.biases.clone(),
    };
    let on = |threads, net: &Net| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| net.random(&plan))
    };
    let one = on(1, &net);
    assert_eq!(one, on(5, &net));
    assert_eq!(one, on(2, &scaled(1024.0)));
    let close = on(2, &scaled(1000.0));
    for (a, b) in one.iter().zip(&close) {
        let error = |l: &LevelReturn| l.calibrated.relative_error.mean;
        assert!((error(a) / error(b) - 1.0).abs() < 1e-5);
    }
    // More draws to score change neither the constants nor the first scores.
    let more = ChainPlan {
        trials: 40,
        ..plan.clone()
    };
    let more = net.random(&more);
    for (more, one) in more.iter().zip(&one) {
        assert!((more.bias / one.bias - 1.0).abs() < 1e-6);
    }
}

// W₀ = (1 0 1; 0 1 −1), W₁ = (1; 2; 5), biases (−1, 0, 0) and none; x = (3, 2):
// h^(1) = r(3 − 1, 2, 1) = (2, 2, 1), h^(2) = 2 + 4 + 5 = 11.
#[test]
fn the_nets_own_codes_by_hand() {
    let net = Net {
        sizes: vec![2, 3, 1],
        weights: vec![vec![1.0, 0.0, 1.0, 0.0, 1.0, -1.0], vec![1.0, 2.0, 5.0]],
        biases: vec![Some(vec![-1.0, 0.0, 0.0]), None],
    };
    let plan = plan(&[2, 2, 1]);
    let levels = net.with(&plan, false, |chain| {
        descent::forward(chain, &[vec![3.0, 2.0], vec![0.0, 0.0]]).unwrap()
    });
    let scales = [net.matrix(0).rms, net.matrix(0).rms * net.matrix(1).rms];
    for ((codes, scale), wanted) in levels
        .iter()
        .zip(scales)
        .zip([&[2.0, 2.0, 1.0][..], &[11.0]])
    {
        let found = codes[0].values.iter().map(|&h| f64::from(h) * scale);
        let far = found
            .zip(wanted)
            .map(|(h, w)| (h - w).abs())
            .fold(0.0, f64::max);
        assert!(far < 1e-5, "{far}");
        assert!(codes[1].support.is_empty());
    }
}

// Real codes that are sparse random ones give what random ones give: the way down does not know.
#[test]
fn a_code_is_a_code_wherever_it_is_from() {
    let sizes = [400, 200, 100];
    let plan = plan(&[200, 90, 10]);
    let net = Net::gaussian(&sizes, 6);
    let mut start = random(&sizes, &plan);
    let of = |start: &Start| {
        net.with(&plan, false, |chain| {
            descent::run(chain, std::slice::from_ref(start))
                .unwrap()
                .remove(0)
                .levels
        })
    };
    let one = of(&start);
    for code in &mut start.codes {
        for h in &mut code.values {
            *h *= 8.0;
        }
    }
    assert_eq!(one, of(&start));
}

#[test]
fn what_makes_no_chain_is_refused_with_a_reason() {
    let net = Net::gaussian(&[20, 10, 6], 7);
    let refused = |plan: ChainPlan| {
        let fault = net.with(&plan, false, |chain| check(chain).unwrap_err());
        fault.to_string()
    };
    let with = |k: &[usize]| refused(plan(k));
    assert!(with(&[10, 5]).contains("one a layer"));
    assert!(with(&[10, 0, 2]).contains("keep nothing"));
    assert!(with(&[10, 5, 0]).contains("keep nothing"));
    assert!(with(&[10, 11, 2]).contains("more units than it has"));
    assert!(with(&[10, 5, 6]).contains("no zero"));
    assert!(
        refused(ChainPlan {
            trials: 1,
            ..plan(&[10, 5, 2])
        })
        .contains("two draws")
    );
    assert!(
        refused(ChainPlan {
            keep: 0.0,
            ..plan(&[10, 5, 2])
        })
        .contains("kept share")
    );
    net.with(&plan(&[10, 5, 2]), false, |chain| check(chain).unwrap());
    // Nothing is kept of x but by luck: no code comes down to level 1 often enough.
    let net = Net::gaussian(&[2000, 1000, 100], 8);
    let thin = ChainPlan {
        trials: 2,
        calibration: 1,
        ..plan(&[1, 1, 1])
    };
    let fault = net.with(&thin, false, |chain| {
        descent::run(chain, &[random(&net.sizes, &thin)])
            .err()
            .unwrap()
    });
    assert!(matches!(fault, ShadowError::Empty { level: 1 }), "{fault}");
}
