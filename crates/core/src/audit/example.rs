//! An audit of one healthy layer, for tests that damage one fact at a time.

use crate::audit::{
    Audit, Balanced, BalancedBiases, BalancedScales, BalancedShadow, BalancedWeights, BiasKind,
    Biases, Bulk, Component, ControlFacts, Engine, FileFacts, GaussianDistance, Histogram,
    Initializer, Law, LayerFacts, LayerShadow, Ledger, NonFinite, NullFact, Orientation,
    OrientationFrom, Origin, Pairs, Part, Premise, RandomSigns, SCHEMA_VERSION, Section, Settings,
    SignTest, SingularVector, SourceFacts, Spectrum, SpectrumMethod, SpectrumNulls, Start,
    SweepPoint, TensorFacts, Tool, VectorFacts, VectorNull, VectorSides, Vectors, Weights,
    ZeroSingularValues,
};
use crate::shadow::{Dropout, Estimate, Recovery, Reversal, ShadowControls, Sizes};
use randomlike_checkpoint::Dtype;

/// A checkpoint with these layers.
pub fn audit(layers: Vec<LayerFacts>) -> Audit {
    Audit {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "randomlike".into(),
            version: "0.1.0".into(),
        },
        source: SourceFacts {
            uri: "net.safetensors".into(),
            files: vec![FileFacts::new("net.safetensors", 9, "00")],
            tensors: 2 * layers.len(),
            parameters: 131_328,
            activation: None,
            activation_from: None,
        },
        settings: Settings {
            engine: Engine::Faer,
            conv: false,
            embeddings: false,
            include: vec![],
            exclude: vec![],
            min_size: 2,
            seed: 0,
            full_controls: false,
            simulate_null: None,
            vectors: None,
            assume_relu: false,
            shadow_premise: Some(Premise::ReluAssumed),
        },
        ledger: Some(ledger(&layers)),
        layers,
        chains: Vec::new(),
        skipped: vec![],
    }
}

/// The ledger of a checkpoint that has these layers and nothing else.
pub fn ledger(layers: &[LayerFacts]) -> Ledger {
    let tensors = layers
        .iter()
        .map(|layer| (&layer.weight, layer.bias.as_ref()));
    Ledger::of_older(tensors, &[])
}

/// An initialiser that a layer may still match.
pub fn initializer(name: &str, aliases: &[&str]) -> Initializer {
    Initializer {
        name: name.into(),
        aliases: aliases.iter().map(|&alias| alias.into()).collect(),
        std: 0.03,
        ks: 0.001,
        ks_limit: 0.005,
    }
}

/// A 512 to 256 layer that passes every check. Its figures are what THEORY gives for
/// normal entries: floors from √c·KS = .914 and √c·W₁ = 1.21 at c = 131,072, null of the
/// law from M·KS = 3.6.
pub fn layer(name: &str) -> LayerFacts {
    let tensor = |suffix: &str, shape: &[usize]| {
        TensorFacts::new(format!("{name}.{suffix}"), Dtype::F32, shape)
    };
    LayerFacts {
        name: name.into(),
        weight: tensor("weight", &[256, 512]),
        bias: Some(tensor("bias", &[256])),
        fan_in: 512,
        fan_out: 256,
        orientation: Orientation::OutIn,
        orientation_from: OrientationFrom::BiasLength,
        non_finite: NonFinite::default(),
        weights: Section::Measured(weights()),
        biases: Section::Measured(biases()),
        spectrum: Section::Measured(spectrum()),
        zero_singular_values: Some(ZeroSingularValues { count: 0, of: 256 }),
        controls: Section::Measured(controls()),
        balanced: Section::Measured(balanced()),
        start: Section::Measured(start()),
        vectors: Section::Measured(vectors()),
        shadow: Section::Measured(shadow()),
    }
}

