#![no_main]

use std::fs;

use randomlike::policy::Policy;
use randomlike::report::json;
use randomlike::verdict::judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("audit.json");
    fs::write(&path, bytes).expect("a temporary file");
    match json::read_audit(&path) {
        // What was read can be judged and written again.
        Ok(audit) => {
            let _ = judge(&audit, &Policy::default());
            assert!(json::audit(&audit).is_ok());
        }
        Err(error) => assert!(error.to_string().contains("audit.json"), "{error}"),
    }
});
