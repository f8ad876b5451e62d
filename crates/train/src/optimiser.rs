//! Adam and SGD with momentum.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::net::Net;

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

    fn from_str(text: &str) -> Result<Self, String> {
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
    /// First moment of each parameter, or its momentum.
    pub first: Net,
    /// Its second moment.
    pub second: Net,
}

impl Optimiser {
    pub(super) fn new(rule: Rule, net: &Net) -> Self {
        Self::resumed(rule, 0, net.zeros(), net.zeros())
    }

    /// As it was after `steps`, with these moments.
    pub(super) const fn resumed(rule: Rule, steps: usize, first: Net, second: Net) -> Self {
        Self {
            rule,
            steps,
            first,
            second,
        }
    }

    /// One step, its size `share` of the first.
    pub(super) fn step(&mut self, net: &mut Net, gradient: &Net, share: f64) {
        self.steps += 1;
        let rate = share * self.rule.rate();
        let moments = self
            .first
            .parameters_mut()
            .zip(self.second.parameters_mut());
        let parameters = net.parameters_mut().zip(gradient.parameters());
        for ((parameter, gradient), (first, second)) in parameters.zip(moments) {
            let entries = parameter.iter_mut().zip(gradient).zip(first);
            match self.rule {
                Rule::Adam { .. } => {
                    // 1 − βᵗ underflows to 1 after a while, as it should.
                    let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
                    let (one, two) = (1.0 - BETA.0.powi(steps), 1.0 - BETA.1.powi(steps));
                    let (rate, scale) = ((rate / one) as f32, two.sqrt().recip() as f32);
                    let (keep_m, keep_v) = (BETA.0 as f32, BETA.1 as f32);
                    for (((p, g), m), v) in entries.zip(second) {
                        *m = keep_m * *m + (1.0 - keep_m) * g;
                        *v = keep_v * *v + (1.0 - keep_v) * g * g;
                        *p -= rate * *m / (v.sqrt() * scale + EPSILON as f32);
                    }
                }
                Rule::Sgd { momentum, .. } => {
                    for ((p, g), v) in entries {
                        *v = momentum as f32 * *v + g;
                        *p -= rate as f32 * *v;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;
    use crate::net::Dense;

    /// A net of one unit with these weights and a bias of 0.
    fn one_unit(weights: &[f32]) -> Net {
        let weight = Matrix {
            rows: 1,
            cols: weights.len(),
            entries: weights.to_vec(),
        };
        Net {
            layers: vec![Dense {
                weight,
                bias: vec![0.0],
            }],
        }
    }

    /// Steps on Σ c(p − t)² from a start; the parameters after each.
    fn descent(rule: Rule, start: &[f32], steps: usize) -> Vec<Vec<f32>> {
        let (curvatures, targets) = ([1.0, 10.0, 0.1], [1.0, -2.0, 0.5]);
        let mut net = one_unit(start);
        let mut optimiser = Optimiser::new(rule, &net);
        let path = (0..steps).map(|_| {
            let at = net.layers[0].weight.entries.iter();
            let slopes = at.zip(curvatures).zip(targets);
            let slopes: Vec<f32> = slopes.map(|((p, c), t)| 2.0 * c * (p - t)).collect();
            optimiser.step(&mut net, &one_unit(&slopes), 1.0);
            net.layers[0].weight.entries.clone()
        });
        path.collect()
    }

    // optax's steps on the same sum: reference/make.py.
    #[test]
    fn adam_is_that_of_another_library() {
        let reference: serde_json::Value =
            serde_json::from_str(include_str!("reference/reference.json")).unwrap();
        let path: Vec<(usize, [f32; 3])> =
            serde_json::from_value(reference["adam"].clone()).unwrap();
        let found = descent(Rule::Adam { rate: 0.05 }, &[0.0, 0.0, 3.0], 100);
        assert_eq!(path.len(), 3);
        for (steps, wanted) in path {
            for (found, wanted) in found[steps - 1].iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-5, "{steps}: {found} {wanted}");
            }
        }
    }

    // g = 2(p − 1) from p = 0, rate .1, μ = .5: v = −2, p = .2; v = −1 − 1.6 = −2.6, p = .46.
    #[test]
    fn momentum_by_hand() {
        let rule = Rule::Sgd {
            rate: 0.1,
            momentum: 0.5,
        };
        for (found, wanted) in descent(rule, &[0.0], 2).iter().zip([0.2, 0.46]) {
            assert!((found[0] - wanted).abs() < 1e-6, "{found:?}");
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
