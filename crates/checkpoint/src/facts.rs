//! What is known of tensors and files without reading a weight.

use serde::{Deserialize, Serialize};

use crate::Dtype;

/// A tensor of the checkpoint, as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TensorFacts {
    /// Its name in the file.
    pub tensor: String,
    /// How its entries are stored.
    pub dtype: Dtype,
    /// Its shape as stored.
    pub shape: Vec<usize>,
    /// How entries become weights where they are not weights as stored: scales, blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoded: Option<String>,
}

impl TensorFacts {
    /// A tensor whose entries are what is stored.
    pub fn new(tensor: impl Into<String>, dtype: Dtype, shape: impl Into<Vec<usize>>) -> Self {
        Self {
            tensor: tensor.into(),
            dtype,
            shape: shape.into(),
            decoded: None,
        }
    }

    /// Whether its entries can be read.
    pub fn is_read(&self) -> bool {
        self.decoded.is_some() || self.dtype.is_read()
    }

    /// The number of its entries, where 64 bits hold it.
    pub fn entries(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let mut sides = self.shape.iter();
        sides.try_fold(1_u64, |product, &side| product.checked_mul(side as u64))
    }

    /// The number of its entries, where 64 bits hold it and an array of them.
    pub(crate) fn count(&self) -> Option<usize> {
        count(&self.shape)
    }
}

/// One file of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileFacts {
    /// Path relative to the source.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hexadecimal.
    pub sha256: String,
    /// Where the link leads that the path is, in the link's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What a program that runs its pickle would import beside what weights are made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
}

impl FileFacts {
    /// A file that is no link and imports nothing.
    pub fn new(path: impl Into<String>, bytes: u64, sha256: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            bytes,
            sha256: sha256.into(),
            link: None,
            imports: Vec::new(),
        }
    }
}

/// The number of entries of a shape, where 64 bits hold it and an array of them.
pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    let mut sides = shape.iter().map(|&side| side.max(1));
    let product = sides.try_fold(1_usize, usize::checked_mul)?;
    let count = isize::try_from(product).ok().and(Some(product))?;
    Some(if shape.contains(&0) { 0 } else { count })
}
