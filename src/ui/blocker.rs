//! The one thing that blocks now, as the banner says it: what is worst and nearest comes first.

use super::action::Action;
use super::hatch::hatch;
use super::popups::Context;
use super::theme::Mark;
use super::{crew, format};
use crate::clock::Now;
use crate::event::Outcome;
use crate::runbook::StepId;
use crate::runbook::model::{Action as StepAction, Step, Trigger, TriggerThen};
use crate::session::second::{self, OverrideAsked};
use crate::session::telemetry::LogHealth;
use crate::session::{
    Hold, Situation, StageStatus, State, StepStatus, TriggerState, gate, roles, rollback, triggers, window,
};

/// One line: what blocks, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    pub mark: Mark,
    pub text: String,
    /// What releases it: a key mostly; empty where there is nothing to do.
    pub release: String,
    /// It is a key to press.
    pub is_key: bool,
}

impl Blocker {
    fn new(mark: Mark, text: impl Into<String>, release: impl Into<String>) -> Self {
        Self { mark, text: text.into(), release: release.into(), is_key: true }
    }
}

/// What releases it: each action by its key, as the keymap has it; by its name alone where it has none.
fn keys(cx: &Context, actions: &[(Action, &str)]) -> String {
    let said = actions.iter().map(|(action, does)| match cx.keymap.key(*action) {
        key if key.is_empty() => format!("{action} {does}"),
        key => format!("{key} {does}"),
    });
    said.collect::<Vec<_>>().join("  ")
}

/// What blocks now, as whoever sits here has to know it; `lost` says why the engine is gone, where it is.
#[must_use]
pub fn blocker(cx: &Context, lost: Option<&str>) -> Blocker {
    let Context { state, telemetry, now, .. } = *cx;
    if let Some(blocker) = ended(cx, lost) {
        return blocker;
    }
    let urgent =
        log(&telemetry.log).or_else(|| rollback(cx)).or_else(|| countdown(cx)).or_else(|| offered(cx));
    if let Some(blocker) = urgent {
        return beside(blocker, aside(cx));
    }
    let blocker = second_person(cx)
        .or_else(|| acknowledgement(cx))
        .or_else(|| hold(cx))
        .or_else(|| question(cx))
        .map(|blocker| also_paused(blocker, state))
        .or_else(|| paused(cx))
        .or_else(|| retrying(cx))
        .or_else(|| running(state, now))
        .or_else(|| at_gate(cx))
        .unwrap_or_else(|| between(cx));
    match driver_is_away(cx) {
        // What waits for a person waits for the driver first.
        Some(away) if blocker.mark != Mark::Running => {
            Blocker { text: format!("{away}; {}", blocker.text), ..blocker }
        }
        _ => beside(blocker, aside(cx)),
    }
}

/// What has to be known besides: of the wheel, of the way back, of the change window.
fn aside(cx: &Context) -> Option<String> {
    wheel(cx).or_else(|| hatch(cx.state, cx.now).alarm(cx.now)).or_else(|| window::warning(cx.state, cx.now))
}

fn ended(cx: &Context, lost: Option<&str>) -> Option<Blocker> {
    let leaves = keys(cx, &[(Action::Quit, "leaves")]);
    let Some((outcome, at)) = &cx.state.outcome else {
        return lost.map(|why| {
            let text =
                format!("LOST at {}: {why}; shown is what was seen until then", cx.now.second(cx.now.at));
            Blocker::new(Mark::Fail, text, keys(cx, &[(Action::Detach, "leaves")]))
        });
    };
    let at = cx.now.second(at.at);
    Some(match outcome {
        Outcome::Completed => Blocker::new(Mark::Ok, format!("COMPLETED at {at}"), leaves),
        Outcome::RolledBack => {
            let why = cx.state.rollback.as_ref().and_then(|rollback| rollback.reason.as_deref());
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            let left = cx.state.not_undone();
            Blocker::new(Mark::Warn, format!("ROLLED BACK{left}, closed at {at}{why}"), leaves)
        }
        Outcome::Aborted => Blocker::new(Mark::Fail, format!("ABORTED at {at}: left as it stands"), leaves),
    })
}

/// The wheel waits for whoever sits here.
fn offered(cx: &Context) -> Option<Blocker> {
    let (offer, me) = (cx.state.wheel_offer.as_ref()?, cx.operator?);
    (offer.to == me.person).then(|| {
        let text = format!("THE WHEEL: {} offers it to you", offer.from);
        Blocker::new(Mark::Ask, text, keys(cx, &[(Action::Wheel, "shows where it stands, and takes it")]))
    })
}

