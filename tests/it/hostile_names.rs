//! Tensor names that are markup, control characters or very long: the page says them and does nothing.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use safetensors::tensor::{Dtype, TensorView, serialize};

use crate::packages;

const BINARY: &str = env!("CARGO_BIN_EXE_randomlike");

/// A report on layers with these names.
fn report(names: &[String], folder: &Path) -> PathBuf {
    let entries: Vec<u8> = (0..16 * 24_u32)
        .flat_map(|i| {
            ((i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5).to_le_bytes()
        })
        .collect();
    let view = || TensorView::new(Dtype::F32, vec![16, 24], &entries).unwrap();
    let views: Vec<(String, TensorView<'_>)> =
        names.iter().map(|name| (name.clone(), view())).collect();
    let file = folder.join("names.safetensors");
    fs::write(&file, serialize(views, None).unwrap()).unwrap();
    let out = folder.join("report");
    let run = Command::new(BINARY)
        .arg("inspect")
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(!run.stdout.contains(&0x1b) && !run.stdout.contains(&7));
    out.join("report.html")
}

fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find(|name| {
        let mut version = Command::new(name);
        version
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    })
}

/// The page as Chromium has it once it is loaded. What Chromium says goes to a file: its helpers
/// may hold a pipe open after it has ended.
fn opened(chromium: &str, page: &Path, folder: &Path) -> String {
    let said = folder.join("dom");
    let status = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=3000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("file://{}", page.display()))
        .stdout(fs::File::create(&said).unwrap())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "Chromium: {status}");
    fs::read_to_string(said).unwrap()
}

#[test]
fn a_page_of_markup_runs_no_script_and_asks_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let names = [
        format!("<img src=\"http://{address}/seen.png\" onerror=\"document.title='harm'\">"),
        "<script>document.title='harm'</script>".to_owned(),
        "</title></head><script>document.title='harm'</script>".to_owned(),
        format!("\"><iframe src=\"http://{address}/frame\"></iframe>"),
        "{{ 7 * 7 }}{% raw %}".to_owned(),
        "\u{1b}[2J\u{7}bell\r\nline".to_owned(),
        "x".repeat(10_000),
        "../../../../etc/passwd".to_owned(),
    ];
    let folder = tempfile::tempdir().unwrap();
    let page = report(&names, folder.path());
    let text = fs::read_to_string(&page).unwrap();
    assert!(!text.contains("<script") && !text.contains("<iframe") && !text.contains("src=\"http"));
    assert!(text.contains("default-src 'none'") && !text.contains('\u{1b}'));
    // Nothing beside the report, whatever a name says.
    let beside: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 2);
    let Some(chromium) = packages::needed("chromium", chromium()) else {
        return;
    };
    let dom = opened(chromium, &page, folder.path());
    assert!(dom.contains("<title>randomlike: "), "{dom}");
    assert!(!dom.contains("<title>harm") && !dom.contains("<iframe"));
    assert_eq!(visits.load(Ordering::Relaxed), 0);
}
