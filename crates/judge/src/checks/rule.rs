//! How a check judges, with its limits read.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use toml::Table;
use toml::de::Error;

use super::{Case, Finding, Ruling, SkipReason};
use randomlike_core::audit::{
    Audit, Balanced, Biases, LayerFacts, LayerShadow, Section, Spectrum, Start, Unmeasured, Weights,
};

type OfCheckpoint = dyn Fn(&Audit, &[Vec<Finding>]) -> Ruling + Send + Sync;
type OfOthers = dyn Fn(&Audit) -> Option<Ruling> + Send + Sync;
type OfLayer = dyn Fn(&LayerFacts) -> Ruling + Send + Sync;
type OfBaseline = dyn Fn(&BesideBaseline<'_>) -> Vec<Ruling> + Send + Sync;

/// A check with its limits.
pub(crate) enum Rule {
    /// Of the audit, and the findings on each layer in its order.
    Checkpoint(Box<OfCheckpoint>),
    /// Of one layer.
    Layer(Box<OfLayer>),
    /// Of one layer, and of the tensors that are no layer, all together.
    LayerAndOthers(Box<OfLayer>, Box<OfOthers>),
    /// Of one layer and its earlier state.
    Baseline(Box<OfBaseline>),
}

/// A layer in an audit and its baseline.
#[derive(Debug)]
pub(crate) enum BesideBaseline<'a> {
    /// It is in both.
    Both(Vec<FigureBeside<'a>>),
    /// Only the baseline has it, with so many inputs and outputs.
    Gone { fan_in: usize, fan_out: usize },
    /// Only the audit has it.
    New,
}

/// A figure that the baseline has, such as `weights.ks`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FigureBeside<'a> {
    pub name: &'a str,
    /// Whether it is a number of things.
    pub is_count: bool,
    pub state: FigureState<'a>,
}

/// What became of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FigureState<'a> {
    /// Both have it; a unit is the standard error of the difference, where theory gives one.
    Compared {
        before: f64,
        now: f64,
        unit: Option<f64>,
    },
    /// The audit does not have it.
    NoLongerMeasured { why: &'a Unmeasured },
}

/// A section of a layer that a check can need.
pub(crate) trait NeededSection: Sized {
    /// Its name in `audit.json`.
    const NAME: &'static str;

    fn in_layer(layer: &LayerFacts) -> &Section<Self>;
}

macro_rules! needed {
    ($Facts:ty, $field:ident) => {
        impl NeededSection for $Facts {
            const NAME: &'static str = stringify!($field);

            fn in_layer(layer: &LayerFacts) -> &Section<Self> {
                &layer.$field
            }
        }
    };
}

needed!(Weights, weights);
needed!(Biases, biases);
needed!(Spectrum, spectrum);
needed!(LayerShadow, shadow);
needed!(Balanced, balanced);
needed!(Start, start);

impl Rule {
    /// Judges the checkpoint.
    pub(crate) fn checkpoint<L: Limits>(
        table: Table,
        judge: fn(&L, &Audit, &[Vec<Finding>]) -> Ruling,
    ) -> Result<Self, Error> {
        let limits = limits(table)?;
        Ok(Self::Checkpoint(Box::new(move |audit, findings| {
            judge(&limits, audit, findings)
        })))
    }

    /// Judges a layer.
    pub(crate) fn layer<L: Limits>(
        table: Table,
        judge: fn(&L, &LayerFacts) -> Ruling,
    ) -> Result<Self, Error> {
        let limits = limits(table)?;
        Ok(Self::Layer(Box::new(move |layer| judge(&limits, layer))))
    }

    /// Judges a layer, and all tensors that are none, where there are any.
    pub(crate) fn layer_and_others<L: Limits + Clone>(
        table: Table,
        judge: fn(&L, &LayerFacts) -> Ruling,
        judge_others: fn(&L, &Audit) -> Option<Ruling>,
    ) -> Result<Self, Error> {
        let limits: L = limits(table)?;
        let others = limits.clone();
        Ok(Self::LayerAndOthers(
            Box::new(move |layer| judge(&limits, layer)),
            Box::new(move |audit| judge_others(&others, audit)),
        ))
    }

    /// Judges a layer by one of its sections; where that was not measured the check is skipped
    /// as `unknown`.
    pub(crate) fn section<L: Limits, S: NeededSection + 'static>(
        table: Table,
        unknown: &'static Case,
        judge: fn(&L, &LayerFacts, &S) -> Ruling,
    ) -> Result<Self, Error> {
        let limits = limits(table)?;
        Ok(Self::Layer(Box::new(move |layer| {
            match S::in_layer(layer) {
                Section::Measured(facts) => judge(&limits, layer, facts),
                Section::Skipped { reason } => not_measured::<S>(reason, unknown),
            }
        })))
    }

    /// Judges a layer beside its earlier state.
    pub(crate) fn baseline<L: Limits>(
        table: Table,
        judge: fn(&L, &BesideBaseline<'_>) -> Vec<Ruling>,
    ) -> Result<Self, Error> {
        let limits = limits(table)?;
        Ok(Self::Baseline(Box::new(move |beside| {
            judge(&limits, beside)
        })))
    }
}

/// A ruling where a section was not measured.
pub(crate) fn not_measured<S: NeededSection>(why: &Unmeasured, case: &'static Case) -> Ruling {
    let reason = SkipReason::NotMeasured {
        section: S::NAME,
        why: why.clone(),
    };
    Ruling::skipped(reason, case)
}

/// The limits of one check by their types.
pub(crate) trait Limits: DeserializeOwned + Send + Sync + 'static {}

impl<L: DeserializeOwned + Send + Sync + 'static> Limits for L {}

// Read inside of their table, so that an error names the check and the key.
fn limits<L: Limits>(table: Table) -> Result<L, Error> {
    let mut tables: BTreeMap<String, L> = table.try_into()?;
    let limits = tables.pop_first();
    Ok(limits.expect("the caller gives one table").1)
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checkpoint(_) => "Checkpoint",
            Self::Layer(_) => "Layer",
            Self::LayerAndOthers(..) => "LayerAndOthers",
            Self::Baseline(_) => "Baseline",
        })
    }
}
