//! `gonogo check`: what is wrong with a runbook, all of it at once. It runs, connects to and writes nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};
use color_eyre::eyre::Result;
use serde_json::json;

use super::load::{BROKEN, Read, VarArgs, counts, read};
use crate::runbook::load::Missing;
use crate::text::{safe, visible_json};

/// So many findings of one runbook are printed as text.
const SHOWN: usize = 300;

/// Say everything that is wrong with a runbook, in one pass.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: gonogo check cutover.toml

Nothing is run and nothing is connected to. Exit codes: 0 no error, 2 at least one; warnings are no errors.")]
pub struct Args {
    /// The runbooks' files.
    #[arg(required = true, value_name = "RUNBOOK")]
    runbooks: Vec<PathBuf>,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    vars: VarArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs it: exit 0 where there is no error, 2 where there is one.
///
/// # Errors
/// None of its own; what cannot be read is printed, and is exit 2.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut broken = false;
    let mut found = Vec::new();
    for path in &args.runbooks {
        match read(path, &args.vars, Missing::Open) {
            Ok(read) => {
                broken |= read.loaded.has_errors();
                match args.format {
                    Format::Text => print(&read),
                    Format::Json => {
                        let findings = read.loaded.diagnostics.iter();
                        found.extend(findings.map(|d| d.to_json(&read.file, &read.text)));
                    }
                }
            }
            Err(message) => {
                broken = true;
                anstream::eprintln!("{message}");
            }
        }
    }
    if args.format == Format::Json {
        println!("{}", visible_json(format!("{:#}", json!({ "diagnostics": found }))));
    }
    Ok(ExitCode::from(if broken { BROKEN } else { 0 }))
}

fn print(read: &Read) {
    for diagnostic in read.loaded.diagnostics.iter().take(SHOWN) {
        anstream::println!("{}", diagnostic.render(&read.file, &read.text, true));
    }
    if let Some(more) = read.loaded.diagnostics.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        anstream::println!("… and {more} more; `--format json` lists all of them\n");
    }
    let file = safe(&read.file);
    let number = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match counts(&read.loaded.diagnostics) {
        (0, 0) => anstream::println!("{file}: ok"),
        (0, warnings) => anstream::println!("{file}: ok, {}", number(warnings, "warning")),
        (errors, warnings) => {
            anstream::println!("{file}: {}, {}", number(errors, "error"), number(warnings, "warning"));
        }
    }
}
