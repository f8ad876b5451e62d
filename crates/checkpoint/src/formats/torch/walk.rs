//! Every tensor of a pickle, whatever holds it: dictionaries, lists, tuples, modules, objects.
//!
//! A tensor is called by the keys and places that lead to it, joined by dots. One key is left out: that
//! of a training state under which all of the net lies, such as `state_dict`.

use std::collections::{BTreeMap, BTreeSet};

use super::pickle::{Id, Pickle, Value};
use super::{Described, described, named, storage};
use crate::{Dtype, Standing, TensorFacts};

/// Values within each other that are looked into.
const DEEP: usize = 64;
/// How often a value is come by, on average: a crafted file repeats itself without end.
const OFTEN: usize = 4;
/// Bytes of all names together, for each byte of the pickle.
const NAMES: u64 = 16;
const REPEATS: &str = "what its pickle describes repeats itself without end";
/// What a file is called that is one tensor.
const ALONE: &str = "tensor";
/// Where training keeps the net's own tensors.
const NETS: [&str; 7] = [
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "net",
    "weights",
    "params",
];

/// What a pickle describes.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tensors: BTreeMap<String, Described>,
    /// By functions that are not known, or without a tensor.
    pub(super) unread: BTreeMap<String, (TensorFacts, Standing)>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.tensors.is_empty() && self.unread.is_empty()
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.tensors.keys().chain(self.unread.keys())
    }

    /// Takes more, of whose names the first so many bytes are left out.
    fn insert_all(&mut self, more: Self, cut: usize) -> Result<(), String> {
        let twice = |name: &str| format!("tensor `{name}` is there twice");
        for (name, tensor) in more.tensors {
            let name = &name[cut..];
            let is_there = self.unread.contains_key(name);
            if is_there || self.tensors.insert(name.to_owned(), tensor).is_some() {
                return Err(twice(name));
            }
        }
        for (name, (mut facts, standing)) in more.unread {
            let name = &name[cut..];
            name.clone_into(&mut facts.tensor);
            let unread = (facts, standing);
            let is_there = self.tensors.contains_key(name);
            if is_there || self.unread.insert(name.to_owned(), unread).is_some() {
                return Err(twice(name));
            }
        }
        Ok(())
    }

    /// Whether anything in it has two or more sides, or may have.
    fn has_matrices(&self) -> bool {
        let of_unread = |(facts, _): &(TensorFacts, Standing)| facts.shape.len() != 1;
        self.tensors.values().any(|tensor| tensor.shape.len() >= 2)
            || self.unread.values().any(of_unread)
    }
}

/// Walks through all that a pickle of so many bytes describes.
///
/// # Errors
/// When a description does not hold, or repeats itself beyond bounds.
pub(super) fn tensors(pickle: &Pickle, bytes: u64) -> Result<Found, String> {
    let mut walk = Walk {
        pickle,
        found: Found::default(),
        inside: BTreeSet::new(),
        visits: pickle.len().saturating_mul(OFTEN) + 1000,
        names: bytes.saturating_mul(NAMES),
    };
    let root = pickle.root();
    let Some(pairs) = pickle.dict(root) else {
        walk.value(root, "", 0)?;
        return Ok(walk.found);
    };
    // Each key of the whole by itself: one may be left out.
    let mut parts: Vec<(String, Found)> = Vec::new();
    for (place, &(key, value)) in pairs.iter().enumerate() {
        let key = walk.key(key, place);
        walk.value(value, &key, 1)?;
        let part = std::mem::take(&mut walk.found);
        if !part.is_empty() {
            parts.push((key, part));
        }
    }
    let mut whole = Found::default();
    let net = net(&parts);
    for (place, (key, part)) in parts.into_iter().enumerate() {
        let is_net = net == Some(place);
        whole.insert_all(part, if is_net { key.len() + 1 } else { 0 })?;
    }
    Ok(whole)
}

/// The part that is the net, where all else is what training keeps beside it.
fn net(parts: &[(String, Found)]) -> Option<usize> {
    let is_state = |key: &str| {
        let key = key.to_ascii_lowercase();
        key.starts_with("optim") || key == "opt" || key.contains("scheduler") || key.contains("rng")
    };
    let of_net = |only_matrices: bool| -> Vec<usize> {
        let places = parts
            .iter()
            .enumerate()
            .filter(|(_, (key, part))| !is_state(key) && (!only_matrices || part.has_matrices()));
        places.map(|(place, _)| place).collect()
    };
    let matrices = of_net(true);
    let places = if matrices.is_empty() {
        of_net(false)
    } else {
        matrices
    };
    let [place] = places[..] else {
        return None;
    };
    let (key, own) = &parts[place];
    let prefix = format!("{key}.");
    let mut names = own.names();
    let is_within = NETS.contains(&key.as_str()) && names.all(|name| name.starts_with(&prefix));
    let others = parts
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place);
    let mut taken = others.flat_map(|(_, (_, part))| part.names());
    let collides = taken.any(|name| {
        let name = format!("{prefix}{name}");
        own.tensors.contains_key(&name) || own.unread.contains_key(&name)
    });
    (is_within && !collides).then_some(place)
}

