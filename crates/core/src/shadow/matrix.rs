//! A layer's matrix, scaled to entries of mean square 1, and its controls.

use std::borrow::Cow;

use super::columns::Columns;
use super::product::Operand;
use crate::controls::{self, Control, ControlMatrix, ControlSource, StoredEntries};
use crate::layers::Orientation;

/// W/s, n×m, as it lies in the file.
#[derive(Debug, Clone)]
pub(super) struct ScaledMatrix<'a> {
    stored: StoredEntries<'a>,
    orientation: Orientation,
    /// Number of inputs.
    pub n: usize,
    /// Number of outputs.
    pub m: usize,
    /// s, the rms the entries were divided by.
    pub rms: f64,
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
            stored: T::stored(entries, rms),
            orientation,
            n,
            m,
            rms,
        })
    }

    /// A random Gaussian layer, the one with this place among those of `seed`.
    pub(super) fn gaussian(n: usize, m: usize, seed: u64, place: u64) -> Self {
        let entries = controls::gaussian(n * m, seed, place);
        Self {
            stored: StoredEntries::Single(Cow::Owned(entries), 1.0),
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
    ) -> ControlMatrix<'r> {
        let origin = ControlSource {
            stored: &self.stored,
            n: self.n,
            m: self.m,
            orientation: self.orientation,
        };
        let orientation = controls::draw(control, &origin, streams, room);
        ControlMatrix {
            stored: room,
            n: self.n,
            m: self.m,
            orientation,
        }
    }

    /// W·h for each column of `codes`, of m entries each; the answer's have n.
    pub(super) fn down(&self, codes: &Columns) -> Columns {
        self.product(Orientation::InOut, codes)
    }

    /// Wᵀ·x for each column of `inputs`, of n entries each; the answer's have m.
    pub(super) fn up(&self, inputs: &Columns) -> Columns {
        self.product(Orientation::OutIn, inputs)
    }

    /// W, or Wᵀ if `way` is [`Orientation::OutIn`], times `columns`.
    fn product(&self, way: Orientation, columns: &Columns) -> Columns {
        let (rows, cols) = match self.orientation {
            Orientation::OutIn => (self.m, self.n),
            Orientation::InOut => (self.n, self.m),
        };
        let matrix = Operand {
            stored: &self.stored,
            rows,
            cols,
            is_turned: way != self.orientation,
        };
        Columns::from_rows(
            matrix.times(columns.rows(), columns.width()),
            columns.width(),
        )
    }
}