/// The same layer with its scales divided out: nothing else changes.
pub fn balanced() -> Balanced {
    let scales = |kept: usize, others: f64| BalancedScales {
        kept,
        dead: 0,
        near_dead: 0,
        log_spread: 1.02 * (2.0 * others).sqrt().recip(),
        log_spread_of_chance: (2.0 * others).sqrt().recip(),
    };
    let weights = BalancedWeights {
        count: 131_072,
        mean: 0.0,
        std: 1.0,
        min: -4.3,
        max: 4.3,
        skewness: Some(0.0),
        gaussian: gaussian(),
        kurtosis_median: -0.035,
        kurtosis_low: -0.07,
        kurtosis_high: 0.01,
        family: None,
        histogram: weights().histogram,
    };
    let test = |observed: f64| SignTest {
        observed,
        median: observed,
        most: 1.3 * observed,
        p: 0.5,
    };
    Balanced {
        inputs: scales(512, 256.0),
        outputs: scales(256, 512.0),
        rounds: 4,
        residual: 1e-9,
        weights: Section::Measured(weights),
        biases: Section::Measured(BalancedBiases {
            facts: Biases {
                cv: Some(0.04),
                ..biases()
            },
            cv_floor: 0.031,
        }),
        spectrum: Section::Measured(spectrum()),
        signs: Section::Measured(RandomSigns {
            inputs: 512,
            outputs: 256,
            flips: 19,
            stored_ks: 0.0108,
            stored_ks_with_signs: 0.0105,
            ks: test(0.0108),
            largest: test(1.7),
        }),
        shadow: Section::Measured(balanced_shadow()),
    }
}

/// Trained weights: no initialiser is near.
pub fn start() -> Start {
    Start {
        law: "lecun-normal".into(),
        aliases: vec![],
        count: 131_072,
        std: 0.0442,
        distance: 0.26,
        distance_floor: 0.0095,
        ks: 0.09,
        ks_floor: 0.0054,
        scale_ratio: 0.68,
        scale_ratio_error: 0.002,
        mean_in_errors: 0.0,
        is_bounded: false,
        outside: None,
        shrinkage: None,
        drift: None,
        moved_at_least: 0.25,
        singular_value_spread: None,
        bias: None,
        rows: None,
    }
}

/// Distances that normal entries reach by chance.
pub const fn gaussian() -> GaussianDistance {
    GaussianDistance {
        excess_kurtosis: 0.01,
        ks: 0.0018,
        ks_floor: 0.0025,
        wasserstein: 0.0023,
        wasserstein_floor: 0.0033,
        negentropy: 1e-5,
        anderson_darling: 3e-6,
        qq_correlation: 0.99999,
    }
}

fn weights() -> Weights {
    Weights {
        count: 131_072,
        distinct: 131_000,
        mean: 0.0,
        std: 0.03,
        rms: 0.03,
        min: -0.13,
        max: 0.13,
        skewness: Some(0.0),
        zero_fraction: 0.0,
        gaussian: Some(gaussian()),
        family: None,
        initializer: None,
        histogram: Some(Histogram {
            lower: -4.0,
            upper: 4.0,
            counts: vec![170, 2_800, 17_800, 44_700, 44_700, 17_800, 2_800, 170],
            below: 66,
            above: 66,
        }),
    }
}

fn biases() -> Biases {
    Biases {
        count: 256,
        mean: -0.1,
        std: 0.001,
        median: -0.1,
        mad: 0.0007,
        min: -0.103,
        max: -0.097,
        cv: Some(0.01),
        spread_ratio: Some(0.0015),
        mean_ratio: Some(0.147),
        positive_fraction: 0.0,
        kind: Some(BiasKind::Constant),
        quantiles: vec![-0.103, -0.1, -0.097],
    }
}

fn spectrum() -> Spectrum {
    Spectrum {
        law: Law::MarchenkoPastur,
        aspect: 0.5,
        singular_values: (0..256).map(|i| 1.15 - 0.0037 * f64::from(i)).collect(),
        spectral_norm: 1.15,
        smallest: 0.2,
        frobenius_norm: 10.86,
        stable_rank: 89.0,
        effective_rank: 200.0,
        entropy: Some(0.95),
        matrix_rank: 256,
        rank_loss: 0,
        sigma_rms: 0.03,
        sigma_median: 0.03,
        edge_lower: 0.199,
        edge_upper: 1.159,
        ks_rms: 0.0108,
        ks_median: 0.0108,
        ks_null_q99: 0.0141,
        wasserstein: 0.01,
        outlier_threshold_above: 1.18,
        outlier_threshold_below: 0.18,
        outliers_above: 0,
        outliers_below: 0,
        mean_visibility: Some(0.1),
        level_ratio: Some(0.5307),
        power_law: None,
        alpha_weighted: None,
        log_alpha_norm: None,
        log_norm: Some(2.07),
        log_spectral_norm: Some(0.12),
        mp_softrank: 1.0,
        nulls: Section::Measured(nulls()),
        bulk: Section::Measured(bulk()),
    }
}

