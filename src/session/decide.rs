//! Commands into events: the transition table. Each arm says what it needs, in the words of its refusal.

mod steps;

use super::apply::is_decisive;
use super::starting::Overriding;
use super::state::{Hold, StageStatus, State, StepStatus, TriggerState};
use super::{Attached, Command, Refusal, crew, gate, rollback, second, starting, votes};
use crate::clock::Now;
use crate::event::{By, EventKind, ItemOf, NoteTag, Outcome, Person, Seat, drift_line};
use crate::runbook::model::{Action, Override, Runbook, Step};
use crate::runbook::{StageId, StepId};

pub(super) type Decision = Result<Vec<EventKind>, Refusal>;

pub(super) fn refuse(why: impl Into<String>) -> Decision {
    Err(Refusal::new(why))
}

/// What a command leads to now, or why it is refused. `seen_seq` is the last event that the operator had seen.
///
/// # Errors
/// The refusal, in words that an operator reads.
pub fn decide(state: &State, command: &Command, operator: &Person, seen_seq: u64, now: Now) -> Decision {
    let Some(runbook) = state.runbook.as_deref() else {
        return refuse("this build cannot read the session's runbook");
    };
    if let Some((outcome, _)) = &state.outcome {
        return refuse(format!("the session is over: {}", outcome.word()));
    }
    let operator = &Person { seat: state.seat_of(operator), ..operator.clone() };
    seated(state, command, operator)?;
    let of_a_view = matches!(
        command,
        Command::Advance { .. } | Command::Rollback { .. } | Command::Vote { .. } | Command::Second { .. }
    );
    if of_a_view && seen_seq < state.decisive_seq {
        return refuse(moved_on(state, seen_seq));
    }
    match command {
        Command::Acknowledge if state.needs_acknowledgement() => Ok(vec![EventKind::PolicyAcknowledged]),
        Command::Acknowledge => refuse("there is nothing to acknowledge"),
        Command::Advance { typed, over } => {
            advance(state, runbook, operator, typed.as_deref(), over.as_deref())
        }
        // A pause is never refused; one that stands already needs no second record.
        Command::Pause => Ok(if state.paused.is_some() { Vec::new() } else { vec![EventKind::Paused] }),
        Command::Resume => {
            if state.paused.is_some() || state.holds().iter().any(Hold::is_resumable) {
                Ok(vec![EventKind::Resumed])
            } else if let Some(drift) = &state.drift {
                let why = drift_line(&drift.files);
                refuse(format!("frozen files drifted: {why}; put them back, or accept it with a reason"))
            } else {
                refuse("nothing is paused")
            }
        }
        Command::AcceptDrift { reason } => accept_drift(state, reason, seen_seq),
        Command::Rollback { to, reason } => roll_back(state, to.as_ref(), reason.as_deref(), now),
        Command::Retry { step } => steps::retry(state, step_of(runbook, step)?, now),
        Command::Skip { step, reason } => steps::skip(state, step_of(runbook, step)?, reason),
        Command::Kill { step } => steps::kill(state, step_of(runbook, step)?, operator, now),
        Command::Confirm { step, yes, note } => {
            steps::confirm(state, step_of(runbook, step)?, *yes, note.as_deref(), operator, now)
        }
        Command::Tick { on, item, pass, note } => tick(state, runbook, on, item, *pass, note.as_deref()),
        Command::Veto { trigger, reason } => match state.triggers.get(trigger) {
            Some(TriggerState::Armed { .. }) => {
                Ok(vec![EventKind::TriggerVetoed { trigger: trigger.clone(), reason: reason.clone() }])
            }
            _ => refuse(format!("trigger {trigger} is not counting down")),
        },
        Command::Resolve { step, outcome, reason } => {
            steps::resolve(state, step_of(runbook, step)?, *outcome, reason, now)
        }
        Command::Note { text, .. } if text.trim().is_empty() => refuse("the note is empty"),
        Command::Note { tag, text, attached } => Ok(note(*tag, text, attached.as_ref())),
        Command::Vote { stage, role, go, note } => {
            votes::vote(state, operator, stage, role.as_deref(), *go, note.as_deref())
        }
        Command::Second { stage, go, note } => {
            second::answer(state, operator, stage, *go, note.as_deref(), seen_seq)
        }
        Command::AskWheel => crew::ask_wheel(state, operator),
        Command::OfferWheel { to } => crew::offer_wheel(state, operator, to),
        Command::AcceptWheel => crew::accept_wheel(state, operator),
        Command::DeclineWheel => crew::decline_wheel(state, operator),
        Command::TakeWheel => crew::take_wheel(state, operator),
        Command::Abort { reason } => abort(state, runbook, reason),
    }
}

