//! A layer's matrix, scaled to entries of mean square 1, and its controls.

use std::borrow::Cow;

use candle_core::{Device, Result, Storage, Tensor, bail};

use super::product::Operand;
use crate::controls::{self, Control, Entries, Origin};
use crate::layers::Orientation;

/// W/s, n×m, as it lies in the file.
#[derive(Debug, Clone)]
pub(super) struct ScaledMatrix<'a> {
    stored: Stored<'a>,
    orientation: Orientation,
    /// Number of inputs.
    pub n: usize,
    /// Number of outputs.
    pub m: usize,
    /// s, the rms the entries were divided by.
    pub rms: f64,
}

#[derive(Debug, Clone)]
enum Stored<'a> {
    /// In main memory, where it lies or in a room.
    Main(controls::Stored<'a>),
    /// On a device, or to be differentiated; divided by s.
    Device(Tensor),
}

impl<'a> ScaledMatrix<'a> {
    /// Of `entries` over their rms, left where they are; nothing when that is 0 or the shape does
    /// not fit.
    pub(super) fn new<T: controls::Scaled + 'a>(
        entries: impl Into<Cow<'a, [T]>>,
        n: usize,
        m: usize,
        orientation: Orientation,
    ) -> Option<Self> {
        let entries = entries.into();
        let fits = !entries.is_empty() && n.checked_mul(m) == Some(entries.len());
        let rms = controls::rms(&entries).filter(|_| fits)?;
        Some(Self {
            stored: Stored::Main(T::stored(entries, rms)),
            orientation,
            n,
            m,
            rms,
        })
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
            stored: Stored::Device((weight / rms)?),
            orientation: Orientation::OutIn,
            n,
            m,
            rms,
        }))
    }

    /// A random Gaussian layer, the one with this place among those of `seed`.
    pub(super) fn gaussian(n: usize, m: usize, seed: u64, place: u64) -> Self {
        let entries = controls::gaussian(n * m, seed, place);
        Self {
            stored: Stored::Main(controls::Stored::Single(Cow::Owned(entries), 1.0)),
            orientation: Orientation::InOut,
            n,
            m,
            rms: 1.0,
        }
    }

    /// A control of the same shape, of the layer with this place in a chain, in `room`.
    pub(super) fn control<'r>(
        &self,
        control: Control,
        streams: (u64, u64),
        room: &'r mut Vec<f32>,
    ) -> Result<ScaledMatrix<'r>> {
        let orientation = controls::draw(control, &self.origin()?, streams, room);
        Ok(ScaledMatrix {
            stored: Stored::Main(controls::Stored::Single(Cow::Borrowed(room), 1.0)),
            orientation,
            n: self.n,
            m: self.m,
            rms: 1.0,
        })
    }

    /// The entries where they lie.
    fn origin(&self) -> Result<Origin<'_>> {
        let Stored::Main(stored) = &self.stored else {
            bail!("the matrix is not in main memory");
        };
        Ok(Origin {
            stored,
            n: self.n,
            m: self.m,
            orientation: self.orientation,
        })
    }

    /// The entries of a control.
    pub(super) fn entries(&self) -> Result<Entries<'_>> {
        let Stored::Main(controls::Stored::Single(stored, _)) = &self.stored else {
            bail!("the entries are not in single precision");
        };
        Ok(Entries {
            stored,
            n: self.n,
            m: self.m,
            orientation: self.orientation,
        })
    }

    /// W·h for each column of `codes`, m×draws.
    pub(super) fn down(&self, codes: &Tensor) -> Result<Tensor> {
        self.product(Orientation::InOut, codes)
    }

    /// Wᵀ·x for each column of `inputs`, n×draws.
    pub(super) fn up(&self, inputs: &Tensor) -> Result<Tensor> {
        self.product(Orientation::OutIn, inputs)
    }

    /// W, or Wᵀ if `way` is [`Orientation::OutIn`], times `columns`.
    fn product(&self, way: Orientation, columns: &Tensor) -> Result<Tensor> {
        let is_turned = way != self.orientation;
        let stored = match &self.stored {
            Stored::Main(stored) => stored,
            Stored::Device(tensor) if is_turned => return tensor.t()?.matmul(columns),
            Stored::Device(tensor) => return tensor.matmul(columns),
        };
        let (rows, cols) = match self.orientation {
            Orientation::OutIn => (self.m, self.n),
            Orientation::InOut => (self.n, self.m),
        };
        let (length, width) = columns.dims2()?;
        let columns = columns.contiguous()?;
        let (storage, layout) = columns.storage_and_layout();
        let (Storage::Cpu(entries), Some((from, to))) = (&*storage, layout.contiguous_offsets())
        else {
            bail!("the columns are not in main memory");
        };
        if length != if is_turned { rows } else { cols } {
            bail!("{rows}x{cols} entries, {length} a column");
        }
        let matrix = Operand {
            stored,
            rows,
            cols,
            is_turned,
        };
        let product = matrix.times(&entries.as_slice()?[from..to], width);
        Tensor::from_vec(product, (matrix.height(), width), &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn scaled(matrix: &ScaledMatrix<'_>) -> Vec<f32> {
        let origin = matrix.origin().unwrap();
        origin.stored.part(0..origin.stored.len())
    }

    // W = [[3, 4], [0, 0], [0, 5]] (3 in, 2 out), rms √(50/6).
    #[test]
    fn both_ways_by_hand_in_both_orientations() {
        let s = (50.0_f64 / 6.0).sqrt() as f32;
        let in_out = ScaledMatrix::new(
            &[3.0, 4.0, 0.0, 0.0, 0.0, 5.0][..],
            3,
            2,
            Orientation::InOut,
        );
        let out_in = ScaledMatrix::new(
            &[3.0, 0.0, 0.0, 4.0, 0.0, 5.0][..],
            3,
            2,
            Orientation::OutIn,
        );
        let code = Tensor::new(&[[1.0_f32], [2.0]], &Device::Cpu).unwrap();
        let input = Tensor::new(&[[1.0_f32], [7.0], [2.0]], &Device::Cpu).unwrap();
        for matrix in [in_out, out_in] {
            let matrix = matrix.unwrap();
            let near = |found: Vec<f32>, wanted: &[f32]| {
                let far = |(f, w): (&f32, &f32)| (f - w / s).abs() > 1e-6;
                assert!(!found.iter().zip(wanted).any(far), "{found:?} {wanted:?}");
            };
            near(values(&matrix.down(&code).unwrap()), &[11.0, 0.0, 10.0]);
            near(values(&matrix.up(&input).unwrap()), &[3.0, 14.0]);
        }
        assert!(ScaledMatrix::new(&[0.0; 6][..], 3, 2, Orientation::InOut).is_none());
        assert!(ScaledMatrix::new(&[1.0; 5][..], 3, 2, Orientation::InOut).is_none());
    }

    // The tensor library's, but for rounding, and the same to the last bit on any number of
    // threads.
    #[test]
    fn products_are_those_of_the_tensor_library() {
        for (n, m) in [(64, 64), (3, 200), (17, 41), (256, 255), (700, 310)] {
            for orientation in [Orientation::InOut, Orientation::OutIn] {
                let entries = controls::gaussian(n * m, 1, 0);
                let matrix = ScaledMatrix::new(&entries[..], n, m, orientation).unwrap();
                // Half of the columns have one entry in three that is not zero, half one in fifty.
                let columns = |length: usize| {
                    let drawn = controls::gaussian(length * 32, 2, 0);
                    let kept = drawn
                        .into_iter()
                        .enumerate()
                        .map(|(at, w)| if w > [0.4, 2.0][at % 2] { w } else { 0.0 });
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
                let scaled = scaled(&matrix);
                let scaled = Tensor::from_vec(scaled, n * m, &Device::Cpu).unwrap();
                let whole = match orientation {
                    Orientation::InOut => scaled.reshape((n, m)).unwrap(),
                    Orientation::OutIn => scaled.reshape((m, n)).unwrap().t().unwrap(),
                };
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
        let entries: Vec<f32> = (0..60_000).map(|i| (i % 7) as f32).collect();
        let matrix = ScaledMatrix::new(&entries[..], 300, 200, Orientation::InOut).unwrap();
        let sorted = |matrix: &ScaledMatrix<'_>| {
            let mut all = scaled(matrix);
            all.sort_unstable_by(f32::total_cmp);
            all
        };
        let mut room = Vec::new();
        let shuffled = matrix
            .control(Control::Shuffled, (1, 0), &mut room)
            .unwrap();
        assert_eq!(sorted(&shuffled), sorted(&matrix));
        assert_ne!(scaled(&shuffled), scaled(&matrix));
        let gaussian = matrix
            .control(Control::Gaussian, (1, 0), &mut room)
            .unwrap();
        let squares = scaled(&gaussian).into_iter().map(|w| f64::from(w * w));
        let square = squares.sum::<f64>() / 60_000.0;
        assert!((square - 1.0).abs() < 4.0 * (2.0 / 60_000_f64).sqrt());
    }

    // In 16 bits a product is that of the same numbers in single precision.
    #[test]
    fn entries_of_16_bits_are_multiplied_where_they_lie() {
        let (n, m) = (600, 500);
        let half: Vec<f16> = controls::gaussian(n * m, 1, 0)
            .into_iter()
            .map(f16::from_f32)
            .collect();
        let single: Vec<f32> = half.iter().map(|w| w.to_f32()).collect();
        // Half of the columns are mostly zeros.
        let codes = |length: usize| {
            let drawn = controls::gaussian(length * 32, 2, 0)
                .into_iter()
                .enumerate();
            let kept = drawn.map(|(at, w)| if at % 2 == 0 || w > 2.0 { w } else { 0.0 });
            Tensor::from_vec(kept.collect(), (length, 32), &Device::Cpu).unwrap()
        };
        for orientation in [Orientation::InOut, Orientation::OutIn] {
            let half = ScaledMatrix::new(&half[..], n, m, orientation).unwrap();
            let single = ScaledMatrix::new(&single[..], n, m, orientation).unwrap();
            let near = |a: Tensor, b: Tensor| {
                for (a, b) in values(&a).into_iter().zip(values(&b)) {
                    // Rounded at every entry, or once at the end, of at most 600 terms.
                    let terms = 600_f32.sqrt();
                    let allowed = 2.0 * f32::EPSILON * terms * (b.abs() + terms);
                    assert!((a - b).abs() <= allowed, "{a} {b}");
                }
            };
            near(
                half.down(&codes(m)).unwrap(),
                single.down(&codes(m)).unwrap(),
            );
            near(half.up(&codes(n)).unwrap(), single.up(&codes(n)).unwrap());
            let mut room = Vec::new();
            let half = half
                .control(Control::RowShuffled, (1, 0), &mut room)
                .unwrap();
            let half = scaled(&half);
            let single = single
                .control(Control::RowShuffled, (1, 0), &mut room)
                .unwrap();
            assert_eq!(half, scaled(&single));
        }
    }

    // Of mean square 10⁻⁸⁰: 1/s is beyond single precision.
    #[test]
    fn tiny_entries_are_scaled_all_the_same() {
        let entries = [1e-40_f32, -1e-40, 1e-40, 1e-40];
        let matrix = ScaledMatrix::new(&entries[..], 2, 2, Orientation::InOut).unwrap();
        let code = Tensor::new(&[[1.0_f32], [2.0]], &Device::Cpu).unwrap();
        let found = values(&matrix.down(&code).unwrap());
        assert!((found[0] + 1.0).abs() < 1e-3 && (found[1] - 3.0).abs() < 1e-3);
    }
}
