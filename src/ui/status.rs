//! A stage's and a step's state as glyph and word.

use super::crew;
use super::format;
use super::theme::Mark;
use crate::clock::Now;
use crate::event::Health;
use crate::runbook::model::{Action, OnFailure, Probe, Stage, Step};
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{Hold, StageStatus, State, StepStatus, Telemetry, gate};

/// A stage's state.
#[must_use]
pub fn stage(state: &State, stage: &Stage, now: Now) -> (Mark, String) {
    let word = |mark, word: &str| (mark, word.to_owned());
    let Some(seen) = state.stages.get(&stage.id) else { return word(Mark::Pending, "PENDING") };
    match seen.status {
        StageStatus::Pending if state.active_rollback().is_some() => word(Mark::Pending, "PENDING"),
        StageStatus::Pending if state.next_stage() == Some(&stage.id) => match held_by(state) {
            Some(who) => (Mark::Pending, format!("HELD by {who}")),
            None if people(stage) > 1 => (Mark::Warn, format!("NEXT, {} PEOPLE", people(stage))),
            None => word(Mark::Pending, "NEXT"),
        },
        StageStatus::Pending if people(stage) > 1 => (Mark::Warn, format!("NEEDS {} PEOPLE", people(stage))),
        StageStatus::Pending => word(Mark::Pending, "PENDING"),
        StageStatus::Active => active(state, &stage.id),
        StageStatus::AtGate => at_gate(state, stage, now),
        StageStatus::Passed if seen.overridden.is_some() => word(Mark::Warn, "DONE, OVERRIDDEN"),
        StageStatus::Passed => word(Mark::Ok, "DONE"),
        StageStatus::RollingBack => word(Mark::Warn, "ROLLING BACK"),
        StageStatus::RolledBack => word(Mark::Warn, "ROLLED BACK"),
        StageStatus::Skipped => word(Mark::Pending, "SKIPPED"),
    }
}

/// What the next stage waits for, by its name; `None` while nothing stands in its way.
fn held_by(state: &State) -> Option<String> {
    if let Some(hold) = state.holds().into_iter().next() {
        return Some(match hold {
            Hold::StepFailed { step, .. } | Hold::StepUnknown { step, .. } => step.step().to_owned(),
            Hold::Trigger { trigger, .. } => trigger.to_string(),
            Hold::Drift { .. } => "drift".to_owned(),
        });
    }
    let ready = state.runbook.iter().flat_map(|runbook| &runbook.rollback.ready);
    let Some(current) = state.current_stage() else {
        let red = ready.into_iter().find(|check| state.blocks(check)).map(ToString::to_string);
        return red.or_else(|| state.needs_acknowledgement().then(|| "policy".to_owned()));
    };
    let (plan, seen) = (state.stage_plan(current)?, state.stages.get(current)?);
    if seen.status != StageStatus::AtGate || gate::evaluate(state, current).is_go() {
        return state.paused.as_ref().map(|_| "pause".to_owned());
    }
    let red = plan.gate.checks.iter().chain(ready).find(|check| state.blocks(check));
    Some(match red {
        Some(check) => check.to_string(),
        None if plan.gate.soak.is_some() && !seen.soak.reached => "soak".to_owned(),
        None if gate::waits_for_people(state, current) => "people".to_owned(),
        None => "gate".to_owned(),
    })
}

/// How many people must say GO at a stage's gate, at the most.
fn people(stage: &Stage) -> usize {
    usize::try_from(stage.gate.approvals).unwrap_or(usize::MAX).max(stage.gate.roles.len())
}

/// Whether a stage's gate asks for votes.
#[must_use]
pub fn asks_for_votes(stage: &Stage) -> bool {
    people(stage) > 0
}

/// The state of the votes at a stage's gate, and who gave them: `1 of 2 people  db opsA  app -`.
#[must_use]
pub fn votes(state: &State, stage: &StageId) -> (Mark, &'static str, String) {
    let (Some(plan), Some(seen)) = (state.stage_plan(stage), state.stages.get(stage)) else {
        return (Mark::Pending, "VOTES", String::new());
    };
    let needed = usize::try_from(plan.gate.approvals).unwrap_or(usize::MAX);
    let people = crew::approvals(seen);
    let mut parts = Vec::new();
    if needed > 0 {
        parts.push(format!("{people} of {needed} people"));
    }
    parts.extend(plan.gate.roles.iter().map(|role| {
        let given = seen.standing().find(|vote| vote.role.as_ref() == Some(role));
        format!("{role} {}", given.map_or("-", |vote| vote.person.as_str()))
    }));
    let complete = people >= needed && plan.gate.roles.iter().all(|role| crew::is_voted(seen, role));
    let (mark, word) = if seen.standing().any(|vote| !vote.go) {
        (Mark::Fail, "NO-GO")
    } else if complete {
        (Mark::Ok, "GO")
    } else if seen.status == StageStatus::AtGate {
        (Mark::Ask, "ASK")
    } else {
        (Mark::Pending, "VOTES")
    };
    (mark, word, parts.join("  "))
}

fn active(state: &State, stage: &StageId) -> (Mark, String) {
    let of_stage = |step: &StepId| step.stage() == stage.as_str();
    let mark_word = match state.holds().into_iter().next() {
        Some(Hold::StepUnknown { step, .. }) if of_stage(&step) => (Mark::Ask, "HELD: UNKNOWN"),
        Some(Hold::StepFailed { step, .. }) if of_stage(&step) => (Mark::Fail, "HELD: FAILED"),
        Some(_) => (Mark::Fail, "HELD"),
        None if state.questions().iter().any(of_stage) => (Mark::Ask, "ASKS"),
        None if state.paused.is_some() => (Mark::Warn, "PAUSED"),
        None => (Mark::Running, "RUNNING"),
    };
    (mark_word.0, mark_word.1.to_owned())
}

