//! The layer's largest singular value beside those of what chance makes of its weights;
//! docs/theory.md §4.

mod outlier_cause;

use std::borrow::Cow;

use super::{Entry, spectrum};
use crate::audit::{
    ControlFacts, Controls, Section, Spectrum, SpectrumMethod, Trap, Unmeasured, Weights,
};
use crate::controls::{self, Control, ControlMatrix, ControlSource};
use crate::layers::{Layer, Orientation};
use randomlike_maths::linalg::{self, Engine, Lanczos, Matrix, SpectrumError};
use randomlike_maths::stats::laws::edges;

/// Smaller sides up to which a whole spectrum takes no longer than the largest values alone.
const SMALL: usize = 256;
/// Most outliers of a control that are counted.
const MOST: usize = 16;
/// What is measured of every control.
#[derive(Debug, Clone, Copy)]
pub(super) struct ControlPlan {
    pub seed: u64,
    pub engine: Engine,
    /// Whole spectra, whatever they take.
    pub full: bool,
}

/// The controls of one layer, as they are drawn one after another.
pub(super) struct Beside<'a> {
    plan: ControlPlan,
    layer: &'a Layer,
    /// s; W/s is what controls are drawn from.
    rms: f64,
    /// Standard deviation of W/s: below 1 when there is a mean.
    std: f64,
    seen: Vec<(Control, Result<MeasuredControl, SpectrumError>)>,
}

/// What was measured of one control while it was in memory.
struct MeasuredControl {
    facts: ControlFacts,
    trap: Option<Trap>,
}

impl<'a> Beside<'a> {
    /// Nothing when the entries have no scale: all zero, or too large.
    pub(super) fn new<T: Entry>(
        entries: &[T],
        layer: &'a Layer,
        weights: &Weights,
        plan: ControlPlan,
    ) -> Option<Self> {
        let rms = controls::rms(entries)?;
        Some(Self {
            plan,
            layer,
            rms,
            std: weights.std / rms,
            seen: Vec::new(),
        })
    }

    /// Measures a control that is in memory, once.
    pub(super) fn see(&mut self, control: Control, entries: &ControlMatrix<'_>) {
        if self.seen.iter().any(|(seen, _)| *seen == control) {
            return;
        }
        let std = match control {
            // Without a mean all of the mean square is spread.
            Control::Gaussian => 1.0,
            Control::Shuffled => self.std,
        };
        let measured = self.measured(entries, std).map(|facts| {
            let is_trap = control == Control::Shuffled && facts.outliers_above > 0;
            let trap = is_trap
                .then(|| outlier_cause::explained(entries, self.plan.seed))
                .transpose();
            trap.map(|trap| MeasuredControl { facts, trap })
        });
        self.seen.push((control, measured.and_then(|seen| seen)));
    }

    /// Draws into `room` and measures those that were not seen, and compares.
    pub(super) fn finish<T: Entry>(
        mut self,
        entries: &[T],
        spectrum: Option<&Spectrum>,
        room: &mut Vec<f32>,
    ) -> Section<Controls> {
        let stored = T::stored(Cow::Borrowed(entries), self.rms);
        let Layer {
            fan_in: n,
            fan_out: m,
            orientation,
            ..
        } = *self.layer;
        let origin = ControlSource {
            stored: &stored,
            n,
            m,
            orientation,
        };
        for control in ALL {
            if self.seen.iter().all(|(seen, _)| *seen != control) {
                let orientation = controls::draw(control, &origin, (self.plan.seed, 0), room);
                let drawn = ControlMatrix {
                    stored: room,
                    n,
                    m,
                    orientation,
                };
                self.see(control, &drawn);
            }
        }
        let observed = spectrum.map_or_else(
            || {
                let whole = stored.part(0..stored.len());
                let whole = ControlMatrix {
                    stored: &whole,
                    n,
                    m,
                    orientation,
                };
                Ok(self.rms * self.measured(&whole, self.std)?.largest())
            },
            |spectrum| Ok(spectrum.spectral_norm),
        );
        match observed.and_then(|observed| self.facts(observed)) {
            Ok(facts) => Section::Measured(facts),
            Err(fault) => Section::Skipped {
                reason: Unmeasured::Fault(fault.to_string()),
            },
        }
    }