fn nulls() -> SpectrumNulls {
    let high = |observed: f64, high: f64| NullFact {
        observed,
        median: 0.8 * high,
        low: None,
        high: Some(high),
        p: 0.4,
    };
    let both = |observed: f64, low: f64, high: f64| NullFact {
        observed,
        median: observed,
        low: Some(low),
        high: Some(high),
        p: 0.9,
    };
    SpectrumNulls {
        origin: Origin::Table,
        draws: None,
        excess_kurtosis: 0.01,
        ks_median: high(0.0108, 0.0141),
        ks_rms: high(0.0108, 0.013),
        wasserstein: high(0.01, 0.012),
        scale_ratio: both(1.0, 0.99, 1.01),
        largest: high(1.15, 1.18),
        smallest: Some(NullFact {
            low: Some(0.18),
            high: None,
            ..high(0.2, 0.18)
        }),
        level_ratio: Some(both(0.5307, 0.48, 0.58)),
    }
}

/// All of the spectrum.
const fn bulk() -> Bulk {
    Bulk {
        above: 0,
        below: 0,
        share: 1.0,
        sigma: 0.03,
        edge_lower: 0.199,
        edge_upper: 1.159,
        ks: 0.0108,
        ks_null_q99: 0.0141,
        p: 0.4,
        energy: 1.0,
        energy_above: 0.0,
        energy_below: 0.0,
    }
}

/// Largest values on the law's edge, .03·(√512 + √256) = 1.159, and none above its threshold.
pub fn controls() -> crate::audit::Controls {
    let control = ControlFacts {
        singular_values: vec![1.15],
        error: 1e-9,
        threshold_above: 1.18,
        outliers_above: 0,
        ks_median: Some(0.01),
    };
    crate::audit::Controls {
        method: SpectrumMethod::Exact,
        spread: 0.01,
        observed: 1.15,
        gaussian: control.clone(),
        shuffled: control.clone(),
        structure: 0.0,
        tails_and_mean: 0.0,
        trap: None,
    }
}

/// A vector at the top and one at the bottom that look like random ones.
pub fn vectors() -> Vectors {
    let null = |length| VectorNull {
        length,
        ks_q95: 1.31,
        ks_q99: 1.61,
        participation: 3.0 / (length as f64 + 2.0),
        participation_std: 24_f64.sqrt() * (length as f64).powf(-1.5),
    };
    let facts = |length| VectorFacts {
        ks: 0.9,
        participation: null(length).participation,
        largest: vec![Component {
            index: 7,
            share: 0.02,
        }],
    };
    let vector = |part, index, singular_value| SingularVector {
        part,
        index,
        singular_value,
        sides: Section::Measured(VectorSides {
            angle: 1e-9,
            inputs: facts(512),
            outputs: facts(256),
        }),
    };
    Vectors {
        count: 1,
        residual: 1e-14,
        inputs: null(512),
        outputs: null(256),
        vectors: vec![vector(Part::Top, 0, 1.15), vector(Part::Bottom, 255, 0.2)],
    }
}

