//! Weights of 8 bits and the scales beside them.
//!
//! A weight is its entry times a scale. Which scale is a matter of the shape of the tensor that
//! holds them, and its name one of convention:
//!
//! - `X.weight_scale_inv`: one per block of 128×128 (DeepSeek-V3's layout; in spite of the name it
//!   multiplies: `weight_dequant` in its `kernel.py`)
//! - `X.weight_scale`: one in all, one per output, or one per group of inputs (compressed-tensors,
//!   FBGEMM); `X.scale_weight` the same
//! - `X.SCB`: largest absolute weight of each output, 127 of the entries (bitsandbytes' int8)

use std::collections::BTreeMap;

use crate::{Dtype, Entries, TensorFacts};

/// Sides of a block where rows and columns are divided into blocks that need not come out even.
const BLOCK: usize = 128;
/// What an entry of bitsandbytes is divided by.
const LARGEST: f32 = 127.0;

/// Where the scales of a weight are, and which entry takes which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scales {
    /// The tensor that holds them.
    pub(crate) tensor: String,
    columns: usize,
    /// Rows and columns of the weight that share a scale.
    block: (usize, usize),
    over_127: bool,
}

impl Scales {
    /// Of the weights of 8 bits among `tensors`, by name.
    pub(crate) fn among(tensors: &[TensorFacts]) -> BTreeMap<String, Self> {
        let by_name: BTreeMap<&str, &TensorFacts> =
            tensors.iter().map(|t| (t.tensor.as_str(), t)).collect();
        let fitted = |weight: &TensorFacts| {
            let names = companions(&weight.tensor);
            let scales = names.iter().find_map(|name| by_name.get(name.as_str()))?;
            Some((weight.tensor.clone(), Self::fit(weight, scales)?))
        };
        tensors
            .iter()
            .filter(|tensor| is_number(&tensor.dtype))
            .filter_map(fitted)
            .collect()
    }

    fn fit(weight: &TensorFacts, scales: &TensorFacts) -> Option<Self> {
        let [rows, columns] = weight.shape[..] else {
            return None;
        };
        if !scales.dtype.is_float() || rows * columns == 0 {
            return None;
        }
        let over_127 = scales.tensor.rsplit('.').next() == Some("SCB");
        let block = match scales.shape[..] {
            _ if scales.count() == Some(1) => (rows, columns),
            [count] | [count, 1] if count == rows => (1, columns),
            [down, across] if down == rows.div_ceil(BLOCK) && across == columns.div_ceil(BLOCK) => {
                (BLOCK, BLOCK)
            }
            [down, across]
                if down > 0
                    && across > 0
                    && rows.is_multiple_of(down)
                    && columns.is_multiple_of(across) =>
            {
                (rows / down, columns / across)
            }
            _ => return None,
        };
        Some(Self {
            tensor: scales.tensor.clone(),
            columns,
            block,
            over_127,
        })
    }

    /// Scale of the block in which entry `at` lies, counted row by row.
    fn place(&self, at: usize) -> usize {
        let (row, column) = (at / self.columns, at % self.columns);
        let across = self.columns.div_ceil(self.block.1);
        row / self.block.0 * across + column / self.block.1
    }

    /// Entries from number `start` on, each times its scale; nothing when a scale is missing.
    pub(crate) fn apply(
        &self,
        entries: Entries,
        start: usize,
        scales: &Entries,
    ) -> Option<Entries> {
        let scales = scales.widened();
        let unit = if self.over_127 { 1.0 / LARGEST } else { 1.0 };
        let Entries::F32(mut entries) = entries else {
            return None;
        };
        for (i, entry) in entries.iter_mut().enumerate() {
            *entry *= *scales.get(self.place(start + i))? as f32 * unit;
        }
        Some(Entries::F32(entries))
    }

    /// How entries become weights, in words.
    pub(crate) fn words(&self, dtype: &Dtype) -> String {
        let (rows, columns) = self.block;
        let each = match self.block {
            (1, columns) if columns == self.columns => "one an output".to_owned(),
            (_, columns) if columns == self.columns => "one in all".to_owned(),
            _ => format!("one a block of {rows}x{columns}"),
        };
        let over = if self.over_127 { " over 127" } else { "" };
        format!("{dtype} times `{}`{over}, {each}", self.tensor)
    }
}

/// How 8-bit numbers without scales are read.
pub(crate) fn alone(dtype: &Dtype) -> Option<String> {
    dtype
        .is_8_bit_float()
        .then(|| format!("{dtype} as stored: no scale lies beside it"))
}

/// The weight that a tensor of this name would hold the scales of.
pub fn weight_of(name: &str) -> Option<String> {
    let inner = |end| {
        name.strip_suffix(end)
            .map(|stem: &str| format!("{stem}.weight"))
    };
    let beside = ["_scale_inv", "_scale"].iter();
    beside
        .filter_map(|end| name.strip_suffix(end))
        .find(|stem| stem.ends_with(".weight"))
        .map(str::to_owned)
        .or_else(|| inner(".scale_weight"))
        .or_else(|| inner(".SCB"))
}

/// Names that the scales of a weight may have.
fn companions(weight: &str) -> Vec<String> {
    let mut names = vec![format!("{weight}_scale_inv"), format!("{weight}_scale")];
    if let Some(stem) = weight.strip_suffix(".weight") {
        names.push(format!("{stem}.scale_weight"));
        names.push(format!("{stem}.SCB"));
    }
    names
}

fn is_number(dtype: &Dtype) -> bool {
    *dtype == Dtype::I8 || dtype.is_8_bit_float()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(tensor: &str, dtype: Dtype, shape: &[usize]) -> TensorFacts {
        TensorFacts::new(tensor, dtype, shape)
    }

    fn found(scale: &str, shape: &[usize]) -> Option<Scales> {
        let weight = facts("x.weight", Dtype::I8, &[200, 384]);
        Scales::among(&[facts(scale, Dtype::F32, shape), weight]).remove("x.weight")
    }

    #[test]
    fn names_and_shapes_say_which_scale_is_whose() {
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
        assert_eq!(words("y.weight_scale", &[200]), None);
        assert_eq!(weight_of("a.weight_scale_inv"), Some("a.weight".into()));
        assert_eq!(weight_of("a.SCB"), Some("a.weight".into()));
        assert_eq!(weight_of("a.input_scale"), None);
    }

    // Blocks of 128: entry (130, 260) of 200x384 is in block (1, 2), the sixth.
    #[test]
    fn each_entry_is_times_the_scale_of_its_block() {
        let scales = found("x.weight_scale_inv", &[2, 3]).unwrap();
        let all = Entries::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let start = 130 * 384 + 255;
        let weights = scales.apply(Entries::F32(vec![10.0, 10.0]), start, &all);
        assert_eq!(weights, Some(Entries::F32(vec![50.0, 60.0])));
        let scb = found("x.SCB", &[200]).unwrap();
        let largest = Entries::F32(vec![0.254; 200]);
        let weights = scb
            .apply(Entries::F32(vec![-127.0]), 0, &largest)
            .unwrap()
            .widened();
        assert!((weights[0] + 0.254).abs() < 1e-7);
        assert_eq!(
            scb.apply(Entries::F32(vec![1.0]), 384, &Entries::F32(vec![1.0])),
            None
        );
    }
}
