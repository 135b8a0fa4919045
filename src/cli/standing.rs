//! Where a session stands, in one line.

use crate::session::{Hold, Situation, StageStatus, State, StepStatus, TriggerState, gate};

/// `holding: step switch.verify failed: exit 1`, `at the gate of switch: NO-GO: …`; a pause is told behind it. It
/// holds what others wrote: [`crate::text::safe_line`] comes before a terminal.
pub(super) fn line(state: &State) -> String {
    let line = situation(state);
    match &state.paused {
        Some(pause) if !state.is_closed() => format!("{line} [paused by {}]", pause.by),
        _ => line,
    }
}

/// That the session is over, where it is.
pub(super) fn over(state: &State) -> Option<String> {
    state.outcome.map(|(outcome, _)| format!("the session is over: {}", outcome.word()))
}

fn situation(state: &State) -> String {
    let situation = state.situation();
    match situation {
        Situation::Completed | Situation::RolledBack | Situation::Aborted => situation.word().to_owned(),
        Situation::Acknowledging => "waits for its policy to be acknowledged".to_owned(),
        Situation::RollingBack | Situation::RollbackStuck => rollback(state),
        Situation::Holding => holding(state),
        Situation::Running => armed(state).unwrap_or_else(|| running(state)),
    }
}

fn rollback(state: &State) -> String {
    let Some(rollback) = state.active_rollback() else { return String::new() };
    if let Some(stuck) = &rollback.stuck {
        let at = stuck.step.as_ref().map_or(String::new(), |step| format!(" at {step}"));
        return format!("rollback stuck{at}: {}", stuck.why);
    }
    let is_done =
        |id| matches!(state.step(id).status, StepStatus::Passed | StepStatus::Skipped | StepStatus::Failed);
    let done = rollback.steps.iter().filter(|id| is_done(*id)).count();
    let scope = if rollback.full { "everything".to_owned() } else { format!("to before {}", rollback.to) };
    format!("rolling back {scope}: {done} of {} steps done", rollback.steps.len())
}

fn holding(state: &State) -> String {
    let holds = state.holds();
    let more = if holds.len() > 1 { format!(" (and {} more)", holds.len() - 1) } else { String::new() };
    holds.first().map_or(String::new(), |hold| format!("holding: {}{more}", hold_sentence(hold)))
}

/// Why nothing new starts, as a sentence.
pub(super) fn hold_sentence(hold: &Hold) -> String {
    match hold {
        Hold::StepFailed { step, why } => format!("step {step} failed: {why}"),
        Hold::StepUnknown { step, why } => format!("what became of step {step} is unknown: {why}"),
        Hold::Trigger { trigger, why } => format!("trigger {trigger} holds: {why}"),
    }
}

fn armed(state: &State) -> Option<String> {
    state.triggers.iter().find_map(|(id, trigger)| match trigger {
        TriggerState::Armed { why, .. } => Some(format!("trigger {id} counts down: {why}")),
        _ => None,
    })
}

fn running(state: &State) -> String {
    if let Some(step) = state.questions().first() {
        return format!("waits for an answer to {step}");
    }
    let Some(stage) = state.current_stage() else {
        return match state.next_stage() {
            Some(next) => format!("ready to enter {next}"),
            None => "waits for its first event".to_owned(),
        };
    };
    if state.stages.get(stage).is_some_and(|seen| seen.status == StageStatus::AtGate) {
        return format!("at the gate of {stage}: {}", gate::evaluate(state, stage).in_a_line());
    }
    let steps = state.stage_plan(stage).into_iter().flat_map(|plan| &plan.steps);
    let open: Vec<&str> =
        steps.filter(|s| state.step(&s.id).status.is_open()).map(|s| s.id.as_str()).collect();
    if open.is_empty() { format!("in {stage}") } else { format!("running {}", open.join(", ")) }
}
