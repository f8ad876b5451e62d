//! The pictures of an experiment.

mod curves;
mod net_facts;

use randomlike_report::Result;
use randomlike_report::figures::{Figure, grid_figure};

use crate::{RunOutcome, UntrainedNet};

/// What the methods of an experiment learned, how errors on shadows follow those on real
/// images, and what the inspector finds before and after: three pictures.
pub fn draw(starts: &[UntrainedNet], outcomes: &[RunOutcome]) -> Result<Vec<Figure>> {
    let name = "Training with and without shadow data";
    Ok(vec![
        grid_figure(
            "learning-curves.png",
            name,
            "error on the validation set, mean over seeds",
            &curves::learning(outcomes),
        )?,
        grid_figure(
            "synthetic-vs-real.png",
            name,
            "errors on the validation set and on shadows of it, mean over seeds",
            &curves::tracking(outcomes),
        )?,
        grid_figure(
            "inside.png",
            name,
            "what the inspector finds before and after, mean ± sd over seeds; dashed: a random layer",
            &net_facts::panels(starts, outcomes),
        )?,
    ])
}
