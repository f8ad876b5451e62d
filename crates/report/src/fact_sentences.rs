//! Facts in sentences, the same on the page and on the terminal.

use randomlike_core::audit::{
    Balanced, BalancedScales, BiasAtStart, Bulk, Cause, Component, Controls, GaussianDistance,
    LayerFacts, Origin, Section, SingularVector, Spectrum, SpectrumNulls, Start, Trap, VectorFacts,
    Vectors,
};
use randomlike_core::display_names::some_of;
use randomlike_core::number_format::{chance, counted, figure};
use randomlike_judge::compare::Difference;
use randomlike_judge::start_word::StartWord;
use randomlike_judge::verdict::{FindingOutcome, Judgement, Severity};

/// Most vectors that are told of one by one.
const TOLD: usize = 3;

/// How many of so many weights are the same on both sides of a comparison; nothing where none is, or
/// nobody counted.
pub fn identical(difference: &Difference, weights: usize) -> Option<String> {
    let same = difference.identical.filter(|&same| same > 0)?;
    let part = if same == weights as u64 {
        format!("all {weights}")
    } else {
        format!("{same} of {weights}")
    };
    Some(format!("{part} weights are the same bit for bit"))
}

/// What files ask a program that runs their pickles to import, where they ask for more than weights
/// are made of.
pub fn imports<'a>(all: impl IntoIterator<Item = &'a str>) -> Option<String> {
    some_of(all).map(|named| {
        format!(
            "Who loads this as a pickle runs code: beside what weights are made of it imports {named}. \
             Nothing of it was run here; torch.load with weights_only=True refuses it."
        )
    })
}

/// Whether the gate holds, how many findings came out how, and what else is to be known of them.
pub fn gate(judgement: &Judgement) -> String {
    let all = |outcome| {
        [Severity::Allow, Severity::Warn, Severity::Deny]
            .map(|level| judgement.count(outcome, level))
    };
    let [noted, warned, denied] = all(FindingOutcome::Fail);
    let [passed, skipped] = [FindingOutcome::Pass, FindingOutcome::Skipped]
        .map(|outcome| all(outcome).iter().sum::<usize>());
    let verdict = if judgement.fails() {
        "The gate fails"
    } else {
        "The gate holds"
    };
    let noted = if noted == 0 {
        String::new()
    } else {
        format!(", {noted} noted")
    };
    let counts = format!(
        "{verdict}: {denied} failed, {warned} warned{noted}, {passed} passed, {skipped} skipped."
    );
    let notes = judgement.notes.iter().map(String::as_str);
    let sentences: Vec<&str> = std::iter::once(counts.as_str()).chain(notes).collect();
    sentences.join(" ")
}

/// How much of the spectrum is on the law, and what chance makes of its figures.
pub fn spectrum(spectrum: &Spectrum) -> Vec<String> {
    let mut sentences = vec![match &spectrum.bulk {
        Section::Measured(bulk) => format!("Bulk: {}.", in_the_bulk(bulk)),
        Section::Skipped { reason } => format!("Bulk: {reason}."),
    }];
    sentences.extend(spectrum.nulls.measured().map(|nulls| {
        format!(
            "Of random matrices of this shape, entries of excess kurtosis {} ({}), so many go as \
             far: {}.",
            figure(nulls.excess_kurtosis),
            origin(nulls),
            shares(nulls)
        )
    }));
    sentences
}

/// How often chance goes as far as each figure; the reason of the label tells of the bulk.
pub fn spectrum_in_short(spectrum: &Spectrum) -> Option<String> {
    let nulls = spectrum.nulls.measured()?;
    Some(format!(
        "random matrices that go as far: {}.",
        shares(nulls)
    ))
}

fn in_the_bulk(bulk: &Bulk) -> String {
    if bulk.above + bulk.below == 0 {
        return "all singular values are on the law".to_owned();
    }
    format!(
        "{} % of the singular values are on the law, with {} % of ‖W‖²; {} above them and {} \
         below are set aside",
        figure(100.0 * bulk.share),
        figure(100.0 * bulk.energy),
        bulk.above,
        bulk.below
    )
}

/// Outliers above + below.
pub fn outliers(spectrum: &Spectrum) -> String {
    format!("{}+{}", spectrum.outliers_above, spectrum.outliers_below)
}

fn origin(nulls: &SpectrumNulls) -> String {
    match (nulls.origin, nulls.draws) {
        (Origin::Simulated, Some(draws)) => format!("{draws} drawn"),
        (Origin::Extrapolated, _) => "beyond the tables".to_owned(),
        _ => "by the tables".to_owned(),
    }
}

