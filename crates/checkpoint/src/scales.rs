//! Weights that are multiplied by the numbers of a tensor beside them.
//!
//! Which number is a matter of the shape of that tensor: one in all, one for each slice of a stack,
//! one an output (a row), one a column, or one per block of rows and columns. Blocks of 128×128 need
//! not come out even (DeepSeek-V3's `weight_dequant` in its `kernel.py`); others do.

use crate::{Dtype, Entries, TensorFacts};

/// Sides of a block where rows and columns are divided into blocks that need not come out even.
const BLOCK: usize = 128;
/// What an entry of bitsandbytes' int8 is divided by: `SCB` holds the largest of each output.
const LARGEST: f32 = 127.0;

/// Where the scales of a weight are, and which entry takes which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scales {
    /// The tensor that holds them.
    pub(crate) tensor: String,
    /// The tensor with as many zero points.
    pub(crate) zero_points: Option<String>,
    /// Slices, rows and columns of the weight.
    sides: [usize; 3],
    /// Slices, rows and columns that share a scale.
    block: [usize; 3],
    /// How many scales there are of them.
    counts: [usize; 3],
    over_127: bool,
    /// Whether they are stored as exponents of two, less 127 (OCP Microscaling 2023, §5.4.1).
    exponents: bool,
}

impl Scales {
    /// The scales of a vector, a matrix, a stack of matrices or a kernel.
    pub(crate) fn fit(weight: &TensorFacts, scales: &TensorFacts) -> Option<Self> {
        let (weight_shape, scales_shape) = (folded(&weight.shape), folded(&scales.shape));
        let sides = match weight_shape[..] {
            [columns] => [1, 1, columns],
            [rows, columns] => [1, rows, columns],
            [slices, rows, columns] => [slices, rows, columns],
            _ => return None,
        };
        let exponents = scales.dtype == Dtype::U8 && weight.dtype.is_8_bit_float();
        let is_read = scales.dtype.is_float() || scales.dtype == Dtype::F8E8M0 || exponents;
        if !is_read || sides.contains(&0) {
            return None;
        }
        let counts = along(&sides, weight_shape.len(), &scales_shape)?;
        Some(Self {
            tensor: scales.tensor.clone(),
            zero_points: None,
            sides,
            block: blocks(&sides, &counts)?,
            counts,
            over_127: scales.tensor.rsplit('.').next() == Some("SCB"),
            exponents,
        })
    }

    /// With a zero point for each scale, which is subtracted before; nothing when there are not as
    /// many, or they are no integers.
    pub(crate) fn with_zero_point(self, zero: Option<&TensorFacts>) -> Option<Self> {
        let Some(zero) = zero else {
            return Some(self);
        };
        let as_many = self.counts.iter().product::<usize>() as u64;
        let fits = zero.entries() == Some(as_many)
            && (zero.dtype.is_float() || matches!(zero.dtype, Dtype::I8 | Dtype::U8 | Dtype::I32));
        fits.then(|| Self {
            zero_points: Some(zero.tensor.clone()),
            ..self
        })
    }

    /// The scale of entry `at`, counted row by row.
    fn place(&self, at: usize) -> usize {
        let [_, rows, columns] = self.sides;
        let (slice, row, column) = (at / columns / rows, at / columns % rows, at % columns);
        let [_, down, across] = self.counts;
        (slice / self.block[0] * down + row / self.block[1]) * across + column / self.block[2]
    }

    /// Entries from number `start` on, each times its scale; nothing when a scale is missing. What
    /// has 64 bits keeps them.
    pub(crate) fn apply(
        &self,
        entries: Entries,
        start: usize,
        scales: &Entries,
        zero_points: Option<&Entries>,
    ) -> Option<Entries> {
        let entries = match entries {
            Entries::F16(_) | Entries::BF16(_) => {
                let wide = entries.widened().into_iter();
                Entries::F32(wide.map(|w| w as f32).collect())
            }
            wide => wide,
        };
        let scales = scales.widened().into_iter();
        let scales: Vec<f64> = scales.map(|stored| self.scale(stored)).collect();
        let zeros = zero_points.map(Entries::widened);
        let factor = |i: usize| {
            let place = self.place(start + i);
            let zero = zeros
                .as_ref()
                .map_or(Some(0.0), |all| all.get(place).copied());
            Some((*scales.get(place)?, zero?))
        };
        Some(match entries {
            Entries::F64(mut entries) => {
                for (i, entry) in entries.iter_mut().enumerate() {
                    let (scale, zero) = factor(i)?;
                    *entry = (*entry - zero) * scale;
                }
                Entries::F64(entries)
            }
            Entries::F32(mut entries) => {
                for (i, entry) in entries.iter_mut().enumerate() {
                    let (scale, zero) = factor(i)?;
                    *entry = (*entry - zero as f32) * scale as f32;
                }
                Entries::F32(entries)
            }
            _ => return None,
        })
    }

