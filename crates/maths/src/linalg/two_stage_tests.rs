use faer::Mat;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bulge::Tridiagonal;
use super::tests::normal;
use super::{descending, faer_engine, tridiagonal, two_stage};

/// Around the widths of the band and the size of a tile.
const SIZES: [usize; 16] = [1, 2, 3, 7, 8, 9, 10, 17, 31, 32, 33, 65, 100, 256, 257, 300];

fn found(matrix: &Mat<f64>, width: usize) -> Vec<f64> {
    descending(two_stage::eigenvalues(matrix.clone(), width).unwrap())
}

/// A ← HAH for a few random reflections H = 1 − 2uuᵀ: the eigenvalues stay.
fn mixed(mut matrix: Mat<f64>) -> Mat<f64> {
    let size = matrix.nrows();
    for seed in 0..3 {
        let u = normal(seed, size);
        let square: f64 = u.iter().map(|x| x * x).sum();
        for transposed in [false, true] {
            for i in 0..size {
                let at = |j| if transposed { (j, i) } else { (i, j) };
                let sum: f64 = (0..size).map(|j| matrix[at(j)] * u[j]).sum();
                for j in 0..size {
                    matrix[at(j)] -= 2.0 * sum / square * u[j];
                }
            }
        }
    }
    matrix
}

fn diagonal(values: &[f64]) -> Mat<f64> {
    Mat::from_fn(values.len(), values.len(), |i, j| {
        if i == j { values[i] } else { 0.0 }
    })
}

/// Within `share` of the largest magnitude.
fn assert_near(found: &[f64], planted: &[f64], share: f64, what: &str) {
    assert_eq!(found.len(), planted.len(), "{what}");
    let norm = planted.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    for (at, (a, b)) in found.iter().zip(planted).enumerate() {
        assert!((a - b).abs() <= share * norm, "{what}, {at}: {a} {b}");
    }
}

/// 1e-15·n of the norm, and never less than 1e-14.
fn share(size: usize) -> f64 {
    1e-15 * size.max(10) as f64
}

#[test]
fn planted_eigenvalues_come_back() {
    type EigenvalueLaw = fn(f64) -> f64;
    // Of x falling from 1 to 0.
    let laws: [(&str, EigenvalueLaw); 8] = [
        ("even", |x| x),
        ("of both signs", |x| x - 0.5),
        ("three values", |x| (2.0 * x).round()),
        ("a multiple of one", |_| 3.0),
        ("half lost", |x| (x - 0.5).max(0.0)),
        ("rank one", |x| x.floor()),
        ("graded", |x| 1e-9_f64.powf(1.0 - x)),
        ("in pairs", |x| x + if x > 0.5 { 1e-14 } else { 0.0 }),
    ];
    for size in SIZES {
        let width = [8, 16, 32, 64][size % 4];
        for (name, law) in laws {
            let values: Vec<f64> = (0..size)
                .map(|i| law(1.0 - i as f64 / (size.max(2) - 1) as f64))
                .collect();
            let planted = descending(values.clone());
            for (how, matrix) in [
                ("mixed", mixed(diagonal(&values))),
                ("as is", diagonal(&values)),
            ] {
                let what = format!("{name}, {how}, {size} by {width}");
                assert_near(&found(&matrix, width), &planted, share(size), &what);
            }
        }
    }
}

