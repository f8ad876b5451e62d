//! Adam and SGD with momentum, in place. candle-nn's keep their state to themselves, and a run
//! that is resumed needs it.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var};
use serde::{Deserialize, Serialize};

/// A rule and its first step size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "rule")]
pub enum Rule {
    /// Kingma & Ba 2015, β = (.9, .999), ε = 1e-8.
    Adam {
        /// Step size at the start.
        rate: f64,
    },
    /// v ← μv + g, p ← p − rate·v.
    Sgd {
        /// Step size at the start.
        rate: f64,
        /// μ.
        momentum: f64,
    },
}

impl Rule {
    const fn rate(self) -> f64 {
        match self {
            Self::Adam { rate } | Self::Sgd { rate, .. } => rate,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adam { rate } => write!(f, "adam:{rate}"),
            Self::Sgd { rate, momentum } => write!(f, "sgd:{rate}:{momentum}"),
        }
    }
}

/// `adam`, `adam:RATE`, `sgd`, `sgd:RATE` or `sgd:RATE:MOMENTUM`.
impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let number = |at: usize, default: f64| match parts.get(at) {
            None => Ok(default),
            Some(part) => part
                .parse::<f64>()
                .map_err(|_| format!("`{part}` is no number")),
        };
        let rule = match (parts[0], parts.len()) {
            ("adam", 1 | 2) => Self::Adam {
                rate: number(1, 1e-3)?,
            },
            ("sgd", 1..=3) => Self::Sgd {
                rate: number(1, 0.05)?,
                momentum: number(2, 0.9)?,
            },
            _ => return Err("it is adam or sgd: adam:RATE, sgd:RATE:MOMENTUM".to_owned()),
        };
        if !(rule.rate() > 0.0 && rule.rate().is_finite()) {
            return Err("the step size must be above 0".to_owned());
        }
        if matches!(rule, Self::Sgd { momentum, .. } if !(0.0..1.0).contains(&momentum)) {
            return Err("the momentum must be from 0 to below 1".to_owned());
        }
        Ok(rule)
    }
}

/// How the step size falls over a run of T steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// 1 − t/T.
    #[default]
    Linear,
    /// (1 + cos(πt/T))/2 (Loshchilov & Hutter 2017, without restarts).
    Cosine,
    /// 1.
    Constant,
}

impl Schedule {
    /// Share of the first step size at a step, from 0.
    pub(super) fn share(self, step: usize, steps: usize) -> f64 {
        let done = step as f64 / steps as f64;
        match self {
            Self::Linear => 1.0 - done,
            Self::Cosine => f64::midpoint(1.0, (PI * done).cos()),
            Self::Constant => 1.0,
        }
    }
}

const BETA: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// The state that goes with the parameters.
#[derive(Debug, Clone)]
pub(super) struct Optimiser {
    rule: Rule,
    steps: usize,
    /// First moment (or momentum) and second moment of each parameter.
    moments: Vec<(Tensor, Tensor)>,
}

impl Optimiser {
    pub(super) fn new<'a>(rule: Rule, parameters: impl Iterator<Item = &'a Var>) -> Result<Self> {
        let zeros = |p: &Var| Ok((p.zeros_like()?, p.zeros_like()?));
        Ok(Self {
            rule,
            steps: 0,
            moments: parameters.map(zeros).collect::<Result<_>>()?,
        })
    }

    /// As it was after `steps`, with these moments.
    pub(super) const fn resumed(rule: Rule, steps: usize, moments: Vec<(Tensor, Tensor)>) -> Self {
        Self {
            rule,
            steps,
            moments,
        }
    }

    /// First and second moment of each parameter.
    pub(super) fn moments(&self) -> &[(Tensor, Tensor)] {
        &self.moments
    }

    /// One step, its size `share` of the first.
    pub(super) fn step<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a Var>,
        gradients: &GradStore,
        share: f64,
    ) -> Result<()> {
        self.steps += 1;
        let rate = share * self.rule.rate();
        for (parameter, (first, second)) in parameters.zip(&self.moments) {
            let Some(gradient) = gradients.get(parameter) else {
                continue;
            };
            let gradient = gradient.contiguous()?;
            match self.rule {
                Rule::Adam { .. } => {
                    first.inplace_op2(&gradient, &Decayed(BETA.0 as f32, Power::First))?;
                    second.inplace_op2(&gradient, &Decayed(BETA.1 as f32, Power::Second))?;
                    // 1 − βᵗ underflows to 1 after a while, as it should.
                    let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
                    let (one, two) = (1.0 - BETA.0.powi(steps), 1.0 - BETA.1.powi(steps));
                    let adam = AdamStep {
                        rate: (rate / one) as f32,
                        scale: two.sqrt().recip() as f32,
                    };
                    parameter.inplace_op3(first, second, &adam)?;
                }
                Rule::Sgd { momentum, .. } => {
                    first.inplace_op1(&Scaled(momentum as f32))?;
                    first.inplace_op2(&gradient, &Added(1.0))?;
                    parameter.inplace_op2(first, &Added(-rate as f32))?;
                }
            }
        }
        Ok(())
    }
}

/// The entries of a contiguous tensor of f32.
fn entries<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all: &[f32] = storage.as_slice()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&all[start..end]),
        None => candle_core::bail!("a tensor that is not contiguous"),
    }
}

fn entries_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(all), Some((start, end))) => Ok(&mut all[start..end]),
        _ => candle_core::bail!("a tensor that is not contiguous f32"),
    }
}

enum Power {
    First,
    Second,
}

