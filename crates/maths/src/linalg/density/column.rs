//! Columns of numbers in double precision.

/// Takes other's part out of `column` and returns how much that was.
pub(super) fn remove(column: &mut [f64], other: &[f64]) -> f64 {
    let share = dot(column, other);
    column
        .iter_mut()
        .zip(other)
        .for_each(|(x, o)| *x -= share * o);
    share
}

pub(super) fn divide(column: &mut [f64], length: f64) {
    for x in column {
        *x /= length;
    }
}

/// Sums of eight lanes, the same on every processor.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x, x_rest) = x.as_chunks::<8>();
    let (y, y_rest) = y.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (x, y) in x.iter().zip(y) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
