//! The words of labels, and what each says and does not.

use serde::{Deserialize, Serialize};

/// A layer as it is stored, or with the scales of its units divided out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// As stored.
    Stored,
    /// Balanced.
    Balanced,
}

impl View {
    /// As a sentence names it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stored => "as stored",
            Self::Balanced => "balanced",
        }
    }
}

/// What the entries of a layer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntriesAre {
    /// Normal as stored.
    Gaussian,
    /// Normal once the scales of units are divided out.
    GaussianUpToScales,
    /// Spread too evenly, even so.
    Flat,
    /// Longer tails than a normal law, even so.
    LongTailed,
    /// Far longer ones.
    HeavyTailed,
}

impl EntriesAre {
    /// All of them, as the docs list them.
    pub const ALL: [Self; 5] = [
        Self::Gaussian,
        Self::GaussianUpToScales,
        Self::Flat,
        Self::LongTailed,
        Self::HeavyTailed,
    ];

    /// Its name in `audit.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::GaussianUpToScales => "gaussian-up-to-scales",
            Self::Flat => "flat",
            Self::LongTailed => "long-tailed",
            Self::HeavyTailed => "heavy-tailed",
        }
    }

    /// What it says, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Gaussian => "The weights follow a bell curve.",
            Self::GaussianUpToScales => {
                "The weights follow a bell curve once the scale of each input and output is divided \
                 out."
            }
            Self::Flat => {
                "The weights are spread more evenly than a bell curve, with few large ones, \
                 whatever the scales."
            }
            Self::LongTailed => {
                "The weights have longer tails than a bell curve, whatever the scales."
            }
            Self::HeavyTailed => {
                "Far more weights are very large than in a bell curve, whatever the scales."
            }
        }
    }
}

/// How much of a spectrum is on the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpectrumIs {
    /// All of it.
    OnItsLaw,
    /// At least `min_bulk_share`.
    MostlyOnItsLaw,
    /// At least `min_part_share`.
    PartlyOnItsLaw,
    /// Less.
    OffItsLaw,
}

impl SpectrumIs {
    /// All of them, as the docs list them.
    pub const ALL: [Self; 4] = [
        Self::OnItsLaw,
        Self::MostlyOnItsLaw,
        Self::PartlyOnItsLaw,
        Self::OffItsLaw,
    ];

    /// What it says, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::OnItsLaw => {
                "The singular values are those of a matrix of independent random numbers."
            }
            Self::MostlyOnItsLaw => {
                "Most of the singular values are those of a matrix of independent random numbers, \
                 and a few lie outside."
            }
            Self::PartlyOnItsLaw => {
                "At least half of the singular values are those of a matrix of independent random \
                 numbers; the others carry structure."
            }
            Self::OffItsLaw => {
                "The singular values are not those of independent random numbers: most directions \
                 carry structure."
            }
        }
    }
}

/// One word for a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The weights still match the law and scale of a known initialiser.
    AtInitialisation,
    /// They nearly do.
    BarelyMoved,
    /// Gaussian weights and a spectrum on the law.
    RandomLike,
    /// The same once the scales of units are divided out.
    RandomLikeUpToScales,
    /// A spectrum on the law, of entries of another law.
    RandomNotGaussian,
    /// A bulk on the law with singular values outside it.
    RandomBulkWithSpikes,
    /// Half of the spectrum or more is on the law.
    PartlyRandom,
    /// Gaussian weights in an order that is far from random.
    GaussianStructured,
    /// Neither Gaussian weights nor half of a spectrum on the law.
    Structured,
    /// Weights far heavier-tailed than Gaussian ones, and a spectrum off the law.
    HeavyTailed,
    /// Fewer independent directions than the shape allows.
    RankDeficient,
    /// Too small or not measured.
    Undecided,
}

