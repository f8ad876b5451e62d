//! PyTorch's .pth, .pt and .bin: a pickle that describes tensors, and their storages beside it.
//!
//! Since PyTorch 1.6 a zip archive with `data.pkl` and a member per storage; before, pickles in a
//! row and the storages behind them. The pickle is read and never run (`pickle.rs`). Layouts as in
//! `torch/_utils.py` (`_rebuild_tensor_v2`) and `torch/serialization.py` (`_legacy_load`).

mod pickle;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use pickle::{Id, Pickle, Value};
use walk::Found;

use crate::archive::Archive;
use crate::byte_source::{Cursor, PartOf};
use crate::facts::count;
use crate::format::{Beginning, Contents, Fault, Format, Layout, Storage};
use crate::{ByteSource, Dtype, Standing, TensorFacts, strided};

pub(crate) const FORMAT: Format = Format {
    name: "PyTorch",
    about: "the zip layout and the older one; every tensor of dictionaries, lists, training states, \
            whole modules and TorchScript",
    endings: &[".pth", ".pt", ".bin", ".ckpt", ".pth.tar", ".jit"],
    shards: Some(".bin"),
    begins,
    open,
};

/// How a zip archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// Bytes of pickles that are read at a time.
const PART: u64 = 1 << 13;
/// The number that the first pickle of the older layout is.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Imports that a message names.
const NAMED: usize = 5;

/// A tensor as the pickle describes it.
#[derive(Debug, Clone, PartialEq)]
struct Described {
    dtype: Dtype,
    shape: Vec<usize>,
    strides: Vec<usize>,
    offset: usize,
    /// The key of its storage.
    storage: String,
}

impl Described {
    /// The tensor in its storage.
    fn stored(self, name: String, bytes: Arc<dyn ByteSource>) -> (TensorFacts, Storage) {
        let width = self.dtype.bytes().unwrap_or(0);
        let storage = Storage {
            bytes,
            start: (self.offset as u64).saturating_mul(width),
            layout: Layout::Strides(self.strides),
        };
        let facts = TensorFacts::new(name, self.dtype, self.shape);
        (facts, storage)
    }
}

/// An archive with a pickle, or the number that older files begin with.
fn begins(beginning: &Beginning) -> bool {
    is_older(&beginning.bytes) || beginning.members().iter().any(|name| is_pickle(name))
}

/// A protocol, and the number as one of ten bytes.
fn is_older(bytes: &[u8]) -> bool {
    bytes.len() >= 14 && bytes[2..4] == [0x8a, 10] && bytes[4..14] == MAGIC
}

/// Reads the pickle and checks every tensor against its storage.
fn open(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let mut start = Vec::new();
    let range = 0..file.length().min(16);
    file.read(range)?.read_to_end(&mut start)?;
    if start.starts_with(ZIP) {
        zipped(file)
    } else if is_older(&start) {
        in_a_row(file)
    } else {
        Err("it begins neither as a zip archive nor as PyTorch's older files".into())
    }
}

/// A zip archive of one folder.
fn zipped(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let Archive { members, refused } = Archive::open(file)?;
    if let Some((member, fault)) = refused.first_key_value() {
        return Err(format!("`{member}` in its archive cannot be read: {fault}").into());
    }
    let mut pickles = members.iter().filter(|(name, _)| is_pickle(name));
    let Some((name, pickle)) = pickles.next() else {
        return Err("its archive has no `data.pkl`".into());
    };
    if pickles.next().is_some() {
        return Err("its archive has more than one `data.pkl`".into());
    }
    let folder = name.trim_end_matches("data.pkl");
    if let Some(order) = members.get(&format!("{folder}byteorder")) {
        let mut text = String::new();
        order
            .read(0..order.length().min(16))?
            .read_to_string(&mut text)?;
        if text.trim() != "little" {
            return Err("its numbers have their largest byte first".into());
        }
    }
    let size = file.length();
    let mut contents = Contents::default();
    let mut read = |pickle: &Arc<dyn ByteSource>, prefix: &str, storages: &str| {
        let size = size.min(pickle.length());
        let read = read_pickle(&mut Cursor::new(pickle, PART), size)?;
        contents.imports.extend(foreign(&read));
        let found = if prefix.is_empty() {
            tensors(&read, size)?
        } else {
            walk::tensors(&read, size)?
        };
        let at = |key: &str| members.get(&format!("{folder}{storages}/{key}"));
        place(found, prefix, &mut contents, at)?;
        Ok::<_, Fault>(keys(&read))
    };
    let used = read(pickle, "", "data")?;
    // TorchScript keeps tensors of its code in a pickle of their own.
    if let Some(constants) = members.get(&format!("{folder}constants.pkl")) {
        read(constants, "constants.", "constants")?;
    }
    let stored = format!("{folder}data/");
    for (name, member) in &members {
        let unused = name
            .strip_prefix(&stored)
            .filter(|key| !used.contains(*key));
        if let Some(key) = unused.filter(|_| member.length() > 0) {
            let facts = TensorFacts::new(format!("data/{key}"), Dtype::U8, Vec::new());
            let fault = format!("no tensor describes its {} bytes", member.length());
            let standing = Standing::Unreadable {
                fault,
                weights: None,
            };
            contents.unread.push((facts, standing));
        }
    }
    Ok(contents)
}

