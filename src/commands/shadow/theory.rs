//! `--theory`: the theorem on random nets.

use randomlike::report::{figures, write};
use randomlike::shadow::Estimate;
use randomlike::shadow::theory::{self, Case, Point, Series, TheoryPlan};
use serde::Serialize;

use super::{Done, HOLDS, SCHEMA_VERSION};
use crate::args::Shadow;
use crate::terminal::{self, Bar};

/// The file with the facts.
const FACTS: &str = "theory.json";

const INTRODUCTION: &str = "Theorem 2.1 of Arora, Liang & Ma (2015) says of random nets of two \
    layers that E|h̃ᵢ − hᵢ|²/τ² is at most of the order of k2/k1, up to logarithms, for every i, \
    where k2 < k1 < k0 < k2²; Theorem 3.1 the like of three layers where √k3·k2 < k0 besides. \
    Here are random nets, constant biases chosen on other draws, and what came back.";

const KEY: &str = "share: what is varied. all i: (h̃ᵢ − hᵢ)²/τ² over all coordinates at the top, \
    τ the mean of the positive ones; positive i: over these alone, with the standard error over \
    nets. slope: of the logarithm of the latter against that of the share; in proportion is 1.";

#[derive(Serialize)]
struct Facts<'a> {
    schema_version: u32,
    seed: u64,
    nets: usize,
    trials: usize,
    series: &'a [Series],
}

/// Measures, prints, and draws where a folder is given.
pub fn run(args: &Shadow) -> Done {
    let out = args.out.as_deref();
    let destination = out.map(|out| write::prepare(out, FACTS)).transpose()?;
    let plan = TheoryPlan {
        seed: args.seed,
        ..TheoryPlan::default()
    };
    let bar = Bar::new();
    let series = theory::measure(&plan, &|done, total| {
        bar.stand("random nets", done, total, "theory");
    });
    bar.clear();
    let series = series?;
    let facts = Facts {
        schema_version: SCHEMA_VERSION,
        seed: plan.seed,
        nets: plan.nets,
        trials: plan.trials,
        series: &series,
    };
    let facts = serde_json::to_string_pretty(&facts)? + "\n";
    if let Some(destination) = destination {
        let figure = figures::theory_figure(&series)?;
        destination.commit(&[
            (FACTS.to_owned(), facts.clone().into_bytes()),
            (format!("figures/{}", figure.file), figure.png),
        ])?;
    }
    if args.json {
        terminal::print(facts.as_bytes())?;
    } else {
        terminal::print(page(args, &plan, &series).as_bytes())?;
    }
    Ok(HOLDS)
}

fn page(args: &Shadow, plan: &TheoryPlan, series: &[Series]) -> String {
    let mut page = terminal::wrap(INTRODUCTION, 0);
    let drawn = format!(
        "{} a point, {} each, seed {}",
        terminal::counted(plan.nets as u64, "net"),
        terminal::counted(plan.trials as u64, "draw"),
        plan.seed
    );
    page += "\n";
    page += &terminal::wrap(&drawn, 0);
    for one in series {
        page += "\n";
        page += &terminal::headed(&title(one));
        page += &table(one);
    }
    page += "\n";
    page += &terminal::wrap(KEY, 0);
    page += "\n";
    for sentence in findings(series) {
        page += &terminal::wrap(&sentence, 0);
    }
    page + &match &args.out {
        Some(out) => terminal::wrap(
            &format!(
                "The picture is {}, every fact in {}.",
                out.join("figures/theory.png").display(),
                out.join(FACTS).display()
            ),
            0,
        ),
        None => terminal::wrap("Add `--out DIR` for the picture.", 0),
    }
}

fn title(series: &Series) -> String {
    let layers = if series.case.layers() == 2 {
        "Two layers"
    } else {
        "Three layers"
    };
    let (upper, lower) = series.case.share();
    let conditions = series.case.violates().map_or_else(
        || "the theorem's conditions met".to_owned(),
        |condition| format!("against {condition}"),
    );
    format!("{layers}, {conditions}, k{upper}/k{lower} varied")
}

