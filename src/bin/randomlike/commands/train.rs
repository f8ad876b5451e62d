//! `train`: nets with and without shadow data, all methods paired by seed.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread::available_parallelism;

use randomlike::report::figures::{self, Figure};
use randomlike::report::write::write_file;
use randomlike::train::compare::{self, Comparison, Summary};
use randomlike::train::{self, CopyLabel, Experiment, Method, Outcome, Plan, Recipe, Rule, data};
use serde::Serialize;

use super::{COULD_NOT_AUDIT, Done, HOLDS};
use crate::args::{OptimiserName, Training};
use crate::terminal::{self, Bar};

/// Layout version of `runs.json`.
const SCHEMA_VERSION: u32 = 1;

const KEY: &str = "test, valid: share of images wrong at the end, % ± sd over seeds. gap: \
    between the errors on validation images and on their shadows, mean over looks from step 100 \
    on. agree: share of images whose shadow is given the same class, at the end. shadows: share \
    of shadows wrong at the end.";

const CAUTION: &str = "Seeds share subset, first weights and order of batches across methods. \
    A difference says what these settings do on this data; the noisy methods are the same loss \
    without the shadow model.";

#[derive(Serialize)]
struct Facts<'a> {
    schema_version: u32,
    data: String,
    experiment: &'a Experiment,
    summaries: Vec<Summary>,
    comparisons: Vec<Comparison>,
    outcomes: &'a [Outcome],
}

/// Threads of candle's own pool, read from the environment when it is first used.
const CANDLE_THREADS: &str = "CANDLE_NUM_THREADS";

/// Runs the command.
///
/// All runs share candle's pool, whose threads wait for each other actively: two runs at a time
/// took three times as long with it as without. It can be sized by the environment alone, so
/// the command starts itself again with a pool of one. No result depends on it.
pub fn run(args: &Training) -> Done {
    if env::var_os(CANDLE_THREADS).is_some() {
        return train(args);
    }
    let status = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(CANDLE_THREADS, "1")
        .status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(COULD_NOT_AUDIT)))
}

fn train(args: &Training) -> Done {
    let data = data::read(&args.data)?;
    let experiment = experiment(args, &data)?;
    let folder = args.out.join("runs");
    fs::create_dir_all(&folder).map_err(|source| randomlike::Error::Io {
        action: "create",
        path: folder.clone(),
        source,
    })?;
    let workers = args.threads.or_else(|| available_parallelism().ok());
    let workers = workers.map_or(1, std::num::NonZeroUsize::get);
    let bar = Bar::of_steps();
    let outcomes = train::run_all(&data, &experiment, &folder, workers, &|done, of| {
        bar.steps(done, of);
    });
    bar.clear();
    let outcomes = outcomes?;
    let facts = Facts {
        schema_version: SCHEMA_VERSION,
        data: args.data.display().to_string(),
        experiment: &experiment,
        summaries: compare::summaries(&outcomes),
        comparisons: compare::comparisons(&outcomes),
        outcomes: &outcomes,
    };
    let text = serde_json::to_string_pretty(&facts)? + "\n";
    save(&args.out.join("runs.json"), text.as_bytes())?;
    for figure in drawn(&data, &experiment, &folder, &outcomes)? {
        save(&args.out.join(&figure.file), &figure.png)?;
    }
    if args.json {
        terminal::print(text.as_bytes())?;
    } else {
        terminal::print(page(args, &facts).as_bytes())?;
    }
    Ok(HOLDS)
}

fn save(path: &Path, bytes: &[u8]) -> randomlike::Result<()> {
    write_file(path, |out| out.write_all(bytes))
}

fn drawn(
    data: &data::Dataset,
    experiment: &Experiment,
    folder: &Path,
    outcomes: &[Outcome],
) -> Result<Vec<Figure>, Box<dyn std::error::Error>> {
    let mut drawn = figures::training_figures(outcomes)?;
    let name = "Shadow samples by class";
    if let Some(rows) = train::samples(data, experiment, folder)? {
        drawn.push(figures::sample_sheet(name, &rows, data.shape)?);
    }
    Ok(drawn)
}

