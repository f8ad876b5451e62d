//! `hf://` against a local server that speaks the Hub's routes, with the real client.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const BINARY: &str = env!("CARGO_BIN_EXE_randomlike");
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server does.
#[derive(Debug, Clone, Default)]
struct Manner {
    /// Answer of the repository's own route, with the Hub's word for it.
    refuse: Option<(u16, &'static str)>,
    /// Answer of the files.
    refuse_files: Option<u16>,
    /// Ends the first download of weights after so many bytes.
    cut: Option<usize>,
    /// Sends other bytes than it announced.
    changed: bool,
    /// The tag of every file.
    tag: Option<&'static str>,
}

struct Server {
    endpoint: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(files: &[(&str, Vec<u8>)], manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let files: BTreeMap<String, Vec<u8>> = files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), bytes.clone()))
            .collect();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new((
            files,
            Mutex::new(manner),
            endpoint.clone(),
            Arc::clone(&seen),
        ));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (files, manner, endpoint, seen) = &*shared;
                    let _ = serve(stream, files, manner, endpoint, seen);
                });
            }
        });
        Self { endpoint, seen }
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn run(&self, home: &Path, arguments: &[&str]) -> Output {
        let mut run = Command::new(BINARY);
        run.env_clear()
            .env("HF_ENDPOINT", &self.endpoint)
            .env("HF_HOME", home)
            .args(arguments);
        run.output().unwrap()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// One request: the repository, a file that redirects, or what it redirects to.
fn serve(
    stream: TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    manner: &Mutex<Manner>,
    endpoint: &str,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut start = None;
    let mut token = String::new();
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            let (from, to) = range.split_once('-').unwrap_or((range, ""));
            start = Some((from.parse::<usize>().unwrap_or(0), to.parse::<usize>().ok()));
        }
        if let Some(sent) = line.strip_prefix("authorization: ") {
            token = format!(" {sent}");
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let range = start.map_or(String::new(), |(from, _)| format!(" from {from}"));
    seen.lock().unwrap().push(format!("{path}{range}{token}"));
    let mut stream = stream;
    let mut answer = |status: &str, headers: &str, body: &[u8], length: usize| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        )?;
        stream.write_all(body)?;
        stream.flush()
    };
    let settings = manner.lock().unwrap().clone();
    if path.starts_with("/api/models/") {
        if let Some((status, word)) = settings.refuse {
            return answer(
                &format!("{status} No"),
                &format!("X-Error-Code: {word}\r\n"),
                b"",
                0,
            );
        }
        let siblings: Vec<Value> = files
            .keys()
            .map(|name| json!({"rfilename": name}))
            .collect();
        let body = json!({"siblings": siblings, "sha": COMMIT}).to_string();
        return answer("200 OK", "", body.as_bytes(), body.len());
    }
    if let Some(status) = settings.refuse_files {
        return answer(&format!("{status} No"), "", b"", 0);
    }
    let (redirects, name) = match path.split_once("/resolve/") {
        Some((_, rest)) => (true, rest.split_once('/').map_or("", |(_, name)| name)),
        None => (false, path.trim_start_matches("/blobs/")),
    };
    let Some(bytes) = files.get(&decoded(name)) else {
        return answer("404 Not Found", "X-Error-Code: EntryNotFound\r\n", b"", 0);
    };
    if redirects {
        let tag = settings.tag.map_or_else(|| hex(bytes), str::to_owned);
        let headers = format!(
            "Location: {endpoint}/blobs/{name}\r\nX-Linked-Etag: \"{tag}\"\r\nX-Repo-Commit: {COMMIT}\r\n"
        );
        return answer("302 Found", &headers, b"", 0);
    }
    let mut bytes = bytes.clone();
    if settings.changed && name.ends_with(".safetensors") {
        *bytes.last_mut().unwrap() ^= 1;
    }
    let (from, to) = start.unwrap_or((0, None));
    let end = to.map_or(bytes.len(), |to| (to + 1).min(bytes.len()));
    let headers = format!(
        "Content-Range: bytes {from}-{}/{}\r\n",
        end - 1,
        bytes.len()
    );
    let part = &bytes[from.min(end)..end];
    if let (Some(cut), None, true) = (settings.cut, to, name.ends_with(".safetensors")) {
        manner.lock().unwrap().cut = None;
        return answer("206 Partial Content", &headers, &part[..cut], part.len());
    }
    answer("206 Partial Content", &headers, part, part.len())
}

