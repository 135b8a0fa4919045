//! What happens next if nobody does anything.

use std::time::Duration;

use crate::clock::Now;
use crate::event::Health;
use crate::runbook::model::{Action, Stage, Step, TriggerThen, TriggerWhen};
use crate::session::settle::retry_at;
use crate::session::state::{StageState, StageStatus, State, StepStatus, TriggerState};
use crate::session::{gate, rollback, triggers};

/// What happens by itself, a sentence each, the most urgent first; one that says so where it is nothing.
pub(super) fn by_itself(state: &State, now: Now) -> Vec<String> {
    if state.is_closed() {
        return vec!["nothing: the session is over".to_owned()];
    }
    let mut next = countdowns(state, now);
    next.extend(conditions(state, now));
    next.extend(ends(state, now));
    if state.active_rollback().is_some() {
        next.extend(rolling_back(state, now));
    } else if let Some((plan, stage)) = in_hand(state) {
        next.extend(retries(state, plan, now));
        next.extend(turns(state, plan, stage));
        next.extend(soak(state, plan, stage, now));
        next.extend(promotion(state, plan));
    }
    if next.is_empty() {
        next.push(nothing(state));
    }
    next
}

fn in_hand(state: &State) -> Option<(&Stage, &StageState)> {
    let id = state.current_stage()?;
    Some((state.stage_plan(id)?, state.stages.get(id)?))
}

/// A span of time in whole seconds, rounded up: `12s`, `4m 10s`.
pub(super) fn span(ms: u64) -> String {
    humantime::format_duration(Duration::from_secs(ms.div_ceil(1_000))).to_string()
}

