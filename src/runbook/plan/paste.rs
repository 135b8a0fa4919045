//! Steps as lines to paste into bash. A line does what gonogo would do: from the step's folder, with the runbook's and
//! the step's variables, as its user. Secrets are read where the runbook says, never written out. What a shell cannot
//! do, or cannot know, becomes a comment that says what to do by hand.

use std::collections::BTreeSet;

use super::expect;
use crate::runbook::CheckId;
use crate::runbook::describe::{argv, describe_action, describe_probe, working_dir};
use crate::runbook::interpolate::{Part, Place, Scope, parts};
use crate::runbook::model::{Action, Command, LinkTarget, Runbook, SecretSource, Step, Template};
use crate::runbook::quote::{join, quote};
use crate::runbook::user::{prefix, variables};

/// The lines for one step.
pub fn paste(runbook: &Runbook, step: &Step, scope: &Scope) -> String {
    match commands(runbook, step, scope) {
        Some(line) => match missing(runbook, step, scope) {
            names if names.is_empty() => line,
            names => {
                let names = names.into_iter().collect::<Vec<_>>().join(", ");
                format!("# no value yet, fill in first: {names}\n# {line}")
            }
        },
        None => by_hand(runbook, step, scope).iter().map(|line| format!("# {line}\n")).collect::<String>(),
    }
    .trim_end()
    .to_owned()
}

/// The command that does it; `None` where a person has to.
fn commands(runbook: &Runbook, step: &Step, scope: &Scope) -> Option<String> {
    let dir = quote(&working_dir(step, scope, &runbook.dir).to_string_lossy()).into_owned();
    let line = match &step.action {
        Action::Run { command, .. } => {
            format!(
                "{}{}",
                assignments(runbook, step, scope),
                as_user(runbook, step, &argv(command, scope, &runbook.shell))
            )
        }
        Action::Start { argv, log, .. } => {
            let words: Vec<String> = argv.iter().map(|word| scope.show(word)).collect();
            let log = quote(&scope.show(log)).into_owned();
            let words = as_user(runbook, step, &words);
            format!("{}nohup {words} </dev/null >>{log} 2>&1 &", assignments(runbook, step, scope))
        }
        Action::Wait { duration } => return Some(format!("sleep {}", duration.as_secs_f64())),
        Action::Link { path, target: LinkTarget::To(to) } => {
            format!("ln -sfn -- {} {}", quote(&scope.show(to)), quote(&scope.show(path)))
        }
        Action::Request { .. }
        | Action::Await { .. }
        | Action::Assert { .. }
        | Action::Confirm { .. }
        | Action::Baseline { .. }
        | Action::Signal { .. }
        | Action::Link { .. }
        | Action::Snapshot { .. }
        | Action::Restore { .. }
        | Action::Collect { .. } => return None,
    };
    Some(format!("(cd {dir} && {line})"))
}

/// `NAME=value ` for every variable.
fn assignments(runbook: &Runbook, step: &Step, scope: &Scope) -> String {
    variables(runbook, step).map(|(name, value)| format!("{name}={} ", word(value, runbook, scope))).collect()
}

fn as_user(runbook: &Runbook, step: &Step, words: &[String]) -> String {
    let line = join(words.iter().map(String::as_str));
    match &step.user {
        None => line,
        // Pasted by hand, it is no step of a session: there is nothing to tell it where it is.
        Some(user) => prefix(user, variables(runbook, step).map(|(name, _)| name.as_str())) + &line,
    }
}

/// One shell word in which secrets are read where they are kept.
fn word(template: &Template, runbook: &Runbook, scope: &Scope) -> String {
    let mut out = String::new();
    let mut text = String::new();
    for (_, part) in parts(template.as_str()) {
        let expansion = match part {
            Part::Name(name) => expansion(name, runbook),
            Part::Text(_) | Part::Unclosed(_) => None,
        };
        match (expansion, part) {
            (Some(expansion), _) => {
                if !text.is_empty() {
                    out += &quote(&std::mem::take(&mut text));
                }
                out += &expansion;
            }
            (None, Part::Name(name)) => text += &scope.show(&Template(format!("${{{{ {name} }}}}"))),
            (None, Part::Text(rest) | Part::Unclosed(rest)) => text += rest,
        }
    }
    if !text.is_empty() || out.is_empty() {
        out += &quote(&text);
    }
    out
}

