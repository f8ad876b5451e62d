//! A layer's matrix on the device, scaled to entries of mean square 1, and its controls.

use candle_core::{Device, Result, Storage, Tensor, bail};
use faer::{Accum, MatMut, MatRef, Par};

use crate::controls::{self, Control, Entries};
use crate::layers::Orientation;

/// Longer sides up to which one thread makes a product.
const SMALL: usize = 256;

/// W/s, n×m, as it lies in the file.
#[derive(Debug, Clone)]
pub(super) struct ScaledMatrix {
    stored: Tensor,
    orientation: Orientation,
    /// Number of inputs.
    pub n: usize,
    /// Number of outputs.
    pub m: usize,
    /// s, the rms the entries were divided by.
    pub rms: f64,
}

impl ScaledMatrix {
    /// Divides `entries` by their rms; nothing when that is 0 or the shape does not fit.
    pub(super) fn new<T: Copy + Into<f64> + Sync>(
        entries: &[T],
        n: usize,
        m: usize,
        orientation: Orientation,
    ) -> Result<Option<Self>> {
        if entries.is_empty() || n.checked_mul(m) != Some(entries.len()) {
            return Ok(None);
        }
        let Some(rms) = controls::rms(entries) else {
            return Ok(None);
        };
        let scaled = controls::scaled(entries, rms);
        Self::stored(scaled, (n, m), rms, orientation).map(Some)
    }

    /// A layer on the device, stored (out, in), its entries divided by their rms; nothing when
    /// that is 0 or no number.
    pub(super) fn on_device(weight: &Tensor) -> Result<Option<Self>> {
        let (m, n) = weight.dims2()?;
        let square: f32 = weight.sqr()?.mean_all()?.to_scalar()?;
        let rms = f64::from(square.sqrt());
        if rms.is_nan() || rms <= 0.0 || rms.is_infinite() {
            return Ok(None);
        }
        Ok(Some(Self {
            stored: (weight / rms)?,
            orientation: Orientation::OutIn,
            n,
            m,
            rms,
        }))
    }

    /// A random Gaussian layer, the one with this place among those of `seed`.
    pub(super) fn gaussian(n: usize, m: usize, seed: u64, place: u64) -> Result<Self> {
        let entries = controls::gaussian(n * m, seed, place);
        Self::stored(entries, (n, m), 1.0, Orientation::InOut)
    }

    fn stored(
        entries: Vec<f32>,
        (n, m): (usize, usize),
        rms: f64,
        orientation: Orientation,
    ) -> Result<Self> {
        let shape = match orientation {
            Orientation::OutIn => (m, n),
            Orientation::InOut => (n, m),
        };
        Ok(Self {
            stored: Tensor::from_vec(entries, shape, &Device::Cpu)?,
            orientation,
            n,
            m,
            rms,
        })
    }

    /// A control of the same shape, of the layer with this place in a chain.
    pub(super) fn control(&self, control: Control, seed: u64, place: u64) -> Result<Self> {
        let drawn = self.read(|entries| controls::draw(control, entries, seed, place))?;
        let shape = (self.n, self.m);
        Self::stored(drawn.entries, shape, 1.0, drawn.orientation)
    }

