//! The matrix or matrices in a tensor, by its shape.

use super::{Layer, Orientation, OrientationFrom, names};
use randomlike_checkpoint::TensorFacts;

/// Rows and columns as they are stored.
pub(super) struct Sides {
    pub rows: usize,
    pub cols: usize,
    /// How many matrices a stack has.
    pub slices: Option<usize>,
    named: Option<Orientation>,
}

/// Which entries of a tensor are a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BiasRows {
    /// All of a vector.
    Vector,
    /// A row for each slice of a stack.
    OneASlice,
    /// One row of several.
    Row(usize),
}

/// Whether the number of entries, sides of length 0 aside, is that of an array in memory.
pub(super) fn is_addressable(shape: &[usize]) -> bool {
    let sides = shape.iter().filter(|&&side| side > 0);
    let entries = sides.copied().try_fold(1, usize::checked_mul);
    entries.is_some_and(|entries| isize::try_from(entries).is_ok())
}

impl Sides {
    pub(super) fn matrix(rows: usize, cols: usize, name: &str) -> Self {
        Self {
            rows,
            cols,
            slices: None,
            named: names::orientation(name),
        }
    }

    pub(super) fn stack(count: usize, rows: usize, cols: usize, name: &str) -> Self {
        Self {
            slices: Some(count),
            ..Self::matrix(rows, cols, name)
        }
    }

    /// A kernel as a matrix: (out, in·k…) by default, (k…·in, out) where the name says Keras.
    pub(super) fn flattened(shape: &[usize], name: &str) -> Self {
        let named = names::orientation(name).unwrap_or(Orientation::OutIn);
        let (first, last) = (shape[0], shape[shape.len() - 1]);
        let (rows, cols) = if named == Orientation::InOut {
            (shape[..shape.len() - 1].iter().product(), last)
        } else {
            (first, shape[1..].iter().product())
        };
        Self {
            rows,
            cols,
            slices: None,
            named: Some(named),
        }
    }

    /// Which rows of a tensor are the bias of a weight with these sides, if it is one.
    pub(super) fn bias_rows(&self, weight: &str, bias: &TensorFacts) -> Option<BiasRows> {
        let fits = |length: usize| length == self.rows || length == self.cols;
        if !bias.is_read() {
            return None;
        }
        match (self.slices, &bias.shape[..]) {
            (None, &[length]) if fits(length) => Some(BiasRows::Vector),
            (Some(slices), &[count, length]) if count == slices && fits(length) => {
                Some(BiasRows::OneASlice)
            }
            // Keras's GRU: a row for the inputs, and one for the state.
            (None, &[2, length]) if length == self.cols => {
                let end = weight.to_ascii_lowercase();
                let end = end.strip_suffix(":0").unwrap_or(&end);
                let row = usize::from(end.ends_with("recurrent_kernel"));
                end.ends_with("kernel").then_some(BiasRows::Row(row))
            }
            _ => None,
        }
    }

    /// Orientation and where it came from.
    fn orientation(&self, bias: Option<&TensorFacts>) -> (Orientation, OrientationFrom) {
        let length = bias.and_then(|bias| bias.shape.last().copied());
        match (length, self.named) {
            (Some(length), _) if self.rows != self.cols => {
                let side = if length == self.rows {
                    Orientation::OutIn
                } else {
                    Orientation::InOut
                };
                (side, OrientationFrom::BiasLength)
            }
            (_, Some(named)) => (named, OrientationFrom::Naming),
            _ => (Orientation::OutIn, OrientationFrom::Assumption),
        }
    }

    /// The layers of a tensor with these sides, with their bias.
    pub(super) fn layers(
        &self,
        tensor: &TensorFacts,
        bias: Option<(&TensorFacts, BiasRows)>,
    ) -> Vec<Layer> {
        let (bias, rows) = bias.unzip();
        let (orientation, orientation_from) = self.orientation(bias);
        let (fan_in, fan_out) = match orientation {
            Orientation::OutIn => (self.cols, self.rows),
            Orientation::InOut => (self.rows, self.cols),
        };
        let stem = names::stem(&tensor.tensor);
        let layer = |slice: Option<usize>| Layer {
            name: slice.map_or_else(|| stem.to_owned(), |i| format!("{stem}[{i}]")),
            weight: tensor.clone(),
            slice,
            bias: bias.cloned(),
            bias_row: match rows {
                Some(BiasRows::OneASlice) => slice,
                Some(BiasRows::Row(row)) => Some(row),
                Some(BiasRows::Vector) | None => None,
            },
            fan_in,
            fan_out,
            orientation,
            orientation_from,
        };
        match self.slices {
            Some(count) => (0..count).map(|i| layer(Some(i))).collect(),
            None => vec![layer(None)],
        }
    }
}