impl Label {
    /// All of them, as the pages list them.
    pub const ALL: [Self; 12] = [
        Self::AtInitialisation,
        Self::BarelyMoved,
        Self::RandomLike,
        Self::RandomLikeUpToScales,
        Self::RandomNotGaussian,
        Self::RandomBulkWithSpikes,
        Self::PartlyRandom,
        Self::GaussianStructured,
        Self::Structured,
        Self::HeavyTailed,
        Self::RankDeficient,
        Self::Undecided,
    ];

    /// Its name in `audit.json`, reports and docs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtInitialisation => "at-initialisation",
            Self::BarelyMoved => "barely-moved",
            Self::RandomLike => "random-like",
            Self::RandomLikeUpToScales => "random-like-up-to-scales",
            Self::RandomNotGaussian => "random-not-gaussian",
            Self::RandomBulkWithSpikes => "random-bulk-with-spikes",
            Self::PartlyRandom => "partly-random",
            Self::GaussianStructured => "gaussian-structured",
            Self::Structured => "structured",
            Self::HeavyTailed => "heavy-tailed",
            Self::RankDeficient => "rank-deficient",
            Self::Undecided => "undecided",
        }
    }

    /// What it says and what it does not, in plain words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::AtInitialisation => {
                "Neither the weights nor the spectrum can be told from a known initialiser's. The \
                 layer may have been trained a little; that it looks random says nothing."
            }
            Self::BarelyMoved => {
                "The weights are close to a known initialiser's, and differ from it by little. That \
                 the layer looks random says nothing of training."
            }
            Self::RandomLike => {
                "Bell-shaped weights and singular values on their law, as the paper claims. That \
                 is not praise: a net that was never trained is random-like too."
            }
            Self::RandomLikeUpToScales => {
                "Random-like once the scale of each unit is divided out. A ReLU net can move such \
                 scales from one layer to the next without changing its function."
            }
            Self::RandomNotGaussian => {
                "Singular values on their law, and weights of another law than a bell curve: \
                 independent entries of that law look so."
            }
            Self::RandomBulkWithSpikes => {
                "Most of the singular values are on their law and a few lie outside it. Training \
                 leaves such spikes, and so does a mean that is not zero."
            }
            Self::PartlyRandom => {
                "At least half of the singular values are on their law; the others carry structure."
            }
            Self::GaussianStructured => {
                "The weights follow a bell curve, and their order is far from random: less than \
                 half of the singular values are on their law."
            }
            Self::Structured => {
                "Neither a bell curve nor half of the singular values on their law: not random-like."
            }
            Self::HeavyTailed => {
                "Far more very large weights than a bell curve has, whatever the scales, and \
                 singular values off their law: not random-like."
            }
            Self::RankDeficient => {
                "Some directions are lost to rounding: the layer carries less than its shape \
                 allows."
            }
            Self::Undecided => "Too small to tell, or not measured.",
        }
    }

    /// The word for what the entries are and how much of the spectrum is on the law.
    pub const fn of(entries: EntriesAre, spectrum: SpectrumIs) -> Self {
        match (spectrum, entries) {
            (SpectrumIs::OnItsLaw, EntriesAre::Gaussian) => Self::RandomLike,
            (SpectrumIs::OnItsLaw, EntriesAre::GaussianUpToScales) => Self::RandomLikeUpToScales,
            (SpectrumIs::OnItsLaw, _) => Self::RandomNotGaussian,
            (_, EntriesAre::HeavyTailed) => Self::HeavyTailed,
            (SpectrumIs::MostlyOnItsLaw, _) => Self::RandomBulkWithSpikes,
            (SpectrumIs::PartlyOnItsLaw, _) => Self::PartlyRandom,
            (SpectrumIs::OffItsLaw, EntriesAre::Gaussian | EntriesAre::GaussianUpToScales) => {
                Self::GaussianStructured
            }
            (SpectrumIs::OffItsLaw, _) => Self::Structured,
        }
    }
}
