//! Whoever loads the checkpoint imports nothing but what weights are made of.

use serde::Deserialize;

use super::{Level, Ruling};
use randomlike_core::audit::SourceFacts;
use randomlike_core::names::some_of;

/// Level of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsOnly {
    /// What a failure means for the gate.
    pub level: Level,
}

impl WeightsOnly {
    pub(super) fn judge(source: &SourceFacts) -> Ruling {
        let limit = "no import beside what weights are made of".to_owned();
        let (holds, measured, meaning) = match some_of(source.imports()) {
            None => (
                true,
                "none asked for".to_owned(),
                "No file asks whoever loads it for more than tensors.",
            ),
            Some(named) => (
                false,
                format!("imports {named}"),
                "A program that loads this file as a pickle runs code that the file names; \
                 torch.load with weights_only=True refuses it. Nothing of it was run here.",
            ),
        };
        Ruling::new(holds, measured, limit, meaning.to_owned())
    }
}
