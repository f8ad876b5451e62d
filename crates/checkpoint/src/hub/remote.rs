//! Asking the Hub, and what its answers mean.

use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::api::{Progress, RepoInfo};
use hf_hub::{Cache, Repo, RepoType};

use super::cache::{shards, usual};
use super::spec::{is_name, is_path};
use super::{Fetching, Found, Hub, Spec};
use crate::{FORMATS, Result, checkpoint};

/// Names the activation of the net; a few hundred bytes.
const CONFIG: &str = "config.json";
/// Files that a message lists.
const LISTED: usize = 8;

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
    let names: Vec<&str> = info.siblings.iter().map(|s| s.rfilename.as_str()).collect();
    let file = chosen(spec, &names)?;
    let path = asked.get(&file, fetching)?;
    let folder = Path::new(&file).parent().unwrap_or(Path::new(""));
    let Some(shards) = shards(&path) else {
        return Err(spec.fault(format!(
            "its index `{file}` names no shards that lie beside it"
        )));
    };
    for shard in shards {
        let shard = folder.join(shard).to_string_lossy().replace('\\', "/");
        if !names.contains(&shard.as_str()) {
            return Err(spec.fault(format!(
                "its index `{file}` names `{shard}`, which is not there"
            )));
        }
        asked.get(&shard, fetching)?;
    }
    if names.contains(&CONFIG) && folder.as_os_str().is_empty() {
        asked.get(CONFIG, fetching)?;
    }
    Ok(Found {
        path,
        file,
        commit: info.sha,
    })
}

/// The file that stands for the checkpoint.
fn chosen(spec: &Spec, names: &[&str]) -> Result<String> {
    if let Some(file) = &spec.file {
        if names.contains(&file.as_str()) {
            return Ok(file.clone());
        }
        return Err(spec.fault(format!(
            "the repository has no file `{file}`; it has {}",
            listed(names)
        )));
    }
    let there = |name: &String| names.contains(&name.as_str());
    if let Some(usual) = usual().into_iter().find(there) {
        return Ok(usual);
    }
    for ending in FORMATS.iter().flat_map(|format| format.endings) {
        let such: Vec<&str> = names
            .iter()
            .copied()
            .filter(|n| n.to_ascii_lowercase().ends_with(ending) && is_path(n))
            .collect();
        match such[..] {
            [] => {}
            [one] => return Ok(one.to_owned()),
            _ => {
                return Err(spec.fault(format!(
                    "the repository has several checkpoints, {}; name one: {spec}/{}",
                    listed(&such),
                    such[0]
                )));
            }
        }
    }
    Err(spec.fault(format!(
        "the repository has no checkpoint we read; it has {}",
        listed(names)
    )))
}

fn listed(names: &[&str]) -> String {
    let some: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len() {
        0 => "no files".into(),
        all if all > LISTED => format!("{} and {} more", some.join(", "), all - LISTED),
        _ => some.join(", "),
    }
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

    /// A file in the cache, fetched where it is not there; a part that came before is gone on with.
    fn get(&self, file: &str, fetching: &mut Fetching<'_>) -> Result<PathBuf> {
        if let Some(path) = self.cache.get(file) {
            return Ok(path);
        }
        // The client makes paths of both.
        let before = self
            .api
            .metadata(&self.repo.url(file))
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
            .download_with_progress(file, bar)
            .map_err(|error| self.failed(file, &error))?;
        self.check(file, &path, &before)?;
        Ok(path)
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
