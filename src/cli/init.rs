//! `gonogo init`: a first runbook to start from, commented, that works as it is.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};

use super::exit;
use crate::config;
use crate::runbook::schema::schema_text;
use crate::text;

/// The runbook to start from.
const RUNBOOK: &str = include_str!("../../assets/init/runbook.toml");
/// What a person would be asked in it.
const ANSWERS: &str = include_str!("../../assets/init/answers.toml");

#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  gonogo init && gonogo run --rehearsal runbook.toml    from nothing to a first cutover of your own
  gonogo init cutovers/orders-db
  gonogo init --config                                  a configuration with every default in it

It writes runbook.toml, which switches a link and back until you put your own system in its place; answers.toml, to \
drive it without a cockpit; and runbook.schema.json, by which editors complete and check it. What is there already is \
never overwritten.")]
pub(super) struct Args {
    /// The folder to write into; it is made where it is not there.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Write your own configuration instead, with every default in it.
    #[arg(long, conflicts_with = "folder")]
    config: bool,
}

/// Runs `gonogo init`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.config {
        let folder = config::folders().swap_remove(0);
        return Ok(write(&folder, &[(config::FILE, config::SAMPLE)])?.unwrap_or(ExitCode::SUCCESS));
    }
    let schema = schema_text();
    let files = [("runbook.toml", RUNBOOK), ("answers.toml", ANSWERS), ("runbook.schema.json", &schema)];
    if let Some(refused) = write(&args.folder, &files)? {
        return Ok(refused);
    }
    let runbook = args.folder.join("runbook.toml");
    let runbook = text::safe(&runbook.display().to_string()).into_owned();
    anstream::eprintln!(
        "`gonogo run --rehearsal {runbook}` drives it; the comments in it say what to change"
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes these files into the folder and names each, or none of them where one is there already.
fn write(folder: &Path, files: &[(&str, &str)]) -> Result<Option<ExitCode>> {
    let shown = |path: &Path| text::safe(&path.display().to_string()).into_owned();
    if let Some(there) =
        files.iter().map(|(name, _)| folder.join(name)).find(|path| path.symlink_metadata().is_ok())
    {
        anstream::eprintln!(
            "gonogo: {} is there already, and stays as it is: name another folder",
            shown(&there)
        );
        return Ok(Some(ExitCode::from(exit::USAGE)));
    }
    fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make the folder {}", shown(folder)))?;
    for (name, text) in files {
        let path = folder.join(name);
        let written = OpenOptions::new().write(true).create_new(true).open(&path);
        written
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .wrap_err_with(|| format!("cannot write {}", shown(&path)))?;
        anstream::println!("{}", shown(&path));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("b"), "mine").expect("written");
        let refused = write(folder.path(), &[("a", "new"), ("b", "new")]).expect("looked");
        assert!(refused.is_some() && !folder.path().join("a").exists());
        assert_eq!(fs::read_to_string(folder.path().join("b")).expect("there"), "mine");
    }
}
