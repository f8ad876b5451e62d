//! What each check measures, and what a failure leaves open, for readers of a CI server.

use super::Check;

impl Check {
    /// What is measured, and against which limit or null.
    #[must_use]
    pub const fn measures(self) -> &'static str {
        match self {
            Self::Finite => {
                "Every entry of the weight and the bias is read; those that are NaN or infinite \
                 are counted. There is no null: one such entry fails."
            }
            Self::Covered => {
                "How many layers, with which share of the weights, had their weights and spectrum \
                 measured and enough of them for weights-gaussian or quarter-circle to tell. There \
                 is no null: the limits are a count and a share."
            }
            Self::WeightsOnly => {
                "Which classes and functions a pickle asks its reader for, beside those that \
                 tensors are made of. They are read and never imported. Files of other formats ask \
                 for none. There is no null: one is enough."
            }
            Self::WeightsGaussian => {
                "The Kolmogorov-Smirnov and Wasserstein-1 distances of the weights to the normal \
                 law with their mean and standard deviation, and their excess kurtosis. Each is \
                 taken beyond its sampling floor, which true normal entries of the same count \
                 reach by chance."
            }
            Self::BiasesConstant => {
                "The spread of the biases, beside that of a typical input sum of the layer. They \
                 pass when they are one constant or too small to matter; there is no null."
            }
            Self::QuarterCircle => {
                "The Kolmogorov-Smirnov distance of the singular values to the Marchenko–Pastur \
                 law of the layer's shape (the quarter circle where it is square), scaled by the \
                 median, as a multiple of the 99 % point of that distance for matrices of \
                 independent entries of the same shape."
            }
            Self::SpectralEdge => {
                "The number of singular values above and below the edges of the law. Each edge is \
                 tested at 1 % by random matrices of the layer's shape and excess kurtosis."
            }
            Self::LevelSpacing => {
                "The mean ratio of neighbouring gaps between singular values, beside .5307, that \
                 of a large random matrix, in standard errors for so many values."
            }
            Self::ShadowReversible => {
                "Sparse random codes are sent down through the layer and up again: the relative \
                 error of what comes back, over that of the layer's own weights in random order \
                 on the same codes. Independent entries have 1."
            }
            Self::MovedFromInitialisation => {
                "The Kolmogorov-Smirnov distance of the weights to each known initialiser, with \
                 nothing fitted, beside the 99.9 % point of that distance for an untouched layer \
                 of the same count."
            }
            Self::Baseline => {
                "Each figure of a layer beside the same figure in an earlier audit. It fails when \
                 it is worse by more than its tolerance and by more than the policy's number of \
                 standard errors of the difference of two independent draws. Layers that are gone \
                 and sections that are no longer measured fail too."
            }
        }
    }

    /// What a failure does not show.
    #[must_use]
    pub const fn leaves_open(self) -> &'static str {
        match self {
            Self::Finite => {
                "Where such an entry comes from: training that diverged, a conversion to a \
                 narrower type, or a damaged file."
            }
            Self::Covered => {
                "Anything about the layers that were not judged: they may be random-like or not."
            }
            Self::WeightsOnly => {
                "That the file means harm: a whole module, an optimiser's options and a progress \
                 counter name classes too. Nor is a file that passes good in any other way."
            }
            Self::WeightsGaussian => {
                "That the layer is bad: most trained layers are not Gaussian. Nor that its entries \
                 depend on each other: independent rows on scales of their own fail too."
            }
            Self::BiasesConstant => {
                "That the layer is bad, or that training did it: the paper's theorem asks for one \
                 constant, working nets do not have it, and some initialisers draw each bias anew."
            }
            Self::QuarterCircle => {
                "Which structure there is, or that it is a fault: learning leaves structure, and \
                 so do rows of unequal scale."
            }
            Self::SpectralEdge => {
                "That the layer is faulty: trained layers that work have such values. A mean that \
                 is not zero, or a few very large weights, make one without any learning."
            }
            Self::LevelSpacing => {
                "Why the values do not repel: copies of units or several nets side by side in one \
                 matrix are enough. A layer that passes can still be far from random."
            }
            Self::ShadowReversible => {
                "That the net is bad: training leaves structure, and structure is in the way. Nor \
                 is a layer that passes good: an untrained one passes."
            }
            Self::MovedFromInitialisation => {
                "That the layer was never trained: training may have moved it by less than can be \
                 seen. Nor is a layer that passes trained well."
            }
            Self::Baseline => {
                "Which of the two states is the better net, or what made the difference: more \
                 training, another conversion and damage look alike."
            }
        }
    }
}
