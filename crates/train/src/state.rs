//! Nets and half-finished runs as safetensors files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use half::f16;
use serde::{Deserialize, Serialize};

use super::matrix::Matrix;
use super::net::{Dense, Net};
use super::optimiser::{Optimiser, Rule};
use super::{Error, fault};
use randomlike_checkpoint::{Checkpoint, Dtype, Entries, TensorFacts, write_header};
use randomlike_report::write::write_file;

/// Type of the stored weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetDtype {
    /// As they were trained.
    #[default]
    F32,
    /// Rounded to 16 bits, half the size.
    F16,
}

/// Writes a net: `layers.0.weight` (out, in), `layers.0.bias`, …, and what it is in the metadata.
pub(super) fn write_net(
    net: &Net,
    stored: NetDtype,
    metadata: &[(&str, String)],
    path: &Path,
) -> Result<(), Error> {
    let mut tensors = Vec::new();
    for (at, tensor) in stored_tensors(net).enumerate() {
        let kind = if at % 2 == 0 { "weight" } else { "bias" };
        tensors.push((format!("layers.{}.{kind}", at / 2), tensor));
    }
    let mut all = vec![("activation", "relu".to_owned())];
    all.extend(metadata.iter().cloned());
    write(&tensors, stored, &all, path)
}

/// Shape and entries of a tensor.
type StoredTensor<'a> = (Vec<usize>, &'a [f32]);

/// Weight and bias of each layer.
fn stored_tensors(net: &Net) -> impl Iterator<Item = StoredTensor<'_>> {
    net.layers.iter().flat_map(|Dense { weight, bias }| {
        let weight = (vec![weight.rows, weight.cols], &weight.entries[..]);
        [weight, (vec![bias.len()], &bias[..])]
    })
}

fn write(
    tensors: &[(String, StoredTensor<'_>)],
    stored: NetDtype,
    metadata: &[(&str, String)],
    path: &Path,
) -> Result<(), Error> {
    let dtype = match stored {
        NetDtype::F32 => Dtype::F32,
        NetDtype::F16 => Dtype::F16,
    };
    let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
    let metadata: BTreeMap<String, String> = metadata.collect();
    let mut bytes = Vec::new();
    let mut facts = Vec::new();
    for (name, (shape, entries)) in tensors {
        facts.push(TensorFacts::new(name.clone(), dtype.clone(), shape.clone()));
        match stored {
            NetDtype::F32 => bytes.extend(entries.iter().flat_map(|x| x.to_le_bytes())),
            NetDtype::F16 => {
                let halves = entries.iter().map(|&x| f16::from_f32(x));
                bytes.extend(halves.flat_map(f16::to_le_bytes));
            }
        }
    }
    Ok(write_file(path, |out: &mut dyn Write| {
        write_header(out, &facts, &metadata)?;
        out.write_all(&bytes)
    })?)
}

/// Reads a net that [`write_net`] wrote.
pub(super) fn read_net(path: &Path) -> Result<Net, Error> {
    let file = Checkpoint::open(path)?;
    let no_net = |what: &str| fault(format!("`{}` is no net of ours: {what}", path.display()));
    let mut layers = Vec::new();
    for layer in 0..file.tensors().len() / 2 {
        let [weight, bias] = ["weight", "bias"].map(|kind| format!("layers.{layer}.{kind}"));
        let entries = |name: &str| -> Result<Vec<f32>, Error> {
            let entries = file.read(name)?.widened().into_iter();
            Ok(entries.map(|x| x as f32).collect())
        };
        layers.push(dense(&file, [&weight, &bias], entries, |name| {
            no_net(&format!("`{name}` is not there or has another shape"))
        })?);
    }
    Net::from_layers(layers).ok_or_else(|| no_net("its layers do not fit each other"))
}

/// A layer by the names of its weight and bias.
fn dense(
    file: &Checkpoint,
    [weight, bias]: [&str; 2],
    entries: impl Fn(&str) -> Result<Vec<f32>, Error>,
    fault: impl Fn(&str) -> Error,
) -> Result<Dense, Error> {
    let shape = |name: &str| {
        let facts = file.tensors().iter().find(|t| t.tensor == name);
        facts.map(|facts| &facts.shape[..])
    };
    let (Some([rows, cols]), Some([_])) = (shape(weight), shape(bias)) else {
        return Err(fault(weight));
    };
    Ok(Dense {
        weight: Matrix {
            rows: *rows,
            cols: *cols,
            entries: entries(weight)?,
        },
        bias: entries(bias)?,
    })
}

/// A net and its optimiser after some steps, and what else was kept as text.
pub(super) struct State {
    pub net: Net,
    pub optimiser: Optimiser,
    pub step: usize,
    pub notes: String,
}

/// Names of a parameter's three tensors.
const PARTS: [&str; 3] = ["value", "first", "second"];

pub(super) fn write_state(
    net: &Net,
    optimiser: &Optimiser,
    step: usize,
    notes: &str,
    path: &Path,
) -> Result<(), Error> {
    let mut tensors = Vec::new();
    let three = [net, &optimiser.first, &optimiser.second];
    for (part, net) in PARTS.iter().zip(three) {
        for (at, tensor) in stored_tensors(net).enumerate() {
            tensors.push((format!("{at:03}.{part}"), tensor));
        }
    }
    let metadata = [("step", step.to_string()), ("notes", notes.to_owned())];
    write(&tensors, NetDtype::F32, &metadata, path)
}

pub(super) fn read_state(path: &Path, rule: Rule) -> Result<State, Error> {
    let damaged = || fault(format!("`{}` is no state of a run of ours", path.display()));
    let file = Checkpoint::open(path)?;
    let metadata = file.metadata();
    let step: usize = metadata
        .get("step")
        .and_then(|step| step.parse().ok())
        .ok_or_else(damaged)?;
    let notes = metadata.get("notes").cloned().ok_or_else(damaged)?;
    let entries = |name: &str| match file.read(name)? {
        Entries::F32(entries) => Ok(entries),
        _ => Err(damaged()),
    };
    let net = |part: &str| {
        let layers = (0..file.tensors().len() / (2 * PARTS.len())).map(|layer| {
            let [weight, bias] = [2 * layer, 2 * layer + 1].map(|at| format!("{at:03}.{part}"));
            dense(&file, [&weight, &bias], entries, |_| damaged())
        });
        Net::from_layers(layers.collect::<Result<_, _>>()?).ok_or_else(damaged)
    };
    let [value, first, second] = PARTS.map(net);
    let (value, first, second) = (value?, first?, second?);
    if first.sizes() != value.sizes() || second.sizes() != value.sizes() {
        return Err(damaged());
    }
    Ok(State {
        net: value,
        optimiser: Optimiser::resumed(rule, step, first, second),
        step,
        notes,
    })
}
