//! A batch of real inputs to a chain, from a safetensors file.

use std::path::Path;

use crate::{Error, Result};
use randomlike_checkpoint::Checkpoint;

/// Reads at most `most` inputs of `length` numbers each from the one tensor of `path` that
/// holds such: its first side counts them, the others multiply to `length`.
///
/// # Errors
/// When the file cannot be read, holds no such tensor or several, fewer than three inputs, or
/// numbers that are not finite.
pub fn read(path: &Path, length: usize, most: usize) -> Result<Vec<Vec<f32>>> {
    let file = Checkpoint::open(path)?;
    let fault = |fault: String| Error::Inputs {
        path: path.to_owned(),
        fault,
    };
    let fitting: Vec<_> = file
        .tensors()
        .iter()
        .filter(|tensor| {
            let each = tensor.shape.get(1..).unwrap_or_default();
            let each = each.iter().copied().try_fold(1, usize::checked_mul);
            tensor.shape.len() > 1 && each == Some(length) && tensor.is_read()
        })
        .collect();
    let tensor = match fitting[..] {
        [tensor] => tensor,
        [] => {
            let found: Vec<String> = file
                .tensors()
                .iter()
                .take(5)
                .map(|tensor| format!("{} {} {:?}", tensor.tensor, tensor.dtype, tensor.shape))
                .collect();
            return Err(fault(format!(
                "no tensor of it has inputs of {length} numbers (shape [count, {length}], \
                 floating point); it holds {}",
                found.join(", ")
            )));
        }
        _ => {
            let names: Vec<&str> = fitting.iter().map(|t| t.tensor.as_str()).take(5).collect();
            return Err(fault(format!(
                "several of its tensors have inputs of {length} numbers ({}); keep one",
                names.join(", ")
            )));
        }
    };
    let count = tensor.shape.first().map_or(0, |&count| count.min(most));
    let entries = file.read_part(&tensor.tensor, 0..count * length)?.widened();
    let inputs: Vec<Vec<f32>> = entries
        .chunks_exact(length.max(1))
        .map(|input| input.iter().map(|&x| x as f32).collect())
        .collect();
    if inputs.len() < 3 {
        return Err(fault(format!(
            "{} inputs are too few: give three or more, a third of which sets the biases",
            inputs.len()
        )));
    }
    if inputs.iter().flatten().any(|x| !x.is_finite()) {
        return Err(fault("some of its numbers are NaN or infinite".into()));
    }
    Ok(inputs)
}
