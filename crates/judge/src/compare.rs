//! Two checkpoints side by side.
//!
//! A [`Comparison`] holds every figure of both, the change in units of its own uncertainty, the
//! distance between spectra and, where both sides have their weights, the spectrum of B − A;
//! docs/compare.md explains every field. Only its words, the labels of layers and the kind of a
//! difference, depend on the limits of a policy, and so does from which kurtosis on a figure has
//! no unit.
//!
//! A unit is the root of the sum of squares of both errors, as if A and B were independent draws
//! of the same law. A fine-tune is no such draw: it keeps most of A's weights, so what chance
//! there was in A is in B too and cancels. There a change of less than one unit may still be a
//! real one, and [`Difference`] is what tells; a change of many units is real either way.

mod chain_figures;
mod compared_figure;
mod difference;
mod difference_kind;
mod layer_figures;
mod matching;
mod spectra;

use serde::{Deserialize, Serialize};

pub use chain_figures::ChainPair;
pub(crate) use compared_figure::is_count;
pub use compared_figure::{ComparedFigure, FigureChange, FigureSides, figure_format};
pub use difference::{Difference, EnergyShare};
pub use difference_kind::DifferenceKind;
pub use matching::{MatchedBy, Matching};
pub use spectra::SpectraDistance;
pub use spectra::scaled;

use crate::label::{Label, LabelLimits, Labelled};
use crate::policy::Policy;
use crate::{Error, Result};
use randomlike_checkpoint::{Checkpoint, Dtype};
use randomlike_core::analysis::Progress;
use randomlike_core::audit::{
    Audit, LayerFacts, Orientation, OrientationFrom, Section, Settings, SourceFacts, Tool,
};
use randomlike_core::skip::{ComparedSide, Unmeasured};

/// The version of the `comparison.json` layout written by this crate.
pub const SCHEMA_VERSION: u32 = 1;

/// All facts about two checkpoints side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Layout version, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// What A is.
    pub a: SourceFacts,
    /// What B is.
    pub b: SourceFacts,
    /// What was measured in other ways on both sides, and what was not compared, in sentences.
    pub notes: Vec<String>,
    /// The layers found in both, in the order of A.
    pub layers: Vec<Pair>,
    /// The chains of layers found in both, in the order of A.
    #[serde(default)]
    pub chains: Vec<ChainPair>,
    /// Layers of A without a partner in B.
    pub only_in_a: Vec<Unmatched>,
    /// Layers of B without a partner in A.
    pub only_in_b: Vec<Unmatched>,
}

/// One layer in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// How the two were found to belong together.
    pub matched_by: MatchedBy,
    /// The layer in A.
    pub a: LayerSide,
    /// The layer in B.
    pub b: LayerSide,
    /// Every figure, side by side.
    pub figures: Vec<ComparedFigure>,
    /// How far the two spectra are apart.
    pub spectra: Section<SpectraDistance>,
    /// The weights of B less those of A.
    pub difference: Section<Difference>,
}

/// What a layer is on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSide {
    /// Its name.
    pub name: String,
    /// Its position among the layers of the audit, from 0.
    pub index: usize,
    /// Number of inputs.
    pub fan_in: usize,
    /// Number of outputs.
    pub fan_out: usize,
    /// How its weights are stored.
    pub dtype: Dtype,
    /// How they lie.
    pub orientation: Orientation,
    /// How we know.
    pub orientation_from: OrientationFrom,
    /// Its label.
    pub label: Label,
}

/// A layer without a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    /// Its name.
    pub name: String,
    /// Number of inputs.
    pub fan_in: usize,
    /// Number of outputs.
    pub fan_out: usize,
    /// Why it has none, in words.
    pub reason: String,
}

/// One side: its facts and, where there is one, the checkpoint they were measured on.
#[derive(Debug, Clone, Copy)]
pub struct ComparedAudit<'a> {
    /// The facts.
    pub audit: &'a Audit,
    /// The weights.
    pub checkpoint: Option<&'a Checkpoint>,
}

