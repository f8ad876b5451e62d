//! What is planted, and what must come out of it by theory.
//!
//! Sources are sections of docs/theory.md: §1 for the weights (the laws' distances from a normal
//! one against the limits of the default policy), §2 for biases, §3 for singular values, §5 for
//! codes: what is not independent between entries (a direction, copies, scales, an order) adds
//! to the error in reverse and is gone when they are shuffled; a mean or a law is not.
//! Labels follow the rules of docs/labels.md.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::synth::{self, Bias, Dtype, Kind};
use randomlike_judge::label::Label;
use randomlike_judge::verdict::{Check, FindingOutcome};

use Check::{
    Baseline, BiasesConstant, Covered, Finite, LevelSpacing, MovedFromInitialisation,
    QuarterCircle, ShadowReversible, SpectralEdge, WeightsGaussian,
};

/// Inputs and outputs where a truth does not need others.
const SHAPE: (usize, usize) = (512, 256);

/// One planted checkpoint and what must come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// What the weights are.
    pub kind: Kind,
    /// What the biases are.
    pub bias: Bias,
    /// How both are stored.
    pub dtype: Dtype,
    /// Inputs and outputs.
    pub shape: (usize, usize),
    /// What an earlier audit was of: the same shape and storage with constant biases, drawn anew.
    pub after: Option<Kind>,
    /// What must come out.
    pub expected: Expected,
    /// Why it must.
    pub why: &'static str,
}

/// What must come out of a planted checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A verdict of each check.
    Verdicts(Verdicts),
    /// Nothing to judge: `check` answers 2.
    NothingMeasured,
}

/// A verdict of each check: what is not named passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdicts {
    /// Checks that fail.
    pub fails: &'static [Check],
    /// Checks that are skipped.
    pub skips: &'static [Check],
    /// Checks of which theory does not say enough, and why not.
    pub open: &'static [(Check, &'static str)],
    /// The label.
    pub label: Label,
}

impl Verdicts {
    /// What `check` must say; nothing where that is open.
    pub fn expected(&self, check: Check) -> Option<FindingOutcome> {
        if self.open.iter().any(|(open, _)| *open == check) {
            None
        } else if self.fails.contains(&check) {
            Some(FindingOutcome::Fail)
        } else if self.skips.contains(&check) {
            Some(FindingOutcome::Skipped)
        } else {
            Some(FindingOutcome::Pass)
        }
    }
}

impl Truth {
    /// The checks that must speak, with what they must say; `baseline` where there is one.
    pub fn checks(&self) -> impl Iterator<Item = (Check, Option<FindingOutcome>)> {
        let verdicts = match self.expected {
            Expected::Verdicts(verdicts) => Some(verdicts),
            Expected::NothingMeasured => None,
        };
        let has_baseline = self.after.is_some();
        verdicts.into_iter().flat_map(move |verdicts| {
            let checks = Check::ALL.into_iter();
            let checks = checks.filter(move |check| has_baseline || *check != Baseline);
            checks.map(move |check| (check, verdicts.expected(check)))
        })
    }

    /// Why theory does not say what `check` must, where it does not.
    pub fn open(&self, check: Check) -> Option<&'static str> {
        let Expected::Verdicts(verdicts) = self.expected else {
            return None;
        };
        let mut open = verdicts.open.iter();
        open.find_map(|(of, reason)| (*of == check).then_some(*reason))
    }

    /// Whether nothing is to be measured.
    pub fn leaves_nothing(&self) -> bool {
        self.expected == Expected::NothingMeasured
    }

    /// The checkpoint to write, drawn from `seed`.
    pub fn checkpoint(&self, seed: u64) -> (Kind, synth::Options) {
        let options = synth::Options {
            inputs: self.shape.0,
            outputs: self.shape.1,
            seed,
            dtype: self.dtype,
            bias: self.bias,
        };
        (self.kind, options)
    }

    /// The checkpoint of the earlier audit, drawn from the seed after `seed`.
    pub fn baseline(&self, seed: u64) -> Option<(Kind, synth::Options)> {
        let (_, options) = self.checkpoint(seed.wrapping_add(1));
        let options = synth::Options {
            bias: Bias::Constant,
            ..options
        };
        self.after.map(|kind| (kind, options))
    }
}

