//! `gonogo plan`: what a runbook would do, resolved, without doing any of it.

use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::Result;

use super::load::{RunbookArgs, load_or_report};
use crate::runbook::load::Missing;
use crate::runbook::plan::{forward_text, rollback_text, scope};

/// Show what would run, stage by stage. A var without a value stays as `${{ name }}`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo plan cutover.toml --rollback > way-back.sh

Keep the way back where you find it without gonogo. A var without a value stays as ${{ name }}.")]
pub struct Args {
    #[command(flatten)]
    runbook: RunbookArgs,
    /// Show the way back instead, as commands ready to paste into a shell.
    #[arg(long)]
    rollback: bool,
}

/// Runs it.
///
/// # Errors
/// None of its own; a runbook with errors is exit 2.
pub fn run(args: &Args) -> Result<ExitCode> {
    let runbook = match load_or_report(&args.runbook, Missing::Open) {
        Ok(runbook) => runbook,
        Err(code) => return Ok(code),
    };
    let names = scope(&runbook);
    let text = if args.rollback { rollback_text(&runbook, &names) } else { forward_text(&runbook, &names) };
    anstream::print!("{text}");
    Ok(ExitCode::SUCCESS)
}
