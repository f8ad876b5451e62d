//! Small files of every format, written by the rules of the formats and not by the code under test.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

/// A tensor as a file stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub name: String,
    /// In safetensors' spelling.
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Stored {
    /// Of 32-bit floats.
    pub fn of_f32(name: impl Into<String>, shape: &[usize], entries: &[f32]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), entries.len());
        Self {
            name: name.into(),
            dtype: "F32",
            shape: shape.to_vec(),
            bytes: entries.iter().flat_map(|w| w.to_le_bytes()).collect(),
        }
    }

    /// Of another dtype.
    pub fn new(
        name: impl Into<String>,
        dtype: &'static str,
        shape: &[usize],
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            name: name.into(),
            dtype,
            shape: shape.to_vec(),
            bytes,
        }
    }
}

/// safetensors: the length of a JSON header, the header, the bytes.
pub fn safetensors(tensors: &[Stored]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut at = 0;
    for tensor in tensors {
        let end = at + tensor.bytes.len();
        let entry = serde_json::json!({
            "dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [at, end],
        });
        header.insert(tensor.name.clone(), entry);
        at = end;
    }
    let mut header = serde_json::to_vec(&header).unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(tensors.iter().flat_map(|tensor| &tensor.bytes));
    file
}

/// NumPy's name of a dtype.
fn descr(dtype: &str) -> &'static str {
    match dtype {
        "F64" => "<f8",
        "F32" => "<f4",
        "F16" => "<f2",
        "I64" => "<i8",
        "I32" => "<i4",
        "I16" => "<i2",
        "I8" => "|i1",
        "U8" => "|u1",
        "BOOL" => "|b1",
        other => panic!("{other}"),
    }
}

/// One array of NumPy (its enhancement proposal 1).
pub fn npy(tensor: &Stored) -> Vec<u8> {
    let sides: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    let sides = sides.join(", ") + ",";
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({sides}), }}",
        descr(tensor.dtype)
    );
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(&tensor.bytes);
    file
}

/// A zip archive with these members.
pub fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in members {
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// NumPy's archive of arrays.
pub fn npz(tensors: &[Stored]) -> Vec<u8> {
    let members: Vec<_> = tensors
        .iter()
        .map(|tensor| (format!("{}.npy", tensor.name), npy(tensor)))
        .collect();
    archive(&members)
}

/// GGUF, version 3 (ggml's docs/gguf.md), with numbers of 16 bits as metadata.
pub fn gguf(metadata: &[(&str, u16)], tensors: &[Stored]) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes
    };
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend((tensors.len() as u64).to_le_bytes());
    file.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        file.extend(text(key));
        file.extend(2_u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    let mut data = Vec::new();
    for tensor in tensors {
        let kind: u32 = match tensor.dtype {
            "F32" => 0,
            "F16" => 1,
            "I8" => 24,
            "I16" => 25,
            "I32" => 26,
            "I64" => 27,
            other => panic!("{other}"),
        };
        file.extend(text(&tensor.name));
        file.extend((tensor.shape.len() as u32).to_le_bytes());
        for side in tensor.shape.iter().rev() {
            file.extend((*side as u64).to_le_bytes());
        }
        file.extend(kind.to_le_bytes());
        file.extend((data.len() as u64).to_le_bytes());
        data.extend(&tensor.bytes);
        data.resize(data.len().next_multiple_of(32), 0);
    }
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend(data);
    file
}

/// What a pickle holds.
#[derive(Debug, Clone)]
pub enum Node {
    Tensor(Stored),
    Text(String),
    Int(u8),
    List(Vec<Node>),
    Tuple(Vec<Node>),
    /// What a function of a module would make of these, and the state it would be given.
    Call {
        function: (&'static str, &'static str),
        arguments: Vec<Node>,
        state: Option<Box<Node>>,
    },
    /// What another function makes of a tensor's storage, offset, size and strides.
    Rebuilt((&'static str, &'static str), Stored),
    /// Opcodes as they are.
    Opcodes(Vec<u8>),
    Dict(Vec<(Node, Node)>),
}

