//! `gonogo schema`: the JSON Schema of the runbook format, for editors.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use crate::runbook::schema::schema_text;

/// Prints it.
///
/// # Errors
/// None of its own.
pub fn run() -> Result<ExitCode> {
    anstream::print!("{}", schema_text());
    Ok(ExitCode::SUCCESS)
}
