//! Steps that end by time or by what checks say, and steps whose turn has come.

use indexmap::IndexMap;

use super::{Facts, Round, ms, not_seen};
use crate::event::{EventKind, Proof};
use crate::proof;
use crate::runbook::model::{Action, OnFailure, Step};
use crate::session::state::{Hold, StageStatus, State, StepStatus};
use crate::session::{rollback, starting};

/// How long an engine that takes over may take to find out what became of a command.
pub(super) const TAKING_OVER_MS: u64 = 30_000;

/// Ends what has come to its end: waits that are over, awaits that are green, attempts that took too long.
pub(super) fn ends(round: &mut Round, facts: &Facts) -> Vec<EventKind> {
    let Some(runbook) = round.state.runbook.clone() else { return Vec::new() };
    let state = round.state;
    let ended = |step| match measured(round, step, facts) {
        events if events.is_empty() => end(round, step, facts).into_iter().collect(),
        events => events,
    };
    rollback::open_steps(state, &runbook).flat_map(ended).collect()
}

/// What a `baseline` has measured, once its time is over.
fn measured(round: &mut Round, step: &Step, facts: &Facts) -> Vec<EventKind> {
    let (state, up) = (round.state, round.now.up_ms);
    let Action::Baseline { name, window, .. } = &step.action else { return Vec::new() };
    let seen = state.step(&step.id);
    let Some(measurement) = facts.baselines.get(&step.id).filter(|_| seen.killed.is_none()) else {
        return Vec::new();
    };
    if !round.reached(measurement.from_up_ms + ms(*window)) {
        return Vec::new();
    }
    let (mut proofs, mut checks) = (Vec::new(), IndexMap::new());
    for (check, measured) in &measurement.checks {
        let expected = format!("{check} is measured");
        match measured {
            Ok(measured) => {
                let seen = format!("{} of {} numbers", measured.shown, measured.samples);
                proofs.push(Proof::new(expected, true, seen));
                checks.insert(check.clone(), measured.clone());
            }
            Err(why) => proofs.push(Proof::new(expected, false, why.clone())),
        }
    }
    if let Some(why) = proof::why_not(&proofs) {
        return vec![starting::finish(state, step, false, why, proofs, up)];
    }
    let taken =
        EventKind::BaselineTaken { step: step.id.clone(), attempt: seen.attempt, name: name.clone(), checks };
    vec![taken, starting::finish(state, step, true, format!("the baseline {name} was taken"), proofs, up)]
}

fn end(round: &mut Round, step: &Step, facts: &Facts) -> Option<EventKind> {
    let (state, up) = (round.state, round.now.up_ms);
    let seen = state.step(&step.id);
    let began = seen.started?.up_ms;
    if let Some(ending) = seen.killed.as_ref().filter(|_| starting::is_judged_here(&step.action)) {
        return Some(starting::finish(state, step, false, ending.why.clone(), Vec::new(), up));
    }
    match &step.action {
        Action::Wait { duration } if round.reached(began + ms(*duration)) => {
            let why = format!("waited {}", humantime::format_duration(*duration));
            return Some(starting::finish(state, step, true, why, Vec::new(), up));
        }
        Action::Await { checks, hold }
            if green_since(state, checks).is_some_and(|at| round.reached(at.max(began) + ms(*hold))) =>
        {
            let proofs = super::check_proofs(state, checks);
            return Some(starting::finish(state, step, true, all_green(checks.len()), proofs, up));
        }
        Action::Start { .. } if let (Some(ending), Some(process)) = (&seen.killed, &seen.process) => {
            let why = format!("{}; process {} belongs to the host and stays", ending.why, process.pid);
            return Some(starting::finish(state, step, false, why, Vec::new(), up));
        }
        Action::Start { ready, .. } if seen.process.is_some() && ready.iter().all(|c| state.is_green(c)) => {
            let proofs = super::check_proofs(state, ready);
            let why = if ready.is_empty() {
                "it is up".to_owned()
            } else {
                format!("it is up; {}", all_green(ready.len()))
            };
            return Some(starting::finish(state, step, true, why, proofs, up));
        }
        _ => {}
    }
    let timeout = step.timeout.filter(|_| seen.killed.is_none())?;
    let late_at = late_at(state, step, began, ms(timeout));
    if !round.reached(late_at) {
        return None;
    }
    let late = format!("timed out after {}", humantime::format_duration(timeout));
    if seen.end_refused.is_some_and(|at| at.up_ms >= late_at) {
        // What could not be ended for being late is not asked again and again: a person looks at it.
        return None;
    }
    let checks = match &step.action {
        Action::Await { checks, .. } => checks,
        Action::Start { ready, .. } if seen.process.is_some() => ready,
        action if starting::is_judged_here(action) => {
            return Some(starting::finish(state, step, false, late, Vec::new(), up));
        }
        _ => {
            let (step, attempt) = (step.id.clone(), seen.attempt);
            return Some(EventKind::StepKilled { step, attempt, why: late, timed_out: true });
        }
    };
    let (proofs, why) = not_seen(round, checks, facts);
    Some(starting::finish(state, step, false, late + &why, proofs, up))
}