    fn facts(mut self, observed: f64) -> Result<Controls, SpectrumError> {
        let (rms, layer) = (self.rms, self.layer);
        let mut take = |control| {
            let at = self.seen.iter().position(|(seen, _)| *seen == control);
            let seen = at.map(|at| self.seen.swap_remove(at).1);
            seen.unwrap_or(Err(SpectrumError::NoConvergence("faer")))
                .map(|seen| seen.in_units(rms))
        };
        let gaussian = take(Control::Gaussian)?.facts;
        let MeasuredControl {
            facts: shuffled,
            trap,
        } = take(Control::Shuffled)?;
        Ok(Controls {
            method: if self.plan.is_exact(layer) {
                SpectrumMethod::Exact
            } else {
                SpectrumMethod::Lanczos
            },
            spread: edges::upper_spread(layer.fan_in, layer.fan_out, rms),
            observed,
            structure: observed - shuffled.largest(),
            tails_and_mean: shuffled.largest() - gaussian.largest(),
            gaussian,
            shuffled,
            trap,
        })
    }

    fn measured(
        &self,
        entries: &ControlMatrix<'_>,
        std: f64,
    ) -> Result<ControlFacts, SpectrumError> {
        let threshold = threshold(entries.n, entries.m, std);
        if self.plan.is_exact(self.layer) {
            self.exact(entries, threshold)
        } else {
            self.top(entries, threshold)
        }
    }

    fn exact(
        &self,
        entries: &ControlMatrix<'_>,
        threshold: f64,
    ) -> Result<ControlFacts, SpectrumError> {
        let mut values = linalg::singular_values(matrix(entries), self.plan.engine)?;
        let (n, m) = (entries.n.max(entries.m), entries.n.min(entries.m));
        let outliers_above = values.iter().filter(|&&s| s > threshold).count();
        let ks_median = spectrum::ks_median(&values, n, m);
        if !self.plan.full {
            values.truncate(1.max(MOST.min(outliers_above + 1)));
        }
        let largest = values.first().copied().unwrap_or(0.0);
        Ok(ControlFacts {
            singular_values: values,
            error: linalg::ACCURACY * largest,
            threshold_above: threshold,
            outliers_above,
            ks_median,
        })
    }

    /// Down to the first that is no outlier.
    fn top(
        &self,
        entries: &ControlMatrix<'_>,
        threshold: f64,
    ) -> Result<ControlFacts, SpectrumError> {
        let mut lanczos = Lanczos::new(matrix(entries), self.plan.seed);
        let mut count = 1;
        loop {
            let top = lanczos.top(count)?;
            let above = top.values.iter().filter(|&&s| s > threshold).count();
            if above < count || count >= MOST {
                return Ok(ControlFacts {
                    singular_values: top.values,
                    error: top.error,
                    threshold_above: threshold,
                    outliers_above: above,
                    ks_median: None,
                });
            }
            count += 1;
        }
    }
}

const ALL: [Control; 2] = [Control::Shuffled, Control::Gaussian];

impl ControlPlan {
    fn is_exact(&self, layer: &Layer) -> bool {
        self.full || layer.fan_in.min(layer.fan_out) <= SMALL
    }
}

impl MeasuredControl {
    /// In the units of the weights, which were divided by `rms`.
    fn in_units(mut self, rms: f64) -> Self {
        self.facts.error *= rms;
        self.facts.threshold_above *= rms;
        let values = self.facts.singular_values.iter_mut();
        values.for_each(|value| *value *= rms);
        if let Some(trap) = &mut self.trap {
            trap.without_mean *= rms;
            trap.without_large_entries = trap.without_large_entries.map(|s| s * rms);
            trap.without_both = trap.without_both.map(|s| s * rms);
        }
        self
    }
}

/// What the largest singular value of independent n×m entries of this standard deviation
/// passes once in 100 draws.
fn threshold(n: usize, m: usize, std: f64) -> f64 {
    edges::upper_threshold(n, m, std, spectrum::OUTLIER_LEVEL)
}

fn matrix<'a>(entries: &ControlMatrix<'a>) -> Matrix<'a, f32> {
    let (rows, cols) = match entries.orientation {
        Orientation::InOut => (entries.n, entries.m),
        Orientation::OutIn => (entries.m, entries.n),
    };
    Matrix::new(entries.stored, rows, cols).expect("a control has the layer's shape")
}
