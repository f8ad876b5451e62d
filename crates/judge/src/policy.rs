//! Limits: which checks there are, at which level, with which limit and why.
//!
//! The default policy is a file, `policy/default.toml`, that gives the reason beside each
//! limit; it is both what [`Policy::default_text`] shows and what [`Policy::default`] parses,
//! and its keys are the only ones a policy may use.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

use crate::label::LabelLimits;
use crate::verdict::{
    Baseline, BiasesConstant, Check, Covered, Finite, Level, LevelSpacing, MovedFromInitialisation,
    QuarterCircle, ShadowReversible, SpectralEdge, WeightsGaussian, WeightsOnly,
};
use crate::{Error, Result};

const DEFAULT: &str = concat!(
    include_str!("policy/default.toml"),
    include_str!("policy/labels.toml")
);
const DEFAULT_PATH: &str = "default.toml";
/// The array of per-layer tables, and the key that says which layers one is for.
const LAYER: &str = "layer";
const PATTERN: &str = "pattern";

/// Levels and limits for every check, and where they differ for some layers.
#[derive(Debug, Clone)]
pub struct Policy {
    path: PathBuf,
    rules: Rules,
    table: Table,
    exceptions: Vec<Exception>,
}

/// Levels and limits as they hold for one layer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rules {
    /// No weight or bias is NaN or infinite.
    pub finite: Finite,
    /// Enough of the checkpoint could be judged.
    pub covered: Covered,
    /// Whoever loads the checkpoint imports nothing but what weights are made of.
    pub weights_only: WeightsOnly,
    /// The weights follow a normal law.
    pub weights_gaussian: WeightsGaussian,
    /// The weights no longer match a known initialiser.
    pub moved_from_initialisation: MovedFromInitialisation,
    /// The biases are one constant, or negligible.
    pub biases_constant: BiasesConstant,
    /// The singular values follow the law.
    pub quarter_circle: QuarterCircle,
    /// No singular value lies outside the law's edges.
    pub spectral_edge: SpectralEdge,
    /// Neighbouring singular values repel.
    pub level_spacing: LevelSpacing,
    /// The layer gives codes back as well as its shuffled control does.
    pub shadow_reversible: ShadowReversible,
    /// Nothing is worse than in an earlier audit.
    pub baseline: Baseline,
    /// One word for the layer.
    pub labels: LabelLimits,
}

impl Rules {
    /// What a failure of `check` means for the gate.
    #[must_use]
    pub const fn level(&self, check: Check) -> Level {
        match check {
            Check::Finite => self.finite.level,
            Check::Covered => self.covered.level,
            Check::WeightsOnly => self.weights_only.level,
            Check::WeightsGaussian => self.weights_gaussian.level,
            Check::BiasesConstant => self.biases_constant.level,
            Check::QuarterCircle => self.quarter_circle.level,
            Check::SpectralEdge => self.spectral_edge.level,
            Check::LevelSpacing => self.level_spacing.level,
            Check::ShadowReversible => self.shadow_reversible.level,
            Check::MovedFromInitialisation => self.moved_from_initialisation.level,
            Check::Baseline => self.baseline.level,
        }
    }
}

/// What differs for the layers that match a pattern.
#[derive(Debug, Clone)]
struct Exception {
    pattern: String,
    matcher: GlobMatcher,
    table: Table,
}

impl Exception {
    // `experts[3]` is a layer's name before it is a character class.
    fn matches(&self, layer: &str) -> bool {
        self.pattern == layer || self.matcher.is_match(layer)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::parse("", Path::new(DEFAULT_PATH)).expect("a test parses the default policy")
    }
}

impl Policy {
    /// The default policy as written, with the reason beside each limit.
    #[must_use]
    pub const fn default_text() -> &'static str {
        DEFAULT
    }

    /// Reads a policy; `path` only names it in errors. What the text leaves out is as in
    /// the default.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let known = table(DEFAULT, Path::new(DEFAULT_PATH))?;
        let mut written = table(text, path)?;
        let exceptions = take_exceptions(&mut written, path)?
            .into_iter()
            .map(|table| exception(table, &known, path))
            .collect::<Result<Vec<_>>>()?;
        check_keys(&written, &known, path)?;
        let mut merged = known;
        merge(&mut merged, &written);
        let policy = Self {
            path: path.to_owned(),
            rules: rules(&merged, path)?,
            table: merged,
            exceptions,
        };
        // Every exception must make sense before the first layer is judged.
        for exception in &policy.exceptions {
            policy.with(std::iter::once(exception))?;
        }
        Ok(policy)
    }

    /// SHA-256, in hexadecimal, of every level and limit that holds and of what differs for some
    /// layers; comments, order and what only repeats the default make no difference.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut whole = self.table.to_string();
        for Exception { pattern, table, .. } in &self.exceptions {
            whole.extend([pattern, "\n", &table.to_string()]);
        }
        let digest = Sha256::digest(whole.as_bytes());
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Levels and limits where no pattern says otherwise.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Levels and limits for the layer called `layer`.
    pub fn for_layer(&self, layer: &str) -> Result<Rules> {
        self.with(
            self.exceptions
                .iter()
                .filter(|exception| exception.matches(layer)),
        )
    }

    /// Refuses a pattern that matches none of the layers called so: most likely it is misspelt.
    pub fn check_patterns<'a>(&self, layers: impl Iterator<Item = &'a str>) -> Result<()> {
        let layers: Vec<&str> = layers.collect();
        let idle = self
            .exceptions
            .iter()
            .find(|e| !layers.iter().any(|layer| e.matches(layer)));
        idle.map_or(Ok(()), |exception| {
            Err(Error::PolicyUnmatched {
                path: self.path.clone(),
                pattern: exception.pattern.clone(),
                layers: listed(layers.iter().copied()),
            })
        })
    }

    fn with<'a>(&self, exceptions: impl Iterator<Item = &'a Exception>) -> Result<Rules> {
        let mut merged = None;
        for exception in exceptions {
            merge(
                merged.get_or_insert_with(|| self.table.clone()),
                &exception.table,
            );
        }
        merged.map_or_else(|| Ok(self.rules.clone()), |table| rules(&table, &self.path))
    }
}

