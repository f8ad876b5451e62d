//! What was typed, and what it means.

mod size;
mod training;

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use randomlike::analysis::Options;
use randomlike::checkpoint;
use randomlike::layers::Selection;
use randomlike::linalg::{Engine, SpectrumError};
use randomlike::report::figures::ImageShape;
use randomlike::synth;

pub use training::Training;

const EXIT_CODES: &str = "\
Exit status:
  0  measured; for `check`: the gate holds
  1  `check`: the gate failed; `selftest`: a verdict is not as planted
  2  could not audit: bad input, bad policy, nothing measured or in common";

const INSPECT_EXAMPLES: &str = "\
Examples:
  randomlike inspect model.safetensors --out report
  randomlike inspect model.safetensors.index.json --include 'mlp.*'
  randomlike inspect alexnet.pth --out report
  randomlike inspect hf://openai-community/gpt2 --include 'mlp'
  randomlike inspect model.safetensors --json > audit.json
  randomlike inspect model.safetensors --vectors 5 --out report
  randomlike inspect model.safetensors --memory 4GB
  randomlike inspect audit.json --policy own.toml --out report

Exits with 0 when it could measure and 2 when it could not; `randomlike check`
turns the findings into a pass or a fail.";

const CHECK_EXAMPLES: &str = "\
Examples:
  randomlike check model.safetensors
  randomlike check report/audit.json --policy strict.toml
  randomlike check report/audit.json --format json
  randomlike check model.safetensors --format junit > randomlike.xml
  randomlike check model.safetensors --format sarif > randomlike.sarif
  randomlike check model.safetensors --format github
  randomlike check model.safetensors --baseline report/audit.json
  randomlike check --print-policy > own.toml

Exits with 0 when the gate holds, 1 when it fails, and 2 when the source could
not be audited, nothing was measured, or the policy is wrong.";

const COMPARE_EXAMPLES: &str = "\
Examples:
  randomlike compare base.safetensors tuned.safetensors
  randomlike compare base.safetensors tuned.safetensors --out comparison
  randomlike compare old/audit.json new/audit.json --json

Layers belong together by name, and those left over by shape. Every change is
given in units of its own standard error, as if A and B were independent draws.
Where both sides are checkpoints, the weights of B less those of A are measured
too: unchanged, of low rank, like random numbers, or none of these.
Exits with 0 when it could compare and 2 when it could not; `check --baseline`
turns what got worse into a fail.";

const LAYERS_EXAMPLES: &str = "\
Examples:
  randomlike layers model.safetensors
  randomlike layers model.safetensors --conv --exclude embed";

const SHADOW_EXAMPLES: &str = "\
Examples:
  randomlike shadow model.safetensors
  randomlike shadow model.safetensors --out shadow
  randomlike shadow model.safetensors --include fc2 --k 40 --draws 256
  randomlike shadow model.safetensors --layers fc1,fc2 --ks 400,128,20
  randomlike shadow model.safetensors --inputs batch.safetensors --image 1x28x28 --out shadow
  randomlike shadow --theory

A sparse code h is sent down, x = r(alpha W h) with a share of x dropped, and up
again: layer by layer, and along every chain of layers that feed each other. A
random matrix gives h back up to an error that theory predicts; the shuffled
control has the same entries without their order. A ratio near 1 says
random-like, and so does a net that was never trained. The theory is about ReLU;
where a net names another activation, nothing is measured.";

const SELFTEST_EXAMPLES: &str = "\
Examples:
  randomlike selftest
  randomlike selftest gaussian spikes --json
  randomlike selftest --policy own.toml
  randomlike selftest --seed 7

Each row is one truth: what is planted, which checks must fail by theory and the
label the layer must get, and what came out. Checks that are not named pass, but
for the few where theory does not say; `--json` has each verdict with its figures
and the reason for what is expected.
With a policy of your own it shows which planted faults would get through; its
[[layer]] patterns have one layer to match here, called `layer`. With another
seed a few verdicts may differ by chance: each edge of a spectrum is tested at
1 %.
Exits with 0 when all is as planted, 1 when something is not, and 2 when it
could not run.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  randomlike completions bash > /etc/bash_completion.d/randomlike
  randomlike completions zsh > _randomlike";

const MAN_EXAMPLES: &str = "\
Examples:
  randomlike man | man -l -
  randomlike man ~/.local/share/man/man1";

