//! Checkpoints on the Hub: `hf://owner/repo[@revision][/file]`.
//!
//! hf-hub does the transport and keeps the cache that every other program of this kind shares. Here
//! is what it leaves open: which files a checkpoint needs, what is there already, and what an
//! answer means. What a server says is checked before it becomes part of a path.

#[cfg(feature = "hub")]
mod cache;
#[cfg(feature = "hub")]
mod remote;
mod spec;

use std::path::{Path, PathBuf};

pub use spec::Spec;

use crate::{Checkpoint, Error, Reading, Result};

/// Where the Hub and its cache are, and whether anything may be asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// `https://huggingface.co`, or another server that speaks its routes.
    pub endpoint: String,
    /// The folder with `models--owner--repo`.
    pub cache: PathBuf,
    /// Sent with every request to the endpoint.
    pub token: Option<String>,
    /// Only the cache is used.
    pub offline: bool,
}

/// How far a download is: the file, bytes that are there and bytes in all.
pub type Fetching<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// A source on the Hub, where the words begin as one does.
///
/// # Errors
/// When they go on otherwise.
pub fn spec(source: &Path) -> Result<Option<Spec>> {
    match source.to_str() {
        Some(text) if text.starts_with(spec::SCHEME) => Spec::parse(text).map(Some),
        _ => Ok(None),
    }
}

impl Hub {
    /// From the environment, as Hugging Face's own programs read it: `HF_ENDPOINT`, `HF_HUB_CACHE`,
    /// `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    /// When nothing says where the cache is.
    pub fn from_env(offline: bool) -> Result<Self> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = var("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = var("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| {
                Some(PathBuf::from(var("HOME").or_else(|| var("USERPROFILE"))?).join(".cache"))
            });
            Some(cache?.join("huggingface"))
        });
        let cache = var("HF_HUB_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| Some(home.as_ref()?.join("hub")));
        let cache = cache.ok_or_else(|| Error::Hub {
            source_name: "hf://".into(),
            fault: "no cache can be found; set HF_HOME to a folder".into(),
        })?;
        let stored = var("HF_TOKEN_PATH").map(PathBuf::from);
        let stored = stored.or_else(|| Some(home.as_ref()?.join("token")));
        let token = var("HF_TOKEN").or_else(|| std::fs::read_to_string(stored?).ok());
        let token = token.map(|token| token.trim().to_owned());
        let said = |name: &str| {
            var(name).is_some_and(|value| !matches!(value.as_str(), "0" | "false" | "FALSE" | "NO"))
        };
        Ok(Self {
            endpoint: var("HF_ENDPOINT")
                .unwrap_or_else(|| "https://huggingface.co".into())
                .trim_end_matches('/')
                .to_owned(),
            cache,
            token: token.filter(|token| !token.is_empty()),
            offline: offline || said("HF_HUB_OFFLINE"),
        })
    }

    /// Opens a checkpoint: a file that is in the cache from there, and else what is missing is fetched
    /// first. Without a file the Hub is asked which there are: which of several is meant is for the
    /// user to say.
    ///
    /// # Errors
    /// When it cannot be had, with what to do; when what came is no checkpoint.
    #[cfg(feature = "hub")]
    pub fn open(
        &self,
        spec: &Spec,
        reading: Reading,
        fetching: &mut Fetching<'_>,
    ) -> Result<Checkpoint> {
        let is_certain = self.offline || spec.file.is_some();
        let cached = is_certain.then(|| cache::find(self, spec)).flatten();
        let found = match cached {
            Some(found) => found,
            None if self.offline => {
                return Err(spec.fault(format!(
                    "not all of it is in the cache `{}`, and nothing is asked of the Hub; run once without --offline and HF_HUB_OFFLINE",
                    self.cache.display()
                )));
            }
            None => remote::fetch(self, spec, fetching)?,
        };
        let set = &found.choice.set;
        let opened = Checkpoint::open_set(&found.snapshot, set, reading)?;
        let opened = opened.with_beside(found.choice.beside.clone());
        Ok(opened.called(spec.at(&found.commit, set.name())))
    }

    /// This build cannot.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "hub"))]
    pub fn open(&self, spec: &Spec, _: Reading, _: &mut Fetching<'_>) -> Result<Checkpoint> {
        Err(spec.fault("this build cannot reach the Hub; build it with `--features hub`"))
    }
}

/// A checkpoint in the cache.
#[cfg(feature = "hub")]
struct Found {
    /// The folder of the repository's files.
    snapshot: PathBuf,
    choice: crate::sets::Choice,
    commit: String,
}