struct Walk<'a> {
    pickle: &'a Pickle,
    found: Found,
    /// What is being walked through: a dictionary may hold itself.
    inside: BTreeSet<Id>,
    /// Values that may still be come by, and bytes of names that may still be made.
    visits: usize,
    names: u64,
}

impl Walk<'_> {
    /// Whatever a value is, under the name that leads to it.
    fn value(&mut self, id: Id, name: &str, depth: usize) -> Result<(), String> {
        self.visits = self.visits.checked_sub(1).ok_or(REPEATS)?;
        match self.pickle.get(id) {
            Value::Call { .. } if self.is_tensor(id) => self.tensor(id, name),
            Value::Persistent(_) => self.storage(id, name),
            Value::Call {
                function,
                arguments,
                state,
            } => {
                let (function, arguments, state) = (*function, *arguments, *state);
                if self.is_rebuilt(function, arguments) {
                    return self.unbuilt(id, function, arguments, name);
                }
                self.within(id, name, depth, |walk| {
                    walk.children(arguments, name, depth)?;
                    state.map_or(Ok(()), |state| walk.object(state, name, depth))
                })
            }
            Value::Dict(_) | Value::List(_) | Value::Tuple(_) => {
                self.within(id, name, depth, |walk| walk.children(id, name, depth))
            }
            _ => Ok(()),
        }
    }

    /// Into a value, unless it is one that it lies in.
    fn within(
        &mut self,
        id: Id,
        name: &str,
        depth: usize,
        into: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        if depth > DEEP {
            return Err(format!("`{name}` lies in more than {DEEP} others"));
        }
        if !self.inside.insert(id) {
            return Ok(());
        }
        into(self)?;
        self.inside.remove(&id);
        Ok(())
    }

    /// What a dictionary, a list or a tuple holds, by keys or places.
    fn children(&mut self, id: Id, name: &str, depth: usize) -> Result<(), String> {
        let children: Vec<(String, Id)> = match self.pickle.get(id) {
            Value::Dict(pairs) => {
                let named = pairs.iter().enumerate();
                named
                    .filter(|(_, (_, value))| self.may_hold(*value))
                    .map(|(place, &(key, value))| (self.key(key, place), value))
                    .collect()
            }
            Value::List(parts) | Value::Tuple(parts) => {
                let named = parts.iter().enumerate();
                named
                    .filter(|(_, value)| self.may_hold(**value))
                    .map(|(place, &value)| (place.to_string(), value))
                    .collect()
            }
            _ => return Ok(()),
        };
        for (key, child) in children {
            let name = if name.is_empty() {
                key
            } else {
                format!("{name}.{key}")
            };
            let names = self.names.checked_sub(name.len() as u64);
            self.names = names.ok_or(REPEATS)?;
            self.value(child, &name, depth + 1)?;
        }
        Ok(())
    }

    /// Whether a value is anything that tensors may be in.
    fn may_hold(&self, id: Id) -> bool {
        matches!(
            self.pickle.get(id),
            Value::Call { .. }
                | Value::Persistent(_)
                | Value::Dict(_)
                | Value::List(_)
                | Value::Tuple(_)
        )
    }

    /// A key as a step of a name; what is neither text nor a number is its place.
    fn key(&self, key: Id, place: usize) -> String {
        match self.pickle.get(key) {
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            _ => format!("#{place}"),
        }
    }

    /// A module's state: its own tensors and the modules in it; of another object all attributes.
    fn object(&mut self, state: Id, name: &str, depth: usize) -> Result<(), String> {
        let parts = self.pickle.dict(state).unwrap_or_default();
        let named = |name: &str| {
            let same = |(key, _): &&(Id, Id)| self.pickle.text(*key) == Some(name);
            parts.iter().find(same).map(|(_, value)| *value)
        };
        let own = ["_parameters", "_buffers", "_modules"].map(named);
        if own.iter().all(Option::is_none) {
            return self.value(state, name, depth + 1);
        }
        for part in own.into_iter().flatten() {
            self.value(part, name, depth + 1)?;
        }
        Ok(())
    }

    fn is_tensor(&self, id: Id) -> bool {
        rebuilt(self.pickle, id).is_some()
    }

    fn tensor(&mut self, id: Id, name: &str) -> Result<(), String> {
        let name = self.called(name);
        match rebuilt(self.pickle, id) {
            Some(Ok(tensor)) => {
                let is_new = !self.found.unread.contains_key(&name);
                if !is_new || self.found.tensors.insert(name.clone(), tensor).is_some() {
                    return Err(format!("tensor `{name}` is there twice"));
                }
                Ok(())
            }
            Some(Err(fault)) => Err(format!("tensor `{name}` {fault}")),
            None => Ok(()),
        }
    }

    /// What the whole is called when it is one tensor.
    fn called(&self, name: &str) -> String {
        if name.is_empty() && self.pickle.dict(self.pickle.root()).is_none() {
            ALONE.to_owned()
        } else {
            name.to_owned()
        }
    }

    /// Whether a call makes a tensor in a way that is not known: by its name, or because it is given a
    /// storage.
    fn is_rebuilt(&self, function: Id, arguments: Id) -> bool {
        let name = self.pickle.global(function).map_or("", |(_, name)| name);
        let mut given = self.pickle.tuple(arguments).unwrap_or_default().iter();
        name.starts_with("_rebuild")
            || name.starts_with("_reconstruct")
            || given.any(|&part| storage(self.pickle, part).is_some())
    }

    fn unbuilt(&mut self, id: Id, function: Id, arguments: Id, name: &str) -> Result<(), String> {
        let (module, function) = self.pickle.global(function).unwrap_or(("", "a call"));
        let function = format!("{module}.{function}");
        let function = function.trim_start_matches('.').to_owned();
        let shape = self.shape(id, DEEP);
        let mut given = self.pickle.tuple(arguments).unwrap_or_default().iter();
        let class = given.find_map(|&part| storage(self.pickle, part));
        let dtype = class.map_or_else(unknown, |(class, _)| named(class));
        let known = TensorFacts::new(self.called(name), dtype, shape.clone().unwrap_or_default());
        let weights = shape.and_then(|_| known.entries());
        self.unread(known, Standing::Unbuilt { function, weights })
    }

    fn storage(&mut self, id: Id, name: &str) -> Result<(), String> {
        let Some((class, _)) = storage(self.pickle, id) else {
            return Ok(());
        };
        let facts = TensorFacts::new(self.called(name), named(class), Vec::new());
        let fault = "it is a storage that no tensor describes".to_owned();
        self.unread(
            facts,
            Standing::Unreadable {
                fault,
                weights: None,
            },
        )
    }

    fn unread(&mut self, facts: TensorFacts, standing: Standing) -> Result<(), String> {
        let name = facts.tensor.clone();
        let is_new = !self.found.tensors.contains_key(&name);
        if !is_new
            || self
                .found
                .unread
                .insert(name.clone(), (facts, standing))
                .is_some()
        {
            return Err(format!("tensor `{name}` is there twice"));
        }
        Ok(())
    }

    /// The first row of numbers among what a call is given, which is a size; of a NumPy array it is in
    /// its state.
    fn shape(&self, id: Id, depth: usize) -> Option<Vec<usize>> {
        if depth == 0 {
            return None;
        }
        match self.pickle.get(id) {
            Value::Tuple(parts) if !parts.is_empty() => {
                let numbers = parts.iter().map(|&part| self.side(part));
                let sides: Option<Vec<usize>> = numbers.collect();
                sides.or_else(|| parts.iter().find_map(|&part| self.shape(part, depth - 1)))
            }
            Value::Call {
                function,
                arguments,
                state,
            } => {
                let is_array = self
                    .pickle
                    .global(*function)
                    .is_some_and(|(_, name)| name == "_reconstruct");
                let of_state = || state.and_then(|state| self.shape(state, depth - 1));
                if is_array {
                    return of_state();
                }
                let of_arguments = self.shape(*arguments, depth - 1);
                of_arguments.or_else(of_state)
            }
            _ => None,
        }
    }

    fn side(&self, id: Id) -> Option<usize> {
        usize::try_from(self.pickle.int(id)?).ok()
    }
}

fn unknown() -> Dtype {
    Dtype::Other("unknown".to_owned())
}

/// A tensor, if the value is one.
fn rebuilt(pickle: &Pickle, id: Id) -> Option<Result<Described, String>> {
    let Value::Call {
        function,
        arguments,
        ..
    } = pickle.get(id)
    else {
        return None;
    };
    let arguments = pickle.tuple(*arguments)?;
    match pickle.global(*function)? {
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            // One step: a parameter holds a tensor.
            let inner = *arguments.first()?;
            matches!(pickle.get(inner), Value::Call { function, .. }
                if pickle.global(*function).is_some_and(|(_, name)| name.starts_with("_rebuild_tensor")))
            .then(|| rebuilt(pickle, inner))?
        }
        ("torch._tensor", "_rebuild_from_type_v2") => {
            let (_, inner) = pickle.global(*arguments.first()?)?;
            let given = pickle.tuple(*arguments.get(2)?)?;
            inner
                .starts_with("_rebuild_tensor")
                .then(|| described(pickle, given, inner.ends_with("_v3")))
        }
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => {
            Some(described(pickle, arguments, false))
        }
        ("torch._utils", "_rebuild_tensor_v3") => Some(described(pickle, arguments, true)),
        _ => None,
    }
}