fn shares(nulls: &SpectrumNulls) -> String {
    let told = [
        ("KS", Some(&nulls.ks_median)),
        ("W₁", Some(&nulls.wasserstein)),
        ("largest", Some(&nulls.largest)),
        ("smallest", nulls.smallest.as_ref()),
        ("scales", Some(&nulls.scale_ratio)),
        ("spacings", nulls.level_ratio.as_ref()),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter_map(|(name, fact)| Some(format!("{name} {}", chance(fact?))))
        .collect();
    told.join(", ")
}

/// What is left of a layer when the scales of its units are divided out.
pub fn balanced(layer: &LayerFacts, balanced: &Balanced) -> Vec<String> {
    let mut sentences = vec![scales(balanced)];
    if let (Some(stored), Some(left)) = (gaussian(layer), balanced.weights.measured()) {
        let biased = balanced.inputs.kept.min(balanced.outputs.kept) < BIASED;
        let biased = if biased {
            " Balanced kurtosis is biased towards 0 at this size."
        } else {
            ""
        };
        sentences.push(format!(
            "Weights: excess kurtosis {} as stored, {} balanced; KS to a normal law {} and {}.{biased}",
            figure(stored.excess_kurtosis),
            figure(left.gaussian.excess_kurtosis),
            figure(stored.ks),
            figure(left.gaussian.ks),
        ));
    }
    sentences.extend(three_distances(layer, balanced));
    sentences.extend(outliers_of_both(layer, balanced));
    sentences
}

/// Fewest units of a side from which the kurtosis of balanced weights is not biased by much.
const BIASED: usize = 64;

fn gaussian(layer: &LayerFacts) -> Option<&GaussianDistance> {
    layer.weights.measured()?.gaussian.as_ref()
}

fn scales(balanced: &Balanced) -> String {
    let times = |scales: &BalancedScales| figure(100.0 * scales.excess_spread());
    let aside = |name: &str, scales: &BalancedScales| {
        let count = scales.dead + scales.near_dead;
        (count > 0).then(|| {
            format!(
                "{} set aside as dead or near-dead",
                counted(count as u64, name)
            )
        })
    };
    let aside = [
        aside("input", &balanced.inputs),
        aside("output", &balanced.outputs),
    ];
    let aside: Vec<String> = aside.into_iter().flatten().collect();
    let aside = if aside.is_empty() {
        String::new()
    } else {
        format!(" {}.", aside.join(", "))
    };
    format!(
        "Scales of the inputs spread by {} %, of the outputs by {} %, beyond chance.{aside}",
        times(&balanced.inputs),
        times(&balanced.outputs)
    )
}

/// KS as stored, with random signs (scales alone) and balanced (structure alone).
pub fn three_distances(layer: &LayerFacts, balanced: &Balanced) -> Option<String> {
    let stored = layer.spectrum.measured()?;
    let left = balanced.spectrum.measured()?;
    let signs = balanced.signs.measured()?;
    Some(format!(
        "Singular values: KS {} as stored, {} with random signs (scales alone), {} balanced \
         (structure alone); 99 % of balanced random matrices stay below {}.",
        figure(stored.ks_median),
        figure(signs.stored_ks_with_signs),
        figure(left.ks_median),
        figure(left.ks_null_q99)
    ))
}

fn outliers_of_both(layer: &LayerFacts, balanced: &Balanced) -> Option<String> {
    let stored = layer.spectrum.measured()?;
    let left = balanced.spectrum.measured()?;
    let fewer =
        left.outliers_above + left.outliers_below < stored.outliers_above + stored.outliers_below;
    let hidden = if fewer {
        " A direction carried by few units vanishes when these are divided by their scale."
    } else {
        ""
    };
    Some(format!(
        "Outliers: {} as stored, {} balanced.{hidden}",
        outliers(stored),
        outliers(left)
    ))
}

/// The word for how far a layer is from its start, with the figures, in one line.
pub fn start_in_short(start: &Start, word: StartWord) -> String {
    let word = word.name().replace('-', " ");
    if start.is_constant() {
        return format!("start: {word}, all weights are equal ({}).", start.law);
    }
    if let Some(spread) = start.singular_value_spread {
        return format!(
            "start: {word}, {}: singular values spread by {} % of their mean.",
            start.law,
            figure(100.0 * spread)
        );
    }
    let outside = start
        .outside
        .filter(|share| *share > 0.0)
        .map_or_else(String::new, |share| {
            format!(", {} % outside of it", figure(100.0 * share))
        });
    let implied = start
        .shrinkage
        .zip(start.drift)
        .filter(|(_, drift)| *drift > 1e-9)
        .map_or_else(String::new, |(shrinkage, drift)| {
            format!(
                "; as if shrunk by {} % and drifted by {} sd",
                figure(100.0 * shrinkage),
                figure(drift)
            )
        });
    format!(
        "start: {word}; nearest {}: W₁ {} sd, scale × {:.3}{outside}{implied}.",
        start.law,
        figure(start.distance),
        start.scale_ratio
    )
}

/// What else tells of a start.
pub fn start(start: &Start) -> Vec<String> {
    let mut sentences = Vec::new();
    match start.bias {
        Some(BiasAtStart::Zero) => sentences.push(
            "Every bias is exactly 0, as most initialisers leave them: training moves them."
                .to_owned(),
        ),
        Some(BiasAtStart::Constant(value)) => sentences.push(format!(
            "Every bias is exactly {}: training would move them apart.",
            figure(value)
        )),
        None => {}
    }
    if let Some(rows) = &start.rows {
        let side = if rows.are_outputs {
            "outputs"
        } else {
            "inputs"
        };
        sentences.push(format!(
            "The weights of about {} of {} {side} still are draws of `{}`: no data may ever have \
             touched them.",
            rows.fresh, rows.of, rows.law
        ));
    }
    sentences
}

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
            "From one draw of a Gaussian matrix to the next it varies by {}.",
            figure(controls.spread)
        ),
    ];
    sentences.extend(trap(controls));
    sentences
}

/// All of it in one sentence, and a second one where there is a trap.
pub fn controls_in_short(controls: &Controls) -> String {
    let short = format!(
        "largest singular value {}; of its weights shuffled {}; of a Gaussian matrix {} \
         ± {}.",
        figure(controls.observed),
        figure(controls.shuffled.largest()),
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
