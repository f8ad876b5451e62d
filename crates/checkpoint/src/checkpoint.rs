//! One or more files that hold the tensors of one net.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[cfg(feature = "hub")]
use crate::byte_source::FileBytes;
use crate::companions::{Companions, Decoder, StoredNotes};
#[cfg(feature = "hub")]
use crate::digested::Digested;
use crate::error::{Error, FileError, Result};
use crate::scales;
#[cfg(feature = "hub")]
use crate::sets::FileSet;
use crate::tensor_file::TensorFile;
use crate::{
    ByteSource, Entries, FileBeside, FileFacts, Listed, Standing, TensorFacts, recognise, source,
    tied,
};

/// What the bytes of files do not say of themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether NumPy's entries of two bytes without a type (`<V2`) are 16-bit floats, the upper halves
    /// of F32.
    pub void_is_bfloat16: bool,
}

impl Reading {
    fn applied(self, mut files: Vec<TensorFile>) -> Vec<TensorFile> {
        if self.void_is_bfloat16 {
            files.iter_mut().for_each(TensorFile::void_is_bfloat16);
        }
        files
    }
}

/// One or more files whose headers hold together. No weight has been read.
#[derive(Debug)]
pub struct Checkpoint {
    uri: String,
    folder: PathBuf,
    files: Vec<TensorFile>,
    /// Of each file, relative to the source.
    file_names: Vec<String>,
    tensors: Vec<TensorFacts>,
    /// Of each tensor: its file and what it is to the others.
    standings: Vec<(usize, Standing)>,
    /// Files that lie beside the source and are no part of it.
    beside: Vec<FileBeside>,
    /// Of weights that another tensor decodes, by name.
    decoders: BTreeMap<String, Decoder>,
    metadata: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens a file of one of the [`FORMATS`](crate::FORMATS), an index of shards, or a directory
    /// of either.
    pub fn open(source: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(source, Reading::default())
    }

