//! The command line of `randomlike`.

mod args;
mod commands;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Layers(args) => commands::layers::run(&args),
        Command::Shadow(args) => commands::shadow::run(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Synth(args) => commands::synth::run(&args),
        Command::Selftest(args) => commands::selftest::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    };
    done.unwrap_or_else(|fault| {
        terminal::complain(fault.as_ref());
        ExitCode::from(commands::COULD_NOT_AUDIT)
    })
}