fn table(series: &Series) -> String {
    let header = ["k", "share", "all i", "positive i", "error"];
    let rows = series.points.iter().map(|point| {
        let k: Vec<String> = point.k.iter().map(ToString::to_string).collect();
        vec![
            k.join(", "),
            format!("{:.4}", point.share),
            format!("{:.4}", point.per_coordinate_error.mean),
            with_error(&point.per_positive_error),
            format!("{:.3}", point.relative_error.mean),
        ]
    });
    terminal::table(&header, rows.collect(), &[1, 2, 3, 4])
        + &format!("slope {:.2}±{:.2}\n", series.slope.mean, series.slope.error)
}

fn with_error(estimate: &Estimate) -> String {
    format!("{:.3}±{:.3}", estimate.mean, estimate.error)
}

/// What the figures say, in words.
fn findings(series: &[Series]) -> Vec<String> {
    let of = |case: Case| series.iter().find(|series| series.case == case);
    let mut found = Vec::new();
    if let Some(two) = of(Case::TwoLayers) {
        found.push(falls(two, "k2/k1"));
        found.extend(of(Case::TwoLayersBelowTheSquare).and_then(|below| square(two, below)));
        found.extend(of(Case::TwoLayersOutOfOrder).and_then(|other| order(two, other)));
    }
    found.extend(of(Case::TwoLayersDenserBelow).and_then(below));
    if let Some(three) = of(Case::ThreeLayers) {
        found.push(falls(three, "k3/k2"));
        found.extend(of(Case::ThreeLayersBeyond).and_then(|beyond| besides(three, beyond)));
    }
    found
}

fn falls(series: &Series, share: &str) -> String {
    let Estimate { mean, error } = series.slope;
    let layers = series.case.layers();
    let how = if mean - 2.0 * error <= 0.0 {
        return format!("{layers} layers: the error does not fall with {share}.");
    } else if mean + 2.0 * error < 1.0 {
        "but slower than in proportion: the bound has the direction, not the rate"
    } else {
        "in proportion or faster, as the bound has it"
    };
    format!("{layers} layers: the error falls with {share}, {how}.")
}

fn extreme(series: &Series, largest: bool) -> Option<&Point> {
    let by_error = |a: &&Point, b: &&Point| {
        let error = |point: &Point| point.per_positive_error.mean;
        error(a).total_cmp(&error(b))
    };
    let points = series.points.iter();
    if largest {
        points.max_by(by_error)
    } else {
        points.min_by(by_error)
    }
}

fn range(series: &Series) -> Option<(f64, f64)> {
    let error = |largest| Some(extreme(series, largest)?.per_positive_error.mean);
    Some((error(false)?, error(true)?))
}

fn square(within: &Series, below: &Series) -> Option<String> {
    let ((low, _), (_, worst)) = (range(within)?, range(below)?);
    let verdict = if worst > low {
        "so codes that sparse do come back worse"
    } else {
        "so nothing breaks there: the sparser the codes, the better they come back, on average \
         over nets"
    };
    Some(format!(
        "Against k0 < k2² the error is at most {worst:.3}, and {low:.3} at best where the theorem \
         holds, {verdict}."
    ))
}

fn order(within: &Series, other: &Series) -> Option<String> {
    let ((_, worst), (low, high)) = (range(within)?, range(other)?);
    let verdict = if low > worst {
        "there the claim fails"
    } else {
        "yet they come back no worse"
    };
    Some(format!(
        "Against k2 < k1 the error is {low:.3} to {high:.3}, where 1 is what returning nothing \
         gives at positive i of one size: {verdict}."
    ))
}

fn below(series: &Series) -> Option<String> {
    let (low, high) = range(series)?;
    Some(format!(
        "At one k2/k1 the error still goes from {low:.3} to {high:.3} with k1/k0: what is lost at \
         level 1 stays lost, which a bound in k2/k1 alone does not show."
    ))
}

fn besides(within: &Series, beyond: &Series) -> Option<String> {
    let ((low, high), (least, most)) = (range(within)?, range(beyond)?);
    Some(format!(
        "Against √k3·k2 < k0 the error is {least:.3} to {most:.3}, and {low:.3} to {high:.3} where \
         it holds."
    ))
}
