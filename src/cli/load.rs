//! A runbook from the disk for the subcommands that use one: its file, its inputs, and what is wrong with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indexmap::IndexMap;

use crate::runbook::codes::Code;
use crate::runbook::load::{Inputs, Loaded, MAX_BYTES, Missing, Source, load};
use crate::runbook::model::{Host, Runbook};
use crate::runbook::{Diagnostic, Severity};
use crate::text::safe;

/// The exit code where a runbook has errors.
pub const BROKEN: u8 = 2;

/// Which runbook, with which inputs.
#[derive(Debug, Clone, Args)]
pub struct RunbookArgs {
    /// The runbook's file.
    pub runbook: PathBuf,
    #[command(flatten)]
    pub vars: VarArgs,
}

/// Values for the runbook's vars.
#[derive(Debug, Clone, Default, Args)]
pub struct VarArgs {
    /// A value for one of the runbook's vars; wins over `--vars`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub set: Vec<(String, String)>,
    /// A TOML file with a line `name = "value"` for each var.
    #[arg(long, value_name = "FILE")]
    pub vars: Option<PathBuf>,
}

/// A runbook file that was read and judged.
#[derive(Debug)]
pub struct Read {
    pub file: String,
    pub text: String,
    pub loaded: Loaded,
}

/// Loads the runbook. What is wrong with it, and what it is warned about, goes to stderr.
///
/// # Errors
/// The exit code to end with, once everything has been said.
pub fn load_or_report(args: &RunbookArgs, missing: Missing) -> Result<Runbook, ExitCode> {
    let read = read(&args.runbook, &args.vars, missing).map_err(|message| {
        anstream::eprintln!("{message}");
        ExitCode::from(BROKEN)
    })?;
    for diagnostic in &read.loaded.diagnostics {
        anstream::eprintln!("{}", diagnostic.render(&read.file, &read.text, true));
    }
    read.loaded.runbook.ok_or(ExitCode::from(BROKEN))
}

/// Reads and judges a runbook's file, with what only the disk can say about it.
///
/// # Errors
/// A sentence, where a file or an input cannot be read at all.
pub fn read(path: &Path, vars: &VarArgs, missing: Missing) -> Result<Read, String> {
    let set = inputs(vars)?;
    let file = path.display().to_string();
    let bytes = bytes(path).map_err(|e| format!("{}: cannot be read: {e}", safe(&file)))?;
    let path = fs::canonicalize(path).map_err(|e| format!("{}: cannot be found: {e}", safe(&file)))?;
    let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
    let source = match Source::from_bytes(bytes, file.clone(), dir) {
        Ok(source) => source,
        Err(diagnostic) => {
            let loaded = Loaded { runbook: None, diagnostics: vec![diagnostic], rollback_files: Vec::new() };
            return Ok(Read { file, text: String::new(), loaded });
        }
    };
    let mut loaded = load(&source, &Inputs { set, host: this_host(), missing });
    loaded.diagnostics.extend(on_disk(&path, &loaded));
    Ok(Read { file, text: source.text, loaded })
}

/// No more of the file than is needed to see that it is too large.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, MAX_BYTES as u64 + 1), &mut bytes)?;
    Ok(bytes)
}

/// What only the disk can say: files that are not there, and who else may change the runbook.
fn on_disk(path: &Path, loaded: &Loaded) -> Vec<Diagnostic> {
    let missing = loaded.rollback_files.iter().filter(|(file, _)| !file.exists()).map(|(file, span)| {
        let message = format!("the way back needs `{}`, which is not there", file.display());
        Diagnostic::new(Code::MissingFile, span.clone(), message)
            .help("put it there before the cutover, or mend its name")
    });
    let mut found: Vec<Diagnostic> = missing.collect();
    if let Ok(metadata) = fs::metadata(path) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        let owner = std::os::unix::fs::MetadataExt::uid(&metadata);
        let foreign = owner != 0 && owner != nix::unistd::geteuid().as_raw();
        if mode & 0o022 != 0 || foreign {
            let message = format!("others may change this file (mode {:o}, of user {owner})", mode & 0o777);
            let help =
                "whoever can change the runbook decides what you will run: `chmod go-w` it, and own it";
            found.push(Diagnostic::new(Code::Writable, 0..0, message).help(help));
        }
    }
    found
}

/// The machine that this runs on.
#[must_use]
pub fn this_host() -> Host {
    Host {
        name: nix::unistd::gethostname().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
    }
}

/// The given values by name: those of the file, and over them those of the command line.
fn inputs(args: &VarArgs) -> Result<IndexMap<String, String>, String> {
    let mut set = IndexMap::new();
    if let Some(path) = &args.vars {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|e| format!("{}: cannot be read: {e}", safe(&name)))?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|e| format!("{}: {}", safe(&name), safe(e.message())))?;
        for (var, value) in table {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Table(_) | toml::Value::Array(_) => {
                    return Err(format!(
                        "{}: `{}` must be one value: `name = \"value\"`",
                        safe(&name),
                        safe(&var)
                    ));
                }
                other => other.to_string(),
            };
            set.insert(var, value);
        }
    }
    set.extend(args.set.iter().cloned());
    Ok(set)
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// How many errors and warnings there are.
#[must_use]
pub fn counts(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}