fn net() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fc3u_256x128x256.safetensors"))
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).replace('\n', " ")
}

fn source(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
    audit["source"]["uri"].as_str().unwrap().to_owned()
}

#[test]
fn a_checkpoint_is_fetched_once_and_then_read_without_a_request() {
    let server = Server::start(
        &[
            ("model.safetensors", net()),
            ("config.json", b"{}".to_vec()),
            ("README.md", b"hello".to_vec()),
        ],
        Manner::default(),
    );
    let home = tempfile::tempdir().unwrap();
    let inspect = ["inspect", "hf://owner/net", "--json"];
    let first = server.run(home.path(), &inspect);
    let name = format!("hf://owner/net@{COMMIT}/model.safetensors");
    assert_eq!(source(&first), name);
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .any(|r| r.contains("/resolve/main/model.safetensors"))
    );
    assert!(requests.iter().any(|r| r.contains("config.json")));
    assert!(
        !requests.iter().any(|r| r.contains("README")),
        "{requests:?}"
    );
    // Which files there are is asked again, and nothing is fetched.
    let again = server.run(home.path(), &inspect);
    let listing = vec!["/api/models/owner/net/revision/main".to_owned()];
    assert_eq!((source(&again), server.requests()), (name, listing));
    assert_eq!(first.stdout, again.stdout);
    let one = "hf://owner/net/model.safetensors";
    for arguments in [
        &["inspect", one, "--json", "--offline"][..],
        &["layers", "hf://owner/net", "--offline"],
        &["layers", one],
        &["check", one, "--format", "json", "--offline"],
        &[
            "inspect",
            &format!("hf://owner/net@{COMMIT}"),
            "--json",
            "--offline",
        ],
    ] {
        let output = server.run(home.path(), arguments);
        assert_ne!(output.status.code(), Some(2), "{}", said(&output));
        assert_eq!(server.requests(), Vec::<String>::new(), "{arguments:?}");
    }
}

