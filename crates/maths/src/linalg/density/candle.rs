//! Products on a device of candle's: CUDA, Metal or the processor.

use candle_core::{DType, Device, Tensor};

use crate::linalg::Device as Named;

use super::product::{GramProduct, InPlace, Stored};
use crate::linalg::{Matrix, SpectrumError};

/// Rows that go to the device at a time, as single precision.
const PANEL: usize = 1024;

/// W on a device in single precision, 4 bytes an entry, some rows a tensor.
#[derive(Debug)]
pub struct OnDevice {
    panels: Vec<Tensor>,
    device: Device,
    rows: usize,
    cols: usize,
    unit: f64,
    mean: f64,
}

impl OnDevice {
    /// Copies the matrix to the device.
    ///
    /// # Errors
    /// When an entry is not finite, or the device has no room.
    pub fn new<T: Stored>(matrix: Matrix<'_, T>, device: &Device) -> Result<Self, SpectrumError> {
        let source = InPlace::new(matrix)?;
        let (rows, cols) = (matrix.rows, matrix.cols);
        let panel = |entries: &[T]| {
            let mut single = vec![0.0_f32; entries.len()];
            T::scaled(entries, 1.0 / source.unit(), &mut single);
            Tensor::from_vec(single, (entries.len() / cols, cols), device)
                .map_err(|fault| unanswered(&fault))
        };
        let panels = matrix.entries.chunks((PANEL * cols).max(1)).map(panel);
        Ok(Self {
            panels: panels.collect::<Result<_, _>>()?,
            device: device.clone(),
            rows,
            cols,
            unit: source.unit(),
            mean: source.mean(),
        })
    }

    /// Bᵀ, columns×M, to (A·B)ᵀ: candle's rows are the columns here.
    fn multiply(&self, block: &Tensor) -> candle_core::Result<Tensor> {
        let columns = block.dim(0)?;
        if self.cols <= self.rows {
            let mut sum = block.zeros_like()?;
            for panel in &self.panels {
                sum = (sum + block.matmul(&panel.t()?)?.matmul(panel)?)?;
            }
            return Ok(sum);
        }
        let mut between = Tensor::zeros((columns, self.cols), DType::F32, &self.device)?;
        let mut at = 0;
        for panel in &self.panels {
            let rows = panel.dim(0)?;
            let part = block.narrow(1, at, rows)?.contiguous()?;
            between = (between + part.matmul(panel)?)?;
            at += rows;
        }
        let parts = self.panels.iter().map(|panel| between.matmul(&panel.t()?));
        Tensor::cat(&parts.collect::<candle_core::Result<Vec<_>>>()?, 1)
    }
}

impl GramProduct for OnDevice {
    fn size(&self) -> usize {
        self.rows.min(self.cols)
    }

    fn unit(&self) -> f64 {
        self.unit
    }

    fn mean(&self) -> f64 {
        self.mean
    }

    fn times(&self, block: &[f32]) -> Result<Vec<f32>, SpectrumError> {
        let size = self.size();
        if size == 0 || block.is_empty() {
            return Ok(Vec::new());
        }
        let product = || {
            let block = Tensor::from_slice(block, (block.len() / size, size), &self.device)?;
            self.multiply(&block)?.flatten_all()?.to_vec1()
        };
        product().map_err(|fault| unanswered(&fault))
    }
}

/// The first device of this kind.
pub(super) fn find(device: Named) -> Result<Device, SpectrumError> {
    let missing = |reason: String| SpectrumError::NoDevice(Box::new((device, reason)));
    if !device.is_built() {
        let name = device.name();
        return Err(missing(format!(
            "this build has none; build with `--features {name}`, or use `--device cpu`"
        )));
    }
    let found = match device {
        Named::Cpu => Ok(Device::Cpu),
        Named::Cuda => Device::new_cuda(0),
        Named::Metal => Device::new_metal(0),
    };
    found.map_err(|fault| missing(fault.to_string()))
}

fn unanswered(fault: &candle_core::Error) -> SpectrumError {
    SpectrumError::Device(fault.to_string())
}
