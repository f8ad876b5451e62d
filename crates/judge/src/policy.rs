//! Limits: which checks there are, at which level, with which limit and why.
//!
//! The default policy is put together from the checks, each of which gives its own table with the
//! reason beside each limit. It is both what [`Policy::default_text`] shows and what
//! [`Policy::default`] parses, and its keys are the only ones a policy may use.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use globset::{Glob, GlobMatcher};
use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

use crate::checks::{Check, Rule, Severity, Subject};
use crate::label::{self, LabelLimits, Labelled, Labels};
use crate::normal_limits::NormalLimits;
use crate::start_word::StartLimits;
use crate::{Error, Result};
use randomlike_core::audit::{Audit, LayerFacts};

static DEFAULT: LazyLock<String> = LazyLock::new(|| {
    let mut text = HEAD.to_owned();
    for check in Check::ALL.map(Check::definition) {
        let _ = write!(
            text,
            "\n# {}\n[{}]\n{}",
            check.description, check.name, check.policy
        );
    }
    text + label::POLICY
});
const DEFAULT_PATH: &str = "default.toml";
const HEAD: &str = r#"# The default policy of randomlike: every check, its level, its limits, and why.
#
# level = "deny"   a failure makes `randomlike check` exit with 1
#         "warn"   a failure is reported, the gate holds
#         "allow"  a failure is listed only
#
# A policy of your own names only what differs:
#
#   [weights-gaussian]
#   max_ks = 0.03
#
#   [[layer]]                      # later patterns win over earlier ones
#   pattern = "classifier.*"       # a layer's name, or a glob: * ? [ab] {x,y}
#   quarter-circle = { level = "warn", max_multiple = 4 }
#
# A pattern that matches no layer is an error, and so is a name that is not in this file.
# A fact that was not measured is skipped: it never counts as a pass.
"#;
/// The array of per-layer tables, and the key that says which layers one is for.
const LAYER: &str = "layer";
const PATTERN: &str = "pattern";
/// The key that every check has.
const LEVEL: &str = "level";

/// Levels and limits for every check, and where they differ for some layers.
#[derive(Debug, Clone)]
pub struct Policy {
    path: PathBuf,
    rules: Rules,
    table: Table,
    exceptions: Vec<Exception>,
}

/// Levels and limits as they hold for one layer.
#[derive(Debug, Clone)]
pub struct Rules {
    checks: Arc<BTreeMap<Check, CheckLimits>>,
    labels: LabelLimits,
}

/// Level and limits of one check.
#[derive(Debug)]
pub(crate) struct CheckLimits {
    pub level: Severity,
    pub limits: BTreeMap<String, f64>,
    pub rule: Rule,
}

impl Rules {
    /// What a failure of `check` means for the gate.
    #[must_use]
    pub fn level(&self, check: Check) -> Severity {
        self.checks[&check].level
    }

    /// The limit of `check` with this key in the policy.
    #[must_use]
    pub fn limit(&self, check: Check, key: &str) -> Option<f64> {
        self.checks[&check].limits.get(key).copied()
    }

    /// The limits of labels.
    #[must_use]
    pub const fn labels(&self) -> &LabelLimits {
        &self.labels
    }

    /// Every check, in the order in which it is reported.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Check, &CheckLimits)> {
        self.checks.iter().map(|(check, limits)| (*check, limits))
    }

    fn read(table: &Table, path: &Path) -> Result<Self> {
        let limits = Check::ALL
            .into_iter()
            .map(|check| Ok((check, CheckLimits::read(check, table)?)))
            .collect::<std::result::Result<_, _>>();
        let checks: BTreeMap<_, _> = limits.map_err(|source| syntax(path, source))?;
        let labels = label_limits(table, &checks).map_err(|source| syntax(path, source))?;
        Ok(Self {
            checks: Arc::new(checks),
            labels,
        })
    }
}