fn experiment(args: &Training, data: &data::Dataset) -> Result<Experiment, String> {
    let inputs = data.shape.length().unwrap_or(0);
    let layers = if args.layers.is_empty() {
        vec![inputs, 256, 256, data.classes]
    } else {
        args.layers.clone()
    };
    let methods = if args.methods.is_empty() {
        Method::ALL.to_vec()
    } else {
        let named = args.methods.iter().map(|name| method(name));
        named.collect::<Result<_, _>>()?
    };
    let rule = match args.optimiser {
        OptimiserName::Adam => Rule::Adam {
            rate: args.rate.unwrap_or(1e-3),
        },
        OptimiserName::Sgd => Rule::Sgd {
            rate: args.rate.unwrap_or(0.05),
            momentum: args.momentum,
        },
    };
    Ok(Experiment {
        plan: Plan {
            layers,
            train_size: args.train_size,
            validation_size: args.validation_size,
            steps: args.steps,
            batch: args.batch,
            every: args.every,
            rule,
            recipe: Recipe {
                weight: args.copy_weight,
                label: label(&args.copy_label)?,
                copies: args.copies,
                keep_input: args.keep_input,
                keep_hidden: args.keep_hidden,
                noise: args.noise,
                dropout_input: args.dropout_input,
                dropout_hidden: args.dropout_hidden,
            },
        },
        methods,
        seeds: (args.first_seed..).take(args.seeds).collect(),
    })
}

fn method(name: &str) -> Result<Method, String> {
    let found = Method::ALL.into_iter().find(|method| method.name() == name);
    found.ok_or_else(|| {
        let names = Method::ALL.map(Method::name).join(", ");
        format!("there is no method `{name}`; there are {names}")
    })
}

fn label(name: &str) -> Result<CopyLabel, String> {
    match name {
        "soft" => Ok(CopyLabel::Soft),
        "true" => Ok(CopyLabel::True),
        "argmax" => Ok(CopyLabel::Argmax),
        other => Err(format!(
            "there is no label `{other}` for copies; there are soft, true and argmax"
        )),
    }
}

fn page(args: &Training, facts: &Facts<'_>) -> String {
    let plan = &facts.experiment.plan;
    let sizes: Vec<String> = plan.layers.iter().map(ToString::to_string).collect();
    let mut page = terminal::headed(&facts.data);
    page += &terminal::wrap(
        &format!(
            "{} units, {} images, {} of {}, {}",
            sizes.join(" → "),
            plan.train_size,
            terminal::counted(plan.steps as u64, "step"),
            plan.batch,
            terminal::counted(facts.experiment.seeds.len() as u64, "seed"),
        ),
        0,
    );
    page.push('\n');
    if facts.summaries.is_empty() {
        let rows = facts.outcomes.iter().map(|outcome| {
            let test = format!("{:.2}", 100.0 * outcome.test_error);
            vec![outcome.method.name().to_owned(), test]
        });
        page += &terminal::table(&["method", "test"], rows.collect(), &[1]);
        page += "\nGive `--seeds 2` or more for means and differences.\n";
    } else {
        page += &table(&facts.summaries);
        page.push('\n');
        page += &terminal::wrap(KEY, 0);
        page.push('\n');
        page += &differences(&facts.comparisons);
        page.push('\n');
        page += &terminal::wrap(CAUTION, 0);
    }
    page + &terminal::wrap(
        &format!(
            "Every run is in {}, the nets and their facts in {}.",
            args.out.join("runs.json").display(),
            args.out.join("runs").display()
        ),
        0,
    )
}

fn table(summaries: &[Summary]) -> String {
    let header = ["method", "test", "valid", "gap", "agree", "shadows"];
    let rows = summaries.iter().map(|s| {
        vec![
            s.method.name().to_owned(),
            format!(
                "{:.2}±{:.2}",
                100.0 * s.test_error.mean,
                100.0 * s.test_error.std
            ),
            format!("{:.2}", 100.0 * s.validation_error.mean),
            format!("{:.1}", 100.0 * s.gap.mean),
            format!("{:.3}", s.agreement.mean),
            format!("{:.1}", 100.0 * s.synthetic_error.mean),
        ]
    });
    terminal::table(&header, rows.collect(), &[1, 2, 3, 4, 5])
}

fn differences(comparisons: &[Comparison]) -> String {
    let header = ["test error, points", "mean", "95 % interval", "p"];
    let rows = comparisons.iter().map(|c| {
        let difference = &c.test_error;
        let (low, high) = difference.interval;
        vec![
            format!("{} − {}", c.method.name(), c.baseline.name()),
            format!("{:+.2}", 100.0 * difference.mean),
            format!("{:+.2} to {:+.2}", 100.0 * low, 100.0 * high),
            format!("{:.1e}", difference.p),
        ]
    });
    terminal::table(&header, rows.collect(), &[1, 2, 3])
}
