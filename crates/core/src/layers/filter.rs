//! `--include` and `--exclude`.

use globset::{Glob, GlobMatcher};

use super::{Selection, names};
use crate::skip::TensorSkip;
use crate::{Error, Result};
use randomlike_checkpoint::TensorFacts;

/// `--include` and `--exclude`, of which each matches something.
pub(super) struct Filter {
    include: Vec<(String, GlobMatcher)>,
    exclude: Vec<(String, GlobMatcher)>,
}

impl Filter {
    pub(super) fn new(tensors: &[&TensorFacts], selection: &Selection) -> Result<Self> {
        let compile = |patterns: &[String]| -> Result<Vec<(String, GlobMatcher)>> {
            patterns
                .iter()
                .map(|pattern| Ok((pattern.clone(), matcher(pattern, tensors)?)))
                .collect()
        };
        Ok(Self {
            include: compile(&selection.include)?,
            exclude: compile(&selection.exclude)?,
        })
    }

    /// Why a tensor is left out, if it is.
    pub(super) fn refuses(&self, tensor: &TensorFacts) -> Option<TensorSkip> {
        let hit = |(_, glob): &&(String, GlobMatcher)| glob.is_match(&tensor.tensor);
        if let Some((pattern, _)) = self.exclude.iter().find(hit) {
            let pattern = pattern.clone();
            return Some(TensorSkip::Excluded { pattern });
        }
        (!self.include.is_empty() && !self.include.iter().any(|p| hit(&p)))
            .then_some(TensorSkip::NotIncluded)
    }

    /// Whether a pattern of `--include` is the tensor's own name: then it is measured whatever it is
    /// called.
    pub(super) fn names(&self, tensor: &TensorFacts) -> bool {
        let mut include = self.include.iter();
        include.any(|(pattern, _)| is_name_of(pattern, &tensor.tensor))
    }
}

/// Whether a pattern is the name of a tensor, or of its module, and not of one that holds many:
/// what it says without its stars is a part of the module's own name.
fn is_name_of(pattern: &str, tensor: &str) -> bool {
    let literal = pattern.trim_matches('*');
    let mut steps = literal
        .rsplit(['.', '/'])
        .filter(|step| !matches!(*step, "" | "weight" | "kernel"));
    let Some(module) = steps.next() else {
        return false;
    };
    !literal.contains(['*', '?', '[', '{'])
        && tensor.contains(literal)
        && names::own(tensor).contains(&module.to_ascii_lowercase())
}

/// A glob; text without glob characters stands for any name that holds it.
fn glob(pattern: &str) -> Result<GlobMatcher> {
    let text = if pattern.contains(['*', '?', '[', '{']) {
        pattern.to_owned()
    } else {
        format!("*{pattern}*")
    };
    let glob = Glob::new(&text).map_err(|source| Error::Pattern {
        pattern: pattern.to_owned(),
        source: source.into(),
    })?;
    Ok(glob.compile_matcher())
}

/// The same of a pattern that matches something.
fn matcher(pattern: &str, tensors: &[&TensorFacts]) -> Result<GlobMatcher> {
    let glob = glob(pattern)?;
    if tensors.iter().any(|tensor| glob.is_match(&tensor.tensor)) {
        return Ok(glob);
    }
    let names: Vec<String> = tensors
        .iter()
        .take(5)
        .map(|t| format!("`{}`", t.tensor))
        .collect();
    Err(Error::PatternUnmatched {
        pattern: pattern.to_owned(),
        names: names.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_a_tensor_or_many() {
        let embedding = "model.embed_tokens.weight";
        for pattern in [
            "embed_tokens",
            "*embed_tokens*",
            "embed",
            "model.embed_tokens.weight",
            "*.embed_tokens.weight",
        ] {
            assert!(is_name_of(pattern, embedding), "{pattern}");
        }
        for pattern in ["*", "model", "model.*", "*.weight", "weight", "m?del"] {
            assert!(!is_name_of(pattern, embedding), "{pattern}");
        }
    }
}