    fn scale(&self, stored: f64) -> f64 {
        match (self.exponents, self.over_127) {
            (true, _) if stored >= 255.0 => f64::NAN,
            (true, _) => (stored - 127.0).exp2(),
            (false, true) => f64::from(stored as f32 * (1.0 / LARGEST)),
            (false, false) => stored,
        }
    }

    /// How entries become weights, in words.
    pub(crate) fn words(&self, dtype: &Dtype) -> String {
        let [slices, rows, columns] = self.sides;
        let whole = |at: usize| self.block[at] == self.sides[at];
        let each = match self.block {
            _ if whole(0) && whole(1) && whole(2) => "one in all".to_owned(),
            [1, ..] if slices > 1 && whole(1) && whole(2) => "one a slice".to_owned(),
            [_, 1, block] if block == columns => "one an output".to_owned(),
            [_, block, 1] if block == rows => "one a column".to_owned(),
            [_, 1, 1] => "one an entry".to_owned(),
            [_, down, across] => format!("one a block of {down}x{across}"),
        };
        let over = if self.over_127 { " over 127" } else { "" };
        let two = if self.exponents { "2^(`" } else { "`" };
        let end = if self.exponents { "` - 127)" } else { "`" };
        let less = self.zero_points.as_ref();
        let less = less.map_or_else(String::new, |zero| format!(" less `{zero}`"));
        format!(
            "{dtype}{less} times {two}{}{end}{over}, {each}",
            self.tensor
        )
    }
}

/// Kernels of four and five sides as matrices with a row an output.
fn folded(shape: &[usize]) -> Vec<usize> {
    match shape {
        [outputs, rest @ ..] if rest.len() > 2 => vec![*outputs, rest.iter().product()],
        shape => shape.to_vec(),
    }
}

/// Scales along slices, rows and columns of a weight of so many sides.
fn along(sides: &[usize; 3], weight: usize, scales: &[usize]) -> Option<[usize; 3]> {
    let [slices, rows, columns] = *sides;
    Some(match (weight, scales) {
        _ if scales.iter().product::<usize>() == 1 => [1, 1, 1],
        (1, &[count]) if count == columns => [1, 1, columns],
        (2, &[count]) if count == rows => [1, rows, 1],
        (2, &[count]) if count == columns => [1, 1, columns],
        (2, &[down, across]) => [1, down, across],
        (3, &[count]) if count == slices => [slices, 1, 1],
        (3, &[count, down]) if count == slices && (down == rows || down == 1) => [slices, down, 1],
        (3, &[count, across]) if count == slices && across == columns => [slices, 1, columns],
        (3, &[count, down, across]) if count == slices || count == 1 => [count, down, across],
        _ => return None,
    })
}

/// Entries along each side that share one of so many scales.
fn blocks(sides: &[usize; 3], scales: &[usize; 3]) -> Option<[usize; 3]> {
    let is_128 = |at: usize| scales[at] == sides[at].div_ceil(BLOCK);
    let plain = |at: usize| scales[at] == sides[at];
    let of_128 = (1..3).all(|at| is_128(at) || plain(at)) && (1..3).any(is_128);
    let block = |at: usize| match (sides[at], scales[at]) {
        (_, 0) => None,
        (side, count) if side == count => Some(1),
        (side, 1) => Some(side),
        _ if at > 0 && of_128 => Some(BLOCK),
        (side, count) => side.is_multiple_of(count).then(|| side / count),
    };
    Some([block(0)?, block(1)?, block(2)?])
}

