//! The command line: one file a subcommand, wiring and nothing else.

pub mod check;
pub mod load;
pub mod plan;
pub mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use color_eyre::eyre::Result;

/// A terminal cockpit for cutovers: a green light is a proof, the way back is always known, nothing is lost.
#[derive(Debug, Parser)]
#[command(name = "gonogo", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge runbooks: every error and warning in one pass.
    Check(check::Args),
    /// Show what a runbook would do, or its way back, without doing any of it.
    Plan(plan::Args),
    /// Print the JSON Schema of the runbook format, for editors.
    Schema,
    /// Stand-in services for rehearsals: start, stop, and break them.
    Lab(crate::lab::Args),
}

/// Runs the command line.
///
/// # Errors
/// What no subcommand could explain better itself.
pub fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Schema => schema::run(),
        Command::Lab(args) => crate::lab::run(args),
    }
}
