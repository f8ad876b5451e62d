//! What the words of an audit are worth: how often chance alone raises each alarm, and how often
//! each planted truth does. docs/calibration.md shows both.

mod truth;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::Result;
use randomlike_core::analysis::{self, FEWEST_IN_A_BULK, Options};
use randomlike_core::audit::{NullFact, Section, Spectrum, SpectrumNulls};
use randomlike_judge::label::Label;
use randomlike_judge::policy::Policy;
use randomlike_judge::verdict::{self, Check, FindingOutcome};

pub use truth::Truth;

/// p-values below this are alarms.
const LEVEL: f64 = 0.01;

/// A figure beyond what one random matrix in 100 reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alarm {
    /// KS to the law, scale from the median.
    KsMedian,
    /// KS to the law, scale from the root mean square.
    KsRms,
    /// W₁ to the law.
    Wasserstein,
    /// One scale over the other.
    ScaleRatio,
    /// The largest singular value, which is then an outlier of `spectral-edge`.
    Largest,
    /// The smallest, likewise.
    Smallest,
    /// Spacings.
    LevelRatio,
    /// Not all of the spectrum is on the law: three tests at 1 % together.
    Bulk,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::KsMedian,
        Self::KsRms,
        Self::Wasserstein,
        Self::ScaleRatio,
        Self::Largest,
        Self::Smallest,
        Self::LevelRatio,
        Self::Bulk,
    ];

    /// Head of its column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KsMedian => "KS",
            Self::KsRms => "KS, rms",
            Self::Wasserstein => "W₁",
            Self::ScaleRatio => "scales",
            Self::Largest => "largest",
            Self::Smallest => "smallest",
            Self::LevelRatio => "spacings",
            Self::Bulk => "bulk",
        }
    }

    fn rings(self, spectrum: &Spectrum) -> bool {
        let rare = |of: &dyn Fn(&SpectrumNulls) -> Option<NullFact>| {
            let nulls = spectrum.nulls.measured();
            nulls.and_then(of).is_some_and(|fact| fact.p < LEVEL)
        };
        match self {
            Self::KsMedian => rare(&|n| Some(n.ks_median)),
            Self::KsRms => rare(&|n| Some(n.ks_rms)),
            Self::Wasserstein => rare(&|n| Some(n.wasserstein)),
            Self::ScaleRatio => rare(&|n| Some(n.scale_ratio)),
            Self::Largest => spectrum.outliers_above > 0,
            Self::Smallest => spectrum.outliers_below > 0,
            Self::LevelRatio => rare(&|n| n.level_ratio),
            Self::Bulk => match spectrum.bulk.measured() {
                Some(bulk) => bulk.above + bulk.below > 0,
                // Of fewer values there is no bulk.
                None => spectrum.count() >= FEWEST_IN_A_BULK,
            },
        }
    }
}

/// What became of a number of drawn layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How many.
    pub draws: usize,
    /// Layers that raised an alarm.
    pub alarms: BTreeMap<Alarm, usize>,
    /// Layers that a check of the default policy failed.
    pub failed: BTreeMap<Check, usize>,
    /// Layers by label.
    pub labels: BTreeMap<Label, usize>,
}

impl Counts {
    /// Share of the layers that raised an alarm, in percent.
    pub fn alarm(&self, alarm: Alarm) -> f64 {
        self.percent(self.alarms.get(&alarm))
    }

    /// Share that a check failed, in percent.
    pub fn fails(&self, check: Check) -> f64 {
        self.percent(self.failed.get(&check))
    }

    /// Share with a label, in percent.
    pub fn label(&self, label: Label) -> f64 {
        self.percent(self.labels.get(&label))
    }

    fn percent(&self, count: Option<&usize>) -> f64 {
        100.0 * count.copied().unwrap_or(0) as f64 / self.draws.max(1) as f64
    }

    fn add(mut self, other: Self) -> Self {
        fn sum<K: Ord>(into: &mut BTreeMap<K, usize>, from: BTreeMap<K, usize>) {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        }
        self.draws += other.draws;
        sum(&mut self.alarms, other.alarms);
        sum(&mut self.failed, other.failed);
        sum(&mut self.labels, other.labels);
        self
    }
}

/// Draws layers of `truth` with n inputs and m outputs, seeded, and counts what is said of them;
/// the shadow model and the controls are left out.
///
/// # Errors
/// When a layer cannot be measured.
pub fn verdicts(truth: Truth, shape: (usize, usize), draws: usize, seed: u64) -> Result<Counts> {
    verdicts_by(&Policy::default(), truth, shape, draws, seed)
}

/// The same by another policy.
///
/// # Errors
/// When a layer cannot be measured.
pub fn verdicts_by(
    policy: &Policy,
    truth: Truth,
    shape: (usize, usize),
    draws: usize,
    seed: u64,
) -> Result<Counts> {
    let options = Options {
        alone: true,
        ..Options::default()
    };
    counted(truth, shape, (draws, seed), |entries| {
        let audit = analysis::measure_entries(entries, shape, &options)?;
        let judgement = verdict::judge(&audit, policy)?;
        let failed = judgement
            .findings
            .iter()
            .filter(|f| f.outcome == FindingOutcome::Fail);
        let labels = judgement.labels.layers.iter();
        Ok(Counts {
            failed: failed.map(|finding| (finding.check, 1)).collect(),
            labels: labels.map(|labelled| (labelled.label, 1)).collect(),
            ..alarms_of(&audit.layers[0].spectrum)
        })
    })
}

/// The same of the singular values alone with the scales of rows and columns divided out, beside
/// the nulls of balanced matrices.
///
/// # Errors
/// When a spectrum cannot be computed.
pub fn balanced_alarms(
    truth: Truth,
    shape: (usize, usize),
    draws: usize,
    seed: u64,
) -> Result<Counts> {
    counted(truth, shape, (draws, seed), |entries| {
        let options = Options::default();
        let spectrum = analysis::measure_balanced_spectrum(entries, shape, &options)?;
        Ok(alarms_of(&spectrum))
    })
}

/// The same of the singular values alone, in a tenth of the time.
///
/// # Errors
/// When a spectrum cannot be computed.
pub fn alarms(truth: Truth, shape: (usize, usize), draws: usize, seed: u64) -> Result<Counts> {
    counted(truth, shape, (draws, seed), |entries| {
        let spectrum = analysis::measure_spectrum(entries, shape, &Options::default())?;
        Ok(alarms_of(&spectrum))
    })
}

fn counted(
    truth: Truth,
    (n, m): (usize, usize),
    (draws, seed): (usize, u64),
    count: impl Fn(&[f64]) -> Result<Counts> + Sync,
) -> Result<Counts> {
    let one = |draw: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A stream for each truth, shape and draw.
        rng.set_stream(truth.number() << 56 | (n as u64) << 40 | (m as u64) << 24 | draw as u64);
        count(&truth.entries(n, m, &mut rng))
    };
    let counts: Vec<Counts> = (0..draws).into_par_iter().map(one).collect::<Result<_>>()?;
    Ok(counts.into_iter().fold(Counts::default(), Counts::add))
}

fn alarms_of(spectrum: &Section<Spectrum>) -> Counts {
    let spectrum = spectrum.measured();
    let rings = |alarm: &Alarm| spectrum.is_some_and(|spectrum| alarm.rings(spectrum));
    let alarms = Alarm::ALL.into_iter().filter(rings);
    Counts {
        draws: 1,
        alarms: alarms.map(|alarm| (alarm, 1)).collect(),
        ..Counts::default()
    }
}
