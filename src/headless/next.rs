//! What a headless run does next: a pure function of the state, the answers, and what it has tried already.

use std::collections::HashSet;

use super::answers::{Answers, HoldAnswer, Voter};
use crate::clock::Now;
use crate::event::{ItemOf, Mode, Outcome};
use crate::runbook::model::{Action, OnFailure, Stage};
use crate::runbook::{StageId, StepId};
use crate::session::rollback::came_back_to;
use crate::session::{
    Command, Hold, Situation, StageState, StageStatus, State, StepStatus, TriggerState, gate,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    Ask(Command),
    /// In the place of somebody who is not there.
    AskAs(String, Command),
    /// Nothing, until something happens or the boot clock comes to this.
    Wait {
        until_up_ms: Option<u64>,
    },
    /// The run ends with this code; why, as a sentence.
    Stop {
        code: u8,
        why: String,
    },
}

/// Exit codes of a headless run.
pub const COMPLETED: u8 = 0;
pub const HELD: u8 = 3;
pub const ROLLED_BACK: u8 = 4;
pub const ROLLBACK_STUCK: u8 = 9;

/// What was tried already.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    pub retried: HashSet<StepId>,
}

const WAIT: Next = Next::Wait { until_up_ms: None };

fn stop(why: impl Into<String>) -> Next {
    Next::Stop { code: HELD, why: why.into() }
}

/// What comes next. Without answers the first question ends the run.
#[must_use]
pub fn next(state: &State, answers: Option<&Answers>, tried: &Tried, now: Now) -> Next {
    match state.situation() {
        Situation::Completed | Situation::RolledBack | Situation::Aborted => over(state),
        Situation::RollbackStuck => {
            let stuck = state.active_rollback().and_then(|r| r.stuck.as_ref());
            let why = stuck.map(|s| s.why.clone()).unwrap_or_default();
            Next::Stop { code: ROLLBACK_STUCK, why: format!("the rollback is stuck: {why}") }
        }
        Situation::Acknowledging => match answers {
            Some(answers) if answers.acknowledge => Next::Ask(Command::Acknowledge),
            _ => stop("the policy is to be acknowledged: `acknowledge = true` in --answers"),
        },
        Situation::RollingBack => question(state, answers).unwrap_or(WAIT),
        Situation::Running | Situation::Holding if state.paused.is_some() => WAIT,
        Situation::Holding => hold(state, answers, tried),
        Situation::Running => turning(state, answers)
            .or_else(|| question(state, answers))
            .unwrap_or_else(|| forward(state, answers, tried, now)),
    }
}

fn over(state: &State) -> Next {
    let Some((outcome, _)) = &state.outcome else { return WAIT };
    let code = match outcome {
        Outcome::Completed => COMPLETED,
        Outcome::RolledBack => ROLLED_BACK,
        Outcome::Aborted => HELD,
    };
    Next::Stop { code, why: state.stands() }
}

/// The answer to the first step that waits for one.
fn question(state: &State, answers: Option<&Answers>) -> Option<Next> {
    // What a rollback is about to end needs no answer any more.
    let rollback = state.active_rollback();
    let due = |step: &StepId| rollback.is_none_or(|rollback| rollback.steps.contains(step));
    let step = state.questions().into_iter().find(due)?;
    if state.step(&step).status == StepStatus::Unknown {
        return Some(stop(format!("what became of {step} is unknown, and only a person can say it")));
    }
    let unanswered = || stop(format!("{step} waits for an answer: `[confirm] \"{step}\" = …` in --answers"));
    let Some(answer) = answers.and_then(|a| a.confirm.get(&step)) else { return Some(unanswered()) };
    if answer.yes
        && let Some(Action::Confirm { items, .. }) = state.step_plan(&step).map(|s| &s.action)
    {
        let ticks = &state.step(&step).ticks;
        if let Some(item) = items.iter().find(|item| !ticks.contains_key(*item)) {
            if !answer.items.has(item) {
                return Some(stop(format!("{step}: \"{item}\" is not among the answer's `items`")));
            }
            let (on, item) = (ItemOf::Step(step), item.clone());
            return Some(Next::Ask(Command::Tick { on, item, pass: true, note: None }));
        }
    }
    Some(Next::Ask(Command::Confirm { step, yes: answer.yes, note: answer.note.clone() }))
}

