use randomlike::linalg::*;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
fn main(){
  for (n,m) in [(9216usize,4096usize),(4096,4096),(4096,1000)] {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let e: Vec<f32> = (0..n*m).map(|_| StandardNormal.sample(&mut rng)).collect();
    for k in [1,2] {
      let t=std::time::Instant::now();
      let mut l = Lanczos::new(Matrix::new(&e,n,m).unwrap(), f64::from, 1);
      let top = l.top(k).unwrap();
      println!("{n}x{m} k={k} steps {} err {:.2e} vals {:?} {:?}", top.steps, top.error/top.values[0], top.values, t.elapsed());
    }
  }
}
