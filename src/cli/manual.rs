//! `gonogo completions` and `gonogo man`: what a shell and `man` know of the command line, made from it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, CommandFactory as _};
use clap_complete::Shell;
use color_eyre::eyre::{Result, WrapErr as _};

use super::Cli;
use crate::text;

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  gonogo completions bash > ~/.local/share/bash-completion/completions/gonogo
  gonogo completions zsh > ~/.zfunc/_gonogo
  gonogo completions fish > ~/.config/fish/completions/gonogo.fish")]
pub(super) struct Completions {
    /// For which shell.
    shell: Shell,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  gonogo man | man -l -
  gonogo man --dir ~/.local/share/man/man1    a page for each subcommand: man gonogo-run")]
pub(super) struct Man {
    /// Write the pages into this folder, one for each subcommand.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(super) fn completions(args: &Completions) -> Result<ExitCode> {
    // Into memory first: the generator panics where nobody reads any more.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gonogo", &mut script);
    print(&script)
}

/// Prints the manual page, or writes all of them.
pub(super) fn man(args: &Man) -> Result<ExitCode> {
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).wrap_err("cannot make the page")?;
        return print(&page);
    };
    let shown = text::safe(&dir.display().to_string()).into_owned();
    std::fs::create_dir_all(dir).wrap_err_with(|| format!("cannot make the folder {shown}"))?;
    clap_mangen::generate_to(Cli::command(), dir)
        .wrap_err_with(|| format!("cannot write the pages into {shown}"))?;
    Ok(ExitCode::SUCCESS)
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    match io::stdout().write_all(bytes) {
        // Whoever read it has seen enough.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.wrap_err("cannot write to stdout")?,
    }
    Ok(ExitCode::SUCCESS)
}
