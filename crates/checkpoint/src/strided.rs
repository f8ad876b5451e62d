//! Entries that do not lie row by row.

use std::ops::Range;

use crate::Entries;

/// Strides of an array whose first index is the fastest.
pub(crate) fn fortran(shape: &[usize]) -> Vec<usize> {
    let mut stride = 1_usize;
    let next = |&side: &usize| {
        let now = stride;
        stride = stride.saturating_mul(side);
        now
    };
    shape.iter().map(next).collect()
}

/// Strides of an array whose last index is the fastest.
pub(crate) fn rows(shape: &[usize]) -> Vec<usize> {
    let turned: Vec<usize> = shape.iter().rev().copied().collect();
    fortran(&turned).into_iter().rev().collect()
}

/// Whether entries with these strides lie row by row; sides of 1 have any stride.
pub(crate) fn is_in_order(shape: &[usize], strides: &[usize]) -> bool {
    let wanted = rows(shape);
    shape.contains(&0)
        || shape
            .iter()
            .zip(strides.iter().zip(&wanted))
            .all(|(&side, (found, wanted))| side == 1 || found == wanted)
}

/// One past the last place that is read; nothing beyond 64 bits.
pub(crate) fn reach(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let ends = shape.iter().zip(strides);
    ends.map(|(&side, &stride)| (side - 1).checked_mul(stride))
        .try_fold(1_usize, |reach, end| reach.checked_add(end?))
}

/// Where entries `span`, counted row by row, lie: from the first place to one past the last, or a
/// little more. Nothing beyond 64 bits.
pub(crate) fn window(
    shape: &[usize],
    strides: &[usize],
    span: &Range<usize>,
) -> Option<Range<usize>> {
    let (Some((_, sides)), Some((&first, inner))) = (shape.split_first(), strides.split_first())
    else {
        return Some(0..1);
    };
    if span.is_empty() {
        return Some(0..0);
    }
    // Whole steps of the first index: slices of a stack.
    let step = sides
        .iter()
        .try_fold(1_usize, |step, &side| step.checked_mul(side))?;
    let start = (span.start / step).checked_mul(first)?;
    let last = ((span.end - 1) / step).checked_mul(first)?;
    Some(start..last.checked_add(reach(sides, inner)?)?)
}

/// Entries `span`, counted row by row, of an array that lies with these strides in `stored`, whose
/// first entry is number `start`. Nothing when one of them is not there.
pub(crate) fn gather(
    stored: &Entries,
    start: usize,
    shape: &[usize],
    strides: &[usize],
    span: Range<usize>,
) -> Option<Entries> {
    fn picked<T: Copy>(
        stored: &[T],
        place: impl Fn(usize) -> Option<usize>,
        span: Range<usize>,
    ) -> Option<Vec<T>> {
        span.map(|at| stored.get(place(at)?).copied()).collect()
    }
    let rows = rows(shape);
    let place = |at: usize| {
        let steps = rows.iter().zip(shape).zip(strides);
        steps
            .map(|((&row, &side), &stride)| at / row % side * stride)
            .sum::<usize>()
            .checked_sub(start)
    };
    Some(match stored {
        Entries::F64(w) => Entries::F64(picked(w, place, span)?),
        Entries::F32(w) => Entries::F32(picked(w, place, span)?),
        Entries::F16(w) => Entries::F16(picked(w, place, span)?),
        Entries::BF16(w) => Entries::BF16(picked(w, place, span)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // [[1, 2, 3], [4, 5, 6]] column by column is 1, 4, 2, 5, 3, 6.
    #[test]
    fn columns_become_rows() {
        let stored = Entries::F64(vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let strides = fortran(&[2, 3]);
        assert_eq!(strides, [1, 2]);
        let all = gather(&stored, 0, &[2, 3], &strides, 0..6);
        assert_eq!(all, Some(Entries::F64(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
        let some = gather(&stored, 0, &[2, 3], &strides, 2..4);
        assert_eq!(some, Some(Entries::F64(vec![3.0, 4.0])));
        assert_eq!(gather(&stored, 0, &[2, 4], &fortran(&[2, 4]), 0..8), None);
        assert_eq!(reach(&[3, 2], &[usize::MAX, 1]), None);
        assert!(is_in_order(&[2, 1, 3], &[3, 99, 1]) && !is_in_order(&[2, 3], &[1, 2]));
    }

    // Three matrices of 2×2, each column by column: the second lies at 4 to 8, the last at 8 to 12.
    #[test]
    fn a_slice_of_a_stack_lies_in_its_own_window() {
        let (shape, strides) = ([3, 2, 2], [4, 1, 2]);
        assert_eq!(window(&shape, &strides, &(4..8)), Some(4..8));
        assert_eq!(window(&shape, &strides, &(3..9)), Some(0..12));
        assert_eq!(window(&shape, &strides, &(5..5)), Some(0..0));
        assert_eq!(window(&[], &[], &(0..1)), Some(0..1));
        let stored = Entries::F64(vec![5.0, 7.0, 6.0, 8.0]);
        let slice = gather(&stored, 4, &shape, &strides, 4..8);
        assert_eq!(slice, Some(Entries::F64(vec![5.0, 6.0, 7.0, 8.0])));
        assert_eq!(gather(&stored, 4, &shape, &strides, 3..8), None);
        assert_eq!(window(&[2, 2], &[usize::MAX, 1], &(2..4)), None);
    }
}