    /// The same, read in this way.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_as(source: impl AsRef<Path>, reading: Reading) -> Result<Self> {
        let source = source.as_ref();
        let opened = source::open(source)?;
        let files = reading.applied(opened.files);
        let checkpoint = Self::of(files, source, &opened.folder)?;
        Ok(checkpoint.with_beside(opened.beside))
    }

    /// Opens the files of a set in a folder.
    #[cfg(feature = "hub")]
    pub(crate) fn open_set(folder: &Path, set: &FileSet, reading: Reading) -> Result<Self> {
        let own = folder.join(set.folder());
        let files = reading.applied(source::open_set(folder, set)?);
        Self::of(files, folder, &own)
    }

    /// Opens what would be one file, from wherever its bytes are; errors and audits call it `name`.
    pub fn from_bytes(name: impl AsRef<Path>, bytes: Arc<dyn ByteSource>) -> Result<Self> {
        let name = name.as_ref();
        let file = recognise::open_bytes(name, bytes)?;
        Self::of(vec![file], name, Path::new(""))
    }

    fn of(files: Vec<TensorFile>, source: &Path, folder: &Path) -> Result<Self> {
        let mut home: BTreeMap<&str, &TensorFile> = BTreeMap::new();
        let mut listed = Vec::new();
        let mut metadata = BTreeMap::new();
        for (place, file) in files.iter().enumerate() {
            let whole = file.tensors().map(|facts| (facts, &Standing::Whole));
            let unread = file.unread().iter().map(|(facts, why)| (facts, why));
            for (facts, standing) in whole.chain(unread) {
                if let Some(first) = home.insert(&facts.tensor, file) {
                    return Err(Error::DuplicateTensor {
                        tensor: facts.tensor.clone(),
                        first: first.path().to_owned(),
                        second: file.path().to_owned(),
                    });
                }
                listed.push((facts.clone(), (place, standing.clone())));
            }
            for (key, value) in file.metadata() {
                metadata.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        listed.sort_by(|(a, _), (b, _)| a.tensor.cmp(&b.tensor));
        let (mut tensors, mut standings): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
        let companions = Companions::among(&tensors, &StoredNotes::new(&files, folder));
        for (facts, (_, standing)) in tensors.iter_mut().zip(&mut standings) {
            if let (Standing::Whole, Some(found)) =
                (&*standing, companions.standings.get(&facts.tensor))
            {
                *standing = found.clone();
            }
            match companions.decoders.get(&facts.tensor) {
                Some(Decoder::Scales(scales)) => facts.decoded = Some(scales.words(&facts.dtype)),
                Some(Decoder::Norm(norm)) => facts.decoded = Some(norm.words()),
                None if facts.decoded.is_none() && *standing == Standing::Whole => {
                    facts.decoded = scales::alone(&facts.dtype);
                }
                None => {}
            }
        }
        Ok(Self {
            uri: source.display().to_string(),
            folder: folder.to_owned(),
            file_names: files.iter().map(|file| relative(file, folder)).collect(),
            files,
            tensors,
            standings,
            beside: Vec::new(),
            decoders: companions.decoders,
            metadata,
        })
    }

    /// The same with files that lie beside it.
    pub(crate) fn with_beside(mut self, beside: Vec<FileBeside>) -> Self {
        self.beside = beside;
        self
    }

    /// The same under the name of where it came from.
    #[cfg(feature = "hub")]
    pub(crate) fn called(mut self, uri: String) -> Self {
        self.uri = uri;
        self
    }

    /// The source as the user named it.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The folder the files lie in; empty for bytes that lie in none.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every tensor, sorted by name.
    pub fn tensors(&self) -> &[TensorFacts] {
        &self.tensors
    }

    /// Every tensor with its file and its standing, in the same order.
    pub fn listed(&self) -> Vec<Listed<'_>> {
        let standings = self.standings.iter();
        let all = self.tensors.iter().zip(standings);
        all.map(|(facts, (file, standing))| Listed {
            facts,
            file: &self.file_names[*file],
            standing,
        })
        .collect()
    }

    /// Files that lie beside the source and are no part of it.
    pub fn beside(&self) -> &[FileBeside] {
        &self.beside
    }

    /// What the files say of themselves; on a contradiction the first file's word.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Reads one tensor.
    pub fn read(&self, tensor: &str) -> Result<Entries> {
        self.read_span(tensor, None)
    }

    /// Reads a part of one tensor and nothing else of it.
    pub fn read_part(&self, tensor: &str, part: Range<usize>) -> Result<Entries> {
        self.read_span(tensor, Some(part))
    }

    fn read_span(&self, tensor: &str, span: Option<Range<usize>>) -> Result<Entries> {
        let missing = || Error::NoTensor {
            uri: self.uri.clone(),
            tensor: tensor.to_owned(),
        };
        let home = |tensor: &str| self.files.iter().find(|file| file.holds(tensor));
        let file = home(tensor).ok_or_else(missing)?;
        if !self.is_whole(tensor) {
            return Err(missing());
        }
        let whole = |tensor: &str| -> Result<Entries> {
            let beside = home(tensor).ok_or_else(missing)?;
            beside.read(tensor, None)?.ok_or_else(missing)
        };
        let composed = match self.decoders.get(tensor) {
            None => file.read(tensor, span)?,
            Some(Decoder::Scales(scales)) => {
                let start = span.as_ref().map_or(0, |span| span.start);
                let entries = file.read(tensor, span)?.ok_or_else(missing)?;
                let zeros = scales.zero_points.as_deref().map(whole).transpose()?;
                scales.apply(entries, start, &whole(&scales.tensor)?, zeros.as_ref())
            }
            Some(Decoder::Norm(norm)) => {
                let (v, g) = (whole(tensor)?, whole(&norm.tensor)?);
                let all = self.facts(tensor).and_then(TensorFacts::count);
                let span = span.unwrap_or(0..all.unwrap_or(0));
                norm.apply(&v, &g, span)
            }
        };
        composed.ok_or_else(missing)
    }

    fn place(&self, tensor: &str) -> Option<usize> {
        let name = |facts: &TensorFacts| facts.tensor.as_str().cmp(tensor);
        self.tensors.binary_search_by(name).ok()
    }

    fn facts(&self, tensor: &str) -> Option<&TensorFacts> {
        self.tensors.get(self.place(tensor)?)
    }

    /// Whether entries of a tensor are numbers: those of weights that cannot be decoded are none.
    fn is_whole(&self, tensor: &str) -> bool {
        let standing = self.place(tensor).and_then(|at| self.standings.get(at));
        matches!(standing, Some((_, Standing::Whole | Standing::Part { .. })))
    }

    /// Groups of tensors of two or more sides that are the same bit for bit, by their names; those
    /// whose entries are all one number are in none.
    ///
    /// # Errors
    /// When bytes cannot be read.
    pub fn tied(&self) -> Result<Vec<Vec<&str>>> {
        let all = self.tensors.iter().zip(&self.standings);
        let whole = all.filter(|(facts, (_, standing))| {
            facts.shape.len() >= 2 && *standing == Standing::Whole && facts.is_read()
        });
        let stored = whole.filter_map(|(facts, (file, _))| {
            let file = &self.files[*file];
            Some((facts, file, file.stored(&facts.tensor)?))
        });
        tied::among(&stored.collect::<Vec<_>>())
    }

    /// What every file asks a program that runs its pickle to import, beside what weights are
    /// made of, each once.
    pub fn imports(&self) -> BTreeSet<&str> {
        let all = self.files.iter().flat_map(TensorFile::imports);
        all.map(String::as_str).collect()
    }

    /// Size and SHA-256 of every file.
    ///
    /// # Errors
    /// When one cannot be read, or is no longer what was opened.
    pub fn digest(&self) -> Result<Vec<FileFacts>> {
        let files = self.digest_until(&AtomicBool::new(false))?;
        self.unchanged()?;
        Ok(files.unwrap_or_default())
    }

    /// Refuses files that are no longer what was opened: what was read of them meanwhile may be of
    /// two states.
    ///
    /// # Errors
    /// When one was written to, replaced or removed.
    pub fn unchanged(&self) -> Result<()> {
        self.files.iter().try_for_each(TensorFile::unchanged)
    }

    /// What `work` answers, and the digest, which a thread of its own takes meanwhile; it stops
    /// where the work fails. With one thread it comes after the work. Then no file may have
    /// changed.
    pub fn digest_beside<T, E: From<Error>>(
        &self,
        work: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<(T, Vec<FileFacts>), E> {
        if rayon::current_num_threads() == 1 {
            return Ok((work()?, self.digest()?));
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let digest = scope.spawn(|| self.digest_until(&stop));
            let done = work();
            stop.store(done.is_err(), Ordering::Relaxed);
            let digest = digest.join().unwrap_or_else(|panic| resume_unwind(panic));
            let answer = (done?, digest?.unwrap_or_default());
            self.unchanged()?;
            Ok(answer)
        })
    }

    /// Nothing as soon as `stop` is set.
    fn digest_until(&self, stop: &AtomicBool) -> Result<Option<Vec<FileFacts>>> {
        let facts = |(file, name): (&TensorFile, &String)| {
            let path = file.path();
            let digest = file.bytes().digest(stop);
            let digest = digest.map_err(|source| unreadable(path, source))?;
            Ok(digest.map(|(bytes, sha256)| FileFacts {
                path: name.clone(),
                bytes,
                sha256,
                link: link(path),
                imports: file.imports().to_vec(),
            }))
        };
        self.files.iter().zip(&self.file_names).map(facts).collect()
    }
}