fn hold(state: &State, answers: Option<&Answers>, tried: &Tried) -> Next {
    let Some(hold) = state.holds().into_iter().next() else { return WAIT };
    let Some(runbook) = &state.runbook else { return WAIT };
    let running = runbook.all_steps().any(|s| state.step(&s.id).status == StepStatus::Running);
    let counting = state.triggers.values().any(|t| matches!(t, TriggerState::Armed { .. }));
    if running || counting {
        // Siblings finish first; a countdown that nobody vetoes rolls back by itself.
        return WAIT;
    }
    match hold {
        Hold::StepFailed { step, .. } if rolls_back_by_itself(state, &step) => WAIT,
        Hold::StepFailed { step, why } => held(Some(&step), format!("{step} failed: {why}"), answers, tried),
        Hold::StepUnknown { step, why } => {
            stop(format!("what became of {step} is unknown, and only a person can say it: {why}"))
        }
        Hold::Trigger { .. } | Hold::Drift { .. } => held(None, hold.sentence(), answers, tried),
    }
}

/// Whether a failed step's own rollback is still to come: its countdown is recorded after the failure, and its
/// rollback after the countdown.
fn rolls_back_by_itself(state: &State, step: &StepId) -> bool {
    let own = state.step_plan(step).is_some_and(|s| matches!(s.on_failure, OnFailure::Rollback { .. }));
    let trigger = state.triggers.get(step.as_str());
    own && !matches!(trigger, Some(TriggerState::Vetoed | TriggerState::Fired { holding: true, .. }))
}

/// What the answers say of a hold: of `step`, or of anything else.
fn held(step: Option<&StepId>, why: String, answers: Option<&Answers>, tried: &Tried) -> Next {
    let named = answers.zip(step).and_then(|(a, step)| a.on_hold.steps.get(step)).copied();
    let answer = named.or(answers.map(|a| a.on_hold.default)).unwrap_or_default();
    match (answer, step) {
        (HoldAnswer::Rollback, _) => Next::Ask(Command::Rollback { to: None, reason: Some(why) }),
        (HoldAnswer::Retry, Some(step)) if !tried.retried.contains(step) => {
            Next::Ask(Command::Retry { step: step.clone() })
        }
        _ => stop(format!("the session holds: {why}")),
    }
}

/// Ticks, waits for the gate, and advances.
fn forward(state: &State, answers: Option<&Answers>, tried: &Tried, now: Now) -> Next {
    let may_advance = answers.is_some_and(|a| a.advance);
    if let Some(to) = came_back_to(state) {
        let why = format!("rolled back to before {to}; the session holds there");
        return Next::Stop { code: ROLLED_BACK, why };
    }
    let Some(current) = state.current_stage() else {
        if state.rollback.is_some() {
            // All the way: the session's close is recorded with its end, and comes right behind.
            return WAIT;
        }
        let hatch = gate::to_begin(state);
        if !may_advance {
            return stop("the session waits to be advanced: `advance = true` in --answers");
        }
        let since = state.started.map_or(now.up_ms, |start| start.up_ms);
        return if hatch.is_go() {
            advance(state, answers)
        } else {
            patient(&hatch, since, answers, tried, now)
        };
    };
    let Some(stage) = state.stages.get(current).filter(|s| s.status == StageStatus::AtGate) else {
        return WAIT;
    };
    let Some(plan) = state.stage_plan(current) else { return WAIT };
    // One that failed and lets the others go on keeps its gate NO-GO: waiting for it changes nothing.
    if let Some(step) = plan.steps.iter().find(|s| state.step(&s.id).status == StepStatus::Failed) {
        let why = state.step(&step.id).why.clone().unwrap_or_default();
        return held(Some(&step.id), format!("{} failed: {why}", step.id), answers, tried);
    }
    if let Some(item) = plan.gate.accept.iter().find(|item| !stage.ticks.contains_key(*item)) {
        if !answers.and_then(|a| a.tick.get(current)).is_some_and(|items| items.has(item)) {
            return stop(format!("\"{item}\" is to be ticked: `[tick] {current} = …` in --answers"));
        }
        let on = ItemOf::Gate(current.clone());
        return Next::Ask(Command::Tick { on, item: item.clone(), pass: true, note: None });
    }
    if let Some(next) = votes(state, plan, stage, answers) {
        return next;
    }
    let verdict = gate::evaluate(state, current);
    if !verdict.is_go() {
        let since = stage.at_gate.map_or(now.up_ms, |at| at.up_ms);
        return patient(&verdict, since, answers, tried, now);
    }
    // What is to be recorded of it is recorded first; an advance in between would be refused.
    let recorded = stage.gate.as_ref().is_some_and(|gate| gate.go);
    let crosses = crossing(state).is_some();
    if !recorded || (gate::promotes_itself(state, plan) && !crosses) {
        return WAIT;
    }
    if answers.is_some_and(|a| a.turn_at.as_ref() == Some(current)) {
        let reason = Some("the drill turns back here".to_owned());
        return Next::Ask(Command::Rollback { to: None, reason });
    }
    if !may_advance && !plan.gate.auto {
        return stop(format!("the gate of {current} is GO: `advance = true` in --answers"));
    }
    advance(state, answers)
}