fn at_gate(state: &State, stage: &Stage, now: Now) -> (Mark, String) {
    if gate::evaluate(state, &stage.id).is_go() {
        return (Mark::Ok, "GO".to_owned());
    }
    match soak(state, stage, now) {
        Some((so_far, asked, true)) if so_far < asked => {
            (Mark::Running, format!("SOAK {}/{}", format::took(so_far), format::took(asked)))
        }
        _ => (Mark::Fail, "NO-GO".to_owned()),
    }
}

/// Green milliseconds so far, milliseconds asked for, and whether the clock runs; `None` where the gate has no soak.
#[must_use]
pub fn soak(state: &State, stage: &Stage, now: Now) -> Option<(u64, u64, bool)> {
    let asked = format::ms(stage.gate.soak?);
    let soak = &state.stages.get(&stage.id)?.soak;
    // What is over does not go on.
    let now = state.outcome.as_ref().map_or(now, |(_, closed)| *closed);
    Some((soak.so_far_ms(now.up_ms).min(asked), asked, soak.running_since.is_some()))
}

/// A step's state.
#[must_use]
pub fn step(state: &State, id: &StepId) -> (Mark, &'static str) {
    planned_step(state, id, state.step_plan(id))
}

/// A step's state, where its plan is at hand: finding it takes a look at every step.
#[must_use]
pub fn planned_step(state: &State, id: &StepId, plan: Option<&Step>) -> (Mark, &'static str) {
    match state.step(id).status {
        StepStatus::Pending if plan.is_some_and(|p| !p.applies) => (Mark::Pending, "N/A"),
        StepStatus::Pending => (Mark::Pending, "PENDING"),
        StepStatus::Running => (Mark::Running, "RUNNING"),
        StepStatus::Waiting if plan.is_some_and(|p| matches!(p.action, Action::Confirm { .. })) => {
            (Mark::Ask, "ASK")
        }
        StepStatus::Waiting => (Mark::Running, "WAITING"),
        StepStatus::Passed if was_rolled_back(state, id) => (Mark::Pending, "WAS OK"),
        StepStatus::Passed => (Mark::Ok, "OK"),
        StepStatus::Failed if plan.is_some_and(|p| state.will_retry(p)) => (Mark::Warn, "RETRIES"),
        StepStatus::Failed if plan.is_some_and(|p| p.on_failure == OnFailure::Continue) => {
            (Mark::Fail, "FAIL, GOES ON")
        }
        StepStatus::Failed => (Mark::Fail, "FAIL"),
        StepStatus::Unknown => (Mark::Ask, "UNKNOWN"),
        StepStatus::Skipped => (Mark::Warn, "SKIPPED"),
    }
}

/// Whether a step's stage was rolled back since it ran: what it proved is not known to hold any more.
fn was_rolled_back(state: &State, id: &StepId) -> bool {
    let stage = state.stages.get(id.stage());
    let led_back = || state.rollback.as_ref().is_some_and(|rollback| rollback.steps.contains(id));
    stage.is_some_and(|stage| stage.status == StageStatus::RolledBack) && !led_back()
}

/// A check's state.
#[must_use]
pub fn check(state: &State, id: &CheckId) -> (Mark, &'static str) {
    if state.runbook.as_ref().and_then(|r| r.check(id)).is_some_and(|c| !c.applies) {
        return (Mark::Pending, "N/A");
    }
    match state.check(id).health {
        Health::Idle => (Mark::Pending, "IDLE"),
        Health::Pending => (Mark::Pending, "PENDING"),
        Health::Ok => (Mark::Ok, "OK"),
        Health::Failing => (Mark::Fail, "FAIL"),
        Health::Stale => (Mark::Stale, "STALE"),
    }
}

/// Whether a process check wants its processes to run or to be gone; `None` for any other check.
#[must_use]
pub fn wants_run(state: &State, id: &CheckId) -> Option<bool> {
    match &state.runbook.as_ref()?.check(id)?.probe {
        Probe::Process { expect, .. } => Some(expect.running),
        _ => None,
    }
}

/// What was seen of a process that a check looks for, judged against what is wanted.
#[must_use]
pub fn process(state: &State, telemetry: &Telemetry, id: &CheckId, pid: Option<u32>) -> (Mark, &'static str) {
    let looked_at = state.check(id).health != Health::Idle;
    let mut seen = telemetry.processes.get(id).into_iter().flatten();
    let runs = looked_at && pid.is_some() && seen.any(|process| Some(process.identity.pid) == pid);
    let word = match telemetry.checks.contains_key(id) {
        _ if !looked_at => "idle",
        _ if runs => "run",
        true => "gone",
        false => "not seen",
    };
    // One look that differs from what is wanted is no failure yet, but it is not fine either.
    match check(state, id).0 {
        Mark::Ok if wants_run(state, id).is_some_and(|wanted| wanted != runs) => (Mark::Warn, word),
        mark => (mark, word),
    }
}

/// The state of an item of a stage's gate that a person ticks.
#[must_use]
pub fn item(state: &State, stage: &StageId, item: &str) -> (Mark, &'static str) {
    let seen = state.stages.get(stage);
    match seen.and_then(|seen| seen.ticks.get(item)) {
        Some(tick) if tick.pass => (Mark::Ok, "PASS"),
        Some(_) => (Mark::Fail, "FAIL"),
        None if seen.is_some_and(|seen| seen.status == StageStatus::AtGate) => (Mark::Ask, "ASK"),
        None => (Mark::Pending, "ACCEPT"),
    }
}