/// The path of a file from the folder of the source.
fn relative(file: &TensorFile, folder: &Path) -> String {
    let path = file.path();
    let name = path.strip_prefix(folder).unwrap_or(path);
    name.to_string_lossy().into_owned()
}

/// SHA-256 of a file, in lower-case hexadecimal.
#[cfg(feature = "hub")]
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let file = Digested::new(Arc::new(FileBytes::open(path)?));
    let digest = file.digest(&AtomicBool::new(false));
    let digest = digest.map_err(|source| unreadable(path, source))?;
    Ok(digest.map(|(_, sha256)| sha256).unwrap_or_default())
}

fn unreadable(path: &Path, source: io::Error) -> FileError {
    FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    }
}

/// Where a link leads; nothing for what is none.
fn link(path: &Path) -> Option<String> {
    let leads = std::fs::read_link(path).ok()?;
    Some(leads.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::IndexFault;
    use proptest::prelude::*;

    /// A file with one F32 tensor of two entries per name.
    fn bytes(names: &[&str]) -> Vec<u8> {
        let entries: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let (from, to) = (8 * i, 8 * i + 8);
                format!(r#""{name}":{{"dtype":"F32","shape":[1,2],"data_offsets":[{from},{to}]}}"#)
            })
            .collect();
        let json = format!("{{{}}}", entries.join(","));
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.as_bytes());
        file.extend(
            [1.0_f32, 2.0]
                .repeat(names.len())
                .iter()
                .flat_map(|x| x.to_le_bytes()),
        );
        file
    }

    fn sharded(index: &str) -> (tempfile::TempDir, Result<Checkpoint>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("one.safetensors"), bytes(&["a", "b"])).unwrap();
        fs::write(folder.path().join("two.safetensors"), bytes(&["c"])).unwrap();
        fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
        let opened = Checkpoint::open(folder.path());
        (folder, opened)
    }

    fn index_fault(index: &str) -> IndexFault {
        match sharded(index).1 {
            Err(Error::Index { fault, .. }) => fault,
            other => panic!("expected an index fault, got {other:?}"),
        }
    }

    const INDEX: &str =
        r#"{"weight_map":{"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"}}"#;

    #[test]
    fn a_sharded_checkpoint_reads_each_tensor_from_its_shard() {
        let (_folder, opened) = sharded(INDEX);
        let checkpoint = opened.unwrap();
        assert_eq!(checkpoint.tensors().len(), 3);
        assert_eq!(checkpoint.read("c").unwrap(), Entries::F32(vec![1.0, 2.0]));
        assert!(matches!(checkpoint.read("d"), Err(Error::NoTensor { .. })));
    }

    #[test]
    fn each_fault_of_an_index_has_its_own_name() {
        assert!(matches!(index_fault("{}"), IndexFault::Json(_)));
        let gone = INDEX.replace("two.", "three.");
        assert!(matches!(
            index_fault(&gone),
            IndexFault::MissingShard { .. }
        ));
        let extra = INDEX.replace(r#""a""#, r#""x":"one.safetensors","a""#);
        assert!(matches!(index_fault(&extra), IndexFault::NotInShard { .. }));
        let fewer = INDEX.replace(r#""a":"one.safetensors","#, "");
        assert!(matches!(index_fault(&fewer), IndexFault::NotInIndex { .. }));
        let twice = INDEX.replace(r#""b""#, r#""a""#);
        assert!(matches!(index_fault(&twice), IndexFault::Duplicate { .. }));
        for path in ["../one.safetensors", "/one.safetensors"] {
            let outside = INDEX.replace("two.safetensors", path);
            assert!(
                matches!(index_fault(&outside), IndexFault::ShardPath { .. }),
                "{path}"
            );
        }
    }

    #[test]
    fn a_file_that_shrank_is_noticed_at_reading() {
        let (folder, opened) = sharded(INDEX);
        let checkpoint = opened.unwrap();
        let file = folder.path().join("one.safetensors");
        let length = fs::metadata(&file).unwrap().len();
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_len(length - 1).unwrap();
        // Although these entries are still there.
        let said = checkpoint.read_part("a", 0..1).unwrap_err().to_string();
        assert!(said.contains("one.safetensors`: it is shorter"), "{said}");
        assert!(checkpoint.read("c").is_ok());
    }

    #[test]
    fn two_files_with_one_tensor_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["m-1-of-2.safetensors", "m-2-of-2.safetensors"] {
            fs::write(folder.path().join(name), bytes(&["a"])).unwrap();
        }
        assert!(matches!(
            Checkpoint::open(folder.path()),
            Err(Error::DuplicateTensor { .. })
        ));
    }

    #[test]
    fn an_empty_folder_and_another_format_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Checkpoint::open(folder.path()),
            Err(Error::NoCheckpoint { .. })
        ));
        let other = folder.path().join("model.onnx");
        fs::write(&other, b"ONNX").unwrap();
        assert!(matches!(
            Checkpoint::open(&other),
            Err(Error::Format { .. })
        ));
        assert!(matches!(
            Checkpoint::open(folder.path().join("no")),
            Err(Error::File(FileError::Io { .. }))
        ));
    }

    #[test]
    fn the_digest_is_taken_beside_the_work_whose_fault_comes_first() {
        let (folder, opened) = sharded(INDEX);
        let checkpoint = opened.unwrap();
        let fails = || -> Result<()> { Err(checkpoint.read("d").unwrap_err()) };
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.unwrap();
            let beside = pool
                .install(|| checkpoint.digest_beside(|| Ok::<_, Error>(7)))
                .unwrap();
            assert_eq!(beside, (7, checkpoint.digest().unwrap()));
            let failed = pool.install(|| checkpoint.digest_beside(fails));
            assert!(matches!(failed, Err(Error::NoTensor { .. })));
        }
        fs::remove_file(folder.path().join("two.safetensors")).unwrap();
        let gone = checkpoint.digest_beside(|| Ok(7));
        assert!(matches!(gone, Err(Error::File(FileError::Io { .. }))));
        let failed = checkpoint.digest_beside(fails);
        assert!(matches!(failed, Err(Error::NoTensor { .. })));
    }

    proptest! {
        #[test]
        fn a_mutated_file_is_read_or_refused_by_name(
            changes in prop::collection::vec((0_usize..400, any::<u8>()), 1..8),
            keep in 0_usize..400,
        ) {
            let mut content = bytes(&["a", "b.weight"]);
            for (at, value) in changes {
                let at = at % content.len();
                content[at] = value;
            }
            content.truncate(keep.max(1));
            let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
            fs::write(file.path(), &content).unwrap();
            match Checkpoint::open(file.path()) {
                Ok(checkpoint) => for tensor in checkpoint.tensors() {
                    let _ = checkpoint.read(&tensor.tensor);
                },
                Err(error) => {
                    let name = file.path().file_name().unwrap().to_string_lossy().into_owned();
                    prop_assert!(error.to_string().contains(&name), "{error}");
                }
            }
        }
    }
}
