//! What is known of a step, worst first: why it is red, which proofs were seen and which are missing, how its time
//! stands against its budget, and what would undo it.

use ratatui::style::Style;

use crate::clock::Now;
use crate::runbook::StepId;
use crate::runbook::model::{Action, Step};
use crate::runbook::plan::{estimate_of, expect};
use crate::session::starting::masked_scope;
use crate::session::way_back::takes_of;
use crate::session::{State, StepState, StepStatus, Telemetry};
use crate::ui::theme::{Mark, Theme};
use crate::ui::{format, status};

/// One step, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub state: &'a State,
    pub telemetry: &'a Telemetry,
    pub step: &'a StepId,
    pub now: Now,
    pub theme: &'a Theme,
}

/// A line, and what it looks like.
type Line = (String, Style);

impl Facts<'_> {
    /// The lines, for so many rows: where those do not hold each proof, the proofs share one.
    #[must_use]
    pub fn lines(&self, rows: usize) -> Vec<Line> {
        let step = self.state.step(self.step);
        let mut lines = self.wrong(step);
        let plan = self.state.step_plan(self.step);
        let proofs = match (&step.finish, plan) {
            _ if step.status == StepStatus::Pending => Vec::new(),
            (_, Some(plan)) if step.status.is_open() => self.awaited(plan, step),
            (Some(finish), _) if !step.status.is_open() => {
                let (missing, met): (Vec<_>, Vec<_>) = finish.proofs.iter().partition(|proof| !proof.met);
                let told = missing.into_iter().chain(met).map(|proof| {
                    let mark = if proof.met { Mark::Ok } else { Mark::Fail };
                    (mark, format!("{} - {}", proof.expected, proof.seen))
                });
                told.collect()
            }
            _ => Vec::new(),
        };
        let (time, undo, what) =
            (plan.and_then(|plan| self.time(plan, step)), self.undo(step), self.what(plan, step));
        let others = lines.len() + [&time, &undo].into_iter().flatten().count();
        if proofs.len() > 1 && step.status.is_open() && rows < others + proofs.len() {
            lines.extend(self.in_a_line(&proofs));
        } else {
            lines.extend(
                proofs.into_iter().map(|(mark, text)| {
                    (format!("{} {text}", self.theme.glyph(mark)), self.theme.mark(mark))
                }),
            );
        }
        lines.extend(time);
        lines.extend(undo);
        lines.extend(what.map(|what| (what, self.theme.dim)));
        lines
    }

    fn wrong(&self, step: &StepState) -> Vec<Line> {
        let theme = self.theme;
        let mut lines = Vec::new();
        if let Some(why) = &step.why
            && !step.status.is_open()
            && step.status != StepStatus::Passed
        {
            lines.push((format!("why: {why}"), theme.mark(status::step(self.state, self.step).0)));
        }
        if let Some(ending) = step.killed.as_ref().filter(|_| step.status.is_open()) {
            lines.push((format!("being ended: {}", ending.why), theme.warn));
        }
        if let (Some(why), Some(_), true) = (&step.why, step.end_refused, step.status.is_open()) {
            lines.push((format!("could not be ended: {why}"), theme.fail));
        }
        lines
    }

    /// What an attempt under way still has to show, as far as it is seen by now.
    fn awaited(&self, plan: &Step, step: &StepState) -> Vec<(Mark, String)> {
        let checks = plan.action.fenced_checks().iter().map(|check| {
            let (mark, word) = status::check(self.state, check);
            (mark, format!("{check} {word}"))
        });
        let mut proofs: Vec<_> = checks.collect();
        if let Action::Confirm { items, .. } = &plan.action {
            proofs.extend(items.iter().map(|item| match step.ticks.get(item) {
                Some(tick) if tick.pass => (Mark::Ok, format!("PASS {item}")),
                Some(_) => (Mark::Fail, format!("FAIL {item}")),
                None => (Mark::Ask, format!("ASK {item}")),
            }));
            return proofs;
        }
        let expected = expect::of_action(&plan.action, &masked_scope(self.state, plan, step.attempt));
        proofs.extend(expected.into_iter().map(|what| (Mark::Pending, format!("not seen yet: {what}"))));
        proofs
    }

    /// The proofs of an attempt under way in one line: how many are seen, and what is missing.
    fn in_a_line(&self, proofs: &[(Mark, String)]) -> Option<Line> {
        let missing: Vec<&str> =
            proofs.iter().filter(|(mark, _)| *mark != Mark::Ok).map(|(_, text)| bare(text)).collect();
        let (seen, of) = (proofs.len() - missing.len(), proofs.len());
        let worst =
            if proofs.iter().any(|(mark, _)| *mark == Mark::Fail) { Mark::Fail } else { Mark::Pending };
        let mark = if missing.is_empty() { Mark::Ok } else { worst };
        let text = match missing.is_empty() {
            true => format!("{} {of} of {of} proofs seen", self.theme.glyph(mark)),
            false => format!(
                "{} {seen} of {of} proofs seen, missing: {}",
                self.theme.glyph(mark),
                missing.join("; ")
            ),
        };
        Some((text, self.theme.mark(mark)))
    }

    /// How an attempt under way stands against its budget.
    fn time(&self, plan: &Step, step: &StepState) -> Option<Line> {
        let started = step.started.filter(|_| step.status.is_open())?;
        let elapsed = self.state.since(started, self.now);
        let mut words = Vec::new();
        if plan.retries.attempts > 1 && (1..=plan.retries.attempts).contains(&step.tries) {
            words.push(format!("attempt {} of {}", step.tries, plan.retries.attempts));
        }
        words.extend(self.pid(step).map(|pid| format!("pid {pid}")));
        let estimate = estimate_of(plan).map(format::ms);
        let over = estimate.is_some_and(|estimate| elapsed > estimate);
        words.push(match estimate {
            Some(estimate) if over => {
                format!("{} OVER its {}", format::took(elapsed - estimate), format::took(estimate))
            }
            Some(estimate) => format!("{} of about {}", format::took(elapsed), format::took(estimate)),
            None => format!("{}, no estimate", format::took(elapsed)),
        });
        words.extend(plan.timeout.map(|timeout| format!("ended at {}", format::took(format::ms(timeout)))));
        Some((words.join(", "), if over { self.theme.warn } else { self.theme.text }))
    }

    fn pid(&self, step: &StepState) -> Option<u32> {
        let told = self.telemetry.output.get(self.step).filter(|told| told.attempt == step.attempt);
        step.process.as_ref().map(|process| process.pid).or(told.and_then(|told| told.pid))
    }

    /// What would undo it, and how long that takes; nothing where it has done nothing yet.
    fn undo(&self, step: &StepState) -> Option<Line> {
        if step.started.is_none() || self.state.active_rollback().is_some() {
            return None;
        }
        let stage = self
            .state
            .runbook
            .as_ref()?
            .stages
            .iter()
            .find(|stage| stage.id.as_str() == self.step.stage())?;
        let plan = stage.steps.iter().find(|plan| plan.id == *self.step)?;
        let undoes =
            |undo: &&Step| undo.applies && (undo.undoes.is_empty() || undo.undoes.contains(self.step));
        let undo: Vec<&Step> = stage.rollback.iter().filter(undoes).collect();
        if undo.is_empty() {
            // What only looks or waits has nothing to undo.
            return may_change(&plan.action).then(|| ("undo: nothing undoes it".to_owned(), self.theme.dim));
        }
        let names: Vec<&str> = undo.iter().map(|undo| undo.id.step()).collect();
        let takes = takes_of(self.state, undo);
        Some((format!("undo: {} ({})", names.join(", "), takes.in_words()), self.theme.dim))
    }

    /// What it runs, or will do.
    fn what(&self, plan: Option<&Step>, step: &StepState) -> Option<String> {
        let what = step.what.as_deref().map(|what| format!("$ {}", what.lines().next().unwrap_or_default()));
        what.or_else(|| plan.map(planned))
    }
}

fn may_change(action: &Action) -> bool {
    !matches!(
        action,
        Action::Await { .. }
            | Action::Assert { .. }
            | Action::Confirm { .. }
            | Action::Wait { .. }
            | Action::Baseline { .. }
            | Action::Snapshot { .. }
            | Action::Collect { .. }
    )
}

/// A proof that is missing, without the word that says so.
fn bare(text: &str) -> &str {
    text.strip_prefix("not seen yet: ").unwrap_or(text)
}

/// What a step that has not run will do, in a word.
fn planned(plan: &Step) -> String {
    match (&plan.action, &plan.description) {
        (Action::Confirm { question, .. }, _) => format!("asks: {}", question.as_str()),
        (_, Some(description)) => description.clone(),
        (action, None) => action.kind().to_owned(),
    }
}