/// Puts what was found, with a prefix, where its storages are.
fn place<'a>(
    found: Found,
    prefix: &str,
    contents: &mut Contents,
    storage: impl Fn(&str) -> Option<&'a Arc<dyn ByteSource>>,
) -> Result<(), Fault> {
    for (name, tensor) in found.tensors {
        let name = format!("{prefix}{name}");
        let Some(bytes) = storage(&tensor.storage) else {
            return Err(format!("the storage of tensor `{name}` is not there").into());
        };
        fits(&name, &tensor, bytes.length())?;
        contents
            .tensors
            .push(tensor.stored(name, Arc::clone(bytes)));
    }
    for (_, (mut facts, standing)) in found.unread {
        facts.tensor = format!("{prefix}{}", facts.tensor);
        contents.unread.push((facts, standing));
    }
    Ok(())
}

/// Keys of the storages that a pickle mentions.
fn keys(pickle: &Pickle) -> BTreeSet<String> {
    let all = (0..pickle.len()).filter_map(|id| storage(pickle, id));
    all.map(|(_, key)| key.to_owned()).collect()
}

/// The next pickle of a file of so many bytes.
fn read_pickle(from: &mut Cursor, size: u64) -> Result<Pickle, String> {
    Pickle::read(from, size).map_err(|fault| format!("its pickle cannot be read: {fault}"))
}

fn is_pickle(name: &str) -> bool {
    name == "data.pkl" || name.ends_with("/data.pkl") && name.matches('/').count() == 1
}

/// Before version 1.6: a number, a version, the system, the object, the keys of the storages, and
/// each storage behind the number of its entries.
fn in_a_row(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let size = file.length();
    let mut from = Cursor::new(file, PART);
    let mut imports = BTreeSet::new();
    let mut next = || {
        let read = read_pickle(&mut from, size)?;
        imports.extend(foreign(&read));
        Ok::<_, String>(read)
    };
    for _ in 0..3 {
        next()?;
    }
    let (object, keys) = (next()?, next()?);
    let found = tensors(&object, size)?;
    let Value::List(listed) = keys.get(keys.root()) else {
        return Err("it has no list of its storages".into());
    };
    let widths = storages(&object);
    let mut places = BTreeMap::new();
    let mut at = from.position();
    for &id in listed {
        let key = keys.text(id);
        let width = key.and_then(|key| widths.get(key)).copied();
        let (Some(key), Some(width)) = (key, width) else {
            return Err("it lists a storage that no tensor has".into());
        };
        let mut length = [0; 8];
        let read = file.read(at..at.saturating_add(8))?.read_exact(&mut length);
        read.map_err(|_| "its storages are cut off")?;
        let bytes = u64::from_le_bytes(length).checked_mul(width);
        let end = bytes.and_then(|bytes| (at + 8).checked_add(bytes));
        let Some(end) = end.filter(|&end| end <= size) else {
            return Err(format!("storage `{key}` passes the end of the file").into());
        };
        let storage: Arc<dyn ByteSource> = Arc::new(PartOf::new(file, at + 8, end - at - 8));
        places.insert(key.to_owned(), storage);
        at = end;
    }
    let mut contents = Contents {
        imports: imports.into_iter().collect(),
        ..Contents::default()
    };
    place(found, "", &mut contents, |key| places.get(key))?;
    Ok(contents)
}

