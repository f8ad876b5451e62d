use super::*;
use crate::policy::Policy;
use randomlike_core::audit::example as facts;

fn labelled(layer: &LayerFacts, zeros: Option<(usize, usize)>) -> Labelled {
    let mut layer = layer.clone();
    layer.zero_singular_values = zeros.map(|(count, of)| ZeroSingularValues { count, of });
    Labelled::judge(&layer, Policy::default().rules().labels())
}

fn label(layer: &LayerFacts, zeros: usize) -> Label {
    labelled(layer, Some((zeros, 256))).label
}

/// As far from its law as draws are, and with a scale of so much.
fn near_a_law(layer: LayerFacts, scale_ratio: f64) -> LayerFacts {
    facts::with_start(layer, |start| {
        start.distance = 0.8 * (scale_ratio - 1.0).abs() + 0.003;
        start.ks = 0.003;
        start.scale_ratio = scale_ratio;
    })
}

fn untouched() -> LayerFacts {
    near_a_law(facts::layer("a"), 1.0)
}

fn off_the_law(layer: LayerFacts) -> LayerFacts {
    facts::with_spectrum(layer, |spectrum| {
        if let Section::Measured(nulls) = &mut spectrum.nulls {
            nulls.ks_median.p = 0.001;
        }
    })
}

fn set_aside(spectrum: &mut Spectrum, above: usize) {
    if let Section::Measured(bulk) = &mut spectrum.bulk {
        bulk.above = above;
        bulk.share = 1.0 - above as f64 / 256.0;
    }
}

/// Entries of this KS and excess kurtosis, and so many values above the bulk; both as stored.
fn stored(ks: f64, excess_kurtosis: f64, above: usize) -> LayerFacts {
    let layer = facts::with_weights(facts::layer("a"), |weights| {
        weights.gaussian = Some(GaussianDistance {
            ks,
            excess_kurtosis,
            ..facts::gaussian()
        });
    });
    facts::with_spectrum(layer, |spectrum| set_aside(spectrum, above))
}

/// The same, and what is left of them balanced.
fn with_balanced(mut layer: LayerFacts, ks: f64, excess_kurtosis: f64, above: usize) -> LayerFacts {
    layer.balanced = Section::Measured(facts::balanced());
    facts::with_balanced(layer, |balanced| {
        balanced.inputs.log_spread = 0.4;
        if let Section::Measured(weights) = &mut balanced.weights {
            weights.gaussian.ks = ks;
            weights.gaussian.excess_kurtosis = excess_kurtosis;
        }
        if let Section::Measured(spectrum) = &mut balanced.spectrum {
            set_aside(spectrum, above);
        }
    })
}

// Sorting the entries of an initialiser leaves their law and ruins the spectrum.
#[test]
fn an_initialiser_needs_its_spectrum_too() {
    assert_eq!(label(&untouched(), 0), Label::AtInitialisation);
    assert_ne!(label(&off_the_law(untouched()), 0), Label::AtInitialisation);
}

#[test]
fn a_layer_near_its_start_has_barely_moved() {
    assert_eq!(
        label(&near_a_law(facts::layer("a"), 0.985), 0),
        Label::BarelyMoved
    );
    assert_eq!(
        label(&near_a_law(facts::layer("a"), 0.95), 0),
        Label::RandomLike
    );
    // A law that is near by its entries alone says nothing of a spectrum far from random.
    let structured = near_a_law(stored(0.002, 0.0, 120), 0.985);
    assert_eq!(label(&structured, 0), Label::PartlyRandom);
}

// Equal singular values are no random matrix's, and an orthogonal initialiser's.
#[test]
fn orthogonal_weights_are_told_by_their_spectrum() {
    let with = |spread: f64| {
        facts::with_start(stored(0.002, 0.0, 256), |start| {
            start.law = "orthogonal".into();
            start.singular_value_spread = Some(spread);
            start.distance = spread;
            start.distance_floor = 1e-5;
        })
    };
    assert_eq!(label(&with(1e-6), 0), Label::AtInitialisation);
    assert_eq!(label(&with(0.01), 0), Label::BarelyMoved);
    assert_eq!(label(&with(0.04), 0), Label::GaussianStructured);
}

// No confident word, whatever is known.
#[test]
fn a_small_layer_is_undecided() {
    let Labelled { label, reason, .. } = labelled(&untouched(), Some((3, 31)));
    assert_eq!(label, Label::Undecided);
    assert!(reason.contains("3 of them are zero") && reason.contains("lecun-normal"));
    let enough = labelled(&untouched(), Some((0, 32)));
    assert_eq!(enough.label, Label::AtInitialisation);
}

#[test]
fn lost_directions_come_before_all_else() {
    assert_eq!(label(&untouched(), 128), Label::RankDeficient);
    let unmeasured = facts::unmeasured("a");
    assert_eq!(label(&unmeasured, 200), Label::RankDeficient);
    assert_eq!(label(&unmeasured, 0), Label::Undecided);
    // An audit of an older version has the values, and no count.
    let old = facts::with_spectrum(untouched(), |spectrum| {
        spectrum.singular_values[255] = 0.0;
    });
    assert_eq!(labelled(&old, None).label, Label::RankDeficient);
    assert_eq!(labelled(&untouched(), None).label, Label::AtInitialisation);
}

// An older audit has the initialiser alone.
#[test]
fn an_initialiser_of_an_older_audit_counts() {
    let mut old = facts::with_weights(facts::layer("a"), |weights| {
        weights.initializer = Some(facts::initializer("lecun-normal", &[]));
    });
    old.start = Section::Skipped {
        reason: "unknown".into(),
    };
    assert_eq!(label(&old, 0), Label::AtInitialisation);
    assert_ne!(label(&off_the_law(old), 0), Label::AtInitialisation);
}

