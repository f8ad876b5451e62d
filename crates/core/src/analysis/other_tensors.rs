//! NaN and infinite entries of tensors that are no layer: norms, embeddings, convolutions, moments.

use super::Progress;
use crate::Result;
use crate::ledger::{Ledger, LedgerEntry, NonFiniteEntries, Role};
use randomlike_checkpoint::{Checkpoint, Entries, PartKind};

/// Entries that are in memory at a time.
const PART: usize = 1 << 22;

/// Looks at every entry of every tensor that can be read and is not counted with a layer, in the
/// order of the ledger.
pub(super) fn count_not_finite(
    checkpoint: &Checkpoint,
    ledger: &mut Ledger,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    let others: Vec<usize> = (0..ledger.entries.len())
        .filter(|&place| is_other(&ledger.entries[place]))
        .collect();
    for (index, &place) in others.iter().enumerate() {
        let entry = &mut ledger.entries[place];
        progress(Progress {
            layer: &entry.tensor.tensor,
            index,
            layers: others.len(),
            stage: "entries of other tensors",
            done: 1.0,
        });
        entry.non_finite = Some(in_tensor(checkpoint, entry)?);
    }
    Ok(())
}

/// A tensor of floats whose entries no layer has.
fn is_other(entry: &LedgerEntry) -> bool {
    let is_of_a_layer = matches!(
        entry.role,
        Role::Layer
            | Role::Part {
                part: PartKind::Bias,
                ..
            }
    );
    !is_of_a_layer && entry.tensor.is_read() && !entry.hides_its_entries()
}

fn in_tensor(checkpoint: &Checkpoint, entry: &LedgerEntry) -> Result<NonFiniteEntries> {
    let count = entry.tensor.entries().unwrap_or(0);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // Slices of a stack and rows of a matrix lie together, whatever their order within.
    let rest: usize = entry.tensor.shape.iter().skip(1).product();
    let part = PART.next_multiple_of(rest.max(1)).min(count.max(1));
    let mut found = NonFiniteEntries::default();
    for start in (0..count).step_by(part) {
        let end = count.min(start.saturating_add(part));
        let entries = checkpoint.read_part(&entry.tensor.tensor, start..end)?;
        let more = match entries {
            Entries::F64(w) => NonFiniteEntries::among(&w),
            Entries::F32(w) => NonFiniteEntries::among(&w),
            Entries::F16(w) => NonFiniteEntries::among(&w),
            Entries::BF16(w) => NonFiniteEntries::among(&w),
        };
        found.add(more, start as u64);
    }
    Ok(found)
}