/// The way back, where the answers rehearse it from here: what waits for an answer there needs none any more.
fn turning(state: &State, answers: Option<&Answers>) -> Option<Next> {
    let (current, at) = (state.current_stage()?, answers?.roll_back_at.as_ref()?);
    turns_back(state, current, at).then(|| {
        let reason = Some("the answers rehearse the way back from here".to_owned());
        Next::Ask(Command::Rollback { to: None, reason })
    })
}

/// Whether the stage in hand has come to the gate at which the answers turn back, or got past it: one that promotes
/// itself may be through before anybody looks.
fn turns_back(state: &State, current: &StageId, at: &StageId) -> bool {
    let place = |id| state.runbook.as_ref().and_then(|runbook| runbook.stage_index(id));
    let there = state.stages.get(current).is_some_and(|stage| stage.status == StageStatus::AtGate);
    place(current) > place(at) || (current == at && there)
}

/// The vote that the file has next for somebody; in a live session people vote.
fn votes(state: &State, plan: &Stage, seen: &StageState, answers: Option<&Answers>) -> Option<Next> {
    let answers = answers.filter(|_| state.opened.as_ref().is_some_and(|o| o.mode != Mode::Live))?;
    let stage = &plan.id;
    let Some(voters) = answers.vote.get(stage) else {
        let asks = plan.gate.approvals > 0 || !plan.gate.roles.is_empty();
        let wanting = asks && !gate::evaluate(state, stage).is_go();
        return wanting
            .then(|| stop(format!("{stage} is to be voted on: `[vote] {stage} = …` in --answers")));
    };
    let has_voted = |voter: &&Voter| {
        seen.standing()
            .any(|v| v.go && v.person == voter.person && (voter.role.is_none() || v.role == voter.role))
    };
    let voter = voters.iter().find(|voter| !has_voted(voter))?;
    let (stage, role) = (stage.clone(), voter.role.clone());
    Some(Next::AskAs(voter.person.clone(), Command::Vote { stage, role, go: true, note: None }))
}

/// Waits for a gate as long as the answers say; from then on it is a hold.
fn patient(
    verdict: &gate::Verdict,
    since_up_ms: u64,
    answers: Option<&Answers>,
    tried: &Tried,
    now: Now,
) -> Next {
    let Some(within) = answers.and_then(|a| a.gate_within) else { return WAIT };
    let until = since_up_ms.saturating_add(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    if now.up_ms < until {
        return Next::Wait { until_up_ms: Some(until) };
    }
    let why = format!("{} after {}", verdict.in_a_line(), humantime::format_duration(within));
    held(None, why, answers, tried)
}

/// The point of no return that an advance would enter.
fn crossing(state: &State) -> Option<&Stage> {
    state.next_stage().and_then(|id| state.stage_plan(id)).filter(|stage| stage.point_of_no_return)
}

fn advance(state: &State, answers: Option<&Answers>) -> Next {
    let Some(stage) = crossing(state) else { return Next::Ask(Command::Advance { typed: None, over: None }) };
    if answers.is_some_and(|a| a.point_of_no_return.contains(&stage.id)) {
        return Next::Ask(Command::Advance { typed: Some(stage.id.to_string()), over: None });
    }
    stop(format!("{} is a point of no return: name it in `point_of_no_return` in --answers", stage.id))
}

#[cfg(test)]
mod tests;
