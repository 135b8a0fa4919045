//! A rollback's way: what runs is ended, then the undoing goes step by step, stage by stage, and the last gate proves
//! that the old system is back.

use super::{Facts, Round, ms, not_seen, steps};
use crate::event::EventKind;
use crate::runbook::StepId;
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::{OnFailure, Runbook, Step};
use crate::session::state::{self, RollbackState, StageStatus, State, StepStatus};
use crate::session::{rollback, starting};

/// How long a command may take to end before the rollback says that it is stuck on it: TERM, the grace of 10 s,
/// KILL, and as much again.
const ENDING_MS: u64 = 30_000;

/// What the rollback under way does next.
pub(super) fn goes_on(round: &mut Round, facts: &Facts) -> Vec<EventKind> {
    let state = round.state;
    let (Some(rollback), Some(runbook)) = (state.active_rollback(), state.runbook.as_deref()) else {
        return Vec::new();
    };
    if rollback.stuck.as_ref().is_some_and(|stuck| stuck.step.is_some()) {
        return Vec::new();
    }
    let ending = end_what_runs(round, rollback, runbook);
    if !ending.events.is_empty() || ending.waits {
        return ending.events;
    }
    for id in &rollback.steps {
        if let Some(events) = rolled_back_before(state, runbook, rollback, id) {
            return events;
        }
        let Some(step) = runbook.step(id) else { continue };
        match state.step(id).status {
            StepStatus::Passed | StepStatus::Skipped => {}
            StepStatus::Running | StepStatus::Waiting => return Vec::new(),
            StepStatus::Pending if state.paused.is_some() => return Vec::new(),
            StepStatus::Pending => return starting::start(state, step, round.now.up_ms),
            StepStatus::Failed if state.will_retry(step) => {
                return if state.paused.is_none() && steps::retry_is_due(round, step) {
                    starting::start(state, step, round.now.up_ms)
                } else {
                    Vec::new()
                };
            }
            StepStatus::Failed if passes_over(runbook, step) => {}
            failed @ (StepStatus::Failed | StepStatus::Unknown) => {
                let why = state.step(id).why.clone().unwrap_or_default();
                let what = if failed == StepStatus::Failed {
                    format!("{id} did not undo: {why}")
                } else {
                    format!("whether {id} undid anything is not known: {why}")
                };
                return stuck(state, rollback, Some(id), what);
            }
        }
    }
    if let Some(stage) = next_rolled_back(state, rollback) {
        return vec![EventKind::StageRolledBack { stage }];
    }
    finish(round, rollback, runbook, facts)
}

struct Ending {
    events: Vec<EventKind>,
    /// Something still runs.
    waits: bool,
}

/// Ends the forward steps that are under way.
fn end_what_runs(round: &mut Round, rollback: &RollbackState, runbook: &Runbook) -> Ending {
    let state = round.state;
    let mut ending = Ending { events: Vec::new(), waits: false };
    for step in rollback::open_steps(state, runbook).filter(|s| !rollback.steps.contains(&s.id)) {
        ending.waits = true;
        let seen = state.step(&step.id);
        if starting::is_judged_here(&step.action) || seen.process.is_some() {
            let why = "ended by the rollback";
            ending.events.push(starting::finish(state, step, false, why, Vec::new(), round.now.up_ms));
            continue;
        }
        let refused = seen.end_refused.is_some_and(|at| at.up_ms >= rollback.started.up_ms);
        match &seen.killed {
            None if refused => {
                if rollback.stuck.is_none() {
                    let because = seen.why.clone().unwrap_or_default();
                    let why = format!("{} could not be ended: {because}", step.id);
                    ending.events.extend(stuck(state, rollback, None, why));
                }
            }
            None => ending.events.push(EventKind::StepKilled {
                step: step.id.clone(),
                attempt: seen.attempt,
                why: "the rollback ends it".to_owned(),
                timed_out: false,
            }),
            Some(killed) if rollback.stuck.is_none() && round.reached(ended_by(state, killed)) => {
                let why = format!("{} could not be ended", step.id);
                ending.events.extend(stuck(state, rollback, None, why));
            }
            Some(_) => {}
        }
    }
    ending
}

