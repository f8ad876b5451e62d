//! What a pickle describes, without running any of it.
//!
//! A pickle is a program for a stack machine; those of Python import modules and call what they
//! find there. Here an import is a name and a call is a note of what would have been called with
//! what: nothing is looked up, nothing runs. Opcodes: Python's `pickletools`, protocols 0 to 5.
//!
//! Values lie in one vector and refer to each other by place, so that a pickle that nests or
//! repeats itself costs no more than its bytes: every opcode adds at most one value. candle's
//! reader copies what is repeated, which doubles at every byte of a crafted file.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead, Read};

/// The longest pickle that is read, and the most values of one.
const LONGEST: u64 = 64 << 20;
const MOST: usize = 1 << 22;

/// Place of a value.
pub(super) type Id = usize;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `None`, a float, bytes, a set: nothing a tensor is made of.
    Other,
    /// An integer or a boolean, where 64 bits hold it.
    Int(i64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// What an import would have found.
    Global {
        module: String,
        name: String,
    },
    /// What a call would have made, and the state it would have been given.
    Call {
        function: Id,
        arguments: Id,
        state: Option<Id>,
    },
    /// A reference to something outside the pickle: a storage.
    Persistent(Id),
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
}

impl Pickle {
    /// Reads up to the opcode that ends it, at most `bytes`: as many as its file has, for PyTorch
    /// packs none, and one that is packed could be a thousand times as long.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(from: &mut impl BufRead, bytes: u64) -> Result<Self, String> {
        let mut machine = Machine {
            from: from.take(bytes.min(LONGEST)),
            pickle: Self::default(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            copied: 0,
        };
        while machine.step()? {
            if machine.pickle.values.len() > MOST {
                return Err(format!("it has more than {MOST} values"));
            }
        }
        machine.pickle.root = machine.pop()?;
        Ok(machine.pickle)
    }

    /// What the whole describes.
    pub(super) const fn root(&self) -> Id {
        self.root
    }

    /// How many values there are.
    pub(super) const fn len(&self) -> usize {
        self.values.len()
    }

    /// What its imports would find, each once.
    pub(super) fn imports(&self) -> BTreeSet<String> {
        let names = (0..self.len()).filter_map(|id| self.global(id));
        names
            .map(|(module, name)| format!("{module}.{name}"))
            .collect()
    }

    /// The value at a place.
    pub(super) fn get(&self, id: Id) -> &Value {
        self.values.get(id).unwrap_or(&Value::Other)
    }

    /// An integer.
    pub(super) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The parts of a tuple.
    pub(super) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(parts) => Some(parts),
            _ => None,
        }
    }

    /// The name of an import.
    pub(super) fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.get(id) {
            Value::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }

    /// The pairs of a dictionary.
    pub(super) fn dict(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }
}

struct Machine<R> {
    from: io::Take<R>,
    pickle: Pickle,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Pairs that dictionaries took from lists.
    copied: usize,
}