/// Is this downloaded net random-like? Gaussian weights, constant biases and
/// quarter-circle singular values, measured layer by layer.
#[derive(Debug, Parser)]
#[command(name = "randomlike", version, term_width = 80, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure every layer of a checkpoint and judge it.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Judge a checkpoint or an audit.json by a policy, for CI.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Put two checkpoints or audits side by side: before and after, or two releases.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(Compare),
    /// Show what would be measured, what not, and why; reads headers only.
    #[command(after_help = LAYERS_EXAMPLES)]
    Layers(Layers),
    /// Run layers and chains in reverse and forward again; measure what comes back.
    #[command(after_help = SHADOW_EXAMPLES)]
    Shadow(Shadow),
    /// Train nets with and without shadow data, and compare them seed by seed.
    #[command(after_help = training::EXAMPLES)]
    Train(Training),
    /// Write a checkpoint with planted truths, to try the others on.
    #[command(after_help = synth_help())]
    Synth(Synth),
    /// Plant truths, run the whole road on each, and show what must come out and what did.
    #[command(after_help = SELFTEST_EXAMPLES)]
    Selftest(Selftest),
    /// Print a completion script for a shell.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Write the manual as man pages, one a command.
    #[command(after_help = MAN_EXAMPLES)]
    Man(Manual),
}

/// What a SOURCE may be.
fn source_help() -> String {
    format!(
        "A checkpoint: a {} file, an index of shards ({}) or a directory, or \
         hf://owner/repo[@revision][/file] on the Hub; or an audit.json, to judge and draw it \
         again without the weights",
        checkpoint::endings(),
        checkpoint::index_endings()
    )
}

#[derive(Debug, Args)]
pub struct Inspect {
    #[arg(help = source_help())]
    pub source: PathBuf,
    /// Write report.html, audit.json and the figures (PNG) into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Judge by this policy instead of the default.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Print audit.json instead of the table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub deeper: Deeper,
    #[command(flatten)]
    pub measuring: Measuring,
}

/// Flags of what is measured only when asked for.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Deeper {
    /// All singular values of the controls (the weights shuffled, a
    /// Gaussian matrix), not only the largest; takes as long as four layers.
    #[arg(long)]
    pub full_controls: bool,
    /// Look at K singular vectors at the top, in the bulk and at the bottom: are they
    /// spread as random ones are, and which inputs and outputs carry them?
    #[arg(long, value_name = "K", value_parser = vectors)]
    pub vectors: Option<usize>,
}

impl Deeper {
    /// Whether any of the flags was typed.
    pub const fn is_given(&self) -> bool {
        self.full_controls || self.vectors.is_some()
    }
}

#[derive(Debug, Args)]
pub struct Check {
    /// A checkpoint as for `inspect`, or an audit.json that `inspect` wrote.
    #[arg(required_unless_present = "print_policy")]
    pub source: Option<PathBuf>,
    /// Judge by this policy instead of the default.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// An earlier audit.json: what is worse than it was, or gone, fails too.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// How to print the findings.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Print the default policy, with the reason beside each limit.
    #[arg(long, conflicts_with_all = ["source", "policy", "baseline", "format"])]
    pub print_policy: bool,
    #[command(flatten)]
    pub measuring: Measuring,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// Sentences.
    Human,
    /// One JSON object.
    Json,
    /// JUnit XML, for GitLab and Jenkins: a suite a layer, a case a check.
    Junit,
    /// SARIF 2.1.0, for code scanning: a result a failure.
    Sarif,
    /// Annotations for GitHub Actions, and a table in the file that GITHUB_STEP_SUMMARY names.
    Github,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// What was there before: a checkpoint as for `inspect`, or an audit.json.
    pub a: PathBuf,
    /// What is there now: the same.
    pub b: PathBuf,
    /// Write report.html, comparison.json and the figures (PNG) into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print comparison.json instead of the tables.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub measuring: Measuring,
}

#[derive(Debug, Args)]
pub struct Layers {
    /// A checkpoint as for `inspect`.
    pub source: PathBuf,
    /// Print JSON instead of the table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub fetching: Fetching,
    #[command(flatten)]
    pub selecting: Selecting,
}

