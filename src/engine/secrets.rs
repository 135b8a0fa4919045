//! The secrets of a session: read by reference only, and refused where masking could not keep them out of the log.

use std::collections::HashMap;
use std::env::VarError;

use super::shim::record::Secret;
use super::start::OpenError;
use crate::audit::dir::state_dir;
use crate::event::SessionOpened;
use crate::redact::Redactor;
use crate::runbook::model::{Runbook, SecretSource};

/// Reads the values of a runbook's secrets where they lie, and takes those of `given` where nothing lies.
///
/// # Errors
/// [`OpenError::Secrets`] names all that are missing; [`OpenError::TooShort`] and [`OpenError::Secret`] say what is
/// wrong with a value, and never the value.
pub(super) fn read(
    runbook: &Runbook,
    given: &HashMap<String, String>,
    opened: &SessionOpened,
) -> Result<(Vec<Secret>, Redactor), OpenError> {
    let (mut secrets, mut names, mut whys) = (Vec::new(), Vec::new(), Vec::new());
    for (name, source) in &runbook.secrets {
        match value(runbook, source).or_else(|why| given.get(name).cloned().ok_or(why)) {
            Ok(value) => secrets.push(Secret { name: name.clone(), value }),
            Err(why) => {
                names.push(name.clone());
                whys.push(format!("secret `{name}` is missing: {why}"));
            }
        }
    }
    if !names.is_empty() {
        return Err(OpenError::Secrets { names, why: whys.join("; ") });
    }
    let redactor = Redactor::new(secrets.iter().map(|s| (s.name.as_str(), s.value.as_str())))?;
    secrets.iter().try_for_each(|secret| refuse_what_would_show(secret, runbook, opened))?;
    Ok((secrets, redactor))
}

fn value(runbook: &Runbook, source: &SecretSource) -> Result<String, String> {
    match source {
        SecretSource::Env(var) => std::env::var(var).map_err(|e| match e {
            VarError::NotPresent => format!("the environment variable {var} is not set"),
            VarError::NotUnicode(_) => format!("the environment variable {var} is not UTF-8"),
        }),
        SecretSource::File(path) => {
            let path = runbook.dir.join(path);
            let text = std::fs::read_to_string(&path)
                .map_err(|e| format!("its file {} cannot be read: {e}", path.display()))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
    }
}

/// A secret must not stand in what the log keeps to the letter, nor in a name by which the log calls something: the
/// one would show it, the other would be masked and no longer be understood.
fn refuse_what_would_show(
    secret: &Secret,
    runbook: &Runbook,
    opened: &SessionOpened,
) -> Result<(), OpenError> {
    let refused = |why: String| Err(OpenError::Secret { name: secret.name.clone(), why });
    let finder = Redactor::new([(secret.name.as_str(), telling(&secret.value))])?;
    let stands_in = |text: &str| finder.first_in(text.as_bytes()).is_some();
    if let Some(at) = finder.first_in(opened.runbook.as_bytes()) {
        let line = 1 + opened.runbook.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
        return refused(format!(
            "its value, or a line of it, stands in the runbook (line {line}), which the log keeps to the letter: \
             write `${{{{ secret.{} }}}}` there instead, or choose another value",
            secret.name
        ));
    }
    if let Some((var, _)) = opened.vars.iter().find(|(_, value)| stands_in(value)) {
        return refused(format!(
            "its value, or a line of it, stands in the var `{var}`, which the log keeps to the letter: give that var \
             another value, or use the secret in its place"
        ));
    }
    let state_dir = state_dir().map(|dir| dir.display().to_string()).unwrap_or_default();
    let stages = runbook.stages.iter().map(|stage| ("the name of a stage", stage.id.as_str()));
    let steps = runbook.all_steps().map(|step| ("the name of a step", step.id.as_str()));
    let checks = runbook.checks.keys().map(|check| ("the name of a check", check.as_str()));
    let triggers = runbook.triggers.iter().map(|trigger| ("the name of a trigger", trigger.id.as_str()));
    let around = [
        ("the session's name", opened.session.as_str()),
        ("the path of the session's folder", opened.session_dir.as_str()),
        ("the path of the folder that sessions are kept in", state_dir.as_str()),
        ("the path of the runbook's folder", opened.dir.as_str()),
        ("the name of the runbook's file", opened.file.as_str()),
        ("the name of this machine", opened.host.name.as_str()),
        ("the group that the session is shared with", opened.share.as_deref().unwrap_or_default()),
    ];
    let mut places = stages.chain(steps).chain(checks).chain(triggers).chain(around);
    match places.find(|(_, text)| stands_in(text)) {
        None => Ok(()),
        // The name is not repeated: whoever reads it would read the secret.
        Some((place, _)) => refused(format!(
            "its value, or a line of it, stands in {place}, which the log needs as it is: change that name, or choose \
             another value"
        )),
    }
}

/// The value without the lines that tell nothing (`-----BEGIN PRIVATE KEY-----`): a runbook may well look for those.
fn telling(value: &str) -> String {
    let is_frame = |line: &str| line.starts_with("-----") && line.trim_end().ends_with("-----");
    let lines: Vec<&str> = value.lines().filter(|line| !is_frame(line)).collect();
    let bare = lines.join("\n");
    if bare.chars().count() < crate::redact::MIN_LEN { value.to_owned() } else { bare }
}

#[cfg(test)]
mod tests;