    /// What `f` makes of the entries where they lie: a copy would be as large as the layer.
    pub(super) fn read<R>(&self, f: impl FnOnce(&Entries<'_>) -> R) -> Result<R> {
        let (storage, _) = self.stored.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else {
            bail!("the matrix is not in main memory");
        };
        Ok(f(&Entries {
            stored: storage.as_slice()?,
            n: self.n,
            m: self.m,
            orientation: self.orientation,
        }))
    }

    fn in_out(&self) -> Result<Tensor> {
        match self.orientation {
            Orientation::OutIn => self.stored.t(),
            Orientation::InOut => Ok(self.stored.clone()),
        }
    }

    /// W·h for each column of `codes`, m×draws.
    pub(super) fn down(&self, codes: &Tensor) -> Result<Tensor> {
        if let Some(product) = self.product(self.orientation, codes)? {
            return Ok(product);
        }
        self.in_out()?.matmul(codes)
    }

    /// Wᵀ·x for each column of `inputs`, n×draws.
    pub(super) fn up(&self, inputs: &Tensor) -> Result<Tensor> {
        let turned = match self.orientation {
            Orientation::OutIn => Orientation::InOut,
            Orientation::InOut => Orientation::OutIn,
        };
        if let Some(product) = self.product(turned, inputs)? {
            return Ok(product);
        }
        self.in_out()?.t()?.matmul(inputs)
    }

    /// The stored matrix, turned if `way` is [`Orientation::OutIn`], times `columns`; nothing
    /// where that is work for the tensor library: on another device, or to be differentiated.
    ///
    /// The library counts the processors at every product, longer than a small product takes,
    /// and takes twice as long for a large one.
    fn product(&self, way: Orientation, columns: &Tensor) -> Result<Option<Tensor>> {
        if self.stored.track_op() || columns.track_op() {
            return Ok(None);
        }
        let (rows, cols) = self.stored.dims2()?;
        let (length, width) = columns.dims2()?;
        let (matrix, columns) = (
            self.stored.storage_and_layout(),
            columns.storage_and_layout(),
        );
        let (Storage::Cpu(stored), Storage::Cpu(entries)) = (&*matrix.0, &*columns.0) else {
            return Ok(None);
        };
        let (Some(here), Some(there)) = (
            matrix.1.contiguous_offsets(),
            columns.1.contiguous_offsets(),
        ) else {
            return Ok(None);
        };
        let stored: &[f32] = &stored.as_slice()?[here.0..here.1];
        let entries: &[f32] = &entries.as_slice()?[there.0..there.1];
        let stored = MatRef::from_row_major_slice(stored, rows, cols);
        let stored = match way {
            Orientation::InOut => stored,
            Orientation::OutIn => stored.transpose(),
        };
        if stored.ncols() != length {
            return Ok(None);
        }
        let mut product = vec![0.0; stored.nrows() * width];
        faer::linalg::matmul::matmul(
            MatMut::from_row_major_slice_mut(&mut product, stored.nrows(), width),
            Accum::Replace,
            stored,
            MatRef::from_row_major_slice(entries, length, width),
            1.0,
            if rows.max(cols) <= SMALL {
                Par::Seq
            } else {
                Par::rayon(0)
            },
        );
        Tensor::from_vec(product, (stored.nrows(), width), &Device::Cpu).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    // W = [[3, 4], [0, 0], [0, 5]] (3 in, 2 out), rms √(50/6).
    #[test]
    fn both_ways_by_hand_in_both_orientations() {
        let s = (50.0_f64 / 6.0).sqrt() as f32;
        let in_out = ScaledMatrix::new(&[3.0, 4.0, 0.0, 0.0, 0.0, 5.0], 3, 2, Orientation::InOut);
        let out_in = ScaledMatrix::new(&[3.0, 0.0, 0.0, 4.0, 0.0, 5.0], 3, 2, Orientation::OutIn);
        let code = Tensor::new(&[[1.0_f32], [2.0]], &Device::Cpu).unwrap();
        let input = Tensor::new(&[[1.0_f32], [7.0], [2.0]], &Device::Cpu).unwrap();
        for matrix in [in_out, out_in] {
            let matrix = matrix.unwrap().unwrap();
            let near = |found: Vec<f32>, wanted: &[f32]| {
                let far = |(f, w): (&f32, &f32)| (f - w / s).abs() > 1e-6;
                assert!(!found.iter().zip(wanted).any(far), "{found:?} {wanted:?}");
            };
            near(values(&matrix.down(&code).unwrap()), &[11.0, 0.0, 10.0]);
            near(values(&matrix.up(&input).unwrap()), &[3.0, 14.0]);
        }
        assert!(
            ScaledMatrix::new(&[0.0; 6], 3, 2, Orientation::InOut)
                .unwrap()
                .is_none()
        );
        assert!(
            ScaledMatrix::new(&[1.0; 5], 3, 2, Orientation::InOut)
                .unwrap()
                .is_none()
        );
    }

    // The tensor library's, but for rounding, and the same to the last bit on any number of
    // threads.
    #[test]
    fn products_are_those_of_the_tensor_library() {
        for (n, m) in [(64, 64), (3, 200), (17, 41), (256, 255), (700, 310)] {
            for orientation in [Orientation::InOut, Orientation::OutIn] {
                let entries = controls::gaussian(n * m, 1, 0);
                let matrix = ScaledMatrix::new(&entries, n, m, orientation)
                    .unwrap()
                    .unwrap();
                let columns = |length: usize| {
                    let drawn = controls::gaussian(length * 32, 2, 0);
                    let kept = drawn.into_iter().map(|w| if w > 0.4 { w } else { 0.0 });
                    Tensor::from_iter(kept, &Device::Cpu)
                        .unwrap()
                        .reshape((length, 32))
                        .unwrap()
                };
                let (codes, inputs) = (columns(m), columns(n));
                let both = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let down = || values(&matrix.down(&codes).unwrap());
                    let up = || values(&matrix.up(&inputs).unwrap());
                    pool.unwrap().install(|| (down(), up()))
                };
                let found = both(1);
                assert_eq!(found, both(3));
                let whole = matrix.in_out().unwrap();
                let near = |found: &[f32], wanted: Tensor, terms: usize| {
                    let allowed = 2.0 * f32::EPSILON * (terms as f32).sqrt();
                    for (found, wanted) in found.iter().zip(values(&wanted)) {
                        let size = wanted.abs() + (terms as f32).sqrt();
                        assert!((found - wanted).abs() <= allowed * size, "{found} {wanted}");
                    }
                };
                near(&found.0, whole.matmul(&codes).unwrap(), m);
                near(&found.1, whole.t().unwrap().matmul(&inputs).unwrap(), n);
            }
        }
    }

    #[test]
    fn controls_keep_what_they_should() {
        let entries: Vec<f64> = (0..60_000).map(|i| f64::from(i % 7)).collect();
        let matrix = ScaledMatrix::new(&entries, 300, 200, Orientation::InOut)
            .unwrap()
            .unwrap();
        let sorted = |matrix: &ScaledMatrix| {
            let mut all = values(&matrix.stored);
            all.sort_unstable_by(f32::total_cmp);
            all
        };
        let shuffled = matrix.control(Control::Shuffled, 1, 0).unwrap();
        assert_eq!(sorted(&shuffled), sorted(&matrix));
        assert_ne!(values(&shuffled.stored), values(&matrix.stored));
        let gaussian = values(&matrix.control(Control::Gaussian, 1, 0).unwrap().stored);
        let square = gaussian.iter().map(|w| f64::from(w * w)).sum::<f64>() / 60_000.0;
        assert!((square - 1.0).abs() < 4.0 * (2.0 / 60_000_f64).sqrt());
    }
}