/// When a command that is being ended should have ended, as whoever took over could see it.
fn ended_by(state: &State, killed: &state::Ending) -> u64 {
    let taken_over = state.taken_over.map_or(0, |at| at.up_ms + steps::TAKING_OVER_MS);
    (killed.since.up_ms + ENDING_MS).max(taken_over)
}

/// Whether a failed undo is passed over: forensics always, others where the runbook says so.
pub(in crate::session) fn passes_over(runbook: &Runbook, step: &Step) -> bool {
    step.on_failure == OnFailure::Continue || runbook.rollback.prepare.iter().any(|s| s.id == step.id)
}

/// The stages before the one that `id` belongs to are rolled back once their steps are through.
fn rolled_back_before(
    state: &State,
    runbook: &Runbook,
    rollback: &RollbackState,
    id: &StepId,
) -> Option<Vec<EventKind>> {
    if runbook.rollback.prepare.iter().any(|s| s.id == *id) {
        return None;
    }
    let stage = next_rolled_back(state, rollback)?;
    (stage.as_str() != id.stage()).then(|| vec![EventKind::StageRolledBack { stage }])
}

/// The latest stage that is still rolling back, once each step that undoes it is through.
pub(in crate::session) fn next_rolled_back(
    state: &State,
    rollback: &RollbackState,
) -> Option<crate::runbook::StageId> {
    let runbook = state.runbook.as_deref()?;
    let rolling = state.stages.iter().rev().find(|(_, s)| s.status == StageStatus::RollingBack);
    let id = rolling.map(|(id, _)| id.clone())?;
    let is_through = |step: &Step| match state.step(&step.id).status {
        StepStatus::Passed | StepStatus::Skipped => true,
        StepStatus::Failed => passes_over(runbook, step) && !state.will_retry(step),
        _ => false,
    };
    let own = rollback.steps.iter().filter(|step| step.stage() == id.as_str());
    own.filter_map(|step| runbook.step(step)).all(is_through).then_some(id)
}

fn stuck(state: &State, rollback: &RollbackState, step: Option<&StepId>, why: String) -> Vec<EventKind> {
    if rollback.stuck.as_ref().is_some_and(|stuck| stuck.why == why) {
        return Vec::new();
    }
    let undone = |id: &&StepId| matches!(state.step(id).status, StepStatus::Passed | StepStatus::Skipped);
    let remaining = rollback.steps.iter().filter(|id| !undone(id)).cloned().collect();
    vec![EventKind::RollbackStuck { step: step.cloned(), why, remaining }]
}

/// All is undone: the last gate, then the end.
fn finish(round: &mut Round, rollback: &RollbackState, runbook: &Runbook, facts: &Facts) -> Vec<EventKind> {
    let state = round.state;
    let gate = runbook.rollback.gate.as_ref().filter(|_| rollback.full);
    if let Some(gate) = gate {
        let Some(at_gate) = rollback.at_gate else {
            let mut events = starting::fence(state, &gate.checks, round.now.up_ms);
            let missing = gate.checks.iter().map(|check| format!("check {check} is to be green")).collect();
            events.push(EventKind::GateChanged { stage: ROLLBACK.into(), go: false, missing });
            return events;
        };
        if gate.checks.iter().any(|check| state.blocks(check)) {
            // It says so once; how its checks go on is told by them.
            let said = rollback.stuck.as_ref().is_some_and(|stuck| stuck.since.up_ms >= at_gate.up_ms);
            if said || !round.reached(at_gate.up_ms + ms(gate.timeout)) {
                return Vec::new();
            }
            let (_, seen) = not_seen(round, &gate.checks, facts);
            return stuck(state, rollback, None, format!("nothing proves that the old system is back{seen}"));
        }
    }
    let mut events = Vec::new();
    if gate.is_some() {
        events.push(EventKind::GateChanged { stage: ROLLBACK.into(), go: true, missing: Vec::new() });
    }
    // The session's own end follows by itself.
    events.push(EventKind::RollbackFinished { full: rollback.full, skipped: rollback::skipped(state) });
    events
}
