//! The file into which a step of GitHub Actions writes its part of the job's summary.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Names the file; GitHub sets it for every step.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// The open file, to which text is appended: earlier steps may have written there.
pub struct StepSummary {
    path: PathBuf,
    file: File,
}

impl StepSummary {
    /// Opens the file that the environment names, before the long part; nothing where it names
    /// none.
    pub fn open() -> Result<Option<Self>, String> {
        let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        let path = PathBuf::from(path);
        // Opening a pipe would wait.
        if path.exists() && !path.is_file() {
            return Err(refused(&path, "it is no regular file"));
        }
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file = file.map_err(|error| refused(&path, &error.to_string()))?;
        Ok(Some(Self { path, file }))
    }

    /// Writes `text` at the end.
    pub fn append(mut self, text: &str) -> Result<(), String> {
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| refused(&self.path, &error.to_string()))
    }
}

fn refused(path: &Path, why: &str) -> String {
    format!(
        "cannot write the summary that {VARIABLE} asks for to `{}`: {why}",
        path.display()
    )
}
