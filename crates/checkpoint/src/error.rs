//! Everything that can go wrong here, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

use std::path::PathBuf;

/// A file or folder that could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{path}`: {source}", path = path.display())]
    Io {
        /// What was attempted: `open`, `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A pipe, a device or a directory where a file should be.
    #[error("`{path}` is {what}, not a file; give a regular file", path = path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What it is: `a named pipe`.
        what: &'static str,
    },
}

/// Why a checkpoint could not be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The header of a `.safetensors` file does not hold together.
    #[error("`{path}` is not a sound safetensors file: {fault}", path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// An index and its shards contradict each other.
    #[error("the index `{path}` does not fit its shards: {fault}", path = path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong with it.
        fault: IndexFault,
    },
    /// A file of another format does not hold together.
    #[error("`{path}` is not a sound {format} file: {fault}", path = path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// The format it should have.
        format: &'static str,
        /// What is wrong with it, in words.
        fault: String,
    },
    /// A file that was written to or replaced while it was read.
    #[error("`{path}` changed while it was read, and what was measured may be neither what it was nor what it is; measure a copy that nothing writes to", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint on the Hub that cannot be had.
    #[error("cannot get `{source_name}`: {fault}")]
    Hub {
        /// As the user named it.
        source_name: String,
        /// Why, and what to do.
        fault: String,
    },
    /// A file of no format that is known.
    #[error("`{path}` is not a checkpoint we read; give a {endings} file, an index ({indexes}) or a directory of them", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// How names of files end that are read.
        endings: String,
        /// And those of indexes.
        indexes: String,
    },
    /// A file of a kind that is known and not read.
    #[error("`{path}` is {what}, which is not read; {instead}", path = path.display())]
    NotRead {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// A directory without a checkpoint.
    #[error("`{path}` holds no checkpoint: no {endings} file", path = path.display())]
    NoCheckpoint {
        /// The directory.
        path: PathBuf,
        /// How names of files end that are read.
        endings: String,
    },
    /// A directory with several files, each of which is a checkpoint of its own.
    #[error("`{path}` holds several checkpoints: {candidates}; give the one you mean", path = path.display())]
    SeveralCheckpoints {
        /// The directory.
        path: PathBuf,
        /// Their names.
        candidates: String,
    },
    /// A part of a set is not there.
    #[error("`{path}` is missing, one of {count} parts; fetch it, for a part of a checkpoint says nothing about the rest", path = path.display())]
    MissingPart {
        /// The part.
        path: PathBuf,
        /// How many there are to be.
        count: usize,
    },
    /// Parts of a GGUF file that do not fit each other.
    #[error("`{path}` does not fit the other parts: {fault}", path = path.display())]
    Split {
        /// One part.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// Two files of a checkpoint hold a tensor of the same name.
    #[error("`{first}` and `{second}` both hold the tensor `{tensor}`", first = first.display(), second = second.display())]
    DuplicateTensor {
        /// The tensor.
        tensor: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A tensor that is not in the checkpoint, or whose dtype is not read.
    #[error("`{uri}` has no tensor `{tensor}` of a dtype we read")]
    NoTensor {
        /// The source as the user named it.
        uri: String,
        /// The tensor.
        tensor: String,
    },
    /// A tensor that does not fit into memory.
    #[error("tensor `{tensor}` of `{path}` has {bytes} bytes, more than memory can be had for", path = path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its size.
        bytes: u64,
    },
}

/// The result of anything that can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with the header of a `.safetensors` file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "every field is named in its message")]
pub enum HeaderFault {
    /// Shorter than the length field.
    #[error("{bytes} bytes are too few for a header; at least 8 are needed")]
    TooShort { bytes: u64 },
    /// A pointer in place of the file.
    #[error("it is a git-lfs pointer; fetch the file itself with `git lfs pull`")]
    LfsPointer,
    /// What a server sends where the file should be.
    #[error(
        "it is a web page, most likely what a server said instead of sending the file; fetch it again"
    )]
    WebPage,
    /// The length field passes the cap.
    #[error("the header claims {length} bytes, more than the {cap} allowed")]
    TooLong { length: u64, cap: u64 },
    /// The length field passes the end of the file.
    #[error("the header claims {length} bytes, but the file has only {bytes}")]
    PastEnd { length: u64, bytes: u64 },
    /// Not the JSON it should be.
    #[error("its header is not the JSON it should be: {0}")]
    Json(String),
    /// A name that comes twice.
    #[error("tensor `{tensor}` is listed twice")]
    Duplicate { tensor: String },
    /// Offsets the wrong way round.
    #[error("tensor `{tensor}` begins at {from} and ends before, at {to}")]
    Offsets { tensor: String, from: u64, to: u64 },
    /// Data past the end of the file.
    #[error("it is truncated: tensor `{tensor}` ends at byte {end} of a file of {bytes}")]
    Truncated {
        tensor: String,
        end: u64,
        bytes: u64,
    },
    /// A shape whose product passes 64 bits.
    #[error("the shape of tensor `{tensor}` overflows")]
    Overflow { tensor: String },
    /// Offsets that do not fit shape and dtype.
    #[error("tensor `{tensor}` has {found} bytes where its shape and dtype need {wanted}")]
    Length {
        tensor: String,
        wanted: u64,
        found: u64,
    },
    /// Entries of less than a byte that do not fill their last one.
    #[error("tensor `{tensor}` ends inside a byte")]
    Misaligned { tensor: String },
    /// Two tensors share bytes.
    #[error("tensors `{first}` and `{second}` overlap")]
    Overlap { first: String, second: String },
    /// Bytes before a tensor that belong to none.
    #[error("{bytes} bytes before tensor `{tensor}` belong to no tensor")]
    Hole { tensor: String, bytes: u64 },
    /// Bytes after the last tensor.
    #[error("{bytes} trailing bytes belong to no tensor")]
    Trailing { bytes: u64 },
}

/// How an index and its shards contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "every field is named in its message")]
pub enum IndexFault {
    /// Not the JSON it should be.
    #[error("it is not an object with a `weight_map`: {0}")]
    Json(String),
    /// Larger than any index.
    #[error("it has {length} bytes, more than the {cap} allowed")]
    TooLong { length: u64, cap: u64 },
    /// Without a tensor.
    #[error("its `weight_map` names no tensor")]
    Empty,
    /// A shard of another format.
    #[error("the shard `{shard}` of tensor `{tensor}` is not a {ending} file")]
    ShardFormat {
        shard: String,
        tensor: String,
        ending: &'static str,
    },
    /// A path that leaves the folder.
    #[error("the shard path `{shard}` of tensor `{tensor}` leaves the folder of the index")]
    ShardPath { shard: String, tensor: String },
    /// No such file.
    #[error("the shard `{shard}` is missing")]
    MissingShard { shard: String },
    /// In the index only.
    #[error("tensor `{tensor}` is not in the shard `{shard}` the index names")]
    NotInShard { tensor: String, shard: String },
    /// In a shard only.
    #[error("tensor `{tensor}` of the shard `{shard}` is not in the index")]
    NotInIndex { tensor: String, shard: String },
    /// Twice in the index.
    #[error("tensor `{tensor}` is listed twice")]
    Duplicate { tensor: String },
}
