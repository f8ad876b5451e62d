//! Facts in sentences, the same on the page and on the terminal.

use crate::audit::{Cause, Component, Controls, SingularVector, Trap, VectorFacts, Vectors};
use crate::verdict::figure::{counted, figure};

/// Most vectors that are told of one by one.
const TOLD: usize = 3;

/// What the controls say of the largest singular value, a sentence for each comparison.
pub fn controls(controls: &Controls) -> Vec<String> {
    let shuffled = figure(controls.shuffled.largest());
    let mut sentences = vec![
        format!(
            "Structure: the largest singular value is {}, that of the same weights in random \
             order {shuffled}: {}.",
            figure(controls.observed),
            more(controls.structure)
        ),
        format!(
            "Tails and mean: in random order {shuffled}, of a Gaussian matrix {}: {}.",
            figure(controls.gaussian.largest()),
            more(controls.tails_and_mean)
        ),
        format!(
            "Unequal scales: in random order within each input's weights {}, {}; within each \
             output's {}, {}.",
            figure(controls.row_shuffled.largest()),
            more(controls.input_scales),
            figure(controls.column_shuffled.largest()),
            more(controls.output_scales)
        ),
        format!(
            "In their places with random signs {}. From one draw of a Gaussian matrix to the \
             next it varies by {}.",
            figure(controls.random_signs.largest()),
            figure(controls.spread)
        ),
    ];
    sentences.extend(trap(controls));
    sentences
}

/// All of it in one sentence, and a second one where there is a trap.
pub fn controls_in_short(controls: &Controls) -> String {
    let short = format!(
        "largest singular value {}; of its weights shuffled {}, within inputs {}, within \
         outputs {}, with random signs {}; of a Gaussian matrix {} ± {}.",
        figure(controls.observed),
        figure(controls.shuffled.largest()),
        figure(controls.row_shuffled.largest()),
        figure(controls.column_shuffled.largest()),
        figure(controls.random_signs.largest()),
        figure(controls.gaussian.largest()),
        figure(controls.spread)
    );
    trap(controls).map_or_else(|| short.clone(), |trap| format!("{short} {trap}"))
}

fn more(difference: f64) -> String {
    let word = if difference < 0.0 { "less" } else { "more" };
    format!("{} {word}", figure(difference.abs()))
}

/// Why a value above the edge survives shuffling.
fn trap(controls: &Controls) -> Option<String> {
    let trap = controls.trap.as_ref()?;
    Some(format!(
        "Even in random order {} above {}, where one matrix in 100 has one by chance. {}",
        lie(controls.shuffled.outliers_above),
        figure(controls.shuffled.threshold_above),
        cause(trap)
    ))
}

fn lie(count: usize) -> String {
    let verb = if count == 1 { "lies" } else { "lie" };
    format!("{} {verb}", counted(count as u64, "singular value"))
}

fn cause(trap: &Trap) -> String {
    let entries = counted(trap.large_entries, "entry").replace("entrys", "entries");
    match trap.cause {
        Cause::Mean => format!(
            "The mean makes it: without the mean the largest is {}.",
            figure(trap.without_mean)
        ),
        Cause::SingleEntries => format!(
            "Single weights make it: without the {entries} of unusual size the largest is {}.",
            left(trap.without_large_entries)
        ),
        Cause::MeanAndSingleEntries => format!(
            "The mean and single weights make it: without both ({entries}) the largest is {}.",
            left(trap.without_both)
        ),
        Cause::Unexplained => format!(
            "Neither the mean nor single weights make it ({} without the mean): chance, or heavy \
             tails throughout.",
            figure(trap.without_mean)
        ),
    }
}

fn left(largest: Option<f64>) -> String {
    largest.map_or_else(|| "below that".to_owned(), figure)
}

/// How many vectors look like random ones, and which units carry those that do not.
pub fn vectors(vectors: &Vectors) -> Vec<String> {
    let known: Vec<_> = vectors
        .vectors
        .iter()
        .filter_map(|v| v.sides.measured())
        .collect();
    let passed = known
        .iter()
        .flat_map(|sides| {
            [
                (&sides.inputs, &vectors.inputs),
                (&sides.outputs, &vectors.outputs),
            ]
        })
        .filter(|(facts, null)| facts.ks <= null.ks_q99)
        .count();
    let unknown = vectors.vectors.len() - known.len();
    let mut sentences = vec![format!(
        "{passed} of {} are as near to a bell curve as 99 % of random vectors.",
        counted(2 * known.len() as u64, "singular vector")
    )];
    sentences.extend((unknown > 0).then(|| {
        format!(
            "{} too near to another, or to 0, for their vectors to be known.",
            lie(unknown)
        )
    }));
    let top = vectors.vectors.iter().take(vectors.count.min(TOLD));
    sentences.extend(top.filter_map(carriers));
    sentences
}

fn carriers(vector: &SingularVector) -> Option<String> {
    let sides = vector.sides.measured()?;
    Some(format!(
        "Singular value {} ({}): {}; {}.",
        vector.index + 1,
        figure(vector.singular_value),
        carried("inputs", &sides.inputs),
        carried("outputs", &sides.outputs)
    ))
}

/// The units with the largest components.
pub(crate) fn carried(units: &str, facts: &VectorFacts) -> String {
    let one = |c: &Component| format!("{} ({} %)", c.index, figure(100.0 * c.share));
    let named: Vec<String> = facts.largest.iter().take(TOLD).map(one).collect();
    format!("{units} {}", named.join(", "))
}
