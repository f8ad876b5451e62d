//! How many weights are packed, by the shapes of the tensors that belong together.

use crate::TensorFacts;

/// What shapes do not tell.
pub(crate) trait Bits {
    /// Bits of a weight, from 1 to 16, and weights of a group, where the config.json beside the source
    /// names them.
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
        let bits = shapes.last(".qzeros")?.checked_mul(32)? / out.max(1);
        packed.checked_mul(32)?.checked_div(bits)
    };
    let of_config = || {
        packed
            .checked_mul(32)?
            .checked_div(shapes.bits.config().0.unwrap_or(4))
    };
    let inputs = of_index.or_else(of_zeros).or_else(of_config)?;
    inputs.checked_mul(out)
}

/// `qweight` is (in, out·bits/32), `scales` (groups, out): AutoAWQ's `WQLinear_GEMM`.
pub(super) fn awq(shapes: &Shapes<'_>) -> Option<u64> {
    let (inputs, packed) = shapes.sides()?;
    let out = shapes.last(".scales").or(packed.checked_mul(8))?;
    inputs.checked_mul(out)
}

/// `weight_shape` holds the sides; else two weights a byte.
pub(super) fn compressed_tensors(shapes: &Shapes<'_>) -> Option<u64> {
    let sides = (shapes.part)(".weight_shape");
    let sides = sides.and_then(|sides| shapes.bits.integers(&sides.tensor));
    let told = sides.and_then(|sides| sides.into_iter().try_fold(1, u64::checked_mul));
    told.filter(|&told| holds(shapes, told))
        .or_else(|| four_bits(shapes))
}

/// Whether what is stored has from 1 to 16 bits for each of so many weights.
fn holds(shapes: &Shapes<'_>, weights: u64) -> bool {
    let stored = shapes
        .entries()
        .zip(shapes.weight.dtype.bits())
        .and_then(|(entries, bits)| entries.checked_mul(bits));
    stored.is_some_and(|stored| (stored / 16..=stored).contains(&weights))
}

/// Two weights a byte, with a scale for each 16 or 32 of a row: NVFP4's and MXFP4's `weight_scale`.
pub(super) fn scaled_pairs(shapes: &Shapes<'_>) -> Option<u64> {
    let row = (*shapes.weight.shape.last()? as u64).checked_mul(2)?;
    let scales = shapes.last(".weight_scale")?;
    let of = |group: u64| scales.checked_mul(group) == Some(row);
    (of(16) || of(32)).then(|| two_a_byte(shapes))?
}

/// `shape` holds the sides, and `nbits` the bits: HQQ's `HQQLinear`.
pub(super) fn hqq(shapes: &Shapes<'_>) -> Option<u64> {
    let integers = |end| shapes.bits.integers(&(shapes.part)(end)?.tensor);
    let sides = integers(".shape").and_then(|s| s.into_iter().try_fold(1, u64::checked_mul));
    let bits = || {
        let stored = shapes.entries()?.checked_mul(shapes.weight.dtype.bits()?)?;
        stored.checked_div(*integers(".nbits")?.first()?)
    };
    let told = sides.or_else(bits).filter(|&told| holds(shapes, told));
    told.or_else(|| four_bits(shapes))
}

/// Two weights a byte.
pub(super) fn two_a_byte(shapes: &Shapes<'_>) -> Option<u64> {
    shapes.entries()?.checked_mul(2)
}

/// As many weights as config.json's bits say, or 4 bits, fill an entry.
pub(super) fn four_bits(shapes: &Shapes<'_>) -> Option<u64> {
    let bits = shapes.bits.config().0.unwrap_or(4);
    let stored = shapes.entries()?.checked_mul(shapes.weight.dtype.bits()?)?;
    stored.checked_div(bits)
}

/// `weight` is (out, in·bits/32), `scales` (out, in/group): MLX's `quantize`. The two widths give
/// bits·group alone; a group is as config.json says where that leaves from 2 to 8 bits, else 64, MLX's
/// default, or 32 with exponents for scales.
pub(super) fn mlx(shapes: &Shapes<'_>) -> Option<u64> {
    let packed = *shapes.weight.shape.last()? as u64;
    let rows = shapes.entries()?.checked_div(packed)?;
    let scales = (shapes.part)(".scales")?;
    let groups = *scales.shape.last()? as u64;
    let usual = if scales.dtype.is_float() { 64 } else { 32 };
    let of_group = |group: u64| {
        let inputs = groups.checked_mul(group)?;
        let bits = packed.checked_mul(32)?.checked_div(inputs)?;
        (2..=8).contains(&bits).then_some(inputs)
    };
    let told = shapes.bits.config().1.and_then(of_group);
    rows.checked_mul(told.or_else(|| of_group(usual))?)
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