/// What a Gaussian matrix of 512 inputs and 256 outputs returns, in closed form.
fn shadow() -> LayerShadow {
    let sizes = |k| Sizes {
        n: 512,
        m: 256,
        k,
        rho: 0.5,
    };
    let exactly = |mean| Estimate { mean, error: 0.005 };
    let recovery = |error| Recovery {
        relative_error: exactly(error),
        cosine: exactly(0.8),
        per_coordinate_error: exactly(0.06),
        per_positive_error: exactly(0.2),
        support_recall: exactly(0.9),
        zeros_recovered: Some(exactly(0.9)),
    };
    let error = sizes(17).relative_error();
    let reversal = Reversal {
        gain: exactly(1.0),
        linear_error: exactly(sizes(17).linear_error()),
        calibrated: recovery(error),
        bias: -0.09,
        no_bias: recovery(1.2),
        own_bias: None,
        dropout: Dropout {
            keep: 0.5,
            calibrated: recovery(0.6),
            bias: -0.13,
            predicted: sizes(17).dropped(0.5).relative_error(),
        },
    };
    LayerShadow {
        k: 17,
        rho: 0.5,
        trials: 64,
        meets_the_theorem: true,
        layer: reversal.clone(),
        predicted: error,
        controls: ShadowControls {
            gaussian: reversal.clone(),
            shuffled: reversal,
        },
        shuffles: 8,
        ratio: Estimate {
            mean: 1.0,
            error: 0.03,
        },
        sweep: [2, 17, 128]
            .map(|k| {
                let error = sizes(k).relative_error();
                SweepPoint {
                    k,
                    draws: 20,
                    relative_error: error,
                    q05: 0.8 * error,
                    q95: 1.2 * error,
                    predicted: error,
                    gaussian: error,
                    shuffled: error,
                }
            })
            .into(),
        pairs: Pairs {
            draws: 2,
            positive: vec![(0.2, 0.15), (0.3, 0.28)],
            zeros: vec![0.0, 0.0, 0.02],
        },
    }
}

fn balanced_shadow() -> BalancedShadow {
    let LayerShadow {
        k,
        rho,
        trials,
        layer,
        predicted,
        shuffles,
        ratio,
        ..
    } = shadow();
    BalancedShadow {
        k,
        rho,
        trials,
        shuffled: layer.clone(),
        layer,
        predicted,
        shuffles,
        ratio,
    }
}

/// A layer of which nothing is known up to scales, so that what is stored decides.
pub fn as_stored(mut layer: LayerFacts) -> LayerFacts {
    layer.balanced = Section::Skipped {
        reason: "not measured".into(),
    };
    layer
}

/// Changes what is known of a layer up to scales.
pub fn with_balanced(mut layer: LayerFacts, change: impl FnOnce(&mut Balanced)) -> LayerFacts {
    if let Section::Measured(balanced) = &mut layer.balanced {
        change(balanced);
    }
    layer
}

/// Changes how far a layer is from its start.
pub fn with_start(mut layer: LayerFacts, change: impl FnOnce(&mut Start)) -> LayerFacts {
    if let Section::Measured(start) = &mut layer.start {
        change(start);
    }
    layer
}

/// Changes the shadow of a measured layer, of which nothing else is known up to scales.
pub fn with_shadow(mut layer: LayerFacts, change: impl FnOnce(&mut LayerShadow)) -> LayerFacts {
    if let Section::Measured(shadow) = &mut layer.shadow {
        change(shadow);
    }
    as_stored(layer)
}

/// Changes the weights of a measured layer, of which nothing else is known up to scales.
pub fn with_weights(mut layer: LayerFacts, change: impl FnOnce(&mut Weights)) -> LayerFacts {
    if let Section::Measured(weights) = &mut layer.weights {
        change(weights);
    }
    as_stored(layer)
}

/// Changes the biases of a measured layer, of which nothing else is known up to scales.
pub fn with_biases(mut layer: LayerFacts, change: impl FnOnce(&mut Biases)) -> LayerFacts {
    if let Section::Measured(biases) = &mut layer.biases {
        change(biases);
    }
    as_stored(layer)
}

/// Changes the spectrum of a measured layer, of which nothing else is known up to scales.
pub fn with_spectrum(mut layer: LayerFacts, change: impl FnOnce(&mut Spectrum)) -> LayerFacts {
    if let Section::Measured(spectrum) = &mut layer.spectrum {
        change(spectrum);
    }
    as_stored(layer)
}

/// A layer of which nothing was measured.
pub fn unmeasured(name: &str) -> LayerFacts {
    let mut layer = layer(name);
    layer.weights = Section::Skipped {
        reason: "too small".into(),
    };
    layer.biases = Section::Skipped {
        reason: "too small".into(),
    };
    layer.spectrum = Section::Skipped {
        reason: "too small".into(),
    };
    layer.start = Section::Skipped {
        reason: "too small".into(),
    };
    layer = as_stored(layer);
    layer.zero_singular_values = None;
    layer.shadow = Section::Skipped {
        reason: "too small".into(),
    };
    layer.controls = Section::Skipped {
        reason: "too small".into(),
    };
    layer.vectors = Section::Skipped {
        reason: "too small".into(),
    };
    layer
}
