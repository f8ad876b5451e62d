#![no_main]

use std::path::Path;

use randomlike::policy::Policy;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let name = "x.toml";
    if let Err(error) = Policy::parse(text, Path::new(name)) {
        assert!(error.to_string().contains(name), "{error}");
    }
});
