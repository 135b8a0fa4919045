//! Where a cutover stands, for whoever takes it over: what holds it, what would release it, what happens next by
//! itself, and what the way back is. One summary for every screen and script.

mod next;

use serde::Serialize;

use super::gate::{self, Missing};
use super::state::{Hold, Note, Situation, StageStatus, State, StepStatus};
use super::{roles, rollback, second};
use crate::clock::Now;
use crate::runbook::model::Action;
use crate::runbook::plan::in_order;
use crate::runbook::{StageId, StepId};

/// How many of the last notes a handover shows.
const LAST_NOTES: usize = 5;

/// Where a cutover stands.
#[derive(Debug, Clone, Serialize)]
pub struct Handover {
    pub situation: Situation,
    /// The stage in hand.
    pub stage: Option<StageId>,
    /// Who has the wheel, also while they are away.
    pub wheel: Option<String>,
    /// Who is here, by name.
    pub here: Vec<String>,
    /// Why nothing new starts.
    pub holds: Vec<Missing>,
    /// What keeps the gate NO-GO, once the stage has come to it; before the first stage, the way back.
    pub missing: Vec<Missing>,
    pub running: Vec<Running>,
    /// The steps that wait for a person's answer.
    pub questions: Vec<StepId>,
    /// The last five, oldest first.
    pub notes: Vec<Note>,
    /// What happens by itself, a sentence each; never empty.
    pub next: Vec<String>,
    /// What rolling back as far as it goes would do now, in a line.
    pub rollback: String,
}

/// An attempt under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    pub step: StepId,
    pub attempt: u32,
    /// How long it has been running, in milliseconds.
    pub for_ms: u64,
    /// What it runs, secrets masked.
    pub what: Option<String>,
}

/// Where `state` stands at `now`.
#[must_use]
pub fn handover(state: &State, now: Now) -> Handover {
    Handover {
        situation: state.situation(),
        stage: state.current_stage().cloned(),
        wheel: state.wheel.clone(),
        here: state.present().map(|operator| operator.person.person.clone()).collect(),
        holds: holds(state),
        missing: missing(state),
        running: running(state, now),
        questions: state.questions(),
        notes: state.notes.iter().skip(state.notes.len().saturating_sub(LAST_NOTES)).cloned().collect(),
        next: next::by_itself(state, now),
        rollback: way_back(state),
    }
}

/// The session in one line: `running, switch at its gate: blocked: 1 of 2 approvals (opsA), released by 1 more person
/// votes GO`.
#[must_use]
pub fn status_line(state: &State, now: Now) -> String {
    let mut line = state.stands();
    if state.is_closed() {
        return line;
    }
    if state.paused.is_some() {
        line += ", paused";
    }
    if let Some((id, stage)) = state.current_stage().and_then(|id| Some((id, state.stages.get(id)?))) {
        line += &match stage.status {
            StageStatus::AtGate => format!(", {id} at its gate"),
            _ => format!(", {id}"),
        };
    }
    let blocked = blockers(state);
    let running = running(state, now);
    match (blocked.as_slice(), running.as_slice()) {
        ([first, rest @ ..], _) => {
            line += &format!(": blocked: {}", first.what);
            if !rest.is_empty() {
                line += &format!(" (and {} more)", rest.len());
            }
            if !first.release.is_empty() {
                line += &format!(", released by {}", first.release);
            }
        }
        ([], [first, rest @ ..]) => {
            line += &format!(": {} runs for {}", first.step, next::span(first.for_ms));
            if !rest.is_empty() {
                line += &format!(" (and {} more)", rest.len());
            }
        }
        ([], []) => {
            if let Some(first) = next::by_itself(state, now).first() {
                line += &format!(": {first}");
            }
        }
    }
    line
}

/// What stands in the way, the most urgent first; empty while the cutover goes on by itself, or an advance is all that
/// it waits for.
#[must_use]
pub fn blockers(state: &State) -> Vec<Missing> {
    let mut blockers = holds(state);
    if state.active_rollback().is_some() || state.needs_acknowledgement() {
        return blockers;
    }
    let mut missing = missing(state);
    missing.retain(|missing| !blockers.iter().any(|known| known.what == missing.what));
    blockers.extend(missing);
    blockers
}

fn blocker(what: String, release: impl Into<String>) -> Missing {
    Missing { what, release: release.into(), liftable: false }
}

