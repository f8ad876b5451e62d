//! `train`: nets with and without shadow data, all methods paired by seed.

use std::path::Path;
use std::thread::available_parallelism;

use randomlike::report::figures::{self, Figure};
use randomlike::report::write::write_file;
use randomlike::train::compare::{Comparison, Summary};
use randomlike::train::tune::{Candidates, Chosen, TuningRuns};
use randomlike::train::{
    self, Choice, Experiment, MethodSettings, Recipe, Rule, Runs, TrainingMethod, TrainingPlan,
    data, tune,
};

use super::{Done, HOLDS};
use crate::args::Training;
use crate::terminal::{self, Bar};

const KEY: &str = "test, valid: share of images wrong at the end, % ± sd over seeds. gap: \
    between the errors on validation images and on their shadows, mean over looks from step 100 \
    on. agree: share of images whose shadow is given the same class, at the end. shadows: share \
    of shadows wrong at the end. corr: correlation of both errors over the looks, high for every \
    method because both fall early.";

const GAPS: &str = "gap less: seeds in which the first method's gap is the smaller one.";

const CAUTION: &str = "Seeds share subset, first weights and order of batches across methods. \
    A difference says what these settings do on this data; the noisy methods are the same loss \
    without the shadow model.";

/// Runs the command.
pub fn run(args: &Training) -> Done {
    let data = data::read(&args.data)?;
    let inputs = data.shape.length().unwrap_or(0);
    let plan = plan(args, inputs, data.classes);
    let mut arms = arms(&args.methods)?;
    let workers = args.threads.or_else(|| available_parallelism().ok());
    let workers = workers.map_or(1, std::num::NonZeroUsize::get);
    let candidates = Choice::ALL.map(|choice| Candidates {
        choice,
        values: args.choices.values(choice),
    });
    let bar = Bar::of_steps("choosing on validation data");
    let chosen = tune::choose(
        &data,
        &plan,
        &mut arms,
        &candidates,
        &TuningRuns {
            seeds: args.tuning_seeds,
            folder: &args.out.join("tuning"),
            workers,
        },
        &|done, of| bar.steps(done, of),
    );
    bar.clear();
    let chosen = chosen?;
    let seeds = (u64::from(args.first_seed)..).take(args.seeds).collect();
    let experiment = Experiment { plan, arms, seeds };
    let folder = args.out.join("runs");
    let bar = Bar::of_steps("training");
    let results = train::run_all(&data, &experiment, &folder, workers, &|done, of| {
        bar.steps(done, of);
    });
    bar.clear();
    let runs = Runs::new(
        args.data.display().to_string(),
        experiment,
        chosen,
        results?,
    );
    let text = runs.to_json()?;
    save(&args.out.join("runs.json"), text.as_bytes())?;
    for figure in drawn(&data, &runs, &folder)? {
        save(&args.out.join(&figure.file), &figure.png)?;
    }
    if args.json {
        terminal::print(text.as_bytes())?;
    } else {
        terminal::print(page(args, &runs).as_bytes())?;
    }
    Ok(HOLDS)
}

fn save(path: &Path, bytes: &[u8]) -> randomlike::Result<()> {
    Ok(write_file(path, |out| out.write_all(bytes))?)
}

fn drawn(
    data: &data::Dataset,
    runs: &Runs,
    folder: &Path,
) -> Result<Vec<Figure>, Box<dyn std::error::Error>> {
    let mut drawn = randomlike::train::figures::draw(&runs.starts, &runs.outcomes)?;
    let name = "Shadow samples by class";
    if let Some(rows) = train::samples(data, &runs.experiment, folder)? {
        drawn.push(figures::sample_sheet(name, &rows, data.shape)?);
    }
    Ok(drawn)
}

