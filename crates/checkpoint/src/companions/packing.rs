//! How many weights are packed, by the shapes of the tensors that belong together.

use crate::TensorFacts;

/// What shapes do not tell.
pub(crate) trait Bits {
    /// Bits of a weight and weights of a group, where the config.json beside the source names them.
    fn config(&self) -> (Option<u64>, Option<u64>);

    /// The entries of a small tensor of integers.
    fn integers(&self, tensor: &str) -> Option<Vec<u64>>;
}

/// Weights and their parts.
pub(super) struct Shapes<'a> {
    pub weight: &'a TensorFacts,
    /// The part whose name ends so.
    pub part: &'a dyn Fn(&str) -> Option<&'a TensorFacts>,
    pub bits: &'a dyn Bits,
}

impl Shapes<'_> {
    fn last(&self, end: &str) -> Option<u64> {
        let part = (self.part)(end)?;
        part.shape.last().map(|&side| side as u64)
    }

    fn entries(&self) -> Option<u64> {
        self.weight.entries()
    }

    /// Rows and columns of the weights' own tensor.
    fn sides(&self) -> Option<(u64, u64)> {
        match self.weight.shape[..] {
            [rows, cols] => Some((rows as u64, cols as u64)),
            _ => None,
        }
    }
}

/// `qweight` is (in·bits/32, out), `scales` (groups, out), `qzeros` (groups, out·bits/32), `g_idx`
/// (in): AutoGPTQ's `qlinear`.
pub(super) fn gptq(shapes: &Shapes<'_>) -> Option<u64> {
    let (packed, out) = shapes.sides()?;
    if shapes.last(".scales").is_some_and(|scales| scales != out) {
        return None;
    }
    let of_index = shapes.last(".g_idx");
    let of_zeros = || {
        let bits = 32 * shapes.last(".qzeros")? / out.max(1);
        (bits > 0).then(|| packed * 32 / bits)
    };
    let bits = shapes.bits.config().0.filter(|&bits| bits > 0).unwrap_or(4);
    let inputs = of_index.or_else(of_zeros).unwrap_or(packed * 32 / bits);
    inputs.checked_mul(out)
}

/// `qweight` is (in, out·bits/32), `scales` (groups, out): AutoAWQ's `WQLinear_GEMM`.
pub(super) fn awq(shapes: &Shapes<'_>) -> Option<u64> {
    let (inputs, packed) = shapes.sides()?;
    let out = shapes.last(".scales").unwrap_or(8 * packed);
    inputs.checked_mul(out)
}

/// `weight_shape` holds the sides; else two weights a byte.
pub(super) fn compressed_tensors(shapes: &Shapes<'_>) -> Option<u64> {
    let sides = (shapes.part)(".weight_shape");
    let sides = sides.and_then(|sides| shapes.bits.integers(&sides.tensor));
    let told = sides.and_then(|sides| sides.into_iter().try_fold(1, u64::checked_mul));
    told.or_else(|| four_bits(shapes))
}

/// Two weights a byte.
pub(super) fn two_a_byte(shapes: &Shapes<'_>) -> Option<u64> {
    shapes.entries()?.checked_mul(2)
}

/// As many weights as config.json's bits say, or 4 bits, fill an entry.
pub(super) fn four_bits(shapes: &Shapes<'_>) -> Option<u64> {
    let bits = shapes.bits.config().0.filter(|&bits| bits > 0).unwrap_or(4);
    let stored = shapes.entries()?.checked_mul(shapes.weight.dtype.bits()?)?;
    Some(stored / bits)
}

/// `weight` is (out, in·bits/32), `scales` (out, in/group): MLX's `quantize`. The two widths give
/// bits·group alone; where config.json names neither, a group is 64, MLX's default, or 32 with
/// exponents for scales.
pub(super) fn mlx(shapes: &Shapes<'_>) -> Option<u64> {
    let packed = *shapes.weight.shape.last()? as u64;
    let rows = shapes.entries()?.checked_div(packed)?;
    let scales = (shapes.part)(".scales")?;
    let groups = *scales.shape.last()? as u64;
    let (bits, group) = shapes.bits.config();
    let usual = if scales.dtype.is_float() { 64 } else { 32 };
    let inputs = match bits {
        Some(bits) if bits > 0 => packed * 32 / bits,
        _ => groups * group.unwrap_or(usual),
    };
    rows.checked_mul(inputs)
}

/// `codes` is (out groups, in groups, codebooks), `codebooks` (codebooks, values, outs, ins) of a
/// group: AQLM's `QuantizedWeight`.
pub(super) fn aqlm(shapes: &Shapes<'_>) -> Option<u64> {
    let [outs, ins, _] = shapes.weight.shape[..] else {
        return None;
    };
    let [_, _, out, input] = (shapes.part)(".codebooks")?.shape[..] else {
        return None;
    };
    let sides = [outs, ins, out, input];
    sides
        .iter()
        .try_fold(1_u64, |product, &side| product.checked_mul(side as u64))
}

/// `q_weight` has a column an output, `q_perm` an entry an input: ExLlamaV2's `linear`.
pub(super) fn exl2(shapes: &Shapes<'_>) -> Option<u64> {
    let (_, out) = shapes.sides()?;
    let inputs = shapes
        .last(".q_perm")
        .or_else(|| shapes.last(".q_invperm"))?;
    inputs.checked_mul(out)
}
