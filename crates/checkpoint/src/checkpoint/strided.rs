//! Entries that do not lie row by row.

use std::ops::Range;

use super::Entries;

/// Strides of an array whose first index is the fastest.
pub(super) fn fortran(shape: &[usize]) -> Vec<usize> {
    let mut stride = 1_usize;
    let next = |&side: &usize| {
        let now = stride;
        stride = stride.saturating_mul(side);
        now
    };
    shape.iter().map(next).collect()
}

/// Strides of an array whose last index is the fastest.
pub(super) fn rows(shape: &[usize]) -> Vec<usize> {
    let turned: Vec<usize> = shape.iter().rev().copied().collect();
    fortran(&turned).into_iter().rev().collect()
}

/// Whether entries with these strides lie row by row; sides of 1 have any stride.
pub(super) fn is_in_order(shape: &[usize], strides: &[usize]) -> bool {
    let wanted = rows(shape);
    shape.contains(&0)
        || shape
            .iter()
            .zip(strides.iter().zip(&wanted))
            .all(|(&side, (found, wanted))| side == 1 || found == wanted)
}

/// One past the last place that is read; nothing beyond 64 bits.
pub(super) fn reach(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let ends = shape.iter().zip(strides);
    ends.map(|(&side, &stride)| (side - 1).checked_mul(stride))
        .try_fold(1_usize, |reach, end| reach.checked_add(end?))
}

/// Entries `span`, counted row by row, of an array that lies in `stored` with these strides.
/// Nothing when one of them is not there.
pub(super) fn gather(
    stored: &Entries,
    shape: &[usize],
    strides: &[usize],
    span: Range<usize>,
) -> Option<Entries> {
    fn of<T: Copy>(
        stored: &[T],
        (shape, strides): (&[usize], &[usize]),
        span: Range<usize>,
    ) -> Option<Vec<T>> {
        let rows = rows(shape);
        let place = |at: usize| {
            let steps = rows.iter().zip(shape).zip(strides);
            steps
                .map(|((&row, &side), &stride)| at / row % side * stride)
                .sum::<usize>()
        };
        span.map(|at| stored.get(place(at)).copied()).collect()
    }
    if reach(shape, strides)? > length(stored) {
        return None;
    }
    let layout = (shape, strides);
    Some(match stored {
        Entries::F64(w) => Entries::F64(of(w, layout, span)?),
        Entries::F32(w) => Entries::F32(of(w, layout, span)?),
        Entries::F16(w) => Entries::F16(of(w, layout, span)?),
        Entries::BF16(w) => Entries::BF16(of(w, layout, span)?),
    })
}

fn length(entries: &Entries) -> usize {
    match entries {
        Entries::F64(w) => w.len(),
        Entries::F32(w) => w.len(),
        Entries::F16(w) => w.len(),
        Entries::BF16(w) => w.len(),
    }
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
        let all = gather(&stored, &[2, 3], &strides, 0..6);
        assert_eq!(all, Some(Entries::F64(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
        let some = gather(&stored, &[2, 3], &strides, 2..4);
        assert_eq!(some, Some(Entries::F64(vec![3.0, 4.0])));
        assert_eq!(gather(&stored, &[2, 4], &fortran(&[2, 4]), 0..1), None);
        assert_eq!(reach(&[3, 2], &[usize::MAX, 1]), None);
        assert!(is_in_order(&[2, 1, 3], &[3, 99, 1]) && !is_in_order(&[2, 3], &[1, 2]));
    }
}