/// m ← βm + (1 − β)g or g².
struct Decayed(f32, Power);

impl InplaceOp2 for Decayed {
    fn name(&self) -> &'static str {
        "decayed mean"
    }

    fn cpu_fwd(
        &self,
        mean: &mut CpuStorage,
        mean_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let (beta, rest) = (self.0, 1.0 - self.0);
        let pairs = entries_mut(mean, mean_layout)?
            .iter_mut()
            .zip(entries(gradient, gradient_layout)?);
        match self.1 {
            Power::First => pairs.for_each(|(m, g)| *m = beta * *m + rest * g),
            Power::Second => pairs.for_each(|(v, g)| *v = beta * *v + rest * g * g),
        }
        Ok(())
    }
}

/// p ← p − rate·m/(√v·scale + ε).
struct AdamStep {
    rate: f32,
    scale: f32,
}

impl InplaceOp3 for AdamStep {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        parameter_layout: &Layout,
        first: &CpuStorage,
        first_layout: &Layout,
        second: &CpuStorage,
        second_layout: &Layout,
    ) -> Result<()> {
        let (first, second) = (
            entries(first, first_layout)?,
            entries(second, second_layout)?,
        );
        let parameter = entries_mut(parameter, parameter_layout)?;
        for ((p, m), v) in parameter.iter_mut().zip(first).zip(second) {
            *p -= self.rate * m / (v.sqrt() * self.scale + EPSILON as f32);
        }
        Ok(())
    }
}

/// a ← c·a.
struct Scaled(f32);

impl InplaceOp1 for Scaled {
    fn name(&self) -> &'static str {
        "scaled"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        for entry in entries_mut(storage, layout)? {
            *entry *= self.0;
        }
        Ok(())
    }
}

/// a ← a + c·b.
struct Added(f32);

impl InplaceOp2 for Added {
    fn name(&self) -> &'static str {
        "added"
    }

    fn cpu_fwd(
        &self,
        sum: &mut CpuStorage,
        sum_layout: &Layout,
        other: &CpuStorage,
        other_layout: &Layout,
    ) -> Result<()> {
        let pairs = entries_mut(sum, sum_layout)?
            .iter_mut()
            .zip(entries(other, other_layout)?);
        pairs.for_each(|(a, b)| *a += self.0 * b);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    fn loss(p: &Var) -> Tensor {
        let target = Tensor::new(&[1.0_f32, -2.0, 0.5], &Device::Cpu).unwrap();
        let weights = Tensor::new(&[1.0_f32, 10.0, 0.1], &Device::Cpu).unwrap();
        let square = (p.as_tensor() - target).unwrap().sqr().unwrap();
        (square * weights).unwrap().sum_all().unwrap()
    }

    fn start() -> Var {
        Var::new(&[0.0_f32, 0.0, 3.0], &Device::Cpu).unwrap()
    }

    // candle-nn's AdamW without decay is Adam.
    #[test]
    fn adam_is_the_librarys() {
        let (ours, theirs) = (start(), start());
        let rule = Rule::Adam { rate: 0.05 };
        let mut optimiser = Optimiser::new(rule, [&ours].into_iter()).unwrap();
        let parameters = ParamsAdamW {
            lr: 0.05,
            weight_decay: 0.0,
            ..ParamsAdamW::default()
        };
        let mut library = AdamW::new(vec![theirs.clone()], parameters).unwrap();
        for _ in 0..100 {
            let gradients = loss(&ours).backward().unwrap();
            optimiser
                .step([&ours].into_iter(), &gradients, 1.0)
                .unwrap();
            library.backward_step(&loss(&theirs)).unwrap();
        }
        let far = (ours.as_tensor() - theirs.as_tensor())
            .unwrap()
            .abs()
            .unwrap();
        let far: f32 = far.max_all().unwrap().to_scalar().unwrap();
        assert!(far < 1e-5, "{far}");
    }

    // g = 2(p − 1) from p = 0, rate .1, μ = .5: v = −2, p = .2; v = −1 − 1.6 = −2.6, p = .46.
    #[test]
    fn momentum_by_hand() {
        let p = Var::new(&[0.0_f32], &Device::Cpu).unwrap();
        let rule = Rule::Sgd {
            rate: 0.1,
            momentum: 0.5,
        };
        let mut optimiser = Optimiser::new(rule, [&p].into_iter()).unwrap();
        for wanted in [0.2, 0.46] {
            let loss = (p.as_tensor() - 1.0)
                .unwrap()
                .sqr()
                .unwrap()
                .sum_all()
                .unwrap();
            let gradients = loss.backward().unwrap();
            optimiser.step([&p].into_iter(), &gradients, 1.0).unwrap();
            let found: f32 = p.to_vec1::<f32>().unwrap()[0];
            assert!((found - wanted).abs() < 1e-6, "{found}");
        }
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        for text in ["adam:0.003", "sgd:0.05:0.9"] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!("adam".parse(), Ok(Rule::Adam { rate: 1e-3 }));
    }

    // A third of the way: 2/3, (1 + cos 60°)/2 = 3/4, 1.
    #[test]
    fn step_sizes_fall() {
        let schedules = [Schedule::Linear, Schedule::Cosine, Schedule::Constant];
        for (schedule, wanted) in schedules.into_iter().zip([2.0 / 3.0, 0.75, 1.0]) {
            assert!((schedule.share(100, 300) - wanted).abs() < 1e-12);
            assert!((schedule.share(0, 300) - 1.0).abs() < 1e-12);
        }
    }
}
