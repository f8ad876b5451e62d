//! What of a source is measured and what not, in words.

use randomlike_core::audit::{Ledger, ReasonTotal};
use randomlike_core::display_names::{cut, some_of};
use randomlike_core::number_format::{counted, grouped};

/// Reasons that are told one by one.
const TOLD: usize = 8;
/// Room for a name in a reason.
const NAME: usize = 60;

/// Whether weights were measured, or only headers were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalsOf {
    /// They were measured.
    Audit,
    /// Only headers: the ledger says what would be measured.
    Headers,
}

/// How much is measured, and what is not, the most weights first: "58.6 of 61.1 million weights
/// measured, 96 %; 2.5 million in 5 convolutions (`--conv`)."
pub fn totals(ledger: &Ledger, of: TotalsOf) -> String {
    let verb = match of {
        TotalsOf::Audit => "measured",
        TotalsOf::Headers => "would be measured",
    };
    let is_counted = ledger.by_reason.iter().all(|total| total.uncounted == 0);
    let (measured, all) = (ledger.measured, ledger.weights);
    let mut parts = vec![if is_counted {
        let share = share(measured, all);
        format!("{} weights {verb}, {share}", part_of(measured, all, ""))
    } else {
        format!("{} weights {verb}", part_of(measured, all, "at least "))
    }];
    parts.extend(ledger.by_reason.iter().take(TOLD).map(reason));
    let rest = &ledger.by_reason[TOLD.min(ledger.by_reason.len())..];
    if !rest.is_empty() {
        let weights = rest.iter().map(|total| total.weights).sum();
        let tensors = rest.iter().map(|total| total.tensors).sum();
        parts.push(within(weights, &counted(tensors, "other tensor")));
    }
    parts.join("; ") + "."
}

/// Files beside the source that are no part of it; nothing where there are none.
pub fn beside(ledger: &Ledger) -> Option<String> {
    let words = ledger
        .beside
        .iter()
        .map(|file| format!("`{}` ({})", cut(&file.file, NAME), file.reason))
        .collect::<Vec<_>>();
    let some = some_of(words.iter().map(String::as_str))?;
    Some(format!("Not part of the source: {some}."))
}

/// `58.6 of 61.1 million`.
fn part_of(part: u64, whole: u64, bound: &str) -> String {
    let (unit, word) = unit(whole);
    if unit == 1 {
        return format!("{} of {bound}{}", separated(part), separated(whole));
    }
    let decimals = match whole / unit {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let scaled = |count: u64| format!("{:.decimals$}", count as f64 / unit as f64);
    format!("{} of {bound}{}{word}", scaled(part), scaled(whole))
}

/// `61.1 million`.
fn amount(count: u64) -> String {
    let (unit, word) = unit(count);
    if unit == 1 {
        return separated(count);
    }
    format!("{:.1}{word}", count as f64 / unit as f64)
}

/// With a comma between thousands.
fn separated(count: u64) -> String {
    grouped(count).replace('\u{2009}', ",")
}

const fn unit(count: u64) -> (u64, &'static str) {
    match count {
        0..1_000_000 => (1, ""),
        1_000_000..1_000_000_000 => (1_000_000, " million"),
        _ => (1_000_000_000, " billion"),
    }
}

/// A percentage that is 100 only of all, and 0 only of none.
fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    if part > 0 && part < whole && !(0.5..99.5).contains(&percent) {
        return format!("{:.1} %", percent.clamp(0.1, 99.9));
    }
    format!("{percent:.0} %")
}

/// Singular or plural, after a count of tensors.
const fn verb<'a>(total: &ReasonTotal, one: &'a str, many: &'a str) -> &'a str {
    if total.tensors == 1 { one } else { many }
}

/// `2.5 million in 5 convolutions`, or without weights the tensors alone.
fn within(weights: u64, tensors: &str) -> String {
    match weights {
        0 => tensors.to_owned(),
        weights => format!("{} in {tensors}", amount(weights)),
    }
}

