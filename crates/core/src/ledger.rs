//! The ledger: every tensor of a source with what became of it and the weights it stands for.
//!
//! Layers are a view of it. Nothing leaves it: what is not measured is there with a reason, and what
//! is packed with the weights that it stands for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::skip::{Skipped, TensorSkip};
use randomlike_checkpoint::{FileBeside, PartKind, TensorFacts};

/// Every tensor of a source, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Weights of all entries, packed ones unfolded.
    pub weights: u64,
    /// Those of layers, their biases, and their copies.
    pub measured: u64,
    /// Every tensor, in natural order of the names.
    pub entries: Vec<LedgerEntry>,
    /// What was not measured, by reason, the most weights first.
    pub by_reason: Vec<ReasonTotal>,
    /// Files beside the source that are no part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<FileBeside>,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The file it lies in, relative to the source.
    pub file: String,
    /// Its name, dtype and shape as stored.
    #[serde(flatten)]
    pub tensor: TensorFacts,
    /// Weights of the net that it stands for: none for scales, counters and the state of
    /// optimisers. Absent where nothing says how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<u64>,
    /// What became of it.
    #[serde(flatten)]
    pub role: Role,
    /// NaN and infinite entries, where they were looked for and are not counted with a layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_finite: Option<NonFiniteEntries>,
}

/// What became of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum Role {
    /// Its entries are the weights of a layer; of a stack, of as many as it has slices.
    Layer,
    /// It is a part of other weights.
    Part {
        /// Which part.
        part: PartKind,
        /// The tensor with those weights.
        of: String,
    },
    /// It is the same as another tensor, bit for bit, which is measured.
    Same {
        /// That tensor.
        of: String,
    },
    /// It is not measured.
    NotMeasured(TensorSkip),
}

/// Entries that are not finite numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonFiniteEntries {
    /// NaN entries.
    pub nan: u64,
    /// Infinite entries.
    pub infinite: u64,
    /// The place of the first of either, counted row by row from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
}

/// Entries that are looked at by one task.
const PART: usize = 1 << 20;

impl NonFiniteEntries {
    /// Of these entries.
    pub fn among<T: Copy + Into<f64>>(entries: &[T]) -> Self {
        let mut found = Self::default();
        for (place, &entry) in entries.iter().enumerate() {
            let entry: f64 = entry.into();
            if !entry.is_finite() {
                found.nan += u64::from(entry.is_nan());
                found.infinite += u64::from(entry.is_infinite());
                found.first = found.first.or(Some(place as u64));
            }
        }
        found
    }

    /// The same, looked for by all threads.
    pub fn in_parts<T: Copy + Into<f64> + Sync>(entries: &[T]) -> Self {
        let parts = entries.par_chunks(PART).map(Self::among);
        let parts: Vec<Self> = parts.collect();
        let mut all = Self::default();
        for (place, part) in parts.into_iter().enumerate() {
            all.add(part, (place * PART) as u64);
        }
        all
    }

    /// And of more, which begin `before` entries later.
    pub fn add(&mut self, more: Self, before: u64) {
        self.nan += more.nan;
        self.infinite += more.infinite;
        self.first = self.first.or(more.first.map(|first| before + first));
    }

    /// Both.
    pub const fn total(&self) -> u64 {
        self.nan + self.infinite
    }
}

