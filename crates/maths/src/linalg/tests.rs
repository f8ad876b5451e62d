use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Every engine of this build.
fn engines() -> impl Iterator<Item = Engine> {
    [Engine::Faer, Engine::Lapack]
        .into_iter()
        .filter(|engine| engine.is_built())
}

pub(in crate::linalg) fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect()
}

/// rows×cols with exactly these singular values: diag(values) between two Householder
/// reflections 1 − 2uuᵀ, which are orthogonal.
pub(super) fn planted(values: &[f64], rows: usize, cols: usize) -> Vec<f64> {
    let unit = |seed, length| {
        let u = normal(seed, length);
        let norm = u.iter().map(|x| x * x).sum::<f64>().sqrt();
        u.iter().map(|x| x / norm).collect::<Vec<f64>>()
    };
    let (u, v) = (unit(1, rows), unit(2, cols));
    let reflection =
        |u: &[f64], i: usize, k: usize| f64::from(u8::from(i == k)) - 2.0 * u[i] * u[k];
    let entry = |i: usize, j: usize| {
        values
            .iter()
            .enumerate()
            .map(|(k, s)| reflection(&u, i, k) * s * reflection(&v, k, j))
            .sum()
    };
    (0..rows * cols)
        .map(|at| entry(at / cols, at % cols))
        .collect()
}

fn values_of(entries: &[f64], rows: usize, cols: usize, engine: Engine) -> Vec<f64> {
    singular_values(Matrix::new(entries, rows, cols).unwrap(), engine).unwrap()
}

fn assert_near(found: &[f64], planted: &[f64], share: f64, what: &str) {
    assert_eq!(found.len(), planted.len());
    for (a, b) in found.iter().zip(planted) {
        assert!((a - b).abs() <= share * planted[0], "{what}: {a} {b}");
    }
}

// The promise is 1e-9 of the spectral norm, whatever the shape and down to zero.
#[test]
fn planted_values_come_back() {
    let falling = |least: f64, count: u32| -> Vec<f64> {
        (0..count)
            .map(|i| least.powf(f64::from(i) / f64::from(count - 1)))
            .collect()
    };
    for engine in engines() {
        for (rows, cols) in [(60, 40), (40, 60), (50, 50), (300, 300)] {
            let count = rows.min(cols) as u32;
            for least in [0.5, 1e-3, 1.2 * GRAM_FLOOR, 0.8 * GRAM_FLOOR, 1e-9] {
                let values = falling(least, count);
                let found = values_of(&planted(&values, rows, cols), rows, cols, engine);
                assert_near(&found, &values, 1e-9, &format!("{rows}x{cols} {least}"));
            }
            let mut lost = falling(0.1, count);
            lost[count as usize / 2..].fill(0.0);
            let found = values_of(&planted(&lost, rows, cols), rows, cols, engine);
            assert_near(&found, &lost, 1e-9, "half of the directions lost");
        }
    }
}

// From 512 rows on few lost values are found without taking all again; thirty more are too many.
#[test]
fn few_small_values_of_a_large_matrix_come_back() {
    let size = 520;
    for (small, few) in [(3, true), (40, false)] {
        let mut values: Vec<f64> = (0..size)
            .map(|i| 1.0 - 0.9 * i as f64 / size as f64)
            .collect();
        for (i, value) in values[size - small..].iter_mut().enumerate() {
            *value = 1e-8 / (1.0 + i as f64);
        }
        let entries = planted(&values, size, size);
        let matrix = Matrix::new(&entries, size, size).unwrap();
        assert_near(
            &values_of(&entries, size, size, Engine::Faer),
            &values,
            1e-9,
            "small",
        );
        let told = from_gram(matrix, Engine::Faer).unwrap();
        let refined = refined(matrix, &told, Engine::Faer);
        assert_eq!(refined.is_some(), few);
        if let Some(refined) = refined {
            assert_near(&refined, &values, 1e-12, "refined");
        }
    }
}

#[test]
fn shape_and_storage_do_not_matter() {
    let wide = normal(3, 30 * 70);
    let tall: Vec<f64> = (0..wide.len())
        .map(|at| wide[at % 30 * 70 + at / 30])
        .collect();
    let narrow: Vec<half::bf16> = wide.iter().map(|&w| half::bf16::from_f64(w)).collect();
    let widened: Vec<f64> = narrow.iter().map(|w| w.to_f64()).collect();
    for engine in engines() {
        let values = values_of(&wide, 30, 70, engine);
        assert_near(
            &values_of(&tall, 70, 30, engine),
            &values,
            1e-13,
            "transposed",
        );
        let energy: f64 = wide.iter().map(|w| w * w).sum();
        let total: f64 = values.iter().map(|s| s * s).sum();
        assert!((total / energy - 1.0).abs() < 1e-13);
        let stored = singular_values(Matrix::new(&narrow, 30, 70).unwrap(), engine).unwrap();
        assert_near(&stored, &values_of(&widened, 30, 70, engine), 1e-13, "bf16");
    }
}

#[test]
fn the_smallest_matrices() {
    for engine in engines() {
        assert_near(
            &values_of(&[3.0, 4.0], 1, 2, engine),
            &[5.0],
            1e-15,
            "a row",
        );
        assert_near(&values_of(&[-2.0], 1, 1, engine), &[2.0], 1e-15, "a number");
        assert_near(&values_of(&[0.0; 6], 2, 3, engine), &[0.0; 2], 0.0, "zeros");
        assert!(values_of(&[], 0, 3, engine).is_empty());
    }
    assert!(Matrix::new(&[1.0; 5], 2, 3).is_none());
}

// A multiple of the identity has one singular value.
#[test]
fn squares_that_overflow_are_refused() {
    for (scale, holds) in [(1e140, true), (1e160, false), (-1e160, false)] {
        let entries = [scale, 0.0, 0.0, scale];
        let values = singular_values(Matrix::new(&entries, 2, 2).unwrap(), Engine::Faer);
        if holds {
            assert_near(&values.unwrap(), &[scale; 2], 1e-12, "large");
        } else {
            assert_eq!(values, Err(SpectrumError::TooLarge));
        }
    }
}