impl<R: BufRead> Machine<R> {
    /// One opcode; whether there is another.
    fn step(&mut self) -> Result<bool, String> {
        let [opcode] = self.bytes()?;
        match opcode {
            b'.' => return Ok(false),
            // Protocol, frame.
            0x80 => drop(self.bytes::<1>()?),
            0x95 => drop(self.bytes::<8>()?),
            b'N' | b'F' | b'G' | 0x8f => {
                match opcode {
                    b'F' => drop(self.line()?),
                    b'G' => drop(self.bytes::<8>()?),
                    _ => {}
                }
                self.push(Value::Other);
            }
            0x88 | 0x89 => self.push(Value::Int(i64::from(opcode == 0x88))),
            b'I' | b'L' | b'J' | b'K' | b'M' | 0x8a | 0x8b => self.integer(opcode)?,
            b'V' | b'S' | b'X' | b'T' | b'U' | 0x8c | 0x8d => self.text(opcode)?,
            b'B' | b'C' | 0x8e | 0x96 => self.opaque(opcode)?,
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let at = self.stack.len().checked_sub(count).ok_or(EMPTY)?;
                let parts = self.stack.split_off(at);
                self.push(Value::Tuple(parts));
            }
            b't' => {
                let parts = self.marked()?;
                self.push(Value::Tuple(parts));
            }
            b']' => self.push(Value::List(Vec::new())),
            b'l' | 0x91 => {
                let parts = self.marked()?;
                self.push(Value::List(parts));
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let parts = self.marked()?;
                let pairs = pairs(&parts)?;
                self.push(Value::Dict(pairs));
            }
            b'a' | b'e' | 0x90 => {
                let parts = if opcode == b'a' {
                    vec![self.pop()?]
                } else {
                    self.marked()?
                };
                let list = self.top()?;
                if let Value::List(list) = &mut self.pickle.values[list] {
                    list.extend(parts);
                }
            }
            b's' | b'u' => {
                let parts = if opcode == b's' {
                    let (value, key) = (self.pop()?, self.pop()?);
                    vec![key, value]
                } else {
                    self.marked()?
                };
                let pairs = pairs(&parts)?;
                let dict = self.top()?;
                if let Value::Dict(dict) = &mut self.pickle.values[dict] {
                    dict.extend(pairs);
                }
            }
            b'c' | 0x93 | b'R' | 0x81 | 0x92 | b'b' | b'i' | b'o' => self.object(opcode)?,
            b'P' | b'Q' => {
                let name = if opcode == b'Q' {
                    self.pop()?
                } else {
                    let line = self.line()?;
                    self.push(Value::Text(line));
                    self.pop()?
                };
                self.push(Value::Persistent(name));
            }
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memory(opcode)?,
            other => return Err(format!("no tensor needs its opcode {other:#04x}")),
        }
        Ok(true)
    }

    fn integer(&mut self, opcode: u8) -> Result<(), String> {
        let value = match opcode {
            b'K' => Some(i64::from(self.bytes::<1>()?[0])),
            b'M' => Some(i64::from(u16::from_le_bytes(self.bytes()?))),
            b'J' => Some(i64::from(i32::from_le_bytes(self.bytes()?))),
            0x8a | 0x8b => {
                let length = if opcode == 0x8a {
                    u64::from(self.bytes::<1>()?[0])
                } else {
                    u64::from(u32::from_le_bytes(self.bytes()?))
                };
                let digits = self.block(length)?;
                let negative = digits.last().is_some_and(|&last| last >= 128);
                let mut whole = [if negative { 255 } else { 0 }; 8];
                (digits.len() <= 8).then(|| {
                    whole[..digits.len()].copy_from_slice(&digits);
                    i64::from_le_bytes(whole)
                })
            }
            _ => self.line()?.trim_end_matches('L').parse().ok(),
        };
        self.push(value.map_or(Value::Other, Value::Int));
        Ok(())
    }

    fn text(&mut self, opcode: u8) -> Result<(), String> {
        let text = match opcode {
            b'V' | b'S' => {
                let line = self.line()?;
                line.trim_matches(['\'', '"']).to_owned()
            }
            _ => {
                let length = match opcode {
                    b'U' | 0x8c => u64::from(self.bytes::<1>()?[0]),
                    0x8d => u64::from_le_bytes(self.bytes()?),
                    _ => u64::from(u32::from_le_bytes(self.bytes()?)),
                };
                let bytes = self.block(length)?;
                String::from_utf8(bytes).map_err(|_| "a text in it is no UTF-8".to_owned())?
            }
        };
        self.push(Value::Text(text));
        Ok(())
    }

    /// Bytes that describe no tensor.
    fn opaque(&mut self, opcode: u8) -> Result<(), String> {
        let length = match opcode {
            b'C' => u64::from(self.bytes::<1>()?[0]),
            b'B' => u64::from(u32::from_le_bytes(self.bytes()?)),
            _ => u64::from_le_bytes(self.bytes()?),
        };
        drop(self.block(length)?);
        self.push(Value::Other);
        Ok(())
    }

    /// Imports, calls and the state of what they make.
    fn object(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global { module, name });
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let texts = self.pickle.text(module).zip(self.pickle.text(name));
                let (module, name) = texts.ok_or("an import in it has no name")?;
                let (module, name) = (module.to_owned(), name.to_owned());
                self.push(Value::Global { module, name });
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let parts = self.marked()?;
                self.push(Value::Global { module, name });
                let function = self.pop()?;
                self.call(function, parts)?;
            }
            b'o' => {
                let parts = self.marked()?;
                let (&function, rest) = parts.split_first().ok_or(EMPTY)?;
                self.call(function, rest.to_vec())?;
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                if let Value::Call { state: own, .. } = &mut self.pickle.values[object] {
                    *own = Some(state);
                }
            }
            _ => {
                // With keywords in a dictionary.
                if opcode == 0x92 {
                    self.pop()?;
                }
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.called(function, arguments)?;
            }
        }
        Ok(())
    }

    fn call(&mut self, function: Id, parts: Vec<Id>) -> Result<(), String> {
        self.push(Value::Tuple(parts));
        let arguments = self.pop()?;
        self.called(function, arguments)
    }

    fn called(&mut self, function: Id, arguments: Id) -> Result<(), String> {
        let is_dict = self.pickle.global(function).is_some_and(|global| {
            matches!(
                global,
                ("collections", "OrderedDict" | "defaultdict")
                    | ("builtins" | "__builtin__", "dict")
            )
        });
        let pairs = if is_dict {
            self.pairs_given(arguments)
        } else {
            Vec::new()
        };
        // One list may be given again and again.
        self.copied += pairs.len();
        if self.copied > MOST {
            return Err(format!("it copies more than {MOST} pairs"));
        }
        self.push(if is_dict {
            Value::Dict(pairs)
        } else {
            Value::Call {
                function,
                arguments,
                state: None,
            }
        });
        Ok(())
    }

    /// Python 2 makes an ordered dictionary of a list of pairs.
    fn pairs_given(&self, arguments: Id) -> Vec<(Id, Id)> {
        let given = self.pickle.tuple(arguments).and_then(|parts| parts.first());
        let Some(Value::List(pairs)) = given.map(|&id| self.pickle.get(id)) else {
            return Vec::new();
        };
        let pair = |&id: &Id| match self.pickle.get(id) {
            Value::List(pair) | Value::Tuple(pair) => match pair[..] {
                [key, value] => Some((key, value)),
                _ => None,
            },
            _ => None,
        };
        pairs.iter().filter_map(pair).collect()
    }

    /// What is remembered under a number.
    fn memory(&mut self, opcode: u8) -> Result<(), String> {
        let number = match opcode {
            0x94 => self.memo.len() as u64,
            b'q' | b'h' => u64::from(self.bytes::<1>()?[0]),
            b'r' | b'j' => u64::from(u32::from_le_bytes(self.bytes()?)),
            _ => self
                .line()?
                .parse()
                .map_err(|_| "a number in it is none".to_owned())?,
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            let known = self.memo.get(&number);
            let known = *known.ok_or("it recalls what it never stored")?;
            self.stack.push(known);
        } else {
            let top = self.top()?;
            self.memo.insert(number, top);
        }
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.pickle.values.len());
        self.pickle.values.push(value);
    }

    fn pop(&mut self) -> Result<Id, String> {
        // What is below a mark is for whoever takes the mark.
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(EMPTY.into());
        }
        self.stack.pop().ok_or_else(|| EMPTY.into())
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| EMPTY.into())
    }

    /// All above the last mark.
    fn marked(&mut self) -> Result<Vec<Id>, String> {
        let mark = self
            .marks
            .pop()
            .ok_or("it takes a mark that it never set")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], String> {
        let mut bytes = [0; COUNT];
        self.from.read_exact(&mut bytes).map_err(|e| ended(&e))?;
        Ok(bytes)
    }

    /// As many as are there, whatever `length` says.
    fn block(&mut self, length: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let found = self.from.by_ref().take(length).read_to_end(&mut bytes);
        if found.map_err(|e| ended(&e))? as u64 == length {
            Ok(bytes)
        } else {
            Err(CUT.into())
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        self.from
            .read_until(b'\n', &mut line)
            .map_err(|e| ended(&e))?;
        if line.pop() != Some(b'\n') {
            return Err(CUT.into());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

const EMPTY: &str = "it takes from an empty stack";
const CUT: &str = "it is cut off, longer than 64 MiB or packed";

fn ended(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        CUT.into()
    } else {
        error.to_string()
    }
}

fn pairs(parts: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    let (pairs, rest) = parts.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err("a key in it has no value".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Pickle, String> {
        Pickle::read(&mut &bytes[..], LONGEST)
    }

    // pickle.dumps({'a': (1, -2), 'b': [3]}, 2), by hand from pickletools.
    #[test]
    fn a_dictionary_of_protocol_2() {
        let pickle = read(b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01J\xfe\xff\xff\xff\x86X\x01\x00\x00\x00b]K\x03au.");
        let pickle = pickle.unwrap();
        let pairs = pickle.dict(pickle.root()).unwrap();
        assert_eq!(pickle.text(pairs[0].0), Some("a"));
        let tuple = pickle.tuple(pairs[0].1).unwrap();
        assert_eq!(
            (pickle.int(tuple[0]), pickle.int(tuple[1])),
            (Some(1), Some(-2))
        );
        assert_eq!(pickle.get(pairs[1].1), &Value::List(vec![tuple[1] + 4]));
    }

    // cos.system('touch x') is written down and not run.
    #[test]
    fn a_call_is_a_note() {
        let pickle = read(b"cposix\nsystem\n(X\x07\x00\x00\x00touch xtR.").unwrap();
        let Value::Call { function, .. } = pickle.get(pickle.root()) else {
            panic!("{:?}", pickle.get(pickle.root()));
        };
        assert_eq!(pickle.global(*function), Some(("posix", "system")));
    }

    // Each tuple holds the last one twice: 2⁴⁰ parts if they were copied.
    #[test]
    fn repetition_costs_no_more_than_its_bytes() {
        let mut bytes = b")q\x00".to_vec();
        for _ in 0..40 {
            bytes.extend(b"h\x00h\x00\x86q\x00");
        }
        bytes.push(b'.');
        assert!(read(&bytes).unwrap().values.len() < 100);
        // As deep as it is long.
        let deep = [b")".to_vec(), b"\x85".repeat(1_000_000), b".".to_vec()].concat();
        assert_eq!(read(&deep).unwrap().values.len(), 1_000_001);
        // In a file that is shorter.
        assert!(
            Pickle::read(&mut &deep[..], 999)
                .unwrap_err()
                .contains("packed")
        );
    }

    #[test]
    fn faults_have_words() {
        for (bytes, word) in [
            (&b""[..], "cut off"),
            (b"K", "cut off"),
            (b"X\xff\xff\xff\xff", "cut off"),
            (b"\x85.", "empty stack"),
            (b".", "empty stack"),
            (b"(.", "empty stack"),
            (b"t.", "mark"),
            (b"}(K\x01u.", "no value"),
            (b"h\x07.", "never stored"),
            (b"\xff.", "opcode 0xff"),
        ] {
            assert!(read(bytes).unwrap_err().contains(word), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }
    }
}
