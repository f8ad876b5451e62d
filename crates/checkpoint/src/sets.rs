//! Which files of a folder, or of a repository, are one checkpoint: a rule about their names.
//!
//! 1. Files of the folder itself are looked at; where none is a checkpoint, those of its subfolders.
//! 2. State of training is set aside by its name.
//! 3. Files form sets: an index and what it names, numbered parts, and every other file alone.
//! 4. The first format that has a set counts; sets of other formats are set aside.
//! 5. A consolidated copy is set aside beside another set, and another precision beside the plain one.
//! 6. One set must be left.

use std::path::Path;

use crate::format::Format;
use crate::formats::{self, FORMATS};
use crate::{FileBeside, FileSkip};

/// Files that belong together, by their paths from the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileSet {
    /// One file.
    File(String),
    /// An index, which names its shards.
    Index(String),
    /// All parts, in order.
    Parts(Vec<String>),
}

/// One checkpoint among names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) set: FileSet,
    /// Files that are no part of it.
    pub(crate) beside: Vec<FileBeside>,
}

/// Why there is not one checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoChoice {
    /// No name is that of one.
    Nothing,
    /// Each of these is one.
    Several(Vec<String>),
    /// A part of a set is not there.
    Missing(MissingPart),
}

/// A part that others declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingPart {
    pub(crate) name: String,
    pub(crate) count: usize,
}

/// A name as `model-00001-of-00003.safetensors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartName<'a> {
    /// What is before the number, and after the count.
    before: &'a str,
    after: &'a str,
    /// As written, with the sign before it.
    number: &'a str,
    between: &'a str,
    total: &'a str,
}

impl<'a> PartName<'a> {
    /// Reads a name; nothing for one that declares no parts.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        ["-of-", "_of_"].iter().find_map(|between| {
            let at = name.rfind(between)?;
            let (head, tail) = (&name[..at], &name[at + between.len()..]);
            let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let start = head.len() - digits(&head.chars().rev().collect::<String>());
            let end = digits(tail);
            let sign = head[..start].chars().last();
            let is_number = |text: &str| (1..=6).contains(&text.len());
            (matches!(sign, Some('-' | '_' | '.'))
                && is_number(&head[start..])
                && is_number(&tail[..end]))
            .then(|| Self {
                before: &head[..start],
                after: &tail[end..],
                number: &head[start..],
                between,
                total: &tail[..end],
            })
        })
    }

    /// How many parts there are.
    pub(crate) fn count(&self) -> usize {
        self.total.parse().unwrap_or(0)
    }

    fn stem(&self) -> &'a str {
        self.before.trim_end_matches(['-', '_', '.'])
    }

    /// The name of another part.
    fn of(&self, number: usize) -> String {
        let (before, between, after) = (self.before, self.between, self.after);
        let width = self.number.len();
        format!("{before}{number:0width$}{between}{}{after}", self.total)
    }

    /// The names of all parts, of which `names` has some; numbers begin at 0 or 1.
    pub(crate) fn all(&self, names: &[String]) -> Result<Vec<String>, MissingPart> {
        let first = usize::from(!names.contains(&self.of(0)));
        let all = first..first + self.count();
        all.map(|number| {
            let (name, count) = (self.of(number), self.count());
            if names.contains(&name) {
                Ok(name)
            } else {
                Err(MissingPart { name, count })
            }
        })
        .collect()
    }
}

/// The set that a file of this path belongs to, among the paths beside it.
pub(crate) fn set_of(file: &str, paths: &[String]) -> Result<FileSet, MissingPart> {
    let extension = Path::new(file).extension();
    if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return Ok(FileSet::Index(file.to_owned()));
    }
    match PartName::parse(file).filter(|part| part.count() > 0) {
        Some(part) => part.all(paths).map(FileSet::Parts),
        None => Ok(FileSet::File(file.to_owned())),
    }
}

/// A set with what tells it from others.
struct Candidate {
    set: FileSet,
    format: &'static Format,
    /// Its name without a precision, and the precision.
    stem: String,
    precision: Option<&'static str>,
}

