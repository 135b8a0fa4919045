//! Ending a step's command: which, since when, and what follows.

use super::dialog::{Dialog, Facts, Question, may};
use super::form::{Button, Form, Page, Tier};
use super::row::{Row, Text, Tone};
use super::standing::{known, of_step, standing};
use super::{Context, Opened, Outcome, preview};
use crate::runbook::StepId;
use crate::session::{Command, Refusal};
use crate::ui::format::{about, ms, time};

/// Opens the question whether `step` is ended.
pub fn open(cx: &Context, step: &StepId) -> Opened {
    Dialog::open(Kill { step: step.clone() }, cx)
}

#[derive(Debug)]
struct Kill {
    step: StepId,
}

impl Question for Kill {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        may(&Command::Kill { step: self.step.clone() }, cx)?;
        let plan = known(cx.state, &self.step)?;
        let seen = cx.state.step(&self.step);
        let mut rows = standing(&self.step, cx);
        rows.extend(seen.started.map(|started| {
            let ago = about(cx.state.since(started, cx.now));
            let budget = plan.timeout.map(|t| format!(", budget {}", about(ms(t)))).unwrap_or_default();
            Row::dim(format!("started {}, {ago} ago{budget}", time(started.at))).indent(2)
        }));
        let what = seen.what.clone().unwrap_or_else(|| preview::what(plan, cx.state));
        rows.push(Row::blank());
        rows.push(
            Row::title("WILL BE ENDED")
                .and(Tone::Dim, format!("  {}  {}", plan.action.kind(), preview::digest(&what))),
        );
        rows.extend(Row::exact(Tone::Plain, &what).map(|row| row.indent(2)));
        rows.push(Row::blank());
        rows.push(Row::new(
            "TERM to the command and all that it started, KILL after 10s. What it did so far stays done.",
        ));
        rows.push(preview::failing("It", plan));
        Ok(Page {
            title: "KILL".to_owned(),
            tier: Tier::Risky,
            body: vec![Text::Rows(rows)],
            buttons: vec![Button::close("let it run"), Button::act("kill", "END IT").key('y')],
            ..Page::default()
        })
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        of_step(&self.step, cx.state)
    }

    fn answer(&self, _word: &'static str, _form: &Form, seen: u64, _cx: &Context) -> Outcome {
        Outcome::Ask { command: Command::Kill { step: self.step.clone() }, seen }
    }
}