/// Everything two sides have in common: figures, spectra and weights. The digests of files that an
/// audit lacks are taken here, while the weights are read again.
///
/// # Errors
/// When no layer of one belongs to a layer of the other, or a weight cannot be read.
pub fn compare(
    a: ComparedAudit<'_>,
    b: ComparedAudit<'_>,
    policy: &Policy,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Comparison> {
    let mut comparison = audits(a.audit, b.audit, Matching::ByNameThenShape, policy)?;
    difference::add(&mut comparison, a, b, policy, progress)?;
    for (side, source) in [(a, &mut comparison.a), (b, &mut comparison.b)] {
        if let Some(checkpoint) = side.checkpoint.filter(|_| source.files.is_empty()) {
            source.files = checkpoint.digest()?;
        }
    }
    Ok(comparison)
}

/// What two audits have in common; no weight is read.
///
/// # Errors
/// When no layer of one belongs to a layer of the other.
pub fn audits(a: &Audit, b: &Audit, matching: Matching, policy: &Policy) -> Result<Comparison> {
    let matched = matching::match_layers(&a.layers, &b.layers, matching);
    if matched.pairs.is_empty() {
        return Err(Error::NothingInCommon {
            a: a.source.uri.clone(),
            b: b.source.uri.clone(),
            reason: matching::why_none(&a.layers, &b.layers),
        });
    }
    let pair = |&(i, j, by): &(usize, usize, MatchedBy)| {
        let in_a = JudgedLayer::new(i, &a.layers[i], policy)?;
        let in_b = JudgedLayer::new(j, &b.layers[j], policy)?;
        Ok(Pair::new(by, &in_a, &in_b))
    };
    let layers = matched
        .pairs
        .iter()
        .map(pair)
        .collect::<Result<Vec<Pair>>>()?;
    let (chains, not_compared) = chain_figures::match_chains(&a.chains, &b.chains, &layers);
    let mut notes = notes((a, b), ("A", "B"));
    notes.extend(not_compared);
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        tool: Tool::this(),
        a: a.source.clone(),
        b: b.source.clone(),
        notes,
        layers,
        chains,
        only_in_a: matched.only_in_a,
        only_in_b: matched.only_in_b,
    })
}

/// A layer with its position in its audit and the limits of its label.
struct JudgedLayer<'a> {
    index: usize,
    facts: &'a LayerFacts,
    labels: LabelLimits,
}

impl<'a> JudgedLayer<'a> {
    fn new(index: usize, facts: &'a LayerFacts, policy: &Policy) -> Result<Self> {
        Ok(Self {
            index,
            facts,
            labels: *policy.for_layer(&facts.name)?.labels(),
        })
    }
}

impl Pair {
    fn new(by: MatchedBy, a: &JudgedLayer<'_>, b: &JudgedLayer<'_>) -> Self {
        Self {
            matched_by: by,
            a: LayerSide::new(a),
            b: LayerSide::new(b),
            figures: layer_figures::compare(a, b),
            spectra: spectra::between(&a.facts.spectrum, &b.facts.spectrum),
            difference: Section::Skipped {
                reason: Unmeasured::NoWeightsToSubtract {
                    sides: vec![ComparedSide::A, ComparedSide::B],
                },
            },
        }
    }

    /// Its name, with that in B where it is another.
    pub fn name(&self) -> String {
        if self.a.name == self.b.name {
            self.a.name.clone()
        } else {
            format!("{} → {}", self.a.name, self.b.name)
        }
    }

    /// The figure of this name.
    pub fn figure(&self, name: &str) -> Option<&ComparedFigure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// The figure that changed by the most of its own units, and by how many.
    pub fn largest_change(&self) -> Option<(&ComparedFigure, f64)> {
        let units = |figure| Some((figure, ComparedFigure::change(figure)?.units?));
        self.figures
            .iter()
            .filter_map(units)
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }
}