/// The kind, and what is not as in most truths.
impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.shape != SHAPE {
            write!(f, ", {}→{}", self.shape.0, self.shape.1)?;
        }
        if self.dtype != Dtype::F32 {
            write!(f, ", {}", self.dtype)?;
        }
        if self.bias != Bias::Constant {
            write!(f, ", biases {}", self.bias)?;
        }
        match self.after {
            Some(kind) => write!(f, ", after {kind}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Truth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Truth", 7)?;
        object.serialize_field("kind", &self.kind.to_string())?;
        object.serialize_field("inputs", &self.shape.0)?;
        object.serialize_field("outputs", &self.shape.1)?;
        object.serialize_field("dtype", &self.dtype.to_string())?;
        object.serialize_field("bias", &self.bias.to_string())?;
        match self.after {
            Some(kind) => object.serialize_field("after", &kind.to_string())?,
            None => object.skip_field("after")?,
        }
        object.serialize_field("why", self.why)?;
        object.end()
    }
}

/// All pass, and the layer is random-like.
const HOLDS: Verdicts = Verdicts {
    fails: &[],
    skips: &[],
    open: &[],
    label: Label::RandomLike,
};

const fn truth(kind: Kind, why: &'static str, verdicts: Verdicts) -> Truth {
    Truth {
        kind,
        bias: Bias::Constant,
        dtype: Dtype::F32,
        shape: SHAPE,
        after: None,
        expected: Expected::Verdicts(verdicts),
        why,
    }
}

/// Normal weights, with constant biases, in single precision.
const NORMAL: Truth = truth(
    Kind::Gaussian,
    "independent normal entries have the Marchenko-Pastur law, repelling values and, in reverse, \
     the error of any order of theirs",
    HOLDS,
);