fn reason(total: &ReasonTotal) -> String {
    let name = cut(total.of.as_deref().unwrap_or("unknown"), NAME);
    let (noun, after) = match total.reason_kind.as_str() {
        "convolution" => ("convolution", " (`--conv`)".to_owned()),
        "embedding" => ("table", " such as embeddings (`--embeddings`)".to_owned()),
        "normalisation" => ("vector", " of normalisations".to_owned()),
        "one-dimensional" => {
            let is = verb(total, "is", "are");
            ("vector", format!(" that {is} no layer's bias"))
        }
        "single-number" => ("single number", String::new()),
        "excluded" => ("tensor", format!(" left out by `--exclude {name}`")),
        "not-included" => ("tensor", " that no `--include` matches".to_owned()),
        "below-minimum" => ("tensor", " with a side below the minimum".to_owned()),
        "bias-or-mask" => ("tensor", " named a bias or a mask".to_owned()),
        "kernel-with-heads" => ("kernel", " with heads".to_owned()),
        "dimensions" => ("tensor", " of more than five sides".to_owned()),
        "dtype-not-read" => ("tensor", format!(" of dtype {name}, which is not read")),
        "packed" => ("tensor", format!(" packed by {name}, which is not decoded")),
        "incomplete" => ("tensor", " without what decodes it".to_owned()),
        "unbuilt" => ("tensor", format!(" built by `{name}`, which is not known")),
        "unreadable" => ("tensor", " that cannot be read".to_owned()),
        "not-finite" => ("tensor", " with NaN or infinite entries".to_owned()),
        "no-entries" => ("tensor", " without entries".to_owned()),
        "optimiser-state" => ("tensor", " of optimiser state".to_owned()),
        "buffer" => ("tensor", " of integers".to_owned()),
        other => ("tensor", format!(" ({})", cut(other, NAME))),
    };
    let tensors = counted(total.tensors, noun) + &after;
    within(total.weights, &tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_checkpoint::Dtype;
    use randomlike_core::audit::{LedgerEntry, Role, TensorFacts, TensorSkip};

    // AlexNet of torchvision: five convolutions, three layers, biases.
    #[test]
    fn totals_name_the_largest_reason_first() {
        let mut entries = Vec::new();
        let mut add = |shape: &[usize], role| {
            let tensor = TensorFacts::new("t", Dtype::F32, shape);
            let weights = tensor.entries();
            entries.push(LedgerEntry::new("f", tensor, weights, role));
        };
        for shape in [[4096, 9216], [4096, 4096], [1000, 4096]] {
            add(&shape, Role::Layer);
        }
        for shape in [
            [64, 3, 11, 11],
            [192, 64, 5, 5],
            [384, 192, 3, 3],
            [256, 384, 3, 3],
            [256, 256, 3, 3],
        ] {
            add(&shape, Role::NotMeasured(TensorSkip::Convolution));
        }
        add(&[1152], Role::NotMeasured(TensorSkip::OneDimensional));
        let ledger = Ledger::new(entries, Vec::new());
        assert_eq!(
            totals(&ledger, TotalsOf::Audit),
            "58.6 of 61.1 million weights measured, 96 %; 2.5 million in 5 convolutions \
             (`--conv`); 1,152 in 1 vector that is no layer's bias."
        );
    }

    // A placeholder's weights are somewhere else, so no share of all is known.
    #[test]
    fn a_share_is_told_only_where_all_are_counted() {
        let tensor = |shape: &[usize]| TensorFacts::new("t.weight", Dtype::F32, shape);
        let empty = Role::NotMeasured(TensorSkip::NoEntries);
        let entries = vec![
            LedgerEntry::new("f", tensor(&[64, 48]), Some(3072), Role::Layer),
            LedgerEntry::new("f", tensor(&[0]), None, empty),
        ];
        let ledger = Ledger::new(entries, Vec::new());
        assert_eq!(
            totals(&ledger, TotalsOf::Headers),
            "3,072 of at least 3,072 weights would be measured; 1 tensor without entries."
        );
    }

    #[test]
    fn a_percentage_is_whole_only_of_all() {
        let shares = [(1, 1), (9999, 10_000), (1, 10_000), (0, 10), (1, 2)];
        let said = shares.map(|(part, whole)| share(part, whole));
        assert_eq!(said, ["100 %", "99.9 %", "0.1 %", "0 %", "50 %"]);
    }
}