/// What an operator has to do before anything new starts.
fn holds(state: &State) -> Vec<Missing> {
    let mut holds = Vec::new();
    if state.is_closed() {
        return holds;
    }
    if state.needs_acknowledgement() {
        holds.push(blocker("the policy is not acknowledged".to_owned(), "acknowledge it"));
    }
    if let Some(stuck) = state.active_rollback().and_then(|rollback| rollback.stuck.as_ref()) {
        let release = match &stuck.step {
            Some(step) => format!("retry or skip {step}, or abort"),
            None => "what it waits for, or abort".to_owned(),
        };
        holds.push(blocker(format!("the rollback is stuck: {}", stuck.why), release));
    }
    for hold in state.holds() {
        holds.push(match hold {
            Hold::StepFailed { step, why } => {
                let plan = state.step_plan(&step);
                let skip = if plan.is_some_and(|plan| plan.skippable) { " or skip" } else { "" };
                blocker(format!("step {step} failed: {why}"), format!("retry{skip} {step}, or roll back"))
            }
            Hold::StepUnknown { step, why } => {
                blocker(format!("step {step} is unknown: {why}"), format!("say what became of {step}"))
            }
            Hold::Drift { put_back: false, .. } => blocker(
                hold.sentence(),
                "put the files back, or accept the drift with a reason, or roll back",
            ),
            Hold::Trigger { .. } | Hold::Drift { .. } => blocker(hold.sentence(), "resume, or roll back"),
        });
    }
    if let Some(pause) = &state.paused {
        holds.push(blocker(format!("the session is paused by {}", pause.by), "resume"));
    }
    for step in state.questions().into_iter().filter(|step| state.step(step).status == StepStatus::Waiting) {
        let role = match state.step_plan(&step).map(|plan| &plan.action) {
            Some(Action::Confirm { role: Some(role), .. }) => format!(" ({})", roles::who_could(state, role)),
            _ => String::new(),
        };
        holds.push(blocker(format!("step {step} waits for an answer"), format!("answer {step}{role}")));
    }
    if let Some((stage, asked)) = second::standing(state) {
        let what =
            format!("{} asks a second person to override the gate of {stage}: {}", asked.by, asked.reason);
        holds.push(blocker(what, "a yes or no of somebody else"));
    }
    holds
}

fn missing(state: &State) -> Vec<Missing> {
    if state.is_closed() || state.active_rollback().is_some() {
        return Vec::new();
    }
    match state.current_stage() {
        Some(stage) if state.stages.get(stage).is_some_and(|s| s.status == StageStatus::AtGate) => {
            gate::evaluate(state, stage).missing
        }
        Some(_) => Vec::new(),
        None => gate::escape_hatch(state).missing,
    }
}

fn running(state: &State, now: Now) -> Vec<Running> {
    let Some(runbook) = state.runbook.as_deref() else { return Vec::new() };
    rollback::open_steps(state, runbook)
        .filter(|step| state.step(&step.id).status == StepStatus::Running)
        .map(|step| {
            let seen = state.step(&step.id);
            Running {
                step: step.id.clone(),
                attempt: seen.attempt,
                for_ms: seen.started.map_or(0, |at| state.since(at, now)),
                what: seen.what.clone(),
            }
        })
        .collect()
}

fn way_back(state: &State) -> String {
    if state.is_closed() {
        return "the session is over".to_owned();
    }
    if let Some(rollback) = state.active_rollback() {
        let done = |id: &&StepId| matches!(state.step(id).status, StepStatus::Passed | StepStatus::Skipped);
        let (done, all) = (rollback.steps.iter().filter(done).count(), rollback.steps.len());
        return format!("rolling back to before {}: {done} of {all} steps done", rollback.to);
    }
    let Some(plan) = rollback::plan(state, None) else {
        return "no stage was entered: there is nothing to roll back".to_owned();
    };
    let steps: Vec<_> = plan.steps.iter().filter_map(|id| state.step_plan(id)).collect();
    let count = match steps.len() {
        0 => "no step".to_owned(),
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    };
    let behind = match rollback::point_passed(state) {
        Some(point) => format!("; what lies behind the point of no return {point} stays"),
        None => String::new(),
    };
    let ends = match plan.cancels.len() {
        0 => String::new(),
        _ => {
            let names: Vec<&str> = plan.cancels.iter().map(StepId::as_str).collect();
            format!("; ends {} first", names.join(", "))
        }
    };
    let time = in_order(steps);
    format!("back to before {}: {count}, {time}{ends}{behind}", plan.to)
}