/// An override waits for a second person: whoever can be it is asked, the others see for whom it waits.
fn second_person(cx: &Context) -> Option<Blocker> {
    let (stage, asked) = second::standing(cx.state)?;
    let seconds = crew::seconds(cx.state, &asked.by);
    let OverrideAsked { by, reason, .. } = asked;
    if cx.operator.is_some_and(|me| seconds.contains(&me.person)) {
        let text = format!("OVERRIDE of {stage}: {by} asks you: {reason}");
        return Some(Blocker::new(Mark::Ask, text, keys(cx, &[(Action::Vote, "shows it, and answers")])));
    }
    let whom = if seconds.is_empty() {
        "nobody is here who could be it".to_owned()
    } else {
        format!("here: {}", seconds.join(", "))
    };
    let text = format!("OVERRIDE of {stage} waits for a second person ({whom}): {reason}");
    Some(Blocker::new(Mark::Ask, text, ""))
}

/// Something that is told beside what blocks.
fn beside(blocker: Blocker, aside: Option<String>) -> Blocker {
    match aside {
        Some(aside) => Blocker { text: format!("{}  [{aside}]", blocker.text), ..blocker },
        None => blocker,
    }
}

/// Who has the wheel is not here.
fn driver_is_away(cx: &Context) -> Option<String> {
    let holder = cx.state.wheel.as_ref().filter(|_| crew::driver_is_away(cx.state))?;
    let since = crew::away_since(cx.state, holder).map(|left| format!(" since {}", cx.now.second(left.at)));
    let takes = cx.operator.is_some_and(|me| crew::may_drive(cx.state, me));
    let key = takes.then(|| format!(": {}", keys(cx, &[(Action::Wheel, "takes the wheel")])));
    Some(format!("{holder} (driver) is AWAY{}{}", since.unwrap_or_default(), key.unwrap_or_default()))
}

/// What becomes of the wheel, for whoever has it; for the others, whether its holder is away.
fn wheel(cx: &Context) -> Option<String> {
    let Context { state, operator, .. } = *cx;
    if let Some(away) = driver_is_away(cx) {
        return Some(away);
    }
    operator.filter(|me| state.wheel.as_ref() == Some(&me.person))?;
    match (&state.wheel_offer, state.wheel_asked.first()) {
        (Some(offer), _) => Some(format!("wheel offered to {}", offer.to)),
        (None, Some(who)) => Some(format!("{who} asks for the wheel: {}", cx.keymap.key(Action::Wheel))),
        (None, None) => None,
    }
}

fn log(health: &LogHealth) -> Option<Blocker> {
    let (what, why) = match health {
        LogHealth::Ok => return None,
        LogHealth::Full(why) => ("LOG FULL", why),
        LogHealth::Failed(why) => ("LOG FAILED", why),
    };
    Some(Blocker::new(Mark::Fail, format!("{what}: {why}"), "nothing starts until it can be written"))
}

fn rollback(cx: &Context) -> Option<Blocker> {
    let Context { state, now, .. } = *cx;
    let rollback = state.active_rollback()?;
    if let Some(stuck) = &rollback.stuck {
        let at = stuck.step.as_ref().map_or(String::new(), |step| format!(" at {step}"));
        let left = stuck.remaining.len();
        let text = format!("ROLLBACK STUCK{at}: {} ({left} to go)", stuck.why);
        let release = if stuck.step.is_none() && rollback.at_gate.is_some() {
            "it ends by itself once that is green".to_owned()
        } else {
            keys(cx, &[(Action::Retry, "retry"), (Action::Skip, "skip")])
        };
        return Some(Blocker::new(Mark::Fail, text, release));
    }
    let of = rollback.steps.len();
    let done = rollback.steps.iter().filter(|id| is_done(state, id)).count();
    let text = match rollback.steps.iter().find(|id| state.step(id).status.is_open()) {
        Some(step) => format!("ROLLING BACK {}/{of}: {}", done + 1, step_line(state, step, now)),
        None if rollback.at_gate.is_some() => {
            format!("ROLLING BACK: all {of} steps done, waits for the proof that the old is back")
        }
        None => format!("ROLLING BACK {done}/{of}, to before {}", rollback.to),
    };
    Some(Blocker::new(Mark::Warn, text, ""))
}

fn is_done(state: &State, step: &StepId) -> bool {
    matches!(state.step(step).status, StepStatus::Passed | StepStatus::Skipped | StepStatus::Failed)
}

