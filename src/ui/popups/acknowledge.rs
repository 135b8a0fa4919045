//! The runbook's policy, sentence by sentence, to be acknowledged before stage 1.

use super::dialog::{Dialog, Facts, Question, may};
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text};
use super::{Context, Opened, Outcome};
use crate::session::{Command, Refusal};

/// Opens the policy.
pub fn open(cx: &Context) -> Opened {
    Dialog::open(Acknowledge, cx)
}

#[derive(Debug)]
struct Acknowledge;

impl Question for Acknowledge {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&Command::Acknowledge, cx)?;
        let Some(runbook) = &cx.state.runbook else {
            return Err(Refusal::new("this build cannot read the session's runbook"));
        };
        let mut rows = vec![
            Row::title(&runbook.title),
            Row::dim(
                "The policy of this cutover. Acknowledging it is recorded with your name; nothing starts before.",
            ),
            Row::blank(),
        ];
        for (n, sentence) in runbook.policy.iter().enumerate() {
            let mut lines = sentence.lines();
            rows.push(Row::new(format!("{}. {}", n + 1, lines.next().unwrap_or_default())));
            rows.extend(lines.map(|line| Row::new(line).indent(3)));
        }
        Ok(Page {
            title: "POLICY".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            buttons: vec![Button::close("not now"), Button::act("acknowledge", "ACKNOWLEDGE").key('y')],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let open = if cx.state.needs_acknowledgement() { "open" } else { "acknowledged" };
        Facts::default().and("the policy", open)
    }

    fn answer(&self, _word: &'static str, _form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: Command::Acknowledge, seen }
    }
}
