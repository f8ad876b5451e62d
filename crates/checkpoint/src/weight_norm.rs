//! Weight normalisation: w = g·v/‖v‖ (Salimans & Kingma 2016, eq. 2).

use crate::{Entries, TensorFacts};

/// The lengths of a weight's rows, columns or of all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WeightNorm {
    /// The tensor g.
    pub(crate) tensor: String,
    /// Entries of v that follow each other and have one length, and how many lengths there are.
    run: usize,
    lengths: usize,
}

impl WeightNorm {
    /// PyTorch's `weight_norm`: g has one length for each index of one side of v, which is its own
    /// side there, or one in all.
    pub(crate) fn fit(v: &TensorFacts, g: &TensorFacts) -> Option<Self> {
        let count = v.entries().and_then(|count| usize::try_from(count).ok())?;
        let lengths = g.entries().and_then(|count| usize::try_from(count).ok())?;
        let kept = |at: usize| {
            let rest = g.shape.iter().enumerate().filter(|(i, _)| *i != at);
            g.shape.len() == v.shape.len()
                && g.shape[at] == v.shape[at]
                && rest.into_iter().all(|(_, &side)| side == 1)
        };
        let run = match g.shape[..] {
            _ if !g.dtype.is_float() || count == 0 => return None,
            _ if lengths == 1 => count,
            [lengths] if lengths == v.shape[0] => count / lengths,
            _ => {
                let at = (0..v.shape.len()).find(|&at| at < g.shape.len() && kept(at))?;
                v.shape[at + 1..].iter().product()
            }
        };
        Some(Self {
            tensor: g.tensor.clone(),
            run,
            lengths,
        })
    }

    /// Entries `start` to the end of `span`, given all of v and of g; nothing when one is missing. The
    /// sums are taken in 64 bits. Where v is zero PyTorch's quotient is NaN, and so is this.
    pub(crate) fn apply(
        &self,
        v: &Entries,
        g: &Entries,
        span: std::ops::Range<usize>,
    ) -> Option<Entries> {
        let (v, g) = (v.widened(), g.widened());
        let mut squares = vec![0.0; self.lengths];
        let place = |at: usize| at / self.run % self.lengths;
        for (at, v) in v.iter().enumerate() {
            squares[place(at)] += v * v;
        }
        let factors: Vec<f64> = squares
            .iter()
            .zip(&g)
            .map(|(square, g)| g / square.sqrt())
            .collect();
        if factors.len() != self.lengths {
            return None;
        }
        let composed = v.get(span.clone())?.iter().zip(span);
        Some(Entries::F32(
            composed
                .map(|(v, at)| (v * factors[place(at)]) as f32)
                .collect(),
        ))
    }

    /// How entries become weights, in words.
    pub(crate) fn words(&self) -> String {
        format!("`{}`·v/‖v‖, v as stored", self.tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dtype;

    fn facts(name: &str, shape: &[usize]) -> TensorFacts {
        TensorFacts::new(name, Dtype::F32, shape)
    }

    fn composed(
        v: &[usize],
        g: &[usize],
        lengths: &[f32],
        span: std::ops::Range<usize>,
    ) -> Vec<f64> {
        let norm = WeightNorm::fit(&facts("v", v), &facts("g", g)).unwrap();
        let v = Entries::F32(vec![3.0, 4.0, 6.0, 8.0]);
        let g = Entries::F32(lengths.to_vec());
        norm.apply(&v, &g, span).unwrap().widened()
    }

    // v = [[3, 4], [6, 8]]: rows of length 5 and 10, columns √45 and √80, √125 in all.
    #[test]
    fn rows_columns_and_all_are_brought_to_their_lengths() {
        let near = |found: Vec<f64>, wanted: &[f64]| {
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
            }
        };
        near(
            composed(&[2, 2], &[2, 1], &[10.0, 1.0], 0..4),
            &[6.0, 8.0, 0.6, 0.8],
        );
        near(composed(&[2, 2], &[2], &[10.0, 1.0], 2..4), &[0.6, 0.8]);
        let columns = composed(&[2, 2], &[1, 2], &[45_f32.sqrt(), 80_f32.sqrt()], 0..4);
        near(columns, &[3.0, 4.0, 6.0, 8.0]);
        near(composed(&[2, 2], &[], &[125_f32.sqrt()], 1..3), &[4.0, 6.0]);
        near(
            composed(&[2, 1, 2], &[2, 1, 1], &[10.0, 1.0], 0..2),
            &[6.0, 8.0],
        );
        assert_eq!(
            WeightNorm::fit(&facts("v", &[2, 2]), &facts("g", &[3, 1])),
            None
        );
    }

    #[test]
    fn a_row_of_zeros_is_no_number_as_in_pytorch() {
        let norm = WeightNorm::fit(&facts("v", &[1, 2]), &facts("g", &[1, 1])).unwrap();
        let zeros = Entries::F32(vec![0.0; 2]);
        let ones = Entries::F32(vec![1.0]);
        let composed = norm.apply(&zeros, &ones, 0..2).unwrap().widened();
        assert!(composed.iter().all(|w| w.is_nan()));
    }
}