/// What the shell itself can put in for a name.
fn expansion(name: &str, runbook: &Runbook) -> Option<String> {
    if name == "uuid()" {
        return Some("\"$(uuidgen)\"".to_owned());
    }
    match runbook.secrets.get(name.strip_prefix("secret.")?)? {
        SecretSource::Env(variable) => Some(format!("\"${{{variable}:?}}\"")),
        SecretSource::File(path) => {
            Some(format!("\"$(cat {})\"", quote(&runbook.dir.join(path).to_string_lossy())))
        }
    }
}

/// The names that a pasted line would need and that have no value, or one that a shell must not be given.
fn missing(runbook: &Runbook, step: &Step, scope: &Scope) -> BTreeSet<String> {
    let mut plain: Vec<&Template> = step.cwd.iter().collect();
    let mut shell = None;
    match &step.action {
        Action::Run { command: Command::Argv(words), .. } => plain.extend(words),
        Action::Run { command: Command::Shell(text), .. } => shell = Some(text),
        Action::Start { argv, log, .. } => plain.extend(argv.iter().chain([log])),
        Action::Link { path, target: LinkTarget::To(to) } => plain.extend([path, to]),
        _ => {}
    }
    if matches!(step.action, Action::Run { .. } | Action::Start { .. }) {
        plain.extend(variables(runbook, step).map(|(_, value)| value));
    }
    let place = plain.into_iter().map(|t| (t, Place::Plain)).chain(shell.map(|t| (t, Place::Shell)));
    let mut missing = BTreeSet::new();
    for (template, place) in place {
        for (_, part) in parts(template.as_str()) {
            let Part::Name(name) = part else { continue };
            let alone = Template(format!("${{{{ {name} }}}}"));
            let by_shell = place == Place::Plain && expansion(name, runbook).is_some();
            if !by_shell && scope.resolve(&alone, place).is_err() {
                missing.insert(name.to_owned());
            }
        }
    }
    missing
}

/// What a person has to do, line by line.
fn by_hand(runbook: &Runbook, step: &Step, scope: &Scope) -> Vec<String> {
    let look = |checks: &[CheckId]| -> Vec<String> {
        checks
            .iter()
            .filter_map(|id| runbook.check(id))
            .map(|check| {
                let seen = expect::of_check(check, scope).join("; ");
                let seen = if seen.is_empty() { seen } else { format!(": {seen}") };
                format!("  {} = {}{seen}", check.id, describe_probe(&check.probe, scope, &runbook.shell))
            })
            .collect()
    };
    let what = describe_action(runbook, step, scope);
    let mut lines = match &step.action {
        Action::Await { checks, .. } => {
            [vec!["wait until these are green:".to_owned()], look(checks)].concat()
        }
        Action::Assert { checks } => [vec!["these must be green now:".to_owned()], look(checks)].concat(),
        Action::Confirm { question, items, .. } => {
            let items = items.iter().map(|item| format!("  [ ] {item}"));
            std::iter::once(format!("confirm: {}", scope.show(question))).chain(items).collect()
        }
        Action::Request { .. } => vec![format!("send: {what}")],
        Action::Restore { of } => vec![
            format!("by hand: {what}:"),
            format!(
                "  snapshots/{of}.ATTEMPT/ of the session's folder holds them; manifest.json there says whose, which mode"
            ),
            "  cp -R files/. / in that folder puts their content back".to_owned(),
        ],
        Action::Signal { process, .. } => {
            [vec![format!("{what}:")], look(std::slice::from_ref(process))].concat()
        }
        _ => vec![format!("by hand: {what}")],
    };
    for line in &mut lines {
        *line = crate::text::safe(line).into_owned();
    }
    lines
}
