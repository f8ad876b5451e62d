//! What holds up to the scales of units: planted scales, invariance, laws that stay what they are.
//! Sizes are small; `cargo run --release --example calibration` has the full ones.

use randomlike::audit::{EntriesOf, LayerFacts, Section};
use randomlike::analysis::{Options, measure_entries};
use randomlike::calibration::{Alarm, Truth, balanced_alarms, verdicts};
use randomlike::label::Label;
use randomlike::nulls::Marginal;
use randomlike::verdict::Check;

const SHAPES: [(usize, usize); 5] = [(128, 128), (256, 64), (256, 128), (96, 384), (320, 256)];

// 40 draws a cell: of 800 at a rate of 98 % fewer than 772 is a chance of 1 in 500.
#[test]
fn planted_scales_are_random_like_up_to_scales() {
    let mut labelled = 0.0;
    for tau in [0.1, 0.3, 0.5, 1.0] {
        for shape in SHAPES {
            let counts = verdicts(Truth::Scales(tau), shape, 40, 11).unwrap();
            println!("{tau} {shape:?} {counts:?}");
            labelled += 0.4 * counts.label(Label::RandomLikeUpToScales);
        }
    }
    assert!(labelled >= 772.0, "{labelled} of 800");
}