/// Whether a storage of so many bytes holds a tensor.
fn fits(name: &str, tensor: &Described, bytes: u64) -> Result<(), String> {
    let Some(bits) = tensor.dtype.bits() else {
        return Ok(());
    };
    let there = bytes / (bits / 8).max(1);
    let reach = strided::reach(&tensor.shape, &tensor.strides);
    let end = reach.and_then(|reach| reach.checked_add(tensor.offset));
    let count = count(&tensor.shape);
    if count.is_none() || end.is_none_or(|end| end as u64 > there) {
        return Err(format!(
            "tensor `{name}` passes the end of its storage of {there} entries"
        ));
    }
    if count.is_some_and(|count| count as u64 > there) {
        return Err(format!(
            "tensor `{name}` repeats the entries of a smaller storage"
        ));
    }
    Ok(())
}

/// Imports that PyTorch's own `torch.load` refuses where it may read weights only.
fn foreign(pickle: &Pickle) -> impl Iterator<Item = String> {
    let of_weights = |name: &String| {
        let (module, name) = name.rsplit_once('.').unwrap_or_default();
        is_of_weights(module, name)
    };
    pickle
        .imports()
        .into_iter()
        .filter(move |name| !of_weights(name))
}

/// What dictionaries of tensors are made of: the list of `torch/_weights_only_unpickler.py`
/// (`_get_allowed_globals`) of PyTorch 2.
fn is_of_weights(module: &str, name: &str) -> bool {
    let class = name.ends_with("Storage") || name.ends_with("Tensor");
    match module {
        "collections" => matches!(name, "OrderedDict" | "Counter"),
        "builtins" | "__builtin__" => matches!(name, "bytearray" | "complex" | "set"),
        "_codecs" => name == "encode",
        "torch._utils" => name.starts_with("_rebuild_"),
        "torch._tensor" => name == "_rebuild_from_type_v2",
        "torch.nn.parameter" => name == "Parameter",
        "torch.serialization" => name == "_get_layout",
        "torch.storage" => matches!(name, "TypedStorage" | "UntypedStorage"),
        "torch" => class || matches!(name, "Size" | "device") || is_type(name),
        "torch.cuda" | "torch.sparse" | "torch.cuda.sparse" => class,
        _ => false,
    }
}