fn table(text: &str, path: &Path) -> Result<Table> {
    text.parse().map_err(|source| Error::PolicySyntax {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn rules(table: &Table, path: &Path) -> Result<Rules> {
    Rules::deserialize(table.clone()).map_err(|source| Error::PolicySyntax {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

fn take_exceptions(table: &mut Table, path: &Path) -> Result<Vec<Table>> {
    let misplaced = || Error::PolicyPatternMissing {
        path: path.to_owned(),
    };
    match table.remove(LAYER) {
        None => Ok(Vec::new()),
        Some(Value::Array(tables)) => tables
            .into_iter()
            .map(|t| {
                if let Value::Table(t) = t {
                    Ok(t)
                } else {
                    Err(misplaced())
                }
            })
            .collect(),
        Some(_) => Err(misplaced()),
    }
}

fn exception(mut table: Table, known: &Table, path: &Path) -> Result<Exception> {
    let Some(Value::String(pattern)) = table.remove(PATTERN) else {
        return Err(Error::PolicyPatternMissing {
            path: path.to_owned(),
        });
    };
    let mut known = known.clone();
    for check in Check::OF_THE_WHOLE {
        known.remove(check.name());
    }
    check_keys(&table, &known, path)?;
    let matcher = Glob::new(&pattern)
        .map_err(|source| Error::PolicyPattern {
            path: path.to_owned(),
            pattern: pattern.clone(),
            source,
        })?
        .compile_matcher();
    Ok(Exception {
        pattern,
        matcher,
        table,
    })
}

// Unknown names, and limits that compare with nothing, are refused by name.
fn check_keys(written: &Table, known: &Table, path: &Path) -> Result<()> {
    for (check, limits) in written {
        let Some(Value::Table(known_limits)) = known.get(check) else {
            return Err(unknown(path, "check", check, &meant(check, known), known));
        };
        let Value::Table(limits) = limits else {
            return Err(Error::PolicyLimit {
                path: path.to_owned(),
                key: check.clone(),
                wanted: "a table of limits",
            });
        };
        for (limit, value) in limits {
            let key = format!("{check}.{limit}");
            if !known_limits.contains_key(limit) {
                let meant = meant(limit, known_limits);
                return Err(unknown(path, "key", &key, &meant, known_limits));
            }
            if let Some(wanted) = refused(&key, value) {
                return Err(Error::PolicyLimit {
                    path: path.to_owned(),
                    key,
                    wanted,
                });
            }
        }
    }
    Ok(())
}

// What the limit would have to be, when `value` is not.
fn refused(key: &str, value: &Value) -> Option<&'static str> {
    let value = match value {
        Value::Float(value) => *value,
        Value::Integer(value) => *value as f64,
        // Every other type is refused by its name when the rules are read.
        _ => return None,
    };
    let (range, wanted) = match key {
        // A gate that asks for no layer would pass what nobody looked at.
        "covered.min_layers" => (1.0..=f64::MAX, "1 or more"),
        "covered.min_share" | "labels.min_bulk_share" | "labels.min_p" => {
            (0.0..=1.0, "a share from 0 to 1")
        }
        "moved-from-initialisation.min_weights" => (
            1600.0..=f64::MAX,
            "1600 or more, from where on initialisers are looked for",
        ),
        "shadow-reversible.max_control_error" => (
            0.0..=0.95,
            "a relative error from 0 to 0.95, beyond which every layer would pass",
        ),
        _ => (0.0..=f64::MAX, "a finite number, 0 or more"),
    };
    (!range.contains(&value)).then_some(wanted)
}

/// The nearest known name as a question, when few enough letters differ to be a slip.
fn meant(name: &str, known: &Table) -> String {
    let slips = (name.chars().count() / 3).clamp(1, 4);
    known
        .keys()
        .map(|key| (strsim::levenshtein(name, key), key))
        .filter(|(edits, _)| *edits <= slips)
        .min()
        .map_or_else(String::new, |(_, near)| {
            format!(" (did you mean `{near}`?)")
        })
}

fn unknown(path: &Path, what: &'static str, name: &str, meant: &str, known: &Table) -> Error {
    let known = known
        .keys()
        .map(|key| format!("`{key}`"))
        .collect::<Vec<_>>()
        .join(", ");
    Error::PolicyUnknown {
        path: path.to_owned(),
        what,
        name: name.to_owned(),
        instead: format!("{meant}; there are {known}"),
    }
}

fn merge(base: &mut Table, over: &Table) {
    for (check, limits) in over {
        if let (Some(Value::Table(base)), Value::Table(limits)) = (base.get_mut(check), limits) {
            base.extend(limits.clone());
        }
    }
}

// The first few names, for an error that must stay readable.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

#[cfg(test)]
mod tests;
