//! `gonogo schema`: the JSON Schemas of what gonogo reads and writes.

use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use color_eyre::eyre::Result;

use crate::report::against::Comparison;
use crate::report::drill::Drill;
use crate::report::{Report, schema};
use crate::runbook::schema::schema_text;

/// Which schema.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo schema > runbook.schema.json

With `#:schema runbook.schema.json` as a runbook's first line, an editor completes and checks it.")]
pub(super) struct Args {
    /// Of what.
    #[arg(value_enum, default_value_t = What::Runbook)]
    what: What,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// The runbook format, for editors.
    Runbook,
    /// What `gonogo report --format json` writes.
    Report,
    /// What it writes with `--against`.
    Comparison,
    /// What `gonogo drill --report` writes.
    Drill,
}

/// Prints it.
///
/// # Errors
/// None of its own.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let text = match args.what {
        What::Runbook => schema_text(),
        What::Report => schema::<Report>("gonogo report"),
        What::Comparison => schema::<Comparison>("gonogo comparison"),
        What::Drill => schema::<Drill>("gonogo drill"),
    };
    anstream::print!("{text}");
    Ok(ExitCode::SUCCESS)
}
