//! The thin binary: everything is in the library.

use std::process::ExitCode;

fn main() -> color_eyre::Result<ExitCode> {
    color_eyre::install()?;
    gonogo::cli::main()
}
