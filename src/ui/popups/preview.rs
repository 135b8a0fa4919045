//! Steps as a dialog shows them before anyone agrees to them: each command whole, in logical order, with what hides
//! made visible, and with the digest that its start will have in the log.

use sha2::{Digest, Sha256};

use super::row::{Row, Tone};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Action, Command, OnFailure, Step, Template};
use crate::runbook::plan::expect;
use crate::runbook::user::{kept, prefix};
use crate::runbook::{StepId, describe_action};
use crate::session::State;
use crate::session::starting::masked_scope;
use crate::ui::format::{about, ms};
use crate::ui::theme::Mark;

/// The rows of a step that is going to run.
pub fn step(step: &Step, state: &State) -> Vec<Row> {
    let mut head =
        Row::toned(Tone::Key, step.id.as_str()).and(Tone::Dim, format!("  {}", step.action.kind()));
    if !step.title.is_empty() {
        head = head.and(Tone::Plain, format!("  {}", step.title));
    }
    let mut rows = vec![head.indent(1)];
    let what = what(step, state);
    let scope = scope(step, state);
    let mut about = times(step);
    if let Action::Run { command: Command::Shell(script), .. } = &step.action {
        // a script reads better as its lines than as one quoted word
        rows.extend(Row::exact(Tone::Plain, &scope.show(script)).map(|row| row.indent(3)));
        about.extend(around(step, &scope, state));
    } else {
        rows.extend(Row::exact(Tone::Plain, &what).map(|row| row.indent(3)));
    }
    about.push(digest(&what));
    rows.push(Row::dim(about.join(" | ")).indent(3));
    let expected = expect::of_action(&step.action, &scope);
    if !expected.is_empty() {
        rows.push(Row::dim(format!("green only if: {}", expected.join("; "))).indent(3));
    }
    rows
}

/// The rows of several steps by their names; a name that the runbook does not know is said so.
pub fn steps<'a>(ids: impl IntoIterator<Item = &'a StepId>, state: &State) -> Vec<Row> {
    let mut rows = Vec::new();
    for id in ids {
        match state.step_plan(id) {
            Some(plan) => rows.extend(step(plan, state)),
            None => rows.push(Row::mark(Mark::Fail, format!("{id} is not in this runbook")).indent(1)),
        }
    }
    rows
}

/// What the next attempt of a step would do, in the words of the log; what is only known when it starts stays as it is
/// written, secrets are masked.
pub fn what(step: &Step, state: &State) -> String {
    let runbook = state.runbook.as_ref();
    runbook.map(|runbook| describe_action(runbook, step, &scope(step, state))).unwrap_or_default()
}

/// A text of `step` with what is known by now filled in.
pub fn resolved(text: &Template, step: &Step, state: &State) -> String {
    scope(step, state).show(text)
}

/// The first part of a text's SHA-256, as it is compared by eye.
pub fn digest(text: &str) -> String {
    let hash = base16ct::lower::encode_string(&Sha256::digest(text.as_bytes()));
    format!("sha256 {}", &hash[..16])
}

fn scope(step: &Step, state: &State) -> Scope {
    masked_scope(state, step, state.step(&step.id).attempt + 1)
}

fn times(step: &Step) -> Vec<String> {
    let estimate = step.estimate.map(|estimate| format!("about {}", about(ms(estimate))));
    let timeout = step.timeout.map(|timeout| format!("budget {}", about(ms(timeout))));
    let attempts = Some(step.retries.attempts).filter(|attempts| *attempts > 1);
    let attempts = attempts.map(|attempts| format!("up to {attempts} attempts"));
    [estimate, timeout, attempts].into_iter().flatten().collect()
}

/// What stands round a script: who runs it, where, with what.
fn around(step: &Step, scope: &Scope, state: &State) -> Vec<String> {
    let mut parts = Vec::new();
    parts.extend(state.runbook.as_ref().map(|r| format!("by {}", r.shell.join(" "))));
    if let (Some(user), Some(runbook)) = (&step.user, &state.runbook) {
        parts.push(format!("as {user}: {}", prefix(user, kept(runbook, step)).trim_end()));
    }
    parts.extend(step.cwd.as_ref().map(|cwd| format!("in {}", scope.show(cwd))));
    if !step.env.is_empty() {
        let env = step.env.iter().map(|(name, value)| format!("{name}={}", scope.show(value)));
        parts.push(format!("with {}", env.collect::<Vec<_>>().join(" ")));
    }
    parts
}

/// What follows where `what` makes the step fail.
pub fn failing(what: &str, plan: &Step) -> Row {
    let counts = format!("{what} counts as failed");
    match plan.on_failure {
        OnFailure::Hold => Row::new(format!("{counts}, and the session holds.")),
        OnFailure::Rollback { grace } => {
            let grace = about(ms(grace));
            Row::mark(Mark::Warn, format!("{counts}, and the session ROLLS BACK after {grace}."))
        }
        OnFailure::Continue => Row::new(format!("{counts}; later steps run, its gate stays NO-GO.")),
        OnFailure::Stuck => Row::mark(Mark::Warn, format!("{counts}, and the rollback is stuck.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_sha256_of_the_text() {
        assert_eq!(digest("abc"), "sha256 ba7816bf8f01cfea");
    }
}
