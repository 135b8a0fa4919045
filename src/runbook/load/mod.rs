//! From a TOML file to the model, in one pass that finds every independent error.
//!
//! `tree` keeps the place of everything; `vars` works out the inputs; `walk` holds the tree against the schema and
//! inserts the inputs; `build` makes the model and judges what it means; `lint` warns.

mod build;
mod circles;
mod format;
mod lint;
mod look_alike;
mod near;
mod order;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod vars;
mod walk;

use std::ops::Range;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::codes::Code;
use super::diagnostic::{Diagnostic, Findings, Severity};
use super::file::RunbookFile;
use super::model::{Host, Runbook};
use build::Build;

/// The largest runbook, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// A runbook file's text and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    pub text: String,
    /// The file as it is named in messages.
    pub file: String,
    /// The folder that it lies in.
    pub dir: PathBuf,
}

impl Source {
    /// The text out of a file's bytes.
    ///
    /// # Errors
    /// Where they are no UTF-8 text, or more than a runbook may have.
    pub fn from_bytes(bytes: Vec<u8>, file: String, dir: PathBuf) -> Result<Self, Diagnostic> {
        if bytes.len() > MAX_BYTES {
            return Err(too_large(bytes.len()));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, file, dir }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = format!("the file is not UTF-8 text: byte {at} cannot be read");
                Err(Diagnostic::new(Code::NotUtf8, 0..0, message).help("save it as UTF-8"))
            }
        }
    }
}

/// What the runbook is loaded with.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Values given for vars.
    pub set: IndexMap<String, String>,
    /// The machine, as `when` sees it.
    pub host: Host,
    /// What a var without a value is.
    pub missing: Missing,
}

/// What a var without a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// An error: the runbook is about to be used.
    Error,
    /// Left open: only the runbook itself is judged.
    Open,
}

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// There only if nothing is an error.
    pub runbook: Option<Runbook>,
    /// In the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Files that rollback steps name, each with its place in the text; for whoever may look at the disk.
    pub rollback_files: Vec<(PathBuf, Range<usize>)>,
}

/// Loads a runbook. Pure: nothing is read, run or connected to.
#[must_use]
pub fn load(source: &Source, inputs: &Inputs) -> Loaded {
    if source.text.len() > MAX_BYTES {
        let diagnostics = vec![too_large(source.text.len())];
        return Loaded { runbook: None, diagnostics, rollback_files: Vec::new() };
    }
    let mut findings = Findings::default();
    let root = tree::parse(&source.text, &mut findings);
    let whole = !findings.has_errors();
    let vars = vars::read(&root, inputs, &mut findings);
    let mut walker = walk::Walker::new(&source.text, &root, &vars, whole, &mut findings);
    let json = walker.runbook(&root);
    let uses = std::mem::take(&mut walker.uses);
    if !whole {
        let guesses: Vec<_> =
            findings.syntax_errors().iter().map(|error| text::spoilt(&source.text, error)).collect();
        findings.drop_guesses(&guesses);
    }
    lint::invisible(&source.text, &root, &mut findings);
    look_alike::lint(&root, &mut findings);
    let mut rollback_files = Vec::new();
    let mut runbook = None;
    // What a broken text seems to mean is not worth judging.
    if whole {
        match serde_json::from_value::<RunbookFile>(json) {
            Ok(file) => {
                let mut build = Build::new(&file, &root, &vars, &inputs.host, &mut findings);
                let built = build.runbook(file, source);
                order::captures(&built, &root, &uses, &mut findings);
                lint::meaning(&built, &root, &mut findings);
                rollback_files = lint::rollback_files(&built, &root);
                runbook = Some(built);
            }
            Err(error) => findings.add(Diagnostic::new(
                Code::Internal,
                0..0,
                format!("gonogo could not read what it had found right: {error}"),
            )),
        }
    }
    let runbook = runbook.filter(|_| !findings.has_errors());
    Loaded { runbook, diagnostics: findings.into_sorted(), rollback_files }
}

/// The id of the runbook in `text`, which lies in `file`, whatever else it says; `None` where it is no TOML.
#[must_use]
pub fn id_of(text: &str, file: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Option<String>,
    }
    let Named { id } = toml::from_str(text).ok()?;
    Some(id.unwrap_or_else(|| build::stem(file)))
}

impl Loaded {
    /// Whether anything is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

fn too_large(bytes: usize) -> Diagnostic {
    let message = format!("the file has {bytes} bytes; a runbook has {MAX_BYTES} at most");
    Diagnostic::new(Code::TooLarge, 0..0, message).help("move long texts and scripts into files of their own")
}
