//! One control drawn several times, as one.

use super::{Dropout, Estimate, Recovery, Reversal};

/// Means over draws of a matrix. The codes are the same, so the standard error of a mean is
/// not taken to shrink with the number of matrices: it is the mean of theirs, which is never
/// below the truth. There is at least one.
pub(super) fn reversals(all: &[Reversal]) -> Reversal {
    let estimate = |of: fn(&Reversal) -> Estimate| mean(all.iter().map(of));
    let recovery =
        |of: fn(&Reversal) -> &Recovery| recoveries(&all.iter().map(of).collect::<Vec<_>>());
    let number = |of: fn(&Reversal) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    Reversal {
        gain: estimate(|r| r.gain),
        linear_error: estimate(|r| r.linear_error),
        calibrated: recovery(|r| &r.calibrated),
        bias: number(|r| r.bias),
        no_bias: recovery(|r| &r.no_bias),
        own_bias: None,
        dropout: Dropout {
            keep: all[0].dropout.keep,
            calibrated: recovery(|r| &r.dropout.calibrated),
            bias: number(|r| r.dropout.bias),
            predicted: all[0].dropout.predicted,
        },
    }
}

fn recoveries(all: &[&Recovery]) -> Recovery {
    let estimate = |of: fn(&Recovery) -> Estimate| mean(all.iter().map(|r| of(r)));
    let zeros: Vec<Estimate> = all.iter().filter_map(|r| r.zeros_recovered).collect();
    Recovery {
        relative_error: estimate(|r| r.relative_error),
        cosine: estimate(|r| r.cosine),
        per_coordinate_error: estimate(|r| r.per_coordinate_error),
        per_positive_error: estimate(|r| r.per_positive_error),
        support_recall: estimate(|r| r.support_recall),
        zeros_recovered: (!zeros.is_empty()).then(|| mean(zeros.iter().copied())),
    }
}

fn mean(estimates: impl ExactSizeIterator<Item = Estimate>) -> Estimate {
    let count = estimates.len() as f64;
    let (mean, error) = estimates.fold((0.0, 0.0), |(mean, error), e| {
        (mean + e.mean, error + e.error)
    });
    Estimate {
        mean: mean / count,
        error: error / count,
    }
}

/// Errors of a layer over those of its shuffled controls, both mean over the same draws, and
/// how far that is from 1 by chance when the layer is one more shuffle: the larger of the
/// error over draws and, from two controls on, of the spread between them, √(1 + 1/controls)
/// times their standard deviation.
pub(super) fn ratio(layer: &[f64], shuffled: &[Vec<f64>]) -> Option<Estimate> {
    let count = shuffled.len() as f64;
    let below: Vec<f64> = (0..layer.len())
        .map(|draw| shuffled.iter().map(|errors| errors[draw]).sum::<f64>() / count)
        .collect();
    let ratio = Estimate::ratio(layer, &below)?;
    let means: Vec<f64> = shuffled
        .iter()
        .map(|errors| super::sweep::mean(errors))
        .collect();
    let between =
        Estimate::of(&means).map_or(0.0, |means| means.error * (count + 1.0).sqrt() / means.mean);
    Some(Estimate {
        error: ratio.error.max(between),
        ..ratio
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Means 1 and 3, standard deviation √2 between them: √(1 + ½)·√2/2. The draws do not vary.
    #[test]
    fn the_spread_of_the_controls_counts() {
        let found = ratio(&[4.0, 4.0], &[vec![1.0, 1.0], vec![3.0, 3.0]]).unwrap();
        assert!((found.mean - 2.0).abs() < 1e-12);
        assert!((found.error - 3.0_f64.sqrt() / 2.0).abs() < 1e-12);
        let alone = ratio(&[2.0, 4.0], &[vec![1.0, 1.0]]).unwrap();
        assert!((alone.mean - 3.0).abs() < 1e-12 && (alone.error - 1.0).abs() < 1e-12);
    }
}
