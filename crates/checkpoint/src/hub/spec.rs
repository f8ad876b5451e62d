//! `hf://owner/repo[@revision][/file]`.

use std::fmt;

use crate::{Error, Result};

/// How a source on the Hub begins.
pub(super) const SCHEME: &str = "hf://";

/// What was asked of the Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// `owner/repo`.
    pub repo: String,
    /// A branch, a tag or a commit.
    pub revision: String,
    /// One file of it.
    pub file: Option<String>,
}

impl Spec {
    /// Reads a source.
    ///
    /// # Errors
    /// When it is not of this form, or a part of it is no name.
    pub fn parse(text: &str) -> Result<Self> {
        let fault = |fault: &str| Error::Hub {
            source_name: text.into(),
            fault: format!(
                "{fault}; give hf://owner/repo, with @revision and /file where they matter"
            ),
        };
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let mut parts = rest.splitn(3, '/');
        let (Some(owner), Some(repo)) = (parts.next(), parts.next()) else {
            return Err(fault("it names no repository"));
        };
        let file = parts.next().filter(|file| !file.is_empty());
        let (repo, revision) = repo.split_once('@').unwrap_or((repo, "main"));
        let revision = revision.replace("%2F", "/");
        if !is_name(owner) || !is_name(repo) {
            return Err(fault("it names no repository"));
        }
        if !is_path(&revision) {
            return Err(fault("its revision is no branch, tag or commit"));
        }
        if file.is_some_and(|file| !is_file_path(file)) {
            return Err(fault("its file is no path in a repository"));
        }
        Ok(Self {
            repo: format!("{owner}/{repo}"),
            revision,
            file: file.map(str::to_owned),
        })
    }

    /// What was audited, so that it can be had again.
    pub fn at(&self, commit: &str, file: &str) -> String {
        format!("{SCHEME}{}@{commit}/{file}", self.repo)
    }

    /// Why it cannot be had.
    pub fn fault(&self, fault: impl Into<String>) -> Error {
        Error::Hub {
            source_name: self.to_string(),
            fault: fault.into(),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.repo)?;
        if self.revision != "main" {
            write!(f, "@{}", self.revision.replace('/', "%2F"))?;
        }
        match &self.file {
            Some(file) => write!(f, "/{file}"),
            None => Ok(()),
        }
    }
}

/// Whether a word can be one step of a path and stays where it is.
pub(super) fn is_name(word: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !word.is_empty() && word.len() <= 255 && !word.starts_with('.') && word.chars().all(known)
}

/// Whether a path of a file stays in its folder, whatever it is called: spaces, signs and all scripts
/// are legal in a repository.
pub(super) fn is_file_path(path: &str) -> bool {
    let stays = |step: &str| {
        let is_drive = cfg!(windows) && step.contains(':');
        !matches!(step, "" | "." | "..")
            && step.len() <= 255
            && !step.contains(|c: char| c == '\\' || c.is_control())
            && !is_drive
    };
    path.split('/').all(stays)
}

/// Whether every step of a path is a name.
pub(super) fn is_path(path: &str) -> bool {
    path.split('/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_and_what_is_not() {
        let whole = Spec::parse("hf://a-b/c.d@v1.0/onnx/model.safetensors").unwrap();
        assert_eq!(
            (whole.repo.as_str(), whole.revision.as_str()),
            ("a-b/c.d", "v1.0")
        );
        assert_eq!(whole.file.as_deref(), Some("onnx/model.safetensors"));
        let short = Spec::parse("hf://a/b/").unwrap();
        assert_eq!(
            (short.revision.as_str(), short.file.as_ref()),
            ("main", None)
        );
        let odd = Spec::parse("hf://a/b/моя модель (v2)+x?.safetensors").unwrap();
        assert_eq!(odd.file.as_deref(), Some("моя модель (v2)+x?.safetensors"));
        let request = Spec::parse("hf://a/b@refs%2Fpr%2F1").unwrap();
        assert_eq!(request.revision, "refs/pr/1");
        for text in [
            "hf://a-b/c.d@v1.0/x.bin",
            "hf://a/b",
            "hf://a/b@refs%2Fpr%2F1",
        ] {
            assert_eq!(Spec::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "hf://",
            "hf://a",
            "hf:///b",
            "hf://a/..",
            "hf://a/b@",
            "hf://a/b@../c",
            "hf://a/b/../../etc/passwd",
            "hf://a/b//c",
            "hf://a/b c",
            "hf://a/b/x\\y",
            "hf://a/b/x\ny",
        ] {
            assert!(
                matches!(Spec::parse(wrong), Err(Error::Hub { .. })),
                "{wrong}"
            );
        }
    }
}
