#![no_main]

use std::fs;

use randomlike::train::data;

/// The four files of a data set, cut where the bytes say.
const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

libfuzzer_sys::fuzz_target!(|parts: [&[u8]; 4]| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, part) in NAMES.iter().zip(parts) {
        fs::write(folder.path().join(name), part).expect("a temporary file");
    }
    let _ = data::read(folder.path());
});
