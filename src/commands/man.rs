//! `man`: the manual as man pages, one a command.

use std::fs;

use clap::CommandFactory as _;
use clap_mangen::Man;

use randomlike_checkpoint::FileError;

use super::{Done, HOLDS};
use crate::args::{Cli, Manual};
use crate::terminal;

/// Runs the command.
pub fn run(args: &Manual) -> Done {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        // As among all pages, where `help` has none.
        let program = Cli::command().disable_help_subcommand(true);
        Man::new(program).render(&mut page)?;
        terminal::print(&page)?;
        return Ok(HOLDS);
    };
    let failed = |source| FileError::Io {
        action: "write man pages to",
        path: folder.clone(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    Ok(HOLDS)
}
