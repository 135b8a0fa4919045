//! Commands into events: the transition table. Each arm says what it needs, in the words of its refusal.

use super::apply::is_decisive;
use super::starting::Overriding;
use super::state::{Hold, StageStatus, State, StepStatus, TriggerState};
use super::{Attached, Command, Refusal, crew, gate, roles, rollback, second, starting, votes};
use crate::clock::Now;
use crate::event::{By, EventKind, Health, ItemOf, NoteTag, Outcome, Person, Resolution, Seat, drift_line};
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
        Command::Retry { step } => retry(state, step_of(runbook, step)?, now),
        Command::Skip { step, reason } => skip(state, step_of(runbook, step)?, reason),
        Command::Kill { step } => kill(state, step_of(runbook, step)?, operator, now),
        Command::Confirm { step, yes, note } => {
            confirm(state, step_of(runbook, step)?, *yes, note.as_deref(), operator, now)
        }
        Command::Tick { on, item, pass, note } => tick(state, runbook, on, item, *pass, note.as_deref()),
        Command::Veto { trigger, reason } => match state.triggers.get(trigger) {
            Some(TriggerState::Armed { .. }) => {
                Ok(vec![EventKind::TriggerVetoed { trigger: trigger.clone(), reason: reason.clone() }])
            }
            _ => refuse(format!("trigger {trigger} is not counting down")),
        },
        Command::Resolve { step, outcome, reason } => {
            resolve(state, step_of(runbook, step)?, *outcome, reason, now)
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
            (Some(to), None) => refuse(format!("{to} was not entered: there is nothing to roll back")),
            (None, _) => refuse("no stage was entered: there is nothing to roll back"),
        };
    };
    let reason = reason.map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned);
    if reason.is_none() && rollback::window_is_over(state, now) {
        return refuse("the rollback window is over: rolling back needs a reason now");
    }
    Ok(vec![EventKind::RollbackStarted { to: plan.to, full: plan.full, steps: plan.steps, reason }])
}

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

fn retry(state: &State, step: &Step, now: Now) -> Decision {
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

fn skip(state: &State, step: &Step, reason: &str) -> Decision {
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

fn kill(state: &State, step: &Step, operator: &Person, now: Now) -> Decision {
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

fn confirm(
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

fn resolve(state: &State, step: &Step, outcome: Resolution, reason: &str, now: Now) -> Decision {
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

/// The proofs of an `await` as the checks stand.
pub(super) fn check_proofs(state: &State, checks: &[crate::runbook::CheckId]) -> Vec<crate::event::Proof> {
    checks
        .iter()
        .map(|id| {
            let seen = state.check(id);
            let value = seen.value.as_deref().map(|v| format!(" ({v})")).unwrap_or_default();
            let reason = if seen.health == Health::Ok || seen.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", seen.reason)
            };
            crate::event::Proof {
                expected: format!("check {id} green"),
                met: state.is_green(id),
                seen: format!("{}{value}{reason}", seen.health.word()),
            }
        })
        .collect()
}