#[test]
fn a_sharded_checkpoint_brings_the_shards_of_its_index() {
    let shard = net();
    let opened = safetensors::SafeTensors::deserialize(&shard).unwrap();
    let map: BTreeMap<&str, &str> = opened
        .names()
        .into_iter()
        .map(|n| (n, "weights-1.safetensors"))
        .collect();
    let index = json!({"weight_map": map}).to_string().into_bytes();
    let server = Server::start(
        &[
            ("model.safetensors.index.json", index),
            ("weights-1.safetensors", shard.clone()),
            ("pytorch_model.bin", b"no".to_vec()),
        ],
        Manner::default(),
    );
    let home = tempfile::tempdir().unwrap();
    let output = server.run(home.path(), &["inspect", "hf://owner/net", "--json"]);
    assert!(source(&output).ends_with("/model.safetensors.index.json"));
    let requests = server.requests();
    assert!(
        !requests.iter().any(|r| r.contains("pytorch_model")),
        "{requests:?}"
    );
    let again = server.run(
        home.path(),
        &["inspect", "hf://owner/net", "--json", "--offline"],
    );
    assert_eq!(source(&again), source(&output));
    assert!(server.requests().is_empty());
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_ended() {
    let server = Server::start(
        &[("model.safetensors", net())],
        Manner {
            cut: Some(100_000),
            ..Manner::default()
        },
    );
    let home = tempfile::tempdir().unwrap();
    let inspect = ["inspect", "hf://owner/net", "--json"];
    let cut = server.run(home.path(), &inspect);
    assert_eq!(cut.status.code(), Some(2));
    assert!(
        said(&cut).contains("the connection ended in the middle of `model.safetensors`"),
        "{}",
        said(&cut)
    );
    server.requests();
    let again = server.run(home.path(), &inspect);
    assert!(source(&again).contains("owner/net"));
    let requests = server.requests();
    assert!(
        requests.iter().any(|r| r.ends_with("from 100000")),
        "{requests:?}"
    );
}

#[test]
fn each_reason_has_its_own_words_and_says_what_to_do() {
    let refused = |refuse: Option<(u16, &'static str)>, refuse_files| Manner {
        refuse,
        refuse_files,
        ..Manner::default()
    };
    let cases = [
        (
            refused(Some((401, "RepoNotFound")), None),
            "there is no such repository",
            "check its name",
        ),
        (
            refused(Some((404, "RepoNotFound")), None),
            "there is no such repository",
            "HF_TOKEN",
        ),
        (
            refused(Some((403, "GatedRepo")), None),
            "it is gated",
            "accept its terms",
        ),
        (refused(None, Some(403)), "it is gated", "accept its terms"),
        (
            refused(Some((401, "")), None),
            "private, gated or not there",
            "HF_TOKEN",
        ),
        (
            refused(Some((404, "RevisionNotFound")), None),
            "no revision `v9`",
            "v9",
        ),
        (
            refused(Some((429, "")), None),
            "too many requests",
            "try again",
        ),
        (
            refused(Some((503, "")), None),
            "fault of its own (503)",
            "later",
        ),
        (
            Manner {
                changed: true,
                ..Manner::default()
            },
            "not the file that was announced",
            "try again",
        ),
        (
            Manner {
                tag: Some("../../../evil"),
                ..Manner::default()
            },
            "a tag that is none",
            "model.safetensors",
        ),
    ];
    for (manner, fault, advice) in cases {
        let home = tempfile::tempdir().unwrap();
        let about = format!("{manner:?}");
        let server = Server::start(&[("model.safetensors", net())], manner);
        let output = server.run(home.path(), &["inspect", "hf://owner/net@v9"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{about}: {said}");
        assert!(
            said.contains("hf://owner/net@v9") && said.contains(fault),
            "{about}: {said}"
        );
        assert!(said.contains(advice), "{about}: {said}");
        // What is wrong is not kept.
        let server = Server::start(&[("model.safetensors", net())], Manner::default());
        source(&server.run(home.path(), &["inspect", "hf://owner/net@v9", "--json"]));
    }
}

#[test]
fn a_file_that_is_not_there_is_answered_with_those_that_are() {
    let server = Server::start(
        &[
            ("a.safetensors", net()),
            ("b.safetensors", net()),
            ("c.txt", Vec::new()),
        ],
        Manner::default(),
    );
    let home = tempfile::tempdir().unwrap();
    let fails = |source: &str, words: &str| {
        let output = server.run(home.path(), &["layers", source]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(words), "{}", said(&output));
    };
    fails(
        "hf://owner/net",
        "several checkpoints, `a.safetensors`, `b.safetensors`",
    );
    fails(
        "hf://owner/net/d.safetensors",
        "no file `d.safetensors`; it has `a.safetensors`",
    );
    fails("hf://owner", "names no repository");
    let output = server.run(home.path(), &["layers", "hf://owner/net/b.safetensors"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let empty = Server::start(&[("c.txt", Vec::new())], Manner::default());
    let output = empty.run(home.path(), &["layers", "hf://owner/other"]);
    assert!(
        said(&output).contains("no checkpoint we read; it has `c.txt`"),
        "{}",
        said(&output)
    );
}

#[test]
fn without_a_network_the_cache_is_all_there_is() {
    let server = Server::start(&[("model.safetensors", net())], Manner::default());
    let home = tempfile::tempdir().unwrap();
    let offline = server.run(home.path(), &["inspect", "hf://owner/net", "--offline"]);
    assert_eq!(offline.status.code(), Some(2));
    assert!(
        said(&offline).contains("without --offline"),
        "{}",
        said(&offline)
    );
    assert!(server.requests().is_empty());
    // A port nobody listens on.
    let gone = Server {
        endpoint: "http://127.0.0.1:9".into(),
        seen: Arc::default(),
    };
    let output = gone.run(home.path(), &["inspect", "hf://owner/net"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("cannot be reached") && said(&output).contains("check the network")
    );
}

#[test]
fn the_token_comes_from_the_usual_places() {
    let server = Server::start(&[("model.safetensors", net())], Manner::default());
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("token"), "from-file\n").unwrap();
    source(&server.run(home.path(), &["inspect", "hf://owner/net", "--json"]));
    assert!(server.requests()[0].ends_with("bearer from-file"));
    let other = tempfile::tempdir().unwrap();
    let mut run = Command::new(BINARY);
    run.env_clear()
        .env("HF_ENDPOINT", &server.endpoint)
        .env("HF_HUB_CACHE", other.path())
        .env("HF_TOKEN", "from-env")
        .args(["layers", "hf://owner/net"]);
    assert_eq!(run.output().unwrap().status.code(), Some(0));
    assert!(server.requests()[0].ends_with("bearer from-env"));
    assert!(other.path().join("models--owner--net").is_dir());
}

// Spaces, signs and other scripts are legal in a repository; the address has them encoded.
#[test]
fn any_name_of_a_file_is_fetched_and_one_of_several_is_never_taken() {
    let odd = "моя модель (v2)+x.safetensors";
    let server = Server::start(&[(odd, net())], Manner::default());
    let home = tempfile::tempdir().unwrap();
    let inspect = ["inspect", "hf://owner/net", "--json"];
    let name = format!("hf://owner/net@{COMMIT}/{odd}");
    assert_eq!(source(&server.run(home.path(), &inspect)), name);
    let encoded = server
        .requests()
        .iter()
        .any(|r| r.contains("%D0%BC%D0%BE%D1%8F%20") && r.contains("%28v2%29%2Bx.safetensors"));
    assert!(encoded);
    let one = format!("hf://owner/net/{odd}");
    let again = server.run(home.path(), &["inspect", &one, "--json", "--offline"]);
    assert_eq!(source(&again), name);
    // One of them alone is in the cache.
    let files = [("model.safetensors", net()), (odd, net())];
    let server = Server::start(&files, Manner::default());
    let one = "hf://owner/net/model.safetensors";
    let home = tempfile::tempdir().unwrap();
    source(&server.run(home.path(), &["inspect", one, "--json"]));
    let output = server.run(home.path(), &inspect);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(
        said.contains("several checkpoints") && said.contains(odd),
        "{said}"
    );
}

// NumPy's two bytes without a type, by the flag, from the Hub too.
#[test]
fn a_flag_about_bytes_counts_for_a_repository() {
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '<V2', 'fortran_order': False, 'shape': (8, 4), }\n";
    array.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    array.extend(header.as_bytes());
    array.extend([0x80, 0x3f].repeat(32));
    let server = Server::start(&[("w.npy", array)], Manner::default());
    let home = tempfile::tempdir().unwrap();
    let layers = ["layers", "hf://owner/net"];
    for (more, measured) in [(&[][..], "0 of 32"), (&["--v2-bfloat16"], "32 of 32")] {
        let output = server.run(home.path(), &[&layers[..], more].concat());
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(page.starts_with(measured), "{page}");
    }
}

/// A path of an address, its percent-encoding undone (RFC 3986, §2.1).
fn decoded(path: &str) -> String {
    let mut bytes = path.bytes();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                u8::from_str_radix(digits, 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(text).unwrap()
}