#[derive(Debug, Args)]
pub struct Shadow {
    /// A checkpoint as for `inspect`.
    #[arg(required_unless_present = "theory")]
    pub source: Option<PathBuf>,
    /// Measure the theorem itself, on random Gaussian nets of two and three
    /// layers; takes about half a minute.
    #[arg(long, conflicts_with_all = ["source", "layers", "inputs", "image", "ks", "k", "assume_relu"])]
    pub theory: bool,
    /// One chain, from the input up, instead of those found from names and sizes.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub layers: Vec<String>,
    /// Kept of each level of the chain, from the input up, and the positive
    /// coordinates of a code at the top [default: the share RHO of each level, or
    /// what the theorem's order leaves].
    #[arg(long, value_name = "K0,K1,...", value_delimiter = ',')]
    pub ks: Vec<usize>,
    /// Real inputs of the chain, a tensor of shape (count, inputs): the net's own
    /// codes are taken and reversed too.
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// The chain's input is an image: draw shadow samples as pictures.
    #[arg(long, value_name = "CxHxW", value_parser = image, requires = "out")]
    pub image: Option<ImageShape>,
    /// Write shadow.json and the figures (PNG) into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Positive coordinates of a code of one layer [default: the fewest whose
    /// square passes the inputs kept, at most half of the outputs].
    #[arg(long, value_name = "K")]
    pub k: Option<usize>,
    /// Share of the inputs kept on the way down.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub rho: f64,
    /// Share of these kept on the way up, where dropout is measured.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub keep: f64,
    /// Codes drawn and scored; half as many more set the bias.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = draws)]
    pub draws: usize,
    /// Seed of every draw.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Measure although the checkpoint or its config.json names another activation.
    #[arg(long)]
    pub assume_relu: bool,
    /// Print JSON instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Threads to use; all processors when left out. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub fetching: Fetching,
    #[command(flatten)]
    pub selecting: Selecting,
}

#[derive(Debug, Args)]
pub struct Synth {
    /// What to plant; see the list below.
    pub kind: String,
    /// The .safetensors file to write.
    pub out: PathBuf,
    /// Seed of the draws.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Inputs of the layer.
    #[arg(long, value_name = "N")]
    pub inputs: Option<usize>,
    /// Outputs of the layer.
    #[arg(long, value_name = "M")]
    pub outputs: Option<usize>,
    /// Type of the stored entries: f64, f32, f16 or bf16.
    #[arg(long)]
    pub dtype: Option<String>,
    /// Biases to plant: constant, varied, zero or absent.
    #[arg(long)]
    pub bias: Option<String>,
}

#[derive(Debug, Args)]
pub struct Selftest {
    /// Only truths of these kinds, named as for `synth`.
    #[arg(value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Judge by this policy instead of the default.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Print JSON instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Library that computes the singular values.
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,
    /// Seed of the planted weights [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads to use; all processors when left out. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that reads the script.
    #[arg(value_enum)]
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct Manual {
    /// The folder to write every page into; the first page is printed when left out.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Flags that choose tensors.
#[derive(Debug, Args)]
pub struct Selecting {
    /// Flatten convolutions to (out, in·kh·kw) and measure them too.
    #[arg(long)]
    pub conv: bool,
    /// Measure embeddings and other tables too.
    #[arg(long)]
    pub embeddings: bool,
    /// Measure only tensors that match; a glob, or text to be found in the name.
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,
    /// Leave out tensors that match.
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Leave out layers whose smaller side is below this.
    #[arg(long, value_name = "N")]
    pub min_size: Option<NonZeroUsize>,
}

impl Selecting {
    /// Whether any of the flags was typed.
    pub const fn is_given(&self) -> bool {
        self.conv
            || self.embeddings
            || !self.include.is_empty()
            || !self.exclude.is_empty()
            || self.min_size.is_some()
    }

    /// What the flags mean.
    pub fn selection(&self) -> Selection {
        let default = Selection::default();
        Selection {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            conv: self.conv,
            embeddings: self.embeddings,
            min_size: self.min_size.map_or(default.min_size, NonZeroUsize::get),
        }
    }
}

/// Flags of sources that lie on the Hub.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Fetching {
    /// Use only what is in the Hub's cache; ask nobody.
    #[arg(long)]
    pub offline: bool,
    /// Read NumPy's two-byte entries without a type (`<V2`) as bfloat16.
    #[arg(long)]
    pub v2_bfloat16: bool,
}

/// Flags that matter when weights are read.
#[derive(Debug, Args)]
pub struct Measuring {
    #[command(flatten)]
    pub fetching: Fetching,
    #[command(flatten)]
    pub selecting: Selecting,
    /// Library that computes the singular values.
    #[arg(long, value_enum)]
    pub engine: Option<EngineName>,
    /// Seed of everything drawn [default: 0].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Draw so many random matrices of each layer's shape for the nulls of its singular values,
    /// in place of the built-in tables [1000 without a number; a minute or more for sides above
    /// 4096].
    #[arg(
        long,
        value_name = "DRAWS",
        value_parser = null_draws,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1000"
    )]
    pub simulate_null: Option<usize>,
    /// Run the shadow model although the checkpoint or its config.json names another
    /// activation than ReLU.
    #[arg(long)]
    pub assume_relu: bool,
    /// Threads to use; all processors when left out. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Memory to use, such as 2GB or 800MiB; when left out, what the largest layer takes, a
    /// quarter more and 128MiB. With more, more layers run beside each other; results do not
    /// depend on it.
    #[arg(long, value_name = "SIZE", value_parser = size::bytes)]
    pub memory: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EngineName {
    /// Pure Rust, always there [default].
    Faer,
    /// LAPACK, in builds with `--features lapack`.
    Lapack,
}