/// Every truth that is planted. Each check passes at least one and fails at least one.
pub static TRUTHS: &[Truth] = &[
    NORMAL,
    Truth {
        shape: (256, 256),
        why: "the square case, whose law is the quarter circle",
        ..NORMAL
    },
    Truth {
        dtype: Dtype::F64,
        why: "wider storage changes nothing",
        ..NORMAL
    },
    Truth {
        dtype: Dtype::F16,
        why: "rounding to 11 bits adds noise of a few ten-thousandths, independent between entries",
        ..NORMAL
    },
    Truth {
        dtype: Dtype::Bf16,
        why: "rounding to 8 bits adds noise of a few thousandths, and ties, which distances count",
        ..NORMAL
    },
    Truth {
        bias: Bias::Zero,
        why: "biases of 0 are negligible",
        ..NORMAL
    },
    Truth {
        bias: Bias::Varied,
        expected: Expected::Verdicts(Verdicts {
            fails: &[BiasesConstant],
            ..HOLDS
        }),
        why: "biases of sd .1 are .15 of a typical input sum, .03·√512",
        ..NORMAL
    },
    Truth {
        bias: Bias::Absent,
        expected: Expected::Verdicts(Verdicts {
            skips: &[BiasesConstant],
            ..HOLDS
        }),
        why: "where there is no bias nothing is said of it",
        ..NORMAL
    },
    truth(
        Kind::Uniform,
        "§1: W1 .154, excess kurtosis -1.2; independent entries of any law with a fourth moment \
         have the normal law's spectrum",
        Verdicts {
            fails: &[WeightsGaussian],
            label: Label::RandomNotGaussian,
            ..HOLDS
        },
    ),
    truth(
        Kind::Laplace,
        "§1: KS .062, excess kurtosis 3, and §9 2.5 balanced; the spectrum as for uniform weights",
        Verdicts {
            fails: &[WeightsGaussian],
            label: Label::RandomNotGaussian,
            ..HOLDS
        },
    ),
    truth(
        Kind::StudentT,
        "§1: KS .038, excess kurtosis 6; §3: independent t5 entries leave the law intact",
        Verdicts {
            fails: &[WeightsGaussian],
            open: &[(
                SpectralEdge,
                "in a quarter of the draws one entry passes sd·(NM)^¼, 19 sd, and shows alone",
            )],
            label: Label::RandomNotGaussian,
            ..HOLDS
        },
    ),
    truth(
        Kind::TenSigma,
        "a hundredth of the weights makes half of the variance: excess kurtosis 23, and KS .08, \
         .84 of the weights below .71 fitted sd where a normal law has .76",
        Verdicts {
            fails: &[WeightsGaussian],
            open: &[
                (
                    QuarterCircle,
                    "five such entries an output are too few to average out: the second moment \
                     of σ² moves by excess kurtosis over inputs, .045, about as far as is allowed",
                ),
                (
                    SpectralEdge,
                    "the output with most of them has 1.8 times the mean square, and 1 + √y, \
                     1.7, shows",
                ),
            ],
            label: Label::HeavyTailed,
            ..HOLDS
        },
    ),
    truth(
        Kind::Kaiming,
        "§1, the initialiser trap: uniform weights that pass all of the spectrum",
        Verdicts {
            fails: &[WeightsGaussian, MovedFromInitialisation],
            label: Label::AtInitialisation,
            ..HOLDS
        },
    ),
    truth(
        Kind::GlorotUniform,
        "the trap, with the law of another library",
        Verdicts {
            fails: &[WeightsGaussian, MovedFromInitialisation],
            label: Label::AtInitialisation,
            ..HOLDS
        },
    ),
    truth(
        Kind::KaimingNormal,
        "the trap where everything else passes: normal weights of a known scale",
        Verdicts {
            fails: &[MovedFromInitialisation],
            label: Label::AtInitialisation,
            ..HOLDS
        },
    ),
    Truth {
        bias: Bias::Zero,
        ..truth(
            Kind::Bert,
            "the trap at a scale that does not depend on the shape",
            Verdicts {
                fails: &[MovedFromInitialisation],
                label: Label::AtInitialisation,
                ..HOLDS
            },
        )
    },
    truth(
        Kind::Sorted,
        "the same numbers in ascending order: one by one they are still the initialiser's, \
         together one direction and what a sorted sample varies by, a spectrum that falls like \
         1/√k; every output of the reverse model gets the same, whatever the code",
        Verdicts {
            fails: &[
                MovedFromInitialisation,
                QuarterCircle,
                SpectralEdge,
                ShadowReversible,
            ],
            open: &[(
                LevelSpacing,
                "no theory says how many of its values lie between the edges",
            )],
            label: Label::GaussianStructured,
            ..HOLDS
        },
    ),
    truth(
        Kind::Spikes,
        "§3: .4·√(NM) is 7.6 times the strength that shows; one direction leaves the bulk and the \
         weights' law as they are, and adds its own error in reverse",
        Verdicts {
            fails: &[SpectralEdge, ShadowReversible],
            label: Label::RandomBulkWithSpikes,
            ..HOLDS
        },
    ),
    truth(
        Kind::FaintSpike,
        "§3 (BBP): at twice the strength that shows σ₁ is 2.12 s√N, the edge 1.71; with a \
         hundredth of the energy it adds as little to the error in reverse",
        Verdicts {
            fails: &[SpectralEdge],
            label: Label::RandomBulkWithSpikes,
            ..HOLDS
        },
    ),
    truth(
        Kind::LowRank,
        "§3: 16 values of 256 lie outside, which moves the law of all by .06; sums of 16 products \
         are near normal (excess kurtosis .07); in reverse each direction adds its own error",
        Verdicts {
            fails: &[QuarterCircle, SpectralEdge, ShadowReversible],
            label: Label::RandomBulkWithSpikes,
            ..HOLDS
        },
    ),
    truth(
        Kind::Mean,
        "§3, the mean trap: |mean|/sd is 1/3, above (NM)^-¼ = .053; shuffling keeps a mean",
        Verdicts {
            fails: &[SpectralEdge],
            label: Label::RandomBulkWithSpikes,
            ..HOLDS
        },
    ),
    truth(
        Kind::DuplicatedRows,
        "half of the values are zero, and nothing lies between the edges of the law",
        Verdicts {
            fails: &[QuarterCircle, SpectralEdge, ShadowReversible],
            skips: &[LevelSpacing],
            label: Label::RankDeficient,
            ..HOLDS
        },
    ),
    Truth {
        dtype: Dtype::F64,
        ..truth(
            Kind::DuplicatedRows,
            "the same, where rounding leaves 1e-16 of the largest value and not 1e-7",
            Verdicts {
                fails: &[QuarterCircle, SpectralEdge, ShadowReversible],
                skips: &[LevelSpacing],
                label: Label::RankDeficient,
                ..HOLDS
            },
        )
    },
    truth(
        Kind::RowScales,
        "excess kurtosis 3(exp(4·.3²) - 1) = 1.3; §3, the row-scale trap; §9: with the scales \
         divided out nothing is left, and the checks hold up to scales",
        Verdicts {
            fails: &[SpectralEdge],
            label: Label::RandomLikeUpToScales,
            ..HOLDS
        },
    ),
    truth(
        Kind::InputScales,
        "excess kurtosis 3(exp(4·.5²) - 1) = 5.2; half of the inputs carry the codes; §9: nothing \
         of it is left with the scales divided out",
        Verdicts {
            fails: &[SpectralEdge],
            label: Label::RandomLikeUpToScales,
            ..HOLDS
        },
    ),
    truth(
        Kind::Scales,
        "excess kurtosis 3(exp(8·.5²) - 1) = 19; §9: balanced weights do not depend on the scales",
        Verdicts {
            fails: &[SpectralEdge],
            label: Label::RandomLikeUpToScales,
            ..HOLDS
        },
    ),
    truth(
        Kind::ManyDirections,
        "§3: 76 values of 256 lie outside; sums of 76 products are near normal",
        Verdicts {
            fails: &[QuarterCircle, SpectralEdge, ShadowReversible],
            label: Label::PartlyRandom,
            ..HOLDS
        },
    ),
    truth(
        Kind::BarelyMoved,
        "§10: of 131,072 weights .2 % lie outside of the law's support, where none of a draw does",
        Verdicts {
            fails: &[WeightsGaussian, MovedFromInitialisation],
            label: Label::BarelyMoved,
            ..HOLDS
        },
    ),
    truth(
        Kind::Orthogonal,
        "§10: all singular values are equal, between the edges of the law and far from it; entries \
         one by one are normal, and codes come back better than from a random matrix",
        Verdicts {
            fails: &[MovedFromInitialisation, QuarterCircle],
            open: &[(LevelSpacing, "rounding alone keeps the values apart")],
            label: Label::AtInitialisation,
            ..HOLDS
        },
    ),
    truth(
        Kind::SortedUniform,
        "the order of `sorted`, of weights that are no bell curve",
        Verdicts {
            fails: &[
                WeightsGaussian,
                QuarterCircle,
                SpectralEdge,
                ShadowReversible,
            ],
            open: &[(
                LevelSpacing,
                "no theory says how many of its values lie between the edges",
            )],
            label: Label::Structured,
            ..HOLDS
        },
    ),
    truth(
        Kind::CorrelatedLaplace,
        "excess kurtosis 3·(1 - .25)²/(1 - .0625) = 1.8, balanced or not; §9: correlated columns \
         are not hidden by balancing",
        Verdicts {
            fails: &[
                WeightsGaussian,
                QuarterCircle,
                SpectralEdge,
                ShadowReversible,
            ],
            label: Label::HeavyTailed,
            ..HOLDS
        },
    ),
    Truth {
        shape: (1024, 512),
        ..truth(
            Kind::Blocks,
            "four independent spectra on one another: each on the law, but neighbours no longer \
             repel; three quarters of the weights are 0",
            Verdicts {
                fails: &[WeightsGaussian, LevelSpacing],
                open: &[(
                    SpectralEdge,
                    "the edge of a block of 128 is 2.5 times as wide as that of 512 values",
                )],
                label: Label::HeavyTailed,
                ..HOLDS
            },
        )
    },
    truth(
        Kind::Zeros,
        "every weight is equal: known, and known to be no bell curve; no spectrum is left",
        Verdicts {
            fails: &[Covered, WeightsGaussian, MovedFromInitialisation],
            skips: &[QuarterCircle, SpectralEdge, LevelSpacing, ShadowReversible],
            label: Label::AtInitialisation,
            ..HOLDS
        },
    ),
    truth(
        Kind::Nan,
        "broken weights say nothing of the biases, but these are one constant",
        Verdicts {
            skips: BROKEN,
            ..DAMAGED
        },
    ),
    Truth {
        bias: Bias::Varied,
        ..truth(
            Kind::Nan,
            "broken weights give varied biases no scale",
            DAMAGED,
        )
    },
    Truth {
        shape: (512, 24),
        expected: Expected::Verdicts(Verdicts {
            skips: &[LevelSpacing, ShadowReversible],
            label: Label::Undecided,
            ..HOLDS
        }),
        why: "24 singular values: below 32 neither spacings nor codes nor labels are judged",
        ..NORMAL
    },
    Truth {
        shape: (16, 16),
        expected: Expected::Verdicts(Verdicts {
            fails: &[Covered],
            skips: &[
                WeightsGaussian,
                MovedFromInitialisation,
                QuarterCircle,
                LevelSpacing,
                ShadowReversible,
            ],
            open: &[(
                SpectralEdge,
                "16 values give the scale of the edge to a tenth, wider than the edge itself",
            )],
            label: Label::Undecided,
        }),
        why: "256 weights, of which every law is within the sampling floors: nothing is judged",
        ..NORMAL
    },
    Truth {
        shape: (512, 1),
        expected: Expected::NothingMeasured,
        why: "a matrix of one row has no spectrum and is no layer: nothing measured is no pass",
        ..NORMAL
    },
    Truth {
        after: Some(Kind::Gaussian),
        why: "another draw of the same: no figure moves by four of its units",
        ..NORMAL
    },
    Truth {
        after: Some(Kind::Spikes),
        why: "better than it was is no failure",
        ..NORMAL
    },
    Truth {
        bias: Bias::Varied,
        after: Some(Kind::Gaussian),
        expected: Expected::Verdicts(Verdicts {
            fails: &[BiasesConstant, Baseline],
            ..HOLDS
        }),
        why: "biases.spread_ratio was 0 and is .15; .05 is allowed",
        ..NORMAL
    },
    Truth {
        after: Some(Kind::Gaussian),
        ..truth(
            Kind::Spikes,
            "the largest value was at the edge and is at several times it; a twentieth is allowed",
            Verdicts {
                fails: &[SpectralEdge, ShadowReversible, Baseline],
                label: Label::RandomBulkWithSpikes,
                ..HOLDS
            },
        )
    },
    Truth {
        after: Some(Kind::Gaussian),
        ..truth(
            Kind::Nan,
            "what was measured before and is no longer counts as worse",
            Verdicts {
                fails: &[Covered, Finite, Baseline],
                skips: BROKEN,
                ..DAMAGED
            },
        )
    },
];

/// What broken weights say nothing of.
const BROKEN: &[Check] = &[
    WeightsGaussian,
    MovedFromInitialisation,
    QuarterCircle,
    SpectralEdge,
    LevelSpacing,
    ShadowReversible,
];

/// Broken weights, and biases that only weights could give a scale.
const DAMAGED: Verdicts = Verdicts {
    fails: &[Covered, Finite],
    skips: &[
        WeightsGaussian,
        MovedFromInitialisation,
        BiasesConstant,
        QuarterCircle,
        SpectralEdge,
        LevelSpacing,
        ShadowReversible,
    ],
    open: &[],
    label: Label::Undecided,
};
