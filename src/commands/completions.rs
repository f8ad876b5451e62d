//! `completions`: a script that completes commands and flags in a shell.

use clap::CommandFactory as _;

use super::{Done, HOLDS};
use crate::args::{Cli, Completions};
use crate::terminal;

/// Runs the command.
pub fn run(args: &Completions) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "randomlike", &mut script);
    terminal::print(&script)?;
    Ok(HOLDS)
}
