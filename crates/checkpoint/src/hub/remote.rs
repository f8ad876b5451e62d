//! Asking the Hub, and what its answers mean.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::api::{Progress, RepoInfo};
use hf_hub::{Cache, Repo, RepoType};

use super::cache::{choose, shards};
use super::spec::{is_file_path, is_name};
use super::{Fetching, Found, Hub, Spec};
use crate::sets::{Choice, NoChoice};
use crate::source::listed;
use crate::{Result, checkpoint, is_index};

/// Names the activation of the net; a few hundred bytes.
const CONFIG: &str = "config.json";

/// Fetches what the cache lacks.
pub(super) fn fetch(hub: &Hub, spec: &Spec, fetching: &mut Fetching<'_>) -> Result<Found> {
    let api = ApiBuilder::from_cache(Cache::new(hub.cache.clone()))
        .with_endpoint(hub.endpoint.clone())
        .with_token(hub.token.clone())
        .with_user_agent("randomlike", env!("CARGO_PKG_VERSION"))
        .with_progress(false)
        .build()
        .map_err(|error| spec.fault(error.to_string()))?;
    let repo = Repo::with_revision(spec.repo.clone(), RepoType::Model, spec.revision.clone());
    let asked = Asked {
        hub,
        spec,
        repo: api.repo(repo.clone()),
        cache: Cache::new(hub.cache.clone()).repo(repo),
        api,
    };
    let info = asked.info()?;
    let names: Vec<String> = info.siblings.into_iter().map(|s| s.rfilename).collect();
    let snapshot = asked.cache.pointer_path(&info.sha);
    let choice = asked.chosen(&names, &snapshot, fetching)?;
    let files: Vec<String> = choice.set.names().map(str::to_owned).collect();
    for file in &files {
        asked.get(file, fetching)?;
    }
    let set = choice.set.name();
    let shards = shards(&choice.set, &snapshot).ok_or_else(|| {
        spec.fault(format!(
            "its index `{set}` names no shards that lie beside it"
        ))
    })?;
    for shard in &shards {
        if !names.contains(shard) {
            return Err(spec.fault(format!(
                "its index `{set}` names `{shard}`, which is not there"
            )));
        }
        asked.get(shard, fetching)?;
    }
    let config = match choice.set.folder() {
        "" => CONFIG.to_owned(),
        folder => format!("{folder}/{CONFIG}"),
    };
    if names.contains(&config) {
        asked.get(&config, fetching)?;
    }
    Ok(Found {
        snapshot,
        choice,
        commit: info.sha,
    })
}

struct Asked<'a> {
    hub: &'a Hub,
    spec: &'a Spec,
    api: Api,
    repo: ApiRepo,
    cache: hf_hub::CacheRepo,
}