impl Node {
    /// A dictionary of tensors by their names.
    pub fn state(tensors: &[Stored]) -> Self {
        let pair = |tensor: &Stored| {
            (
                Self::Text(tensor.name.clone()),
                Self::Tensor(tensor.clone()),
            )
        };
        Self::Dict(tensors.iter().map(pair).collect())
    }
}

/// PyTorch's zip layout (`torch/serialization.py`), with a pickle of protocol 2.
pub fn pytorch(root: &Node) -> Vec<u8> {
    let mut pickle = Pickle::default();
    pickle.opcodes.extend(b"\x80\x02");
    pickle.node(root);
    pickle.opcodes.push(b'.');
    let mut members = vec![
        ("archive/data.pkl".to_owned(), pickle.opcodes),
        ("archive/byteorder".to_owned(), b"little".to_vec()),
    ];
    let storages = pickle.storages.into_iter().enumerate();
    members.extend(storages.map(|(key, bytes)| (format!("archive/data/{key}"), bytes)));
    members.push(("archive/version".to_owned(), b"3\n".to_vec()));
    archive(&members)
}

#[derive(Default)]
struct Pickle {
    opcodes: Vec<u8>,
    storages: Vec<Vec<u8>>,
}

impl Pickle {
    fn text(&mut self, text: &str) {
        self.opcodes.push(b'X');
        self.opcodes.extend((text.len() as u32).to_le_bytes());
        self.opcodes.extend(text.as_bytes());
    }

    fn int(&mut self, value: usize) {
        self.opcodes.push(b'J');
        self.opcodes.extend((value as u32).to_le_bytes());
    }

    fn ints(&mut self, values: &[usize]) {
        self.opcodes.push(b'(');
        for &value in values {
            self.int(value);
        }
        self.opcodes.push(b't');
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(text) => self.text(text),
            Node::Int(value) => self.opcodes.extend([b'K', *value]),
            Node::Tensor(tensor) => self.tensor(("torch._utils", "_rebuild_tensor_v2"), tensor),
            Node::Rebuilt(function, tensor) => self.tensor(*function, tensor),
            Node::Opcodes(opcodes) => self.opcodes.extend(opcodes),
            Node::Tuple(parts) => {
                self.opcodes.push(b'(');
                for node in parts {
                    self.node(node);
                }
                self.opcodes.push(b't');
            }
            Node::Call {
                function,
                arguments,
                state,
            } => {
                self.global(*function);
                self.node(&Node::Tuple(arguments.clone()));
                self.opcodes.push(b'R');
                if let Some(state) = state {
                    self.node(state);
                    self.opcodes.push(b'b');
                }
            }
            Node::List(list) => {
                self.opcodes.extend(b"](");
                for node in list {
                    self.node(node);
                }
                self.opcodes.push(b'e');
            }
            Node::Dict(pairs) => {
                self.opcodes.extend(b"}(");
                for (key, value) in pairs {
                    self.node(key);
                    self.node(value);
                }
                self.opcodes.push(b'u');
            }
        }
    }

    fn global(&mut self, (module, name): (&str, &str)) {
        self.opcodes.extend(format!("c{module}\n{name}\n").bytes());
    }

    /// `_rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())`.
    fn tensor(&mut self, function: (&str, &str), tensor: &Stored) {
        let class = match tensor.dtype {
            "F64" => "DoubleStorage",
            "F32" => "FloatStorage",
            "F16" => "HalfStorage",
            "BF16" => "BFloat16Storage",
            "I64" => "LongStorage",
            "I32" => "IntStorage",
            "I16" => "ShortStorage",
            "I8" => "CharStorage",
            "qint8" => "QInt8Storage",
            "U8" => "ByteStorage",
            "BOOL" => "BoolStorage",
            other => panic!("{other}"),
        };
        let count = tensor.shape.iter().product();
        let mut strides = vec![1; tensor.shape.len()];
        for side in (1..tensor.shape.len()).rev() {
            strides[side - 1] = strides[side] * tensor.shape[side];
        }
        self.global(function);
        self.opcodes.extend(b"((");
        self.text("storage");
        self.opcodes.extend(format!("ctorch\n{class}\n").bytes());
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int(count);
        self.opcodes.extend(b"tQ");
        self.int(0);
        self.ints(&tensor.shape);
        self.ints(&strides);
        self.opcodes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(tensor.bytes.clone());
    }
}