/// A control is drawn over the rms already.
impl<'a> From<ControlMatrix<'a>> for ScaledMatrix<'a> {
    fn from(control: ControlMatrix<'a>) -> Self {
        Self {
            stored: StoredEntries::Single(Cow::Borrowed(control.stored), 1.0),
            orientation: control.orientation,
            n: control.n,
            m: control.m,
            rms: 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    fn scaled(matrix: &ScaledMatrix<'_>) -> Vec<f32> {
        matrix.stored.part(0..matrix.stored.len())
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
        let code = Columns::from_rows(vec![1.0, 2.0], 1);
        let input = Columns::from_rows(vec![1.0, 7.0, 2.0], 1);
        for matrix in [in_out, out_in] {
            let matrix = matrix.unwrap();
            let near = |found: Columns, wanted: &[f32]| {
                let found = found.rows();
                let far = |(f, w): (&f32, &f32)| (f - w / s).abs() > 1e-6;
                assert!(!found.iter().zip(wanted).any(far), "{found:?} {wanted:?}");
            };
            near(matrix.down(&code), &[11.0, 0.0, 10.0]);
            near(matrix.up(&input), &[3.0, 14.0]);
        }
        assert!(ScaledMatrix::new(&[0.0; 6][..], 3, 2, Orientation::InOut).is_none());
        assert!(ScaledMatrix::new(&[1.0; 5][..], 3, 2, Orientation::InOut).is_none());
    }

    // Sums in double precision, but for rounding, and the same to the last bit on any number of
    // threads.
    #[test]
    fn products_are_the_sums_they_stand_for() {
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
                    Columns::from_rows(kept.collect(), 32)
                };
                let (codes, inputs) = (columns(m), columns(n));
                let both = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let down = || matrix.down(&codes).rows().to_vec();
                    let up = || matrix.up(&inputs).rows().to_vec();
                    pool.unwrap().install(|| (down(), up()))
                };
                let found = both(1);
                assert_eq!(found, both(3));
                let scaled = scaled(&matrix);
                let w = |i: usize, j: usize| match orientation {
                    Orientation::InOut => scaled[i * m + j],
                    Orientation::OutIn => scaled[j * n + i],
                };
                let near = |found: &[f32], terms: usize, wanted: &dyn Fn(usize, usize) -> f64| {
                    let allowed = 2.0 * f64::from(f32::EPSILON) * (terms as f64).sqrt();
                    for (at, &found) in found.iter().enumerate() {
                        let wanted = wanted(at / 32, at % 32);
                        let size = wanted.abs() + (terms as f64).sqrt();
                        let off = (f64::from(found) - wanted).abs();
                        assert!(off <= allowed * size, "{found} {wanted}");
                    }
                };
                let term = |a: f32, b: f32| f64::from(a) * f64::from(b);
                near(&found.0, m, &|i, draw| {
                    let terms = (0..m).map(|j| term(w(i, j), codes.rows()[j * 32 + draw]));
                    terms.sum()
                });
                near(&found.1, n, &|j, draw| {
                    let terms = (0..n).map(|i| term(w(i, j), inputs.rows()[i * 32 + draw]));
                    terms.sum()
                });
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
        let shuffled = matrix.control(Control::Shuffled, (1, 0), &mut room).into();
        assert_eq!(sorted(&shuffled), sorted(&matrix));
        assert_ne!(scaled(&shuffled), scaled(&matrix));
        let gaussian = matrix.control(Control::Gaussian, (1, 0), &mut room);
        let squares = gaussian.stored.iter().map(|w| f64::from(w * w));
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
            Columns::from_rows(kept.collect(), 32)
        };
        for orientation in [Orientation::InOut, Orientation::OutIn] {
            let half = ScaledMatrix::new(&half[..], n, m, orientation).unwrap();
            let single = ScaledMatrix::new(&single[..], n, m, orientation).unwrap();
            let near = |a: Columns, b: Columns| {
                for (a, b) in a.rows().iter().zip(b.rows()) {
                    // Rounded at every entry, or once at the end, of at most 600 terms.
                    let terms = 600_f32.sqrt();
                    let allowed = 2.0 * f32::EPSILON * terms * (b.abs() + terms);
                    assert!((a - b).abs() <= allowed, "{a} {b}");
                }
            };
            near(half.down(&codes(m)), single.down(&codes(m)));
            near(half.up(&codes(n)), single.up(&codes(n)));
            let (mut from_half, mut from_single) = (Vec::new(), Vec::new());
            half.control(Control::Shuffled, (1, 0), &mut from_half);
            single.control(Control::Shuffled, (1, 0), &mut from_single);
            assert_eq!(from_half, from_single);
        }
    }

    // Of mean square 10⁻⁸⁰: 1/s is beyond single precision.
    #[test]
    fn tiny_entries_are_scaled_all_the_same() {
        let entries = [1e-40_f32, -1e-40, 1e-40, 1e-40];
        let matrix = ScaledMatrix::new(&entries[..], 2, 2, Orientation::InOut).unwrap();
        let found = matrix.down(&Columns::from_rows(vec![1.0, 2.0], 1));
        let found = found.rows();
        assert!((found[0] + 1.0).abs() < 1e-3 && (found[1] - 3.0).abs() < 1e-3);
    }
}
