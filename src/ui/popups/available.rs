//! Why an action would do nothing now, in the words that refuse it. An action that is not possible stays in the help
//! and says why.

use super::dialog::may;
use super::{Context, advance, resume, rollback, wheel};
use crate::event::Seat;
use crate::runbook::StepId;
use crate::session::{Command, TriggerState};
use crate::ui::action::{Action, Group};

/// Why `action` would do nothing now; `None` where it would do something.
pub fn why_not(action: Action, cx: &Context) -> Option<String> {
    match action {
        Action::Open => None,
        action if action.needs_recording() && cx.replay.is_none() => Some(super::NOT_RECORDED.to_owned()),
        action if cx.replay.is_some() && action.group() == Group::Cutover => Some(super::RECORDED.to_owned()),
        Action::Advance if !drives(cx) => refused(&Command::Advance { typed: None, over: None }, cx),
        Action::Advance => advance::open(cx).err().map(|refusal| refusal.0),
        Action::Pause if cx.state.paused.is_some() => Some("the session is paused already".to_owned()),
        Action::Pause => refused(&Command::Pause, cx),
        Action::Resume => resume::open(cx).err().map(|refusal| refusal.0),
        Action::RollBack => rollback::open(cx).err().map(|refusal| refusal.0),
        Action::Retry => no_step(cx, "retried", |step| Command::Retry { step }),
        Action::Skip => no_step(cx, "skipped", |step| Command::Skip { step, reason: "-".to_owned() }),
        Action::Kill => no_step(cx, "killed", |step| Command::Kill { step }),
        Action::Veto => {
            let armed = |(_, state): &(_, &TriggerState)| matches!(state, TriggerState::Armed { .. });
            match cx.state.triggers.iter().find(armed) {
                Some((trigger, _)) => refused(&Command::Veto { trigger: trigger.clone(), reason: None }, cx),
                None => Some("no trigger is counting down".to_owned()),
            }
        }
        Action::Vote => super::vote(cx).err().map(|refusal| refusal.0),
        Action::Wheel => wheel::open(cx).err().map(|refusal| refusal.0),
        Action::Note => {
            refused(&Command::Note { tag: Default::default(), text: "-".to_owned(), attached: None }, cx)
        }
        _ => None,
    }
}

/// Whether whoever sits here has the driver's seat: without it there is no GO at all.
fn drives(cx: &Context) -> bool {
    cx.operator.is_none_or(|me| cx.state.seat_of(me) == Seat::Driver)
}

fn refused(command: &Command, cx: &Context) -> Option<String> {
    may(command, cx).err().map(|refusal| refusal.0)
}

/// Why no step at all takes the command; where all have the same reason, that one.
fn no_step(cx: &Context, done: &str, command: impl Fn(StepId) -> Command) -> Option<String> {
    let steps = cx.state.runbook.iter().flat_map(|r| r.all_steps());
    let mut reasons = Vec::new();
    for step in steps {
        reasons.push(refused(&command(step.id.clone()), cx)?);
    }
    reasons.dedup();
    match reasons.as_slice() {
        [one] => Some(one.clone()),
        _ => Some(format!("no step can be {done} now")),
    }
}
