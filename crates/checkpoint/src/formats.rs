//! The formats that are read: a file each, and a line of [`FORMATS`].

mod gguf;
mod npy;
mod npz;
mod numpy_array;
pub(crate) mod safetensors;
mod torch;
#[cfg(test)]
mod worked_example;

use crate::format::Format;

/// Every format. Where a folder or a repository holds several, the first counts.
pub static FORMATS: &[Format] = &[
    safetensors::FORMAT,
    gguf::FORMAT,
    npz::FORMAT,
    npy::FORMAT,
    torch::FORMAT,
    #[cfg(test)]
    worked_example::FORMAT,
];

/// The format whose files have such names.
pub(crate) fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.is_named(name))
}

/// The format whose shards an index of this name lists.
pub(crate) fn of_index(name: &str) -> Option<&'static Format> {
    let name = name.to_ascii_lowercase();
    let is_index = |index: String| name.ends_with(&index);
    FORMATS
        .iter()
        .find(|format| format.index().is_some_and(is_index))
}

/// Whether a file of this name is an index of shards.
pub fn is_index(name: &str) -> bool {
    of_index(name).is_some()
}

/// The endings of every format in a sentence: `.safetensors, .gguf or .npz`.
pub fn endings() -> String {
    let all: Vec<&str> = FORMATS
        .iter()
        .flat_map(|format| format.endings)
        .copied()
        .collect();
    match all.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The endings of every index in a sentence.
pub fn index_endings() -> String {
    let all: Vec<String> = FORMATS.iter().filter_map(Format::index).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_formats_have_one_ending_and_names_are_read_in_any_case() {
        let all: Vec<&str> = FORMATS
            .iter()
            .flat_map(|format| format.endings)
            .copied()
            .collect();
        for (at, ending) in all.iter().enumerate() {
            assert!(
                ending.starts_with('.') && !all[..at].contains(ending),
                "{ending}"
            );
            assert_eq!(*ending, ending.to_ascii_lowercase());
        }
        let named = |name: &str| by_name(name).map(|format| format.name);
        assert_eq!(named("Model.SafeTensors"), Some("safetensors"));
        assert_eq!(named("best.pth.tar"), Some("PyTorch"));
        assert_eq!(named("last.ckpt"), Some("PyTorch"));
        assert_eq!(named("safetensors"), None);
        assert!(is_index("a.safetensors.index.json") && is_index("b.BIN.index.json"));
        assert!(!is_index("c.index.json") && !is_index("d.json"));
        assert_eq!(index_endings(), ".safetensors.index.json, .bin.index.json");
    }
}