// Every word that entries and spectrum make together, each cell once.
#[test]
fn every_cell_has_its_word() {
    let entries = [(0.002, 0.0), (0.09, -1.2), (0.03, 0.8), (0.06, 3.0)];
    let above = [0, 10, 60, 150];
    let words = [
        [
            "random-like",
            "random-bulk-with-spikes",
            "partly-random",
            "gaussian-structured",
        ],
        [
            "random-not-gaussian",
            "random-bulk-with-spikes",
            "partly-random",
            "structured",
        ],
        [
            "random-not-gaussian",
            "random-bulk-with-spikes",
            "partly-random",
            "structured",
        ],
        [
            "random-not-gaussian",
            "heavy-tailed",
            "heavy-tailed",
            "heavy-tailed",
        ],
    ];
    for ((ks, kurtosis), words) in entries.into_iter().zip(words) {
        for (above, word) in above.into_iter().zip(words) {
            let layer = stored(ks, kurtosis, above);
            assert_eq!(label(&layer, 0).name(), word, "{ks} {above}");
            // The same where only the balanced layer shows it, but for entries that were Gaussian.
            let both = with_balanced(stored(0.06, 3.0, 200), ks, kurtosis, above);
            let word = word.replace("random-like", "random-like-up-to-scales");
            assert_eq!(label(&both, 0).name(), word, "balanced {ks} {above}");
        }
    }
}

// The larger share decides, whichever it is, and stands beside the word.
#[test]
fn the_share_is_that_of_the_better_view() {
    let better = labelled(&with_balanced(stored(0.002, 0.0, 60), 0.002, 0.0, 10), None);
    assert_eq!(better.label, Label::RandomBulkWithSpikes);
    assert_eq!(better.view, Some(View::Balanced));
    assert!((better.share.unwrap() - 246.0 / 256.0).abs() < 1e-12);
    let worse = labelled(&with_balanced(stored(0.002, 0.0, 10), 0.002, 0.0, 60), None);
    assert_eq!(
        (worse.label, worse.view),
        (Label::RandomBulkWithSpikes, Some(View::Stored))
    );
    assert_eq!(worse.entries, Some(EntriesAre::Gaussian));
}

// Normal entries on the law whose units differ in scale are random-like only up to scales.
#[test]
fn unequal_scales_are_not_random_like() {
    let with = |log_spread: f64| {
        facts::with_balanced(facts::layer("a"), |balanced| {
            balanced.outputs.log_spread = log_spread;
        })
    };
    let of_chance = facts::balanced().outputs.log_spread_of_chance;
    assert_eq!(label(&with(1.05 * of_chance), 0), Label::RandomLike);
    assert_eq!(label(&with(0.1), 0), Label::RandomLikeUpToScales);
}

// Fewer values, a smaller bulk, and a KS that the check allows.
#[test]
fn the_policy_moves_the_labels() {
    let by = |layer: &LayerFacts, text: &str| {
        let policy = Policy::parse(text, std::path::Path::new("own.toml")).unwrap();
        let audit = facts::audit(vec![layer.clone()]);
        policy.labels(&audit).unwrap().layers[0].label
    };
    let layer = facts::layer("a");
    assert_eq!(by(&layer, ""), Label::RandomLike);
    assert_eq!(by(&layer, "[labels]\nmin_values = 257"), Label::Undecided);
    let only_b = "[[layer]]\npattern = \"b\"\nlabels = { min_values = 257 }";
    assert_eq!(by(&layer, only_b), Label::RandomLike);
    let bent = stored(0.03, 0.0, 0);
    assert_eq!(by(&bent, ""), Label::RandomNotGaussian);
    let wide = "[weights-gaussian]\nmax_ks = 0.04";
    assert_eq!(by(&bent, wide), Label::RandomLike);
    let part = stored(0.002, 0.0, 60);
    assert_eq!(by(&part, ""), Label::PartlyRandom);
    assert_eq!(
        by(&part, "[labels]\nmin_part_share = 0.8"),
        Label::GaussianStructured
    );
    let near = near_a_law(facts::layer("a"), 0.95);
    let far = "[moved-from-initialisation]\nmax_distance = 0.1\nmax_scale_change = 0.1";
    assert_eq!(by(&near, far), Label::BarelyMoved);
}

// The limits of weights-gaussian, W₁ among them, beyond the floors of a small layer.
#[test]
fn random_like_agrees_with_the_check_on_the_weights() {
    let with = |ks: f64, wasserstein: f64, floor: f64| {
        facts::with_weights(facts::layer("a"), |weights| {
            weights.gaussian = Some(GaussianDistance {
                ks,
                ks_floor: floor,
                wasserstein,
                ..facts::gaussian()
            });
        })
    };
    assert_eq!(label(&with(0.002, 0.002, 0.002), 0), Label::RandomLike);
    assert_eq!(
        label(&with(0.002, 0.124, 0.002), 0),
        Label::RandomNotGaussian
    );
    assert_eq!(label(&with(0.025, 0.03, 0.01), 0), Label::RandomLike);
    assert_eq!(
        label(&with(0.025, 0.03, 0.001), 0),
        Label::RandomNotGaussian
    );
}

#[test]
fn no_bulk_is_a_share_of_none() {
    let none = facts::with_spectrum(facts::layer("a"), |spectrum| {
        spectrum.bulk = Section::Skipped {
            reason: "none".into(),
        };
    });
    let labelled = labelled(&none, Some((0, 256)));
    assert_eq!(labelled.label, Label::GaussianStructured);
    assert!(labelled.share.unwrap().abs() < 1e-12);
}