/// The one checkpoint among the paths of a folder or a repository. `shards` reads an index, where it
/// can be read.
pub(crate) fn choose(
    paths: &[String],
    shards: &dyn Fn(&str) -> Option<Vec<String>>,
) -> Result<Choice, NoChoice> {
    for depth in [0, 1] {
        let at_depth = |path: &&String| path.matches('/').count() == depth;
        let paths: Vec<String> = paths.iter().filter(at_depth).cloned().collect();
        match one_of(&paths, shards) {
            Err(NoChoice::Nothing) => {}
            found => return found,
        }
    }
    Err(NoChoice::Nothing)
}

fn one_of(
    paths: &[String],
    shards: &dyn Fn(&str) -> Option<Vec<String>>,
) -> Result<Choice, NoChoice> {
    let mut beside = Vec::new();
    let mut files: Vec<String> = Vec::new();
    for path in paths.iter().filter(|path| format_of(path).is_some()) {
        if is_training_state(base(path)) {
            beside.push(FileBeside::new(path.as_str(), FileSkip::TrainingState));
        } else {
            files.push(path.clone());
        }
    }
    let mut candidates = candidates(&files, paths, shards)?;
    let format = FORMATS
        .iter()
        .find(|format| candidates.iter().any(|c| c.format.name == format.name));
    let Some(format) = format else {
        return Err(NoChoice::Nothing);
    };
    set_aside(
        &mut candidates,
        &mut beside,
        FileSkip::OtherFormat,
        |c, _| c.format.name != format.name,
    );
    set_aside(
        &mut candidates,
        &mut beside,
        FileSkip::Consolidated,
        |c, all| {
            let consolidated = |c: &Candidate| base(&c.stem).starts_with("consolidated");
            consolidated(c) && !all.iter().all(consolidated)
        },
    );
    set_aside(
        &mut candidates,
        &mut beside,
        FileSkip::OtherPrecision,
        |c, all| {
            let plain = |other: &Candidate| other.precision.is_none() && other.stem == c.stem;
            c.precision.is_some() && all.iter().any(plain)
        },
    );
    beside.sort_by(|a, b| a.file.cmp(&b.file));
    if candidates.len() > 1 {
        let names = candidates.iter().map(|c| c.set.name().to_owned());
        return Err(NoChoice::Several(names.collect()));
    }
    let set = candidates.pop().ok_or(NoChoice::Nothing)?.set;
    Ok(Choice { set, beside })
}

/// Moves the sets that are meant to `beside`, as judged by all that there are.
fn set_aside(
    candidates: &mut Vec<Candidate>,
    beside: &mut Vec<FileBeside>,
    reason: FileSkip,
    is_meant: impl Fn(&Candidate, &[Candidate]) -> bool,
) {
    let meant: Vec<bool> = candidates.iter().map(|c| is_meant(c, candidates)).collect();
    let mut meant = meant.into_iter();
    candidates.retain(|candidate| {
        let is_meant = meant.next().unwrap_or(false);
        if is_meant {
            let files = candidate.set.names();
            beside.extend(files.map(|file| FileBeside::new(file, reason)));
        }
        !is_meant
    });
}

