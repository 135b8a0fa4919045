//! Steps as a dialog shows them before anyone agrees to them: each command whole, in logical order, with what hides
//! made visible, and with its digest.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::expect;
use super::row::{Row, Tone};
use crate::runbook::StepId;
use crate::runbook::interpolate::{Place, Scope};
use crate::runbook::model::{Action, Command, LinkTarget, Step, Template};
use crate::session::State;
use crate::ui::format::{about, ms};
use crate::ui::theme::Mark;

/// The rows of a step that is going to run.
pub fn step(step: &Step, state: &State) -> Vec<Row> {
    let what = what(step, state);
    let mut head =
        Row::toned(Tone::Key, step.id.as_str()).and(Tone::Dim, format!("  {}", step.action.kind()));
    if !step.title.is_empty() {
        head = head.and(Tone::Plain, format!("  {}", step.title));
    }
    let mut rows = vec![head.and(Tone::Dim, times(step)).indent(1)];
    rows.extend(Row::exact(Tone::Plain, &what).map(|row| row.indent(3)));
    rows.push(Row::dim(circumstances(step, state, &what)).indent(3));
    let expected = expect::action(&step.action);
    if !expected.is_empty() {
        rows.push(Row::dim(format!("green only if {}", expected.join("; "))).indent(3));
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

/// How long `steps` will take by their estimates: `about 40s`, `at least 40s`, `nobody estimated how long`.
pub fn estimate<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let (mut total, mut known, mut unknown) = (0u64, 0, 0);
    for step in steps {
        match step.estimate {
            Some(estimate) => {
                total = total.saturating_add(ms(estimate));
                known += 1;
            }
            None => unknown += 1,
        }
    }
    match (known, unknown) {
        (0, 0) => "nothing runs".to_owned(),
        (0, _) => "no estimates were given".to_owned(),
        (_, 0) => format!("about {}", about(total)),
        (_, n) => format!("at least {}, {n} without an estimate", about(total)),
    }
}

/// What a step would do, in full; what is only known when it starts stays as it is written, secrets are masked.
pub fn what(step: &Step, state: &State) -> String {
    let resolver = Resolver::new(step, state);
    let plain = |t: &Template| resolver.text(t, Place::Plain);
    let names = |checks: &[crate::runbook::CheckId]| {
        checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    match &step.action {
        Action::Run { command, .. } => resolver.command(command),
        Action::Start { argv, log, .. } => format!("{}\n>> {}", resolver.argv(argv), plain(log)),
        Action::Request { target, .. } => resolver.request(target),
        Action::Await { checks, hold } if hold.is_zero() => format!("until green: {}", names(checks)),
        Action::Await { checks, hold } => format!("until green for {}: {}", about(ms(*hold)), names(checks)),
        Action::Assert { checks } => format!("one fresh sample each: {}", names(checks)),
        Action::Confirm { question, items, .. } => {
            items.iter().fold(plain(question), |text, item| format!("{text}\n- {item}"))
        }
        Action::Wait { duration } => about(ms(*duration)),
        Action::Signal { process, signal, .. } => format!("SIG{signal} to the process of {process}"),
        Action::Link { path, target: LinkTarget::To(to) } => format!("{} -> {}", plain(path), plain(to)),
        Action::Link { path, target: LinkTarget::BackTo(step) } => {
            format!("{} -> what it was before {step}", plain(path))
        }
        Action::Collect { globs } => globs.iter().map(plain).collect::<Vec<_>>().join("\n"),
    }
}

/// A text of `step` with what is known by now filled in.
pub fn resolved(text: &Template, step: &Step, state: &State) -> String {
    Resolver::new(step, state).text(text, Place::Plain)
}

/// The first part of a text's SHA-256, as it is compared by eye.
pub fn digest(text: &str) -> String {
    let hash = base16ct::lower::encode_string(&Sha256::digest(text.as_bytes()));
    format!("sha256 {}", &hash[..16])
}

fn times(step: &Step) -> String {
    let mut times = String::new();
    if let Some(estimate) = step.estimate {
        times += &format!("  about {}", about(ms(estimate)));
    }
    if let Some(timeout) = step.timeout {
        times += &format!("  budget {}", about(ms(timeout)));
    }
    times
}

fn circumstances(step: &Step, state: &State, what: &str) -> String {
    let resolver = Resolver::new(step, state);
    let mut parts = Vec::new();
    if let (Action::Run { command: Command::Shell(_), .. }, Some(runbook)) = (&step.action, &state.runbook) {
        parts.push(format!("by {}", runbook.shell.join(" ")));
    }
    if let Some(user) = &step.user {
        parts.push(format!("as {user}"));
    }
    if let Some(cwd) = &step.cwd {
        parts.push(format!("in {}", resolver.text(cwd, Place::Plain)));
    }
    if !step.env.is_empty() {
        let env =
            step.env.iter().map(|(name, value)| format!("{name}={}", resolver.text(value, Place::Plain)));
        parts.push(format!("with {}", env.collect::<Vec<_>>().join(" ")));
    }
    if step.retries.attempts > 1 {
        parts.push(format!("up to {} attempts", step.retries.attempts));
    }
    parts.push(digest(what));
    parts.join(" · ")
}

/// Fills in what is known by now.
struct Resolver(Scope);

impl Resolver {
    fn new(step: &Step, state: &State) -> Self {
        let secrets = state.runbook.iter().flat_map(|r| r.secrets.keys());
        Self(Scope {
            captures: state.captures.clone(),
            secrets: secrets.map(|name| (name.clone(), "******".to_owned())).collect(),
            session_id: state.opened.as_ref().map(|o| o.session.clone()).unwrap_or_default(),
            session_dir: state.opened.as_ref().map(|o| o.session_dir.clone().into()).unwrap_or_default(),
            runbook_dir: state.runbook.as_ref().map(|r| r.dir.clone()).unwrap_or_default(),
            stage: Some(step.id.stage().to_owned()),
            attempt: Some(state.step(&step.id).attempt + 1),
        })
    }

    fn text(&self, template: &Template, place: Place) -> String {
        self.0.resolve(template, place).unwrap_or_else(|_| template.as_str().to_owned())
    }

    fn command(&self, command: &Command) -> String {
        match command {
            Command::Argv(argv) => self.argv(argv),
            Command::Shell(text) => self.text(text, Place::Shell),
        }
    }

    fn argv(&self, argv: &[Template]) -> String {
        let words = argv.iter().map(|word| quoted(&self.text(word, Place::Plain)).into_owned());
        words.collect::<Vec<_>>().join(" ")
    }

    fn request(&self, target: &crate::runbook::model::HttpTarget) -> String {
        let mut text = format!("{} {}", target.method, self.text(&target.url, Place::Plain));
        for (name, value) in &target.headers {
            text += &format!("\n{name}: {}", self.text(value, Place::Plain));
        }
        if let Some(body) = &target.body {
            text += &format!("\n\n{}", self.text(body, Place::Plain));
        }
        if let Some(json) = &target.json {
            text += &format!("\n\n{json:#}");
        }
        text
    }
}

/// A word as a shell would read it back, so that `a b` and `a`, `b` look different.
fn quoted(word: &str) -> Cow<'_, str> {
    let harmless = |c: char| c.is_alphanumeric() || "_./:@%+=,-".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_look_alike_are_told_apart() {
        assert_eq!(
            ["a b", "", "it's", "a/b.c"].map(|w| quoted(w).into_owned()),
            ["'a b'", "''", r"'it'\''s'", "a/b.c"]
        );
    }

    #[test]
    fn a_digest_is_the_sha256_of_the_text() {
        assert_eq!(digest("abc"), "sha256 ba7816bf8f01cfea");
    }
}
