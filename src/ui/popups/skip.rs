//! Skipping a step, with a reason: what will not run, and what then counts as done.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::preview;
use super::row::{Row, Text};
use super::standing::{known, of_step, standing};
use super::{Context, Opened, Outcome};
use crate::runbook::StepId;
use crate::session::{Command, Refusal};
use crate::ui::theme::Mark;

/// Opens the question whether `step` is skipped.
pub fn open(cx: &Context, step: &StepId) -> Opened {
    Dialog::open(Skip { step: step.clone() }, cx)
}

#[derive(Debug)]
struct Skip {
    step: StepId,
}

impl Skip {
    fn command(&self, reason: String) -> Command {
        Command::Skip { step: self.step.clone(), reason }
    }
}

impl Question for Skip {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.command("-".to_owned()), cx)?;
        let plan = known(cx.state, &self.step)?;
        let mut rows = standing(&self.step, cx);
        rows.push(Row::mark(
            Mark::Warn,
            "Skipped counts as done: what needs it goes on, and its gate takes it for passed.",
        ));
        let waiting: Vec<_> = cx
            .state
            .runbook
            .iter()
            .flat_map(|r| r.all_steps())
            .filter(|other| other.needs.contains(&self.step))
            .map(|other| other.id.as_str())
            .collect();
        if !waiting.is_empty() {
            rows.push(Row::new(format!("waiting for it: {}", waiting.join(", "))));
        }
        rows.push(Row::blank());
        rows.push(Row::title("WILL NOT RUN"));
        rows.extend(preview::step(plan, cx.state));
        Ok(Page {
            title: "SKIP".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            fields: vec![Field::text("reason", "reason", true)],
            buttons: vec![Button::close("leave it"), Button::act("skip", "SKIP").key('y').needs("reason")],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        of_step(&self.step, cx.state)
    }

    fn answer(&self, _word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        let reason = form.text("reason").unwrap_or_default();
        Outcome::Ask { command: self.command(reason), seen }
    }
}
