//! Planted truths through the whole road: synth, checkpoint, measurement, judgement.

use randomlike::analysis;
use randomlike::audit::Audit;
use randomlike::checkpoint::Checkpoint;
use randomlike::policy::Policy;
use randomlike::synth::{self, Bias, Kind, Options};
use randomlike::verdict::{self, Check, Judgement, Outcome};

use Outcome::{Fail, Pass, Skipped};

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

/// The outcome of each check, in the order of [`Check::ALL`].
fn outcomes(judgement: &Judgement) -> [Outcome; 9] {
    Check::ALL.map(|check| {
        let mut of_check = judgement.findings.iter().filter(|f| f.check == check);
        let outcome = of_check.next().unwrap().outcome;
        assert!(of_check.next().is_none(), "{check:?} twice");
        outcome
    })
}

/// What the theory says of each kind, in the order of [`Check::ALL`]: covered, finite,
/// weights-gaussian, moved-from-initialisation, biases-constant, quarter-circle,
/// spectral-edge, level-spacing, shadow-reversible. Sources: docs/theory.md, §1 for the weights
/// (populations beyond the limits of policy/default.toml or not), §3 for the singular values,
/// §5 for the codes: what is not independent between entries (a direction, copies, scales)
/// adds to the error and is gone when they are shuffled; a mean or a law is not.
const TABLE: [(Kind, Bias, [Outcome; 9]); 16] = [
    (Kind::Gaussian, Bias::Constant, [Pass; 9]),
    (
        Kind::Gaussian,
        Bias::Varied,
        [Pass, Pass, Pass, Pass, Fail, Pass, Pass, Pass, Pass],
    ),
    (Kind::Gaussian, Bias::Zero, [Pass; 9]),
    (
        Kind::Gaussian,
        Bias::Absent,
        [Pass, Pass, Pass, Pass, Skipped, Pass, Pass, Pass, Pass],
    ),
    // Independent entries of any law with a fourth moment have the normal law's spectrum.
    (
        Kind::Uniform,
        Bias::Constant,
        [Pass, Pass, Fail, Pass, Pass, Pass, Pass, Pass, Pass],
    ),
    (
        Kind::Laplace,
        Bias::Constant,
        [Pass, Pass, Fail, Pass, Pass, Pass, Pass, Pass, Pass],
    ),
    (
        Kind::StudentT,
        Bias::Constant,
        [Pass, Pass, Fail, Pass, Pass, Pass, Pass, Pass, Pass],
    ),
    // Uniform weights that pass all of the spectrum: the initialiser trap.
    (
        Kind::Kaiming,
        Bias::Zero,
        [Pass, Pass, Fail, Fail, Pass, Pass, Pass, Pass, Pass],
    ),
    // One visible direction leaves the bulk and the marginal as they are.
    (
        Kind::Spikes,
        Bias::Constant,
        [Pass, Pass, Pass, Pass, Pass, Pass, Fail, Pass, Fail],
    ),
    (
        Kind::Mean,
        Bias::Constant,
        [Pass, Pass, Pass, Pass, Pass, Pass, Fail, Pass, Pass],
    ),
    // Half of the values are zero, and nothing lies between the edges of the law.
    (
        Kind::DuplicatedRows,
        Bias::Constant,
        [Pass, Pass, Pass, Pass, Pass, Fail, Fail, Skipped, Fail],
    ),
    // Excess kurtosis 3(exp(4·.3²) − 1) = 1.3; the row-scale trap of §3.
    (
        Kind::RowScales,
        Bias::Constant,
        [Pass, Pass, Fail, Pass, Pass, Fail, Fail, Pass, Fail],
    ),
    // Four independent spectra on one another: neighbours no longer repel.
    (
        Kind::Blocks,
        Bias::Constant,
        [Pass, Pass, Fail, Pass, Pass, Pass, Pass, Fail, Pass],
    ),
    // Every weight is equal: known, and known to be no bell curve. No spectrum is left.
    (
        Kind::Zeros,
        Bias::Constant,
        [
            Fail, Pass, Fail, Fail, Pass, Skipped, Skipped, Skipped, Skipped,
        ],
    ),
    // Broken weights say nothing of the biases, which are one constant or have no scale.
    (
        Kind::Nan,
        Bias::Constant,
        [
            Fail, Fail, Skipped, Skipped, Pass, Skipped, Skipped, Skipped, Skipped,
        ],
    ),
    (
        Kind::Nan,
        Bias::Varied,
        [
            Fail, Fail, Skipped, Skipped, Skipped, Skipped, Skipped, Skipped, Skipped,
        ],
    ),
];

#[test]
fn every_check_says_of_every_kind_what_the_theory_says() {
    for (kind, bias, expected) in TABLE {
        let (_, judgement) = run(kind, bias);
        assert_eq!(
            outcomes(&judgement),
            expected,
            "{kind} {bias}: {judgement:#?}"
        );
    }
}

#[test]
fn every_check_must_pass_somewhere_and_fail_somewhere() {
    for (i, check) in Check::ALL.into_iter().enumerate() {
        for needed in [Pass, Fail] {
            assert!(
                TABLE.iter().any(|(_, _, expected)| expected[i] == needed),
                "no kind makes {check:?} {needed:?}"
            );
        }
    }
    // alexnet is the Gaussian row at 58 million weights.
    for kind in Kind::ALL.into_iter().filter(|&kind| kind != Kind::Alexnet) {
        assert!(
            TABLE.iter().any(|row| row.0 == kind),
            "{kind} is not planted"
        );
    }
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
    let meaning = |judgement: &Judgement| {
        let edge = |f: &&verdict::Finding| f.check == Check::SpectralEdge;
        judgement
            .findings
            .iter()
            .find(edge)
            .unwrap()
            .meaning
            .clone()
    };
    let named = "may be made by the entry mean alone";
    assert!(meaning(&judgement).contains(named));
    // A signal with as many plus as minus signs has no mean to blame.
    let (_, spikes) = run(Kind::Spikes, Bias::Constant);
    assert!(!meaning(&spikes).contains(named));
}

// A published net: the layer that never left its initialiser, and the one that was trained.
#[test]
fn the_untrained_layer_of_a_real_net_reverses_and_the_trained_one_does_not() {
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
    assert_eq!(outcome("linear/linear_model/content"), Fail);
    // 32 inputs give nothing back, and nor do their weights shuffled.
    assert_eq!(outcome("dnn/logits"), Skipped);
    let ratio = |at: usize| audit.layers[at].shadow.measured().unwrap().ratio;
    assert!((ratio(1).mean - 1.0).abs() < 2.0 * ratio(1).error);
    assert!(ratio(3).mean > 1.0 + 10.0 * ratio(3).error);
}