/// When an attempt has taken too long, on the boot clock. A command's time goes by whether an engine is there or not, but
/// one that takes over reads what became of it before it ends it for being late. Everything else is looked at by the
/// engine, anew by one that takes over, and time in which nobody looked is not counted.
fn late_at(state: &State, step: &Step, began: u64, timeout: u64) -> u64 {
    let seen = state.step(&step.id);
    let taken_over = state.taken_over.map(|at| at.up_ms).filter(|at| *at >= began);
    match &step.action {
        Action::Run { .. } | Action::Start { .. } if seen.process.is_none() => {
            (began + timeout).max(taken_over.map_or(0, |at| at + TAKING_OVER_MS))
        }
        _ => taken_over.unwrap_or(began) + timeout + seen.unobserved_ms,
    }
}

fn all_green(checks: usize) -> String {
    if checks == 1 { "its check is green".to_owned() } else { format!("all {checks} checks are green") }
}

/// Since when all of these checks are green, in boot-clock milliseconds; `None` while one is not.
fn green_since(state: &State, checks: &[crate::runbook::CheckId]) -> Option<u64> {
    checks.iter().try_fold(0, |latest: u64, check| {
        let changed = state.check(check).changed.map_or(0, |at| at.up_ms);
        state.is_green(check).then_some(latest.max(changed))
    })
}

/// How often a step may be lost and run again before a person is asked after all.
const MOST_LOST: u32 = 3;

/// Runs again what nobody can say the end of, where the runbook calls it idempotent and nothing else holds the session.
pub(super) fn run_again(round: &mut Round, facts: &Facts) -> Vec<EventKind> {
    let state = round.state;
    let is_held =
        || facts.only_back || state.holds().iter().any(|hold| !matches!(hold, Hold::StepUnknown { .. }));
    let Some(runbook) = state.runbook.as_deref().filter(|_| state.paused.is_none()) else {
        return Vec::new();
    };
    if state.active_rollback().is_none() && is_held() {
        return Vec::new();
    }
    let in_hand = |step: &Step| match state.active_rollback() {
        Some(rollback) => rollback.steps.contains(&step.id),
        None => state.current_stage().is_some_and(|stage| stage.as_str() == step.id.stage()),
    };
    let lost = |step: &&Step| {
        let seen = state.step(&step.id);
        seen.status == StepStatus::Unknown && step.idempotent && seen.tries < MOST_LOST && in_hand(step)
    };
    let lost = runbook.all_steps().find(lost);
    lost.map(|step| starting::start(state, step, round.now.up_ms)).unwrap_or_default()
}

/// Starts the steps of the stage in hand whose turn has come.
pub(super) fn start(round: &mut Round) -> Vec<EventKind> {
    let state = round.state;
    let Some(stage) = state.current_stage().and_then(|id| state.stage_plan(id)) else { return Vec::new() };
    let active = state.stages.get(&stage.id).is_some_and(|s| s.status == StageStatus::Active);
    if !active || state.paused.is_some() || !state.holds().is_empty() {
        return Vec::new();
    }
    let mut events = Vec::new();
    for step in stage.steps.iter().filter(|s| s.applies) {
        let due = match state.step(&step.id).status {
            StepStatus::Pending => step.needs.iter().all(|need| is_met(state, need)),
            _ => retry_is_due(round, step),
        };
        if due {
            events.extend(starting::start(state, step, round.now.up_ms));
        }
    }
    events
}

pub(in crate::session) fn is_met(state: &State, need: &crate::runbook::StepId) -> bool {
    match state.step(need).status {
        StepStatus::Passed | StepStatus::Skipped => true,
        StepStatus::Failed => state
            .step_plan(need)
            .is_some_and(|step| step.on_failure == OnFailure::Continue && !state.will_retry(step)),
        _ => false,
    }
}

/// Whether a failed step is to be tried again by itself, and the delay before it has passed.
pub(super) fn retry_is_due(round: &mut Round, step: &Step) -> bool {
    retry_at(round.state, step).is_some_and(|at| round.reached(at))
}

/// When a failed step is tried again by itself, in boot-clock milliseconds; `None` where it is not.
#[must_use]
pub fn retry_at(state: &State, step: &Step) -> Option<u64> {
    let seen = state.step(&step.id);
    if !state.will_retry(step) {
        return None;
    }
    let Some(ended) = seen.ended else { return Some(0) };
    let exponent = i32::try_from(seen.tries.saturating_sub(1)).unwrap_or(i32::MAX);
    let factor = step.retries.backoff.powi(exponent);
    // A backoff that has grown beyond all time waits a day, not for ever.
    let longest = std::time::Duration::from_secs(24 * 3600);
    let delay = step.retries.delay.as_secs_f64() * factor;
    let delay = std::time::Duration::try_from_secs_f64(delay).unwrap_or(longest).min(longest);
    Some(ended.up_ms + ms(delay))
}