impl Asked<'_> {
    /// The files of the revision and its commit.
    fn info(&self) -> Result<RepoInfo> {
        let request = self
            .repo
            .info_request()
            .config()
            .http_status_as_error(false)
            .build();
        let mut answer = request.call().map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            let code = answer.headers().get("x-error-code");
            let code = code
                .and_then(|code| code.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            return Err(self.refused(status, &code));
        }
        let info: RepoInfo = answer.body_mut().read_json().map_err(|error| {
            self.spec.fault(format!(
                "`{}` answers otherwise than the Hub does: {error}",
                self.hub.endpoint
            ))
        })?;
        if !is_name(&info.sha) {
            return Err(self.spec.fault("the Hub names a commit that is none"));
        }
        Ok(info)
    }

    /// The files that stand for the checkpoint. An index is fetched first: what it names is part of its
    /// set.
    fn chosen(
        &self,
        names: &[String],
        snapshot: &Path,
        fetching: &mut Fetching<'_>,
    ) -> Result<Choice> {
        let file = self.spec.file.as_deref();
        if let Some(file) = file.filter(|file| !names.iter().any(|name| name == file)) {
            return Err(self.spec.fault(format!(
                "the repository has no file `{file}`; it has {}",
                listed(names)
            )));
        }
        let is_root_index = |name: &&String| !name.contains('/') && is_index(name);
        if file.is_none() {
            for index in names.iter().filter(is_root_index) {
                self.get(index, fetching)?;
            }
        }
        choose(file, names, snapshot).map_err(|none| {
            self.spec.fault(match none {
                NoChoice::Nothing => {
                    let names = listed(names);
                    format!("the repository has no checkpoint we read; it has {names}")
                }
                NoChoice::Several(several) => format!(
                    "the repository has several checkpoints, {}; name one: {}/{}",
                    listed(&several),
                    self.spec,
                    several[0]
                ),
                NoChoice::Missing(part) => format!(
                    "the repository has no file `{}`, one of {} parts",
                    part.name, part.count
                ),
            })
        })
    }

    /// A file in the cache, fetched where it is not there; a part that came before is gone on with.
    fn get(&self, file: &str, fetching: &mut Fetching<'_>) -> Result<PathBuf> {
        if let Some(path) = self.cache.get(file) {
            return Ok(path);
        }
        if !is_file_path(file) {
            return Err(self.spec.fault(format!("`{file}` is no path in a folder")));
        }
        let encoded = encoded(file);
        // The client makes paths of both.
        let before = self
            .api
            .metadata(&self.repo.url(&encoded))
            .map_err(|e| self.failed(file, &e))?;
        if !is_name(before.etag()) || !is_name(before.commit_hash()) {
            return Err(self
                .spec
                .fault(format!("the Hub gives `{file}` a tag that is none")));
        }
        let bar = Bar {
            file: file.to_owned(),
            done: 0,
            size: 0,
            told: fetching,
        };
        let path = self
            .repo
            .download_with_progress(&encoded, bar)
            .map_err(|error| self.failed(file, &error))?;
        self.check(file, &path, &before)?;
        self.named(file, &encoded, path)
    }

    /// The client calls a file in the cache as in its address.
    fn named(&self, file: &str, encoded: &str, path: PathBuf) -> Result<PathBuf> {
        if file == encoded {
            return Ok(path);
        }
        // As many steps up as the name has.
        let snapshot = path.ancestors().nth(encoded.split('/').count());
        let snapshot = snapshot.unwrap_or(&path);
        let wanted = snapshot.join(file);
        let folder = wanted.parent().unwrap_or(snapshot);
        let moved = fs::create_dir_all(folder).and_then(|()| fs::rename(&path, &wanted));
        moved.map_err(|fault| {
            self.spec.fault(format!(
                "cannot write `{file}` into the cache `{}`: {fault}",
                self.hub.cache.display()
            ))
        })?;
        Ok(wanted)
    }

    /// Whether what came is what was announced.
    fn check(&self, file: &str, path: &Path, before: &hf_hub::api::sync::Metadata) -> Result<()> {
        let found = fs::metadata(path).map_or(0, |found| found.len());
        let wanted = before.size() as u64;
        // The Hub tags large files by the SHA-256 of their content.
        let is_digest =
            before.etag().len() == 64 && before.etag().bytes().all(|b| b.is_ascii_hexdigit());
        if found == wanted && (!is_digest || checkpoint::sha256(path)? == before.etag()) {
            return Ok(());
        }
        // Of no use to anybody: the blob and the link to it.
        if let Ok(blob) = fs::canonicalize(path) {
            let _ = fs::remove_file(blob);
        }
        let _ = fs::remove_file(path);
        Err(self.spec.fault(format!(
            "`{file}` is not the file that was announced: {found} bytes came of {wanted}, or others; it changed while it was fetched, so try again"
        )))
    }

    fn failed(&self, file: &str, error: &ApiError) -> crate::Error {
        match error {
            ApiError::RequestError(request) => {
                // Only the number is told.
                let text = request.to_string();
                let status = text.rsplit(' ').next().and_then(|word| word.parse().ok());
                match status {
                    Some(status @ 400..=599) => self.refused(status, ""),
                    _ => self.unreachable(&text),
                }
            }
            ApiError::IoError(fault) if fault.raw_os_error().is_some() => self.spec.fault(format!(
                "cannot write `{file}` into the cache `{}`: {fault}",
                self.hub.cache.display()
            )),
            ApiError::IoError(fault) => self.spec.fault(format!(
                "the connection ended in the middle of `{file}` ({fault}); what came is kept, so try again"
            )),
            ApiError::LockAcquisition(_) => self
                .spec
                .fault(format!("another program is fetching `{file}`; wait for it and try again")),
            other => self.spec.fault(format!("`{file}` could not be fetched: {other}")),
        }
    }

    fn refused(&self, status: u16, code: &str) -> crate::Error {
        let page = format!("{}/{}", self.hub.endpoint, self.spec.repo);
        let token = if self.hub.token.is_some() {
            "the token that was sent has no access to it"
        } else {
            "set HF_TOKEN to a token that has access, or log in with `hf auth login`"
        };
        let fault = match (status, code) {
            (_, "GatedRepo") | (403, _) => {
                format!("it is gated: accept its terms at {page}; {token}")
            }
            (_, "RevisionNotFound") => {
                format!("the repository has no revision `{}`", self.spec.revision)
            }
            (_, "RepoNotFound") | (404, _) => {
                format!(
                    "there is no such repository at {page}, or it is private: check its name; {token}"
                )
            }
            (401, _) => format!("it is private, gated or not there: look at {page}; {token}"),
            (429, _) => "too many requests were made; wait and try again".into(),
            (500..=599, _) => format!("the Hub has a fault of its own ({status}); try again later"),
            _ => format!("the Hub answers {status}"),
        };
        self.spec.fault(fault)
    }

    fn unreachable(&self, error: &dyn std::fmt::Display) -> crate::Error {
        self.spec.fault(format!(
            "`{}` cannot be reached ({error}); check the network, or use what is in the cache with --offline",
            self.hub.endpoint
        ))
    }
}

/// A path as an address has it: percent-encoded but for the unreserved characters and the slash
/// (RFC 3986, §2.3).
fn encoded(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Tells of a download.
struct Bar<'a, 'b> {
    file: String,
    done: u64,
    size: u64,
    told: &'a mut Fetching<'b>,
}

impl Progress for Bar<'_, '_> {
    fn init(&mut self, size: usize, _: &str) {
        (self.done, self.size) = (0, size as u64);
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        (self.told)(&self.file, self.done, self.size);
    }

    fn finish(&mut self) {}
}
