//! Everything that can go wrong, one variant per fault.
//!
//! Messages are lower case, name the thing in backticks and say what would have been right.

use std::path::PathBuf;

/// A fault that stops an audit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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

    // policy
    /// A policy is not TOML, or a value in it has the wrong type.
    #[error("cannot read the policy `{path}`: {source}", path = path.display())]
    PolicySyntax {
        /// The policy file.
        path: PathBuf,
        /// What the parser says, with the line.
        source: Box<toml::de::Error>,
    },
    /// A policy names a check or a limit that does not exist.
    #[error("the policy `{path}` names an unknown {what} `{name}`{meant}; there are {known}", path = path.display())]
    PolicyUnknown {
        /// The policy file.
        path: PathBuf,
        /// `check` or `key`.
        what: &'static str,
        /// The name as written.
        name: String,
        /// Nothing, or the name it is nearest to, as a question in brackets.
        meant: String,
        /// The names that exist.
        known: String,
    },
    /// A limit that nothing can be compared with.
    #[error("the policy `{path}` gives `{key}` a value that is not {wanted}", path = path.display())]
    PolicyLimit {
        /// The policy file.
        path: PathBuf,
        /// Check and limit: `weights-gaussian.max_ks`.
        key: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// A `[[layer]]` table without a pattern.
    #[error(
        "the policy `{path}` has a `layer` that is not a `[[layer]]` table with `pattern = \"...\"`",
        path = path.display()
    )]
    PolicyPatternMissing {
        /// The policy file.
        path: PathBuf,
    },
    /// A pattern that is no glob.
    #[error("the policy `{path}` has the pattern `{pattern}`, which is no glob: {source}", path = path.display())]
    PolicyPattern {
        /// The policy file.
        path: PathBuf,
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A pattern that matches no layer.
    #[error("the policy `{path}` has the pattern `{pattern}`, which matches no layer; there are {layers}", path = path.display())]
    PolicyUnmatched {
        /// The policy file.
        path: PathBuf,
        /// The pattern as written.
        pattern: String,
        /// The layers there are.
        layers: String,
    },

    // verdict
    /// There was nothing to judge.
    #[error("nothing was measured in `{uri}`: {reason}")]
    NothingMeasured {
        /// The source as the user named it.
        uri: String,
        /// Why, in words.
        reason: String,
    },

    /// An earlier audit that says nothing of the layers there are.
    #[error(
        "the baseline `{uri}` measured nothing that could get worse; give the audit.json of a checkpoint whose layers were measured"
    )]
    EmptyBaseline {
        /// The source of the baseline as the user named it.
        uri: String,
    },

    // compare
    /// Two checkpoints of which no layer belongs to the other's.
    #[error("`{a}` and `{b}` have no layer in common: {reason}")]
    NothingInCommon {
        /// One source as the user named it.
        a: String,
        /// The other.
        b: String,
        /// What they have instead, in words.
        reason: String,
    },

    // checkpoint
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
    /// A file of a format that is not read.
    #[error("`{path}` is not a checkpoint we read; give a .safetensors file, an index (.safetensors.index.json, .bin.index.json) or a directory of them, a PyTorch .pth, .pt or .bin file, a NumPy .npz archive or a .gguf file", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// A directory without a checkpoint.
    #[error("`{path}` holds no checkpoint: no .safetensors, .pth, .pt, .bin, .npz or .gguf file", path = path.display())]
    NoCheckpoint {
        /// The directory.
        path: PathBuf,
    },
    /// A directory with several files, each of which is a checkpoint of its own.
    #[error("`{path}` holds several checkpoints, `{first}` and `{second}` among them; give the one you mean", path = path.display())]
    SeveralFiles {
        /// The directory.
        path: PathBuf,
        /// File name of one.
        first: String,
        /// File name of another.
        second: String,
    },
    /// A directory with more than one index.
    #[error("`{path}` holds two indexes, `{first}` and `{second}`; give the one you mean", path = path.display())]
    SeveralIndexes {
        /// The directory.
        path: PathBuf,
        /// File name of one index.
        first: String,
        /// File name of another.
        second: String,
    },
    /// A `.safetensors` file beside an index that does not name it.
    #[error("`{path}` holds `{file}`, which its index `{index}` does not name; give the index or the file itself", path = path.display())]
    Stray {
        /// The directory.
        path: PathBuf,
        /// File name of the file.
        file: String,
        /// File name of the index.
        index: String,
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

    /// A layer that takes more memory than was given.
    #[error(
        "`{layer}` takes about {} while it is measured, and `--memory` gives {}; give at least {0}, or leave the layer out with `--exclude`",
        megabytes(*needed), megabytes(*given)
    )]
    Room {
        /// The largest layer.
        layer: String,
        /// Bytes it takes, with those of the program.
        needed: u64,
        /// Bytes that were given.
        given: u64,
    },

    // layers
    /// `--include` or `--exclude` is no glob.
    #[error("the pattern `{pattern}` is no glob: {source}")]
    Pattern {
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A pattern that matches no tensor.
    #[error("the pattern `{pattern}` matches no tensor; there are {names}")]
    PatternUnmatched {
        /// The pattern as written.
        pattern: String,
        /// Some of the names there are.
        names: String,
    },

    // linalg
    /// Singular values could not be computed.
    #[error("{0}")]
    Spectrum(#[from] crate::linalg::SpectrumError),

    // synth
    /// A layer to draw that is empty or does not fit into memory.
    #[error(
        "cannot draw a layer of {inputs} inputs and {outputs} outputs; it needs 1 to {most} weights"
    )]
    SynthSize {
        /// Inputs asked for.
        inputs: usize,
        /// Outputs asked for.
        outputs: usize,
        /// The most weights a layer may have.
        most: usize,
    },

    // report
    /// An `audit.json` that is not one, or of another version.
    #[error("cannot read the audit `{path}`: {reason}", path = path.display())]
    AuditJson {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A figure or a page could not be drawn.
    #[error("cannot draw {what}: {reason}")]
    Draw {
        /// Which one.
        what: String,
        /// What the drawing library says.
        reason: String,
    },
    /// A folder that holds something other than a report of ours.
    #[error("`{path}` holds `{foreign}`, which is no part of an earlier report; give a new or empty folder", path = path.display(), foreign = foreign.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// One thing in it, relative to the folder.
        foreign: PathBuf,
    },
    /// Images or labels that cannot be used.
    #[error("`{path}` gives no data: {fault}", path = path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// Why, in words.
        fault: String,
    },
    /// A batch of inputs that cannot be used.
    #[error("`{path}` gives no inputs: {fault}", path = path.display())]
    Inputs {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        fault: String,
    },
    /// A folder that cannot be replaced by another.
    #[error("`{path}` is {what} and cannot be replaced whole; give a folder in it", path = path.display())]
    Immovable {
        /// The folder.
        path: PathBuf,
        /// What it is: `a mount point`.
        what: &'static str,
    },
}

/// Rounded up, so that what is asked for is enough.
fn megabytes(bytes: u64) -> String {
    format!("{}MB", bytes.div_ceil(1_000_000))
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