fn candidates(
    files: &[String],
    paths: &[String],
    shards: &dyn Fn(&str) -> Option<Vec<String>>,
) -> Result<Vec<Candidate>, NoChoice> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut taken: Vec<String> = Vec::new();
    for index in files.iter().filter(|path| is_index(base(path))) {
        let Some(format) = format_of(index) else {
            continue;
        };
        let folder = &index[..index.len() - base(index).len()];
        if let Some(shards) = shards(index) {
            taken.extend(shards.iter().map(|shard| format!("{folder}{shard}")));
        } else {
            // What the index names is not known yet: parts of its name.
            let of_index = |path: &&String| {
                let part = PartName::parse(path);
                part.is_some_and(|part| stem_of(part.stem()) == stem_of(index))
            };
            taken.extend(files.iter().filter(of_index).cloned());
        }
        let (stem, precision) = stem_of(index);
        found.push(Candidate {
            set: FileSet::Index(index.clone()),
            format,
            stem,
            precision,
        });
    }
    for path in files.iter().filter(|path| !is_index(base(path))) {
        let Some(format) = format_of(path).filter(|_| !taken.contains(path)) else {
            continue;
        };
        let (set, named) = match PartName::parse(path) {
            Some(part) => {
                let all = part.all(paths).map_err(NoChoice::Missing)?;
                taken.extend(all.iter().cloned());
                (FileSet::Parts(all), part.stem())
            }
            None => (FileSet::File(path.clone()), path.as_str()),
        };
        let (stem, precision) = stem_of(named);
        found.push(Candidate {
            set,
            format,
            stem,
            precision,
        });
    }
    Ok(found)
}

impl FileSet {
    /// The file that stands for it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::File(name) | Self::Index(name) => name,
            Self::Parts(parts) => parts.first().map_or("", String::as_str),
        }
    }

    /// The folder that they lie in, from where names are told.
    pub(crate) fn folder(&self) -> &str {
        let name = self.name();
        name[..name.len() - base(name).len()].trim_end_matches('/')
    }

    /// The files that are known by name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::File(name) | Self::Index(name) => std::slice::from_ref(name),
            Self::Parts(parts) => parts,
        };
        names.iter().map(String::as_str)
    }
}

/// The last step of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `model.safetensors.index.json`, or with a precision, `model.safetensors.index.fp16.json`.
fn is_index(name: &str) -> bool {
    plain_index(name).is_some()
}

/// The name of an index without its precision.
fn plain_index(name: &str) -> Option<String> {
    if formats::is_index(name) {
        return Some(name.to_owned());
    }
    let (start, precision) = name.strip_suffix(".json")?.rsplit_once('.')?;
    let plain = format!("{start}.json");
    (PRECISIONS.contains(&precision) && formats::is_index(&plain)).then_some(plain)
}

fn format_of(path: &str) -> Option<&'static Format> {
    let name = base(path);
    match plain_index(name) {
        Some(index) => formats::of_index(&index),
        None => formats::by_name(name),
    }
}

/// Precisions and variants in names of files, as diffusers writes them.
const PRECISIONS: [&str; 8] = [
    "fp16", "bf16", "fp32", "fp8", "int8", "non_ema", "f16", "f32",
];

/// A path without its endings and its precision, and the precision.
fn stem_of(path: &str) -> (String, Option<&'static str>) {
    let name = base(path);
    let folder = &path[..path.len() - name.len()];
    let mut precision = None;
    let mut stem = String::new();
    for step in name.split('.') {
        match PRECISIONS.iter().find(|known| **known == step) {
            Some(known) => precision = Some(*known),
            None if is_ending(step) => {}
            None if stem.is_empty() => stem.push_str(step),
            None => stem = format!("{stem}.{step}"),
        }
    }
    (format!("{folder}{stem}"), precision)
}

fn is_ending(step: &str) -> bool {
    let endings = FORMATS.iter().flat_map(|format| format.endings);
    matches!(step, "index" | "json" | "tar")
        || endings.into_iter().any(|ending| ending[1..] == *step)
}