/// What one reason keeps from being measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReasonTotal {
    /// The reason.
    pub reason_kind: String,
    /// The dtype, family, pattern or function that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// How many tensors.
    pub tensors: u64,
    /// Their weights, as far as they are known.
    pub weights: u64,
    /// Tensors of which nothing says how many they stand for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncounted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Ledger {
    /// Of all tensors of a source, in their order.
    pub fn new(entries: Vec<LedgerEntry>, beside: Vec<FileBeside>) -> Self {
        let sum = |of: &mut dyn Iterator<Item = &LedgerEntry>| -> u64 {
            of.filter_map(|entry| entry.weights)
                .fold(0, u64::saturating_add)
        };
        Self {
            weights: sum(&mut entries.iter()),
            measured: sum(&mut entries.iter().filter(|entry| entry.is_measured())),
            by_reason: by_reason(&entries),
            entries,
            beside,
        }
    }

    /// What is not measured, and parts of others that are no bias: what version 1 of audit.json
    /// calls skipped.
    pub fn skipped(&self) -> Vec<Skipped> {
        let skipped = |entry: &LedgerEntry| {
            let reason = match &entry.role {
                Role::Layer
                | Role::Part {
                    part: PartKind::Bias,
                    ..
                } => return None,
                Role::Part { part, of } => TensorSkip::PartOf {
                    part: *part,
                    weight: of.clone(),
                },
                Role::Same { of } => TensorSkip::SameAs { tensor: of.clone() },
                Role::NotMeasured(reason) => reason.clone(),
            };
            Some(Skipped {
                tensor: entry.tensor.clone(),
                reason,
            })
        };
        self.entries.iter().filter_map(skipped).collect()
    }

    /// The same, with layers of which no slice is all numbers as not measured; `bad` has the entries of
    /// each such tensor that are none.
    pub(crate) fn without(mut self, bad: &BTreeMap<String, u64>) -> Self {
        for entry in &mut self.entries {
            if let Some(&count) = bad.get(&entry.tensor.tensor) {
                entry.role = Role::NotMeasured(TensorSkip::NotFinite { count });
            }
        }
        Self::new(self.entries, self.beside)
    }

    /// The ledger of an audit that was written before there was one: its layers, their biases and
    /// what it lists as skipped. Which files they lie in it does not say.
    pub(crate) fn of_older<'a>(
        layers: impl Iterator<Item = (&'a TensorFacts, Option<&'a TensorFacts>)>,
        skipped: &[Skipped],
    ) -> Self {
        let mut entries: BTreeMap<String, LedgerEntry> = BTreeMap::new();
        let mut add = |tensor: &TensorFacts, role| {
            let entry = LedgerEntry::new("", tensor.clone(), tensor.entries(), role);
            entries.entry(tensor.tensor.clone()).or_insert(entry);
        };
        for (weight, bias) in layers {
            add(weight, Role::Layer);
            if let Some(bias) = bias {
                let (part, of) = (PartKind::Bias, weight.tensor.clone());
                add(bias, Role::Part { part, of });
            }
        }
        for Skipped { tensor, reason } in skipped {
            add(tensor, Role::NotMeasured(reason.clone()));
        }
        Self::new(entries.into_values().collect(), Vec::new())
    }
}

impl LedgerEntry {
    /// A tensor whose entries nobody looked at for NaN.
    pub fn new(
        file: impl Into<String>,
        tensor: TensorFacts,
        weights: Option<u64>,
        role: Role,
    ) -> Self {
        Self {
            file: file.into(),
            tensor,
            weights,
            role,
            non_finite: None,
        }
    }

    /// Whether its weights are among those measured.
    pub const fn is_measured(&self) -> bool {
        !matches!(self.role, Role::NotMeasured(_))
    }

    /// Whether it has entries that cannot be read.
    pub(crate) const fn hides_its_entries(&self) -> bool {
        match &self.role {
            Role::NotMeasured(reason) => reason.hides_a_shape(),
            _ => false,
        }
    }

    /// Whether it is a matrix or has more sides, or may be one: of what is packed or cannot be read
    /// the shape does not tell.
    pub fn is_matrix(&self) -> bool {
        let may_be = self.hides_its_entries() && self.weights != Some(0);
        may_be || self.tensor.shape.len() >= 2
    }
}

fn by_reason(entries: &[LedgerEntry]) -> Vec<ReasonTotal> {
    let mut totals: BTreeMap<(String, Option<String>), ReasonTotal> = BTreeMap::new();
    for entry in entries {
        if let Role::NotMeasured(reason) = &entry.role {
            let (kind, of) = (reason.kind(), reason.of());
            let total = totals.entry((kind.clone(), of.clone()));
            let total = total.or_insert(ReasonTotal {
                reason_kind: kind,
                of,
                tensors: 0,
                weights: 0,
                uncounted: 0,
            });
            total.tensors += 1;
            total.weights = total.weights.saturating_add(entry.weights.unwrap_or(0));
            total.uncounted += u64::from(entry.weights.is_none());
        }
    }
    let mut totals: Vec<ReasonTotal> = totals.into_values().collect();
    totals.sort_by_key(|total| Reverse((total.weights, total.tensors)));
    totals
}
