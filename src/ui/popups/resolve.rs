//! A step of which nobody knows what became: the evidence, and a person's word for it.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::standing::{known, of_step, standing};
use super::{Context, Opened, Outcome, preview};
use crate::event::Resolution;
use crate::runbook::StepId;
use crate::session::{Command, Refusal};
use crate::ui::theme::Mark;

/// Opens the question what became of `step`.
pub fn open(cx: &Context, step: &StepId) -> Opened {
    Dialog::open(Resolve { step: step.clone() }, cx)
}

#[derive(Debug)]
struct Resolve {
    step: StepId,
}

impl Resolve {
    fn command(&self, outcome: Resolution, reason: String) -> Command {
        Command::Resolve { step: self.step.clone(), outcome, reason }
    }
}

impl Question for Resolve {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&self.command(Resolution::Failed, "-".to_owned()), cx)?;
        let plan = known(cx.state, &self.step)?;
        let mut rows = standing(&self.step, cx);
        if let Some(what) = &cx.state.step(&self.step).what {
            rows.push(Row::title("IT RAN").and(Tone::Dim, format!("  {}", preview::digest(what))));
            rows.extend(Row::exact(Tone::Plain, what).map(|row| row.indent(2)));
        }
        rows.push(Row::blank());
        rows.push(Row::new(
            "Look at the system itself, not at this screen. What you say is recorded as your word.",
        ));
        rows.push(Row::title("done").and(Tone::Plain, ": it counts as passed. No proof was seen."));
        rows.push(Row::title("failed").and(Tone::Plain, ": it counts as failed; retry, skip or roll back."));
        rows.push(Row::title("run again").and(Tone::Plain, ": it runs as a new attempt, at once:"));
        if !plan.idempotent {
            rows.push(
                Row::mark(Mark::Warn, "the runbook does not call it idempotent: it may happen twice")
                    .indent(2),
            );
        }
        rows.extend(preview::step(plan, cx.state).into_iter().map(|row| row.indent(1)));
        Ok(Page {
            title: "WHAT BECAME OF IT?".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            fields: vec![Field::text("reason", "what you saw", true)],
            buttons: vec![
                Button::close("not now"),
                Button::act("done", "done").needs("reason"),
                Button::act("failed", "failed").needs("reason"),
                Button::act("run again", "run again").needs("reason"),
            ],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        of_step(&self.step, cx.state)
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, _cx: &Context) -> Outcome {
        let outcome = match word {
            "done" => Resolution::Done,
            "failed" => Resolution::Failed,
            _ => Resolution::RunAgain,
        };
        Outcome::Ask { command: self.command(outcome, form.text("reason").unwrap_or_default()), seen }
    }
}
