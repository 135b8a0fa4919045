//! A trigger that counts down: what set it off, what it will do, how long is left, and the veto.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome};
use crate::runbook::TriggerId;
use crate::runbook::model::TriggerThen;
use crate::session::{Command, Refusal, State, TriggerState, triggers};
use crate::ui::format::clock;
use crate::ui::theme::Mark;

/// Opens the veto of `trigger`.
pub fn open(cx: &Context, trigger: &TriggerId) -> Opened {
    Dialog::open(Veto { trigger: trigger.clone() }, cx)
}

#[derive(Debug)]
struct Veto {
    trigger: TriggerId,
}

impl Veto {
    fn command(&self, reason: Option<String>) -> Command {
        Command::Veto { trigger: self.trigger.clone(), reason }
    }

    fn consequence(&self, state: &State) -> String {
        match triggers::then(state, &self.trigger) {
            Some(TriggerThen::Rollback { .. }) if triggers::holds_when_fired(state, &self.trigger) => {
                "hold the session: a point of no return is behind it, so it cannot roll back".to_owned()
            }
            Some(TriggerThen::Rollback { to: Some(to), .. }) => format!("ROLL BACK to {to}, that one too"),
            Some(TriggerThen::Rollback { to: None, .. }) => "ROLL BACK all the way".to_owned(),
            Some(TriggerThen::Hold) => "hold the session".to_owned(),
            Some(TriggerThen::Alert) | None => "propose the rollback to you".to_owned(),
        }
    }
}

impl Question for Veto {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.command(None), cx)?;
        let Some(TriggerState::Armed { why, .. }) = cx.state.triggers.get(&self.trigger) else {
            return Err(Refusal::new(format!("trigger {} is not counting down", self.trigger)));
        };
        let rows = vec![
            Row::title(self.trigger.as_str()),
            Row::mark(Mark::Warn, why),
            Row::blank(),
            Row::title("It will ").and(Tone::Plain, self.consequence(cx.state)),
            Row::new("A veto silences it until its check was green again. Not answering is no veto."),
        ];
        Ok(Page {
            title: "VETO".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            fields: vec![Field::text("reason", "reason", false)],
            buttons: vec![Button::close("let it fire"), Button::act("veto", "VETO").key('y')],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        Facts::default().and(
            self.trigger.to_string(),
            match cx.state.triggers.get(&self.trigger) {
                Some(TriggerState::Armed { fires_at, .. }) => {
                    format!("counting down to {}", clock(*fires_at))
                }
                Some(TriggerState::Vetoed) => "vetoed".to_owned(),
                Some(TriggerState::Fired { .. }) => "fired".to_owned(),
                Some(TriggerState::Quiet { .. }) | None => "quiet".to_owned(),
            },
        )
    }

    fn live(&self, cx: &Context) -> Option<String> {
        let Some(TriggerState::Armed { fires_at, .. }) = cx.state.triggers.get(&self.trigger) else {
            return None;
        };
        Some(format!("fires in {}", clock(fires_at.saturating_sub(cx.now.up_ms))))
    }

    fn answer(&self, _word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: self.command(form.text("reason")), seen }
    }
}
