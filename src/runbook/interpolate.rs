//! `${{ … }}` at run time: captures, secrets, `session.*`, `stage.id`, `step.attempt`, `runbook.dir`, `uuid()`.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::model::{Pattern, Template};

/// What the names in `${{ … }}` stand for at one moment.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub captures: IndexMap<String, String>,
    /// Name → value; in a scope that is only shown or recorded, the value is a mask.
    pub secrets: IndexMap<String, String>,
    pub session_id: String,
    pub session_dir: PathBuf,
    pub runbook_dir: PathBuf,
    pub stage: Option<String>,
    pub attempt: Option<u32>,
}

/// Where the text goes, which decides what an inserted value may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An argument, a path, a header: as it is.
    Plain,
    /// A shell string: only `[A-Za-z0-9_./:@%+=,-]`, anything else is refused.
    Shell,
    /// A regular expression: inserted escaped.
    Pattern,
}

/// Why a template could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpolateError {
    #[error("`{0}` has no value yet: the step that captures it has not run")]
    NoValue(String),
    #[error(
        "the value of `{0}` holds {1:?}, which a shell string must not be given: use an array for `run`, or hand it over in `env`"
    )]
    NotForShell(String, char),
}

impl Scope {
    /// Resolves `template` for `place`.
    ///
    /// # Errors
    /// Where a name has no value yet, or a value must not stand in a shell string.
    pub fn resolve(&self, _template: &Template, _place: Place) -> Result<String, InterpolateError> {
        Ok(String::new())
    }

    /// Resolves a pattern; the result is a regular expression in multi-line mode.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    pub fn pattern(&self, pattern: &Pattern) -> Result<String, InterpolateError> {
        self.resolve(&pattern.0, Place::Pattern)
    }
}