/// The engine asked for, if this build has it.
pub fn engine(name: Option<EngineName>) -> Result<Engine, SpectrumError> {
    let engine = match name {
        Some(EngineName::Faer) => Engine::Faer,
        Some(EngineName::Lapack) => Engine::Lapack,
        None => Engine::default(),
    };
    if engine.is_built() {
        Ok(engine)
    } else {
        Err(SpectrumError::NotBuilt)
    }
}

impl Measuring {
    /// The engine asked for, if this build has it.
    pub fn engine(&self) -> Result<Engine, SpectrumError> {
        engine(self.engine)
    }

    /// Whether any flag was typed that changes what an audit holds.
    pub const fn is_given(&self) -> bool {
        self.selecting.is_given()
            || self.engine.is_some()
            || self.seed.is_some()
            || self.simulate_null.is_some()
            || self.assume_relu
    }

    /// What the flags mean.
    pub fn options(&self, deeper: Deeper) -> Result<Options, SpectrumError> {
        Ok(Options {
            selection: self.selecting.selection(),
            engine: self.engine()?,
            seed: self.seed.unwrap_or_default(),
            simulate_null: self.simulate_null,
            full_controls: deeper.full_controls,
            vectors: deeper.vectors,
            assume_relu: self.assume_relu,
            alone: false,
            memory: self.memory,
        })
    }
}

/// Most threads: each takes memory, and no machine of today has more processors.
const MOST_THREADS: usize = 4096;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(threads) if threads.get() <= MOST_THREADS => Ok(threads),
        _ => Err(format!("give a whole number from 1 to {MOST_THREADS}")),
    }
}

/// Most seeds of an experiment.
const MOST_SEEDS: usize = 10_000;

fn seeds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(seeds) if (1..=MOST_SEEDS).contains(&seeds) => Ok(seeds),
        _ => Err(format!("give a whole number from 1 to {MOST_SEEDS}")),
    }
}

/// Most vectors of each kind: each is multiplied by the layer twice, and named in the report.
const MOST_VECTORS: usize = 1000;

fn vectors(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(vectors) if (1..=MOST_VECTORS).contains(&vectors) => Ok(vectors),
        _ => Err(format!("give a whole number from 1 to {MOST_VECTORS}")),
    }
}

/// Most draws: all of them are held in memory.
const MOST_DRAWS: usize = 100_000;

fn draws(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(draws) if (2..=MOST_DRAWS).contains(&draws) => Ok(draws),
        _ => Err(format!("give a whole number from 2 to {MOST_DRAWS}")),
    }
}

/// Fewest draws for a null: two of them lie beyond its 1 % point.
const FEWEST_DRAWS: usize = 200;

fn null_draws(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(draws) if (FEWEST_DRAWS..=MOST_DRAWS).contains(&draws) => Ok(draws),
        _ => Err(format!(
            "give a whole number from {FEWEST_DRAWS} to {MOST_DRAWS}"
        )),
    }
}

fn image(text: &str) -> Result<ImageShape, String> {
    let sides: Option<Vec<usize>> = text.split('x').map(|side| side.parse().ok()).collect();
    match sides.as_deref() {
        Some(&[channels @ (1 | 3), height, width]) if height > 0 && width > 0 => Ok(ImageShape {
            channels,
            height,
            width,
        }),
        _ => Err("give channels (1 or 3), rows and columns: 1x28x28".into()),
    }
}

/// Holds every later computation to the threads asked for.
pub fn limit_threads(threads: Option<NonZeroUsize>) -> Result<(), Box<dyn Error>> {
    if let Some(threads) = threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()?;
    }
    Ok(())
}

fn synth_help() -> String {
    let kinds =
        synth::Kind::ALL.map(|kind| format!("  {:<16} {}", kind.to_string(), kind.description()));
    format!(
        "Kinds:\n{}\n\nExamples:\n  randomlike synth spikes spikes.safetensors --seed 7\n  \
         randomlike synth gaussian g.safetensors --inputs 1024 --outputs 512 --dtype bf16",
        kinds.join("\n")
    )
}