/// Whether PyTorch calls a type of entries so, or a way to quantise them: `float8_e4m3fn`.
fn is_type(name: &str) -> bool {
    let kinds = [
        "float", "bfloat", "int", "uint", "qint", "quint", "complex", "bcomplex", "bits",
    ];
    let rest = kinds.iter().filter_map(|kind| name.strip_prefix(kind));
    name == "bool"
        || name.starts_with("per_channel_")
        || name.starts_with("per_tensor_")
        || rest
            .into_iter()
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Every tensor that a pickle of so many bytes describes.
fn tensors(pickle: &Pickle, bytes: u64) -> Result<Found, String> {
    let found = walk::tensors(pickle, bytes)?;
    if found.tensors.is_empty() && found.unread.is_empty() {
        let imports: Vec<String> = pickle.imports().into_iter().take(NAMED).collect();
        return Err(if imports.is_empty() {
            "its pickle describes no tensor".to_owned()
        } else {
            format!(
                "its pickle describes no tensor; run, it would import `{}`",
                imports.join("`, `")
            )
        });
    }
    Ok(found)
}

const UNLIKE: &str = "is not described as PyTorch describes tensors";

/// Storage, offset, size, stride; in the third version the dtype comes seventh.
fn described(pickle: &Pickle, arguments: &[Id], with_dtype: bool) -> Result<Described, String> {
    let numbers = |at: usize| -> Option<Vec<usize>> {
        let parts = pickle.tuple(*arguments.get(at)?)?;
        parts
            .iter()
            .map(|&part| usize::try_from(pickle.int(part)?).ok())
            .collect()
    };
    let tensor = || {
        let (class, key) = storage(pickle, *arguments.first()?)?;
        let dtype = if with_dtype {
            pickle.global(*arguments.get(6)?)?.1
        } else {
            class
        };
        let tensor = Described {
            dtype: named(dtype),
            offset: usize::try_from(pickle.int(*arguments.get(1)?)?).ok()?,
            shape: numbers(2)?,
            strides: numbers(3)?,
            storage: key.to_owned(),
        };
        (tensor.shape.len() == tensor.strides.len()).then_some(tensor)
    };
    tensor().ok_or_else(|| UNLIKE.to_owned())
}

/// The class and the key of a storage.
fn storage(pickle: &Pickle, id: Id) -> Option<(&str, &str)> {
    let Value::Persistent(name) = pickle.get(id) else {
        return None;
    };
    match *pickle.tuple(*name)? {
        [kind, class, key, ..] if pickle.text(kind) == Some("storage") => {
            Some((pickle.global(class)?.1, pickle.text(key)?))
        }
        _ => None,
    }
}

/// Bytes an entry of each storage takes, by its key.
fn storages(pickle: &Pickle) -> BTreeMap<String, u64> {
    let all = (0..pickle.len()).filter_map(|id| storage(pickle, id));
    all.filter_map(|(class, key)| Some((key.to_owned(), width(class)?)))
        .collect()
}

/// Bytes of an entry of a storage.
fn width(class: &str) -> Option<u64> {
    match class {
        "QInt8Storage" | "QUInt8Storage" | "UntypedStorage" => Some(1),
        "QInt32Storage" => Some(4),
        "ComplexDoubleStorage" => Some(16),
        _ => Some(named(class).bits()? / 8),
    }
}

/// The dtype in safetensors' spelling; PyTorch's own where it is not known there.
fn named(class: &str) -> Dtype {
    Dtype::named(match class {
        "DoubleStorage" | "float64" => "F64",
        "FloatStorage" | "float32" => "F32",
        "HalfStorage" | "float16" => "F16",
        "BFloat16Storage" | "bfloat16" => "BF16",
        "LongStorage" | "int64" => "I64",
        "IntStorage" | "int32" => "I32",
        "ShortStorage" | "int16" => "I16",
        "CharStorage" | "int8" => "I8",
        "ByteStorage" | "uint8" => "U8",
        "BoolStorage" | "bool" => "BOOL",
        "uint16" => "U16",
        "uint32" => "U32",
        "uint64" => "U64",
        "ComplexFloatStorage" | "complex64" => "C64",
        "float8_e4m3fn" => "F8_E4M3",
        "float8_e5m2" => "F8_E5M2",
        "float8_e4m3fnuz" => "F8_E4M3FNUZ",
        "float8_e5m2fnuz" => "F8_E5M2FNUZ",
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // PyTorch 2's own answer: torch._weights_only_unpickler._get_allowed_globals(), a name of each
    // kind; and what it refuses.
    #[test]
    fn imports_are_those_of_weights_or_said() {
        let taken = |name: &str| {
            let (module, name) = name.rsplit_once('.').unwrap();
            is_of_weights(module, name)
        };
        for name in [
            "collections.OrderedDict",
            "collections.Counter",
            "torch.nn.parameter.Parameter",
            "torch.serialization._get_layout",
            "torch.BFloat16Storage",
            "torch.QUInt4x2Storage",
            "torch.Size",
            "torch.Tensor",
            "torch.bits1x8",
            "torch.bool",
            "torch.complex128",
            "torch.float4_e2m1fn_x2",
            "torch.int7",
            "torch.per_channel_affine_float_qparams",
            "torch.quint2x4",
            "_codecs.encode",
            "builtins.bytearray",
            "__builtin__.set",
            "torch.cuda.sparse.HalfTensor",
            "torch.cuda.HalfStorage",
            "torch.storage.TypedStorage",
            "torch._utils._rebuild_qtensor",
            "torch._tensor._rebuild_from_type_v2",
        ] {
            assert!(taken(name), "{name}");
        }
        for name in [
            "posix.system",
            "builtins.eval",
            "builtins.getattr",
            "torch.load",
            "torch.hub.load",
            "torch.storage._load_from_bytes",
            "torch.internal",
            "torch.nn.modules.linear.Linear",
            "numpy.core.multiarray.scalar",
            "collections.defaultdict",
        ] {
            assert!(!taken(name), "{name}");
        }
    }
}
