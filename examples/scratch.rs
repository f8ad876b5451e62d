use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, MatMut, Par};
use rayon::prelude::*;
use std::time::Instant;
use randomlike::linalg::{Engine, Matrix, singular_values};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    if a[1] == "gemm" {
        let m = 8192usize;
        for b in [16usize, 32, 64] { for r in [64usize, 128, 256, 512] {
            let v = Mat::<f32>::from_fn(m, b, |i, j| ((i * 7 + j * 3) % 11) as f32);
            let p: Vec<f32> = (0..r * m).map(|i| (i % 13) as f32).collect();
            let reps = 4096 / r;
            let t = Instant::now();
            let out: Vec<f32> = (0..2).into_par_iter().map(|_| {
                let mut y = Mat::<f32>::zeros(r, b);
                let mut z = vec![0f32; m * b];
                for _ in 0..reps {
                    let pt = MatRef::from_column_major_slice(&p, m, r);
                    matmul(&mut y, Accum::Replace, pt.transpose(), v.as_ref(), 1.0f32, Par::Seq);
                    matmul(MatMut::from_column_major_slice_mut(&mut z, m, b), Accum::Add, pt, y.as_ref(), 1e-9f32, Par::Seq);
                }
                z[0]
            }).collect();
            let s = t.elapsed().as_secs_f64();
            println!("b {b} r {r}: {:.1} GFlop/s {:?}", 2.0 * 4.0 * (reps * r * m * b) as f64 / s / 1e9, out[0]);
        }}
    } else {
        let rows: usize = a[2].parse().unwrap(); let cols: usize = a[3].parse().unwrap();
        let w: Vec<half::bf16> = (0..rows).into_par_iter().flat_map_iter(|i| {
            let mut rng = ChaCha8Rng::seed_from_u64(i as u64);
            (0..cols).map(move |_| { let x: f64 = StandardNormal.sample(&mut rng); half::bf16::from_f64(0.03 * x) }).collect::<Vec<_>>()
        }).collect();
        println!("drawn");
        let t = Instant::now();
        let v = singular_values(Matrix::new(&w, rows, cols).unwrap(), Engine::Faer).unwrap();
        println!("exact {:.1} s top {} bottom {}", t.elapsed().as_secs_f64(), v[0], v[v.len()-1]);
    }
}