fn plan(args: &Training, inputs: usize, classes: usize) -> TrainingPlan {
    let layers = if args.layers.is_empty() {
        vec![inputs, 256, 256, classes]
    } else {
        args.layers.clone()
    };
    TrainingPlan {
        layers,
        train_size: args.train_size,
        validation_size: args.validation_size,
        steps: args.steps,
        batch: args.batch,
        every: args.every,
        schedule: args.schedule.into(),
        stored: args.store.into(),
    }
}

/// The methods, with settings that are chosen next.
fn arms(names: &[String]) -> Result<Vec<MethodSettings>, String> {
    let mut methods: Vec<TrainingMethod> = Vec::new();
    for name in names {
        let method = method(name)?;
        if methods.contains(&method) {
            return Err(format!("`--methods` has `{name}` twice"));
        }
        methods.push(method);
    }
    if methods.is_empty() {
        methods = TrainingMethod::ALL.to_vec();
    }
    let arm = |method| MethodSettings {
        method,
        optimiser: Rule::Adam { rate: 1e-3 },
        recipe: Recipe::default(),
    };
    Ok(methods.into_iter().map(arm).collect())
}

fn method(name: &str) -> Result<TrainingMethod, String> {
    let found = TrainingMethod::ALL
        .into_iter()
        .find(|method| method.name() == name);
    found.ok_or_else(|| {
        let names = TrainingMethod::ALL.map(TrainingMethod::name).join(", ");
        format!("there is no method `{name}`; there are {names}")
    })
}

fn page(args: &Training, facts: &Runs) -> String {
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
    if !facts.chosen.is_empty() {
        page += &choices(&facts.chosen);
        page.push('\n');
    }
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
        page += &terminal::wrap(GAPS, 0);
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

/// What validation data chose.
fn choices(chosen: &[Chosen]) -> String {
    let rows = chosen.iter().map(|chosen| {
        let tried = chosen.tried.iter().map(|tried| {
            let error = 100.0 * tried.validation_error.mean;
            format!("{} {error:.2}", tried.value)
        });
        let tried: Vec<String> = tried.collect();
        vec![
            chosen.method.name().to_owned(),
            chosen.choice.clone(),
            chosen.value.clone(),
            tried.join(", "),
        ]
    });
    let header = ["method", "choice", "taken", "validation error, %"];
    terminal::table(&header, rows.collect(), &[])
}

fn table(summaries: &[Summary]) -> String {
    let header = ["method", "test", "valid", "gap", "agree", "shadows", "corr"];
    let rows = summaries.iter().map(|s| {
        vec![
            s.method.name().to_owned(),
            format!(
                "{:.2}±{:.2}",
                100.0 * s.test_error.mean,
                100.0 * s.test_error.std
            ),
            format!("{:.2}", 100.0 * s.validation_error.mean),
            s.gap
                .map_or_else(|| "-".to_owned(), |gap| format!("{:.1}", 100.0 * gap.mean)),
            format!("{:.3}", s.agreement.mean),
            format!("{:.1}", 100.0 * s.synthetic_error.mean),
            s.correlation
                .map_or_else(|| "-".to_owned(), |r| format!("{:.2}", r.mean)),
        ]
    });
    terminal::table(&header, rows.collect(), &[1, 2, 3, 4, 5, 6])
}

fn differences(comparisons: &[Comparison]) -> String {
    let header = [
        "test error, points",
        "mean",
        "95 % interval",
        "p",
        "gap less",
    ];
    let rows = comparisons.iter().map(|c| {
        let difference = &c.test_error;
        let (low, high) = difference.interval;
        vec![
            format!("{} − {}", c.method.name(), c.baseline.name()),
            format!("{:+.2}", 100.0 * difference.mean),
            format!("{:+.2} to {:+.2}", 100.0 * low, 100.0 * high),
            format!("{:.1e}", difference.p),
            c.gap.as_ref().map_or_else(
                || "-".to_owned(),
                |gap| format!("{} of {}", gap.smaller, gap.difference.pairs),
            ),
        ]
    });
    terminal::table(&header, rows.collect(), &[1, 2, 3, 4])
}
