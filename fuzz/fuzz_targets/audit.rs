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
            let policy = Policy::default();
            let _ = judge(&audit, &policy);
            let labels = policy.labels(&audit).expect("the default policy has no pattern");
            assert!(json::audit(&audit, &labels).is_ok());
        }
        Err(error) => assert!(error.to_string().contains("audit.json"), "{error}"),
    }
});
