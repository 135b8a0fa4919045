//! The way back, in the order in which it would run, as commands to paste and notes of what is done by hand.

use std::fmt::Write as _;
use std::time::Duration;

use super::paste::paste;
use super::{Estimate, estimate};
use crate::runbook::describe::describe_action;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Runbook, Stage, Step};
use crate::runbook::{StageId, StepId};
use crate::text::safe;

/// A step as an operator sees it beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    pub id: StepId,
    pub title: String,
    /// The key that the runbook writes for it: `run`, `await`.
    pub kind: &'static str,
    /// What it does, in one line.
    pub what: String,
    /// The same for bash: a command, or comments that say what to do by hand. May have several lines.
    pub paste: String,
    pub estimate: Option<Duration>,
}

/// One step as it would run with the names of `scope`.
#[must_use]
pub fn planned(runbook: &Runbook, step: &Step, scope: &Scope) -> PlannedStep {
    let scope = Scope { stage: Some(step.id.stage().to_owned()), ..scope.clone() };
    PlannedStep {
        id: step.id.clone(),
        title: step.title.clone(),
        kind: step.action.kind(),
        what: describe_action(runbook, step, &scope),
        paste: paste(runbook, step, &scope),
        estimate: estimate::of_step(step),
    }
}

/// The steps that undo `stages` (latest first) as they would run: forensics, each stage's own, and the plan's own where
/// the first stage is among them. Steps whose `undoes` was never started are here too; a session leaves them out.
#[must_use]
pub fn rollback_commands(runbook: &Runbook, stages: &[StageId], scope: &Scope) -> Vec<PlannedStep> {
    let stages: Vec<&Stage> = stages.iter().filter_map(|id| runbook.stage(id)).collect();
    let first = runbook.stages.iter().find(|s| s.applies).map(|s| &s.id);
    let whole = stages.iter().any(|s| Some(&s.id) == first);
    steps(runbook, &stages, whole).map(|step| planned(runbook, step, scope)).collect()
}

fn steps<'a>(runbook: &'a Runbook, stages: &[&'a Stage], whole: bool) -> impl Iterator<Item = &'a Step> {
    let last: &[Step] = if whole { &runbook.rollback.steps } else { &[] };
    let undo: Vec<&Step> = stages.iter().flat_map(|stage| &stage.rollback).collect();
    runbook.rollback.prepare.iter().chain(undo).chain(last).filter(|step| step.applies)
}

/// The whole way back as a text that is a bash script: from after the last stage, in reverse, as far as a point of no
/// return lets it go.
#[must_use]
pub fn rollback_text(runbook: &Runbook, scope: &Scope) -> String {
    let applies: Vec<&Stage> = runbook.stages.iter().filter(|s| s.applies).collect();
    let floor = applies.iter().rposition(|s| s.point_of_no_return);
    let undone: Vec<&Stage> = applies[floor.unwrap_or(0)..].iter().rev().copied().collect();
    let whole = floor.is_none_or(|at| at == 0);

    let mut out = format!("# The way back of {}: {}\n", runbook.id, safe(&runbook.title));
    let mut sum = |stages: &[&Stage], whole, when: &str| {
        let steps = || steps(runbook, stages, whole);
        let _ = writeln!(out, "# {}{when}; {}", count(steps().count()), estimate::in_order(steps()));
    };
    if let Some(at) = floor.filter(|_| !whole) {
        let before: Vec<&Stage> = applies[..at].iter().rev().copied().collect();
        sum(&before, true, &format!(" while `{}` has not begun", applies[at].id));
        sum(&undone, false, " after that");
    } else {
        sum(&undone, whole, "");
    }
    if applies.iter().flat_map(|s| &s.rollback).any(|s| !s.undoes.is_empty()) {
        out.push_str("# Leave out what undoes steps that were never started.\n");
    }
    section(&mut out, runbook, scope, "before any undoing", &runbook.rollback.prepare);
    for stage in &undone {
        section(
            &mut out,
            runbook,
            scope,
            &format!("undo stage {}: {}", stage.id, stage.title),
            &stage.rollback,
        );
    }
    if let Some(at) = floor.filter(|_| !whole) {
        let _ = writeln!(
            out,
            "\n# == {} is a point of no return: what was done before it stays ==",
            applies[at].id
        );
        let before: Vec<&Stage> = applies[..at].iter().rev().copied().collect();
        out.push_str("# While its first step has not started, this undoes the earlier stages:\n");
        for stage in before {
            section(
                &mut out,
                runbook,
                scope,
                &format!("undo stage {}: {}", stage.id, stage.title),
                &stage.rollback,
            );
        }
    }
    if whole || floor.is_some() {
        section(
            &mut out,
            runbook,
            scope,
            "at the very end, when everything is undone",
            &runbook.rollback.steps,
        );
    }
    if let Some(gate) = &runbook.rollback.gate {
        let names: Vec<&str> = gate.checks.iter().map(|c| c.as_str()).collect();
        let _ = writeln!(out, "\n# The old system is back when these are green: {}", names.join(", "));
    }
    out
}

fn section(out: &mut String, runbook: &Runbook, scope: &Scope, title: &str, steps: &[Step]) {
    let steps: Vec<&Step> = steps.iter().filter(|s| s.applies).collect();
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n# -- {} --", safe(title));
    for step in steps {
        let planned = planned(runbook, step, scope);
        let estimate = planned.estimate.map(|d| Estimate { known: d, unknown: 0 });
        let estimate = estimate.map_or(String::new(), |e| format!(" ({e})"));
        let undoes: Vec<&str> = step.undoes.iter().map(StepId::step).collect();
        let undoes =
            if undoes.is_empty() { String::new() } else { format!(", undoes {}", undoes.join(", ")) };
        let _ = writeln!(out, "# {}: {}{undoes}{estimate}", planned.id, safe(&planned.title));
        let _ = writeln!(out, "{}", planned.paste);
    }
}

fn count(steps: usize) -> String {
    match steps {
        0 => "nothing to run".to_owned(),
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    }
}