// The second difference on a path of n points has the eigenvalues 2 − 2 cos(kπ/(n + 1)).
#[test]
fn the_path_has_its_closed_form() {
    for size in SIZES.into_iter().chain([700]) {
        let path = Mat::from_fn(size, size, |i, j| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let step = std::f64::consts::PI / (size + 1) as f64;
        let planted: Vec<f64> = (1..=size)
            .rev()
            .map(|k| 2.0 - 2.0 * (step * k as f64).cos())
            .collect();
        for width in [8, 32, 64] {
            let what = format!("{size} by {width}");
            assert_near(&found(&path, width), &planted, share(size), &what);
            let dense = mixed(path.clone());
            assert_near(&found(&dense, width), &planted, share(size), &what);
        }
    }
}

#[test]
fn scale_does_not_matter() {
    let values: Vec<f64> = (1..=90).rev().map(f64::from).collect();
    let matrix = mixed(diagonal(&values));
    // Gram matrices of entries 1e-140 and 1e140, then the ends of the range of f64.
    for scale in [1e-280, 1e280, 1e-300, 1e305] {
        let scaled = Mat::from_fn(90, 90, |i, j| matrix[(i, j)] * scale);
        let planted: Vec<f64> = values.iter().map(|x| x * scale).collect();
        assert_near(&found(&scaled, 32), &planted, 1e-13, &format!("{scale}"));
    }
    let least = found(&Mat::from_fn(50, 50, |_, _| 5e-324), 8);
    assert!((least[0] - 250e-324).abs() < 20e-324, "{}", least[0]);
    assert_eq!(found(&Mat::zeros(50, 50), 8), [0.0; 50]);
}

// Entries whose squares underflow beside the largest.
#[test]
fn graded_entries_do_no_harm() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for size in [5, 40, 90, 270] {
        let matrix = Mat::from_fn(size, size, |_, _| {
            let digits: f64 = rng.random_range(-300.0..0.0);
            (rng.random::<f64>() - 0.5) * 10_f64.powf(digits)
        });
        let other = descending(faer_engine::one_stage(&matrix).unwrap());
        let what = format!("{size}");
        assert_near(&found(&matrix, 16), &other, share(size), &what);
    }
}

#[test]
fn what_is_not_finite_has_no_eigenvalues() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut matrix = Mat::<f64>::identity(70, 70);
        matrix[(60, 3)] = odd;
        assert!(two_stage::eigenvalues(matrix, 16).is_none());
    }
    assert!(
        two_stage::eigenvalues(Mat::zeros(0, 0), 16)
            .unwrap()
            .is_empty()
    );
}

fn random_gram(size: usize) -> Mat<f64> {
    let entries = normal(9, size * size);
    let entries = Mat::from_fn(size, size, |i, j| entries[i * size + j]);
    entries.transpose() * &entries
}

#[test]
fn both_reductions_agree() {
    for (size, width) in [(200, 8), (520, 32), (777, 64)] {
        let gram = random_gram(size);
        let other = descending(faer_engine::one_stage(&gram).unwrap());
        assert_near(&found(&gram, width), &other, 1e-12, &format!("{size}"));
        let chosen = descending(faer_engine::eigenvalues(gram).unwrap());
        assert_near(&chosen, &other, 1e-12, &format!("{size}"));
    }
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    for size in [300, 700] {
        let gram = random_gram(size);
        let by = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let values = pool.build().unwrap().install(|| found(&gram, 16));
            values.into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        let one = by(1);
        assert!([2, 3, 5].into_iter().all(|threads| by(threads) == one));
    }
}

/// How many eigenvalues lie below x: negative pivots of T − x (Sylvester; Parlett §3.3).
fn below(matrix: &Tridiagonal, x: f64) -> usize {
    let mut pivot = 1.0_f64;
    let mut count = 0;
    for (i, d) in matrix.diagonal.iter().enumerate() {
        let e = i.checked_sub(1).map_or(0.0, |i| matrix.below[i]);
        pivot = d - x - e * e / pivot;
        if pivot == 0.0 {
            pivot = f64::MIN_POSITIVE;
        }
        count += usize::from(pivot < 0.0);
    }
    count
}

// Wilkinson's matrix has pairs that agree to 1e-15; glued copies of it have clusters of
// them. Held against the count of negative pivots.
#[test]
fn tridiagonal_values_are_where_the_count_of_pivots_has_them() {
    let wilkinson: Vec<f64> = (-10..=10).map(|i: i32| f64::from(i.abs())).collect();
    for glue in [0.0, 1e-14, 1e-7, 0.5] {
        let diagonal = wilkinson.repeat(9);
        let below_diagonal = (1..diagonal.len())
            .map(|i| if i % 21 == 0 { glue } else { 1.0 })
            .collect();
        let matrix = Tridiagonal {
            diagonal: diagonal.clone(),
            below: below_diagonal,
        };
        let copy = Tridiagonal {
            diagonal,
            below: matrix.below.clone(),
        };
        let mut values = tridiagonal::eigenvalues(copy).unwrap();
        values.sort_by(f64::total_cmp);
        for (at, &value) in values.iter().enumerate() {
            let (low, high) = (below(&matrix, value - 1e-13), below(&matrix, value + 1e-13));
            assert!(low <= at && at < high, "{glue} {at} {value}: {low} {high}");
        }
    }
}
