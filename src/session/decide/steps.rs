//! What people ask of one step: once more, past it, its end, an answer, what became of it.

use super::{Decision, given, refuse};
use crate::clock::Now;
use crate::event::{EventKind, Person, Resolution};
use crate::runbook::model::{Action, Step};
use crate::session::state::{State, StepStatus};
use crate::session::{Refusal, roles, starting};

/// Whether `step` can be acted on now: its stage is in hand, or it is part of the rollback that is.
fn in_hand(state: &State, step: &Step) -> Result<(), Refusal> {
    let here = match state.active_rollback() {
        Some(rollback) => rollback.steps.contains(&step.id),
        None => state.current_stage().is_some_and(|stage| {
            stage.as_str() == step.id.stage()
                && state.stage_plan(stage).is_some_and(|plan| plan.steps.iter().any(|s| s.id == step.id))
        }),
    };
    if here { Ok(()) } else { Err(Refusal::new(format!("{} is not in hand now", step.id))) }
}

/// Whether a person may start `step` now, as far as that is no matter of the step itself.
fn may_start(state: &State, step: &Step) -> Result<(), Refusal> {
    in_hand(state, step)?;
    match &state.paused {
        Some(pause) => {
            Err(Refusal::new(format!("the session is paused by {}: nothing new starts", pause.by)))
        }
        None => Ok(()),
    }
}

pub(super) fn retry(state: &State, step: &Step, now: Now) -> Decision {
    may_start(state, step)?;
    let id = &step.id;
    match state.step(id).status {
        StepStatus::Failed => Ok(starting::start(state, step, now.up_ms)),
        StepStatus::Passed | StepStatus::Skipped if step.repeatable => {
            Ok(starting::start(state, step, now.up_ms))
        }
        StepStatus::Passed => {
            refuse(format!("{id} has passed, and the runbook does not say `repeatable = true`"))
        }
        StepStatus::Skipped => {
            refuse(format!("{id} was skipped, and the runbook does not say `repeatable = true`"))
        }
        StepStatus::Running | StepStatus::Waiting => refuse(format!("{id} is under way")),
        StepStatus::Unknown => refuse(format!("what became of {id} is unknown: say it first")),
        StepStatus::Pending => {
            refuse(format!("{id} has not run yet: it starts by itself when its turn comes"))
        }
    }
}

pub(super) fn skip(state: &State, step: &Step, reason: &str) -> Decision {
    in_hand(state, step)?;
    let id = &step.id;
    let reason = given(reason, "skipping")?.to_owned();
    if !step.skippable && state.active_rollback().is_none() {
        return refuse(format!("{id} may not be skipped: the runbook does not say `skippable = true`"));
    }
    match state.step(id).status {
        StepStatus::Pending | StepStatus::Failed | StepStatus::Waiting => {
            Ok(vec![EventKind::StepSkipped { step: id.clone(), reason }])
        }
        StepStatus::Running => refuse(format!("{id} is running: kill it first")),
        StepStatus::Unknown => refuse(format!("what became of {id} is unknown: say it first")),
        StepStatus::Passed => refuse(format!("{id} has passed")),
        StepStatus::Skipped => refuse(format!("{id} is skipped already")),
    }
}

pub(super) fn kill(state: &State, step: &Step, operator: &Person, now: Now) -> Decision {
    let seen = state.step(&step.id);
    let why = format!("ended by {}", operator.person);
    match seen.status {
        StepStatus::Running | StepStatus::Waiting if starting::is_judged_here(&step.action) => {
            let (id, attempt) = (step.id.clone(), seen.attempt);
            let killed = EventKind::StepKilled { step: id, attempt, why: why.clone(), timed_out: false };
            Ok(vec![killed, starting::finish(state, step, false, why, Vec::new(), now.up_ms)])
        }
        StepStatus::Running if seen.killed.is_some() => refuse(format!("{} is being ended already", step.id)),
        StepStatus::Running => {
            let (step, attempt) = (step.id.clone(), seen.attempt);
            Ok(vec![EventKind::StepKilled { step, attempt, why, timed_out: false }])
        }
        _ => refuse(format!("{} is not running", step.id)),
    }
}

pub(super) fn confirm(
    state: &State,
    step: &Step,
    yes: bool,
    note: Option<&str>,
    operator: &Person,
    now: Now,
) -> Decision {
    let seen = state.step(&step.id);
    let Action::Confirm { note_required, items, role, .. } = &step.action else {
        return refuse(format!("{} is not a question", step.id));
    };
    if seen.status != StepStatus::Waiting {
        return refuse(format!("{} does not wait for an answer", step.id));
    }
    if let Some(role) = role.as_deref().filter(|role| !roles::stands_for(state, &operator.person, role)) {
        let (id, who) = (&step.id, roles::who_could(state, role));
        return refuse(format!(
            "{id} is answered for {role}, which {} does not stand for; {who}",
            operator.person
        ));
    }
    let note = note.map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
    if *note_required && note.is_none() {
        return refuse(format!("{} needs a note with the answer", step.id));
    }
    if yes && let Some(open) = items.iter().find(|item| !seen.ticks.get(*item).is_some_and(|t| t.pass)) {
        return refuse(format!("\"{open}\" is not ticked as passed"));
    }
    let (id, attempt, who) = (step.id.clone(), seen.attempt, &operator.person);
    let (answer, why) = if yes {
        (EventKind::Confirmed { step: id, attempt, note }, format!("{who} said yes"))
    } else {
        let why = note.as_ref().map_or_else(|| format!("{who} said no"), |n| format!("{who} said no: {n}"));
        (EventKind::Declined { step: id, attempt, note }, why)
    };
    Ok(vec![answer, starting::finish(state, step, yes, why, Vec::new(), now.up_ms)])
}

pub(super) fn resolve(state: &State, step: &Step, outcome: Resolution, reason: &str, now: Now) -> Decision {
    let seen = state.step(&step.id);
    if seen.status != StepStatus::Unknown {
        return refuse(format!("what became of {} is known", step.id));
    }
    if outcome == Resolution::RunAgain {
        // A rollback undoes what nobody knows; it starts nothing that goes forward.
        may_start(state, step)?;
    }
    let reason = given(reason, "saying what became of a step")?.to_owned();
    let resolved = EventKind::StepResolved { step: step.id.clone(), attempt: seen.attempt, outcome, reason };
    let mut events = vec![resolved];
    if outcome == Resolution::RunAgain {
        events.extend(starting::start(state, step, now.up_ms));
    }
    Ok(events)
}