fn seated(state: &State, command: &Command, operator: &Person) -> Result<(), Refusal> {
    let needs = command.needs();
    let may = match needs {
        Seat::Observer => true,
        Seat::Navigator => operator.seat != Seat::Observer,
        Seat::Driver => operator.seat == Seat::Driver,
    };
    if may {
        return Ok(());
    }
    let (word, seat) = (command.word(), operator.seat.word());
    let who = &operator.person;
    if needs == Seat::Navigator {
        return Err(Refusal::new(format!("an observer may not {word}: {who} only looks on")));
    }
    let take = match (&state.wheel, state.driver()) {
        (Some(holder), None) => {
            format!("; {holder}, who has the wheel, is away: take it first")
        }
        _ => String::new(),
    };
    Err(Refusal::new(format!("only the driver may {word}, and {who} is {seat}{take}")))
}

/// What happened first that decides anything after `seen_seq`, and by whom: of two at once, who won.
pub(super) fn moved_on(state: &State, seen_seq: u64) -> String {
    let mut since = state.recent.iter().filter(|e| e.seq > seen_seq && is_decisive(&e.event)).peekable();
    let first = since.peek().copied();
    let by_person = since.find(|e| matches!(e.by, By::Person(_)));
    let what = by_person.or(first).map_or_else(
        || "something happened".to_owned(),
        |e| format!("{} ({})", crate::event::describe(e), crate::event::author(&e.by)),
    );
    format!("the session moved on while you decided: {what}")
}

fn step_of<'a>(runbook: &'a Runbook, id: &StepId) -> Result<&'a Step, Refusal> {
    runbook.step(id).ok_or_else(|| Refusal::new(format!("there is no step {id}")))
}

fn given<'a>(reason: &'a str, what: &str) -> Result<&'a str, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() { Err(Refusal::new(format!("{what} needs a reason"))) } else { Ok(reason) }
}

fn advance(
    state: &State,
    runbook: &Runbook,
    operator: &Person,
    typed: Option<&str>,
    over: Option<&str>,
) -> Decision {
    if state.needs_acknowledgement() {
        return refuse("the policy is to be acknowledged first");
    }
    if state.active_rollback().is_some() {
        return refuse("a rollback is under way");
    }
    let next = state.next_stage().and_then(|id| runbook.stage(id));
    let crossing = next.filter(|stage| stage.point_of_no_return);
    if let Some(stage) = crossing
        && typed != Some(stage.id.as_str())
    {
        return refuse(format!("{} is a point of no return: type `{}` to enter it", stage.title, stage.id));
    }
    let Some(current) = state.current_stage() else {
        let Some(next) = next else { return refuse(nothing_to_enter(state)) };
        let mut verdict = gate::to_begin(state);
        if let Some(pause) = &state.paused {
            return refuse(format!("the session is paused by {}: resume it first", pause.by));
        }
        if let Some(hold) = state.holds().first() {
            return refuse(hold.sentence());
        }
        return match verdict.missing.pop() {
            Some(missing) => refuse(format!("NO-GO: {}", missing.what)),
            None => Ok(vec![EventKind::StageEntered { stage: next.id.clone() }]),
        };
    };
    let verdict = gate::evaluate(state, current);
    let at_gate = state.stages.get(current).is_some_and(|s| s.status == StageStatus::AtGate);
    if verdict.is_go() && at_gate {
        return Ok(starting::promote(state, current, None));
    }
    let Some(reason) = over else {
        return refuse(verdict.in_a_line());
    };
    if verdict.is_go() {
        return refuse("the stage has not come to its gate yet");
    }
    let plan = runbook.stage(current).ok_or_else(|| Refusal::new(format!("there is no stage {current}")))?;
    let reason = given(reason, "an override")?;
    if plan.gate.over == Override::Never {
        return refuse(format!("the gate of {current} may never be overridden: {}", verdict.in_a_line()));
    }
    if let Some(missing) = verdict.missing.iter().find(|m| !m.liftable) {
        return refuse(format!("an override does not lift this: {}", missing.what));
    }
    if crossing.is_none() && typed != Some(current.as_str()) {
        return refuse(format!("type `{current}` to override its gate"));
    }
    if plan.gate.over == Override::Two {
        return second::ask(state, operator, current, verdict.sentences(), reason);
    }
    let overriding = Overriding { lifted: verdict.sentences(), reason: reason.to_owned(), asked_by: None };
    Ok(starting::promote(state, current, Some(overriding)))
}