/// The table of labels, and what they take from `weights-gaussian`.
fn label_limits(
    table: &Table,
    checks: &BTreeMap<Check, CheckLimits>,
) -> std::result::Result<LabelLimits, toml::de::Error> {
    // Inside of its table, so that an error names it and the key.
    let own = table
        .get(label::NAME)
        .map(|own| (label::NAME.to_owned(), own.clone()));
    let mut read: BTreeMap<String, LabelLimits> = Table::from_iter(own).try_into()?;
    let limits = &checks[&Check::WeightsGaussian].limits;
    let normal = NormalLimits {
        max_ks: limits["max_ks"],
        max_wasserstein: limits["max_wasserstein"],
        max_excess_kurtosis: limits["max_excess_kurtosis"],
    };
    let limits = &checks[&Check::MovedFromInitialisation].limits;
    let start = StartLimits {
        max_distance: limits["max_distance"],
        max_ks: limits["max_ks"],
        max_scale_change: limits["max_scale_change"],
        max_outside: limits["max_outside"],
    };
    let labels = read
        .pop_first()
        .expect("the default policy has the table")
        .1;
    Ok(LabelLimits {
        normal,
        start,
        ..labels
    })
}

impl CheckLimits {
    fn read(check: Check, table: &Table) -> std::result::Result<Self, toml::de::Error> {
        let table = table.get(check.name()).and_then(Value::as_table);
        let table = table.cloned().unwrap_or_default();
        let limits = table
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), number(value)?)))
            .collect();
        let level = table.get(LEVEL).cloned();
        // Each inside of the check's table, so that an error names the check and the key.
        let inside = |value: Value| Table::from_iter([(check.name().to_owned(), value)]);
        let level = Table::from_iter(level.map(|level| (LEVEL.to_owned(), level)));
        let levels: BTreeMap<String, BTreeMap<String, Severity>> =
            inside(Value::Table(level)).try_into()?;
        Ok(Self {
            level: levels[check.name()][LEVEL],
            limits,
            rule: (check.definition().read)(inside(Value::Table(table)))?,
        })
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
    pub fn default_text() -> &'static str {
        &DEFAULT
    }

    /// Reads a policy; `path` only names it in errors. What the text leaves out is as in
    /// the default.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let known = table(&DEFAULT, Path::new(DEFAULT_PATH))?;
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
            rules: Rules::read(&merged, path)?,
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

    /// One word for every layer of an audit.
    ///
    /// # Errors
    /// When the limits for a layer cannot be read.
    pub fn labels(&self, audit: &Audit) -> Result<Labels> {
        let labelled = |layer: &LayerFacts| {
            let rules = self.for_layer(&layer.name)?;
            Ok(Labelled::judge(layer, rules.labels()))
        };
        Ok(Labels {
            policy: self.digest(),
            layers: audit.layers.iter().map(labelled).collect::<Result<_>>()?,
        })
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
        merged.map_or_else(
            || Ok(self.rules.clone()),
            |table| Rules::read(&table, &self.path),
        )
    }
}

fn table(text: &str, path: &Path) -> Result<Table> {
    text.parse().map_err(|source| syntax(path, source))
}

fn syntax(path: &Path, source: toml::de::Error) -> Error {
    Error::PolicySyntax {
        path: path.to_owned(),
        source: Box::new(source),
    }
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
    for check in Check::ALL {
        if check.subject() == Subject::Checkpoint {
            known.remove(check.name());
        }
    }
    check_keys(&table, &known, path)?;
    let matcher = Glob::new(&pattern)
        .map_err(|source| Error::PolicyPattern {
            path: path.to_owned(),
            pattern: pattern.clone(),
            source: source.into(),
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
            if let Some(wanted) = refused(check, limit, value) {
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
fn refused(check: &str, limit: &str, value: &Value) -> Option<&'static str> {
    // Every other type is refused by its name when the rules are read.
    let value = number(value)?;
    let check = Check::ALL.into_iter().find(|known| known.name() == check);
    let ranges = check.map_or(label::RANGES, |check| check.definition().ranges);
    match ranges.iter().find(|range| range.key == limit) {
        Some(range) => (!range.range.contains(&value)).then_some(range.wanted),
        None => (!(0.0..=f64::MAX).contains(&value)).then_some("a finite number, 0 or more"),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        Value::Integer(value) => Some(*value as f64),
        _ => None,
    }
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
