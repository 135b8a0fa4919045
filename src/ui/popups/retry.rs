//! Running a step again: what went wrong, and the command whole.

use super::dialog::{Dialog, Facts, Question, may};
use super::form::{Button, Form, Page, Tier};
use super::preview;
use super::row::{Row, Text};
use super::standing::{known, of_step, standing};
use super::{Context, Opened, Outcome};
use crate::runbook::StepId;
use crate::runbook::model::Action;
use crate::session::starting::is_judged_here;
use crate::session::{Command, Refusal};
use crate::ui::theme::Mark;

/// Opens the question whether `step` runs again.
pub fn open(cx: &Context, step: &StepId) -> Opened {
    Dialog::open(Retry { step: step.clone() }, cx)
}

#[derive(Debug)]
struct Retry {
    step: StepId,
}

impl Question for Retry {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&Command::Retry { step: self.step.clone() }, cx)?;
        let plan = known(cx.state, &self.step)?;
        let mut rows = standing(&self.step, cx);
        let only_looks = is_judged_here(&plan.action) || matches!(plan.action, Action::Assert { .. });
        if !plan.idempotent && !only_looks {
            rows.push(Row::mark(
                Mark::Warn,
                "The runbook does not call it idempotent: what it did before stays done.",
            ));
        }
        rows.push(Row::blank());
        rows.push(Row::title("WILL RUN AGAIN"));
        rows.extend(preview::step(plan, cx.state));
        Ok(Page {
            title: "RETRY".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            buttons: vec![Button::close("leave it"), Button::act("retry", "RUN AGAIN").key('y')],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        of_step(&self.step, cx.state)
    }

    fn answer(&self, _word: &'static str, _form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: Command::Retry { step: self.step.clone() }, seen }
    }
}
