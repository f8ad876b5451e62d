//! NumPy's .npz: a zip archive of arrays, each with a header of its own.

use std::sync::Arc;

use super::numpy_array;
use crate::archive::Archive;
use crate::format::{Beginning, Contents, Fault, Format};
use crate::{ByteSource, Dtype, Standing, TensorFacts};

pub(crate) const FORMAT: Format = Format {
    name: ".npz",
    about: "NumPy archives, packed or not",
    endings: &[".npz"],
    shards: None,
    begins,
    open,
};

/// How names of arrays end.
const ARRAY: &str = ".npy";

/// Members that are arrays, and no pickle of PyTorch.
fn begins(beginning: &Beginning) -> bool {
    let members = beginning.members();
    let ends = |ending: &str| members.iter().any(|name| name.ends_with(ending));
    ends(ARRAY) && !ends("data.pkl")
}

/// Reads the header of every array; what cannot be read is listed.
fn open(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let archive = Archive::open(file)?;
    let mut contents = Contents::default();
    for (member, bytes) in archive.members {
        let name = member.strip_suffix(ARRAY);
        match name.map(|name| numpy_array::read(name, &bytes)) {
            Some(Ok(array)) => contents.tensors.push(array),
            Some(Err(fault)) => contents.unread.push(unread(&member, fault, None)),
            None => {
                let fault = "it is no .npy array".to_owned();
                contents.unread.push(unread(&member, fault, Some(0)));
            }
        }
    }
    for (member, fault) in archive.refused {
        contents.unread.push(unread(&member, fault, None));
    }
    Ok(contents)
}

fn unread(member: &str, fault: String, weights: Option<u64>) -> (TensorFacts, Standing) {
    let facts = TensorFacts::new(member, Dtype::Other("unknown".to_owned()), Vec::new());
    (facts, Standing::Unreadable { fault, weights })
}
