//! Whether a limit is held against a layer as stored, balanced, or either.

use serde::Deserialize;

use super::rule::not_measured;
use super::{Case, FindingOutcome, Ruling};
use randomlike_core::audit::{Balanced, LayerFacts, Section, Unmeasured};

/// The key of a check's table that says so, and the reason for its default.
macro_rules! up_to_scales_policy {
    () => {
        r#"# Which figures must hold: "plain" those of the weights as stored, "balanced" those with the
# scale of each unit divided out, "either" one of the two. Multiplying the incoming weights of a
# ReLU unit by 10 and its outgoing weights by 1/10 changes the stored figures and not the net.
up_to_scales = "either"
"#
    };
}
pub(super) use up_to_scales_policy;

/// Which figures must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum UpToScales {
    /// Those as stored, or else those with scales divided out.
    Either,
    /// Those as stored.
    Plain,
    /// Those with scales divided out.
    Balanced,
}

impl UpToScales {
    /// The ruling on what is stored or on what is balanced. `held` is the case of a layer that
    /// holds balanced alone; the numbers of both rulings are told.
    pub(super) fn choose<S: 'static>(
        self,
        layer: &LayerFacts,
        stored: Ruling,
        section: impl Fn(&Balanced) -> &Section<S>,
        judge: impl Fn(&S) -> Ruling,
        held: &'static Case,
        unknown: &'static Case,
    ) -> Ruling {
        let balanced: Result<Ruling, &Unmeasured> = match &layer.balanced {
            Section::Skipped { reason } => Err(reason),
            Section::Measured(balanced) => match section(balanced) {
                Section::Skipped { reason } => Err(reason),
                Section::Measured(facts) => Ok(judge(facts)),
            },
        };
        let with_values = |ruling: Ruling, other: Ruling| Ruling {
            names: other
                .names
                .into_iter()
                .chain(ruling.names.clone())
                .collect(),
            ..ruling.values(other.values)
        };
        match (self, balanced) {
            (Self::Plain, Ok(balanced)) => with_values(stored, balanced),
            (Self::Plain | Self::Either, Err(_)) => stored,
            (Self::Balanced, Err(reason)) => not_measured::<Balanced>(reason, unknown),
            (Self::Balanced, Ok(mut balanced)) => {
                if balanced.outcome == FindingOutcome::Pass {
                    balanced.case = held;
                }
                with_values(balanced, stored)
            }
            (Self::Either, Ok(mut balanced)) => {
                let saved = stored.outcome == FindingOutcome::Fail
                    && balanced.outcome == FindingOutcome::Pass;
                if saved {
                    balanced.case = held;
                    with_values(balanced, stored)
                } else {
                    with_values(stored, balanced)
                }
            }
        }
    }
}