fn countdown(cx: &Context) -> Option<Blocker> {
    let armed = cx.state.triggers.iter().filter_map(|(id, trigger)| match trigger {
        TriggerState::Armed { why, fires_at } => Some((*fires_at, id, why)),
        _ => None,
    });
    let (fires_at, id, why) = armed.min()?;
    let left = fires_at.saturating_sub(cx.now.up_ms).div_ceil(1000);
    let does = match triggers::then(cx.state, id) {
        Some(TriggerThen::Rollback { to: Some(to), .. }) => format!("ROLLS BACK TO BEFORE {to}"),
        Some(TriggerThen::Rollback { to: None, .. }) => "ROLLS BACK ALL".to_owned(),
        Some(TriggerThen::Hold) => "HOLDS".to_owned(),
        Some(TriggerThen::Alert) | None => "FIRES".to_owned(),
    };
    let text = format!("IN {left}s TRIGGER {does}: {why} ({id})");
    Some(Blocker::new(Mark::Fail, text, keys(cx, &[(Action::Veto, "vetoes")])))
}

fn acknowledgement(cx: &Context) -> Option<Blocker> {
    let text = "POLICY: read it and acknowledge it before stage 1";
    let opens = || keys(cx, &[(Action::Advance, "opens it")]);
    cx.state.needs_acknowledgement().then(|| Blocker::new(Mark::Ask, text, opens()))
}

fn hold(cx: &Context) -> Option<Blocker> {
    let holds = cx.state.holds();
    let back = (Action::RollBack, "roll back");
    let resumes = || keys(cx, &[(Action::Resume, "resumes"), back]);
    let more = if holds.len() > 1 { format!(" (and {} more)", holds.len() - 1) } else { String::new() };
    Some(match holds.into_iter().min_by_key(rank)? {
        Hold::StepFailed { step, why } => Blocker::new(
            Mark::Fail,
            format!("STEP {step} FAILED: {why}{more}"),
            match cx.state.step_plan(&step).is_some_and(|plan| plan.skippable) {
                true => keys(cx, &[(Action::Retry, "retry"), (Action::Skip, "skip"), back]),
                false => keys(cx, &[(Action::Retry, "retry"), back]),
            },
        ),
        Hold::StepUnknown { step, why } => {
            let text = format!("STEP {step} UNKNOWN: {why}{more}");
            Blocker::new(Mark::Ask, text, keys(cx, &[(Action::Open, "says what became of it")]))
        }
        Hold::Drift { why, put_back: false } => {
            let release = keys(cx, &[(Action::Resume, "accepts it"), back]);
            Blocker::new(Mark::Fail, format!("DRIFT: {why}{more}"), release)
        }
        Hold::Drift { why, put_back: true } => {
            let text = format!("DRIFT is put back: {why}{more}");
            Blocker::new(Mark::Warn, text, resumes())
        }
        Hold::Trigger { trigger, why } => {
            let text = format!("TRIGGER {trigger} HOLDS: {why}{more}");
            Blocker::new(Mark::Fail, text, resumes())
        }
    })
}

fn rank(hold: &Hold) -> u8 {
    match hold {
        Hold::StepUnknown { .. } => 0,
        Hold::StepFailed { .. } => 1,
        Hold::Drift { .. } => 2,
        Hold::Trigger { .. } => 3,
    }
}

fn question(cx: &Context) -> Option<Blocker> {
    let state = cx.state;
    let questions = state.questions();
    let step = questions.first()?;
    let asked = match state.step_plan(step).map(|s| &s.action) {
        Some(StepAction::Confirm { question, .. }) => {
            let what = state.step(step).what.as_deref();
            what.map_or(question.as_str(), |what| without_its_kind(what)).to_owned()
        }
        _ => state.step(step).why.clone().unwrap_or_default(),
    };
    let asked = asked.lines().next().unwrap_or_default();
    let answers = keys(cx, &[(Action::Open, "answers")]);
    let role = match state.step_plan(step).map(|s| &s.action) {
        Some(StepAction::Confirm { role: Some(role), .. }) => role,
        _ => return Some(Blocker::new(Mark::Ask, format!("QUESTION {step}: {asked}"), answers)),
    };
    let text = format!("QUESTION {step} for {role}: {asked}");
    let mine = cx.operator.is_some_and(|me| roles::stands_for(state, &me.person, role));
    let release = if mine { answers } else { roles::who_could(state, role) };
    Some(Blocker::new(Mark::Ask, text, release))
}

/// A resolved question as it was asked: `confirm for db: go on?` without what comes before it.
fn without_its_kind(what: &str) -> &str {
    match what.strip_prefix("confirm") {
        Some(rest) => rest.split_once(": ").map_or(what, |(_, question)| question),
        None => what,
    }
}

fn paused(cx: &Context) -> Option<Blocker> {
    let pause = cx.state.paused.as_ref()?;
    let rolls_back = |trigger: &Trigger| matches!(trigger.then, TriggerThen::Rollback { .. });
    let triggers = if triggers::live(cx.state).any(rolls_back) { "; triggers still roll back" } else { "" };
    let text = format!("PAUSED by {} at {}: nothing new starts{triggers}", pause.by, cx.now.second(pause.at));
    Some(Blocker::new(Mark::Warn, text, keys(cx, &[(Action::Resume, "resumes")])))
}