impl LayerSide {
    fn new(judged: &JudgedLayer<'_>) -> Self {
        let layer = judged.facts;
        Self {
            name: layer.name.clone(),
            index: judged.index,
            fan_in: layer.fan_in,
            fan_out: layer.fan_out,
            dtype: layer.weight.dtype.clone(),
            orientation: layer.orientation,
            orientation_from: layer.orientation_from,
            label: Labelled::judge(layer, &judged.labels).label,
        }
    }
}

/// What makes figures differ although no weight does, in sentences with these names.
pub fn notes((a, b): (&Audit, &Audit), (first, second): (&str, &str)) -> Vec<String> {
    let mut notes = Vec::new();
    if a.tool.version != b.tool.version {
        notes.push(format!(
            "{first} was measured by version {}, {second} by {}.",
            a.tool.version, b.tool.version
        ));
    }
    let differing = other_settings(&a.settings, &b.settings);
    notes.extend(differing.map(|settings| {
        format!("{first} and {second} were measured with other settings: {settings}.")
    }));
    notes
}

/// Those that differ.
fn other_settings(a: &Settings, b: &Settings) -> Option<String> {
    let selects = |s: &Settings| (s.conv, s.include.clone(), s.exclude.clone(), s.min_size);
    let differing: Vec<&str> = [
        ("engine", a.engine != b.engine),
        ("seed", a.seed != b.seed),
        ("the layers selected", selects(a) != selects(b)),
        (
            "what was assumed of the activation",
            a.shadow_premise != b.shadow_premise,
        ),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use randomlike_core::audit::example as facts;

    fn audits(a: &Audit, b: &Audit, matching: Matching) -> Result<Comparison> {
        super::audits(a, b, matching, &Policy::default())
    }

    #[test]
    fn nothing_changes_between_an_audit_and_itself() {
        let audit = facts::audit(vec![facts::layer("a"), facts::unmeasured("b")]);
        let found = audits(&audit, &audit, Matching::ByNameThenShape).unwrap();
        assert_eq!((found.layers.len(), found.notes.len()), (2, 0));
        let changes = || found.layers.iter().flat_map(|pair| &pair.figures);
        assert!(
            changes()
                .filter_map(ComparedFigure::change)
                .all(|c| c.change == 0.0 && c.units.is_none_or(|units| units == 0.0))
        );
        assert!(changes().filter_map(ComparedFigure::change).count() >= 25);
        let spectra = found.layers[0].spectra.measured().unwrap();
        assert!(spectra.wasserstein == 0.0 && spectra.ks == 0.0);
        assert!(found.layers[1].spectra.measured().is_none());
    }

    #[test]
    fn a_comparison_is_read_back_as_it_was() {
        let audit = facts::audit(vec![facts::layer("a"), facts::unmeasured("b")]);
        let found = audits(&audit, &audit, Matching::ByName).unwrap();
        let text = serde_json::to_string(&found).unwrap();
        assert!(!text.contains("null,\"units\"") && !text.contains("NaN"));
        assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), found);
    }

    #[test]
    fn what_was_measured_differently_is_said() {
        let a = facts::audit(vec![facts::layer("a")]);
        let mut b = a.clone();
        b.settings.seed = 1;
        b.tool.version = "9".into();
        let notes = audits(&a, &b, Matching::ByName).unwrap().notes;
        assert_eq!(notes.len(), 2);
        assert!(notes[1].ends_with("settings: seed."), "{notes:?}");
    }

    #[test]
    fn two_nets_without_a_common_layer_are_refused() {
        let of = |layers| facts::audit(layers);
        let mut other = facts::layer("z");
        other.fan_in = 3;
        let refused = audits(
            &of(vec![facts::layer("a")]),
            &of(vec![other]),
            Matching::ByNameThenShape,
        );
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("no layer in common"), "{message}");
        assert!(
            message.contains("`a`") && message.contains("`z`"),
            "{message}"
        );
        assert!(audits(&of(vec![]), &of(vec![]), Matching::ByName).is_err());
    }
}
