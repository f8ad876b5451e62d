//! Planted truths through the whole road: synth, checkpoint, measurement, judgement.

use randomlike::analysis;
use randomlike::audit::Audit;
use randomlike::checkpoint::Checkpoint;
use randomlike::policy::Policy;
use randomlike::selftest::{self, TRUTHS};
use randomlike::synth::{self, Bias, Kind, Options};
use randomlike::verdict::{self, Check, FindingOutcome, Judgement};

use FindingOutcome::{Pass, Skipped};

fn run(kind: Kind, bias: Bias) -> (Audit, Judgement) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("planted.safetensors");
    let options = Options {
        bias,
        ..Options::default()
    };
    synth::write(kind, &options, &file).unwrap();
    let checkpoint = Checkpoint::open(&file).unwrap();
    let audit = analysis::measure(&checkpoint, &analysis::Options::default(), &mut |_| {}).unwrap();
    let judgement = verdict::judge(&audit, &Policy::default()).unwrap();
    (audit, judgement)
}

// The table of what theory says, and the tests of the table itself, are in crates/selftest.
#[test]
fn every_check_says_of_every_truth_what_the_theory_says() {
    let tried = selftest::run(TRUTHS, &selftest::Options::default(), &mut |_| {}).unwrap();
    for (tried, truth) in tried.iter().zip(TRUTHS) {
        assert_eq!(tried.truth, *truth);
        assert!(tried.as_planted(), "{truth}: {tried:#?}");
    }
    assert_eq!(tried.len(), TRUTHS.len());
}

// §3: one outlier by itself when |mean|/sd > (NM)^−¼; here 1/3 against .053.
#[test]
fn the_mean_trap_is_named() {
    let (audit, judgement) = run(Kind::Mean, Bias::Constant);
    let spectrum = audit.layers[0].spectrum.measured().unwrap();
    assert_eq!((spectrum.outliers_above, spectrum.outliers_below), (1, 0));
    // σ₁ = s√N·√((1 + θ²)(y + θ²))/θ with θ = |mean|√(NM)/(s√N) (BBP, §3); it moves by about
    // s from draw to draw, as the noise along the planted direction does.
    let (n, m, s, mean) = (512.0_f64, 256.0_f64, 0.03, 0.01);
    let theta = mean * m.sqrt() / s;
    let square = theta * theta;
    let sigma = s * n.sqrt() * ((1.0 + square) * (m / n + square)).sqrt() / theta;
    assert!((spectrum.spectral_norm - sigma).abs() < 3.0 * s);
    let case = |judgement: &Judgement| {
        let edge = |f: &&verdict::Finding| f.check == Check::SpectralEdge;
        judgement.findings.iter().find(edge).unwrap().case.name
    };
    assert_eq!(case(&judgement), "one-maybe-by-mean");
    // A signal with as many plus as minus signs has no mean to blame.
    let (_, spikes) = run(Kind::Spikes, Bias::Constant);
    assert_eq!(case(&spikes), "outside");
}

// A published net: the layer that never left its initialiser, and the one that was trained, which
// as stored loses half as much again as its weights shuffled.
#[test]
fn the_untrained_layer_of_a_real_net_reverses_and_the_trained_one_up_to_scales() {
    let file = std::path::Path::new("fixtures/guesslang_vscode.safetensors");
    let checkpoint = Checkpoint::open(file).unwrap();
    let audit = analysis::measure(&checkpoint, &analysis::Options::default(), &mut |_| {}).unwrap();
    let judgement = verdict::judge(&audit, &Policy::default()).unwrap();
    let outcome = |layer: &str| {
        let mut of_layer = judgement.for_layer(layer);
        let found = of_layer.find(|f| f.check == Check::ShadowReversible);
        found.unwrap().outcome
    };
    assert_eq!(outcome("dnn/hiddenlayer_1"), Pass);
    // With the scale of each unit divided out it does, and better than its weights shuffled.
    assert_eq!(outcome("linear/linear_model/content"), Pass);
    let balanced = audit.layers[3].balanced.measured().unwrap();
    let of_balanced = balanced.shadow.measured().unwrap().ratio;
    assert!(of_balanced.mean < 1.0 - 5.0 * of_balanced.error);
    // 32 inputs give nothing back, and nor do their weights shuffled.
    assert_eq!(outcome("dnn/logits"), Skipped);
    let ratio = |at: usize| audit.layers[at].shadow.measured().unwrap().ratio;
    assert!((ratio(1).mean - 1.0).abs() < 2.0 * ratio(1).error);
    assert!(ratio(3).mean > 1.0 + 10.0 * ratio(3).error);
}