/// A pause behind something worse is told in front of it: what comes last may be cut.
fn also_paused(blocker: Blocker, state: &State) -> Blocker {
    match &state.paused {
        Some(pause) if !state.is_closed() => {
            Blocker { text: format!("[PAUSED by {}] {}", pause.by, blocker.text), ..blocker }
        }
        _ => blocker,
    }
}

fn steps_in_hand(state: &State) -> impl Iterator<Item = &Step> {
    state.current_stage().and_then(|id| state.stage_plan(id)).into_iter().flat_map(|stage| &stage.steps)
}

fn retrying(cx: &Context) -> Option<Blocker> {
    let state = cx.state;
    let step = steps_in_hand(state).find(|step| state.will_retry(step))?;
    let now = state.step(&step.id);
    let text = format!(
        "STEP {} FAILED, try {} of {}, tries again: {}",
        step.id,
        now.tries,
        step.retries.attempts,
        now.why.as_deref().unwrap_or_default()
    );
    Some(Blocker::new(Mark::Warn, text, keys(cx, &[(Action::Kill, "stops it")])))
}

fn running(state: &State, now: Now) -> Option<Blocker> {
    let step = steps_in_hand(state).find(|step| state.step(&step.id).status.is_open())?;
    let over = step.estimate.is_some_and(|estimate| elapsed(state, &step.id, now) > format::ms(estimate));
    let line = step_line(state, &step.id, now);
    Some(if over {
        Blocker::new(Mark::Warn, format!("RUNNING, OVER ITS ESTIMATE: {line}"), "")
    } else {
        Blocker::new(Mark::Running, format!("RUNNING: {line}"), "")
    })
}

fn elapsed(state: &State, step: &StepId, now: Now) -> u64 {
    state.step(step).started.map_or(0, |at| state.since(at, now))
}

fn step_line(state: &State, id: &StepId, now: Now) -> String {
    let step = state.step(id);
    let mut line = format!("{id} for {}", format::took(elapsed(state, id, now)));
    if let Some(timeout) = state.step_plan(id).and_then(|s| s.timeout) {
        line += &format!(" of {}", format::took(format::ms(timeout)));
    }
    if let Some(ending) = &step.killed {
        line += &format!(", being ended: {}", ending.why);
    } else if let (Some(why), Some(_)) = (&step.why, step.end_refused) {
        line += &format!(", could not be ended: {why}");
    }
    line
}

fn at_gate(cx: &Context) -> Option<Blocker> {
    let state = cx.state;
    let id = state.current_stage()?;
    if state.stages.get(id)?.status != StageStatus::AtGate {
        return None;
    }
    let verdict = gate::evaluate(state, id);
    let back = rollback::came_back_to(state);
    let left = state.not_undone();
    let back = back.map_or(String::new(), |to| format!("ROLLED BACK to before {to}{left}; "));
    let Some(first) = verdict.missing.first() else {
        let next = match state.next_stage() {
            Some(next) => keys(cx, &[(Action::Advance, &format!("goes on to {next}"))]),
            None => keys(cx, &[(Action::Advance, "completes the cutover")]),
        };
        let mark = if back.is_empty() { Mark::Ok } else { Mark::Warn };
        return Some(Blocker::new(mark, format!("{back}GO: everything that {id} asks for is there"), next));
    };
    let more = verdict.missing.len() - 1;
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let asks_me = cx.operator.is_some_and(|me| crew::wants_vote(state, id, me));
    let what = format!("{back}NO-GO {id}: {}{more}", first.what);
    let ticks = state.stage_plan(id).is_some_and(|plan| {
        let ticks = &state.stages[id].ticks;
        plan.gate.accept.iter().any(|item| !ticks.contains_key(item) && first.what.contains(item.as_str()))
    });
    Some(if asks_me {
        Blocker::new(Mark::Fail, what, keys(cx, &[(Action::Vote, "votes")]))
    } else if ticks {
        Blocker::new(Mark::Fail, what, keys(cx, &[(Action::Open, "ticks it")]))
    } else {
        Blocker { is_key: false, ..Blocker::new(Mark::Fail, what, format!("until {}", first.release)) }
    })
}

fn between(cx: &Context) -> Blocker {
    let state = cx.state;
    match (state.situation(), state.current_stage(), state.next_stage()) {
        (Situation::Running, None, Some(next)) => Blocker::new(
            Mark::Ok,
            format!("READY: {next} is next"),
            keys(cx, &[(Action::Advance, "starts it")]),
        ),
        (_, Some(stage), _) => Blocker::new(Mark::Running, format!("RUNNING: {stage}"), ""),
        _ => Blocker::new(Mark::Pending, "waits for the first event of the session", ""),
    }
}

#[cfg(test)]
mod tests;
