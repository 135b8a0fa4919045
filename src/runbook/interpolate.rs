//! `${{ … }}` at run time: captures, secrets, `session.*`, `stage.id`, `step.attempt`, `runbook.dir`, `uuid()`.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::model::{Pattern, Template};
use crate::redact::Redactor;

/// What the names in `${{ … }}` stand for at one moment.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub captures: IndexMap<String, String>,
    /// Name → value; in a scope that is only shown or recorded, the value is a mask.
    pub secrets: IndexMap<String, String>,
    /// Masks the secrets in what comes back from where they were sent.
    pub redactor: Redactor,
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

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Stands for itself.
    Text(&'a str),
    /// What stands between `${{` and `}}`, trimmed.
    Name(&'a str),
    /// From a `${{` that no `}}` closes to the end.
    Unclosed(&'a str),
}

/// The parts of a template, each with the byte that it begins at.
#[must_use]
pub fn parts(template: &str) -> Vec<(usize, Part<'_>)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = template[at..].find("${{").map(|i| at + i) {
        if open > at {
            parts.push((at, Part::Text(&template[at..open])));
        }
        let Some(len) = template[open..].find("}}") else {
            parts.push((open, Part::Unclosed(&template[open..])));
            return parts;
        };
        parts.push((open, Part::Name(template[open + 3..open + len].trim())));
        at = open + len + 2;
    }
    if at < template.len() {
        parts.push((at, Part::Text(&template[at..])));
    }
    parts
}

/// The first character of a value that must not be inserted into a shell string.
#[must_use]
pub fn refused_by_shell(value: &str) -> Option<char> {
    value.chars().find(|c| !c.is_ascii_alphanumeric() && !"_./:@%+=,-".contains(*c))
}

/// `value` as it may stand in `place`.
///
/// # Errors
/// [`InterpolateError::NotForShell`], where `name` is what the value is called.
pub fn fit(name: &str, value: &str, place: Place) -> Result<String, InterpolateError> {
    match place {
        Place::Plain => Ok(value.to_owned()),
        Place::Pattern => Ok(regex::escape(value)),
        Place::Shell => match refused_by_shell(value) {
            Some(c) => Err(InterpolateError::NotForShell(name.to_owned(), c)),
            None => Ok(value.to_owned()),
        },
    }
}

impl Scope {
    /// A text from outside with the secrets in it masked: before anything is cut out of it, since what is left of a
    /// secret in an excerpt would be recognised no more.
    #[must_use]
    pub fn masked(&self, text: impl Into<String>) -> String {
        let text = text.into();
        if self.redactor.is_empty() { text } else { self.redactor.redact(&text) }
    }

    /// Whether a text from outside holds a secret, in whatever form.
    #[must_use]
    pub fn leaks(&self, text: &str) -> bool {
        self.redactor.first_in(text.as_bytes()).is_some()
    }

    /// Resolves `template` for `place`. Inserted values are never read as templates again.
    ///
    /// # Errors
    /// Where a name has no value yet, or a value must not stand in a shell string.
    pub fn resolve(&self, template: &Template, place: Place) -> Result<String, InterpolateError> {
        let mut out = String::with_capacity(template.0.len());
        for (_, part) in parts(&template.0) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name(name) => {
                    let value = self.value(name).ok_or_else(|| InterpolateError::NoValue(name.to_owned()))?;
                    out.push_str(&fit(name, &value, place)?);
                }
                Part::Unclosed(rest) => return Err(InterpolateError::NoValue(rest.to_owned())),
            }
        }
        Ok(out)
    }

    /// Resolves a pattern, inserted values escaped; to be compiled in multi-line mode.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    pub fn pattern(&self, pattern: &Pattern) -> Result<String, InterpolateError> {
        self.resolve(&pattern.0, Place::Pattern)
    }

    /// Resolves what has a value; a name that has none yet stays as `${{ name }}`. For showing only.
    #[must_use]
    pub fn show(&self, template: &Template) -> String {
        parts(&template.0)
            .into_iter()
            .map(|(_, part)| match part {
                Part::Text(text) | Part::Unclosed(text) => text.to_owned(),
                // A fresh one here would be another than the one that is used.
                Part::Name("uuid()") => "${{ uuid() }}".to_owned(),
                Part::Name(name) => self.value(name).unwrap_or_else(|| format!("${{{{ {name} }}}}")),
            })
            .collect()
    }

    fn value(&self, name: &str) -> Option<String> {
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        match name {
            "session.id" => Some(self.session_id.clone()).filter(|id| !id.is_empty()),
            "session.dir" => Some(text(&self.session_dir)).filter(|dir| !dir.is_empty()),
            "runbook.dir" => Some(text(&self.runbook_dir)).filter(|dir| !dir.is_empty()),
            "stage.id" => self.stage.clone(),
            "step.attempt" => self.attempt.map(|n| n.to_string()),
            "uuid()" => Some(uuid::Uuid::new_v4().to_string()),
            _ => match name.strip_prefix("secret.") {
                Some(secret) => self.secrets.get(secret).cloned(),
                None => self.captures.get(name).cloned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope { session_id: "s1".into(), attempt: Some(2), ..Scope::default() };
        scope.captures.insert("rev".into(), "a.b c".into());
        scope.captures.insert("tricky".into(), "${{ secret.token }}".into());
        scope.secrets.insert("token".into(), "hunter2".into());
        scope
    }

    #[test]
    fn values_are_inserted_and_never_read_again() {
        let text = |t: &str| scope().resolve(&t.into(), Place::Plain).expect("resolves");
        assert_eq!(text("${{session.id}}/${{ step.attempt }}: ${{ rev }}"), "s1/2: a.b c");
        assert_eq!(text("${{ tricky }}"), "${{ secret.token }}");
        assert_eq!(text("${HOME} {{go}} $(x)"), "${HOME} {{go}} $(x)");
        assert_ne!(text("${{ uuid() }}"), text("${{ uuid() }}"));
    }

    #[test]
    fn a_shell_string_refuses_what_a_shell_could_read() {
        let refused = scope().resolve(&"echo ${{ rev }}".into(), Place::Shell);
        assert_eq!(refused, Err(InterpolateError::NotForShell("rev".into(), ' ')));
    }

    #[test]
    fn a_pattern_takes_values_literally() {
        let pattern = scope().pattern(&Pattern("^${{ rev }}$".into())).expect("resolves");
        assert_eq!(pattern, r"^a\.b c$");
    }

    #[test]
    fn what_has_no_value_is_an_error_to_run_and_a_placeholder_to_show() {
        let template = Template::from("x ${{ later }}");
        assert_eq!(scope().resolve(&template, Place::Plain), Err(InterpolateError::NoValue("later".into())));
        assert_eq!(scope().show(&template), "x ${{ later }}");
    }
}
