//! Nets and half-finished runs as safetensors files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use half::f16;
use serde::{Deserialize, Serialize};

use super::net::Net;
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
    for (at, parameter) in net.parameters().enumerate() {
        let kind = if at % 2 == 0 { "weight" } else { "bias" };
        tensors.push((
            format!("layers.{}.{kind}", at / 2),
            parameter.as_tensor().clone(),
        ));
    }
    let mut all = vec![("activation", "relu".to_owned())];
    all.extend(metadata.iter().cloned());
    write(&tensors, stored, &all, path)
}

fn write(
    tensors: &[(String, Tensor)],
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
    let mut entries = Vec::new();
    let mut facts = Vec::new();
    for (name, tensor) in tensors {
        facts.push(TensorFacts {
            tensor: name.clone(),
            dtype: dtype.clone(),
            shape: tensor.dims().to_vec(),
            decoded: None,
        });
        let values: Vec<f32> = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?;
        match stored {
            NetDtype::F32 => entries.extend(values.iter().flat_map(|x| x.to_le_bytes())),
            NetDtype::F16 => {
                let halves = values.iter().map(|&x| f16::from_f32(x));
                entries.extend(halves.flat_map(f16::to_le_bytes));
            }
        }
    }
    Ok(write_file(path, |out: &mut dyn Write| {
        write_header(out, &facts, &metadata)?;
        out.write_all(&entries)
    })?)
}

/// Reads a net that [`write_net`] wrote.
pub(super) fn read_net(path: &Path) -> Result<Net, Error> {
    let file = Checkpoint::open(path)?;
    let tensor = |name: String| -> Result<Tensor, Error> {
        let facts = file.tensors().iter().find(|t| t.tensor == name);
        let shape = facts.map(|facts| facts.shape.clone()).ok_or_else(|| {
            fault(format!(
                "`{}` is no net of ours: it has no `{name}`",
                path.display()
            ))
        })?;
        let entries = file.read(&name)?.widened().into_iter().map(|x| x as f32);
        Ok(Tensor::from_iter(entries, &Device::Cpu)?.reshape(shape)?)
    };
    let mut layers = Vec::new();
    for layer in 0..file.tensors().len() / 2 {
        let part = |kind| tensor(format!("layers.{layer}.{kind}"));
        layers.push((part("weight")?, part("bias")?));
    }
    Ok(Net::from_tensors(&layers)?)
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
    for (at, (parameter, moments)) in net.parameters().zip(optimiser.moments()).enumerate() {
        let three = [parameter.as_tensor(), &moments.0, &moments.1];
        for (part, tensor) in PARTS.iter().zip(three) {
            tensors.push((format!("{at:03}.{part}"), tensor.clone()));
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
    let tensor = |name: String| -> Result<Tensor, Error> {
        let facts = file.tensors().iter().find(|t| t.tensor == name);
        let shape = facts.ok_or_else(damaged)?.shape.clone();
        match file.read(&name)? {
            Entries::F32(entries) => Ok(Tensor::from_vec(entries, shape, &Device::Cpu)?),
            _ => Err(damaged()),
        }
    };
    let mut parameters = Vec::new();
    let mut moments = Vec::new();
    for at in 0..file.tensors().len() / PARTS.len() {
        let [value, first, second] = PARTS.map(|part| tensor(format!("{at:03}.{part}")));
        parameters.push(value?);
        moments.push((first?, second?));
    }
    let layers: Vec<(Tensor, Tensor)> = parameters
        .chunks_exact(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect();
    if layers.is_empty() {
        return Err(damaged());
    }
    Ok(State {
        net: Net::from_tensors(&layers)?,
        optimiser: Optimiser::resumed(rule, step, moments),
        step,
        notes,
    })
}
