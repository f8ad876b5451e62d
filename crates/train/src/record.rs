//! runs.json: an experiment with everything that was found.

use serde::{Deserialize, Serialize};

use super::compare::{self, Comparison, Summary};
use super::experiment::{Experiment, Results, RunOutcome, UntrainedNet};
use super::tune::Chosen;
use super::{Error, fault};

/// Layout version of runs.json.
const SCHEMA_VERSION: u32 = 1;

/// What runs.json holds. It can be read back, and summed up and drawn again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Runs {
    /// Layout version.
    pub schema_version: u32,
    /// The folder of the data, as the user named it.
    pub data: String,
    /// What was run.
    pub experiment: Experiment,
    /// What validation data chose; empty where every value was given.
    pub chosen: Vec<Chosen>,
    /// Each method over its seeds.
    pub summaries: Vec<Summary>,
    /// Methods less others, seed by seed.
    pub comparisons: Vec<Comparison>,
    /// The nets before training.
    pub starts: Vec<UntrainedNet>,
    /// The runs.
    pub outcomes: Vec<RunOutcome>,
}

impl Runs {
    /// Sums up.
    pub fn new(
        data: String,
        experiment: Experiment,
        chosen: Vec<Chosen>,
        results: Results,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            data,
            experiment,
            chosen,
            summaries: compare::summaries(&results.outcomes),
            comparisons: compare::comparisons(&results.outcomes),
            starts: results.starts,
            outcomes: results.outcomes,
        }
    }

    /// The bytes of runs.json.
    ///
    /// # Errors
    /// Where a number is not finite.
    pub fn to_json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self).map_err(|e| fault(e.to_string()))?;
        Ok(text + "\n")
    }

    /// Reads them.
    ///
    /// # Errors
    /// Where they are not those of a runs.json of this version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let runs: Self = serde_json::from_slice(bytes).map_err(|e| fault(e.to_string()))?;
        if runs.schema_version == SCHEMA_VERSION {
            Ok(runs)
        } else {
            Err(fault(format!(
                "schema version {}, and this program reads {SCHEMA_VERSION}",
                runs.schema_version
            )))
        }
    }
}
