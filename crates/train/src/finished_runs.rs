//! What is kept of a run that came to its end, beside the settings it had.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::method_settings::MethodSettings;
use super::run::TrainingPlan;
use super::{Error, fault};
use randomlike_checkpoint::FileError;
use randomlike_report::write::write_file;

/// Facts, and the settings they were found with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FinishedRun<T> {
    /// What is the same for every run.
    pub plan: TrainingPlan,
    /// The arm; none for what is before all arms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<MethodSettings>,
    /// What was found.
    pub facts: T,
}

/// Facts kept at `path`, nothing where no file is.
///
/// # Errors
/// When the file is damaged, or was made with other settings.
pub(super) fn finished<T: DeserializeOwned>(
    path: &Path,
    plan: &TrainingPlan,
    arm: Option<&MethodSettings>,
) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(FileError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            }
            .into());
        }
    };
    let found: FinishedRun<T> = serde_json::from_slice(&bytes)
        .map_err(|error| fault(format!("`{}` is no run of ours: {error}", path.display())))?;
    if found.plan != *plan || found.arm.as_ref() != arm {
        return Err(fault(format!(
            "`{}` is a run with other settings; give a new folder",
            path.display()
        )));
    }
    Ok(Some(found.facts))
}

/// Keeps facts at `path`.
pub(super) fn write_finished<T: Serialize>(
    path: &Path,
    plan: &TrainingPlan,
    arm: Option<&MethodSettings>,
    facts: &T,
) -> Result<(), Error> {
    let whole = FinishedRun {
        plan: plan.clone(),
        arm: arm.cloned(),
        facts,
    };
    let text = serde_json::to_string_pretty(&whole).map_err(|e| fault(e.to_string()))? + "\n";
    Ok(write_file(path, |out: &mut dyn Write| {
        out.write_all(text.as_bytes())
    })?)
}

/// Drops the state of a run that is at its end, where one was saved.
pub(super) fn remove_state(state: &Path) -> Result<(), Error> {
    match fs::remove_file(state) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(FileError::Io {
            action: "remove",
            path: state.to_owned(),
            source,
        }
        .into()),
        _ => Ok(()),
    }
}

/// Makes a folder and those above it.
pub(super) fn create_folder(path: &Path) -> Result<(), Error> {
    let made = fs::create_dir_all(path).map_err(|source| FileError::Io {
        action: "create",
        path: path.to_owned(),
        source,
    });
    Ok(made?)
}