/// How 8-bit numbers without scales are read.
pub(crate) fn alone(dtype: &Dtype) -> Option<String> {
    dtype
        .is_8_bit_float()
        .then(|| format!("{dtype} as stored: no scale lies beside it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(weight: (Dtype, &[usize]), scales: (&str, Dtype, &[usize])) -> Option<Scales> {
        let weight = TensorFacts::new("x.weight", weight.0, weight.1);
        Scales::fit(&weight, &TensorFacts::new(scales.0, scales.1, scales.2))
    }

    fn found(name: &str, shape: &[usize]) -> Option<Scales> {
        fit((Dtype::I8, &[200, 384]), (name, Dtype::F32, shape))
    }

    #[test]
    fn shapes_say_which_scale_is_whose() {
        let words = |scale: &str, shape: &[usize]| found(scale, shape).map(|s| s.words(&Dtype::I8));
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(
            words("x.weight_scale_inv", &[2, 3]),
            said("I8 times `x.weight_scale_inv`, one a block of 128x128")
        );
        assert_eq!(
            words("x.weight_scale", &[200, 1]),
            said("I8 times `x.weight_scale`, one an output")
        );
        assert_eq!(
            words("x.weight_scale", &[1, 384]),
            said("I8 times `x.weight_scale`, one a column")
        );
        assert_eq!(
            words("x.weight_scale", &[]),
            said("I8 times `x.weight_scale`, one in all")
        );
        assert_eq!(
            words("x.weight_scale", &[200, 12]),
            said("I8 times `x.weight_scale`, one a block of 1x32")
        );
        assert_eq!(
            words("x.SCB", &[200]),
            said("I8 times `x.SCB` over 127, one an output")
        );
        assert_eq!(words("x.weight_scale", &[7]), None);
        assert_eq!(words("x.weight_scale", &[200, 7]), None);
        let eights = |dtype, shape: &[usize]| {
            let scales = fit((Dtype::F8E4M3, &[3, 200, 384]), ("s", dtype, shape));
            scales.map(|scales| scales.words(&Dtype::F8E4M3))
        };
        let stack = |each: &str| said(&format!("F8_E4M3 times `s`, {each}"));
        assert_eq!(eights(Dtype::BF16, &[3, 1, 1]), stack("one a slice"));
        assert_eq!(eights(Dtype::BF16, &[3]), stack("one a slice"));
        assert_eq!(eights(Dtype::BF16, &[3, 200, 1]), stack("one an output"));
        assert_eq!(eights(Dtype::BF16, &[3, 1, 384]), stack("one a column"));
        assert_eq!(
            eights(Dtype::F32, &[3, 2, 3]),
            stack("one a block of 128x128")
        );
        assert_eq!(
            eights(Dtype::F8E8M0, &[3, 200, 12]),
            stack("one a block of 1x32")
        );
        let bytes = eights(Dtype::U8, &[3, 200, 12]);
        assert_eq!(
            bytes,
            said("F8_E4M3 times 2^(`s` - 127), one a block of 1x32")
        );
        assert_eq!(eights(Dtype::F32, &[2, 200, 1]), None);
        let integers = ("s", Dtype::U8, &[200, 12][..]);
        assert_eq!(fit((Dtype::I8, &[200, 384]), integers), None, "exponents");
    }

    // Blocks of 128: entry (130, 260) of 200x384 is in block (1, 2), the sixth.
    #[test]
    fn each_entry_is_times_the_scale_of_its_block() {
        let scales = found("x.weight_scale_inv", &[2, 3]).unwrap();
        let all = Entries::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let start = 130 * 384 + 255;
        let weights = scales.apply(Entries::F32(vec![10.0, 10.0]), start, &all, None);
        assert_eq!(weights, Some(Entries::F32(vec![50.0, 60.0])));
        let scb = found("x.SCB", &[200]).unwrap();
        let largest = Entries::F32(vec![0.254; 200]);
        let weights = scb
            .apply(Entries::F32(vec![-127.0]), 0, &largest, None)
            .unwrap()
            .widened();
        assert!((weights[0] + 0.254).abs() < 1e-7);
        assert_eq!(
            scb.apply(Entries::F32(vec![1.0]), 384, &Entries::F32(vec![1.0]), None),
            None
        );
    }

    // Entry (2, 1, 3) of 3x2x4 with a scale a slice and row is the sixth; one a column, the twelfth.
    #[test]
    fn a_slice_of_a_stack_takes_its_own_scales() {
        let of = |shape: &[usize]| fit((Dtype::F8E4M3, &[3, 2, 4]), ("s", Dtype::F32, shape));
        let counted = |count: usize| Entries::F64((1..=count).map(|i| i as f64).collect());
        let last = |scales: Scales, count| {
            let one = Entries::F32(vec![1.0]);
            scales
                .apply(one, 23, &counted(count), None)
                .unwrap()
                .widened()[0]
        };
        assert!((last(of(&[3, 2]).unwrap(), 6) - 6.0).abs() < 1e-9);
        assert!((last(of(&[3, 1, 4]).unwrap(), 12) - 12.0).abs() < 1e-9);
        assert!((last(of(&[3]).unwrap(), 3) - 3.0).abs() < 1e-9);
    }

    // OCP Microscaling 2023: an exponent of 127 is 1, of 130 8, and 255 is no number.
    #[test]
    fn exponents_are_powers_of_two() {
        let scales = fit((Dtype::F8E4M3, &[3, 4]), ("s", Dtype::U8, &[3, 1])).unwrap();
        let stored = Entries::F64(vec![127.0, 130.0, 255.0]);
        let entries = Entries::F32(vec![1.5; 12]);
        let weights = scales.apply(entries, 0, &stored, None).unwrap().widened();
        assert!((weights[0] - 1.5).abs() < 1e-9 && (weights[4] - 12.0).abs() < 1e-9);
        assert!(weights[8].is_nan());
    }

    #[test]
    fn a_zero_point_is_subtracted_first() {
        let scales = found("x.weight_scale", &[200, 1]).unwrap();
        let zero = |shape: &[usize]| TensorFacts::new("z", Dtype::I8, shape);
        assert_eq!(scales.clone().with_zero_point(Some(&zero(&[7]))), None);
        let scales = scales.with_zero_point(Some(&zero(&[200, 1]))).unwrap();
        let (halves, threes) = (Entries::F64(vec![0.5; 200]), Entries::F32(vec![3.0; 200]));
        let weights = scales.apply(Entries::F32(vec![5.0]), 0, &halves, Some(&threes));
        assert_eq!(weights, Some(Entries::F32(vec![1.0])));
        let said = "I8 less `z` times `x.weight_scale`, one an output";
        assert_eq!(scales.words(&Dtype::I8), said);
    }
}
