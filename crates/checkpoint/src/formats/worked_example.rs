//! ROWS, a format of one matrix: `ROWS`, its rows and columns in 32 bits each, then its entries.

use std::io::Read;
use std::sync::Arc;

use crate::format::{Beginning, Contents, Fault, Format, Layout, Storage};
use crate::{ByteSource, Dtype, TensorFacts};

pub(crate) const FORMAT: Format = Format {
    name: "ROWS",
    about: "one matrix of 32-bit floats",
    endings: &[".rows"],
    shards: None,
    begins,
    open,
};

fn begins(beginning: &Beginning) -> bool {
    beginning.bytes.starts_with(b"ROWS")
}

fn open(file: &Arc<dyn ByteSource>) -> Result<Contents, Fault> {
    let mut header = [0; 12];
    let read = file.read(0..12)?.read_exact(&mut header);
    read.map_err(|_| "its header is cut off")?;
    if !header.starts_with(b"ROWS") {
        return Err("it does not begin with ROWS".into());
    }
    // What a file claims is checked before anything is made of it.
    let side = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte]));
    let (rows, columns) = (side(4), side(8));
    let entries = u64::from(rows) * u64::from(columns);
    if entries.checked_mul(4) != Some(file.length() - 12) {
        return Err(
            format!("it is not the {rows} rows of {columns} that its header claims").into(),
        );
    }
    let facts = TensorFacts::new("weight", Dtype::F32, [rows as usize, columns as usize]);
    let storage = Storage {
        bytes: Arc::clone(file),
        start: 12,
        layout: Layout::Rows,
    };
    Ok(Contents {
        tensors: vec![(facts, storage)],
        ..Contents::default()
    })
}
