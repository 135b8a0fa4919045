//! Triggers: conditions that are reached, graces that run out, checks that turned green in time.

use super::{Facts, Round, ms};
use crate::event::{By, EventKind, Health};
use crate::runbook::TriggerId;
use crate::runbook::model::{OnFailure, Trigger, TriggerThen, TriggerWhen};
use crate::session::state::{State, StepStatus, TriggerState};
use crate::session::{rollback, triggers};

/// What the live triggers do now.
pub(super) fn fire(round: &mut Round, facts: &Facts) -> Vec<(By, EventKind)> {
    let state = round.state;
    if state.active_rollback().is_some() {
        return Vec::new();
    }
    if let Some(started) = roll_back(state) {
        return vec![started];
    }
    let mut events: Vec<(By, EventKind)> = Vec::new();
    for trigger in triggers::live(state) {
        match state.triggers.get(&trigger.id).unwrap_or(&TriggerState::Quiet { since: 0 }) {
            TriggerState::Quiet { .. } => {
                if let Some(why) = reached(round, facts, trigger) {
                    events.extend(set_off(state, &trigger.id, &trigger.then, why));
                }
            }
            TriggerState::Armed { fires_at, .. } if turned_green(state, trigger, *fires_at) => {
                events.push((By::ENGINE, EventKind::TriggerCleared { trigger: trigger.id.clone() }));
            }
            TriggerState::Armed { why, fires_at } => {
                if round.reached(*fires_at) {
                    events.push(go_off(&trigger.id, why));
                }
            }
            TriggerState::Vetoed | TriggerState::Fired { .. } => {}
        }
        if !events.is_empty() {
            return events;
        }
    }
    failed_step(round)
}

/// Whether the check has turned green since the countdown began. One that flaps may be green all along: that alone
/// is no all-clear for `failures`.
fn turned_green(state: &State, trigger: &Trigger, fires_at: u64) -> bool {
    let check = state.check(&trigger.check);
    let TriggerThen::Rollback { grace, .. } = &trigger.then else { return check.health == Health::Ok };
    let armed_at = fires_at.saturating_sub(ms(*grace));
    check.health == Health::Ok && check.changed.is_some_and(|at| at.up_ms >= armed_at)
}

/// A step with `on_failure = "rollback"` that has failed for good.
fn failed_step(round: &mut Round) -> Vec<(By, EventKind)> {
    let state = round.state;
    let Some(stage) = state.current_stage().and_then(|id| state.stage_plan(id)) else { return Vec::new() };
    for step in &stage.steps {
        let OnFailure::Rollback { grace } = step.on_failure else { continue };
        let seen = state.step(&step.id);
        if seen.status != StepStatus::Failed || state.will_retry(step) {
            continue;
        }
        let id = TriggerId::from(step.id.as_str());
        let then = TriggerThen::Rollback { to: None, grace };
        match state.triggers.get(&id).unwrap_or(&TriggerState::Quiet { since: 0 }) {
            TriggerState::Quiet { .. } => {
                let why = format!("step {} failed: {}", step.id, seen.why.as_deref().unwrap_or_default());
                return set_off(state, &id, &then, why);
            }
            TriggerState::Armed { why, fires_at } if round.reached(*fires_at) => {
                return vec![go_off(&id, why)];
            }
            _ => {}
        }
    }
    Vec::new()
}

/// Why the trigger's condition is reached; `None` while it is not.
fn reached(round: &mut Round, facts: &Facts, trigger: &Trigger) -> Option<String> {
    let check = round.state.check(&trigger.check);
    let id = &trigger.check;
    match trigger.condition {
        TriggerWhen::FailingFor(duration) => {
            let failing = check.health == Health::Failing && round.reached(check.since + ms(duration));
            failing.then(|| {
                format!("{id} is failing for {}: {}", humantime::format_duration(duration), check.reason)
            })
        }
        TriggerWhen::StaleFor(duration) => {
            let stale = check.health == Health::Stale && round.reached(check.since + ms(duration));
            stale.then(|| format!("{id} gave no sample for {}", humantime::format_duration(duration)))
        }
        TriggerWhen::Failures { count, within } => facts
            .failures_reached
            .contains(&trigger.id)
            .then(|| format!("{id} failed {count} times within {}", humantime::format_duration(within))),
    }
}

/// The condition is reached: a rollback counts down, everything else happens at once.
fn set_off(state: &State, id: &TriggerId, then: &TriggerThen, why: String) -> Vec<(By, EventKind)> {
    match then {
        TriggerThen::Rollback { grace, .. } if !triggers::holds_when_fired(state, id) => {
            let grace_ms = ms(*grace);
            vec![(By::ENGINE, EventKind::TriggerArmed { trigger: id.clone(), why, grace_ms })]
        }
        _ => vec![(By::ENGINE, EventKind::TriggerFired { trigger: id.clone(), why })],
    }
}

/// The grace is over.
fn go_off(trigger: &TriggerId, why: &str) -> (By, EventKind) {
    (By::ENGINE, EventKind::TriggerFired { trigger: trigger.clone(), why: why.to_owned() })
}

/// A trigger has fired that rolls back: it does so now.
fn roll_back(state: &State) -> Option<(By, EventKind)> {
    let fired = state.triggers.iter().find_map(|(id, seen)| match seen {
        TriggerState::Fired { why, holding: false } => match triggers::then(state, id)? {
            TriggerThen::Rollback { to, .. } if rollback::reaches(state, to.as_ref()) => {
                Some((id, why, rollback::plan(state, to.as_ref())?))
            }
            _ => None,
        },
        _ => None,
    });
    let (trigger, why, plan) = fired?;
    let reason = Some(why.clone());
    let started = EventKind::RollbackStarted { to: plan.to, full: plan.full, steps: plan.steps, reason };
    Some((By::Trigger { trigger: trigger.clone() }, started))
}