fn nothing_to_enter(state: &State) -> &'static str {
    if state.stages.values().all(|stage| stage.status == StageStatus::Skipped) {
        "no stage applies here: look at each `when`; this session can only be aborted"
    } else {
        "there is no stage left to enter"
    }
}

fn roll_back(state: &State, to: Option<&StageId>, reason: Option<&str>, now: Now) -> Decision {
    if state.active_rollback().is_some() {
        return refuse("a rollback is under way already");
    }
    let Some(plan) = rollback::plan(state, to) else {
        return match (to, rollback::point_passed(state)) {
            (Some(to), Some(point)) => {
                refuse(format!("{to} lies behind the point of no return {point} and cannot be rolled back"))
            }
            (None, Some(point)) => refuse(format!(
                "{point} was rolled back; what came before it lies behind the point of no return and cannot be rolled back"
            )),
            (Some(to), None) => refuse(format!("{to} was not entered: there is nothing to roll back")),
            (None, None) => refuse("no stage was entered: there is nothing to roll back"),
        };
    };
    let reason = reason.map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned);
    if reason.is_none() && rollback::window_is_over(state, now) {
        return refuse("the rollback window is over: rolling back needs a reason now");
    }
    Ok(vec![EventKind::RollbackStarted { to: plan.to, full: plan.full, steps: plan.steps, reason }])
}

fn tick(
    state: &State,
    runbook: &Runbook,
    on: &ItemOf,
    item: &str,
    pass: bool,
    note: Option<&str>,
) -> Decision {
    let known = match on {
        ItemOf::Gate(stage) => {
            if state.current_stage() != Some(stage) {
                return refuse(format!("stage {stage} is not in hand now"));
            }
            runbook.stage(stage).is_some_and(|s| s.gate.accept.iter().any(|i| i == item))
        }
        ItemOf::Step(id) => {
            if state.step(id).status != StepStatus::Waiting {
                return refuse(format!("{id} does not wait for an answer"));
            }
            matches!(&step_of(runbook, id)?.action, Action::Confirm { items, .. } if items.iter().any(|i| i == item))
        }
    };
    if !known {
        return refuse(format!("there is no item \"{item}\" here"));
    }
    let note = note.map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
    if !pass && note.is_none() {
        return refuse("failing an item needs a note");
    }
    Ok(vec![EventKind::ItemTicked { on: on.clone(), item: item.to_owned(), pass, note }])
}

fn note(tag: NoteTag, text: &str, attached: Option<&Attached>) -> Vec<EventKind> {
    let mut events = vec![EventKind::NoteAdded { tag, text: text.to_owned() }];
    events.extend(attached.map(|file| EventKind::EvidenceAdded {
        step: None,
        source: file.source.clone(),
        path: file.path.clone(),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
    }));
    events
}

fn accept_drift(state: &State, reason: &str, seen_seq: u64) -> Decision {
    let Some(drift) = &state.drift else { return refuse("no frozen file has drifted") };
    if drift.put_back {
        return refuse(
            "the frozen files are what they were again: there is nothing to accept; resume instead",
        );
    }
    if seen_seq < drift.seq {
        let now = drift_line(&drift.files);
        return refuse(format!("more has drifted than you had seen; it is now: {now}"));
    }
    let reason = given(reason, "accepting a drift")?.to_owned();
    Ok(vec![EventKind::DriftAccepted { files: drift.files.clone(), reason }])
}

fn abort(state: &State, runbook: &Runbook, reason: &str) -> Decision {
    let reason = given(reason, "an abort")?.to_owned();
    let running = rollback::open_steps(state, runbook).find(|step| !starting::is_judged_here(&step.action));
    if let Some(step) = running {
        return refuse(format!("{} is running: kill it first, so that its end is recorded", step.id));
    }
    Ok(vec![EventKind::SessionClosed { outcome: Outcome::Aborted, reason: Some(reason) }])
}