fn left(until_up_ms: u64, now: Now) -> String {
    span(until_up_ms.saturating_sub(now.up_ms))
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Triggers whose grace runs.
fn countdowns(state: &State, now: Now) -> Vec<String> {
    let armed = state.triggers.iter().filter_map(|(id, trigger)| match trigger {
        TriggerState::Armed { why, fires_at } => Some((id, why, *fires_at)),
        _ => None,
    });
    let sentence = |(id, why, fires_at): (_, &String, u64)| {
        let to = match triggers::then(state, id) {
            Some(TriggerThen::Rollback { to: Some(to), .. }) => format!("rolls back to before {to}"),
            _ => "rolls back".to_owned(),
        };
        let check = state.runbook.iter().flat_map(|r| &r.triggers).find(|t| t.id == *id);
        let green = check.map(|t| format!(" or {} turns green", t.check)).unwrap_or_default();
        format!("trigger {id} {to} in {} unless it is vetoed{green}: {why}", left(fires_at, now))
    };
    armed.map(sentence).collect()
}

/// Triggers whose condition comes nearer while a check stays as it is.
fn conditions(state: &State, now: Now) -> Vec<String> {
    triggers::live(state)
        .filter(|t| matches!(state.triggers.get(&t.id), None | Some(TriggerState::Quiet { .. })))
        .filter_map(|trigger| {
            let check = state.check(&trigger.check);
            let after = match trigger.condition {
                TriggerWhen::FailingFor(after) if check.health == Health::Failing => after,
                TriggerWhen::StaleFor(after) if check.health == Health::Stale => after,
                _ => return None,
            };
            let what = match &trigger.then {
                TriggerThen::Alert => "proposes a rollback".to_owned(),
                TriggerThen::Hold => "holds the session".to_owned(),
                TriggerThen::Rollback { .. } if triggers::holds_when_fired(state, &trigger.id) => {
                    "holds the session".to_owned()
                }
                TriggerThen::Rollback { grace, .. } => {
                    format!("counts down {} to a rollback", humantime::format_duration(*grace))
                }
            };
            let (id, word) = (&trigger.id, check.health.word());
            let left = left(check.since + ms(after), now);
            Some(format!("trigger {id} {what} in {left} if {} stays {word}", trigger.check))
        })
        .collect()
}

/// Attempts under way, and when they end at the latest.
fn ends(state: &State, now: Now) -> Vec<String> {
    let Some(runbook) = state.runbook.as_deref() else { return Vec::new() };
    let running = rollback::open_steps(state, runbook)
        .filter(|step| state.step(&step.id).status == StepStatus::Running);
    running.map(|step| end(state, step, now)).collect()
}

fn end(state: &State, step: &Step, now: Now) -> String {
    let (id, seen) = (&step.id, state.step(&step.id));
    let began = seen.started.map_or(now.up_ms, |at| at.up_ms);
    if let Some(killed) = &seen.killed {
        return format!("{id} is being ended: {}", killed.why);
    }
    if let Action::Wait { duration } = &step.action {
        return format!("{id} passes in {}", left(began + ms(*duration), now));
    }
    match step.timeout {
        Some(timeout) => {
            format!("{id} ends by itself, in {} at the latest", left(began + ms(timeout), now))
        }
        None => format!("{id} ends by itself, whenever that is"),
    }
}

fn retries(state: &State, plan: &Stage, now: Now) -> Vec<String> {
    if state.paused.is_some() || !state.holds().is_empty() {
        return Vec::new();
    }
    plan.steps.iter().filter_map(|step| retry(state, step, now)).collect()
}

fn retry(state: &State, step: &Step, now: Now) -> Option<String> {
    let at = retry_at(state, step)?;
    let seen = state.step(&step.id);
    let (id, tries, all) = (&step.id, seen.tries + 1, step.retries.attempts);
    Some(format!("{id} is tried again in {}, try {tries} of {all}", left(at, now)))
}

/// Steps whose turn comes.
fn turns(state: &State, plan: &Stage, stage: &StageState) -> Option<String> {
    let starts = stage.status == StageStatus::Active && state.paused.is_none() && state.holds().is_empty();
    let pending = |s: &&Step| s.applies && state.step(&s.id).status == StepStatus::Pending;
    let pending: Vec<&str> =
        plan.steps.iter().filter(pending).map(|s| s.id.as_str()).filter(|_| starts).collect();
    match pending.as_slice() {
        [] => None,
        [only] => Some(format!("{only} starts when its turn comes")),
        all => Some(format!("{} start as their turns come", all.join(", "))),
    }
}

fn soak(state: &State, plan: &Stage, stage: &StageState, now: Now) -> Option<String> {
    let asked = plan.gate.soak.filter(|_| stage.status == StageStatus::AtGate && !stage.soak.reached)?;
    let left = span(ms(asked).saturating_sub(stage.soak.so_far_ms(now.up_ms)));
    let soak = humantime::format_duration(asked);
    Some(match stage.soak.running_since {
        Some(_) => format!("the soak of {soak} is reached in {left} if its checks stay green"),
        None if state.paused.is_some() => {
            format!("the soak of {soak} stands still while paused, {left} are left")
        }
        None => {
            let red = plan.gate.checks.iter().find(|check| state.blocks(check))?;
            let why = gate::check_sentence(state, red);
            format!("the soak of {soak} goes on once its checks are green ({why}), {left} are left")
        }
    })
}

fn promotion(state: &State, plan: &Stage) -> Option<String> {
    if !gate::promotes_itself(state, plan) {
        return None;
    }
    let next = state.next_stage().and_then(|id| state.stage_plan(id));
    match next {
        Some(next) if next.point_of_no_return => None,
        Some(next) => Some(format!("{} is entered once the gate of {} is GO", next.id, plan.id)),
        None => Some(format!("the session completes once the gate of {} is GO", plan.id)),
    }
}

fn rolling_back(state: &State, now: Now) -> Vec<String> {
    let Some(rollback) = state.active_rollback().filter(|r| r.stuck.is_none()) else { return Vec::new() };
    let steps = rollback.steps.iter().filter_map(|id| state.step_plan(id));
    let mut next: Vec<String> = steps.filter_map(|step| retry(state, step, now)).collect();
    let pending: Vec<&str> = rollback
        .steps
        .iter()
        .filter(|id| state.step(id).status == StepStatus::Pending)
        .map(|id| id.as_str())
        .collect();
    match pending.as_slice() {
        _ if state.paused.is_some() => {}
        [] => {}
        all => next.push(format!("the rollback goes on with {}", all.join(", "))),
    }
    let gate = state.runbook.as_ref().and_then(|r| r.rollback.gate.as_ref()).filter(|_| rollback.full);
    if let Some((gate, at)) = gate.zip(rollback.at_gate) {
        let left = left(at.up_ms + ms(gate.timeout), now);
        next.push(format!(
            "the rollback ends once its checks are green; it is stuck in {left} if they are not"
        ));
    }
    next
}

/// Nothing happens, and who it is that has to do something.
fn nothing(state: &State) -> String {
    let blocked = super::blockers(state);
    let to_do = match blocked.first() {
        Some(first) if first.release.is_empty() => first.what.clone(),
        Some(first) => format!("it waits for this: {}", first.release),
        None => match (state.current_stage(), state.next_stage()) {
            (_, Some(next)) => format!("the driver advances to {next}"),
            (Some(_), None) => "the driver advances, which completes the session".to_owned(),
            (None, None) => "there is no stage left to enter".to_owned(),
        },
    };
    format!("nothing by itself: {to_do}")
}