/// What training leaves beside a net, as the programs of Hugging Face and DeepSpeed name it.
fn is_training_state(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let starts = [
        "optimizer",
        "optimiser",
        "scheduler",
        "rng_state",
        "random_states",
        "training_args",
        "scaler.",
        "trainer_state",
    ];
    starts.iter().any(|start| name.starts_with(start)) || name.contains("optim_states")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(paths: &[&str]) -> Result<(String, Vec<String>), NoChoice> {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        let choice = choose(&paths, &|_| None)?;
        let beside = choice.beside.into_iter().map(|file| file.file).collect();
        Ok((choice.set.name().to_owned(), beside))
    }

    fn several(paths: &[&str]) -> Vec<String> {
        match chosen(paths) {
            Err(NoChoice::Several(names)) => names,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_declares_how_many_parts_there_are() {
        let part = PartName::parse("model-00001-of-00003.safetensors").unwrap();
        assert_eq!(
            (part.count(), part.of(2)),
            (3, "model-00002-of-00003.safetensors".into())
        );
        assert_eq!(
            PartName::parse("m_1_of_2.bin").unwrap().of(2),
            "m_2_of_2.bin"
        );
        for name in [
            "model.safetensors",
            "proof-of-2.bin",
            "a-of-b.pt",
            "x1-of-2.pt",
        ] {
            assert_eq!(PartName::parse(name), None, "{name}");
        }
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let zero = names(&["m-0-of-2.bin", "m-1-of-2.bin"]);
        let part = PartName::parse("m-1-of-2.bin").unwrap();
        assert_eq!(part.all(&zero), Ok(zero.clone()));
        let missing = part.all(&zero[1..]).unwrap_err();
        assert_eq!((missing.name.as_str(), missing.count), ("m-2-of-2.bin", 2));
    }

    #[test]
    fn one_set_is_left_or_each_is_named() {
        let one = |paths: &[&str], file: &str, beside: &[&str]| {
            let beside = beside.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(chosen(paths), Ok((file.to_owned(), beside)), "{paths:?}");
        };
        one(
            &["README.md", "model.safetensors"],
            "model.safetensors",
            &[],
        );
        one(
            &[
                "model.safetensors",
                "pytorch_model.bin",
                "training_args.bin",
            ],
            "model.safetensors",
            &["pytorch_model.bin", "training_args.bin"],
        );
        one(
            &[
                "optimizer.pt",
                "pytorch_model.bin",
                "rng_state.pth",
                "scheduler.pt",
            ],
            "pytorch_model.bin",
            &["optimizer.pt", "rng_state.pth", "scheduler.pt"],
        );
        one(
            &[
                "consolidated.safetensors",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
            ],
            "model.safetensors.index.json",
            &["consolidated.safetensors"],
        );
        one(
            &["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"],
            "m-00001-of-00002.gguf",
            &[],
        );
        one(
            &[
                "model.fp16.safetensors",
                "model.safetensors",
                "model.safetensors.index.fp16.json",
            ],
            "model.safetensors",
            &[
                "model.fp16.safetensors",
                "model.safetensors.index.fp16.json",
            ],
        );
        one(&["model.fp16.safetensors"], "model.fp16.safetensors", &[]);
        one(
            &["unet/model.safetensors", "config.json"],
            "unet/model.safetensors",
            &[],
        );
        one(&["consolidated.00.pth"], "consolidated.00.pth", &[]);
        assert_eq!(several(&["a.gguf", "b.gguf"]), ["a.gguf", "b.gguf"]);
        assert_eq!(
            several(&["unet/m.safetensors", "vae/m.safetensors"]),
            ["unet/m.safetensors", "vae/m.safetensors"]
        );
        assert_eq!(
            several(&["model.fp16.safetensors", "model.bf16.safetensors"]).len(),
            2
        );
        assert_eq!(
            several(&["extra.safetensors", "model.safetensors"]),
            ["extra.safetensors", "model.safetensors"]
        );
        assert_eq!(chosen(&["README.md"]), Err(NoChoice::Nothing));
        let missing = chosen(&["m-00001-of-00002.gguf"]);
        assert!(
            matches!(missing, Err(NoChoice::Missing(part)) if part.name == "m-00002-of-00002.gguf")
        );
    }

    #[test]
    fn an_index_takes_what_it_names() {
        let paths = ["model.safetensors.index.json", "one.safetensors"].map(str::to_owned);
        let named = |_: &str| Some(vec!["one.safetensors".to_owned()]);
        let choice = choose(&paths, &named).unwrap();
        assert_eq!(
            choice.set,
            FileSet::Index("model.safetensors.index.json".into())
        );
        let stray = choose(&paths, &|_| Some(Vec::new()));
        assert!(matches!(stray, Err(NoChoice::Several(names)) if names.len() == 2));
    }
}
